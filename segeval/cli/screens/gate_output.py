"""Where the reports of a gate go: the screen, a file, stdout, or the places that GitHub Actions reads."""

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segeval.cli.screens import console
from segeval.cli.screens.tables import add_row, plain_table, print_line
from segeval.errors import ConfigError
from segeval.results.number_text import short

if TYPE_CHECKING:
    from segeval.verbs.gate.selftest import SelfTest
    from segeval.verbs.gate.verdict import GateReport, Verdict

FORMATS = ("json", "junit", "markdown", "github")
_STYLES = {"pass": "green", "fail": "bold red", "warn": "yellow", "inconclusive": "bold yellow"}
_SIDES = {"": "", ">=": "≥ ", "<=": "≤ "}


def show(report: "GateReport", outputs: Sequence[str], *, quiet: bool, color: bool) -> None:
    """The table on screen, and every output that was asked for, or that GitHub Actions waits for."""
    printed = write_outputs(report, outputs)
    if in_github() and not any(output.partition("=")[0] == "github" for output in outputs):
        printed = write_outputs(report, ["github"]) or printed
    if not quiet and not printed:
        with console.screen(color=color) as screen:
            print_report(report, screen)
    if not quiet:
        console.say(report.headline)


def print_report(report: "GateReport", screen: Any) -> None:
    """A row per verdict, the gravest first; then what decided those that did not pass, with the cases to open."""
    table = plain_table("verdict", "rule", "measure", "what is judged", "found", "limit", "n", left=(0, 1, 2, 3))
    for verdict in report.gravest_first():
        limit = "" if math.isnan(verdict.limit) else _SIDES[verdict.side] + short(verdict.limit)
        found = "" if math.isnan(verdict.value) else short(verdict.value)
        cells = (verdict.measure, _judged(verdict), found, limit, str(verdict.n) if verdict.n else "")
        add_row(table, verdict.outcome, verdict.name, *cells, style=_STYLES[verdict.outcome])
    screen.print(table)
    for verdict in report.gravest_first():
        if verdict.outcome != "pass":
            screen.print()
            print_line(screen, f"{verdict.name}: {verdict.reason}")
            for said in (*verdict.notes, _worst(verdict)):
                print_line(screen, f"  {said}", style="dim")
    for note in report.notes:
        screen.print()
        print_line(screen, f"note: {note}")


def _judged(verdict: "Verdict") -> str:
    """`mean`, `lower bound of mean`, `change of mean`, `share of cases`."""
    shows, stat = verdict.shows, verdict.stat
    return stat if shows in ("", "value", "share") else shows if shows == "cases" else f"{shows} of {stat}"


def _worst(verdict: "Verdict") -> str:
    cases = ", ".join(f"{case.case_id} ({case.class_name}) {short(case.value)}" for case in verdict.worst)
    return f"open first: {cases}" if cases else "no case to open"


def print_selftest(found: "SelfTest", screen: Any) -> None:
    """A row per rule, a column per way to degrade the predictions; then which rules never tripped."""
    names = [degraded.name for degraded in found.degradations]
    table = plain_table("rule", "as it is", *names, left=range(len(names) + 2))
    for rule in found.rules:
        outcomes = (found.original[rule], *(degraded.outcomes[rule] for degraded in found.degradations))
        add_row(table, rule, *outcomes)
    screen.print(table)
    for degraded in found.degradations:
        print_line(screen, f"{degraded.name}: {degraded.what}", style="dim")
    if found.never_tripped:
        screen.print()
        print_line(screen, f"Never tripped: {', '.join(found.never_tripped)}.", style="yellow")
    print_line(screen, found.conclusion, style="bold")


def in_github() -> bool:
    """Whether this runs as a step of GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def write_outputs(report: "GateReport", outputs: Sequence[str]) -> bool:
    """Write each `FORMAT` or `FORMAT=PATH`; say whether something went to stdout.

    Raises:
        ConfigError: a format is unknown, or a file cannot be written.
    """
    printed = False
    for output in outputs:
        name, _, path = output.partition("=")
        if name not in FORMATS:
            raise ConfigError(f"--output {output}: unknown format. Use {', '.join(FORMATS)}, and =PATH for a file.")
        printed |= _github(report, path) if name == "github" else _write(name, _render(name)(report), path)
    return printed


def _render(name: str) -> "Callable[[GateReport], str]":
    if name == "json":
        from segeval.verbs.gate.as_json import as_json

        return as_json
    from segeval.verbs.gate import reports

    return {"junit": reports.junit, "markdown": reports.markdown}[name]


def _write(name: str, text: str, path: str) -> bool:
    from segeval.files.writing import write_text_atomically

    if path:
        write_text_atomically(Path(path), text)
        return False
    put = console.put_json if name == "json" else console.put
    put(text)
    return True


def _github(report: "GateReport", path: str) -> bool:
    """Annotations to stdout, where the runner reads them; the summary to its file, which others write to as well."""
    from segeval.files.writing import cannot_write
    from segeval.verbs.gate.reports import annotations, step_summary

    console.put(annotations(report))
    summary = path or os.environ.get("GITHUB_STEP_SUMMARY", "")
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(step_summary(report))
        except OSError as error:
            raise cannot_write(Path(summary), error) from error
    return False
