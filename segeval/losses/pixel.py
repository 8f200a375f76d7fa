"""Distribution losses: a cost per voxel, summed over the class and over the rest.

Every cost is a function of p_t, the probability given to the true side: of -ln p_t (`nll`), -ln(1 - p_t) (`nlm`) and
1 - p_t (`miss`).
Sources, variants, pitfalls and errata of each: docs/losses.md.
"""

import math
from typing import Any, Literal

from segeval.evidence.arrays import constant, namespace, numbers_like, quotient
from segeval.evidence.probabilities.soft import ChannelTerms, ChannelVolumes, PixelTerms, RankedCosts, Volumes
from segeval.evidence.shapes import Values
from segeval.losses.weights import channel_numbers, class_weights
from segeval.measure import Idle, loss

Reduction = Literal["mean", "sum", "num_pos"]
WeightedReduction = Literal["mean", "sum", "num_pos", "weight_mean"]

_EPS = {"eps": (0.0, 0.5), "label_smoothing": (0.0, 1.0)}
_UNBOUNDED = (0.0, math.inf)
_ONLY_OF_PREDICTED = Idle(("weight_grad",), "weight", lambda weight: weight != "pred_ratio", "pred_ratio")


@loss(
    symbol="BCE",
    formula="-(1/N) Σ [y ln p + (1-y) ln(1-p)]",
    bounds=_UNBOUNDED,
    aliases=("bce", "log_loss"),
    reference="negative log-likelihood of independent Bernoulli voxels",
    limits=_EPS,
)
def bce_loss(
    terms: PixelTerms, *, reduction: Reduction = "mean", eps: float | None = None, label_smoothing: float = 0.0
) -> Values:
    """Binary cross-entropy of the class against the rest.

    Args:
        reduction: divide the sum by the voxels (mean), by the voxels of the class (num_pos), or not (sum).
        eps: clamp p to [eps, 1 - eps] instead of flooring ln p at -100.
        label_smoothing: share of the truth that is spread over the class and the rest alike.
    """
    half = label_smoothing / 2
    cost = (lambda voxels: (1 - half) * voxels.nll + half * voxels.nlm) if half else None
    return reduced(terms.total(cost, eps=eps), terms, reduction)


@loss(
    symbol="WBCE",
    formula="-(1/N) Σ [w₁ y ln p + w₀ (1-y) ln(1-p)]",
    bounds=_UNBOUNDED,
    aliases=("weighted_bce",),
    reference="Jadon 2020, arXiv:2006.14822 (number); Sudre 2017, arXiv:1707.03237 (pred_ratio)",
    limits={**_EPS, "weight": (0.0, math.inf)},
    idle=(_ONLY_OF_PREDICTED,),
    of_gradient=("weight_grad",),
)
def weighted_bce_loss(
    terms: PixelTerms,
    volumes: Volumes,
    *,
    weight: float | Literal["target_ratio", "pred_ratio", "n_minus_nc"] = "target_ratio",
    reduction: WeightedReduction = "mean",
    weight_grad: bool = False,
    eps: float | None = None,
) -> Values:
    """Binary cross-entropy with a weight on the class.

    Args:
        weight: (w₁, w₀): a number β gives (β, 1); with N voxels, N_f of them the class: target_ratio
            ((N - N_f)/N_f, 1), pred_ratio ((N - Σp)/Σp, 1), n_minus_nc ((N - N_f)/N, N_f/N).
        reduction: as in `bce_loss`; weight_mean divides by the sum of the weights, and takes all voxels alike where
            that is 0, as it is where the class fills the image.
        weight_grad: let the gradient of pred_ratio flow through the weight too.
        eps: as in `bce_loss`.
    """
    front, back = _binary_weights(volumes, weight, weight_grad=weight_grad)
    applied = None
    if reduction == "weight_mean":
        applied = front * terms.weights[0] + back * terms.weights[1]
        nothing = _where_nothing(applied)
        front, back = front + nothing * (1 - front), back + nothing * (1 - back)
        applied = applied + nothing * (terms.weights[0] + terms.weights[1])
    return reduced(terms.total(front=front, back=back, eps=eps), terms, reduction, applied=applied)


