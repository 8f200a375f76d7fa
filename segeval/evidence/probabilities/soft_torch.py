"""Soft evidence of one class on a torch device: the same bins as on the CPU, counted in one go."""

from typing import Any

import numpy as np

from segeval.evidence.probabilities import bins
from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.evidence.probabilities.soft import ProbVoxels


def distinct(p: Any, truth: Any, *, levels: np.ndarray | None) -> ProbHistogram:
    """The exact histogram of a map in 8 or 16 bits, as tensors; see `soft_numpy.distinct`."""
    values = bins.of_float16() if levels is None else levels
    n = _counted(_code(p, len(values)) + truth * len(values), 2 * len(values))
    return ProbHistogram.of_codes(n.astype(np.int64), values)


def moments(p: Any, truth: Any, *, is_log_odds: bool = False) -> ProbVoxels:
    """The voxels of a map in 32 or 64 bits as few entries with the same sums; see `soft_numpy.moments`."""
    import torch

    q, group = _folded(p, truth, is_log_odds=is_log_odds)
    code = (_bits(q * bins.LIFT) >> bins.COARSE_SHIFT).long()
    lowest, width = (torch.from_numpy(column).to(q.device) for column in bins.coarse_edges())
    f = (q.double() - lowest[code]) / width[code]
    key = code + bins.N_COARSE * group
    table = [_counted(key, 4 * bins.N_COARSE, weights) for weights in (None, f, f * f)]
    return bins.voxels_of_moments(np.stack(table).reshape(3, 2, 2, -1))


def ranks(p: Any, truth: Any, *, is_log_odds: bool = False) -> np.ndarray:
    """How many voxels of a map in 32 or 64 bits are in each fine bin; see `soft_numpy.ranks`."""
    return (
        _counted(_fine_key(*_folded(p, truth, is_log_odds=is_log_odds)), 4 * bins.N_FINE)
        .astype(np.int64)
        .reshape(2, 2, -1)
    )


def within(which: np.ndarray, p: Any, truth: Any, *, is_log_odds: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The voxels that lie in some fine bins; see `soft_numpy.within`."""
    import torch

    key = _fine_key(*_folded(p, truth, is_log_odds=is_log_odds))
    chosen = torch.from_numpy(which.reshape(-1)).to(key.device)[key]
    return p[chosen].cpu().numpy(), truth[chosen].cpu().numpy()


def _fine_key(q: Any, group: Any) -> Any:
    code = (q * bins.PER_UNIT).long() + (_bits(q.clip(0.0, bins.FINE_BELOW)) >> bins.FINE_SHIFT) + (q > 0)
    return code + bins.N_FINE * group


def _folded(p: Any, truth: Any, *, is_log_odds: bool) -> tuple[Any, Any]:
    """q = min(p, 1 - p) and the group, 2 * truth + upper."""
    if is_log_odds:
        return (-p.double().abs()).sigmoid(), 2 * truth.long() + (p >= 0)
    return p.minimum(1 - p).clip(0, None).abs(), 2 * truth.long() + (p >= 0.5)


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
        return p.clip(0, None).abs().view(torch.int16).long().clip(None, n_codes - 1)
    code = p.long()
    return torch.where(code < 0, code + n_codes, code)
