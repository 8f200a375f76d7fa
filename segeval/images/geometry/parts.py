"""Images of which only a part is stored, put where they lie in the whole; beyond the part is background."""

from dataclasses import replace

import numpy as np

from segeval.errors import DataError
from segeval.files.paths import printable
from segeval.images.geometry.grids import WorldGrid
from segeval.images.readers.volumes import Volume

_OFF_LATTICE = 1e-2  # voxels, that a part may lie beside the voxels of the whole


def extended_to(part: Volume, whole: WorldGrid) -> Volume:
    """The image on a grid whose voxels are where its own are; the same image where they are not.

    Raises:
        DataError: a voxel that is not background lies beyond the grid.
    """
    if part.affine is None or part.n_space != 3 or len(whole.shape) != 3:
        return part
    into = np.linalg.solve(whole.affine, part.affine)
    turn = np.rint(into[:3, :3])
    shape = np.array(part.grid)
    first = np.rint(into[:3, 3])
    exact = np.eye(4)
    exact[:3, :3], exact[:3, 3] = turn, first
    is_swap = np.array_equal(np.abs(turn) @ np.abs(turn).T, np.eye(3))
    if (
        not is_swap
        or np.abs((into - exact) @ WorldGrid(shape=part.grid, affine=part.affine).corners).max() > _OFF_LATTICE
    ):
        return part
    axes = np.abs(turn).argmax(axis=1)  # of the part, along each axis of the whole
    flips = turn.sum(axis=1) < 0
    array = part.array.transpose(*axes, *range(3, part.array.ndim))
    array = array[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    low = (first - np.where(flips, shape[axes] - 1, 0)).astype(int)
    start, stop = np.maximum(low, 0), np.minimum(low + array.shape[:3], whole.shape)
    inner = array[tuple(slice(a, max(a, b)) for a, b in zip(start - low, stop - low, strict=True))]
    if np.count_nonzero(inner) < np.count_nonzero(array):
        raise DataError(
            f"{printable(part.path)}: {np.count_nonzero(array) - np.count_nonzero(inner)} voxels of its masks lie "
            "beyond the image they are compared on. Check that both belong to one case."
        )
    found = np.zeros((*whole.shape, *array.shape[3:]), dtype=array.dtype, order="F")
    if inner.size:
        found[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = inner
    spacing = tuple(float(length) for length in np.linalg.norm(whole.affine[:3, :3], axis=0))
    return replace(part, array=found, affine=whole.affine, spacing_mm=spacing, of_part=False)


def grid_of_both(part: Volume, other: Volume) -> WorldGrid:
    """The smallest grid on the lattice of one part that holds another part, too."""
    if part.affine is None or other.affine is None:
        raise ValueError("a part without a place in the world")
    into = np.linalg.solve(part.affine, other.affine)
    corners = np.array([[0, 0, 0, 1], [*np.array(other.grid) - 1, 1]], dtype=float).T
    reached = np.rint((into @ corners)[:3])
    low = np.minimum(reached.min(axis=1), 0)
    high = np.maximum(reached.max(axis=1), np.array(part.grid) - 1)
    moved = part.affine.copy()
    moved[:3, 3] += part.affine[:3, :3] @ low
    return WorldGrid(shape=tuple((high - low + 1).astype(int).tolist()), affine=moved)
