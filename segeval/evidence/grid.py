"""The voxel grid of a case: its shape, and how far apart its voxels lie in the world."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from segeval.evidence.shapes import AxesMm, SpacingMm

_RIGHT = 1e-5  # cosine up to which axes are at right angles: what is left of them in headers of six digits


@dataclass(frozen=True)
class Lattice:
    """How far apart voxels lie.

    `spacing` is the length of a step along each array axis. `axes` are these steps themselves, one row per axis, where
    some are not at right angles, as in a CT with gantry tilt; None says that the lengths say it all.
    """

    spacing: SpacingMm
    axes: AxesMm | None = None

    @classmethod
    def unit(cls, n_axes: int) -> "Lattice":
        """Voxels that are cubes of size 1."""
        return cls((1.0,) * n_axes)

    @cached_property
    def steps(self) -> np.ndarray:
        """The step along each axis as a row, (axis, axis)."""
        return np.diag(self.spacing) if self.axes is None else np.array(self.axes)

    @cached_property
    def cell(self) -> float:
        """Volume of a voxel; in 2-D its area."""
        return math.prod(self.spacing) if self.axes is None else float(abs(np.linalg.det(self.steps)))

    def places(self, at: np.ndarray) -> np.ndarray:
        """Positions in the world, up to a rotation and a shift, of array indices (point, axis)."""
        return at * np.array(self.spacing) if self.axes is None else at @ self.steps

    def lengths(self, offsets: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """Lengths of whole lattice steps, (axis, ...), which carry no rounding of coordinates."""
        along = zip(offsets, self.spacing, strict=True)
        if self.axes is None:
            return np.sqrt(sum((n * size) ** 2 for n, size in along))
        sides = (sum(n * step for n, step in zip(offsets, row, strict=True)) for row in self.steps.T)
        return np.sqrt(sum(side**2 for side in sides))

    def of_axes(self, order: list[int]) -> "Lattice":
        """The same for some of the axes, in another order."""
        axes = None if self.axes is None else square_axes(self.steps[order])
        return Lattice(tuple(self.spacing[axis] for axis in order), axes)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Shape, spacing and skewed axes, in array axis order; `spacing_mm=None` means pixels without a size."""

    shape: tuple[int, ...]
    spacing_mm: SpacingMm | None = None
    axes_mm: AxesMm | None = None

    @cached_property
    def lattice(self) -> Lattice:
        """How far apart the voxels lie: in mm, or in voxels without spacing."""
        return Lattice(self.spacing_mm, self.axes_mm) if self.spacing_mm else Lattice.unit(len(self.shape))

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in ml; nan for 2-D images and without spacing, which have no volume."""
        if self.spacing_mm is None or len(self.shape) != 3:
            return math.nan
        return self.lattice.cell / 1000.0

    @property
    def diagonal(self) -> float:
        """Length of the image's longest diagonal, in mm, or in voxels without spacing."""
        return diagonal_of(self.shape, self.lattice)


def diagonal_of(shape: tuple[int, ...], lattice: Lattice) -> float:
    """Length of the longest diagonal of an image; where the axes are at right angles all are alike."""
    if lattice.axes is None:
        return math.hypot(*(n * step for n, step in zip(shape, lattice.spacing, strict=True)))
    corners = np.array(list(product((-1, 1), repeat=len(shape)))).T * np.array(shape)[:, None]
    return float(lattice.lengths(corners).max())


def skewed_axes(columns: np.ndarray) -> AxesMm | None:
    """The axes of a grid that is sheared: None where all are at right angles.

    Args:
        columns: step in the world along each array axis, (3, axis), as in the first columns of an affine.
    """
    directions = columns / np.linalg.norm(columns, axis=0)
    cosines = directions.T @ directions - np.eye(columns.shape[1])
    return None if np.abs(cosines).max() <= _RIGHT else square_axes(columns.T)


def square_axes(rows: np.ndarray) -> AxesMm:
    """Steps of the same lengths and angles with as many coordinates as there are axes."""
    _, triangle = np.linalg.qr(rows.T)
    return tuple(tuple(row) for row in triangle.T.tolist())
