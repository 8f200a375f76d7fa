"""The sixteen properties every loss implementation must have, in float32 and float64."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from segeval.evidence.overlap.counts import Counts
from segeval.evidence.probabilities.soft import ChannelCounts, ChannelVolumes
from segeval.losses.region import generalized_dice_loss
from segeval.losses.training.modules import MODULES
from segeval.metrics.overlap import dice, f2, sensitivity
from tests.losses.worked import voxels

DTYPES = (torch.float32, torch.float64)
CLOSE = {torch.float32: {"rel": 2e-5, "abs": 2e-6}, torch.float64: {"rel": 1e-9, "abs": 1e-10}}
ACROSS = [name for name, module in MODULES.items() if module().looks_across]
REGION = ["DiceLoss", "DiceTwoClassLoss", "GeneralizedDiceLoss", "IoULoss", "TverskyLoss", "FocalTverskyLoss"]
ON_MAPS = [name for name, module in MODULES.items() if any(need.on_map for need in module.measure.needs)]
IN_SPACE = [name for name, module in MODULES.items() if module.measure.reads("InSpace")]

dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])
modules = pytest.mark.parametrize("name", list(MODULES))
of_probs = pytest.mark.parametrize("name", [name for name in MODULES if name != "NACLLoss"])  # which refuses them


def module(name: str, **options: Any) -> Any:
    return MODULES[name](**options)


def a_batch(dtype: torch.dtype, *, n_channels: int = 1, size: tuple[int, ...] = (3, 6, 5)) -> tuple[Tensor, Tensor]:
    """Random logits (B, C, ...) and class ids (B, ...)."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(size[0], n_channels, *size[1:], generator=generator, dtype=torch.float64).to(dtype)
    return logits, torch.randint(0, max(2, n_channels), size, generator=generator)


def batch_for(name: str, dtype: torch.dtype, **options: Any) -> tuple[Tensor, Tensor]:
    return a_batch(dtype, n_channels=3 if name in ACROSS else 1, **options)


def value(name: str, pred: Tensor, truth: Tensor, **options: Any) -> float:
    return float(module(name, **options)(pred, truth).detach())


@dtypes
@pytest.mark.parametrize("hard", [False, True])
def test_1_tversky_is_dice_at_a_half_and_jaccard_at_one(dtype: torch.dtype, hard: bool) -> None:
    logits, truth = a_batch(dtype)
    pred = (logits > 0).to(dtype) if hard else logits.sigmoid()
    common: Any = {"activation": "none", "smooth": 0.0}
    half = value("TverskyLoss", pred, truth, alpha=0.5, beta=0.5, **common)
    assert half == pytest.approx(value("DiceLoss", pred, truth, **common), **CLOSE[dtype])
    one = value("TverskyLoss", pred, truth, alpha=1, beta=1, **common)
    assert one == pytest.approx(value("IoULoss", pred, truth, **common), **CLOSE[dtype])


@dtypes
def test_2_jaccard_follows_from_dice(dtype: torch.dtype) -> None:
    logits, truth = a_batch(dtype, size=(1, 6, 5))
    of_dice = value("DiceLoss", logits, truth, smooth=0.0)
    assert value("IoULoss", logits, truth, smooth=0.0) == pytest.approx(2 * of_dice / (1 + of_dice), **CLOSE[dtype])


@dtypes
def test_3_focal_without_focus_is_bce(dtype: torch.dtype) -> None:
    logits, truth = a_batch(dtype)
    bce = value("BCELoss", logits, truth)
    assert value("FocalLoss", logits, truth, gamma=0, alpha=None) == pytest.approx(bce, **CLOSE[dtype])
    plain = value("FocalLoss", logits, truth, gamma=3, alpha=None)
    assert value("FocalLoss", logits, truth, gamma=3, alpha=0.5) == pytest.approx(plain / 2, **CLOSE[dtype])


@dtypes
def test_4_weight_one_is_bce_and_so_is_cross_entropy_of_two_logits(dtype: torch.dtype) -> None:
    logits, truth = a_batch(dtype)
    bce = value("BCELoss", logits, truth)
    assert value("WeightedBCELoss", logits, truth, weight=1) == pytest.approx(bce, **CLOSE[dtype])
    two = torch.cat([torch.zeros_like(logits), logits], dim=1)
    assert value("CrossEntropyLoss", two, truth) == pytest.approx(bce, **CLOSE[dtype])


