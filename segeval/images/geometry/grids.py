"""Voxel grids in the world, and how one lies in another."""

from dataclasses import dataclass
from itertools import product

import numpy as np


@dataclass(frozen=True, kw_only=True)
class WorldGrid:
    """A grid of three axes: its shape and the 4 x 4 affine from voxel indices to world millimetres."""

    shape: tuple[int, ...]
    affine: np.ndarray

    @property
    def corners(self) -> np.ndarray:
        """Outer corners in index space, shape (4, 8), with a row of ones for the affine."""
        return np.array(list(product(*((-0.5, n - 0.5) for n in self.shape), (1.0,)))).T

    @property
    def voxel_mm(self) -> float:
        """Edge of a cube as large as a voxel."""
        return float(abs(np.linalg.det(self.affine)) ** (1 / 3))

    def map_from(self, other: "WorldGrid") -> np.ndarray:
        """The 4 x 4 matrix from voxel indices of `other` to those of this grid."""
        return np.linalg.solve(self.affine, other.affine)

    def misses(self, other: "WorldGrid") -> bool:
        """Whether one axis alone shows that the grids have no voxel in common."""
        corners = (self.map_from(other) @ other.corners)[:3]
        return bool(((corners.max(axis=1) <= -0.5) | (corners.min(axis=1) >= np.array(self.shape) - 0.5)).any())


@dataclass(frozen=True, kw_only=True)
class Reordering:
    """Which axis of one grid runs along each axis of another, and which of those run the other way."""

    axes: tuple[int, ...]
    flips: tuple[bool, ...]
    apart: float  # voxels by which the corners of the two grids miss each other at most

    @property
    def is_identity(self) -> bool:
        return self.axes == (0, 1, 2) and not any(self.flips)

    def apply(self, array: np.ndarray) -> np.ndarray:
        """The same voxels in the other order, as a view; axes of channels stay last."""
        turned = array.transpose(*self.axes, *range(3, array.ndim))
        return turned[tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)]


def grid_of(affine: np.ndarray, shape: tuple[int, ...]) -> WorldGrid:
    """The grid of an image; one of two axes gets its normal for the third, as long as its finer spacing."""
    if len(shape) == 3:
        return WorldGrid(shape=shape, affine=affine)
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    thickness = np.linalg.norm(affine[:3, :2], axis=0).min()
    third = np.append(normal * (thickness / np.linalg.norm(normal)), 0.0)
    return WorldGrid(shape=(*shape, 1), affine=np.column_stack([affine[:, :2], third, affine[:, 2]]))


def nearest_reordering(source: WorldGrid, target: WorldGrid) -> Reordering | None:
    """The flips and swaps of axes that bring `source` nearest to `target`.

    None if the grids are turned or scaled by more than that, or if their shapes do not fit.
    """
    turn = np.rint(source.map_from(target)[:3, :3])
    axes = np.abs(turn).argmax(axis=0)
    is_swap = np.array_equal(np.abs(turn) @ np.abs(turn).T, np.eye(3))
    shape = np.array(source.shape)
    if not is_swap or tuple(shape[axes].tolist()) != target.shape:
        return None
    exact = np.eye(4)
    exact[:3, :3] = turn
    exact[:3, 3] = np.where(turn.sum(axis=1) < 0, shape - 1, 0)  # a flipped axis starts at its other end
    miss_mm = ((source.affine @ exact - target.affine) @ target.corners)[:3]
    return Reordering(
        axes=tuple(axes.tolist()),
        flips=tuple((turn.sum(axis=0) < 0).tolist()),
        apart=float(np.linalg.norm(miss_mm, axis=0).max() / target.voxel_mm),
    )
