"""Surface elements of all classes of a mask at once; the same code for numpy arrays and torch tensors.

Two kinds of element: foreground voxels beside background, and corners of the voxel lattice that
have foreground and background around them. Either kind is decided by voxels next to each other, so
only `surface_candidates` (what a builder finds in one pass over the volume) are looked at.
"""

import functools
import itertools
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from segeval.evidence.arrays import is_one_of, standard_namespace
from segeval.evidence.labels import LabelClass
from segeval.evidence.surfaces.surface_area import owner_slots

Edge = Literal["border", "none"]
Neighbours = Literal["face", "full"]
Metric = Literal["euclidean", "chessboard"]

IGNORED = -(2**15)  # what prepared labels hold where the truth is ignored; no class has this id


@dataclass(frozen=True, kw_only=True, eq=False)
class Elements:
    """Lattice points, class after class.

    `at` is (axis, element) int64; the elements of class c are `starts[c]` to `starts[c + 1]`. `codes`
    are the corner codes of `surface_area`, None for voxels.
    """

    at: Any
    starts: np.ndarray
    codes: Any = None

    @property
    def n(self) -> np.ndarray:
        """Elements of each class."""
        return np.diff(self.starts)

    def of(self, index: int) -> slice:
        """Where the elements of a class are."""
        return slice(int(self.starts[index]), int(self.starts[index + 1]))

    def between(self, axis: int, first: int, stop: int) -> "Elements":
        """Those with `first` <= index < `stop` along an axis."""
        xp = standard_namespace(self.at)
        inside = (self.at[axis] >= first) & (self.at[axis] < stop)
        kept = xp.nonzero(inside)[0]
        before = np.concatenate([[0], np.cumsum(np.array(inside.tolist(), dtype=np.int64))])
        codes = None if self.codes is None else self.codes[kept]
        return Elements(at=xp.take(self.at, kept, axis=1), starts=before[self.starts], codes=codes)


@dataclass(frozen=True, kw_only=True, eq=False)
class Members:
    """Voxels that belong to classes, class after class; a voxel of two regions stands twice."""

    flat: Any
    own: Any  # label of each voxel
    starts: np.ndarray
    classes: Sequence[LabelClass]

    def alike(self, values: Any) -> Any:
        """Whether each value is in the class of the member it is compared with."""
        alike = values == self.own
        for index, one in enumerate(self.classes):
            if len(one.ids) > 1:
                here = slice(int(self.starts[index]), int(self.starts[index + 1]))
                alike[here] = is_one_of(values[here], one.ids)
        return alike


def integers(values: Iterable[Any], *, like: Any) -> Any:
    """An int64 array beside another one, of its kind and on its device."""
    xp = standard_namespace(like)
    return xp.asarray(list(values), dtype=xp.int64, device=getattr(like, "device", None))


def members(labels: Any, flat: Any, classes: Sequence[LabelClass]) -> Members:
    """Sort the voxels at `flat` by class."""
    xp = standard_namespace(labels)
    own = labels.reshape(-1)[flat]
    order = xp.argsort(own, stable=True)
    runs = _runs(own[order], [one for c in classes for one in c.ids])
    chosen = [[order[first:last] for first, last in itertools.islice(runs, len(c.ids))] for c in classes]
    sizes = [sum(run.shape[0] for run in one) for one in chosen]
    picked = xp.concat([order[:0], *itertools.chain(*chosen)])
    return Members(flat=flat[picked], own=own[picked], starts=np.cumsum([0, *sizes]), classes=classes)


def voxel_elements(
    labels: Any, found: Members, *, edge: Edge, neighbours: Neighbours, neutral: bool = True
) -> Elements:
    """The members that have a neighbour outside their class.

    Args:
        labels: prepared labels, contiguous.
        found: voxels of the classes that have an unlike neighbour, or lie on a face of the image.
        edge: whether what is outside the image is background, or no neighbour.
        neighbours: those that share a face with the voxel, or all around it.
        neutral: whether an ignored voxel is no neighbour, or background.
    """
    if edge == "border" and not neutral and all(len(one.ids) == 1 for one in found.classes):
        # what is unlike a voxel is then outside its class: nothing is left to be decided
        at = coordinates(found.flat, tuple(labels.shape))
        return Elements(at=at, starts=found.starts)
    around = _Around(labels, found, edge=edge, neutral=neutral)
    on_surface = around.at[0] < 0
    for offset in neighbour_offsets(labels.ndim, neighbours):
        alike, void = around.look(offset)
        on_surface |= ~(alike | void)
    return _elements(around.at, found.starts, kept=standard_namespace(labels).nonzero(on_surface)[0])


