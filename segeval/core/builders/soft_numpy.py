"""Soft evidence of one class on the CPU: one pass over its map, in chunks, summed in float64."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from segeval.core.builders import bins
from segeval.core.histogram import ProbHistogram
from segeval.core.soft import ProbVoxels

_CHUNK, _BLOCK = 1 << 15, 1 << 18  # a chunk fits the L2 cache; a block is large beside the table of bins


def distinct(p: np.ndarray, truth: np.ndarray, *, levels: np.ndarray | None) -> ProbHistogram:
    """The exact histogram of a map in 8 or 16 bits: the bit pattern is the bin.

    Args:
        p: float16, or integers.
        truth: whether each voxel is the class.
        levels: the probability of each integer, negative ones from its end; None for float16.
    """
    values = bins.of_float16() if levels is None else levels
    n = np.zeros(2 * len(values), dtype=np.int64)
    key_type: type[np.unsignedinteger[Any]] = np.uint16 if n.size <= 1 << 16 else np.uint32
    for start in range(0, p.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        key = _code(p[block], len(values)).astype(key_type)
        key += truth[block] * key_type(len(values))
        n += np.bincount(key, minlength=n.size)
    return bins.histogram_of_codes(n, values)


def moments(p: np.ndarray, truth: np.ndarray, *, is_log_odds: bool = False) -> ProbVoxels:
    """The voxels of a map in 32 or 64 bits as few entries with the same sums.

    Args:
        p: probabilities, of which those a little outside [0, 1] are taken as its nearest end, or log odds.
        truth: whether each voxel is the class.
        is_log_odds: which of the two.
    """
    table = np.zeros((3, 4 * bins.N_COARSE))
    for key, q in _blocks(p, truth, _coarse_bin, bins.N_COARSE, is_log_odds=is_log_odds):
        table[0] += np.bincount(key, minlength=table.shape[1])
        table[1] += np.bincount(key, weights=q, minlength=table.shape[1])
        table[2] += np.bincount(key, weights=q * q, minlength=table.shape[1])
    return bins.voxels_of_moments(table.reshape(3, 2, 2, -1))


def ranks(p: np.ndarray, truth: np.ndarray, *, is_log_odds: bool = False) -> ProbHistogram:
    """The histogram of a map in 32 or 64 bits, in bins no wider than 2^-16; arguments as in `moments`."""
    n = np.zeros(4 * bins.N_FINE, dtype=np.int64)
    for key, _ in _blocks(p, truth, _fine_bin, bins.N_FINE, is_log_odds=is_log_odds):
        n += np.bincount(key, minlength=n.size)
    return bins.histogram_of_ranks(n.reshape(2, 2, -1))


def _blocks(
    p: np.ndarray, truth: np.ndarray, bin_of: Callable[[np.ndarray], np.ndarray], n_bins: int, *, is_log_odds: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The key, bin + n_bins * (2 * truth + upper), and q = min(p, 1 - p) of each voxel, block by block."""
    key, wide = np.empty(_BLOCK, dtype=np.intp), np.empty(_BLOCK)
    for start in range(0, p.size, _BLOCK):
        size = min(_BLOCK, p.size - start)
        for at in range(0, size, _CHUNK):
            chunk = slice(at, min(at + _CHUNK, size))
            part, of = p[start:][chunk], truth[start:][chunk]
            q, is_upper = _folded_log_odds(part) if is_log_odds else _folded(part)
            code = bin_of(q)
            code += of * code.dtype.type(2 * n_bins)
            code += is_upper * code.dtype.type(n_bins)
            key[chunk], wide[chunk] = code, q
        yield key[:size], wide[:size]


def _folded(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """q = min(p, 1 - p), and whether p is at least one half."""
    return np.maximum(np.minimum(p, 1 - p), 0), p >= 0.5


def _folded_log_odds(log_odds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    small = np.exp(-np.abs(log_odds.astype(np.float64)))
    return small / (1 + small), log_odds >= 0


def _coarse_bin(q: np.ndarray) -> np.ndarray:
    return (_bits(q) >> bins.COARSE_SHIFT).astype(np.uint16)  # four times as many bins still fit 16 bits


def _fine_bin(q: np.ndarray) -> np.ndarray:
    code = _bits(q + 0.5) >> bins.EVEN_SHIFT
    code -= np.uint32(bins.EVEN_ORIGIN)
    code += _bits(np.minimum(q, bins.FINE_BELOW)) >> bins.FINE_SHIFT
    return code


def _bits(q: np.ndarray) -> np.ndarray:
    return q.astype(np.float32, copy=False).view(np.uint32)


def _code(p: np.ndarray, n_codes: int) -> np.ndarray:
    if p.dtype == np.float16:  # as integers: below 0 for negative values, and in the order of the others
        return p.view(np.int16).clip(0, n_codes - 1)
    if p.dtype.kind == "u":
        return p
    code = p.astype(np.int32)
    return np.where(code < 0, code + n_codes, code)
