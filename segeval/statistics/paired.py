"""Two runs on the same cases: differences per case, and what they prove."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from segeval.errors import ConfigError
from segeval.measure import Better, ratio
from segeval.statistics.intervals import Bootstrapped
from segeval.statistics.significance import settled, wilcoxon
from segeval.statistics.summary import mean, summarise

Finding = Literal["non_inferior", "regression", "inconclusive"]
_ROUNDING = 4 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, kw_only=True)
class Paired:
    """New against base, case by case.

    Attributes:
        differences: shape (case,), above zero where new is better; nan unless defined on both sides.
        lost, gained: shape (case,), whether a value is defined only in base, only in new.
    """

    differences: np.ndarray
    lost: np.ndarray
    gained: np.ndarray

    @property
    def n(self) -> int:
        """Cases defined on both sides."""
        return int(np.count_nonzero(~np.isnan(self.differences)))

    @property
    def mean(self) -> float:
        """Mean difference; undefined as soon as one difference is infinite."""
        return math.nan if np.isinf(self.differences).any() else float(mean(self.differences))


@dataclass(frozen=True, kw_only=True)
class Effects:
    """How large a paired difference is, in three ways that need no unit."""

    rank_biserial: float
    d_z: float
    p_better: float


def paired_differences(base: np.ndarray, new: np.ndarray, *, better: Better) -> Paired:
    """Differences of two runs over the same cases, in the same order, shape (case,).

    Two infinite values of the same sign do not differ. Signed measures, which are best at zero, are
    compared by magnitude.

    Raises:
        ConfigError: the measure describes and has no better direction.
    """
    if better == "none":
        raise ConfigError("A descriptive measure has no better direction, so two runs cannot be compared by it.")
    if better == "zero":
        base, new = np.abs(base), np.abs(new)
    with np.errstate(invalid="ignore"):
        rise = np.where(np.isinf(base) & (base == new), 0.0, new - base)
    undefined_base, undefined_new = np.isnan(base), np.isnan(new)
    return Paired(
        differences=rise if better == "higher" else 0.0 - rise,
        lost=undefined_new & ~undefined_base,
        gained=undefined_base & ~undefined_new,
    )


def effects(differences: np.ndarray) -> Effects:
    """Effect sizes of paired differences, shape (case,); nan where they are undefined."""
    d = settled(differences[~np.isnan(differences)])
    test = wilcoxon(d)
    summary = summarise(d)
    return Effects(
        rank_biserial=float(ratio(test.w_plus - test.w_minus, test.w_plus + test.w_minus)),
        d_z=summary.mean / summary.std if summary.std > 0 else math.nan,
        p_better=float(ratio(np.count_nonzero(d > 0) + np.count_nonzero(d == 0) / 2, d.size)),
    )


def rounding_of(*numbers: float) -> float:
    """By how much a mean, or a difference, of numbers of this magnitude may be rounded."""
    return _ROUNDING * max(map(abs, numbers))


def finding(differences: Bootstrapped, *, margin: float, level: float = 0.95, scale: float = 1.0) -> Finding:
    """Say what bootstrapped differences prove about a loss of `margin`, with one-sided confidence `level`.

    Non-inferior: the loss is surely no larger than the margin. Regression: it surely is. A loss that
    equals the margin is allowed, so two identical runs are non-inferior at margin 0.

    Args:
        differences: above zero where new is better.
        margin: the loss that is allowed, 0 or more.
        level: of confidence, for each bound.
        scale: the largest of the numbers that the differences were computed from, for their rounding.
    """
    slack = rounding_of(margin, scale)
    if differences.quantile(1 - level) >= -margin - slack:
        return "non_inferior"
    return "regression" if differences.quantile(level) < -margin - slack else "inconclusive"
