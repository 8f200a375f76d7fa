"""Overlap lesion by lesion, in Voronoi cells."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from segeval.errors import ConfigError
from segeval.evidence.grid import Lattice
from segeval.evidence.lesions.lesions import Lesions
from segeval.evidence.lesions.voronoi import LesionCells, cells_of
from segeval.measure import Absent, Measure
from segeval.metrics.agreement import mutual_information
from segeval.metrics.boundary import assd, hd
from segeval.metrics.boundary_scores import nsd
from segeval.metrics.overlap import dice, fbeta, iou, precision, prevalence, sensitivity, specificity
from segeval.metrics.per_lesion import in_cells, per_lesion, per_lesion_mean
from segeval.metrics.volume import volume_pred_ml
from tests.conftest import golden
from tests.masks import ONE

GOLDEN = golden("lesions")


def of(pred: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...] | None = None, **more: Any) -> LesionCells:
    lesions = Lesions.of(pred, truth, classes=ONE, spacing_mm=spacing or (1.0,) * pred.ndim)
    return LesionCells(lesions=lesions, **more)


def by_hand() -> LesionCells:
    """Fixture L: five lesions on either side."""
    pred, truth = (np.array(GOLDEN["arrays"][f"L.{side}"], dtype=np.uint8) for side in ("pred", "truth"))
    return of(pred, truth)


def row(*ids: int) -> np.ndarray:
    return np.array([ids], dtype=np.uint8)


def test_the_worked_values_come_out() -> None:
    worked = [GOLDEN["values"][f"L.voronoi.dice[{one}]"] for one in range(1, 6)]
    assert per_lesion(dice.at(), by_hand(), 0) == pytest.approx(worked)
    assert per_lesion_mean(dice.at(), by_hand()) == pytest.approx([GOLDEN["values"]["L.voronoi.dice.mean"]])


def test_a_lesion_without_a_prediction_has_the_value_that_a_measure_declares() -> None:
    declared = replace(dice, absent=Absent(pred=-3.0))
    cells = of(row(1, 0, 0, 0, 0), row(1, 0, 0, 0, 1))
    assert per_lesion(declared.at(), cells, 0).tolist() == [1.0, -3.0]


def test_the_worked_cells_come_out() -> None:
    cells = np.array(GOLDEN["arrays"]["L.voronoi.region"])
    truth = by_hand().lesions.found(0).truth
    assert (cells_of(truth, np.arange(cells.size), Lattice((1.0, 1.0))) + 1).tolist() == cells.ravel().tolist()


@settings(max_examples=40)
@given(hnp.arrays(np.uint8, (5, 6), elements=st.integers(0, 1)), st.sampled_from([(1.0, 1.0), (0.7, 1.9), (3.0, 0.1)]))
def test_cells_are_those_of_one_distance_map_per_lesion(truth: np.ndarray, spacing: tuple[float, float]) -> None:
    parts, n = ndimage.label(truth, np.ones((3, 3)))
    if not n:
        return
    maps = [ndimage.distance_transform_edt(parts != one, sampling=spacing) for one in range(1, n + 1)]
    rounded = np.round(maps, 9)  # so that equal distances are equal
    found = cells_of(of(truth, truth, spacing).lesions.found(0).truth, np.arange(truth.size), Lattice(spacing))
    assert found.tolist() == rounded.argmin(axis=0).ravel().tolist()


def test_every_lesion_weighs_the_same() -> None:
    truth, pred = row(1, 1, 1, 1, 1, 1, 0, 0, 0, 1), row(1, 1, 1, 1, 1, 1, 0, 0, 0, 0)
    assert per_lesion_mean(dice.at(), of(pred, truth)).tolist() == [0.5]


def test_a_false_alarm_counts_where_it_is_nearest() -> None:
    truth, pred = row(1, 0, 0, 0, 0, 0, 1), row(1, 0, 1, 0, 0, 0, 1)
    assert per_lesion(iou.at(), of(pred, truth), 0).tolist() == [0.5, 1.0]


def test_distances_are_those_of_the_voxel_size() -> None:
    truth, pred = np.zeros((2, 5, 5), dtype=np.uint8)
    truth[0, 2] = truth[4, 4] = pred[2, 4] = 1
    near_in_voxels = per_lesion(precision.at(), of(pred, truth, (1.0, 1.0)), 0)
    near_in_mm = per_lesion(precision.at(), of(pred, truth, (1.0, 0.1)), 0)
    assert np.isnan(near_in_voxels).tolist() == [True, False]
    assert np.isnan(near_in_mm).tolist() == [True, False]
    flat = per_lesion(precision.at(), of(pred, truth, (0.1, 5.0)), 0)
    assert np.isnan(flat).tolist() == [True, False]


def test_without_true_lesions_a_prediction_gets_the_worst_value_and_none_is_undefined() -> None:
    some, none = row(1, 0), row(0, 0)
    assert per_lesion_mean(dice.at(), of(some, none)).tolist() == [0.0]
    assert math.isnan(per_lesion_mean(dice.at(), of(none, none))[0])
    assert per_lesion_mean(dice.at(), of(none, some)).tolist() == [0.0]


def test_lesions_with_an_undefined_value_are_left_out() -> None:
    truth, pred = row(1, 0, 0, 0, 1), row(1, 0, 0, 0, 0)
    assert per_lesion_mean(precision.at(), of(pred, truth)).tolist() == [1.0]
    assert per_lesion_mean(sensitivity.at(), of(pred, truth)).tolist() == [0.5]


def test_a_boundary_metric_measures_each_lesion_against_what_is_predicted_near_it() -> None:
    truth, pred = row(1, 1, 0, 0, 0, 0, 1, 1), row(1, 1, 1, 0, 0, 1, 1, 1)
    assert per_lesion(hd.at(), of(pred, truth), 0).tolist() == [1.0, 1.0]
    ends_agree = per_lesion(nsd.at(surface="voxel", tolerance_mm=0.0), of(pred, truth), 0)
    assert ends_agree.tolist() == [0.5, 0.5]  # one of two


def test_touching_lesions_of_an_instance_map_have_surfaces_of_their_own() -> None:
    binary, instances = row(1, 1, 1, 1), row(1, 1, 2, 2)
    lesions = Lesions.of(binary, binary, classes=ONE, spacing_mm=(1.0, 1.0), instances=(None, instances))
    assert per_lesion(hd.at(), LesionCells(lesions=lesions), 0).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("policy", "expected"), [("inf", math.inf), ("nan", 0.0), ("diagonal", 5.0), (4.0, 2.0)])
def test_a_missed_lesion_is_as_far_away_as_the_user_says(policy: Any, expected: float) -> None:
    truth, pred = row(1, 0, 0, 0, 1), row(1, 0, 0, 0, 0)
    assert per_lesion_mean(hd.at(), of(pred, truth, empty_distance=policy, diagonal=10.0)).tolist() == [expected]


def test_ignored_voxels_make_no_surface() -> None:
    truth, pred = np.zeros((2, 5, 5), dtype=np.uint8)
    truth[:, :3], pred[:, :2] = 1, 1
    ignored = np.zeros((5, 5), dtype=bool)
    ignored[:, 2:] = True
    lesions = Lesions.of(pred, np.where(ignored, 2, truth), classes=ONE, spacing_mm=(1.0, 1.0), ignore=(2,))
    cells = LesionCells(lesions=lesions, ignored=ignored)
    assert per_lesion_mean(assd.at(), cells).tolist() == [0.0]
    (pair,) = cells.surfaces(lesions.found(0), name="lesion").distances()
    assert pair.pred_to_truth.size == 7  # the two columns without the side where they meet ignored voxels


def test_the_tolerance_may_depend_on_the_class() -> None:
    truth, pred = row(1, 1, 0, 0), row(1, 1, 1, 0)
    (of_class,) = ONE
    cells = of(pred, truth)
    near, far = (per_lesion_mean(nsd.at(surface="voxel", tolerance_mm={of_class.name: mm}), cells) for mm in (0.0, 1.0))
    assert near.tolist() == [0.5]
    assert far.tolist() == [1.0]


def test_the_knobs_of_a_metric_stand_beside_those_of_the_lesions() -> None:
    call = in_cells(fbeta).at(beta=2, matching="voronoi", connectivity="face")
    assert call.column == "fbeta(beta=2,matching=voronoi,connectivity=face)"
    assert call(by_hand()) == per_lesion_mean(fbeta.at(beta=2), by_hand(), connectivity="face")


def test_the_column_always_says_that_it_is_a_mean_over_lesions() -> None:
    assert in_cells(dice).at().column == "dice(matching=voronoi)"
    assert in_cells(nsd).at().column == "nsd(tolerance_mm=1,matching=voronoi)"


@pytest.mark.parametrize(
    ("knobs", "said"),
    [({"min_size_mm3": -1}, "min_size_mm3=-1 is out of range"), ({"matching": "greedy"}, "matching takes voronoi")],
)
def test_a_wrong_knob_is_refused(knobs: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        in_cells(dice).at(**knobs)


@pytest.mark.parametrize("measure", [specificity, prevalence])
def test_a_metric_of_true_negatives_is_refused(measure: Measure) -> None:
    with pytest.raises(ConfigError, match="needs true negatives"):
        in_cells(measure)


@pytest.mark.parametrize("measure", [volume_pred_ml, mutual_information])
def test_a_metric_of_more_than_counts_is_refused(measure: Measure) -> None:
    with pytest.raises(ConfigError, match=f"{measure.name} is not made of voxel counts or surfaces"):
        in_cells(measure)
