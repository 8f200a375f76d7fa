"""The gate: a run and its limits in, verdicts out."""

from segeval.verbs.gate.judge import CaseTable, gate_notes, judge
from segeval.verbs.gate.report import GateReport
from segeval.verbs.gate.resampling import Resampling
from segeval.verbs.gate.table import Column, RunTable
from segeval.verbs.gate.verdict import Verdict, WorstCase, exit_code

__all__ = [
    "CaseTable",
    "Column",
    "GateReport",
    "Resampling",
    "RunTable",
    "Verdict",
    "WorstCase",
    "exit_code",
    "gate_notes",
    "judge",
]
