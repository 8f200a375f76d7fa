"""JUnit XML, as CI servers show test results: a test case per verdict.

A failed rule is a failure, an inconclusive one an error, a warning a skipped test with a message.
The document keeps to junit-10.xsd of the Jenkins xUnit plugin, which knows no lines; they stand in
the text.
"""

import re
from xml.etree import ElementTree as ET

from segeval.verbs.gate.report import GateReport
from segeval.verbs.gate.verdict import Outcome, Verdict

_TAGS: dict[Outcome, str] = {"fail": "failure", "inconclusive": "error", "warn": "skipped"}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


def junit(report: GateReport) -> str:
    """The report as a JUnit XML document."""
    counts = report.counts
    numbers = {"tests": len(report.verdicts), "failures": counts["fail"], "errors": counts["inconclusive"]}
    totals = {"name": "segeval gate", **{key: str(n) for key, n in numbers.items()}, "time": "0"}
    root = ET.Element("testsuites", totals)
    file = {"file": _text(report.source)} if report.source else {}
    suite = ET.SubElement(root, "testsuite", {**totals, "skipped": str(counts["warn"]), **file})
    for verdict in report.verdicts:
        _add_case(suite, verdict, report.source)
    if report.notes:
        ET.SubElement(suite, "system-out").text = _text("\n".join(report.notes))
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add_case(suite: ET.Element, verdict: Verdict, source: str) -> None:
    case = ET.SubElement(suite, "testcase", {"name": _text(verdict.name), "classname": "segeval.gate", "time": "0"})
    if verdict.outcome in _TAGS:
        found = ET.SubElement(case, _TAGS[verdict.outcome], {"message": _text(verdict.reason), "type": verdict.outcome})
        found.text = _text("\n".join(_details(verdict, source)))


def _details(verdict: Verdict, source: str) -> list[str]:
    """The finding, the cases to look at, notes, and where the rule stands."""
    subject = " ".join(part for part in (verdict.measure, verdict.class_name, verdict.part) if part)
    worst = [f"  {one.case_id} ({one.class_name}): {one.value:.4g}" for one in verdict.worst]
    return [
        f"{subject}: {verdict.reason} (n = {verdict.n})" if subject else verdict.reason,
        *(["worst cases:", *worst] if worst else []),
        *verdict.notes,
        *([f"rule: {source}:{verdict.line}"] if source and verdict.line else []),
    ]


def _text(said: str) -> str:
    return _NOT_XML.sub("?", said)
