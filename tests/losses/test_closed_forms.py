"""Autograd against the derivatives that the papers print or should have printed, on random maps."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import segeval
from docs.gradients import GradTable, grad_table
from segeval.measure import MeasureCall

RANDOM = np.random.default_rng(4)
P = RANDOM.uniform(0.02, 0.98, 40)
Y = (RANDOM.random(40) < 0.3).astype(float)
N = P.size
BOTH, SHARED = P.sum() + Y.sum(), (P * Y).sum()  # S and I of the papers
SIGN = 2 * Y - 1
P_TRUE = np.where(Y > 0, P, 1 - P)


def table(name: str, **knobs: Any) -> GradTable:
    loss: MeasureCall = getattr(segeval.losses, name).at(**knobs)
    return grad_table(loss, P, Y > 0)


def focal(gamma: float, alpha: float) -> np.ndarray:
    weight = np.where(Y > 0, alpha, 1 - alpha)
    return weight * SIGN * (1 - P_TRUE) ** gamma * (gamma * P_TRUE * np.log(P_TRUE) + P_TRUE - 1) / N


def tversky(alpha: float, beta: float) -> np.ndarray:
    tp, fp, fn = SHARED, (P * (1 - Y)).sum(), ((1 - P) * Y).sum()
    whole = tp + alpha * fp + beta * fn
    return -(Y * whole - (Y + alpha * (1 - Y) - beta * Y) * tp) / whole**2


def generalized_dice() -> np.ndarray:
    """The printed gradient of arXiv:1707.03237 with a plus sign: as printed it is that of the score."""
    front, back = 1 / Y.sum() ** 2, 1 / (N - Y.sum()) ** 2
    top = (front**2 - back**2) * (SHARED - Y * BOTH) + N * back * (front + back) * (1 - 2 * Y)
    return 2 * top / ((front - back) * BOTH + 2 * N * back) ** 2


def two_class() -> np.ndarray:
    s_back, i_back = 2 * N - BOTH, ((1 - P) * (1 - Y)).sum()
    front = -(2 * Y * BOTH - 2 * SHARED) / BOTH**2
    back = (2 * (1 - Y) * s_back - 2 * i_back) / s_back**2
    return (front + back) / 2


def lovasz(errors: np.ndarray) -> np.ndarray:
    """Step of each error in the Jaccard loss, by counting the worse ones."""
    steps = np.zeros(N)
    for i in range(N):
        worse = errors > errors[i]
        missed, alarms = (worse & (Y > 0)).sum(), (worse & (Y == 0)).sum()
        union = Y.sum() + alarms
        steps[i] = 1 / union if Y[i] else (Y.sum() - missed) * (1 / union - 1 / (union + 1))
    return steps


def exp_log(gamma: float) -> np.ndarray:
    """Two channels, the rest first; p and 1 - p move together."""
    slopes = np.zeros(N)
    for y, p, sign in ((1 - Y, 1 - P, -1), (Y, P, 1)):
        dice = (2 * (p * y).sum() + 1) / ((p + y).sum() + 1)
        by_dice = (2 * y * ((p + y).sum() + 1) - (2 * (p * y).sum() + 1)) / ((p + y).sum() + 1) ** 2
        slopes += sign * -0.8 * gamma * (-np.log(dice)) ** (gamma - 1) / (2 * dice) * by_dice
        weight = np.sqrt(N / y.sum())
        slopes += sign * -0.2 * weight * gamma * (-np.log(p)) ** (gamma - 1) / (N * p) * y
    return slopes


HINGE = 1 - SIGN * np.log(P / (1 - P))
DICE = 1 - 2 * SHARED / BOTH
BY_LOGIT: dict[str, tuple[dict[str, Any], Callable[[], np.ndarray]]] = {
    "bce_loss": ({}, lambda: (P - Y) / N),
    "weighted_bce_loss": ({"weight": 3.0}, lambda: (3 * Y * (P - 1) + (1 - Y) * P) / N),
    "focal_loss": ({"gamma": 3.0, "alpha": 0.4}, lambda: focal(3.0, 0.4)),
    "lovasz_hinge_loss": ({}, lambda: -SIGN * lovasz(HINGE) * (HINGE > 0)),
}
BY_PROBABILITY: dict[str, tuple[dict[str, Any], Callable[[], np.ndarray]]] = {
    "bce_loss": ({}, lambda: (P - Y) / (P * (1 - P)) / N),
    "dice_loss": ({"smooth": 0.5}, lambda: -(2 * Y * (BOTH + 0.5) - (2 * SHARED + 0.5)) / (BOTH + 0.5) ** 2),
    "log_cosh_dice_loss": ({"smooth": 0.0}, lambda: np.tanh(DICE) * -(2 * Y * BOTH - 2 * SHARED) / BOTH**2),
    "dice_two_class_loss": ({"smooth": 0.0}, two_class),
    "sensitivity_specificity_loss": (
        {"eps": 0.0},
        lambda: 0.05 * 2 * (P - 1) * Y / Y.sum() + 0.95 * 2 * P * (1 - Y) / (1 - Y).sum(),
    ),
    "generalized_dice_loss": ({"smooth": 0.0}, generalized_dice),
    "iou_loss": ({"smooth": 0.0}, lambda: np.where(Y > 0, -1 / (BOTH - SHARED), SHARED / (BOTH - SHARED) ** 2)),
    "tversky_loss": ({"smooth": 0.0, "alpha": 0.2, "beta": 0.9}, lambda: tversky(0.2, 0.9)),
    "lovasz_sigmoid_loss": ({}, lambda: -SIGN * lovasz(np.abs(Y - P))),
    "exp_log_loss": ({}, lambda: exp_log(0.3)),
}


@pytest.mark.parametrize("name", list(BY_LOGIT))
def test_the_slope_by_logit_is_the_closed_form(name: str) -> None:
    knobs, expected = BY_LOGIT[name]
    np.testing.assert_allclose(table(name, **knobs).dL_dz, expected(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", list(BY_PROBABILITY))
def test_the_slope_by_probability_is_the_closed_form(name: str) -> None:
    knobs, expected = BY_PROBABILITY[name]
    np.testing.assert_allclose(table(name, **knobs).dL_dp, expected(), rtol=1e-9, atol=1e-12)


def test_squared_dice_has_its_own_slope() -> None:
    squares = (P**2).sum() + (Y**2).sum()
    expected = -(2 * Y * squares - 2 * P * 2 * SHARED) / squares**2
    found = table("dice_loss", smooth=0.0, denominator="squared").dL_dp
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_detached_modulator_keeps_the_value_and_changes_the_slope() -> None:
    detached = table("focal_loss", detach_modulator=True, alpha=None)
    expected = SIGN * (1 - P_TRUE) ** 2 * (P_TRUE - 1) / N
    np.testing.assert_allclose(detached.dL_dz, expected, rtol=1e-9)
    assert not np.allclose(detached.dL_dz, table("focal_loss", alpha=None).dL_dz, rtol=0.1)


def test_the_weight_from_the_prediction_is_a_constant_unless_asked() -> None:
    weight = (N - P.sum()) / P.sum()
    constant = table("weighted_bce_loss", weight="pred_ratio").dL_dz
    np.testing.assert_allclose(constant, (weight * Y * (P - 1) + (1 - Y) * P) / N, rtol=1e-9)
    assert not np.allclose(table("weighted_bce_loss", weight="pred_ratio", weight_grad=True).dL_dz, constant)


def test_dice_slopes_are_flat_and_bounded_in_p_and_vanish_in_z() -> None:
    found = table("dice_loss", smooth=0.0)
    assert np.ptp(found.dL_dp[Y > 0]) < 1e-12
    assert np.abs(found.dL_dp).max() <= 2 / BOTH
    certain = grad_table(segeval.losses.dice_loss, np.array([1e-9, 0.5, 0.5]), np.array([True, True, False]))
    assert abs(certain.dL_dz[0]) < 1e-8 < abs(certain.dL_dz[1])


def test_which_voxel_pays_most_depends_on_alpha() -> None:
    """Hard p_t = 0.1 and easy p_t = 0.9, of the class and of the rest, at gamma 2."""
    p, y = np.array([0.1, 0.9, 0.9, 0.1]), np.array([True, False, True, False])
    names = np.array(["hard positive", "hard negative", "easy positive", "easy negative"])

    def order(alpha: float) -> list[str]:
        slopes = grad_table(segeval.losses.focal_loss.at(alpha=alpha), p, y).dL_dz
        return names[np.argsort(-np.abs(slopes))].tolist()

    assert order(0.75) == ["hard positive", "hard negative", "easy positive", "easy negative"]
    assert order(0.25) == ["hard negative", "hard positive", "easy negative", "easy positive"]
