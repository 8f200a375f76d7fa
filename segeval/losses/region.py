"""Region losses: one ratio of sums per class, or one over all channels.

Sources, variants, pitfalls and errata of each: docs/losses.md. `smooth` is added to numerator and denominator
of the score in the form the formula shows; 0/0 is decided by `empty`.
"""

import math
from typing import Any, Literal

from segeval.errors import ConfigError
from segeval.evidence.arrays import namespace, neg_log, numbers_like, power, quotient
from segeval.evidence.probabilities.soft import ChannelCounts, ChannelVolumes, SoftCounts
from segeval.evidence.shapes import Values
from segeval.losses.weights import channel_numbers, class_weights
from segeval.measure import Idle, loss

Empty = Literal["zero", "skip", "nan"]

NEVER_EMPTY = (Idle(("empty",), "smooth", bool, "0"),)  # any smooth above 0 leaves no 0/0
_POSITIVE = {"smooth": (0.0, math.inf)}
_PRICES = {**_POSITIVE, "alpha": (0.0, math.inf), "beta": (0.0, math.inf)}


@loss(
    symbol="DL",
    formula="1 - (2I + s)/(S + s)",
    bounds=(0.0, 1.0),
    reference="Milletari 2016, arXiv:1606.04797; linear form: Sudre 2017, arXiv:1707.03237",
    limits=_POSITIVE,
    idle=NEVER_EMPTY,
)
def dice_loss(
    counts: SoftCounts,
    *,
    smooth: float = 1e-6,
    denominator: Literal["linear", "squared"] = "linear",
    log: bool = False,
    legacy: Literal["factor_inside"] | None = None,
    empty: Empty = "zero",
) -> Values:
    """One minus the soft Dice coefficient.

    Args:
        smooth: s; keeps a class that neither side has at 0. Not cosmetic for an absent class with false alarms.
        denominator: S sums p and y (linear) or their squares (squared).
        log: minus the logarithm of the coefficient instead.
        legacy: factor_inside is 2(I + s)/(S + s), a published mistake: below 0 for a perfect mask.
        empty: value of 0/0, which only smooth=0 leaves: 0 (zero) or undefined (skip leaves the class out of a mean,
            nan shows it).
    """
    volumes = counts.pred_squared + counts.truth_squared if denominator == "squared" else counts.pred + counts.truth
    overlap = 2 * counts.tp + (2 * smooth if legacy == "factor_inside" else smooth)
    return _from_score(overlap, volumes + smooth, empty=empty, log=log)


@loss(
    symbol="DL2",
    formula="1 - ((2I + s)/(S + s) + (2I' + s)/(S' + s))/2",
    bounds=(0.0, 1.0),
    aliases=("dice_two_class",),
    reference="Sudre 2017, arXiv:1707.03237",
    limits=_POSITIVE,
)
def dice_two_class_loss(
    counts: SoftCounts, *, smooth: float = 1e-6, form: Literal["bounded", "paper"] = "bounded"
) -> Values:
    """Mean of the Dice losses of the class and of everything else.

    Args:
        smooth: s in both halves.
        form: paper adds s to halves of Dice, 1 - (I + s)/(S + s) - (I' + s)/(S' + s), and falls below 0.
    """
    front, back = counts.pred + counts.truth, 2 * counts.n - counts.pred - counts.truth
    factor = 2 if form == "bounded" else 1
    score_front = quotient(factor * counts.tp + smooth, front + smooth, empty=factor / 2)
    score_back = quotient(factor * counts.tn + smooth, back + smooth, empty=factor / 2)
    return 1 - (score_front + score_back) / factor


@loss(
    symbol="SS",
    formula="λ Σ(y-p)²y/(Σy + ε) + (1-λ) Σ(y-p)²(1-y)/(Σ(1-y) + ε)",
    bounds=(0.0, 1.0),
    aliases=("sensitivity_specificity",),
    reference="Brosch 2015, doi:10.1007/978-3-319-24574-4_1; quoted by arXiv:1707.03237",
    limits={"lambda_": (0.0, 1.0), "eps": (0.0, math.inf)},
)
def sensitivity_specificity_loss(counts: SoftCounts, *, lambda_: float = 0.05, eps: float = 1e-5) -> Values:
    """Squared error on the class and on the rest, each divided by its own volume.

    Args:
        lambda_: weight of the error on the class (the sensitivity part); the rest gets 1 - lambda_.
        eps: added to both volumes; an empty side adds 0.
    """
    sensitivity_error = quotient(counts.error_on_truth, counts.truth + eps, empty=0.0)
    specificity_error = quotient(counts.error_on_rest, counts.rest + eps, empty=0.0)
    return lambda_ * sensitivity_error + (1 - lambda_) * specificity_error


