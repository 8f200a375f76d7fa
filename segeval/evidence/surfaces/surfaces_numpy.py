"""Surfaces and their distances on the CPU.

No distance map is computed where that can be avoided: each surface element looks for the nearest one
of its class on the other side at offsets of growing length. Only what finds nothing close by is
compared with blocks of targets, asks a k-d tree, or reads a distance transform of the region, whatever
is cheapest. The cost follows the surface, neither the volume nor the number of classes.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from segeval.evidence.grid import Lattice
from segeval.evidence.overlap import word_scan
from segeval.evidence.shapes import Labels, Mask
from segeval.evidence.surfaces.blocks import nearest_by_blocks
from segeval.evidence.surfaces.elements import (
    IGNORED,
    Elements,
    Metric,
    Neighbours,
    coordinates,
    neighbour_offsets,
    strides_of,
)
from segeval.evidence.surfaces.shells import Shell, shells

_N_OFFSETS = 500  # looking at more of them costs as much as asking the tree
_MOST_BITS = 31  # classes that share one table of the region
_FEW_PAIRS, _FEW_IN_ALL = 1 << 22, 1 << 25  # of points and targets, of a class and of all: less than importing scipy
_SMALL_CLASS = 1 << 11  # points and targets that a tree is done with before a walk has called numpy for each offset
_LARGEST_MAP = 1 << 26  # voxels; a map has an int32 for each axis of each
_AT_ONCE = 1 << 20  # voxels whose offsets are computed at once
# microseconds, measured; only their ratios matter
_TREE_PER_POINT, _TREE_PER_TARGET, _MAP_PER_VOXEL = 8.0, 0.15, 0.09


def prepared(pred: Labels, truth: Labels, ignored: Mask | None) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Both label images contiguous in the memory order of the truth, of one dtype, ignored voxels marked.

    Also gives the order of the axes. Arrays that are already so are not copied.
    """
    axes = sorted(range(truth.ndim), key=lambda axis: -abs(truth.strides[axis]))
    dtype = np.promote_types(_plain(pred), _plain(truth))
    dtype = dtype if ignored is None else np.promote_types(dtype, np.int16)
    sides = [np.ascontiguousarray(side.transpose(axes), dtype=dtype) for side in (pred, truth)]
    if ignored is not None:
        sides = [np.where(ignored.transpose(axes), dtype.type(IGNORED), side) for side in sides]
    return sides[0], sides[1], axes


def surface_candidates(labels: np.ndarray, *, neighbours: Neighbours, zero_counts: bool) -> np.ndarray:
    """Flat positions of all voxels that may lie on a surface."""
    offsets = np.array(neighbour_offsets(labels.ndim, neighbours), dtype=np.int64)
    shifts = (offsets @ strides_of(labels.shape)).tolist()
    return word_scan.surface_candidates(labels.reshape(-1), shape=labels.shape, shifts=shifts, zero_counts=zero_counts)


