"""The pictures of a sweep, and how they are drawn: the same bytes each time, readable in grey and in few colours."""

import io
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import ConfigError
from segeval.files.marked import write_marked
from segeval.results.table import Row
from segeval.verbs.sweep.sheet import knob_text
from segeval.verbs.sweep.table import Series, SweepPicture, SweepTable

# Okabe and Ito 2008, "Color universal design", in an order that also differs in lightness
_COLOURS = ("#000000", "#d55e00", "#0072b2", "#e69f00", "#009e73", "#56b4e9", "#cc79a7")
_DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 3)), (0, (2, 3)))
_MARKERS = "osD^vPX"
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.hashsalt": "segeval",
}
_GREY = "#555555"
_SMALL = 7.5  # points of a note
_AROUND = ((1, 0.6), (1, 0), (-1, -0.6), (-1, 0), (1, -0.6), (-1, 0.6), (0, 1), (0, -1))  # places beside a point
_GAPS = (5, 14, 26, 40, 56, 74, 94)  # points between a mark and its note
_WITHOUT_DATE = {"svg": {"Date": None}, "png": {"Software": None}}
_MARKED = 20  # points of a line up to which each has its mark


def tradeoff(table: SweepTable, symbols: Mapping[str, str]) -> SweepPicture:
    """Precision against sensitivity, the settings marked: which errors a setting buys with which.

    Args:
        symbols: what to write beside a point: symbol -> column.
    """
    series = []
    for name in table.places:
        rows = table.of_class(name)
        notes = tuple("/".join(knob_text(row[column]) for column in symbols.values()) for row in rows)
        x, y = (_numbers(row.get(metric) for row in rows) for metric in ("sensitivity", "precision"))
        series.append(Series(name=name, x=x, y=y, marked=True, notes=notes))
    return SweepPicture(
        name="tradeoff",
        title="Precision against sensitivity, by setting",
        x_label="sensitivity",
        y_label="precision",
        caption=f"{table.caption_text}. Beside each point: {', '.join(symbols)}.",
        series=tuple(series),
    )


def lines(
    table: SweepTable,
    *,
    name: str,
    x: tuple[str, str],
    y_label: str,
    columns: Mapping[str, str],
    rows: Sequence[Row] | None = None,
    title: str = "",
    **drawn_with: Any,
) -> SweepPicture:
    """Columns of a table against one of its settings.

    Args:
        x: the setting, and the label of its axis.
        columns: column -> name in the legend.
        rows: some of the rows, of which a title of their own may speak; None for all.
        **drawn_with: further fields of the picture.
    """
    rows = table.rows if rows is None else rows
    column, x_label = x
    values = [row[column] for row in rows]
    series = [
        Series(name=said, x=values, y=_numbers(row.get(shown) for row in rows), marked=len(values) < _MARKED)
        for shown, said in columns.items()
    ]
    return SweepPicture(
        name=name,
        title=title or table.title,
        x_label=x_label,
        y_label=y_label,
        series=tuple(series),
        caption=f"{replace(table, rows=tuple(rows)).caption_text}.",
        **drawn_with,
    )


def _numbers(values: Iterable[float | None]) -> list[float]:
    return [math.nan if value is None else float(value) for value in values]


def draw_pictures(pictures: Sequence[SweepPicture], folder: Path) -> list[Path]:
    """Write every picture as SVG and PNG, and return the files.

    Raises:
        ConfigError: the folder cannot be written.
    """
    import matplotlib as mpl

    files = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with mpl.rc_context():
            mpl.rcdefaults()  # the user's own style would change the bytes
            mpl.rcParams.update(_STYLE)
            for picture in pictures:
                figure = _figure(picture)
                for form, metadata in _WITHOUT_DATE.items():
                    files.append(folder / f"{picture.name}.{form}")
                    drawn = io.BytesIO()
                    figure.savefig(drawn, format=form, metadata=metadata, dpi=150, bbox_inches="tight")
                    write_marked(files[-1], drawn.getvalue())
    except OSError as error:
        raise ConfigError(
            f"{folder}: pictures cannot be written here ({error.strerror}). Name another place."
        ) from error
    return files


