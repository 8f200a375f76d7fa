"""What challenges compute by formulas of their own, which the catalogue does not have."""

from functools import partial

import numpy as np

from segeval.evidence.contours.in_plane import in_plane_distances
from segeval.evidence.lesions.grown import by_surfaces, each_dice, means_of_paired, paired
from segeval.evidence.lesions.lesions import LesionCounts, LesionCountsByClass
from segeval.evidence.lesions.msseg import MssegCounts
from segeval.evidence.lesions.objects import CoveredOnce
from segeval.evidence.lesions.voronoi import LesionCells
from segeval.evidence.masks import Masks
from segeval.evidence.shapes import PerLabel
from segeval.measure import metric, ratio
from segeval.metrics import boundary
from segeval.metrics.boundary import distance_of_each
from segeval.metrics.lesion import pq

_UNIT, _POSITIVE = (0.0, 1.0), (0.0, float("inf"))


@metric(symbol="|Δn|", formula="|predicted − true lesions|", bounds=_POSITIVE, better="lower", unit="lesions")
def unsigned_count_difference(found: LesionCounts) -> PerLabel:
    """How far the number of lesions is off."""
    return abs(found.n_pred - found.n_truth)


@metric(symbol="lesion TPR", formula="detected / true lesions", bounds=_UNIT, better="higher")
def msseg_recall(found: MssegCounts) -> PerLabel:
    """Share of true lesions that are detected."""
    return ratio(found.detected, found.n_truth)


@metric(symbol="lesion PPV", formula="right / predicted lesions, 0 without", bounds=_UNIT, better="higher")
def msseg_precision(found: MssegCounts) -> PerLabel:
    """Share of predicted lesions that are right."""
    share = ratio(found.right, np.maximum(found.n_pred, 1))
    return np.where(found.n_truth > 0, share, np.nan)


@metric(symbol="lesion F1", formula="2PR / (P + R)", bounds=_UNIT, better="higher")
def msseg_f1(found: MssegCounts) -> PerLabel:
    """Harmonic mean of the two; 0 where both are."""
    recall, precision = msseg_recall.function(found), msseg_precision.function(found)
    both = np.where(recall + precision > 0, recall + precision, 1.0)
    return np.where(found.n_truth > 0, 2 * recall * precision / both, np.nan)


@metric(symbol="n(pred)", formula="predicted lesions", bounds=_POSITIVE, better="none", unit="lesions")
def msseg_n_pred(found: MssegCounts) -> PerLabel:
    """Number of predicted lesions of more than 3 mm³."""
    return found.n_pred


@metric(symbol="HD95", formula="max(95 % of d(P→T), 95 % of d(T→P))", bounds=_POSITIVE, better="lower", unit="mm")
def in_plane_hd95(masks: Masks) -> PerLabel:
    """HD95 of outlines that are drawn slice by slice."""
    return distance_of_each(
        in_plane_distances(masks), lambda there, back: max(there.percentile(95.0), back.percentile(95.0))
    )


@metric(symbol="AJI", formula="Σ |i ∩ j| / |P ∪ T|, one i with one j", bounds=_UNIT, better="higher")
def aji_of_foreground(covered: CoveredOnce) -> PerLabel:
    """Voxels that paired objects share, over those of the joint foreground."""
    return ratio(covered.shared, covered.foreground)


@metric(
    symbol="mPQ+",
    formula="mean of PQ over all classes, 0 without an object",
    bounds=_UNIT,
    better="higher",
    levels=("case",),
)
def mpq_of_all_classes(found: LesionCountsByClass, *, strict: bool = True) -> PerLabel:
    """Mean panoptic quality of all classes."""
    quality = np.nan_to_num(pq(found))
    return ratio(quality.sum(), len(quality))


@metric(symbol="LW Dice", formula="mean Dice of pairs", bounds=_UNIT, better="higher")
def dice_of_pairs(cells: LesionCells) -> PerLabel:
    """Mean Dice of the lesions that are paired."""
    return means_of_paired(cells, each_dice, worst=0.0)


@metric(symbol="LW HD95", formula="mean HD95 of pairs", bounds=_POSITIVE, better="lower", unit="mm")
def hd95_of_pairs(cells: LesionCells) -> PerLabel:
    """Mean HD95 of the lesions that are paired, both directions in one list."""
    values = by_surfaces(cells, partial(boundary.hd95, pooling="pooled"))
    return means_of_paired(cells, values, worst=373.0)


@metric(symbol="lesion F1", formula="2 pairs / (predicted + true lesions)", bounds=_UNIT, better="higher")
def f1_of_pairs(cells: LesionCells) -> PerLabel:
    """Share of the lesions of both sides that are paired."""
    each = [paired(cells, which) for which in range(len(cells.lesions.classes))]
    return ratio([2 * len(pairs) for pairs, _ in each], [n for _, n in each])
