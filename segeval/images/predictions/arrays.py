"""A prediction and a truth that a program gives as arrays: which axes are space, which counts classes, which cases."""

from dataclasses import replace
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.evidence.arrays import cast, namespace
from segeval.evidence.policies import ChannelAxis
from segeval.images.labels.one_hot import is_one_hot
from segeval.images.predictions.predictions import Prediction
from segeval.images.readers.volumes import Volume

_FROM_ONE_HOT = "a one-hot truth, read as ids"
_ONE = 1e-3  # how far from 1 probabilities of a voxel may add up to, to be told from numbers that do not


def pair_of_arrays(
    pred: Volume, truth: Volume | None, channel_axis: ChannelAxis | None
) -> tuple[Prediction, Volume | None]:
    """The images of a prediction, one per channel, and its truth as class ids.

    Shapes are (*space) or (class, *space) for the prediction and (*space) for the truth, in which a one-hot
    (class, *space) and a lone axis (1, *space) are known too; with `channel_axis="last"` the class comes last.

    Args:
        truth: None where it is a file that nobody has read yet.

    Raises:
        DataError: the first axis counts cases, or nothing tells what it counts.
    """
    if truth is None or truth.affine is not None or pred.affine is not None:
        if truth is not None:
            pred, truth = _without_lone_axis(pred, truth), _without_lone_axis(truth, pred)
        pred, truth = _placed_ids(pred), truth and _placed_ids(truth, note=_FROM_ONE_HOT)
        return _in_channels(pred, truth, channel_axis), truth
    truth = _as_ids(truth, pred, channel_axis)
    _refuse_batches(pred, truth, channel_axis)
    n_more = pred.array.ndim - truth.array.ndim
    if truth.array.ndim not in (2, 3) or n_more not in (0, 1):
        raise DataError(
            f"{pred.path}: shape {pred.array.shape}, and the truth {truth.array.shape}: a truth has two or three axes "
            "of space, and a prediction the same, after one that counts classes where it has several."
        )
    if n_more == 0:
        return Prediction(path=pred.path, images=(pred,)), truth
    axis = _axis_of_classes(pred, truth, channel_axis)
    if pred.is_integer and is_one_hot(pred.array, axis):
        return Prediction(path=pred.path, images=(replace(pred, array=pred.array.argmax(axis=axis)),)), truth
    if pred.is_integer and pred.array.max() <= 1:  # masks that may overlap
        pred = replace(pred, array=cast(pred.array, "float32"))
    return Prediction(path=pred.path, images=_split(pred, axis)), truth


def _without_lone_axis(image: Volume, other: Volume) -> Volume:
    """An array without a place, and without the first axis of one voxel that it has beside an image with a place."""
    shape = image.array.shape
    is_lone = image.affine is None and other.affine is not None and len(shape) == other.n_space + 1 and shape[0] == 1
    return replace(image, array=image.array[0]) if is_lone else image


def refuse_classes_of_both(pred: Prediction, truth: Volume, asked: ChannelAxis | None) -> None:
    """Stop where an axis was said to count classes that both sides have, and which may be one of space.

    Raises:
        DataError: the truth is of masks with this axis.
    """
    shape = truth.array.shape
    is_one = len(pred.images) == 1 and pred.images[0].array.shape == shape
    if asked is None or truth.affine is not None or len(shape) != 3 or not is_one or _FROM_ONE_HOT in truth.notes:
        return
    if truth.array.max() <= 1:
        raise DataError(
            f"{truth.path}: shape {shape} is that of the prediction, and channel_axis={asked!r} says that one of its "
            "axes counts classes. Give ids for the truth; or leave channel_axis out, if all three are space."
        )


def _placed_ids(image: Volume, note: str = "") -> Volume:
    """An image with a place whose channels are one-hot masks, as ids; a prediction in floats stays a softmax."""
    has_channels = image.affine is not None and image.array.ndim > image.n_space
    if not has_channels or not (note or image.is_integer) or not is_one_hot(image.array, -1):
        return image
    return replace(image, array=image.array.argmax(-1), notes=(*image.notes, *([note] if note else [])))


def _in_channels(pred: Volume, truth: Volume | None, channel_axis: ChannelAxis | None) -> Prediction:
    """A prediction whose place in the world, or the axis that was named, says which axes are space."""
    n_space = pred.n_space if truth is None or pred.affine is not None else truth.n_space
    if pred.affine is not None:
        axis = -1 if pred.array.ndim > n_space else None
    elif channel_axis is not None and pred.array.ndim > 2:
        axis = 0 if channel_axis == "first" else -1
    else:
        axis = 0 if pred.array.ndim > n_space else None
    return Prediction(path=pred.path, images=(pred,) if axis is None else _split(pred, axis))


