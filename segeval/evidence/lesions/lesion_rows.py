"""One row per lesion of either side: where it is, what it met, and why it did not match."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.components import Components
from segeval.evidence.lesions.lesion_shapes import extent_of, mean_and_max, nearest_other_mm
from segeval.evidence.lesions.lesions import Lesions, Matched
from segeval.evidence.lesions.matching import MatchRule, Overlaps, PerPair, Side, main_overlap
from segeval.evidence.masks import Masks
from segeval.evidence.probabilities.channels import ProbMap

Outcome = Literal["tp", "fp", "fn", "merged", "ignored"]


@dataclass(frozen=True, kw_only=True)
class LesionRow:
    """One lesion of one class and side.

    `iou`, `dice` and `overlap_voxels` compare it with all it was matched to, or with the lesion it
    overlaps best. `merged` is a prediction that answers for a true lesion together with others, or
    that `forgive_extra` does not count; `ignored` is an unmatched one that lies mostly in ignored voxels,
    which no number of a row counts. Axes are in array order, and the
    centroid is measured along them; `bbox` is (start, stop) with stop
    excluded; where the spacing is unknown a voxel counts as 1.
    """

    of: LabelClass
    side: Side
    lesion_id: int
    outcome: Outcome
    matched_ids: tuple[int, ...]
    voxels: int
    volume_mm3: float
    iou: float
    dice: float
    overlap_voxels: int
    centroid_mm: tuple[float, ...]
    bbox: tuple[tuple[int, ...], tuple[int, ...]]
    nearest_other_mm: float
    touches_border: bool
    max_prob: float = math.nan
    mean_prob: float = math.nan
    confidence: float = math.nan
    rank: int | None = None
    reason: str = ""


def lesion_rows(lesions: Lesions, *, probs: Sequence[ProbMap | None] | None = None, **settings: Any) -> list[LesionRow]:
    """List the lesions of a case by class, side (pred first) and id.

    Args:
        probs: the probability map of each class, where there is one.
        settings: as for `MatchRule`.
    """
    rule = MatchRule(**settings)
    return rows_of_matched(
        [lesions.pairing(which, rule) for which in range(len(lesions.classes))], lesions.masks, probs
    )


def rows_of_matched(
    matched: Sequence[Matched], masks: Masks, probs: Sequence[ProbMap | None] | None = None
) -> list[LesionRow]:
    """The same of lesions that are matched already, one matching for each class of the masks."""
    return [
        row
        for which, of in enumerate(masks.classes)
        for side in _sides(matched[which])
        for row in _rows(of, side, masks, None if probs is None else probs[which])
    ]


@dataclass(frozen=True, kw_only=True)
class _OneSide:
    """The lesions of one side after a matching; `own_of` and `other_of` say who meets in each pair."""

    name: Side
    other_name: Side
    own: Components
    other: Components
    own_of: np.ndarray
    other_of: np.ndarray
    matched: Matched

    @property
    def overlaps(self) -> Overlaps:
        return self.matched.found.overlaps

    @cached_property
    def pairs(self) -> list[np.ndarray]:
        """The pairs of each own lesion, the best IoU first."""
        order = np.lexsort((self.other_of, -self.overlaps.iou, self.own_of))
        return np.split(order, np.searchsorted(self.own_of[order], np.arange(1, len(self.own))))

    @cached_property
    def n_partners(self) -> np.ndarray:
        """How many own lesions are matched to each lesion of the other side."""
        return np.bincount(self.other_of[self.matched.linked], minlength=len(self.other))

    @cached_property
    def in_group(self) -> PerPair:
        """The pairs that `merge` considers: each predicted lesion with the true one it overlaps most."""
        return main_overlap(self.overlaps)

    @cached_property
    def group_iou(self) -> np.ndarray:
        """IoU of each true lesion with its group."""
        shared, union = self.overlaps.joined(self.in_group)
        return shared / union

    def linked(self, one: int) -> np.ndarray:
        """The pairs by which an own lesion is matched."""
        return self.pairs[one][self.matched.linked[self.pairs[one]]]

    def told(self) -> PerPair:
        """The pairs whose overlap the rows tell: those of a match, else the best one of a lesion."""
        told = self.matched.linked.copy()
        unmatched = np.setdiff1d(self.own_of, self.own_of[told])
        told[[self.pairs[one][0] for one in unmatched]] = True
        return told


def _sides(matched: Matched) -> tuple[_OneSide, _OneSide]:
    pred, truth, overlaps = matched.found.pred, matched.found.truth, matched.found.overlaps
    return (
        _OneSide(
            name="pred",
            other_name="truth",
            own=pred,
            other=truth,
            own_of=overlaps.pred,
            other_of=overlaps.truth,
            matched=matched,
        ),
        _OneSide(
            name="truth",
            other_name="pred",
            own=truth,
            other=pred,
            own_of=overlaps.truth,
            other_of=overlaps.pred,
            matched=matched,
        ),
    )


def _rows(of: LabelClass, side: _OneSide, masks: Masks, probs: ProbMap | None) -> Iterator[LesionRow]:
    if not len(side.own):
        return
    shared, union = side.overlaps.joined(side.told(), side=side.name)
    extent, nearest = extent_of(side.own), nearest_other_mm(side.own, side.other, masks.lattice)
    unknown = np.full(len(side.own), math.nan)
    mean_prob, max_prob = (unknown, unknown) if probs is None else mean_and_max(probs, side.own)
    columns = {  # noise has lesions by the hundred thousand: all that is a number is made for all of them at once
        "lesion_id": side.own.ids,
        "voxels": side.own.n_voxels,
        "volume_mm3": side.own.n_voxels * masks.voxel_size,
        "iou": shared / union,
        "dice": 2 * shared / (union + shared),
        "overlap_voxels": shared,
        "nearest_other_mm": nearest,
        "touches_border": (extent.start == 0).any(axis=1) | (extent.stop == masks.shape).any(axis=1),
        "max_prob": max_prob,
        "mean_prob": mean_prob,
    }
    cells = zip(*(column.tolist() for column in columns.values()), strict=True)
    centroids = map(tuple, (extent.centroid * masks.lattice.spacing).tolist())
    boxes = zip(map(tuple, extent.start.tolist()), map(tuple, extent.stop.tolist()), strict=True)
    for i, (numbers, centroid, box) in enumerate(zip(cells, centroids, boxes, strict=True)):
        yield LesionRow(
            of=of,
            side=side.name,
            outcome=_outcome(side, i),
            matched_ids=_ids(side.other, side.other_of[linked]) if len(linked := side.linked(i)) else (),
            centroid_mm=centroid,
            bbox=box,
            reason=_reason(side, i),
            **dict(zip(columns, numbers, strict=True)),
        )


def _outcome(side: _OneSide, one: int) -> Outcome:
    linked = side.linked(one)
    if side.name == "pred" and side.matched.pred_forgiven[one]:
        return "merged"
    if (side.matched.pred_ignored if side.name == "pred" else side.matched.truth_ignored)[one]:
        return "ignored"
    if not len(linked):
        return "fp" if side.name == "pred" else "fn"
    is_piece = side.matched.rule.matching == "merge" and side.n_partners[side.other_of[linked[0]]] > 1
    return "merged" if is_piece and side.name == "pred" else "tp"


def _reason(side: _OneSide, one: int) -> str:
    """Why a lesion did not match; empty where it did."""
    if len(side.linked(one)):
        return ""
    if side.name == "pred" and side.matched.pred_ignored[one]:
        ignored = side.own.n_ignored[one] if side.own.n_ignored is not None else 0
        if not ignored:
            return "hits only lesions that are ignored"
        return f"{ignored} of its {side.own.n_voxels[one] + ignored} voxels are ignored"
    if side.name == "truth" and side.matched.truth_ignored[one]:
        return "too small to count"
    if not len(side.pairs[one]):
        return "no overlap"
    if side.matched.rule.matching == "merge":
        return _why_not_merged(side, side.pairs[one])
    best = side.pairs[one][0]
    iou = side.overlaps.iou[best]
    met = f"IoU {_rounded_down(iou)} with {side.other_name} {side.other.ids[side.other_of[best]]}"
    if not side.matched.accepted[best]:
        return f"best {met} {side.matched.too_little}"
    partners = _joined(_ids(side.own, _partners(side, best)))
    return f"{met}, which was matched to {side.name} {partners}" if partners else f"{met}, which is ignored"


def _why_not_merged(side: _OneSide, pairs: np.ndarray) -> str:
    """The IoU of the whole group a lesion was in, or that its predictions all went to other lesions."""
    group = pairs[side.in_group[pairs]]
    if not len(group):
        return f"{side.other_name} {_joined(_ids(side.other, side.other_of[pairs]))} overlaps another lesion more"
    found, truth = side.matched.found, side.overlaps.truth[group[0]]
    preds = _joined(_ids(found.pred, side.overlaps.pred[side.in_group & (side.overlaps.truth == truth)]))
    iou = f"IoU {_rounded_down(side.group_iou[truth])} of pred {preds} with truth {found.truth.ids[truth]}"
    return f"{iou} {side.matched.too_little}"


def _partners(side: _OneSide, pair: np.intp) -> np.ndarray:
    """The own lesions that are matched to the other lesion of a pair."""
    return side.own_of[side.matched.linked & (side.other_of == side.other_of[pair])]


def _rounded_down(iou: float) -> str:
    """Three digits, rounded down: what is below a threshold also reads so."""
    return f"{math.floor(iou * 1000 + 1e-9) / 1000:g}"


def _ids(parts: Components, which: np.ndarray) -> tuple[int, ...]:
    return tuple(parts.ids[np.sort(which)].tolist())


def _joined(ids: Iterable[int]) -> str:
    return "+".join(map(str, ids))
