"""Gradients in the open: what a loss pulls on each voxel, and why softmax with cross-entropy gives a - y.

To be read and run beside docs/losses.md; no part of the package.

>>> from segeval.losses import bce_loss, dice_loss
>>> p, y = np.array([0.9, 0.4, 0.2]), np.array([True, True, False])
>>> grad_table(bce_loss, p, y).dL_dz.round(3).tolist()  # (p - y)/N
[-0.033, -0.2, 0.067]
>>> grad_table(dice_loss, p, y).dL_dz.round(3).tolist()  # a certain voxel is hardly pulled
[-0.032, -0.086, 0.034]

With a = softmax(z), ∂a_j/∂z_i is a_i (1 - a_i) for j = i and -a_i a_j otherwise. For C = -Σ_j y_j ln a_j each
∂C/∂a_j is -y_j/a_j, so ∂C/∂z_i = -y_i (1 - a_i) + Σ_{j≠i} y_j a_i = a_i Σ_j y_j - y_i.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.measure import Measure, MeasureCall


@dataclass(frozen=True, kw_only=True, eq=False)
class GradTable:
    """One row per voxel: its probability, its truth, and the derivative of the loss by probability and logit."""

    p: np.ndarray
    y: np.ndarray
    dL_dp: np.ndarray  # noqa: N815 the names of the derivatives
    dL_dz: np.ndarray  # noqa: N815


def grad_table(loss: Measure | MeasureCall, probs: np.ndarray, truth: np.ndarray) -> GradTable:
    """How one map's loss changes with each of its probabilities, and with each logit.

    Compare losses in the same column: in z cross-entropy gives (p - y)/N, bounded, and in p its slope at a confident
    error is not.

    Args:
        loss: a loss, with its knobs if any: `dice_loss` or `tversky_loss.at(beta=0.9)`.
        probs: probabilities of the class, any shape.
        truth: whether each voxel is the class, the same shape.

    Raises:
        DataError: the shapes differ.
    """
    import torch

    from segeval.losses.training.modules import MODULES, module_name

    if np.shape(probs) != np.shape(truth):
        raise DataError(f"probs has shape {np.shape(probs)} and truth {np.shape(truth)}. Give one class of one image.")
    call = loss.at() if isinstance(loss, Measure) else loss
    module = MODULES[module_name(call.measure)]
    p = torch.as_tensor(np.asarray(probs, dtype=np.float64)).reshape(1, 1, -1)
    y = torch.as_tensor(np.asarray(truth, dtype=bool)).reshape(1, 1, -1)
    z = p.logit().clip(-100, 100)
    by_p = _slope(module(activation="none", has_channels=True, **call.knobs), p, y)
    by_z = _slope(module(activation="sigmoid", has_channels=True, **call.knobs), z, y)
    return GradTable(p=p.ravel().numpy(), y=y.ravel().numpy(), dL_dp=by_p, dL_dz=by_z)


def _slope(module: Any, at: Any, truth: Any) -> np.ndarray:
    at = at.clone().requires_grad_()
    module(at, truth).backward()
    slope: np.ndarray = at.grad.ravel().numpy()
    return slope


def softmax(logits: np.ndarray) -> np.ndarray:
    """e^z over their sum along the last axis, the largest taken off first."""
    grown = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return grown / grown.sum(axis=-1, keepdims=True)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """ln of the softmax, finite however far the logits are apart."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax_jacobian(logits: np.ndarray) -> np.ndarray:
    """∂a_j/∂z_i of the softmax, as (..., j, i).

    >>> softmax_jacobian(np.log([1.0, 3.0])).round(4).tolist()
    [[0.1875, -0.1875], [-0.1875, 0.1875]]
    """
    a = softmax(np.asarray(logits, dtype=np.float64))
    return a[..., None] * np.eye(a.shape[-1]) - a[..., None] * a[..., None, :]


def ce_gradient(logits: np.ndarray, onehot: np.ndarray) -> np.ndarray:
    """∂/∂z of -Σ_j y_j ln softmax(z)_j: a Σ_j y_j - y, which is a - y where the truth sums to 1."""
    return softmax(np.asarray(logits, dtype=np.float64)) * np.sum(onehot, axis=-1, keepdims=True) - onehot


def softmax_classifier(
    features: np.ndarray, weights: np.ndarray, truth: np.ndarray, *, reg: float
) -> tuple[float, np.ndarray]:
    """The loss of a linear classifier with a squared penalty, and its gradient by the weights.

    The whole of cross-entropy training in ten lines: L = (1/N) Σ_i [ln Σ_k e^{x_i w_k} - x_i w_{y_i}] + (reg/2) Σ W²,
    with z_i = x_i W (a sum over the features of x) and ∂L/∂W = (1/N) Xᵀ (a - onehot(y)) + reg W, where a is the
    softmax of z. The logarithm is taken of the sum of exponentials, never of a probability that has rounded to 0.

    >>> loss, slope = softmax_classifier(np.eye(2), np.zeros((2, 2)), np.array([0, 1]), reg=0.0)
    >>> round(loss, 6), slope.tolist()
    (0.693147, [[-0.25, 0.25], [0.25, -0.25]])

    Args:
        features: X, (sample, feature).
        weights: W, (feature, class).
        truth: y, the class of each sample.
        reg: strength of the penalty.
    """
    logits = features @ weights
    onehot = np.eye(weights.shape[1])[truth]
    data_loss = -log_softmax(logits)[onehot > 0].mean()
    slope = features.T @ ce_gradient(logits, onehot) / len(features) + reg * weights
    return float(data_loss + reg / 2 * (weights**2).sum()), slope
