"""One column of values in, its summary over cases out.

Undefined values are nan, and infinite values are values: a missed organ makes a mean distance
infinite instead of leaving it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from segeval.errors import ConfigError, DataError
from segeval.evidence.policies import UndefinedPolicy
from segeval.evidence.shapes import PerLabel
from segeval.files.paths import listed

Statistic = Literal["mean", "std", "median", "p5", "p25", "p75", "p95", "min", "max"]
STATISTICS: tuple[Statistic, ...] = get_args(Statistic)
_QUANTILES = {"median": 0.5, "p5": 0.05, "p25": 0.25, "p75": 0.75, "p95": 0.95}


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a column says over its cases; with no defined value every statistic is nan, never 0.

    `n` counts the defined values, infinite ones included.
    """

    n: int
    n_undefined: int
    n_inf: int
    mean: float
    std: float
    median: float
    p5: float
    p25: float
    p75: float
    p95: float
    min: float
    max: float


def summarise(values: np.ndarray) -> Summary:
    """Summarise one column of float64 values, shape (case,); nan is undefined.

    One infinite value makes the mean infinite and the standard deviation nan; values of both
    infinities make the mean nan too.
    """
    return summarise_columns(values[:, None])[0]


def summarise_columns(values: np.ndarray) -> list[Summary]:
    """`summarise` for every column of values of shape (case, column), in one pass over them all."""
    n = np.count_nonzero(~np.isnan(values), axis=0)
    facts = {
        "n": n,
        "n_undefined": values.shape[0] - n,
        "n_inf": np.count_nonzero(np.isinf(values), axis=0),
        "mean": mean(values),
        "std": _std(values),
        **{name: quantile(values, q) for name, q in _QUANTILES.items()},
        "min": np.fmin.reduce(values, axis=0, initial=np.nan),
        "max": np.fmax.reduce(values, axis=0, initial=np.nan),
    }
    rows = zip(*(of_columns.tolist() for of_columns in facts.values()), strict=True)
    return [Summary(**dict(zip(facts, row, strict=True))) for row in rows]


def mean(values: np.ndarray) -> PerLabel:
    """Mean over the first axis of the defined values; nan where there is none, or both infinities."""
    defined = ~np.isnan(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = np.sum(values, axis=0, where=defined, dtype=np.float64)
        rounded = total / defined.sum(axis=0)
    # rounding must not push the mean of equal values off them
    lowest, highest = (end.reduce(values, axis=0, initial=np.nan) for end in (np.fmin, np.fmax))
    return np.asarray(np.clip(rounded, lowest, highest))


def quantile(values: np.ndarray, q: ArrayLike) -> PerLabel:
    """Quantile over the first axis of the defined values, by linear interpolation.

    An infinite neighbour counts only where its weight is positive, so that the 95th percentile of
    21 values, one of them infinite, is the 20th. Halfway between the two infinities it is nan.

    Args:
        values: shape (value, *column); nan is left out, column by column.
        q: from 0 to 1, one for all columns or one per column.
    """
    ordered = np.sort(values, axis=0)  # nan comes last
    n = np.count_nonzero(~np.isnan(values), axis=0)
    if ordered.shape[0] == 0:
        return np.full(values.shape[1:], np.nan)
    low, weight = position_of(n, q)
    below = _pick(ordered, low)
    above = _pick(ordered, np.minimum(low + 1, np.maximum(n - 1, 0)))
    return between(below, above, weight)


def position_of(n: ArrayLike, q: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Where the quantile of n values lies: index of the lower neighbour, weight of the upper one."""
    position = np.maximum(np.asarray(n) - 1, 0) * np.asarray(q, dtype=np.float64)
    whole = np.rint(position)
    # 0.95 * 20 may come out a hair above 19, and a hair of an infinite neighbour is infinite
    position = np.where(np.abs(position - whole) < 1e-9, whole, position)
    low = np.floor(position)
    return low.astype(np.int64), position - low


def _pick(ordered: np.ndarray, index: np.ndarray) -> np.ndarray:
    index = np.broadcast_to(index, ordered.shape[1:])
    return np.asarray(np.take_along_axis(ordered, index[None], axis=0)[0])


def between(below: np.ndarray, above: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Interpolate linearly; an infinite neighbour counts only where its weight is positive."""
    with np.errstate(invalid="ignore"):
        between = np.where(np.isinf(below) | np.isinf(above), below + above, below + (above - below) * weight)
    return np.where((weight == 0) | (below == above), below, between)


def _std(values: np.ndarray) -> np.ndarray:
    """Sample standard deviation (ddof 1) over the first axis of the defined values."""
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = (values - mean(values)) ** 2  # nan for an infinite value, so that the result is nan too
        n = np.count_nonzero(~np.isnan(values), axis=0)
        std = np.sqrt(np.sum(squares, axis=0, where=~np.isnan(values)) / (n - 1))
    return np.where((n > 1) & ~np.isinf(values).any(axis=0), std, np.nan)


def apply_undefined(
    values: np.ndarray,
    policy: UndefinedPolicy,
    *,
    worst: float | None,
    best: float | None,
    measure: str,
    class_name: str,
    case_ids: Sequence[str],
) -> np.ndarray:
    """Give the undefined values of a column what the policy says.

    Args:
        values: shape (case,); nan is undefined.
        policy: `skip` leaves nan in place, `worst` and `best` put the declared bound there, `fail` stops.
        worst, best: as the measure declares them; None for a descriptive measure, which has neither.
        measure, class_name, case_ids: for the messages.

    Raises:
        ConfigError: `worst` or `best` was asked of a descriptive measure.
        DataError: the policy is `fail` and a value is undefined.
    """
    undefined = np.isnan(values)
    if policy == "skip" or not undefined.any():
        return values
    if policy == "fail":
        raise DataError(
            _undefined_text(measure, class_name, [case for case, gone in zip(case_ids, undefined, strict=True) if gone])
        )
    substitute = worst if policy == "worst" else best
    if substitute is None:
        raise ConfigError(
            f"{measure} describes and does not judge, so it has no {policy} value for undefined cases. "
            f"Leave it out, or choose --undefined skip."
        )
    return np.where(undefined, substitute, values)


def _undefined_text(measure: str, class_name: str, cases: list[str]) -> str:
    return (
        f"{measure} of class {class_name!r} is undefined for {len(cases)} case(s): {listed(cases)}. "
        f"--undefined fail stops here; skip, worst or best would go on."
    )
