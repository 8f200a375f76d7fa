"""What a voxel measures."""

import math

import numpy as np
import pytest

from segeval.evidence.case import Case
from segeval.evidence.grid import Grid
from segeval.evidence.overlap.counts import Counts
from segeval.metrics.volume import absolute_volume_difference_ml, volume_pred_ml, volume_truth_ml


def test_a_voxel_of_a_cubic_centimetre_is_a_millilitre() -> None:
    assert Grid(shape=(4, 5, 6), spacing_mm=(10.0, 10.0, 10.0)).voxel_ml == 1.0
    assert Grid(shape=(4, 5, 6), spacing_mm=(0.8, 0.8, 3.0)).voxel_ml == pytest.approx(0.00192)


@pytest.mark.parametrize(
    "grid", [Grid(shape=(4, 5, 6)), Grid(shape=(4, 5)), Grid(shape=(4, 5), spacing_mm=(0.5, 0.5))], ids=str
)
def test_pixels_and_voxels_without_a_size_have_no_volume(grid: Grid) -> None:
    assert math.isnan(grid.voxel_ml)


def test_the_shape_of_a_case_is_that_of_its_truth() -> None:
    mask = np.zeros((2, 3, 4), dtype=np.uint8)
    assert Case(case_id="x", pred=mask, truth=mask).shape == (2, 3, 4)


def test_volumes_are_counts_times_the_voxel() -> None:
    counts = Counts(tp=np.array([3]), fp=np.array([1]), fn=np.array([2]), tn=np.array([18]))
    grid = Grid(shape=(2, 3, 4), spacing_mm=(2.0, 5.0, 10.0))  # 0.1 ml
    assert volume_pred_ml(counts, grid).tolist() == pytest.approx([0.4])
    assert volume_truth_ml(counts, grid).tolist() == pytest.approx([0.5])
    assert absolute_volume_difference_ml(counts, grid).tolist() == pytest.approx([0.1])
    assert math.isnan(volume_pred_ml(counts, Grid(shape=(4, 6), spacing_mm=(2.0, 5.0)))[0])
