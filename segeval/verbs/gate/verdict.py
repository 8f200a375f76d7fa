"""Verdicts: what each rule found, with the digits that decided it, and what they come to for the whole gate."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from segeval.measure import Better
from segeval.statistics.intervals import Flag, Interval
from segeval.statistics.paired import rounding_of
from segeval.verbs.gate.table import Column

Outcome = Literal["pass", "fail", "warn", "inconclusive"]
N_WORST = 5
NO_INTERVAL = Interval(low=math.nan, high=math.nan)
GRAVEST_FIRST: tuple[Outcome, ...] = ("fail", "inconclusive", "warn", "pass")

_NOTES: dict[Flag, str] = {
    "few_units": "fewer than 50 cases: the interval covers the truth less often than it says",
    "dropped": "more than 5 % of the resamples had no defined value and were dropped",
    "class_left_out": "more than 5 % of the resamples lacked a class, which was left out of their mean",
    "one_sided": "all resamples lie on one side of the value: a percentile interval instead of BCa",
    "infinite": "infinite values: a percentile interval instead of BCa",
    "out_of_bounds": "the interval reaches beyond the range of the measure",
}


@dataclass(frozen=True, kw_only=True)
class WorstCase:
    """A case to look at first: its value, or how it changed, where below zero is worse."""

    case_id: str
    class_name: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one rule found for one class.

    Attributes:
        value: what the verdict speaks of; nan where it is undefined.
        shows: what the value is: a value, an end of its interval, a change or a share; empty where there is none.
        limit: the limit; nan where the rule did not get that far.
        side: `>=` or `<=`, which the value must keep to the limit; empty where there is none.
        n: cases that the value speaks of.
        interval: two-sided for a floor or ceiling; the pair of one-sided bounds against a baseline.
        part: the slice of the cases, such as `site=A`; empty for all of them.
        p: of the test for a regression; nan for other rules.
        line: of the rule in its file; 0 where it has none.
    """

    rule_id: str
    outcome: Outcome
    reason: str
    measure: str = ""
    class_name: str = ""
    stat: str = ""
    part: str = ""
    value: float = math.nan
    shows: str = ""
    limit: float = math.nan
    side: Literal["", ">=", "<="] = ""
    n: int = 0
    interval: Interval = NO_INTERVAL
    p: float = math.nan
    worst: tuple[WorstCase, ...] = ()
    notes: tuple[str, ...] = ()
    line: int = 0

    @property
    def name(self) -> str:
        """The rule with its class and slice, unique within a gate."""
        said = [part for part in (self.class_name, self.part) if part]
        return self.rule_id + (f" [{', '.join(said)}]" if said else "")


def exit_code(verdicts: Sequence[Verdict], *, on_inconclusive: Literal["report", "fail"] = "report") -> int:
    """0 for passed, 1 for failed, 4 for inconclusive or where nothing was evaluated."""
    outcomes = {verdict.outcome for verdict in verdicts}
    if "fail" in outcomes or ("inconclusive" in outcomes and on_inconclusive == "fail"):
        return 1
    return 0 if outcomes and "inconclusive" not in outcomes else 4


@dataclass(frozen=True, kw_only=True)
class GateReport:
    """All that a reporter needs.

    Attributes:
        notes: on the gate as a whole.
        source: the file of the rules, as annotations name it; empty where there is none.
        beware: why a pass says little, such as a gate that could not fail; empty where it says much.
    """

    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()
    source: str = ""
    on_inconclusive: Literal["report", "fail"] = "report"
    beware: str = ""

    @property
    def exit_code(self) -> int:
        return exit_code(self.verdicts, on_inconclusive=self.on_inconclusive)

    @property
    def outcome(self) -> str:
        """One word for the whole gate, as the exit code has it."""
        return {0: "passed", 1: "failed", 4: "inconclusive"}[self.exit_code]

    @property
    def counts(self) -> Mapping[Outcome, int]:
        """How many verdicts of each kind there are."""
        found = Counter(verdict.outcome for verdict in self.verdicts)
        return {outcome: found[outcome] for outcome in GRAVEST_FIRST}

    @property
    def headline(self) -> str:
        """`Gate failed: 1 fail, 2 pass.`"""
        said = [f"{n} {outcome}" for outcome, n in self.counts.items() if n]
        beware = f" Beware: {self.beware}." if self.beware else ""
        return f"Gate {self.outcome}: {', '.join(said) or 'no rule was evaluated'}.{beware}"

    def gravest_first(self) -> list[Verdict]:
        """The verdicts that need a look before those that do not, otherwise in their order."""
        return sorted(self.verdicts, key=lambda verdict: GRAVEST_FIRST.index(verdict.outcome))


def at_least(value: float, limit: float, *, scale: float = 0.0) -> bool:
    """Whether `value` reaches `limit`, or falls short of it by no more than its computation rounds.

    Args:
        scale: the largest of the numbers that the value was computed from; False where value or limit is undefined.
    """
    return value >= limit - rounding_of(limit, scale)


def apart(value: float, limit: float) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to tell them apart, four at least."""
    for digits in range(4, 18):
        said = f"{value:.{digits}g}", f"{limit:.{digits}g}"
        if said[0] != said[1] or value == limit:
            break
    return said


def largest_magnitude(*sides: np.ndarray) -> float:
    """The largest finite magnitude among the values; 0 without any."""
    finite = [np.abs(side[np.isfinite(side)]) for side in sides]
    return max((float(side.max()) for side in finite if side.size), default=0.0)


def notes_of(interval: Interval) -> tuple[str, ...]:
    """What the flags of an interval mean, in words."""
    return tuple(_NOTES[flag] for flag in interval.flags)


def worst_cases(columns: Sequence[Column]) -> tuple[WorstCase, ...]:
    """The five worst values in the direction of their measure; the largest where it has none."""
    cases = [
        (
            _badness(float(value), column.better),
            WorstCase(case_id=case, class_name=column.class_name, value=float(value)),
        )
        for column in columns
        for case, value in zip(column.case_ids, column.values, strict=True)
        if not np.isnan(value)
    ]
    ordered = sorted(cases, key=lambda one: (-one[0], one[1].case_id, one[1].class_name))
    return tuple(case for _, case in ordered[:N_WORST])


def _badness(value: float, better: Better) -> float:
    return {"higher": -value, "lower": value, "zero": abs(value), "none": value}[better]
