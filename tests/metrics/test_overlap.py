"""Overlap and agreement against values worked out by hand, and against brute force."""

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import segeval
from segeval import catalogue
from segeval.evidence.grid import Grid
from segeval.evidence.overlap.counts import Counts, Joint, per_class_joint
from segeval.metrics.agreement import adjusted_rand_index, gce, kappa, mcc, rand_index, variation_of_information
from segeval.metrics.overlap import dice, f2, sensitivity
from segeval.metrics.partition import generalized_dice_score
from tests.conftest import golden
from tests.masks import MASKS

GOLDEN = golden("overlap")
GRIDS = {
    "B": Grid(shape=(8,)),
    **{
        name: Grid(shape=MASKS[name].pred.shape, spacing_mm=MASKS[name].spacing_mm)
        for name in ("F", "R2", "R3a", "R3b")
    },
}
KNOBS: dict[str, dict[str, Any]] = {
    "gce.taha": {"variant": "taha"},
    "tversky_index.a03b07": {"alpha": 0.3, "beta": 0.7},
    "kappa_linear": {"weights": "linear"},
    "kappa_quadratic": {"weights": "quadratic"},
    **{f"generalized_dice_score.{one}": {"weight": one} for one in ("square", "simple", "uniform")},
}


def counts_of(tp: int, fp: int, fn: int, tn: int) -> Counts:
    return Counts(
        **{name: np.array([one]) for name, one in zip(("tp", "fp", "fn", "tn"), (tp, fp, fn, tn), strict=True)}
    )


def value_of(name: str, counts: Counts, grid: Grid) -> float:
    measure = catalogue.find(name.partition(".")[0])
    evidence = {Counts: counts, Joint: per_class_joint(counts), Grid: grid}
    return float(measure(*(evidence[need] for need in measure.needs), **KNOBS.get(name, {}))[0])


