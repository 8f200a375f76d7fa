"""What a voxel measures."""

import math

import numpy as np
import pytest

from segeval.evidence.case import Case
from segeval.evidence.grid import Grid, Lattice, skewed_axes
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


def test_the_voxel_of_a_sheared_grid_is_as_large_as_the_determinant_says() -> None:
    affine = np.array([[0.8, 0, 0], [0, 0.9, 2 * math.tan(math.radians(30))], [0, 0, 2]])  # a gantry tilted by 30°
    lengths = tuple(np.linalg.norm(affine, axis=0).tolist())
    grid = Grid(shape=(4, 5, 6), spacing_mm=lengths, axes_mm=skewed_axes(affine))
    assert grid.voxel_ml == pytest.approx(0.8 * 0.9 * 2 / 1000, rel=1e-12)
    assert grid.diagonal == pytest.approx(np.linalg.norm(affine @ [4, 5, 6]), rel=1e-12)


def test_a_rotated_grid_is_not_sheared() -> None:
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    assert skewed_axes((turn * [0.8, 0.9, 2.0]).astype(np.float32)) is None
    assert skewed_axes(turn[:, :2] * [0.8, 0.9]) is None


@pytest.mark.parametrize("n_axes", [2, 3])
def test_lengths_and_places_on_a_sheared_grid_are_those_in_the_world(n_axes: int) -> None:
    columns, at = np.random.default_rng(1).normal(size=(3, n_axes)), np.arange(-6, 6).reshape(-1, n_axes)
    axes = skewed_axes(columns)
    lattice = Lattice(tuple(np.linalg.norm(columns, axis=0).tolist()), axes)
    wanted = np.linalg.norm(at @ columns.T, axis=1)
    assert lattice.lengths(at.T) == pytest.approx(wanted, rel=1e-12)
    assert np.linalg.norm(lattice.places(at), axis=1) == pytest.approx(wanted, rel=1e-12)
