"""Topology metrics against worked values and scikit-image, and the laws they obey."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage.morphology import skeletonize

from segeval.evidence import topology as core
from segeval.evidence.masks import Voxels
from segeval.evidence.topology import Foreground, Skeletons, Topology, betti_numbers, euler_characteristic, skeleton_of
from segeval.metrics import topology
from tests.conftest import golden
from tests.masks import MASKS, ONE

GOLDEN = golden("topology")
VALUES = GOLDEN["values"]
ERRORS = (topology.betti_error_0, topology.betti_error_1, topology.betti_error_2, topology.betti_error)
few = settings(max_examples=50)


def hollow_and_others() -> dict[str, np.ndarray]:
    """Fixtures H2 and H3: a ring with corners that touch, and cubes with a cavity, a tunnel and a lone corner."""
    box = np.pad(np.ones((5, 5, 5), dtype=bool), 1)
    hollow, tunnel, corner = box.copy(), box.copy(), np.zeros((4, 4, 4), dtype=bool)
    hollow[3, 3, 3] = False
    tunnel[3, 3, :] = False
    corner[1, 1, 1] = corner[2, 2, 2] = True
    ring = np.array(GOLDEN["arrays"]["H2.mask"], dtype=bool)
    return {"H2": ring, "H3.box": box, "H3.hollow": hollow, "H3.tunnel": tunnel, "H3.corner": corner}


SHAPES = hollow_and_others()


def masks(min_dims: int = 2) -> st.SearchStrategy[np.ndarray]:
    shapes = hnp.array_shapes(min_dims=min_dims, max_dims=3, min_side=2, max_side=6)
    return shapes.flatmap(lambda shape: hnp.arrays(np.bool_, shape))


def numbers(mask: np.ndarray, connectivity: Foreground) -> tuple[int, int, int, int]:
    b0, b1, b2 = betti_numbers(Voxels.of(mask), connectivity=connectivity)
    return b0, b1, b2, b0 - b1 + b2


def as_labels(*sides: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(side.astype(np.uint8) for side in sides)


@pytest.mark.parametrize("name", [name for name in VALUES if "_f" in name])
def test_a_worked_number_comes_out(name: str) -> None:
    mask, pair, feature = re.fullmatch(r"(.+)\.(full|face)_\w+\.(\w+)", name).groups()  # type: ignore[union-attr]
    found = dict(zip(("b0", "b1", "b2", "euler"), numbers(SHAPES[mask], pair), strict=True))
    assert found[feature] == VALUES[name]


@pytest.mark.parametrize("name", [name for name in VALUES if re.search(r"(pred|truth)$", name)])
def test_a_worked_number_of_the_larger_masks_comes_out(name: str) -> None:
    fixture, feature, side = name.split(".")
    pred, truth = MASKS[fixture].labels
    found = dict(
        zip(("b0", "b1", "b2", "euler"), numbers((pred if side == "pred" else truth) > 0, "full"), strict=True)
    )
    assert found[feature] == VALUES[name]


@pytest.mark.parametrize("name", [name for name in VALUES if ".cl" in name])
def test_a_worked_agreement_of_centre_lines_comes_out(name: str) -> None:
    fixture, measure = name.split(".")
    if fixture == "K":
        pred, truth = (np.array(GOLDEN["arrays"][f"K.{side}"], dtype=np.uint8) for side in ("pred", "truth"))
    else:
        pred, truth = MASKS[fixture].labels
    skeletons = Skeletons.of(pred, truth, classes=ONE)
    assert getattr(topology, measure)(skeletons) == pytest.approx([VALUES[name]])


def test_the_worked_centre_lines_come_out() -> None:
    for side in ("pred", "truth"):
        mask, worked = (np.array(GOLDEN["arrays"][f"K.{what}{side}"], dtype=bool) for what in ("", "skeleton_"))
        assert skeleton_of(Voxels.of(mask)).tolist() == np.flatnonzero(worked).tolist()


@few
@given(masks(), st.sampled_from(["full", "face"]))
def test_features_are_never_negative_and_agree_with_plain_counting(mask: np.ndarray, connectivity: Foreground) -> None:
    b0, b1, b2, _ = numbers(mask, connectivity)
    full, face = np.ones((3,) * mask.ndim), None
    inner, outer = (full, face) if connectivity == "full" else (face, full)
    assert b0 == ndimage.label(mask, inner)[1]
    assert (b2 if mask.ndim == 3 else b1) == ndimage.label(~np.pad(mask, 1), outer)[1] - 1
    assert min(b0, b1, b2) >= 0
    if mask.ndim == 2:
        assert b0 - b1 == euler_characteristic(np.pad(mask, 1), connectivity=connectivity)


@few
@given(masks())
def test_more_neighbours_join_parts(mask: np.ndarray) -> None:
    assert numbers(mask, "full")[0] <= numbers(mask, "face")[0]


@few
@given(masks())
def test_a_mask_and_its_complement_have_dual_numbers(mask: np.ndarray) -> None:
    padded = np.pad(mask, 1)
    inside = euler_characteristic(np.pad(padded, 1), connectivity="full")
    outside = euler_characteristic(np.pad(~padded, 1), connectivity="face")
    assert outside == (1 + inside if mask.ndim == 3 else 1 - inside)


@few
@given(masks(), st.sampled_from(["full", "face"]))
def test_parts_counted_one_by_one_add_up(mask: np.ndarray, connectivity: Foreground) -> None:
    whole = numbers(mask, connectivity)
    thin = np.sort(skeleton_of(Voxels.of(mask)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core, "_BOX_COST", 0)
        assert numbers(mask, connectivity) == whole
        assert np.sort(skeleton_of(Voxels.of(mask))).tolist() == thin.tolist()


@few
@given(masks())
def test_thinning_a_box_is_thinning_the_image(mask: np.ndarray) -> None:
    room = np.pad(mask, 3)
    expected = skeletonize(room)
    expected = expected if expected.any() else room
    assert np.sort(skeleton_of(Voxels.of(room))).tolist() == np.flatnonzero(expected).tolist()


def test_a_block_that_thins_to_nothing_is_its_own_centre_line() -> None:
    block = np.pad(np.ones((2, 2, 2), dtype=bool), 2)
    assert len(skeleton_of(Voxels.of(block))) == 8


def evidence(pred: np.ndarray, truth: np.ndarray) -> tuple[Topology, Skeletons]:
    sides = as_labels(pred, truth)
    return Topology.of(*sides, classes=ONE), Skeletons.of(*sides, classes=ONE)


def every_value(pred: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    betti, lines = evidence(pred, truth)
    values = {one.name: float(one(betti)[0]) for one in (*ERRORS, topology.euler_error)}
    for one in (topology.cldice, topology.cl_precision, topology.cl_sensitivity):
        values[one.name] = float(one(lines)[0])
    return values


def test_errors_count_the_features_too_many_or_too_few() -> None:
    hollow, box, tunnel = (SHAPES[f"H3.{name}"] for name in ("hollow", "box", "tunnel"))
    assert [one(evidence(hollow, box)[0])[0] for one in ERRORS] == [0, 0, 1, 1]
    assert [one(evidence(hollow, tunnel)[0])[0] for one in ERRORS] == [0, 1, 1, 2]
    assert topology.euler_error(evidence(hollow, tunnel)[0]).tolist() == [2.0]


def test_the_connectivity_decides_whether_corners_join() -> None:
    betti, _ = evidence(SHAPES["H3.corner"], SHAPES["H3.box"][:4, :4, :4])
    assert topology.betti_error_0(betti).tolist() == [0.0]
    assert topology.betti_error_0(betti, connectivity="face").tolist() == [1.0]


@few
@given(masks())
def test_a_perfect_prediction_gets_the_best_value(mask: np.ndarray) -> None:
    values = every_value(mask, mask)
    perfect = 1.0 if mask.any() else np.nan
    for name, value in values.items():
        assert value == pytest.approx(perfect if name.startswith("cl") else 0.0, nan_ok=True), name


@few
@given(masks(3), st.permutations([0, 1, 2]), st.sets(st.integers(0, 2)))
def test_flips_and_axis_swaps_change_no_number(mask: np.ndarray, axes: list[int], flipped: set[int]) -> None:
    turned = np.flip(mask, axis=tuple(flipped)).transpose(axes)
    assert numbers(mask, "full") == numbers(turned, "full")
    assert numbers(mask, "face") == numbers(turned, "face")


@few
@given(masks(3), masks(3))
def test_swapping_the_sides_changes_no_error(one: np.ndarray, other: np.ndarray) -> None:
    room = tuple(max(pair) for pair in zip(one.shape, other.shape, strict=True))
    sides = [np.pad(side, [(0, n - k) for n, k in zip(room, side.shape, strict=True)]) for side in (one, other)]
    there, back = every_value(*sides), every_value(*sides[::-1])
    swapped: dict[str, Any] = {"cl_precision": "cl_sensitivity", "cl_sensitivity": "cl_precision"}
    for name, value in there.items():
        assert value == pytest.approx(back[swapped.get(name, name)], nan_ok=True), name


def test_absent_classes_get_what_the_formula_says() -> None:
    tunnel, nothing = SHAPES["H3.tunnel"], np.zeros((7, 7, 7), dtype=bool)
    assert every_value(nothing, nothing)["betti_error"] == 0.0
    assert every_value(nothing, tunnel)["betti_error"] == every_value(tunnel, nothing)["betti_error"] == 2.0
    both, pred, truth = every_value(nothing, nothing), every_value(nothing, tunnel), every_value(tunnel, nothing)
    for values, expected in ((both, [np.nan] * 3), (pred, [0, np.nan, 0]), (truth, [0, 0, np.nan])):
        found = [values[name] for name in ("cldice", "cl_precision", "cl_sensitivity")]
        assert found == pytest.approx(expected, nan_ok=True)


def test_centre_lines_that_miss_both_masks_score_zero() -> None:
    truth, pred = np.zeros((2, 9, 9), dtype=bool)
    truth[1, 1:8] = pred[7, 1:8] = True
    assert every_value(pred, truth)["cldice"] == 0.0


def test_ignored_voxels_are_background_on_both_sides() -> None:
    truth, pred = np.array([[1, 0, 9, 0, 1]], dtype=np.uint8), np.array([[1, 0, 1, 0, 1]], dtype=np.uint8)
    betti = Topology.of(pred, truth, classes=ONE, ignore=(9,))
    assert topology.betti_error_0(betti).tolist() == [0.0]
