"""Outlines and meshes against brute force: voxel by voxel, and every point against every piece."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segeval.evidence.contours.frames import outline_f, outline_of, tolerance_px
from segeval.evidence.contours.in_plane import in_plane_distances
from segeval.evidence.masks import Masks, Voxels
from segeval.evidence.surfaces.meshes import _Search, _to_pieces
from tests.masks import ONE

SLICES = st.sampled_from([(5, 4), (3, 4, 2), (1, 5, 1), (2, 2, 3)])
pairs = SLICES.flatmap(lambda shape: hnp.arrays(np.uint8, (2, *shape), elements=st.integers(0, 1)))


def in_slice(mask: np.ndarray) -> list[tuple[int, ...]]:
    """Voxels of a mask with one of eight neighbours in the slice that is in the image and not in the mask."""
    steps = [(*step, 0)[: mask.ndim] for step in itertools.product((-1, 0, 1), repeat=2)]
    return [
        at
        for at in map(tuple, np.argwhere(mask).tolist())
        if any(
            all(0 <= k < n for k, n in zip(beside, mask.shape, strict=True)) and not mask[beside]
            for beside in (tuple(a + b for a, b in zip(at, step, strict=True)) for step in steps)
        )
    ]


@given(pairs)
def test_distances_in_the_plane_are_those_between_voxels_beside_background(sides: np.ndarray) -> None:
    pred, truth = sides
    spacing = (0.5, 2.0, 3.0)[: pred.ndim]
    (pair,) = in_plane_distances(Masks.of(pred, truth, classes=ONE, spacing_mm=spacing))
    ours, theirs = ([np.multiply(at, spacing) for at in in_slice(side)] for side in (pred, truth))
    for found, here, there in ((pair.pred_to_truth, ours, theirs), (pair.truth_to_pred, theirs, ours)):
        expected = [min((float(np.linalg.norm(a - b)) for b in there), default=math.inf) for a in here]
        assert sorted(found.distance.tolist()) == pytest.approx(sorted(expected))
    assert (pair.presence.in_pred, pair.presence.in_truth) == (bool(pred.any()), bool(truth.any()))
    assert (pair.presence.on_pred, pair.presence.on_truth) == (bool(ours), bool(theirs))


def outlined(mask: np.ndarray) -> list[tuple[int, int]]:
    """Pixels that differ from the one to the right, below, or right below, as far as these are in the image."""
    rows, columns = mask.shape
    return [
        (y, x)
        for y, x in np.ndindex(rows, columns)
        if any(
            mask[y, x] != mask[min(y + down, rows - 1), min(x + right, columns - 1)]
            for down, right in ((0, 1), (1, 0), (1, 1))
        )
    ]


@given(hnp.arrays(np.bool_, (2, 5, 4)), st.sampled_from([0.0, 0.2, 1.0, 1.5, 3.0]))
def test_the_f_of_outlines_is_that_of_all_pairs_of_pixels(sides: np.ndarray, tolerance: float) -> None:
    pred, truth = map(Voxels.of, sides)
    ours, theirs = map(outlined, sides)
    assert [*map(tuple, outline_of(pred).tolist())] == ours
    reach = tolerance if tolerance >= 1 else math.ceil(tolerance * math.hypot(5, 4))
    assert tolerance_px(tolerance, (5, 4)) == reach
    near = [
        np.mean([any(math.dist(a, b) <= reach + 1e-9 for b in there) for a in here]) if here else 0.0
        for here, there in ((ours, theirs), (theirs, ours))
    ]
    expected = 2 * near[0] * near[1] / sum(near) if sum(near) else 0.0
    if sides[0].any() != sides[1].any():
        expected = 0.0
    elif not ours or not theirs:
        expected = float(not ours and not theirs)
    assert outline_f(pred, truth, tolerance=tolerance) == pytest.approx(expected)


@pytest.mark.parametrize("n_vertices", [1, 2, 3])
@given(st.integers(1, 24), st.integers(0, 10**6))
def test_the_nearest_point_of_a_mesh_is_that_of_all_of_its_pieces(n_vertices: int, n_pieces: int, seed: int) -> None:
    """The last piece is far larger than the others, so that its middle says little of how near it is."""
    random = np.random.default_rng(seed)
    mesh = random.normal(size=(n_vertices, 3, n_pieces))
    mesh[..., -1] = 8 * mesh[..., -1]
    points = 3 * random.normal(size=(3, 6))
    each = [_to_pieces(points, np.repeat(piece[..., None], 6, axis=-1)) for piece in np.moveaxis(mesh, -1, 0)]
    assert _Search(mesh).nearest(points) == pytest.approx(np.min(each, axis=0))


def test_the_distance_to_a_triangle_is_to_its_plane_an_edge_or_a_corner() -> None:
    triangle = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0]])[..., None]
    for point, expected in (
        ((1, 1, 2), 2.0),
        ((2, -3, 0), 3.0),
        ((-3, -4, 0), 5.0),
        ((4, 4, 1), 3.0),
        ((1, 0, 0), 0.0),
    ):
        assert _to_pieces(np.array(point, dtype=np.float64)[:, None], triangle) == pytest.approx([expected])
