"""Voxels of a training batch: logits or probabilities and their truth as (case, channel, voxel) tensors."""

from dataclasses import dataclass
from typing import Any, Literal

from segeval.errors import DataError
from segeval.evidence.arrays import Lazy, neg_log
from segeval.evidence.probabilities.soft import ProbVoxels, Targets, Voxels

Activation = Literal["sigmoid", "softmax", "none"]

_SLACK = 1e-6  # how far a probability may lie outside [0, 1]


@dataclass(frozen=True, kw_only=True, eq=False)
class LogitVoxels(Voxels):
    """Voxels known by the logit of p_t, so that no logarithm of a rounded probability is taken."""

    margin: Any

    @Lazy
    def hit(self) -> Any:
        return self.margin.sigmoid()

    @Lazy
    def miss(self) -> Any:
        return (-self.margin).sigmoid()

    @Lazy
    def nll(self) -> Any:
        from torch.nn.functional import logsigmoid

        return -logsigmoid(self.margin)

    @Lazy
    def nlm(self) -> Any:
        from torch.nn.functional import logsigmoid

        return -logsigmoid(-self.margin)


def batch_voxels(
    pred: Any,
    truth: Any,
    *,
    activation: Activation = "sigmoid",
    has_channels: bool | None = None,
    ignore_index: int | None = None,
    soft_target: Literal["product", "l1"] = "product",
    weight_map: Any = None,
) -> LogitVoxels | ProbVoxels:
    """Bring a batch into the shape (case, channel, voxel).

    Args:
        pred: (B, C, ...) or (B, ...); half precision is widened to float32.
        truth: class ids (B, ...) or (B, 1, ...), or one mask per channel in the shape of `pred`; a floating truth
            of that shape is fractional.
        activation: what turns `pred` into probabilities; none if it holds them.
        has_channels: whether axis 1 of `pred` is the channel; None decides by the shapes, see `_has_channels`.
        ignore_index: truth value of voxels that count nowhere.
        soft_target: overlap with a fractional truth, see `Voxels.targets`.
        weight_map: how much each voxel matters to voxel losses, (B, ...) or (B, C, ...).

    Raises:
        DataError: the shapes or values do not fit.
    """
    pred = pred.float() if pred.dtype.itemsize < 4 else pred
    if not _decided(has_channels, pred, truth, activation):
        pred, truth = pred.unsqueeze(1), truth.unsqueeze(1) if truth.ndim == pred.ndim else truth
        weight_map = weight_map if weight_map is None else weight_map.unsqueeze(1)
    if activation == "none":
        _check_probabilities(pred)
    truth, kept = _per_channel(truth, pred, ignore_index, is_softmax=activation == "softmax")
    flat, truth, kept = (array.reshape(*array.shape[:2], -1) for array in (pred, truth, kept))
    count = kept.to(flat.dtype).expand(flat.shape)
    weights = None if weight_map is None else _flat_weights(weight_map, pred)
    if truth.is_floating_point():
        return _fractional(flat, truth.to(flat.dtype), count, weights, activation, soft_target)
    return _given(flat, truth, count, weights, activation, "hard")


def _decided(has_channels: bool | None, pred: Any, truth: Any, activation: Activation) -> bool:
    """Whether axis 1 is the channel.

    It is for softmax, beside a truth of one axis less, and from four axes on: (B, H, W) is taken as images without
    channels, (B, C, H, W) as images with them.
    """
    if has_channels is not None:
        return has_channels
    return activation == "softmax" or truth.ndim == pred.ndim - 1 or pred.ndim >= 4


def _per_channel(truth: Any, pred: Any, ignore_index: int | None, *, is_softmax: bool) -> tuple[Any, Any]:
    """Truth per channel, boolean or fractional, and which voxels count."""
    import torch

    is_labels = truth.ndim == pred.ndim - 1 or (truth.shape[1] == 1 and pred.shape[1] > 1)
    _check_shapes(pred, truth)
    if truth.ndim == pred.ndim - 1:
        truth = truth.unsqueeze(1)
    kept = torch.ones_like(truth, dtype=torch.bool) if ignore_index is None else truth != ignore_index
    if truth.is_floating_point():
        _check_fractions(truth, kept)
        return torch.where(kept, truth, torch.zeros_like(truth)), kept
    n_channels = pred.shape[1]
    if is_labels and (is_softmax or n_channels > 1):
        _check_labels(truth, kept, n_channels)
        return truth == torch.arange(n_channels, device=truth.device).view(1, -1, *[1] * (truth.ndim - 2)), kept
    _check_labels(truth.int(), kept, 2)
    return (truth != 0) & kept, kept


