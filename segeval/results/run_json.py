"""A run as one strict JSON document: what `run.json` holds and `--json` prints."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from json.encoder import encode_basestring
from typing import Any

from segeval.evidence.labels import WHOLE_CASE
from segeval.results.csv_tables import jsonable, texts_of_table
from segeval.results.records import CaseRow
from segeval.results.table import Table
from segeval.results.tables import Results

_END = "\n}"
IN_ITS_FILE = "lesions"  # noise has them by the hundred thousand, so run.json has the digest of their file alone


def run_document(results: Results) -> dict[str, Any]:
    """The facts of the run, its problem cases, why values are undefined, and all tables but that of lesions."""
    return {
        **results.facts,
        "labels": [{"label": one.label, "class": one.name, "ids": list(one.ids)} for one in results.classes],
        "files": {row.case_id: _files(row) for row in results.case_rows},
        "problems": [_problem(row) for row in results.problems],
        "notes": {row.case_id: list(row.notes) for row in results.case_rows if row.notes},
        "approx": {row.case_id: list(row.approx) for row in results.case_rows if row.approx},
        "undefined": _undefined(results),
        **({"resamples": _resamples(results)} if results.resamples else {}),
        **{name: table for name, table in results.tables.items() if name != IN_ITS_FILE},
    }


def _resamples(results: Results) -> dict[str, dict[str, str]]:
    """The scores of all cases in each resample, as one line of numbers, which a comparison of runs reads."""
    return {
        column: {name: " ".join(f"{value:.7g}" for value in values.tolist()) for name, values in of.items()}
        for column, of in results.resamples.items()
    }


def document_text(document: Mapping[str, Any]) -> Iterator[str]:
    """The document as text in which every row of a table is a line of its own, some thousand of them at a time."""
    tables = {name: value for name, value in document.items() if isinstance(value, Table)}
    facts = _dump({name: value for name, value in document.items() if name not in tables}, indent=1)
    yield facts.removesuffix(_END)
    for name, table in tables.items():
        yield f",\n {_dump(name)}: ["
        yield from _rows_text(table)
        yield "\n ]" if table.rows else "]"
    yield f"{_END}\n"


def _rows_text(table: Table) -> Iterator[str]:
    names = [f"{_dump(name)}: " for name in table.columns]
    for first, texts in texts_of_table(table, _dump):
        lines = (", ".join(map(str.__add__, names, cells)) for cells in zip(*texts, strict=True))
        yield ("\n" if first == 0 else ",\n") + ",\n".join(f"  {{{line}}}" for line in lines)


def _dump(value: Any, indent: int | None = None) -> str:
    if isinstance(value, str):  # of which a table of lesions has a million
        return encode_basestring(value)
    return json.dumps(jsonable(value), ensure_ascii=False, allow_nan=False, indent=indent)


def _files(row: CaseRow) -> dict[str, str]:
    return {"pred": row.pred_file, "truth": row.truth_file} | ({"sha256": row.digest} if row.digest else {})


def _problem(row: CaseRow) -> dict[str, str]:
    return {"case": row.case_id, "status": row.status, "problem": row.problem}


def _undefined(results: Results) -> dict[str, dict[str, dict[str, int]]]:
    """How often a measure of a class is undefined, and why."""
    found: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    of_case = {row.case_id: row for row in results.case_rows}
    rows = [(row.of.name, row) for row in results.class_rows] + [(WHOLE_CASE, row) for row in results.case_rows]
    for name, row in rows:
        for column in (column for column, value in row.values.items() if math.isnan(value)):
            definition = results.facts["definitions"][column]
            if definition["levels"] == ["data set"]:  # of which no case has a value
                continue
            reason = _lack(of_case[row.case_id], row.status, definition)
            found[name][column][reason or row.status] += 1
    return {name: {column: dict(why) for column, why in columns.items()} for name, columns in found.items()}


def _lack(case: CaseRow, status: str, definition: Mapping[str, Any]) -> str:
    """What a value wants that the case has not; if nothing, its status is the reason, and `ok` means 0/0.

    `profile_undefined`: the tool that is followed has no answer for a class that is absent like this.
    """
    if definition.get("needs_probabilities") and case.probability_source == "hard":
        return "needs_probabilities"
    if definition.get("needs_logits"):
        return "needs_logits"
    if definition["unit"] == "ml" and len(case.spacing_mm or ()) != 3:
        return "needs_spacing_in_3d"
    return "profile_undefined" if status in definition.get("tool_errors", ()) else ""
