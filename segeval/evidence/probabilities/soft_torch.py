"""Soft evidence of one class on a torch device: the same bins as on the CPU, counted in one go.

Sums are of whole numbers, so that the order in which a device adds changes nothing.
"""

from typing import Any

import numpy as np

from segeval.evidence.probabilities import bins
from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.evidence.probabilities.soft import ProbVoxels

_STEPS = float(1 << 32)  # of a bin, in which offsets are summed; an int64 holds 2^31 of them


def distinct(p: Any, truth: Any, *, levels: np.ndarray | None) -> ProbHistogram:
    """The exact histogram of a map in 8 or 16 bits, as tensors; see `soft_numpy.distinct`."""
    values = bins.of_float16() if levels is None else levels
    n = _summed(_code(p, len(values)) + truth * len(values), 2 * len(values))
    return ProbHistogram.of_codes(n, values)


def moments(p: Any, truth: Any, *, is_log_odds: bool = False) -> ProbVoxels:
    """The voxels of a map in 32 or 64 bits as few entries with the same sums; see `soft_numpy.moments`."""
    import torch

    q, group = _folded(p, truth, is_log_odds=is_log_odds)
    bits = _bits(q * bins.LIFT)
    code = (bits >> bins.COARSE_SHIFT).long()
    key = code + bins.N_COARSE * group
    if q.dtype == torch.float32:  # the bits that a bin leaves out are f as a whole number
        f, steps = (bits & (bins.COARSE_WIDTH - 1)).long(), float(bins.COARSE_WIDTH)
        squares, steps_of_squares = f * f, steps * steps
    else:
        lowest, width = (torch.from_numpy(column).to(q.device) for column in bins.coarse_edges())
        exact, steps, steps_of_squares = (q.double() - lowest[code]) / width[code], _STEPS, _STEPS
        f, squares = ((value * _STEPS).round().long() for value in (exact, exact * exact))
    n, *sums = (_summed(key, 4 * bins.N_COARSE, values) for values in (None, f, squares))
    table = [n, sums[0] / steps, sums[1] / steps_of_squares]
    return bins.voxels_of_moments(np.stack(table).reshape(3, 2, 2, -1))


def ranks(p: Any, truth: Any, *, is_log_odds: bool = False) -> np.ndarray:
    """How many voxels of a map in 32 or 64 bits are in each fine bin; see `soft_numpy.ranks`."""
    return _summed(_fine_key(*_folded(p, truth, is_log_odds=is_log_odds)), 4 * bins.N_FINE).reshape(2, 2, -1)


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


def _summed(key: Any, size: int, values: Any = None) -> np.ndarray:
    """How often each key occurs, or the sums of whole numbers by key."""
    if values is None:
        return np.asarray(key.bincount(minlength=size).cpu())
    return np.asarray(key.new_zeros(size).scatter_add_(0, key, values).cpu())


def _bits(q: Any) -> Any:
    import torch

    return q.float().view(torch.int32)


def _code(p: Any, n_codes: int) -> Any:
    import torch

    if p.dtype == torch.float16:
        return p.clip(0, None).abs().view(torch.int16).long().clip(None, n_codes - 1)
    code = p.long()
    return torch.where(code < 0, code + n_codes, code)
