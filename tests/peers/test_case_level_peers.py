"""Values per case over all classes, through MONAI, torchmetrics, scikit-learn and scikit-image."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from tests.peers.samples import random_pair, score

# the peers warn of what they do with absent classes; it is their values that count here
pytestmark = pytest.mark.filterwarnings("ignore")

Whole = Callable[[np.ndarray, np.ndarray, int], float]  # (pred, truth, number of ids with background)


def torchmetrics(name: str, **options: Any) -> Whole:
    def value(pred: np.ndarray, truth: np.ndarray, n_ids: int) -> float:
        import torch
        from torchmetrics.functional import classification

        sides = (torch.as_tensor(side.ravel().astype(np.int64)) for side in (pred, truth))
        return float(getattr(classification, name)(*sides, num_classes=n_ids, **options))

    return value


def torchmetrics_masks(name: str, **options: Any) -> Whole:
    def value(pred: np.ndarray, truth: np.ndarray, n_ids: int) -> float:
        import torch
        from torchmetrics.functional import segmentation

        sides = (torch.as_tensor(side[None].astype(np.int64)) for side in (pred, truth))
        return float(getattr(segmentation, name)(*sides, num_classes=n_ids, input_format="index", **options))

    return value


def torchmetrics_partition(name: str) -> Whole:
    def value(pred: np.ndarray, truth: np.ndarray, n_ids: int) -> float:
        import torch
        from torchmetrics.functional import clustering

        sides = (torch.as_tensor(side.ravel().astype(np.int64)) for side in (pred, truth))
        return float(getattr(clustering, name)(*sides))

    return value


def sklearn(name: str, **options: Any) -> Whole:
    def value(pred: np.ndarray, truth: np.ndarray, n_ids: int) -> float:
        import sklearn.metrics

        return float(getattr(sklearn.metrics, name)(truth.ravel(), pred.ravel(), **options))

    return value


def monai_generalized_dice(weight: str) -> Whole:
    def value(pred: np.ndarray, truth: np.ndarray, n_ids: int) -> float:
        from monai.metrics import compute_generalized_dice

        sides = (one_hot(side, n_ids) for side in (pred, truth))
        return float(compute_generalized_dice(*sides, weight_type=weight, sum_over_classes=True)[0])

    return value


def monai_mean(name: str) -> Whole:
    """The mean over the classes that MONAI gives a value."""

    def value(pred: np.ndarray, truth: np.ndarray, n_ids: int) -> float:
        import monai.metrics
        import torch

        of_classes = getattr(monai.metrics, name)(one_hot(pred, n_ids), one_hot(truth, n_ids))
        return float(torch.nanmean(of_classes))

    return value


def one_hot(labels: np.ndarray, n_ids: int) -> Any:
    import torch

    return torch.as_tensor((labels == np.arange(n_ids).reshape(-1, *[1] * labels.ndim))[None].astype(np.float32))


def bits(nats: Whole) -> Whole:
    return lambda *sides: nats(*sides) / math.log(2)


def skimage_voi(pred: np.ndarray, truth: np.ndarray, n_ids: int) -> float:
    from skimage.metrics import variation_of_information

    return float(sum(variation_of_information(truth, pred)))


PEERS: Mapping[str, Mapping[str, Whole]] = {
    "torchmetrics": {
        "pixel_accuracy": torchmetrics("multiclass_accuracy", average="micro"),
        "mean_accuracy": torchmetrics("multiclass_accuracy", average="macro"),
        "mean_iou": torchmetrics("multiclass_jaccard_index", average="macro"),
        "mean_dice": torchmetrics("multiclass_f1_score", average="macro"),
        "frequency_weighted_iou": torchmetrics("multiclass_jaccard_index", average="weighted"),
        "kappa": torchmetrics("multiclass_cohen_kappa"),
        "kappa(weights=linear)": torchmetrics("multiclass_cohen_kappa", weights="linear"),
        "kappa(weights=quadratic)": torchmetrics("multiclass_cohen_kappa", weights="quadratic"),
        "mcc": torchmetrics("multiclass_matthews_corrcoef"),
        "rand_index": torchmetrics_partition("rand_score"),
        "adjusted_rand_index": torchmetrics_partition("adjusted_rand_score"),
        "mutual_information": bits(torchmetrics_partition("mutual_info_score")),
    },
    "torchmetrics_masks": {
        "mean_iou": torchmetrics_masks("mean_iou"),
        "mean_dice": torchmetrics_masks("dice_score", average="macro"),
        "generalized_dice_score": torchmetrics_masks("generalized_dice_score", weight_type="square"),
        "generalized_dice_score(weight=simple)": torchmetrics_masks("generalized_dice_score", weight_type="simple"),
        "generalized_dice_score(weight=uniform)": torchmetrics_masks("generalized_dice_score", weight_type="linear"),
    },
    "sklearn": {
        "pixel_accuracy": sklearn("accuracy_score"),
        "mean_accuracy": sklearn("balanced_accuracy_score"),
        "mean_iou": sklearn("jaccard_score", average="macro"),
        "mean_dice": sklearn("f1_score", average="macro"),
        "frequency_weighted_iou": sklearn("jaccard_score", average="weighted"),
        "kappa": sklearn("cohen_kappa_score"),
        "kappa(weights=linear)": sklearn("cohen_kappa_score", weights="linear"),
        "kappa(weights=quadratic)": sklearn("cohen_kappa_score", weights="quadratic"),
        "mcc": sklearn("matthews_corrcoef"),
        "rand_index": sklearn("rand_score"),
        "adjusted_rand_index": sklearn("adjusted_rand_score"),
        "mutual_information": bits(sklearn("mutual_info_score")),
    },
    "monai": {
        "mean_iou": monai_mean("compute_iou"),
        "mean_dice": monai_mean("compute_dice"),
        "generalized_dice_score": monai_generalized_dice("square"),
        "generalized_dice_score(weight=simple)": monai_generalized_dice("simple"),
        "generalized_dice_score(weight=uniform)": monai_generalized_dice("uniform"),
    },
    "skimage": {"variation_of_information": skimage_voi},
}

# images in which the truth lacks a class that was predicted: these peers mean something else there
FOR_FALSE_ALARMS = {
    ("torchmetrics", "mean_accuracy"),
    ("torchmetrics_masks", "generalized_dice_score"),
    ("torchmetrics_masks", "generalized_dice_score(weight=simple)"),
    ("monai", "mean_iou"),
    ("monai", "mean_dice"),
}
CALLS = [(peer, name) for peer in PEERS for name in PEERS[peer]]

COMPLETE = [random_pair(6, (29, 17), [1, 2, 3]), random_pair(7, (7, 9, 8), [1, 2, 3, 4]), random_pair(8, (9, 9), [1])]
TRUTH, PRED = random_pair(9, (8, 9, 10), [1, 2, 3, 4])
MISSED = (TRUTH, np.where(PRED == 3, 0, PRED))
FALSE_ALARM = (np.where(TRUTH == 4, 0, TRUTH), PRED)


def same(theirs: float, ours: float) -> bool:
    return theirs == pytest.approx(ours, rel=1e-4, abs=1e-6, nan_ok=True)


def both(peer: str, name: str, pair: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    """Their value and ours."""
    truth, pred = pair
    n_classes = int(max(truth.max(), pred.max()))
    return PEERS[peer][name](pred, truth, n_classes + 1), score(truth, pred, n_classes).row.values[name]


@pytest.mark.parametrize(("peer", "name"), CALLS)
def test_a_peer_agrees_where_all_classes_are_there_or_some_are_missed(peer: str, name: str) -> None:
    for pair in (*COMPLETE, MISSED):
        theirs, ours = both(peer, name, pair)
        assert same(theirs, ours), f"{theirs} there, {ours} here"


@pytest.mark.parametrize(("peer", "name"), [call for call in CALLS if call not in FOR_FALSE_ALARMS])
def test_a_peer_agrees_on_a_class_that_was_only_predicted(peer: str, name: str) -> None:
    theirs, ours = both(peer, name, FALSE_ALARM)
    assert same(theirs, ours), f"{theirs} there, {ours} here"


@pytest.mark.parametrize("name", ["mean_iou", "mean_dice"])
def test_monai_leaves_a_class_that_was_only_predicted_out_of_the_mean(name: str) -> None:
    """Its default `ignore_empty` makes false alarms undefined, so they cost nothing; here they are a 0 among five."""
    theirs, ours = both("monai", name, FALSE_ALARM)
    truth, pred = FALSE_ALARM
    of_class = {"mean_iou": "iou", "mean_dice": "dice"}[name]
    assert score(truth, pred, 4).classes[3].values[of_class] == 0
    assert same(theirs, ours * 5 / 4)


def test_torchmetrics_counts_a_class_that_was_only_predicted_as_a_recall_of_zero() -> None:
    """Ours is the mean over the classes of the truth, as in scikit-learn: four of five."""
    theirs, ours = both("torchmetrics", "mean_accuracy", FALSE_ALARM)
    assert same(theirs, ours * 4 / 5)


@pytest.mark.parametrize("weight", ["square", "simple"])
def test_torchmetrics_gives_a_class_that_was_only_predicted_no_weight(weight: str) -> None:
    """It takes the heaviest weight over the batch instead of the classes: in a batch of one, false alarms are free."""
    name = "generalized_dice_score" if weight == "square" else f"generalized_dice_score(weight={weight})"
    theirs, ours = both("torchmetrics_masks", name, FALSE_ALARM)
    truth, pred = FALSE_ALARM
    kept = [(truth == one, pred == one) for one in range(4)]
    power = {"square": 2, "simple": 1}[weight]
    weights = [float(t.sum()) ** -power for t, _ in kept]
    hits = sum(w * (t & p).sum() for w, (t, p) in zip(weights, kept, strict=True))
    sizes = sum(w * (t.sum() + p.sum()) for w, (t, p) in zip(weights, kept, strict=True))
    assert same(theirs, 2 * hits / sizes)
    assert ours < theirs


def test_torchmetrics_and_sklearn_measure_information_in_nats() -> None:
    truth, pred = COMPLETE[0]
    ours = score(truth, pred, 3).row.values["mutual_information"]
    for nats in (torchmetrics_partition("mutual_info_score"), sklearn("mutual_info_score")):
        assert same(nats(pred, truth, 4), ours * math.log(2))
