"""Sums over the objects of a case that no single matching gives: over thresholds, over links, over voxels.

All are made from the pairs of objects that share voxels, of which there are about as many as objects: a table of every
object with every other would not fit for the 20,000 nuclei of one slide.

What asks which one object a voxel belongs to, as the variation of information and the Rand index do, has no answer
where objects share voxels, as those of COCO may: there it is undefined.
"""

from dataclasses import dataclass

import numpy as np

from segeval.evidence.additive import State
from segeval.evidence.lesions.components import Connectivity
from segeval.evidence.lesions.lesions import LesionCounts, Lesions
from segeval.evidence.lesions.matching import MatchRule, Overlaps, Tally, assigned
from segeval.evidence.shapes import PerLabel

THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))  # of Data Science Bowl 2018 and COCO


@dataclass(frozen=True, kw_only=True)
class MatchedByThreshold(State):
    """Matched and unmatched objects per class at each of the thresholds: (class, threshold)."""

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray

    @classmethod
    def read(
        cls,
        lesions: Lesions,
        *,
        connectivity: Connectivity,
        min_size_mm3: float,
        strict: bool,
    ) -> "MatchedByThreshold":
        """Match the objects of every class once per threshold."""
        rules = [
            MatchRule(iou_threshold=least, connectivity=connectivity, min_size_mm3=min_size_mm3, strict=strict)
            for least in THRESHOLDS
        ]
        each = [LesionCounts.matched(lesions, rule) for rule in rules]
        return cls(**{name: np.stack([getattr(one, name) for one in each], axis=-1) for name in ("tp", "fp", "fn")})


@dataclass(frozen=True, kw_only=True)
class Aggregates(State):
    """Voxels that objects share with their partners, and of them and their partners together, per class.

    `shared` and `union` give each true object the predicted one of the largest IoU, taken or not; `plus_shared` and
    `plus_union` pair one with one.
    """

    shared: PerLabel
    union: PerLabel
    plus_shared: PerLabel
    plus_union: PerLabel

    @classmethod
    def read(cls, lesions: Lesions, *, connectivity: Connectivity, min_size_mm3: float) -> "Aggregates":
        """Add up the objects of every class of a case."""
        each = _tallies(lesions, connectivity, min_size_mm3)
        return cls.stack([_aggregated(one.overlaps) for one in each])


@dataclass(frozen=True, kw_only=True)
class CoveredOnce(State):
    """Voxels that paired objects share, and those that either side covers, each once, per class.

    Objects are paired one with one: as many as can be by an IoU of a half, then by the largest sum of IoU.
    """

    shared: PerLabel
    foreground: PerLabel

    @classmethod
    def read(cls, lesions: Lesions) -> "CoveredOnce":
        """Pair the objects of every class of a case, of any size."""
        return cls.stack([_covered(one.overlaps) for one in _tallies(lesions, "full", 0.0)])


@dataclass(frozen=True, kw_only=True)
class Links(State):
    """Objects that go together because one holds more than half of the other, per class.

    A true object is tracked by the predicted one that covers more than half of it. `splits` and `merges` count links
    beyond the first, a link being an overlap of more than half of the smaller object.
    """

    n_truth: PerLabel
    tracked_iou: PerLabel
    untracked: PerLabel
    idle: PerLabel  # predicted objects that track nothing
    shared: PerLabel  # true objects beyond the first that one predicted object tracks
    splits: PerLabel
    merges: PerLabel

    @classmethod
    def read(cls, lesions: Lesions, *, connectivity: Connectivity, min_size_mm3: float) -> "Links":
        """Link the objects of every class of a case."""
        each = _tallies(lesions, connectivity, min_size_mm3)
        return cls.stack([_linked(one.overlaps) for one in each])


