"""A linear softmax classifier with a squared penalty: the whole of cross-entropy training in ten lines.

L = (1/N) Σ_i [ln Σ_k e^{x_i w_k} - x_i w_{y_i}] + (reg/2) Σ W², with z_i = x_i W (a sum over the features of x) and
∂L/∂W = (1/N) Xᵀ (a - onehot(y)) + reg W, where a is the softmax of z.
"""

import numpy as np

from segeval.losses.gradients import ce_gradient, softmax


def softmax_classifier(
    features: np.ndarray, weights: np.ndarray, truth: np.ndarray, *, reg: float
) -> tuple[float, np.ndarray]:
    """The loss of a linear classifier and its gradient by the weights.

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
    data_loss = -np.log(softmax(logits)[onehot > 0]).mean()
    slope = features.T @ ce_gradient(logits, onehot) / len(features) + reg * weights
    return float(data_loss + reg / 2 * (weights**2).sum()), slope
