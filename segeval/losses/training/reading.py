"""Tensors in, a `Batch` out: the doors of a training step, where types, shapes and values are checked."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from segeval.errors import DataError
from segeval.losses.training.batch import Activation, Batch, SoftTarget

_SLACK = 1e-6  # how far a probability may lie outside [0, 1]


def read_batch(
    pred: Any,
    truth: Any,
    *,
    activation: Activation = "sigmoid",
    has_channels: bool | None = None,
    ignore_index: int | None = None,
    soft_target: SoftTarget = "product",
    weight_map: Any = None,
    validate: bool = True,
) -> Batch:
    """Check a batch and bring it into the shape (case, channel, voxel).

    Args:
        pred: (B, C, ...) or (B, ...); half precision is widened to float32.
        truth: class ids (B, ...) or (B, 1, ...) of any type; or one mask per channel in the shape of `pred`,
            fractional if floating. Beside a single channel, ids are 0 and 1, and a floating truth is a share.
        activation: what turns `pred` into probabilities; none if it holds them.
        has_channels: whether axis 1 of `pred` is the channel; None decides by the shapes: it is for softmax, beside a
            truth of one axis less, and from four axes on.
        ignore_index: truth value of voxels that count nowhere.
        soft_target: see `Batch`.
        weight_map: (B, ...) or (B, C, ...).
        validate: check the values too. On the CPU a wrong one is named; on a device and in compiled code an assertion
            there stops the program, without waiting for it.

    Raises:
        DataError: types, shapes or values do not fit.
    """
    _check_tensors(pred, truth)
    pred = pred.float() if pred.dtype.itemsize < 4 else pred
    truth = truth.long() if truth.dtype in (torch.uint16, torch.uint32, torch.uint64) else truth
    if not (has_channels or (has_channels is None and _shows_channels(pred, truth, activation))):
        pred, truth = pred.unsqueeze(1), truth.unsqueeze(1) if truth.ndim == pred.ndim else truth
        weight_map = weight_map if weight_map is None else weight_map.unsqueeze(1)
    _check_shapes(pred, truth)
    if activation == "softmax" and pred.shape[1] == 1:
        raise DataError("A softmax needs at least 2 channels, and pred has 1: pass activation='sigmoid'.")
    if activation == "none" and validate:
        _check_probabilities(pred)
    space, flat = tuple(pred.shape[2:]), pred.flatten(2)
    truth = (truth.unsqueeze(1) if truth.ndim == pred.ndim - 1 else truth).flatten(2)
    kept = None if ignore_index is None else truth != ignore_index
    is_ids, is_soft = flat.shape[1] > 1 and truth.shape[1] == 1, truth.is_floating_point()
    truth = _ids(truth, kept, flat.shape[1], validate) if is_ids else _masks(truth, kept, pred.dtype, validate)
    return Batch(
        pred=flat if kept is None else torch.where(kept, flat, 0.0),
        activation=activation,
        ids=truth if is_ids else None,
        masks=None if is_ids else truth,
        is_soft=is_soft and not is_ids,
        kept=kept,
        weight_map=None if weight_map is None else _flat_weights(weight_map, pred),
        soft_target=soft_target,
        space=space,
    )


def _shows_channels(pred: Any, truth: Any, activation: Activation) -> bool:
    return activation == "softmax" or truth.ndim < pred.ndim or pred.ndim >= 4


def _ids(truth: Any, kept: Any, n_classes: int, validate: bool) -> Any:
    """Class ids (case, voxel), 0 where a voxel does not count."""
    ids = truth[:, 0]
    counted = ids if kept is None else torch.where(kept[:, 0], ids, torch.zeros_like(ids))
    if validate:
        if ids.is_floating_point():
            _require((counted == counted.round()).all(), lambda: f"Class ids are whole numbers, {_first_part(counted)}")
        low, high = torch.aminmax(counted.int() if counted.dtype == torch.bool else counted)
        _require((low >= 0) & (high < n_classes), lambda: _wrong_label(low, high, n_classes))
    return counted.long() if counted.is_floating_point() else counted


def _masks(truth: Any, kept: Any, dtype: Any, validate: bool) -> Any:
    """A mask or share per channel as numbers, 0 where a voxel does not count."""
    counted = truth if kept is None else torch.where(kept, truth, torch.zeros_like(truth))
    is_labels = not truth.is_floating_point()
    if is_labels and not validate:
        return (counted != 0).to(dtype)
    counted = counted.to(dtype)  # first, since the extremes of floats are found faster
    if validate and truth.dtype != torch.bool:
        low, high = torch.aminmax(counted)
        of_labels, of_shares = lambda: _wrong_label(low, high, 2), lambda: _wrong_share(low, high)
        _require((low >= 0) & (high <= 1), of_labels if is_labels else of_shares)
    return counted


def _flat_weights(weight_map: Any, pred: Any) -> Any:
    weights = weight_map.unsqueeze(1) if weight_map.ndim == pred.ndim - 1 else weight_map
    if weights.shape not in (pred.shape, pred[:, :1].shape):
        raise DataError(
            f"weight_map has shape {tuple(weight_map.shape)}; pred is {tuple(pred.shape)}. "
            "Give (B, ...) or (B, C, ...)."
        )
    return weights.to(pred).flatten(2)


def _require(holds: Tensor, message: Callable[[], str]) -> None:
    """Stop unless a tensor is true; where reading it would wait for a device, an assertion on that device does."""
    if torch.compiler.is_compiling():
        torch._assert_async(holds, "segeval: pred or truth holds values that do not fit; run once uncompiled")
    elif holds.device.type != "cpu":
        torch._assert_async(holds, "segeval: pred or truth holds values that do not fit; run once on the CPU")
    elif not bool(holds):
        raise DataError(message())


def _first_part(ids: Tensor) -> str:
    return f"and this floating truth holds {float(ids[ids != ids.round()][0]):g}. Shares need the shape of pred."


def _wrong_label(low: Tensor, high: Tensor, n_classes: int) -> str:
    wrong = int(low) if low < 0 else int(high)
    return (
        f"Truth holds the label {wrong}; with {n_classes} classes labels are 0 to {n_classes - 1}. "
        "Pass ignore_index for a label that is to count nowhere."
    )


def _wrong_share(low: Tensor, high: Tensor) -> str:
    wrong = float(high) if low >= 0 else float(low)
    return f"A floating truth in the shape of pred is a share from 0 to 1, and this one holds {wrong:g}."


def _check_tensors(pred: Any, truth: Any) -> None:
    for name, given in (("pred", pred), ("truth", truth)):
        if isinstance(given, (list, tuple)):
            raise DataError(
                f"{name} is a {type(given).__name__} of {len(given)}. Give one tensor; outputs of several sizes go "
                "through segeval.losses.DeepSupervision(loss)."
            )
        if not isinstance(given, Tensor):
            raise DataError(f"{name} is a {type(given).__name__}, not a torch tensor. Pass torch.as_tensor({name}).")
    if not pred.is_floating_point():
        raise DataError(f"pred holds {pred.dtype}. Give logits or probabilities as floats: pred.float().")
    if truth.is_complex():
        raise DataError(f"truth holds {truth.dtype}. Give class ids, masks or shares.")
    if pred.device != truth.device:
        raise DataError(f"pred is on {pred.device} and truth on {truth.device}. Pass truth.to(pred.device).")


def _check_shapes(pred: Any, truth: Any) -> None:
    labels, single = (len(pred), *pred.shape[2:]), (len(pred), 1, *pred.shape[2:])
    if pred.ndim < 2 or tuple(truth.shape) not in (labels, single, tuple(pred.shape)):
        raise DataError(
            f"pred has shape {tuple(pred.shape)} and truth {tuple(truth.shape)}. Truth is class ids (B, ...) or one "
            "mask per channel (B, C, ...); for maps without a channel axis pass has_channels=False."
        )
    if pred.numel() == 0:
        raise DataError(f"pred has shape {tuple(pred.shape)}, which holds no voxel.")


def _check_probabilities(pred: Any) -> None:
    low, high = torch.aminmax(pred.detach())
    _require(
        (low >= -_SLACK) & (high <= 1 + _SLACK),
        lambda: (
            f"Probabilities reach from {float(low):g} to {float(high):g} instead of 0 to 1. "
            "For logits pass activation='sigmoid' or 'softmax'."
        ),
    )
