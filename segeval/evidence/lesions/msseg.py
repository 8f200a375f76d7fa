"""Lesions as the MSSEG challenge finds them: a detection is judged by the whole table of overlaps, on each side.

A true lesion is detected if predictions cover more than a tenth of it, and if none of those that cover it most lies too
far outside: they are taken by falling overlap until they make up 65 % of what is covered, and of none may more than
70 % lie outside of all true lesions. A prediction is right by the same rule with the sides swapped. Parts touch by
faces, and those of 3 mm³ or less are left out on both sides (Commowick et al. 2018, doi:10.1038/s41598-018-31911-7).
"""

from dataclasses import dataclass

import numpy as np

from segeval.evidence.additive import State
from segeval.evidence.lesions.lesions import Found, Lesions
from segeval.evidence.lesions.matching import Overlaps, Side
from segeval.evidence.shapes import PerLabel

COVERED, OUTSIDE, LOOKED_AT = 0.1, 0.7, 0.65
TOO_SMALL_MM3 = 3.0


@dataclass(frozen=True, kw_only=True)
class MssegCounts(State):
    """Lesions per class on both sides, and how many of them are detected, or right."""

    n_truth: PerLabel
    n_pred: PerLabel
    detected: PerLabel
    right: PerLabel

    @classmethod
    def read(cls, lesions: Lesions) -> "MssegCounts":
        """Judge the lesions of every class of a case."""
        return cls.stack([_counted(lesions, which) for which in range(len(lesions.classes))])


def _counted(lesions: Lesions, which: int) -> MssegCounts:
    found = lesions.found(which, connectivity="face")
    least = TOO_SMALL_MM3 * (1 + 1e-9) / lesions.masks.voxel_size
    found = Found(
        pred=found.pred.only(found.pred.n_voxels > least), truth=found.truth.only(found.truth.n_voxels > least)
    )
    return MssegCounts.of(
        n_truth=len(found.truth),
        n_pred=len(found.pred),
        detected=_n_detected(found.overlaps, "truth"),
        right=_n_detected(found.overlaps, "pred"),
    )


def _n_detected(overlaps: Overlaps, side: Side) -> int:
    own, other = (overlaps.truth, overlaps.pred) if side == "truth" else (overlaps.pred, overlaps.truth)
    sizes = (overlaps.truth_voxels, overlaps.pred_voxels)
    own_voxels, other_voxels = sizes if side == "truth" else sizes[::-1]
    covered = np.bincount(own, overlaps.voxels, len(own_voxels))
    inside = np.bincount(other, overlaps.voxels, len(other_voxels))
    order = np.lexsort((other, -overlaps.voxels, own))
    own, other, voxels = own[order], other[order], overlaps.voxels[order]
    first = np.searchsorted(own, own)  # the place of the largest overlap of the same lesion
    before = np.cumsum(voxels) - voxels
    is_looked_at = before - before[first] < LOOKED_AT * covered[own]
    is_outside = other_voxels[other] - inside[other] > OUTSIDE * other_voxels[other]
    spoiled = np.bincount(own[is_looked_at & is_outside], minlength=len(own_voxels)) > 0
    return int((~spoiled & (covered > COVERED * own_voxels)).sum())
