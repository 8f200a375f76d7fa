"""How the gate resamples: which cases belong together, how often, and with which seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from segeval.statistics.bootstrap import Draws, draw


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
