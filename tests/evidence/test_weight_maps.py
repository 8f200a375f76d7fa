"""Weight maps: gaps between objects and distances of contours, against all pairs of voxels."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import cdist

from segeval.evidence.arrays import numbered
from segeval.evidence.grid import Lattice
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.channels import ProbMap
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.evidence.probabilities.probabilities import ProbEvidence
from segeval.evidence.probabilities.scored_map import ClassImage
from segeval.evidence.space.in_space import InSpace
from segeval.evidence.space.weight_maps import gap_by_sets, gap_in_mask, object_gap, objects_of
from segeval.losses import rare, shape
from segeval.losses.boundary import shape_aware_loss, unet_weighted_ce_loss

IN_SPACE = [one for module in (shape, rare) for one in vars(module).values() if getattr(one, "needs", 0) == (InSpace,)]
ONE = LabelClass(name="one", ids=(1,))
FEW_OBJECTS = st.sampled_from([0] * 12 + [1, 2, 3])


def gap_by_all_pairs(objects: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Distance of every voxel to every voxel of every object; the two nearest objects add up."""
    places = np.argwhere(np.ones(objects.shape)) * spacing
    numbers = [one for one in np.unique(objects) if one]
    if len(numbers) < 2:
        return np.full(objects.shape, np.inf)
    distances = [cdist(places, np.argwhere(objects == one) * spacing).min(axis=1) for one in numbers]
    return np.sort(distances, axis=0)[:2].sum(axis=0).reshape(objects.shape)


@given(
    hnp.arrays(np.int8, hnp.array_shapes(min_dims=1, max_dims=3, max_side=9), elements=FEW_OBJECTS),
    st.sampled_from([1.7, 3.3, 6.1, np.inf]),
    st.permutations([0.6, 1.0, 2.5]),
)
def test_the_gap_is_that_of_all_pairs_and_infinite_beyond_the_reach(
    objects: np.ndarray, reach: float, spacing: list[float]
) -> None:
    steps = tuple(spacing[: objects.ndim])
    expected = gap_by_all_pairs(objects, steps)
    expected[expected > reach] = np.inf
    np.testing.assert_allclose(object_gap(objects, reach=reach, spacing=steps), expected, rtol=1e-12)


@given(
    hnp.arrays(
        np.int16, hnp.array_shapes(min_dims=1, max_dims=3, max_side=9), elements=st.sampled_from([0, 0, *range(1, 40)])
    ),
    st.permutations([0.6, 1.0, 2.5]),
)
def test_many_objects_at_a_time_have_the_gap_of_all_pairs(objects: np.ndarray, spacing: list[float]) -> None:
    steps = tuple(spacing[: objects.ndim])
    found = gap_by_sets(objects, np.array(steps))
    np.testing.assert_allclose(found, gap_by_all_pairs(objects, steps), rtol=1e-12)


@pytest.mark.parametrize("n", [2, 3, 4, 6, 7])
def test_a_few_objects_far_apart_are_told_by_the_sets_that_they_are_in(n: int) -> None:
    objects = np.zeros((28, 26), dtype=np.int16)
    for number in range(n):
        objects[4 * number : 4 * number + 2, (7 * number) % 24] = number + 1
    steps = (1.0, 0.6)
    found = gap_by_sets(objects, np.asarray(steps))
    np.testing.assert_allclose(found, gap_by_all_pairs(objects, steps), rtol=1e-12)


def test_very_many_objects_take_the_way_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = objects_of(np.random.default_rng(0).random((40, 40)) < 0.05, connectivity=1)
    expected = gap_by_all_pairs(objects, (1.0, 1.0))
    expected[expected > 30] = np.inf
    taken = []
    monkeypatch.setattr(
        "segeval.evidence.space.weight_maps.gap_by_sets",
        lambda *given: taken.append(1) or gap_by_sets(*given),
    )
    np.testing.assert_array_equal(object_gap(objects, reach=30.0), expected)
    assert taken == [1]


@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 30)), elements=FEW_OBJECTS.map(bool)))
def test_no_voxel_outside_the_box_of_a_mask_lies_in_a_gap(mask: np.ndarray) -> None:
    found = np.full(mask.shape, np.inf)
    box, gap = gap_in_mask(mask, reach=4.2)
    found[box] = gap
    np.testing.assert_allclose(found, object_gap(objects_of(mask), reach=4.2), rtol=1e-12)


def a_map(*, ignored: bool) -> tuple[np.ndarray, np.ndarray]:
    """A blurred guess at two near objects and a far one, and perhaps voxels that do not count."""
    random = np.random.default_rng(3)
    truth = np.zeros((9, 40, 11), dtype=np.uint8)
    truth[2:6, 3:8, 2:7] = truth[3:8, 10:15, 4:9] = truth[1:3, 36:39, 1:4] = 1
    probs = np.clip(0.8 * truth + random.normal(0.1, 0.2, truth.shape), 0.01, 0.99)
    if ignored:
        truth[:, 12:20][random.random((9, 8, 11)) < 0.3] = 255
    return probs, truth


