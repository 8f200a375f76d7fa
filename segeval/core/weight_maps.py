"""Evidence of the losses that weigh voxels by where they lie: voxel costs with a map of distances."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from segeval.core.arrays import namespace
from segeval.core.soft import ChannelTerms, PixelTerms

REACH = 7.5  # in sigmas: beyond it the weight is below 7e-13 of its height


@dataclass(frozen=True, eq=False)
class BorderTerms(ChannelTerms):
    """Voxel costs, and how near each voxel is to two objects.

    `gap` gives d1 + d2, the distances to the nearest and second nearest object, of the voxels nearer than its
    argument to both; infinite for the others.
    """

    gap: Callable[[float], Any]
    on_map: ClassVar[bool] = True

    @classmethod
    def of_map(cls, voxels: Any) -> "BorderTerms":
        """From voxels whose weight map holds the gap."""
        return cls(replace(voxels, weight_map=None), lambda reach: voxels.weight_map)

    def weighted(self, *, w0: float, sigma: float) -> ChannelTerms:
        """The same costs with weights w0 exp(-(d1 + d2)²/(2 sigma²))."""
        gap = self.gap(REACH * sigma)
        weight = w0 * namespace(gap).exp(-((gap / sigma) ** 2) / 2)
        return ChannelTerms(replace(self.voxels, weight_map=weight))


@dataclass(frozen=True, eq=False)
class ContourTerms(PixelTerms):
    """Voxel costs, and how far the contour of the prediction is from that of the truth.

    `distance` holds that mean distance in the voxels where the two masks differ, and 0 elsewhere.
    """

    distance: Any
    on_map: ClassVar[bool] = True

    @classmethod
    def of_map(cls, voxels: Any) -> "ContourTerms":
        """From voxels whose weight map holds the distance."""
        return cls(replace(voxels, weight_map=None), voxels.weight_map)

    def weighted(self) -> PixelTerms:
        """The same costs with the distance as weight."""
        return PixelTerms(replace(self.voxels, weight_map=self.distance))


def objects_of(mask: np.ndarray, *, connectivity: int | None = None) -> np.ndarray:
    """Number the connected objects of a mask.

    Args:
        mask: boolean.
        connectivity: axes along which neighbours may differ at once, 1 to mask.ndim; by default all (8 neighbours in
            2-D, 26 in 3-D).
    """
    from scipy import ndimage

    neighbours = ndimage.generate_binary_structure(mask.ndim, connectivity or mask.ndim)
    numbered: np.ndarray = ndimage.label(mask, structure=neighbours)[0]
    return numbered


def object_gap(objects: np.ndarray, *, reach: float = np.inf, spacing: tuple[float, ...] | None = None) -> np.ndarray:
    """Distance to the nearest plus distance to the second nearest object; infinite where one is beyond `reach`.

    One distance transform an object, on its box enlarged by `reach`.

    Args:
        objects: 0 for background, a number per object.
        reach: in voxels, or in the unit of `spacing`.
        spacing: voxel size per axis.
    """
    from scipy import ndimage

    steps = np.asarray(spacing or (1.0,) * objects.ndim)
    nearest, second = np.full((2, *objects.shape), np.inf)
    boxes = {number: box for number, box in enumerate(ndimage.find_objects(objects), start=1) if box is not None}
    for number, box in boxes.items() if len(boxes) > 1 else ():  # a lone object has no second one near it
        around = tuple(_enlarged(side, reach / step) for side, step in zip(box, steps, strict=True))
        distance = ndimage.distance_transform_edt(objects[around] != number, sampling=steps)
        distance[distance > reach] = np.inf
        second[around] = np.minimum(second[around], np.maximum(nearest[around], distance))
        nearest[around] = np.minimum(nearest[around], distance)
    return nearest + second


def _enlarged(side: slice, by: float) -> slice:
    if np.isinf(by):
        return slice(None)
    return slice(max(side.start - int(np.ceil(by)), 0), side.stop + int(np.ceil(by)))


def contour_distance(pred: np.ndarray, truth: np.ndarray, *, spacing: tuple[float, ...] | None = None) -> np.ndarray:
    """Mean distance of the predicted contour to the true one where the masks differ, and 0 elsewhere.

    A contour is the voxels of a mask that touch its outside. Without one on either side the distance is 0.

    Args:
        pred: boolean mask.
        truth: boolean mask.
        spacing: voxel size per axis.
    """
    from scipy.spatial import cKDTree

    steps = np.asarray(spacing or (1.0,) * truth.ndim)
    of_pred, of_truth = (_contour(mask) * steps for mask in (pred, truth))
    if not len(of_pred) or not len(of_truth):
        return np.zeros(truth.shape)
    return np.where(pred != truth, cKDTree(of_truth).query(of_pred)[0].mean(), 0.0)


def _contour(mask: np.ndarray) -> np.ndarray:
    """Indices of the voxels of a mask that touch its outside, looked for in the box around it."""
    from scipy import ndimage

    boxes = ndimage.find_objects(mask.astype(np.uint8))
    if not boxes:
        return np.empty((0, mask.ndim))
    inside = mask[boxes[0]]
    found: np.ndarray = np.argwhere(inside & ~ndimage.binary_erosion(inside)) + [side.start for side in boxes[0]]
    return found
