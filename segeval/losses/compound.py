"""Compound losses: a region part and a voxel part in one number.

Sources, variants, pitfalls and errata of each: docs/losses.md.
"""

import math
from typing import Any, Literal

from segeval.evidence.arrays import neg_log, numbers_like, power, quotient
from segeval.evidence.probabilities.soft import (
    ChannelCounts,
    ChannelTerms,
    ChannelVolumes,
    PixelTerms,
    RankedCosts,
    SoftCounts,
)
from segeval.evidence.shapes import Factors, Values
from segeval.losses.pixel import Reduction, bce_loss, cross_entropy_loss, focal_cost, reduced, topk_ce_loss
from segeval.losses.region import dice_loss, tversky_loss
from segeval.losses.weights import channel_numbers, class_weights
from segeval.measure import loss

_ANY = (0.0, math.inf)


@loss(
    symbol="BCE+DL",
    formula="a BCE + b DL",
    bounds=_ANY,
    aliases=("bce_dice",),
    reference="common practice; Isensee 2021, doi:10.1038/s41592-020-01008-z (nnU-Net)",
    limits={"w_bce": _ANY, "w_dice": _ANY, "smooth": _ANY},
)
def bce_dice_loss(
    counts: SoftCounts,
    terms: PixelTerms,
    *,
    w_bce: float = 1.0,
    w_dice: float = 1.0,
    smooth: float = 1e-6,
    denominator: Literal["linear", "squared"] = "linear",
    reduction: Reduction = "mean",
) -> Values:
    """Binary cross-entropy plus Dice loss.

    Args:
        w_bce: a.
        w_dice: b.
        smooth: as in `dice_loss`.
        denominator: as in `dice_loss`.
        reduction: of the cross-entropy, as in `bce_loss`; num_pos keeps it from fading on unbalanced images.
    """
    dice = dice_loss(counts, smooth=smooth, denominator=denominator)
    return w_bce * bce_loss(terms, reduction=reduction) + w_dice * dice


@loss(
    symbol="DiceCE",
    formula="a mean_c (1 - (2I_c + s)/(S_c + s)) - b (1/N) Σ_i ln p_{i,l(i)}",
    bounds=_ANY,
    aliases=("dice_ce",),
    levels=("class", "case"),
    reference="Isensee 2021, doi:10.1038/s41592-020-01008-z (nnU-Net)",
    limits={"w_dice": _ANY, "w_ce": _ANY, "smooth": _ANY, "label_smoothing": (0.0, 1.0)},
)
def dice_ce_loss(
    counts: ChannelCounts,
    terms: ChannelTerms,
    *,
    w_dice: float = 1.0,
    w_ce: float = 1.0,
    smooth: float = 1e-5,
    classes: Literal["foreground", "all"] = "foreground",
    label_smoothing: float = 0.0,
) -> Values:
    """Mean Dice loss of the foreground plus cross-entropy over all channels: what nnU-Net trains with.

    Args:
        w_dice: a.
        w_ce: b.
        smooth: s.
        classes: the channels whose Dice is averaged.
        label_smoothing: of the cross-entropy, as in `cross_entropy_loss`.
    """
    cross = cross_entropy_loss(terms, label_smoothing=label_smoothing)
    return w_dice * mean_dice(counts, smooth=smooth, classes=classes) + w_ce * cross


def mean_dice(counts: ChannelCounts, *, smooth: float, classes: str) -> Any:
    """Mean of the Dice losses of the channels."""
    return channel_mean(dice_loss(counts, smooth=smooth), classes)


def channel_mean(values: Any, classes: str) -> Any:
    """Mean over all channels or the foreground; 0 where there is nothing but background."""
    chosen = values[..., 1:] if classes == "foreground" else values
    return chosen.sum(-1) / max(chosen.shape[-1], 1)


@loss(
    symbol="Combo",
    formula="α WBCE - (1-α) DSC",
    bounds=(-0.5, math.inf),  # of the default alpha; the perfect value is α - 1
    aliases=("combo",),
    reference="Taghanaki 2018, arXiv:1805.02798",
    limits={"alpha": (0.0, 1.0), "weight": _ANY, "smooth": _ANY},
)
def combo_loss(
    counts: SoftCounts, terms: PixelTerms, *, alpha: float = 0.5, weight: float = 1.0, smooth: float = 1e-6
) -> Values:
    """Weighted binary cross-entropy minus the Dice coefficient: negative by design.

    Args:
        alpha: share of the cross-entropy.
        weight: of the class in the cross-entropy, as in `weighted_bce_loss`.
        smooth: of the Dice coefficient.
    """
    cross = reduced(terms.total(front=weight), terms, "mean")
    return alpha * cross - (1 - alpha) * (1 - dice_loss(counts, smooth=smooth))


