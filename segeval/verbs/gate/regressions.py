"""Rules against a baseline: is the run surely no worse, surely worse, or is that open?

Means and other statistics are compared by the paired bootstrap, numbers of cases by exact binomial bounds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from segeval.config import Rule
from segeval.measure import Better
from segeval.statistics.bootstrap import Draws, macro_of_resamples, means_of_resamples
from segeval.statistics.intervals import (
    Bootstrapped,
    Interval,
    bootstrap_mean,
    from_resamples,
    statistics_of_resamples,
)
from segeval.statistics.paired import Finding, finding, paired_differences
from segeval.statistics.summary import mean
from segeval.verbs.gate.limits import point
from segeval.verbs.gate.table import Column, Resampling, absent_matrix, as_matrix, shared_cases
from segeval.verbs.gate.verdict import (
    N_WORST,
    NO_INTERVAL,
    Outcome,
    Verdict,
    WorstCase,
    apart,
    at_least,
    largest_magnitude,
    notes_of,
)

_OUTCOMES: dict[Finding, Outcome] = {"non_inferior": "pass", "regression": "fail", "inconclusive": "inconclusive"}
_SAYS: dict[Finding, str] = {
    "non_inferior": "surely no worse than allowed",
    "regression": "a regression is shown",
    "inconclusive": "neither shown nor excluded",
}


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Two runs over their shared cases.

    Attributes:
        base, new: shape (case, class), both nan where either is.
        differences: shape (case, class), below zero where new is worse.
        missed: shape (case, class), values that only the baseline has, of a class that is there: it was missed.
        invented: shape (case, class), values that only the new run has, of a class that the baseline rightly has not.
        n_gone: cases of the baseline that the new run does not have at all.
    """

    case_ids: tuple[str, ...]
    base: np.ndarray
    new: np.ndarray
    differences: np.ndarray
    missed: np.ndarray
    invented: np.ndarray
    n_gone: int

    @property
    def n(self) -> int:
        """Cases with a value on both sides."""
        return int(np.count_nonzero(~np.isnan(self.differences).all(axis=1)))


def pair(columns: Sequence[Column], base_columns: Sequence[Column]) -> Sides:
    """Put two runs side by side, class by class.

    A value that is defined in one run only has no difference, and a mean of differences passes over it. That is right
    where a false alarm went away or a missed structure is found again. Where a structure is newly missed, or a false
    alarm is new, the model got worse and no difference tells, so these are kept apart.
    """
    case_ids = shared_cases(columns, base_columns)
    base, new = as_matrix(base_columns, case_ids), as_matrix(columns, case_ids)
    paired = paired_differences(base, new, better=columns[0].better)
    unpaired = np.isnan(paired.differences)
    return Sides(
        case_ids=case_ids,
        base=np.where(unpaired, np.nan, base),
        new=np.where(unpaired, np.nan, new),
        differences=paired.differences,
        missed=paired.lost & ~absent_matrix(columns, case_ids),
        invented=paired.gained & absent_matrix(base_columns, case_ids),
        n_gone=len(shared_cases(base_columns)) - len(case_ids),
    )


def unpaired_notes(sides: Sides) -> tuple[str, ...]:
    """What the comparison does not see."""
    return (f"{sides.n_gone} case(s) of the baseline are not in this run",) if sides.n_gone else ()


def held_back(verdict: Verdict, sides: Sides) -> Verdict:
    """The verdict, but no pass where the model got worse in values that have no difference."""
    said = []
    if sides.missed.any():
        n = np.count_nonzero(sides.missed)
        said.append(f"{n} value(s) of the baseline are undefined now, which `--undefined worst` in both runs counts")
    if sides.invented.any():
        n = np.count_nonzero(sides.invented)
        said.append(f"{n} new false alarm(s) where the baseline is undefined, which `--undefined best` in both counts")
    if not said:
        return verdict
    outcome: Outcome = "inconclusive" if verdict.outcome == "pass" else verdict.outcome
    return replace(verdict, outcome=outcome, reason=f"{verdict.reason}; not compared: {', '.join(said)}")


def largest_losses(sides: Sides, columns: Sequence[Column]) -> tuple[WorstCase, ...]:
    """The five cases to open: those that became worse without a difference, then those that lost most."""
    unpaired = sides.missed | sides.invented
    losses = [
        WorstCase(case_id=sides.case_ids[i], class_name=columns[j].class_name, value=float(sides.differences[i, j]))
        for i, j in np.argwhere(unpaired | (sides.differences < 0))
    ]
    return tuple(
        sorted(losses, key=lambda one: (not math.isnan(one.value), one.value, one.case_id, one.class_name))[:N_WORST]
    )


