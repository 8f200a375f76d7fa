"""The nearest target of a few points: whole blocks of targets are ruled out at once.

For some hundred points this is as fast as building and asking a k-d tree, and spares the import of
one, which takes longer than scoring a case.
"""

import numpy as np

from segeval.evidence.grid import Lattice

_BITS = 3  # blocks of 8 voxels along each axis


def nearest_by_blocks(points: np.ndarray, targets: np.ndarray, lattice: Lattice) -> np.ndarray:
    """Exact distance of each point to the nearest target.

    Args:
        points: lattice coordinates, (axis, point).
        targets: lattice coordinates, (axis, target); at least one.
        lattice: how far apart voxels lie; its axes are at right angles, else a block would reach farther than its ends.
    """
    order, starts = _blocks(targets)
    ends = (fold.reduceat(targets[:, order], starts, axis=1)[:, None] for fold in (np.minimum, np.maximum))
    before, after = (end - points[:, :, None] for end in ends)
    least = lattice.lengths(np.maximum(np.maximum(before, -after), 0))
    to_first = lattice.lengths(targets[:, None, order[starts]] - points[:, :, None])  # of each block
    point, block = np.nonzero(least <= to_first.min(axis=1, keepdims=True))
    sizes = np.diff(starts, append=order.size)[block]
    first = np.cumsum(sizes) - sizes
    within = np.arange(sizes.sum()) - np.repeat(first, sizes)
    candidates = targets[:, order[np.repeat(starts[block], sizes) + within]]
    distances = lattice.lengths(points[:, np.repeat(point, sizes)] - candidates)
    return np.minimum.reduceat(distances, first[np.searchsorted(point, np.arange(points.shape[1]))])


def _blocks(targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An order of the targets in which those of one block stand together, and where each block starts."""
    block = (targets - targets.min(axis=1, keepdims=True)) >> _BITS
    key = np.ravel_multi_index(tuple(block), tuple(block.max(axis=1) + 1))
    order = np.argsort(key, kind="stable")
    return order, np.flatnonzero(np.diff(key[order], prepend=-1))