def evidence_of(probs: np.ndarray, truth: np.ndarray, order: Any) -> ProbEvidence:
    probs, truth = (np.array(one, order=order) for one in (probs, truth))
    return ProbEvidence.of_maps(
        ProbMaps.of_array(probs[None], truth=truth, channels=(ONE,), ignore=(255,)), classes=(0,)
    )


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("border_on", ["background", "all"])
def test_border_weights_of_a_map_are_those_of_all_pairs(order: str, ignored: bool, border_on: str) -> None:
    probs, truth = a_map(ignored=ignored)
    scored = truth != 255
    gap = gap_by_all_pairs(objects_of(truth == 1), (1.0, 1.0, 1.0))
    border = 10 * np.exp(-(gap**2) / (2 * 2.0**2)) * ((truth == 0) | (border_on == "all"))
    cost = -np.log(np.where(truth == 1, probs, 1 - probs))
    expected = ((1 + border) * cost)[scored].mean()
    call = unet_weighted_ce_loss.at(sigma=2.0, class_balance="none", border_on=border_on)
    assert evidence_of(probs, truth, order).values(call, "class") == pytest.approx([expected], rel=1e-9)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("ignored", [False, True])
def test_contour_distances_weigh_the_voxels_in_which_the_masks_differ(order: str, ignored: bool) -> None:
    probs, truth = a_map(ignored=ignored)
    scored = truth != 255
    pred, true = (probs >= 0.5) & scored, truth == 1
    of_pred, of_truth = (np.argwhere(mask & ~_inner(mask)) for mask in (pred, true))
    distance = cdist(of_pred, of_truth).min(axis=1).mean()
    cost = -np.log(np.where(true, probs, 1 - probs))
    expected = ((1 + distance * (pred != true)) * cost)[scored].mean()
    found = evidence_of(probs, truth, order).values(shape_aware_loss.at(), "class")
    assert found == pytest.approx([expected], rel=1e-9)


def _inner(mask: np.ndarray) -> np.ndarray:
    """The voxels of a mask whose face neighbours all belong to it; outside the image is outside the mask."""
    padded = np.pad(mask, 1)
    inner = padded.copy()
    for axis in range(mask.ndim):
        for step in (-1, 1):
            inner &= np.roll(padded, step, axis=axis)
    return inner[(slice(1, -1),) * mask.ndim]


@given(hnp.arrays(np.int64, st.integers(0, 40), elements=st.one_of(st.integers(0, 9), st.integers(-3, 10**12))))
def test_ids_are_numbered_as_by_a_sort(ids: np.ndarray) -> None:
    for found, expected in zip(numbered(ids), np.unique(ids, return_inverse=True, return_counts=True), strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)


@pytest.mark.parametrize("measure", IN_SPACE, ids=lambda one: one.name)
@pytest.mark.parametrize("which", ["both", "no truth", "no pred", "neither", "everywhere"])
@pytest.mark.parametrize("ignores", [False, True])
def test_a_mask_in_a_large_image_loses_the_same_as_the_same_numbers_as_a_map(
    measure: Any, which: str, ignores: bool
) -> None:
    """Of a mask only the box around both sides is looked at, of a map the whole image."""
    pred, truth = np.zeros((2, 11, 13, 9), dtype=bool)
    pred[0:4, 3:7, 2:6] = which in ("both", "no truth")
    truth[1:5, 4:7, 1:6] = which in ("both", "no pred")
    if which == "everywhere":
        pred[:], truth[:] = True, True
    scored = np.ones(truth.shape, dtype=bool)
    scored[2, 5] = scored[9, 9, 3:] = not ignores
    lattice = Lattice((1.0, 1.5, 0.75))
    maps = ProbMap(stored=pred.view(np.uint8), levels=np.array([0.0, 1.0])), ProbMap(stored=pred.astype(np.float64))
    images = [replace(ClassImage.of(one, truth, scored=scored if ignores else None), lattice=lattice) for one in maps]
    of_mask, of_map = (measure.function(InSpace.of_image(None, image)) for image in images)
    np.testing.assert_allclose(of_mask, of_map, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("truth", [np.ones((2, 3)), np.zeros((2, 3))], ids=["all", "none"])
def test_a_mask_without_a_border_is_as_deep_as_the_image_is_long(truth: np.ndarray) -> None:
    image = InSpace(p=truth, y=truth, costs=lambda: pytest.fail("no cost is asked for"), n_axes=2)
    inside, outside = image.depths("voxel", empty="diagonal")
    np.testing.assert_allclose(inside, np.sqrt(13.0) * truth)
    np.testing.assert_allclose(outside, np.sqrt(13.0) * (1 - truth))


@given(st.data())
def test_the_farthest_voxel_of_an_image_is_found_from_the_part_around_the_mask(data: Any) -> None:
    from scipy.ndimage import distance_transform_edt

    n_axes = data.draw(st.integers(1, 3))
    mask = data.draw(hnp.arrays(bool, hnp.array_shapes(min_dims=n_axes, max_dims=n_axes, max_side=6)))
    lattice = Lattice(tuple(data.draw(st.sampled_from([0.5, 1.0, 3.0])) for _ in range(n_axes)))
    truth = np.pad(mask, data.draw(st.lists(st.tuples(*[st.integers(0, 7)] * 2), min_size=n_axes, max_size=n_axes)))
    one = ProbMap(stored=truth.view(np.uint8), levels=np.array([0.0, 1.0]))
    image = InSpace.of_image(None, replace(ClassImage.of(one, truth), lattice=lattice))
    expected = distance_transform_edt(~truth, sampling=lattice.spacing).max() if truth.any() else 0.0
    assert image.most_outside("mm").item() == pytest.approx(expected, rel=1e-12)
