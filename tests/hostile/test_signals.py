"""Runs that are ended at any moment or get too little memory: files are whole or absent, and the next run is well."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.given import ROOT, write_image
from tests.hostile.conftest import Tally

OUT = Path("run")
SCORE = ("score", "pred", "truth", "-m", "dice", "-o", "run")
SAID = {signal.SIGINT: (0, 130), signal.SIGTERM: (0, 130), signal.SIGHUP: (0, 130), signal.SIGKILL: (0, -9)}


@pytest.fixture(autouse=True)
def _folders() -> None:
    image = np.zeros((60, 60, 60), np.uint8)
    image[20:40, 20:40, 20:40] = 1
    for side in ("pred", "truth"):
        for i in range(40):
            write_image(Path(side, f"{i:02}.npy"), image)


def start(*arguments: str, **more: Any) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "segeval", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def as_a_shell_does() -> None:
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def is_whole() -> bool:
    """No run at all, or one whose parts can be read."""
    if not (OUT / "run.json").exists():
        return True
    document = json.loads((OUT / "run.json").read_text())
    return isinstance(document["complete"], bool) and all((OUT / name).exists() for name in document["written"])


@pytest.mark.slow
def test_a_signal_leaves_files_whole_or_absent(tally: Tally, times: Callable[..., int]) -> None:
    rng = np.random.default_rng(8)
    for attempt in range(times(4, 80)):
        number = [*SAID][attempt % len(SAID)]
        process = start(*SCORE, preexec_fn=as_a_shell_does)
        time.sleep(float(rng.uniform(0.05, 1.5)))
        process.send_signal(number)
        process.communicate(timeout=120)
        # before the first line of ours and after the last, Python itself has the say: an interrupt, 130 to a shell
        early = (-number,) if number == signal.SIGKILL else (-number, -signal.SIGINT)
        tally.note(
            f"{number.name} {attempt}: {process.returncode}",
            stood=process.returncode in SAID[number] + early and is_whole(),
        )
    process = start(*SCORE)
    _, said = process.communicate(timeout=300)
    left = [path.name for path in Path().rglob(".segeval*")]
    tally.note(f"the next run: {said!r} {left}", stood=process.returncode == 0 and is_whole() and not left)


@pytest.mark.skipif(sys.platform != "linux", reason="limits on addresses are told by Linux")
def test_few_addresses_are_told_as_want_of_memory_and_hang_nothing(tally: Tally, times: Callable[..., int]) -> None:
    for mib in [*range(150, 1200, 60)] if times(0, 1) else [292, 560]:
        limit = mib << 20
        process = start(*SCORE, preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        try:
            _, said = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            process.kill()
            said = b"hangs"
        told = process.returncode == 3 and b"not enough memory" in said
        tally.note(f"{mib} MiB: {process.returncode} {said[-200:]!r}", stood=told or process.returncode == 0)
        assert mib > 512 or told
