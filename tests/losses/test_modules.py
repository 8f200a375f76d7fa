"""The torch modules: found by name, the same numbers as evaluation, and every option does what it says."""

import io
import math
import pickle
import subprocess
import sys
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import segeval
from docs.gradients import grad_table, softmax_jacobian
from segeval import ConfigError, DataError
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.evidence.probabilities.probabilities import ProbEvidence
from segeval.losses.training.modules import DECLARED, MODULES, module_name
from tests.losses.worked import B_PROBS, B_TRUTH, logit

ACROSS = [name for name, module in MODULES.items() if module().looks_across]
ON_MAPS = [name for name, module in MODULES.items() if any(need.on_map for need in module.measure.needs)]
CLASSES = (LabelClass(name="one", ids=(1,)), LabelClass(name="two", ids=(2,)))
LATE = ("CbDiceLoss", "HausdorffERLoss")  # pull nothing before a mask shows: beside Dice


def a_batch(n_channels: int = 3, size: tuple[int, ...] = (2, 6, 5)) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(size[0], n_channels, *size[1:], generator=generator, dtype=torch.float64)
    return logits, torch.randint(0, max(2, n_channels), size, generator=generator)


def module(name: str, **options: Any) -> Any:
    return MODULES[name](**options)


def test_every_declared_loss_is_a_module_found_by_name() -> None:
    assert len(MODULES) == len(DECLARED) == 47
    for one in DECLARED:
        assert getattr(segeval.losses, module_name(one)).measure is one
        assert getattr(segeval.losses, one.name) is one
    assert segeval.losses.JaccardLoss is segeval.losses.IoULoss
    with pytest.raises(AttributeError, match="no attribute 'NoLoss'"):
        _ = segeval.losses.NoLoss


def test_formulas_need_no_torch() -> None:
    code = (
        "import sys, segeval; segeval.losses.tversky_loss, segeval.losses.class_weights; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_module_says_what_it_is_and_survives_saving() -> None:
    loss = segeval.losses.TverskyLoss(alpha=0.2)
    assert repr(loss) == (
        "TverskyLoss(alpha=0.2, beta=0.7, smooth=1e-06, empty='zero', activation='sigmoid', reduce_over='case')"
    )
    assert "price of false positives" in (type(loss).__doc__ or "")
    file = io.BytesIO(pickle.dumps(loss))
    assert repr(pickle.load(file)) == repr(loss)


@pytest.mark.parametrize("name", list(MODULES))
def test_what_is_evaluated_is_what_is_trained_with(name: str) -> None:
    logits, truth = a_batch(size=(1, 6, 5))
    probs = logits.softmax(1)
    maps = ProbMaps.of_array(
        probs[0].numpy(),
        truth=truth[0].numpy(),
        channels=(None, *CLASSES),
        partition=3,
        logits=tuple(logits[0].numpy()),
    )
    evidence = ProbEvidence.of_maps(maps, classes=(1, 2))
    of = MODULES[name].measure
    class_reduction: Any = "sum" if name == "DiceFocalLoss" else None
    alone = [
        float(
            module(name, activation="sigmoid")(torch.logit(p), truth == c)
            if name == "NACLLoss"
            else module(name, activation="none", class_reduction=class_reduction)(p, truth == c)
        )
        for c, p in ((1, probs[:, 1]), (2, probs[:, 2]))
    ]
    assert evidence.values(of.at(), "class").tolist() == pytest.approx(alone, rel=1e-9)
    if "case" in of.levels:
        trained = float(module(name, activation="softmax")(logits, truth))
        assert float(evidence.values(of.at(), "case")) == pytest.approx(trained, rel=1e-9)


@cache
def a_large_case(device: str | None) -> ProbEvidence:
    """More voxels than are summed one by one, so that the engine of the device counts them."""
    logits, truth = a_batch(size=(1, 34, 33, 32))
    maps = ProbMaps.of_array(
        logits[0].softmax(0).numpy(),
        truth=truth[0].numpy(),
        channels=(None, *CLASSES),
        partition=3,
        device=device,
        logits=tuple(logits[0].numpy()),
    )
    return ProbEvidence.of_maps(maps, classes=(1, 2))


@pytest.mark.parametrize("name", list(MODULES))
def test_the_torch_engine_gives_the_value_of_numpy(name: str) -> None:
    measure = MODULES[name].measure
    for level in measure.levels:
        by_numpy, by_torch = (np.asarray(a_large_case(device).values(measure.at(), level)) for device in (None, "cpu"))
        assert np.isfinite(by_numpy).all()
        assert by_torch == pytest.approx(by_numpy, rel=1e-9)


@pytest.mark.parametrize("name", list(MODULES))
def test_a_small_network_learns_with_every_module(name: str) -> None:
    torch.manual_seed(0)
    n_channels = 2 if name in ACROSS else 1
    truth = torch.zeros(2, 16, 16, dtype=torch.long)
    truth[0, 3:9, 4:11] = truth[1, 6:14, 2:8] = 1
    image = truth[:, None] + 0.3 * torch.randn(2, 1, 16, 16)
    network = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, n_channels, 1))
    optimiser, loss = torch.optim.Adam(network.parameters(), lr=0.05), module(name)
    if name in LATE:
        loss = segeval.losses.Sum([(1.0, loss), (1.0, module("DiceLoss"))])
    costs = []
    for _ in range(12):
        optimiser.zero_grad()
        cost = loss(network(image), truth)
        cost.backward()
        optimiser.step()
        costs.append(float(cost.detach()))
    assert costs[-1] < costs[0] - 0.1 * abs(costs[0])


