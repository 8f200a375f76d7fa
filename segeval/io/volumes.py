"""Read one image file into an array with its place in the world."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segeval.core.shapes import SpacingMm


@dataclass(frozen=True, kw_only=True)
class Volume:
    """An image as it was stored: singleton axes squeezed, integers narrowed, nothing resampled.

    `affine` maps voxel indices (squeezed axes removed from its columns, so shape (4, ndim + 1)) to
    world millimetres; None where the format has no world (PNG, NPY).
    """

    path: Path
    array: np.ndarray
    spacing_mm: SpacingMm | None = None
    affine: np.ndarray | None = None
    notes: tuple[str, ...] = ()
