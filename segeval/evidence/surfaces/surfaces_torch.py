"""Surfaces and their distances on a torch device; name for name the same as `surfaces_numpy`.

Every element looks at many offsets at once instead of one by one. What finds nothing close by is
compared with all targets of its class, or read from a distance transform of the region where that is
less work.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segeval.evidence.grid import Lattice
from segeval.evidence.surfaces import surfaces_numpy
from segeval.evidence.surfaces.elements import (
    IGNORED,
    Elements,
    Metric,
    Neighbours,
    coordinates,
    neighbour_offsets,
    strides_of,
)
from segeval.evidence.surfaces.shells import shells

_N_OFFSETS = 500
_MOST_BITS = 31  # classes that share one table of the region
_BLOCK = 1 << 25  # numbers that one step may compare
_MAP_PER_STEP = 2.0  # a step along an axis for one voxel of a map, in comparisons of a point with a target


def prepared(pred: Tensor, truth: Tensor, ignored: Tensor | None) -> tuple[Tensor, Tensor, list[int]]:
    """Both label images contiguous in the memory order of the truth, of one dtype, ignored voxels marked.

    Also gives the order of the axes.
    """
    axes = sorted(range(truth.ndim), key=truth.stride().__getitem__, reverse=True)
    dtype = torch.promote_types(pred.dtype, truth.dtype)
    dtype = dtype if ignored is None else torch.promote_types(dtype, torch.int16)
    sides = [side.permute(axes).to(dtype).contiguous() for side in (pred, truth)]
    if ignored is not None:
        sides = [side.masked_fill(ignored.permute(axes), IGNORED) for side in sides]
    return sides[0], sides[1], axes


def surface_candidates(labels: Tensor, *, neighbours: Neighbours, zero_counts: bool) -> Tensor:
    """Flat positions of all voxels that may lie on a surface, in order."""
    found = torch.zeros(labels.shape, dtype=torch.bool, device=labels.device)
    for axis in range(labels.ndim):
        found.select(axis, 0).fill_(True)
        found.select(axis, -1).fill_(True)
    for offset in neighbour_offsets(labels.ndim, neighbours):
        here, there = _overlap(offset)
        found[here] |= labels[here] != labels[there]
    if not zero_counts:
        found &= labels != 0
    return found.reshape(-1).nonzero()[:, 0]


def disagreements(pred: Tensor, truth: Tensor) -> Tensor:
    """Flat positions at which the two sides have different labels, in order."""
    return (pred != truth).reshape(-1).nonzero()[:, 0]


def nearest(points: Elements, targets: Elements, lattice: Lattice) -> np.ndarray:
    """Distance of each point to the nearest target of its class; inf where the class has none."""
    distances = torch.full((points.at.shape[1],), torch.inf, dtype=torch.float64, device=points.at.device)
    for first in range(0, len(points.n), _MOST_BITS):
        block = slice(first, min(first + _MOST_BITS, len(points.n)))
        here = slice(int(points.starts[block.start]), int(points.starts[block.stop]))
        distances[here] = _search_near(points, targets, block, lattice)
    for index in np.flatnonzero((points.n > 0) & (targets.n > 0)).tolist():
        mine = points.of(index)
        far = mine.start + distances[mine].isinf().nonzero()[:, 0]
        if far.numel():
            distances[far] = _far(points.at[:, far], targets.at[:, targets.of(index)], lattice)
    return distances.cpu().numpy()


def raw_moments(labels: Tensor, ids: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each id: number of voxels, sum of x and sum of x xᵀ, exact in float64."""
    flat, order = labels.reshape(-1), torch.tensor(ids, dtype=torch.int64, device=labels.device)
    at = torch.arange(flat.numel(), device=flat.device) if 0 in ids else flat.nonzero()[:, 0]
    values = flat[at].long()
    code = torch.searchsorted(order, values)
    code[torch.cat([order, order.new_tensor([-1])])[code] != values] = len(ids)  # of no class
    x = coordinates(at, tuple(labels.shape)).unbind()
    terms = torch.stack([torch.ones_like(at), *x, *(a * b for a in x for b in x)], dim=1)
    sums = terms.new_zeros(len(ids) + 1, terms.shape[1]).index_add_(0, code, terms)[: len(ids)]  # of whole numbers
    n, first, second = np.split(sums.double().cpu().numpy(), [1, 1 + labels.ndim], axis=1)
    return n[:, 0], first, second.reshape(-1, labels.ndim, labels.ndim)


def within_reach(sources: Tensor, *, reach: float, lattice: Lattice, metric: Metric) -> Tensor:
    """Which voxels have a source at most `reach` away."""
    if reach < 0:
        return torch.zeros_like(sources)
    if metric == "euclidean" and lattice.axes is not None:
        reached = surfaces_numpy.within_reach(sources.cpu().numpy(), reach=reach, lattice=lattice, metric=metric)
        return torch.from_numpy(reached).to(sources.device)
    if metric == "euclidean":
        return _squared_distances(sources, lattice).sqrt() <= reach
    for axis, step in enumerate(lattice.spacing):
        spread = sources.clone()
        for shift in range(1, min(int(reach / step), sources.shape[axis] - 1) + 1):
            for here, there in _both_ways(axis, shift, sources.ndim):
                spread[here] |= sources[there]
        sources = spread
    return sources


