"""Confidence intervals of means and other statistics, degenerate data included.

Percentile and BCa intervals after Efron 1987, doi:10.1080/01621459.1987.10478410.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from segeval.statistics.bootstrap import (
    BLOCK_BYTES,
    Draws,
    jackknife_means,
    macro_of_resamples,
    means_of_resamples,
    quantiles_of_resamples,
    stds_of_resamples,
)
from segeval.statistics.summary import Statistic, mean, quantile, summarise

Method = Literal["percentile", "bca"]
Flag = Literal[
    "few_units",  # fewer than 50: true coverage lies below the nominal level
    "dropped",  # more than 5 % of the resamples had no defined value
    "class_left_out",  # in more than 5 % of the resamples a class had no defined value
    "one_sided",  # every resample lies on one side of the estimate: percentile instead of BCa
    "infinite",  # a value is infinite: percentile instead of BCa
    "out_of_bounds",  # an end lies outside the range of the measure; it is not clipped
]

FEW_UNITS = 50
TOO_MANY_DROPPED = 0.05
_TIE = 1e-12
_QUANTILES = {"median": 0.5, "p5": 0.05, "p25": 0.25, "p75": 0.75, "p95": 0.95, "min": 0.0, "max": 1.0}
_NORMAL = NormalDist()


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A confidence interval, nan at both ends where there is none, and what to know before trusting it."""

    low: float
    high: float
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Bootstrapped:
    """The statistic of every resample, and the correction with which its quantiles are read.

    Without a correction (both 0) these are percentile intervals, with it BCa. An empty `resampled`
    has no quantile.
    """

    resampled: np.ndarray
    z0: float = 0.0
    acceleration: float = 0.0
    flags: tuple[Flag, ...] = ()

    def interval(self, level: float = 0.95) -> Interval:
        """The two-sided interval; its low end is also the one-sided bound at (1 + level) / 2."""
        low, high = self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)
        return Interval(low=low, high=high, flags=self.flags)

    def quantile(self, probability: float) -> float:
        """The value below which the truth lies with this confidence."""
        shifted = self.z0 + _NORMAL.inv_cdf(probability)
        shrink = 1 - self.acceleration * shifted
        share = _NORMAL.cdf(self.z0 + shifted / shrink) if shrink > 0 else float(shifted > 0)
        return float(quantile(self.resampled, share))

    def confidence_below(self, value: float) -> float:
        """The inverse of `quantile`: the confidence with which the truth lies below `value`."""
        n = self.resampled.size
        if n == 0:
            return math.nan
        share = _share_below(self.resampled, value)
        # a share of 0 or 1 only says that the resamples are too few to see the rest
        shifted = _NORMAL.inv_cdf(min(max(share, 1 / (n + 1)), n / (n + 1))) - self.z0
        grow = 1 + self.acceleration * shifted
        return _NORMAL.cdf(shifted / grow - self.z0) if grow > 0 else float(shifted > 0)


def mean_intervals(
    draws: Draws, values: np.ndarray, *, method: Method = "percentile", level: float = 0.95
) -> list[Interval]:
    """The interval of the mean of every column, from values of shape (case, column)."""
    return [
        _of_mean(draws, column[:, None], resampled, method).interval(level)
        for columns, means in _with_means(draws, values)
        for column, resampled in zip(columns.T, means.T, strict=True)
    ]


