"""Evidence of all cases together, added up as the cases come, so that memory does not grow with their number."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from segeval.results import CaseScore


class Pool:
    """The running sum of what cases give for pooled values, by its name in `Evidence`."""

    def __init__(self) -> None:
        self._totals: dict[str, Any] = {}

    @property
    def totals(self) -> Mapping[str, Any]:
        return self._totals

    def take(self, score: CaseScore) -> CaseScore:
        """Add a case, and return its score without what was added."""
        for name, one in score.additive.items():
            self._totals[name] = self._totals[name] + one if name in self._totals else one
        return replace(score, additive={})