@dataclass(frozen=True, kw_only=True)
class SplitBits(State):
    """What one side leaves unknown of the other, in bits over all voxels, per class; `voxels` is their number."""

    voxels: PerLabel
    split: PerLabel
    merge: PerLabel

    @classmethod
    def read(
        cls,
        lesions: Lesions,
        *,
        connectivity: Connectivity,
        min_size_mm3: float,
        ignore_truth_background: bool,
    ) -> "SplitBits":
        """Hold the objects of both sides against each other; all voxels without object are one more object."""
        each = _tallies(lesions, connectivity, min_size_mm3)
        n_voxels = None if ignore_truth_background else lesions.masks.n_scored
        nothing = cls.of(**dict.fromkeys(cls._names(), np.nan))
        return cls.stack(
            [_bits(_Cells.of(one.overlaps, n_voxels)) if not one.is_overlapping else nothing for one in each]
        )


@dataclass(frozen=True, kw_only=True)
class RandSums(State):
    """Squares of voxel counts where the truth has an object, per class: of cells of both, and of each side's objects.

    What is predicted nowhere there is one more predicted object; `bare` is its size, and `bare_both` the squares of
    its cells.
    """

    voxels: PerLabel
    both: PerLabel
    truth: PerLabel
    pred: PerLabel
    bare: PerLabel
    bare_both: PerLabel

    @classmethod
    def read(cls, lesions: Lesions, *, connectivity: Connectivity, min_size_mm3: float) -> "RandSums":
        """Square and add the voxel counts of every class of a case."""
        each = _tallies(lesions, connectivity, min_size_mm3)
        nothing = cls.of(**dict.fromkeys(cls._names(), np.nan))
        return cls.stack([_squares(_Cells.of(one.overlaps)) if not one.is_overlapping else nothing for one in each])


def _tallies(lesions: Lesions, connectivity: Connectivity, min_size_mm3: float) -> list[Tally]:
    every = range(len(lesions.classes))
    return [lesions.tally(which, connectivity=connectivity, min_size_mm3=min_size_mm3) for which in every]


def _aggregated(overlaps: Overlaps) -> Aggregates:
    reused = _best_of_truth(overlaps)
    paired = np.flatnonzero(assigned(overlaps, np.arange(len(overlaps.pred))))
    shared, union = _joined(overlaps, reused)
    plus_shared, plus_union = _joined(overlaps, paired)
    return Aggregates.of(shared=shared, union=union, plus_shared=plus_shared, plus_union=plus_union)


def _covered(overlaps: Overlaps) -> CoveredOnce:
    paired = assigned(overlaps, np.arange(len(overlaps.pred)), first=overlaps.iou >= 0.5)
    either = overlaps.truth_voxels.sum() + overlaps.pred_voxels.sum() - overlaps.voxels.sum()
    return CoveredOnce.of(shared=overlaps.voxels[paired].sum(), foreground=either)


def _best_of_truth(overlaps: Overlaps) -> np.ndarray:
    """For each true object that is met the pair of the largest IoU; of equal ones the lowest id."""
    order = np.lexsort((overlaps.pred, -overlaps.iou, overlaps.truth))
    _, first = np.unique(overlaps.truth[order], return_index=True)
    return order[first]


def _joined(overlaps: Overlaps, pairs: np.ndarray) -> tuple[int, int]:
    """Voxels that pairs share, and those of their unions with all that stands in no pair."""
    truth, pred, shared = overlaps.truth[pairs], overlaps.pred[pairs], overlaps.voxels[pairs]
    union = overlaps.truth_voxels[truth] + overlaps.pred_voxels[pred] - shared
    alone = [side.sum() - side[np.unique(met)].sum() for side, met in _sides(overlaps, truth, pred)]
    return int(shared.sum()), int(union.sum() + sum(alone))


def _sides(overlaps: Overlaps, truth: np.ndarray, pred: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(overlaps.truth_voxels, truth), (overlaps.pred_voxels, pred)]