def _given(pred: Any, truth: Any, count: Any, weights: Any, activation: Activation, targets: Targets) -> Any:
    import torch

    if activation == "none":
        p, rest = pred.clip(0.0, 1.0), (1 - pred).clip(0.0, 1.0)
        hit, miss = torch.where(truth, p, rest), torch.where(truth, rest, p)
        return ProbVoxels(truth=truth, count=count, hit=hit, miss=miss, weight_map=weights, targets=targets)
    logit = _softmax_logits(pred) if activation == "softmax" else pred
    margin = torch.where(truth, logit, -logit)
    return LogitVoxels(truth=truth, count=count, margin=margin, weight_map=weights, targets=targets)


def _softmax_logits(logits: Any) -> Any:
    """ln p - ln(1 - p) of each softmax channel p."""
    log_p = logits.log_softmax(1)
    return log_p + neg_log(-log_p.expm1(), log_p.exp())


def _fractional(
    pred: Any, truth: Any, count: Any, weights: Any, activation: Activation, targets: Targets
) -> LogitVoxels | ProbVoxels:
    """Each voxel twice: as y of the class, and as 1 - y of the rest."""
    import torch

    if activation == "softmax":
        pred, activation = _softmax_logits(pred), "sigmoid"
    sides = torch.cat([torch.ones_like(truth, dtype=torch.bool), torch.zeros_like(truth, dtype=torch.bool)], dim=-1)
    shares = torch.cat([count * truth, count * (1 - truth)], dim=-1)
    weights = None if weights is None else torch.cat([weights, weights], dim=-1)
    return _given(torch.cat([pred, pred], dim=-1), sides, shares, weights, activation, targets)


def _flat_weights(weight_map: Any, pred: Any) -> Any:
    weights = weight_map.unsqueeze(1) if weight_map.ndim == pred.ndim - 1 else weight_map
    return weights.to(pred).expand(pred.shape).reshape(*pred.shape[:2], -1)


def _check_shapes(pred: Any, truth: Any) -> None:
    labels, single = (len(pred), *pred.shape[2:]), (len(pred), 1, *pred.shape[2:])
    if tuple(truth.shape) not in (labels, single, tuple(pred.shape)):
        raise DataError(
            f"pred has shape {tuple(pred.shape)} and truth {tuple(truth.shape)}. Truth is class ids (B, ...) or one "
            "mask per channel (B, C, ...); for maps without a channel axis pass has_channels=False."
        )


def _check_probabilities(pred: Any) -> None:
    import torch

    if torch.compiler.is_compiling() or pred.numel() == 0:
        return
    low, high = (float(one) for one in torch.aminmax(pred.detach()))
    if not (low >= -_SLACK and high <= 1 + _SLACK):
        raise DataError(
            f"Probabilities reach from {low:g} to {high:g} instead of 0 to 1. "
            "For logits pass activation='sigmoid' or 'softmax'."
        )


def _check_labels(labels: Any, kept: Any, n_classes: int) -> None:
    import torch

    if torch.compiler.is_compiling():
        return
    wrong = labels[kept & ((labels < 0) | (labels >= n_classes))]
    if wrong.numel():
        raise DataError(
            f"Truth holds the label {int(wrong[0])}; with {n_classes} classes labels are 0 to {n_classes - 1}. "
            "Pass ignore_index for a label that is to count nowhere."
        )


def _check_fractions(truth: Any, kept: Any) -> None:
    import torch

    if torch.compiler.is_compiling():
        return
    wrong = truth[kept & ~((truth >= 0) & (truth <= 1))]
    if wrong.numel():
        raise DataError(
            f"A floating truth is a share from 0 to 1, and this one holds {float(wrong[0]):g}. "
            "Pass class ids as integers."
        )
