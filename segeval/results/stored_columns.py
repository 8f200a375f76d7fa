"""A run as it was stored: its measures as columns of values over the cases."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from segeval.evidence.labels import WHOLE_CASE
from segeval.results.run_schema import number_of
from segeval.results.table import Row


@dataclass(frozen=True, kw_only=True)
class StoredColumn:
    """A measure of a class over the cases, as it was written.

    Attributes:
        class_name: `(all)` for a measure that has one value per case.
        measure: the canonical column name.
        values: shape (case,), nan where undefined.
        pooled: nan where there is none, or the file does not say.
        absent_in: cases that have the class on neither side, as far as the file says.
    """

    class_name: str
    measure: str
    case_ids: tuple[str, ...]
    values: np.ndarray
    pooled: float = math.nan
    absent_in: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """What a file tells of a run; `definitions`, `labels` and `plan` are empty where it does not say.

    Attributes:
        ignored_ids: ids of the truth whose voxels count nowhere; None where the file does not say.
        prediction_kind: `labels`, `probs` or `logits`; empty where the file does not say.
        truth_sizes: voxels of the truth by case and class, as far as the file says.
        unscored: cases without a score, for want of a prediction or a truth, or because they failed.
        resamples: scores of all cases in resamples of them, by class and measure, where the file has them.
        complete: whether the run came to its end, and its tables are those of one writing.
        doubts: why `complete` is false, and what the file cannot tell, as parts of a sentence.
    """

    path: Path
    columns: tuple[StoredColumn, ...]
    definitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    labels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str | None] = field(default_factory=dict)
    ignored_ids: tuple[int, ...] | None = None
    prediction_kind: str = ""
    truth_sizes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    unscored: frozenset[str] = frozenset()
    resamples: Mapping[tuple[str, str], np.ndarray] = field(default_factory=dict)
    complete: bool = True
    doubts: tuple[str, ...] = ()

    @property
    def case_ids(self) -> frozenset[str]:
        """Every case that has a row."""
        return frozenset(case for column in self.columns for case in column.case_ids)


def columns_of_classes(rows: Iterable[Row], measures: Iterable[str]) -> list[StoredColumn]:
    """The measures of rows of `scores`, each class apart, in the order in which the classes come.

    Raises:
        ValueError: a cell is no number.
    """
    by_class: dict[str, list[Row]] = {}
    for row in rows:
        by_class.setdefault(row["class"], []).append(row)
    names = list(measures)
    return [_column(class_name, measure, mine) for class_name, mine in by_class.items() for measure in names]


def columns_of_cases(rows: Iterable[Row], measures: Iterable[str]) -> list[StoredColumn]:
    """The measures of rows of `cases`.

    Raises:
        ValueError: a cell is no number.
    """
    mine = list(rows)
    return [_column(WHOLE_CASE, measure, mine) for measure in measures] if mine else []


def _column(class_name: str, measure: str, rows: list[Row]) -> StoredColumn:
    return StoredColumn(
        class_name=class_name,
        measure=measure,
        case_ids=tuple(row["case"] for row in rows),
        values=np.array([number_of(row.get(measure)) for row in rows], dtype=np.float64),
        absent_in=frozenset(row["case"] for row in rows if row["status"] == "absent_both"),
    )


def with_pooled(column: StoredColumn, pooled: Mapping[tuple[str, str], float]) -> StoredColumn:
    """The column with its pooled value, by class and measure."""
    return replace(column, pooled=pooled.get((column.class_name, column.measure), math.nan))
