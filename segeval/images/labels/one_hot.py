"""Masks in channels, of which one holds each voxel, as the ids that they mean."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from segeval.errors import DataError
from segeval.evidence.arrays import dtype_of
from segeval.files.paths import printable
from segeval.images.readers.volumes import Volume


def is_one_hot(array: Any, axis: int) -> bool:
    """Whether one mask of several is 1 at every voxel, and the others are 0."""
    if array.shape[axis] < 2 or (dtype_of(array).kind == "u" and array.max() > 1):
        return False
    return bool(((array == 0) | (array == 1)).all() and (array.sum(axis=axis) == 1).all())


def as_ids(volume: Volume) -> Volume:
    """A one-hot image of a file as ids, 0 for its first channel; any other image as it is.

    Channels come last where the file says which axes are space. Else they may come first as well, and of three axes
    one may count them: a mask of which each line of voxels crosses exactly one is nothing that anybody draws.

    Raises:
        DataError: channels may come first as well as last.
    """
    array, knows = volume.array, volume.affine is not None
    if array.ndim < 3 or volume.is_rgb or volume.is_czyx or (knows and array.ndim == volume.n_space):
        return volume
    fitting = [
        axis for axis in ((-1,) if knows else (0, -1)) if _starts_one_hot(array, axis) and is_one_hot(array, axis)
    ]
    if not fitting:
        return volume
    if len(fitting) > 1:
        raise DataError(
            f"{printable(volume.path)}: shape {array.shape} is one-hot along its first and its last axis, and only one "
            "of them can count channels. Write ids: array.argmax(axis)."
        )
    n_space = array.ndim - 1
    return replace(
        volume,
        array=array.argmax(axis=fitting[0]),
        levels=None,
        white=None,
        axes_of_space=volume.axes_of_space and n_space,
        notes=(*volume.notes, "one-hot channels were read as ids"),
    )


def refuse_slab(volume: Volume) -> None:
    """Stop before channels are taken for a part of a volume, of which they are the last axis.

    Raises:
        DataError: the slab is one-hot along it.
    """
    array = volume.array
    if volume.affine is None and array.ndim == 3 and _starts_one_hot(array, -1) and is_one_hot(array, -1):
        raise DataError(
            f"{printable(volume.path)}: is one-hot along its last axis, which is read as ids in whole images only. "
            "Write ids: array.argmax(-1), or raise --max-memory."
        )


def share_out_one_image(masks: Sequence[Any]) -> bool:
    """Whether images that are given as cases are the masks of classes: of one shape, and each voxel in one of them."""
    shapes = {tuple(getattr(mask, "shape", ())) for mask in masks}
    if len(masks) < 2 or len(shapes) > 1 or len(shapes.pop()) < 2:
        return False
    if not all(hasattr(mask, "any") for mask in masks) or sum(float(mask[(0,) * mask.ndim]) for mask in masks) != 1:
        return False
    held: Any = 0
    for mask in masks:
        held = held + (mask != 0) * 1
        if not ((mask == 0) | (mask == 1)).all() or (held > 1).any():
            return False
    return bool((held == 1).all())


def _starts_one_hot(array: Any, axis: int) -> bool:
    """Whether the first line of voxels is, which spares most images a closer look."""
    line = array[(*(slice(None) if at == axis % array.ndim else 0 for at in range(array.ndim)),)]
    return bool((line == 1).sum() == 1 and (line == 0).sum() == len(line) - 1)
