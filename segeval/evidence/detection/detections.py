"""What became of the candidates of each case: what scores of a whole data set are made of.

Such a score is no mean of values of cases, and has none. Its evidence keeps the cases apart, so that resamples can draw
them: a sum of two is both lists, one behind the other. `over` says which cases there are, since those in which a class
is nowhere count in "per case", too; only then there are numbers to be had.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.additive import CasesApart, EachCase
from segeval.evidence.detection.candidates import CandidateRule, CaseCandidates
from segeval.evidence.detection.hits import AnewRule, Detected, DetectionRule, by_confidence, detect
from segeval.evidence.detection.operating_points import Per, Points, ThresholdedCase, ThresholdSample, Units
from segeval.evidence.lesions.lesion_rows import LesionRows, rows_of_matched
from segeval.evidence.lesions.matching import MatchRule
from segeval.evidence.lesions.objects import THRESHOLDS
from segeval.evidence.shapes import Bool, Float64, Int64, PerLabel

Some = TypeVar("Some", bound="Detections")


@dataclass(frozen=True, kw_only=True, eq=False)
class DetectedCase:
    """The candidates of one class in one case, by id.

    Attributes:
        found: how many lesions each is the one to find.
        false: whether it is a false alarm; one that is neither is forgiven or ignored.
        is_known: False where the prediction says nothing of the class.
    """

    case_id: str
    n_lesions: int
    confidence: Float64[np.ndarray, " candidate"]
    found: Int64[np.ndarray, " candidate"]
    false: Bool[np.ndarray, " candidate"]
    is_known: bool = True

    @classmethod
    def of_nothing(cls, case_id: str, *, is_known: bool = True) -> "DetectedCase":
        """A case without a lesion and without a candidate."""
        none = np.zeros(0)
        return cls(
            case_id=case_id,
            n_lesions=0,
            confidence=none,
            found=none.astype(np.int64),
            false=none.astype(bool),
            is_known=is_known,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class DetectionSample:
    """The candidates of all cases of a data set, the surest first; ties by case, then by id.

    `weights` say how often each case counts: once, or as often as a resample has drawn it. `ml` are volumes of what is
    scored of a case.
    """

    confidence: Float64[np.ndarray, " candidate"]
    found: Int64[np.ndarray, " candidate"]
    false: Bool[np.ndarray, " candidate"]
    case: Int64[np.ndarray, " candidate"]
    last_of_ties: Int64[np.ndarray, " point"]  # where the candidates of each distinct confidence end
    n_lesions: Int64[np.ndarray, " case"]
    surest: Float64[np.ndarray, " case"]
    noisy_or: Float64[np.ndarray, " case"] | None  # None where confidences are no probabilities
    ml: Float64[np.ndarray, " case"]
    weights: Float64[np.ndarray, " case"]
    is_known: bool = True
    is_monotone: ClassVar[bool] = True  # whether a lower threshold finds no less

    @property
    def n_candidates(self) -> Int64[np.ndarray, " point"]:
        """Candidates of at least each distinct confidence."""
        return self.last_of_ties + 1

    @classmethod
    def of(cls, cases: Sequence[DetectedCase], ml: Mapping[str, float]) -> "DetectionSample":
        """The sample of some cases, by the volume of each; those that are not among `cases` have nothing in them."""
        known = {case.case_id: case for case in cases}
        rows = [known.get(case_id) or DetectedCase.of_nothing(case_id) for case_id in ml]
        confidence = np.concatenate([np.zeros(0), *(row.confidence for row in rows)])
        order = np.argsort(-confidence, kind="stable")
        counts = np.concatenate([np.zeros(0, dtype=np.int64), *(row.found for row in rows)])[order]
        false = np.concatenate([np.zeros(0, dtype=bool), *(row.false for row in rows)])[order]
        case = np.repeat(np.arange(len(rows)), [len(row.confidence) for row in rows])[order]
        matters = (counts > 0) | false
        in_order = confidence[order][matters]
        are_probs = bool(((confidence >= 0) & (confidence <= 1)).all())
        no_candidate = 0.0 if (confidence >= 0).all() else -np.inf
        return cls(
            confidence=in_order,
            found=counts[matters],
            false=false[matters],
            case=case[matters],
            last_of_ties=np.flatnonzero(np.diff(in_order, append=-np.inf)),
            n_lesions=np.array([row.n_lesions for row in rows], dtype=np.int64),
            surest=np.array([max(row.confidence, default=no_candidate) for row in rows], dtype=np.float64),
            noisy_or=np.array([1 - np.prod(1 - row.confidence) for row in rows]) if are_probs else None,
            ml=np.array(list(ml.values()), dtype=np.float64),
            weights=np.ones(len(rows)),
            is_known=all(row.is_known for row in rows),
        )

    def points(self, per: Per = "case", *, ties_together: bool = True) -> Points:
        """The operating points.

        Args:
            per: what false alarms are counted per: all cases, cases without a lesion and only their false alarms,
                millilitres, or lesions.
            ties_together: False lets candidates of equal confidence enter one by one.
        """
        at = self.last_of_ties if ties_together else np.arange(len(self.confidence))
        weights = self.weights[self.case]
        false = weights * self.false
        fp = np.cumsum(false)[at]
        negative = (self.n_lesions == 0)[self.case]
        return Points.over(
            Units(n_lesions=self.n_lesions, ml=self.ml, weights=self.weights),
            per,
            threshold=self.confidence[at],
            tp=np.cumsum(weights * self.found)[at],
            fp=fp,
            counted=np.cumsum(false * negative)[at] if per == "negative_case" else fp,
        )

    def drawn(self, weights: np.ndarray) -> "DetectionSample":
        """The same with each case so often as a resample has it."""
        return replace(self, weights=weights)


class Detections(CasesApart):
    """What became of the candidates of each class: `EachCase` in an array; samples once the cases are known."""

    rule: ClassVar[type] = AnewRule

    @classmethod
    def read(cls: type[Some], candidates: CaseCandidates, /, **settings: Any) -> Some:
        """Match the candidates of every class of a case, as the settings of an `AnewRule` say."""
        rule = AnewRule(**settings)
        matched = _at_each_threshold if rule.candidates == "per_threshold" else _of_class
        found = [matched(candidates, which, rule) for which in range(len(candidates.lesions.classes))]
        return cls.stack([cls(cases=EachCase((one,))) for one in found])

    def over(self: Some, ml: Mapping[str, float]) -> Some:
        """The samples of the whole data set, whose cases are those of `ml`."""
        return self.each(lambda one: _sample_of(one.cases, ml))

    def drawn(self: Some, weights: np.ndarray) -> Some:
        """The same for a resample of the cases."""
        return self.each(lambda one: one.drawn(weights))

    @property
    def is_nothing(self) -> bool:  # type: ignore[override]
        """Whether no case has a lesion or a candidate here; what else is known of cases is said by `over`."""
        return all(_is_nothing(one) for each in np.ravel(self.cases) for one in each.cases)

    def values(self, formula: Any) -> PerLabel:
        """A number for each class; nan where a prediction says nothing of it."""
        return np.array([formula(one) if _is_known(one) else np.nan for one in self.cases], dtype=np.float64)


def _is_nothing(case: DetectedCase | ThresholdedCase) -> bool:
    if isinstance(case, ThresholdedCase):  # which has its thresholds to be kept
        return False
    return case.is_known and not case.n_lesions and not len(case.confidence)


def _is_known(one: Any) -> bool:
    return all(_is_known(each) for each in one) if isinstance(one, np.ndarray) else one.is_known


@dataclass(frozen=True, kw_only=True)
class InstanceRule(CandidateRule):
    """How instances are matched for an average precision over one IoU threshold, or several.

    Attributes:
        iou_threshold: the least IoU of a match; `coco` is ten of them, from 0.5 to 0.95.
        max_detections: so many candidates of a case take part, the surest of them; 0 for all.
    """

    iou_threshold: float | Literal["coco", "nndetection"] = 0.5
    max_detections: int = 0

    @property
    def thresholds(self) -> Sequence[float]:
        """The IoU thresholds."""
        match self.iou_threshold:
            case "coco":
                return THRESHOLDS
            case "nndetection":
                return [0.1 + 0.05 * i for i in range(9)]
        return [float(self.iou_threshold)]


class InstanceDetections(Detections):
    """The same at several IoU thresholds: (class, threshold). Every further candidate of a lesion is a false alarm."""

    rule: ClassVar[type] = InstanceRule

    @classmethod
    def read(cls: type[Some], candidates: CaseCandidates, /, **settings: Any) -> Some:
        """Match the candidates of every class of a case, as the settings of an `InstanceRule` say."""
        rule = InstanceRule(**settings)
        own, rows = vars(_candidate_rule(rule)), []
        for which in range(len(candidates.lesions.classes)):
            at_each = [DetectionRule(**own, min_overlap=least) for least in rule.thresholds]
            found = [_of_class(candidates, which, one, most=rule.max_detections) for one in at_each]
            rows.append(cls(cases=np.array([EachCase((one,)) for one in found], dtype=object)))
        return cls.stack(rows)


def _of_class(candidates: CaseCandidates, which: int, rule: DetectionRule, *, most: int = 0) -> DetectedCase:
    masks = candidates.lesions.masks
    if candidates.maps is None and not len(masks.pred[which]) and not len(masks.truth[which]):
        return DetectedCase.of_nothing(candidates.case_id)  # as most of 80 classes are in most images
    matched = detected(candidates, which, rule, most=most)
    if matched is None:
        return DetectedCase.of_nothing(candidates.case_id, is_known=False)
    counts = ~matched.pred_ignored
    return DetectedCase(
        case_id=candidates.case_id,
        n_lesions=matched.n_lesions,
        confidence=matched.confidence[counts],
        found=matched.n_found[counts],
        false=matched.false_alarm[counts],
    )


def _sample_of(cases: Sequence[Any], ml: Mapping[str, float]) -> DetectionSample | ThresholdSample:
    """Cases that were matched once, or all at each of several thresholds."""
    kind = ThresholdSample if isinstance(cases[0], ThresholdedCase) else DetectionSample
    return kind.of(cases, ml)


def _at_each_threshold(candidates: CaseCandidates, which: int, rule: AnewRule) -> ThresholdedCase:
    if candidates.are_given:
        raise ConfigError(
            "candidates=per_threshold cuts probability maps anew at each threshold, and these candidates are given, "
            "as instances or with confidences. Use candidates=threshold."
        )
    cuts = sorted(rule.thresholds, reverse=True)
    each = [_of_class(candidates, which, rule.cut_at(t)) for t in cuts]
    return ThresholdedCase(
        case_id=candidates.case_id,
        n_lesions=each[0].n_lesions,
        threshold=np.array(cuts),
        tp=np.array([one.found.sum() for one in each]),
        fp=np.array([one.false.sum() for one in each]),
        n_candidates=np.array([len(one.confidence) for one in each]),
        is_known=each[0].is_known,
    )


def detected(candidates: CaseCandidates, which: int, rule: DetectionRule, *, most: int = 0) -> Detected | None:
    """The candidates of one class, matched; None where the prediction says nothing of it."""
    found = candidates.found(which, _candidate_rule(rule))
    if found is None:
        return None
    if most:
        found = found.surest(most)
    peaks = candidates.peaks(which, found) if rule.hit == "peak" else None
    beside = candidates.beside(which, _candidate_rule(rule), found.parts)
    return detect(found.confidence, beside, rule, candidates.lesions.masks.lattice, peaks=peaks)


def _candidate_rule(rule: CandidateRule) -> CandidateRule:
    """The part of a rule that says how candidates are found."""
    return CandidateRule(**{field.name: getattr(rule, field.name) for field in fields(CandidateRule)})


def candidate_rows(candidates: CaseCandidates, rule: AnewRule) -> LesionRows | tuple[()]:
    """A row per candidate and per lesion, with the confidence and, within case and class, the rank of each."""
    lesions, rule = candidates.lesions, rule.cut_at(0.5) if rule.candidates == "per_threshold" else rule
    matched = [
        detected(candidates, which, rule) or lesions.pairing(which, MatchRule())
        for which in range(len(lesions.classes))
    ]
    of = {
        (which, number): (confidence, rank)
        for which, one in enumerate(matched)
        if isinstance(one, Detected)
        for number, confidence, rank in zip(
            one.found.pred.ids.tolist(),
            one.confidence.tolist(),
            (np.argsort(by_confidence(one.confidence)) + 1).tolist(),
            strict=True,
        )
    }
    rows = rows_of_matched(matched, lesions.masks, candidates.maps)
    if not rows:
        return ()
    confidences, ranks = rows.confidence.copy(), rows.rank.copy()
    each = zip(rows.of.tolist(), rows.side.tolist(), rows.lesion_id.tolist(), rows.matched, strict=True)
    for i, (which, side, number, matched_ids) in enumerate(each):
        known = [of[which, one] for one in ((number,) if side == "pred" else matched_ids) if (which, one) in of]
        if known:
            confidences[i], ranks[i] = max(known)[0], min(rank for _, rank in known)
    return replace(rows, confidence=confidences, rank=ranks)
