"""Results that depend on settings: computed when first asked for, kept, and added up over cases."""

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


class Kept(Generic[Result]):
    """One result per setting.

    The sum of two has the settings of both, so that pooling needs no second look at the cases.
    """

    def __init__(self, results: dict[Hashable, Result] | None = None) -> None:
        self._results = results or {}

    def get(self, setting: Hashable, compute: Callable[[], Result]) -> Result:
        """The result for a setting; computed the first time."""
        if setting not in self._results:
            self._results[setting] = compute()
        return self._results[setting]

    def __add__(self, other: "Kept[Result]") -> "Kept[Result]":
        total: dict[Hashable, Any] = dict(self._results)
        for setting, result in other._results.items():
            total[setting] = total[setting] + result if setting in total else result
        return Kept(total)
