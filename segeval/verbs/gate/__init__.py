"""The gate: a run and its limits in, verdicts out."""

from segeval.verbs.gate.judge import gate_notes, judge
from segeval.verbs.gate.table import Column, Resampling, RunTable
from segeval.verbs.gate.verdict import GateReport, Verdict, WorstCase, exit_code
from segeval.verbs.running.case_table import CaseTable

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