def intervals_of_means(draws: Draws, values: np.ndarray, *, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Percentile intervals of the mean of every class and column, and of the means over classes, in few passes.

    Args:
        values: shape (case, class, column).

    Returns:
        The low and high ends, of shape (2, class, column) and (2, column).
    """
    n_classes = values.shape[1]
    of_means, of_macros = [], []
    for columns, means in _with_means(draws, values):
        for column, resampled in zip(np.moveaxis(columns, 2, 0), np.moveaxis(means, 2, 0), strict=True):
            of_classes = [
                _of_mean(draws, column[:, i, None], resampled[:, i], "percentile").interval(level)
                for i in range(n_classes)
            ]
            macro = _of_mean(draws, column, macro_of_resamples(resampled), "percentile").interval(level)
            of_means.append([[one.low for one in of_classes], [one.high for one in of_classes]])
            of_macros.append([macro.low, macro.high])
    shape = (len(of_macros), 2, n_classes)
    return np.moveaxis(np.array(of_means).reshape(shape), 0, 2), np.array(of_macros).reshape(-1, 2).T


def _with_means(draws: Draws, values: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Some columns at a time, the last axis of the values, with the means of all their resamples."""
    per_column = max(draws.resamples, draws.n_units) * math.prod(values.shape[1:-1])
    step = max(1, BLOCK_BYTES // (8 * max(1, per_column)))
    for start in range(0, values.shape[-1], step):
        columns = values[..., start : start + step]
        means = means_of_resamples(draws, columns.reshape(len(columns), math.prod(columns.shape[1:])))
        yield columns, means.reshape(len(means), *columns.shape[1:])


def bootstrap_mean(draws: Draws, values: np.ndarray, *, method: Method = "bca") -> Bootstrapped:
    """Bootstrap the mean over classes of the class means, from values of shape (case, class).

    One class gives the plain mean. A class without a defined value is left out, in the sample and in
    a resample alike; where that concerns only some resamples, and more than 5 % of them, it is flagged.
    """
    used = values[:, ~np.isnan(values).all(axis=0)]
    means = means_of_resamples(draws, used)
    left_out: tuple[Flag, ...] = ()
    if used.shape[1] > 1 and np.isnan(means).any(axis=1).mean() > TOO_MANY_DROPPED:
        left_out = ("class_left_out",)
    return _of_mean(draws, used, macro_of_resamples(means), method, left_out)


def bootstrap_statistic(draws: Draws, values: np.ndarray, statistic: Statistic) -> Bootstrapped:
    """Bootstrap a statistic of one column, shape (case,): BCa for the mean, percentile for all others."""
    if statistic == "mean":
        return bootstrap_mean(draws, values[:, None])
    resampled = statistics_of_resamples(draws, values, statistic)
    return from_resamples(draws, values[:, None], resampled, getattr(summarise(values), statistic))


def from_resamples(
    draws: Draws,
    values: np.ndarray,
    resampled: np.ndarray,
    estimate: float,
    flags: tuple[Flag, ...] = (),
    jackknife: Callable[[], np.ndarray] | None = None,
) -> Bootstrapped:
    """Bootstrap a statistic that was resampled elsewhere, degenerate data first.

    One unit has no interval, and infinite values have no BCa.

    Args:
        draws: the resamples.
        values: what the statistic speaks of, shape (case, column).
        resampled: the statistic of every resample, shape (resample,).
        estimate: the statistic of the sample.
        flags: what is known already.
        jackknife: gives the statistic without each unit in turn, for BCa.
    """
    n_units = np.unique(draws.unit_of_case[~np.isnan(values).all(axis=1)]).size
    flags = _few(n_units) + flags
    if n_units < 2 or math.isnan(estimate):
        return Bootstrapped(resampled=np.empty(0), flags=flags)
    if jackknife is not None and np.isinf(values).any():
        flags, jackknife = (*flags, "infinite"), None
    return corrected(resampled, estimate=estimate, jackknife=jackknife, flags=flags)


def statistics_of_resamples(draws: Draws, values: np.ndarray, statistic: Statistic) -> np.ndarray:
    """A statistic in every resample, shape (resample,), from values of shape (case,)."""
    if statistic == "mean":
        return means_of_resamples(draws, values[:, None])[:, 0]
    if statistic == "std":
        return stds_of_resamples(draws, values)
    return quantiles_of_resamples(draws, values, _QUANTILES[statistic])


def _of_mean(
    draws: Draws, values: np.ndarray, resampled: np.ndarray, method: Method, flags: tuple[Flag, ...] = ()
) -> Bootstrapped:
    estimate = float(mean(mean(values)))
    if method == "percentile":
        return from_resamples(draws, values, resampled, estimate, flags)
    return from_resamples(draws, values, resampled, estimate, flags, jackknife=lambda: _jackknife(draws, values))


def _jackknife(draws: Draws, values: np.ndarray) -> np.ndarray:
    """The mean over classes without each unit that has a defined value."""
    present = np.unique(draws.unit_of_case[~np.isnan(values).all(axis=1)])
    return mean(jackknife_means(draws, values)[present].T)


def corrected(
    resampled: np.ndarray,
    *,
    estimate: float,
    jackknife: Callable[[], np.ndarray] | None,
    flags: tuple[Flag, ...] = (),
) -> Bootstrapped:
    """The resamples with their BCa correction, or without one where `jackknife` is None."""
    kept = resampled[~np.isnan(resampled)]
    flags = flags + _dropped(resampled)
    if kept.size and _close(kept, estimate).all():
        return Bootstrapped(resampled=np.full(kept.size, estimate), flags=flags)
    if jackknife is None or kept.size == 0:
        return Bootstrapped(resampled=kept, flags=flags)
    share = _share_below(kept, estimate)
    if share in (0, 1):
        return Bootstrapped(resampled=kept, flags=(*flags, "one_sided"))
    z0 = _NORMAL.inv_cdf(share)
    return Bootstrapped(resampled=kept, z0=z0, acceleration=_acceleration(jackknife()), flags=flags)


def _share_below(resampled: np.ndarray, value: float) -> float:
    """Share of resamples below `value`, where one that equals it counts half."""
    ties = _close(resampled, value)
    return float(np.mean((resampled < value) & ~ties) + 0.5 * np.mean(ties))


def _close(resampled: np.ndarray, value: float) -> np.ndarray:
    """Sums of the same numbers in another order differ in their last digits and count as equal."""
    tolerance = _TIE * max(1.0, abs(value)) if math.isfinite(value) else 0.0
    with np.errstate(invalid="ignore"):
        return np.asarray((resampled == value) | (np.abs(resampled - value) <= tolerance))


def _acceleration(jackknife: np.ndarray) -> float:
    influence = np.mean(jackknife) - jackknife
    if _close(jackknife, float(np.mean(jackknife))).all():
        return 0.0
    return float(np.sum(influence**3) / (6 * np.sum(influence**2) ** 1.5))


def _few(n_units: int) -> tuple[Flag, ...]:
    return ("few_units",) if n_units < FEW_UNITS else ()


def _dropped(resampled: np.ndarray) -> tuple[Flag, ...]:
    return ("dropped",) if resampled.size and np.isnan(resampled).mean() > TOO_MANY_DROPPED else ()
