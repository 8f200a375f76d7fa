"""Other libraries on one class against the rest: each measure as (pred, truth) -> value."""

import math
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

Binary = Callable[[np.ndarray, np.ndarray], float]


def monai_matrix(name: str) -> Binary:
    """A measure of MONAI's confusion matrix."""

    def value(pred: np.ndarray, truth: np.ndarray) -> float:
        from monai.metrics import compute_confusion_matrix_metric, get_confusion_matrix

        matrix = get_confusion_matrix(_one_hot(pred), _one_hot(truth), include_background=False)
        return float(compute_confusion_matrix_metric(name, matrix))

    return value


def monai_masks(name: str) -> Binary:
    """One of MONAI's functions on one-hot masks, with its default for empty ones."""

    def value(pred: np.ndarray, truth: np.ndarray) -> float:
        import monai.metrics

        return float(getattr(monai.metrics, name)(_one_hot(pred), _one_hot(truth), include_background=False))

    return value


def _one_hot(mask: np.ndarray) -> Any:
    import torch

    return torch.as_tensor(np.stack([~mask, mask])[None].astype(np.float32))


def torchmetrics(name: str, kind: str = "classification", **options: Any) -> Binary:
    """A function of torchmetrics on flat labels."""

    def value(pred: np.ndarray, truth: np.ndarray) -> float:
        import torch

        functions = import_module(f"torchmetrics.functional.{kind}")
        sides = (torch.as_tensor(side.ravel().astype(np.int64)) for side in (pred, truth))
        return float(getattr(functions, name)(*sides, **options))

    return value


def torchmetrics_masks(name: str, **options: Any) -> Binary:
    """A function of torchmetrics on label images, for class 1."""

    def value(pred: np.ndarray, truth: np.ndarray) -> float:
        import torch
        from torchmetrics.functional import segmentation

        sides = (torch.as_tensor(side[None].astype(np.int64)) for side in (pred, truth))
        of_classes = getattr(segmentation, name)(*sides, num_classes=2, input_format="index", **options)
        return float(of_classes[0, 1])

    return value


def sklearn(name: str, **options: Any) -> Binary:
    """A function of scikit-learn on flat labels; it takes the truth first."""

    def value(pred: np.ndarray, truth: np.ndarray) -> float:
        import sklearn.metrics

        return float(getattr(sklearn.metrics, name)(truth.ravel(), pred.ravel(), **options))

    return value


def sklearn_likelihood(index: int) -> Binary:
    """LR+ (0) or LR- (1) of scikit-learn."""

    def value(pred: np.ndarray, truth: np.ndarray) -> float:
        from sklearn.metrics import class_likelihood_ratios

        return float(class_likelihood_ratios(truth.ravel(), pred.ravel(), labels=[False, True])[index])

    return value


def simpleitk(name: str) -> Binary:
    """A measure of ITK's label overlap filter; the truth is its target, the second image."""

    def value(pred: np.ndarray, truth: np.ndarray) -> float:
        from SimpleITK import GetImageFromArray, LabelOverlapMeasuresImageFilter

        overlap = LabelOverlapMeasuresImageFilter()
        overlap.Execute(*(GetImageFromArray(side.astype(np.uint8)) for side in (pred, truth)))
        return float(getattr(overlap, name)(1))

    return value


def skimage_voi(pred: np.ndarray, truth: np.ndarray) -> float:
    """Both halves of scikit-image's variation of information."""
    from skimage.metrics import variation_of_information

    return float(sum(variation_of_information(truth.astype(int), pred.astype(int))))


def bits(nats: Binary) -> Binary:
    """The same information in bits."""
    return lambda pred, truth: nats(pred, truth) / math.log(2)


PEERS: Mapping[str, Mapping[str, Binary]] = {
    "monai_matrix": {
        "sensitivity": monai_matrix("sensitivity"),
        "specificity": monai_matrix("specificity"),
        "precision": monai_matrix("precision"),
        "npv": monai_matrix("negative predictive value"),
        "fnr": monai_matrix("miss rate"),
        "fpr": monai_matrix("fall out"),
        "fdr": monai_matrix("false discovery rate"),
        "false_omission_rate": monai_matrix("false omission rate"),
        "iou": monai_matrix("threat score"),
        "accuracy": monai_matrix("accuracy"),
        "balanced_accuracy": monai_matrix("balanced accuracy"),
        "dice": monai_matrix("f1 score"),
        "mcc": monai_matrix("matthews correlation coefficient"),
        "informedness": monai_matrix("informedness"),
        "markedness": monai_matrix("markedness"),
    },
    "monai_masks": {
        "dice": monai_masks("compute_dice"),
        "iou": monai_masks("compute_iou"),
        # it counts voxels, of which a thousand are a millilitre here
        "absolute_volume_difference_ml": lambda pred, truth: (
            monai_masks("compute_absolute_volume_difference")(pred, truth) / 1000 if pred.ndim == 3 else math.nan
        ),
    },
    "torchmetrics": {
        "dice": torchmetrics("binary_f1_score"),
        "iou": torchmetrics("binary_jaccard_index"),
        "sensitivity": torchmetrics("binary_recall"),
        "specificity": torchmetrics("binary_specificity"),
        "precision": torchmetrics("binary_precision"),
        "npv": torchmetrics("binary_negative_predictive_value"),
        "accuracy": torchmetrics("binary_accuracy"),
        "f2": torchmetrics("binary_fbeta_score", beta=2.0),
        "f05": torchmetrics("binary_fbeta_score", beta=0.5),
        "kappa": torchmetrics("binary_cohen_kappa"),
        "mcc": torchmetrics("binary_matthews_corrcoef"),
        "rand_index": torchmetrics("rand_score", "clustering"),
        "adjusted_rand_index": torchmetrics("adjusted_rand_score", "clustering"),
        "mutual_information": bits(torchmetrics("mutual_info_score", "clustering")),
    },
    "torchmetrics_masks": {
        "dice": torchmetrics_masks("dice_score", average="none"),
        "iou": torchmetrics_masks("mean_iou", per_class=True),
    },
    "sklearn": {
        "dice": sklearn("f1_score", zero_division=np.nan),
        "iou": sklearn("jaccard_score", zero_division=0),
        "sensitivity": sklearn("recall_score", zero_division=np.nan),
        "precision": sklearn("precision_score", zero_division=np.nan),
        "f2": sklearn("fbeta_score", beta=2, zero_division=np.nan),
        "f05": sklearn("fbeta_score", beta=0.5, zero_division=np.nan),
        "accuracy": sklearn("accuracy_score"),
        "balanced_accuracy": sklearn("balanced_accuracy_score"),
        "kappa": sklearn("cohen_kappa_score"),
        "mcc": sklearn("matthews_corrcoef"),
        "lr_positive": sklearn_likelihood(0),
        "lr_negative": sklearn_likelihood(1),
        "rand_index": sklearn("rand_score"),
        "adjusted_rand_index": sklearn("adjusted_rand_score"),
        "mutual_information": bits(sklearn("mutual_info_score")),
    },
    "simpleitk": {
        "dice": simpleitk("GetDiceCoefficient"),
        "iou": simpleitk("GetJaccardCoefficient"),
        "fnr": simpleitk("GetFalseNegativeError"),
        "fpr": simpleitk("GetFalsePositiveError"),
        "fdr": simpleitk("GetFalseDiscoveryRate"),
        # it is signed there, 2(p - g) / (p + g)
        "volume_similarity": lambda pred, truth: 1 - abs(simpleitk("GetVolumeSimilarity")(pred, truth)) / 2,
    },
    "skimage": {"variation_of_information": skimage_voi},
}
