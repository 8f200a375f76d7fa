"""What is scored as one and how it is averaged, outputs of several sizes, and options that a loss cannot take."""

import itertools
import re
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import config as shape_checks

from segeval import ConfigError, DataError
from segeval.losses.training.modules import MODULES, DeepSupervision, Sum

RANDOM = np.random.default_rng(5)
P = RANDOM.uniform(0.05, 0.95, (2, 3, 4, 5))  # two cases of three channels
Y = RANDOM.random((2, 3, 4, 5)) < 0.4
BCE = -np.log(np.where(Y, P, 1 - P))
GROUPS = {"case": (2, 3), "batch": (0, 2, 3), "micro": (0, 1, 2, 3)}  # the axes that are summed


def given(**options: Any) -> dict[str, Any]:
    return {"activation": "none", **options}


def of(name: str, pred: np.ndarray = P, truth: np.ndarray = Y, **options: Any) -> np.ndarray:
    return MODULES[name](**given(**options))(torch.tensor(pred), torch.tensor(truth)).numpy()


@pytest.mark.parametrize("over", list(GROUPS))
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("class_reduction", ["mean", "sum"])
@pytest.mark.parametrize("classes", ["all", "foreground", [2, 0]])
def test_a_loss_is_averaged_over_its_channels_and_then_over_what_is_scored_as_one(
    over: str, reduction: str, class_reduction: str, classes: Any
) -> None:
    which = {"all": [0, 1, 2], "foreground": [1, 2]}.get(str(classes), classes)
    p, y, axes = P[:, which], Y[:, which], GROUPS[over]
    dice = 1 - 2 * (p * y).sum(axes) / (p + y).sum(axes)
    if over == "batch":
        dice = dice[None]
    dice = dice.reshape(-1, 1) if over == "micro" else dice
    per_group = dice.mean(1) if class_reduction == "mean" else dice.sum(1)
    expected = {"none": dice, "mean": per_group.mean(), "sum": per_group.sum()}[reduction]
    options = {"reduce_over": over, "reduction": reduction, "class_reduction": class_reduction, "classes": classes}
    found = of("DiceLoss", smooth=0.0, **options)
    assert found.shape == np.shape(expected)
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("over", "scope"), [*itertools.product(GROUPS, ["group", "batch"])])
def test_a_weight_is_that_of_the_group_or_of_the_batch(over: str, scope: str) -> None:
    axes = GROUPS[over]
    pooled = GROUPS["batch"] if scope == "batch" and over == "case" else axes
    n, positive = (np.broadcast_to(array.sum(pooled, keepdims=True), Y.shape) for array in (np.ones(Y.shape), Y))
    costs = np.where(Y, (n - positive) / positive, 1) * BCE
    expected = costs.mean(axes).mean()
    assert of("WeightedBCELoss", reduce_over=over, weight_scope=scope) == pytest.approx(expected, rel=1e-9)


def test_volumes_of_the_data_set_weigh_each_channel() -> None:
    volumes = np.array([10.0, 20.0, 50.0])
    weights = ((volumes.sum() - volumes) / volumes)[:, None, None]
    expected = (np.where(Y, weights, 1) * BCE).mean()
    assert of("WeightedBCELoss", volumes=volumes) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_a_probability_beyond_1_by_rounding_costs_nothing(reduction: str) -> None:
    probs, truth = torch.tensor([[[1 + 5e-7], [-5e-7]]]).double(), torch.tensor([[0]])
    for name in ("CrossEntropyLoss", "FocalLoss", "BCELoss"):
        assert MODULES[name](**given(reduction=reduction))(probs, truth).abs().max() == 0


def test_an_output_of_weight_0_is_not_looked_at_and_one_output_is_the_lowest_that_stays() -> None:
    loss, truth = MODULES["DiceLoss"](**given(smooth=0.0)), torch.tensor(Y)
    fine, nonsense = torch.tensor(P), torch.full((2, 3, 2, 2), 7.0, dtype=torch.float64)
    expected = float(loss(fine, truth))
    assert float(DeepSupervision(loss, [2.0, 0.0])([fine, nonsense], truth)) == pytest.approx(expected)
    assert float(DeepSupervision(loss, drop_lowest=True)([fine], truth)) == pytest.approx(expected)
    assert float(DeepSupervision(loss, drop_lowest=True)([fine, nonsense], truth)) == pytest.approx(expected)
    assert float(DeepSupervision(loss)([fine] * 3, truth)) == pytest.approx(expected)
    with pytest.raises(DataError, match="there are 0 outputs and 0 weights"):
        DeepSupervision(loss)([], truth)


@pytest.mark.parametrize("kind", ["ids", "ids with a channel", "masks", "shares"])
def test_a_coarse_truth_is_taken_from_the_nearest_voxel_or_the_mean(kind: str) -> None:
    ids = RANDOM.integers(0, 3, (2, 5, 6))
    masks = np.stack([ids == one for one in range(3)], 1)
    truth: Any = {"ids": ids, "ids with a channel": ids[:, None], "masks": masks, "shares": masks.astype(float)}[kind]
    coarse = RANDOM.uniform(0.1, 0.9, (2, 3, 3, 2))
    rows, columns = [0, 1, 3], [0, 3]  # floor of 5/3 i and of 6/2 i
    small = masks[:, :, rows][..., columns].astype(float)
    if kind == "shares":  # from the floor of 5/3 i up to the ceiling of 5/3 (i + 1)
        parts = [masks[:, :, a:b, c : c + 3].mean((2, 3)) for a, b in ((0, 2), (1, 4), (3, 5)) for c in (0, 3)]
        small = np.stack(parts, -1).reshape(2, 3, 3, 2)
    dice = 1 - 2 * (coarse * small).sum((2, 3)) / (coarse + small).sum((2, 3))
    loss = DeepSupervision(MODULES["DiceLoss"](**given(smooth=0.0)), [0.0, 1.0])
    found = loss([torch.zeros(2, 3, 5, 6), torch.tensor(coarse)], torch.tensor(truth))
    assert float(found) == pytest.approx(dice.mean(), rel=1e-9)


