"""Masks that are empty, full, right or wholly wrong, without a constant that smooths a loss; and classes nobody has."""

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from segeval import ConfigError, DataError, catalogue
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.evidence.probabilities.probabilities import ProbEvidence
from segeval.losses.training.gradients import of_rest
from segeval.losses.training.modules import MODULES
from segeval.measure import Measure

NOTHING, ALL, TWO, OTHER = ([int(x) for x in mask] for mask in ("000000", "111111", "011000", "000010"))
SMOOTHED = [
    *((one, {"smooth": 0.0}) for one in catalogue.measures().values() if one.kind == "loss" and "smooth" in one.knobs),
    *((catalogue.find(name), {"eps": 0.0}) for name in ("sensitivity_specificity_loss", "exp_log_loss")),
]
WHOLLY = (
    *("dice_loss", "iou_loss", "tversky_loss", "focal_tversky_loss", "asymmetric_similarity_loss"),
    *("jaccard_metric_loss", "dice_semimetric_loss", "generalized_wasserstein_dice_loss", "boundary_dou_loss"),
)
# an alarm of two of six voxels, a miss of two, an alarm everywhere, a miss of everything, an alarm beside two misses
ONE = (1.0, 1.0, 1.0, 1.0, 1.0)
CROSS_ENTROPY = (200 / 6, 200 / 6, 100.0, 100.0, 50.0)  # -ln 0 is 100
WRONG = {
    **dict.fromkeys(WHOLLY, ONE),
    "log_cosh_dice_loss": tuple(np.log(np.cosh(ONE))),
    "dice_two_class_loss": (1 - 0.8 / 2, 1 - 0.8 / 2, 1.0, 1.0, 1 - 6 / 9 / 2),  # of the rest 8/(4 + 6), 2 · 3/(5 + 4)
    "sensitivity_specificity_loss": (0.95 * 2 / 6, 0.05, 0.95, 0.05, 0.05 + 0.95 / 4),
    # 1/V² of the rest and the class, an absent one weighs as the other does; of the last 1 and 4: 2 · 3/(9 + 4 · 3)
    "generalized_dice_loss": (1 - 8 / 12, 1 - 2 * 4 / (10 + 4 * 2), 1.0, 1.0, 1 - 6 / 21),
    "bce_dice_loss": tuple(1 + cost for cost in CROSS_ENTROPY),
    "dice_ce_loss": tuple(1 + cost for cost in CROSS_ENTROPY),
    "combo_loss": tuple(cost / 2 for cost in CROSS_ENTROPY),
    "dice_topk_loss": (101.0,) * 5,
    "blob_loss": (2.0, 3.0, 2.0, 3.0, 3.0),  # twice the Dice loss, and that of the one object where there is one
}


def evidence_of(pred: list[int], truth: list[int]) -> ProbEvidence:
    one = LabelClass(name="one", ids=(1,))
    probs = np.array([[pred]], dtype=np.float64)
    maps = ProbMaps.of_array(probs, truth=np.array([truth], dtype=np.uint8), channels=(one,), partition=1)
    return ProbEvidence.of_maps(maps, classes=[0])


@pytest.mark.parametrize(("measure", "knobs"), SMOOTHED, ids=[one.name for one, _ in SMOOTHED])
def test_without_smoothing_a_right_mask_costs_nothing_and_a_wrong_one_what_it_is(
    measure: Measure, knobs: dict[str, float]
) -> None:
    call = measure.at(**knobs)

    def values(*pairs: tuple[list[int], list[int]]) -> list[float]:
        return [float(evidence_of(*pair).values(call, "class")[0]) for pair in pairs]

    best = -0.5 if measure.name == "combo_loss" else 0.0
    right = values((NOTHING, NOTHING), (ALL, ALL), (TWO, TWO))
    assert right == pytest.approx([best] * 3, abs=1e-6 if measure.name == "cbdice_loss" else 1e-12)
    if measure.name in WRONG:
        wrong = values((TWO, NOTHING), (NOTHING, TWO), (ALL, NOTHING), (NOTHING, ALL), (OTHER, TWO))
        assert wrong == pytest.approx(WRONG[measure.name])


def test_where_no_class_is_present_the_mean_over_them_is_zero() -> None:
    logits, nothing = torch.zeros(1, 2, 2, 2, requires_grad=True), torch.zeros(1, 2, 2, 2)
    loss = MODULES["DiceLoss"](classes="present")(logits, nothing)
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad is not None
    assert (logits.grad == 0).all()


@pytest.mark.parametrize(("share", "shown"), [(1.5, "1.5"), (-0.25, "-0.25")])
def test_a_share_out_of_range_is_named(share: float, shown: str) -> None:
    with pytest.raises(DataError, match=f"holds {shown}\\."):
        MODULES["DiceLoss"]()(torch.zeros(1, 1, 2, 2), torch.tensor([[[[0.0, 1.0], [0.5, share]]]]))