def judge_regression(rule: Rule, columns: Sequence[Column], base_columns: Sequence[Column], how: Resampling) -> Verdict:
    """Judge a loss against the baseline by the paired bootstrap, as a non-inferiority test.

    Pass: the loss is surely no larger than the margin. Fail: it surely is. The bounds are one-sided.
    """
    sides = pair(columns, base_columns)
    worst = largest_losses(sides, columns)
    if rule.stat == "pooled":
        return _judge_pooled(rule, columns, base_columns, sides, worst)
    boot, change = _bootstrap_change(rule, sides, columns[0].better, how.draws(sides.case_ids))
    least = _least_change(rule)
    found = finding(boot, margin=-least, level=how.level, scale=_scale(rule, sides))
    interval = boot.interval(2 * how.level - 1)
    verdict = Verdict(
        rule_id=rule.id,
        outcome="fail" if math.isnan(change) else _OUTCOMES[found],
        reason=_reason(rule, change, interval, how.level, found),
        value=change,
        shows="change",
        limit=least,
        side=">=",
        n=sides.n,
        interval=interval,
        p=1 - boot.confidence_below(least),
        worst=worst,
        notes=notes_of(interval) + unpaired_notes(sides),
    )
    return held_back(verdict, sides)


def _bootstrap_change(rule: Rule, sides: Sides, better: Better, draws: Draws) -> tuple[Bootstrapped, float]:
    """The change, below zero where it is for the worse: absolute, or in percent of the baseline."""
    if rule.stat == "mean" and rule.max_regression is not None:
        return bootstrap_mean(draws, sides.differences), float(mean(mean(sides.differences)))
    base, new = (np.abs(side) if better == "zero" else side for side in (sides.base, sides.new))
    towards: Better = "lower" if rule.stat == "std" or better == "zero" else better
    before, after = (_resampled(rule, draws, side) for side in (base, new))
    was, now = (np.array([point(rule.stat, (), side)]) for side in (base, new))
    estimate = float(_change(rule, was, now, towards)[0])
    return from_resamples(draws, sides.differences, _change(rule, before, after, towards), estimate), estimate


def _change(rule: Rule, before: np.ndarray, after: np.ndarray, better: Better) -> np.ndarray:
    change = paired_differences(before, after, better=better).differences
    if rule.max_regression_pct is None:
        return change
    with np.errstate(invalid="ignore", divide="ignore"):  # a share of nothing is undefined
        return np.where(before == 0, np.nan, 100 * change / np.abs(before))


def _resampled(rule: Rule, draws: Draws, values: np.ndarray) -> np.ndarray:
    if rule.stat == "mean":
        return macro_of_resamples(means_of_resamples(draws, values))
    return statistics_of_resamples(draws, values[:, 0], rule.stat)  # type: ignore[arg-type]


def _least_change(rule: Rule) -> float:
    """The margin as a change, below zero."""
    margin = rule.max_regression if rule.max_regression is not None else rule.max_regression_pct
    return 0.0 - float(margin or 0.0)


def _scale(rule: Rule, sides: Sides) -> float:
    """What the differences are computed from, for their rounding; of a change in percent, 100 at least."""
    scale = largest_magnitude(sides.base, sides.new)
    return max(100.0, scale) if rule.max_regression_pct is not None else scale


def _judge_pooled(
    rule: Rule, columns: Sequence[Column], base_columns: Sequence[Column], sides: Sides, worst: tuple[WorstCase, ...]
) -> Verdict:
    """Summed counts have no cases to resample, so the change itself decides."""
    was, now = (np.array([point("pooled", side, sides.new)]) for side in (base_columns, columns))
    change = float(_change(rule, was, now, columns[0].better)[0])
    least, unit = _least_change(rule), _unit(rule)
    same_cases = len({frozenset(column.case_ids) for column in (*columns, *base_columns)}) == 1
    scale = max(100.0 if unit else 0.0, largest_magnitude(was, now))
    outcome: Outcome = "pass" if at_least(change, least, scale=scale) else "fail"
    reason = f"pooled changed by {change:+.4g}{unit} (allowed {least:.4g}{unit}, below zero is worse)"
    if not same_cases:
        outcome, reason = "inconclusive", "the pooled values speak of different cases"
    if math.isnan(change):
        outcome, reason = "fail", _reason(rule, change, NO_INTERVAL, 0.95, "inconclusive")
    return Verdict(
        rule_id=rule.id, outcome=outcome, reason=reason, value=change, shows="change", limit=least, side=">=",
        n=sides.n, worst=worst, notes=unpaired_notes(sides),
    )  # fmt: skip


def _reason(rule: Rule, change: float, interval: Interval, level: float, found: Finding) -> str:
    if math.isnan(change):
        return f"the change of {rule.stat} is undefined, which never passes"
    unit = _unit(rule)
    changed = f"{rule.stat} changed by {change:+.4g}{unit}"
    if math.isnan(interval.low):
        return f"{changed}, and one paired unit has no interval: {_SAYS[found]}"
    least = _least_change(rule)
    low, high = (apart(end, least)[0] for end in (interval.low, interval.high))
    return (
        f"{changed} (one-sided {level:.0%} bounds {low} and {high}, allowed {least:.4g}{unit}, "
        f"below zero is worse): {_SAYS[found]}"
    )


def _unit(rule: Rule) -> str:
    return " %" if rule.max_regression_pct is not None else ""
