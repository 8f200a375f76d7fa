import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segeval.statistics.significance import average_ranks, binomial_interval, holm, wilcoxon, wilcoxon_of_resamples
from tests.conftest import golden

GOLDEN = golden("statistics")
VALUES = GOLDEN["values"]
W = np.array(GOLDEN["arrays"]["W.differences"])


def test_wilcoxon_agrees_with_the_numbers_worked_by_hand():
    result = wilcoxon(W)
    assert result.w_plus == VALUES["W.pratt.w_plus"]
    assert min(result.w_plus, result.w_minus) == VALUES["W.pratt.statistic"]
    assert (result.p, result.method) == (VALUES["W.pratt.p_exact"], "exact")


def test_the_normal_p_agrees_with_the_number_worked_by_hand(monkeypatch):
    monkeypatch.setattr("segeval.statistics.significance.MOST_EXACT", 0)
    result = wilcoxon(W)
    assert result.p == pytest.approx(VALUES["W.pratt.p_formula"], abs=1e-12)
    assert result.method == "normal"


@pytest.mark.parametrize("alternative", ["two-sided", "greater"])
@pytest.mark.parametrize(("n", "step"), [(8, 0), (13, 0), (14, 0), (60, 0), (20, 0.5), (200, 0.5), (200, 0.1)])
def test_wilcoxon_agrees_with_scipy(n, step, alternative):
    from scipy import stats

    d = np.random.default_rng(n).normal(0.2, size=n)
    d = np.round(d / step) * step if step else d
    ours = wilcoxon(d, alternative=alternative)
    assert ours.method == ("exact" if np.count_nonzero(d) <= 13 else "normal")
    method = "exact" if ours.method == "exact" else "asymptotic"
    theirs = stats.wilcoxon(d, zero_method="pratt", correction=False, method=method, alternative=alternative)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)


small_differences = st.lists(st.sampled_from([-0.3, -0.2, -0.1, 0.0, 0.1, 0.2]), max_size=8)


@given(small_differences)
def test_the_exact_p_counts_every_pattern_of_signs(d):
    d = np.array(d)
    ranks = average_ranks(np.abs(d))[d != 0]
    sums = [
        sum(rank for rank, plus in zip(ranks, signs, strict=True) if plus)
        for signs in product([0, 1], repeat=ranks.size)
    ]
    observed = abs(wilcoxon(d).w_plus - ranks.sum() / 2)
    assert wilcoxon(d).p == pytest.approx(np.mean([abs(one - ranks.sum() / 2) >= observed for one in sums]))


@pytest.mark.parametrize("d", [[], [0.0, 0.0], [np.nan], [0.0] * 50])
def test_without_a_difference_p_is_one(d):
    assert wilcoxon(np.array(d)).p == 1.0


def test_an_infinite_difference_has_the_highest_rank():
    assert wilcoxon(np.array([math.inf, -1.0, 2.0])).w_plus == 3 + 2


def test_the_last_digits_of_a_difference_neither_break_a_tie_nor_make_a_difference():
    noisy = np.array([0.8 - 0.75, 0.75 - 0.7, 0.1 + 0.2 - 0.3])
    assert wilcoxon(noisy) == wilcoxon(np.array([0.05, 0.05, 0.0]))


def test_holm_agrees_with_the_numbers_worked_by_hand():
    expected = [VALUES[f"W.holm[{i}]"] for i in range(4)]
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx(expected)


def test_holm_does_not_count_an_undefined_p_value():
    assert holm([0.01, np.nan, 0.04]) == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)
    assert holm([]).size == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_holm_is_the_largest_scaled_p_up_to_each(p):
    ordered = sorted(p)
    expected = [max(min(1.0, (len(p) - j) * ordered[j]) for j in range(ordered.index(one) + 1)) for one in p]
    # of tied p-values the first is scaled most, and none after it falls below
    assert holm(p) == pytest.approx(expected)


@given(st.lists(st.sampled_from([1.0, 2.0, 3.0, math.inf, -math.inf]), max_size=10))
def test_ranks_are_those_of_scipy(values):
    from scipy.stats import rankdata

    assert average_ranks(values) == pytest.approx(rankdata(values))


def test_undefined_values_rank_last_and_tie():
    assert average_ranks([math.nan, 1.0, math.inf, math.nan]).tolist() == [3.5, 1.0, 2.0, 3.5]


@pytest.mark.parametrize(("k", "n"), [(0, 40), (1, 40), (13, 40), (39, 40), (40, 40)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_binomial_interval_is_that_of_scipy(k, n, level):
    from scipy.stats import binomtest

    theirs = binomtest(k, n).proportion_ci(level, method="exact")
    ours = binomial_interval(k, n, level=level)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9)


def test_no_trial_tells_nothing_about_a_share():
    assert math.isnan(binomial_interval(0, 0, level=0.95).high)


def test_resamples_with_fewer_differences_have_the_exact_p_of_their_own():
    d = np.array([0.0, 1.0, -2.0, 3.0, 4.0, 5.0])
    weights = np.array([[1, 1, 1, 1, 1, 1], [3, 1, 0, 0, 1, 1], [4, 0, 0, 2, 0, 0]])
    above, below = wilcoxon_of_resamples(d, weights)
    drawn = [np.repeat(d, times) for times in weights]
    assert above == pytest.approx([wilcoxon(differences, alternative="greater").p for differences in drawn])
    assert below == pytest.approx([wilcoxon(-differences, alternative="greater").p for differences in drawn])