@pytest.mark.parametrize(("fixture", "name"), [(f, name) for f in GRIDS for name in GOLDEN["per_class"][f]])
def test_every_worked_value_of_a_class_is_met(fixture: str, name: str) -> None:
    worked = GOLDEN["per_class"][fixture][name]
    value = value_of(name, counts_of(**GOLDEN["counts"][fixture]), GRIDS[fixture])
    assert value == pytest.approx(math.nan if worked is None else worked, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("fixture", [name for name in GRIDS if name in MASKS])
def test_the_worked_counts_are_those_of_the_masks(fixture: str) -> None:
    pred, truth = MASKS[fixture].pred, MASKS[fixture].truth
    pairs = {"tp": pred & truth, "fp": pred & ~truth, "fn": ~pred & truth, "tn": ~pred & ~truth}
    assert {name: int(one.sum()) for name, one in pairs.items()} == GOLDEN["counts"][fixture]


@pytest.mark.parametrize("name", GOLDEN["case"])
def test_every_worked_value_of_a_case_is_met(name: str) -> None:
    joint = Joint(n=np.array(GOLDEN["joint_pred_by_truth"]).T, in_mean=np.ones(3, dtype=bool))
    measure = catalogue.find(name.partition(".")[0].removesuffix("_linear").removesuffix("_quadratic"))
    assert float(measure(joint, **KNOBS.get(name, {}))) == pytest.approx(GOLDEN["case"][name], abs=1e-9)


ABSENT_COUNTS = {"absent_both": (0, 0, 0, 504), "absent_pred": (0, 0, 24, 480), "absent_truth": (0, 24, 0, 480)}


@pytest.mark.parametrize(("status", "name"), [(s, name) for s in ABSENT_COUNTS for name in GOLDEN["absent"][s]])
def test_every_worked_value_of_an_absent_class_is_met(status: str, name: str) -> None:
    measure = catalogue.find(name.partition(".")[0])
    declared = getattr(measure.absent, status.removeprefix("absent_"))
    grid = Grid(shape=(7, 8, 9), spacing_mm=(1.0, 1.5, 2.0))
    value = value_of(name, counts_of(*ABSENT_COUNTS[status]), grid) if declared is None else declared
    expected = {None: math.nan, "inf": math.inf}.get(GOLDEN["absent"][status][name], GOLDEN["absent"][status][name])
    if measure.unit == "ml" and expected:
        expected = 24 * grid.voxel_ml
    assert value == pytest.approx(expected, abs=1e-9, nan_ok=True)


SMALL = st.integers(0, 6)
FOUR = st.tuples(SMALL, SMALL, SMALL, SMALL).filter(lambda four: sum(four) >= 2)


@given(FOUR)
def test_the_rand_indices_count_pairs_as_brute_force_does(four: tuple[int, int, int, int]) -> None:
    tp, fp, fn, tn = four
    voxels = [(1, 1)] * tp + [(1, 0)] * fp + [(0, 1)] * fn + [(0, 0)] * tn
    pairs = list(combinations(voxels, 2))
    agree = sum((a[0] == b[0]) == (a[1] == b[1]) for a, b in pairs)
    joint = per_class_joint(counts_of(*four))
    assert float(rand_index(joint)[0]) == pytest.approx(agree / len(pairs))
    same_pred, same_truth = (sum(a[side] == b[side] for a, b in pairs) for side in (0, 1))
    same_both = sum(a == b for a, b in pairs)
    expected = same_pred * same_truth / len(pairs)
    most = (same_pred + same_truth) / 2
    if most != expected:
        assert float(adjusted_rand_index(joint)[0]) == pytest.approx((same_both - expected) / (most - expected))


@given(FOUR)
def test_mcc_squared_is_informedness_times_markedness(four: tuple[int, int, int, int]) -> None:
    counts = counts_of(*four)
    product = float(catalogue.find("informedness")(counts)[0] * catalogue.find("markedness")(counts)[0])
    if not math.isnan(product):
        assert float(mcc(per_class_joint(counts))[0]) ** 2 == pytest.approx(product, abs=1e-12)


@given(FOUR)
def test_f2_follows_from_sensitivity_and_dice(four: tuple[int, int, int, int]) -> None:
    counts = counts_of(*four)
    if four[0]:
        assert 1 / f2(counts)[0] == pytest.approx((3 / sensitivity(counts)[0] + 2 / dice(counts)[0]) / 5)


def test_a_constant_mask_correlates_with_nothing() -> None:
    full_against_some = per_class_joint(counts_of(5, 5, 0, 0))
    full_against_full = per_class_joint(counts_of(10, 0, 0, 0))
    assert float(mcc(full_against_some)[0]) == 0.0
    assert math.isnan(float(mcc(full_against_full)[0]))


def test_large_counts_do_not_overflow() -> None:
    joint = per_class_joint(counts_of(10**9, 10**8, 10**8, 10**9))
    assert float(mcc(joint)[0]) == pytest.approx(9 / 11)
    assert float(kappa(joint)[0]) == pytest.approx(9 / 11)
    assert 0 < float(adjusted_rand_index(joint)[0]) < float(rand_index(joint)[0]) < 1


def test_a_perfect_match_of_uneven_classes_gives_exactly_one() -> None:
    joint = per_class_joint(counts_of(3, 0, 0, 99991))
    assert float(mcc(joint)[0]) == 1.0
    assert float(kappa(joint)[0]) == 1.0


def test_the_printed_consistency_error_is_for_two_bins_only() -> None:
    three = Joint(n=np.eye(3, dtype=np.int64), in_mean=np.ones(3, dtype=bool))
    assert math.isnan(float(gce(three, variant="taha")))
    assert float(gce(three)) == 0.0


def test_a_class_that_the_truth_lacks_still_costs_in_the_generalized_dice_score() -> None:
    n = np.array([[90, 0, 5], [0, 5, 0], [0, 0, 0]])
    with_false_alarm = generalized_dice_score(Joint(n=n, in_mean=np.ones(3, dtype=bool)))
    assert 0 < float(with_false_alarm) < 0.8


def test_variation_of_information_is_zero_for_equal_partitions() -> None:
    joint = Joint(n=np.diag([7, 11, 13]), in_mean=np.ones(3, dtype=bool))
    assert float(variation_of_information(joint)) == 0.0


def case_joint(n: list[list[int]], in_mean: list[bool] | None = None) -> Joint:
    return Joint(n=np.array(n), in_mean=np.array(in_mean or [True] * len(n)))


@pytest.mark.parametrize("name", ["kappa", "mcc", "rand_index", "adjusted_rand_index"])
def test_a_pooled_matrix_of_billions_of_voxels_does_not_overflow(name: str) -> None:
    # the scale hardly matters: 12 voxels, 12 thousand and 12 billion agree to within pairs of a voxel with itself
    measure = catalogue.find(name)
    of_thousands, of_billions = (
        float(measure(case_joint([[5 * scale, scale], [scale, 5 * scale]]))) for scale in (10**3, 10**9)
    )
    assert of_billions == pytest.approx(of_thousands, abs=1e-4)
    assert 0.4 < of_billions < 0.8


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
def test_weighted_kappa_does_not_overflow_either(weights: str) -> None:
    n = [[5, 1, 1], [1, 4, 1], [0, 1, 6]]
    large = case_joint([[10**9 * one for one in row] for row in n])
    assert float(kappa(large, weights=weights)) == pytest.approx(float(kappa(case_joint(n), weights=weights)))


@pytest.mark.parametrize("variant", ["martin", "taha"])
def test_a_side_of_one_bin_is_no_refinement_worth_praise(variant: str) -> None:
    nothing_found, all_found = case_joint([[6, 0], [2, 0]]), case_joint([[0, 6], [0, 2]])
    assert float(gce(nothing_found, variant=variant)) == float(gce(all_found, variant=variant)) == 1.0
    assert float(gce(case_joint([[6, 2], [0, 0]]), variant=variant)) == 1.0
    assert float(gce(case_joint([[0, 8], [0, 0]]), variant=variant)) == 1.0
    assert float(gce(case_joint([[8, 0], [0, 0]]), variant=variant)) == 0.0


def test_a_bin_of_one_voxel_is_a_bin_too() -> None:
    # by bins of the truth 3 voxels split as 2 and 1: 4/3 outside; by those of the prediction 1 and 1: 1
    assert float(gce(case_joint([[2, 1], [0, 1]]))) == pytest.approx(1 / 4)


def test_generalized_dice_scores_the_classes_and_not_what_lies_outside_them() -> None:
    # one voxel was predicted outside all classes; with a weight of its own it would be the heaviest
    n = [[0, 0, 0], [0, 1, 0], [1, 0, 1]]
    assert float(generalized_dice_score(case_joint(n, [False, True, True]))) == pytest.approx(2.5 / 2.75)


def test_generalized_dice_of_classes_that_the_truth_lacks_is_zero_and_of_none_at_all_undefined() -> None:
    in_mean = [False, True, True]
    assert float(generalized_dice_score(case_joint([[3, 1, 0], [0, 0, 0], [0, 0, 0]], in_mean))) == 0.0
    assert math.isnan(float(generalized_dice_score(case_joint([[4, 0, 0], [0, 0, 0], [0, 0, 0]], in_mean))))


def test_a_metric_is_found_by_its_name_in_whatever_module_it_is() -> None:
    assert segeval.metrics.generalized_dice_score is generalized_dice_score
    assert {"dice", "gce"} <= set(dir(segeval.metrics))
    with pytest.raises(AttributeError, match=r"has no 'dise'\. Did you mean 'dice'"):
        _ = segeval.metrics.dise