def _linked(overlaps: Overlaps) -> Links:
    of_truth, of_pred = overlaps.truth_voxels[overlaps.truth], overlaps.pred_voxels[overlaps.pred]
    tracks = 2 * overlaps.voxels > of_truth
    linked = 2 * overlaps.voxels > np.minimum(of_truth, of_pred)
    n_truth, n_pred, n_tracked = len(overlaps.truth_voxels), len(overlaps.pred_voxels), int(tracks.sum())
    n_trackers = len(np.unique(overlaps.pred[tracks]))
    return Links.of(
        n_truth=n_truth,
        tracked_iou=overlaps.iou[tracks].sum(),
        untracked=n_truth - n_tracked,
        idle=n_pred - n_trackers,
        shared=n_tracked - n_trackers,
        splits=_beyond_the_first(overlaps.truth[linked]),
        merges=_beyond_the_first(overlaps.pred[linked]),
    )


def _beyond_the_first(owner: np.ndarray) -> int:
    return len(owner) - len(np.unique(owner))


@dataclass(frozen=True, kw_only=True)
class _Cells:
    """Voxels of each true object with each predicted one, as far as they meet, and with what is no object.

    `of_truth` and `of_pred` are the sizes of the objects that a cell lies in, `bare` says that nothing is predicted
    there; `preds` are the sizes of all predicted objects within, that of nothing predicted last.
    """

    voxels: np.ndarray
    of_truth: np.ndarray
    of_pred: np.ndarray
    bare: np.ndarray
    truths: np.ndarray
    preds: np.ndarray

    @classmethod
    def of(cls, overlaps: Overlaps, n_voxels: int | None = None) -> "_Cells":
        """The cells of an image of so many voxels; without a number, only where the truth has an object."""
        n_truth, n_pred = len(overlaps.truth_voxels), len(overlaps.pred_voxels)
        missed = overlaps.truth_voxels - np.bincount(overlaps.truth, overlaps.voxels, n_truth).astype(np.int64)
        in_truth = np.bincount(overlaps.pred, overlaps.voxels, n_pred).astype(np.int64)
        truth = np.concatenate([overlaps.truth, np.arange(n_truth)])
        pred = np.concatenate([overlaps.pred, np.full(n_truth, n_pred)])
        voxels = np.concatenate([overlaps.voxels, missed])
        truths = overlaps.truth_voxels
        preds = np.append(in_truth, missed.sum())
        if n_voxels is not None:  # the background of the truth is one more object
            added = overlaps.pred_voxels - in_truth
            left = n_voxels - truths.sum() - added.sum()
            truth = np.concatenate([truth, np.full(n_pred + 1, n_truth)])
            pred = np.concatenate([pred, np.arange(n_pred + 1)])
            voxels = np.concatenate([voxels, added, [left]])
            truths = np.append(truths, n_voxels - truths.sum())
            preds = np.append(overlaps.pred_voxels, n_voxels - overlaps.pred_voxels.sum())
        some = voxels > 0
        truth, pred = truth[some], pred[some]
        return cls(
            voxels=voxels[some],
            of_truth=truths[truth],
            of_pred=preds[pred],
            bare=pred == n_pred,
            truths=truths,
            preds=preds,
        )


def _bits(cells: _Cells) -> SplitBits:
    return SplitBits.of(
        voxels=cells.voxels.sum(),
        split=(cells.voxels * np.log2(cells.of_truth / cells.voxels)).sum(),
        merge=(cells.voxels * np.log2(cells.of_pred / cells.voxels)).sum(),
    )


def _squares(cells: _Cells) -> RandSums:
    of_cells = cells.voxels.astype(np.float64) ** 2
    return RandSums.of(
        voxels=cells.voxels.sum(),
        both=of_cells.sum(),
        truth=(cells.truths.astype(np.float64) ** 2).sum(),
        pred=(cells.preds.astype(np.float64) ** 2).sum(),
        bare=cells.preds[-1],
        bare_both=of_cells[cells.bare].sum(),
    )