COMPILED = """
import torch
from segeval.losses.training.modules import MODULES

for name in ("WeightedBCELoss", "LovaszSoftmaxLoss", "ExpLogLoss"):
    loss = MODULES[name]()
    logits = torch.randn(2, 3 if loss.looks_across else 1, 4, 5, requires_grad=True)
    truth = torch.randint(0, 2, (2, 4, 5))
    torch.compiler.reset()
    compiled = torch.compile(loss, backend="eager", fullgraph=True)
    costs = compiled(logits, truth), loss(logits, truth)
    slopes = [torch.autograd.grad(cost, logits)[0] for cost in costs]
    assert torch.equal(*costs) and torch.equal(*slopes), name

for name in ("DiceLoss", "CrossEntropyLoss", "BCELoss"):
    activation = "sigmoid" if name == "BCELoss" else "softmax"
    torch.compiler.reset()
    loss = torch.compile(MODULES[name](activation=activation), backend="aot_eager", fullgraph=True)
    logits, truth = torch.randn(2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5))
    loss(logits, truth)
    for wrong in (truth + 3, truth.float() + 0.5, torch.full((2, 3, 4, 5), 1.5)):
        try:
            loss(logits, wrong)
        except RuntimeError as error:
            assert "values that do not fit" in str(error), error
        else:
            raise SystemExit(f"{name} took {wrong.dtype}")
"""


