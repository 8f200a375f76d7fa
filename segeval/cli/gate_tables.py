"""The verdicts of a gate on screen."""

import math
from typing import Any

from segeval.cli.tables import add_row, number, plain_table
from segeval.verbs.gate.report import GateReport
from segeval.verbs.gate.selftest import SelfTest
from segeval.verbs.gate.verdict import Verdict

_STYLES = {"pass": "green", "fail": "bold red", "warn": "yellow", "inconclusive": "bold yellow"}


def print_report(report: GateReport, screen: Any) -> None:
    """A row per verdict, the gravest first; then what decided those that did not pass, with the cases to open."""
    table = plain_table("verdict", "rule", "measure", "stat", "value", "limit", "n", left=(0, 1, 2, 3))
    for one in report.gravest_first():
        values = (_or_empty(one.value), _or_empty(one.limit), str(one.n) if one.n else "")
        add_row(table, one.outcome, one.name, one.measure, one.stat, *values, style=_STYLES[one.outcome])
    screen.print(table)
    for one in report.gravest_first():
        if one.outcome != "pass":
            screen.print(f"\n{one.name}: {one.reason}", markup=False)
            screen.print(_worst(one), markup=False, style="dim")
    for note in report.notes:
        screen.print(f"\nnote: {note}", markup=False)


def _or_empty(value: float) -> str:
    return "" if math.isnan(value) else number(value)


def _worst(verdict: Verdict) -> str:
    cases = ", ".join(f"{one.case_id} ({one.class_name}) {number(one.value)}" for one in verdict.worst)
    return f"  open first: {cases}" if cases else "  no case to open"


def print_selftest(found: SelfTest, screen: Any) -> None:
    """A row per rule, a column per way to degrade the predictions; then which rules never tripped."""
    names = [one.name for one in found.degradations]
    table = plain_table("rule", "as it is", *names, left=range(len(names) + 2))
    for rule in found.rules:
        outcomes = (found.original[rule], *(one.outcomes[rule] for one in found.degradations))
        add_row(table, rule, *outcomes)
    screen.print(table)
    for one in found.degradations:
        screen.print(f"{one.name}: {one.what}", markup=False, style="dim")
    if found.never_tripped:
        screen.print(f"\nNever tripped: {', '.join(found.never_tripped)}.", markup=False, style="yellow")
    screen.print(found.conclusion, style="bold")
