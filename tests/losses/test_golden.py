"""Every worked number of a loss or its gradient, in numpy and torch, float64 and float32."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from docs.gradients import ce_gradient, softmax_classifier
from segeval.evidence.arrays import neg_log, power
from segeval.evidence.probabilities.soft import (
    ChannelCounts,
    ChannelLovasz,
    ChannelTerms,
    ChannelVolumes,
    LovaszTerms,
    PixelTerms,
    ProbVoxels,
    SoftCounts,
    Volumes,
    two_channels,
)
from segeval.evidence.space.weight_maps import BorderTerms, object_gap
from segeval.losses.boundary import unet_weight_map, unet_weighted_ce_loss
from segeval.losses.compound import bce_dice_loss, combo_loss, dice_focal_loss, exp_log_loss
from segeval.losses.lovasz import lovasz_hinge_loss, lovasz_sigmoid_loss, lovasz_softmax_loss
from segeval.losses.pixel import (
    bce_loss,
    cross_entropy_loss,
    focal_cost,
    focal_loss,
    focal_star_loss,
    weighted_bce_loss,
    weighted_cross_entropy_loss,
)
from segeval.losses.region import (
    dice_loss,
    dice_two_class_loss,
    focal_tversky_loss,
    generalized_dice_loss,
    iou_loss,
    sensitivity_specificity_loss,
    tversky_loss,
)
from segeval.losses.training.modules import MODULES
from segeval.losses.weights import class_weights
from tests.conftest import golden
from tests.losses.worked import (
    B0_PROBS,
    B_PROBS,
    B_TRUTH,
    ENGINES,
    LINE,
    LINE_PROBS,
    M_PROBS,
    M_TRUTH,
    NOTHING,
    array,
    logit,
    onehot,
    voxels,
)

GOLDEN = golden("losses")
NAMES = list(dict.fromkeys(re.sub(r"\[\d+\]$", "", key) for key in GOLDEN))
FOCAL_CURVE = [(g, p) for g in (0.0, 0.5, 1.0, 2.0, 5.0) for p in (0.1, 0.3, 0.5, 0.7, 0.9)]
EXP_LOG_CURVE = [(g, d) for d in (0.1, 0.3, 0.5, 0.7, 0.9) for g in (0.3, 0.5, 1.0, 2.0)]
Number = Callable[[str], Any]


def b(engine: str) -> Any:
    return voxels(B_PROBS, B_TRUTH, engine)


def m(engine: str) -> Any:
    return voxels(M_PROBS, onehot(M_TRUTH), engine)


def no2(engine: str) -> Any:
    return voxels(M_PROBS, onehot(np.minimum(M_TRUTH, 1)), engine)


def region(loss: Any, of: Callable[[str], Any] = b, **knobs: Any) -> Number:
    return lambda engine: loss(SoftCounts(of(engine)), **knobs)


def pixel(loss: Any, **knobs: Any) -> Number:
    return lambda engine: loss(PixelTerms(b(engine)), **knobs)


def weighted(**knobs: Any) -> Number:
    return lambda engine: weighted_bce_loss(PixelTerms(b(engine)), Volumes(b(engine)), **knobs)


def focal(**knobs: Any) -> Number:
    return lambda engine: focal_loss(ChannelTerms(b2(engine)), **knobs)


def weighted_ce(**knobs: Any) -> Number:
    return lambda engine: weighted_cross_entropy_loss(ChannelTerms(m(engine)), ChannelVolumes(m(engine)), **knobs)


def gdl(weight: str, of: Callable[[str], Any] = m) -> Number:
    return lambda engine: generalized_dice_loss(
        ChannelCounts(of(engine)), ChannelVolumes(of(engine)), weight=weight, smooth=0.0
    )


def b2(engine: str) -> Any:
    return two_channels(b(engine))


def dice_focal(**knobs: Any) -> Number:
    return lambda engine: dice_focal_loss(ChannelCounts(m(engine)), ChannelTerms(m(engine)), **knobs)


def exp_log(gamma: float, w_dice: float = 0.8, w_cross: float = 0.2, classes: str = "all") -> Number:
    knobs: Any = {"w_dice": w_dice, "w_cross": w_cross, "gamma_dice": gamma, "gamma_cross": gamma, "classes": classes}
    return lambda engine: exp_log_loss(
        ChannelCounts(m(engine)), ChannelTerms(m(engine)), ChannelVolumes(m(engine)), **knobs
    )


def volumes_of_m(engine: str) -> Any:
    return ChannelVolumes(m(engine)).truth


def pred_ratio_of_m(engine: str) -> Any:
    volumes = ChannelVolumes(m(engine))
    return (volumes.n - volumes.pred) / volumes.pred


def curve(of: Callable[[Any, Any], Any]) -> Callable[[float, float], Number]:
    """A number that depends on one exponent and one probability."""

    def at(exponent: float, p: float) -> Number:
        return lambda engine: of(exponent, (array(np.array(p), engine), array(np.array(1 - p), engine)))

    return at


focal_at = curve(lambda gamma, p: focal_cost(gamma)(ProbVoxels(truth=None, count=None, hit=p[0], miss=p[1])))
exp_log_at = curve(lambda gamma, dice: power(neg_log(*dice), gamma))


def hinge_on_empty(z: float) -> Number:
    p = 1 / (1 + np.exp(-z))
    return lambda engine: lovasz_hinge_loss(LovaszTerms(voxels(np.full(8, p), NOTHING, engine)))


def hinge_with_margin(engine: str) -> Any:
    p = 1 / (1 + np.exp(-np.where(B_TRUTH, 2.0, -2.0)))
    return lovasz_hinge_loss(LovaszTerms(voxels(p, B_TRUTH, engine)))


def line_border(reduction: str) -> Number:
    def value(engine: str) -> Any:
        channels = two_channels(voxels(LINE_PROBS, LINE > 0, engine))
        gap = array(object_gap(LINE), engine)
        terms = BorderTerms(channels, lambda reach: replace(channels, weight_map=gap))
        return unet_weighted_ce_loss(terms, ChannelVolumes(channels), reduction=reduction)

    return value


def classifier(engine: str) -> tuple[float, np.ndarray]:
    features = np.array([[1, 2], [0, -1], [-1, 0.5], [2, 0]])
    return softmax_classifier(features, np.array([[0.1, -0.2, 0.3], [0.4, 0, -0.1]]), np.array([0, 2, 1, 0]), reg=0.1)


def of_batch(**options: Any) -> Number:
    """Dice of a batch of two: B and an empty truth."""

    def value(engine: str) -> Any:
        pred = array(np.stack([B_PROBS, B0_PROBS]), "torch32" if engine == "torch32" else "torch64")
        module = MODULES["DiceLoss"](activation="none", smooth=1e-5, **options)
        return module(pred, torch.from_numpy(np.stack([B_TRUTH, NOTHING])))

    return value


def pooled_channels(loss: str, **knobs: Any) -> Number:
    def value(engine: str) -> Any:
        pred = array(M_PROBS, "torch32" if engine == "torch32" else "torch64")[None]
        module = MODULES[loss](activation="none", reduce_over="micro", has_channels=True, smooth=0.0, **knobs)
        return module(pred, torch.from_numpy(M_TRUTH)[None])

    return value


def lovasz_per_image(engine: str) -> Any:
    parts = [slice(0, 4), slice(4, 7)]
    values = [
        lovasz_softmax_loss(ChannelLovasz(voxels(M_PROBS[:, part], onehot(M_TRUTH[part]), engine))) for part in parts
    ]
    return sum(values) / 2


PERFECT = region(dice_loss, lambda engine: voxels(B_TRUTH, B_TRUTH, engine), smooth=1.0, legacy="factor_inside")


def empty(engine: str) -> Any:
    return voxels(NOTHING, NOTHING, engine)


def b0(engine: str) -> Any:
    return voxels(B0_PROBS, NOTHING, engine)


def dice_of_each_voxel(engine: str) -> Any:
    return dice_loss(SoftCounts(voxels(B_PROBS[:, None], B_TRUTH[:, None], engine)), smooth=1.0).mean()


def wrong_jaccard(engine: str) -> Any:
    counts = SoftCounts(b(engine))
    return 1 - 2 * counts.tp / (counts.pred + counts.truth - counts.tp)


def keras_tversky(engine: str) -> Any:
    """A published snippet: its alpha stands before the false negatives."""
    counts = SoftCounts(b(engine))
    return 1 - (counts.tp + 1) / (counts.tp + 0.7 * counts.fn + 0.3 * counts.fp + 1)


def keras_generalized_dice(engine: str) -> Any:
    """A published snippet: it sums over the class axis too, so that its weights cancel."""
    counts = ChannelCounts(m(engine))
    weight = 1 / (counts.truth.sum() ** 2 + 1e-6)
    return 1 - 2 * (weight * counts.tp.sum()) / (weight * (counts.truth + counts.pred).sum())


def ss(**knobs: float) -> Number:
    return region(sensitivity_specificity_loss, **knobs)


VALUES: dict[str, Number] = {
    **{
        f"soft.{name}": lambda engine, name=name: getattr(SoftCounts(b(engine)), name)
        for name in ("tp", "fp", "fn", "tn")
    },
    "bce.element": lambda engine: b(engine).nll,
    "bce.mean": pixel(bce_loss),
    "bce.sum": pixel(bce_loss, reduction="sum"),
    "cross_entropy.element": lambda engine: (m(engine).nll * m(engine).truth).sum(0),
    "cross_entropy.mean": lambda engine: cross_entropy_loss(ChannelTerms(m(engine))),
    "cross_entropy.sum": lambda engine: cross_entropy_loss(ChannelTerms(m(engine)), reduction="sum"),
    "weighted_bce.w.pred_ratio": lambda engine: (8 - SoftCounts(b(engine)).pred) / SoftCounts(b(engine)).pred,
    "weighted_bce.w.target_ratio": lambda engine: class_weights(array(np.array([5.0, 3.0]), engine), "target_ratio")[1],
    "weighted_bce.pred_ratio": weighted(weight="pred_ratio"),
    "weighted_bce.target_ratio": weighted(),
    "weighted_bce.beta2": weighted(weight=2.0),
    "weighted_bce.beta05": weighted(weight=0.5),
    "balanced_bce.beta_bg": weighted(weight="n_minus_nc"),
    "weighted_bce.n_minus_nc": weighted(weight="n_minus_nc"),
    "weighted_bce.n_minus_nc.weight_norm": weighted(weight="n_minus_nc", reduction="weight_mean"),
    "weighted_bce.target_ratio.scaled": lambda engine: weighted()(engine) * 3 / 8,
    "weighted_cross_entropy.w.n_minus_nc": lambda engine: class_weights(volumes_of_m(engine), "n_minus_nc"),
    "weighted_cross_entropy.w.inverse_frequency": lambda engine: class_weights(
        volumes_of_m(engine), "inverse_frequency"
    ),
    "weighted_cross_entropy.w.pred_ratio": pred_ratio_of_m,
    **{
        f"weighted_cross_entropy.{scheme}.{norm}_norm": weighted_ce(
            weight=scheme, reduction="mean" if norm == "voxel" else "weight_mean"
        )
        for scheme in ("n_minus_nc", "inverse_frequency", "pred_ratio", "median_frequency")
        for norm in ("voxel", "weight")
    },
    **{f"focal.noalpha.g{g:g}.mean": focal(gamma=g, alpha=None) for g in (0.0, 0.5, 1.0, 2.0, 5.0)},
    **{f"focal.a025g2.{how}": focal(reduction=how) for how in ("mean", "sum", "num_pos")},
    "focal.a075g2.mean": focal(alpha=0.75),
    "focal.softmax.g2.mean": lambda engine: focal_loss(ChannelTerms(m(engine)), alpha=None),
    "focal.factor.pt09": lambda engine: focal_at(2.0, 0.9)(engine) / focal_at(0.0, 0.9)(engine),
    "focal.factor.pt0968": lambda engine: focal_at(2.0, 0.968)(engine) / focal_at(0.0, 0.968)(engine),
    "focal_star.g2b1.mean": pixel(focal_star_loss),
    "dice.s0": region(dice_loss, smooth=0.0),
    "dice.s1": region(dice_loss, smooth=1.0),
    "dice.s1e-5": region(dice_loss, smooth=1e-5),
    "dice.s1e-6": region(dice_loss),
    "dice.squared.s0": region(dice_loss, denominator="squared", smooth=0.0),
    "dice.squared.s1e-6": region(dice_loss, denominator="squared"),
    "dice.source3_code": region(dice_loss, smooth=1.0, legacy="factor_inside"),
    "dice.source3_code.perfect": PERFECT,
    "dice.source3_code.both_empty": region(dice_loss, empty, smooth=1.0, legacy="factor_inside"),
    "dice.s1.empty_target": region(dice_loss, b0, smooth=1.0),
    "dice.s1e-6.empty_target": region(dice_loss, b0),
    "dice.s1.both_empty": region(dice_loss, empty, smooth=1.0),
    "dice.per_voxel_mean.s1": dice_of_each_voxel,
    "dice.M.class.s0": region(dice_loss, m, smooth=0.0),
    "dice.M.mean_all.s0": lambda engine: region(dice_loss, m, smooth=0.0)(engine).mean(),
    "dice.M.mean_foreground.s0": lambda engine: region(dice_loss, m, smooth=0.0)(engine)[1:].mean(),
    "dice.batch.case_mean.s1e-5": of_batch(),
    "dice.batch.pooled.s1e-5": of_batch(reduce_over="batch"),
    "dice_two_class.paper.eps0": region(dice_two_class_loss, form="paper", smooth=0.0),
    "dice_two_class.paper.eps1e-5": region(dice_two_class_loss, form="paper", smooth=1e-5),
    "dice_two_class.paper.eps1": region(dice_two_class_loss, form="paper", smooth=1.0),
    "dice_two_class.paper.perfect.eps1": region(
        dice_two_class_loss, lambda engine: voxels(B_TRUTH, B_TRUTH, engine), form="paper", smooth=1.0
    ),
    "dice_two_class.paper.both_empty.eps1e-5": region(dice_two_class_loss, empty, form="paper", smooth=1e-5),
    "dice_two_class.bounded.eps1e-5": region(dice_two_class_loss, smooth=1e-5),
    "dice_two_class.bounded.both_empty.eps1e-5": region(dice_two_class_loss, empty, smooth=1e-5),
    "sensitivity_specificity.l005.eps0": ss(eps=0.0),
    "sensitivity_specificity.l005.eps1e-5": ss(),
    "sensitivity_specificity.sens_error": ss(lambda_=1.0, eps=0.0),
    "sensitivity_specificity.spec_error": ss(lambda_=0.0, eps=0.0),
    "sensitivity_specificity.l05.eps0": ss(lambda_=0.5, eps=0.0),
    **{f"generalized_dice.M.{weight}": gdl(weight) for weight in ("square", "simple", "uniform")},
    **{f"generalized_dice.B2.{weight}": gdl(weight, b2) for weight in ("square", "simple", "uniform")},
    "generalized_dice.keras_snippet.M": keras_generalized_dice,
    "generalized_dice.keras_snippet.M.equals_micro_dice": pooled_channels("DiceLoss"),
    "jaccard.s0": region(iou_loss, smooth=0.0),
    "jaccard.s1": region(iou_loss, smooth=1.0),
    "jaccard.wrong_numerator": wrong_jaccard,
    "jaccard.M.class.s0": region(iou_loss, m, smooth=0.0),
    "jaccard.M.mean_all.s0": lambda engine: region(iou_loss, m, smooth=0.0)(engine).mean(),
    **{
        f"tversky.a0{alpha}b0{10 - alpha}": region(tversky_loss, alpha=alpha / 10, beta=1 - alpha / 10, smooth=0.0)
        for alpha in (1, 2, 3, 4, 5)
    },
    "tversky.a1b1": region(tversky_loss, alpha=1.0, beta=1.0, smooth=0.0),
    "tversky.a03b07.s1": region(tversky_loss, smooth=1.0),
    "tversky.keras_snippet.alpha07.s1": keras_tversky,
    "tversky.swapped.a07b03": region(tversky_loss, alpha=0.7, beta=0.3, smooth=0.0),
    "tversky.M.micro.a03b07": pooled_channels("TverskyLoss"),
    "focal_tversky.a03b07.g075": region(focal_tversky_loss, smooth=0.0),
    "bce_dice.w1w1.s1": lambda engine: bce_dice_loss(SoftCounts(b(engine)), PixelTerms(b(engine)), smooth=1.0),
    "bce_dice.w05w05.s1": lambda engine: bce_dice_loss(
        SoftCounts(b(engine)), PixelTerms(b(engine)), smooth=1.0, w_bce=0.5, w_dice=0.5
    ),
    "combo.a05.s1": lambda engine: combo_loss(SoftCounts(b(engine)), PixelTerms(b(engine)), smooth=1.0),
    "dice_focal.M.dice_part": dice_focal(lambda_=0.0),
    "dice_focal.M.focal_part": lambda engine: dice_focal(lambda_=1.0)(engine) - dice_focal(lambda_=0.0)(engine),
    **{f"dice_focal.M.lambda{one}": dice_focal(lambda_=one) for one in (0.1, 0.5, 1.0)},
    "dice_focal.M.masked_class2.lambda0.5": dice_focal(class_weight=(1.0, 1.0, 0.0)),
    "exp_log.M.w": lambda engine: class_weights(volumes_of_m(engine), "sqrt_inverse"),
    "exp_log.M.dice_i": lambda engine: 1 - dice_loss(SoftCounts(m(engine)), smooth=1.0),
    **{f"exp_log.M.dice_part.g{g}": exp_log(g, w_dice=1.0, w_cross=0.0) for g in (0.3, 1.0, 2.0)},
    **{f"exp_log.M.cross_part.g{g}": exp_log(g, w_dice=0.0, w_cross=1.0) for g in (0.3, 1.0, 2.0)},
    **{f"exp_log.M.g{g}": exp_log(g) for g in (0.3, 1.0, 2.0)},
    "exp_log.M.dice_part.g0.3.foreground": exp_log(0.3, w_dice=1.0, w_cross=0.0, classes="foreground"),
    **{f"exp_log.inflection.g{g}": lambda engine, g=g: np.exp(g - 1) for g in (0.3, 0.5)},
    "lovasz_hinge.B.errors": lambda engine: 1 - b(engine).margin,
    "lovasz_hinge.B.jaccard_grad_sorted": lambda engine: LovaszTerms(b(engine.replace("32", "64"))).steps,  # no ties
    "lovasz_hinge.B": lambda engine: lovasz_hinge_loss(LovaszTerms(b(engine))),
    "lovasz_sigmoid.B": lambda engine: lovasz_sigmoid_loss(LovaszTerms(b(engine))),
    "lovasz_softmax.M.present": lambda engine: lovasz_softmax_loss(ChannelLovasz(m(engine))),
    "lovasz_softmax.M.class": lambda engine: lovasz_sigmoid_loss(LovaszTerms(m(engine))),
    "lovasz_softmax.M_no2.present": lambda engine: lovasz_softmax_loss(ChannelLovasz(no2(engine))),
    "lovasz_softmax.M_no2.all": lambda engine: lovasz_softmax_loss(ChannelLovasz(no2(engine)), classes="all"),
    "lovasz_softmax.per_image.two": lovasz_per_image,
    "lovasz_hinge.all_correct_margin": hinge_with_margin,
    "lovasz_hinge.empty_target.zm2": hinge_on_empty(-2.0),
    "lovasz_hinge.empty_target.z0": hinge_on_empty(0.0),
    "lovasz_sigmoid.hard_vertex": lambda engine: lovasz_sigmoid_loss(
        LovaszTerms(voxels(B_PROBS >= 0.5, B_TRUTH, engine))
    ),
    "unet_weight_map.border": lambda engine: unet_weight_map(LINE, class_balance="none") - 1,
    "unet_weight_map.wc": lambda engine: unet_weight_map(LINE, w0=0.0),
    "unet_weight_map.w": lambda engine: unet_weight_map(LINE),
    "unet_weighted_bce.voxel_norm": line_border("mean"),
    "unet_weighted_bce.weight_norm": line_border("weight_mean"),
    "softmax_classifier.loss": lambda engine: classifier(engine)[0],
    "softmax_classifier.data_loss": lambda engine: classifier(engine)[0] - 0.05 * 0.31,
    "softmax_classifier.dW": lambda engine: classifier(engine)[1].ravel(),
    **{f"sweep.focal.curve.g{g:g}.pt{p}": focal_at(g, p) for g, p in FOCAL_CURVE},
    **{f"sweep.exp_log.curve.g{g:g}.d{d}": exp_log_at(g, d) for g, d in EXP_LOG_CURVE},
    **{f"sweep.exp_log.curve.linear.d{d}": lambda engine, d=d: 1 - d for d in (0.1, 0.3, 0.5, 0.7, 0.9)},
}


def slopes(
    loss: str, *, by: str = "p", probs: np.ndarray = B_PROBS, truth: np.ndarray = B_TRUTH, **options: Any
) -> Number:
    """The gradient of a module's loss by the probabilities or the logits of one image."""

    def value(engine: str) -> Any:
        at = array(probs if by == "p" else logit(probs), "torch32" if engine == "torch32" else "torch64")[None]
        at = at.clone().requires_grad_()
        activation = "none" if by == "p" else "sigmoid"
        MODULES[loss](activation=activation, **options)(at, torch.from_numpy(truth)[None]).sum().backward()
        return at.grad[0]

    return value


