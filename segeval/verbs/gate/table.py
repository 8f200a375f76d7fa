"""What gate and compare read of a run: one column of values per class and measure, and how its cases are resampled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from segeval.evidence.labels import WHOLE_CASE
from segeval.measure import Better
from segeval.statistics.bootstrap import Draws, draw

CASE_LEVEL = WHOLE_CASE


@dataclass(frozen=True, kw_only=True)
class Column:
    """A measure of a class over the cases of a run, its policy for undefined values applied.

    Attributes:
        measure: the canonical column name.
        values: shape (case,); nan is undefined.
        pooled: the measure of the summed counts; nan where there is none.
        absent_in: cases that have the class on neither side, where an undefined value is no miss.
    """

    class_name: str
    measure: str
    better: Better
    case_ids: tuple[str, ...]
    values: np.ndarray
    pooled: float = float("nan")
    absent_in: frozenset[str] = frozenset()

    def of_cases(self, wanted: Iterable[str]) -> "Column":
        """The same column over some of its cases, which have no pooled value of their own."""
        keep = [i for i, case in enumerate(self.case_ids) if case in set(wanted)]
        return replace(
            self, case_ids=tuple(self.case_ids[i] for i in keep), values=self.values[keep], pooled=float("nan")
        )


@dataclass(frozen=True, kw_only=True)
class RunTable:
    """A run as the gate sees it.

    Attributes:
        columns: by class name and measure, without the mean over classes.
        unscored: cases without a score, for want of a prediction or a truth, or because they failed.
        unfinished: why nothing can be concluded from it; empty where the run came to its end.
    """

    columns: Mapping[tuple[str, str], Column]
    unscored: frozenset[str] = frozenset()
    unfinished: str = ""

    @property
    def case_ids(self) -> tuple[str, ...]:
        return tuple(sorted({case for column in self.columns.values() for case in column.case_ids}))

    def classes_of(self, measure: str) -> list[str]:
        """Classes that have the measure, in their order; `(all)` where it is one value per case."""
        return [class_name for class_name, name in self.columns if name == measure]


def shared_cases(*sides: Sequence[Column]) -> tuple[str, ...]:
    """Cases that occur on every side, sorted."""
    per_side = [{case for column in columns for case in column.case_ids} for columns in sides]
    return tuple(sorted(set.intersection(*per_side))) if per_side else ()


def absent_matrix(columns: Sequence[Column], case_ids: Sequence[str]) -> np.ndarray:
    """Where a class is on neither side, shape (case, column)."""
    found = [[case in column.absent_in for column in columns] for case in case_ids]
    return np.array(found, dtype=bool).reshape(len(case_ids), len(columns))


def as_matrix(columns: Sequence[Column], case_ids: Sequence[str]) -> np.ndarray:
    """Values of shape (case, column), nan where a column has no such case."""
    values = np.full((len(case_ids), len(columns)), np.nan)
    for j, column in enumerate(columns):
        value_of = dict(zip(column.case_ids, column.values, strict=True))
        values[:, j] = [value_of.get(case, np.nan) for case in case_ids]
    return values


@dataclass(frozen=True, kw_only=True)
class Resampling:
    """One setting for a whole gate, so that every rule sees the same resamples of the same cases.

    Attributes:
        unit_of: the unit of each case, such as its patient; a case without one is its own.
        level: of two-sided intervals and of one-sided bounds alike.
    """

    unit_of: Mapping[str, str] = field(default_factory=dict)
    resamples: int = 9999
    seed: int = 0
    level: float = 0.95

    def draws(self, case_ids: Sequence[str]) -> Draws:
        """The resamples of these cases."""
        units = tuple(self.unit_of.get(case, case) for case in case_ids)
        return _draw(units, self.resamples, self.seed)


@lru_cache(maxsize=4)  # rules come class by class over the same cases
def _draw(units: tuple[str, ...], resamples: int, seed: int) -> Draws:
    return draw(units, resamples=resamples, seed=seed)
