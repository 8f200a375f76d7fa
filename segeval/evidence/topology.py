"""Topology of the masks: parts, tunnels, cavities, and centre lines."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np

from segeval.evidence.additive import Kept
from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.components import components_of, count_background_parts
from segeval.evidence.masks import Masks, Voxels
from segeval.evidence.shapes import Bool, CountPerLabel, Int64, Labels

Foreground = Literal["full", "face"]

_BOX_COST = 5000  # one more box costs about as much as this many voxels


@dataclass(frozen=True, kw_only=True)
class Betti:
    """Parts (b0), tunnels or in 2-D holes (b1), and cavities (b2, always 0 in 2-D) of one side, per class."""

    b0: CountPerLabel
    b1: CountPerLabel
    b2: CountPerLabel

    @classmethod
    def of(cls, masks: Sequence[Voxels], *, connectivity: Foreground) -> "Betti":
        """Count the features of each mask."""
        numbers = np.array([betti_numbers(one, connectivity=connectivity) for one in masks], dtype=np.int64)
        b0, b1, b2 = numbers.reshape(len(masks), 3).T
        return cls(b0=b0, b1=b1, b2=b2)

    @property
    def euler(self) -> CountPerLabel:
        """Euler characteristic."""
        return self.b0 - self.b1 + self.b2


@dataclass(frozen=True, kw_only=True)
class Topology:
    """Betti numbers of both masks of every class; nothing is counted before it is asked for."""

    masks: Masks
    _kept: Kept[tuple[Betti, Betti]] = field(default_factory=Kept, repr=False, compare=False)

    @classmethod
    def of(
        cls, pred: Labels, truth: Labels, *, classes: Sequence[LabelClass], ignore: Sequence[int] = ()
    ) -> "Topology":
        """Take two label images; voxels whose truth is one of `ignore` are background on both sides."""
        return cls(masks=Masks.of(pred, truth, classes=classes, ignore=ignore))

    def betti(self, *, connectivity: Foreground = "full") -> tuple[Betti, Betti]:
        """Betti numbers of pred and truth, where foreground voxels connect as `connectivity` says.

        The background connects the other way; with the same connectivity for both the numbers
        would contradict each other.
        """
        return self._kept.get(connectivity, partial(self._count, connectivity))

    def _count(self, connectivity: Foreground) -> tuple[Betti, Betti]:
        pred, truth = (Betti.of(side, connectivity=connectivity) for side in (self.masks.pred, self.masks.truth))
        return pred, truth


@dataclass(frozen=True, kw_only=True)
class Skeletons:
    """Voxels of the centre line of each mask, and how many of them lie in the other mask, per class."""

    pred: CountPerLabel
    pred_in_truth: CountPerLabel
    truth: CountPerLabel
    truth_in_pred: CountPerLabel

    @classmethod
    def of(
        cls, pred: Labels, truth: Labels, *, classes: Sequence[LabelClass], ignore: Sequence[int] = ()
    ) -> "Skeletons":
        """Take two label images; voxels whose truth is one of `ignore` are background on both sides."""
        return cls.of_masks(Masks.of(pred, truth, classes=classes, ignore=ignore))

    @classmethod
    def of_masks(cls, masks: Masks) -> "Skeletons":
        """Thin both masks of every class."""
        counts = [(*_on(p, t), *_on(t, p)) for p, t in zip(masks.pred, masks.truth, strict=True)]
        pred, pred_in_truth, truth, truth_in_pred = np.array(counts, dtype=np.int64).reshape(len(counts), 4).T
        return cls(pred=pred, pred_in_truth=pred_in_truth, truth=truth, truth_in_pred=truth_in_pred)


def betti_numbers(mask: Voxels, *, connectivity: Foreground) -> tuple[int, int, int]:
    """b0, b1 and b2 of one mask: those of its separate parts add up."""
    numbers = [_betti_numbers(part.in_box(margin=1), connectivity) for part in _apart(mask)]
    b0, b1, b2 = (sum(each) for each in zip(*numbers, strict=True))
    return b0, b1, b2


def euler_characteristic(inside: Bool[np.ndarray, "*space"], *, connectivity: Foreground) -> int:
    """Euler characteristic of a mask with a rim of background.

    Full connectivity: vertices − edges + faces − cubes of the union of closed voxels. Face
    connectivity: the same sum over voxels and the pairs, squares and cubes of them that are all inside.
    """
    if connectivity == "full":
        return _alternating(inside, 0, np.logical_or)
    return (-1) ** inside.ndim * _alternating(inside, 0, np.logical_and)


def skeleton_of(mask: Voxels) -> Int64[np.ndarray, " voxel"]:
    """Flat indices of the centre line, or of the whole mask where thinning leaves nothing of it.

    Zhang and Suen 1984 in 2-D, Lee et al. 1994 in 3-D, by scikit-image.
    """
    thin = np.concatenate([_thinned(part) for part in _apart(mask)])
    return thin if len(thin) else mask.index


def _betti_numbers(boxed: Voxels, connectivity: Foreground) -> tuple[int, int, int]:
    """b0 and the enclosed background are counted; the Euler characteristic gives the number that is hard to count."""
    b0 = len(components_of(boxed, connectivity=connectivity))
    outside = 1  # the margin and what it reaches is one part of the background, and no cavity
    enclosed = count_background_parts(boxed, connectivity="face" if connectivity == "full" else "full") - outside
    if len(boxed.shape) < 3:
        return b0, enclosed, 0
    return b0, b0 + enclosed - euler_characteristic(boxed.dense(), connectivity=connectivity), enclosed


def _on(mask: Voxels, other: Voxels) -> tuple[int, int]:
    skeleton = skeleton_of(mask)
    return len(skeleton), int(np.isin(skeleton, other.index, assume_unique=True).sum())


def _alternating(inside: np.ndarray, axis: int, pool: Callable[..., np.ndarray]) -> int:
    """Cells of every kind, counted with alternating signs: along each axis a cell spans two voxels or one."""
    if axis == inside.ndim:
        return int(np.count_nonzero(inside))
    along = np.moveaxis(inside, axis, 0)
    pairs = np.moveaxis(pool(along[:-1], along[1:]), 0, axis)
    return _alternating(pairs, axis + 1, pool) - _alternating(inside, axis + 1, pool)


def _apart(mask: Voxels) -> list[Voxels]:
    """The parts of a mask that do not touch, if they are few: small boxes are less work than one large box."""
    parts = components_of(mask, connectivity="full")
    if len(parts) * _BOX_COST > math.prod(mask.in_box(margin=1).shape):
        return [mask]
    order = np.argsort(parts.owner, kind="stable")
    return [
        Voxels(index=index, shape=mask.shape) for index in np.split(parts.index[order], np.cumsum(parts.n_voxels)[:-1])
    ]


def _thinned(part: Voxels) -> np.ndarray:
    from skimage.morphology import skeletonize

    if not len(part):
        return part.index
    where = np.argwhere(skeletonize(part.in_box(margin=1).dense())) + part.corner - 1
    return np.ravel_multi_index(tuple(where.T), part.shape)
