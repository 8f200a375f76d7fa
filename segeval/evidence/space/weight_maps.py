"""Evidence of the losses that weigh voxels by where they lie: voxel costs with a map of distances."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from segeval.evidence.arrays import namespace, numbered
from segeval.evidence.grid import Lattice
from segeval.evidence.probabilities.scored_map import ClassImage, box_of
from segeval.evidence.probabilities.soft import ChannelTerms, PixelTerms, two_channels
from segeval.evidence.shapes import Box
from segeval.evidence.surfaces.surfaces_numpy import nearest_of_points

_CROWD = 100  # voxels per object, below which a second one is found within some steps
_NEARBY = 8  # voxels
_MOST_LARGE = 8
REACH = 7.5  # in sigmas: where the gap is wider the weight is below 7e-13 of its height


@dataclass(frozen=True, eq=False)
class BorderTerms(ChannelTerms):
    """Voxel costs, and which voxels lie between two objects.

    `between` gives at least the voxels whose gap is no wider than its argument, with the gap as their weight map: the
    sum d1 + d2 of the distances to the nearest and the second nearest object.
    """

    between: Callable[[float], Any]
    on_map: ClassVar[bool] = True

    @classmethod
    def of_map(cls, voxels: Any) -> "BorderTerms":
        """From voxels whose weight map holds the gap."""
        return cls(replace(voxels, weight_map=None), lambda reach: voxels)

    @classmethod
    def of_image(cls, voxels: Any, image: ClassImage) -> "BorderTerms":
        """From all voxels in both channels, in any form, and the image that shows where the objects lie."""

        def between(reach: float) -> Any:
            box, gap = gap_in_mask(image.truth, reach=reach)
            return two_channels(image.cropped(box).weighted(np.isfinite(gap), gap))

        return cls(voxels, between)

    def weighted(self, *, w0: float, sigma: float) -> ChannelTerms:
        """The voxels that matter with weights w0 exp(-(d1 + d2)²/(2 sigma²))."""
        voxels = self.between(REACH * sigma)
        weight = w0 * namespace(voxels.weight_map).exp(-((voxels.weight_map / sigma) ** 2) / 2)
        return ChannelTerms(replace(voxels, weight_map=weight))


@dataclass(frozen=True, eq=False)
class ContourTerms(PixelTerms):
    """Voxel costs, and how far the contour of the prediction is from that of the truth.

    `differing` are at least the voxels in which the two masks differ, with that mean distance as their weight map,
    and 0 in others.
    """

    differing: Any
    on_map: ClassVar[bool] = True

    @classmethod
    def of_map(cls, voxels: Any) -> "ContourTerms":
        """From voxels whose weight map holds the distance."""
        return cls(replace(voxels, weight_map=None), voxels)

    @classmethod
    def of_image(cls, voxels: Any, image: ClassImage) -> "ContourTerms":
        """From all voxels, in any form, and the image that shows both contours."""
        part = image.cropped(image.box)
        return cls(voxels, part.weighted(part.pred != part.truth, contour_distance(part.pred, part.truth)))

    def weighted(self) -> PixelTerms:
        """The voxels that matter with the distance as weight."""
        return PixelTerms(self.differing)


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


def gap_in_mask(mask: np.ndarray, *, reach: float) -> tuple[Box, np.ndarray]:
    """The gap between the connected objects of a mask, in a box outside of which it is wider than `reach`."""
    tight = box_of(mask)
    objects = objects_of(mask[tight])
    if objects.max(initial=0) < 2:
        return (slice(0, 0),) * mask.ndim, np.empty((0,) * mask.ndim)
    beyond = int(reach / 2)  # farther out, any two distances add up to more
    wide = tuple(
        slice(max(side.start - beyond, 0), min(side.stop + beyond, n))
        for side, n in zip(tight, mask.shape, strict=True)
    )
    margins = [(a.start - b.start, b.stop - a.stop) for a, b in zip(tight, wide, strict=True)]
    return wide, object_gap(np.pad(objects, margins), reach=reach)


def object_gap(objects: np.ndarray, *, reach: float = np.inf, spacing: tuple[float, ...] | None = None) -> np.ndarray:
    """Distance to the nearest plus distance to the second nearest object; infinite where that is beyond `reach`.

    Args:
        objects: 0 for background, a number per object.
        reach: in voxels, or in the unit of `spacing`.
        spacing: voxel size per axis.
    """
    from scipy import ndimage

    steps = np.asarray(spacing or (1.0,) * objects.ndim)
    boxes = {number: box for number, box in enumerate(ndimage.find_objects(objects), start=1) if box is not None}
    limit = (1 + _n_sets(len(boxes))) * objects.size  # voxels of all transforms, where there is one per set
    one_by_one = len(boxes) ** 2 // 3  # to look at all pairs of boxes takes as long as so many voxels
    regions: list[tuple[int, Box, Box]] = []
    for number, box, region in _regions(boxes, objects.shape, reach / steps) if one_by_one < limit else ():
        regions.append((number, _around(box, region), region))
        one_by_one += math.prod(side.stop - side.start for side in regions[-1][1])
        if one_by_one > limit:
            break
    gap = gap_by_sets(objects, steps) if one_by_one > limit else _gap_by_object(objects, steps, regions)
    gap[gap > reach] = np.inf
    return gap


def gap_by_sets(objects: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The gap of very many objects, by a distance transform for each of a few sets of them.

    Each object is in half of the sets, and no two in the same ones: so some set has the second nearest object of a
    voxel, and not the nearest. The smallest distance to the sets without the nearest object is the one that is looked
    for. With 2k sets there is room for as many objects as there are ways to choose k of them: 17 sets do for 20,000
    (Sperner 1928, doi:10.1007/BF01171114).

    Args:
        objects: 0 for background, a number per object.
        steps: voxel size per axis.
    """
    from scipy import ndimage

    numbers = numbered(objects.ravel())[1].reshape(objects.shape)
    numbers += int(objects.min(initial=1) > 0)  # without background the first of them is an object
    nearest, at = ndimage.distance_transform_edt(numbers == 0, sampling=steps, return_indices=True)
    number_of_nearest = numbers[tuple(at)]
    n = int(numbers.max(initial=0))
    second = np.full(objects.shape, np.inf)
    if n * _CROWD > objects.size:
        _look_nearby(second, numbers, number_of_nearest, steps)
    for is_in in _sets_of(n) if np.isinf(second).any() else ():
        others = is_in[numbers]
        if others.any():
            distance = ndimage.distance_transform_edt(~others, sampling=steps)
            np.minimum(second, distance, out=second, where=~is_in[number_of_nearest])
    gap: np.ndarray = nearest + second
    return gap


