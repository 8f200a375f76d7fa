"""What goes wrong in training is said or shows in the number: no loss is silently right, and no raw error leaks."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import segeval
from segeval import ConfigError, DataError
from segeval.losses.training.modules import MODULES

ACROSS = [name for name, module in MODULES.items() if module().looks_across]
ON_MAPS = [name for name, module in MODULES.items() if any(need.on_map for need in module.measure.needs)]
modules = pytest.mark.parametrize("name", list(MODULES))


def a_batch(n_channels: int = 3, size: tuple[int, ...] = (2, 6, 5)) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(size[0], n_channels, *size[1:], generator=generator, dtype=torch.float64)
    return logits, torch.randint(0, max(2, n_channels), size, generator=generator)


def activations(name: str) -> list[Any]:
    return ["sigmoid", "softmax"] if name in ACROSS or name in ("DiceLoss", "BCEDiceLoss") else ["sigmoid"]


@modules
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("where", ["one logit", "all logits"])
def test_a_logit_that_is_no_number_makes_the_loss_none(name: str, bad: float, where: str) -> None:
    for activation in activations(name):
        logits, truth = a_batch(3 if activation == "softmax" else 1)
        if where == "one logit":
            logits[0, -1, 0, 0] = bad
        else:
            logits[:] = bad
        cost = MODULES[name](activation=activation)(logits, truth)
        assert torch.isnan(cost), activation


@modules
def test_a_case_without_a_voxel_that_counts_leaves_the_mean(name: str) -> None:
    for activation in activations(name):
        logits, truth = a_batch(3 if activation == "softmax" else 1)
        truth[0] = 255
        logits[0] = float("nan")
        logits.requires_grad_()
        loss = MODULES[name](activation=activation, ignore_index=255)
        cost = loss(logits, truth)
        alone = MODULES[name](activation=activation)(logits[1:], truth[1:])
        assert float(cost.detach()) == pytest.approx(float(alone.detach()), rel=1e-9), activation
        assert int(loss.n_valid) == 1
        cost.backward()
        assert logits.grad is not None
        assert (logits.grad[0] == 0).all()
        assert torch.isfinite(logits.grad[1]).all()


@modules
def test_a_batch_without_a_voxel_that_counts_is_zero_and_pulls_nothing(name: str) -> None:
    logits, truth = a_batch(3 if name in ACROSS else 1)
    logits.requires_grad_()
    loss = MODULES[name](ignore_index=255)
    cost = loss(logits, torch.full_like(truth, 255))
    cost.backward()
    assert float(cost.detach()) == 0
    assert int(loss.n_valid) == 0
    assert logits.grad is not None
    assert (logits.grad == 0).all()


def test_without_a_mean_an_ignored_case_is_undefined() -> None:
    logits, truth = a_batch()
    truth[0] = 255
    each = MODULES["DiceLoss"](activation="softmax", ignore_index=255, reduction="none")(logits, truth)
    assert each.isnan().tolist() == [[True] * 3, [False] * 3]


@modules
def test_ignored_logits_have_no_effect_whatever_they_are(name: str) -> None:
    logits, truth = a_batch(3 if name in ACROSS else 1)
    truth[0, :2] = 255
    wild = logits.clone()
    wild[0, :, 0], wild[0, :, 1] = float("nan"), float("inf")
    loss = MODULES[name](ignore_index=255)
    assert float(loss(wild, truth)) == pytest.approx(float(loss(logits, truth)), rel=1e-12)


@pytest.mark.parametrize("name", ACROSS)
def test_a_softmax_over_one_channel_is_refused_with_the_way(name: str) -> None:
    logits, truth = a_batch(1)
    for shape in (truth, truth[:, None]):
        with pytest.raises(DataError, match="pass activation='sigmoid'"):
            MODULES[name](activation="softmax")(logits, shape)
    assert torch.isfinite(MODULES[name](activation="sigmoid")(logits, truth))  # the way


@modules
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.uint8, torch.int16, torch.uint16, torch.int64])
def test_class_ids_may_have_any_type_and_a_channel_axis(name: str, dtype: torch.dtype) -> None:
    for activation in activations(name):
        logits, truth = a_batch(3)
        loss = MODULES[name](activation=activation)
        expected = float(loss(logits, truth))
        assert float(loss(logits, truth.to(dtype))) == pytest.approx(expected, rel=1e-12)
        assert float(loss(logits, truth[:, None].to(dtype))) == pytest.approx(expected, rel=1e-12)


def test_floating_ids_are_whole_and_shares_have_the_shape_of_pred() -> None:
    logits, truth = a_batch()
    for shape in (truth, truth[:, None]):
        with pytest.raises(DataError, match=r"Class ids are whole numbers.*0\.5.*Shares need the shape of pred"):
            MODULES["DiceLoss"](activation="softmax")(logits, shape * 0.5)
    shares = torch.softmax(logits, 1)
    assert torch.isfinite(MODULES["DiceLoss"](activation="softmax")(logits, shares))  # the way


@pytest.mark.parametrize("name", ["DiceLoss", "CrossEntropyLoss", "BCELoss"])
def test_probabilities_in_place_of_logits_are_told_once(name: str) -> None:
    logits, truth = a_batch()
    activation: Any = "sigmoid" if name == "BCELoss" else "softmax"
    loss = MODULES[name](activation=activation)
    with pytest.warns(UserWarning, match="looks like probabilities.*activation='none'"):
        loss(logits.softmax(1), truth)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss(logits.softmax(1), truth)
        MODULES[name](activation="none")(logits.softmax(1), truth)  # the way
        MODULES[name](activation=activation)(torch.zeros_like(logits), truth)  # a network that has not begun


@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor])
def test_class_weights_are_any_list_of_numbers(kind: Any) -> None:
    logits, truth = a_batch()
    loss = MODULES["DiceLoss"](activation="softmax", class_weights=kind([1.0, 2.0, 0.5]))
    each = MODULES["DiceLoss"](activation="softmax", reduction="none")(logits, truth)
    assert float(loss(logits, truth)) == pytest.approx(float((each * torch.tensor([1.0, 2.0, 0.5])).mean()))
    cross = MODULES["WeightedCrossEntropyLoss"](weight=kind([1.0, 2.0, 0.5]))
    assert float(cross(logits, truth)) == pytest.approx(
        float(MODULES["WeightedCrossEntropyLoss"](weight=(1.0, 2.0, 0.5))(logits, truth))
    )
    assert loss.to(torch.float32).class_weights.dtype == torch.float32
    assert loss.state_dict() == {}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("DiceLoss", {"activation": "softmax", "class_weights": [1.0, 2.0]}),
        ("BCELoss", {"class_weights": [1.0, 2.0]}),
        ("WeightedCrossEntropyLoss", {"weight": [1.0, 2.0]}),
        ("GeneralizedDiceLoss", {"weight": [1.0, 2.0, 3.0, 4.0]}),
        ("DiceFocalLoss", {"class_weights": [1.0, 2.0]}),
        ("FocalLoss", {"activation": "softmax", "class_alpha": [1.0, 2.0, 3.0, 4.0]}),
        ("ExpLogLoss", {"volumes": [1.0, 2.0]}),
    ],
)
def test_a_wrong_number_of_weights_is_told_with_both_numbers(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"holds \d numbers, and there are 3 channels"):
        MODULES[name](**options)(*a_batch())


def test_the_background_is_left_out_in_two_ways() -> None:
    logits, truth = a_batch()
    loss = MODULES["DiceLoss"]
    expected = loss(activation="softmax", classes="foreground")(logits, truth)
    assert torch.equal(loss(activation="softmax", include_background=False)(logits, truth), expected)
    with pytest.raises(ConfigError, match="there is one channel, which is no background"):
        loss(include_background=False)(*a_batch(1))
    with pytest.raises(ConfigError, match="contradict"):
        loss(include_background=False, classes="all")
    with pytest.raises(ConfigError, match=r"names a channel that is not there: there are 3"):
        loss(classes=[3])(logits, truth)


@pytest.mark.parametrize(
    ("option", "way"),
    [
        ({"softmax": True}, "activation='softmax'"),
        ({"batch": True}, "reduce_over='batch'"),
        ({"to_onehot_y": True}, "class ids are taken as they are"),
        ({"activations": "softmax"}, "Did you mean 'activation'"),
        ({"smoth": 1}, "Did you mean 'smooth'"),
        ({"sigmoid": True, "smoth": 1}, "'sigmoid'. Here it is activation='sigmoid'"),
        ({"smoth": 1, "activations": "softmax"}, "'smoth'. Did you mean 'smooth'"),
    ],
)
def test_an_unknown_keyword_lists_all_that_are_accepted(option: dict[str, Any], way: str) -> None:
    with pytest.raises(ConfigError, match=way) as caught:
        MODULES["DiceLoss"](**option)
    for accepted in ("smooth", "denominator", "activation", "class_weights", "include_background", "ignore_index"):
        assert accepted in str(caught.value)


@pytest.mark.parametrize(
    ("pred", "truth", "said"),
    [
        (lambda x, y: [x, x], lambda x, y: y, "pred is a list of 2.*DeepSupervision"),
        (lambda x, y: x.numpy(), lambda x, y: y, "pred is a ndarray, not a torch tensor"),
        (lambda x, y: x, lambda x, y: y.numpy(), "truth is a ndarray"),
        (lambda x, y: x.long(), lambda x, y: y, "pred holds torch.int64.*float"),
        (lambda x, y: x, lambda x, y: y.to(torch.complex64), "truth holds torch.complex64"),
        (lambda x, y: x, lambda x, y: y.to("meta"), "pred is on cpu and truth on meta.*truth.to"),
        (lambda x, y: x, lambda x, y: y[..., :3], r"pred has shape \(2, 3, 6, 5\) and truth \(2, 6, 3\)"),
        (lambda x, y: x, lambda x, y: y[:1], r"truth \(1, 6, 5\)"),
        (lambda x, y: x, lambda x, y: torch.stack([y, y], 1), r"truth \(2, 2, 6, 5\)"),
        (lambda x, y: x[0, 0, 0], lambda x, y: y[0, 0], r"pred has shape \(5,\)"),
        (lambda x, y: x[:0], lambda x, y: y[:0], "holds no voxel"),
    ],
)
@pytest.mark.parametrize("name", ["DiceLoss", "CrossEntropyLoss"])
def test_what_is_no_batch_is_refused_in_words(pred: Any, truth: Any, said: str, name: str) -> None:
    logits, ids = a_batch()
    with pytest.raises(DataError, match=said):
        MODULES[name](activation="softmax")(pred(logits, ids), truth(logits, ids))


def test_a_truth_of_too_few_axes_is_told_with_the_shape_that_pred_has() -> None:
    with pytest.raises(DataError, match=r"pred has shape \(2, 3, 5\) and truth \(5,\)"):
        MODULES["DiceLoss"](activation="sigmoid")(torch.zeros(2, 3, 5), torch.zeros(5).long())


def test_a_weight_map_of_another_shape_is_refused() -> None:
    with pytest.raises(DataError, match="weight_map has shape"):
        MODULES["BCELoss"]()(*a_batch(), weight_map=torch.ones(2, 6, 4))


def test_values_are_not_looked_at_without_validate() -> None:
    logits, truth = a_batch()
    MODULES["DiceLoss"](activation="none", validate=False)(logits, truth)
    with pytest.raises(DataError, match="instead of 0 to 1"):
        MODULES["DiceLoss"](activation="none")(logits, truth)


def test_dice_and_cross_entropy_take_a_softmax_by_default() -> None:
    logits, truth = a_batch()
    loss = segeval.losses.DiceCELoss
    assert torch.equal(loss()(logits, truth), loss(activation="softmax")(logits, truth))
    assert torch.isfinite(loss(activation="sigmoid")(*a_batch(1)))


@modules
def test_gradients_stay_finite_at_saturated_logits(name: str) -> None:
    logits, truth = a_batch(3 if name in ACROSS else 1)
    for level in (-80.0, 0.0, 80.0):
        for masks in (truth, torch.zeros_like(truth), torch.ones_like(truth)):
            pred = torch.where(logits > 0, level, -level).requires_grad_()
            MODULES[name]()(pred, masks).backward()
            assert pred.grad is not None
            assert torch.isfinite(pred.grad).all(), (level, name)


def test_a_loss_of_logits_refuses_probabilities() -> None:
    with pytest.raises(ConfigError, match="probabilities do not tell: activation is softmax or sigmoid"):
        MODULES["NACLLoss"](activation="none")
    with pytest.raises(ConfigError, match="leave classes at all"):
        MODULES["NACLLoss"](include_background=False)