def corner_elements(labels: Any, found: Members, *, edge: Edge) -> Elements:
    """The lattice corners with members of a class and others around them.

    Corner k along an axis lies before voxel k, so a grid of n voxels has n + 1 corners. Corners that
    touch an ignored voxel do not exist, and with `edge="none"` neither do those on the image border.
    """
    xp = standard_namespace(labels)
    around = _Around(labels, found, edge=edge, neutral=True)
    seen = {offset: around.look(offset) for offset in itertools.product((-1, 0, 1), repeat=labels.ndim)}
    slots = list(itertools.product((0, 1), repeat=labels.ndim))
    boxes = [[tuple(c + s - 1 for c, s in zip(corner, slot, strict=True)) for slot in slots] for corner in slots]
    codes = xp.stack([_code([seen[offset][0] for offset in box]) for box in boxes], axis=1)
    owner = integers(owner_slots(labels.ndim), like=labels)[xp.astype(codes, xp.int64)]
    own_slot = integers(reversed(range(len(slots))), like=labels)  # the member itself, seen from each corner
    void = xp.stack([functools.reduce(operator.or_, (seen[offset][1] for offset in box)) for box in boxes], axis=1)
    member, corner = xp.nonzero((owner == own_slot) & ~void)
    found_at = _elements(around.at, found.starts, kept=member)
    steps = integers(slots, like=labels)
    return replace(found_at, at=found_at.at + xp.take(steps.T, corner, axis=1), codes=codes[member, corner])


def chosen(found: Members, are: Any, shape: tuple[int, ...]) -> Elements:
    """The members that are chosen, as elements."""
    kept = standard_namespace(found.flat).nonzero(are)[0]
    return _elements(coordinates(found.flat, shape), found.starts, kept=kept)


def neighbour_offsets(n_axes: int, neighbours: Neighbours) -> list[tuple[int, ...]]:
    """Offsets to the neighbours of a voxel: 4 or 8 in 2-D, 6 or 26 in 3-D."""
    offsets = itertools.product((-1, 0, 1), repeat=n_axes)
    most = 1 if neighbours == "face" else n_axes
    return [offset for offset in offsets if 0 < sum(map(abs, offset)) <= most]


def strides_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Distance in memory of two neighbours along each axis of a contiguous array, in voxels."""
    return tuple(int(step) for step in np.cumprod((1, *shape[:0:-1]))[::-1])


def coordinates(flat: Any, shape: tuple[int, ...]) -> Any:
    """Indices along each axis of flat positions: (axis, position)."""
    xp = standard_namespace(flat)
    *steps, _ = strides_of(shape)
    along, rest = [], flat
    for step in steps:  # a remainder costs several times as much as a product
        along.append(rest // step)
        rest = rest - along[-1] * step
    return xp.stack([*along, rest])


def _runs(ranked: Any, ids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where each id stands among sorted labels."""
    xp = standard_namespace(ranked)
    wide, wanted = xp.astype(ranked, xp.int64), integers(ids, like=ranked)
    first, last = (xp.searchsorted(wide, wanted, side=side).tolist() for side in ("left", "right"))
    return zip(first, last, strict=True)


def _code(box: Sequence[Any]) -> Any:
    """Corner code of the voxels around a corner."""
    xp = standard_namespace(box[0])
    return functools.reduce(operator.or_, (xp.astype(alike, xp.uint8) << bit for bit, alike in enumerate(box)))


def _elements(at: Any, starts: np.ndarray, *, kept: Any) -> Elements:
    """The kept ones of some points, class after class; `kept` may name one repeatedly, and is in order."""
    xp = standard_namespace(at)
    before = xp.searchsorted(kept, integers(starts.tolist(), like=at))
    return Elements(at=xp.take(at, kept, axis=1), starts=np.array(before.tolist(), dtype=np.int64))


class _Around:
    """What lies around the members."""

    def __init__(self, labels: Any, found: Members, *, edge: Edge, neutral: bool) -> None:
        self._labels, self._found = labels.reshape(-1), found
        self._strides = strides_of(tuple(labels.shape))
        self.at = coordinates(found.flat, tuple(labels.shape))
        xp = standard_namespace(labels)
        self._open_border = edge == "none"
        self._neutral = neutral and xp.iinfo(labels.dtype).min <= IGNORED
        self._faces = [
            {-1: xp.nonzero(self.at[axis] == 0)[0], 1: xp.nonzero(self.at[axis] == n - 1)[0]}
            for axis, n in enumerate(labels.shape)
        ]

    def look(self, offset: tuple[int, ...]) -> tuple[Any, Any]:
        """Whether the voxel at this offset is in the member's class, and whether there is none to speak of.

        There is none beyond an open border, and none where the truth is ignored.
        """
        outside = [self._faces[axis][step] for axis, step in enumerate(offset) if step]
        at = self._found.flat + sum(step * stride for step, stride in zip(offset, self._strides, strict=True))
        for some in outside:
            at[some] = 0
        values = self._labels[at]
        alike = self._found.alike(values)
        void = (values == IGNORED) if self._neutral else (at < 0)
        for some in outside:
            alike[some], void[some] = False, self._open_border
        return alike, void
