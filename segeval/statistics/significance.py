"""Tests and exact bounds: Wilcoxon after Pratt, Holm, Clopper and Pearson."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from segeval.statistics.intervals import Interval

Alternative = Literal["two-sided", "greater"]
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
    """Ranks along the last axis from 1, the smallest first; ties share their mean rank, nan is last and ties with nan.

    Every value is held against every other of its row, which suits a few methods in many cases.
    """
    values = np.asarray(values, dtype=np.float64)
    order = np.unique(values, return_inverse=True)[1].reshape(values.shape)  # nan sorts last, and all nan are one
    one, other = order[..., :, None], order[..., None, :]
    return np.asarray(np.count_nonzero(other < one, axis=-1) + (np.count_nonzero(other == one, axis=-1) + 1) / 2)


def wilcoxon(differences: np.ndarray, *, alternative: Alternative = "two-sided") -> Wilcoxon:
    """Test whether paired differences lie symmetrically about zero.

    Zeros take part in the ranking and their ranks are dropped (Pratt 1959,
    doi:10.1080/01621459.1959.10501526). Up to 13 non-zero differences p is exact, above it is normal
    without continuity correction. With no difference at all p is 1.

    Args:
        differences: shape (case,); nan is left out.
        alternative: `greater` tests for differences above zero only.
    """
    d = settled(differences[~np.isnan(differences)])
    sums = _signed_ranks(d, np.ones((1, d.size)))
    return Wilcoxon(
        w_plus=float(sums.plus[0]),
        w_minus=float(sums.minus[0]),
        p=float(_p_values(sums, alternative)[0]),
        method="exact" if sums.n_nonzero[0] <= MOST_EXACT else "normal",
    )


def wilcoxon_of_resamples(differences: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One-sided p-values for differences above zero, and for those below, in many resamples at once.

    Args:
        differences: shape (case,); nan is left out.
        weights: how often each resample has each case, shape (resample, case).
    """
    defined = ~np.isnan(differences)
    sums = _signed_ranks(settled(differences[defined]), weights[:, defined])
    return _p_values(sums, "greater"), _p_values(sums.turned(), "greater")


@dataclass(frozen=True, kw_only=True)
class _SignedRanks:
    """Of each sample: its rank sums, and what their distribution depends on.

    Attributes:
        plus, minus: rank sums of the differences above and below zero, shape (sample,).
        n: differences, and how many of them are not zero, shape (sample,).
        ties: how many differences there are of each size but zero, ascending, shape (sample, size).
        ranks: of each size, shape (sample, size).
    """

    plus: np.ndarray
    minus: np.ndarray
    n: np.ndarray
    ties: np.ndarray
    ranks: np.ndarray

    @property
    def n_nonzero(self) -> np.ndarray:
        return np.asarray(self.ties.sum(axis=1))

    def turned(self) -> "_SignedRanks":
        """The same with the sign of every difference changed."""
        return replace(self, plus=self.minus, minus=self.plus)


def _signed_ranks(d: np.ndarray, weights: np.ndarray) -> _SignedRanks:
    """Rank sums of samples that have each difference so many times.

    Differences of one size stand side by side, so that a sum over each group counts its members, and a running sum
    over the groups ranks them.
    """
    order = np.argsort(np.abs(d), kind="stable")
    d, weights = d[order], weights[:, order]
    sizes = np.abs(d)
    starts = np.flatnonzero(np.r_[True, sizes[1:] != sizes[:-1]][: d.size])
    members = (weights, weights * (d > 0), weights * (d < 0))
    per_size = [np.add.reduceat(side, starts, axis=1) if d.size else side for side in members]
    ties, above, below = per_size
    ranks = np.cumsum(ties, axis=1) - (ties - 1) / 2
    nonzero = sizes[starts] > 0
    return _SignedRanks(
        plus=(ranks * above).sum(axis=1),
        minus=(ranks * below).sum(axis=1),
        n=ties.sum(axis=1),
        ties=ties[:, nonzero],
        ranks=ranks[:, nonzero],
    )


def _p_values(sums: _SignedRanks, alternative: Alternative) -> np.ndarray:
    exact = sums.n_nonzero <= MOST_EXACT
    p = np.empty(exact.size)
    for rows, p_of in ((exact, _exact_p), (~exact, _normal_p)):
        if rows.any():
            p[rows] = p_of(_SignedRanks(**{name: side[rows] for name, side in vars(sums).items()}), alternative)
    return p


def _exact_p(sums: _SignedRanks, alternative: Alternative) -> np.ndarray:
    """The share of all patterns of signs whose rank sum is as far out.

    Mean ranks are multiples of one half, so twice a rank sum is a whole number, and the patterns that reach each of
    them are counted by adding one difference after another: with it, or without.
    """
    up_to = np.cumsum(sums.ties, axis=1)
    twice = np.zeros((len(up_to), int(up_to[:, -1].max()) if up_to.size else 0), dtype=np.int64)
    for k in range(twice.shape[1]):  # the k-th difference of each sample has the size whose running count reaches it
        size = np.argmax(up_to > k, axis=1)
        rank = 2 * sums.ranks[np.arange(len(up_to)), size]
        twice[:, k] = np.where(up_to[:, -1] > k, rank, 0)
    total = twice.sum(axis=1)
    reached = np.arange(int(total.max()) + 1 if total.size else 1)
    share = np.zeros((len(total), reached.size))
    share[:, 0] = 1.0
    for rank in twice.T:
        before = reached - rank[:, None]
        share = (share + np.where(before >= 0, np.take_along_axis(share, np.maximum(before, 0), axis=1), 0.0)) / 2
    excess, observed = 2 * reached - total[:, None], 4 * sums.plus - total
    if alternative == "two-sided":
        excess, observed = np.abs(excess), np.abs(observed)
    return np.asarray(np.sum(share, axis=1, where=excess >= observed[:, None]))


def _normal_p(sums: _SignedRanks, alternative: Alternative) -> np.ndarray:
    n, n_zero = sums.n, sums.n - sums.n_nonzero
    mean = (n * (n + 1) - n_zero * (n_zero + 1)) / 4
    squares = n * (n + 1) * (2 * n + 1) - n_zero * (n_zero + 1) * (2 * n_zero + 1)
    tied = (sums.ties**3 - sums.ties).sum(axis=1)
    z = (sums.plus - mean) / np.sqrt((squares - tied / 2) / 24)
    tails = (z / math.sqrt(2)).tolist()
    if alternative == "two-sided":
        return np.array([math.erfc(abs(tail)) for tail in tails])
    return np.array([math.erfc(tail) / 2 for tail in tails])


def holm(p: ArrayLike) -> np.ndarray:
    """P-values along the last axis, adjusted for their number after Holm 1979; nan is not counted and stays nan."""
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, axis=-1)  # nan sorts last
    n = np.count_nonzero(~np.isnan(p), axis=-1, keepdims=True)
    scaled = np.take_along_axis(p, order, axis=-1) * (n - np.arange(p.shape[-1]))
    adjusted = np.empty(p.shape)
    largest = np.maximum.accumulate(np.fmin(1.0, scaled), axis=-1)
    np.put_along_axis(adjusted, order, np.where(np.arange(p.shape[-1]) < n, largest, np.nan), axis=-1)
    return adjusted


def binomial_interval(k: int, n: int, *, level: float) -> Interval:
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
