"""How many voxels of a class, and of the rest, have each probability: enough to rank them without a sort."""

from dataclasses import dataclass

import numpy as np

from segeval.core.channels import ProbMap
from segeval.core.soft import ProbVoxels


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbHistogram:
    """Voxels of one class by probability, in rising order of `p`.

    `rest` is 1 - p, kept because it tells p from 1 where p itself is rounded. Where not `exact`, each value is the
    middle of a bin no wider than 2^-16.
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

    def detections(self) -> tuple[np.ndarray, np.ndarray]:
        """True and false positives of the mask `probability >= p`, for each p."""
        return self.positives[::-1].cumsum()[::-1], self.negatives[::-1].cumsum()[::-1]

    def voxels(self) -> ProbVoxels:
        """The same as entries for the losses, the worst first."""
        count = np.concatenate([self.positives, self.negatives[::-1]])
        truth = np.repeat([True, False], len(self.p))
        hit, miss = np.concatenate([self.p, self.rest[::-1]]), np.concatenate([self.rest, self.p[::-1]])
        used = np.flatnonzero(count)
        used = used[np.argsort(hit[used], kind="stable")]  # two runs, merged in linear time
        return ProbVoxels(
            truth=truth[used], count=count[used].astype(np.float64), hit=hit[used], miss=miss[used], worst_first=True
        )