def _split(pred: Volume, axis: int) -> tuple[Volume, ...]:
    return tuple(replace(pred, array=image) for image in namespace(pred.array).moveaxis(pred.array, axis, 0))


def _as_ids(truth: Volume, pred: Volume, channel_axis: ChannelAxis | None) -> Volume:
    """A truth of one-hot masks as ids, and one with a lone first axis without it."""
    axis = -1 if channel_axis == "last" else 0
    array = truth.array
    if array.ndim < 3:
        return truth
    is_beside_classes = array.ndim == pred.array.ndim and array.shape[axis] == 1 < pred.array.shape[axis]
    if is_beside_classes or (array.shape[0] == 1 and array.shape[1:] == pred.array.shape):
        return replace(truth, array=array.squeeze(axis if is_beside_classes else 0))
    space = tuple(np.delete(array.shape, axis).tolist())
    if pred.array.shape in (array.shape, space) and is_one_hot(array, axis):
        return replace(truth, array=array.argmax(axis=axis), notes=(_FROM_ONE_HOT,))
    may_end_in_classes = channel_axis is None and pred.array.shape in (array.shape, space, array.shape[:-1])
    if may_end_in_classes and is_one_hot(array, -1):
        raise DataError(
            f"{truth.path}: shape {array.shape} is one-hot along its last axis. Pass channel_axis='last', or give ids: "
            "truth.argmax(-1)."
        )
    return truth


def adds_up(array: Any, axis: int) -> bool:
    """Whether the values along an axis are a softmax, or one-hot."""
    sums = array.sum(axis=axis, dtype=namespace(array).float64)
    return bool(array.min() >= 0 and abs(sums - 1).max() <= _ONE)


def _refuse_batches(pred: Volume, truth: Volume, channel_axis: ChannelAxis | None) -> None:
    """A first axis that counts cases is not one of space or of classes."""
    shape, true_shape = pred.array.shape, truth.array.shape
    way = "Give one case at a time: segeval.score(list(pred), list(truth))"
    said = f"{pred.path}: shape {shape}, and the truth {true_shape}"
    if len(true_shape) > 3 and shape[:1] == true_shape[:1]:
        if true_shape[-1] == 1 != true_shape[1]:
            also = "pred[..., 0] and " if shape[-1] == 1 else ""
            raise DataError(f"{said}: the last axis has one voxel. Leave it out: give {also}truth[..., 0].")
        if len(true_shape) == 4 and shape == true_shape and truth.array.max() <= 1 and not is_one_hot(truth.array, 1):
            raise DataError(
                f"{said}: the first axis may count cases, or classes. {way} if it counts cases; or one class at a "
                "time: segeval.score(pred[0], truth[0]) if it counts classes."
            )
        ids = "truth[:, 0]" if true_shape[1] == 1 else "truth.argmax(1) if it is one-hot"
        raise DataError(f"{said}: the first axis counts cases. {way}, with ids for the truth ({ids}).")
    if channel_axis is not None or len(shape) != len(true_shape) + 1:
        return
    is_batch = shape[0] == true_shape[0] and shape[2:] == true_shape[1:]
    is_case = shape[1:] == true_shape
    if is_batch and is_case:
        sums = adds_up(pred.array, 0), adds_up(pred.array, 1)
        if sums[0] == sums[1]:
            raise DataError(
                f"{said}: the first axis may count classes or cases. Pass channel_axis='first' if it counts classes. "
                f"{way} if it counts cases."
            )
        is_batch = sums[1]
    if is_batch:
        raise DataError(f"{said}: the first axis counts cases, and the second classes. {way}.")


def _axis_of_classes(pred: Volume, truth: Volume, channel_axis: ChannelAxis | None) -> int:
    if channel_axis is not None:
        return 0 if channel_axis == "first" else -1
    shape, true_shape = pred.array.shape, truth.array.shape
    if shape[:-1] == true_shape and (shape[1:] != true_shape or (adds_up(pred.array, -1) > adds_up(pred.array, 0))):
        raise DataError(f"{pred.path}: shape {shape} has its classes in the last axis. Pass channel_axis='last'.")
    return 0
