"""One row per lesion of either side: where it is, what it met, and why it did not match."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

import numpy as np

from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.components import Components
from segeval.evidence.lesions.lesion_shapes import extent_of, mean_and_max, nearest_other_mm
from segeval.evidence.lesions.lesions import Lesions, MatchedLesions
from segeval.evidence.lesions.matching import MatchRule, Overlaps, PerPair, Side, main_overlap
from segeval.evidence.masks import Masks
from segeval.evidence.probabilities.channels import ProbMap
from segeval.evidence.shapes import Bool, Float64, Int64
from segeval.evidence.surfaces.surfaces_numpy import trees_pay

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


@dataclass(frozen=True, kw_only=True, eq=False)
class LesionRows(Sequence[LesionRow]):
    """The rows of a case as columns, which noise has by the hundred thousand; a `LesionRow` is made when asked for.

    `of` is the place of a class in `classes`. `matched_ids` are those of all rows, one row after another, and
    `n_matched` how many are of each. `rank` is 0 where there is none.
    """

    classes: tuple[LabelClass, ...]
    of: Int64[np.ndarray, " lesion"]
    side: np.ndarray
    lesion_id: Int64[np.ndarray, " lesion"]
    outcome: np.ndarray
    matched_ids: Int64[np.ndarray, " match"]
    n_matched: Int64[np.ndarray, " lesion"]
    voxels: Int64[np.ndarray, " lesion"]
    volume_mm3: Float64[np.ndarray, " lesion"]
    iou: Float64[np.ndarray, " lesion"]
    dice: Float64[np.ndarray, " lesion"]
    overlap_voxels: Int64[np.ndarray, " lesion"]
    centroid_mm: Float64[np.ndarray, "lesion axis"]
    start: Int64[np.ndarray, "lesion axis"]
    stop: Int64[np.ndarray, "lesion axis"]
    nearest_other_mm: Float64[np.ndarray, " lesion"]
    touches_border: Bool[np.ndarray, " lesion"]
    max_prob: Float64[np.ndarray, " lesion"]
    mean_prob: Float64[np.ndarray, " lesion"]
    confidence: Float64[np.ndarray, " lesion"]
    rank: Int64[np.ndarray, " lesion"]
    reason: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.of)

    def __getitem__(self, which: Any) -> Any:
        return self._rows[which]

    @cached_property
    def matched(self) -> list[tuple[int, ...]]:
        """The ids that each is matched to."""
        ids, ends = self.matched_ids.tolist(), np.cumsum(self.n_matched).tolist()
        return [tuple(ids[end - n : end]) if n else () for n, end in zip(self.n_matched.tolist(), ends, strict=True)]

    @cached_property
    def _rows(self) -> tuple[LesionRow, ...]:
        columns: dict[str, Iterable[Any]] = {
            field.name: getattr(self, field.name).tolist()
            for field in fields(LesionRow)
            if field.name not in ("of", "matched_ids", "centroid_mm", "bbox", "rank", "reason")
        }
        columns["of"] = map(self.classes.__getitem__, self.of.tolist())
        columns["matched_ids"], columns["reason"] = self.matched, self.reason
        columns["centroid_mm"] = map(tuple, self.centroid_mm.tolist())
        columns["bbox"] = zip(map(tuple, self.start.tolist()), map(tuple, self.stop.tolist()), strict=True)
        columns["rank"] = (rank or None for rank in self.rank.tolist())
        rows = zip(*columns.values(), strict=True)
        return tuple(LesionRow(**dict(zip(columns, cells, strict=True))) for cells in rows)


def lesion_rows(
    lesions: Lesions, *, probs: Sequence[ProbMap | None] | None = None, **settings: Any
) -> LesionRows | tuple[()]:
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
    matched: Sequence[MatchedLesions], masks: Masks, probs: Sequence[ProbMap | None] | None = None
) -> LesionRows | tuple[()]:
    """The same of lesions that are matched already, one matching for each class of the masks."""
    of_many = trees_pay(len(one.found.pred.index) * len(one.found.truth.index) for one in matched)
    each = [
        {"of": np.full(len(side.own), which)}
        | _columns(side, masks, None if probs is None else probs[which], one_of_many=of_many)
        for which in range(len(masks.classes))
        for side in _sides(matched[which])
        if len(side.own)
    ]
    if not each:
        return ()
    columns: dict[str, Any] = {name: np.concatenate([one[name] for one in each]) for name in each[0]}
    return LesionRows(classes=masks.classes, **columns | {"reason": tuple(columns["reason"].tolist())})


@dataclass(frozen=True, kw_only=True)
class _OneSide:
    """The lesions of one side after a matching; `own_of` and `other_of` say who meets in each pair."""

    name: Side
    other_name: Side
    own: Components
    other: Components
    own_of: np.ndarray
    other_of: np.ndarray
    matched: MatchedLesions

    @property
    def overlaps(self) -> Overlaps:
        return self.matched.found.overlaps

    @cached_property
    def in_order(self) -> np.ndarray:
        """The pairs by own lesion, the best IoU first."""
        return np.lexsort((self.other_of, -self.overlaps.iou, self.own_of))

    @cached_property
    def ends(self) -> np.ndarray:
        """Where in that order those of each own lesion begin, and those of the last one end."""
        return np.searchsorted(self.own_of[self.in_order], np.arange(len(self.own) + 1))

    def pairs(self, one: int) -> np.ndarray:
        """The pairs of an own lesion, the best IoU first."""
        return self.in_order[self.ends[one] : self.ends[one + 1]]

    @cached_property
    def n_linked(self) -> np.ndarray:
        """How many lesions each own one is matched to."""
        return np.bincount(self.own_of[self.matched.linked], minlength=len(self.own))

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

    def told(self) -> PerPair:
        """The pairs whose overlap the rows tell: those of a match, else the best one of a lesion."""
        told = self.matched.linked.copy()
        unmatched = (self.n_linked == 0) & (np.diff(self.ends) > 0)
        told[self.in_order[self.ends[:-1][unmatched]]] = True
        return told

    def outcomes(self) -> np.ndarray:
        """What became of each."""
        is_pred, linked = self.name == "pred", self.matched.linked
        found = np.where(self.n_linked > 0, "tp", "fp" if is_pred else "fn").astype("<U7")
        if is_pred and self.matched.rule.matching == "merge":
            found[self.own_of[linked & (self.n_partners[self.other_of] > 1)]] = "merged"
        found[self.matched.pred_ignored if is_pred else self.matched.truth_ignored] = "ignored"
        if is_pred:
            found[self.matched.pred_forgiven] = "merged"
        return found

    def reasons(self) -> np.ndarray:
        """Why each did not match; empty where it did."""
        ignored = self.matched.pred_ignored if self.name == "pred" else self.matched.truth_ignored
        reasons = np.where(self.n_linked > 0, "", "no overlap").astype(object)
        for one in np.flatnonzero((self.n_linked == 0) & ((np.diff(self.ends) > 0) | ignored)).tolist():
            reasons[one] = _reason(self, one)
        return reasons

    def partners(self) -> np.ndarray:
        """The ids that the own lesions are matched to, in their order and that of the ids."""
        own, other = self.own_of[self.matched.linked], self.other_of[self.matched.linked]
        return self.other.ids[other[np.lexsort((other, own))]]


def _sides(matched: MatchedLesions) -> tuple[_OneSide, _OneSide]:
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


def _columns(side: _OneSide, masks: Masks, probs: ProbMap | None, *, one_of_many: bool) -> dict[str, np.ndarray]:
    """The columns of a side that has lesions."""
    shared, union = side.overlaps.joined(side.told(), side=side.name)
    extent, n = extent_of(side.own), len(side.own)
    unknown = np.full(n, math.nan)
    mean_prob, max_prob = (unknown, unknown) if probs is None else mean_and_max(probs, side.own)
    return {
        "side": np.full(n, side.name, dtype="<U5"),
        "lesion_id": side.own.ids,
        "outcome": side.outcomes(),
        "matched_ids": side.partners(),
        "n_matched": side.n_linked,
        "voxels": side.own.n_voxels,
        "volume_mm3": side.own.n_voxels * masks.voxel_size,
        "iou": shared / union,
        "dice": 2 * shared / (union + shared),
        "overlap_voxels": shared,
        "centroid_mm": extent.centroid * masks.lattice.spacing,
        "start": extent.start,
        "stop": extent.stop,
        "nearest_other_mm": nearest_other_mm(side.own, side.other, masks.lattice, one_of_many=one_of_many),
        "touches_border": (extent.start == 0).any(axis=1) | (extent.stop == masks.shape).any(axis=1),
        "max_prob": max_prob,
        "mean_prob": mean_prob,
        "confidence": unknown,
        "rank": np.zeros(n, dtype=np.int64),
        "reason": side.reasons(),
    }


def _reason(side: _OneSide, one: int) -> str:
    """Why a lesion did not match that overlaps others, or is ignored."""
    if side.name == "pred" and side.matched.pred_ignored[one]:
        ignored = side.own.n_ignored[one] if side.own.n_ignored is not None else 0
        if not ignored:
            return "hits only lesions that are ignored"
        return f"{ignored} of its {side.own.n_voxels[one] + ignored} voxels are ignored"
    if side.name == "truth" and side.matched.truth_ignored[one]:
        return "too small to count"
    if side.matched.rule.matching == "merge":
        return _why_not_merged(side, side.pairs(one))
    best = side.pairs(one)[0]
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
