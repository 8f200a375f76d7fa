"""Means, pooled values and differences of rows that are not all defined in the same cases."""

import numpy as np
import pytest

from segeval.evidence.overlap.counts import Counts
from segeval.statistics.bootstrap import draw
from segeval.verbs.sweep.estimates import (
    Estimate,
    differ_in_cases,
    mean_over_classes,
    of_cases,
    of_counts,
    with_baseline,
)

NAN = np.nan
LACKING = np.array([[1.0, 0.5], [NAN, 0.5]])  # the second row is undefined in the first case
WHOLE = np.array([[0.2, 0.4], [0.4, 0.8]])


def test_a_mean_is_over_the_cases_that_define_it_and_a_difference_over_those_of_both_rows() -> None:
    found = of_cases(LACKING, baseline=0)
    assert found.value.tolist() == [0.75, 0.5]
    assert found.n is not None
    assert found.n.tolist() == [2, 1]
    assert found.difference is not None
    assert found.difference.value.tolist() == [0, 0]  # not 0.5 - 0.75


def test_every_resample_of_a_difference_is_over_the_cases_of_both_rows() -> None:
    found = of_cases(LACKING, draw(["a", "b"], resamples=40, seed=0), baseline=0)
    assert found.difference is not None
    assert found.difference.resamples is not None
    defined = found.difference.resamples[~np.isnan(found.difference.resamples)]
    assert defined.size
    assert not defined.any()


def test_the_mean_difference_is_over_the_classes_that_both_rows_define() -> None:
    both = mean_over_classes([of_cases(LACKING, baseline=0), of_cases(WHOLE, baseline=0)])
    assert both.difference is not None
    assert both.difference.value == pytest.approx([0, (0 + 0.3) / 2])
    gone = mean_over_classes([with_baseline(Estimate(value=np.array([0.9, NAN])), 0), of_cases(WHOLE, baseline=0)])
    assert gone.difference is not None
    assert gone.difference.value == pytest.approx([0, 0.3])  # the class that the second row lacks is in neither mean


def test_pooled_counts_are_summed_over_the_cases_first() -> None:
    counts = Counts(tp=np.array([[1, 3]]), fp=np.array([[1, 0]]), fn=np.array([[0, 1]]), tn=np.array([[8, 6]]))
    found = of_counts(counts, "pooled")
    assert found["precision"].value == pytest.approx([4 / 5])
    assert found["sensitivity"].value == pytest.approx([4 / 5])
    assert found["iou"].value == pytest.approx([4 / 6])
    assert found["iou"].n is None


def test_rows_of_different_cases_are_noticed() -> None:
    assert differ_in_cases([of_cases(WHOLE), of_cases(LACKING)])
    assert not differ_in_cases([of_cases(WHOLE)])
