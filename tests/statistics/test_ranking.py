import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segeval.errors import ConfigError
from segeval.statistics import ranking
from segeval.statistics.bootstrap import draw
from segeval.statistics.ranking import aggregate_then_rank, kendall_tau_b, rank_then_aggregate, ranking_stability
from tests.conftest import golden

GOLDEN = golden("statistics")
VALUES = GOLDEN["values"]
K3 = np.array(GOLDEN["arrays"]["K3.scores_method_by_case"]).T  # (case, method)
CLEAR = np.random.default_rng(0).normal([0.9, 0.7, 0.5], 0.05, size=(40, 3))


def test_methods_with_equal_means_share_their_rank():
    result = aggregate_then_rank(K3, better="higher")
    assert result.by == pytest.approx([VALUES[f"K3.mean_score[{i}]"] for i in range(3)])
    assert result.ranks.tolist() == [2.0, 2.0, 2.0]


def test_methods_with_equal_means_can_have_unequal_mean_ranks():
    result = rank_then_aggregate(K3, better="higher")
    assert result.by == pytest.approx([VALUES[f"K3.mean_rank[{i}]"] for i in range(3)])
    assert result.ranks.tolist() == [1.5, 1.5, 3.0]


def test_three_cases_prove_no_win():
    assert ranking.test_then_rank(K3, better="higher").by.tolist() == [0, 0, 0]


@pytest.mark.parametrize("rank", [aggregate_then_rank, rank_then_aggregate, ranking.test_then_rank])
def test_clear_differences_rank_alike_in_every_way(rank):
    assert rank(CLEAR, better="higher").ranks.tolist() == [1, 2, 3]
    assert rank(CLEAR, better="lower").ranks.tolist() == [3, 2, 1]
    assert rank(-CLEAR, better="zero").ranks.tolist() == [3, 2, 1]
    with pytest.raises(ConfigError):
        rank(CLEAR, better="none")


def test_the_tests_count_significant_wins():
    assert ranking.test_then_rank(CLEAR, better="higher").by.tolist() == [2, 1, 0]


def test_a_p_value_of_just_alpha_is_a_win():
    # five cases of one sign: p = 1/32 one-sided, and 2/32 after Holm over the two comparisons
    scores = np.array([[0.5, 0.4], [0.6, 0.4], [0.7, 0.4], [0.8, 0.4], [0.9, 0.4]])
    assert ranking.test_then_rank(scores, better="higher", alpha=2 / 32).by.tolist() == [1, 0]
    assert ranking.test_then_rank(scores, better="higher", alpha=2 / 32 - 1e-9).by.tolist() == [0, 0]


@pytest.mark.parametrize(("losses", "n", "wins"), [([2], 7, 1), ([4], 8, 0)])
def test_without_a_level_the_tests_are_held_at_five_percent(losses, n, wins):
    # rank sums below zero of 2 among 7 and of 4 among 8: p = 3/128 and 7/256, twice that after Holm
    differences = np.arange(1.0, n + 1)
    differences[np.array(losses) - 1] *= -1
    scores = np.column_stack([differences, np.zeros(n)])
    assert ranking.test_then_rank(scores, better="higher").by.tolist() == [wins, 0]
    assert ranking.significant_wins(scores, better="higher").sum() == wins


def test_a_signed_measure_ranks_by_its_size_and_another_by_its_value():
    scores = np.array([[-3.0, 1.0], [-3.0, 2.0]])
    assert aggregate_then_rank(scores, better="zero").by.tolist() == [3.0, 1.5]
    assert aggregate_then_rank(scores, better="zero").ranks.tolist() == [2, 1]
    assert aggregate_then_rank(scores, better="lower").by.tolist() == [-3.0, 1.5]


def test_a_method_without_a_value_is_last():
    scores = np.array([[0.5, np.nan, 0.6], [0.4, np.nan, 0.7]])
    assert aggregate_then_rank(scores, better="higher").ranks.tolist() == [2, 3, 1]


def test_in_a_case_undefined_is_behind_infinite_and_ties_with_undefined():
    scores = np.array([[np.nan, math.inf, 3.0, np.nan]])
    assert rank_then_aggregate(scores, better="lower").by.tolist() == [3.5, 2.0, 1.0, 3.5]


@given(st.lists(st.integers(1, 4), min_size=2, max_size=8), st.randoms())
def test_tau_is_that_of_scipy(ranks, random):
    from scipy.stats import kendalltau

    other = random.sample(ranks, len(ranks))
    (ours,) = kendall_tau_b(np.array(ranks, dtype=float), np.array([other], dtype=float))
    expected = kendalltau(ranks, other).statistic if len(set(ranks)) > 1 else math.nan
    assert ours == pytest.approx(expected, nan_ok=True)


def test_a_clear_ranking_is_stable():
    draws = draw([f"case_{i:02d}" for i in range(40)], resamples=100)
    stability = ranking_stability(CLEAR, rank=partial(aggregate_then_rank, better="higher"), draws=draws)
    assert stability.mean_tau == 1.0
    assert stability.first.tolist() == [1.0, 0.0, 0.0]


def test_a_ranking_of_equals_is_not_stable():
    scores = np.random.default_rng(1).random((40, 3))
    draws = draw([f"case_{i:02d}" for i in range(40)], resamples=100)
    stability = ranking_stability(scores, rank=partial(rank_then_aggregate, better="higher"), draws=draws)
    assert stability.mean_tau < 0.9
    assert 0 < stability.first.max() < 1
    assert stability.first.sum() >= 1


@pytest.mark.parametrize("n", [6, 40])
@pytest.mark.parametrize("rank", [aggregate_then_rank, rank_then_aggregate, ranking.test_then_rank])
def test_the_ranking_of_a_resample_is_that_of_its_written_out_cases(rank, n):
    generator = np.random.default_rng(n)
    scores = np.round(generator.normal([0.8, 0.75, 0.6, 0.75], 0.1, size=(n, 4)), 1)  # with ties
    scores[generator.random(scores.shape) < 0.1] = np.nan
    scores[0, 2] = np.inf
    draws = draw([f"unit {i % (n - 2)}" for i in range(n)], resamples=60)
    again = rank(scores, better="higher", draws=draws)
    for i, row in enumerate(draws.weights):
        written_out = rank(np.repeat(scores, row[draws.unit_of_case], axis=0), better="higher")
        assert again.ranks[i].tolist() == written_out.ranks.tolist()
        assert again.by[i] == pytest.approx(written_out.by, nan_ok=True)


def test_the_resampling_of_a_ranking_draws_groups_whole():
    scores = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.5]])
    draws = draw(["anna", "anna", "ben"], resamples=200)
    stability = ranking_stability(scores, rank=partial(aggregate_then_rank, better="higher"), draws=draws)
    assert stability.first == pytest.approx([0.75, 0.25], abs=0.1)
