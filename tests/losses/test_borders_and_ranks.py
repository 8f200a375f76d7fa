"""Losses that weigh voxels by where they lie or rank them, with every knob, evaluated and trained with, by hand."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.spatial.distance import cdist

from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.evidence.probabilities.probabilities import ProbEvidence
from segeval.losses import unet_weight_map
from segeval.losses.training.modules import MODULES

RANDOM = np.random.default_rng(8)
P, Y = RANDOM.uniform(0.02, 0.98, (6, 7)), np.zeros((6, 7), dtype=bool)
Y[1:3, 1:4] = Y[4:6, 5] = True
NOTHING = np.zeros_like(Y)
OBJECTS = ndimage.label(Y, np.ones((3, 3)))[0]


def both(name: str, p: np.ndarray, y: np.ndarray, **knobs: Any) -> list[float]:
    """A loss of one class of one image, evaluated and trained with."""
    loss = MODULES[name](activation="none", reduce_over="case", **knobs)
    maps = ProbMaps.of_array(
        p[None], truth=y.astype(np.uint8), channels=(LabelClass(name="one", ids=(1,)),), partition=1
    )
    evaluated = ProbEvidence.of_maps(maps, classes=(0,)).values(loss.measure.at(**knobs), "class")
    return [float(evaluated[0]), float(loss(torch.tensor(p)[None, None], torch.tensor(y)[None, None]))]


def gap_of(objects: np.ndarray, spacing: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """The distances of every voxel to the two objects, added."""
    places = np.argwhere(np.ones(objects.shape)) * spacing
    return sum(cdist(places, np.argwhere(objects == one) * spacing).min(axis=1) for one in (1, 2)).reshape(
        objects.shape
    )


def balance_of(scheme: str) -> np.ndarray:
    n = np.where(Y, Y.sum(), (~Y).sum())
    return {"none": np.ones(Y.shape), "inverse_frequency": Y.size / (2 * n), "n_minus_nc": (Y.size - n) / Y.size}[
        scheme
    ]


@pytest.mark.parametrize("balance", ["none", "inverse_frequency", "n_minus_nc"])
@pytest.mark.parametrize("border_on", ["background", "all"])
def test_what_lies_between_two_objects_weighs_more(balance: str, border_on: str) -> None:
    costs = -np.log(np.where(Y, P, 1 - P))
    on = np.ones(Y.shape) if border_on == "all" else ~Y
    weights = balance_of(balance) + on * 6 * np.exp(-((gap_of(OBJECTS) / 2.5) ** 2) / 2)
    knobs = {"w0": 6.0, "sigma": 2.5, "class_balance": balance, "border_on": border_on}
    assert unet_weight_map(OBJECTS, **knobs) == pytest.approx(weights, rel=1e-9)  # type: ignore[arg-type]
    for reduction, by in (("mean", Y.size), ("sum", 1), ("weight_mean", weights.sum())):
        found = both("UNetWeightedCELoss", P, Y, reduction=reduction, **knobs)
        assert found == pytest.approx([(weights * costs).sum() / by] * 2, rel=1e-9)
    wide = balance_of(balance) + on * 6 * np.exp(-((gap_of(OBJECTS, (2.0, 0.5)) / 2.5) ** 2) / 2)
    assert unet_weight_map(OBJECTS, spacing=(2.0, 0.5), **knobs) == pytest.approx(wide, rel=1e-9)  # type: ignore[arg-type]


@pytest.mark.parametrize(("reduction", "by"), [("mean", Y.size), ("sum", 1)])
def test_where_the_masks_differ_a_voxel_weighs_by_how_far_apart_their_contours_are(reduction: str, by: int) -> None:
    pred = P >= 0.5
    contours = [np.argwhere(mask & ~ndimage.binary_erosion(mask)) for mask in (pred, Y)]
    weights = 1 + cdist(*contours).min(axis=1).mean() * (pred != Y)
    expected = (weights * -np.log(np.where(Y, P, 1 - P))).sum() / by
    assert both("ShapeAwareLoss", P, Y, reduction=reduction) == pytest.approx([expected] * 2, rel=1e-9)


@pytest.mark.parametrize(("alpha", "erosions"), [(2.0, 1), (0.0, 3), (1.5, 4)])
def test_eroded_errors_weigh_by_how_often_they_were_eroded(alpha: float, erosions: int) -> None:
    p = np.where(Y, 0.03, 0.98)
    p[0] = 0.4
    left, expected = (p - Y) ** 2, 0.0
    for step in range(1, erosions + 1):
        left = (ndimage.convolve(left, ndimage.generate_binary_structure(2, 1) / 5, mode="constant") - 0.5).clip(0)
        spread = left.max() - left.min()
        left = (left - left.min()) / spread if spread else left
        expected += left.mean() * step**alpha
    assert both("HausdorffERLoss", p, Y, alpha=alpha, erosions=erosions) == pytest.approx([expected] * 2, rel=1e-9)


def lovasz(errors: np.ndarray, y: np.ndarray) -> float:
    """The errors in falling order, each times how much the Jaccard loss grows by its voxel."""
    order = np.argsort(-errors.ravel(), kind="stable")
    inside, total, last = y.ravel()[order], 0.0, 0.0
    for k, error in enumerate(errors.ravel()[order]):
        missed, alarms = inside[: k + 1].sum(), (~inside[: k + 1]).sum()
        jaccard = 1 - (y.sum() - missed) / (y.sum() + alarms)
        total += error * (jaccard - last)
        last = jaccard
    return total


@pytest.mark.parametrize("exact", [False, True])
def test_ranked_errors_cost_what_they_add_to_the_jaccard_loss(exact: bool) -> None:
    sign, odds = np.where(Y, 1, -1), np.log(P / (1 - P))
    hinge = lovasz((1 - sign * odds).clip(0), Y)
    for empty in ("value", "skip"):
        assert both("LovaszHingeLoss", P, Y, exact=exact, empty=empty) == pytest.approx([hinge] * 2, rel=1e-9)
    assert both("LovaszHingeLoss", P, NOTHING, exact=exact) == pytest.approx([1 + odds.max()] * 2, rel=1e-9)
    assert both("LovaszHingeLoss", 0 * P + 0.1, NOTHING, exact=exact) == pytest.approx([0.0] * 2, abs=1e-12)
    evaluated, trained = both("LovaszHingeLoss", P, NOTHING, exact=exact, empty="skip")
    assert math.isnan(evaluated)
    assert trained == 0  # of no class
    assert both("LovaszSigmoidLoss", P, Y, exact=exact) == pytest.approx([lovasz(np.abs(P - Y), Y)] * 2, rel=1e-9)
    assert both("LovaszSigmoidLoss", P, NOTHING, exact=exact) == pytest.approx([P.max()] * 2, rel=1e-9)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("classes", ["present", "all"])
def test_ranked_errors_of_channels_are_a_mean_over_those_that_are_there(exact: bool, classes: str) -> None:
    logits, ids = RANDOM.normal(0, 1.5, (3, 4, 5)), RANDOM.integers(0, 2, (4, 5))
    shares = np.exp(logits) / np.exp(logits).sum(0)
    each = [lovasz(np.abs(shares[one] - (ids == one)), ids == one) for one in (0, 1, 2)]
    expected = np.mean(each if classes == "all" else each[:2])
    loss = MODULES["LovaszSoftmaxLoss"](classes=classes, exact=exact)
    assert float(loss(torch.tensor(logits)[None], torch.tensor(ids)[None])) == pytest.approx(expected, rel=1e-9)
    channels = (None, *(LabelClass(name=str(one), ids=(one,)) for one in (1, 2)))
    evidence = ProbEvidence.of_maps(
        ProbMaps.of_array(shares, truth=ids, channels=channels, partition=3), classes=(1, 2)
    )
    of = loss.measure.at(classes=classes, exact=exact)
    assert float(evidence.values(of, "case")) == pytest.approx(expected, rel=1e-9)
