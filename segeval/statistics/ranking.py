"""Three ways to rank methods over the same cases, and how stable a ranking is.

They need not agree: equal means can have unequal mean ranks. After Maier-Hein et al. 2018,
doi:10.1038/s41467-018-07619-7.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from segeval.errors import ConfigError
from segeval.measure import Better
from segeval.statistics.bootstrap import Draws, case_weights, means_of_resamples
from segeval.statistics.paired import paired_differences
from segeval.statistics.significance import average_ranks, holm, settled, wilcoxon_of_resamples
from segeval.statistics.summary import mean

ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """What each method was ranked by, and its rank: 1 is best, ties share their mean rank."""

    by: np.ndarray
    ranks: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Stability:
    """How a ranking holds under resampling of the cases.

    Attributes:
        tau: Kendall's tau-b between the ranking and that of each resample, shape (resample,); nan
            where either has nothing but ties.
        first: share of resamples in which each method is first, alone or shared, shape (method,).
    """

    tau: np.ndarray
    first: np.ndarray

    @property
    def mean_tau(self) -> float:
        return float(mean(self.tau))


def aggregate_then_rank(scores: np.ndarray, *, better: Better, draws: Draws | None = None) -> Ranking:
    """Rank methods by their mean over the cases.

    Args:
        scores: shape (case, method); nan is left out, and a method without a value is last.
        better: the direction of the measure.
        draws: ranks in each of these resamples instead.
    """
    magnitude = np.abs(scores) if better == "zero" else scores
    by = mean(magnitude) if draws is None else means_of_resamples(draws, magnitude)
    return Ranking(by=by, ranks=average_ranks(_costs(by, better)))


def rank_then_aggregate(scores: np.ndarray, *, better: Better, draws: Draws | None = None) -> Ranking:
    """Rank methods by their mean rank over the cases; in a case an undefined value is last.

    Args:
        scores: shape (case, method).
        better: the direction of the measure.
        draws: ranks in each of these resamples instead.
    """
    in_cases = average_ranks(_costs(scores, better))
    by = np.mean(in_cases, axis=0) if draws is None else means_of_resamples(draws, in_cases)
    return Ranking(by=by, ranks=average_ranks(settled(by)))


def test_then_rank(scores: np.ndarray, *, better: Better, alpha: float = ALPHA, draws: Draws | None = None) -> Ranking:  # noqa: PT028
    """Rank methods by their number of significant wins: one-sided Wilcoxon tests over all pairs, after Holm.

    Args:
        scores: shape (case, method).
        better: the direction of the measure.
        alpha: the level of the tests.
        draws: ranks in each of these resamples instead.
    """
    cases = np.arange(len(scores))
    blocks = [np.ones((1, cases.size))] if draws is None else case_weights(draws, cases)
    by = np.concatenate([np.count_nonzero(_beats(scores, weights, better, alpha), axis=2) for weights in blocks])
    return Ranking(by=by[0] if draws is None else by, ranks=average_ranks(-by[0] if draws is None else -by))


def significant_wins(scores: np.ndarray, *, better: Better, alpha: float = ALPHA) -> np.ndarray:
    """Which method is significantly better than which, shape (method, method): row i beats column j.

    Args:
        scores: shape (case, method).
        better: the direction of the measure.
        alpha: the level of the one-sided Wilcoxon tests over all pairs, after Holm.
    """
    return np.asarray(_beats(scores, np.ones((1, len(scores))), better, alpha)[0])


def _beats(scores: np.ndarray, weights: np.ndarray, better: Better, alpha: float) -> np.ndarray:
    """The same in each resample, shape (resample, method, method)."""
    n = scores.shape[1]
    p = np.full((len(weights), n, n), np.nan)  # [:, i, j]: that i is better than j
    for i in range(n):
        for j in range(i):
            d = paired_differences(scores[:, j], scores[:, i], better=better).differences
            p[:, i, j], p[:, j, i] = wilcoxon_of_resamples(d, weights)
    adjusted = holm(p.reshape(len(weights), n * n)).reshape(p.shape)
    return np.asarray(adjusted <= alpha)


def ranking_stability(scores: np.ndarray, *, rank: Callable[..., Ranking], draws: Draws) -> Stability:
    """Rank the methods again on every resample of the cases.

    Args:
        scores: shape (case, method).
        rank: one of the rankings, with its direction bound.
        draws: the resamples.
    """
    full, again = rank(scores).ranks, rank(scores, draws=draws).ranks
    first = again == again.min(axis=1, keepdims=True)
    return Stability(tau=kendall_tau_b(full, again), first=np.mean(first, axis=0))


def kendall_tau_b(ranks: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Agreement of a ranking with others from -1 to 1, corrected for ties; nan where one has nothing but ties.

    Args:
        ranks: shape (method,).
        others: shape (ranking, method).
    """
    above = np.triu_indices(ranks.size, k=1)
    first = np.sign(ranks[:, None] - ranks)[above]
    second = np.sign(others[:, :, None] - others[:, None, :])[:, *above]
    untied = np.count_nonzero(first) * np.count_nonzero(second, axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray((second @ first) / np.where(untied > 0, np.sqrt(untied), np.nan))


def _costs(scores: np.ndarray, better: Better) -> np.ndarray:
    """Scores turned so that lower is better, without the noise of their last digits."""
    if better == "none":
        raise ConfigError("A descriptive measure has no better direction, so methods cannot be ranked by it.")
    return settled({"higher": -scores, "lower": scores, "zero": np.abs(scores)}[better])
