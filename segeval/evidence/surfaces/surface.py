"""Surfaces of the classes of one case: the evidence of every boundary metric.

How a distance comes about, for all classes at once:

1. The two label images are laid out alike in memory, in the order of the truth; ignored voxels get an id of their own.
2. One pass over each image lists the voxels that are unlike a neighbour (`word_scan.surface_candidates`).
3. They are sorted by class, and where a class has several ids, or voxels are ignored, each looks at its neighbours
   (`elements`): a voxel with one outside its class is a surface element of weight 1; a corner of the lattice with the
   class and something else around it is one that weighs as much as the surface that marching cubes lays there
   (`surface_area`), or holds its triangles (`meshes`).
4. Each element looks for the nearest one of its class on the other side (`surfaces_numpy`, `surfaces_torch`): at
   lattice offsets of growing length first, since most surfaces are close; the few that find nothing there take the
   way that is least work for them. Distances are lengths of whole lattice steps, so that equal ones are equal to the
   last digit.
5. Two lists of distances with weights (`distances`) are all that a measure reads, and it costs next to nothing.

No step looks at the volume more than once, and none at all voxels of a class: the cost is that of the surface."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from segeval.evidence.additive import Kept
from segeval.evidence.arrays import is_one_of, on_device, on_host, standard_namespace
from segeval.evidence.grid import Lattice, diagonal_of
from segeval.evidence.labels import LabelClass
from segeval.evidence.overlap.moments import Moments, moments_of_classes
from segeval.evidence.shapes import AxesMm, Labels, Mask, SpacingMm
from segeval.evidence.surfaces.distances import Directed, Presence, SurfacePair
from segeval.evidence.surfaces.elements import (
    Edge,
    Elements,
    Members,
    Metric,
    Neighbours,
    chosen,
    corner_elements,
    members,
    voxel_elements,
)
from segeval.evidence.surfaces.meshes import mesh_distances
from segeval.evidence.surfaces.surface_area import area_of_codes

Element = Literal["voxel", "area", "mesh"]
Surface = Literal["voxel", "area", "mesh", "set"]
Unit = Literal["mm", "voxel"]
Side = Literal["pred", "truth"]
SIDES: tuple[Side, Side] = ("pred", "truth")


@runtime_checkable
class Builder(Protocol):
    """What is heavy, and so written twice: `surfaces_numpy` and `surfaces_torch`."""

    def prepared(self, pred: Labels, truth: Labels, ignored: Mask | None) -> tuple[Any, Any, list[int]]: ...
    def surface_candidates(self, labels: Any, *, neighbours: Neighbours, zero_counts: bool) -> Any: ...
    def disagreements(self, pred: Any, truth: Any) -> Any: ...
    def nearest(self, points: Elements, targets: Elements, lattice: Lattice) -> np.ndarray: ...
    def raw_moments(self, labels: Any, ids: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...
    def within_reach(self, sources: Any, *, reach: float, lattice: Lattice, metric: Metric) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Core:
    """The slab of an image whose surface is measured, where the rest of the arrays is only what lies around it.

    Corners of the lattice belong to the voxel behind them, and the last ones of the image to its last.

    Attributes:
        axis: along which the slab was cut.
        along: where it lies on this axis of the arrays.
        n: voxels along the axis in the whole image.
    """

    axis: int
    along: slice
    n: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Surfaces:
    """The surfaces of one case, each piece built when a measure first asks for it, and kept.

    Make one with `Surfaces.of`. The measures read `distances` and its siblings. Whatever their settings,
    and however many the classes, an image is passed over once to find what may be surface.

    With a `core`, on a prepared axis, distances are those of the elements there, to all others.
    """

    pred: Any  # prepared labels: contiguous, ignored voxels marked
    truth: Any
    classes: tuple[LabelClass, ...]
    lattice_mm: Lattice  # in the order of the prepared axes
    builder: Builder
    axes: tuple[int, ...]  # which axis of the image, without those of length one, each prepared axis is
    has_ignored: bool = False
    core: Core | None = None
    _kept: Kept[Any] = field(default_factory=Kept, repr=False)

    @classmethod
    def of(
        cls,
        pred: Labels,
        truth: Labels,
        *,
        classes: Sequence[LabelClass],
        spacing_mm: SpacingMm | None = None,
        axes_mm: AxesMm | None = None,
        ignored: Mask | None = None,
        device: str | None = None,
        core: Core | None = None,
    ) -> "Surfaces":
        """Surfaces of two label images on one grid.

        Args:
            pred: integer ids, numpy or torch; axes of length one are dropped, with their spacing.
            truth: the same shape.
            classes: what to find the surfaces of; regions may overlap.
            spacing_mm: size of a voxel in array axis order; pixels count as 1 without it.
            axes_mm: the axes of a sheared grid, see `segeval.evidence.grid.skewed_axes`.
            ignored: boolean mask of voxels that count nowhere. They make no surface: what is next to
                them is treated as if they were not there.
            device: torch device to work on; by default numpy arrays stay with numpy, and tensors where they are.
            core: the slab whose surface is measured, of an image that is read in slabs.
        """
        long = [axis for axis, n in enumerate(truth.shape) if n != 1]
        shape = tuple(truth.shape[axis] for axis in long) or (1,)
        lattice = Lattice.unit(len(shape))
        if spacing_mm is not None and long:
            lattice = Lattice(tuple(map(float, spacing_mm)), axes_mm).of_axes(long)
        if ignored is not None and not ignored.any():
            ignored = None
        builder, sides = _builder_of([pred, truth, ignored], device)
        pred, truth, axes = builder.prepared(*(None if side is None else side.reshape(shape) for side in sides))
        return cls(
            pred=pred,
            truth=truth,
            classes=tuple(classes),
            lattice_mm=lattice.of_axes(axes),
            builder=builder,
            axes=tuple(axes),
            has_ignored=ignored is not None,
            core=None if core is None else _prepared_core(core, long, axes, tuple(truth.shape)),
        )

    def lattice(self, unit: Unit) -> Lattice:
        """How far apart voxels lie in the unit of a measure."""
        return self.lattice_mm if unit == "mm" else Lattice.unit(len(self.truth.shape))

    def diagonal(self, unit: Unit = "mm") -> float:
        """Diagonal of the whole image."""
        shape = [*self.truth.shape]
        if self.core is not None:
            shape[self.core.axis] = self.core.n
        return diagonal_of(tuple(shape), self.lattice(unit))

    def distances(
        self, *, surface: Surface = "voxel", edge: Edge = "border", neighbours: Neighbours = "face", unit: Unit = "mm"
    ) -> tuple[SurfacePair, ...]:
        """Distances between the two surfaces of every class.

        Args:
            surface: elements are surface voxels, weight 1; corners of the voxel lattice, weighted with
                the surface around them; pieces of a mesh, weighted with their size; or all voxels of the class.
            edge: whether a mask has a surface where the border of the image cuts it off.
            neighbours: which of them make a surface voxel by being background, those that share a face
                with it or all around it.
            unit: `voxel` takes every voxel as a unit cube.
        """
        if surface == "set":
            return self._kept.get(("set", unit), lambda: self._set_distances(unit))
        key = (surface, edge, neighbours if surface == "voxel" else None, unit)
        return self._kept.get(key, lambda: self._surface_distances(surface, edge, neighbours, unit))

    def signed_distances(
        self, *, edge: Edge = "border", neighbours: Neighbours = "face", unit: Unit = "mm"
    ) -> tuple[SurfacePair, ...]:
        """`distances` of surface voxels, those of the prediction negative where they lie inside the truth."""
        pairs = self.distances(edge=edge, neighbours=neighbours, unit=unit)
        pred = self.elements("pred", surface="voxel", edge=edge, neighbours=neighbours)
        labels = on_host(self.truth[tuple(pred.at)])
        signs = (np.where(is_one_of(labels[pred.of(i)], c.ids), -1.0, 1.0) for i, c in enumerate(self.classes))
        return tuple(
            replace(pair, pred_to_truth=Directed(distance=sign * pair.pred_to_truth.distance))
            for pair, sign in zip(pairs, signs, strict=True)
        )

    def presence(self, *, surface: Element, edge: Edge, neighbours: Neighbours) -> tuple[Presence, ...]:
        """On which sides each class has voxels, and a surface."""
        there = [np.diff(self._members(side, "face").starts) > 0 for side in SIDES]
        on = [self.elements(side, surface=surface, edge=edge, neighbours=neighbours).n > 0 for side in SIDES]
        tells = self.has_ignored and self.core is None  # a slab does not say what the others have
        hidden = tells & there[0] & there[1] & ~(on[0] & on[1])
        hidden[hidden] = [not self._are_alike(self.classes[index]) for index in np.flatnonzero(hidden)]
        flags = zip(*(side.tolist() for side in (*there, *on, hidden)), strict=True)
        return tuple(Presence(in_pred=a, in_truth=b, on_pred=c, on_truth=d, is_hidden=e) for a, b, c, d, e in flags)

    def _are_alike(self, one: LabelClass) -> bool:
        """Whether both sides have a class in the same voxels, of those that count."""
        return not bool((is_one_of(self.pred, one.ids) != is_one_of(self.truth, one.ids)).any())

    def elements(self, side: Side, *, surface: Element, edge: Edge, neighbours: Neighbours) -> Elements:
        """Surface elements of one side."""
        labels = getattr(self, side)
        if surface != "voxel":
            return self._kept.get(
                (side, "area", edge), lambda: corner_elements(labels, self._members(side, "face"), edge=edge)
            )
        build = functools.partial(voxel_elements, labels, edge=edge, neighbours=neighbours, neutral=self.has_ignored)
        return self._kept.get((side, "voxel", edge, neighbours), lambda: build(self._members(side, neighbours)))

    def in_core(self, elements: Elements) -> Elements:
        """Those that are measured."""
        if self.core is None:
            return elements
        return elements.between(self.core.axis, self.core.along.start, self.core.along.stop)

    def outline(self, side: Side) -> Elements:
        """Voxels of a class beside any voxel that is not of it, be it ignored or beyond the image."""
        build = functools.partial(voxel_elements, edge="border", neighbours="face", neutral=False)
        return self._kept.get((side, "outline"), lambda: build(getattr(self, side), self._members(side, "face")))

    def moments(self, side: Side) -> Moments:
        """Voxel counts, centroids and scatter matrices of every class."""
        ids = sorted({one for c in self.classes for one in c.ids})
        raw = functools.partial(self.builder.raw_moments, getattr(self, side), ids)
        return self._kept.get((side, "moments"), lambda: moments_of_classes(self.classes, ids, raw()))

    def _surface_distances(
        self, surface: Element, edge: Edge, neighbours: Neighbours, unit: Unit
    ) -> tuple[SurfacePair, ...]:
        pred, truth = (self.elements(side, surface=surface, edge=edge, neighbours=neighbours) for side in SIDES)
        presence = self.presence(surface=surface, edge=edge, neighbours=neighbours)
        starts = (self.in_core(side) for side in (pred, truth))
        if surface == "mesh":
            directed = functools.partial(
                mesh_distances, classes=len(self.classes), lattice=self.lattice(unit), axes=self.axes
            )
        else:
            directed = functools.partial(self._directed, unit=unit)
        there, back = (directed(start, goal) for start, goal in zip(starts, (truth, pred), strict=True))
        return _pairs(presence, there, back)

    def _directed(self, start: Elements, goal: Elements, unit: Unit) -> list[Directed]:
        distances = self.builder.nearest(start, goal, self.lattice(unit))
        each = [start.of(index) for index in range(len(self.classes))]
        if start.codes is None:
            return [Directed(distance=distances[here]) for here in each]
        weights = area_of_codes(self.lattice(unit))[on_host(start.codes)]
        return [Directed(distance=distances[here], weight=weights[here]) for here in each]

    def _set_distances(self, unit: Unit) -> tuple[SurfacePair, ...]:
        presence = self.presence(surface="voxel", edge="border", neighbours="face")
        presence = tuple(
            Presence(in_pred=one.in_pred, in_truth=one.in_truth, on_pred=one.in_pred, on_truth=one.in_truth)
            for one in presence
        )
        return _pairs(presence, self._set_directed("pred", "truth", unit), self._set_directed("truth", "pred", unit))

    def _set_directed(self, side: Side, other: Side, unit: Unit) -> list[Directed]:
        """Distances of the voxels of one side: 0 for those they share, in one element, and of each other voxel.

        The nearest voxel of a set from outside lies on its outline, unless axes are skewed: then a step along one of
        them towards the voxel may lead away from it.
        """
        surplus, lattice = self._surplus(side, other), self.lattice(unit)
        goal = self.outline(other) if lattice.axes is None else self._every_voxel(other)
        distances = self.builder.nearest(surplus, goal, lattice)
        shared = self.moments(side).n - surplus.n
        return [
            Directed(
                distance=np.concatenate([[0.0], distances[surplus.of(index)]]),
                weight=np.concatenate([[float(shared[index])], np.ones(surplus.n[index])]),
            )
            for index in range(len(self.classes))
        ]

    def _surplus(self, side: Side, other: Side) -> Elements:
        """Voxels that are of a class on one side only."""
        unlike = self._kept.get("disagreements", lambda: self.builder.disagreements(self.pred, self.truth))
        found = members(getattr(self, side), unlike, self.classes)
        return chosen(found, ~found.alike(getattr(self, other).reshape(-1)[found.flat]), tuple(self.truth.shape))

    def _every_voxel(self, side: Side) -> Elements:
        labels = getattr(self, side)
        xp = standard_namespace(labels)
        everywhere = xp.nonzero(xp.ones_like(labels.reshape(-1), dtype=xp.bool))[0]
        found = members(labels, everywhere, self.classes)
        return chosen(found, xp.ones_like(found.flat, dtype=xp.bool), tuple(labels.shape))

    def _members(self, side: Side, neighbours: Neighbours) -> Members:
        """Voxels of the classes that may lie on a surface; every class that occurs has at least one."""
        return self._kept.get(
            (side, "members", neighbours), lambda: self._find_members(getattr(self, side), neighbours)
        )

    def _find_members(self, labels: Any, neighbours: Neighbours) -> Members:
        zero_counts = any(0 in one.ids for one in self.classes)
        found = self.builder.surface_candidates(labels, neighbours=neighbours, zero_counts=zero_counts)
        return members(labels, found, self.classes)


def _prepared_core(core: Core, long: Sequence[int], axes: Sequence[int], shape: tuple[int, ...]) -> Core:
    """The core on the prepared axes, with the corners behind the last voxel where that is the last of the image."""
    prepared, along = list(axes).index(long.index(core.axis)), core.along
    return replace(core, axis=prepared, along=slice(along.start, along.stop + (along.stop == shape[prepared])))


def _builder_of(arrays: Sequence[Any], device: str | None) -> tuple[Builder, Sequence[Any]]:
    """The builder for these arrays, and the arrays as it takes them."""
    if device is None and isinstance(arrays[0], np.ndarray):
        from segeval.evidence.surfaces import surfaces_numpy

        return surfaces_numpy, arrays
    from segeval.evidence.surfaces import surfaces_torch

    return surfaces_torch, [None if one is None else on_device(one, device) for one in arrays]


def _pairs(
    presence: Sequence[Presence], there: Sequence[Directed], back: Sequence[Directed]
) -> tuple[SurfacePair, ...]:
    return tuple(
        SurfacePair(presence=one, pred_to_truth=a, truth_to_pred=b)
        for one, a, b in zip(presence, there, back, strict=True)
    )