@pytest.mark.slow
def test_modules_compile_without_a_break_and_check_their_truth_too() -> None:
    # in a process of its own, since the shape checks of this one cannot be compiled; one, since torch takes its time
    subprocess.run([sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", COMPILED], check=True)


@pytest.mark.parametrize("name", list(MODULES))
def test_autocast_sums_in_float32(name: str, device: str) -> None:
    logits, truth = (one.to(device) for one in a_batch(3 if name in ACROSS else 1))
    layer = nn.Conv2d(logits.shape[1], logits.shape[1], 1).to(device)
    with torch.autocast(device, dtype=torch.bfloat16):
        pred = layer(logits.float())
        cost = module(name)(pred, truth)
    assert pred.dtype == torch.bfloat16
    assert cost.dtype == torch.float32
    plain = module(name)(pred.float(), truth)
    assert float(cost.detach()) == pytest.approx(float(plain.detach()), rel=1e-6)


def test_voxel_losses_give_maps_and_sums() -> None:
    logits, truth = a_batch(1)
    mask = truth[:, None].double()
    expected = functional.binary_cross_entropy_with_logits(logits, mask, reduction="none")
    found = module("BCELoss", reduction="none")(logits, truth)
    torch.testing.assert_close(found, expected)
    assert float(module("BCELoss", reduction="sum")(logits, truth)) == pytest.approx(float(expected.sum()))
    by_positives = module("BCELoss", reduction="num_pos")(logits, truth)
    assert float(by_positives) == pytest.approx(float(expected.sum() / mask.sum()))
    without_channels = module("BCELoss", reduction="none")(logits[:, 0], truth)
    torch.testing.assert_close(without_channels, expected[:, 0])


@pytest.mark.parametrize(
    "name", ["BCELoss", "WeightedBCELoss", "CrossEntropyLoss", "WeightedCrossEntropyLoss", "FocalLoss"]
)
@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_a_map_of_costs_has_the_sum_of_the_loss(name: str, activation: Any) -> None:
    if activation == "softmax" and name not in ACROSS:
        pytest.skip("scores each channel")
    logits, truth = a_batch(3 if activation == "softmax" else 1)
    costs = module(name, activation=activation, reduction="none")(logits, truth)
    total = module(name, activation=activation, reduction="sum")(logits, truth)
    assert float(costs.sum()) == pytest.approx(float(total), rel=1e-12)
    assert costs.shape == (truth.shape if activation == "softmax" else logits.shape)


def test_class_weights_agree_with_torch() -> None:
    logits, truth = a_batch()
    weights = (0.2, 1.0, 3.0)
    expected = functional.cross_entropy(logits, truth, weight=torch.tensor(weights, dtype=torch.float64))
    found = module("WeightedCrossEntropyLoss", weight=weights, reduction="weight_mean")(logits, truth)
    assert float(found) == pytest.approx(float(expected), rel=1e-12)
    by_voxel = module("WeightedCrossEntropyLoss", weight=weights)(logits, truth)
    summed = functional.cross_entropy(logits, truth, weight=torch.tensor(weights, dtype=torch.float64), reduction="sum")
    assert float(by_voxel) == pytest.approx(float(summed) / truth.numel(), rel=1e-12)


@pytest.mark.parametrize("weight", ["target_ratio", "n_minus_nc", 0.0])
def test_where_no_voxel_weighs_anything_a_weighted_mean_takes_all_alike(weight: Any) -> None:
    # the class fills the image, so its weight is 0 and no other voxel is there: the plain mean, -ln 0.8
    p = torch.full((1, 1, 4, 4), 0.8, dtype=torch.float64, requires_grad=True)
    full = torch.ones(1, 4, 4, dtype=torch.long)
    loss = module("WeightedBCELoss", weight=weight, reduction="weight_mean", activation="none")(p, full)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(-math.log(0.8), rel=1e-12)
    assert p.grad is not None
    assert p.grad.flatten().tolist() == pytest.approx([-1 / 0.8 / 16] * 16, rel=1e-12)


def test_a_weighted_cross_entropy_of_one_class_is_the_plain_one() -> None:
    # of the only class n_minus_nc weighs nothing
    logits, _ = a_batch()
    truth = torch.ones(2, 6, 5, dtype=torch.long)
    loss = module("WeightedCrossEntropyLoss", weight="n_minus_nc", reduction="weight_mean")(logits, truth)
    assert float(loss) == pytest.approx(float(functional.cross_entropy(logits, truth)), rel=1e-6)


def test_an_ignored_label_is_that_of_torch() -> None:
    logits, truth = a_batch()
    truth[0, :2] = 255
    expected = functional.cross_entropy(logits, truth, ignore_index=255)
    assert float(module("CrossEntropyLoss", ignore_index=255)(logits, truth)) == pytest.approx(float(expected))


def test_classes_choose_the_channels_of_the_mean() -> None:
    logits, truth = a_batch()
    truth[truth == 2] = 1

    def dice(**options: Any) -> Any:
        return module("DiceLoss", activation="softmax", reduce_over="batch", **options)(logits, truth)

    each = dice(reduction="none")[0]
    assert each.shape == (3,)
    assert float(dice()) == pytest.approx(float(each.mean()))
    assert float(dice(classes="foreground")) == pytest.approx(float(each[1:].mean()))
    assert float(dice(classes="present")) == pytest.approx(float(each[:2].mean()))
    assert float(dice(classes=[2, 0])) == pytest.approx(float(each[[2, 0]].mean()))
    assert float(dice(class_reduction="sum")) == pytest.approx(float(each.sum()))
    weights = torch.tensor([1.0, 2.0, 0.5]).double()
    assert float(dice(class_weights=[1.0, 2.0, 0.5])) == pytest.approx(float((weights * each).mean()))


def test_an_empty_class_is_zero_skipped_or_shown() -> None:
    pred, truth = torch.zeros(1, 2, 4, dtype=torch.float64), torch.zeros(1, 4, dtype=torch.long)
    pred[:, 0] = 0.5

    def dice(empty: str) -> float:
        options: Any = {"activation": "none", "smooth": 0.0, "has_channels": True}
        return float(module("DiceLoss", empty=empty, **options)(pred, truth))

    of_background = 1 - 4 / 6
    assert dice("zero") == pytest.approx(of_background / 2)
    assert dice("skip") == pytest.approx(of_background)
    assert np.isnan(dice("nan"))


def test_weights_come_from_the_group_the_batch_or_the_data_set() -> None:
    logits, truth = a_batch(1)
    truth[0] = 0
    truth[0, 0, 0] = 1

    def cost(**options: Any) -> float:
        return float(module("WeightedBCELoss", reduce_over="case", **options)(logits, truth))

    counts = truth.flatten(1).sum(1)
    plain = [
        [float(module("WeightedBCELoss", weight=weight)(logits[i : i + 1], truth[i : i + 1])) for weight in (0, 1)]
        for i in (0, 1)
    ]
    by_weight = [lambda weight, pair=pair: pair[0] + weight * (pair[1] - pair[0]) for pair in plain]
    ratios = [(30 - int(one)) / int(one) for one in counts]
    assert cost() == pytest.approx(sum(of(ratio) for of, ratio in zip(by_weight, ratios, strict=True)) / 2)
    pooled = (60 - int(counts.sum())) / int(counts.sum())
    assert cost(weight_scope="batch") == pytest.approx(sum(of(pooled) for of in by_weight) / 2)
    assert cost(volumes=(900.0, 100.0)) == pytest.approx(sum(of(9.0) for of in by_weight) / 2)


@pytest.mark.parametrize("name", ["ExpLogLoss", "WeightedCrossEntropyLoss", "GeneralizedDiceLoss"])
def test_volumes_of_the_data_set_replace_those_of_the_batch(name: str) -> None:
    logits, truth = a_batch()
    own = torch.bincount(truth.flatten(), minlength=3).double()
    of_batch = module(name, reduce_over="batch")(logits, truth)
    assert float(module(name, reduce_over="batch", volumes=own.tolist())(logits, truth)) == pytest.approx(
        float(of_batch)
    )
    assert float(module(name, reduce_over="batch", volumes=(1.0, 50.0, 900.0))(logits, truth)) != pytest.approx(
        float(of_batch)
    )


@pytest.mark.parametrize("name", ["ExpLogLoss", "GeneralizedDiceLoss"])
def test_volumes_of_the_data_set_serve_a_single_channel_too(name: str) -> None:
    logits, truth = a_batch(1)
    own = torch.bincount(truth.flatten(), minlength=2).double().tolist()
    of_batch = module(name, reduce_over="batch", activation="sigmoid")(logits, truth)
    known = module(name, reduce_over="batch", activation="sigmoid", volumes=own)(logits, truth)
    assert float(known) == pytest.approx(float(of_batch))


def test_a_mask_leaves_structures_out_that_are_not_annotated() -> None:
    logits, truth = a_batch()
    mask = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]], dtype=torch.float64)
    first = module("DiceFocalLoss", class_weights=(1.0, 1.0, 0.0))(logits[:1], truth[:1])
    second = module("DiceFocalLoss")(logits[1:], truth[1:])
    found = module("DiceFocalLoss")(logits, truth, class_mask=mask)
    assert float(found) == pytest.approx(float(first + second) / 2)
    weighted = module("DiceFocalLoss", class_weights=(1.0, 1.0, 0.0))(
        logits, truth, class_mask=torch.ones(2, 3).double()
    )
    assert float(weighted) == pytest.approx(
        float(module("DiceFocalLoss", class_weights=(1.0, 1.0, 0.0))(logits, truth))
    )


