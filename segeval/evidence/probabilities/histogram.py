"""How many voxels of a class, and of the rest, have each probability: curves and ranks without a sort of the image."""

from dataclasses import dataclass

import numpy as np

from segeval.evidence.probabilities import bins
from segeval.evidence.probabilities.channels import ProbMap
from segeval.evidence.probabilities.soft import ProbVoxels
from segeval.evidence.shape_words import Float64, Int64

EXACT_UP_TO = 1 << 20


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbHistogram:
    """Voxels inside (positives) and outside the class (negatives) per probability, the highest first.

    Where `approx` is set, each entry is a bin no wider than 2^-16: `thresholds` has the lowest probability in it
    and `p` its middle; otherwise the two are equal. `rest` is 1 - p, and tells p from 1 where p itself is rounded.
    """

    thresholds: Float64[np.ndarray, " level"]
    p: Float64[np.ndarray, " level"]
    rest: Float64[np.ndarray, " level"]
    positives: Int64[np.ndarray, " level"]
    negatives: Int64[np.ndarray, " level"]
    approx: bool = False

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
        values = np.union1d(sides[0][0], sides[1][0])[::-1]
        counts = np.zeros((2, len(values)), dtype=np.int64)
        for side, (own, n) in enumerate(sides):
            counts[side, len(values) - 1 - np.searchsorted(values[::-1], own)] = n
        p, rest = ProbMap(stored=values, is_log_odds=is_log_odds).both_sides()
        return cls(thresholds=p, p=p, rest=rest, positives=counts[1], negatives=counts[0])

    @classmethod
    def of_codes(cls, n: np.ndarray, values: np.ndarray) -> "ProbHistogram":
        """The exact histogram of voxels counted by code, those of the rest first.

        Args:
            n: (2 * code,) voxels.
            values: the probability of each code, in any order.
        """
        counts = n.reshape(2, -1)
        used = np.flatnonzero(counts.any(axis=0))
        p, at = np.unique(values[used].astype(np.float64), return_inverse=True)
        p, at = p[::-1], len(p) - 1 - at
        negatives, positives = (_added_up(side[used], at, len(p)) for side in counts)
        return cls(thresholds=p, p=p, rest=1 - p, positives=positives, negatives=negatives)

    @classmethod
    def of_ranks(cls, n: np.ndarray) -> "ProbHistogram":
        """The histogram of fine bins.

        Args:
            n: (truth, upper, bin): voxels; upper for p >= 0.5.
        """
        negatives, positives = np.concatenate([n[:, 1], n[:, 0, ::-1]], axis=1)
        used = np.flatnonzero(negatives + positives)
        thresholds, p, rest = (one[used] for one in bins.fine_values())
        return cls(
            thresholds=thresholds, p=p, rest=rest, positives=positives[used], negatives=negatives[used], approx=True
        )

    def __add__(self, other: "ProbHistogram") -> "ProbHistogram":
        """The histogram of both; where too many probabilities are distinct it becomes approximate."""
        thresholds, p, rest, positives, negatives = (
            np.concatenate(pair) for pair in zip(self._columns(), other._columns(), strict=True)
        )
        levels, first, at = np.unique(-thresholds, return_index=True, return_inverse=True)
        positives, negatives = (_added_up(side, at, len(levels)) for side in (positives, negatives))
        approx = self.approx or other.approx
        both = ProbHistogram(
            thresholds=-levels, p=p[first], rest=rest[first], positives=positives, negatives=negatives, approx=approx
        )
        return both if are_few(len(levels)) else both.binned()

    def binned(self) -> "ProbHistogram":
        """The same voxels in bins, of which there are not too many."""
        is_upper = self.p >= 0.5
        key = bins.fine_bin(np.minimum(self.p, self.rest)) + bins.N_FINE * is_upper
        sides = [_added_up(side, key, 2 * bins.N_FINE) for side in (self.negatives, self.positives)]
        return ProbHistogram.of_ranks(np.reshape(sides, (2, 2, -1)))

    def voxels(self) -> ProbVoxels:
        """The same as entries for the losses, the worst first."""
        count = np.concatenate([self.positives[::-1], self.negatives])
        truth = np.repeat([True, False], len(self.p))
        hit, miss = np.concatenate([self.p[::-1], self.rest]), np.concatenate([self.rest[::-1], self.p])
        used = np.flatnonzero(count)
        used = used[np.argsort(hit[used], kind="stable")]  # two runs, merged in linear time
        return ProbVoxels(
            truth=truth[used], count=count[used].astype(np.float64), hit=hit[used], miss=miss[used], worst_first=True
        )

    def gaps_of_equal_parts(self, n: int) -> Float64[np.ndarray, " part"]:
        """|mean probability − share of positives| of `n` nearly equal parts, in which ties are shared out."""
        voxels = self.positives + self.negatives
        counts, positives, mass = (
            np.concatenate([[0.0], np.cumsum(column[::-1])]) for column in (voxels, self.positives, voxels * self.p)
        )
        sizes = part_sizes(int(counts[-1]), n)
        ends = np.concatenate([[0], np.cumsum(sizes)])
        gaps = np.diff(np.interp(ends, counts, mass)) - np.diff(np.interp(ends, counts, positives))
        return np.abs(gaps) / sizes

    def _columns(self) -> tuple[np.ndarray, ...]:
        return self.thresholds, self.p, self.rest, self.positives, self.negatives


def are_few(n: int) -> bool:
    """Whether so many voxels, or distinct probabilities, are told apart one by one without being asked to."""
    return n <= EXACT_UP_TO


def part_sizes(total: int, n: int) -> Int64[np.ndarray, " part"]:
    """Sizes of `n` nearly equal parts, the first ones one longer; no part is empty."""
    parts = min(n, total)
    return np.array([total // parts + (i < total % parts) for i in range(parts)], dtype=np.int64)


def _added_up(n: np.ndarray, at: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(at, weights=n, minlength=size).astype(np.int64)
