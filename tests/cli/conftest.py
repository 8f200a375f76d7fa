"""Run the command line: in this process, or as the program that a user starts."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from segeval.cli import app
from tests.cli.given import ROOT, Done, Run, ids, write_cases

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def _clean_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder, and nothing in the environment that the program listens to."""
    monkeypatch.chdir(tmp_path)
    for name in [*os.environ]:
        if name.startswith("SEGEVAL_") or name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "GITHUB_ACTIONS"):
            monkeypatch.delenv(name)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process."""

    def run_it(*arguments: Any) -> Done:
        code = app.run([str(one) for one in arguments])
        said = capfd.readouterr()
        return Done(code=code, out=said.out, err=said.err)

    return run_it


def _hear_signals() -> None:
    """Jobs in the background of a shell start with Ctrl-C ignored, those of nohup with SIGHUP, and would pass it on."""
    for name in ("SIGINT", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


@pytest.fixture
def start() -> Iterator[Start]:
    """Start `python -m segeval`; whatever still runs when the test ends is killed."""
    started: list[subprocess.Popen[str]] = []

    def start_it(*arguments: Any, env: dict[str, str] | None = None, **more: Any) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "segeval", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        pipes["preexec_fn"] = _hear_signals
        started.append(subprocess.Popen(command, **{**pipes, "env": environment, **more}))
        return started[-1]

    yield start_it
    for one in started:
        one.kill()
        one.communicate()


@pytest.fixture
def program(start: Start) -> Run:
    """Run the program as a user does, and wait for it."""

    def run_it(*arguments: Any, **more: Any) -> Done:
        process = start(*arguments, **more)
        out, err = process.communicate(timeout=60)
        return Done(code=process.returncode, out=out, err=err)

    return run_it


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Predictions and truths of three cases, small enough to count by hand.

    Class 1: dice 6/7, 1 and (nowhere) undefined; class 2: dice 4/5, 0 (missed) and 0 (a false alarm).
    """
    pred = {
        "a": ids("11100000", "22200000"),  # 1: 3 of 4 found; 2: 2 found, 1 too many
        "b": ids("11000000", "00000000"),  # 1: perfect; 2: missed
        "c": ids("00000000", "00220000"),  # 2: a false alarm
    }
    truth = {
        "a": ids("11110000", "22000000"),
        "b": ids("11000000", "00000022"),
        "c": ids("00000000", "00000000"),
    }
    return write_cases(tmp_path / "pred", pred), write_cases(tmp_path / "truth", truth)


@pytest.fixture
def scored_runs(
    run: Run, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images of two cases, and the runs `old` and `new` of them, scored once and copied for each test."""
    from tests.cli.remedies import NEW, NN, OLD, images

    made = tmp_path_factory.getbasetemp() / "scored-runs"
    if not made.exists():
        made.mkdir()
        monkeypatch.chdir(made)
        images()
        for command in (OLD, NEW, NN):
            assert run(*command).code == 0
        monkeypatch.chdir(tmp_path)
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
