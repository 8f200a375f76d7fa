"""Tests and exact bounds: Wilcoxon after Pratt, Holm, Clopper and Pearson."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from segeval.statistics.intervals import Interval

MOST_EXACT = 13  # non-zero differences for which all sign patterns are counted
_DECIMALS = 12  # differences that agree to here are ties


@dataclass(frozen=True, kw_only=True)
class Wilcoxon:
    """Signed-rank test of paired differences.

    `w_plus` and `w_minus` are the rank sums of the differences above and below zero.
    """

    w_plus: float
    w_minus: float
    p: float
    method: Literal["exact", "normal"]


def settled(differences: ArrayLike) -> np.ndarray:
    """Differences without the noise of their last digits, so that zeros and ties are seen as such."""
    return np.asarray(np.round(np.asarray(differences, dtype=np.float64), _DECIMALS)) + 0.0


def average_ranks(values: ArrayLike) -> np.ndarray:
    """Ranks from 1, the smallest value first; ties share their mean rank, nan comes last and ties with nan."""
    _, inverse, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse])


def wilcoxon(differences: np.ndarray, *, alternative: Literal["two-sided", "greater"] = "two-sided") -> Wilcoxon:
    """Test whether paired differences lie symmetrically about zero.

    Zeros take part in the ranking and their ranks are dropped (Pratt 1959,
    doi:10.1080/01621459.1959.10501526). Up to 13 non-zero differences p is exact, above it is normal
    without continuity correction. With no difference at all p is 1.

    Args:
        differences: shape (case,); nan is left out.
        alternative: `greater` tests for differences above zero only.
    """
    d = settled(differences[~np.isnan(differences)])
    ranks = average_ranks(np.abs(d))
    w_plus, w_minus = float(ranks[d > 0].sum()), float(ranks[d < 0].sum())
    exact = np.count_nonzero(d) <= MOST_EXACT
    p = _exact_p(ranks[d != 0], w_plus, alternative) if exact else _normal_p(d, w_plus, alternative)
    return Wilcoxon(w_plus=w_plus, w_minus=w_minus, p=p, method="exact" if exact else "normal")


def _exact_p(ranks: np.ndarray, w_plus: float, alternative: str) -> float:
    patterns = np.arange(2**ranks.size)[:, None] >> np.arange(ranks.size) & 1
    excess, observed = patterns @ ranks - ranks.sum() / 2, w_plus - ranks.sum() / 2
    if alternative == "two-sided":
        excess, observed = np.abs(excess), abs(observed)
    return float(np.mean(excess >= observed - 1e-9))


def _normal_p(d: np.ndarray, w_plus: float, alternative: str) -> float:
    n, n_zero = d.size, int(np.count_nonzero(d == 0))
    ties = np.unique(np.abs(d[d != 0]), return_counts=True)[1].astype(np.float64)
    mean = (n * (n + 1) - n_zero * (n_zero + 1)) / 4
    squares = n * (n + 1) * (2 * n + 1) - n_zero * (n_zero + 1) * (2 * n_zero + 1)
    z = (w_plus - mean) / math.sqrt((squares - float(np.sum(ties**3 - ties)) / 2) / 24)
    return math.erfc(abs(z) / math.sqrt(2)) if alternative == "two-sided" else math.erfc(z / math.sqrt(2)) / 2


def holm(p: ArrayLike) -> np.ndarray:
    """P-values adjusted for their number after Holm 1979; nan is not counted and stays nan."""
    p = np.asarray(p, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]  # nan sorts last
    scaled = np.minimum(1.0, p[order] * np.arange(order.size, 0, -1))
    adjusted[order] = np.maximum.accumulate(scaled)
    return adjusted


def binomial_interval(k: int, n: int, *, level: float = 0.95) -> Interval:
    """Exact interval of the share behind k of n (Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404).

    Each end is also the one-sided bound at (1 + level) / 2.
    """
    from scipy.special import betaincinv

    if n == 0:
        return Interval(low=math.nan, high=math.nan)
    tail = (1 - level) / 2
    low = float(betaincinv(k, n - k + 1, tail)) if k > 0 else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
    return Interval(low=low, high=high)