def test_fractional_truth_is_shared_out() -> None:
    p = torch.tensor([[0.2, 0.7, 0.9, 0.4]], dtype=torch.float64)
    y = torch.tensor([[0.1, 0.7, 0.6, 0.0]], dtype=torch.float64)
    options: Any = {"activation": "none", "smooth": 0.0}
    product = 1 - 2 * (p * y).sum() / (p + y).sum()
    assert float(module("DiceLoss", **options)(p, y)) == pytest.approx(float(product))
    squared = 1 - 2 * (p * y).sum() / (p**2 + y**2).sum()
    assert float(module("DiceLoss", denominator="squared", **options)(p, y)) == pytest.approx(float(squared))
    shared = 1 - 2 * torch.minimum(p, y).sum() / (p + y).sum()
    assert float(module("DiceLoss", soft_target="l1", **options)(p, y)) == pytest.approx(float(shared))
    assert float(module("DiceLoss", soft_target="l1", **options)(y, y)) == pytest.approx(0, abs=1e-12)
    costs = functional.binary_cross_entropy(p, y, reduction="none")
    assert float(module("BCELoss", activation="none")(p, y)) == pytest.approx(float(costs.mean()))
    torch.testing.assert_close(module("BCELoss", activation="none", reduction="none")(p, y), costs)