@loss(
    symbol="CE",
    formula="-(1/N) Σ_i ln p_{i,l(i)}",
    bounds=_UNBOUNDED,
    aliases=("cross_entropy",),
    levels=("class", "case"),
    reference="negative log-likelihood of independent categorical voxels",
    limits=_EPS,
)
def cross_entropy_loss(
    terms: ChannelTerms,
    *,
    reduction: Literal["mean", "sum"] = "mean",
    eps: float | None = None,
    label_smoothing: float = 0.0,
) -> Values:
    """Cross-entropy over all channels: minus the log-probability of the true class.

    Args:
        reduction: divide the sum by the voxels (mean) or not (sum).
        eps: as in `bce_loss`.
        label_smoothing: share of the truth that is spread over all channels alike.
    """
    total = smoothed_total(terms, label_smoothing=label_smoothing, eps=eps)
    return reduced(total, terms, reduction, voxels=terms.n[..., 0])


@loss(
    symbol="WCE",
    formula="-(1/Z) Σ_i w_{l(i)} ln p_{i,l(i)}",
    bounds=_UNBOUNDED,
    aliases=("weighted_cross_entropy",),
    levels=("class", "case"),
    reference="class-weighted likelihood; sqrt_inverse: Wong 2018, arXiv:1809.00076",
    limits=_EPS,
    idle=(_ONLY_OF_PREDICTED,),
    of_gradient=("weight_grad",),
)
def weighted_cross_entropy_loss(
    terms: ChannelTerms,
    volumes: ChannelVolumes,
    *,
    weight: Literal["inverse_frequency", "median_frequency", "sqrt_inverse", "n_minus_nc", "pred_ratio", "uniform"]
    | tuple[float, ...] = "inverse_frequency",
    reduction: Literal["mean", "sum", "weight_mean"] = "mean",
    weight_grad: bool = False,
    eps: float | None = None,
    label_smoothing: float = 0.0,
) -> Values:
    """Cross-entropy over all channels with a weight per class.

    Args:
        weight: a scheme of `class_weights`, pred_ratio ((N - Σp_c)/Σp_c), or one number per channel.
        reduction: Z is the voxels (mean), 1 (sum), or the sum of the voxels' weights as in torch (weight_mean);
            where that is 0, all voxels weigh alike.
        weight_grad: let the gradient of pred_ratio flow through the weights too.
        eps: as in `bce_loss`.
        label_smoothing: as in `cross_entropy_loss`; a share weighs what its channel weighs, as in torch.
    """
    weights = _channel_weights(volumes, weight, weight_grad=weight_grad)
    applied = None
    if reduction == "weight_mean":
        applied = (weights * terms.weights[0]).sum(-1)
        nothing = _where_nothing(applied)
        weights = weights + nothing[..., None] * (1 - weights)
        applied = applied + nothing * terms.weights[0].sum(-1)
    total = smoothed_total(terms, weights=weights, label_smoothing=label_smoothing, eps=eps)
    return reduced(total, terms, reduction, voxels=terms.n[..., 0], applied=applied)


