"""Scores of objects that touch: cells, nuclei, instances of a street. Each object of a map is one lesion of it.

Where instance maps are given, their ids are the objects; else connected components are.
"""

import numpy as np

from segeval.evidence.lesions.components import Connectivity
from segeval.evidence.lesions.lesions import LesionCounts, LesionCountsByClass, LesionCountsOfAll
from segeval.evidence.lesions.objects import Aggregates, MatchedByThreshold
from segeval.evidence.shapes import PerLabel
from segeval.measure import Absent, metric, ratio
from segeval.metrics.lesion import PANOPTIC, lesion_metric, pq

UNIT = (0.0, 1.0)
CASE = ("case",)
ONE_TO_ONE = ("matching", "forgive_extra")


@lesion_metric(
    symbol="IA",
    formula="TP / (TP + FP + FN), objects",
    bounds=UNIT,
    better="higher",
    aliases=("cell_ap", "dsb_precision"),
    reference="Caicedo et al. 2019, doi:10.1038/s41592-019-0612-7",
    without=ONE_TO_ONE,
)
def instance_accuracy(found: LesionCounts) -> PerLabel:
    """Matched objects among all there are on either side; what cellpose and StarDist call average precision."""
    return ratio(found.tp, found.tp + found.fp + found.fn)


@lesion_metric(
    symbol="MTS",
    formula="Σ IoU of matches / true objects",
    bounds=UNIT,
    better="higher",
    reference="Weigert et al. 2020, doi:10.1109/WACV45572.2020.9093435",
    without=(*ONE_TO_ONE, "void"),
)
def mean_true_score(found: LesionCounts) -> PerLabel:
    """Mean IoU over the true objects, 0 for those without a match."""
    return ratio(found.iou_sum, found.n_truth)


@metric(
    symbol="mIA",
    formula="mean of TP / (TP + FP + FN) over IoU 0.5, 0.55, …, 0.95",
    bounds=UNIT,
    better="higher",
    reference="Caicedo et al. 2019, doi:10.1038/s41592-019-0612-7",
)
def mean_instance_accuracy(
    found: MatchedByThreshold, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0, strict: bool = False
) -> PerLabel:
    """Mean of `instance_accuracy` over ten thresholds."""
    return ratio(found.tp, found.tp + found.fp + found.fn).mean(axis=-1)


@metric(
    symbol="mF1",
    formula="mean of 2TP / (2TP + FP + FN) over IoU 0.5, 0.55, …, 0.95",
    bounds=UNIT,
    better="higher",
    reference="Caicedo et al. 2019, doi:10.1038/s41592-019-0612-7",
)
def mean_instance_f1(
    found: MatchedByThreshold, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0, strict: bool = False
) -> PerLabel:
    """Mean of `lesion_f1`, one object matched to one, over ten thresholds."""
    return ratio(2 * found.tp, 2 * found.tp + found.fp + found.fn).mean(axis=-1)


@metric(
    symbol="AJI",
    formula="Σ |i ∩ j(i)| / (Σ |i ∪ j(i)| + Σ |unused j|), j(i) = prediction of the largest IoU",
    bounds=UNIT,
    better="higher",
    reference="Kumar et al. 2017, doi:10.1109/TMI.2017.2677499",
)
def aji(objects: Aggregates, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0) -> PerLabel:
    """Aggregated Jaccard index; a predicted object that true ones share is counted once for each."""
    return ratio(objects.shared, objects.union)


@metric(
    symbol="AJI+",
    formula="Σ |i ∩ j(i)| / (Σ |i ∪ j(i)| + Σ |unpaired|), one i with one j",
    bounds=UNIT,
    better="higher",
    reference="Graham et al. 2019, doi:10.1016/j.media.2019.101563",
)
def aji_plus(objects: Aggregates, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0) -> PerLabel:
    """Aggregated Jaccard index with objects paired one with one, by the largest sum of IoU."""
    return ratio(objects.plus_shared, objects.plus_union)


@lesion_metric(
    symbol="bPQ",
    formula="Σ IoU of matches / (TP + ½FP + ½FN), whatever the class",
    bounds=UNIT,
    better="higher",
    levels=CASE,
    reference=PANOPTIC,
    without=ONE_TO_ONE,
)
def bpq(found: LesionCountsOfAll) -> PerLabel:
    """Panoptic quality of all objects of a case, matched whatever their class."""
    return pq(found)


@lesion_metric(
    symbol="mPQ",
    formula="mean of PQ over the classes of the truth",
    bounds=UNIT,
    better="higher",
    levels=CASE,
    absent=Absent(truth=0.0),
    reference="Gamper et al. 2020, arXiv:2003.10778",
    without=ONE_TO_ONE,
)
def mpq(found: LesionCountsByClass) -> PerLabel:
    """Mean panoptic quality of the classes that the truth has; false alarms of the other classes cost nothing.

    An image whose truth is empty is 0 where anything is predicted; `mpq[pannuke]` leaves it out.
    """
    there = found.n_truth > 0
    return ratio(np.where(there, np.nan_to_num(pq(found)), 0.0).sum(), there.sum())


@lesion_metric(
    symbol="mPQ+",
    formula="mean of PQ over all classes",
    bounds=UNIT,
    better="higher",
    levels=CASE,
    reference="Graham et al. 2024, doi:10.1016/j.media.2023.103047",
    without=ONE_TO_ONE,
)
def mpq_plus(found: LesionCountsByClass) -> PerLabel:
    """Mean panoptic quality over the classes that either side has; `pooled` it is the score of a data set."""
    quality = pq(found)
    return ratio(np.nan_to_num(quality).sum(), (~np.isnan(quality)).sum())
