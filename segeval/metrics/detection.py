"""Detection: scores of candidates with confidences, over all cases of a data set together.

They have no value per case: each is a formula on the candidates of all cases, and its interval comes from resampled
cases, for which it is computed anew.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.detection.detections import Detections, DetectionSample, InstanceDetections, InstanceRule
from segeval.evidence.detection.hits import AnewRule, DetectionRule
from segeval.evidence.detection.operating_points import Per, ThresholdSample
from segeval.evidence.shapes import PerLabel
from segeval.measure import Idle, Knobs, Measure, metric, ratio

Interpolation = Literal["linear", "step"]
CaseScoreOf = Literal["max", "noisy_or"]
Area = Literal["coco", "area", "eleven"]

LUNA16_FPS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
UNIT = (0.0, 1.0)
_INF = float("inf")
_LIMITS = {
    "t": UNIT,
    "thresholds": UNIT,
    "factor": (1.0, _INF),
    "min_voxels": (0, _INF),
    "n_max": (1, _INF),
    "min_size_mm3": (0.0, _INF),
    "min_overlap": UNIT,
    "radius_mm": (0.0, _INF),
    "ignore_truth_mm3": (0.0, _INF),
    "iou_threshold": UNIT,
    "max_detections": (0, _INF),
    "fp": (0.0, _INF),
    "fps": (0.0, _INF),
}


def _is_cut_once(every: Knobs) -> bool:
    return bool(every["candidates"] != "per_threshold")


_IDLE = (
    Idle(("t",), "candidates", lambda found: found != "threshold", "threshold"),
    Idle(("factor", "min_voxels"), "candidates", lambda found: not found.startswith("dynamic"), "dynamic"),
    Idle(("n_max",), "candidates", lambda found: found not in ("dynamic", "dynamic-v2"), "dynamic"),
    Idle(("thresholds",), "candidates", lambda found: found != "per_threshold", "per_threshold"),
    Idle(("interpolation",), "candidates", "per_threshold".__eq__, "threshold"),
    Idle(
        ("min_overlap",),
        "hit",
        lambda hit: hit in ("any_overlap", "centroid", "peak", "distance"),
        "iou, dice or overlap_truth",
    ),
    Idle(("radius_mm",), "hit", lambda hit: hit != "distance", "distance"),
    # a case without a lesion has none that is found twice, and how many are matched at once is no matter of confidence
    Idle(("duplicates",), "per", "negative_case".__eq__, "case, ml or lesion"),
    Idle(("confidence",), "assign", "overlap".__eq__, "confidence or any", unless=_is_cut_once),
)


def _looks_at_single_parts(every: Knobs) -> bool:
    """Whether one candidate may count and another not, or less than its most probable voxel."""
    return bool(every["min_size_mm3"] or every["ignore_truth_mm3"]) or every["confidence"] != "max"


def _may_hit_several(every: Knobs) -> bool:
    """Whether a candidate may reach the least IoU with two lesions, so that the order decides how many are found."""
    least = every["iou_threshold"]
    return bool(least == "nndetection" or (least != "coco" and least < 0.5))


def detection_metric(
    rule: type = DetectionRule,
    *,
    defaults: Mapping[str, Any] | None = None,
    idle: Sequence[Idle] = (),
    without: Sequence[str] = (),
    **facts: Any,
) -> Callable[[Callable[..., PerLabel]], Measure]:
    """Declare a formula on detections as a metric of the data set; the knobs of its `rule` are added, once for all.

    Args:
        rule: how candidates are found and matched.
        defaults: of its knobs, where they are others than those of the rule.
        idle: knobs that change nothing beside others, besides those of the rules.
        without: knobs of the rule that the formula does not depend on.
        facts: as for `metric`.
    """

    def declare(formula: Callable[..., PerLabel]) -> Measure:
        found, *own = inspect.signature(formula).parameters.values()
        shared = [
            inspect.Parameter(
                each.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=(defaults or {}).get(each.name, each.default),
                annotation=each.type,
            )
            for each in fields(rule)
            if each.name not in without
        ]

        def kernel(found: Any, **knobs: Any) -> PerLabel:
            return formula(found, **{one.name: knobs[one.name] for one in own if one.name in knobs})

        kernel.__name__, kernel.__doc__, kernel.__module__ = formula.__name__, formula.__doc__, formula.__module__
        kernel.__signature__ = inspect.Signature([found, *own, *shared])  # type: ignore[attr-defined]
        known = {each.name for each in (*own, *shared)}
        own_idle = tuple(each for each in (*_IDLE, *idle) if each.under in known)
        limits = {name: ends for name, ends in _LIMITS.items() if name in known}
        given: dict[str, Any] = {"idle": own_idle, "limits": limits, "without": tuple(without), **facts}
        return metric(of_data_set=True, bounds=UNIT, better="higher", **given)(kernel)

    return declare


@detection_metric(
    symbol="FROC",
    formula="mean sensitivity at so many false alarms per case",
    aliases=("cpm", "froc"),
    reference="van Ginneken 2010, doi:10.1016/j.media.2010.05.005; Setio 2017, doi:10.1016/j.media.2017.06.015",
)
def froc_score(
    found: Detections,
    *,
    fps: tuple[float, ...] = LUNA16_FPS,
    per: Per = "case",
    interpolation: Interpolation = "linear",
) -> PerLabel:
    """Mean sensitivity over several rates of false alarms: the area under the FROC curve, as challenges take it.

    Undefined without a lesion in the whole data set, and 0 without a candidate. Data sets with other shares of cases
    without lesions are not comparable.

    Args:
        fps: the rates of false alarms; `0.25;0.5;1;2;4;8` are those of CAMELYON16.
        per: what false alarms are counted per: `case`, `negative_case` (those of cases without a lesion, over their
            number), `ml` of what is scored, or `lesion`.
        interpolation: `step` takes the largest sensitivity at no more than the rate, `linear` the line between points.
    """
    return found.values(lambda one: np.mean([_sensitivity_at(one, fp, per, interpolation) for fp in fps]))


@detection_metric(
    AnewRule,
    symbol="TPR@FP",
    formula="lesions found at so many false alarms per case / lesions",
    in_column=("fp",),
    reference="van Ginneken 2010, doi:10.1016/j.media.2010.05.005",
)
def sensitivity_at_fp(
    found: Detections, *, fp: float = 1.0, per: Per = "case", interpolation: Interpolation = "linear"
) -> PerLabel:
    """Share of the lesions that are found where the threshold lets through so many false alarms; see `froc_score`.

    With `candidates=per_threshold`, the largest share at one of the `thresholds`, whose candidates are found anew.
    """
    return found.values(lambda one: _sensitivity_at(one, fp, per, interpolation))


@detection_metric(
    symbol="lesion AP",
    formula="Σ (Rₖ − Rₖ₋₁) Qₖ over the distinct confidences, lesions",
    aliases=("lesion_ap",),
    reference="Saha 2024, doi:10.1016/S1470-2045(24)00220-1",
)
def lesion_average_precision(found: Detections) -> PerLabel:
    """Area under precision over recall of lesions, all cases together; recall that is never reached adds nothing."""
    return found.values(_lesion_ap)


@detection_metric(
    symbol="case AUROC",
    formula="P(score of a case with a lesion > of one without), ties ½",
    without=("assign", "duplicates"),
    idle=(Idle(("n_max",), "case_score", "max".__eq__, "noisy_or", unless=_looks_at_single_parts),),
    reference="Saha 2024, doi:10.1016/S1470-2045(24)00220-1",
)
def case_auroc(found: Detections, *, case_score: CaseScoreOf = "max") -> PerLabel:
    """Area under the ROC curve of cases: how well they are ranked by their candidates; 0 is the score of none.

    Undefined where all cases have a lesion, or none has. A candidate counts whatever it hits, unless all of that
    is smaller than `ignore_truth_mm3`, or it hits nothing and lies mostly in ignored voxels.

    Args:
        case_score: the largest confidence of a candidate, or `noisy_or`: 1 − Π (1 − c) over all of them.
    """
    return found.values(lambda one: _case_auroc(one, case_score))


@detection_metric(
    symbol="PI-CAI",
    formula="(case_auroc + lesion_average_precision) / 2",
    reference="Saha 2024, doi:10.1016/S1470-2045(24)00220-1",
)
def picai_score(found: Detections, *, case_score: CaseScoreOf = "max") -> PerLabel:
    """Mean of `case_auroc` and `lesion_average_precision`; undefined where one of them is."""
    return found.values(lambda one: (_case_auroc(one, case_score) + _lesion_ap(one)) / 2)


@detection_metric(
    InstanceRule,
    symbol="AP",
    formula="area under the envelope of precision over recall, instances",
    in_column=("iou_threshold",),
    aliases=("instance_ap", "map"),
    reference="Everingham 2010, doi:10.1007/s11263-009-0275-4; Lin 2014, arXiv:1405.0312",
)
def instance_average_precision(
    found: InstanceDetections, *, area: Area = "area", ties_together: bool = True
) -> PerLabel:
    """Average precision of object detection: candidates by falling confidence, each with the free truth of most IoU.

    The envelope of precision is its largest value at this recall or a higher one. `instance_accuracy` is the number
    that other tools call AP and that needs no confidences.

    Args:
        area: `area` under the envelope (VOC since 2010), or its mean at 101 recalls (`coco`), or at 11 (`eleven`, VOC
            2007).
        ties_together: `false` lets equal confidences enter one after the other, by case, as pycocotools does: then the
            value depends on the order of the cases.
        iou_threshold: the least IoU of a match; `coco` is the mean over 0.5, 0.55, .., 0.95, `nndetection` over 0.1,
            0.15, .., 0.5.
        max_detections: so many candidates of a case take part, the surest of them; 0 for all.
    """
    return found.values(lambda row: np.mean([_envelope(one, area, ties_together=ties_together) for one in row]))


@detection_metric(
    InstanceRule,
    symbol="AR",
    formula="mean over IoU thresholds of the recall of all candidates, instances",
    defaults={"iou_threshold": "coco", "max_detections": 100},
    in_column=("max_detections",),
    idle=(Idle(("confidence",), "max_detections", (0).__eq__, "1 or more", unless=_may_hit_several),),
    reference="Lin 2014, arXiv:1405.0312",
)
def average_recall(found: InstanceDetections) -> PerLabel:
    """Share of the instances that are found, with so many candidates of a case at most.

    Knobs are those of `instance_average_precision`.
    """
    return found.values(lambda row: np.mean([_final_recall(one) for one in row]))


def _sensitivity_at(one: DetectionSample | ThresholdSample, fp: float, per: Per, how: Interpolation) -> float:
    points = one.points(per)
    if not points.n_lesions or not points.n_units > 0:
        return np.nan
    rate, sensitivity = np.append(0.0, points.fp_rate), np.append(0.0, points.sensitivity)
    if how == "step" or not one.is_monotone:
        return float(sensitivity[rate <= fp + 1e-12].max())
    return float(np.interp(fp, rate, sensitivity))


def _lesion_ap(one: DetectionSample) -> float:
    points = one.points()
    return float(ratio((np.diff(points.tp, prepend=0.0) * points.precision).sum(), points.n_lesions))


def _case_auroc(one: DetectionSample, case_score: CaseScoreOf) -> float:
    score = one.surest if case_score == "max" else one.noisy_or
    if score is None:
        raise ConfigError(
            "case_score=noisy_or takes confidences for probabilities, and some are not between 0 and 1. "
            "Use case_score=max, or give probabilities."
        )
    positive = one.n_lesions > 0
    _, place = np.unique(score, return_inverse=True)
    with_lesion, without = (np.bincount(place, weights=one.weights * side) for side in (positive, ~positive))
    below = np.cumsum(without) - without / 2
    return float(ratio((with_lesion * below).sum(), with_lesion.sum() * without.sum()))


def _envelope(one: DetectionSample, area: Area, *, ties_together: bool) -> float:
    points = one.points(ties_together=ties_together)
    if not points.n_lesions:
        return np.nan
    recall, precision = points.sensitivity, np.maximum.accumulate(points.precision[::-1])[::-1]
    if area == "area":
        return float((np.diff(recall, prepend=0.0) * precision).sum())
    # pycocotools rounds its recalls and ours is to give its numbers: 7 of 20 does not reach 35 · 0.01
    at = np.linspace(0.0, 1.0, 101) if area == "coco" else np.linspace(0.0, 1.0, 11) - 1e-12
    place = np.searchsorted(recall, at)
    return float(np.append(precision, 0.0)[place].mean())


def _final_recall(one: DetectionSample) -> float:
    return float(ratio(one.weights[one.case] @ one.found, one.weights @ one.n_lesions))
