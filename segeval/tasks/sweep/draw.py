"""Draw pictures with matplotlib: the same bytes each time, readable in grey and for colour-blind eyes."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segeval.errors import ConfigError
from segeval.tasks.sweep.plots import Picture, Series

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
        start, end, said = picture.region
        axes.axvspan(start, end, color="#f0f0f0", linewidth=0, zorder=0)
        axes.text(
            (start + end) / 2, 0.97, said, transform=axes.get_xaxis_transform(), ha="center", va="top", color="#555555"
        )
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
        axes.text(
            0,
            -0.16,
            textwrap.fill(picture.caption, 100),
            transform=axes.transAxes,
            va="top",
            fontsize=7,
            color="#555555",
        )
    return figure


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
    for x, y, note in zip(one.x, one.y, one.notes, strict=False):
        if note:
            axes.annotate(note, (x, y), xytext=(6, 5), textcoords="offset points", fontsize=7.5, color=colour)
