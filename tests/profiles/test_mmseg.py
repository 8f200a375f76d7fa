"""`--like mmseg` against what mmsegmentation printed of the same masks: percent with two decimals."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import segeval
from tests.conftest import golden
from tests.verbs.explain.masks import SPACING, cases

CALLED = {"mIoU": "iou[mmseg]", "mAcc": "sensitivity[mmseg]", "mDice": "dice[mmseg]"}


@pytest.mark.parametrize("kind", ["plain", "void"])
def test_the_means_over_all_pixels_of_the_data_set_are_those_of_mmsegmentation(tmp_path: Path, kind: str) -> None:
    for case, (pred, truth) in cases().items():
        if kind == "void":
            truth = truth.copy()
            truth[:2] = 255
        for side, labels in (("pred", pred), ("truth", truth)):
            (tmp_path / side).mkdir(exist_ok=True)
            nib.save(nib.Nifti1Image(labels, np.diag([*SPACING, 1.0])), tmp_path / side / f"{case}.nii.gz")
    results = segeval.score(
        tmp_path / "pred",
        tmp_path / "truth",
        like=["mmseg"],
        include_background=True,
        ignore_label=[255] if kind == "void" else [],
        bootstrap=0,
    )
    pooled = {(row.name, row.column): row.pooled for row in results.summary}
    theirs = golden("mmseg")[kind]
    for called, column in CALLED.items():
        assert 100 * pooled["(mean)", column] == pytest.approx(theirs[called], abs=0.00501), called
    assert 100 * pooled["(all)", "pixel_accuracy[mmseg]"] == pytest.approx(theirs["aAcc"], abs=0.00501)
