"""The profiles: what each tool computes.

Compared with monai 1.6.1, MetricsReloaded (git cb38dfc), surface-distance 0.1, seg-metrics 1.2.8,
medpy 0.5.2, panoptica 2.1.7, SimpleITK 2.5.7, torchmetrics 1.9.0, antspyx 0.6.3, nnunetv2 2.8.1, ccmetrics 0.0.3,
exacta 0.0.1a5, plastimatch 1.10.0, scikit-image 0.26.0 and pymeshmetrics 1.4.1. Absent values stand in the order both,
pred, truth.
"""

import math
from typing import Any, Literal

import numpy as np

from segeval import catalogue
from segeval.evidence.overlap.counts import Counts, Joint
from segeval.evidence.shapes import PerLabel
from segeval.evidence.surfaces.distances import Directed
from segeval.measure import metric, ratio
from segeval.metrics.boundary import surface_distance
from segeval.metrics.per_lesion import in_cells
from segeval.profiles.definition import ERROR, Profile, by

INF, NAN = math.inf, math.nan


@metric(symbol="VS", formula="2(p − g) / (p + g)", bounds=(-2.0, 2.0), better="zero")
def signed_volume_similarity(counts: Counts) -> PerLabel:
    """Difference of the two volumes relative to their mean; positive if too much was predicted."""
    return ratio(2 * (counts.pred - counts.truth), counts.pred + counts.truth)


@metric(symbol="GDS", formula="2 Σ w TP / Σ w (a + b)", bounds=(0.0, 1.0), better="higher", levels=("case",))
def generalized_dice_of_truth(joint: Joint, *, weight: Literal["square", "simple", "uniform"] = "square") -> PerLabel:
    """One Dice ratio over the classes that the truth has, weighted by the inverse of their true size."""
    power = {"square": 2, "simple": 1, "uniform": 0}[weight]
    weights = (joint.truth > 0) / np.maximum(joint.truth, 1).astype(float) ** power
    above, below = 2 * weights * joint.hits, weights * (joint.truth + joint.pred)
    return ratio(above.sum(axis=-1), below.sum(axis=-1))


@surface_distance(symbol="HD95", formula="mean of the ⌊0.95 n⌋-th of d(P→T) and of d(T→P)")
def hd95_by_rank(there: Directed, back: Directed) -> float:
    """Mean of two distances, each the largest that is still below the last 5 % of its direction."""
    sides = (np.sort(side.distance) for side in (there, back))
    return float(np.mean([side[max(0, int(np.float32(0.95) * np.float32(len(side)) - 1))] for side in sides]))


_OURS = by()
_ALWAYS_INF = (INF, INF, INF)
_ALWAYS_ERROR = (ERROR, ERROR, ERROR)

_MONAI = {
    "dice": by(NAN, 0, NAN),
    "iou": _OURS,
    "sensitivity": _OURS,
    "specificity": _OURS,
    "precision": by(NAN, NAN, 0),
    "npv": _OURS,
    "fpr": _OURS,
    "fnr": _OURS,
    "fdr": _OURS,
    "false_omission_rate": _OURS,
    "accuracy": _OURS,
    "balanced_accuracy": _OURS,
    "informedness": _OURS,
    "markedness": _OURS,
    "mcc": by(NAN, NAN, NAN),
    "hd": by(NAN, INF, INF),
    "hd95": by(NAN, NAN, NAN),
    "assd": by(NAN, INF, INF),
    "asd_pred_to_truth": _OURS,
    "nsd": by(NAN, 0, 0, surface="voxel"),
}

_METRICS_RELOADED = {
    "dice": by(1, 0, 0),
    "iou": by(NAN, 0, 0),
    "sensitivity": _OURS,
    "specificity": _OURS,
    "precision": by(NAN, 0, 0),
    "npv": _OURS,
    "balanced_accuracy": _OURS,
    "informedness": _OURS,
    "kappa": _OURS,
    "mcc": by(NAN, NAN, NAN),
    "lr_positive": _OURS,
    "hd": by(0, NAN, NAN),
    "hd95": by(0, NAN, NAN),
    "assd": by(0, NAN, NAN),
    "masd": by(0, NAN, NAN),
    "nsd": by(1, 0, 0, surface="voxel", slack=0.0),
    "boundary_iou": by(1, 0, 0, unit="voxel", rule="lt", width_mm=1.0),
    "centroid_distance": by(-1, -1, -1),
    "cldice": by(NAN, NAN, NAN),
}

_SURFACE_DISTANCE = {
    "dice": _OURS,
    "hd": by(*_ALWAYS_INF, surface="area"),
    "hd95": by(*_ALWAYS_INF, surface="area"),
    "masd": by(NAN, NAN, NAN, surface="area"),
    "nsd": by(NAN, 0, 0, surface="area", slack=0.0),
}

