"""A finished run and its tables: the same cells for CSV, `run.json` and pandas.

The columns that say what a row is of are named here once; every further column is a measure.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from itertools import chain
from typing import Any

import numpy as np

from segeval.errors import ConfigError, did_you_mean
from segeval.evidence.labels import WHOLE_CASE, LabelClass
from segeval.evidence.lesions.lesion_rows import LesionRows
from segeval.evidence.overlap.counts import Histogram
from segeval.files.paths import counted
from segeval.results.number_text import UNDEFINED, digits, joined
from segeval.results.records import CaseRow, ClassRow, SummaryRow
from segeval.results.table import RowsOfColumns, Table, html, markdown, strip_plot
from segeval.statistics.summary import STATISTICS

COUNTS = ("n_pred", "n_truth", "tp", "fp", "fn", "tn")
KEYS_OF_SCORES = ("case", "label", "class", "status", *COUNTS)
KEYS_OF_CASES = ("case", "status", "shape", "spacing_mm", "probability_source")
SUMMARY_COLUMNS = (
    *("class", "measure", "n", "n_undefined", "n_inf", "n_missing", *STATISTICS),
    *("ci_low", "ci_high", "pooled"),
)
LESION_COLUMNS = (
    *("case", "label", "class", "side", "lesion_id", "outcome", "matched_ids", "voxels", "volume_mm3", "iou", "dice"),
    *("overlap_voxels", "centroid_mm", "bbox", "nearest_other_mm", "touches_border", "max_prob", "mean_prob"),
    *("confidence", "rank", "reason"),
)


@dataclass(frozen=True, kw_only=True)
class Results:
    """A finished run.

    `classes` and the two column tuples give the order of everything, `shown` are the columns for a screen. `lesions`
    are those of each case; None without a lesion measure. `groups` are summaries by columns of a case table, `curves`
    the points behind scores of all cases, `froc` every point of candidates, `sequences` the objects of videos; None
    without one. `resamples` are the scores of all cases in resamples of them, by measure and class. `facts` is what
    `run.json` says besides the tables (plan, definitions, versions, timings, warnings). `draw` makes the picture of a
    case, where its masks can be had again.
    """

    classes: tuple[LabelClass, ...]
    class_columns: tuple[str, ...]
    case_columns: tuple[str, ...]
    class_rows: tuple[ClassRow, ...]
    case_rows: tuple[CaseRow, ...]
    summary: tuple[SummaryRow, ...]
    confusion: Histogram | None
    lesions: Mapping[str, LesionRows | tuple[()]] | None
    shown: tuple[str, ...]
    facts: Mapping[str, Any]
    groups: Table | None = None
    curves: Table | None = None
    froc: Table | None = None
    sequences: Table | None = None
    resamples: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    draw: Callable[[str, str | None], Any] | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        n_cases, n_problems = len(self.case_rows), len(self.problems)
        problems = f", {n_problems} of them with problems" if n_problems else ""
        notes = "".join(f"note: {one}\n" for one in self.facts.get("warnings", ()))
        return f"{counted(n_cases, 'case')}{problems}; mean ± std (n)\n{markdown(self.mean_table)}{notes}"

    def _repr_html_(self) -> str:
        """In a notebook: the summary, and each case as a point of the first measure."""
        plot = ""
        if self.class_columns:
            first = self.class_columns[0]
            values: dict[str, list[float]] = {row.name: [] for row in self.classes}
            for row in self.class_rows:
                values[row.of.name].append(row.values[first])
            plot = strip_plot(values, title=first)
        notes = "".join(f"<p>note: {escape(one)}</p>" for one in self.facts.get("warnings", ()))
        return html(self.mean_table) + notes + plot

    def show(self, case_id: str, class_name: str | None = None) -> Any:
        """The picture of a case: three planes with false alarms, misses and both contours; a notebook shows it.

        Args:
            case_id: of which case.
            class_name: of which class; by default the one that went worst.

        Raises:
            ConfigError: there is no such case or class, or these results have no masks.
            DataError: the files of the case have changed since.
        """
        if self.draw is None:
            raise ConfigError("These results hold numbers alone. Score the masks again, and show a case of that.")
        return self.draw(case_id, class_name)

    @cached_property
    def mean_table(self) -> Table:
        """A row per class with mean ± std of each measure over the cases."""
        found: dict[str, dict[str, str]] = {}
        for row in self.summary:
            if row.name != WHOLE_CASE:
                found.setdefault(row.name, {"class": row.name})[row.column] = _mean_cell(row)
        return Table(columns=("class", *self.class_columns), rows=tuple(found.values()))

    @property
    def problems(self) -> tuple[CaseRow, ...]:
        """Cases that could not be scored as they should."""
        return tuple(row for row in self.case_rows if row.status in ("failed", "missing_pred", "missing_truth"))

    def __getitem__(self, key: tuple[str, str]) -> SummaryRow:
        """Measure and class: `results["dice", "liver"].mean`; the class is `(mean)` or `(all)` for those rows.

        Raises:
            ConfigError: there is no such measure or class.
        """
        if not isinstance(key, tuple) or len(key) != 2:
            raise ConfigError(f'A result is found by measure and class, as in results["dice", "liver"], not {key!r}.')
        rows = {(row.column, row.name): row for row in self.summary}
        if key in rows:
            return rows[key]
        for what, name, known in zip(("measure", "class"), key, zip(*rows, strict=True), strict=True):
            if name not in known:
                names = list(dict.fromkeys(known))
                help = did_you_mean(str(name), names) or f" There are: {', '.join(names)}."
                raise ConfigError(f"There is no {what} {name!r} in these results.{help}")
        raise ConfigError(f"{key[0]} has no value for {key[1]!r}.")

    @property
    def cases(self) -> dict[str, dict[str, dict[str, float]]]:
        """The values of each case, by case, class and measure; those of the whole case under `(all)`."""
        found: dict[str, dict[str, dict[str, float]]] = {row.case_id: {} for row in self.case_rows}
        for row in self.class_rows:
            found[row.case_id][row.of.name] = dict(row.values)
        for case in self.case_rows:
            if case.values:
                found[case.case_id][WHOLE_CASE] = dict(case.values)
        return found

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The tables that the run has, by name."""
        lacking = {name for name in ("lesions", "groups", "curves", "froc", "sequences") if getattr(self, name) is None}
        return {name: table(self) for name, table in TABLES.items() if name not in lacking}

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        """The tables by name, each a list of rows; the same cells as the CSV files."""
        return {name: table.records() for name, table in self.tables.items()}

    def flat(self) -> dict[str, float]:
        """The summary in one dictionary, `{"dice/liver/mean": 0.93}`, as loggers of experiments take it.

        What is undefined or infinite is left out, since some of them take no such number; `n`, `n_undefined` and
        `n_inf` beside it say so.
        """
        values = {
            f"{row.column}/{row.name}/{name}": value
            for row in self.summary
            for name, value in {
                **row.statistics,
                "pooled": row.pooled,
                "n": row.n,
                "n_undefined": row.n_undefined,
                "n_inf": row.n_inf,
                "n_missing": row.n_missing,
            }.items()
            if value is not None
        }
        return {name: value for name, value in values.items() if math.isfinite(value)}

    def to_pandas(self, table: str = "scores") -> Any:
        """A table as a `pandas.DataFrame`: `scores`, `cases`, `summary`, `confusion`; `lesions`, `groups`, `curves`,
        `froc` if there.

        Raises:
            ConfigError: there is no such table.
        """
        if table not in self.tables:
            raise ConfigError(f"There is no table {table!r}. The tables are: {', '.join(self.tables)}.")
        return self.tables[table].to_pandas()


