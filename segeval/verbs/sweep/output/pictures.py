"""What each mode has to show, as pictures yet to be drawn."""

from collections.abc import Mapping, Sequence

import numpy as np

from segeval.metrics.overlap import precision, sensitivity
from segeval.verbs.sweep.evidence.maps import ClassOverCases
from segeval.verbs.sweep.output.plots import Picture, Series
from segeval.verbs.sweep.output.sheet import caption_of, setting_text
from segeval.verbs.sweep.output.table import Row, SweepTable

_POINTS = 400  # of a curve, more than a page can resolve
_MARKED = 20  # points of a line up to which each has its mark


def tradeoff(table: SweepTable, symbols: Mapping[str, str]) -> Picture:
    """Precision against sensitivity, the settings marked: which errors a setting buys with which.

    Args:
        symbols: what to write beside a point: symbol -> column.
    """
    return Picture(
        name="tradeoff",
        title="Precision against sensitivity, by setting",
        x_label="sensitivity",
        y_label="precision",
        caption=f"{caption_of(table)}. Beside each point: {', '.join(symbols)}.",
        series=tuple(_settings_of(name, rows, symbols) for name, rows in by_class(table).items()),
    )


def precision_recall(classes: Sequence[ClassOverCases], table: SweepTable) -> Picture:
    """The precision-recall curve of every class, voxels pooled, with the thresholds that the settings chose.

    Settings that choose the same threshold share a point; those that predict nothing have none, and are said below.
    """
    series: list[Series] = []
    nothing: dict[str, None] = {}
    for maps in classes:
        chosen: dict[float, list[str]] = {}
        for row in by_class(table)[maps.name]:
            if row.get("threshold") is not None:
                setting = "/".join(setting_text(row[column]) for column in table.settings)
                chosen.setdefault(row["threshold"], []).append(setting)
        nothing |= dict.fromkeys(f"{setting} of {maps.name}" for setting in chosen.pop(np.inf, []))
        if maps.curve.n_truth:
            series += _curve_and_choices(maps, chosen)
    missing = f" Predicting nothing, and so without a point: {', '.join(nothing)}." if nothing else ""
    return Picture(
        name="precision_recall",
        title="Thresholds that the settings choose",
        x_label="recall (sensitivity)",
        y_label="precision",
        square=True,
        caption="Voxels of all cases pooled. Beside each point: its threshold, and the α/β that choose it."
        f"{missing} {caption_of(table)}.",
        series=tuple(series),
    )


def lines(table: SweepTable, *, name: str, x: tuple[str, str], y_label: str, columns: Mapping[str, str]) -> Picture:
    """Columns of a table against one of its settings.

    Args:
        x: the setting, and the label of its axis.
        columns: column -> name in the legend.
    """
    column, x_label = x
    values = [row[column] for row in table.rows]
    series = [
        Series(name=said, x=values, y=[_number(row.get(one)) for row in table.rows], marked=len(values) < _MARKED)
        for one, said in columns.items()
    ]
    return Picture(
        name=name,
        title=table.title,
        x_label=x_label,
        y_label=y_label,
        series=tuple(series),
        caption=f"{caption_of(table)}.",
    )


def _settings_of(name: str, rows: Sequence[Row], symbols: Mapping[str, str]) -> Series:
    return Series(
        name=name,
        x=[_number(row.get("sensitivity")) for row in rows],
        y=[_number(row.get("precision")) for row in rows],
        marked=True,
        notes=tuple("/".join(setting_text(row[column]) for column in symbols.values()) for row in rows),
    )


def _curve_and_choices(maps: ClassOverCases, chosen: Mapping[float, Sequence[str]]) -> list[Series]:
    """The curve of a class, and on it the thresholds that are chosen, each by some settings."""
    counts = maps.curve.counts
    steps = np.searchsorted(counts.tp, np.linspace(0, maps.curve.n_truth, _POINTS))
    points = counts[np.unique(np.clip(steps, 1, None))]
    at = maps.curve.at(np.array(list(chosen), dtype=np.float64))
    return [
        Series(name=maps.name, x=sensitivity(points).tolist(), y=precision(points).tolist()),
        Series(
            name=f"{maps.name} chosen",
            x=sensitivity(at).tolist(),
            y=precision(at).tolist(),
            line=False,
            marked=True,
            notes=tuple(f"{threshold:.2f}: {', '.join(settings)}" for threshold, settings in chosen.items()),
            like=maps.name,
        ),
    ]


def by_class(table: SweepTable) -> dict[str, tuple[Row, ...]]:
    """The rows of each class."""
    names = table.classes or ("",)
    return {name: tuple(row for row in table.rows if row.get("class", "") == name) for name in names}


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
