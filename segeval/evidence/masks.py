"""Both masks of every class as lists of voxels: what lesions and topology start from.

A class seldom fills more than a few percent of an image, so its voxels are gathered once, in one
pass over the image for all classes; whatever follows costs as much as the class is large.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from segeval.evidence.arrays import is_one_of
from segeval.evidence.grid import Grid, Lattice
from segeval.evidence.labels import LabelClass
from segeval.evidence.shapes import AxesMm, Bool, Int64, Labels, SpacingMm


@dataclass(frozen=True, kw_only=True)
class Voxels:
    """The voxels of one structure: ascending flat indices, C order, into an image of `shape`."""

    index: Int64[np.ndarray, " voxel"]
    shape: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.index)

    @classmethod
    def of(cls, inside: Bool[np.ndarray, "*space"]) -> "Voxels":
        """The voxels that are true."""
        return cls(index=np.flatnonzero(inside), shape=inside.shape)

    @cached_property
    def coordinates(self) -> Int64[np.ndarray, "voxel axis"]:
        """Array index of each voxel, one column per axis."""
        return np.stack(np.unravel_index(self.index, self.shape), axis=-1)

    @cached_property
    def parts(self) -> dict[str, Any]:
        """Its connected parts by connectivity, as `components_of` has found them."""
        return {}

    @cached_property
    def corner(self) -> Int64[np.ndarray, " axis"]:
        """Lowest array index along each axis; an empty mask has none."""
        return self.coordinates.min(axis=0)

    def in_box(self, *, margin: int) -> "Voxels":
        """The same voxels in an image that is just their bounding box and a margin of background."""
        if not len(self):
            return Voxels(index=self.index, shape=(2 * margin,) * len(self.shape))
        where = self.coordinates - self.corner + margin
        shape = tuple((where.max(axis=0) + 1 + margin).tolist())
        return Voxels(index=np.ravel_multi_index(tuple(where.T), shape), shape=shape)

    def without(self, slices: Sequence[np.ndarray]) -> "Voxels":
        """The same voxels in an image from which some slices along each axis, free of them, are taken out."""
        if not any(map(len, slices)):
            return self
        along = zip(self.coordinates.T, slices, strict=True)
        where = [at - np.searchsorted(out, at) for at, out in along]
        shape = tuple(n - len(out) for n, out in zip(self.shape, slices, strict=True))
        return Voxels(index=np.ravel_multi_index(where, shape) if len(self) else self.index, shape=shape)

    def dense(self) -> Bool[np.ndarray, "*space"]:
        """The mask as an array."""
        inside = np.zeros(self.shape, dtype=bool)
        inside.reshape(-1)[self.index] = True
        return inside


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelImages:
    """Two label images, and the ids that stand for each class in them; voxels are gathered when somebody asks."""

    pred: Labels
    truth: Labels
    members: tuple[LabelClass, ...]
    ignore: tuple[int, ...] = ()

    @cached_property
    def whole_pred(self) -> tuple[Voxels, ...]:
        """The predicted voxels of each class, ignored ones among them."""
        return _voxels_of_each(self.pred, self.members)

    @cached_property
    def voxels(self) -> tuple[tuple[Voxels, ...], tuple[Voxels, ...]]:
        """The predicted and the true voxels of each class that count."""
        truth = _voxels_of_each(self.truth, self.members)
        return (self._seen(self.whole_pred), self._seen(truth)) if self.ignore else (self.whole_pred, truth)

    def _seen(self, each: Sequence[Voxels]) -> tuple[Voxels, ...]:
        outside = (one.index[~np.isin(values_at(self.truth, one.index), self.ignore)] for one in each)
        return tuple(Voxels(index=index, shape=self.truth.shape) for index in outside)


@dataclass(frozen=True, kw_only=True)
class Masks:
    """The predicted and the true mask of every class of one case.

    `which` are the places of the classes among those of `images`; without images no class has a voxel. `spacing_mm` is
    in array axis order; None means pixels without a size. `axes_mm` are those of a sheared grid.
    """

    images: LabelImages | None
    classes: tuple[LabelClass, ...]
    which: tuple[int, ...]
    shape: tuple[int, ...]
    spacing_mm: SpacingMm | None = None
    axes_mm: AxesMm | None = None
    unseen: tuple[np.ndarray, ...] = ()  # along each axis, the slices that are ignored whole
    n_ignored: int = 0  # voxels that count on neither side

    @classmethod
    def of(
        cls,
        pred: Labels,
        truth: Labels,
        *,
        classes: Sequence[LabelClass],
        spacing_mm: SpacingMm | None = None,
        axes_mm: AxesMm | None = None,
        ignore: Sequence[int] = (),
    ) -> "Masks":
        """The masks of the classes of two label images.

        Args:
            classes: ids of each class; a region is the union of its ids.
            ignore: truth ids whose voxels count on neither side.
        """
        unseen: tuple[np.ndarray, ...] = ()
        n_ignored = 0
        if len(ignore):
            ignored = is_one_of(truth, ignore)
            unseen, n_ignored = _slices_of(ignored), int(ignored.sum())
        return cls(
            images=LabelImages(pred=pred, truth=truth, members=tuple(classes), ignore=tuple(ignore)),
            classes=tuple(classes),
            which=tuple(range(len(classes))),
            shape=pred.shape,
            spacing_mm=spacing_mm,
            axes_mm=axes_mm,
            unseen=unseen,
            n_ignored=n_ignored,
        )

    @cached_property
    def pred(self) -> tuple[Voxels, ...]:
        """The predicted voxels of each class."""
        return self._empty if self.images is None else self._some_of(self.images.voxels[0])

    @cached_property
    def truth(self) -> tuple[Voxels, ...]:
        """The true voxels of each class."""
        return self._empty if self.images is None else self._some_of(self.images.voxels[1])

    @property
    def whole_pred(self) -> tuple[Voxels, ...] | None:
        """The predicted voxels with those that are ignored; None where nothing is ignored."""
        return self._some_of(self.images.whole_pred) if self.images is not None and self.images.ignore else None

    def only(self, classes: Sequence[LabelClass]) -> "Masks":
        """The masks of some of the classes."""
        which = tuple(self.which[self.classes.index(one)] for one in classes)
        return replace(self, classes=tuple(classes), which=which)

    @property
    def n_scored(self) -> int:
        """Voxels of the image that are not ignored."""
        return math.prod(self.shape) - self.n_ignored

    @property
    def grid(self) -> Grid:
        return Grid(shape=self.shape, spacing_mm=self.spacing_mm, axes_mm=self.axes_mm)

    @property
    def voxel_size(self) -> float:
        """Volume of a voxel in mm³ (area in mm² for 2-D), 1 where the spacing is unknown."""
        return self.lattice.cell

    @property
    def lattice(self) -> Lattice:
        """How far apart voxels lie; 1 where the spacing is unknown."""
        return self.grid.lattice

    @property
    def _empty(self) -> tuple[Voxels, ...]:
        return (Voxels(index=np.zeros(0, dtype=np.int64), shape=self.shape),) * len(self.classes)

    def _some_of(self, each: Sequence[Voxels]) -> tuple[Voxels, ...]:
        return tuple(each[i] for i in self.which)


def _slices_of(ignored: Bool[Any, "*space"]) -> tuple[np.ndarray, ...]:
    """Along each axis, the slices in which every voxel is ignored."""
    axes = range(ignored.ndim)
    return tuple(np.flatnonzero(ignored.all(axis=tuple(one for one in axes if one != axis))) for axis in axes)


def values_at(image: Any, index: np.ndarray) -> np.ndarray:
    """Read `image` at flat indices in C order, however it lies in memory."""
    if image.flags.c_contiguous:
        return np.asarray(image.reshape(-1)[index])
    return np.asarray(image[np.unravel_index(index, image.shape)])


def _voxels_of_each(labels: Labels, classes: Sequence[LabelClass]) -> tuple[Voxels, ...]:
    voxels = _voxels_by_id(labels, classes)
    return tuple(_mask(one, voxels, labels.shape) for one in classes)


def _voxels_by_id(labels: Labels, classes: Sequence[LabelClass]) -> dict[int, np.ndarray]:
    wanted = np.unique([one for each in classes for one in each.ids])
    index, ids = _foreground(labels, wanted)
    order = np.argsort(ids, kind="stable")  # keeps the voxels of one id ascending
    index, ids = index[order], ids[order]
    starts, stops = np.searchsorted(ids, wanted, side="left"), np.searchsorted(ids, wanted, side="right")
    return {int(one): index[a:b] for one, a, b in zip(wanted, starts, stops, strict=True)}


def _foreground(labels: Labels, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flat C-order index and id of all voxels that may belong to a class."""
    transposed = labels.flags.f_contiguous  # as NIfTI arrays are: walk them as they lie in memory
    flat = (labels.T if transposed else labels).reshape(-1)
    index = np.flatnonzero(np.isin(flat, wanted) if 0 in wanted else flat != 0)
    ids = flat[index]
    if not transposed:
        return index, ids
    index = np.ravel_multi_index(np.unravel_index(index, labels.shape[::-1])[::-1], labels.shape)
    order = np.argsort(index)
    return index[order], ids[order]


def _mask(one: LabelClass, voxels: dict[int, np.ndarray], shape: tuple[int, ...]) -> Voxels:
    parts = [voxels[each] for each in dict.fromkeys(one.ids)]
    return Voxels(index=parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts)), shape=shape)
