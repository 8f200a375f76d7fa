"""Evidence that adds up over cases, so that pooled values need no second look at them."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import fields
from typing import Any, Generic, TypeVar

import numpy as np

Result = TypeVar("Result")
Record = TypeVar("Record", bound="Additive")


class Additive:
    """A dataclass of float64 arrays that is added field by field."""

    @classmethod
    def of(cls: type[Record], **numbers: Any) -> Record:
        """One number per field."""
        return cls(**{name: np.asarray(number, dtype=np.float64) for name, number in numbers.items()})

    @classmethod
    def stack(cls: type[Record], records: Sequence[Record]) -> Record:
        """Join the records of single classes along a new first axis."""
        return cls.of(**{name: [getattr(one, name) for one in records] for name in cls._names()})

    def __add__(self: Record, other: Record) -> Record:
        return type(self).of(**{name: getattr(self, name) + getattr(other, name) for name in self._names()})

    @classmethod
    def _names(cls) -> list[str]:
        return [one.name for one in fields(cls)]  # type: ignore[arg-type]


class Kept(Generic[Result]):
    """One result per setting, computed when first asked for.

    The sum of two has the settings of both.
    """

    def __init__(self, results: dict[Hashable, Result] | None = None) -> None:
        self._results = results or {}

    def get(self, setting: Hashable, compute: Callable[[], Result]) -> Result:
        """The result for a setting; computed the first time."""
        if setting not in self._results:
            self._results[setting] = compute()
        return self._results[setting]

    def values(self) -> list[Result]:
        """All results so far."""
        return list(self._results.values())

    def __add__(self, other: "Kept[Result]") -> "Kept[Result]":
        total: dict[Hashable, Any] = dict(self._results)
        for setting, result in other._results.items():
            total[setting] = total[setting] + result if setting in total else result
        return Kept(total)
