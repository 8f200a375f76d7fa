"""Where the voxels of a medical image lie: axes of space first, channels last, the affine's columns beside them."""

from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.evidence.policies import LONGEST_MM, SHORTEST_MM
from segeval.files.paths import printable
from segeval.images.readers.volumes import Volume, singleton_axes

TO_RIGHT_AND_FRONT = np.diag([-1.0, -1.0, 1.0, 1.0])  # of DICOM's and ITK's world, which runs to the left and the back


def placed_in_world(path: Path, array: np.ndarray, world: np.ndarray) -> Volume:
    """An array of up to three axes of space, then channels, as a volume without singleton axes.

    Args:
        path: for messages.
        array: in the order x, y, z, channels.
        world: 4 x 4, from voxel indices to millimetres, x to the right, y to the front, z up.

    Raises:
        DataError: there are too many axes, or the matrix spans no grid.
    """
    stored = array.shape
    space = (*stored, 1, 1, 1)[:3]
    squeezed = singleton_axes(space)
    kept = [axis for axis in range(3) if axis not in squeezed]
    channels = tuple(n for n in stored[3:] if n > 1)
    if len(channels) > 1:
        raise DataError(
            f"{printable(path)}: shape {stored} has {3 + len(channels)} axes longer than one voxel; space and channels "
            "make at most 4. Split the file."
        )
    array = array.reshape(tuple(space[axis] for axis in kept) + channels, order="F")
    affine = world[:, [*kept, 3]]
    return Volume(
        path=path,
        array=array,
        spacing_mm=_spacing_mm(affine, path),
        affine=affine,
        notes=() if array.shape == stored else (f"shape {stored} read as {array.shape}",),
    )


def _spacing_mm(affine: np.ndarray, path: Path) -> tuple[float, ...]:
    """Lengths of the affine's columns, which also have to span the grid."""
    linear = affine[:3, :-1]
    if not np.isfinite(affine).all():
        raise DataError(f"{printable(path)}: its affine holds values that are not finite. Write the file again.")
    spacing = np.linalg.norm(linear, axis=0)
    if not spacing.all() or np.linalg.matrix_rank(linear / spacing) < linear.shape[1]:
        raise DataError(
            f"{printable(path)}: its affine {numbers(linear)} folds the grid flat. "
            "Write one in which every axis has a length and a direction of its own."
        )
    if spacing.min(initial=1.0) < SHORTEST_MM or spacing.max(initial=1.0) > LONGEST_MM:
        raise DataError(
            f"{printable(path)}: voxels of {numbers(spacing)} mm are no size. "
            f"Write the file again with lengths between {SHORTEST_MM:g} and {LONGEST_MM:g} mm."
        )
    return tuple(float(length) for length in spacing)


def numbers(values: np.ndarray) -> str:
    """An array on one line of a message."""
    return np.array2string(values, separator=", ", precision=4, floatmode="maxprec").replace("\n", "")
