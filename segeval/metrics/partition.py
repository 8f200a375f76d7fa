"""One value per case over all its classes, from the joint histogram; background is a class here."""

from typing import Literal

import numpy as np

from segeval.evidence.overlap.counts import Joint
from segeval.evidence.shapes import PerLabel
from segeval.measure import metric, ratio

UNIT = (0.0, 1.0)
CASE = ("case",)
Classes = Literal["truth", "union"]
LONG = "Long 2015, arXiv:1411.4038"


@metric(symbol="PA", formula="Σ nᵢᵢ / N", bounds=UNIT, better="higher", levels=CASE, reference=LONG)
def pixel_accuracy(joint: Joint) -> PerLabel:
    """Share of voxels with the right class."""
    return ratio(joint.hits.sum(axis=-1), joint.total)


@metric(symbol="MA", formula="mean of nᵢᵢ / bᵢ", bounds=UNIT, better="higher", levels=CASE, reference=LONG)
def mean_accuracy(joint: Joint, *, classes: Classes = "truth", include_background: bool = True) -> PerLabel:
    """Mean over the classes of the truth of the share found.

    Args:
        classes: those that the truth has, or with `union` also those that were only predicted, which count as 0.
        include_background: whether background is a class.
    """
    found = np.nan_to_num(ratio(joint.hits, joint.truth))
    return _mean(joint, found, classes=classes, include_background=include_background)


@metric(
    symbol="mIoU",
    formula="mean of nᵢᵢ / (aᵢ + bᵢ − nᵢᵢ)",
    bounds=UNIT,
    better="higher",
    levels=CASE,
    aliases=("miou",),
    reference=LONG,
)
def mean_iou(joint: Joint, *, classes: Classes = "union", include_background: bool = True) -> PerLabel:
    """Mean IoU over the classes that occur on either side.

    Args:
        classes: those of either side, or with `truth` only those that the truth has.
        include_background: whether background is a class.
    """
    union = joint.truth + joint.pred - joint.hits
    return _mean(joint, ratio(joint.hits, union), classes=classes, include_background=include_background)


@metric(
    symbol="mDSC",
    formula="mean of 2nᵢᵢ / (aᵢ + bᵢ)",
    bounds=UNIT,
    better="higher",
    levels=CASE,
    reference="Dice 1945, doi:10.2307/1932409",
)
def mean_dice(joint: Joint, *, classes: Classes = "union", include_background: bool = True) -> PerLabel:
    """Mean Dice over the classes that occur on either side.

    Args:
        classes: those of either side, or with `truth` only those that the truth has.
        include_background: whether background is a class.
    """
    values = ratio(2 * joint.hits, joint.truth + joint.pred)
    return _mean(joint, values, classes=classes, include_background=include_background)


@metric(
    symbol="FWIoU",
    formula="Σ (bᵢ / N) · IoUᵢ",
    bounds=UNIT,
    better="higher",
    levels=CASE,
    aliases=("fwiou",),
    reference=LONG,
)
def frequency_weighted_iou(joint: Joint) -> PerLabel:
    """IoU of the classes, weighted by their true size."""
    of_class = np.nan_to_num(ratio(joint.hits, joint.truth + joint.pred - joint.hits))
    return ratio((joint.truth * of_class).sum(axis=-1), joint.total)


@metric(
    symbol="GDS",
    formula="2 Σ w TP / Σ w (a + b)",
    bounds=UNIT,
    better="higher",
    levels=CASE,
    reference="Crum 2006, doi:10.1109/TMI.2006.880587",
)
def generalized_dice_score(joint: Joint, *, weight: Literal["square", "simple", "uniform"] = "square") -> PerLabel:
    """One Dice ratio over all classes, weighted by the inverse of their true size.

    A class that the truth lacks weighs as much as the heaviest class it has.
    """
    truth, pred, hits = (side[..., joint.in_mean] for side in (joint.truth, joint.pred, joint.hits))
    power = {"square": 2, "simple": 1, "uniform": 0}[weight]
    weights = ratio(1.0, np.maximum(truth, 1).astype(float) ** power)
    heaviest = np.where(truth > 0, weights, 0.0).max(axis=-1, initial=0.0)
    weights = np.where((truth > 0) | (heaviest == 0), weights, heaviest)
    return ratio((2 * weights * hits).sum(axis=-1), (weights * (truth + pred)).sum(axis=-1))


def _mean(joint: Joint, of_class: np.ndarray, *, classes: Classes, include_background: bool) -> PerLabel:
    """Mean over the bins that count as classes and have a voxel."""
    voxels = joint.truth if classes == "truth" else joint.truth + joint.pred
    counted = joint.in_mean & (voxels > 0)
    if not include_background:
        counted[..., 0] = False
    return ratio(np.where(counted, of_class, 0.0).sum(axis=-1), counted.sum(axis=-1))