def _mean_cell(row: SummaryRow) -> str:
    if math.isnan(row.mean):
        return UNDEFINED
    return digits(row.mean) + ("" if math.isnan(row.std) else f" ± {digits(row.std, 2)}") + f" (n={row.n})"


def scores_table(results: Results) -> Table:
    """One row per case and class."""
    rows = results.class_rows
    columns: dict[str, Sequence[Any]] = {
        "case": [row.case_id for row in rows],
        "label": [row.of.label for row in rows],
        "class": [row.of.name for row in rows],
        "status": [row.status for row in rows],
        **{name: [getattr(row, name) for row in rows] for name in COUNTS},
    }
    return _with_values(columns, results.class_columns, rows)


def cases_table(results: Results) -> Table:
    """One row per case, also for those that could not be scored."""
    rows = results.case_rows
    columns: dict[str, Sequence[Any]] = {
        "case": [row.case_id for row in rows],
        "status": [row.status for row in rows],
        "shape": [joined(row.shape) for row in rows],
        "spacing_mm": [joined(row.spacing_mm or ()) for row in rows],
        "probability_source": [row.probability_source for row in rows],
    }
    return _with_values(columns, results.case_columns, rows)


def _with_values(
    columns: Mapping[str, Sequence[Any]], measures: Sequence[str], rows: Sequence[ClassRow | CaseRow]
) -> Table:
    """A table of these columns, and one for each measure."""
    values = {name: np.array([row.values.get(name, math.nan) for row in rows], np.float64) for name in measures}
    return Table(columns=(*columns, *measures), rows=RowsOfColumns(columns={**columns, **values}))