@loss(
    symbol="DFL",
    formula="Σ_c (1 - TP_c/(TP_c + αFP_c + βFN_c)) - λ (1/N) Σ_i (1-p_l)^γ ln p_l",
    bounds=_ANY,
    aliases=("dice_focal",),
    levels=("class", "case"),
    reference="Zhu 2018, arXiv:1808.05238 (AnatomyNet)",
    limits={"lambda_": _ANY, "alpha": _ANY, "beta": _ANY, "gamma": _ANY},
)
def dice_focal_loss(
    counts: ChannelCounts,
    terms: ChannelTerms,
    *,
    lambda_: float = 0.5,
    alpha: float = 0.5,
    beta: float = 0.5,
    gamma: float = 2.0,
    class_reduction: Literal["sum", "mean"] = "sum",
    class_weight: tuple[float, ...] | Factors | None = None,
) -> Values:
    """Tversky losses summed over the channels plus the focal loss of the true class.

    Args:
        lambda_: weight of the focal part; the paper's value could not be verified.
        alpha: price of false positives (the paper's β).
        beta: price of false negatives (the paper's α).
        gamma: focus of the focal part; 2 in the paper.
        class_reduction: mean divides the Tversky part by the number of channels, with which it grows otherwise.
        class_weight: one factor per channel on both parts; 0 for a structure that is not annotated.
    """
    index = quotient(counts.tp, counts.tp + alpha * counts.fp + beta * counts.fn, empty=1.0)
    weights: Any = class_weight
    if isinstance(class_weight, tuple):
        weights = channel_numbers(class_weight, index, name="class_weight")
    region = (1 - index if weights is None else weights * (1 - index)).sum(-1)
    focal = terms.true_class_total(focal_cost(gamma), weights=weights)
    if class_reduction == "mean":
        region = region / index.shape[-1]
    return region + lambda_ * reduced(focal, terms, "mean", voxels=terms.n[..., 0])


@loss(
    symbol="ELL",
    formula="a mean_c (-ln D_c)^γ_d + b (1/N) Σ_i w_l (-ln p_l)^γ_c, D_c = (2I_c + ε)/(S_c + ε)",
    bounds=_ANY,
    aliases=("exp_log",),
    levels=("class", "case"),
    reference="Wong 2018, arXiv:1809.00076",
    limits={"w_dice": _ANY, "w_cross": _ANY, "gamma_dice": _ANY, "gamma_cross": _ANY, "eps": _ANY},
)
def exp_log_loss(
    counts: ChannelCounts,
    terms: ChannelTerms,
    volumes: ChannelVolumes,
    *,
    w_dice: float = 0.8,
    w_cross: float = 0.2,
    gamma_dice: float = 0.3,
    gamma_cross: float = 0.3,
    eps: float = 1.0,
    classes: Literal["all", "foreground"] = "all",
) -> Values:
    """Powers of -ln Dice per class and of -ln p per voxel, rare classes weighted by (N/N_c)^0.5.

    Args:
        w_dice: a.
        w_cross: b.
        gamma_dice: exponent on -ln Dice; below 1 it helps both badly and well segmented classes.
        gamma_cross: exponent on -ln p.
        eps: in numerator and denominator of Dice.
        classes: the channels whose Dice is averaged.
    """
    dice = quotient(2 * counts.tp + eps, counts.pred + counts.truth + eps, empty=1.0)
    of_classes = channel_mean(power(neg_log(dice, 1 - dice), gamma_dice), classes)
    weights = class_weights(volumes.truth, "sqrt_inverse")
    of_voxels = terms.true_class_total(lambda voxels: power(voxels.nll, gamma_cross), weights=weights)
    return w_dice * of_classes + w_cross * reduced(of_voxels, terms, "mean", voxels=terms.n[..., 0])


