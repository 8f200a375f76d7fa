"""Overlap lesion by lesion, in Voronoi cells."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from segeval.core.lesions import Lesions
from segeval.core.voronoi import cells_of
from segeval.errors import ConfigError
from segeval.metrics.overlap import dice, iou, precision, prevalence, sensitivity, specificity
from segeval.metrics.per_lesion import per_lesion, per_lesion_mean
from segeval.metrics.volume import volume_pred_ml
from tests.conftest import golden
from tests.masks import ONE

GOLDEN = golden("lesions")


def of(pred: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...] | None = None) -> Lesions:
    return Lesions.of(pred, truth, classes=ONE, spacing_mm=spacing or (1.0,) * pred.ndim)


def by_hand() -> Lesions:
    """Fixture L: five lesions on either side."""
    pred, truth = (np.array(GOLDEN["arrays"][f"L.{side}"], dtype=np.uint8) for side in ("pred", "truth"))
    return of(pred, truth)


def row(*ids: int) -> np.ndarray:
    return np.array([ids], dtype=np.uint8)


def test_the_worked_values_come_out() -> None:
    worked = [GOLDEN["values"][f"L.voronoi.dice[{one}]"] for one in range(1, 6)]
    assert per_lesion(dice.at(), by_hand(), 0) == pytest.approx(worked)
    assert per_lesion_mean(dice.at(), by_hand()) == pytest.approx([GOLDEN["values"]["L.voronoi.dice.mean"]])


def test_the_worked_cells_come_out() -> None:
    cells = np.array(GOLDEN["arrays"]["L.voronoi.region"])
    truth = by_hand().found(0).truth
    assert (cells_of(truth, np.arange(cells.size), np.ones(2)) + 1).tolist() == cells.ravel().tolist()


@settings(max_examples=40)
@given(hnp.arrays(np.uint8, (5, 6), elements=st.integers(0, 1)), st.sampled_from([(1.0, 1.0), (0.7, 1.9), (3.0, 0.1)]))
def test_cells_are_those_of_one_distance_map_per_lesion(truth: np.ndarray, spacing: tuple[float, float]) -> None:
    parts, n = ndimage.label(truth, np.ones((3, 3)))
    if not n:
        return
    maps = [ndimage.distance_transform_edt(parts != one, sampling=spacing) for one in range(1, n + 1)]
    rounded = np.round(maps, 9)  # so that equal distances are equal
    found = cells_of(of(truth, truth, spacing).found(0).truth, np.arange(truth.size), np.array(spacing))
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


@pytest.mark.parametrize("measure", [specificity, prevalence])
def test_a_metric_of_true_negatives_is_refused(measure: object) -> None:
    with pytest.raises(ConfigError, match="needs true negatives"):
        per_lesion_mean(measure.at(), by_hand())  # type: ignore[attr-defined]


def test_a_metric_of_more_than_counts_is_refused() -> None:
    with pytest.raises(ConfigError, match="volume_pred_ml is not made of voxel counts"):
        per_lesion_mean(volume_pred_ml.at(), by_hand())
