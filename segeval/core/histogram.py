"""How many voxels of a class, and of the rest, have each probability: enough to rank them without a sort."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from segeval.core.channels import ProbMap
from segeval.core.soft import ProbVoxels


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbHistogram:
    """Voxels of one class by probability, in rising order of `p`.

    `rest` is 1 - p, kept because it tells p from 1 where p itself is rounded. Where not `exact`, each value
    stands for a bin no wider than 2^-17.
    """

    p: np.ndarray
    rest: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray
    exact: bool = True

    @classmethod
    def of_values(cls, stored: np.ndarray, truth: np.ndarray, *, is_log_odds: bool = False) -> "ProbHistogram":
        """The exact histogram of some voxels, by sorting them.

        Args:
            stored: probabilities, of which those a little outside [0, 1] are taken as its nearest end, or log odds.
            truth: whether each voxel is the class.
            is_log_odds: which of the two.
        """
        values = stored if is_log_odds else np.clip(stored, 0, 1)
        sides = [np.unique(values[truth == is_class], return_counts=True) for is_class in (False, True)]
        values = np.union1d(sides[0][0], sides[1][0])
        counts = np.zeros((2, len(values)), dtype=np.int64)
        for side, (own, n) in enumerate(sides):
            counts[side, np.searchsorted(values, own)] = n
        p, rest = ProbMap(stored=values, is_log_odds=is_log_odds).both_sides()
        return cls(p=p, rest=rest, positives=counts[1], negatives=counts[0])

    @classmethod
    def joined(cls, parts: Sequence["ProbHistogram"], *, exact: bool) -> "ProbHistogram":
        """Several histograms of different voxels as one."""

        def together(name: str) -> Any:
            return np.concatenate([getattr(part, name) for part in parts])

        p, rest = together("p"), together("rest")
        order = np.lexsort((-rest, p))  # 1 - p orders what rounds to p = 1
        order = order[(together("positives") + together("negatives"))[order] > 0]
        p, rest = p[order], rest[order]
        first = np.flatnonzero(np.r_[True, (np.diff(p) != 0) | (np.diff(rest) != 0)][: len(p)])
        counts = {name: np.add.reduceat(together(name)[order], first) for name in ("positives", "negatives")}
        return cls(p=p[first], rest=rest[first], exact=exact, **counts)

    def flipped(self) -> "ProbHistogram":
        """The same counts at 1 - p."""
        return replace(self, p=self.rest, rest=self.p)

    def detections(self) -> tuple[np.ndarray, np.ndarray]:
        """True and false positives of the mask `probability >= p`, for each p."""
        return self.positives[::-1].cumsum()[::-1], self.negatives[::-1].cumsum()[::-1]

    def voxels(self) -> ProbVoxels:
        """The same as entries for the losses, the worst first on each side."""
        count = np.concatenate([self.positives, self.negatives[::-1]]).astype(np.float64)
        truth = np.repeat([True, False], len(self.p))
        hit, miss = np.concatenate([self.p, self.rest[::-1]]), np.concatenate([self.rest, self.p[::-1]])
        used = count > 0
        return ProbVoxels(truth=truth[used], count=count[used], hit=hit[used], miss=miss[used])
