"""Contours as they are drawn: slice by slice, in the plane.

The contour of a slice are the pixels of the mask with a neighbour above, below, left or right that is not of it; beyond
the image there is nothing. What a reader adds to a predicted contour is the part of the true one that lies farther from
it than a tolerance, in the same slice (Vaassen et al. 2020, doi:10.1016/j.phro.2019.12.001).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.additive import State
from segeval.evidence.grid import Lattice
from segeval.evidence.masks import Masks, Voxels
from segeval.evidence.shapes import Bool, Int64, PerLabel

Near = Literal["contour", "ball", "mask"]
Unit = Literal["mm", "voxel"]

_SLACK = 1e-9  # a pixel at exactly the tolerance is near
_ALIKE = 0.99  # spacings that differ by less are equal: headers round them


@dataclass(frozen=True, kw_only=True)
class PathLengths(State):
    """Lengths of true contours, and of what has to be added of them, per class.

    `slices` are those that either side has something in.
    """

    added: PerLabel
    truth: PerLabel
    slices: PerLabel

    @classmethod
    def read(
        cls, masks: Masks, *, tolerance_mm: float, near: Near, axis: int | None, unit: Unit = "mm"
    ) -> "PathLengths":
        """Draw the contours of every class of a case.

        Raises:
            ConfigError: the tolerance is negative, or the image has no such axis.
        """
        if not 0 <= tolerance_mm < math.inf:
            raise ConfigError(f"tolerance_mm={tolerance_mm:g} is no length. Give 0 or a number of mm.")
        plane = _plane(masks.lattice, axis)
        lattice = masks.lattice.of_axes(plane)
        step = 1.0 if unit == "voxel" else float(np.mean(lattice.spacing))
        rows = []
        for pred, truth in zip(masks.pred, masks.truth, strict=True):
            drawn = contour_of(truth, plane)
            added = ~_is_near(drawn, pred, plane, lattice, near=near, tolerance=tolerance_mm)
            slices = len(np.union1d(*(_slice_of(side, plane) for side in (pred.coordinates, truth.coordinates))))
            rows.append(cls.of(added=added.sum() * step, truth=len(drawn) * step, slices=slices))
        return cls.stack(rows)


def _plane(lattice: Lattice, axis: int | None) -> list[int]:
    """The two axes that a slice is drawn in: those beside the coarsest one, or, of equal ones, beside the last."""
    n_axes = len(lattice.spacing)
    if axis is not None and not 0 <= axis < n_axes:
        raise ConfigError(f"axis={axis}: an image of {n_axes} axes has none of that number. They count from 0.")
    if n_axes == 2:
        return [0, 1]
    coarse = [i for i, step in enumerate(lattice.spacing) if step >= _ALIKE * max(lattice.spacing)]
    through = coarse[-1] if axis is None else axis
    return [i for i in range(n_axes) if i != through]


def contour_of(mask: Voxels, plane: Sequence[int]) -> Int64[np.ndarray, "pixel axis"]:
    """Array indices of the contour pixels of every slice."""
    if not len(mask):
        return np.zeros((0, len(mask.shape)), dtype=np.int64)
    inside = mask.in_box(margin=1).dense()
    outside = np.zeros_like(inside)
    for axis in plane:  # the margin keeps a mask from meeting itself round the edge
        outside |= ~np.roll(inside, 1, axis) | ~np.roll(inside, -1, axis)
    return np.argwhere(inside & outside) + mask.corner - 1


def _slice_of(at: np.ndarray, plane: Sequence[int]) -> np.ndarray:
    through = [axis for axis in range(at.shape[1]) if axis not in plane]
    return at[:, through[0]] if through else np.zeros(len(at), dtype=np.int64)


def _is_near(
    drawn: np.ndarray, pred: Voxels, plane: Sequence[int], lattice: Lattice, *, near: Near, tolerance: float
) -> Bool[np.ndarray, " pixel"]:
    """Which contour pixels lie near what is predicted in their slice."""
    if not len(drawn) or not len(pred):
        return np.zeros(len(drawn), dtype=bool)
    if near == "mask":
        return np.isin(np.ravel_multi_index(tuple(drawn.T), pred.shape), pred.index)
    from scipy.spatial import cKDTree

    if near == "ball":  # a round brush of whole pixels, which reaches half a pixel farther
        tolerance = math.ceil(tolerance / float(np.mean(lattice.spacing)) - _SLACK) + 0.5
        lattice = Lattice.unit(2)
    reach = tolerance + _SLACK

    def places(at: np.ndarray) -> np.ndarray:
        apart = _slice_of(at, plane) * (2 * reach + 1)  # so that no other slice is near
        return np.column_stack([lattice.places(at[:, plane]), apart])

    distance, _ = cKDTree(places(contour_of(pred, plane))).query(places(drawn), distance_upper_bound=reach)
    return np.asarray(np.isfinite(distance))
