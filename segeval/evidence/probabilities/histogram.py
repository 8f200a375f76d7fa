"""How many voxels of a class, and of the rest, have each probability: curves and ranks without a sort of the image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from segeval.evidence.probabilities import bins
from segeval.evidence.probabilities.bins import BOUND, Detail, costs_much, part_sizes, too_wide
from segeval.evidence.probabilities.channels import ProbMap, log_odds
from segeval.evidence.probabilities.soft import ProbVoxels
from segeval.evidence.shapes import Bool, Float64, Int64

EXACT_UP_TO = 1 << 20
APART_UP_TO = 1 << 21  # probabilities that a sum of cases tells apart in its bins
_FARTHEST = 110.0  # logits beyond 100 cost as much as that
_COLUMNS = ("thresholds", "p", "rest", "positives", "negatives", "is_wide")


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbHistogram:
    """Voxels inside (positives) and outside the class (negatives) per probability, the highest first.

    Where `is_wide` is set, the entry is a bin no wider than 2^-18: `thresholds` has the lowest probability in it
    and `p` its middle; otherwise the two are equal. `rest` is 1 - p, and tells p from 1 where p itself is rounded.
    `detail` is what its sum with others has to keep, `halved` how often bins were halved, so that they are so much
    narrower.
    """

    thresholds: Float64[np.ndarray, " level"]
    p: Float64[np.ndarray, " level"]
    rest: Float64[np.ndarray, " level"]
    positives: Int64[np.ndarray, " level"]
    negatives: Int64[np.ndarray, " level"]
    is_wide: Bool[np.ndarray, " level"]
    detail: Detail = "curve"
    halved: int = 0

    @classmethod
    def exact(cls, p: np.ndarray, rest: np.ndarray, *, positives: np.ndarray, negatives: np.ndarray) -> "ProbHistogram":
        """Voxels of known probabilities, all different, the highest first."""
        is_wide = np.zeros(len(p), dtype=bool)
        return cls(thresholds=p, p=p, rest=rest, positives=positives, negatives=negatives, is_wide=is_wide)

    @classmethod
    def empty(cls) -> "ProbHistogram":
        """No voxel at all."""
        nothing, none = np.empty(0), np.empty(0, dtype=np.int64)
        return cls.exact(nothing, nothing, positives=none, negatives=none)

    @classmethod
    def of_values(cls, stored: np.ndarray, truth: np.ndarray, *, is_log_odds: bool = False) -> "ProbHistogram":
        """The exact histogram of some voxels, by sorting them.

        Args:
            stored: probabilities, of which those a little outside [0, 1] are taken as its nearest end, or log odds.
            truth: whether each voxel is the class.
            is_log_odds: which of the two.
        """
        values, negatives, positives = _counted(stored if is_log_odds else np.clip(stored, 0, 1), truth)
        p, rest = ProbMap(stored=values[::-1], is_log_odds=is_log_odds).both_sides()
        found = cls.exact(p, rest, positives=positives[::-1], negatives=negatives[::-1])
        return found._of_columns(found._columns()) if is_log_odds else found  # many log odds below -745 stand for 0

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
        return cls.exact(p, 1 - p, positives=positives, negatives=negatives)

    @classmethod
    def of_bins(cls, n: np.ndarray) -> "ProbHistogram":
        """The histogram of fine bins.

        Args:
            n: (truth, upper, bin): voxels; upper for p >= 0.5.
        """
        negatives, positives = bins.in_order(n)
        used = np.flatnonzero(negatives + positives)
        thresholds, p, rest, is_wide = (column[used] for column in bins.fine_values())
        negatives, positives = negatives[used], positives[used]
        return cls(thresholds=thresholds, p=p, rest=rest, positives=positives, negatives=negatives, is_wide=is_wide)

    @property
    def approx(self) -> bool:
        """Whether some voxels are known by their bin only."""
        return bool(self.is_wide.any())

    def __add__(self, other: "ProbHistogram") -> "ProbHistogram":
        """The histogram of both; where too many probabilities are distinct it becomes approximate."""
        both = self.beside(other)
        return both if self.detail == "exact" or are_few(len(both.p)) else both.binned()

    def beside(self, *others: "ProbHistogram") -> "ProbHistogram":
        """The entries of all, equal ones added up."""
        each = (self._columns(), *(other._columns() for other in others))
        columns = [np.concatenate(several) for several in zip(*each, strict=True)]
        # by 1 - p where p is rounded; a bin, known by its middle, comes before the probability that it begins with
        order = np.lexsort((-columns[1], columns[2], -columns[0]))
        return self._of_columns([column[order] for column in columns])

    def binned(self, *, alone: bool = False) -> "ProbHistogram":
        """The same voxels in bins; those of a bin that holds too much stay apart if they are not too many.

        Args:
            alone: whether no bound has to hold together with other cases.
        """
        if self.detail == "hinge":
            return self.in_cells()
        key, n = self._by_bin()
        which = too_wide("curve", n, alone=alone)
        apart = which.any(axis=0).reshape(-1)[key]
        if not 0 < apart.sum() <= APART_UP_TO:
            return replace(ProbHistogram.of_bins(n), detail=self.detail)
        return self._only(apart).beside(ProbHistogram.of_bins(np.where(which, 0, n)))

    def merged(self, *, halved: int) -> "ProbHistogram":
        """The same voxels, those in one bin together, where bins are halved so many times."""
        _, first = self._bins(halved)
        last = np.append(first[1:], len(self.p)) - 1
        alone = first == last
        return replace(
            self,
            thresholds=self.thresholds[last],
            p=np.where(alone, self.p[first], (self.p[first] + self.p[last]) / 2),
            rest=np.where(alone, self.rest[first], (self.rest[first] + self.rest[last]) / 2),
            positives=np.add.reduceat(self.positives, first),
            negatives=np.add.reduceat(self.negatives, first),
            is_wide=self.is_wide[first] | ~alone,
            halved=halved,
        )

    def in_cells(self) -> "ProbHistogram":
        """The same voxels with their logits moved by less than the bound, and never again: to the middle of a cell.

        The steps of the Jaccard loss add up to no more than 1, so the hinge is off by no more than its errors.
        """
        cell = np.rint(np.clip(log_odds(self.p, self.rest), -_FARTHEST, _FARTHEST) / (2 * BOUND))
        first = np.flatnonzero(np.append(True, cell[1:] != cell[:-1])[: len(cell)])
        middle = ProbMap(stored=cell[first] * (2 * BOUND), is_log_odds=True)
        positives, negatives = (np.add.reduceat(side, first) for side in (self.positives, self.negatives))
        p, rest = middle.both_sides()
        whole = ProbHistogram.exact(p, rest, positives=positives, negatives=negatives)
        return replace(whole, is_wide=np.ones(len(first), dtype=bool), detail=self.detail)

    @property
    def is_vague(self) -> bool:
        """Whether what is known by bin only leaves open, by more than 1e-5, what a curve gives."""
        if not self.approx:
            return False
        counts, (_, first) = np.stack([self.negatives, self.positives]), self._bins(self.halved)
        all_of, in_bins = (np.add.reduceat(side, first, axis=1) for side in (counts, counts * self.is_wide))
        return costs_much(self.detail, all_of, in_bins)

    def _bins(self, halved: int) -> tuple[np.ndarray, np.ndarray]:
        """The bin of each entry, and where in the list each bin begins."""
        key = bins.fine_bin(np.minimum(self.p, self.rest), halved=halved).astype(np.int64)
        key += (self.p >= 0.5) * (bins.N_FINE << halved)
        return key, np.flatnonzero(np.append(True, key[1:] != key[:-1])[: len(key)])

    def _by_bin(self) -> tuple[np.ndarray, np.ndarray]:
        """The fine bin of each entry, and how many voxels each has, by (truth, upper, bin)."""
        key, _ = self._bins(0)
        sides = [_added_up(side, key, 2 * bins.N_FINE) for side in (self.negatives, self.positives)]
        return key, np.reshape(sides, (2, 2, -1))

    def _only(self, levels: np.ndarray) -> "ProbHistogram":
        return replace(self, **{name: getattr(self, name)[levels] for name in _COLUMNS})

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

    def _of_columns(self, columns: Sequence[np.ndarray]) -> "ProbHistogram":
        """A histogram of entries, the highest first; equal ones are added up."""
        thresholds, p, rest, positives, negatives, is_wide = columns
        changes = np.any([np.diff(column) != 0 for column in (thresholds, p, rest)], axis=0)
        is_new = np.append(True, changes)[: len(p)]  # of nothing, nothing is
        if not is_new.all():
            first = np.flatnonzero(is_new)
            positives, negatives = (np.add.reduceat(side, first) for side in (positives, negatives))
            thresholds, p, rest, is_wide = (column[first] for column in (thresholds, p, rest, is_wide))
        return ProbHistogram(
            thresholds=thresholds,
            p=p,
            rest=rest,
            positives=positives,
            negatives=negatives,
            is_wide=is_wide,
            detail=self.detail,
        )

    def _columns(self) -> tuple[np.ndarray, ...]:
        return tuple(getattr(self, name) for name in _COLUMNS)


def are_few(n: int) -> bool:
    """Whether so many voxels, or distinct probabilities, are told apart one by one without being asked to."""
    return n <= EXACT_UP_TO


def most_cells(n: np.ndarray) -> int:
    """The most entries that `ProbHistogram.in_cells` makes of some voxels.

    Args:
        n: (upper, bin): voxels by fine bin.
    """
    lowest = bins.fine_values()[0][bins.N_FINE :][::-1]
    edges = np.clip(-log_odds(lowest, 1 - lowest), 0, _FARTHEST)
    cells = np.rint(np.stack([edges, np.append(edges[1:], 0)]) / (2 * BOUND)).astype(np.int64)
    most = 0
    for of_side in n:
        used = np.flatnonzero(of_side)
        last, first = cells[:, used]
        full = last - first + 1
        # the first cell of a bin is also the last of the next one, and counted there if all that it may fill are
        shared = (first[:-1] == last[1:]) & (of_side[used][:-1] >= full[:-1])
        most += int(np.minimum(of_side[used], full - np.append(False, shared)[: len(used)]).sum())
    return most


def _counted(values: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The different values, rising, and how many voxels of the rest and of the class have each.

    The bits of a float that is not negative rise with it, and its sign is free to hold whether the voxel is the
    class: one sort of whole numbers does it all, several times faster than a sort that keeps the voxels beside it.
    """
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    is_below = values < 0
    if not is_below.any():
        return _counted_by_bits(values, truth)
    below, n_below, p_below = (column[::-1] for column in _counted_by_bits(values[is_below], truth[is_below]))
    above, n_above, p_above = _counted_by_bits(values[~is_below], truth[~is_below])
    return np.append(-below, above), np.append(n_below, n_above), np.append(p_below, p_above)


def _counted_by_bits(values: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    key = np.abs(values).view(np.uint32 if values.dtype.itemsize == 4 else np.uint64)
    key <<= 1
    key |= truth
    key.sort()
    bits = key >> 1
    last = np.flatnonzero(np.append(bits[1:] != bits[:-1], True)[: len(bits)])
    n = np.diff(last, prepend=-1)
    positives = np.diff(np.cumsum(key & 1, dtype=np.int64)[last], prepend=0)
    return bits[last].view(values.dtype), n - positives, positives


def _added_up(n: np.ndarray, at: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(at, weights=n, minlength=size).astype(np.int64)
