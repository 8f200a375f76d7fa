"""A run as one strict JSON document: what `run.json` holds and `--json` prints."""

from collections import Counter, defaultdict
from typing import Any

from segeval.io.run_tables import Table, cases_table, confusion_table, scores_table, summary_table
from segeval.results import CaseRow, Results


def run_document(results: Results) -> dict[str, Any]:
    """The facts of the run, its problem cases, why values are undefined, and all tables."""
    return {
        **results.facts,
        "labels": [{"label": one.label, "class": one.name, "ids": list(one.ids)} for one in results.classes],
        "problems": [_problem(row) for row in results.problems],
        "notes": {row.case_id: list(row.notes) for row in results.case_rows if row.notes},
        "undefined": _undefined(results),
        "tables": {
            "scores": _split(scores_table(results)),
            "cases": _split(cases_table(results)),
            "summary": _split(summary_table(results)),
            "confusion": _split(confusion_table(results)),
        },
    }


def _split(table: Table) -> dict[str, Any]:
    header, rows = table
    return {"columns": header, "rows": rows}


def _problem(row: CaseRow) -> dict[str, str]:
    return {"case": row.case_id, "status": row.status, "problem": row.problem}


def _undefined(results: Results) -> dict[str, dict[str, dict[str, int]]]:
    """How often a measure of a class is undefined, by the status of the row; `ok` means 0/0 in its formula."""
    found: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in results.class_rows:
        for column, value in row.values.items():
            if value != value:  # nan
                found[row.of.name][column][row.status] += 1
    return {name: {column: dict(why) for column, why in columns.items()} for name, columns in found.items()}