@pytest.mark.parametrize("name", [name for name in MODULES if name not in ON_MAPS])
def test_a_floating_mask_is_the_mask(name: str) -> None:
    logits, truth = a_batch(3 if name in ACROSS else 1)
    masks = torch.stack([truth == c for c in range(3)], dim=1) if name in ACROSS else truth[:, None] == 1
    expected = float(module(name)(logits, truth))
    for soft_target in ("product", "l1"):
        found = module(name, soft_target=soft_target)(logits, masks.double())
        assert float(found) == pytest.approx(expected, rel=1e-9)


def test_a_weight_map_weighs_voxels() -> None:
    logits, truth = a_batch(1)
    weights = torch.rand(2, 6, 5, generator=torch.Generator().manual_seed(5)).double()
    costs = functional.binary_cross_entropy_with_logits(logits[:, 0], truth.double(), reduction="none")
    found = module("BCELoss")(logits, truth, weight_map=weights)
    assert float(found) == pytest.approx(float((weights * costs).mean()))
    by_weight = module("WeightedBCELoss", weight=1, reduction="weight_mean")(logits, truth, weight_map=weights)
    assert float(by_weight) == pytest.approx(float((weights * costs).sum() / weights.sum()))


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_border_weights_are_those_of_the_weight_map(activation: Any) -> None:
    truth = torch.zeros(1, 12, 12, dtype=torch.long)
    truth[0, 2:5, 2:5] = truth[0, 7:10, 6:10] = 1
    logits = a_batch(1, size=(1, 12, 12))[0]
    objects = truth.clone()
    objects[0, 7:10, 6:10] = 2
    weights = torch.from_numpy(segeval.losses.unet_weight_map(objects[0].numpy()))[None]
    costs = functional.binary_cross_entropy_with_logits(logits[:, 0], truth.double(), reduction="none")
    pred = torch.cat([torch.zeros_like(logits), logits], dim=1) if activation == "softmax" else logits
    found = module("UNetWeightedCELoss", activation=activation)
    assert float(found(pred, truth)) == pytest.approx(float((weights * costs).mean()), rel=1e-9)
    assert float(found(pred, truth, objects=objects)) == pytest.approx(float((weights * costs).mean()), rel=1e-9)
    assert float(found(pred, truth, objects=truth)) < float(found(pred, truth))  # one object has no gap


