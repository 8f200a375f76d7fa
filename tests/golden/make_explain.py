"""Columns that other tools made of the masks in `tests/verbs/explain/masks.py`: writes `explain.json` beside itself.

Needs the groups dev and peers: python tests/golden/make_explain.py
"""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from tests.verbs.explain.masks import CLASSES, SPACING, cases  # noqa: E402

Binary = Callable[[np.ndarray, np.ndarray], float]
Whole = Callable[[np.ndarray, np.ndarray], float]
CASES = cases()


def per_class(value: Binary) -> dict[str, dict[str, str]]:
    """A value per case and class, as Python writes it; nan where the tool raises an error."""
    return {
        case: {str(c): repr(float(_tried(value, pred == c, truth == c))) for c in CLASSES}
        for case, (pred, truth) in CASES.items()
    }


def per_case(value: Whole) -> dict[str, str]:
    return {case: repr(float(value(pred, truth))) for case, (pred, truth) in CASES.items()}


def _tried(value: Binary, pred: np.ndarray, truth: np.ndarray) -> float:
    try:
        return float(value(pred, truth))
    except (RuntimeError, ZeroDivisionError, AttributeError):  # surface-distance asks numpy 2 for np.Inf
        return float("nan")


def one_hot(labels: np.ndarray, n: int = 4) -> Any:
    import torch

    return torch.as_tensor((labels == np.arange(n)[:, None, None, None])[None].astype(np.float32))


def monai(name: str, **options: Any) -> Binary:
    import monai.metrics

    function = getattr(monai.metrics, name)

    def value(pred: np.ndarray, truth: np.ndarray) -> float:
        sides = (one_hot(side.astype(int), 2) for side in (pred, truth))
        return float(function(*sides, include_background=False, **options)[0, 0])

    return value


def medpy(name: str, **options: Any) -> Binary:
    from medpy.metric import binary

    return lambda pred, truth: getattr(binary, name)(pred, truth, **options)


def sklearn(name: str, **options: Any) -> Whole:
    import sklearn.metrics

    return lambda pred, truth: getattr(sklearn.metrics, name)(truth.ravel(), pred.ravel(), **options)


def surface(name: str, *arguments: float) -> Binary:
    import surface_distance

    def value(pred: np.ndarray, truth: np.ndarray) -> float:
        lists = surface_distance.compute_surface_distances(truth, pred, SPACING)
        return float(getattr(surface_distance, name)(lists, *arguments))

    return value


def itk_overlap(name: str) -> Binary:
    import SimpleITK as sitk  # noqa: N813

    def value(pred: np.ndarray, truth: np.ndarray) -> float:
        overlap = sitk.LabelOverlapMeasuresImageFilter()
        overlap.Execute(*(sitk.GetImageFromArray(side.astype(np.uint8)) for side in (pred, truth)))
        return float(getattr(overlap, name)(1))

    return value


def itk_hausdorff(pred: np.ndarray, truth: np.ndarray) -> float:
    import SimpleITK as sitk  # noqa: N813

    images = [sitk.GetImageFromArray(side.astype(np.uint8)) for side in (pred, truth)]
    for image in images:
        image.SetSpacing(SPACING[::-1])
    tool = sitk.HausdorffDistanceImageFilter()
    tool.Execute(*images)
    return float(tool.GetHausdorffDistance())


def torchmetrics(name: str, **options: Any) -> Whole:
    import torch
    from torchmetrics.functional import segmentation

    def value(pred: np.ndarray, truth: np.ndarray) -> float:
        sides = (torch.as_tensor(side[None].astype(np.int64)) for side in (pred, truth))
        return float(getattr(segmentation, name)(*sides, num_classes=4, input_format="index", **options))

    return value


def monai_loss(pred: np.ndarray, truth: np.ndarray) -> float:
    from monai.losses import DiceLoss

    sides = (one_hot(side.astype(int), 2) for side in (pred, truth))
    return float(DiceLoss(include_background=False, smooth_nr=1.0, smooth_dr=1.0)(*sides))


def slicewise(pred: np.ndarray, truth: np.ndarray) -> float:
    from medpy.metric.binary import dc

    found = [dc(pred[..., k], truth[..., k]) for k in range(14) if truth[..., k].any()]
    return float(np.mean(found)) if found else float("nan")


def largest(value: Binary) -> Binary:
    from skimage.measure import label

    def of_largest(pred: np.ndarray, truth: np.ndarray) -> float:
        parts = label(pred, connectivity=pred.ndim)
        if parts.max():
            pred = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
        return value(pred, truth)

    return of_largest


def rounded(column: dict[str, dict[str, str]], digits: int, times: float = 1.0) -> dict[str, dict[str, str]]:
    return {case: {c: f"{times * float(v):.{digits}f}" for c, v in row.items()} for case, row in column.items()}


