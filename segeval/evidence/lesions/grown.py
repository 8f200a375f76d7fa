"""True lesions with what is predicted near them, as the BraTS challenges compare them: whole, and lesion by lesion.

Until 2024, a mask is grown by some steps; voxels of it whose grown parts touch are one lesion. All that is predicted
within the same number of steps of a lesion is held against it, in one piece, and may be held against another one, too.
Since 2025 parts are paired one with one, and what is in no pair counts nowhere.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial

import numpy as np

from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.components import Components, components_of
from segeval.evidence.lesions.matching import Overlaps, assigned
from segeval.evidence.lesions.voronoi import LesionCells
from segeval.evidence.masks import Voxels
from segeval.evidence.shapes import Box, PerLabel
from segeval.evidence.surfaces.surface import Surfaces

LEAST_DICE = 1e-6
_ROOM = 1 << 22  # voxels of an image with many pairs


@dataclass(frozen=True, kw_only=True)
class GrownRule:
    """How lesions are made and which of them count.

    Attributes:
        steps: by how many voxels masks are grown, each time by all neighbours that share a face or an edge.
        ignore_mm3: true lesions up to this size are left out, after what is predicted near them has been excused.
        group_pred: whether predictions that touch when grown are one, too, and those up to `ignore_mm3` are dropped.
        alarms: whether what is predicted far from every lesion counts as a lesion with the worst score.
    """

    steps: int
    ignore_mm3: float
    group_pred: bool
    alarms: bool


@dataclass(frozen=True, kw_only=True)
class LesionPair:
    """A true lesion, and all that is predicted near it."""

    pred: Voxels
    truth: Voxels

    @property
    def dice(self) -> float:
        """Dice of the two."""
        both = np.intersect1d(self.pred.index, self.truth.index, assume_unique=True)
        return 2 * len(both) / (len(self.pred) + len(self.truth))

    @cached_property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest array index along each axis, and how many there are."""
        at = np.concatenate([self.pred.coordinates, self.truth.coordinates])
        low = at.min(axis=0)
        return low, at.max(axis=0) + 1 - low


Values = Callable[[Sequence[LesionPair]], Sequence[float]]


def each_dice(pairs: Sequence[LesionPair]) -> list[float]:
    """Dice of each pair."""
    return [pair.dice for pair in pairs]


def by_surfaces(cells: LesionCells, value: Callable[[Surfaces], PerLabel]) -> Values:
    """What makes a value of surfaces one of pairs, each of which is a class of an image that holds many of them."""

    def values(pairs: Sequence[LesionPair]) -> list[float]:
        found = np.empty(len(pairs))
        for which in _shelves(pairs):
            found[which] = value(_side_by_side([pairs[i] for i in which], cells))
        return found.tolist()

    return values


def _shelves(pairs: Sequence[LesionPair]) -> Iterator[list[int]]:
    """Which pairs lie in an image together: those of a similar size, as many as there is room for."""
    sizes = [pair.box[1] for pair in pairs]
    shelf: list[int] = []
    shape = np.zeros(0)
    for i in sorted(range(len(pairs)), key=lambda i: -math.prod(sizes[i].tolist())):
        wider = np.maximum(shape, sizes[i]) if shelf else sizes[i]
        if shelf and math.prod(wider.tolist()) * (len(shelf) + 1) > _ROOM:
            yield shelf
            shelf, wider = [], sizes[i]
        shelf.append(i)
        shape = wider
    if shelf:
        yield shelf


def _side_by_side(pairs: Sequence[LesionPair], cells: LesionCells) -> Surfaces:
    """The surfaces of pairs that lie along one axis of an image, a voxel apart."""
    masks = cells.lesions.masks
    lows, sizes = (np.array(side) for side in zip(*(pair.box for pair in pairs), strict=True))
    is_long = np.array(masks.shape) > 1  # along such an axis a flat lesion has an outside, too
    along = int(is_long.argmax())
    steps = sizes[:, along] + 1
    shape = sizes.max(axis=0) + is_long
    shape[along] = steps.sum()
    starts = np.zeros_like(lows)
    starts[:, along] = np.cumsum(steps) - steps
    pred, truth = np.zeros((2, *shape), dtype=np.min_scalar_type(len(pairs)))
    ignored = None if cells.ignored is None else np.zeros(shape, dtype=bool)
    for number, (pair, low, size, start) in enumerate(zip(pairs, lows, sizes, starts, strict=True), start=1):
        for side, voxels in ((pred, pair.pred), (truth, pair.truth)):
            side[tuple((voxels.coordinates + (start - low)).T)] = number
        if ignored is not None and cells.ignored is not None:
            ignored[_box(start, size)] = cells.ignored[_box(low, size)]
    return Surfaces.of(
        pred,
        truth,
        classes=[LabelClass(name="lesion", ids=(number,)) for number in range(1, len(pairs) + 1)],
        spacing_mm=masks.spacing_mm,
        axes_mm=masks.axes_mm,
        ignored=ignored,
    )


def _box(low: np.ndarray, size: np.ndarray) -> Box:
    return tuple(map(slice, low.tolist(), (low + size).tolist()))