def test_shape_aware_costs_more_where_contours_part() -> None:
    truth = torch.zeros(1, 12, 12, dtype=torch.long)
    truth[0, 3:8, 3:8] = 1
    near, far = (torch.full((1, 12, 12), -2.0) for _ in range(2))
    near[0, 3:8, 3:9] = far[0, 3:8, 3:12] = 2.0
    plain, aware = module("BCELoss"), module("ShapeAwareLoss")
    extra = [float(aware(pred, truth)) / float(plain(pred, truth)) for pred in (near, far)]
    assert 1 < extra[0] < extra[1]
    assert float(aware(-near.abs(), truth)) == pytest.approx(float(plain(-near.abs(), truth)))  # no predicted contour


def test_dice_with_softmax_adds_cross_entropy() -> None:
    logits, truth = a_batch()
    found = segeval.losses.BCEDiceLoss(activation="softmax", w_bce=0.5)(logits, truth)
    parts = 0.5 * module("CrossEntropyLoss")(logits, truth) + module("DiceLoss", activation="softmax")(logits, truth)
    assert float(found) == pytest.approx(float(parts))


def test_multi_class_focal_weighs_the_true_class() -> None:
    logits, truth = a_batch()
    log_p = logits.log_softmax(1).gather(1, truth[:, None])[:, 0]
    costs = -((1 - log_p.exp()) ** 2) * log_p
    for options in ({"activation": "softmax"}, {"mode": "softmax"}):
        found = module("FocalLoss", alpha=None, **options)(logits, truth)
        assert float(found) == pytest.approx(float(costs.mean()))
    weights = torch.tensor([0.1, 0.5, 2.0]).double()
    expected = float((weights[truth] * costs).mean())
    for options in ({"class_alpha": weights.tolist()}, {"alpha": weights}):
        assert float(module("FocalLoss", mode="softmax", **options)(logits, truth)) == pytest.approx(expected)
    of_classes = torch.tensor([0.9, 0.1, 0.1]).double()
    found = module("FocalLoss", mode="softmax", alpha=0.1)(logits, truth)
    assert float(found) == pytest.approx(float((of_classes[truth] * costs).mean()))


def test_focal_of_two_softmax_channels_is_that_of_one_sigmoid() -> None:
    logits, truth = a_batch(1)
    two = torch.cat([torch.zeros_like(logits), logits], dim=1)
    for options in ({}, {"alpha": 0.9, "gamma": 1.5}, {"alpha": None}):
        of_one = float(module("FocalLoss", **options)(logits, truth))
        assert float(module("FocalLoss", mode="softmax", **options)(two, truth)) == pytest.approx(of_one, rel=1e-12)
    with pytest.raises(ConfigError, match="contradict"):
        module("FocalLoss", mode="sigmoid", activation="softmax")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"gama": 2}, "focal_loss has no knob 'gama'"),
        ({"alpha": 2}, "alpha=2 is out of range; alpha is between 0 and 1"),
        ({"gamma": -1}, "gamma=-1 is out of range; gamma is 0 or more"),
        ({"reduction": "average"}, "reduction=average does not fit"),
    ],
)
def test_a_wrong_option_says_what_is_right(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        module("FocalLoss", **options)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("DiceLoss", {"reduction": "num_pos"}, "it is mean, sum or none"),
        ("BCEDiceLoss", {"reduction": "none"}, "has no map"),
        ("BCEDiceLoss", {"reduction": "num_pos", "activation": "softmax"}, "every voxel is a positive"),
        ("GeneralizedDiceLoss", {"reduce_over": "micro"}, "looks across channels"),
        ("CrossEntropyLoss", {"class_weights": [1.0, 2.0]}, "a parameter of the loss"),
        ("ExpLogLoss", {"volumes": [1.0, 2.0], "classes": [1]}, "leave classes at all"),
    ],
)
def test_options_that_do_not_fit_the_loss_are_refused(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}.*{said}"):
        module(name, **options)


