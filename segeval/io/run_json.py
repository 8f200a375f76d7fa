"""A run as one strict JSON document: what `run.json` holds and `--json` prints."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from segeval.io.tables import jsonable
from segeval.results import CaseRow, Results
from segeval.results.tables import tables_of


def run_document(results: Results) -> dict[str, Any]:
    """The facts of the run, its problem cases, why values are undefined, and all tables."""
    return {
        **results.facts,
        "labels": [{"label": one.label, "class": one.name, "ids": list(one.ids)} for one in results.classes],
        "files": {row.case_id: {"pred": row.pred_file, "truth": row.truth_file} for row in results.case_rows},
        "problems": [_problem(row) for row in results.problems],
        "notes": {row.case_id: list(row.notes) for row in results.case_rows if row.notes},
        "approx": {row.case_id: list(row.approx) for row in results.case_rows if row.approx},
        "undefined": _undefined(results),
        "tables": {name: {"columns": columns, "rows": rows} for name, (columns, rows) in tables_of(results).items()},
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
    """How often a measure of a class is undefined, and why.

    The reason is the status of the row, of which `ok` means 0/0 in the formula, or `needs_probabilities`.
    """
    needy = {column for column, one in results.facts["definitions"].items() if one.get("needs_probabilities")}
    hard = {row.case_id for row in results.case_rows if row.probability_source == "hard"}
    found: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    rows = [(row.of.name, row) for row in results.class_rows] + [("(all)", row) for row in results.case_rows]
    for name, row in rows:
        for column in (column for column, value in row.values.items() if math.isnan(value)):
            lacks = column in needy and row.case_id in hard
            found[name][column]["needs_probabilities" if lacks else row.status] += 1
    return {name: {column: dict(why) for column, why in columns.items()} for name, columns in found.items()}
