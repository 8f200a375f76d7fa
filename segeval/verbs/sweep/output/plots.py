"""Pictures as data: what is drawn, without a word on how."""

from collections.abc import Sequence
from dataclasses import dataclass

Numbers = Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Series:
    """A line, or with `marked` points on it; undefined values leave a gap.

    Attributes:
        line: whether the points are joined.
        notes: texts that stand beside the points, one each; an empty one is left out.
        like: the name of another series whose colour it has, and whose legend speaks for it.
    """

    name: str
    x: Numbers
    y: Numbers
    line: bool = True
    marked: bool = False
    notes: tuple[str, ...] = ()
    like: str = ""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One figure, drawn to `<name>.svg` and `<name>.png`.

    Attributes:
        caption: what a reader must know, in small print below.
        x_range, y_range: ends of the axes; None leaves an end to the data.
        region: a stretch of x that is shaded, and what it is called.
        square: whether both axes go from 0 to 1 at the same scale.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    caption: str = ""
    x_range: tuple[float, float | None] | None = None
    y_range: tuple[float, float | None] | None = None
    region: tuple[float, float, str] | None = None
    square: bool = False