def test_inputs_that_a_loss_has_no_use_for_are_refused() -> None:
    logits, truth = a_batch(1)
    with pytest.raises(ConfigError, match="DiceLoss: it has no voxel costs"):
        module("DiceLoss")(logits, truth, weight_map=truth)
    with pytest.raises(ConfigError, match="no borders between objects"):
        module("BCELoss")(logits, truth, objects=truth)
    with pytest.raises(ConfigError, match="no class_mask"):
        module("DiceLoss")(logits, truth, class_mask=torch.ones(2, 1))
    with pytest.raises(DataError, match=r"truth cannot be fractional. Pass masks, such as truth > 0.5"):
        module("ShapeAwareLoss")(logits, torch.rand(logits.shape))


@pytest.mark.parametrize(
    "name", ["ShapeAwareLoss", "UNetWeightedCELoss", "BoundaryLoss", "CbDiceLoss", "SoftClDiceLoss"]
)
def test_masks_may_come_as_floats(name: str) -> None:
    logits, truth = a_batch()
    one_hot = torch.nn.functional.one_hot(truth, 3).movedim(-1, 1)
    loss = module(name)
    assert float(loss(logits, one_hot.double())) == pytest.approx(float(loss(logits, one_hot.bool())))
    soft = one_hot * 0.6 + 0.2
    with pytest.raises(DataError, match=r"such as truth > 0.5"):
        loss(logits, soft)
    assert float(loss(logits, soft > 0.5)) == pytest.approx(float(loss(logits, one_hot.bool())))


def test_tensors_that_do_not_fit_are_refused() -> None:
    logits, truth = a_batch()
    with pytest.raises(DataError, match=r"label 3; with 3 classes labels are 0 to 2.*ignore_index"):
        module("CrossEntropyLoss")(logits, truth + 1)
    with pytest.raises(DataError, match=r"\(2, 3, 6, 5\) and truth \(2, 6, 4\)"):
        module("CrossEntropyLoss")(logits, truth[..., :4])
    with pytest.raises(DataError, match="instead of 0 to 1"):
        module("DiceLoss", activation="none")(logits, truth)
    with pytest.raises(DataError, match="instead of 0 to 1"):
        module("DiceLoss", activation="none")(logits * torch.nan, truth)
    with pytest.raises(DataError, match="a share from 0 to 1"):
        module("DiceLoss")(logits, 2.0 * torch.ones_like(logits))
    with pytest.raises(DataError, match="label 2; with 2 classes"):
        module("DiceLoss")(logits[:, :1], truth)


def test_a_grad_table_has_the_slopes_by_probability_and_logit() -> None:
    table = grad_table(segeval.losses.bce_loss, B_PROBS, B_TRUTH)
    assert table.dL_dz == pytest.approx((B_PROBS - B_TRUTH) / 8)
    assert table.dL_dp * B_PROBS * (1 - B_PROBS) == pytest.approx(table.dL_dz)
    assert (table.p.tolist(), table.y.astype(int).tolist()) == (B_PROBS.tolist(), B_TRUTH.tolist())
    steep = grad_table(segeval.losses.tversky_loss.at(beta=0.9), B_PROBS, B_TRUTH)
    assert (steep.dL_dp[:3] < 0).all()
    with pytest.raises(DataError, match="one class of one image"):
        grad_table(segeval.losses.bce_loss, B_PROBS, B_TRUTH[:3])


def test_the_softmax_jacobian_is_that_of_autograd() -> None:
    z = logit(B_PROBS[:4])
    expected = torch.autograd.functional.jacobian(lambda z: z.softmax(0), torch.from_numpy(z))
    np.testing.assert_allclose(softmax_jacobian(z), expected.numpy(), atol=1e-12)
