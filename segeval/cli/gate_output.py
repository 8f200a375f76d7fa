"""Where the reports of a gate go: a file, stdout, or the places that GitHub Actions reads."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segeval.cli import console
from segeval.errors import ConfigError

if TYPE_CHECKING:
    from segeval.verbs.gate.report import GateReport

FORMATS = ("json", "junit", "markdown", "github")


def in_github() -> bool:
    """Whether this runs as a step of GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def write_outputs(report: "GateReport", outputs: Sequence[str]) -> bool:
    """Write each `FORMAT` or `FORMAT=PATH`; say whether something went to stdout.

    Raises:
        ConfigError: a format is unknown, or a file cannot be written.
    """
    printed = False
    for one in outputs:
        name, _, path = one.partition("=")
        if name not in FORMATS:
            raise ConfigError(f"--output {one}: unknown format. Use {', '.join(FORMATS)}, and =PATH for a file.")
        printed |= _github(report, path) if name == "github" else _write(_render(name)(report), path)
    return printed


def _render(name: str) -> "Callable[[GateReport], str]":
    from segeval.verbs.gate import reporters

    return {"json": reporters.as_json, "junit": reporters.junit, "markdown": reporters.markdown}[name]


def _write(text: str, path: str) -> bool:
    from segeval.files.writing import write_text_atomically

    if path:
        write_text_atomically(Path(path), text)
        return False
    console.put(text)
    return True


def _github(report: "GateReport", path: str) -> bool:
    """Annotations to stdout, where the runner reads them; the summary to its file, which others write to as well."""
    from segeval.verbs.gate.reporters import annotations, step_summary

    console.put(annotations(report))
    summary = path or os.environ.get("GITHUB_STEP_SUMMARY", "")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(step_summary(report))
    return False
