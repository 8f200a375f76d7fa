"""A run as one strict JSON document: what `run.json` holds and `--json` prints."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from segeval.io.tables import jsonable
from segeval.results import CaseRow, Results
from segeval.results.tables import TABLES


def run_document(results: Results) -> dict[str, Any]:
    """The facts of the run, its problem cases, why values are undefined, and all tables."""
    return {
        **results.facts,
        "labels": [{"label": one.label, "class": one.name, "ids": list(one.ids)} for one in results.classes],
        "files": {row.case_id: {"pred": row.pred_file, "truth": row.truth_file} for row in results.case_rows},
        "problems": [_problem(row) for row in results.problems],
        "notes": {row.case_id: list(row.notes) for row in results.case_rows if row.notes},
        "undefined": _undefined(results),
        "tables": {name: dict(zip(("columns", "rows"), table(results), strict=True)) for name, table in TABLES.items()},
    }


def document_text(document: Mapping[str, Any]) -> str:
    """The document as text in which every row of a table is a line of its own."""
    plain = jsonable(document)
    tables = ",\n".join(f"  {_dump(name)}: {_table_text(table)}" for name, table in plain.pop("tables").items())
    facts = _dump(plain, indent=1).removesuffix("\n}")
    return f'{facts},\n "tables": {{\n{tables}\n }}\n}}\n'


def _table_text(table: Mapping[str, Any]) -> str:
    rows = ",\n".join(f"    {_dump(row)}" for row in table["rows"])
    return f'{{\n   "columns": {_dump(table["columns"])},\n   "rows": [\n{rows}\n   ]\n  }}'


def _dump(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)


def _problem(row: CaseRow) -> dict[str, str]:
    return {"case": row.case_id, "status": row.status, "problem": row.problem}


def _undefined(results: Results) -> dict[str, dict[str, dict[str, int]]]:
    """How often a measure of a class is undefined, by the status of the row; `ok` means 0/0 in its formula."""
    found: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    values = [(row.of.name, row.status, row.values) for row in results.class_rows]
    values += [("(all)", row.status, row.values) for row in results.case_rows]
    for name, status, of_row in values:
        for column in (column for column, value in of_row.items() if math.isnan(value)):
            found[name][column][status] += 1
    return {name: {column: dict(why) for column, why in columns.items()} for name, columns in found.items()}