_ITK_CONTOUR: dict[str, Any] = {"edge": "none", "neighbours": "full"}
_SEG_METRICS = {
    "dice": by(1, 0, 0),
    "iou": by(1, 0, 0),
    "precision": by(1, 0, 0),
    "sensitivity": by(1, 0, 0),
    "fpr": by(0, 0, 0),
    "fnr": by(0, 1, 0),
    "volume_similarity": by(1, -2, 2, formula=signed_volume_similarity),
    "hd": by(0, 0, 0, **_ITK_CONTOUR),
    "hd95": by(0, 0, 0, pooling="pooled", **_ITK_CONTOUR),
    "assd": by(0, 0, 0, **_ITK_CONTOUR),
    "median_surface_distance": by(0, 0, 0, **_ITK_CONTOUR),
    "sd_surface_distance": by(0, 0, 0, **_ITK_CONTOUR),
}

_MEDPY = {
    "dice": by(1, 0, 0),
    "iou": by(1, 0, 0),
    "precision": by(0, 0, 0),
    "sensitivity": by(0, 0, 0),
    "relative_volume_difference": by(ERROR, -1, ERROR),
    "hd": by(*_ALWAYS_ERROR),
    "hd95": by(*_ALWAYS_ERROR, pooling="pooled"),
    "assd": by(*_ALWAYS_ERROR),
}

_PANOPTICA = {
    "dice": by(NAN, 0, 0),
    "hd": by(*_ALWAYS_ERROR, unit="voxel"),
    "hd95": by(*_ALWAYS_ERROR, unit="voxel", pooling="pooled"),
    "assd": by(*_ALWAYS_ERROR, unit="voxel", formula="masd"),
    "nsd": by(*_ALWAYS_ERROR, unit="voxel", surface="voxel", pooling="directed_mean", tolerance_mm=0.5, slack=0.0),
}

_PANOPTICA_INSTANCE = {
    "hd": by(*_ALWAYS_ERROR),
    "hd95": by(*_ALWAYS_ERROR, pooling="pooled"),
    "assd": by(*_ALWAYS_ERROR, formula="masd"),
    "nsd": by(*_ALWAYS_ERROR, surface="voxel", pooling="directed_mean", tolerance_mm="min_spacing", slack=0.0),
}

_SIMPLEITK = {
    "dice": by(0, 0, 0),
    "iou": by(0, 0, 0),
    "fpr": _OURS,
    "fnr": _OURS,
    "fdr": _OURS,
    "volume_similarity": by(0, -2, 2, formula=signed_volume_similarity),
    "hd": by(*_ALWAYS_ERROR, surface="set"),
    "average_hausdorff": _OURS,
}

_TORCHMETRICS = {
    "dice": by(NAN, 0, 0),
    "iou": by(-1, 0, 0),
    "kappa": _OURS,
    "mcc": _OURS,
    "rand_index": _OURS,
    "adjusted_rand_index": _OURS,
    "hd": by(ERROR, INF, INF),
    "mean_dice": _OURS,
    "mean_iou": _OURS,
    "generalized_dice_score": by(formula=generalized_dice_of_truth),
}

_IN_CELLS = {name: in_cells(catalogue.find(name), in_voxels=True) for name in ("dice", "hd", "hd95", "assd", "nsd")}
_CC_METRICS = {
    "dice": by(1, 0, 0, formula=_IN_CELLS["dice"]),
    "hd": by(0, INF, INF, formula=_IN_CELLS["hd"]),
    "hd95": by(0, INF, INF, formula=_IN_CELLS["hd95"]),
    "assd": by(0, INF, INF, formula=_IN_CELLS["assd"]),
    "nsd": by(1, 0, 0, formula=_IN_CELLS["nsd"], surface="voxel"),
}

_EXACTA = {
    "dice": _OURS,
    "iou": _OURS,
    "sensitivity": _OURS,
    "precision": _OURS,
    "specificity": _OURS,
    "volume_similarity": _OURS,
    "relative_volume_difference": by(NAN, -1, NAN),
    "hd": _OURS,
    "hd95": _OURS,
    "assd": _OURS,
    "nsd": by(surface="voxel", slack=0.0),
    "cldice": _OURS,
}

_MESH: dict[str, Any] = {"surface": "mesh"}
_MESHMETRICS = {
    "dice": by(1, 0, 0),
    "iou": by(1, 0, 0),
    "hd": by(0, INF, INF, **_MESH),
    "hd95": by(0, INF, INF, **_MESH),
    "assd": by(0, INF, INF, **_MESH),
    "masd": by(0, INF, INF, **_MESH),
    "nsd": by(1, 0, 0, slack=0.0, **_MESH),
}

_PLASTIMATCH = {
    "dice": by(0, 0, 0),
    "sensitivity": _OURS,
    "specificity": _OURS,
    "hd": by(*_ALWAYS_ERROR),
    "hd95": by(*_ALWAYS_ERROR, formula=hd95_by_rank),
    "masd": by(*_ALWAYS_ERROR),
    "average_hausdorff": by(*_ALWAYS_ERROR),
}

