"""Where the components of a mask lie, and how near those of another mask are."""

from dataclasses import dataclass, replace

import numpy as np

from segeval.evidence.grid import Lattice
from segeval.evidence.lesions.components import Components
from segeval.evidence.masks import values_at
from segeval.evidence.probabilities.channels import ProbMap
from segeval.evidence.shapes import Float64, Int64
from segeval.evidence.surfaces.surfaces_numpy import nearest_of_points


@dataclass(frozen=True, kw_only=True)
class Extent:
    """Centre and bounding box of each part, in array indices; `stop` is excluded."""

    centroid: Float64[np.ndarray, "part axis"]
    start: Int64[np.ndarray, "part axis"]
    stop: Int64[np.ndarray, "part axis"]


def extent_of(parts: Components) -> Extent:
    """Centre and bounding box of each part."""
    where = parts.all_voxels.coordinates
    return Extent(
        centroid=per_part(np.add, where, parts) / parts.n_voxels[:, None],
        start=per_part(np.minimum, where, parts),
        stop=per_part(np.maximum, where, parts) + 1,
    )


def nearest_other_mm(parts: Components, others: Components, lattice: Lattice, *, one_of_many: bool) -> np.ndarray:
    """Distance from the surface of each part to the nearest surface of `others`; infinite if there is none.

    Surfaces are voxel centres, so touching lesions are one voxel apart. `one_of_many` as for `nearest_of_points`.
    """
    if not len(others):
        return np.full(len(parts), np.inf)
    here, there = parts.surface, others.surface
    at, goal = (side.all_voxels.coordinates.T for side in (here, there))
    return per_part(np.minimum, nearest_of_points(at, goal, lattice, one_of_many=one_of_many), here)


def mean_and_max(probs: ProbMap, parts: Components) -> tuple[np.ndarray, np.ndarray]:
    """Mean and largest probability inside each part."""
    inside = probs_at(probs, parts.index)
    return per_part(np.add, inside, parts) / parts.n_voxels, per_part(np.maximum, inside, parts)


def probs_at(probs: ProbMap, index: Int64[np.ndarray, " voxel"]) -> Float64[np.ndarray, " voxel"]:
    """Probabilities at flat indices, widened from what is stored."""
    return replace(probs, stored=values_at(probs.stored, index)).probs().astype(np.float64)


def per_part(gather: np.ufunc, values: np.ndarray, parts: Components) -> np.ndarray:
    """Sum, smallest or largest value over the voxels of each part."""
    order = np.argsort(parts.owner, kind="stable")
    starts = np.cumsum(parts.n_voxels) - parts.n_voxels
    gathered: np.ndarray = gather.reduceat(values[order], starts)
    return gathered
