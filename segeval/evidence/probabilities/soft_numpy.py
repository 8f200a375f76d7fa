"""Soft evidence of one class on the CPU: one pass over its map, in chunks that stay in the cache."""

from collections.abc import Iterator

import numpy as np

from segeval.evidence.probabilities import bins
from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.evidence.probabilities.soft import ProbVoxels

_CHUNK = 1 << 16
_SHIFT = 40
_ONE = 1 << _SHIFT  # one voxel, counted above the sum of the offsets of its bin, which have 16 bits, in one int64
_PACKED = 1 << 22  # voxels that such an integer holds even if all of them are in one bin; one of 2^23 is negative


def distinct(p: np.ndarray, truth: np.ndarray, *, levels: np.ndarray | None) -> ProbHistogram:
    """The exact histogram of a map in 8 or 16 bits: the bit pattern is the bin.

    Args:
        p: float16, or integers.
        truth: whether each voxel is the class.
        levels: the probability of each integer, negative ones from its end; None for float16.
    """
    values = bins.of_float16() if levels is None else levels
    n = np.zeros(2 * len(values), dtype=np.int64)
    for chunk in _slices(p.size, _CHUNK):
        code = _code(p[chunk], len(values)).astype(np.int32)
        code += truth[chunk].astype(np.int32) * np.int32(len(values))
        np.add.at(n, code.astype(np.intp), 1)
    return ProbHistogram.of_codes(n, values)


def moments(p: np.ndarray, truth: np.ndarray, *, is_log_odds: bool = False) -> ProbVoxels:
    """The voxels of a map in 32 or 64 bits as few entries with the same sums.

    Args:
        p: probabilities, of which those a little outside [0, 1] are taken as its nearest end, or log odds.
        truth: whether each voxel is the class.
        is_log_odds: which of the two.
    """
    return bins.voxels_of_moments(moment_table(p, truth, is_log_odds=is_log_odds))


def moment_table(p: np.ndarray, truth: np.ndarray, *, is_log_odds: bool = False) -> np.ndarray:
    """What `bins.voxels_of_moments` takes, (3, truth, upper, bin), which adds up; arguments as in `moments`."""
    total = np.zeros((3, 4 * bins.N_COARSE))
    moments_of = _moments if p.dtype == np.float32 and not is_log_odds else _moments_of_float64
    for part in _slices(p.size, _PACKED):
        total += moments_of(_folded(p[part], truth[part], is_log_odds=is_log_odds))
    return total.reshape(3, 2, 2, -1)


def ranks(p: np.ndarray, truth: np.ndarray, *, is_log_odds: bool = False) -> np.ndarray:
    """How many voxels of a map in 32 or 64 bits each fine bin holds, (truth, upper, bin); arguments as in `moments`."""
    n = np.zeros(4 * bins.N_FINE, dtype=np.int64)
    for q, group in _folded(p, truth, is_log_odds=is_log_odds):
        np.add.at(n, _fine_key(q, group), 1)
    return n.reshape(2, 2, -1)


def within(
    which: np.ndarray, p: np.ndarray, truth: np.ndarray, *, is_log_odds: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The voxels that lie in some fine bins, (truth, upper, bin), and whether each is the class."""
    which = which.reshape(-1)
    chosen = [which.take(_fine_key(q, group)) for q, group in _folded(p, truth, is_log_odds=is_log_odds)]
    where = np.flatnonzero(np.concatenate(chosen))
    return p[where], truth[where]


def _fine_key(q: np.ndarray, group: np.ndarray) -> np.ndarray:
    code = bins.fine_bin(q)
    code += group * np.int32(bins.N_FINE)
    return code.astype(np.intp)


Folded = Iterator[tuple[np.ndarray, np.ndarray]]


def _folded(p: np.ndarray, truth: np.ndarray, *, is_log_odds: bool) -> Folded:
    """q = min(p, 1 - p) and the group, 2 * truth + upper, of the voxels, chunk by chunk.

    Groups are int32, as the bins are: numpy casts what is mixed in parts of a few kB, which takes longer than the sum.
    """
    for chunk in _slices(p.size, _CHUNK):
        q, is_upper = _folded_log_odds(p[chunk]) if is_log_odds else _folded_probs(p[chunk])
        group = truth[chunk] * np.uint8(2)
        group += is_upper
        yield q, group.astype(np.int32)


def _folded_probs(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    q = np.subtract(1, p)
    np.minimum(q, p, out=q)
    if q.view(f"i{q.itemsize}").min() < 0:  # the sign of a number below 0, or of -0.0, whose bits are none of 0
        np.abs(np.maximum(q, 0, out=q), out=q)
    return q, p >= 0.5


def _folded_log_odds(log_odds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    small = np.exp(-np.abs(log_odds.astype(np.float64)))
    return small / (1 + small), log_odds >= 0


def _moments(folded: Folded) -> np.ndarray:
    """Count, sum of f and sum of f² of every key (see `bins.voxels_of_moments`), for at most `_PACKED` voxels.

    The bits that a bin leaves out are f as a whole number, so the sums are exact.
    """
    packed, squares = np.zeros((2, 4 * bins.N_COARSE), dtype=np.int64)
    for q, group in folded:
        q *= bins.LIFT
        offset = q.view(np.uint32)
        group *= np.int32(bins.N_COARSE)
        group += (offset >> bins.COARSE_SHIFT).view(np.int32)
        key = group.astype(np.intp)
        offset &= bins.COARSE_WIDTH - 1
        np.add.at(squares, key, (offset * offset).astype(np.int64))
        wide = offset.astype(np.int64)
        wide += _ONE
        np.add.at(packed, key, wide)
    return np.stack([packed >> _SHIFT, (packed & (_ONE - 1)) / bins.COARSE_WIDTH, squares / bins.COARSE_WIDTH**2])


def _moments_of_float64(folded: Folded) -> np.ndarray:
    """The same with sums of floats."""
    table = np.zeros((3, 4 * bins.N_COARSE))
    for q, group in folded:
        at, f = bins.place_in_coarse(q)
        key = at + group * np.intp(bins.N_COARSE)
        for row, weight in zip(table, (1.0, f, f * f), strict=True):
            np.add.at(row, key, weight)
    return table


def _code(p: np.ndarray, n_codes: int) -> np.ndarray:
    if p.dtype == np.float16:  # as integers: below 0 for negative values, and in the order of the others
        return p.view(np.int16).clip(0, n_codes - 1)
    if p.dtype.kind == "u":
        return p
    code = p.astype(np.int32)
    return np.where(code < 0, code + n_codes, code)


def _slices(n: int, step: int) -> Iterator[slice]:
    return (slice(start, start + step) for start in range(0, n, step))
