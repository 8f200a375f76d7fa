"""What is said of devices and of packages that draw, train and write leads to a known number."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.given import Run
from tests.cli.remedies import DICE as SCORES
from tests.cli.remedies import SCORE, TRUTH, Way, follow, numbers_of, pair, score

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


def sheet(_: Any) -> list[float]:
    """The Dice of a workbook."""
    from openpyxl import load_workbook

    rows = list(load_workbook("segeval-results/results.xlsx")["scores"].values)
    return [float(rows[1][rows[0].index("dice")])]


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
