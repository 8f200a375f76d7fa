"""Masks in channels, of which one holds each voxel, as the ids that they mean."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

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
    fitting = [axis for axis in ((-1,) if knows else (0, -1)) if _is_one_hot_there(array, axis)]
    if not fitting:
        return volume
    if len(fitting) > 1:
        raise DataError(
            f"{printable(volume.path)}: shape {array.shape} is one-hot along its first and its last axis, and only one "
            "of them can count channels. Write ids: array.argmax(0) or array.argmax(-1)."
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


def _is_one_hot_there(array: Any, axis: int) -> bool:
    """Whether an image is one-hot; its first line of voxels spares most images a closer look."""
    line = array[(*(slice(None) if at == axis % array.ndim else 0 for at in range(array.ndim)),)]
    starts = bool((line == 1).sum() == 1 and (line == 0).sum() == len(line) - 1)
    return starts and is_one_hot(array, axis)


class OneHotSlabs:
    """Whether an image whose slabs pass by holds masks in channels, which is known when all were seen.

    Channels may be the rows that slabs are made of: then each voxel of a row is 1 in one of them all.

    Args:
        axis: along which slabs follow one another.
    """

    def __init__(self, axis: int) -> None:
        self._axis = axis
        self._path: Path | None = None
        self._fitting = {0, 2}
        self._held: Any = 0

    def add(self, slab: Volume) -> None:
        """Look at the next slab, as long as nothing told against channels."""
        self._path = slab.path
        if slab.affine is not None or slab.is_rgb or slab.array.ndim != 3:
            self._fitting.clear()
        for axis in [*self._fitting]:
            is_alone = axis != self._axis
            if not (_is_one_hot_there(slab.array, axis) if is_alone else self._adds_up(slab.array)):
                self._fitting.remove(axis)

    def refuse(self) -> None:
        """Stop where channels were taken for a part of the volume.

        Raises:
            DataError: the image is one-hot along its first or its last axis.
        """
        if self._path is None:
            return
        for axis in self._fitting:
            if axis != self._axis or (self._held == 1).all():
                at, place = (0, "first") if axis == 0 else (-1, "last")
                raise DataError(
                    f"{printable(self._path)}: is one-hot along its {place} axis, which is read as ids in whole images "
                    f"only. Write ids: array.argmax({at}), or raise --max-memory."
                )

    def _adds_up(self, array: Any) -> bool:
        for row in array.swapaxes(0, self._axis):
            self._held = self._held + (row == 1) * np.uint8(1)
            if not ((row == 0) | (row == 1)).all() or (self._held > 1).any():
                return False
        return True