@loss(
    symbol="DiceTopK",
    formula="a mean_c (1 - (2I_c + s)/(S_c + s)) + b TopK",
    bounds=_ANY,
    aliases=("dice_topk",),
    levels=("class", "case"),
    reference="Isensee 2021, doi:10.1038/s41592-020-01008-z (nnU-Net)",
    limits={"w_dice": _ANY, "w_topk": _ANY, "smooth": _ANY, "k": (0.0, 100.0)},
)
def dice_topk_loss(
    counts: ChannelCounts,
    terms: RankedCosts,
    *,
    w_dice: float = 1.0,
    w_topk: float = 1.0,
    k: float = 10.0,
    rounding: Literal["floor", "ceil"] = "floor",
    smooth: float = 1e-5,
    classes: Literal["foreground", "all"] = "foreground",
    exact: bool = False,
) -> Values:
    """Mean Dice loss of the foreground plus cross-entropy of the hardest voxels.

    Args:
        w_dice: a.
        w_topk: b.
        k: as in `topk_ce_loss`.
        rounding: as in `topk_ce_loss`.
        smooth: s.
        classes: the channels whose Dice is averaged.
        exact: as in `topk_ce_loss`.
    """
    hardest = topk_ce_loss(terms, k=k, rounding=rounding, exact=exact)
    return w_dice * mean_dice(counts, smooth=smooth, classes=classes) + w_topk * hardest


_UNIFIED: dict[str, Any] = {
    "bounds": _ANY,
    "levels": ("class", "case"),
    "reference": "Yeung 2021, arXiv:2102.04525",
    "limits": {"weight": (0.0, 1.0), "delta": (0.0, 1.0), "gamma": (0.0, 1.0), "smooth": _ANY},
}


@loss(
    symbol="AUFL",
    formula="λ mean_c (1-T_c)^(1-γ·[c>0]) + (1-λ)(1/N) Σ_i δ_l (1-p_t)^(γ·[l=0]) (-ln p_t)",
    aliases=("asymmetric_unified_focal", "asym_unified_focal"),
    **_UNIFIED,
)
def asymmetric_unified_focal_loss(
    counts: ChannelCounts,
    terms: ChannelTerms,
    *,
    weight: float = 0.5,
    delta: float = 0.6,
    gamma: float = 0.5,
    smooth: float = 1e-7,
) -> Values:
    """Focal Tversky and focal cross-entropy with one focus, that lifts the foreground and dims the background.

    Args:
        weight: λ, share of the Tversky part.
        delta: price of misses, and weight of the foreground; 1 - delta is that of the background.
        gamma: focus.
        smooth: s of the Tversky index.
    """
    return _unified_focal(counts, terms, weight, delta, gamma, smooth, symmetric=False)


@loss(
    symbol="UFL",
    formula="λ mean_c (1-T_c)^(1-γ) + (1-λ)(1/N) Σ_i δ_l (1-p_t)^γ (-ln p_t)",
    aliases=("unified_focal", "sym_unified_focal"),
    **_UNIFIED,
)
def unified_focal_loss(
    counts: ChannelCounts,
    terms: ChannelTerms,
    *,
    weight: float = 0.5,
    delta: float = 0.6,
    gamma: float = 0.5,
    smooth: float = 1e-7,
) -> Values:
    """Focal Tversky and focal cross-entropy with one focus for all classes.

    Args:
        weight: λ, share of the Tversky part.
        delta: price of misses, and weight of the foreground; 1 - delta is that of the background.
        gamma: focus.
        smooth: s of the Tversky index.
    """
    return _unified_focal(counts, terms, weight, delta, gamma, smooth, symmetric=True)


def _unified_focal(
    counts: ChannelCounts,
    terms: ChannelTerms,
    weight: float,
    delta: float,
    gamma: float,
    smooth: float,
    *,
    symmetric: bool,
) -> Any:
    missed = tversky_loss(counts, alpha=1 - delta, beta=delta, smooth=smooth)
    lifted = power(missed, 1 - gamma)
    n_channels = missed.shape[-1]
    background = lifted[..., :1] if symmetric else missed[..., :1]
    region = (background.sum(-1) + lifted[..., 1:].sum(-1)) / n_channels
    of_channels = numbers_like([1 - delta] + [delta] * (n_channels - 1), missed)
    of_background = numbers_like([1.0] + [0.0] * (n_channels - 1), missed)
    if symmetric:
        total = terms.true_class_total(focal_cost(gamma), weights=of_channels)
    else:
        total = terms.true_class_total(focal_cost(gamma), weights=of_channels * of_background)
        total = total + terms.true_class_total(weights=of_channels * (1 - of_background))
    return weight * region + (1 - weight) * reduced(total, terms, "mean", voxels=terms.n[..., 0])
