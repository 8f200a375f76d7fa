"""The joint histogram on a torch device."""

import numpy as np

from segeval.evidence.arrays import on_device, on_host
from segeval.evidence.overlap.counts import Histogram
from segeval.evidence.shapes import Labels

_MOST = 1 << 10  # ids in a row for which a table of all pairs, 8 MB, beats looking for those that occur


def joint_histogram(*, truth: Labels, pred: Labels, device: str) -> Histogram:
    """Count every pair of (truth id, predicted id) on `device`; equal bit for bit to the numpy builder.

    Args:
        truth: integer ids, numpy or torch.
        pred: the same shape.
    """
    import torch

    truth, pred = (on_device(side, device).reshape(-1) for side in (truth, pred))
    if not truth.numel():
        return Histogram(ids=(), n=np.zeros((0, 0), dtype=np.int64))
    ends = torch.stack([end.long() for side in (truth, pred) for end in side.aminmax()]).tolist()
    low, high = min(ends), max(ends)
    if high - low < _MOST and -(2**31) <= low <= high < 2**31:  # no sort, and four bytes a voxel instead of eight
        n_ids = high - low + 1
        n = torch.bincount((truth.int() - low) * n_ids + (pred.int() - low), minlength=n_ids**2).reshape(n_ids, n_ids)
        seen = (n.sum(0) + n.sum(1)).nonzero()[:, 0]
        return Histogram(ids=tuple((seen + low).tolist()), n=on_host(n[seen][:, seen]))
    truth, pred = truth.long(), pred.long()
    ids = torch.unique(torch.cat([torch.unique(truth), torch.unique(pred)]))
    pairs = torch.searchsorted(ids, truth) * len(ids) + torch.searchsorted(ids, pred)
    n = torch.bincount(pairs, minlength=len(ids) ** 2).reshape(len(ids), len(ids))
    return Histogram(ids=tuple(ids.tolist()), n=on_host(n))
