"""Masks that are empty, full, right or wholly wrong, without a constant that smooths a loss; and classes nobody has."""

import warnings

import numpy as np
import pytest
import torch

from segeval import ConfigError, DataError, catalogue
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.evidence.probabilities.probabilities import ProbEvidence
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
    ):
        with pytest.raises(DataError, match=f"{name}: {said} holds 2 numbers, and there are 3 channels"):
            MODULES[name](**knobs)(logits, truth)


@pytest.mark.parametrize(("low", "high", "is_told"), [(0.0, 1.0, True), (0.0, 0.995, True), (0.0, 1.5, False)])
def test_a_mask_given_as_logits_is_told(low: float, high: float, is_told: bool) -> None:
    pred, truth = torch.tensor([[[[low, high], [0.5, high]]]]), torch.tensor([[[0, 1], [0, 1]]])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        MODULES["DiceLoss"]()(pred, truth)
    assert bool(caught) == is_told


def test_a_probability_below_0_by_rounding_is_0() -> None:
    pred, truth = torch.full((1, 1, 2, 2), -5e-7, dtype=torch.float64), torch.tensor([[[0, 1], [0, 0]]])
    loss = MODULES["SensitivitySpecificityLoss"](activation="none", eps=0.0, lambda_=1.0)
    assert float(loss(pred, truth)) == 1.0
    assert float(loss(1 - pred, 1 - truth)) == 0.0
