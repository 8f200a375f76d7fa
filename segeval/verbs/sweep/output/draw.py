"""Draw pictures with matplotlib: the same bytes each time, readable in grey and for colour-blind eyes."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segeval.errors import ConfigError
from segeval.verbs.sweep.output.plots import Picture, Series

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
_WITHOUT_DATE = {"svg": {"Date": None}, "png": {"Software": None}}


def draw_pictures(pictures: Sequence[Picture], folder: Path) -> list[Path]:
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
                    figure.savefig(files[-1], metadata=metadata, dpi=150, bbox_inches="tight")
    except OSError as error:
        raise ConfigError(
            f"{folder}: pictures cannot be written here ({error.strerror}). Name another place."
        ) from error
    return files


def _figure(picture: Picture) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4, 4.8) if picture.square else (6.4, 4.2))
    axes = figure.add_subplot()
    if picture.region:
        _shade(axes, *picture.region)
    names = list(dict.fromkeys(one.like or one.name for one in picture.series))
    for one in picture.series:
        _draw(axes, one, names.index(one.like or one.name))
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


def _draw(axes: Any, one: Series, index: int) -> None:
    colour = _COLOURS[index % len(_COLOURS)]
    axes.plot(
        one.x,
        one.y,
        color=colour,
        linestyle=_DASHES[index % len(_DASHES)] if one.line else "none",
        linewidth=1.6,
        marker=_MARKERS[index % len(_MARKERS)] if one.marked else None,
        markersize=6,
        markerfacecolor="white",
        markeredgecolor=colour,
        markeredgewidth=1.4,
        label="_" if one.like else one.name,
    )


def _write_notes(axes: Any, series: Sequence[Series], names: Sequence[str]) -> None:
    """Write each note beside its point, where it covers no point and no other note; where it must, leave it out."""
    scale = axes.figure.dpi / 72  # pixels per point
    points = [axes.transData.transform(xy) for one in series if one.marked for xy in zip(one.x, one.y, strict=True)]
    taken = [_box(x, y, 4 * scale, 4 * scale) for x, y in points]
    for one in series:
        colour = _COLOURS[names.index(one.like or one.name) % len(_COLOURS)]
        for x, y, note in zip(one.x, one.y, one.notes, strict=False):
            width, height = 0.31 * _SMALL * len(note) * scale, 0.55 * _SMALL * scale  # half of each
            for dx, dy in _AROUND:
                reach = dx * (width + 5 * scale), dy * (height + 5 * scale)
                at = axes.transData.transform((x, y)) + reach
                box = _box(at[0], at[1], width, height)
                if note and not any(_overlap(box, other) for other in taken):
                    taken.append(box)
                    offset = reach[0] / scale, reach[1] / scale
                    where = {"xytext": offset, "textcoords": "offset points", "ha": "center", "va": "center"}
                    axes.annotate(note, (x, y), **where, fontsize=_SMALL, color=colour)
                    break


def _box(x: float, y: float, half_width: float, half_height: float) -> tuple[float, float, float, float]:
    return x - half_width, x + half_width, y - half_height, y + half_height


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]
