"""Each voxel and those beside it, on images (..., *space) of numpy and torch alike."""

import math
from typing import Any, Literal

import numpy as np

from segeval.evidence.arrays import namespace

Kernel = Literal["mean", "gaussian"]
Padding = Literal["zero", "replicate"]

_SHARES = {"mean": 1 / 3, "gaussian": math.exp(-0.5) / (1 + 2 * math.exp(-0.5))}  # of either neighbour


def neighbours(image: Any, axis: int, *, padding: Padding) -> tuple[Any, Any]:
    """The value before and the value after each voxel along an axis, counted from the end.

    Args:
        image: (..., *space).
        axis: below 0.
        padding: beyond the edge of the image lies nothing, or the same as at the edge.
    """
    n, after_it = image.shape[axis], (slice(None),) * (-axis - 1)
    first, last = (image[(..., part, *after_it)] for part in (slice(0, 1), slice(n - 1, n)))
    if padding == "zero":
        first, last = (namespace(image).zeros_like(edge) for edge in (first, last))
    wide = namespace(image).concatenate([first, image, last], axis)
    return wide[(..., slice(0, n), *after_it)], wide[(..., slice(2, n + 2), *after_it)]


def local_mean(image: Any, *, n_axes: int, kernel: Kernel, padding: Padding) -> Any:
    """Mean over the cube of 3 voxels a side around each voxel, all alike or by a Gaussian of one voxel."""
    share = _SHARES[kernel]
    for axis in range(-n_axes, 0):
        before, after = neighbours(image, axis, padding=padding)
        image = (1 - 2 * share) * image + share * (before + after)
    return image


def mean_of_cross(image: Any, *, n_axes: int) -> Any:
    """Mean over each voxel and those that share a face with it; beyond the edge of the image lies nothing."""
    total = image
    for axis in range(-n_axes, 0):
        before, after = neighbours(image, axis, padding="zero")
        total = total + before + after
    return total / (2 * n_axes + 1)


def inner_part(mask: Any, *, n_axes: int) -> Any:
    """The voxels of a mask, in numbers, all of whose neighbours by a face are in it."""
    inner = mask
    for axis in range(-n_axes, 0):
        before, after = neighbours(mask, axis, padding="zero")
        inner = inner * before * after
    return inner


def soft_skeleton(image: Any, *, n_axes: int, iterations: int) -> Any:
    """Soft middle lines: what is lost by opening an image, and the image eroded once, twice, and so on.

    An erosion is the least of three neighbours along any axis, a dilation the largest of the cube around a voxel;
    beyond the edge of the image there is nothing to compare with.
    """
    eroded = _eroded(image, n_axes)
    found = _above(image, _dilated(eroded, n_axes))
    for _ in range(iterations):
        if namespace(image) is np and not eroded.any():  # torch would have to wait for its device
            break
        image, eroded = eroded, _eroded(eroded, n_axes)
        lost = _above(image, _dilated(eroded, n_axes))
        found = found + _above(lost, found * lost)
    return found


def _above(left: Any, right: Any) -> Any:
    return (left - right).clip(0, None)


def _dilated(image: Any, n_axes: int) -> Any:
    for axis in range(-n_axes, 0):
        image = _of_three(image, axis, namespace(image).maximum)
    return image


def _eroded(image: Any, n_axes: int) -> Any:
    least = namespace(image).minimum
    sides = [_of_three(image, axis, least) for axis in range(-n_axes, 0)]
    found = sides[0]
    for side in sides[1:]:
        found = least(found, side)
    return found


def _of_three(image: Any, axis: int, choose: Any) -> Any:
    """The least or largest of each voxel and its two neighbours along an axis."""
    return choose(image, choose(*neighbours(image, axis, padding="replicate")))
