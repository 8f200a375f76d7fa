"""Pictures as data: what is drawn, without a word on how."""

from collections.abc import Sequence
from dataclasses import dataclass

Numbers = Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Series:
    """A line, or with `marked` a row of points; `notes` stand beside the points, one each, or are left out."""

    name: str
    x: Numbers
    y: Numbers
    marked: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One figure, drawn to `<name>.svg` and `<name>.png`.

    Attributes:
        region: a stretch of x that is shaded, and what it is called.
        square: whether both axes go from 0 to 1 at the same scale.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    region: tuple[float, float, str] | None = None
    square: bool = False
