"""The gate: a run and its limits in, verdicts out."""

from segeval.tasks.gate.judge import CaseTable, gate_notes, judge
from segeval.tasks.gate.report import GateReport
from segeval.tasks.gate.resampling import Resampling
from segeval.tasks.gate.table import Column, RunTable
from segeval.tasks.gate.verdict import Verdict, WorstCase, exit_code

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
