"""GitHub Actions: annotations on the lines of the rules, and the summary of the step."""

from segeval.verbs.gate.report import GateReport, encodable
from segeval.verbs.gate.reporters.markdown import markdown
from segeval.verbs.gate.verdict import Outcome, Verdict

MOST_ANNOTATIONS = 9  # GitHub shows ten of a kind per step; the tenth says how many more there are
SUMMARY_BYTES = 1024 * 1024
_LEVELS: dict[Outcome, str] = {"fail": "error", "inconclusive": "warning", "warn": "warning"}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


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
    return encodable(text).translate(table)
