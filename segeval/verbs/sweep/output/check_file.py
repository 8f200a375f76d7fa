"""`segeval sweep --check-table FILE`: read a comparison table from a paper or a program, and check its rows."""

import csv
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from segeval.errors import DataError
from segeval.files.paths import printable, require_existing
from segeval.verbs.sweep.output.check import CheckedRow, Rounded, findings
from segeval.verbs.sweep.output.table import MEAN

_TITLES = {
    "dsc": ("dsc", "dice", "f1", "dicecoefficient", "sorensendice"),
    "sensitivity": ("sensitivity", "sens", "recall", "tpr"),
    "specificity": ("specificity", "spec", "tnr"),
    "precision": ("precision", "ppv", "prec"),
    "f2": ("f2",),
    "apr": ("apr", "averageprecision"),
    "iou": ("iou", "jaccard", "jaccardindex"),
}
_NAME_OF = {title: name for name, titles in _TITLES.items() for title in titles}
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def check_file(path: Path, *, pooled: bool = False) -> list[str]:
    """What cannot be right in a table; empty where nothing is wrong.

    Args:
        path: CSV, or a Markdown table; metrics under their usual names, as fractions or in per cent.
        pooled: the numbers are of summed counts; a column `averaging` says so by itself.

    Raises:
        ConfigError: there is no such file.
        DataError: it holds no table of metrics.
    """
    header, rows = _read(path)
    columns = {name: i for i, title in enumerate(header) if (name := _NAME_OF.get(_plain(title)))}
    if not columns:
        raise DataError(
            f"{printable(path)}: no column of metrics among {', '.join(header) or 'nothing'}. "
            "Known titles: DSC, Sensitivity, Specificity, Precision, F2, APR, IoU."
        )
    numbers = [{name: _rounded(row[i]) for name, i in columns.items() if _number(row[i])} for row in rows]
    scale = 100.0 if any(value.high > 1.5 for row in numbers for value in row.values()) else 1.0
    checked = [_row(i, row, numbers[i], header, columns, scale, pooled=pooled) for i, row in enumerate(rows)]
    return [*_mixed_scales(numbers, columns, scale), *findings(checked)]


def _row(
    index: int,
    cells: Sequence[str],
    numbers: Mapping[str, Rounded],
    header: Sequence[str],
    columns: Mapping[str, int],
    scale: float,
    *,
    pooled: bool,
) -> CheckedRow:
    of = dict(zip(header, cells, strict=True))
    said = [cell for i, cell in enumerate(cells[: min(columns.values())]) if cell and i not in columns.values()]
    return CheckedRow(
        name=" ".join([f"row {index + 1}", f"({', '.join(said)})" if said else ""]).strip(),
        values={name: one.through(lambda value: value / scale) for name, one in numbers.items()},
        pooled=(pooled or of.get("averaging") == "pooled") and of.get("class") != MEAN,
    )


def _mixed_scales(numbers: Sequence[Mapping[str, Rounded]], columns: Mapping[str, int], scale: float) -> list[str]:
    """Columns of fractions beside columns in per cent."""
    low = [name for name in columns if all(row[name].high <= 1 for row in numbers if name in row)]
    return [f"{', '.join(low)}: fractions beside columns in per cent."] if scale > 1 and low else []


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    """The header, and the rows that are as long."""
    require_existing(path, what="--check-table")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{printable(path)}: cannot be read as text ({error}). Give a CSV or a Markdown table."
        ) from error
    piped = [line.strip().strip("|") for line in text.splitlines() if line.strip().startswith("|")]
    lines = [[cell.strip() for cell in line.split("|")] for line in piped] or list(csv.reader(text.splitlines()))
    header, *rows = lines or [[]]
    return header, [row for row in rows if len(row) == len(header) and any(map(_number, row))]


def _plain(title: str) -> str:
    """`F2 score (%)` -> `f2`"""
    return re.sub(r"score|[^a-z0-9]", "", title.lower())


def _number(cell: str) -> str:
    found = _NUMBER.search(cell.replace("**", ""))
    return found[0] if found else ""


def _rounded(cell: str) -> Rounded:
    number = Decimal(_number(cell))
    half = float(Decimal(5).scaleb(int(number.as_tuple().exponent) - 1))
    return Rounded(low=float(number) - half, high=float(number) + half)
