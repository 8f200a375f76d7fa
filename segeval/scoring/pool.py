"""Evidence of all cases together, added up as the cases come, so that memory does not grow with their number."""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

from segeval.results import CaseScore
from segeval.results.records import PackedValues


class Pool:
    """The running sum of what cases give for pooled values."""

    def __init__(self) -> None:
        self._totals: dict[Hashable, Any] = {}

    @property
    def totals(self) -> Mapping[Hashable, Any]:
        return self._totals

    def take(self, score: CaseScore) -> CaseScore:
        """Add a case, and return its score without what was added, packed since all of them are kept."""
        self.add(score.additive)
        if isinstance(score.row.values, PackedValues):
            return replace(score, additive={})
        row = replace(score.row, values=PackedValues(score.row.values))
        classes = tuple(replace(one, values=PackedValues(one.values)) for one in score.classes)
        return replace(score, row=row, classes=classes, additive={})

    def add(self, additive: Mapping[Hashable, Any]) -> None:
        """Add what can be added up."""
        for key, found in additive.items():
            self._totals[key] = self._totals[key] + found if key in self._totals else found
