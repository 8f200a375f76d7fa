"""How a gate is reported: each format is one function of a `GateReport`."""

from segeval.tasks.gate.reporters.as_json import as_json, json_schema
from segeval.tasks.gate.reporters.github import annotations, step_summary
from segeval.tasks.gate.reporters.junit import junit
from segeval.tasks.gate.reporters.markdown import markdown

__all__ = ["annotations", "as_json", "json_schema", "junit", "markdown", "step_summary"]
