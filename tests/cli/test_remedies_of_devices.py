"""What is said of devices and of packages that draw, train and write leads to a known number."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pytest

from segeval.verbs.running import scored
from tests.cli.given import Run
from tests.cli.remedies import DICE as SCORES
from tests.cli.remedies import SCORE, TRUTH, Way, follow, numbers_of, pair, score

pytestmark = pytest.mark.slow  # of several runs each

DICE = (*SCORE, "-m", "dice")


def no_torch(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("segeval.evidence.device.has_torch", lambda: False)


def no_gpu(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("segeval.evidence.device.has_torch", lambda: True)
    patch.setattr("segeval.evidence.device._n_cuda", lambda: 0)


def device(says: str, lacks: Callable[[pytest.MonkeyPatch], None], first: str, then: str) -> Any:
    asked = tuple((*DICE, *one.split()) for one in (first, then))
    return lacks, Way(given=pair, first=asked[0], says=says, then=(asked[1],))


DEVICES = {
    "an engine that is not installed": device(
        "pip install 'segeval-masks[torch]', or use --engine numpy.", no_torch, "--engine torch", "--engine numpy"
    ),
    "an engine and a device that are not there": device(
        "or use --engine numpy --device cpu.",
        no_torch,
        "--engine torch --device cuda",
        "--engine numpy --device cpu",
    ),
    "a device without its package": device("or use --device cpu", no_torch, "--device cuda", "--device cpu"),
    "a device that there is not": device("Use --device cpu", no_gpu, "--device cuda", "--device cpu"),
    "a device that there is not, of torch": device(
        "torch sees 0 CUDA devices. Use --device cpu", no_gpu, "--engine torch --device cuda", "--device cpu"
    ),
}


@pytest.mark.parametrize("what", DEVICES)
def test_what_is_said_of_a_device_leads_to_the_right_number(run: Run, what: str) -> None:
    lacks, way = DEVICES[what]
    with pytest.MonkeyPatch.context() as patch:
        lacks(patch)
        follow(run, way)


def installed(package: str, extra: str, *command: Any, **more: Any) -> tuple[str, Way]:
    """A command that needs a package, and the same once it is installed."""
    says = f"pip install 'segeval-masks[{extra}]'"
    return package, Way(**{"given": lambda: None, "first": command, "says": says, "read": SCORES, **more})


def drawn(_: Any) -> list[float]:
    """How many charts have the value of the cases in them."""
    return [float(any(Path("charts").glob("*.svg")))]


PACKAGES = {
    "charts": installed(
        "vl_convert", "figures", "report", "old", "-o", "p.html", "--figures", "charts", read=drawn, right=(1.0,)
    ),
    "a table of Parquet": installed(
        "pyarrow", "parquet", *DICE, "--format", "parquet", read=lambda _: parquet(), right=(2 / 3,)
    ),
    "a workbook": installed("xlsxwriter", "xlsx", *DICE, "--format", "xlsx"),
}


def parquet() -> list[float]:
    from pyarrow.parquet import read_table

    return [float(one) for one in read_table("segeval-results/scores.parquet")["dice"].to_pylist()]


@pytest.mark.parametrize("what", PACKAGES)
def test_a_package_that_is_installed_then_writes_the_file(run: Run, what: str) -> None:
    package, way = PACKAGES[what]
    pytest.importorskip(package)
    pair()
    assert run(*score("old", measures="dice")).code == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, package, None)
        follow(run, replace(way, mend=patch.undo))


def test_a_loss_that_knows_where_voxels_lie_is_scored(run: Run) -> None:
    """One voxel of 1152 is likely by a half, at a distance of 2 from the mask."""
    found = np.zeros(TRUTH.shape, np.float32)
    found[9, 4, 4] = 0.5
    way = Way(
        given=lambda: pair(found),
        first=("sweep", "boundary_loss", "pred", "truth"),
        says="which a sweep does not know. Score with it",
        then=((*SCORE, "-m", "boundary_loss"),),
        read=numbers_of("scores.csv", "boundary_loss"),
        right=(0.5 * 2 / 1152,),
    )
    follow(run, way)


@pytest.mark.parametrize("then", ["--workers 1", "--max-memory 2GiB"])
def test_a_case_that_needs_more_memory_is_scored_alone_or_with_a_limit(
    run: Run, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    """As if there were memory for one image at a time, or for any that know their limit."""
    read, room = scored.read_case, Lock()

    def alone(pair: Any, rules: Any) -> Any:
        if rules.slab_bytes is not None:
            return read(pair, rules)
        if not room.acquire(blocking=False):
            raise MemoryError
        try:
            time.sleep(0.5)  # until the other worker is under way, too
            return read(pair, rules)
        finally:
            room.release()

    monkeypatch.setattr(scored, "read_case", alone)
    way = Way(
        given=lambda: (pair(), pair(name="b.nii.gz")),
        first=(*DICE, "--workers", 2),
        says="Pass --workers 1, or --max-memory 2GiB for what can be scored in slabs",
        then=((*DICE, *then.split()),),
        right=(2 / 3, 2 / 3),
    )
    follow(run, way)