def _sets_of(n: int) -> np.ndarray:
    """For each of a few sets, whether each object from 1 to n is in it, (set, object); 0 is in none."""
    n_sets = _n_sets(n)
    is_in = np.zeros((n_sets, n + 1), dtype=bool)
    for number, chosen in zip(range(1, n + 1), itertools.combinations(range(n_sets), n_sets // 2), strict=False):
        is_in[list(chosen), number] = True
    return is_in


def _n_sets(n: int) -> int:
    return next(n_sets for n_sets in itertools.count(2) if math.comb(n_sets, n_sets // 2) >= n)


def _look_nearby(second: np.ndarray, numbers: np.ndarray, number_of_nearest: np.ndarray, steps: np.ndarray) -> None:
    """Find the second nearest object of voxels in a crowd, by a look at the voxels around in order of their distance.

    Deep in a large object everything is far, so each of the few large ones has a transform of its own.

    Args:
        second: of every voxel; what is not found stays as it is.
    """
    from scipy import ndimage

    n_voxels = np.bincount(number_of_nearest.ravel())
    for large in [one for one in np.argsort(n_voxels)[-_MOST_LARGE:] if n_voxels[one] > numbers.size / 50]:
        others = (numbers > 0) & (numbers != large)
        if others.any():
            distance = ndimage.distance_transform_edt(~others, sampling=steps)
            np.copyto(second, distance, where=number_of_nearest == large)
    offsets = np.indices((2 * _NEARBY + 1,) * numbers.ndim).reshape(numbers.ndim, -1).T - _NEARBY
    distances = np.sqrt(((offsets * steps) ** 2).sum(axis=1))
    padded = np.pad(numbers, _NEARBY)
    to_next = np.array([math.prod(padded.shape[axis + 1 :]) for axis in range(numbers.ndim)])
    open_at = np.nonzero(np.isinf(second))
    place = np.ravel_multi_index(tuple(axis + _NEARBY for axis in open_at), padded.shape)
    voxel = np.flatnonzero(np.isinf(second))
    own = number_of_nearest.ravel()[voxel]
    flat, found = padded.ravel(), second.reshape(-1)
    for i in np.argsort(distances):
        if distances[i] > _NEARBY * steps.min() or not len(voxel):
            return
        there = flat[place + offsets[i] @ to_next]
        other = (there > 0) & (there != own)
        found[voxel[other]] = distances[i]
        place, voxel, own = place[~other], voxel[~other], own[~other]


def _gap_by_object(objects: np.ndarray, steps: np.ndarray, regions: Sequence[tuple[int, Box, Box]]) -> np.ndarray:
    """One distance transform an object, on the box in which its distance can be part of such a sum."""
    from scipy import ndimage

    nearest, second = np.full((2, *objects.shape), np.inf)
    for number, around, region in regions:
        inner = tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(region, around, strict=True))
        distance = ndimage.distance_transform_edt(objects[around] != number, sampling=steps)[inner]
        second[region] = np.minimum(second[region], np.maximum(nearest[region], distance))
        nearest[region] = np.minimum(nearest[region], distance)
    gap: np.ndarray = nearest + second
    return gap


def _around(box: Box, region: Box) -> Box:
    """The box around both."""
    return tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(box, region, strict=True))


def _regions(boxes: Mapping[int, Box], shape: tuple[int, ...], reach: np.ndarray) -> Iterator[tuple[int, Box, Box]]:
    """For each object with another one near it: its number, its box, and the box of all voxels between such two.

    A voxel at x along an axis is no nearer to an object from a to b than max(a - x, 0, x - b). Two such distances
    that add up to no more than the reach bound x.
    """
    first, last = (
        np.array([[getattr(side, end) for side in box] for box in boxes.values()]).reshape(-1, len(shape))
        for end in ("start", "stop")
    )
    last = last - 1
    for i, (number, box) in enumerate(boxes.items()):
        apart = np.maximum(np.maximum(first - last[i], first[i] - last), 0) / reach
        near = (apart**2).sum(axis=1) <= 1
        near[i] = False
        if not near.any():
            continue
        low = np.maximum((first[i] + first[near] - reach) / 2, np.maximum(first[i], first[near]) - reach).min(axis=0)
        high = np.minimum((last[i] + last[near] + reach) / 2, np.minimum(last[i], last[near]) + reach).max(axis=0)
        start = np.maximum(np.floor(low), 0).astype(int).tolist()
        stop = np.minimum(np.ceil(high) + 1, shape).astype(int).tolist()
        yield number, box, tuple(map(slice, start, stop))


def contour_distance(pred: np.ndarray, truth: np.ndarray, *, spacing: tuple[float, ...] | None = None) -> float:
    """Mean distance of the predicted contour to the true one.

    A contour is the voxels of a mask that touch its outside. Without one on either side the distance is 0.

    Args:
        pred: boolean mask.
        truth: boolean mask.
        spacing: voxel size per axis.
    """
    of_pred, of_truth = (_contour(mask).T for mask in (pred, truth))
    if not of_pred.size or not of_truth.size:
        return 0.0
    return float(nearest_of_points(of_pred, of_truth, Lattice(spacing or (1.0,) * truth.ndim)).mean())


def _contour(mask: np.ndarray) -> np.ndarray:
    """Indices of the voxels of a mask that touch its outside, looked for in the box around it."""
    from scipy import ndimage

    box = box_of(mask)
    inside = mask[box]
    if not inside.size:
        return np.empty((0, mask.ndim))
    found: np.ndarray = np.argwhere(inside & ~ndimage.binary_erosion(inside)) + [side.start for side in box]
    return found