_SCIKIT_IMAGE = {
    "hd": by(0, INF, INF, surface="set", unit="voxel"),
    "variation_of_information": _OURS,
    "voi_split": _OURS,
    "voi_merge": _OURS,
    "adapted_rand_error": by(NAN, NAN, NAN),
}

_ANTS = {
    "dice": by(NAN, 0, 0),
    "iou": by(NAN, 0, 0),
    "sensitivity": by(NAN, 0, ERROR),
    "fnr": by(NAN, 1, ERROR),
    "fpr": _OURS,
    "volume_similarity": by(NAN, -2, 2, formula=signed_volume_similarity),
}

_NNUNET = {"dice": by(NAN, 0, 0), "iou": by(NAN, 0, 0)}

TOOLS = (
    Profile(
        name="monai",
        note="Results are float32 there, and the spacing has to be passed. assd is symmetric=True; its own "
        "default is asd_pred_to_truth. A missed class is dropped from the mean of hd95.",
        definitions=_MONAI,
    ),
    Profile(
        name="monai-subvoxel",
        note="Surface Dice with use_subvoxels=True.",
        definitions={"nsd": by(surface="area")},
    ),
    Profile(
        name="metrics-reloaded",
        note="The distance map of an empty mask is arbitrary there, so that nsd of a missed class can come out "
        "as 1; here it is 0.",
        definitions=_METRICS_RELOADED,
    ),
    Profile(
        name="surface-distance",
        note="masd is the mean of its two average surface distances. Two empty masks are infinitely far apart.",
        definitions=_SURFACE_DISTANCE,
    ),
    Profile(
        name="seg-metrics",
        note="Called with fully_connected=True; assd, median_surface_distance and sd_surface_distance are its "
        "msd, mdsd and stdsd. A missed class is at distance 0 there.",
        definitions=_SEG_METRICS,
    ),
    Profile(name="medpy", definitions=_MEDPY),
    Profile(
        name="panoptica",
        note="Global metrics; the spacing is ignored, lengths are in voxels.",
        definitions=_PANOPTICA,
    ),
    Profile(
        name="panoptica-instance",
        note="Metrics of matched instances, called with the spacing.",
        definitions=_PANOPTICA_INSTANCE,
    ),
    Profile(
        name="simpleitk",
        note="Distances of all voxels, blind to cavities. The first image is the prediction.",
        definitions=_SIMPLEITK,
    ),
    Profile(
        name="torchmetrics",
        note="Its Hausdorff distance is right for square 2-D images only; the values here are always right. "
        "generalized_dice_score is that of batches of one case: in larger ones a class that the truth lacks weighs "
        "what it weighs in the others.",
        definitions=_TORCHMETRICS,
    ),
    Profile(
        name="cc-metrics",
        note="The mean over the true lesions of a case, each in its cell. The spacing is ignored, lengths and "
        "tolerances are in voxels. The distance of a missed lesion is what the caller says; here it is infinite.",
        definitions=_CC_METRICS,
    ),
    Profile(
        name="meshmetrics",
        note="Triangles between voxels, each from its middle to the nearest point of the other mesh. A volume of one "
        "slice is an outline here, and a closed box there; its boundary IoU has no profile.",
        definitions=_MESHMETRICS,
    ),
    Profile(name="exacta", note="Called with the spacing; its defaults.", definitions=_EXACTA),
    Profile(
        name="plastimatch",
        note="The command plastimatch dice, reference first. hd and hd95 are those of the boundary; masd is "
        "the average of averages, average_hausdorff that of all voxels. An empty mask is 3.4e38 away there.",
        definitions=_PLASTIMATCH,
    ),
    Profile(
        name="scikit-image",
        note="skimage.metrics, of masks: all voxels in place of their surface, the spacing ignored. The others are "
        "of instance maps.",
        definitions=_SCIKIT_IMAGE,
    ),
    Profile(
        name="ants",
        note="LabelOverlapMeasures, called with the prediction first. Where a ratio is 0/0 it returns 1.8e308, as "
        "it does for fpr of a missed class, which is 0 here; a label that neither side has is not in its table.",
        definitions=_ANTS,
    ),
    Profile(
        name="platipy",
        note="The predicted contour grows by whole pixels with a ball of ITK. Its own default tolerance is 3 mm.",
        definitions={"added_path_length_mm": by(tolerance_mm=3.0, near="ball")},
    ),
    Profile(
        name="kiser",
        note="From the code of Kiser et al. 2021: pixels of the true contour outside the predicted mask.",
        definitions={"added_path_length_mm": by(near="mask", unit="voxel")},
    ),
    Profile(name="nnunet", definitions=_NNUNET),
)
