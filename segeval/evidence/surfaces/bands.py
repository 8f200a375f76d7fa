"""Boundary bands: the voxels of a class close to its own surface, and how those of two sides overlap."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Literal

import numpy as np

from segeval.evidence.arrays import cast, is_one_of, on_host, standard_namespace
from segeval.evidence.grid import Lattice
from segeval.evidence.labels import overlapping
from segeval.evidence.overlap.counts import Counts
from segeval.evidence.shapes import Box
from segeval.evidence.surfaces.elements import IGNORED, Edge, Metric, Neighbours
from segeval.evidence.surfaces.surface import SIDES, Side, Surfaces, Unit

Band = Literal["surface", "background"]
_SLAB = 1 << 23  # voxels whose distances are in memory at once


@dataclass(frozen=True, kw_only=True)
class BandRule:
    """Which voxels of a mask are in its band: those at most `reach` from its surface, or from background.

    `reach` is inclusive, in the unit of the distances.
    """

    reach: float
    band: Band
    metric: Metric
    unit: Unit
    edge: Edge
    neighbours: Neighbours


def band_overlaps(surfaces: Surfaces, indices: Sequence[int], rule: BandRule) -> dict[int, float]:
    """For some classes, voxels in both bands relative to those in either; nan where both are empty."""
    overlaps: dict[int, float] = {}
    for group, box in _groups(surfaces, indices, rule):
        each = [_in_bands(surfaces, group, slab, rule) for slab in _slabs(box, surfaces.lattice(rule.unit), rule.reach)]
        counts = reduce(add, each)
        both, either = counts.tp.tolist(), (counts.pred + counts.fn).tolist()
        overlaps |= {index: a / b if b else math.nan for index, a, b in zip(group, both, either, strict=True)}
    return overlaps


def _in_bands(surfaces: Surfaces, indices: Sequence[int], slab: "_Slab", rule: BandRule) -> Counts:
    """Counts of the bands of some classes in a part of the image: of the labels, with those outside of a band gone."""
    classes = [surfaces.classes[index] for index in indices]
    gone = IGNORED if any(0 in one.ids for one in classes) else 0
    banded = {}
    for side in SIDES:
        labels = getattr(surfaces, side)[slab.core]
        labels = labels if gone == 0 else cast(labels, "int64")
        near = _near_in_slab(surfaces, side, indices, slab, rule)
        banded[side] = standard_namespace(labels).where(near, labels, gone)
    if isinstance(surfaces.truth, np.ndarray):
        from segeval.evidence.overlap import counts_numpy

        return counts_numpy.joint_histogram(**banded).counts(classes)
    from segeval.evidence.overlap import counts_torch

    return counts_torch.joint_histogram(**banded, device=str(surfaces.truth.device)).counts(classes)


@dataclass(frozen=True, kw_only=True)
class _Slab:
    """A part of a box along its first axis, and the same with all around it that may be within reach."""

    core: Box
    around: Box


def _slabs(box: Box, lattice: Lattice, reach: float) -> Iterator[_Slab]:
    """A box in parts, so that the memory that distances take does not grow with it."""
    first, *others = box
    halo = int(min(reach / lattice.spacing[0], first.stop)) + 1
    rows = max(halo, _SLAB // max(_volume(tuple(others)), 1), 1)
    if lattice.axes is not None:  # with skewed axes the nearest may be many slices away
        rows = first.stop - first.start
    for start in range(first.start, first.stop, rows):
        stop = min(start + rows, first.stop)
        around = slice(max(start - halo, first.start), min(stop + halo, first.stop))
        yield _Slab(core=(slice(start, stop), *others), around=(around, *others))


def _near_in_slab(surfaces: Surfaces, side: Side, indices: Sequence[int], slab: _Slab, rule: BandRule) -> Any:
    near = _near(surfaces, side, indices, slab.around, rule)
    start = slab.core[0].start - slab.around[0].start
    return near[start : start + slab.core[0].stop - slab.core[0].start]


def _groups(surfaces: Surfaces, indices: Sequence[int], rule: BandRule) -> list[tuple[Sequence[int], Box]]:
    """Classes whose bands come from one distance transform, and their box: all where they may, and that is less work.

    They may if they are disjoint: on the way from a voxel to the surface of another class its own class ends, so the
    surface of that is nearer. Ignored voxels end no class, and with skewed axes the way need not come nearer.
    """
    alone: list[tuple[Sequence[int], Box]] = [([index], _box(surfaces, [index], rule)) for index in indices]
    are_disjoint = not overlapping([surfaces.classes[index] for index in indices])
    is_skewed = surfaces.lattice(rule.unit).axes is not None
    if not alone or rule.band == "background" or surfaces.has_ignored or not are_disjoint or is_skewed:
        return alone
    box = _box(surfaces, indices, rule)
    return [(indices, box)] if _volume(box) < sum(_volume(one) for _, one in alone) else alone


def _volume(box: Box) -> int:
    return math.prod(along.stop - along.start for along in box)


def _box(surfaces: Surfaces, indices: Sequence[int], rule: BandRule) -> Box:
    """A box that holds all voxels of some classes on both sides, and the background next to them.

    Ignored voxels are no background, so with them the next background may be anywhere.
    """
    if rule.band == "background" and surfaces.has_ignored:
        return tuple(slice(0, n) for n in surfaces.truth.shape)
    outlines = [surfaces.outline(side) for side in SIDES]
    at = [on_host(outline.at[:, outline.of(index)]) for outline in outlines for index in indices]
    return tuple(slice(int(along.min()), int(along.max()) + 1) for along in np.concatenate(at, axis=1))


def _near(surfaces: Surfaces, side: Side, indices: Sequence[int], box: Box, rule: BandRule) -> Any:
    """Which voxels of the box are close to the surfaces of some classes, or to the background of a single one."""
    if rule.band == "background":
        sources = _background(surfaces, side, indices[0], box, rule.edge)
    else:
        labels = getattr(surfaces, side)[box]
        xp = standard_namespace(labels)
        sources = _padded(xp.zeros_like(labels, dtype=xp.bool))
        elements = surfaces.elements(side, surface="voxel", edge=rule.edge, neighbours=rule.neighbours)
        for index in indices:
            at = elements.at[:, elements.of(index)]
            at = at[:, (at[0] >= box[0].start) & (at[0] < box[0].stop)]
            sources[tuple(along - axis.start + 1 for along, axis in zip(at, box, strict=True))] = True
    lattice = surfaces.lattice(rule.unit)
    near = surfaces.builder.within_reach(sources, reach=rule.reach, lattice=lattice, metric=rule.metric)
    return near[_inner(near)]


def _inside(surfaces: Surfaces, side: Side, index: int, box: Box) -> Any:
    return is_one_of(getattr(surfaces, side)[box], surfaces.classes[index].ids)


def _background(surfaces: Surfaces, side: Side, index: int, box: Box, edge: Edge) -> Any:
    """The background in and around the box; beyond an open border of the image there is none."""
    labels, inside = getattr(surfaces, side), _inside(surfaces, side, index, box)
    padded = ~_padded(inside)
    padded[_inner(inside)] &= ~is_one_of(labels[box], (IGNORED,))
    if edge == "none":
        for axis, (along, n) in enumerate(zip(box, labels.shape, strict=True)):
            ends = [0] * (along.start == 0) + [-1] * (along.stop == n)
            for end in ends:
                padded[(slice(None),) * axis + (end,)] = False
    return padded


def _padded(inside: Any) -> Any:
    """The same with a layer of False all around."""
    xp = standard_namespace(inside)
    padded = xp.zeros(tuple(n + 2 for n in inside.shape), dtype=xp.bool, device=getattr(inside, "device", None))
    padded[_inner(inside)] = inside
    return padded


def _inner(inside: Any) -> tuple[slice, ...]:
    return (slice(1, -1),) * inside.ndim