def _figure(picture: SweepPicture) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4, 4.8) if picture.square else (6.4, 4.2))
    axes = figure.add_subplot()
    if picture.region:
        _shade(axes, *picture.region)
    names = list(dict.fromkeys(line.like or line.name for line in picture.series))
    for line in picture.series:
        _draw(axes, line, names.index(line.like or line.name))
    axes.set(title=picture.title, xlabel=picture.x_label, ylabel=picture.y_label)
    axes.set(xlim=picture.x_range, ylim=picture.y_range)
    if picture.square:
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
    if len(names) > 1:
        axes.legend(loc="best", handlelength=3.2)
    if picture.caption:
        text = textwrap.fill(picture.caption, 72 if picture.square else 88)
        axes.text(0, -0.16, text, transform=axes.transAxes, va="top", fontsize=7, color=_GREY)
    figure.draw_without_rendering()  # settles where every point lies
    _write_notes(axes, picture.series, names)
    return figure


def _shade(axes: Any, start: float, end: float, said: str) -> None:
    axes.axvspan(start, end, color="#f0f0f0", linewidth=0, zorder=0)
    at = {"transform": axes.get_xaxis_transform(), "ha": "center", "va": "top", "color": _GREY}
    axes.text((start + end) / 2, 0.97, said, **at)


def _draw(axes: Any, series: Series, index: int) -> None:
    colour = _COLOURS[index % len(_COLOURS)]
    axes.plot(
        series.x,
        series.y,
        color=colour,
        linestyle=_DASHES[index % len(_DASHES)] if series.line else "none",
        linewidth=1.6,
        marker=_MARKERS[index % len(_MARKERS)] if series.marked else None,
        markersize=6,
        markerfacecolor="white",
        markeredgecolor=colour,
        markeredgewidth=1.4,
        label="_" if series.like else series.name,
    )


def _write_notes(axes: Any, series: Sequence[Series], names: Sequence[str]) -> None:
    """Write each note once, at the nearest place beside its point where it covers no point and no other note.

    Where points are crowded that is some way off, and a thin line leads there.
    """
    scale = axes.figure.dpi / 72  # pixels per point
    marks = [xy for line in series if line.marked for xy in zip(line.x, line.y, strict=True) if np.isfinite(xy).all()]
    title = axes.title.get_window_extent()
    taken = [_box(axes.transData.transform(xy), 4 * scale, 4 * scale) for xy in marks]
    taken.append((title.x0, title.x1, title.y0, title.y1))
    for line in series:
        colour = _COLOURS[names.index(line.like or line.name) % len(_COLOURS)]
        for x, y, note in zip(line.x, line.y, line.notes, strict=False):
            if not note or not np.isfinite((x, y)).all():
                continue
            width, height = 0.31 * _SMALL * len(note) * scale, 0.55 * _SMALL * scale  # half of each
            for gap, (dx, dy) in product(_GAPS, _AROUND):
                reach = np.array([dx * (width + gap * scale), dy * (height + gap * scale)])
                box = _box(axes.transData.transform((x, y)) + reach, width, height)
                if not any(_overlap(box, other) for other in taken):
                    break
            taken.append(box)
            where = {"xytext": reach / scale, "textcoords": "offset points", "ha": "center", "va": "center"}
            leader = {"arrowstyle": "-", "color": colour, "linewidth": 0.5} if gap > _GAPS[0] else None
            axes.annotate(note, (x, y), **where, fontsize=_SMALL, color=colour, arrowprops=leader)


def _box(at: np.ndarray, half_width: float, half_height: float) -> tuple[float, float, float, float]:
    x, y = at
    return x - half_width, x + half_width, y - half_height, y + half_height


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]
