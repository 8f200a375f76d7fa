"""Three ways to rank methods over the same cases, and how stable a ranking is.

They need not agree: equal means can have unequal mean ranks. After Maier-Hein et al. 2018,
doi:10.1038/s41467-018-07619-7.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from segeval.errors import ConfigError
from segeval.measure import Better
from segeval.statistics.bootstrap import Draws
from segeval.statistics.paired import paired_differences
from segeval.statistics.significance import average_ranks, holm, settled, wilcoxon
from segeval.statistics.summary import mean, quantile


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


def aggregate_then_rank(scores: np.ndarray, *, better: Better, statistic: str = "mean") -> Ranking:
    """Rank methods by their mean, or median, over the cases.

    Args:
        scores: shape (case, method); nan is left out, and a method without a value is last.
        better: the direction of the measure.
        statistic: `mean` or `median`.
    """
    magnitude = np.abs(scores) if better == "zero" else scores
    by = mean(magnitude) if statistic == "mean" else quantile(magnitude, 0.5)
    return Ranking(by=by, ranks=average_ranks(_costs(by, better)))


def rank_then_aggregate(scores: np.ndarray, *, better: Better) -> Ranking:
    """Rank methods by their mean rank over the cases; in a case an undefined value is last.

    Args:
        scores: shape (case, method).
        better: the direction of the measure.
    """
    by = np.mean([average_ranks(case) for case in _costs(scores, better)], axis=0)
    return Ranking(by=by, ranks=average_ranks(settled(by)))


def test_then_rank(scores: np.ndarray, *, better: Better, alpha: float = 0.05) -> Ranking:  # noqa: PT028
    """Rank methods by their number of significant wins: one-sided Wilcoxon tests over all pairs, after Holm.

    Args:
        scores: shape (case, method).
        better: the direction of the measure.
        alpha: the level of the tests.
    """
    n = scores.shape[1]
    pairs = [(new, base) for new in range(n) for base in range(n) if new != base]
    adjusted = holm([_p_of_win(scores[:, new], scores[:, base], better) for new, base in pairs])
    by = np.zeros(n)
    for (new, _), p in zip(pairs, adjusted, strict=True):
        by[new] += p <= alpha
    return Ranking(by=by, ranks=average_ranks(-by))


def ranking_stability(scores: np.ndarray, *, rank: Callable[[np.ndarray], Ranking], draws: Draws) -> Stability:
    """Rank the methods again on every resample of the cases.

    Args:
        scores: shape (case, method).
        rank: one of the rankings, with its direction bound.
        draws: the resamples.
    """
    full = rank(scores).ranks
    again = [rank(np.repeat(scores, row[draws.unit_of_case], axis=0)).ranks for row in draws.weights]
    return Stability(
        tau=np.array([kendall_tau_b(full, ranks) for ranks in again]),
        first=np.mean([ranks == ranks.min() for ranks in again], axis=0),
    )


def kendall_tau_b(one: np.ndarray, other: np.ndarray) -> float:
    """Agreement of two rankings from -1 to 1, corrected for ties; nan where one has nothing but ties."""
    above = np.triu_indices(one.size, k=1)
    first, second = (np.sign(ranks[:, None] - ranks)[above] for ranks in (one, other))
    untied = np.count_nonzero(first) * np.count_nonzero(second)
    return float(first @ second / np.sqrt(untied)) if untied else float("nan")


def _costs(scores: np.ndarray, better: Better) -> np.ndarray:
    """Scores turned so that lower is better, without the noise of their last digits."""
    if better == "none":
        raise ConfigError("A descriptive measure has no better direction, so methods cannot be ranked by it.")
    return settled({"higher": -scores, "lower": scores, "zero": np.abs(scores)}[better])


def _p_of_win(new: np.ndarray, base: np.ndarray, better: Better) -> float:
    return wilcoxon(paired_differences(base, new, better=better).differences, alternative="greater").p
