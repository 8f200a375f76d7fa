"""Street scenes: what Cityscapes reports beside the IoU of classes."""

import numpy as np

from segeval.evidence.lesions.components import Connectivity
from segeval.evidence.lesions.weighted import InstanceWeights, MeanSize
from segeval.evidence.overlap.counts import CategoryCounts
from segeval.evidence.shapes import PerLabel
from segeval.measure import Idle, metric, ratio

UNIT = (0.0, 1.0)
CORDTS = "Cordts et al. 2016, arXiv:1604.01685"


@metric(
    symbol="mIoU cat",
    formula="mean of TP / (TP + FP + FN) over groups of classes",
    bounds=UNIT,
    better="higher",
    levels=("case",),
    aliases=("category_iou",),
    reference=CORDTS,
)
def category_mean_iou(counts: CategoryCounts) -> PerLabel:
    """Mean IoU of groups of classes, in each of which confusion is none; `pooled` it is the score of a data set.

    The groups are the regions, such as `--regions vehicle=26+27,human=24+25`; `--labels cityscapes` has its own where
    none are named. A group on neither side is left out. The IoU of each one is `iou` of that region.
    """
    iou = ratio(counts.tp, counts.tp + counts.fp + counts.fn)
    return ratio(np.nan_to_num(iou).sum(), (~np.isnan(iou)).sum())


@metric(
    symbol="iIoU",
    formula="iTP / (iTP + FP + iFN), TP and FN weighted by mean size / size of their instance",
    bounds=UNIT,
    better="higher",
    aliases=("iiou",),
    reference=CORDTS,
    limits={"mean_size": (0.0, float("inf")), "least_id": (0, float("inf"))},
    idle=(Idle(("connectivity",), "least_id", lambda least: least > 1, "1"),),  # which asks for a map
)
def instance_weighted_iou(
    weights: InstanceWeights, *, mean_size: MeanSize = "truth", least_id: int = 1, connectivity: Connectivity = "full"
) -> PerLabel:
    """IoU in which each true instance weighs the same, whatever its size; a false alarm weighs 1 per voxel.

    The instances of the truth are those of `--truth-instances`, else connected components.

    Args:
        mean_size: of the instances of a class in voxels: that of the truth (`pooled`: of all cases), one number, or one
            for each class such as `car:12794;person:3462`; a class without one is left out.
        least_id: lower ids of the map are no instances, such as groups; 1000 for those of Cityscapes. Above 1 the value
            is undefined without a map.
        connectivity: as for lesions, where no instance maps are given.
    """
    scale = np.where(weights.n > 0, ratio(weights.voxels, weights.n), 1.0) if mean_size == "truth" else 1.0
    return ratio(scale * weights.tp, scale * (weights.tp + weights.fn) + weights.fp)
