"""How a gate is reported: each format is one function of a `GateReport`."""

from segeval.verbs.gate.reporters.as_json import as_json, json_schema
from segeval.verbs.gate.reporters.github import annotations, step_summary
from segeval.verbs.gate.reporters.junit import junit
from segeval.verbs.gate.reporters.markdown import markdown

__all__ = ["annotations", "as_json", "json_schema", "junit", "markdown", "step_summary"]
