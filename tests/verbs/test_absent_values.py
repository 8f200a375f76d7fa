"""What is said of absent classes: read off by scoring them."""

import math

import pytest

from segeval import catalogue
from segeval.verbs.absent_values import absent_values

NAN, INF, VARIES = math.nan, math.inf, None
EXPECTED = {
    "dice": (NAN, 0, 0),
    "npv": (1, VARIES, 1),
    "fpr": (0, 0, VARIES),
    "fnr": (NAN, 1, NAN),
    "fdr": (NAN, NAN, 1),
    "false_omission_rate": (0, VARIES, 0),
    "balanced_accuracy": (NAN, 0.5, NAN),
    "informedness": (NAN, 0, NAN),
    "markedness": (NAN, NAN, 0),
    "kappa": (NAN, 0, 0),
    "mcc": (NAN, 0, 0),
    "volume_similarity": (NAN, 0, 0),
    "relative_volume_difference": (NAN, -1, INF),
    "absolute_volume_difference_ml": (0, VARIES, VARIES),
    "lr_positive": (NAN, NAN, NAN),
    "lr_negative": (NAN, 1, NAN),
    "diagnostic_odds_ratio": (NAN, NAN, NAN),
    "probabilistic_distance": (NAN, INF, INF),
    "rand_index": (1, VARIES, VARIES),
    "adjusted_rand_index": (NAN, 0, 0),
    "mutual_information": (0, 0, 0),
    "variation_of_information": (0, VARIES, VARIES),
    "gce": (0, 1, 1),
    "mean_iou": (1, VARIES, VARIES),
    "hd95": (NAN, INF, INF),
    "nsd": (NAN, 0, 0),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_values_are_those_of_the_conventions(name: str) -> None:
    found = absent_values([catalogue.find(name)])[name]
    assert (found.both, found.pred, found.truth) == pytest.approx(EXPECTED[name], nan_ok=True)


def test_every_measure_has_its_values() -> None:
    assert list(absent_values(list(catalogue.measures().values()))) == list(catalogue.measures())
