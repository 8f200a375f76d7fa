"""One-hot channels in files: ids in another form, and never a volume."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile

import segeval
from segeval.errors import DataError

TRUTH = np.zeros((12, 10), np.uint8)
TRUTH[2:6, 2:8], TRUTH[8:, 5:] = 1, 2
PRED = np.roll(TRUTH, 1, axis=0)
RIGHT = [2 * 18 / 48, (2 * 15) / (20 + 20)]  # of four rows three meet; of those of class 2 one moved to the other end


def one_hot(ids: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(np.stack([ids == label for label in range(3)]), 0, axis).astype(np.uint8)


def write_npy(path: Path, array: np.ndarray) -> None:
    np.save(path.with_suffix(".npy"), array)


def write_npz(path: Path, array: np.ndarray) -> None:
    np.savez(path.with_suffix(".npz"), array)


def write_tiff(path: Path, array: np.ndarray) -> None:
    tifffile.imwrite(path.with_suffix(".tif"), array, photometric="minisblack")


def write_nifti(path: Path, array: np.ndarray) -> None:
    nib.save(nib.Nifti1Image(array, np.eye(4)), path.with_suffix(".nii.gz"))


def scored(tmp_path: Path, write: Callable[[Path, np.ndarray], None], pred: np.ndarray, truth: np.ndarray) -> object:
    for side, array in (("pred", pred), ("truth", truth)):
        (tmp_path / side).mkdir(exist_ok=True)
        write(tmp_path / side / "a", array)
    return segeval.score(tmp_path / "pred", tmp_path / "truth", measures="dice", bootstrap=0)


def dice(results: object) -> list[float]:
    return [row.values["dice"] for row in results.class_rows]  # type: ignore[attr-defined]


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("write", [write_npy, write_npz, write_tiff])
def test_a_flat_image_in_one_hot_channels_is_no_volume(
    tmp_path: Path, write: Callable[[Path, np.ndarray], None], axis: int
) -> None:
    found = scored(tmp_path, write, one_hot(PRED, axis), one_hot(TRUTH, axis))
    assert dice(found) == pytest.approx(RIGHT)
    (case,) = found.case_rows  # type: ignore[attr-defined]
    assert "one-hot channels were read as ids" in case.notes


@pytest.mark.parametrize(("write", "axis"), [(write_npy, 0), (write_npy, -1), (write_nifti, -1)])
@pytest.mark.parametrize("sides", ["both", "pred", "truth"])
def test_a_volume_in_one_hot_channels_is_read_as_ids(
    tmp_path: Path, write: Callable[[Path, np.ndarray], None], axis: int, sides: str
) -> None:
    pred, truth = (np.repeat(ids[..., None], 4, axis=2) for ids in (PRED, TRUTH))
    pred = pred if sides == "truth" else one_hot(pred, axis)
    truth = truth if sides == "pred" else one_hot(truth, axis)
    assert dice(scored(tmp_path, write, pred, truth)) == pytest.approx(RIGHT)


def test_a_volume_of_a_single_class_stays_one(tmp_path: Path) -> None:
    pred, truth = (np.repeat((ids == 1)[..., None], 4, axis=2).astype(np.uint8) for ids in (PRED, TRUTH))
    assert dice(scored(tmp_path, write_npy, pred, truth)) == pytest.approx(RIGHT[:1])


def test_channels_that_may_be_first_or_last_are_refused(tmp_path: Path) -> None:
    cube = np.stack([np.roll(np.eye(3, dtype=np.uint8), shift, axis=1) for shift in range(3)])
    with pytest.raises(DataError, match=r"one-hot along its first and its last axis.*array\.argmax"):
        scored(tmp_path, write_npy, cube, cube)


def test_masks_of_the_classes_of_one_image_are_no_cases() -> None:
    pred, truth = list(one_hot(PRED, 0)), list(one_hot(TRUTH, 0))
    with pytest.raises(
        DataError, match=r"as in those of the classes of one image\. Give these as one array: numpy\.stack"
    ):
        segeval.score(pred, truth, measures="dice")
    assert dice(segeval.score(np.stack(pred), np.stack(truth), measures="dice")) == pytest.approx(RIGHT)
    by_id = segeval.score(dict(enumerate(pred)), dict(enumerate(truth)), measures="dice", bootstrap=0)
    assert dice(by_id)[1:] == pytest.approx(RIGHT)
    with pytest.raises(DataError, match=r"truth is one image, and pred holds 3.*numpy\.stack\(pred\)"):
        segeval.score(pred, TRUTH, measures="dice")
    assert dice(segeval.score(np.stack(pred), TRUTH, measures="dice")) == pytest.approx(RIGHT)


def test_an_axis_of_classes_that_both_sides_have_is_asked_about() -> None:
    pred, truth = one_hot(PRED, 0)[1:], one_hot(TRUTH, 0)[1:]  # without background, so not one-hot
    with pytest.raises(DataError, match=r"channel_axis='first' says that one of its axes counts classes. Give ids"):
        segeval.score(pred, truth, measures="dice", channel_axis="first")
    given = segeval.score(pred.astype(np.float32), TRUTH, measures="dice", channel_axis="first", labels=[1, 2])
    assert dice(given) == pytest.approx(RIGHT)


def test_an_array_of_one_case_loses_its_lone_axis_beside_an_image_with_a_place() -> None:
    pred, truth = (np.repeat(ids[..., None], 4, axis=2) for ids in (PRED, TRUTH))
    placed = nib.Nifti1Image(pred, np.eye(4))
    with pytest.raises(DataError, match=r"has no place in the world.*--ignore-geometry"):
        segeval.score(placed, truth[None], measures="dice")
    assert dice(segeval.score(placed, truth[None], measures="dice", ignore_geometry=True)) == pytest.approx(RIGHT)