@loss(
    symbol="GDL",
    formula="1 - (2 Σ_c w_c I_c + s)/(Σ_c w_c S_c + s)",
    bounds=(0.0, 1.0),
    aliases=("generalized_dice",),
    levels=("class", "case"),
    reference="Sudre 2017, arXiv:1707.03237; weights: Crum 2006, doi:10.1109/TMI.2006.880587",
    limits=_POSITIVE,
    idle=(Idle(("absent",), "weight", lambda weight: isinstance(weight, tuple), "square or simple"),),
)
def generalized_dice_loss(
    counts: ChannelCounts,
    volumes: ChannelVolumes,
    *,
    weight: Literal["square", "simple", "uniform"] | tuple[float, ...] = "square",
    absent: Literal["max", "zero", "eps"] = "max",
    smooth: float = 1e-6,
    floor: Literal[0, 1] = 0,
) -> Values:
    """One Dice ratio over all channels, small classes weighted up.

    Args:
        weight: w_c from the truth: 1/V² (square), 1/V (simple), 1 (uniform), or one number per channel.
        absent: weight of a class without voxels: the largest of the others (max), 0 (zero), or every weight
            taken as 1/(V² + 1e-6) (eps).
        smooth: s, after the weights were divided by their largest, so that it does not depend on the image size.
        floor: least value of a channel's S_c; 1 with smooth 0 is the form of NiftyNet.
    """
    weights = _generalized_weights(volumes.truth, weight, absent)
    xp = namespace(weights)
    overlap = (weights * counts.tp).sum(-1)
    volume = (weights * xp.clip(counts.pred + counts.truth, floor, None)).sum(-1)
    return 1 - quotient(2 * overlap + smooth, volume + smooth, empty=1.0)


def _check_distances(dist: tuple[float, ...] | None) -> None:
    """That the numbers are a table of distances between channels.

    Raises:
        ConfigError: they are not square, the diagonal is not 0, or nothing else is above 0.
    """
    if dist is None:
        return
    n_channels = math.isqrt(len(dist))
    if n_channels**2 != len(dist) or n_channels < 2 or any(dist[:: n_channels + 1]) or not 0 < max(dist) < math.inf:
        raise ConfigError(
            "dist is a table of distances between all channels, background first, row by row, 0 on its diagonal: "
            "for two classes and background 0;1;1;1;0;0.5;1;0.5;0."
        )


@loss(
    symbol="GWDL",
    formula="1 - (2G + s)/(2G + E + s), E = Σ_i W_i, G = Σ_i M_l(i),0 (1 - W_i), W_i = Σ_c M_l(i),c p_ic",
    bounds=(0.0, 1.0),
    aliases=("generalized_wasserstein_dice", "gwdl"),
    levels=("class", "case"),
    reference="Fidon 2017, arXiv:1707.00478; weighting GDL: arXiv:2007.15546",
    limits={**_POSITIVE, "dist": (0.0, math.inf)},
    checks={"dist": _check_distances},
)
def generalized_wasserstein_dice_loss(
    counts: ChannelCounts,
    *,
    dist: tuple[float, ...] | None = None,
    weighting: Literal["default", "GDL"] = "default",
    smooth: float = 0.0,
) -> Values:
    """Dice loss over all channels in which a mistake costs the distance between the two classes.

    Args:
        dist: M, the distance from each channel to each, background first, row by row, 0 on the diagonal; it is scaled
            to a largest of 1. By default any two channels are 1 apart. A class against the rest has no value with
            the distances of several.
        weighting: how much a voxel of a class counts: its distance to background (default), or on both sides of the
            ratio 1/(V + 1) with V voxels of the class (GDL).
        smooth: s; above 0 in training, since without it any probability beside an empty truth costs 1.
    """
    cost, to_background = _costs_by_class(counts, dist)
    right = counts.truth - cost
    if weighting == "GDL":
        weights = 1 / (counts.truth + 1)
        good, bad = (weights * right).sum(-1), (weights * cost).sum(-1)
    else:
        good, bad = (to_background * right).sum(-1), cost.sum(-1)
    return 1 - quotient(2 * good + smooth, 2 * good + bad + smooth, empty=1.0)


def _costs_by_class(counts: ChannelCounts, dist: tuple[float, ...] | None) -> tuple[Any, Any]:
    """What the voxels of each class cost together, and how far each class is from background."""
    n_channels = counts.truth.shape[-1]
    if dist is None:
        return counts.fn.clip(0.0, None), numbers_like([0.0] + [1.0] * (n_channels - 1), counts.truth)
    if len(dist) != n_channels**2 and n_channels == 2:
        nothing = math.nan * counts.truth
        return nothing, nothing
    if len(dist) != n_channels**2:
        raise ConfigError(
            f"dist holds {len(dist)} numbers, and {n_channels} channels with the background need {n_channels**2}. "
            "Where cases hold different classes, name all of them with --labels."
        )
    table = numbers_like([number / max(dist) for number in dist], counts.truth).reshape(n_channels, n_channels)
    return (table * counts.confusion).sum(-1), table[:, 0]