@loss(
    symbol="FL",
    formula="-(1/N) Σ_i α_l(i) (1-p_{i,l(i)})^γ ln p_{i,l(i)}",
    bounds=_UNBOUNDED,
    aliases=("focal",),
    levels=("class", "case"),
    reference="Lin 2017, arXiv:1708.02002",
    limits={**_EPS, "gamma": (0.0, math.inf), "alpha": (0.0, 1.0)},
    idle=(Idle(("alpha",), "class_alpha", lambda weights: weights is not None, "none"),),
    of_gradient=("detach_modulator",),
)
def focal_loss(
    terms: ChannelTerms,
    *,
    gamma: float = 2.0,
    alpha: float | None = 0.25,
    class_alpha: tuple[float, ...] | None = None,
    reduction: Reduction = "mean",
    detach_modulator: bool = False,
    eps: float | None = None,
) -> Values:
    """Cross-entropy with easy voxels scaled down.

    Args:
        gamma: focus; 0 gives cross-entropy.
        alpha: weight of the class, or of every channel but the first; 1 - alpha that of the rest. None for 1 and 1.
        class_alpha: one weight per channel instead, the background first.
        reduction: as in `bce_loss`; the paper divides by the positives (num_pos).
        detach_modulator: cut (1-p_t)^γ from the gradient: same value, another gradient.
        eps: as in `bce_loss`.
    """
    weights: Any = None
    if class_alpha is not None:
        weights = channel_numbers(class_alpha, terms.n, name="class_alpha")
    elif alpha is not None:
        weights = numbers_like([1 - alpha] + [alpha] * (terms.n.shape[-1] - 1), terms.n)
    total = terms.true_class_total(focal_cost(gamma, detach_modulator=detach_modulator), weights=weights, eps=eps)
    positives = terms.truth[..., 1:].sum(-1) if reduction == "num_pos" else None
    return reduced(total, terms, reduction, voxels=terms.n[..., 0], positives=positives)


@loss(
    symbol="FL*",
    formula="-(1/N) Σ ln σ(γ s z + β)/γ",
    bounds=_UNBOUNDED,
    aliases=("focal_star",),
    reference="Lin 2017, arXiv:1708.02002, appendix A",
    limits={"gamma": (1e-6, math.inf)},
)
def focal_star_loss(
    terms: PixelTerms, *, gamma: float = 2.0, beta: float = 1.0, reduction: Reduction = "mean"
) -> Values:
    """Focal loss in its second form: cross-entropy of a steeper, shifted logit.

    Args:
        gamma: steepness, above 0.
        beta: shift of the logit.
        reduction: as in `bce_loss`.
    """

    def cost(voxels: Any) -> Any:
        shifted = gamma * (voxels.nlm - voxels.nll) + beta
        xp = namespace(shifted)
        return xp.logaddexp(xp.zeros_like(shifted), -shifted) / gamma

    return reduced(terms.total(cost), terms, reduction)


@loss(
    symbol="Poly1",
    formula="(1/N) Σ_i (-ln p_t + ε (1-p_t))",
    bounds=_UNBOUNDED,
    aliases=("poly1_ce",),
    levels=("class", "case"),
    reference="Leng 2022, arXiv:2204.12511",
    limits={"epsilon": (-1.0, math.inf)},
)
def poly1_ce_loss(terms: ChannelTerms, *, epsilon: float = 1.0) -> Values:
    """Cross-entropy with another price on the first term of its series in 1-p.

    Args:
        epsilon: ε; 0 is cross-entropy, and below -1 the gradient would turn round.
    """
    total = terms.true_class_total(lambda voxels: voxels.nll + epsilon * voxels.miss)
    return reduced(total, terms, "mean", voxels=terms.n[..., 0])


@loss(
    symbol="Poly1FL",
    formula="(1/N) Σ_i (-α_l (1-p_t)^γ ln p_t + ε (1-p_t)^(γ+1))",
    bounds=_UNBOUNDED,
    aliases=("poly1_focal",),
    levels=("class", "case"),
    reference="Leng 2022, arXiv:2204.12511",
    limits={"epsilon": (-1.0, math.inf), "gamma": (0.0, math.inf), "alpha": (0.0, 1.0)},
)
def poly1_focal_loss(
    terms: ChannelTerms, *, epsilon: float = 1.0, gamma: float = 2.0, alpha: float | None = 0.25
) -> Values:
    """Focal loss with another price on the first term of its series in 1-p.

    Args:
        epsilon: ε, which alpha does not weigh.
        gamma: focus, as in `focal_loss`.
        alpha: as in `focal_loss`.
    """
    added = terms.true_class_total(lambda voxels: voxels.miss ** (gamma + 1))
    focal = focal_loss(terms, gamma=gamma, alpha=alpha)
    return focal + epsilon * reduced(added, terms, "mean", voxels=terms.n[..., 0])


