"""Masks as voxel lists, and their connected parts, against dense arrays and scipy's labelling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from segeval.errors import ConfigError
from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.components import Connectivity, components_of, count_background_parts
from segeval.evidence.lesions.instance_maps import InstanceMap
from segeval.evidence.masks import Masks, Voxels
from tests.masks import ONE

DTYPES = [np.uint8, np.int8, np.uint16, np.int16, np.int32, np.uint32, np.int64]
few = settings(max_examples=40)
CONNECTIVITIES: tuple[Connectivity, ...] = ("face", "edge", "full")


def masks(min_dims: int = 2) -> st.SearchStrategy[np.ndarray]:
    shapes = hnp.array_shapes(min_dims=min_dims, max_dims=3, max_side=7)
    return shapes.flatmap(lambda shape: hnp.arrays(np.bool_, shape))


@given(masks(), st.data())
def test_slices_without_voxels_are_taken_out_as_numpy_does(mask: np.ndarray, data: st.DataObject) -> None:
    free, left = [], mask
    for axis in range(mask.ndim):
        empty = np.flatnonzero(~mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        out = sorted(data.draw(st.sets(st.sampled_from(empty.tolist())))) if len(empty) else []
        free.append(np.array(out, dtype=np.int64))
        left = np.delete(left, free[-1], axis=axis)
    found = Voxels.of(mask).without(free)
    assert found.shape == left.shape
    np.testing.assert_array_equal(found.dense(), left)


@st.composite
def label_images(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Two label images of one shape, in any integer types and memory orders."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=3, max_side=6))
    sides = []
    for _ in range(2):
        labels = draw(hnp.arrays(draw(st.sampled_from(DTYPES)), shape, elements=st.integers(0, 4)))
        sides.append(np.asarray(labels, order=draw(st.sampled_from(["C", "F"]))))
    return sides[0], sides[1]


def structure(ndim: int, connectivity: Connectivity) -> np.ndarray:
    steps = {"face": 1, "edge": 2, "full": ndim}[connectivity]
    return np.asarray(ndimage.generate_binary_structure(ndim, steps))


@few
@given(label_images())
def test_the_voxels_of_each_class_are_gathered_in_flat_order(images: tuple[np.ndarray, np.ndarray]) -> None:
    pred, truth = images
    classes = [LabelClass(name=str(ids), ids=ids) for ids in ((1,), (3, 2), (0,), (0, 4), (300,), (2_147_483_647,))]
    found = Masks.of(pred, truth, classes=classes, ignore=(4,))
    for i, one in enumerate(classes):
        for side, labels in ((found.pred[i], pred), (found.truth[i], truth)):
            expected = np.flatnonzero(np.isin(labels, one.ids) & (truth != 4))
            assert side.index.tolist() == expected.tolist()


def test_an_id_of_any_size_is_a_class() -> None:
    truth = np.zeros((3, 4), dtype=np.int64)
    truth[1, 2] = 2_147_483_647
    found = Masks.of(truth, truth, classes=[LabelClass(name="far", ids=(2_147_483_647,))])
    assert found.truth[0].index.tolist() == [6]


@few
@given(masks(), st.integers(0, 2))
def test_a_boxed_mask_is_the_mask_cut_out(inside: np.ndarray, margin: int) -> None:
    boxed = Voxels.of(inside).in_box(margin=margin).dense()
    if not inside.any():
        assert boxed.shape == (2 * margin,) * inside.ndim
        return
    box = ndimage.find_objects(inside.astype(int))[0]
    np.testing.assert_array_equal(boxed, np.pad(inside[box], margin))


@few
@given(masks(min_dims=1), st.sampled_from(CONNECTIVITIES))
def test_parts_are_those_of_scipy_numbered_by_their_first_voxel(inside: np.ndarray, connectivity: Connectivity) -> None:
    if connectivity == "edge" and inside.ndim < 3:
        return
    parts = components_of(Voxels.of(inside), connectivity=connectivity)
    expected, n = ndimage.label(inside, structure(inside.ndim, connectivity))
    numbers = np.zeros(inside.shape, dtype=int)
    numbers.flat[parts.index] = parts.ids[parts.owner]
    np.testing.assert_array_equal(numbers, expected)
    assert len(parts) == n
    assert parts.n_voxels.tolist() == np.bincount(expected.ravel(), minlength=n + 1)[1:].tolist()


def test_voxels_at_opposite_ends_of_neighbouring_lines_do_not_touch() -> None:
    inside = np.zeros((2, 3, 4), dtype=bool)
    inside[0, 0, 3] = inside[0, 1, 0] = inside[0, 2, 3] = True
    assert len(components_of(Voxels.of(inside), connectivity="full")) == 3
    inside[0, 1, 0], inside[1, 0, 0] = False, True
    assert len(components_of(Voxels.of(inside), connectivity="full")) == 3


@few
@given(masks(), st.sampled_from(["face", "full"]))
def test_the_background_falls_into_as_many_parts_as_scipy_finds(inside: np.ndarray, connectivity: Connectivity) -> None:
    padded = np.pad(inside, 1)
    _, n = ndimage.label(~padded, structure(inside.ndim, connectivity))
    assert count_background_parts(Voxels.of(padded), connectivity=connectivity) == n


@few
@given(masks())
def test_the_surface_of_a_part_is_what_erosion_takes_away(inside: np.ndarray) -> None:
    parts = components_of(Voxels.of(inside), connectivity="face")
    eroded = ndimage.binary_erosion(inside)
    assert parts.surface.index.tolist() == np.flatnonzero(inside & ~eroded).tolist()


def test_instances_that_touch_have_a_surface_between_them() -> None:
    instances = np.repeat([[1, 1, 1, 2, 2, 2]], 6, axis=0)
    parts = InstanceMap(ids=instances).parts_of(Voxels.of(instances > 0), ONE[0])
    inner = np.ones(36, dtype=bool)
    inner[parts.surface.index] = False
    assert np.flatnonzero(inner).tolist() == [7, 10, 13, 16, 19, 22, 25, 28]


def test_edge_neighbours_are_refused_in_two_dimensions() -> None:
    with pytest.raises(ConfigError, match=r"connectivity=edge .* 3-D only; this image is 2-D"):
        components_of(Voxels.of(np.ones((2, 2), dtype=bool)), connectivity="edge")


def test_parts_below_the_size_are_dropped_and_counted() -> None:
    inside = np.array([[1, 0, 1, 1, 0, 1, 1, 1]], dtype=bool)
    parts = components_of(Voxels.of(inside)).at_least(2.0)
    assert (parts.ids.tolist(), parts.n_voxels.tolist(), parts.n_dropped) == ([2, 3], [2, 3], 1)
    assert parts.index.tolist() == [2, 3, 5, 6, 7]


def test_a_size_that_is_reached_but_for_rounding_is_kept() -> None:
    inside = np.array([[1, 1, 1]], dtype=bool)
    assert len(components_of(Voxels.of(inside)).at_least(0.3 / 0.1)) == 1


def test_an_instance_map_brings_its_own_ids_and_its_zero_is_no_part() -> None:
    instances = np.array([[7, 7, 0, 3, 3]])
    parts = InstanceMap(ids=instances).parts_of(Voxels.of(np.ones((1, 5), dtype=bool)), ONE[0])
    assert (parts.ids.tolist(), parts.owner.tolist(), parts.index.tolist()) == ([3, 7], [1, 1, 0, 0], [0, 1, 3, 4])


@pytest.mark.parametrize("connectivity", CONNECTIVITIES)
@pytest.mark.parametrize("density", [0.05, 0.3, 0.5])
def test_a_crowded_mask_has_the_parts_that_scipy_finds_numbered_as_they_begin(
    connectivity: Connectivity, density: float
) -> None:
    """With so many runs the box around the mask is numbered at once; a sparse one is taken run by run."""
    dense = np.zeros((30, 30, 40), dtype=bool)
    dense[3:28, 2:26, 5:36] = np.random.default_rng(0).random((25, 24, 31)) < density
    found = components_of(Voxels.of(dense), connectivity=connectivity)
    numbers = ndimage.label(dense, structure=structure(3, connectivity))[0][dense]
    _, first, part = np.unique(numbers, return_index=True, return_inverse=True)
    np.testing.assert_array_equal(found.owner, np.argsort(np.argsort(first))[part])
