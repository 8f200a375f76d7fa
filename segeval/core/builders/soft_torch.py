"""Soft evidence of one class on a torch device: the same bins as on the CPU, counted in one go."""

from typing import Any

import numpy as np

from segeval.core.builders import bins
from segeval.core.histogram import ProbHistogram
from segeval.core.soft import ProbVoxels


def distinct(p: Any, truth: Any, *, levels: np.ndarray | None) -> ProbHistogram:
    """The exact histogram of a map in 8 or 16 bits, as tensors; see `soft_numpy.distinct`."""
    values = bins.of_float16() if levels is None else levels
    n = _counted(_code(p, len(values)) + truth * len(values), 2 * len(values))
    return bins.histogram_of_codes(n.astype(np.int64), values)


def moments(p: Any, truth: Any, *, is_log_odds: bool = False) -> ProbVoxels:
    """The voxels of a map in 32 or 64 bits as few entries with the same sums; see `soft_numpy.moments`."""
    key, q = _keyed(p, truth, _coarse_bin, bins.N_COARSE, is_log_odds)
    q = q.double()
    table = [_counted(key, 4 * bins.N_COARSE, weights) for weights in (None, q, q * q)]
    return bins.voxels_of_moments(np.stack(table).reshape(3, 2, 2, -1), *_tails(key, q, bins.N_COARSE))


def ranks(p: Any, truth: Any, *, is_log_odds: bool = False) -> ProbHistogram:
    """The histogram of a map in 32 or 64 bits, in bins no wider than 2^-17; see `soft_numpy.ranks`."""
    key, q = _keyed(p, truth, _fine_bin, bins.N_FINE, is_log_odds)
    n = _counted(key, 4 * bins.N_FINE).astype(np.int64)
    return bins.histogram_of_ranks(n.reshape(2, 2, -1), *_tails(key, q.double(), bins.N_FINE))


def _keyed(p: Any, truth: Any, bin_of: Any, n_bins: int, is_log_odds: bool) -> tuple[Any, Any]:
    q = (-p.double().abs()).sigmoid() if is_log_odds else p.minimum(1 - p).clip(0, None)
    is_likely = p >= (0.0 if is_log_odds else 0.5)
    return bin_of(q) + n_bins * (2 * truth.long() + (is_likely != truth)), q


def _tails(key: Any, q: Any, n_bins: int) -> list[np.ndarray]:
    return [q[key == tail].cpu().numpy() for tail in (n_bins, 3 * n_bins)]


def _counted(key: Any, size: int, weights: Any = None) -> np.ndarray:
    import torch

    counted: np.ndarray = torch.bincount(key, weights=weights, minlength=size).double().cpu().numpy()
    return counted


def _code(p: Any, n_codes: int) -> Any:
    import torch

    if p.dtype == torch.float16:
        return p.clip(0, None).view(torch.int16).long().clip(None, n_codes - 1)
    code = p.long()
    return torch.where(code < 0, code + n_codes, code)


def _coarse_bin(q: Any) -> Any:
    return _log_bin(q, bins.COARSE_BITS)


def _fine_bin(q: Any) -> Any:
    beyond = (q.clip(bins.UNIFORM_FROM, None) - bins.UNIFORM_FROM) * bins.PER_UNIT
    return _log_bin(q.clip(None, bins.UNIFORM_FROM), bins.FINE_BITS) + beyond.long()


def _log_bin(q: Any, bits: int) -> Any:
    import torch

    code = (q.float().view(torch.int32) >> (23 - bits)) - bins.offset(bits)
    return code.clip(0, None).long()
