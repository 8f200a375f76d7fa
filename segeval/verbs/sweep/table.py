"""The table that every mode of `segeval sweep` returns: its rows, what must be said of it, and its pictures as data."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

import segeval
from segeval.evidence.labels import MEAN_OF_CLASSES
from segeval.options import Averaging, SweepMode
from segeval.results.table import Row, Table
from segeval.statistics.summary import mean

Better = Literal["higher", "lower"]
Numbers = Sequence[float]

METRICS = ("dsc", "sensitivity", "specificity", "precision", "f2", "apr", "iou")
MEAN = MEAN_OF_CLASSES  # the class of rows that are means over the classes
ALWAYS = ("mode", "averaging", "n_cases", "threshold_rule", "split", "segeval_version")


@dataclass(frozen=True, kw_only=True)
class PaperLayout:
    """How the paper prints its table: per cent, two decimals, its own column titles.

    Attributes:
        settings: titles of the first columns, each with the symbols it shows and their columns here:
            `{"Penalties": {"α": "alpha_fp", "β": "beta_fn"}}`; without a symbol the value stands alone.
        columns: title in the paper -> column here.
        source: which table of which paper.
    """

    settings: Mapping[str, Mapping[str, str]]
    columns: Mapping[str, str]
    source: str


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
class SweepPicture:
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


@dataclass(frozen=True, kw_only=True)
class SweepTable:
    """Rows of one mode, sorted by parameter, in the columns that every format shows.

    Attributes:
        title: what the table is, in words that promise no more than its mode can show.
        settings: the columns that say which row it is (parameters, and `class` where there are several).
        columns: the columns of results, in order.
        constant: columns that the settings cannot change; where room is short they are said once, below.
        best: columns whose best value may be called so, and the direction; values of different losses, and
            columns that are equal by construction, are not in it.
        emphasis: cells, as row and column, that a reader must not miss; they are bold too.
        averaging, threshold_rule, split, n_cases: said in every row; empty or None where they mean nothing.
        caption: more that is said of all rows, such as `apr_method`.
        notes: sentences for below the table.
        shown: the columns that a screen has room for; all of `columns` where it is empty.
        screen: what a screen shows instead, where the table is long: a part of it, or one of the extras.
        extras: further tables by the name of their file: an operating curve, every pair that was tried.
    """

    loss: str
    mode: SweepMode
    title: str
    settings: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    constant: tuple[str, ...] = ()
    best: Mapping[str, Better] = field(default_factory=dict)
    emphasis: frozenset[tuple[int, str]] = frozenset()
    averaging: Averaging | Literal[""] = ""
    threshold_rule: str = ""
    split: str = ""
    n_cases: int | None = None
    caption: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    paper: PaperLayout | None = None
    pictures: tuple[SweepPicture, ...] = ()
    shown: tuple[str, ...] = ()
    screen: "SweepTable | None" = None
    extras: Mapping[str, "SweepTable"] = field(default_factory=dict)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of their rows; none where rows have no class."""
        return tuple(dict.fromkeys(row["class"] for row in self.rows if "class" in row))

    @cached_property
    def places(self) -> Mapping[str, tuple[int, ...]]:
        """Where the rows of each class stand; all of them under an empty name where rows have no class."""
        names = [row.get("class", "") for row in self.rows]
        return {name: tuple(i for i, other in enumerate(names) if other == name) for name in self.classes or ("",)}

    def of_class(self, name: str) -> tuple[Row, ...]:
        """The rows of a class."""
        return tuple(self.rows[i] for i in self.places[name])

    @cached_property
    def header(self) -> tuple[str, ...]:
        """Every column: settings, results, what all tables carry, and the note.

        Several classes come first, since they tell rows apart; a single one stands with what all rows share.
        """
        of_class = () if "class" in self.settings or not self.classes else ("class",)
        first, last = (of_class, ()) if len(self.classes) > 1 else ((), of_class)
        return (*first, *self.settings, *self.columns, *last, *ALWAYS, "note")

    @property
    def caption_text(self) -> str:
        """What is true of every row, in one line."""
        cases = "" if self.n_cases is None else f"{self.n_cases} cases"
        averaging = {"case": "averaged over cases", "pooled": "voxels of all cases pooled", "": ""}[self.averaging]
        said = {
            "mode": self.mode,
            "class": self.classes[0] if len(self.classes) == 1 and "class" not in self.settings else "",
            "averaging": ", ".join(part for part in (averaging, cases) if part),
            "threshold": self.threshold_rule,
            **self.caption,
            "split": self.split,
        }
        return "; ".join(f"{name}: {value}" for name, value in said.items() if value)

    @cached_property
    def whole(self) -> Table:
        """Every column of every row, as files have them; what a row does not say itself, the table says for all."""
        shared = {
            "mode": self.mode,
            "averaging": self.averaging,
            "n_cases": self.n_cases,
            "threshold_rule": self.threshold_rule,
            "split": self.split,
            "segeval_version": segeval.__version__,
            "note": "",
        }
        rows = ({column: row.get(column, shared.get(column)) for column in self.header} for row in self.rows)
        return Table(
            title=self.title, caption=self.caption_text, columns=self.header, rows=tuple(rows), notes=self.notes
        )

    @property
    def document(self) -> dict[str, Any]:
        """What JSON files say of it."""
        whole = self.whole
        return {
            "loss": self.loss,
            "mode": self.mode,
            "title": whole.title,
            "caption": whole.caption,
            "notes": list(whole.notes),
            "columns": list(whole.columns),
            "rows": whole.records(),
        }


def better_of(*columns: str) -> dict[str, Better]:
    """The `best` of a table for these metrics, all of which are better when higher."""
    return dict.fromkeys(columns, "higher")


def with_means(blocks: Mapping[str, Sequence[Row]], settings: Sequence[str], columns: Sequence[str]) -> list[Row]:
    """The rows of all classes, and below those of several their unweighted means over the classes.

    Args:
        blocks: the rows of each class, the same settings in the same order.
        settings: columns that say which row it is.
        columns: columns of numbers, which are averaged where they are defined.
    """
    rows: list[Row] = [{"class": name, **row} for name, of_class in blocks.items() for row in of_class]
    if len(blocks) > 1:
        for same in zip(*blocks.values(), strict=True):
            rows.append({"class": MEAN, **{name: same[0][name] for name in settings}, **mean_cells(same, columns)})
    return rows


def mean_cells(rows: Sequence[Row], columns: Sequence[str]) -> dict[str, float]:
    """The mean of each column over the rows that define it."""
    values = {name: [math.nan if row.get(name) is None else row[name] for row in rows] for name in columns}
    return {name: float(mean(np.array(column, dtype=np.float64))) for name, column in values.items()}
