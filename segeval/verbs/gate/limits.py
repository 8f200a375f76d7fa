"""Rules with a floor or a ceiling: a statistic, or an end of its interval, against `min` and `max`."""

import math
from collections.abc import Sequence

import numpy as np

from segeval.config import Rule
from segeval.statistics.intervals import Interval, bootstrap_mean, bootstrap_statistic
from segeval.statistics.summary import mean, summarise
from segeval.verbs.gate.resampling import Resampling
from segeval.verbs.gate.table import Column, as_matrix, shared_cases
from segeval.verbs.gate.verdict import NO_INTERVAL, Verdict, apart, at_least, notes_of, worst_cases

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
    return Verdict(
        rule_id=rule.id,
        outcome="pass" if _keeps(rule, decisive) else "fail",
        reason=_reason(rule, decisive, value, limit),
        value=decisive,
        limit=limit,
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


def _keeps(rule: Rule, value: float) -> bool:
    above = rule.min is None or at_least(value, rule.min)
    below = rule.max is None or at_least(-value, -rule.max)
    return above and below


def _limit_that_counts(rule: Rule, value: float) -> float:
    """The only limit, or of two the one that is broken or nearer."""
    low, high = rule.min, rule.max
    if low is None or high is None:
        return low if low is not None else high if high is not None else math.nan
    return low if value - low <= high - value else high


def _reason(rule: Rule, decisive: float, value: float, limit: float) -> str:
    said, at = apart(decisive, limit)
    if math.isnan(decisive):
        what = f"the interval of {rule.stat}" if not math.isnan(value) else rule.stat
        return f"{what} is undefined, which never passes"
    floor = limit == rule.min
    keeps = at_least(decisive, limit) if floor else at_least(-decisive, -limit)
    sign = {(True, True): "≥", (True, False): "<", (False, True): "≤", (False, False): ">"}[floor, keeps]
    if rule.bound not in _ENDS:
        return f"{rule.stat} {said} {sign} {at}"
    return f"{_ENDS[rule.bound]} bound of {rule.stat} {said} {sign} {at} ({rule.stat} {value:.4g})"
