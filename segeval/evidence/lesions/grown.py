"""True lesions with what is predicted near them, as the BraTS challenges compare them: whole, and lesion by lesion.

Until 2024, a mask is grown by some steps; voxels of it whose grown parts touch are one lesion. All that is predicted
within the same number of steps of a lesion is held against it, in one piece, and may be held against another one, too.
Since 2025 parts are paired one with one, and what is in no pair counts nowhere.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np

from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.components import Components, components_of
from segeval.evidence.lesions.matching import Overlaps, assigned
from segeval.evidence.lesions.voronoi import LesionCells
from segeval.evidence.masks import Voxels
from segeval.evidence.shapes import PerLabel
from segeval.evidence.surfaces.surface import Surfaces

ONE = LabelClass(name="lesion", ids=(1,))
LEAST_DICE = 1e-6


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

    def surfaces(self, cells: LesionCells) -> Surfaces:
        """The surfaces of the two, in a box that holds both."""
        masks = cells.lesions.masks
        at = np.concatenate([self.pred.coordinates, self.truth.coordinates])
        low, high = at.min(axis=0), at.max(axis=0) + 1
        box = tuple(map(slice, low.tolist(), high.tolist()))
        pred, truth = np.zeros((2, *(high - low)), dtype=np.uint8)
        for side, voxels in ((pred, self.pred), (truth, self.truth)):
            side[tuple((voxels.coordinates - low).T)] = 1
        return Surfaces.of(
            pred,
            truth,
            classes=(ONE,),
            spacing_mm=masks.spacing_mm,
            axes_mm=masks.axes_mm,
            ignored=None if cells.ignored is None else cells.ignored[box],
        )


def lesionwise_means(
    cells: LesionCells, rule: GrownRule, value: Callable[[LesionPair], float], *, worst: float, nothing: float
) -> PerLabel:
    """Mean of a value over the true lesions of each class that count, and over the false alarms.

    Args:
        value: of a true lesion that something is predicted near.
        worst: of a true lesion with nothing near it, and of a false alarm.
        nothing: where neither is left.
    """
    means = []
    for which in range(len(cells.lesions.classes)):
        pairs, n_alarms = cells.kept.get((which, rule), partial(_pairs, cells, which, rule))
        values = [value(one) if len(one.pred) else worst for one in pairs]
        values += [worst] * (n_alarms if rule.alarms else 0)
        means.append(float(np.mean(values)) if values else nothing)
    return np.array(means, dtype=np.float64)


def means_of_paired(cells: LesionCells, value: Callable[[LesionPair], float], *, worst: float) -> PerLabel:
    """Mean of a value over the pairs of each class; what is in no pair counts nowhere.

    Undefined where neither side has a lesion.

    Args:
        value: of a pair.
        worst: where there are lesions, and no pair.
    """
    means = []
    for which in range(len(cells.lesions.classes)):
        pairs, n_lesions = paired(cells, which)
        values = [value(one) for one in pairs]
        means.append(float(np.mean(values)) if values else worst if n_lesions else np.nan)
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
