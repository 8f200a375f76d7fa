"""Boundary bands: the voxels of a class close to its own surface, and how those of two sides overlap."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.arrays import cast, is_one_of, on_host, standard_namespace
from segeval.evidence.grid import Lattice
from segeval.evidence.labels import overlapping
from segeval.evidence.overlap.counts import Counts
from segeval.evidence.shapes import Box, PerLabel
from segeval.evidence.surfaces.distances import within
from segeval.evidence.surfaces.elements import IGNORED, Edge, Metric, Neighbours
from segeval.evidence.surfaces.surface import SIDES, Side, Surfaces, Unit
from segeval.evidence.surfaces.surface_shares import SurfaceSums

Band = Literal["surface", "background"]
Rule = Literal["le", "lt"]
SLACK = 1e-6  # relative allowance for rounding
_BLOCK = 1 << 23  # voxels whose distances are in memory at once
_SHARE = 6  # and of a slab of an image that is larger than memory one of so many


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


@dataclass(frozen=True, kw_only=True)
class Bands(SurfaceSums):
    """The boundary bands of both sides: voxels in both of them, and in either. The surfaces are counted in voxels."""

    both: PerLabel
    either: PerLabel

    @classmethod
    def read(
        cls,
        surfaces: Surfaces,
        *,
        width_mm: float | None,
        rule: Rule,
        band: Band,
        metric: Metric,
        edge: Edge,
        neighbours: Neighbours,
        unit: Unit,
    ) -> "Bands":
        """The bands of every class of a case.

        Raises:
            ConfigError: the width is negative.
        """
        reach = cls.reach(
            lattice=surfaces.lattice(unit), diagonal=surfaces.diagonal(unit), width_mm=width_mm, rule=rule
        )
        how = BandRule(reach=reach, band=band, metric=metric, unit=unit, edge=edge, neighbours=neighbours)
        on = surfaces.presence(surface="voxel", edge=edge, neighbours=neighbours)
        counts = band_counts(surfaces, [index for index, one in enumerate(on) if one.in_pred or one.in_truth], how)
        both, either = np.array([counts.get(index, (0, 0)) for index in range(len(on))]).reshape(-1, 2).T
        sizes = [
            surfaces.in_core(surfaces.elements(side, surface="voxel", edge=edge, neighbours=neighbours)).n
            for side in SIDES
        ]
        return cls.of(
            both=both,
            either=either,
            pred_size=sizes[0],
            truth_size=sizes[1],
            bare=[one.in_pred and one.in_truth and not one.on_pred and not one.on_truth for one in on],
            apart=[one.in_pred != one.in_truth for one in on],
        ).without(np.array([one.is_hidden for one in on]))

    @classmethod
    def reach(cls, *, lattice: Lattice, diagonal: float, width_mm: float | None, rule: Rule, **_: Any) -> float:
        """How wide the bands are, up to the last voxel that counts."""
        width = 0.02 * diagonal if width_mm is None else width_mm
        if not width >= 0:
            raise ConfigError(f"width_mm={width:g} is negative. Use 0 or more.")
        inclusive = within(width, spacing=lattice.spacing, slack=SLACK)
        return inclusive if rule == "le" else 2 * width - inclusive  # where 3 x 0.7 is less than 2.1 all the same


def band_counts(surfaces: Surfaces, indices: Sequence[int], rule: BandRule) -> dict[int, tuple[int, int]]:
    """For some classes, how many voxels are in both bands, and in either."""
    counts: dict[int, tuple[int, int]] = {}
    for group, box in _groups(surfaces, indices, rule):
        counts |= dict.fromkeys(group, (0, 0))
        for block in _blocks(box, surfaces, rule):
            found = _in_bands(surfaces, group, block, rule)
            for index, both, either in zip(group, found.tp.tolist(), (found.pred + found.fn).tolist(), strict=True):
                counts[index] = counts[index][0] + both, counts[index][1] + either
    return counts


def _in_bands(surfaces: Surfaces, indices: Sequence[int], block: "_BandPart", rule: BandRule) -> Counts:
    """Counts of the bands of some classes in a part of the image: of the labels, with those outside of a band gone."""
    classes = [surfaces.classes[index] for index in indices]
    gone = IGNORED if any(0 in one.ids for one in classes) else 0
    banded = {}
    for side in SIDES:
        labels = getattr(surfaces, side)[block.core]
        labels = labels if gone == 0 else cast(labels, "int64")
        near = _near_in_block(surfaces, side, indices, block, rule)
        banded[side] = standard_namespace(labels).where(near, labels, gone)
    if isinstance(surfaces.truth, np.ndarray):
        from segeval.evidence.overlap import counts_numpy

        return counts_numpy.joint_histogram(**banded).counts(classes)
    from segeval.evidence.overlap import counts_torch

    return counts_torch.joint_histogram(**banded, device=str(surfaces.truth.device)).counts(classes)


@dataclass(frozen=True, kw_only=True)
class _BandPart:
    """A part of a box, and the same with all around it that may be within reach."""

    core: Box
    around: Box


def _blocks(box: Box, surfaces: Surfaces, rule: BandRule) -> Iterator[_BandPart]:
    """A box in parts, so that the memory that distances take does not grow with it.

    Only what is measured is in a part; what lies around it ends with the box, beyond which nothing is near.
    """
    lattice, measured = surfaces.lattice(rule.unit), [*box]
    most = _BLOCK if surfaces.core is None else min(_BLOCK, math.prod(surfaces.truth.shape) // _SHARE)
    if surfaces.core is not None:
        along, cut = box[surfaces.core.axis], surfaces.core.along
        measured[surfaces.core.axis] = slice(max(along.start, cut.start), max(cut.start, min(along.stop, cut.stop)))
    halos = [int(min(rule.reach / step, along.stop)) + 1 for step, along in zip(lattice.spacing, box, strict=True)]
    sizes = [along.stop - along.start for along in measured]
    if lattice.axes is None:  # with skewed axes the nearest may be many slices away
        while _volume_around(sizes, halos, box) > most:
            longest = max(range(len(sizes)), key=lambda axis: sizes[axis] / halos[axis])
            if sizes[longest] <= halos[longest]:  # smaller ones would be hardly more than what lies around them
                break
            sizes[longest] = -(-sizes[longest] // 2)
    else:
        halos = [n.stop for n in box]
    starts = (range(along.start, along.stop, max(size, 1)) for along, size in zip(measured, sizes, strict=True))
    for corner in itertools.product(*starts):
        core = tuple(
            slice(start, min(start + size, along.stop))
            for start, size, along in zip(corner, sizes, measured, strict=True)
        )
        around = tuple(
            slice(max(part.start - halo, along.start), min(part.stop + halo, along.stop))
            for part, halo, along in zip(core, halos, box, strict=True)
        )
        yield _BandPart(core=core, around=around)


def _volume_around(sizes: Sequence[int], halos: Sequence[int], box: Box) -> int:
    """Voxels of the largest part of such a size with what lies around it."""
    wide = (min(size + 2 * halo, along.stop - along.start) for size, halo, along in zip(sizes, halos, box, strict=True))
    return math.prod(wide)


def _near_in_block(surfaces: Surfaces, side: Side, indices: Sequence[int], block: _BandPart, rule: BandRule) -> Any:
    """Which voxels of a part are close to the surfaces of some classes, as far as it has any voxel of theirs."""
    of_any = is_one_of(getattr(surfaces, side)[block.core], [one for i in indices for one in surfaces.classes[i].ids])
    if not of_any.any():
        return of_any
    near = _near(surfaces, side, indices, block.around, rule)
    return near[
        tuple(
            slice(core.start - around.start, core.stop - around.start)
            for core, around in zip(block.core, block.around, strict=True)
        )
    ]


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
            for axis, along in enumerate(box):
                at = at[:, (at[axis] >= along.start) & (at[axis] < along.stop)]
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