@pytest.mark.parametrize("label", [7, -2])
def test_a_label_out_of_range_is_named(label: int) -> None:
    with pytest.raises(DataError, match=rf"the label {label}; with 3 classes labels are 0 to 2\."):
        MODULES["CrossEntropyLoss"](activation="softmax")(torch.zeros(1, 3, 2, 2), torch.tensor([[[0, 1], [2, label]]]))
    with pytest.raises(DataError, match=rf"the label {label}; with 2 classes labels are 0 to 1\."):
        MODULES["DiceLoss"]()(torch.zeros(1, 1, 2, 2), torch.tensor([[[0, 1], [1, label]]]))


@pytest.mark.parametrize(("channel", "is_there"), [(2, True), (-3, True), (3, False), (-4, False)])
def test_a_channel_is_named_from_either_end(channel: int, is_there: bool) -> None:
    logits, truth = torch.zeros(1, 3, 2, 2), torch.tensor([[[0, 1], [2, 2]]])
    loss = MODULES["DiceLoss"](classes=[channel])
    if is_there:
        assert torch.isfinite(loss(logits, truth))
    else:
        with pytest.raises(ConfigError, match="names a channel that is not there: there are 3"):
            loss(logits, truth)


@pytest.mark.parametrize("beyond", [1.0 + 5e-6, -5e-6, 1.7])
def test_a_probability_beyond_its_range_by_more_than_rounding_is_refused(beyond: float) -> None:
    truth, probs = torch.tensor([[[0, 1], [1, 1]]]), torch.full((1, 1, 2, 2), 0.5, dtype=torch.float64)
    loss = MODULES["DiceLoss"](activation="none")
    probs[0, 0, 0, 0] = round(beyond) if beyond < 1.5 else 1.0
    assert torch.isfinite(loss(probs + 5e-7 * (probs - 0.5), truth))  # which rounding may do
    probs[0, 0, 0, 0] = beyond
    with pytest.raises(DataError, match="instead of 0 to 1"):
        loss(probs, truth)


@pytest.mark.parametrize("rounding", ["floor", "ceil"])
@pytest.mark.parametrize(
    ("percent", "n_taken"), [(0.0, 1), (20.0, 1), (25.0, 1), (49.0, (1, 2)), (50.0, 2), (100.0, 4)]
)
def test_the_hardest_voxels_of_a_batch_are_at_least_one(
    percent: float, n_taken: int | tuple[int, int], rounding: str
) -> None:
    logits = torch.tensor([[[[0.0, -1.0], [-2.0, -3.0]]]], dtype=torch.float64)
    costs = sorted(torch.nn.functional.softplus(-logits).ravel().tolist(), reverse=True)
    n = n_taken if isinstance(n_taken, int) else n_taken[rounding == "ceil"]
    loss = MODULES["TopKCELoss"](k=percent, rounding=rounding, activation="sigmoid")
    assert float(loss(logits, torch.ones(1, 2, 2, dtype=torch.long))) == pytest.approx(sum(costs[:n]) / n)


def test_weights_of_too_few_channels_are_named() -> None:
    logits, truth = torch.zeros(1, 3, 2, 2), torch.tensor([[[0, 1], [2, 2]]])
    for name, said, knobs in (
        ("DiceLoss", "class_weights", {"class_weights": [1.0, 2.0]}),
        ("GeneralizedDiceLoss", "weight", {"weight": (1.0, 2.0), "activation": "softmax"}),
        ("GeneralizedDiceLoss", "volumes", {"volumes": (1.0, 2.0), "activation": "softmax"}),
        ("DiceFocalLoss", "class_weights", {"class_weights": (1.0, 2.0)}),
    ):
        with pytest.raises(DataError, match=f"{name}: {said} holds 2 numbers, and there are 3 channels"):
            MODULES[name](**knobs)(logits, truth)


@pytest.mark.parametrize(
    ("low", "high", "is_told"),
    [
        *((0.0, 1.0, True), (0.0, 0.995, True), (0.005, 1.0, True)),
        *((0.0, 1.5, False), (0.02, 1.0, False), (0.0, 0.98, False), (-0.1, 1.0, False)),
    ],
)
def test_a_mask_given_as_logits_is_told(low: float, high: float, is_told: bool) -> None:
    pred, truth = torch.tensor([[[[low, high], [0.5, high]]]]), torch.tensor([[[0, 1], [0, 1]]])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        MODULES["DiceLoss"]()(pred, truth)
    assert bool(caught) == is_told


