"""The joint histogram on a torch device."""

from typing import Any

import numpy as np

from segeval.evidence.overlap.counts import Histogram
from segeval.evidence.shapes import Labels

_BYTES = 256  # ids that a byte tells apart


def joint_histogram(*, truth: Labels, pred: Labels, device: str) -> Histogram:
    """Count every pair of (truth id, predicted id) on `device`; equal bit for bit to the numpy builder.

    Args:
        truth: integer ids, numpy or torch.
        pred: the same shape.
    """
    import torch

    truth, pred = (_on_device(side, device).reshape(-1) for side in (truth, pred))
    if truth.dtype == pred.dtype == torch.uint8:  # no sort, and four bytes a voxel instead of eight
        n = _counted(truth.int() * _BYTES + pred, _BYTES)
        seen = np.flatnonzero(n.sum(axis=0) + n.sum(axis=1))
        return Histogram(ids=tuple(seen.tolist()), n=n[np.ix_(seen, seen)])
    truth, pred = truth.long(), pred.long()
    ids = torch.unique(torch.cat([torch.unique(truth), torch.unique(pred)]))
    n = _counted(torch.searchsorted(ids, truth) * len(ids) + torch.searchsorted(ids, pred), len(ids))
    return Histogram(ids=tuple(ids.tolist()), n=n)


def _counted(pairs: Any, n_codes: int) -> np.ndarray:
    import torch

    n: np.ndarray = torch.bincount(pairs, minlength=n_codes**2).cpu().numpy().astype(np.int64)
    return n.reshape(n_codes, n_codes)


def _on_device(labels: Any, device: str) -> Any:
    import torch

    if not isinstance(labels, torch.Tensor):
        # torch has no arithmetic on unsigned integers wider than a byte
        wide = labels if labels.dtype == np.uint8 else labels.astype(np.int64)
        labels = torch.from_numpy(np.ascontiguousarray(wide))
    return labels.to(device, non_blocking=True)
