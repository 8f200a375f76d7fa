"""The joint histogram on the CPU.

Most voxels of a volume are background in both masks; `word_scan` tells them by eights, which leaves little to count.
"""

from typing import Any, Literal

import numpy as np

from segeval.evidence.overlap import word_scan
from segeval.evidence.overlap.counts import Histogram
from segeval.evidence.shapes import Labels

_LONG_RUN = 3  # voxels, from which on average it is less work to count runs
_MANY = 1 << 18  # voxels that are counted at once: a call for each chunk would cost more than the counting


def joint_histogram(*, truth: Labels, pred: Labels) -> Histogram:
    """Count every pair of (truth id, predicted id), in int64.

    Args:
        truth: integer ids of any width.
        pred: the same shape; the memory layout may differ.
    """
    truth, pred = flat_in_same_order(truth, pred)
    ids, truth, pred = _as_codes(truth, pred)
    if truth.dtype == np.uint8:
        n = _count_words(truth, pred, n_codes=len(ids))
    else:
        n = _count_dense(truth, pred, n_codes=len(ids))
    seen = (n.sum(axis=0) + n.sum(axis=1)) > 0
    return Histogram(ids=tuple(one for one, is_seen in zip(ids, seen, strict=True) if is_seen), n=n[np.ix_(seen, seen)])


def flat_in_same_order(truth: Labels, *others: Labels) -> list[np.ndarray]:
    """Arrays of one shape as 1-D in the memory order of the first; only one that is laid out otherwise is copied."""
    order: Literal["F", "C"] = "F" if truth.flags.f_contiguous and not truth.flags.c_contiguous else "C"
    # a flipped view may flatten without a copy, but words need neighbours in memory
    return [np.ascontiguousarray(side.reshape(-1, order=order)) for side in (truth, *others)]


def _as_codes(truth: np.ndarray, pred: np.ndarray) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Ids as small codes, 0 staying 0: codes are uint8 up to 256 ids, uint16 above."""
    if truth.dtype == np.uint8 and pred.dtype == np.uint8:
        return list(range(max(int(truth.max(initial=0)), int(pred.max(initial=0))) + 1)), truth, pred
    own_ids = [_foreground_ids(side) for side in (truth, pred)]
    ids = [0, *sorted({int(one) for own in own_ids for one in own})]
    dtype = np.uint8 if len(ids) <= 256 else np.uint16
    return ids, _encode(truth, own_ids[0], ids, dtype), _encode(pred, own_ids[1], ids, dtype)


def _foreground_ids(labels: np.ndarray) -> np.ndarray:
    """The ids other than 0, sorted, in the type of the labels."""
    if labels.dtype.kind == "u" and labels.dtype.itemsize <= 2:
        found = np.flatnonzero(np.bincount(labels))
        return found[found != 0].astype(labels.dtype)
    return np.unique(labels[labels != 0])


def _encode(
    labels: np.ndarray, own_ids: np.ndarray, ids: list[int], dtype: type[np.unsignedinteger[Any]]
) -> np.ndarray:
    code_of = {one: code for code, one in enumerate(ids)}
    code_of_own = np.array([code_of[int(one)] for one in own_ids], dtype=dtype)
    if labels.dtype.kind == "u" and labels.dtype.itemsize <= 2:
        code_of_all = np.zeros(1 << 8 * labels.dtype.itemsize, dtype=dtype)
        code_of_all[own_ids] = code_of_own
        return code_of_all[labels]
    codes = np.zeros(labels.shape, dtype=dtype)
    foreground = np.flatnonzero(labels != 0)
    codes[foreground] = code_of_own[np.searchsorted(own_ids, labels[foreground])]
    return codes


def _count_words(truth: np.ndarray, pred: np.ndarray, *, n_codes: int) -> np.ndarray:
    """Count the pairs in words with foreground; all other voxels are background in both masks."""
    n = np.zeros(n_codes * n_codes, dtype=np.int64)
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    n_kept = counted = 0
    for pair in word_scan.pairs_with_foreground(truth, pred):
        kept.append(pair)
        n_kept += pair[0].size
        if n_kept > _MANY:
            counted += _add_pairs(n, kept, n_codes)
            n_kept = 0
    counted += _add_pairs(n, kept, n_codes)
    n[0] += truth.size - counted
    return n.reshape(n_codes, n_codes)


def _add_pairs(n: np.ndarray, kept: list[tuple[np.ndarray, np.ndarray]], n_codes: int) -> int:
    """Add the kept voxels to `n`, empty the list, and say how many voxels that were."""
    if not kept:
        return 0
    truth, pred = (np.concatenate(side) for side in zip(*kept, strict=True))
    kept.clear()
    n += _counted(truth, pred, n_codes)
    return int(truth.size)


def _count_dense(truth: np.ndarray, pred: np.ndarray, *, n_codes: int) -> np.ndarray:
    return _counted(truth, pred, n_codes).reshape(n_codes, n_codes)


def _counted(truth: np.ndarray, pred: np.ndarray, n_codes: int) -> np.ndarray:
    """How often each pair of codes is there; where pairs come in runs, from the lengths of these."""
    wide = np.uint16 if n_codes <= 256 else np.uint32  # they hold all pairs, and cost less than int64
    lengths = None
    changes = (truth[1:] != truth[:-1]) | (pred[1:] != pred[:-1])
    if np.count_nonzero(changes) * _LONG_RUN < truth.size:
        starts = np.concatenate([[0], *word_scan.positions(changes, zero_counts=False)])
        starts[1:] += 1
        lengths = np.diff(starts, append=truth.size)  # as float64, whose sums of whole numbers are exact
        truth, pred = truth[starts], pred[starts]
    pairs = np.multiply(truth, n_codes, dtype=wide) + pred
    return np.bincount(pairs, lengths, minlength=n_codes * n_codes).astype(np.int64)
