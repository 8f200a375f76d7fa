"""What must hold in every table of overlap metrics, printed or computed: wrong rows give themselves away.

The Dice coefficient of one mask is the harmonic mean of its sensitivity and precision; IoU and F2 follow from it, and
the means over many masks obey the inequalities that convexity leaves. `--check-table FILE` asks that of any table, and
every sweep of its own.
"""

import csv
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from segeval.errors import DataError
from segeval.files.paths import printable, require_existing
from segeval.verbs.sweep.table import MEAN, METRICS, SweepTable

_SLACK = 1e-9
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


@dataclass(frozen=True, kw_only=True)
class Rounded:
    """A printed number: any value from `low` to `high` would be printed so."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{(self.low + self.high) / 2:.4g}"

    def through(self, rising: Callable[[float], float]) -> "Rounded":
        """What follows from it by a function that rises."""
        return Rounded(low=rising(self.low), high=rising(self.high))

    def meets(self, other: "Rounded") -> bool:
        return self.low <= other.high + _SLACK and other.low <= self.high + _SLACK


@dataclass(frozen=True, kw_only=True)
class CheckedRow:
    """One row: its name for messages, its metrics as fractions, and whether they are of pooled counts."""

    name: str
    values: Mapping[str, Rounded]
    pooled: bool = False


def findings(rows: Sequence[CheckedRow]) -> list[str]:
    """What cannot be right, row by row; empty where nothing is wrong."""
    return [f"{row.name}: {wrong}." for row in rows for wrong in _wrong(row)]


def rows_of(table: SweepTable) -> list[CheckedRow]:
    """The rows of a table of ours, to be checked like any other."""
    found = []
    for i, (row, cells) in enumerate(zip(table.rows, table.whole.rows, strict=True)):
        metrics, others = _exact({name: row.get(name) for name in METRICS}), _exact(cells)
        found += _checked(f"{table.loss} --{table.mode}, row {i + 1}", metrics, others, cells, pooled=False)
    return found


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
    found = []
    for i, row in enumerate(rows):
        before = [cell for cell in row[: min(columns.values())] if cell]
        name = f"row {i + 1} ({', '.join(before)})" if before else f"row {i + 1}"
        values = {metric: value.through(lambda v: v / scale) for metric, value in numbers[i].items()}
        cells = dict(zip(header, row, strict=True))
        others = {title: _rounded(cell).through(lambda v: v / scale) for title, cell in cells.items() if _number(cell)}
        found += _checked(name, values, others, cells, pooled=pooled)
    return [*_mixed_scales(numbers, columns, scale), *findings(found)]


def _checked(
    name: str, metrics: Mapping[str, Rounded], others: Mapping[str, Rounded], cells: Mapping[str, Any], *, pooled: bool
) -> list[CheckedRow]:
    """A row of a table, and each class that has columns of its own there, as `dice_liver` and `iou_liver`.

    Args:
        others: every number of the row by its title.
        cells: all that the row says; a mean over classes or seeds is no value of one set of counts, whatever was
            pooled before.
    """
    pooled = (pooled or cells.get("averaging") == "pooled") and "dsc_seed_std" not in others
    of_one_class = pooled and cells.get("class") != MEAN and "dice_mean" not in cells
    labels = [title.removeprefix("dice_") for title in others if title.startswith("dice_")]
    pairs = {
        label: {"dsc": others[f"dice_{label}"], "iou": others[f"iou_{label}"]}
        for label in labels
        if f"iou_{label}" in others and not label.endswith("_diff")
    }
    rows = [CheckedRow(name=name, values=metrics, pooled=of_one_class)]
    return rows + [
        CheckedRow(name=f"{name}, {label}", values=values, pooled=pooled and label != "mean")
        for label, values in pairs.items()
    ]


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


def _exact(cells: Mapping[str, Any]) -> dict[str, Rounded]:
    """The numbers among some cells, which nobody has rounded."""
    return {
        name: Rounded(low=value, high=value)
        for name, value in cells.items()
        if isinstance(value, float | int) and math.isfinite(value)
    }


def _wrong(row: CheckedRow) -> Iterator[str]:
    for name, value in row.values.items():
        if value.high < -_SLACK or value.low > 1 + _SLACK:
            yield f"{name} {value} lies outside 0 to 1"
    yield from _dice_too_large(row, "sensitivity")
    yield from _dice_too_large(row, "precision")
    yield from _iou_off_dice(row)
    yield from _f2_off_dice(row)


def _dice_too_large(row: CheckedRow, side: str) -> Iterator[str]:
    """Dice is at most 2s / (1 + s), which is concave in s, so it holds for means over the same cases too."""
    if {"dsc", side} <= row.values.keys():
        dice, most = row.values["dsc"], row.values[side].through(lambda s: 2 * s / (1 + s))
        if dice.low > most.high + _SLACK:
            yield f"Dice {dice} is above {most.high:.4g}, the most that a {side} of {row.values[side]} allows"


def _iou_off_dice(row: CheckedRow) -> Iterator[str]:
    """IoU is Dice / (2 - Dice) for pooled counts; that is convex, so means lie between it and Dice."""
    if {"dsc", "iou"} <= row.values.keys():
        dice, iou = row.values["dsc"], row.values["iou"]
        least = dice.through(lambda d: d / (2 - d))
        if row.pooled and not iou.meets(least):
            yield f"IoU {iou} is not {least}, which follows from a pooled Dice of {dice}"
        elif iou.high < least.low - _SLACK:
            yield f"IoU {iou} is below {least}, the least for a mean Dice of {dice}"
        elif iou.low > dice.high + _SLACK:
            yield f"IoU {iou} is above Dice {dice}"


def _f2_off_dice(row: CheckedRow) -> Iterator[str]:
    """1/F2 = (3/sensitivity + 2/Dice)/5 for pooled counts."""
    if row.pooled and {"dsc", "sensitivity", "f2"} <= row.values.keys():
        dice, sensitivity, f2 = (row.values[name] for name in ("dsc", "sensitivity", "f2"))
        implied = Rounded(low=_f2(sensitivity.low, dice.low), high=_f2(sensitivity.high, dice.high))
        if not f2.meets(implied):
            yield f"F2 {f2} is not {implied}, which follows from pooled sensitivity {sensitivity} and Dice {dice}"


def _f2(sensitivity: float, dice: float) -> float:
    return 5 / (3 / sensitivity + 2 / dice) if sensitivity > 0 and dice > 0 else 0.0
