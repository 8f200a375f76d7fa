"""What a run found: one row per case and class, one per case, one per class and measure."""

import math
from array import array
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from segeval.evidence.grid import Grid
from segeval.evidence.labels import LabelClass
from segeval.evidence.overlap.counts import Histogram
from segeval.evidence.shapes import AxesMm, SpacingMm

if TYPE_CHECKING:
    from segeval.evidence.lesions.lesion_rows import LesionRows

Status = Literal["ok", "absent_both", "absent_pred", "absent_truth", "missing_pred", "missing_truth", "failed"]
Values = Mapping[str, float]  # column -> value; nan is undefined


class PackedValues(Mapping[str, float]):
    """Values as they are kept of each of many cases: eight bytes for each, and the columns once for all."""

    __slots__ = ("_numbers", "_places")

    def __init__(self, values: Values) -> None:
        self._places, self._numbers = _places_of(tuple(values)), array("d", [*values.values()])

    def __getitem__(self, column: str) -> float:
        return self._numbers[self._places[column]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._numbers)

    def __repr__(self) -> str:
        return repr(dict(self))


@lru_cache(maxsize=64)
def _places_of(columns: tuple[str, ...]) -> Mapping[str, int]:
    return {column: place for place, column in enumerate(columns)}


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassRow:
    """One class of one case."""

    case_id: str
    of: LabelClass
    status: Status
    tp: int
    fp: int
    fn: int
    tn: int
    values: Values

    @property
    def n_pred(self) -> int:
        return self.tp + self.fp

    @property
    def n_truth(self) -> int:
        return self.tp + self.fn


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseRow:
    """One case: its grid, and the values that speak of all classes together."""

    case_id: str
    status: Status
    shape: tuple[int, ...] = ()
    spacing_mm: SpacingMm | None = None
    axes_mm: AxesMm | None = None  # of a sheared grid
    probability_source: str = ""
    pred_file: str = ""
    truth_file: str = ""
    digest: str = ""  # of the bytes of all files that were opened for the case, where a run keeps a folder
    values: Values = field(default_factory=dict)
    approx: tuple[str, ...] = ()  # columns with values that were read from bins
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def grid(self) -> Grid:
        return Grid(shape=self.shape, spacing_mm=self.spacing_mm, axes_mm=self.axes_mm)


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseScore:
    """What comes of scoring a case; `additive` is evidence to be added up over cases for pooled values."""

    row: CaseRow
    classes: tuple[ClassRow, ...] = ()
    histogram: Histogram | None = None
    lesions: "LesionRows | tuple[()]" = ()
    additive: Mapping[Hashable, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SummaryRow:
    """Statistics of one measure of one class over the cases; `pooled` is the measure of summed counts."""

    name: str
    column: str
    n: int
    n_undefined: int | None
    n_inf: int | None
    n_missing: int
    statistics: Mapping[str, float]
    pooled: float

    @property
    def mean(self) -> float:
        """Over the cases; in the row of all classes, over the means of the classes."""
        return self.statistics["mean"]

    @property
    def std(self) -> float:
        """Standard deviation over the cases."""
        return self.statistics.get("std", math.nan)

    @property
    def median(self) -> float:
        """Over the cases."""
        return self.statistics.get("median", math.nan)

    @property
    def ci(self) -> tuple[float, float]:
        """Interval of the mean."""
        return self.statistics.get("ci_low", math.nan), self.statistics.get("ci_high", math.nan)
