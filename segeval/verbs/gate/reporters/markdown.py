"""Markdown: a headline, a table of the verdicts, and the cases to look at."""

from segeval.files.paths import printable
from segeval.verbs.gate.report import GateReport
from segeval.verbs.gate.verdict import Outcome, Verdict, WorstCase

_SIGNS: dict[Outcome, str] = {"pass": "✅ pass", "fail": "❌ fail", "warn": "⚠️ warn", "inconclusive": "❔ inconclusive"}
_SPECIAL = str.maketrans({one: f"\\{one}" for one in "\\`*_[]<>|#~&"})


def markdown(report: GateReport) -> str:
    """The report as a Markdown document, the gravest verdicts first."""
    lines = [f"## {report.headline}", ""]
    lines += [f"> {_text(note)}\n" for note in report.notes]
    lines += _table(report.gravest_first())
    for verdict in report.gravest_first():
        if verdict.outcome != "pass" and (verdict.worst or verdict.notes):
            lines += ["", f"**{_text(verdict.name)}**", "", *_details(verdict)]
    return "\n".join(lines) + "\n"


def _table(verdicts: list[Verdict]) -> list[str]:
    if not verdicts:
        return []
    rows = [
        [_SIGNS[one.outcome], _text(one.name), _text(one.measure), _text(one.reason), str(one.n)] for one in verdicts
    ]
    return ["| verdict | rule | measure | finding | n |", "| --- | --- | --- | --- | ---: |", *map(_row, rows)]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _details(verdict: Verdict) -> list[str]:
    worst = [f"- {_case(one)}: {one.value:.4g}" for one in verdict.worst]
    return [*worst, *(f"- {_text(note)}" for note in verdict.notes)]


def _case(one: WorstCase) -> str:
    return f"{_text(one.case_id)} ({_text(one.class_name)})"


def _text(said: str) -> str:
    """Text that stays text: names of cases and classes may hold anything."""
    return printable(said).translate(_SPECIAL)
