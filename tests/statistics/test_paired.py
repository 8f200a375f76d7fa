import math

import numpy as np
import pytest

from segeval.errors import ConfigError
from segeval.statistics.bootstrap import draw
from segeval.statistics.intervals import Bootstrapped, bootstrap_mean
from segeval.statistics.paired import effects, finding, paired_differences
from tests.conftest import golden

GOLDEN = golden("statistics")
VALUES = GOLDEN["values"]
W = np.array(GOLDEN["arrays"]["W.differences"])
INF, NAN = math.inf, math.nan


def bootstrapped(differences):
    differences = np.asarray(differences, dtype=np.float64)
    ids = [f"case_{i:04d}" for i in range(differences.size)]
    return bootstrap_mean(draw(ids, resamples=999), differences[:, None])


@pytest.mark.parametrize(
    ("better", "expected"), [("higher", [0.1, -0.2]), ("lower", [-0.1, 0.2]), ("zero", [-0.1, 0.2])]
)
def test_a_difference_above_zero_is_better(better, expected):
    paired = paired_differences(np.array([0.4, 0.6]), np.array([0.5, 0.4]), better=better)
    assert paired.differences == pytest.approx(expected)


def test_signed_measures_are_compared_by_magnitude():
    paired = paired_differences(np.array([-0.5, 0.2]), np.array([0.1, -0.3]), better="zero")
    assert paired.differences == pytest.approx([0.4, -0.1])


def test_a_descriptive_measure_is_not_compared():
    with pytest.raises(ConfigError, match="no better direction"):
        paired_differences(W, W, better="none")


def test_values_defined_on_one_side_only_are_counted_and_not_paired():
    base, new = np.array([0.5, NAN, NAN, 0.7, 0.8]), np.array([0.6, 0.5, NAN, NAN, NAN])
    paired = paired_differences(base, new, better="higher")
    assert paired.n == 1
    assert paired.gained.tolist() == [False, True, False, False, False]
    assert paired.lost.tolist() == [False, False, False, True, True]
    assert np.isnan(paired.differences[1:]).all()


def test_two_infinite_distances_do_not_differ_and_one_differs_infinitely():
    base, new = np.array([INF, INF, 3.0, 5.0]), np.array([INF, 3.0, INF, 4.0])
    paired = paired_differences(base, new, better="lower")
    assert paired.differences.tolist() == [0.0, INF, -INF, 1.0]
    assert math.isnan(paired.mean)


def test_no_difference_is_a_plain_zero():
    paired = paired_differences(np.array([2.0]), np.array([2.0]), better="lower")
    assert str(paired.differences[0]) == "0.0"


def test_effect_sizes_agree_with_the_numbers_worked_by_hand():
    result = effects(W)
    assert result.rank_biserial == pytest.approx(VALUES["W.rank_biserial"])
    assert result.d_z == pytest.approx(VALUES["W.dz"])
    assert result.p_better == pytest.approx(VALUES["W.p_better"])


def test_effect_sizes_are_undefined_where_nothing_varies():
    result = effects(np.array([0.1, 0.1]))
    assert math.isnan(result.d_z)
    assert (result.rank_biserial, result.p_better) == (1.0, 1.0)
    assert math.isnan(effects(np.zeros(3)).rank_biserial)
    assert effects(np.zeros(3)).p_better == 0.5
    assert math.isnan(effects(np.array([])).p_better)


def test_an_infinite_difference_leaves_the_ranks_and_takes_the_mean():
    result = effects(np.array([INF, -1.0, 2.0]))
    assert math.isnan(result.d_z)
    assert result.rank_biserial == pytest.approx(4 / 6)


def test_the_mean_difference_is_undefined_as_soon_as_one_is_infinite():
    assert paired_differences(np.array([0.5, 0.5]), np.array([0.75, 0.25]), better="higher").mean == 0
    assert math.isnan(paired_differences(np.array([INF, 3.0]), np.array([2.0, 1.0]), better="lower").mean)


def test_a_small_loss_within_the_margin_is_non_inferior():
    d = np.random.default_rng(0).normal(-0.001, 0.01, size=100)
    assert finding(bootstrapped(d), margin=0.01) == "non_inferior"


def test_a_large_loss_is_a_regression():
    d = np.random.default_rng(0).normal(-0.05, 0.01, size=100)
    assert finding(bootstrapped(d), margin=0.01) == "regression"


def test_a_loss_near_the_margin_is_inconclusive():
    d = np.random.default_rng(0).normal(-0.01, 0.05, size=100)
    assert finding(bootstrapped(d), margin=0.01) == "inconclusive"


@pytest.mark.parametrize(
    ("loss", "found"), [(0.01, "non_inferior"), (0.01 + 1e-16, "non_inferior"), (0.01 + 1e-13, "regression")]
)
def test_a_loss_of_just_the_margin_is_allowed_but_for_rounding(loss, found):
    assert finding(bootstrapped(np.full(60, -loss)), margin=0.01) == found


def test_the_slack_grows_with_the_numbers_that_were_compared():
    differences = bootstrapped(np.full(60, -0.01 - 1e-13))
    assert finding(differences, margin=0.01) == "regression"
    assert finding(differences, margin=0.01, scale=1000.0) == "non_inferior"


EPS = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [  # the loss that is allowed is 1, and 4 eps of it may be rounding
        (4, 4, "non_inferior"),
        (5, 5, "regression"),
        (5, 4, "inconclusive"),
        (5, 1, "inconclusive"),
    ],
)
def test_each_bound_is_held_against_the_margin_with_four_rounding_steps(low, high, found):
    resampled = Bootstrapped(resampled=np.repeat([-1 - low * EPS, -1 - high * EPS], 50))
    assert finding(resampled, margin=1.0) == found


def test_the_slack_grows_with_the_margin():
    assert finding(Bootstrapped(resampled=np.full(9, -8 - 32 * EPS)), margin=8.0) == "non_inferior"


def test_identical_runs_are_non_inferior_even_without_a_margin():
    assert finding(bootstrapped(np.zeros(30)), margin=0.0) == "non_inferior"


@pytest.mark.parametrize("d", [[], [NAN, NAN], [-0.5]])
def test_without_pairs_nothing_is_concluded(d):
    assert finding(bootstrapped(d), margin=0.01) == "inconclusive"


def test_a_newly_missed_organ_is_never_non_inferior():
    assert finding(bootstrapped([*np.full(59, 0.1), -INF]), margin=0.01) != "non_inferior"


def test_non_inferiority_is_claimed_falsely_about_as_rarely_as_promised():
    generator = np.random.default_rng(7)
    ids = [f"case_{i:04d}" for i in range(50)]
    draws = draw(ids, resamples=300)
    at_margin = generator.normal(-0.01, 0.03, size=(50, 200))
    found = [finding(bootstrap_mean(draws, column[:, None]), margin=0.01) for column in at_margin.T]
    assert 0.01 <= found.count("non_inferior") / 200 <= 0.09
    assert 0.01 <= found.count("regression") / 200 <= 0.09
