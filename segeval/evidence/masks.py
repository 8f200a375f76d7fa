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


@dataclass(frozen=True, kw_only=True)
class Masks:
    """The predicted and the true mask of every class of one case.

    `spacing_mm` is in array axis order; None means pixels without a size. `axes_mm` are those of a sheared grid.
    """

    pred: tuple[Voxels, ...]
    truth: tuple[Voxels, ...]
    classes: tuple[LabelClass, ...]
    shape: tuple[int, ...]
    spacing_mm: SpacingMm | None = None
    axes_mm: AxesMm | None = None
    whole_pred: tuple[Voxels, ...] | None = None  # ignored voxels included; None where nothing is ignored
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
        """Gather the voxels of each class from two label images.

        Args:
            classes: ids of each class; a region is the union of its ids.
            ignore: truth ids whose voxels count on neither side.
        """
        pred_voxels, truth_voxels = (_voxels_by_id(side, classes) for side in (pred, truth))
        whole_pred: tuple[Voxels, ...] | None = None
        unseen: tuple[np.ndarray, ...] = ()
        n_ignored = 0
        if len(ignore):
            whole_pred = tuple(_mask(one, pred_voxels, pred.shape) for one in classes)
            ignored = is_one_of(truth, ignore)
            unseen, n_ignored = _slices_of(ignored), int(ignored.sum())
            pred_voxels = {one: _outside(truth, ignore, index) for one, index in pred_voxels.items()}
            truth_voxels = {one: _outside(truth, ignore, index) for one, index in truth_voxels.items()}
        return cls(
            whole_pred=whole_pred,
            unseen=unseen,
            n_ignored=n_ignored,
            pred=tuple(_mask(one, pred_voxels, pred.shape) for one in classes),
            truth=tuple(_mask(one, truth_voxels, pred.shape) for one in classes),
            classes=tuple(classes),
            shape=pred.shape,
            spacing_mm=spacing_mm,
            axes_mm=axes_mm,
        )

    def only(self, classes: Sequence[LabelClass]) -> "Masks":
        """The masks of some of the classes."""
        which = [self.classes.index(one) for one in classes]
        pred, truth = (tuple(side[i] for i in which) for side in (self.pred, self.truth))
        whole = None if self.whole_pred is None else tuple(self.whole_pred[i] for i in which)
        return replace(self, pred=pred, truth=truth, whole_pred=whole, classes=tuple(classes))

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


def _slices_of(ignored: Bool[Any, "*space"]) -> tuple[np.ndarray, ...]:
    """Along each axis, the slices in which every voxel is ignored."""
    axes = range(ignored.ndim)
    return tuple(np.flatnonzero(ignored.all(axis=tuple(one for one in axes if one != axis))) for axis in axes)


def values_at(image: Any, index: np.ndarray) -> np.ndarray:
    """Read `image` at flat indices in C order, however it lies in memory."""
    if image.flags.c_contiguous:
        return np.asarray(image.reshape(-1)[index])
    return np.asarray(image[np.unravel_index(index, image.shape)])


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


def _outside(truth: Labels, ignore: Sequence[int], index: np.ndarray) -> np.ndarray:
    return index[~np.isin(values_at(truth, index), ignore)]


def _mask(one: LabelClass, voxels: dict[int, np.ndarray], shape: tuple[int, ...]) -> Voxels:
    parts = [voxels[each] for each in dict.fromkeys(one.ids)]
    return Voxels(index=parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts)), shape=shape)
