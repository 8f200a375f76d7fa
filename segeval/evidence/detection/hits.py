"""Which candidate finds which lesion: the rules of a hit, and who is matched where several could be.

A hit says that a candidate and a true lesion may belong together. Then one of these decides:

- `confidence`: the surest candidate takes the free lesion it overlaps most, then the next one. Whoever cuts the list at
  a threshold leaves the matches before it as they are, so each point of a curve is what a model cut there would get.
- `overlap`: one assignment of all candidates at once, as many pairs as can be, then the largest overlap. A candidate of
  little confidence may take a lesion from a sure one, which then is a false alarm.
- `any`: a lesion is found by every candidate that hits it; its confidence is the largest of theirs.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.detection.candidates import CandidateRule, Source
from segeval.evidence.grid import Lattice
from segeval.evidence.lesions.components import Components
from segeval.evidence.lesions.lesion_shapes import extent_of
from segeval.evidence.lesions.lesions import Found, MatchedLesions
from segeval.evidence.lesions.matching import MatchRule, Overlaps, link, overlaps_of, same_voxels
from segeval.evidence.shapes import Bool, Float64, Int64

Hit = Literal["iou", "dice", "any_overlap", "overlap_truth", "centroid", "peak", "distance"]
Assign = Literal["confidence", "overlap", "any"]
Duplicates = Literal["fp", "ignore"]

_SLACK = 1e-12  # an overlap on the threshold is not lost to rounding


@dataclass(frozen=True, kw_only=True)
class DetectionRule(CandidateRule):
    """How candidates are found and matched.

    Attributes:
        hit: what a candidate and a lesion must have in common: IoU or Dice of `min_overlap`, a voxel, more than
            `min_overlap` of the lesion; or its rounded centroid, or its most probable voxel, lies in the lesion; or the
            centroids are nearer than `radius_mm`. By the last three a candidate hits one lesion at most.
        min_overlap: for `hit=iou`, `dice` and `overlap_truth`.
        radius_mm: for `hit=distance`; `lesion` is half the diameter of a ball (in 2-D of a disk) of the lesion's size.
        assign: see above.
        duplicates: what further candidates are that hit a lesion which is found already.
        ignore_truth_mm3: smaller true lesions are no lesions, and a candidate that hits only such a one is left out.
    """

    hit: Hit = "iou"
    min_overlap: float = 0.1
    radius_mm: float | Literal["lesion"] = "lesion"
    assign: Assign = "confidence"
    duplicates: Duplicates = "fp"
    ignore_truth_mm3: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.min_overlap <= 1:
            raise ConfigError(f"min_overlap={self.min_overlap:g} is no overlap. Give a number from 0 to 1.")


@dataclass(frozen=True, kw_only=True)
class AnewRule(DetectionRule):
    """The same, or with candidates that are found anew at each of several thresholds.

    Attributes:
        candidates: see there; `per_threshold` cuts the map at each of `thresholds`.
        thresholds: the cuts, under `per_threshold`.
    """

    candidates: Source | Literal["per_threshold"] = "threshold"  # type: ignore[assignment]
    thresholds: tuple[float, ...] = tuple(percent / 100 for percent in range(5, 100, 5))

    def cut_at(self, t: float) -> "AnewRule":
        """The same for the connected parts of p ≥ t."""
        return replace(self, candidates="threshold", t=t)


@dataclass(frozen=True, kw_only=True)
class Hits(Overlaps):
    """The pairs of candidate and lesion that are hits; the one with the larger `score` is preferred."""

    score: Float64[np.ndarray, " pair"]

    @property
    def iou(self) -> Float64[np.ndarray, " pair"]:  # what a matching prefers
        return self.score


@dataclass(frozen=True, kw_only=True)
class Detected(MatchedLesions):
    """The candidates and lesions of one class of a case after matching, each side by id.

    Attributes:
        confidence: of each candidate.
        met: which of the overlapping pairs are hits.
        small: true lesions that are ignored for their size.
        duplicate: candidates that hit a lesion which another has found, and are forgiven.
        dropped: candidates that hit nothing but ignored lesions, or are matched to none and lie in a crowd.
    """

    confidence: Float64[np.ndarray, " predicted"]
    met: Bool[np.ndarray, " pair"]
    small: Bool[np.ndarray, " true"]
    duplicate: Bool[np.ndarray, " predicted"]
    dropped: Bool[np.ndarray, " predicted"]
    short: str  # the end of a sentence that says why an overlap is no hit

    @cached_property
    def pred_forgiven(self) -> Bool[np.ndarray, " predicted"]:
        return self.duplicate

    @cached_property
    def pred_ignored(self) -> Bool[np.ndarray, " predicted"]:
        return (self.tally.mostly_ignored & ~self.pred_used) | self.dropped

    @property
    def truth_ignored(self) -> Bool[np.ndarray, " true"]:
        return self.small

    @property
    def accepted(self) -> Bool[np.ndarray, " pair"]:
        return self.met

    @property
    def too_little(self) -> str:
        return self.short

    @cached_property
    def n_found(self) -> Int64[np.ndarray, " predicted"]:
        """Lesions that each candidate is the one to find; several under `any`."""
        return np.bincount(self.found.overlaps.pred[self.linked], minlength=len(self.found.pred))

    @property
    def n_lesions(self) -> int:
        """True lesions that count."""
        return int((~self.small).sum())


def detect(
    confidence: Float64[np.ndarray, " predicted"],
    found: Found,
    rule: DetectionRule,
    lattice: Lattice,
    *,
    peaks: Int64[np.ndarray, " predicted"] | None = None,
) -> Detected:
    """Match the candidates of one class of a case with its lesions.

    Args:
        found: the candidates beside the lesions.
        peaks: the flat index of the most probable voxel of each candidate, for `hit=peak`.
    """
    pred, truth = found.pred, found.truth
    hits = hits_of(found, rule, lattice, peaks)
    small = truth.n_voxels * lattice.cell < rule.ignore_truth_mm3 * (1 - 1e-9)
    counts = ~small[hits.truth]
    taken = np.flatnonzero(counts)[_ASSIGN[rule.assign](_only(hits, counts), confidence)]
    used = np.bincount(hits.pred[taken], minlength=len(pred)) > 0
    near, near_small = (np.bincount(hits.pred[which], minlength=len(pred)) > 0 for which in (counts, ~counts))
    overlaps, places = _with_pairs(found.overlaps, hits)
    linked, met = np.zeros((2, len(overlaps.pred)), dtype=bool)
    met[places], linked[places[taken]] = True, True
    beside = _FoundPairs(pred=pred, truth=truth, pairs=overlaps)
    return Detected(
        found=beside,
        tally=beside.tally,
        rule=MatchRule(matching="greedy", iou_threshold=rule.min_overlap),
        linked=linked,
        confidence=confidence,
        met=met,
        small=small,
        duplicate=near & ~used & (rule.duplicates == "ignore"),
        dropped=(near_small & ~near) | (in_crowd(pred, found.crowd, rule) & ~used),
        short=_too_little(rule),
    )


def in_crowd(pred: Components, crowd: Components | None, rule: DetectionRule) -> Bool[np.ndarray, " predicted"]:
    """Candidates of which a crowd covers as much as a hit asks for; by hits that ask for no share, more than half."""
    if crowd is None:
        return np.zeros(len(pred), dtype=bool)
    pairs = overlaps_of(pred, crowd)
    share = pairs.voxels / pairs.pred_voxels[pairs.pred]
    enough = share >= rule.min_overlap - _SLACK if rule.hit in ("iou", "dice", "overlap_truth") else share > 0.5
    return np.bincount(pairs.pred[enough], minlength=len(pred)) > 0


@dataclass(frozen=True, kw_only=True)
class _FoundPairs(Found):
    """Candidates and lesions with the pairs that matter: those that share voxels, and those that are hits."""

    pairs: Overlaps

    @property
    def overlaps(self) -> Overlaps:
        return self.pairs


def hits_of(found: Found, rule: DetectionRule, lattice: Lattice, peaks: np.ndarray | None = None) -> Hits:
    """The pairs of candidate and lesion that are hits, by truth, then pred."""
    pred, truth = found.pred, found.truth
    if rule.hit in _PLACES:
        t, p, score = _at_most_one_each(*_PLACES[rule.hit](pred, truth, rule, lattice, peaks))
        return Hits(
            truth=t,
            pred=p,
            voxels=np.zeros(len(t), dtype=np.int64),
            truth_voxels=truth.n_voxels,
            pred_voxels=pred.n_voxels,
            score=score,
        )
    pairs = found.overlaps
    match rule.hit:
        case "dice":
            share = 2 * pairs.voxels / (pairs.truth_voxels[pairs.truth] + pairs.pred_voxels[pairs.pred])
        case "overlap_truth":
            share = pairs.voxels / pairs.truth_voxels[pairs.truth]
        case _:
            share = pairs.iou
    least = 0.0 if rule.hit == "any_overlap" else rule.min_overlap
    enough = share > least + _SLACK if rule.hit == "overlap_truth" else share >= least - _SLACK
    every = Hits(**{name: getattr(pairs, name) for name in _FIELDS}, score=pairs.iou if least == 0.0 else share)
    return _only(every, enough)


_FIELDS = ("truth", "pred", "voxels", "truth_voxels", "pred_voxels")


def _only(hits: Hits, which: np.ndarray) -> Hits:
    per_pair = {name: getattr(hits, name)[which] for name in ("truth", "pred", "voxels", "score")}
    return replace(hits, **per_pair)


def _with_pairs(overlaps: Overlaps, hits: Hits) -> tuple[Overlaps, np.ndarray]:
    """The overlapping pairs with the hits among them, and where these are; a hit may share no voxel."""
    n = max(len(overlaps.pred_voxels), 1)
    key, of_hits = overlaps.truth * n + overlaps.pred, hits.truth * n + hits.pred
    every = np.union1d(key, of_hits)
    voxels = np.zeros(len(every), dtype=np.int64)
    voxels[np.searchsorted(every, key)] = overlaps.voxels
    joined = Overlaps(
        truth=every // n,
        pred=every % n,
        voxels=voxels,
        truth_voxels=overlaps.truth_voxels,
        pred_voxels=overlaps.pred_voxels,
    )
    return joined, np.searchsorted(every, of_hits)


Places = tuple[np.ndarray, np.ndarray, np.ndarray]  # lesion, candidate, and distance or score of each pair in question


def _at_most_one_each(truth: np.ndarray, pred: np.ndarray, distance: np.ndarray) -> Places:
    """Of the pairs of each candidate the nearest, then the lowest lesion, with a score; by truth, then pred."""
    order = np.lexsort((truth, distance, pred))
    _, first = np.unique(pred[order], return_index=True)
    chosen = order[first]
    chosen = chosen[np.lexsort((pred[chosen], truth[chosen]))]
    return truth[chosen], pred[chosen], 1 / (1 + distance[chosen])


def _centroids(parts: Components) -> np.ndarray:
    return extent_of(parts).centroid if len(parts) else np.zeros((0, len(parts.shape)))


def _at_centroid(pred: Components, truth: Components, rule: DetectionRule, lattice: Lattice, _: object) -> Places:
    at = np.rint(_centroids(pred)).astype(np.int64)
    return _at_voxels(np.ravel_multi_index(tuple(at.T), pred.shape) if len(pred) else np.zeros(0, np.int64), truth)


def _at_peak(
    pred: Components, truth: Components, rule: DetectionRule, lattice: Lattice, peaks: np.ndarray | None
) -> Places:
    if peaks is None:
        raise ConfigError(
            "hit=peak needs the probabilities of the voxels, and candidates with given confidences have none. "
            "Take hit=centroid, or score the maps."
        )
    return _at_voxels(peaks, truth)


def _at_voxels(index: np.ndarray, truth: Components) -> Places:
    pred, place = same_voxels(index, truth.index)
    return truth.owner[place], pred, np.zeros(len(pred))


def _within_radius(pred: Components, truth: Components, rule: DetectionRule, lattice: Lattice, _: object) -> Places:
    """Centroids that are nearer than the radius; a tree finds them without a look at all pairs."""
    from scipy.spatial import cKDTree

    if not len(pred) or not len(truth):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    here, there = lattice.places(_centroids(pred)), lattice.places(_centroids(truth))
    radius = radius_of(truth, lattice) if rule.radius_mm == "lesion" else np.full(len(truth), rule.radius_mm)
    near = cKDTree(here).query_ball_point(there, radius)
    t = np.repeat(np.arange(len(truth)), [len(one) for one in near])
    p = np.concatenate([np.array(sorted(one), dtype=np.int64) for one in near])
    distance = np.linalg.norm(here[p] - there[t], axis=1)
    inside = distance < radius[t]
    return t[inside], p[inside], distance[inside]


def radius_of(parts: Components, lattice: Lattice) -> Float64[np.ndarray, " part"]:
    """Radius in mm of a ball of the size of each part, in 2-D of a disk."""
    size = parts.n_voxels * lattice.cell
    return np.cbrt(3 * size / (4 * math.pi)) if len(parts.shape) == 3 else np.sqrt(size / math.pi)


_PLACES: Mapping[str, Callable[..., Places]] = {
    "centroid": _at_centroid,
    "peak": _at_peak,
    "distance": _within_radius,
}


def by_confidence(confidence: np.ndarray) -> Int64[np.ndarray, " predicted"]:
    """The candidates in the order in which they are matched: the surest first, then by id."""
    return np.argsort(-confidence, kind="stable")


def _surest_first(hits: Hits, confidence: np.ndarray) -> np.ndarray:
    rank = np.argsort(by_confidence(confidence))
    order = np.lexsort((hits.truth, -hits.score, rank[hits.pred]))
    found: set[int] = set()
    used: set[int] = set()
    taken = []
    for pair, truth, pred in zip(order.tolist(), hits.truth[order].tolist(), hits.pred[order].tolist(), strict=True):
        if truth not in found and pred not in used:
            found.add(truth)
            used.add(pred)
            taken.append(pair)
    return np.array(taken, dtype=np.int64)


def _all_at_once(hits: Hits, confidence: np.ndarray) -> np.ndarray:
    return np.flatnonzero(link(hits, MatchRule(matching="hungarian", iou_threshold=0.0)))


def _each_by_its_surest(hits: Hits, confidence: np.ndarray) -> np.ndarray:
    rank = np.argsort(by_confidence(confidence))
    order = np.lexsort((rank[hits.pred], hits.truth))
    _, first = np.unique(hits.truth[order], return_index=True)
    return order[first]


_ASSIGN: Mapping[str, Callable[[Hits, np.ndarray], np.ndarray]] = {
    "confidence": _surest_first,
    "overlap": _all_at_once,
    "any": _each_by_its_surest,
}


def _too_little(rule: DetectionRule) -> str:
    if rule.hit == "iou":
        return f"is below {rule.min_overlap:g}"
    return f"is no hit by {rule.hit}"
