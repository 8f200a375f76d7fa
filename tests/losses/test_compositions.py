"""Losses of several parts and sizes, weights on the command line, and details that a changed token would break."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import segeval
from segeval import ConfigError, DataError
from segeval.evidence.arrays import neg_log, power
from segeval.evidence.probabilities.soft import ChannelCounts, ChannelTerms, ChannelVolumes
from segeval.evidence.space.neighbours import soft_skeleton
from segeval.evidence.space.weight_maps import object_gap
from segeval.knobs import parse_call
from segeval.losses.boundary import unet_weight_map
from segeval.losses.compound import exp_log_loss
from segeval.losses.region import generalized_dice_loss
from segeval.losses.training.modules import MODULES, DeepSupervision, Sum
from segeval.losses.weights import class_weights
from tests.losses.test_worked import ENTRIES, FIXTURES, case_of
from tests.losses.worked import M_PROBS, M_TRUTH, onehot, voxels


def a_batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 8, 8, generator=generator, dtype=torch.float64)
    return logits, torch.randint(0, 3, (2, 8, 8), generator=generator)


def test_a_sum_is_the_sum_of_its_parts_and_so_is_its_gradient() -> None:
    logits, truth = a_batch()
    parts = segeval.losses.DiceCELoss(), segeval.losses.BoundaryLoss(activation="softmax")
    loss = Sum([(1.0, parts[0]), (0.3, parts[1])])
    both = [logits.clone().requires_grad_() for _ in range(2)]
    total, expected = loss(both[0], truth), parts[0](both[1], truth) + 0.3 * parts[1](both[1], truth)
    total.backward()
    expected.backward()
    torch.testing.assert_close(total, expected)
    torch.testing.assert_close(both[0].grad, both[1].grad)
    loss.weights[1] = 0.0  # while training
    assert float(loss(logits, truth)) == pytest.approx(float(parts[0](logits, truth)))
    with pytest.raises(ConfigError, match="pairs of a weight and a loss"):
        Sum([])


def test_deep_supervision_weighs_finer_outputs_more() -> None:
    logits, _, truth = case_of("F3")
    pred, ids = torch.from_numpy(logits)[None], torch.from_numpy(truth).long()[None]
    coarse = pred[:, :, [0, 2]][..., [0, 2, 4]]
    loss = segeval.losses.DiceCELoss()
    levels = [ENTRIES[f"deep_supervision.level{i}"]["value"] for i in (0, 1)]
    coarse_ids = ids[:, [0, 2]][..., [0, 2, 4]]
    assert float(loss(coarse, coarse_ids)) == pytest.approx(levels[1], rel=1e-9)
    found = DeepSupervision(loss)([pred, coarse], [ids, coarse_ids])
    assert float(found) == pytest.approx(ENTRIES["deep_supervision.w_1_half_normalised"]["value"], rel=1e-9)
    assert float(DeepSupervision(loss)([pred], ids)) == pytest.approx(levels[0], rel=1e-12)
    assert float(DeepSupervision(loss, drop_lowest=True)([pred, coarse], ids)) == pytest.approx(levels[0], rel=1e-12)
    assert float(DeepSupervision(loss, [1, 3])([pred, coarse], [ids, coarse_ids])) == pytest.approx(
        (levels[0] + 3 * levels[1]) / 4, rel=1e-9
    )


def test_deep_supervision_makes_the_truth_smaller() -> None:
    logits, truth = a_batch()
    half = logits[:, :, ::2, ::2]
    loss = segeval.losses.DiceLoss(activation="softmax")
    found = DeepSupervision(loss, [0.0, 1.0])([logits, half], truth)
    assert float(found) == pytest.approx(float(loss(half, truth[:, ::2, ::2])))
    shares = logits.softmax(1)
    means = shares.unfold(2, 2, 2).unfold(3, 2, 2).mean((-1, -2))
    found = DeepSupervision(loss, [0.0, 1.0])([logits, half], shares)
    assert float(found) == pytest.approx(float(loss(half, means)))
    for outputs, truths in (([logits], truth), ([logits, half], [truth])):
        with pytest.raises(DataError, match="DeepSupervision: there are"):
            DeepSupervision(loss, [0.5, 0.5])(outputs, truths)
    with pytest.raises(ConfigError, match="neither 'halving' nor"):
        DeepSupervision(loss, "thirds")


@pytest.mark.parametrize("how", ["case", "batch"])
def test_batch_dice_pools_the_overlap_alone(how: str) -> None:
    cases = [case_of(name) for name in ("F3", "F3b")]
    pred = torch.stack([torch.from_numpy(logits) for logits, _, _ in cases])
    truth = torch.stack([torch.from_numpy(ids).long() for _, _, ids in cases])
    found = segeval.losses.DiceCELoss(batch_dice=how == "batch")(pred, truth)
    assert float(found) == pytest.approx(ENTRIES[f"dice_ce.two_cases.{how}_dice"]["value"], rel=1e-9)
    found = segeval.losses.TopKCELoss(reduce_over=how)(pred, truth)
    assert float(found) == pytest.approx(ENTRIES[f"topk_ce.k10.two_cases.{how}"]["value"], rel=1e-9)


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("ignore.topk_ce.k25.F3", "TopKCELoss(k=25)"),
        ("ignore.dice_ce.F3", "DiceCELoss()"),
        ("ignore.topk_ce.k25.F2", "TopKCELoss(k=25)"),
        ("ignore.boundary.F2", "BoundaryLoss(units=voxel)"),
    ],
)
def test_ignored_voxels_leave_the_worked_values(name: str, loss: str) -> None:
    logits, probs, truth = case_of(ENTRIES[name]["fixture"])
    truth = truth.copy()
    truth[:, 4] = 255
    module, knobs = parse_call(loss)
    if module == "BoundaryLoss":
        pred, knobs = torch.from_numpy(probs)[None, 1:], {**knobs, "activation": "none"}
    else:
        pred = torch.from_numpy(logits)[None]
    found = MODULES[module](ignore_index=255, **knobs)(pred, torch.from_numpy(truth).long()[None])
    assert float(found) == pytest.approx(ENTRIES[name]["value"], rel=1e-9)


def test_weights_per_channel_are_read_from_text() -> None:
    name, knobs = parse_call("dice_focal_loss(class_weight=1;0;1;1)")
    call = segeval.losses.dice_focal_loss.at(**knobs)
    assert call.knobs["class_weight"] == (1.0, 0.0, 1.0, 1.0)
    assert call.column == "dice_focal_loss(class_weight=1;0;1;1)"
    assert parse_call(call.column) == (name, knobs)
    with pytest.raises(ConfigError, match="numbers such as 1;2"):
        segeval.losses.weighted_cross_entropy_loss.at(weight=3.0)
    with pytest.raises(ConfigError, match="sigma=inf is out of range"):
        segeval.losses.unet_weighted_ce_loss.at(sigma=float("inf"))


def voxels_of_m() -> Any:
    return voxels(M_PROBS, onehot(M_TRUTH))


def test_the_cross_term_of_exp_log_has_an_exponent_of_its_own() -> None:
    m = voxels_of_m()
    m_counts = ChannelCounts(m)
    evidence = m_counts, ChannelTerms(m), ChannelVolumes(m)
    nll = -np.log(M_PROBS[M_TRUTH, np.arange(7)])
    rare = np.sqrt(7 / np.bincount(M_TRUTH))[M_TRUTH]
    for gamma in (0.5, 2.0):
        found = exp_log_loss(*evidence, w_dice=0.0, w_cross=1.0, gamma_dice=7.0, gamma_cross=gamma)
        assert float(found) == pytest.approx((rare * nll**gamma).mean(), rel=1e-12)
    dice = (2 * m_counts.tp + 1) / (m_counts.pred + m_counts.truth + 1)
    found = exp_log_loss(*evidence, w_dice=1.0, w_cross=0.0, gamma_dice=2.0, gamma_cross=7.0)
    assert float(found) == pytest.approx((np.log(dice) ** 2).mean(), rel=1e-12)


def test_weights_are_over_the_present_classes_only() -> None:
    volumes = np.array([4.0, 0.0, 12.0, 2.0])
    assert class_weights(volumes, "inverse_frequency") == pytest.approx([18 / 12, 0, 18 / 36, 18 / 6])
    assert class_weights(volumes, "median_frequency") == pytest.approx([1, 0, 4 / 12, 2])
    assert class_weights(volumes, "sqrt_inverse") == pytest.approx([4.5**0.5, 0, 1.5**0.5, 3])
    assert class_weights(volumes, "simple") == pytest.approx([1 / 4, 0, 1 / 12, 1 / 2])
    assert class_weights(volumes, "square") == pytest.approx([1 / 16, 0, 1 / 144, 1 / 4])
    even = np.array([4.0, 0.0, 12.0])
    assert class_weights(even, "median_frequency") == pytest.approx([2, 0, 8 / 12])


def test_the_gap_between_objects_is_in_the_unit_of_the_spacing() -> None:
    objects = np.array([[1, 0, 0, 2], [0, 0, 0, 0]])
    assert object_gap(objects, spacing=(5.0, 0.5))[0].tolist() == [1.5, 1.5, 1.5, 1.5]
    assert object_gap(objects)[0].tolist() == [3, 3, 3, 3]
    beside = object_gap(objects, spacing=(5.0, 0.5))[1]
    assert beside == pytest.approx([np.hypot(5, k) + np.hypot(5, 1.5 - k) for k in (0, 0.5, 1, 1.5)])
    in_mm = unet_weight_map(objects, w0=8.0, sigma=2.0, class_balance="none", spacing=(5.0, 0.5))
    assert in_mm[0] == pytest.approx([1, *[1 + 8 * np.exp(-(1.5**2) / 8)] * 2, 1])


def test_an_absent_class_has_the_weight_of_the_largest_or_none() -> None:
    m = voxels(M_PROBS, onehot(np.minimum(M_TRUTH, 1)))
    tp, pred = ChannelCounts(m).tp, ChannelCounts(m).pred
    volumes = np.array([4.0, 3.0, 0.0])
    for absent, of_last in (("max", 1.0), ("zero", 0.0)):
        weights = np.array([9 / 16, 1.0, of_last])
        expected = 1 - 2 * (weights * tp).sum() / (weights * (pred + volumes)).sum()
        found = generalized_dice_loss(ChannelCounts(m), ChannelVolumes(m), absent=absent, smooth=0.0)  # type: ignore[arg-type]
        assert float(found) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("weight", "order"), [("uniform", 0), ("simple", 1), ("square", 2)])
def test_an_epsilon_in_every_weight_makes_an_absent_class_the_heaviest(weight: Any, order: int) -> None:
    m = voxels(M_PROBS, onehot(np.minimum(M_TRUTH, 1)))
    counts, volumes = ChannelCounts(m), np.array([4.0, 3.0, 0.0])
    weights = 1 / (volumes**order + 1e-6)
    expected = 1 - 2 * (weights * counts.tp).sum() / (weights * (counts.pred + volumes)).sum()
    found = generalized_dice_loss(counts, ChannelVolumes(m), weight=weight, absent="eps", smooth=0.0)
    assert float(found) == pytest.approx(expected, rel=1e-12)


def test_where_no_voxel_costs_anything_the_hardest_cost_nothing() -> None:
    certain = torch.tensor([[[[800.0, -800.0]], [[-800.0, 800.0]]]], dtype=torch.float64)
    assert float(MODULES["OHEMCELoss"](min_kept=1)(certain, torch.tensor([[[0, 1]]]))) == 0


@pytest.mark.parametrize("of", [np.array, lambda values: torch.tensor(values, dtype=torch.float64)])
def test_powers_and_logarithms_near_0(of: Any) -> None:
    assert power(of([0.0, 1e-13, 1e-12, 2e-12]), 0.5).tolist() == pytest.approx([0, 0, 0, 2e-12**0.5])
    assert np.isnan(power(of([float("nan")]), 0.5).tolist()[0])
    p = of([1.0, 1 - 1e-12, 0.5, 1e-30, 1e-44, 0.0, float("nan")])
    rest = of([0.0, 1e-12, 0.5, 1.0, 1.0, 1.0, float("nan")])
    found = neg_log(p, rest).tolist()
    assert found[:6] == pytest.approx([0, 1e-12, np.log(2), 30 * np.log(10), 100, 100], rel=1e-9, abs=0)
    assert np.isnan(found[6])


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("jaccard_metric.v1.soft.F6", "JaccardMetricLoss(variant=1,smooth=0)"),
        ("jaccard_metric.v2.soft.F6", "JaccardMetricLoss(variant=2,smooth=0)"),
        ("dice_semimetric.v1.soft.F6", "DiceSemimetricLoss(variant=1,smooth=0)"),
        ("dice_semimetric.v2.soft.F6", "DiceSemimetricLoss(variant=2,smooth=0)"),
        ("dice.product.soft.F6", "DiceLoss(smooth=0)"),
        ("dice.product.p_equals_y.F6", "DiceLoss(smooth=0)"),
        ("label_smoothing.as_soft_label.F6", "BCELoss"),
    ],
)
def test_shares_give_the_worked_values(name: str, loss: str) -> None:
    facts = FIXTURES["F6"]
    p, y = (torch.tensor(facts[side], dtype=torch.float64)[None, None] for side in ("p", "y"))
    module, knobs = parse_call(loss)
    found = MODULES[module](activation="none", **knobs)(y if "equals" in name else p, y)
    assert float(found) == pytest.approx(ENTRIES[name]["value"], rel=1e-9)


def test_a_mean_over_the_foreground_is_that_of_its_classes() -> None:
    logits, _, truth = case_of("F3")
    pred, ids = torch.from_numpy(logits)[None], torch.from_numpy(truth).long()[None]
    options: dict[str, Any] = {"activation": "softmax", "units": "voxel", "include_background": False}
    for name, loss in (
        ("hausdorff_dt.foreground_mean.F3", segeval.losses.HausdorffDTLoss),
        ("log_hausdorff_dt.log_then_mean.F3", segeval.losses.LogHausdorffDTLoss),
    ):
        assert float(loss(**options)(pred, ids)) == pytest.approx(ENTRIES[name]["value"], rel=1e-9)


def test_a_void_case_leaves_the_worked_mean() -> None:
    cases = [case_of(name) for name in ("F3", "F3b")]
    pred = torch.stack([torch.from_numpy(logits) for logits, _, _ in cases])
    truth = torch.stack([torch.from_numpy(ids).long() for _, _, ids in cases])
    truth[1] = 255
    found = segeval.losses.DiceCELoss(ignore_index=255)(pred, truth)
    assert float(found) == pytest.approx(ENTRIES["ignore.batch_with_void_case.dice_ce"]["value"], rel=1e-9)


def test_eroded_errors_in_a_volume_give_the_worked_value() -> None:
    entry = ENTRIES["hausdorff_er.a2.k10.3d"]
    p, y = (torch.tensor(entry["params"][side], dtype=torch.float64)[None, None] for side in ("pred", "truth"))
    found = segeval.losses.HausdorffERLoss(activation="none", has_channels=True)(p, y.long())
    assert float(found) == pytest.approx(entry["value"], rel=1e-9)


@pytest.mark.parametrize("n_axes", [2, 3])
def test_a_middle_line_weighs_by_the_inverse_of_the_cross_section_of_its_branch(n_axes: int) -> None:
    from scipy.ndimage import distance_transform_edt

    def branch(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        line = soft_skeleton(mask, n_axes=n_axes, iterations=10)
        radius = np.where(line > 0.5, distance_transform_edt(mask), 0.0)
        share = radius / radius.max()
        deep = np.minimum(distance_transform_edt(mask) / radius.max(), 1.0)
        return np.divide(line, share ** (n_axes - 1), out=np.zeros_like(share), where=share > 0), deep, share

    truth, pred = np.zeros((2, *(9,) * (n_axes - 1), 20))
    truth[(slice(2, 7),) * (n_axes - 1) + (slice(1, 9),)] = 1  # a thick branch, and a thin one that goes on from it
    truth[(slice(4, 5),) * (n_axes - 1) + (slice(9, 19),)] = 1
    pred[(slice(3, 6),) * (n_axes - 1) + (slice(2, 15),)] = 1
    (of_pred, in_pred, r_pred), (of_truth, in_truth, r_truth) = branch(pred), branch(truth)
    precision = ((of_pred * in_truth).sum() + 1) / ((of_pred * np.where(r_truth == 0, r_pred, r_truth)).sum() + 1)
    sensitivity = ((of_truth * in_pred).sum() + 1) / ((of_truth * np.where(r_pred == 0, r_truth, r_pred)).sum() + 1)
    found = MODULES["CbDiceLoss"](activation="none")(
        torch.tensor(pred)[None, None], torch.tensor(truth == 1)[None, None]
    )
    assert float(found) == pytest.approx(1 - 2 * precision * sensitivity / (precision + sensitivity), rel=1e-6)


def test_the_overlap_weighs_by_how_much_of_an_object_is_border() -> None:
    truth = torch.zeros(1, 1, 14, 14, dtype=torch.float64)
    truth[..., 1:13, 1:13] = 1
    # 44 of 144 voxels at the border: α = 1 - 88/144; T = 36 + 144, I = 72
    found = MODULES["BoundaryDoULoss"](activation="none", smooth=0.0)(truth / 2, truth > 0)
    assert float(found) == pytest.approx(36 / (180 - (2 - 88 / 144) * 72), rel=1e-12)


def test_a_share_of_a_whole_number_of_voxels_is_rounded_neither_up_nor_down() -> None:
    logits = torch.tensor([[[[3.0, 0.0]], [[0.0, 1.0]]]], dtype=torch.float64)
    truth = torch.tensor([[[1, 1]]])
    for rounding in ("floor", "ceil"):
        found = MODULES["TopKCELoss"](k=50.0, rounding=rounding)(logits, truth)
        assert float(found) == pytest.approx(np.log(1 + np.exp(3.0)), rel=1e-12)


def test_nothing_where_nothing_is_costs_nothing_without_a_smoothing_term() -> None:
    nothing = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    assert float(MODULES["BlobLoss"](activation="none", smooth=0.0)(nothing, nothing > 0)) == 0


def test_weights_are_those_of_the_classes_that_are_scored() -> None:
    logits, truth = a_batch()
    each = MODULES["DiceLoss"](activation="softmax", include_background=False, reduction="none")(logits, truth)
    loss = MODULES["DiceLoss"](activation="softmax", include_background=False, class_weights=[5.0, 2.0, 0.5])
    assert float(loss(logits, truth)) == pytest.approx(float((each * torch.tensor([2.0, 0.5])).mean()), rel=1e-12)
