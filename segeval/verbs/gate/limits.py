"""Rules with a floor or a ceiling: a statistic, or an end of its interval, against `min` and `max`."""

import math
from collections.abc import Sequence

import numpy as np

from segeval.choice import measure_of
from segeval.config import Rule
from segeval.statistics.intervals import Interval, bootstrap_mean, bootstrap_statistic
from segeval.statistics.summary import mean, summarise
from segeval.verbs.gate.table import Column, Resampling, as_matrix, shared_cases
from segeval.verbs.gate.verdict import (
    NO_INTERVAL,
    Verdict,
    apart,
    at_least,
    largest_magnitude,
    notes_of,
    worst_cases,
)

_ENDS = {"ci_lower": "lower", "ci_upper": "upper"}


def judge_limit(rule: Rule, columns: Sequence[Column], how: Resampling) -> Verdict:
    """Hold a statistic of a class, or of the mean over several, against the limits of a rule.

    An undefined value fails, and so does an undefined interval where the rule looks at its end.
    """
    case_ids = shared_cases(columns)
    values = as_matrix(columns, case_ids)
    value = point(rule.stat, columns, values)
    interval = _interval(rule, values, case_ids, how)
    decisive = {"ci_lower": interval.low, "ci_upper": interval.high}.get(rule.bound or "point", value)
    limit = _limit_that_counts(rule, decisive)
    scale = largest_magnitude(values)
    return Verdict(
        rule_id=rule.id,
        outcome="pass" if _keeps(rule, decisive, scale) else "fail",
        reason=_reason(rule, decisive, value, limit, scale),
        value=decisive,
        shows=_shown(rule),
        limit=limit,
        side=">=" if limit == rule.min else "<=",
        n=int(np.count_nonzero(~np.isnan(values).all(axis=1))),
        interval=interval,
        worst=worst_cases(columns),
        notes=notes_of(interval),
    )


def point(stat: str, columns: Sequence[Column], values: np.ndarray) -> float:
    """The statistic itself, averaged over classes where there are several."""
    if stat == "pooled":
        return float(mean(np.array([column.pooled for column in columns])))
    if stat == "mean":
        return float(mean(mean(values)))
    return float(getattr(summarise(values[:, 0]), stat))


def _interval(rule: Rule, values: np.ndarray, case_ids: Sequence[str], how: Resampling) -> Interval:
    if rule.bound not in _ENDS:
        return NO_INTERVAL
    draws = how.draws(case_ids)
    if rule.stat == "mean":
        return bootstrap_mean(draws, values).interval(how.level)
    return bootstrap_statistic(draws, values[:, 0], rule.stat).interval(how.level)  # type: ignore[arg-type]


def _keeps(rule: Rule, value: float, scale: float) -> bool:
    above = rule.min is None or at_least(value, rule.min, scale=scale)
    below = rule.max is None or at_least(-value, -rule.max, scale=scale)
    return above and below


def _shown(rule: Rule) -> str:
    return f"{_ENDS[rule.bound]} bound" if rule.bound in _ENDS else "value"


def _limit_that_counts(rule: Rule, value: float) -> float:
    """The only limit, or of two the one that is broken or nearer."""
    low, high = rule.min, rule.max
    if low is None or high is None:
        return low if low is not None else high if high is not None else math.nan
    return low if value - low <= high - value else high


def _reason(rule: Rule, decisive: float, value: float, limit: float, scale: float) -> str:
    said, at = apart(decisive, limit)
    if math.isnan(decisive):
        if rule.measure and rule.stat != "pooled" and measure_of(rule.measure).of_data_set:
            return f"{rule.measure} is of all cases together, so no case has a value. Write stat: pooled"
        what = f"the interval of {rule.stat}" if not math.isnan(value) else rule.stat
        return f"{what} is undefined, which never passes"
    floor = limit == rule.min
    beyond = decisive - limit if floor else limit - decisive
    sign = {(True, True): "≥", (True, False): "<", (False, True): "≤", (False, False): ">"}[
        floor, at_least(beyond, 0.0, scale=max(scale, abs(limit)))
    ]
    rounded = f" (short of it by {-beyond:.1g}, which is rounding)" if sign in "≥≤" and beyond < 0 else ""
    if rule.bound not in _ENDS:
        return f"{rule.stat} {said} {sign} {at}{rounded}"
    return f"{_shown(rule)} of {rule.stat} {said} {sign} {at} ({rule.stat} {value:.4g}){rounded}"