def columns() -> dict[str, tuple[str, Any, str]]:
    """Name: measure as the file calls it, the numbers, and words that the explanation must have."""
    mm = {"spacing": SPACING}
    voxel = {"voxelspacing": SPACING}
    return {
        "monai dice": ("dice", per_class(monai("compute_dice")), "dice[monai]"),
        "monai dice, empties kept": (
            "dice",
            per_class(monai("compute_dice", ignore_empty=False)),
            "1 where a class is absent from both|dice[m",
        ),
        "monai iou": ("iou", per_class(monai("compute_iou")), "iou"),
        "monai hd95 in mm": ("hd95", per_class(monai("compute_hausdorff_distance", percentile=95, **mm)), "hd95[m"),
        "monai hd95 without spacing": (
            "hd95",
            per_class(monai("compute_hausdorff_distance", percentile=95)),
            "spacing ignored",
        ),
        "monai hd directed": (
            "hd",
            per_class(monai("compute_hausdorff_distance", directed=True, **mm)),
            "from prediction to truth alone",
        ),
        "monai asd by default": (
            "assd",
            per_class(monai("compute_average_surface_distance", **mm)),
            "asd_pred_to_truth",
        ),
        "monai assd": ("assd", per_class(monai("compute_average_surface_distance", symmetric=True, **mm)), "assd"),
        "monai nsd at 2 mm": (
            "nsd",
            per_class(lambda p, t: monai("compute_surface_dice", class_thresholds=[2.0], **mm)(p, t)),
            "tolerance_mm=2",
        ),
        "monai loss with 1": ("dice loss", per_class(monai_loss), "1 added above and below"),
        "medpy dc": ("dc", per_class(medpy("dc")), "dice"),
        "medpy jc": ("jc", per_class(medpy("jc")), "iou[medpy]"),
        "medpy hd95 in mm": ("hd95", per_class(medpy("hd95", **voxel)), "hd95[medpy]"),
        "medpy hd95 without spacing": ("hd95", per_class(medpy("hd95")), "hd95[panoptica]"),
        "medpy hd, axes reversed": ("hd", per_class(medpy("hd", voxelspacing=SPACING[::-1])), "z y x"),
        "medpy assd": ("assd", per_class(medpy("assd", **voxel)), "assd[medpy]"),
        "medpy asd": ("asd", per_class(medpy("asd", **voxel)), "asd_pred_to_truth"),
        "medpy precision to 3": ("precision", rounded(per_class(medpy("precision")), 3), "precision[m"),
        "medpy recall, sides swapped": (
            "recall",
            per_class(lambda p, t: medpy("recall")(t, p)),
            "precision instead of sensitivity|swapped",
        ),
        "medpy ravd": ("ravd", per_class(medpy("ravd")), "relative_volume_difference"),
        "medpy dc in percent": ("dice", rounded(per_class(medpy("dc")), 2, 100.0), "percent"),
        "medpy dc of slices": ("dice", per_class(slicewise), "slices along axis 2"),
        "medpy dc of the largest": ("dice", per_class(largest(medpy("dc"))), "largest component"),
        "medpy dc called iou": ("iou", per_class(medpy("dc")), "dice instead of iou"),
        "medpy dc, classes swapped": (
            "dice",
            {
                case: {str(c): row[{1: "2", 2: "1", 3: "3"}[c]] for c in CLASSES}
                for case, row in per_class(medpy("dc")).items()
            },
            "classes 1 and 2 swapped",
        ),
        "medpy dc, prediction flipped": (
            "dice",
            per_class(lambda p, t: medpy("dc")(p[::-1], t)),
            "flipped along axis 0",
        ),
        "surface-distance hd95": ("hd95", per_class(surface("compute_robust_hausdorff", 95)), "hd95[surface-distance]"),
        "surface-distance nsd at 1 mm": (
            "surface dice",
            per_class(surface("compute_surface_dice_at_tolerance", 1.0)),
            "nsd",
        ),
        "sklearn f1 macro": ("f1", per_case(sklearn("f1_score", average="macro")), "with background"),
        "sklearn f1 weighted": ("f1", per_case(sklearn("f1_score", average="weighted")), "weighted by their true size"),
        "sklearn f1 micro": ("f1", per_case(sklearn("f1_score", average="micro")), "background"),
        "sklearn jaccard": ("jaccard", per_class(lambda p, t: sklearn("jaccard_score", zero_division=1)(p, t)), "iou"),
        "itk dice": ("dice", per_class(itk_overlap("GetDiceCoefficient")), "dice"),
        "itk volume similarity": (
            "volume similarity",
            per_class(itk_overlap("GetVolumeSimilarity")),
            "simpleitk|seg-metrics",
        ),
        "itk hausdorff": ("hausdorff", per_class(itk_hausdorff), "hd[simpleitk]"),
        "torchmetrics dice macro": ("dice", per_case(torchmetrics("dice_score", average="macro")), "background"),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    stored = {name: {"measure": m, "numbers": v, "words": w} for name, (m, v, w) in columns().items()}
    (HERE / "explain.json").write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
