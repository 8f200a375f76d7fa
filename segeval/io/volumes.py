"""Read one image file into an array with its place in the world."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segeval.core.shapes import SpacingMm
from segeval.errors import DataError
from segeval.io.paths import printable
from segeval.io.suffixes import IMAGE_SUFFIXES, image_suffix


@dataclass(frozen=True, kw_only=True)
class Volume:
    """An image as it was stored: singleton axes squeezed, intensities scaled, nothing resampled or narrowed.

    `affine` maps voxel indices (squeezed axes removed from its columns, so shape (4, ndim + 1)) to
    world millimetres; None where the format has no world (PNG, NPY). Where there is a world, an array
    axis after the spatial ones holds channels.
    """

    path: Path
    array: np.ndarray
    spacing_mm: SpacingMm | None = None
    affine: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    @property
    def n_space(self) -> int:
        """How many of the array's axes are space; without a world at most three."""
        return min(self.array.ndim, 3) if self.affine is None else self.affine.shape[1] - 1

    @property
    def grid(self) -> tuple[int, ...]:
        """Shape of the voxel grid, without channels."""
        return self.array.shape[: self.n_space]


def read_volume(path: Path) -> Volume:
    """Read an image file of any known format.

    Raises:
        DataError: the file cannot be read, or is no image that can be scored.
    """
    from segeval.io.nifti import read_nifti
    from segeval.io.npy import read_npy, read_npz
    from segeval.io.png import read_png

    match image_suffix(path):
        case ".nii" | ".nii.gz":
            return read_nifti(path)
        case ".png":
            return read_png(path)
        case ".npy":
            return read_npy(path)
        case ".npz":
            return read_npz(path)
    raise DataError(f"{printable(path)}: no reader for this kind of file. Known are {', '.join(IMAGE_SUFFIXES)}.")


def singleton_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Axes of one voxel that can be squeezed away: the last ones first, and two axes always stay."""
    ones = [axis for axis, size in enumerate(shape) if size == 1]
    return tuple(sorted(ones[::-1][: max(len(shape) - 2, 0)]))