@dtypes
def test_5_two_class_dice_is_the_mean_of_both_sides(dtype: torch.dtype) -> None:
    logits, truth = a_batch(dtype, size=(1, 6, 5))
    sides = [value("DiceLoss", s * logits, t, smooth=0.0) for s, t in ((1, truth), (-1, 1 - truth))]
    found = value("DiceTwoClassLoss", logits, truth, form="paper", smooth=0.0)
    assert found == pytest.approx(sum(sides) / 2, **CLOSE[dtype])


@dtypes
def test_6_generalized_dice_weighs_classes_and_only_several(dtype: torch.dtype) -> None:
    logits, truth = a_batch(dtype, n_channels=3, size=(1, 6, 5))
    uniform = value("GeneralizedDiceLoss", logits, truth, weight="uniform")
    micro = value("DiceLoss", logits, truth, activation="softmax", reduce_over="micro")
    assert uniform == pytest.approx(micro, **CLOSE[dtype])
    one_class = [
        value("GeneralizedDiceLoss", logits, truth, weight=weight, classes=[1], smooth=0.0)
        for weight in ("square", "simple", "uniform")
    ]
    assert one_class == pytest.approx([one_class[0]] * 3, **CLOSE[dtype])
    plain, doubled = (
        value("GeneralizedDiceLoss", logits, truth, weight=weight) for weight in ((1.0, 1.0, 1.0), (1.0, 2.0, 1.0))
    )
    assert plain != pytest.approx(doubled, rel=1e-4)


@dtypes
def test_7_lovasz_is_iou_on_hard_masks_and_knows_no_order(dtype: torch.dtype) -> None:
    logits, truth = a_batch(dtype, size=(1, 6, 5))
    hard = (logits > 0).to(dtype)
    iou = value("IoULoss", hard, truth, activation="none", smooth=0.0)
    assert value("LovaszSigmoidLoss", hard, truth, activation="none") == pytest.approx(iou, **CLOSE[dtype])
    assert value("LovaszHingeLoss", 2 * hard - 1, truth) == pytest.approx(2 * iou, **CLOSE[dtype])
    both = torch.cat([1 - hard, hard], dim=1)
    of_rest = value("IoULoss", 1 - hard, 1 - truth, activation="none", smooth=0.0)
    found = value("LovaszSoftmaxLoss", both, truth, activation="none")
    assert found == pytest.approx((iou + of_rest) / 2, **CLOSE[dtype])
    order = torch.randperm(30, generator=torch.Generator().manual_seed(1))
    for name in ("LovaszHingeLoss", "LovaszSigmoidLoss"):
        shuffled = [one.reshape(1, *one.shape[1:-2], 30)[..., order] for one in (logits, truth)]
        assert value(name, *shuffled) == pytest.approx(value(name, logits, truth), **CLOSE[dtype])


@dtypes
def test_7_lovasz_is_piecewise_linear(dtype: torch.dtype) -> None:
    logits, truth = a_batch(dtype, size=(1, 6, 5))
    step = 1e-4 * torch.randn(logits.shape, generator=torch.Generator().manual_seed(2), dtype=dtype)
    values = [value("LovaszHingeLoss", (logits + k * step).double(), truth) for k in (0, 1, 2)]
    assert values[0] - 2 * values[1] + values[2] == pytest.approx(0, abs=1e-9 if dtype == torch.float64 else 1e-6)


@of_probs
@dtypes
def test_8_a_perfect_prediction_costs_nothing(name: str, dtype: torch.dtype) -> None:
    _, truth = batch_for(name, dtype)
    masks = torch.stack([truth == c for c in range(3)], dim=1) if name in ACROSS else truth[:, None]
    if name == "BoundaryLoss":
        pytest.skip("what a perfect mask gets depends on the mask")
    best = -0.5 if name == "ComboLoss" else 0.0
    assert value(name, masks.to(dtype), truth, activation="none") == pytest.approx(best, abs=1e-6)