@pytest.mark.parametrize(
    ("first", "second", "is_told"),
    [
        *((0.3, 0.7, True), (0.3, 0.7005, True), (0.3, 0.6995, True), (0.0, 1.0, True)),
        *((0.3, 0.702, False), (0.3, 0.698, False), (-0.1, 1.1, False)),
    ],
)
def test_channels_that_sum_to_1_are_told_as_probabilities(first: float, second: float, is_told: bool) -> None:
    pred, truth = torch.full((1, 2, 2, 2), first, dtype=torch.float64), torch.tensor([[[0, 1], [0, 1]]])
    pred[:, 1] = second
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        MODULES["CrossEntropyLoss"]()(pred, truth)
    assert bool(caught) == is_told


def test_a_probability_below_0_by_rounding_is_0() -> None:
    pred, truth = torch.full((1, 1, 2, 2), -5e-7, dtype=torch.float64), torch.tensor([[[0, 1], [0, 0]]])
    loss = MODULES["SensitivitySpecificityLoss"](activation="none", eps=0.0, lambda_=1.0)
    assert float(loss(pred, truth)) == 1.0
    assert float(loss(1 - pred, 1 - truth)) == 0.0


def evaluated_and_trained(name: str, p: np.ndarray, y: np.ndarray, **knobs: Any) -> list[float]:
    """A loss of one class of one image, by evidence of the map and by the module."""
    one, of = LabelClass(name="one", ids=(1,)), MODULES[name]
    maps = ProbMaps.of_array(p[None, None], truth=y[None].astype(np.uint8), channels=(one,), partition=1)
    trained = of(activation="none", reduce_over="case", **knobs)(
        torch.tensor(p)[None, None, None], torch.tensor(y)[None, None]
    )
    return [
        float(ProbEvidence.of_maps(maps, classes=[0]).values(of.measure.at(**knobs), "class")[0]),
        float(trained),
    ]


P_TRUE = np.array([0.9, 0.2, 0.7, 0.5, 0.05, 0.6])
IS_ONE = np.array([1, 0, 0, 1, 1, 0])
P_ONE = np.where(IS_ONE == 1, P_TRUE, 1 - P_TRUE)


