"""What each mode has to show, as pictures yet to be drawn."""

from collections.abc import Mapping, Sequence

from segeval.results.table import Row
from segeval.verbs.sweep.output.draw import Series, SweepPicture
from segeval.verbs.sweep.output.sheet import setting_text
from segeval.verbs.sweep.output.table import SweepTable

_MARKED = 20  # points of a line up to which each has its mark


def tradeoff(table: SweepTable, symbols: Mapping[str, str]) -> SweepPicture:
    """Precision against sensitivity, the settings marked: which errors a setting buys with which.

    Args:
        symbols: what to write beside a point: symbol -> column.
    """
    return SweepPicture(
        name="tradeoff",
        title="Precision against sensitivity, by setting",
        x_label="sensitivity",
        y_label="precision",
        caption=f"{table.caption_text}. Beside each point: {', '.join(symbols)}.",
        series=tuple(_settings_of(name, rows, symbols) for name, rows in by_class(table).items()),
    )


def lines(
    table: SweepTable, *, name: str, x: tuple[str, str], y_label: str, columns: Mapping[str, str]
) -> SweepPicture:
    """Columns of a table against one of its settings.

    Args:
        x: the setting, and the label of its axis.
        columns: column -> name in the legend.
    """
    column, x_label = x
    values = [row[column] for row in table.rows]
    series = [
        Series(name=said, x=values, y=[_number(row.get(shown)) for row in table.rows], marked=len(values) < _MARKED)
        for shown, said in columns.items()
    ]
    return SweepPicture(
        name=name,
        title=table.title,
        x_label=x_label,
        y_label=y_label,
        series=tuple(series),
        caption=f"{table.caption_text}.",
    )


def _settings_of(name: str, rows: Sequence[Row], symbols: Mapping[str, str]) -> Series:
    return Series(
        name=name,
        x=[_number(row.get("sensitivity")) for row in rows],
        y=[_number(row.get("precision")) for row in rows],
        marked=True,
        notes=tuple("/".join(setting_text(row[column]) for column in symbols.values()) for row in rows),
    )


def by_class(table: SweepTable) -> dict[str, tuple[Row, ...]]:
    """The rows of each class."""
    names = table.classes or ("",)
    return {name: tuple(row for row in table.rows if row.get("class", "") == name) for name in names}


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