@dtypes
@pytest.mark.parametrize("name", [*REGION, "LovaszSigmoidLoss", "LovaszSoftmaxLoss"])
def test_8_bounded_losses_stay_between_0_and_1(name: str, dtype: torch.dtype) -> None:
    for scale in (0.1, 1.0, 30.0):
        logits, truth = batch_for(name, dtype)
        assert 0 <= value(name, scale * logits, truth) <= 1


@dtypes
def test_9_swapping_the_sides_swaps_alpha_and_beta(dtype: torch.dtype) -> None:
    logits, truth = a_batch(dtype)
    other = (logits > 0.3).to(dtype)
    there, back = (other, truth), (truth[:, None].to(dtype), (other[:, 0] > 0).long())
    for name in ("DiceLoss", "IoULoss"):
        assert value(name, *there, activation="none") == pytest.approx(
            value(name, *back, activation="none"), **CLOSE[dtype]
        )
    found = value("TverskyLoss", *there, activation="none", alpha=0.2, beta=0.8)
    assert found == pytest.approx(value("TverskyLoss", *back, activation="none", alpha=0.8, beta=0.2), **CLOSE[dtype])


@given(st.tuples(*[st.integers(1, 1000)] * 4))
def test_10_f2_follows_from_sensitivity_and_dice(n: tuple[int, ...]) -> None:
    counts = Counts(**{name: np.array([one]) for name, one in zip(("tp", "fp", "fn", "tn"), n, strict=True)})
    assert 5 / (3 / sensitivity(counts) + 2 / dice(counts)) == pytest.approx(f2(counts))


@pytest.mark.slow
@pytest.mark.shapes(checked=False)  # of the hundreds of calls that differences take
@modules
def test_11_the_gradient_is_that_of_finite_differences(name: str) -> None:
    logits, truth = batch_for(name, torch.float64, size=(2, 3, 4))
    if name == "ShapeAwareLoss":
        logits = logits.sign() * (logits.abs() + 0.1)  # away from where the predicted mask jumps
    loss = module(name)
    assert torch.autograd.gradcheck(lambda z: loss(z, truth), logits.requires_grad_(), eps=1e-6, atol=1e-6)
    if name == "NACLLoss":
        return
    p = torch.rand(logits.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 0.3 + 0.1
    p = (p / p.sum(1, keepdim=True) if name in ACROSS else p).requires_grad_()
    loss = module(name, activation="none")
    assert torch.autograd.gradcheck(lambda p: loss(p, truth), p, eps=1e-7, atol=1e-6)


SATURATED = {
    "logits of 80": lambda size, dtype: 80 * torch.tensor([-1.0, 0, 1, 1, 0, -1]).repeat(5).reshape(size).to(dtype),
    "zeros": lambda size, dtype: torch.zeros(size, dtype=dtype),
    "all -80": lambda size, dtype: torch.full(size, -80.0, dtype=dtype),
    "all 80": lambda size, dtype: torch.full(size, 80.0, dtype=dtype),
}


@pytest.mark.slow
@modules
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, *DTYPES], ids=str)
@pytest.mark.parametrize("kind", ["empty", "full", "mixed"])
def test_12_saturated_maps_give_finite_values_and_gradients(name: str, dtype: torch.dtype, kind: str) -> None:
    n_channels = 3 if name in ACROSS else 1
    truth = {"empty": torch.zeros, "full": torch.ones}.get(
        kind, lambda *size, dtype: torch.arange(10).reshape(size) % 2
    )(1, 5, 2, dtype=torch.long)
    for make in SATURATED.values():
        logits = make((1, 3, 5, 2), dtype)[:, :n_channels].clone().requires_grad_()
        cost = module(name)(logits, truth)
        cost.backward()
        assert cost.dtype == (dtype if dtype in DTYPES else torch.float32)
        assert cost.isfinite()
        assert logits.grad is not None
        assert logits.grad.isfinite().all()


@of_probs
@dtypes
@pytest.mark.parametrize("kind", [0, 1])
def test_12_certain_probabilities_give_finite_values_and_gradients(name: str, dtype: torch.dtype, kind: int) -> None:
    n_channels = 3 if name in ACROSS else 1
    truth = torch.full((1, 5, 2), kind)
    for certain in (0.0, 1.0):
        p = torch.full((1, n_channels, 5, 2), 1 - certain, dtype=dtype)
        p[:, 0] = certain
        p.requires_grad_()
        cost = module(name, activation="none")(p, truth)
        cost.backward()
        assert cost.isfinite()
        assert p.grad is not None
        assert p.grad.isfinite().all()