def test_a_sum_takes_whole_numbers_as_weights() -> None:
    parts = [(2, MODULES["DiceLoss"](**given())), (0.5, MODULES["BCELoss"](**given()))]
    expected = 2 * of("DiceLoss") + 0.5 * of("BCELoss")
    assert float(Sum(parts)(torch.tensor(P), torch.tensor(Y))) == pytest.approx(float(expected))
    for wrong in ([(1.0,)], [("1", MODULES["DiceLoss"]())], [(1.0, MODULES["DiceLoss"](), 2.0)]):
        with pytest.raises(ConfigError, match="pairs of a weight and a loss"):
            Sum(wrong)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("DiceLoss", {"activation": "tanh"}, "activation='tanh' is none of sigmoid, softmax and none"),
        ("DiceLoss", {"reduce_over": "cases"}, "reduce_over='cases' is none of case, batch and micro"),
        ("DiceLoss", {"reduction": "average"}, "reduction='average' does not fit; it is mean, sum or none"),
        ("DiceLoss", {"classes": "some"}, "classes='some' is none of all, foreground, present and a list"),
        ("BoundaryLoss", {"reduce_over": "batch"}, "it looks at each image, so reduce_over is case"),
        ("WeightedBCELoss", {"volumes": [1.0, 2.0], "classes": "foreground"}, "leave classes at all"),
        ("DiceLoss", {"class_weights": 2.0}, "class_weights=2.0 is no list of one number per channel"),
        ("DiceLoss", {"class_weights": ["a", 2.0]}, "class_weights=['a', 2.0] is no list of one number per channel"),
        ("GeneralizedWassersteinDiceLoss", {"classes": [1]}, "among all channels; leave classes at all"),
        ("FocalLoss", {"mode": "none"}, "mode='none' is sigmoid or softmax"),
        ("FocalLoss", {"mode": "softmax", "activation": "sigmoid"}, "contradict"),
    ],
)
def test_an_option_that_no_loss_has_is_refused_in_words(
    name: str, options: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shape_checks, "jaxtyping_disable", True)  # which would refuse some of them first
    with pytest.raises(ConfigError, match=re.escape(said)):
        MODULES[name](**options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("DiceLoss", {"activation": "none", "reduce_over": "micro", "reduction": "sum", "classes": "present"}),
        ("WeightedBCELoss", {"volumes": [1.0, 2.0, 3.0], "classes": "present"}),
        ("CrossEntropyLoss", {"activation": "sigmoid", "class_weights": [1.0, 2.0, 3.0]}),
        ("GeneralizedWassersteinDiceLoss", {"activation": "sigmoid", "classes": [1]}),
        ("FocalLoss", {"mode": "softmax", "activation": "softmax"}),
        ("FocalLoss", {"class_alpha": [0.1, 0.5, 2.0], "activation": "softmax"}),
        ("BoundaryLoss", {"reduce_over": "case", "classes": "foreground"}),
    ],
)
def test_options_beside_those_are_taken(name: str, options: dict[str, Any]) -> None:
    loss = MODULES[name](**options)
    pred = torch.tensor(P) if options.get("activation") == "none" else torch.tensor(np.log(P / (1 - P)))
    assert torch.isfinite(loss(pred, torch.tensor(Y.argmax(1)))).all()


@pytest.mark.parametrize("rows", [[[0, 2], [1, 0]], [0, 2, 1, 0], ((0, 2), (1, 0)), np.array([[0, 2], [1, 0]])])
def test_distances_of_classes_are_a_table_or_its_numbers(rows: Any) -> None:
    loss = MODULES["GeneralizedWassersteinDiceLoss"](dist=rows)
    assert loss.knobs["dist"] == (0.0, 2.0, 1.0, 0.0)


def test_the_spacing_of_a_batch_stands_before_that_of_the_loss() -> None:
    pred, truth = torch.tensor(P), torch.tensor(Y)
    plain, wide = MODULES["BoundaryLoss"](**given()), MODULES["BoundaryLoss"](**given(spacing=(2.0, 3.0)))
    assert float(wide(pred, truth, spacing=(1.0, 1.0))) == pytest.approx(float(plain(pred, truth)))
    assert float(plain(pred, truth, spacing=(2.0, 3.0))) == pytest.approx(float(wide(pred, truth)))
    assert float(wide(pred, truth)) != pytest.approx(float(plain(pred, truth)))
    for spacing in ((1.0,), (1.0, 1.0, 1.0)):
        with pytest.raises(DataError, match=rf"spacing holds {len(spacing)} numbers, and images have 2 axes"):
            plain(pred, truth, spacing=spacing)
