"""NIfTI headers whose two forms disagree: the one taken is said, and the way out is right."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

import segeval
from segeval.errors import DataError
from segeval.images.readers.readers import read_volume
from segeval.options import ScoreOptions
from segeval.verbs.doctor import audit

CUBE = np.zeros((8, 7, 6), np.uint8)
CUBE[2:5, 2:5, 2:5] = 1
RIGHT = np.diag([1.0, 1, 3, 1])
SHIFTED = np.array([[1.0, 0, 0, 9], [0, 1, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]])


def save(path: Path, array: np.ndarray, *, sform: Any = None, qform: Any = None) -> Path:
    image = nib.Nifti1Image(array, None)
    image.header.set_sform(sform, code=0 if sform is None else 1)
    image.header.set_qform(qform, code=0 if qform is None else 1)
    path.parent.mkdir(exist_ok=True)
    nib.save(image, path)
    return path


def test_the_form_that_is_taken_is_noted(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii.gz", CUBE, sform=SHIFTED, qform=RIGHT)
    for orientation, affine in ((None, SHIFTED), ("sform", SHIFTED), ("qform", RIGHT)):
        volume = read_volume(path, orientation=orientation)
        np.testing.assert_allclose(volume.affine, affine, atol=1e-6)
        assert volume.notes == (f"its sform and qform disagree; the {orientation or 'sform'} is taken",)


def test_forms_that_agree_within_rounding_are_not_spoken_of(tmp_path: Path) -> None:
    turned = RIGHT.copy()
    turned[:3, :3] = [[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 3]]
    assert read_volume(save(tmp_path / "a.nii.gz", CUBE, sform=turned, qform=turned)).notes == ()
    alone = save(tmp_path / "b.nii.gz", CUBE, qform=RIGHT)
    np.testing.assert_allclose(read_volume(alone, orientation="sform").affine, RIGHT)


@pytest.mark.parametrize("side", ["pred", "truth"])
def test_sides_that_differ_by_that_choice_only_are_told_and_the_way_is_right(tmp_path: Path, side: str) -> None:
    sforms = {"pred": RIGHT, "truth": RIGHT, side: SHIFTED}
    pred = save(tmp_path / "pred" / "a.nii.gz", np.roll(CUBE, 1, axis=2), sform=sforms["pred"], qform=RIGHT)
    truth = save(tmp_path / "truth" / "a.nii.gz", CUBE, sform=sforms["truth"], qform=RIGHT)
    with pytest.raises(DataError, match=r"By their qform in place of the sform .* --orientation qform"):
        segeval.score(pred, truth)
    found = segeval.score(pred, truth, measures=["hd"], orientation="qform")
    assert [row.values["hd"] for row in found.class_rows] == [3.0]
    assert any("the qform is taken" in note for note in found.case_rows[0].notes)
    (finding,) = audit(pred, truth, ScoreOptions()).findings
    assert "--orientation qform" in finding.problem
    assert not audit(pred, truth, ScoreOptions(orientation="qform")).problems


def test_grids_that_differ_anyway_are_not_told_to_take_the_other_form(tmp_path: Path) -> None:
    pred = save(tmp_path / "pred" / "a.nii.gz", CUBE, sform=SHIFTED, qform=np.diag([2.0, 1, 3, 1]))
    truth = save(tmp_path / "truth" / "a.nii.gz", CUBE, sform=RIGHT, qform=RIGHT)
    with pytest.raises(DataError) as caught:
        segeval.score(pred, truth)
    assert "--orientation" not in str(caught.value)


def test_a_form_that_makes_no_sense_does_no_harm_where_the_other_is_taken(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii.gz", CUBE, sform=np.diag([1.0, 0, 3, 1]), qform=RIGHT)
    with pytest.raises(DataError, match="folds the grid flat"):
        read_volume(path)
    np.testing.assert_allclose(read_volume(path, orientation="qform").affine, RIGHT, atol=1e-6)


@pytest.mark.parametrize("axis", ["first", "last"])
def test_channels_and_forms_go_together(tmp_path: Path, axis: Any) -> None:
    maps = np.stack([CUBE, 1 - CUBE], axis=0 if axis == "first" else -1).astype(np.float32)
    path = save(tmp_path / "a.nii.gz", maps, sform=SHIFTED, qform=RIGHT)
    volume = read_volume(path, channel_axis=axis)
    np.testing.assert_allclose(volume.other_affine, RIGHT, atol=1e-6)
    assert volume.array.shape == (*CUBE.shape, 2)