@modules
def test_12_one_voxel_and_absent_classes_are_fine(name: str) -> None:
    n_channels = 4 if name in ACROSS else 1
    for truth in (torch.zeros(1, 1, 1, dtype=torch.long), torch.ones(1, 1, 1, dtype=torch.long)):
        logits = torch.zeros(1, n_channels, 1, 1, requires_grad=True)
        cost = module(name)(logits, truth)
        cost.backward()
        assert cost.isfinite()
        assert logits.grad is not None
        assert logits.grad.isfinite().all()


@modules
@dtypes
def test_13_the_shape_does_not_matter(name: str, dtype: torch.dtype) -> None:
    if name in ON_MAPS:
        pytest.skip("its weights depend on where voxels lie")
    logits, truth = batch_for(name, dtype, size=(2, 2, 3, 4))
    expected = pytest.approx(value(name, logits, truth), **CLOSE[dtype])
    flat = value(name, logits.reshape(*logits.shape[:2], 6, 4), truth.reshape(2, 6, 4))
    strided = value(name, logits.transpose(2, 4).contiguous().transpose(2, 4), truth)
    without_gaps = value(name, logits.repeat_interleave(2, -1)[..., ::2], truth.repeat_interleave(2, -1)[..., ::2])
    assert [flat, strided, without_gaps] == [expected] * 3
    if name not in ACROSS:
        masks = logits[:, 0].reshape(2, 6, 4), truth.reshape(2, 6, 4)
        assert value(name, *masks) == expected
        assert value(name, logits[:, 0], truth, has_channels=False) == expected


@modules
@dtypes
def test_14_ignored_voxels_change_nothing(name: str, dtype: torch.dtype) -> None:
    if name in IN_SPACE:
        pytest.skip("a voxel that does not count is outside of the object, and an object has a border there")
    logits, truth = batch_for(name, dtype)
    padded = torch.cat([logits, 5 * torch.ones_like(logits)], dim=-1)
    more = torch.cat([truth, torch.full_like(truth, 255)], dim=-1)
    expected = value(name, logits, truth)
    assert value(name, padded, more, ignore_index=255) == pytest.approx(expected, **CLOSE[dtype])


@modules
@dtypes
def test_15_case_by_case_is_the_mean_of_single_calls(name: str, dtype: torch.dtype) -> None:
    logits, truth = batch_for(name, dtype)
    single = [value(name, logits[i : i + 1], truth[i : i + 1]) for i in range(3)]
    assert value(name, logits, truth, reduce_over="case") == pytest.approx(sum(single) / 3, **CLOSE[dtype])


# exp-log smooths with 1 voxel, and the hardest voxels are a whole number: a small image feels both
NOT_ALIKE = {*ON_MAPS, "ExpLogLoss", "TopKCELoss", "DiceTopKLoss"}


@pytest.mark.parametrize("name", [name for name in MODULES if name not in NOT_ALIKE])
@dtypes
def test_16_a_larger_image_of_the_same_kind_costs_the_same(name: str, dtype: torch.dtype) -> None:
    logits, truth = batch_for(name, dtype, size=(1, 4, 6))
    large = [one.repeat_interleave(1000, -1) for one in (logits, truth)]
    assert value(name, *large) == pytest.approx(value(name, logits, truth), rel=1e-5, abs=1e-5)


def test_16_scale_free_smoothing_reads_the_same_on_a_large_volume() -> None:
    """800 000 class voxels of 256³ with p = 0.5 on the class and 0.2 elsewhere: not 0.33 but 0.81."""
    n_class, n = 800_000, 256**3
    p, truth = np.array([[0.5, 0.2], [0.5, 0.2]]), np.array([[True, False], [True, False]])
    of = voxels(np.stack([1 - p[0], p[1]]), np.stack([~truth[0], truth[1]]))
    counted = type(of)(truth=of.truth, count=np.array([[n_class, n - n_class]] * 2, float), hit=of.hit, miss=of.miss)
    found = generalized_dice_loss(ChannelCounts(counted), ChannelVolumes(counted))
    assert math.isclose(found, 0.8066, abs_tol=5e-5)
