"""Soft evidence of one class on a torch device: the same bins as on the CPU, counted in one go."""

from typing import Any

import numpy as np

from segeval.core.builders import bins
from segeval.core.histogram import ProbHistogram
from segeval.core.soft import ProbVoxels


def distinct(p: Any, truth: Any, *, full: float) -> ProbHistogram:
    """The exact histogram of a map in 8 or 16 bits, as tensors; see `soft_numpy.distinct`."""
    n_codes, values = bins.codes(np.dtype(str(p.dtype).removeprefix("torch.")), full)
    n = _counted(_code(p, n_codes) + truth * n_codes, 2 * n_codes)
    return bins.histogram_of_codes(n.astype(np.int64), values)


def moments(p: Any, truth: Any) -> ProbVoxels:
    """The voxels of a map in 32 or 64 bits as few entries with the same sums; see `soft_numpy.moments`."""
    q = _from_the_ends(p)
    key, q = _key(_bits(q) >> bins.COARSE_SHIFT, p, truth, bins.N_COARSE), q.double()
    table = [_counted(key, 4 * bins.N_COARSE, weights) for weights in (None, q, q * q)]
    return bins.voxels_of_moments(np.stack(table).reshape(3, 2, 2, -1))


def ranks(p: Any, truth: Any) -> ProbHistogram:
    """The histogram of a map in 32 or 64 bits, in bins no wider than 2^-16; see `soft_numpy.ranks`."""
    q = _from_the_ends(p)
    beyond = (q.clip(bins.UNIFORM_FROM, None) - bins.UNIFORM_FROM) * bins.PER_UNIT
    fine = (_bits(q.clip(None, bins.UNIFORM_FROM)) >> bins.FINE_SHIFT) + beyond.long()
    n = _counted(_key(fine, p, truth, bins.N_FINE), 4 * bins.N_FINE).astype(np.int64)
    return bins.histogram_of_ranks(n.reshape(2, 2, -1))


def _from_the_ends(p: Any) -> Any:
    return p.minimum(1 - p).clip(0, None)


def _key(code: Any, p: Any, truth: Any, n_bins: int) -> Any:
    return code.long() + n_bins * (2 * truth.long() + (p >= 0.5))


def _counted(key: Any, size: int, weights: Any = None) -> np.ndarray:
    import torch

    counted: np.ndarray = torch.bincount(key, weights=weights, minlength=size).double().cpu().numpy()
    return counted


def _bits(q: Any) -> Any:
    import torch

    return q.float().view(torch.int32)


def _code(p: Any, n_codes: int) -> Any:
    import torch

    if p.dtype == torch.float16:
        p = p.clip(0, None).view(torch.int16)
    return p.long().clip(None, n_codes - 1)
