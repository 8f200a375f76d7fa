"""An image as it was stored: an array with its place in the world."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from segeval.evidence.policies import Orientation
from segeval.evidence.shapes import SpacingMm


@dataclass(frozen=True, kw_only=True)
class Volume:
    """What an image file holds: singleton axes squeezed, intensities scaled, nothing resampled or narrowed.

    `affine` maps voxel indices (squeezed axes removed from its columns, so shape (4, ndim + 1)) to
    world millimetres; None where the format has no world (PNG, NPY). Where there is a world, an array
    axis after the spatial ones holds channels.

    Attributes:
        levels: what each stored integer stands for, of an image read `as_stored`.
        white: the largest grey of a picture.
        is_czyx: the `.npz` of nnU-Net: channels first, then space in the order z, y, x.
        is_rgb: colours are in a last axis, until a table makes ids of them.
        form: which form of a NIfTI header the affine is, where its two disagree.
        other_affine: the affine of the other form then.
        of_part: only a part of the image is stored, and what lies beyond is background.
        palette: the colours that the indices of a picture stand for, (index, 3).
    """

    path: Path
    array: np.ndarray
    spacing_mm: SpacingMm | None = None
    affine: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    levels: np.ndarray | None = None
    white: int | None = None
    is_czyx: bool = False
    is_rgb: bool = False
    form: Orientation | None = None
    other_affine: np.ndarray | None = None
    palette: np.ndarray | None = None
    of_part: bool = False

    @property
    def n_space(self) -> int:
        """How many of the array's axes are space; without a world at most three."""
        return min(self.array.ndim, 3) if self.affine is None else self.affine.shape[1] - 1

    @property
    def grid(self) -> tuple[int, ...]:
        """Shape of the voxel grid, without channels."""
        return self.array.shape[: self.n_space]

    @property
    def is_integer(self) -> bool:
        """Whether integers or booleans are stored."""
        return self.array.dtype.kind in "biu"

    def scaled(self) -> "Volume":
        """The same image with its levels in place of stored integers."""
        return self if self.levels is None else replace(self, array=self.levels.take(self.array), levels=None)


def every_integer(dtype: np.dtype) -> np.ndarray:
    """All integers of a type of up to 16 bits, each where it finds itself as an index: negative ones from the end."""
    return np.arange(1 << 8 * dtype.itemsize).astype(f"u{dtype.itemsize}").view(dtype)


def singleton_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Axes of one voxel that can be squeezed away: the last ones first, and two axes always stay."""
    ones = [axis for axis, size in enumerate(shape) if size == 1]
    return tuple(sorted(ones[::-1][: max(len(shape) - 2, 0)]))


def unrounded(value: float) -> str:
    """A number in few digits, but in as many as keep it apart from whole numbers, and from 0 and 1 at its side.

    Example:
        >>> unrounded(1.0000002), unrounded(0.25), unrounded(-1e-9)
        ('1.0000002', '0.25', '-1e-09')
    """
    for digits in range(6, 17):
        text = f"{value:.{digits}g}"
        shown = float(text)
        if shown.is_integer() == float(value).is_integer() and (shown > 1) == (value > 1):
            return text
    return repr(float(value))