def _search_near(points: Elements, targets: Elements, block: slice, lattice: Lattice) -> Tensor:
    """Distances of the points of a block of classes to targets close by; inf where there are none."""
    mine, theirs = (
        side.at[:, int(side.starts[block.start]) : int(side.starts[block.stop])] for side in (points, targets)
    )
    distances = torch.full((mine.shape[1],), torch.inf, dtype=torch.float64, device=mine.device)
    if not mine.numel() or not theirs.numel():
        return distances
    nearby = shells(lattice, n_offsets=_N_OFFSETS)
    offsets = torch.tensor(np.concatenate([shell.offsets for shell in nearby]), device=mine.device)
    lengths = np.repeat([shell.distance for shell in nearby], [len(shell.offsets) for shell in nearby])
    margin = offsets.amax(dim=0)
    low = torch.minimum(mine.amin(dim=1), theirs.amin(dim=1)) - margin
    high = torch.maximum(mine.amax(dim=1), theirs.amax(dim=1)) + margin
    shape = tuple((high - low + 1).tolist())
    strides = torch.tensor(strides_of(shape), device=mine.device)
    table, bits = _table(targets, block, low, shape)
    flat = ((mine - low[:, None]) * strides[:, None]).sum(dim=0)
    of_point = bits.repeat_interleave(torch.tensor(points.n[block], device=mine.device))
    return _walk(distances, table, flat, of_point, (offsets * strides).sum(dim=1), torch.tensor(lengths).to(distances))


def _table(targets: Elements, block: slice, low: Tensor, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """A map of the region whose values have the bit of each class that has a target there, and the bits."""
    n = block.stop - block.start
    dtype = torch.uint8 if n <= 8 else torch.int16 if n <= 15 else torch.int32
    bits = (1 << torch.arange(n, device=low.device)).to(dtype)
    table = torch.zeros(shape, dtype=dtype, device=low.device)
    for index, bit in zip(range(block.start, block.stop), bits, strict=True):
        table[tuple(targets.at[:, targets.of(index)] - low[:, None])] |= bit
    return table.reshape(-1), bits


def _walk(distances: Tensor, table: Tensor, flat: Tensor, bits: Tensor, shifts: Tensor, lengths: Tensor) -> Tensor:
    """Look at ever larger blocks of offsets, the nearest first; a point leaves once it has met a target."""
    still, first = torch.arange(flat.numel(), device=flat.device), 0
    while first < shifts.numel() and still.numel():
        n = max(1, min(4 * first, _BLOCK // still.numel()))
        met = table[flat[still, None] + shifts[first : first + n]] & bits[still, None]
        hit, where = (met != 0).to(torch.uint8).max(dim=1)
        distances[still] = torch.where(hit > 0, lengths[first + where], torch.inf)
        still, first = still[hit == 0], first + n
    return distances


def _far(points: Tensor, targets: Tensor, lattice: Lattice) -> Tensor:
    """Exact distances to the nearest target, by the way that is less work."""
    both = torch.cat([points, targets], dim=1)
    low, shape = both.amin(dim=1), tuple((both.amax(dim=1) - both.amin(dim=1) + 1).tolist())
    if lattice.axes is not None or points.shape[1] * targets.shape[1] <= math.prod(shape) * sum(shape) * _MAP_PER_STEP:
        return _by_pairs(points, targets, lattice)
    sources = torch.zeros(shape, dtype=torch.bool, device=points.device)
    sources[tuple(targets - low[:, None])] = True
    return _squared_distances(sources, lattice)[tuple(points - low[:, None])].sqrt()


def _by_pairs(points: Tensor, targets: Tensor, lattice: Lattice) -> Tensor:
    size = max(1, _BLOCK // targets.shape[1])
    found = []
    for first in range(0, points.shape[1], size):
        some = points[:, first : first + size]
        squares = torch.zeros((), dtype=torch.float64, device=points.device)
        for side in lattice.steps.T.tolist():  # along one axis of the world
            ways = zip(some, targets, side, strict=True)
            along = [(ours[:, None] - theirs).double() * step for ours, theirs, step in ways if step]
            squares = squares + sum(along[1:], start=along[0]) ** 2
        found.append(squares.amin(dim=1))
    return torch.cat(found).sqrt()


def _squared_distances(sources: Tensor, lattice: Lattice) -> Tensor:
    """Exact squared distance of every voxel to the nearest source, one axis after the other."""
    squares = torch.where(sources, 0.0, torch.inf).double()
    for axis, step in enumerate(lattice.spacing):
        lowest = squares.clone()
        for shift in range(1, squares.shape[axis]):
            for here, there in _both_ways(axis, shift, squares.ndim):
                torch.minimum(lowest[here], squares[there] + (shift * step) ** 2, out=lowest[here])
        squares = lowest
    return squares


def _both_ways(axis: int, shift: int, n_axes: int) -> list[tuple[Any, Any]]:
    """Slices of the voxels that have another one `shift` before or after them along an axis, and of those others."""
    ahead = _overlap(tuple(shift if one == axis else 0 for one in range(n_axes)))
    return [ahead, (ahead[1], ahead[0])]


def _overlap(offset: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Slices of the voxels whose neighbour at this offset is in the image, and of those neighbours."""
    here = tuple(slice(max(0, -o), -o if o > 0 else None) for o in offset)
    there = tuple(slice(max(0, o), o if o < 0 else None) for o in offset)
    return here, there
