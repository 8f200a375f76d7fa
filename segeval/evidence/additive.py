"""Evidence that adds up over cases, so that pooled values need no second look at them."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

Result = TypeVar("Result")
Record = TypeVar("Record", bound="State")
Apart = TypeVar("Apart", bound="CasesApart")


class State:
    """Numbers per class that add up over cases: a dataclass of arrays, the class along their first axis.

    Formulas read states, and the value of all cases together is the formula on the sum of their states. A subclass
    is all it takes: what it is counted from, and with which settings, is said by a class method `read`.

        @dataclass(frozen=True, kw_only=True)
        class Shares(State):
            near: PerLabel

            @classmethod
            def read(cls, surfaces: Surfaces, *, tolerance_mm: float) -> "Shares": ...

    The type of the first argument is what a case has to provide; a measure that takes the state has the settings among
    its knobs. `has_classes` says that a value of a whole case reads the state of each of its classes.
    """

    has_classes: ClassVar[bool] = False
    is_nothing: ClassVar[bool] = False  # of a state that adds nothing, so that nobody has to keep it

    @classmethod
    def of(cls: type[Record], **numbers: Any) -> Record:
        """One float64 number per field."""
        return cls(**{name: np.asarray(number, dtype=np.float64) for name, number in numbers.items()})

    @classmethod
    def stack(cls: type[Record], records: Sequence[Record]) -> Record:
        """Join the records of single classes along a new first axis."""
        return cls(**{name: np.array([getattr(row, name) for row in records]) for name in cls._names()})

    def __getitem__(self: Record, index: Any) -> Record:
        """The numbers of one class, or of some."""
        return type(self)(**{name: getattr(self, name)[index] for name in self._names()})

    def __add__(self: Record, other: Record) -> Record:
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in self._names()})

    @classmethod
    def _names(cls) -> list[str]:
        return [part.name for part in fields(cls)]  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class EachCase:
    """What single cases gave; a sum has that of both."""

    cases: tuple[Any, ...]

    def __add__(self, other: "EachCase") -> "EachCase":
        return EachCase((*self.cases, *other.cases))


@dataclass(frozen=True, kw_only=True)
class CasesApart(State):
    """For scores that only all cases together have: `EachCase` of each class, until `over` is told all cases.

    A subclass gives `over` and `drawn`; the latter is for a resample of the cases, or of what `unit_of` says a case
    belongs to.
    """

    cases: Any

    @staticmethod
    def unit_of(case_id: str) -> str:
        """What is drawn as a whole: the case itself."""
        return case_id

    def each(self: Apart, change: Callable[[Any], Any]) -> Apart:
        """The same with every element changed."""
        changed = np.empty(self.cases.shape, dtype=object)
        for place, one in np.ndenumerate(self.cases):
            changed[place] = change(one)
        return type(self)(cases=changed)

    def over(self: Apart, ml: Mapping[str, float]) -> Apart:
        """What a formula reads, of the whole data set, whose cases and their volumes are `ml`."""
        raise NotImplementedError

    def drawn(self: Apart, weights: np.ndarray) -> Apart:
        """The same for a resample that has each case so often."""
        raise NotImplementedError


@dataclass(frozen=True)
class ByClass:
    """The states of single classes, or of other keys; a sum has those of both sides."""

    rows: Mapping[Hashable, Any]

    def __add__(self, other: "ByClass") -> "ByClass":
        total = dict(self.rows)
        for of, row in other.rows.items():
            total[of] = total[of] + row if of in total else row
        return ByClass(total)

    def stacked(self, classes: Sequence[Hashable]) -> State:
        """The states of some classes as one."""
        rows = [self.rows[of] for of in classes]
        return type(rows[0]).stack(rows)


@dataclass(frozen=True, eq=False)
class Kept(Generic[Result]):
    """One result per setting, computed when first asked for."""

    results: dict[Hashable, Result] = field(default_factory=dict)

    def get(self, setting: Hashable, compute: Callable[[], Result]) -> Result:
        """The result for a setting; computed the first time."""
        if setting not in self.results:
            self.results[setting] = compute()
        return self.results[setting]

    def __contains__(self, setting: Hashable) -> bool:
        return setting in self.results

    def items(self) -> list[tuple[Any, Result]]:
        """All settings so far with their results."""
        return list(self.results.items())

    def values(self) -> list[Result]:
        """All results so far."""
        return list(self.results.values())
