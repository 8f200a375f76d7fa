"""The tables of a run as header and rows: the same cells for CSV, `run.json` and pandas."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from segeval.results.records import Results

if TYPE_CHECKING:
    from segeval.evidence.lesions.lesion_rows import LesionRow

Table = tuple[list[str], list[list[Any]]]
STATISTICS = ("mean", "std", "median", "p5", "p25", "p75", "p95", "min", "max", "ci_low", "ci_high")


def scores_table(results: Results) -> Table:
    """One row per case and class."""
    header = ["case", "label", "class", "status", "n_pred", "n_truth", "tp", "fp", "fn", "tn", *results.class_columns]
    rows = [
        [row.case_id, row.of.label, row.of.name, row.status, row.n_pred, row.n_truth, row.tp, row.fp, row.fn, row.tn]
        + [row.values[column] for column in results.class_columns]
        for row in results.class_rows
    ]
    return header, rows


def cases_table(results: Results) -> Table:
    """One row per case, also for those that could not be scored."""
    header = ["case", "status", "shape", "spacing_mm", "probability_source", *results.case_columns]
    rows = [
        [row.case_id, row.status, _times(row.shape), _times(row.spacing_mm or ()), row.probability_source]
        + [row.values.get(column) for column in results.case_columns]
        for row in results.case_rows
    ]
    return header, rows


def summary_table(results: Results) -> Table:
    """One row per class and measure, then the means over classes, then the case-level measures."""
    header = ["class", "measure", "n", "n_undefined", "n_inf", "n_missing", *STATISTICS, "pooled"]
    rows = [
        [row.name, row.column, row.n, row.n_undefined, row.n_inf, row.n_missing]
        + [row.statistics.get(name) for name in STATISTICS]
        + [row.pooled]
        for row in results.summary
    ]
    return header, rows


def confusion_table(results: Results) -> Table:
    """Voxels of all cases together: a row per true id, a column per predicted id."""
    if results.confusion is None:
        return ["truth"], []
    names = {one.ids[0]: one.name for one in results.classes if len(one.ids) == 1}
    said = [names.get(one, "background" if one == 0 else str(one)) for one in results.confusion.ids]
    rows = [[name, *map(int, counts)] for name, counts in zip(said, results.confusion.n, strict=True)]
    return ["truth", *(f"pred {name}" for name in said)], rows


def _times(numbers: Sequence[float]) -> str:
    """`512x512x17`, or `0.586x0.586x3.3` for lengths."""
    return "x".join(f"{one:g}" for one in numbers)


def lesions_table(results: Results) -> Table:
    """One row per lesion of either side, in the order of cases and classes."""
    from segeval.evidence.lesions.lesion_rows import LesionRow

    header = ["case", "label", "class", *(field.name for field in fields(LesionRow) if field.name != "of")]
    rows = [
        [case_id, row.of.label, row.of.name] + [_lesion_cell(row, name) for name in header[3:]]
        for case_id, lesions in (results.lesions or {}).items()
        for row in lesions
    ]
    return header, rows


def tables_of(results: Results) -> dict[str, Table]:
    """The tables that a run has, by name."""
    return {name: table(results) for name, table in TABLES.items() if name != "lesions" or results.lesions is not None}


def _lesion_cell(row: "LesionRow", name: str) -> Any:
    value = getattr(row, name)
    return _TEXT[name](value) if name in _TEXT else value


def _joined(numbers: Sequence[float]) -> str:
    return " ".join(f"{one:g}" for one in numbers)


def _box(box: tuple[Sequence[int], Sequence[int]]) -> str:
    """`10:14 0:20 3:5`, as one would cut it out of the array."""
    return " ".join(f"{start}:{stop}" for start, stop in zip(*box, strict=True))


_TEXT: Mapping[str, Callable[[Any], str]] = {
    "matched_ids": lambda ids: "+".join(map(str, ids)),
    "centroid_mm": _joined,
    "bbox": _box,
}

TABLES: Mapping[str, Callable[[Results], Table]] = {
    "scores": scores_table,
    "cases": cases_table,
    "summary": summary_table,
    "confusion": confusion_table,
    "lesions": lesions_table,
}
