"""All masks of a map, and the exact best of them."""

from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segeval.metrics.overlap import dice, informedness, iou, sensitivity, specificity
from segeval.verbs.sweep.maps.curve import Curve, calibrated_threshold, first_best, score_of, tversky_score
from tests.conftest import golden
from tests.sweep_maps import B, Map, maps_with_ties, random_map, scored

WORKED = golden("sweep")
BETAS = np.linspace(0.02, 0.98, 49)


def curve_of(one: Map) -> Curve:
    return Curve.of(scored(*one).histogram())


@pytest.mark.parametrize(("alpha", "beta"), [(0.9, 0.1), (0.5, 0.5), (0.3, 0.7), (0.1, 0.9)])
def test_the_worked_thresholds_come_out(alpha: float, beta: float) -> None:
    curve, score, key = curve_of(B), tversky_score(alpha, beta), f"sweep.threshold.a{alpha}b{beta}"
    best = curve.best(score)
    assert curve.thresholds[best] == WORKED[key]
    assert 1 - score(curve.counts)[best] == pytest.approx(WORKED[f"{key}.loss"], abs=1e-9)


@given(maps_with_ties(), st.floats(0, 2), st.floats(0, 2))
def test_the_best_of_all_masks_is_found_among_the_corners(one: Map, alpha: float, beta: float) -> None:
    curve, score = curve_of(one), tversky_score(alpha, beta or 1.0)
    assert curve.best(score) == first_best(score(curve.counts))


@given(maps_with_ties())
def test_youden_too_is_best_at_a_corner(one: Map) -> None:
    curve = curve_of(one)
    if not one[1].all():
        assert curve.best(informedness) == first_best(informedness(curve.counts))


@settings(max_examples=100)
@given(st.lists(maps_with_ties(), min_size=1, max_size=3))
def test_a_dearer_miss_never_raises_the_threshold(maps: list[Map]) -> None:
    curve = Curve.of(reduce(add, (scored(*one).histogram() for one in maps)))
    best = [curve.best(tversky_score(1 - beta, beta)) for beta in BETAS]
    counts = curve.counts[np.array(best)]
    assert (np.diff(curve.thresholds[best]) <= 0).all()
    assert (np.diff(sensitivity(counts)) >= 0).all()
    if not all(one[1].all() for one in maps):
        assert (np.diff(specificity(counts)) <= 0).all()


@given(maps_with_ties())
def test_only_misses_matter_selects_the_largest_threshold_with_full_sensitivity(one: Map) -> None:
    curve = curve_of(one)
    full = np.flatnonzero(sensitivity(curve.counts) == 1)
    assert curve.best(tversky_score(0.0, 1.0)) == full[0]


@given(maps_with_ties())
def test_only_alarms_matter_selects_the_highest_precision(one: Map) -> None:
    curve = curve_of(one)
    masks = curve.counts[slice(1, None)]
    precisions = masks.tp / (masks.tp + masks.fp)
    assert curve.best(tversky_score(1.0, 0.0)) == 1 + np.flatnonzero(precisions == precisions.max())[0]


@given(maps_with_ties())
def test_dice_and_iou_are_best_at_the_same_threshold(one: Map) -> None:
    curve = curve_of(one)
    best = curve.best(score_of("dice", 0.0, 0.0))
    assert best == curve.best(score_of("jaccard", 0.0, 0.0))
    assert dice(curve.counts)[best] == np.nanmax(dice(curve.counts))
    assert iou(curve.counts)[best] == np.nanmax(iou(curve.counts))


@pytest.mark.parametrize("method", ["step", "trapezoid"])
def test_the_worked_areas_come_out(method: str) -> None:
    assert curve_of(B).average_precision(method) == pytest.approx(WORKED[f"metric.apr.{method}"], abs=1e-9)


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 0.5), (0.3, 0.7), (1.0, 1.0), (0.2, 0.8), (0.9, 0.1), (0.5, 2.0)])
def test_calibrated_maps_choose_the_threshold_that_theory_names(alpha: float, beta: float) -> None:
    curve, score = curve_of(random_map(seed=1, n=200_000)), tversky_score(alpha, beta)
    best = curve.best(score)
    reached = float(score(curve.counts)[best])
    assert curve.thresholds[best] == pytest.approx(calibrated_threshold(reached, alpha, beta), abs=0.02)


def test_a_threshold_between_two_probabilities_gives_the_mask_of_the_higher() -> None:
    curve = curve_of(B)
    assert curve.at(np.array([0.35])).tp == curve.at(np.array([0.4])).tp == 2
    assert curve.next_lower(curve.best(tversky_score(0.5, 0.5))) == 0.2


def test_a_constant_map_has_one_mask_besides_nothing() -> None:
    curve = curve_of((np.full(5, 0.3), np.array([True, False, False, False, False])))
    assert len(curve.thresholds) == 2
    assert curve.best(tversky_score(0.5, 0.5)) == 1
    assert curve.next_lower(1) is None


def test_bins_agree_with_single_values_to_their_width() -> None:
    one = random_map(seed=2)
    exact, binned = curve_of(one), Curve.of(scored(*one).histogram().binned(alone=True))
    assert binned.approx
    for beta in BETAS:
        score = tversky_score(1 - beta, beta)
        there, here = binned.best(score), exact.best(score)
        threshold = binned.thresholds[there]
        assert 1 - score(binned.counts)[there] == pytest.approx(1 - score(exact.counts)[here], abs=1e-3)
        assert exact.at(np.array([threshold])).tp == binned.counts.tp[there], "counts are exact for the threshold"
