"""Rules on how many cases got worse, with exact binomial bounds."""

import math
from collections.abc import Sequence

import numpy as np

from segeval.config import MaxFraction, Rule
from segeval.statistics.intervals import Interval
from segeval.statistics.significance import binomial_interval
from segeval.verbs.gate.regressions import held_back, largest_losses, pair, unpaired_notes
from segeval.verbs.gate.resampling import Resampling
from segeval.verbs.gate.table import Column
from segeval.verbs.gate.verdict import Outcome, Verdict, apart, at_least


def judge_fraction(
    rule: Rule, limit: MaxFraction, columns: Sequence[Column], base_columns: Sequence[Column], how: Resampling
) -> Verdict:
    """Judge the share of cases that are worse than in the baseline by more than `worse_by`.

    Without `bound` the exact one-sided bounds decide: pass where the share is surely within the limit,
    fail where it surely is not. `point` looks at the share alone, `ci_upper` asks for proof.
    """
    sides = pair(columns, base_columns)
    losses = -sides.differences[:, 0][~np.isnan(sides.differences[:, 0])]
    n, k = losses.size, sum(not at_least(limit.worse_by, loss) for loss in losses.tolist())
    bounds = binomial_interval(k, n, level=2 * how.level - 1)
    share = k / n if n else math.nan
    outcome, says = _outcome(rule, limit, share, bounds)
    verdict = Verdict(
        rule_id=rule.id,
        outcome=outcome,
        reason=f"{k} of {n} cases are worse by more than {limit.worse_by:g}: {says}",
        value=share,
        limit=limit.of_cases,
        n=n,
        interval=bounds,
        worst=largest_losses(sides, columns),
        notes=unpaired_notes(sides) + (_needs_more(limit, n, how.level) if outcome == "inconclusive" else ()),
    )
    return held_back(verdict, sides)


def _outcome(rule: Rule, limit: MaxFraction, share: float, bounds: Interval) -> tuple[Outcome, str]:
    if math.isnan(share):
        return "fail", "nothing to count, which never passes"
    if rule.bound == "point":
        return _against(limit.of_cases, share, "share")
    if rule.bound == "ci_upper" or at_least(limit.of_cases, bounds.high):
        return _against(limit.of_cases, bounds.high, "upper bound")
    if bounds.low > limit.of_cases:
        return _against(limit.of_cases, bounds.low, "lower bound")
    return "inconclusive", f"bounds {bounds.low:.4g} and {bounds.high:.4g} enclose {limit.of_cases:.4g}"


def _against(limit: float, value: float, what: str) -> tuple[Outcome, str]:
    said, at = apart(value, limit)
    keeps = at_least(limit, value)
    return ("pass", f"{what} {said} ≤ {at}") if keeps else ("fail", f"{what} {said} > {at}")


def _needs_more(limit: MaxFraction, n: int, level: float) -> tuple[str, ...]:
    """With no worse case at all the upper bound is 1 - (1 - level)^(1/n)."""
    if limit.of_cases == 0:
        return ("no number of cases proves a share of 0; allow a small one, or set bound: point",)
    needed = math.ceil(math.log(1 - level) / math.log(1 - limit.of_cases))
    return (f"even without a worse case, {limit.of_cases:g} takes {needed} cases to prove",) if n < needed else ()