def disagreements(pred: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Flat positions at which the two sides have different labels."""
    return word_scan.disagreements(pred.reshape(-1), truth.reshape(-1))


def nearest(points: Elements, targets: Elements, lattice: Lattice) -> np.ndarray:
    """Distance of each point to the nearest target of its class; inf where the class has none."""
    distances = np.full(points.at.shape[1], np.inf)
    for first in range(0, len(points.n), _MOST_BITS):
        block = slice(first, min(first + _MOST_BITS, len(points.n)))
        here = slice(points.starts[block.start], points.starts[block.stop])
        distances[here] = _search_near(points, targets, block, lattice)
    far_of = {
        index: points.of(index).start + np.flatnonzero(np.isinf(distances[points.of(index)]))
        for index in np.flatnonzero((points.n > 0) & (targets.n > 0)).tolist()
    }
    few = not trees_pay(far.size * int(targets.n[index]) for index, far in far_of.items())
    for index, far in far_of.items():
        if far.size:
            there = targets.at[:, targets.of(index)]
            distances[far] = _far(points.at.take(far, axis=1), there, lattice, few=few)
    return distances


def trees_pay(pairs: Iterable[int]) -> bool:
    """Whether so many pairs of points and targets in each class are worth the import of trees."""
    return sum(pairs) > _FEW_IN_ALL


def nearest_of_points(
    points: np.ndarray, targets: np.ndarray, lattice: Lattice, *, one_of_many: bool = False
) -> np.ndarray:
    """The same of points of a single class: array indices, (axis, point) and (axis, target).

    Args:
        one_of_many: of so many classes that a tree for each small one is worth the import of trees.
    """
    if one_of_many and points.shape[1] + targets.shape[1] <= _SMALL_CLASS:
        return _by_tree(points, targets, lattice)
    start, goal = (Elements(at=at, starts=np.array([0, at.shape[1]])) for at in (points, targets))
    return nearest(start, goal, lattice)


def _search_near(points: Elements, targets: Elements, block: slice, lattice: Lattice) -> np.ndarray:
    """Distances of the points of a block of classes to targets close by; inf where there are none."""
    mine, theirs = (side.at[:, side.starts[block.start] : side.starts[block.stop]] for side in (points, targets))
    if not mine.size or not theirs.size:
        return np.full(mine.shape[1], np.inf)
    nearby = shells(lattice, n_offsets=_N_OFFSETS)
    margin = np.concatenate([shell.offsets for shell in nearby]).max(axis=0)
    first, last = theirs.min(axis=1) - margin, theirs.max(axis=1) + margin
    within: Any = slice(None)
    if (mine.min(axis=1) < first).any() or (mine.max(axis=1) > last).any():  # far from all targets there is no walk
        within = np.flatnonzero(((mine >= first[:, None]) & (mine <= last[:, None])).all(axis=0))
        if not within.size:
            return np.full(mine.shape[1], np.inf)
    low = first - margin
    shape = tuple((last + margin - low + 1).tolist())
    table, bits = _table(targets, block, low, shape)
    distances = np.full(mine.shape[1], np.inf)
    of_points = bits if len(bits) == 1 else np.repeat(bits, points.n[block])[within]
    distances[within] = _walk(nearby, table, _flat(mine[:, within], low, shape), of_points, strides_of(shape))
    return distances


def _table(targets: Elements, block: slice, low: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """A map of the region whose values have the bit of each class that has a target there, and the bits."""
    n = block.stop - block.start
    bits = (1 << np.arange(n)).astype(np.uint8 if n <= 8 else np.int16 if n <= 15 else np.int32)
    table = np.zeros(math.prod(shape), dtype=bits.dtype)
    for index, bit in zip(range(block.start, block.stop), bits, strict=True):
        table[_flat(targets.at[:, targets.of(index)], low, shape)] |= bit
    return table, bits


def _flat(at: np.ndarray, low: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Positions in a contiguous array of this shape whose first voxel is at `low`."""
    *strides, _ = strides_of(shape)
    flat: np.ndarray = at[-1] - low @ strides_of(shape)
    for along, stride in zip(at, strides, strict=False):  # the last axis has a stride of 1
        flat += along * stride
    return flat


def _walk(
    nearby: Sequence[Shell], table: np.ndarray, flat: np.ndarray, bits: np.ndarray, strides: tuple[int, ...]
) -> np.ndarray:
    """Visit the shells from the nearest on; a point leaves once it has met a target of its class."""
    distances = np.full(flat.size, np.inf)
    still = np.arange(flat.size)
    shifts = [(shell.offsets @ strides).tolist() for shell in nearby]
    back = -min(map(min, shifts))
    flat = flat - back  # a step is then a later start of the table, and needs no sum for each point
    for shell, (first, *others) in zip(nearby, shifts, strict=True):
        if not still.size:
            break
        met = table[back + first :].take(flat)
        for shift in others:
            met |= table[back + shift :].take(flat)
        hit = (met & bits) != 0
        found = np.flatnonzero(hit)
        if found.size:
            distances[still[found]] = shell.distance
            left = np.flatnonzero(~hit)
            still, flat = still[left], flat[left]
            bits = bits if len(bits) == 1 else bits[left]
    return distances


def _far(points: np.ndarray, targets: np.ndarray, lattice: Lattice, *, few: bool) -> np.ndarray:
    """Exact distances to the nearest target, by the way that is estimated to be cheapest.

    Args:
        few: all classes together have few pairs of points and targets.
    """
    if lattice.axes is not None:  # blocks and maps go along the axes, which says nothing of distances here
        return _by_tree(points, targets, lattice)
    if few and points.shape[1] * targets.shape[1] <= _FEW_PAIRS:
        return nearest_by_blocks(points, targets, lattice)
    low = np.minimum(points.min(axis=1), targets.min(axis=1))
    shape = np.maximum(points.max(axis=1), targets.max(axis=1)) - low + 1
    n_voxels = math.prod(shape.tolist())
    costs_of_tree = points.shape[1] * _TREE_PER_POINT + targets.shape[1] * _TREE_PER_TARGET
    if n_voxels > _LARGEST_MAP or costs_of_tree < n_voxels * _MAP_PER_VOXEL:
        return _by_tree(points, targets, lattice)
    return _by_map(points - low[:, None], targets - low[:, None], tuple(shape.tolist()), lattice)


def _by_tree(points: np.ndarray, targets: np.ndarray, lattice: Lattice) -> np.ndarray:
    from scipy.spatial import cKDTree

    tree = cKDTree(lattice.places(targets.T), leafsize=32, balanced_tree=False, compact_nodes=False)
    _, found = tree.query(lattice.places(points.T))
    return lattice.lengths(points - targets[:, found])


def _by_map(points: np.ndarray, targets: np.ndarray, shape: tuple[int, ...], lattice: Lattice) -> np.ndarray:
    elsewhere = np.ones(shape, dtype=bool)
    elsewhere[tuple(targets)] = False
    found = _features(elsewhere, lattice)
    return lattice.lengths(points - found[(slice(None), *points)])


def raw_moments(labels: np.ndarray, ids: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each id: number of voxels, sum of x and sum of x xᵀ, exact in float64."""
    n_axes = labels.ndim
    flat, order = labels.reshape(-1), np.array(ids, dtype=np.int64)
    sums = np.zeros((1 + n_axes + n_axes * n_axes, len(ids) + 1))
    for at in word_scan.positions(flat, zero_counts=0 in ids):
        values = flat[at].astype(np.int64)
        code = np.searchsorted(order, values)
        code[np.append(order, -1)[code] != values] = len(ids)  # of no class
        x = coordinates(at, labels.shape)
        terms = [np.ones(at.size), *x, *(a * b for a in x for b in x)]
        sums += [np.bincount(code, weights=term, minlength=len(ids) + 1) for term in terms]
    n, first, second = np.split(sums[:, :-1].T, [1, 1 + n_axes], axis=1)
    return n[:, 0], first, second.reshape(-1, n_axes, n_axes)


def within_reach(sources: np.ndarray, *, reach: float, lattice: Lattice, metric: Metric) -> np.ndarray:
    """Which voxels have a source at most `reach` away."""
    from scipy import ndimage

    if not sources.any() or reach < 0:
        return np.zeros_like(sources)
    if metric == "chessboard":
        steps = zip(lattice.spacing, sources.shape, strict=True)
        widths = [2 * min(int(reach / step), n) + 1 for step, n in steps]
        return np.asarray(ndimage.maximum_filter(sources, size=widths, mode="constant"))
    if lattice.axes is None:
        return _reached(sources, _features(~sources, lattice), reach=reach, lattice=lattice)
    everywhere = np.indices(sources.shape).reshape(sources.ndim, -1)
    distances = _by_tree(everywhere, np.stack(np.nonzero(sources)), lattice)
    return (distances <= reach).reshape(sources.shape)


def _reached(sources: np.ndarray, nearest: np.ndarray, *, reach: float, lattice: Lattice) -> np.ndarray:
    """Where the nearest source is at most `reach` away, a few slices at once: offsets are float64."""
    reached = np.empty(sources.shape, dtype=bool)
    rows = max(1, _AT_ONCE // math.prod(sources.shape[1:]))
    for first in range(0, len(sources), rows):
        part = slice(first, min(first + rows, len(sources)))
        here = np.indices((part.stop - part.start, *sources.shape[1:]), dtype=np.int32, sparse=True)
        offsets = [found[part] - at for found, at in zip(nearest, (here[0] + first, *here[1:]), strict=True)]
        reached[part] = lattice.lengths(offsets) <= reach
    return reached


def _features(elsewhere: np.ndarray, lattice: Lattice) -> np.ndarray:
    """Where the nearest False of each voxel is, (axis, *voxels)."""
    from scipy.ndimage import distance_transform_edt

    found: np.ndarray = distance_transform_edt(
        elsewhere, sampling=lattice.spacing, return_distances=False, return_indices=True
    )
    return found


def _plain(labels: Labels) -> np.dtype:
    """The integer type to compute in; no signed type holds all of uint64, and no id needs that."""
    return np.dtype(np.int64) if labels.dtype == np.uint64 else labels.dtype
