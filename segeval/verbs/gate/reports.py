"""How a gate is reported to people and to CI: Markdown, the annotations of GitHub, JUnit XML.

Names of cases, classes and rules may hold anything. Each reaches a report through `printable`, which leaves no line
break and no control character in it, and then without what the format itself takes for markup.
"""

import math
import re
from xml.etree import ElementTree as ET

from segeval.files.paths import printable
from segeval.verbs.gate.verdict import GateReport, Outcome, Verdict, WorstCase

_SIGNS: dict[Outcome, str] = {"pass": "✅ pass", "fail": "❌ fail", "warn": "⚠️ warn", "inconclusive": "❔ inconclusive"}
_MARKUP = str.maketrans({one: f"\\{one}" for one in "\\`*_[]<>|#~&"})

MOST_ANNOTATIONS = 9  # GitHub shows ten of a kind per step; the tenth says how many more there are
SUMMARY_BYTES = 1024 * 1024
_LEVELS: dict[Outcome, str] = {"fail": "error", "inconclusive": "warning", "warn": "warning"}
_DATA = str.maketrans({"%": "%25"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})

_COMMAND = re.compile(r"^([ \t]*)(::)|##(?=\[|vso\[)", re.MULTILINE)
_TAGS: dict[Outcome, str] = {"fail": "failure", "inconclusive": "error", "warn": "skipped"}


def markdown(report: GateReport) -> str:
    """The report as a Markdown document, the gravest verdicts first."""
    lines = [f"## {printable(report.headline)}", ""]
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
        [_SIGNS[verdict.outcome], _text(verdict.name), _text(verdict.measure), _text(verdict.reason), str(verdict.n)]
        for verdict in verdicts
    ]
    return ["| verdict | rule | measure | finding | n |", "| --- | --- | --- | --- | ---: |", *map(_row, rows)]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _details(verdict: Verdict) -> list[str]:
    worst = [f"- {_case(case)}: {_number(case.value)}" for case in verdict.worst]
    return [*worst, *(f"- {_text(note)}" for note in verdict.notes)]


def _case(case: WorstCase) -> str:
    return f"{_text(case.case_id)} ({_text(case.class_name)})"


def _text(said: str) -> str:
    """Text that Markdown shows as it is."""
    return printable(said).translate(_MARKUP)


def annotations(report: GateReport) -> str:
    """Workflow commands, one a line, for every verdict that needs a look: nine, then `N more`."""
    to_see = [verdict for verdict in report.gravest_first() if verdict.outcome in _LEVELS]
    lines = [_command(verdict, report.source) for verdict in to_see[:MOST_ANNOTATIONS]]
    more = to_see[MOST_ANNOTATIONS:]
    if more:
        lines.append(f"::{_LEVELS[more[0].outcome]} title=segeval gate::{len(more)} more; see the summary of the step")
    return "".join(f"{line}\n" for line in lines)


def step_summary(report: GateReport) -> str:
    """Markdown for `GITHUB_STEP_SUMMARY`, cut at a line where GitHub would refuse it whole."""
    text = markdown(report)
    if len(text.encode()) <= SUMMARY_BYTES:
        return text
    closing = "\n\nThe rest is left out: GitHub takes 1 MiB. The JSON output has all verdicts.\n"
    kept = text.encode()[: SUMMARY_BYTES - len(closing.encode())].decode(errors="ignore")
    return kept[: kept.rindex("\n")] + closing


def _command(verdict: Verdict, source: str) -> str:
    properties = {"title": f"{verdict.rule_id}: {verdict.outcome}"}
    if source and verdict.line:
        properties = {"file": source, "line": str(verdict.line), **properties}
    said = ",".join(f"{key}={_escaped(value, _PROPERTY)}" for key, value in properties.items())
    return f"::{_LEVELS[verdict.outcome]} {said}::{_escaped(f'{verdict.name}: {verdict.reason}', _DATA)}"


def _escaped(text: str, table: dict[int, str]) -> str:
    return printable(text).translate(table)


def junit(report: GateReport) -> str:
    """JUnit XML, as CI servers show test results: a test case per verdict.

    A failed rule is a failure, an inconclusive one an error, a warning a skipped test with a message. The document
    keeps to junit-10.xsd of the Jenkins xUnit plugin, which knows no lines; they stand in the text.
    """
    counts = report.counts
    numbers = {"tests": len(report.verdicts), "failures": counts["fail"], "errors": counts["inconclusive"]}
    totals = {"name": "segeval gate", **{key: str(n) for key, n in numbers.items()}, "time": "0"}
    root = ET.Element("testsuites", totals)
    file = {"file": printable(report.source)} if report.source else {}
    suite = ET.SubElement(root, "testsuite", {**totals, "skipped": str(counts["warn"]), **file})
    for verdict in report.verdicts:
        _add_case(suite, verdict, report.source)
    if report.notes:
        ET.SubElement(suite, "system-out").text = "\n".join(map(printable, report.notes))
    ET.indent(root)
    document = ET.tostring(root, encoding="unicode")
    # a CI server that reads stdout finds commands in it; a parser of XML finds the same characters
    document = _COMMAND.sub(lambda found: f"{found[1]}&#58;:" if found[2] else "#&#35;", document)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{document}\n'


def _add_case(suite: ET.Element, verdict: Verdict, source: str) -> None:
    case = ET.SubElement(suite, "testcase", {"name": printable(verdict.name), "classname": "segeval.gate", "time": "0"})
    if verdict.outcome in _TAGS:
        found = ET.SubElement(
            case, _TAGS[verdict.outcome], {"message": printable(verdict.reason), "type": verdict.outcome}
        )
        found.text = "\n".join(_lines(verdict, source))


def _lines(verdict: Verdict, source: str) -> list[str]:
    """The finding, the cases to look at, notes, and where the rule stands."""
    subject = " ".join(part for part in (verdict.measure, verdict.class_name, verdict.part) if part)
    worst = [f"  {case.case_id} ({case.class_name}): {_number(case.value)}" for case in verdict.worst]
    lines = [
        f"{subject}: {verdict.reason} (n = {verdict.n})" if subject else verdict.reason,
        *(["worst cases:", *worst] if worst else []),
        *verdict.notes,
        *([f"rule: {source}:{verdict.line}"] if source and verdict.line else []),
    ]
    return [printable(line) for line in lines]


def _number(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.4g}"