@loss(
    symbol="TopK",
    formula="mean of the k % largest -ln p_{i,l(i)}",
    bounds=_UNBOUNDED,
    aliases=("topk_ce",),
    levels=("class", "case"),
    reference="Wu 2016, arXiv:1605.06885",
    limits={"k": (0.0, 100.0)},
)
def topk_ce_loss(
    terms: RankedCosts, *, k: float = 10.0, rounding: Literal["floor", "ceil"] = "floor", exact: bool = False
) -> Values:
    """Cross-entropy of the hardest voxels alone.

    Args:
        k: how many of them, in percent of those that count; at least one voxel.
        rounding: of their number.
        exact: sort the voxels of a map however many they are, as in training.
    """
    return terms.ranked_for("exact" if exact else "hinge").largest_mean(k, rounding)


def smoothed_total(
    terms: ChannelTerms, *, weights: Any = None, label_smoothing: float = 0.0, eps: float | None = None
) -> Any:
    """Sum of -ln p over a truth of which a share is spread over all channels."""
    total = terms.true_class_total(weights=weights, eps=eps)
    if not label_smoothing:
        return total
    spread = terms.channel_totals()
    spread = spread if weights is None else weights * spread
    return (1 - label_smoothing) * total + label_smoothing * spread.mean(-1)


def focal_cost(gamma: float, *, detach_modulator: bool = False) -> Any:
    """(1-p_t)^γ (-ln p_t); for γ < 1 the power is exp(γ ln(1-p_t)), whose slope stays finite."""

    def cost(voxels: Any) -> Any:
        modulator = voxels.miss**gamma if gamma >= 1 else namespace(voxels.nlm).exp(-gamma * voxels.nlm)
        return (constant(modulator) if detach_modulator else modulator) * voxels.nll

    return cost


def reduced(
    total: Any, terms: PixelTerms, reduction: str, *, voxels: Any = None, applied: Any = None, positives: Any = None
) -> Any:
    """A sum of costs divided as `reduction` says.

    Args:
        total: the sum.
        terms: where voxels are counted.
        reduction: mean, sum, num_pos or weight_mean.
        voxels: N, where it is not that of `terms`.
        applied: sum of the weights, for weight_mean.
        positives: voxels of the class, for num_pos, where they are not those of `terms`.
    """
    match reduction:
        case "sum":
            return total
        case "num_pos":
            return total / (terms.truth if positives is None else positives).clip(1.0, None)
        case "weight_mean":
            return quotient(total, applied, empty=math.nan)
    return quotient(total, terms.n if voxels is None else voxels, empty=math.nan)


def _where_nothing(applied: Any) -> Any:
    """1 where no voxel that is there weighs anything, so that the mean takes them all alike; 0 elsewhere."""
    xp = namespace(applied)
    return xp.where(applied == 0, xp.ones_like(applied), xp.zeros_like(applied))


def _binary_weights(volumes: Volumes, weight: Any, *, weight_grad: bool) -> tuple[Any, Any]:
    match weight:
        case "target_ratio":
            return volumes.rest / volumes.truth.clip(1.0, None), 1.0
        case "pred_ratio":
            return _pred_ratio(volumes, weight_grad=weight_grad), 1.0
        case "n_minus_nc":
            return volumes.rest / volumes.n, volumes.truth / volumes.n
    return weight, 1.0


def _channel_weights(volumes: ChannelVolumes, weight: Any, *, weight_grad: bool) -> Any:
    if weight == "pred_ratio":
        return _pred_ratio(volumes, weight_grad=weight_grad)
    if isinstance(weight, str):
        return class_weights(volumes.truth, weight)  # type: ignore[arg-type]
    return channel_numbers(weight, volumes.truth, name="weight")


def _pred_ratio(volumes: Volumes, *, weight_grad: bool) -> Any:
    """(N - Σp)/Σp; Σp is floored at N/10^6, since the weight grows without bound as it vanishes."""
    xp = namespace(volumes.pred)
    ratio = (volumes.n - volumes.pred) / xp.maximum(volumes.pred, 1e-6 * volumes.n)
    return ratio if weight_grad else constant(ratio)
