"""What a message offers is done, word for word, and the number that comes of it is the right one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.given import Run, rows_of, write_image

TRUTH = np.zeros((12, 12, 8), np.uint8)
TRUTH[2:8, 2:8, 2:6] = 1
PRED = np.roll(TRUTH, 2, axis=0)
RIGHT = 2 * 4 / (6 + 6)  # of the six slices of the box four meet
COARSE = np.array([[2.0, 0, 0, 0.5], [0, 2, 0, 0.5], [0, 0, 2, 0.5], [0, 0, 0, 1]])


def pair(pred: np.ndarray, truth: np.ndarray = TRUTH, *, name: str = "a", affine: np.ndarray | None = None) -> None:
    write_image(Path("pred", f"{name}.nii.gz"), pred, affine=affine)
    write_image(Path("truth", "a.nii.gz"), truth)


def whites() -> None:
    for side, grey in (("pred", PRED[..., 3] * 255), ("truth", TRUTH[..., 3])):
        Path(side).mkdir()
        Image.fromarray(grey).save(Path(side, "a.png"))


def one_damaged() -> None:
    pair(PRED)
    write_image(Path("truth", "b.nii.gz"), TRUTH)
    Path("pred", "b.nii.gz").write_bytes(Path("pred", "a.nii.gz").read_bytes()[:60])


def one_missing() -> None:
    pair(PRED)
    write_image(Path("truth", "b.nii.gz"), TRUTH)


OFFERS: dict[str, tuple[Callable[[], None], str, tuple[str, ...], list[float]]] = {
    "names": (
        lambda: pair(PRED, name="a_0000"),
        "--pred-pattern '{case}_0000.nii.gz'",
        ("--pred-pattern", "{case}_0000.nii.gz"),
        [RIGHT],
    ),
    "another grid": (lambda: pair(PRED[::2, ::2, ::2], affine=COARSE), "pass --resample", ("--resample",), [RIGHT]),
    "a lost spacing": (
        lambda: pair(PRED, affine=np.diag([1.0, 1, 3, 1])),
        "--ignore-geometry to compare the arrays as they are",
        ("--ignore-geometry",),
        [RIGHT],
    ),
    "a damaged file": (one_damaged, "--keep-going", ("--keep-going",), [RIGHT]),
    "no prediction": (one_missing, "--missing worst", ("--missing", "worst"), [RIGHT, 0.0]),
    "white for one": (whites, "pass --pred-ids 255=1", ("--pred-ids", "255=1"), [RIGHT]),
    "overshoot": (
        lambda: pair((PRED * 1.08 - 0.04).astype(np.float32)),
        "--clip-probs",
        ("--clip-probs",),
        [RIGHT],
    ),
    "a scale": (lambda: pair(PRED, (TRUTH * 1.01)), "Pass --round-labels", ("--round-labels",), [RIGHT]),
}


@pytest.mark.parametrize("what", OFFERS)
def test_the_remedy_that_a_message_offers_leads_to_the_right_number(run: Run, what: str) -> None:
    given, offer, options, expected = OFFERS[what]
    given()
    asked = ("score", "pred", "truth", "-m", "dice", "--bootstrap", 0)
    refused = run(*asked)
    assert offer in " ".join(refused.err.split())
    done = run(*asked, *options)
    assert done.code == (3 if what == "a damaged file" else 0), done.err  # which fails alone
    assert [float(row["dice"]) for row in rows_of(Path("segeval-results", "scores.csv"))] == pytest.approx(expected)