def summary_table(results: Results) -> Table:
    """One row per class and measure, then the means over classes, then the case-level measures."""
    rows = [
        {"class": row.name, "measure": row.column, "n": row.n, "n_undefined": row.n_undefined}
        | {"n_inf": row.n_inf, "n_missing": row.n_missing, "pooled": row.pooled}
        | dict(row.statistics)
        for row in results.summary
    ]
    return Table(columns=SUMMARY_COLUMNS, rows=tuple(rows))


def confusion_table(results: Results) -> Table:
    """Voxels of all cases together: a row per true id, a column per predicted id."""
    if results.confusion is None:
        return Table(columns=("truth",), rows=())
    names = _names_of_ids(results.confusion.ids, results.classes)
    rows = [[name, *map(int, counts)] for name, counts in zip(names, results.confusion.n, strict=True)]
    return Table.of_rows(("truth", *(f"pred {name}" for name in names)), rows)


def _names_of_ids(ids: Sequence[int], classes: Sequence[LabelClass]) -> list[str]:
    """A name for each id; an unnamed id that is called like a class says that it is an id."""
    named = {one.ids[0]: one.name for one in classes if len(one.ids) == 1}
    names: list[str] = []
    for label in ids:
        name = named.get(label, "background" if label == 0 else str(label))
        names.append(f"{name} (id {label})" if name in names else name)
    return names


def lesions_table(results: Results) -> Table:
    """One row per lesion of either side, in the order of cases and classes."""
    each = [_lesion_columns(case_id, rows) for case_id, rows in (results.lesions or {}).items() if rows]
    columns = {name: _end_to_end([one[name] for one in each]) for name in LESION_COLUMNS}
    return Table(columns=LESION_COLUMNS, rows=RowsOfColumns(columns=columns))


def _end_to_end(parts: Sequence[Any]) -> Any:
    return np.concatenate(parts) if parts and isinstance(parts[0], np.ndarray) else [*chain.from_iterable(parts)]


def _lesion_columns(case_id: str, rows: LesionRows) -> dict[str, Sequence[Any] | np.ndarray]:
    """The columns of the lesions of a case; what has several numbers is text."""
    labels, names = ([getattr(one, what) for one in rows.classes] for what in ("label", "name"))
    bounds = [[*zip(*ends, strict=True)] for ends in zip(rows.start.T.tolist(), rows.stop.T.tolist(), strict=True)]
    columns: dict[str, Sequence[Any] | np.ndarray] = {
        "case": [case_id] * len(rows),
        "label": [labels[which] for which in rows.of.tolist()],
        "class": [names[which] for which in rows.of.tolist()],
        "matched_ids": ["+".join(map(str, ids)) for ids in rows.matched],
        "centroid_mm": _side_by_side(rows.centroid_mm.T.tolist(), "{:g}".format),
        "bbox": _side_by_side(bounds, lambda ends: "{}:{}".format(*ends)),
        "rank": [rank or None for rank in rows.rank.tolist()],
        "reason": rows.reason,
    }
    return columns | {name: getattr(rows, name) for name in LESION_COLUMNS if name not in columns}


def _side_by_side(axes: Sequence[Sequence[Any]], text: Callable[[Any], str]) -> list[str]:
    """What is known along each axis, in one text for each lesion."""
    texts = [{value: text(value) for value in set(along)} for along in axes]
    each = (map(known.__getitem__, along) for known, along in zip(texts, axes, strict=True))
    return [*map(" ".join, zip(*each, strict=True))]


def groups_table(results: Results) -> Table:
    """One row per group of cases, class and measure."""
    return results.groups or Table(columns=("by",), rows=())


def curves_table(results: Results) -> Table:
    """The points of every curve, class by class."""
    return results.curves or Table(columns=("class",), rows=())


def froc_table(results: Results) -> Table:
    """A row per class and distinct confidence."""
    return results.froc or Table(columns=("class",), rows=())


def sequences_table(results: Results) -> Table:
    """A row per object of a video."""
    return results.sequences or Table(columns=("sequence",), rows=())


TABLES: Mapping[str, Callable[[Results], Table]] = {
    "scores": scores_table,
    "cases": cases_table,
    "summary": summary_table,
    "confusion": confusion_table,
    "lesions": lesions_table,
    "groups": groups_table,
    "curves": curves_table,
    "froc": froc_table,
    "sequences": sequences_table,
}