@pytest.mark.parametrize("thresh", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("min_kept", [0, 1, 3, 5, 6, 7])
def test_hard_voxels_are_those_below_the_threshold_or_so_many(thresh: float, min_kept: int) -> None:
    limit = max(thresh, sorted(P_TRUE)[min_kept] if min_kept < 6 else 2.0)
    hard = -np.log(P_TRUE[limit - P_TRUE > 1e-9])
    found = evaluated_and_trained("OHEMCELoss", P_ONE, IS_ONE, thresh=thresh, min_kept=min_kept)
    assert found == pytest.approx([hard.mean() if hard.size else 0.0] * 2, rel=1e-9)


@pytest.mark.parametrize("rounding", ["floor", "ceil"])
@pytest.mark.parametrize("k", [0.0, 10.0, 40.0, 50.0, 60.0, 100.0])
def test_the_costliest_share_of_the_voxels_is_theirs_by_count(k: float, rounding: str) -> None:
    n = max(1, {"floor": math.floor, "ceil": math.ceil}[rounding](6 * k / 100))
    costliest = -np.log(sorted(P_TRUE)[:n])
    found = evaluated_and_trained("TopKCELoss", P_ONE, IS_ONE, k=k, rounding=rounding)
    assert found == pytest.approx([costliest.mean()] * 2, rel=1e-9)


def test_a_correlation_near_0_is_bounded_by_a_millionth_of_the_spread_of_the_truth() -> None:
    # t = s = 1e-8/4, q = 1/4: t - qs = 0.75 s, over the root of 1e-6 q(1-q) since s(1-s) is less than 1e-6
    found = evaluated_and_trained("MCCLoss", np.array([1e-8, 0, 0, 0]), np.array([1, 0, 0, 0]))
    assert [1 - value for value in found] == pytest.approx([0.75 * 0.25e-8 / math.sqrt(1e-6 * 0.1875)] * 2, rel=1e-6)
    # s(1-s) just above it: p = 5e-6 of 4 voxels, s = 1.25e-6
    found = evaluated_and_trained("MCCLoss", np.array([5e-6, 0, 0, 0]), np.array([1, 0, 0, 0]))
    root = math.sqrt(0.1875 * 1.25e-6 * (1 - 1.25e-6))
    assert [1 - value for value in found] == pytest.approx([0.75 * 1.25e-6 / root] * 2, rel=1e-6)


def test_the_weight_from_a_prediction_of_nothing_is_a_million() -> None:
    p, y = np.full(4, 1e-9), np.array([1, 0, 0, 0])
    found = evaluated_and_trained("WeightedBCELoss", p, y, weight="pred_ratio")
    assert found == pytest.approx([(1 - 1e-9) / 1e-6 * -math.log(1e-9) / 4] * 2, rel=1e-6)
    found = evaluated_and_trained("WeightedBCELoss", np.full(4, 1e-5), y, weight="pred_ratio")
    assert found == pytest.approx([(1 - 1e-5) / 1e-5 * -math.log(1e-5) / 4] * 2, rel=1e-6)


@pytest.mark.parametrize(
    ("dtype", "most"), [(torch.float64, 100.0), (torch.float32, -math.log(torch.finfo(torch.float32).tiny))]
)
def test_what_cannot_be_surprises_by_100_or_by_what_its_type_holds(dtype: torch.dtype, most: float) -> None:
    nll = torch.tensor([0.0, math.log(2), math.log(4), 3.0], dtype=dtype)
    expected = [most, math.log(2), math.log(4 / 3), -math.log1p(-math.exp(-3.0))]
    assert of_rest(nll).tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("weight", [-1.0, float("inf"), float("nan")])
def test_a_class_weighs_nothing_or_more(weight: float) -> None:
    logits, truth = torch.randn(1, 2, 2, 2), torch.tensor([[[0, 1], [1, 1]]])
    each = MODULES["DiceLoss"](reduction="none")(logits, truth)[0]
    assert float(MODULES["DiceLoss"](class_weights=[0.0, 3.0])(logits, truth)) == pytest.approx(float(1.5 * each[1]))
    with pytest.raises(ConfigError, match="class_weights are 0 or more"):
        MODULES["DiceLoss"](class_weights=[1.0, weight])


@pytest.mark.parametrize("kind", [torch.int64, torch.int8, torch.float32])
def test_labels_that_nobody_looks_at_are_the_class_unless_they_are_0(kind: torch.dtype) -> None:
    logits, truth = torch.randn(1, 1, 2, 2), torch.tensor([[[0, 1], [1, 1]]])
    loss = MODULES["DiceLoss"](validate=False)
    odd = truth if kind.is_floating_point else torch.tensor([[[0, -1], [7, 1]]])
    assert float(loss(logits, odd.to(kind))) == pytest.approx(float(loss(logits, truth)))


def test_axis_1_is_the_channel_where_the_shapes_show_it() -> None:
    def shape_of(pred: tuple[int, ...], truth: tuple[int, ...], has_channels: bool | None = None) -> list[int]:
        loss = MODULES["DiceLoss"](reduction="none", has_channels=has_channels)
        return list(loss(torch.zeros(pred), torch.ones(truth, dtype=torch.bool)).shape)

    assert shape_of((2, 3, 5), (2, 3, 5)) == [2, 1]
    assert shape_of((2, 3, 5), (2, 3, 5), has_channels=True) == [2, 3]
    assert shape_of((2, 3, 5), (2, 5)) == [2, 3]
    assert shape_of((2, 3, 4, 5), (2, 3, 4, 5)) == [2, 3]
    assert shape_of((2, 3, 4, 5), (2, 3, 4, 5), has_channels=False) == [2, 1]


@pytest.mark.parametrize(
    ("given", "computed"),
    [(torch.float16, torch.float32), (torch.bfloat16, torch.float32), (torch.float64, torch.float64)],
)
def test_logits_of_half_precision_are_summed_in_single(given: torch.dtype, computed: torch.dtype) -> None:
    logits, truth = torch.tensor([[[0.1, -0.7], [1.3, 0.2]]]), torch.tensor([[[0, 1], [1, 1]]])
    found = MODULES["BCELoss"]()(logits.to(given), truth)
    assert found.dtype == computed
    wide = torch.nn.functional.binary_cross_entropy_with_logits(logits.to(given).to(computed), truth.to(computed))
    assert float(found) == pytest.approx(float(wide), rel=1e-6)


def test_a_weight_map_has_one_channel_or_one_for_each() -> None:
    logits, truth = torch.randn(2, 3, 4, 5, dtype=torch.float64), torch.randint(0, 2, (2, 3, 4, 5))
    costs = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth.double(), reduction="none")
    for weights in (torch.rand(2, 3, 4, 5).double(), torch.rand(2, 1, 4, 5).double()):
        found = MODULES["BCELoss"]()(logits, truth, weight_map=weights)
        assert float(found) == pytest.approx(float((weights * costs).mean()))
        by_weight = MODULES["WeightedBCELoss"](weight=1.0, reduction="weight_mean", reduce_over="micro")
        wide = weights.expand_as(costs)
        expected = float((wide * costs).sum() / wide.sum())
        assert float(by_weight(logits, truth, weight_map=weights)) == pytest.approx(expected)
