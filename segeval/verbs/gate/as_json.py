"""Strict JSON, with a schema: undefined is null, infinite is the string "inf"."""

import json
import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from segeval.verbs.gate.verdict import GateReport, Outcome, Verdict

SCHEMA_VERSION = 1
Number = Annotated[float, Field(allow_inf_nan=False)] | Literal["inf", "-inf"] | None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Case(_Strict):
    case: str
    class_name: str = Field(alias="class")
    value: Number


class _Verdict(_Strict):
    rule: str
    verdict: Outcome
    measure: str
    class_name: str = Field(alias="class")
    stat: str
    slice: str
    value: Number
    shows: str
    limit: Number
    side: Literal["", ">=", "<="]
    n: int
    ci_low: Number
    ci_high: Number
    p: Number
    reason: str
    worst_cases: list[_Case]
    notes: list[str]
    line: int


class GateDocument(_Strict):
    """What `--output json` writes; the schema is made from this, and tests hold the output to it."""

    schema_version: Literal[1]
    kind: Literal["gate"]
    outcome: Literal["passed", "failed", "inconclusive"]
    beware: str
    exit_code: Literal[0, 1, 4]
    counts: dict[Outcome, int]
    notes: list[str]
    config: str
    verdicts: list[_Verdict]


def as_json(report: GateReport) -> str:
    """The report as one strict JSON document."""
    text = json.dumps(_document(report), indent=1, ensure_ascii=False, allow_nan=False)
    # names that are no UTF-8 come as lone surrogates, and `\udc80` is valid JSON too
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8") + "\n"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the document."""
    return GateDocument.model_json_schema(by_alias=True)


def _document(report: GateReport) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "gate",
        "outcome": report.outcome,
        "beware": report.beware,
        "exit_code": report.exit_code,
        "counts": dict(report.counts),
        "notes": list(report.notes),
        "config": report.source,
        "verdicts": [_verdict(verdict) for verdict in report.verdicts],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "rule": verdict.rule_id,
        "verdict": verdict.outcome,
        "measure": verdict.measure,
        "class": verdict.class_name,
        "stat": verdict.stat,
        "slice": verdict.part,
        "value": _number(verdict.value),
        "shows": verdict.shows,
        "limit": _number(verdict.limit),
        "side": verdict.side,
        "n": verdict.n,
        "ci_low": _number(verdict.interval.low),
        "ci_high": _number(verdict.interval.high),
        "p": _number(verdict.p),
        "reason": verdict.reason,
        "worst_cases": [
            {"case": case.case_id, "class": case.class_name, "value": _number(case.value)} for case in verdict.worst
        ],
        "notes": list(verdict.notes),
        "line": verdict.line,
    }


def _number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)
