"""Losses with every knob away from its default, against formulas written out voxel by voxel in numpy."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from segeval.evidence.grid import Lattice
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.evidence.probabilities.probabilities import ProbEvidence
from segeval.losses.training.modules import MODULES

RANDOM = np.random.default_rng(7)
# three channels of one image, of which each voxel is one
LOGITS = RANDOM.normal(0, 1.5, (3, 4, 5))
SHARES = np.exp(LOGITS) / np.exp(LOGITS).sum(0)
IDS = RANDOM.integers(0, 3, (4, 5))
IS = np.stack([channel == IDS for channel in range(3)]).astype(float)
P_TRUE = (SHARES * IS).sum(0)
NLL = -np.log(P_TRUE)
TRUTH, PRED, TP = (array.sum((1, 2)) for array in (IS, SHARES, SHARES * IS))
TABLE = np.array([[0, 2, 4], [1, 0, 3], [4, 1, 0]])
# one class of one image, against the rest
P, Y = RANDOM.uniform(0.02, 0.98, (6, 7)), np.zeros((6, 7))
Y[1:3, 1:4] = Y[4:6, 5] = 1
BCE = -np.where(Y > 0, np.log(P), np.log(1 - P))
WHOLE, SIZE, SHARED, N = P.sum(), Y.sum(), (P * Y).sum(), Y.size
FP, FN = WHOLE - SHARED, SIZE - SHARED


def dice(shared: Any, volumes: Any, smooth: float) -> Any:
    return 1 - (2 * shared + smooth) / (volumes + smooth)


def tversky(alpha: float, beta: float, smooth: float) -> np.ndarray:
    return 1 - (TP + smooth) / (TP + alpha * (PRED - TP) + beta * (TRUTH - TP) + smooth)


def of_class(weights: Any) -> np.ndarray:
    """The weight of the class of each voxel."""
    return np.asarray(weights)[IDS]


def smoothed(share: float, weights: Any = (1, 1, 1)) -> np.ndarray:
    """What each voxel costs if a share of its truth is spread over the channels."""
    spread = (np.reshape(weights, (3, 1, 1)) * -np.log(SHARES)).mean(0)
    return (1 - share) * of_class(weights) * NLL + share * spread


def unified(of_background: float, of_voxels: np.ndarray) -> float:
    missed = tversky(0.3, 0.7, 0.2)
    region = (missed[0] ** of_background + (missed[1:] ** 0.6).sum()) / 3
    return float(0.3 * region + 0.7 * (of_class([0.3, 0.7, 0.7]) * of_voxels * NLL).mean())


def wasserstein(weighting: str, smooth: float) -> float:
    costs = (TABLE / 4)[IDS] * SHARES.transpose(1, 2, 0)
    cost = np.array([costs[channel == IDS].sum() for channel in range(3)])
    by = TABLE[:, 0] / 4 if weighting == "default" else 1 / (TRUTH + 1)
    good = (by * (TRUTH - cost)).sum()
    bad = cost.sum() if weighting == "default" else (by * cost).sum()
    return float(1 - (2 * good + smooth) / (2 * good + bad + smooth))


def generalized(weights: Any, smooth: float) -> float:
    weights = np.asarray(weights) / max(weights)
    return float(dice((weights * TP).sum(), (weights * (PRED + TRUTH)).sum(), smooth))


def around(y: np.ndarray, edge: str) -> np.ndarray:
    """Mean of the nine voxels around each."""
    padded = np.pad(y, 1, mode="edge") if edge == "replicate" else np.pad(y, 1)
    return np.array([[padded[i : i + 3, j : j + 3].mean() for j in range(y.shape[1])] for i in range(y.shape[0])])


def away(norm: int, edge: str) -> float:
    shares = np.stack([around(y, edge) for y in IS])
    return float((NLL + 0.3 * (np.abs(shares - LOGITS) ** norm).mean(0)).mean())


HARDEST = np.sort(NLL, axis=None)[::-1]
RARE = np.sqrt(20 / TRUTH)
DICE_1 = (2 * TP + 0.7) / (PRED + TRUTH + 0.7)
FOCAL = (1 - P_TRUE) ** 3 * NLL
ACROSS: list[tuple[str, dict[str, Any], float]] = [
    ("CrossEntropyLoss", {"label_smoothing": 0.2}, smoothed(0.2).mean()),
    ("CrossEntropyLoss", {"reduction": "sum", "eps": 0.3}, -np.log(P_TRUE.clip(0.3, 0.7)).sum()),
    *(
        ("WeightedCrossEntropyLoss", {"weight": name, "label_smoothing": 0.2}, smoothed(0.2, weights).mean())
        for name, weights in (
            ("inverse_frequency", 20 / (3 * TRUTH)),
            ("median_frequency", np.median(TRUTH) / TRUTH),
            ("sqrt_inverse", RARE),
            ("n_minus_nc", (20 - TRUTH) / 20),
            ("pred_ratio", (20 - PRED) / PRED),
            ("uniform", np.ones(3)),
            ((0.3, 2.0, 5.0), (0.3, 2.0, 5.0)),
        )
    ),
    (
        "WeightedCrossEntropyLoss",
        {"weight": (0.3, 2.0, 5.0), "reduction": "weight_mean", "label_smoothing": 0.2},
        smoothed(0.2, (0.3, 2.0, 5.0)).sum() / of_class((0.3, 2.0, 5.0)).sum(),
    ),
    ("Poly1CELoss", {"epsilon": -0.7}, (NLL - 0.7 * (1 - P_TRUE)).mean()),
    (
        "Poly1FocalLoss",
        {"epsilon": 0.7, "gamma": 1.5, "alpha": 0.3},
        (of_class([0.7, 0.3, 0.3]) * (1 - P_TRUE) ** 1.5 * NLL + 0.7 * (1 - P_TRUE) ** 2.5).mean(),
    ),
    ("FocalLoss", {"gamma": 3, "alpha": 0.3, "mode": "softmax"}, (of_class([0.7, 0.3, 0.3]) * FOCAL).mean()),
    (
        "FocalLoss",
        {"gamma": 0.5, "alpha": 0.3, "mode": "softmax", "reduction": "num_pos"},
        (of_class([0.7, 0.3, 0.3]) * (1 - P_TRUE) ** 0.5 * NLL).sum() / TRUTH[1:].sum(),
    ),
    (
        "DiceCELoss",
        {"w_dice": 0.3, "w_ce": 2.0, "smooth": 0.5, "label_smoothing": 0.2},
        0.3 * dice(TP, PRED + TRUTH, 0.5)[1:].mean() + 2 * smoothed(0.2).mean(),
    ),
    (
        "DiceCELoss",
        {"w_dice": 0.3, "w_ce": 2.0, "smooth": 0.5, "classes": "all"},
        0.3 * dice(TP, PRED + TRUTH, 0.5).mean() + 2 * NLL.mean(),
    ),
    *(
        (
            "DiceFocalLoss",
            {"lambda_": 0.7, "alpha": 0.2, "beta": 0.9, "gamma": 3.0, "class_reduction": how}
            | ({} if plain else {"class_weights": (1.0, 0.5, 2.0)}),
            (weights * tversky(0.2, 0.9, 0)).sum() / n + 0.7 * (of_class(weights) * FOCAL).mean(),
        )
        for how, n in (("sum", 1), ("mean", 3))
        for plain, weights in ((True, np.ones(3)), (False, np.array([1.0, 0.5, 2.0])))
    ),
    (
        "DiceTopKLoss",
        {"w_dice": 0.4, "w_topk": 1.5, "k": 31.0, "rounding": "ceil", "smooth": 0.2, "classes": "all"},
        0.4 * dice(TP, PRED + TRUTH, 0.2).mean() + 1.5 * HARDEST[:7].mean(),
    ),
    (
        "DiceTopKLoss",
        {"w_dice": 0.4, "w_topk": 1.5, "k": 31.0, "smooth": 0.2},
        0.4 * dice(TP, PRED + TRUTH, 0.2)[1:].mean() + 1.5 * HARDEST[:6].mean(),
    ),
    (
        "ExpLogLoss",
        {"w_dice": 0.3, "w_cross": 1.4, "gamma_dice": 0.6, "gamma_cross": 1.3, "eps": 0.7, "classes": "foreground"},
        0.3 * ((-np.log(DICE_1)) ** 0.6)[1:].mean() + 1.4 * (of_class(RARE) * NLL**1.3).mean(),
    ),
    (
        "AsymmetricUnifiedFocalLoss",
        {"weight": 0.3, "delta": 0.7, "gamma": 0.4, "smooth": 0.2},
        unified(1.0, np.where(IDS == 0, (1 - P_TRUE) ** 0.4, 1.0)),
    ),
    (
        "UnifiedFocalLoss",
        {"weight": 0.3, "delta": 0.7, "gamma": 0.4, "smooth": 0.2},
        unified(0.6, (1 - P_TRUE) ** 0.4),
    ),
    *(
        (
            "GeneralizedWassersteinDiceLoss",
            {"dist": TABLE.tolist(), "weighting": weighting, "smooth": smooth},
            wasserstein(weighting, smooth),
        )
        for weighting in ("default", "GDL")
        for smooth in (0.0, 0.3)
    ),
    *(
        ("GeneralizedDiceLoss", {"weight": name, "smooth": 0.3}, generalized(weights, 0.3))
        for name, weights in (("square", TRUTH**-2.0), ("simple", 1 / TRUTH), ("uniform", np.ones(3)))
    ),
    *(
        ("NACLLoss", {"lambda_": 0.3, "norm": f"l{norm}", "padding": edge}, away(norm, edge))
        for norm in (1, 2)
        for edge in ("zero", "replicate")
    ),
]


def blob() -> float:
    parts, n = ndimage.label(Y, np.ones((3, 3)))
    outside = (P * (1 - Y)).sum()
    each = [
        dice((P * (parts == one)).sum(), outside + (P * (parts == one)).sum() + (parts == one).sum(), 0.2)
        for one in range(1, n + 1)
    ]
    return float(0.7 * dice(SHARED, WHOLE + SIZE, 0.2) + 1.6 * np.mean(each))


STEPS = (2.0, 0.5)


def depth(mask: np.ndarray, steps: tuple[float, ...] = STEPS) -> np.ndarray:
    """How far each voxel of a mask is from the nearest one outside, by all pairs."""
    out = np.argwhere(~mask)
    found = np.zeros(mask.shape)
    for at in np.argwhere(mask):
        found[tuple(at)] = np.sqrt((((out - at) * steps) ** 2).sum(1)).min()
    return found


INSIDE, OUTSIDE = depth(Y > 0), depth(Y == 0)
OF_PRED = depth(P >= 0.5) + depth(P < 0.5)


def nearness(far: np.ndarray) -> np.ndarray:
    there = far > 0
    least, most = far[there].min(), far.max()
    return np.where(there, (most - far) / (most - least) if most > least else 1.0, 0.0)


def border(mask: np.ndarray) -> int:
    """Voxels of a mask beside a voxel that is none of it, or the edge of the image."""
    return int((mask & ~ndimage.binary_erosion(mask)).sum())


LOG_ODDS = np.log(P / (1 - P))
SCHEMES: dict[Any, tuple[float, float]] = {
    "target_ratio": ((N - SIZE) / SIZE, 1.0),
    "pred_ratio": ((N - WHOLE) / WHOLE, 1.0),
    "n_minus_nc": ((N - SIZE) / N, SIZE / N),
    2.5: (2.5, 1.0),
}
ALPHA = min(1 - 2 * border(Y > 0) / SIZE, 0.3)
SQUARES = (P**2).sum() + SIZE
ALONE: list[tuple[str, dict[str, Any], float]] = [
    *(
        ("BCELoss", {"label_smoothing": 0.2, "reduction": how}, (0.9 * BCE - 0.1 * np.log(1 - np.exp(-BCE))).sum() / by)
        for how, by in (("mean", N), ("sum", 1), ("num_pos", SIZE))
    ),
    *(
        (
            "WeightedBCELoss",
            {"weight": weight, "reduction": how, "eps": 0.1},
            (np.where(Y > 0, front, back) * BCE.clip(-math.log(0.9), -math.log(0.1))).sum() / by,
        )
        for weight, (front, back) in SCHEMES.items()
        for how, by in (
            ("mean", N),
            ("sum", 1),
            ("num_pos", SIZE),
            ("weight_mean", front * SIZE + back * (N - SIZE)),
        )
    ),
    (
        "FocalStarLoss",
        {"gamma": 1.5, "beta": 0.4},
        (np.log1p(np.exp(-(1.5 * (2 * Y - 1) * LOG_ODDS + 0.4))) / 1.5).mean(),
    ),
    (
        "ComboLoss",
        {"alpha": 0.2, "weight": 3.0, "smooth": 0.5},
        0.2 * (np.where(Y > 0, 3, 1) * BCE).mean() - 0.8 * (1 - dice(SHARED, WHOLE + SIZE, 0.5)),
    ),
    (
        "BCEDiceLoss",
        {"w_bce": 0.3, "w_dice": 2.0, "smooth": 0.5, "denominator": "squared", "reduction": "num_pos"},
        0.3 * BCE.sum() / SIZE + 2 * dice(SHARED, SQUARES, 0.5),
    ),
    (
        "SensitivitySpecificityLoss",
        {"lambda_": 0.3, "eps": 0.5},
        0.3 * ((Y - P) ** 2 * Y).sum() / (SIZE + 0.5) + 0.7 * (P**2 * (1 - Y)).sum() / (N - SIZE + 0.5),
    ),
    (
        "DiceTwoClassLoss",
        {"smooth": 0.5},
        (dice(SHARED, WHOLE + SIZE, 0.5) + dice(N - WHOLE - SIZE + SHARED, 2 * N - WHOLE - SIZE, 0.5)) / 2,
    ),
    (
        "DiceTwoClassLoss",
        {"smooth": 0.5, "form": "paper"},
        1 - (SHARED + 0.5) / (WHOLE + SIZE + 0.5) - (N - WHOLE - SIZE + SHARED + 0.5) / (2 * N - WHOLE - SIZE + 0.5),
    ),
    (
        "AsymmetricSimilarityLoss",
        {"beta": 1.3, "smooth": 0.5},
        1 - (2.69 * SHARED + 0.5) / (2.69 * SHARED + 1.69 * FN + FP + 0.5),
    ),
    (
        "FocalTverskyLoss",
        {"alpha": 0.2, "beta": 0.9, "exponent": 0.6, "smooth": 0.5},
        (1 - (SHARED + 0.5) / (SHARED + 0.2 * FP + 0.9 * FN + 0.5)) ** 0.6,
    ),
    (
        "LogCoshDiceLoss",
        {"smooth": 0.5, "denominator": "squared"},
        math.log(math.cosh(dice(SHARED, SQUARES, 0.5))),
    ),
    ("DiceLoss", {"smooth": 0.5, "log": True}, -math.log(1 - dice(SHARED, WHOLE + SIZE, 0.5))),
    (
        "DiceLoss",
        {"smooth": 0.5, "legacy": "factor_inside"},
        1 - (2 * SHARED + 1.0) / (WHOLE + SIZE + 0.5),
    ),
    ("IoULoss", {"smooth": 0.5, "log": True}, -math.log((SHARED + 0.5) / (WHOLE + SIZE - SHARED + 0.5))),
    *(
        (name, {"variant": variant, "smooth": 0.5}, 1 - (n * SHARED + 0.5) / (n * SHARED + FP + FN + 0.5))
        for variant in (1, 2)
        for name, n in (("JaccardMetricLoss", 1), ("DiceSemimetricLoss", 2))
    ),
    ("MCCLoss", {}, 1 - np.corrcoef(P.ravel(), Y.ravel())[0, 1] * P.std() / math.sqrt(P.mean() * (1 - P.mean()))),
    ("BlobLoss", {"alpha": 0.7, "beta": 1.6, "smooth": 0.2}, blob()),
    *(
        ("BoundaryLoss", {"convention": how, "units": units}, ((far + less * (Y > 0)) * P).mean())
        for units, far, step in (
            ("mm", OUTSIDE - INSIDE, 0.5),
            ("voxel", depth(Y == 0, (1.0, 1.0)) - depth(Y > 0, (1.0, 1.0)), 1.0),
        )
        for how, less in (("kervadec", step), ("symmetric", 0.0))
    ),
    (
        "HausdorffDTLoss",
        {"alpha": 1.5},
        ((P - Y) ** 2 * ((INSIDE + OUTSIDE) ** 1.5 + OF_PRED**1.5)).mean(),
    ),
    ("HausdorffDTLoss", {"alpha": 1.5, "one_sided": True}, ((P - Y) ** 2 * (INSIDE + OUTSIDE) ** 1.5).mean()),
    (
        "LogHausdorffDTLoss",
        {"alpha": 0.7, "one_sided": True},
        math.log1p(((P - Y) ** 2 * (INSIDE + OUTSIDE) ** 0.7).mean()),
    ),
    ("DistancePenalizedCELoss", {}, ((1 + nearness(INSIDE) + nearness(OUTSIDE)) * BCE).mean()),
    (
        "BoundaryDoULoss",
        {"alpha_max": 0.3, "smooth": 0.2},
        (SQUARES - 2 * SHARED) / (SQUARES - (1 + ALPHA) * SHARED + 0.2),
    ),
]


@pytest.mark.parametrize(("name", "knobs", "expected"), ACROSS, ids=str)
def test_a_loss_of_channels_is_its_formula(name: str, knobs: dict[str, Any], expected: float) -> None:
    loss = MODULES[name](**({} if "mode" in knobs else {"activation": "softmax"}), **knobs)
    found = loss(torch.tensor(LOGITS)[None], torch.tensor(IDS)[None])
    assert float(found) == pytest.approx(expected, rel=1e-9)
    channels = (None, *(LabelClass(name=str(one), ids=(one,)) for one in (1, 2)))
    maps = ProbMaps.of_array(SHARES, truth=IDS, channels=channels, partition=3, logits=tuple(LOGITS))
    of = loss.measure.at(**{name: knob for name, knob in loss.knobs.items() if name in loss.measure.knobs})
    assert float(ProbEvidence.of_maps(maps, classes=(1, 2)).values(of, "case")) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("name", "knobs", "expected"), ALONE, ids=str)
def test_a_loss_of_one_class_is_its_formula(name: str, knobs: dict[str, Any], expected: float) -> None:
    more: dict[str, Any] = {"spacing": STEPS} if "units" in MODULES[name].measure.knobs else {}
    loss = MODULES[name](activation="none", reduce_over="case", **more, **knobs)
    found = loss(torch.tensor(P)[None, None], torch.tensor(Y > 0)[None, None])
    assert float(found) == pytest.approx(expected, rel=1e-9)
    channels = (LabelClass(name="one", ids=(1,)),)
    evidence = ProbEvidence.of_maps(
        ProbMaps.of_array(P[None], truth=Y.astype(np.uint8), channels=channels, partition=1), classes=(0,)
    )
    evidence.lattice = Lattice(STEPS)
    assert evidence.values(loss.measure.at(**knobs), "class") == pytest.approx([expected], rel=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_the_middle_lines_have_their_share(alpha: float) -> None:
    pred, truth = torch.tensor(P)[None, None], torch.tensor(Y > 0)[None, None]
    parts = [
        float(MODULES[name](activation="none", smooth=0.4, **more)(pred, truth))
        for name, more in (("DiceLoss", {}), ("SoftClDiceLoss", {"iterations": 2}))
    ]
    found = MODULES["DiceClDiceLoss"](activation="none", alpha=alpha, iterations=2, smooth=0.4)(pred, truth)
    assert float(found) == pytest.approx((1 - alpha) * parts[0] + alpha * parts[1], rel=1e-12)
