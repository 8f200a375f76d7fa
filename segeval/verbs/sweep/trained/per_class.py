"""One loss against another: a row per loss, and the classes side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from segeval.metrics.overlap import dice
from segeval.statistics.summary import mean, summarise
from segeval.verbs.sweep.output.table import MEAN, Better, Row, SweepTable, better_of
from segeval.verbs.sweep.trained.outcomes import Achieved, summed
from segeval.verbs.sweep.trained.report import Report
from segeval.verbs.sweep.trained.tradeoff import tradeoff_table

_OVERLAPS = {"dice": "dsc", "iou": "iou"}


def losses_table(report: Report) -> SweepTable:
    """A row per loss: the means over the classes, then `dice_<class>` and `iou_<class>` and their means."""
    table = tradeoff_table(report)
    blocks = _blocks(table.rows)
    side_by_side = [_overlaps(rows) for rows in zip(*blocks.values(), strict=True)]
    if report.baseline is not None:
        side_by_side = [_against(row, side_by_side[report.baseline]) for row in side_by_side]
    last = blocks[MEAN] if MEAN in blocks else next(iter(blocks.values()))
    rows = [_without_class(row) | own for row, own in zip(last, side_by_side, strict=True)]
    names = tuple(side_by_side[0])
    return replace(
        table,
        columns=(*table.columns, *names),
        rows=tuple(rows),
        best={**table.best, **_best_of(names, table)},
        notes=(*table.notes, *_mean_note(report)),
        shown=(*(one for one in table.shown if one != "dsc"), *(name for name in names if name.startswith("dice_"))),
    )


def exp_log_table(report: Report) -> SweepTable:
    """The layout of arXiv 1809.00076, Table 1b: Dice of each label by falling volume, and its mean over the labels."""
    table = losses_table(report)
    volumes = _volume_fractions(report)
    names = sorted(report.classes, key=lambda name: -volumes[name])
    columns = (*(f"dice_{name}" for name in names), "dice_mean", "dice_mean_std")
    spread = [{"dice_mean_std": _mean_spread(row, report)} for row in report.rows]
    return replace(
        table,
        columns=(*columns, *report.facts),
        rows=tuple({**row, **own} for row, own in zip(table.rows, spread, strict=True)),
        best=_best_of(columns[:-1], table),
        shown=(*columns, *(one for one in table.shown if one in report.facts)),
        caption={
            **{name: said for name, said in table.caption.items() if name != "apr"},
            **{f"volume_fraction_{name}": f"{volumes[name]:.4%}" for name in names},
            "include_background": "true" if "background" in report.classes else "false",
        },
        paper=None,
    )


def _blocks(rows: Sequence[Row]) -> dict[str, list[Row]]:
    blocks: dict[str, list[Row]] = {}
    for row in rows:
        blocks.setdefault(row["class"], []).append(row)
    return blocks


def _overlaps(rows: Sequence[Row]) -> dict[str, float]:
    """Dice and IoU of every class of one loss, and their means."""
    classes = [row for row in rows if row["class"] != MEAN]
    found = {f"{name}_{row['class']}": row[metric] for name, metric in _OVERLAPS.items() for row in classes}
    means = {f"{name}_mean": _mean([row[metric] for row in classes]) for name, metric in _OVERLAPS.items()}
    return found | means


def _best_of(names: Sequence[str], table: SweepTable) -> dict[str, Better]:
    """A class's Dice may be called best where the `dsc` of the table may."""
    prefixes = tuple(f"{name}_" for name, metric in _OVERLAPS.items() if metric in table.best)
    return better_of(*(name for name in names if name.startswith(prefixes) and not name.endswith("_diff")))


def _against(row: Mapping[str, float], base: Mapping[str, float]) -> dict[str, float]:
    return {**row, **{f"{name}_diff": value - base[name] for name, value in row.items()}}


def _without_class(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "class"}


def _mean_note(report: Report) -> list[str]:
    several = len(report.classes) > 1
    return [f"Metrics without a class in their name are means over {', '.join(report.classes)}."] if several else []


def _mean_spread(row: Achieved, report: Report) -> float:
    """Standard deviation over the repeats of the mean Dice over the classes."""
    per_class = [mean(np.asarray(dice(row.counts(i, report.how.case_ids))).T) for i in range(len(report.classes))]
    return summarise(mean(np.stack(per_class))).std


def _volume_fractions(report: Report) -> dict[str, float]:
    """Share of the voxels of all reported cases that are each class in truth."""
    counts = [summed(report.rows[0].counts(i, report.how.case_ids)) for i in range(len(report.classes))]
    shares = (float(one.truth[0] / one.total[0]) for one in counts)
    return dict(zip(report.classes, shares, strict=True))


def _mean(values: Sequence[float]) -> float:
    return float(mean(np.array(values, dtype=np.float64)))
