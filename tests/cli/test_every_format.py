"""The sample's masks score alike in every format, and two sides may differ in theirs."""

import csv

import nibabel
import numpy as np
import pytest

from tests.cli.given import SAMPLE, Run
from tests.images.test_formats import write

CASES = ("case_01", "case_07")
LABELS = ("--labels", "1=organ,2=vessel,3=lesion")


def convert(side, folder, suffix):
    """Two masks of the sample in another format, on the grid that they have."""
    for case in CASES:
        image = nibabel.load(SAMPLE / side / f"{case}.nii.gz")
        folder.mkdir(exist_ok=True)
        write(folder / f"{case}{suffix}", np.asarray(image.dataobj).astype(np.uint8), image.affine)
    return folder


def scores(path):
    with (path / "scores.csv").open(newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nrrd", ".mgz", ".hdr"])
def test_a_format_with_a_world_gives_the_numbers_of_nifti(run: Run, tmp_path, suffix):
    truth = convert("gt", tmp_path / "gt", ".nii.gz")
    for name, predictions in (
        ("nifti", convert("pred", tmp_path / "a", ".nii.gz")),
        ("other", convert("pred", tmp_path / "b", suffix)),
    ):
        done = run("score", predictions, truth, *LABELS, "-m", "dice,hd95,volume_pred_ml", "--out", tmp_path / name)
        assert done.code == 0, done.err
    nifti, other = scores(tmp_path / "nifti"), scores(tmp_path / "other")
    assert [row[:10] for row in nifti] == [row[:10] for row in other]
    values = [[float(cell or "nan") for row in rows[1:] for cell in row[10:]] for rows in (nifti, other)]
    assert values[0] == pytest.approx(values[1], rel=1e-5, nan_ok=True)


def test_a_folder_of_jpegs_is_refused_with_the_reason(run: Run, tmp_path):
    (tmp_path / "pred").mkdir()
    (tmp_path / "pred" / "case_01.jpg").write_bytes(b"\xff\xd8\xff")
    truth = convert("gt", tmp_path / "gt", ".nii.gz")
    done = run("score", tmp_path / "pred", truth)
    assert done.code == 3
    assert "JPEG, which does not keep ids" in done.err
    done = run("score", tmp_path / "pred" / "case_01.jpg", truth / "case_01.nii.gz")
    assert done.code == 3
    assert "JPEG compression changes values" in done.err
