"""Voxels per probability: curves and thresholds are read from it without sorting the image."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from segeval.core.shape_words import Bool, Float, Float64, Int64

EXACT_UP_TO = 1 << 20  # so many voxels, or distinct probabilities, are told apart exactly

_CHUNK = 1 << 20
_DROPPED_BITS = 11  # of the 23 of a float32: bins are at most 2.5e-4 wide, relative to min(p, 1 - p)
_HALF = int(np.float32(0.5).view(np.int32)) >> _DROPPED_BITS


@dataclass(frozen=True, kw_only=True)
class ProbHistogram:
    """Voxels inside (positives) and outside the class (negatives) per probability, the highest first.

    Where `approx` is set an entry is a narrow bin, and its threshold the lowest probability in it.
    `mass` is the sum of the probabilities of an entry.
    """

    thresholds: Float64[np.ndarray, " level"]
    positives: Int64[np.ndarray, " level"]
    negatives: Int64[np.ndarray, " level"]
    mass: Float64[np.ndarray, " level"]
    approx: bool = False

    @classmethod
    def from_probs(
        cls, probs: Float[np.ndarray, " voxel"], inside: Bool[np.ndarray, " voxel"], *, exact: bool = False
    ) -> "ProbHistogram":
        """Count the voxels of a probability map.

        Exact for float16, up to 2²⁰ voxels, and with `exact`. Otherwise voxels are binned by the
        leading bits of min(p, 1 − p), which is finest where probabilities crowd: at 0 and 1.
        """
        if probs.dtype == np.float16:
            return _counted(probs, inside, _bits, _every_float16())
        if exact or probs.size <= EXACT_UP_TO:
            levels = np.unique(probs)
            return _counted(probs, inside, lambda p: np.searchsorted(levels, p), levels)
        return cls.binned(probs, inside)

    @classmethod
    def binned(cls, probs: Float[np.ndarray, " voxel"], inside: Bool[np.ndarray, " voxel"]) -> "ProbHistogram":
        """Count the voxels in narrow bins of probability, however few they are."""
        return _counted(probs, inside, _bin, _lowest_in_bin(), approx=True)

    def __add__(self, other: "ProbHistogram") -> "ProbHistogram":
        """The histogram of both; where too many probabilities are distinct it becomes approximate."""
        both = [np.concatenate(pair) for pair in zip(self._columns(), other._columns(), strict=True)]
        levels, key = np.unique(both[0], return_inverse=True)
        approx = self.approx or other.approx
        if len(levels) > EXACT_UP_TO:
            levels, key, approx = _lowest_in_bin(), _bin(both[0]), True
        positives, negatives, mass = (np.bincount(key, weights=one, minlength=len(levels)) for one in both[1:])
        return _histogram(levels, positives, negatives, mass, approx=approx)

    def gaps_of_equal_parts(self, n: int) -> Float64[np.ndarray, " part"]:
        """|mean probability − share of positives| of `n` nearly equal parts, in which ties are shared out."""
        counts, positives, mass = (
            np.concatenate([[0.0], np.cumsum(column[::-1])])
            for column in (self.positives + self.negatives, self.positives, self.mass)
        )
        sizes = part_sizes(int(counts[-1]), n)
        ends = np.concatenate([[0], np.cumsum(sizes)])
        gaps = np.diff(np.interp(ends, counts, mass)) - np.diff(np.interp(ends, counts, positives))
        return np.abs(gaps) / sizes

    def _columns(self) -> tuple[np.ndarray, ...]:
        return self.thresholds, self.positives, self.negatives, self.mass


def part_sizes(total: int, n: int) -> Int64[np.ndarray, " part"]:
    """Sizes of `n` nearly equal parts, the first ones one longer; no part is empty."""
    parts = min(n, total)
    return np.array([total // parts + (i < total % parts) for i in range(parts)], dtype=np.int64)


def _counted(
    probs: np.ndarray,
    inside: np.ndarray,
    key_of: Callable[[np.ndarray], np.ndarray],
    levels: np.ndarray,
    *,
    approx: bool = False,
) -> ProbHistogram:
    total, positives, mass = np.zeros((3, len(levels)))
    for start in range(0, probs.size, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        key = key_of(probs[chunk])
        total += np.bincount(key, minlength=len(levels))
        positives += np.bincount(key[inside[chunk]], minlength=len(levels))
        mass += np.bincount(key, weights=probs[chunk], minlength=len(levels))
    return _histogram(levels, positives, total - positives, mass, approx=approx)


def _histogram(
    levels: np.ndarray, positives: np.ndarray, negatives: np.ndarray, mass: np.ndarray, *, approx: bool
) -> ProbHistogram:
    seen = np.flatnonzero(positives + negatives)[::-1]
    return ProbHistogram(
        thresholds=levels[seen].astype(np.float64),
        positives=positives[seen].astype(np.int64),
        negatives=negatives[seen].astype(np.int64),
        mass=mass[seen].astype(np.float64),
        approx=approx,
    )


def _bits(probs: np.ndarray) -> np.ndarray:
    return np.abs(probs).view(np.uint16)  # without the sign of -0


def _every_float16() -> np.ndarray:
    return np.arange(int(np.float16(1).view(np.uint16)) + 1, dtype=np.uint16).view(np.float16)


def _bin(probs: np.ndarray) -> np.ndarray:
    """Bin of each probability, ascending: 0 to 2 · `_HALF`, with p = ½ in the middle."""
    small = np.minimum(probs, 1 - probs).astype(np.float32)
    key = np.abs(small).view(np.int32) >> _DROPPED_BITS
    return np.where(probs > 0.5, 2 * _HALF - key, key)


def _lowest_in_bin() -> np.ndarray:
    """The lowest probability of each bin; above ½ that is one minus the highest float32 of its mirror image."""
    below = (np.arange(_HALF + 1, dtype=np.int32) << _DROPPED_BITS).view(np.float32).astype(np.float64)
    highest = ((np.arange(1, _HALF + 1, dtype=np.int32) << _DROPPED_BITS) - 1).view(np.float32).astype(np.float64)
    return np.concatenate([below, 1 - highest[::-1]])
