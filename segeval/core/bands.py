"""Boundary bands: the voxels of a class close to its own surface, and how those of two sides overlap."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from segeval.core.builders.elements import IGNORED, Edge, Metric, Neighbours, is_one_of, namespace
from segeval.core.surface import SIDES, Side, Surfaces, Unit, on_host

Band = Literal["surface", "background"]


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


def band_overlap(surfaces: Surfaces, index: int, rule: BandRule) -> float:
    """Voxels in both bands of a class relative to those in either; nan where both are empty."""
    box = _box(surfaces, index, rule)
    pred, truth = (_band(surfaces, side, index, box, rule) for side in SIDES)
    union = int((pred | truth).sum())
    return int((pred & truth).sum()) / union if union else math.nan


def _box(surfaces: Surfaces, index: int, rule: BandRule) -> tuple[slice, ...]:
    """A box that holds all voxels of a class on both sides, and the background next to them.

    Ignored voxels are no background, so with them the next background may be anywhere.
    """
    if rule.band == "background" and surfaces.has_ignored:
        return tuple(slice(0, n) for n in surfaces.truth.shape)
    outlines = [surfaces.outline(side) for side in SIDES]
    at = np.concatenate([on_host(outline.at[:, outline.of(index)]) for outline in outlines], axis=1)
    return tuple(slice(int(along.min()), int(along.max()) + 1) for along in at)


def _band(surfaces: Surfaces, side: Side, index: int, box: tuple[slice, ...], rule: BandRule) -> Any:
    """The band of one side, inside a box that holds all voxels of the class."""
    labels = getattr(surfaces, side)
    inside = is_one_of(labels[box], surfaces.classes[index].ids)
    padded = _background(labels, inside, box, rule.edge) if rule.band == "background" else _padded(inside & False)
    if rule.band == "surface":
        elements = surfaces.elements(side, surface="voxel", edge=rule.edge, neighbours=rule.neighbours)
        at = elements.at[:, elements.of(index)]
        padded[tuple(along - axis.start + 1 for along, axis in zip(at, box, strict=True))] = True
    spacing = surfaces.spacing(rule.unit)
    near = surfaces.builder.near(padded, reach=rule.reach, spacing_mm=spacing, metric=rule.metric)
    return near[_inner(inside)] & inside


def _background(labels: Any, inside: Any, box: tuple[slice, ...], edge: Edge) -> Any:
    """The background in and around the box; beyond an open border of the image there is none."""
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
    xp = namespace(inside)
    padded = xp.zeros(tuple(n + 2 for n in inside.shape), dtype=xp.bool, device=getattr(inside, "device", None))
    padded[_inner(inside)] = inside
    return padded


def _inner(inside: Any) -> tuple[slice, ...]:
    return (slice(1, -1),) * inside.ndim