@loss(
    symbol="JL",
    formula="1 - (I + s)/(S - I + s)",
    bounds=(0.0, 1.0),
    aliases=("jaccard_loss",),
    reference="Rahman & Wang 2016, doi:10.1007/978-3-319-50835-1_22",
    limits=_POSITIVE,
    idle=NEVER_EMPTY,
)
def iou_loss(counts: SoftCounts, *, smooth: float = 1e-6, log: bool = False, empty: Empty = "zero") -> Values:
    """One minus the soft intersection over union.

    Args:
        smooth: s.
        log: minus the logarithm of the coefficient instead.
        empty: value of 0/0, see `dice_loss`.
    """
    union = counts.pred + counts.truth - counts.tp
    return _from_score(counts.tp + smooth, union + smooth, empty=empty, log=log)


@loss(
    symbol="TL",
    formula="1 - (TP + s)/(TP + αFP + βFN + s)",
    bounds=(0.0, 1.0),
    aliases=("tversky",),
    reference="Salehi 2017, arXiv:1706.05721",
    limits=_PRICES,
    idle=NEVER_EMPTY,
)
def tversky_loss(
    counts: SoftCounts, *, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1e-6, empty: Empty = "zero"
) -> Values:
    """One minus the soft Tversky index, with a price for false alarms (alpha) and one for misses (beta).

    Args:
        alpha: price of false positives.
        beta: price of false negatives; above alpha the loss favours sensitivity.
        smooth: s; the paper has none.
        empty: value of 0/0, see `dice_loss`.
    """
    return _from_score(*_tversky_ratio(counts, alpha, beta, smooth), empty=empty)


@loss(
    symbol="FTL",
    formula="(1 - TI)^e",
    bounds=(0.0, 1.0),
    aliases=("focal_tversky",),
    reference="Abraham & Khan 2018, arXiv:1810.07842",
    limits={**_PRICES, "exponent": (0.0, math.inf)},
    idle=NEVER_EMPTY,
)
def focal_tversky_loss(
    counts: SoftCounts,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    exponent: float = 0.75,
    smooth: float = 1e-6,
    empty: Empty = "zero",
) -> Values:
    """A power of the Tversky loss.

    Args:
        alpha: price of false positives.
        beta: price of false negatives.
        exponent: e; the paper's 1/γ with γ = 4/3. Below 1 it strengthens the gradient near a good result.
        smooth: s.
        empty: value of 0/0, see `dice_loss`.
    """
    return power(_from_score(*_tversky_ratio(counts, alpha, beta, smooth), empty=empty), exponent)


@loss(
    symbol="LCDL",
    formula="ln cosh(1 - (2I + s)/(S + s))",
    bounds=(0.0, math.log(math.cosh(1.0))),
    aliases=("log_cosh_dice",),
    reference="Jadon 2020, arXiv:2006.14822",
    limits=_POSITIVE,
    idle=NEVER_EMPTY,
)
def log_cosh_dice_loss(
    counts: SoftCounts,
    *,
    smooth: float = 1e-6,
    denominator: Literal["linear", "squared"] = "linear",
    empty: Empty = "zero",
) -> Values:
    """Logarithm of the hyperbolic cosine of the Dice loss: about half its square.

    Args:
        smooth: s.
        denominator: as in `dice_loss`.
        empty: value of 0/0, see `dice_loss`.
    """
    dice = dice_loss(counts, smooth=smooth, denominator=denominator, empty=empty)
    xp = namespace(dice)
    return xp.log(xp.cosh(dice))


@loss(
    symbol="MCCL",
    formula="1 - (t - qs)/√(q(1-q)s(1-s)), t = TP/N, s = Σp/N, q = Σy/N",
    bounds=(0.0, 2.0),
    aliases=("mcc_loss_soft",),
    reference="Abhishek & Hamarneh 2021, arXiv:2010.13454",
)
def mcc_loss(counts: SoftCounts) -> Values:
    """One minus Matthews' correlation of prediction and truth.

    0 for a perfect mask, also an empty or a full one; 1 where either side is constant and the other is not.
    """
    xp = namespace(counts.tp)
    n = xp.clip(counts.n, 1.0, None)
    t, s, q = counts.tp / n, counts.pred / n, counts.truth / n
    spread = q * (1 - q) * s * (1 - s)
    flat = spread <= 0
    least = 1e-6 * q * (1 - q)  # below it the slope would grow without bound
    root = xp.sqrt(xp.where(flat, 1.0, xp.where(spread < least, least, spread)))
    is_right = (counts.fp + counts.fn) <= 0
    return xp.where(flat, xp.where(is_right, 0.0, 1.0), 1 - (t - q * s) / root)


