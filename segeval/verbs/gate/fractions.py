"""Rules on a share of cases: how many got worse than in the baseline, and how many a reviewer failed.

Exact binomial bounds decide, for a share in few cases says little about the next ones.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from segeval.config import MaxFraction, Rule
from segeval.errors import ConfigError
from segeval.files.paths import listed, printable
from segeval.statistics.intervals import Interval
from segeval.statistics.significance import binomial_interval
from segeval.verbs.gate.regressions import held_back, largest_losses, pair, unpaired_notes
from segeval.verbs.gate.table import Column, Resampling
from segeval.verbs.gate.verdict import N_WORST, Outcome, Verdict, WorstCase, apart, at_least, largest_magnitude

MARKS = ("pass", "fail", "unsure")


def judge_fraction(
    rule: Rule, limit: MaxFraction, columns: Sequence[Column], base_columns: Sequence[Column], how: Resampling
) -> Verdict:
    """Judge the share of cases that are worse than in the baseline by more than `worse_by`.

    Without `bound` the exact one-sided bounds decide: pass where the share is surely within the limit,
    fail where it surely is not. `point` looks at the share alone, `ci_upper` asks for proof.
    """
    sides = pair(columns, base_columns)
    losses = -sides.differences[:, 0][~np.isnan(sides.differences[:, 0])]
    scale = largest_magnitude(sides.base, sides.new)
    n, k = losses.size, sum(not at_least(float(limit.worse_by or 0), loss, scale=scale) for loss in losses.tolist())
    bounds = binomial_interval(k, n, level=2 * how.level - 1)
    share = k / n if n else math.nan
    outcome, says = _of_share(rule, limit, share, bounds)
    verdict = Verdict(
        rule_id=rule.id,
        outcome=outcome,
        reason=f"{k} of {n} cases are worse by more than {limit.worse_by:g}: {says}",
        value=share,
        shows="share",
        limit=limit.of_cases,
        side="<=",
        n=n,
        interval=bounds,
        worst=largest_losses(sides, columns),
        notes=unpaired_notes(sides) + (_needs_more(limit, n, how.level) if outcome == "inconclusive" else ()),
    )
    return held_back(verdict, sides)


def judge_review(rule: Rule, limit: MaxFraction, mark_of: Mapping[str, str], how: Resampling) -> Verdict:
    """Judge the share of cases that a reviewer marked in one way.

    A case without a mark, or marked unsure, could be either: the verdict has to hold both ways, else it is open.

    Args:
        mark_of: the mark of every case; empty where there is none.

    Raises:
        ConfigError: a mark is none that a review has.
    """
    _refuse_unknown_marks(mark_of)
    wanted = str(limit.reviewed)
    marked = sorted(case for case, mark in mark_of.items() if mark == wanted)
    open_cases = sorted(case for case, mark in mark_of.items() if mark in {"", "unsure"} - {wanted})
    n, least, most = len(mark_of), len(marked), len(marked) + len(open_cases)
    bounds = [binomial_interval(k, n, level=2 * how.level - 1) for k in (least, most)]
    shares = [k / n if n else math.nan for k in (least, most)]
    found = [_of_share(rule, limit, share, ends) for share, ends in zip(shares, bounds, strict=True)]
    (outcome, says), agree = found[0], found[0][0] == found[1][0]
    undecided = f"{len(open_cases)} without a verdict of the review ({listed(open_cases)})" if open_cases else ""
    if not agree:
        outcome, says = "inconclusive", f"{undecided} could change that. Mark them, and judge again"
    notes = _needs_more(limit, n, how.level) if outcome == "inconclusive" and not open_cases else ()
    return Verdict(
        rule_id=rule.id,
        outcome=outcome,
        reason=f"{least} of {n} cases are reviewed as {wanted}: {says}",
        value=shares[0],
        shows="share",
        limit=limit.of_cases,
        side="<=",
        n=n,
        interval=Interval(low=bounds[0].low, high=bounds[1].high),
        worst=tuple(WorstCase(case_id=case, class_name=wanted, value=math.nan) for case in marked[:N_WORST]),
        notes=(*notes, *((undecided,) if undecided and agree else ())),
    )


def _refuse_unknown_marks(mark_of: Mapping[str, str]) -> None:
    for case, mark in mark_of.items():
        if mark not in ("", *MARKS):
            raise ConfigError(
                f"The case table marks {printable(case)} as {printable(mark)!r} under reviewed. "
                f"Write one of {', '.join(MARKS)}, or nothing."
            )


def _of_share(rule: Rule, limit: MaxFraction, share: float, bounds: Interval) -> tuple[Outcome, str]:
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