def one_voxel(denominator: str) -> Number:
    """The slope of the Dice coefficient, which is minus that of the loss."""
    at = slopes("DiceLoss", probs=np.array([0.3]), truth=np.array([1]), denominator=denominator, smooth=0.0)
    return lambda engine: -at(engine)[0]


def of_voxel_0(loss: str, by: str, **options: Any) -> Number:
    def value(engine: str) -> Any:
        pred = M_PROBS if by == "p" else np.log(M_PROBS)
        at = array(pred, "torch32" if engine == "torch32" else "torch64")[None].clone().requires_grad_()
        activation = "none" if by == "p" else "softmax"
        module = MODULES[loss](activation=activation, has_channels=True, **options)
        module(at, torch.from_numpy(M_TRUTH)[None]).backward()
        return at.grad[0, :, 0]

    return value


def focal_elements(engine: str) -> Any:
    at = array(logit(B_PROBS), "torch32" if engine == "torch32" else "torch64")[None]
    return MODULES["FocalLoss"](reduction="none")(at, torch.from_numpy(B_TRUTH)[None])[0]


VALUES |= {
    "bce.grad_p": slopes("BCELoss"),
    "bce.grad_z": slopes("BCELoss", by="z"),
    "bce.logit_form": lambda engine: MODULES["BCELoss"]()(
        array(logit(B_PROBS), "torch32" if engine == "torch32" else "torch64")[None], torch.from_numpy(B_TRUTH)[None]
    ),
    "cross_entropy.grad_z.voxel0": lambda engine: 7 * of_voxel_0("CrossEntropyLoss", "z")(engine),
    "focal.a025g2.element": focal_elements,
    "focal.a025g2.grad_z_el": slopes("FocalLoss", by="z", reduction="sum"),
    "focal.a025g2.grad_z_el.detached": slopes("FocalLoss", by="z", reduction="sum", detach_modulator=True),
    "dice.s0.grad_p": slopes("DiceLoss", smooth=0.0),
    "dice.squared.s0.grad_p": slopes("DiceLoss", smooth=0.0, denominator="squared"),
    "dice.scalar.coef_grad.linear.p03t1": one_voxel("linear"),
    "dice.scalar.coef_grad.squared.p03t1": one_voxel("squared"),
    "dice_two_class.paper.eps0.grad_p": slopes("DiceTwoClassLoss", form="paper", smooth=0.0),
    "sensitivity_specificity.l005.grad_p": slopes("SensitivitySpecificityLoss", eps=0.0),
    "generalized_dice.B2.square.grad_p": slopes("GeneralizedDiceLoss", smooth=0.0),
    "jaccard.s0.grad_p": slopes("IoULoss", smooth=0.0),
    "tversky.a03b07.grad_p": slopes("TverskyLoss", smooth=0.0),
    "tversky.a03b07": region(tversky_loss, smooth=0.0),
    "exp_log.M.g0.3.grad_p.voxel0": of_voxel_0("ExpLogLoss", "p"),
}


def test_every_worked_number_is_tested() -> None:
    assert set(NAMES) <= set(VALUES)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NAMES)
def test_a_worked_number_comes_out(name: str, engine: str) -> None:
    expected = [value for key, value in GOLDEN.items() if re.fullmatch(re.escape(name) + r"(\[\d+\])?", key)]
    value = VALUES[name](engine)
    found = np.atleast_1d(np.asarray(value.detach() if hasattr(value, "detach") else value, dtype=np.float64))
    close = {"rel": 1e-5, "abs": 1e-5} if engine == "torch32" else {"rel": 1e-9, "abs": 1e-9}
    assert found.tolist() == pytest.approx(expected, **close)


def test_the_gradient_of_cross_entropy_is_a_minus_y() -> None:
    slope = ce_gradient(np.log(M_PROBS).T, onehot(M_TRUTH).T.astype(float))
    assert slope[0].tolist() == pytest.approx(
        [GOLDEN[f"cross_entropy.grad_z.voxel0[{i}]"] for i in range(3)], abs=1e-12
    )