@loss(
    symbol="ASL",
    formula="1 - (1+β²) TP/((1+β²) TP + β² FN + FP)",
    bounds=(0.0, 1.0),
    aliases=("asymmetric_similarity", "fbeta_loss"),
    reference="Hashemi 2018, arXiv:1803.11078",
    limits={**_POSITIVE, "beta": (0.0, math.inf)},
)
def asymmetric_similarity_loss(counts: SoftCounts, *, beta: float = 1.5, smooth: float = 1e-6) -> Values:
    """One minus the soft F-beta score: the Tversky loss with prices 1/(1+β²) and β²/(1+β²).

    Args:
        beta: how much more a miss costs than a false alarm, as a square root.
        smooth: added to numerator and denominator of the fraction in the formula.
    """
    both = 1 + beta**2
    return tversky_loss(counts, alpha=1 / both, beta=beta**2 / both, smooth=smooth / both)


@loss(
    symbol="JML",
    formula="1 - (c - δ)/(c + δ) or 1 - I/(I + δ), δ = Σ|p-y|, c = Σp + Σy",
    bounds=(0.0, 1.0),
    aliases=("jaccard_metric", "jml"),
    reference="Wang 2023, arXiv:2302.05666",
    limits=_POSITIVE,
)
def jaccard_metric_loss(counts: SoftCounts, *, variant: Literal[1, 2] = 1, smooth: float = 1e-6) -> Values:
    """The Jaccard loss in a form that is 0 at p = y for a fractional truth too.

    Args:
        variant: which of the two forms; they differ for a fractional truth only.
        smooth: added to numerator and denominator of the overlap over the union.
    """
    shared, apart = _overlap_and_error(counts, variant)
    return 1 - quotient(shared + smooth, shared + apart + smooth, empty=1.0)


@loss(
    symbol="DML",
    formula="1 - (c - δ)/c or 1 - 2I/(2I + δ), δ = Σ|p-y|, c = Σp + Σy",
    bounds=(0.0, 1.0),
    aliases=("dice_semimetric", "dml"),
    reference="Wang 2023, arXiv:2303.16296",
    limits=_POSITIVE,
)
def dice_semimetric_loss(counts: SoftCounts, *, variant: Literal[1, 2] = 1, smooth: float = 1e-6) -> Values:
    """The Dice loss in a form that is 0 at p = y for a fractional truth too.

    Args:
        variant: which of the two forms; they differ for a fractional truth only.
        smooth: added to numerator and denominator of 2TP/(2TP + FP + FN).
    """
    shared, apart = _overlap_and_error(counts, variant)
    return 1 - quotient(2 * shared + smooth, 2 * shared + apart + smooth, empty=1.0)


def _overlap_and_error(counts: SoftCounts, variant: int) -> tuple[Any, Any]:
    """The overlap as minimum or product, and the absolute error."""
    apart = counts.pred + counts.truth - 2 * counts.shared
    return counts.shared if variant == 1 else counts.tp, apart


def _tversky_ratio(counts: SoftCounts, alpha: float, beta: float, smooth: float) -> tuple[Any, Any]:
    overlap = counts.tp + smooth
    return overlap, overlap + alpha * counts.fp + beta * counts.fn


def _from_score(numerator: Any, denominator: Any, *, empty: Empty, log: bool = False) -> Any:
    """1 - score, or -ln score, and the chosen value where the score is 0/0."""
    xp = namespace(denominator)
    score = quotient(numerator, denominator, empty=1.0)
    value = neg_log(score, 1 - score) if log else 1 - score
    return xp.where(denominator == 0, 0.0 if empty == "zero" else math.nan, value)


def _generalized_weights(volumes: Any, weight: str | tuple[float, ...], absent: str) -> Any:
    xp = namespace(volumes)
    if isinstance(weight, tuple):
        return xp.zeros_like(volumes) + channel_numbers(weight, volumes, name="weight")
    order = {"square": 2, "simple": 1, "uniform": 0}[weight]
    if absent == "eps":
        return _over_largest(1 / (volumes**order + 1e-6))
    weights = _over_largest(class_weights(volumes, weight))  # type: ignore[arg-type]
    return xp.where(volumes > 0, weights, 1.0 if absent == "max" else 0.0)


def _over_largest(weights: Any) -> Any:
    return quotient(weights, namespace(weights).amax(weights, axis=-1)[..., None], empty=1.0)
