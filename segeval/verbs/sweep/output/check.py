"""What must hold in every table of overlap metrics, printed or computed: wrong rows give themselves away.

The Dice coefficient of one mask is the harmonic mean of its sensitivity and precision; IoU and F2 follow from it, and
the means over many masks obey the inequalities that convexity leaves.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from segeval.verbs.sweep.output.table import MEAN, METRICS, SweepTable

_SLACK = 1e-9


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
    rows = []
    for i, row in enumerate(table.rows):
        of_row = {name: row.get(name) for name in METRICS}
        values = {name: Rounded(low=one, high=one) for name, one in of_row.items() if one is not None and one == one}
        pooled = table.averaging == "pooled" and row.get("class") != MEAN
        rows.append(CheckedRow(name=f"{table.loss} --{table.mode}, row {i + 1}", values=values, pooled=pooled))
    return rows


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