def lesionwise_means(cells: LesionCells, rule: GrownRule, values: Values, *, worst: float, nothing: float) -> PerLabel:
    """Mean of a value over the true lesions of each class that count, and over the false alarms.

    Args:
        values: of true lesions that something is predicted near.
        worst: of a true lesion with nothing near it, and of a false alarm.
        nothing: where neither is left.
    """
    classes = range(len(cells.lesions.classes))
    each = [cells.kept.get((which, rule), partial(_pairs, cells, which, rule)) for which in classes]
    found = iter(values([one for pairs, _ in each for one in pairs if len(one.pred)]))
    means = []
    for pairs, n_alarms in each:
        own = [next(found) if len(one.pred) else worst for one in pairs]
        own += [worst] * (n_alarms if rule.alarms else 0)
        means.append(float(np.mean(own)) if own else nothing)
    return np.array(means, dtype=np.float64)


def means_of_paired(cells: LesionCells, values: Values, *, worst: float) -> PerLabel:
    """Mean of a value over the pairs of each class; what is in no pair counts nowhere.

    Undefined where neither side has a lesion.

    Args:
        values: of pairs.
        worst: where there are lesions, and no pair.
    """
    each = [paired(cells, which) for which in range(len(cells.lesions.classes))]
    found = iter(values([one for pairs, _ in each for one in pairs]))
    means = []
    for pairs, n_lesions in each:
        own = [next(found) for _ in pairs]
        means.append(float(np.mean(own)) if own else worst if n_lesions else np.nan)
    return np.array(means, dtype=np.float64)


def paired(cells: LesionCells, which: int) -> tuple[list[LesionPair], int]:
    """The connected parts one with one, for the largest sum of Dice; and how many there are on both sides."""
    found = cells.lesions.found(which)
    known = _ByDice(**{each.name: getattr(found.overlaps, each.name) for each in fields(Overlaps)})
    chosen = np.flatnonzero(assigned(known, np.flatnonzero(known.iou >= LEAST_DICE)))
    pred, truth = (list(_each(side)) for side in (found.pred, found.truth))
    pairs = [LesionPair(pred=pred[known.pred[i]], truth=truth[known.truth[i]]) for i in chosen]
    return pairs, len(pred) + len(truth)


class _ByDice(Overlaps):
    """Pairs that an assignment weighs by their Dice."""

    @property
    def iou(self) -> np.ndarray:
        return 2 * self.voxels / (self.truth_voxels[self.truth] + self.pred_voxels[self.pred])


def _pairs(cells: LesionCells, which: int, rule: GrownRule) -> tuple[list[LesionPair], int]:
    """The lesions that count with what is near them, and how many predictions are near none."""
    masks = cells.lesions.masks
    truth = _grouped(masks.truth[which], rule.steps)
    pred = _grouped(masks.pred[which], rule.steps if rule.group_pred else 0)
    if rule.group_pred:
        pred = pred.only(pred.n_voxels > rule.ignore_mm3)
    is_near, pairs = np.zeros(len(pred), dtype=bool), []
    for lesion in _each(truth):
        met = np.isin(pred.index, _grown(lesion, rule.steps), assume_unique=True)
        near = np.bincount(pred.owner[met], minlength=len(pred)) > 0
        is_near |= near
        if len(lesion) * masks.voxel_size > rule.ignore_mm3:
            pairs.append(LesionPair(pred=pred.only(near).all_voxels, truth=lesion))
    return pairs, int((~is_near).sum())


def _each(parts: Components) -> Iterator[Voxels]:
    order = np.argsort(parts.owner, kind="stable")
    for index in np.split(parts.index[order], np.cumsum(parts.n_voxels)[:-1]) if len(parts) else ():
        yield Voxels(index=index, shape=parts.shape)


def _grouped(mask: Voxels, steps: int) -> Components:
    """The parts of a mask, those that touch when grown as one."""
    if not steps or not len(mask):
        return components_of(mask)
    whole = components_of(Voxels(index=_grown(mask, steps), shape=mask.shape))
    owner = whole.owner[np.searchsorted(whole.index, mask.index)]
    numbers, owner = np.unique(owner, return_inverse=True)  # every grown part holds a voxel of the mask
    return replace(whole, index=mask.index, owner=owner, ids=whole.ids[numbers])


def _grown(mask: Voxels, steps: int) -> np.ndarray:
    """Flat indices, ascending, of the voxels within so many steps over faces and edges."""
    from scipy import ndimage

    if not steps:
        return mask.index
    at = mask.coordinates
    low = np.maximum(at.min(axis=0) - steps, 0)
    high = np.minimum(at.max(axis=0) + steps + 1, mask.shape)
    small = np.zeros(high - low, dtype=bool)
    small[tuple((at - low).T)] = True
    beside = ndimage.generate_binary_structure(at.shape[1], min(2, at.shape[1]))
    wide = ndimage.binary_dilation(small, structure=beside, iterations=steps)
    return np.ravel_multi_index(tuple((np.argwhere(wide) + low).T), mask.shape)
