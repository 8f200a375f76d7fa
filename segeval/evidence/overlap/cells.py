"""One pass over two label images and two maps of ids: how many voxels are alike in all four."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segeval.evidence.arrays import numbered
from segeval.evidence.overlap import word_scan
from segeval.evidence.overlap.counts_numpy import flat_in_same_order
from segeval.evidence.shapes import Bool, Int64, Labels

_AT_ONCE = 1 << 18  # voxels; runs are joined when there are so many, and as many as cells, so that memory stays small
_LARGEST_CODE = 1 << 62  # of four values in one number


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """Each combination of labels and ids that occurs, once, with the number of its voxels."""

    pred_label: Int64[np.ndarray, " cell"]
    pred_id: Int64[np.ndarray, " cell"]
    truth_label: Int64[np.ndarray, " cell"]
    truth_id: Int64[np.ndarray, " cell"]
    voxels: Int64[np.ndarray, " cell"]

    @classmethod
    def of(cls, *, pred: Labels, pred_ids: Labels, truth: Labels, truth_ids: Labels) -> "Cells":
        """Count four images of one shape."""
        truth, pred, pred_ids, truth_ids = flat_in_same_order(truth, pred, pred_ids, truth_ids)
        images = (pred, pred_ids, truth, truth_ids)
        parts: list[list[np.ndarray]] = []
        for start in range(0, truth.size, _AT_ONCE):
            parts.append(_runs([side[start : start + _AT_ONCE] for side in images]))
            first, *others = (len(columns[0]) for columns in parts)
            if sum(others) > max(_AT_ONCE, first):
                parts = [_joined(parts)]
        return cls(**dict(zip(cls.__annotations__, _joined(parts), strict=True)))

    def only(self, which: Bool[np.ndarray, " cell"]) -> "Cells":
        """Some of the cells."""
        return Cells(**{name: column[which] for name, column in vars(self).items()})


def _runs(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The values of each image in every run of voxels that are alike in all of them, and the lengths of the runs."""
    begins = np.zeros(images[0].size, dtype=bool)
    begins[0] = True
    for image in images:
        begins[1:] |= image[1:] != image[:-1]
    starts = np.concatenate([*word_scan.positions(begins, zero_counts=False)])
    return [*(image[starts].astype(np.int64) for image in images), np.diff(starts, append=begins.size)]


def _joined(parts: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """The rows of several tables as one in which no two have the same values; the last column is added up."""
    *columns, voxels = (np.concatenate(column) for column in zip(*parts, strict=True))
    code, n = np.zeros(voxels.size, dtype=np.int64), 1
    for column in columns:
        place, span = column - column.min(), int(column.max()) - int(column.min()) + 1
        if n * span > _LARGEST_CODE:
            (_, code, a), (_, place, b) = numbered(code), numbered(column)
            n, span = len(a), len(b)
        code, n = code * span + place, n * span
    order = np.argsort(code)
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    return [*(column[order[starts]] for column in columns), np.add.reduceat(voxels[order], starts)]
