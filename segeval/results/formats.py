"""The extra files of `--format`: Markdown, LaTeX, the summary of nnU-Net, a workbook, and Parquet."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import not_installed
from segeval.evidence.labels import LabelClass
from segeval.files.writing import write_text_atomically
from segeval.measure import ratio
from segeval.results.csv_tables import jsonable
from segeval.results.records import ClassRow
from segeval.results.table import Table, latex, markdown
from segeval.results.tables import TABLES, Results


def markdown_summary(results: Results) -> str:
    """The summary as a Markdown table: a row per class, mean ± std per measure."""
    return markdown(results.mean_table)


def latex_summary(results: Results) -> str:
    """The summary as a LaTeX tabular for booktabs."""
    return latex(results.mean_table)


def nnunet_summary(results: Results) -> str:
    """The document that nnU-Net's evaluator calls `summary.json`: same keys, same values, nan as `NaN`.

    Its mean over cases skips undefined values; its `foreground_mean` does not, so one class without
    any value makes it undefined, there and here.
    """
    rows_of: dict[str, list[ClassRow]] = {}
    for row in results.class_rows:
        rows_of.setdefault(row.case_id, []).append(row)
    per_case: list[dict[str, Any]] = [
        {
            "metrics": {_nnunet_key(row.of): _nnunet_metrics(row) for row in rows_of[case.case_id]},
            "prediction_file": case.pred_file,
            "reference_file": case.truth_file,
        }
        for case in sorted(results.case_rows, key=lambda case: case.pred_file)  # nnU-Net sorts file names, not cases
        if case.case_id in rows_of
    ]
    means = {
        key: {name: _nanmean([case["metrics"][key][name] for case in per_case]) for name in _NNUNET}
        for key in map(_nnunet_key, results.classes)
    }
    foreground = [one for key, one in means.items() if key != "0"]
    overall = {name: float(np.mean([one[name] for one in foreground])) for name in _NNUNET} if foreground else {}
    document = {"foreground_mean": overall, "mean": means, "metric_per_case": per_case}
    return json.dumps(document, indent=4, sort_keys=True) + "\n"


_NNUNET = ("Dice", "FN", "FP", "IoU", "TN", "TP", "n_pred", "n_ref")


def _nnunet_key(of: LabelClass) -> str:
    return str(of.ids[0]) if len(of.ids) == 1 else str(of.ids)


def _nnunet_metrics(row: ClassRow) -> dict[str, Any]:
    wrong = row.fp + row.fn
    return {
        "Dice": float(ratio(2 * row.tp, 2 * row.tp + wrong)),
        "FN": row.fn,
        "FP": row.fp,
        "IoU": float(ratio(row.tp, row.tp + wrong)),
        "TN": row.tn,
        "TP": row.tp,
        "n_pred": row.n_pred,
        "n_ref": row.n_truth,
    }


def _nanmean(values: Sequence[float]) -> float:
    # numpy's own adds the undefined ones as zeros, which rounds the last digit in another way than leaving them out
    return math.nan if all(map(math.isnan, values)) else float(np.nanmean(values))


_LONG_AGO = datetime(2000, 1, 1)
SHEET_ROWS = 1_000_000  # a sheet holds 1,048,576
_GOOD, _MIDDLE, _BAD = "#9BD3A0", "#FFF2C4", "#F2A59B"


def write_workbook(results: Results, path: Path) -> None:
    """Every table as a sheet whose header stays in sight; values of measures are coloured from bad to good.

    Cells are numbers and text, never formulas; an undefined value is an empty cell and an infinite one the word `inf`.
    """
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"in_memory": True}) as book:
        book.set_properties({"created": _LONG_AGO})  # so that the same results are the same bytes
        bold = book.add_format({"bold": True})
        warn = book.add_format({"bg_color": _BAD})
        for name, table in results.tables.items():
            for number, rows in enumerate(_in_sheets(table), 1):
                sheet = book.add_worksheet(name if number == 1 else f"{name} ({number})")
                _fill(sheet, table.columns, rows, bold)
                _color(sheet, table.columns, len(rows), results.facts.get("definitions", {}), warn)


def _in_sheets(table: Table) -> Iterator[list[list[Any]]]:
    cells = [table.cells(row) for row in table.rows]
    yield from (cells[start : start + SHEET_ROWS] for start in range(0, max(len(cells), 1), SHEET_ROWS))


def _fill(sheet: Any, columns: Sequence[str], rows: Sequence[Sequence[Any]], bold: Any) -> None:
    sheet.freeze_panes(1, 0)
    for j, column in enumerate(columns):
        sheet.write_string(0, j, column, bold)
        sheet.set_column(j, j, min(max(len(column) + 2, 10), 40))
    if columns:
        sheet.autofilter(0, 0, len(rows), len(columns) - 1)
    for i, row in enumerate(rows, 1):
        for j, cell in enumerate(map(jsonable, row)):
            if isinstance(cell, int | float) and not isinstance(cell, bool):
                sheet.write_number(i, j, cell)
            elif cell is not None:
                sheet.write_string(i, j, str(cell))  # also what looks like a formula


def _color(sheet: Any, columns: Sequence[str], n_rows: int, definitions: Mapping[str, Any], warn: Any) -> None:
    for j, column in enumerate(columns):
        better = definitions.get(column, {}).get("better")
        if better in ("higher", "lower"):
            low, high = (_BAD, _GOOD) if better == "higher" else (_GOOD, _BAD)
            scale = {"type": "3_color_scale", "min_color": low, "mid_color": _MIDDLE, "max_color": high}
            sheet.conditional_format(1, j, max(n_rows, 1), j, scale)
        elif column == "status":
            other = {"type": "cell", "criteria": "!=", "value": '"ok"', "format": warn}
            sheet.conditional_format(1, j, max(n_rows, 1), j, other)
        elif column in ("n_undefined", "n_inf", "n_missing"):
            some = {"type": "cell", "criteria": ">", "value": 0, "format": warn}
            sheet.conditional_format(1, j, max(n_rows, 1), j, some)


def write_parquet(table: Table, path: Path) -> None:
    """A table in the types of its columns; undefined values are null, infinite ones are infinite."""
    import pyarrow
    from pyarrow import parquet

    arrays = [_typed(table.column(column)) for column in table.columns]
    parquet.write_table(pyarrow.table([pyarrow.array(*one) for one in arrays], names=list(table.columns)), path)


def _typed(values: Sequence[Any]) -> tuple[list[Any], str]:
    """The values of a column, and their type: whole numbers, numbers or text."""
    there = [None if isinstance(value, float) and math.isnan(value) else value for value in values]
    known = [value for value in there if value is not None]
    if any(isinstance(value, str) for value in known):
        return [None if value is None else str(value) for value in there], "string"
    if known and all(isinstance(value, int | np.integer) for value in known):
        return [None if value is None else int(value) for value in there], "int64"
    return [None if value is None else float(value) for value in there], "float64"


@dataclass(frozen=True, kw_only=True)
class FormatOfRun:
    """What `--format` writes beside the tables.

    Attributes:
        files: the names of what may be written.
        write: puts them into a folder.
        package: what has to be installed for it.
    """

    files: tuple[str, ...]
    write: Callable[[Results, Path], None]
    package: str = ""

    def check(self) -> None:
        """Refuse, before anything is scored, what could not be written.

        Raises:
            ConfigError: a package is missing.
        """
        if self.package:
            try:
                import_module(self.package)
            except ModuleNotFoundError as error:
                raise not_installed(self.package) from error


def _text_file(name: str, render: Callable[[Results], str]) -> FormatOfRun:
    return FormatOfRun(
        files=(name,), write=lambda results, folder: write_text_atomically(folder / name, render(results))
    )


def _write_parquet_files(results: Results, folder: Path) -> None:
    for name, table in results.tables.items():
        write_parquet(table, folder / f"{name}.parquet")


EXTRA_FORMATS: Mapping[str, FormatOfRun] = {
    "md": _text_file("summary.md", markdown_summary),
    "latex": _text_file("summary.tex", latex_summary),
    "nnunet": _text_file("summary.json", nnunet_summary),
    "xlsx": FormatOfRun(
        files=("results.xlsx",),
        write=lambda results, folder: write_workbook(results, folder / "results.xlsx"),
        package="xlsxwriter",
    ),
    "parquet": FormatOfRun(
        files=tuple(f"{name}.parquet" for name in TABLES), write=_write_parquet_files, package="pyarrow"
    ),
}
