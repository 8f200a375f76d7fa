"""Where the voxels lie: what stops a run, what an option allows, and what is said of it."""

from pathlib import Path

import numpy as np
import pytest

from tests.cli.given import Run, cell, number, write_image

OUT = Path("segeval-results")
SCORES = OUT / "scores.csv"
PAIR = ("pred/x.nii.gz", "truth/x.nii.gz")


def blob() -> np.ndarray:
    array = np.zeros((6, 7, 8), dtype=np.uint8)
    array[1:3, 2:5, 3:8] = 1
    return array


def affine(*, spacing: tuple[float, ...] = (2.0, 2.0, 3.0), origin: tuple[float, ...] = (0, 0, 0)) -> np.ndarray:
    matrix = np.diag([*spacing, 1.0])
    matrix[:3, 3] = origin
    return matrix


def write_pair(pred: np.ndarray, *, of_pred: np.ndarray) -> None:
    write_image(Path(PAIR[0]), pred, affine=of_pred)
    write_image(Path(PAIR[1]), blob(), affine=affine())


TURNED = np.array([[0.8, -0.6, 0, 0], [0.6, 0.8, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]) @ affine()
MIRRORED = affine(spacing=(-2, 2, 3), origin=(10, 0, 0))


@pytest.mark.parametrize(
    ("pred", "of_pred", "facts"),
    [
        (blob()[:5], affine(), ["shape (5, 7, 8) differs from truth (6, 7, 8)", "--resample"]),
        (blob(), affine(spacing=(2, 2, 2.5)), ["spacing (2, 2, 2.5) mm differs from truth (2, 2, 3) mm", "--resample"]),
        (blob(), affine(origin=(0, 0, 9)), ["origin (0, 0, 9) differs from truth (0, 0, 0)", "--ignore-geometry"]),
        (blob(), TURNED, ["direction", "(0.8, 0.6, 0)", "differs from truth"]),
    ],
)
def test_another_grid_is_an_error_that_shows_both_sides(
    run: Run, pred: np.ndarray, of_pred: np.ndarray, facts: list[str]
) -> None:
    write_pair(pred, of_pred=of_pred)
    done = run("score", *PAIR)
    assert done.code == 3
    assert done.err.splitlines()[-1].startswith("segeval: pred/x.nii.gz: ")
    assert [fact for fact in facts if fact not in done.err] == []
    assert not OUT.exists()


def test_flipped_axes_are_put_right_and_told(run: Run) -> None:
    write_pair(blob()[::-1], of_pred=MIRRORED)
    done = run("score", *PAIR, "-m", "dice")
    assert done.code == 0
    assert number(SCORES, "dice", case="x") == 1.0
    assert "note: axes LAS reordered to RAS (x)" in done.err


def test_ignore_geometry_compares_the_arrays(run: Run) -> None:
    write_pair(blob(), of_pred=affine(origin=(0, 0, 50)))
    assert run("score", *PAIR, "-m", "dice", "--ignore-geometry").code == 0
    assert number(SCORES, "dice", case="x") == 1.0


def test_resample_puts_the_prediction_on_the_grid_of_the_truth(run: Run) -> None:
    write_pair(np.repeat(blob(), 2, axis=2), of_pred=affine(spacing=(2, 2, 1.5), origin=(0, 0, -0.75)))
    done = run("score", *PAIR, "-m", "dice", "--resample")
    assert done.code == 0
    assert number(SCORES, "dice", case="x") == 1.0
    assert "note: resampled: pred/x.nii.gz: shape (6, 7, 16) differs from truth (6, 7, 8)" in done.err


def test_the_tolerance_is_in_voxels(run: Run) -> None:
    write_pair(blob(), of_pred=affine(origin=(0.02, 0, 0)))
    assert run("score", *PAIR).code == 3
    assert run("score", *PAIR, "-m", "dice", "--geometry-tol", "0.01").code == 0


def test_volumes_are_those_of_the_voxels_in_the_file(run: Run) -> None:
    write_pair(blob(), of_pred=affine())
    run("score", *PAIR, "-m", "volume_truth_ml")
    assert number(SCORES, "volume_truth_ml", case="x") == pytest.approx(30 * 12 / 1000)
    assert cell(OUT / "cases.csv", "spacing_mm", case="x") == "2x2x3"


def test_spacing_is_for_files_without_one_and_says_so(run: Run) -> None:
    write_pair(blob(), of_pred=affine())
    done = run("score", *PAIR, "-m", "dice", "--spacing", "1,1,1")
    assert cell(OUT / "cases.csv", "spacing_mm", case="x") == "2x2x3"
    assert "--spacing is for files without one, and these have their own, which counts: x" in done.err


def test_notes_of_many_cases_are_told_together(run: Run) -> None:
    for i in range(7):
        write_image(Path(f"pred/c{i}.nii.gz"), blob()[::-1], affine=MIRRORED)
        write_image(Path(f"truth/c{i}.nii.gz"), blob(), affine=affine())
    done = run("score", "pred", "truth", "-m", "dice")
    assert "note: axes LAS reordered to RAS (c0, c1, c2, c3, c4 and 2 more)" in done.err
    assert done.err.count("reordered") == 1
    assert run("score", "pred", "truth", "-m", "dice", "--verbose").err.count("reordered") == 7
