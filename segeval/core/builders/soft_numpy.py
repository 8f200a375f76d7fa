"""Soft evidence of one class on the CPU: one pass over its map, in chunks, summed in float64."""

from collections.abc import Callable, Iterator

import numpy as np

from segeval.core.builders import bins
from segeval.core.histogram import ProbHistogram
from segeval.core.soft import ProbVoxels

_CHUNK, _BLOCK = 1 << 15, 1 << 18


def distinct(p: np.ndarray, truth: np.ndarray, *, levels: np.ndarray | None) -> ProbHistogram:
    """The exact histogram of a map in 8 or 16 bits: the bit pattern is the bin.

    Args:
        p: float16, or integers.
        truth: whether each voxel is the class.
        levels: the probability of each integer, negative ones from its end; None for float16.
    """
    values = bins.of_float16() if levels is None else levels
    n = np.zeros(2 * len(values), dtype=np.int64)
    for start in range(0, p.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        n += np.bincount(_code(p[block], len(values)) + truth[block] * np.int32(len(values)), minlength=n.size)
    return bins.histogram_of_codes(n, values)


def moments(p: np.ndarray, truth: np.ndarray, *, is_log_odds: bool = False) -> ProbVoxels:
    """The voxels of a map in 32 or 64 bits as few entries with the same sums.

    Args:
        p: probabilities, of which those a little outside [0, 1] are taken as its nearest end, or log odds.
        truth: whether each voxel is the class.
        is_log_odds: which of the two.
    """
    table = np.zeros((3, 4 * bins.N_COARSE))
    tails = Tails(bins.N_COARSE)
    for key, q in _blocks(p, truth, _coarse_bin, bins.N_COARSE, is_log_odds):
        n = np.bincount(key, minlength=table.shape[1])
        tails.keep(n, key, q)
        table[0] += n
        table[1] += np.bincount(key, weights=q, minlength=n.size)
        table[2] += np.bincount(key, weights=q * q, minlength=n.size)
    return bins.voxels_of_moments(table.reshape(3, 2, 2, -1), tails.of_rest, tails.of_class)


def ranks(p: np.ndarray, truth: np.ndarray, *, is_log_odds: bool = False) -> ProbHistogram:
    """The histogram of a map in 32 or 64 bits, in bins no wider than 2^-17; arguments as in `moments`."""
    total = np.zeros(4 * bins.N_FINE, dtype=np.int64)
    tails = Tails(bins.N_FINE)
    for key, q in _blocks(p, truth, _fine_bin, bins.N_FINE, is_log_odds):
        n = np.bincount(key, minlength=total.size)
        tails.keep(n, key, q)
        total += n
    return bins.histogram_of_ranks(total.reshape(2, 2, -1), tails.of_rest, tails.of_class)


class Tails:
    """Errors with q below `bins.LOWEST`: too different to share a bin, and few."""

    def __init__(self, n_bins: int) -> None:
        self.keys = {n_bins: [np.empty(0)], 3 * n_bins: [np.empty(0)]}

    def keep(self, n: np.ndarray, key: np.ndarray, q: np.ndarray) -> None:
        for tail, found in self.keys.items():
            if n[tail]:
                found.append(q[key == tail])

    @property
    def of_rest(self) -> np.ndarray:
        return np.concatenate(self.keys[min(self.keys)])

    @property
    def of_class(self) -> np.ndarray:
        return np.concatenate(self.keys[max(self.keys)])


def _blocks(
    p: np.ndarray, truth: np.ndarray, bin_of: Callable[[np.ndarray], np.ndarray], n_bins: int, is_log_odds: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Key and q = min(p, 1 - p) of each voxel, block by block.

    The key is bin + n_bins * (2 * truth + wrong). It is made in chunks that fit the L2 cache, and counted in
    blocks that are large beside the table of bins.
    """
    key, wide = np.empty(_BLOCK, dtype=np.intp), np.empty(_BLOCK)
    for start in range(0, p.size, _BLOCK):
        size = min(_BLOCK, p.size - start)
        for at in range(0, size, _CHUNK):
            chunk = slice(at, min(at + _CHUNK, size))
            part, of = p[start:][chunk], truth[start:][chunk]
            q, is_likely = _folded_log_odds(part) if is_log_odds else _folded(part)
            code = bin_of(q)
            code += of * np.int32(2 * n_bins)
            code += (is_likely != of) * np.int32(n_bins)
            key[chunk], wide[chunk] = code, q
        yield key[:size], wide[:size]


def _folded(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """q = min(p, 1 - p), and whether p is at least one half."""
    return np.maximum(np.minimum(p, 1 - p), 0), p >= 0.5


def _folded_log_odds(log_odds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    small = np.exp(-np.abs(log_odds.astype(np.float64)))
    return small / (1 + small), log_odds >= 0


def _coarse_bin(q: np.ndarray) -> np.ndarray:
    return _log_bin(q, bins.COARSE_BITS)


def _fine_bin(q: np.ndarray) -> np.ndarray:
    beyond = (np.maximum(q, bins.UNIFORM_FROM) - bins.UNIFORM_FROM) * bins.PER_UNIT
    return _log_bin(np.minimum(q, bins.UNIFORM_FROM), bins.FINE_BITS) + beyond.astype(np.int32)


def _log_bin(q: np.ndarray, bits: int) -> np.ndarray:
    code = q.astype(np.float32, copy=False).view(np.int32) >> (23 - bits)
    code -= bins.offset(bits)
    return np.maximum(code, 0, out=code)


def _code(p: np.ndarray, n_codes: int) -> np.ndarray:
    if p.dtype == np.float16:
        return np.minimum(np.maximum(p, np.float16(0.0)).view(np.uint16).astype(np.int32), n_codes - 1)
    code = p.astype(np.int32)
    return code if p.dtype.kind == "u" else np.where(code < 0, code + n_codes, code)
