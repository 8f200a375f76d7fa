"""Lesion metrics: formulas on the counts of matched lesions."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from segeval.evidence.lesions.components import Connectivity
from segeval.evidence.lesions.lesions import LesionCounts
from segeval.evidence.lesions.matching import ByShape, Matching, Void
from segeval.evidence.shapes import PerLabel
from segeval.measure import Idle, Measure, metric, ratio

PANOPTIC = "Kirillov et al. 2019, arXiv:1801.00868"


_IDLE = (
    Idle(("iou_threshold", "strict", "forgive_extra"), "matching", "any_overlap".__eq__, "hungarian, greedy or merge"),
)


def lesion_metric(
    *, without: tuple[str, ...] = (), shapes: bool = False, **facts: Any
) -> Callable[[Callable[[Any], PerLabel]], Measure]:
    """Declare a formula on lesion counts of some kind as a metric; the knobs of the matching are declared here, once.

    Args:
        without: knobs that the formula does not depend on.
        shapes: whether it compares shapes, which `any_overlap` does not.
        facts: as for `metric`.
    """

    def declare(formula: Callable[[Any], PerLabel]) -> Measure:
        (found,) = inspect.signature(formula).parameters.values()

        def kernel(
            found: Any,
            *,
            matching: Matching = "hungarian",
            iou_threshold: float = 0.5,
            connectivity: Connectivity = "full",
            min_size_mm3: float = 0.0,
            strict: bool = False,
            forgive_extra: bool = False,
            void: Void = "forgive",
        ) -> PerLabel:
            return formula(found)

        kernel.__name__, kernel.__doc__, kernel.__module__ = formula.__name__, formula.__doc__, formula.__module__
        _, *knobs = inspect.signature(kernel).parameters.values()
        read = [knob for knob in knobs if knob.name not in without]
        if shapes:
            read = [knob.replace(annotation=ByShape) if knob.name == "matching" else knob for knob in read]
        kernel.__signature__ = inspect.Signature([found, *read])  # type: ignore[attr-defined]
        idle = tuple(rule for rule in _IDLE if rule.under not in without)
        return metric(idle=idle, without=without, **facts)(kernel)

    return declare


@lesion_metric(symbol="lesion PPV", formula="TP / (TP + FP), lesions", bounds=(0.0, 1.0), better="higher")
def lesion_precision(found: LesionCounts) -> PerLabel:
    """Share of predicted lesions that are matched to a true one."""
    return ratio(found.used, found.used + found.fp)


@lesion_metric(
    symbol="lesion TPR",
    formula="TP / (TP + FN), lesions",
    bounds=(0.0, 1.0),
    better="higher",
    without=("forgive_extra", "void"),
)
def lesion_recall(found: LesionCounts) -> PerLabel:
    """Share of true lesions that are found."""
    return ratio(found.tp, found.tp + found.fn)


@lesion_metric(symbol="lesion F1", formula="2PR / (P + R), lesions", bounds=(0.0, 1.0), better="higher")
def lesion_f1(found: LesionCounts) -> PerLabel:
    """Harmonic mean of lesion precision and lesion recall.

    Equal to `rq` where one lesion is matched to one; with matching `merge` and `any_overlap` it may differ.
    """
    harmonic = ratio(2 * found.used * found.tp, found.used * (found.tp + found.fn) + found.tp * (found.used + found.fp))
    return np.where(found.tp > 0, harmonic, _recognition(found))


@lesion_metric(
    symbol="RQ", formula="TP / (TP + ½FP + ½FN), lesions", bounds=(0.0, 1.0), better="higher", reference=PANOPTIC
)
def rq(found: LesionCounts) -> PerLabel:
    """Recognition quality: how many lesions are found, whatever their shape."""
    return _recognition(found)


@lesion_metric(
    symbol="SQ",
    formula="Σ IoU of matches / TP",
    bounds=(0.0, 1.0),
    better="higher",
    reference=PANOPTIC,
    without=("forgive_extra", "void"),
    shapes=True,
)
def sq(found: LesionCounts) -> PerLabel:
    """Segmentation quality: mean IoU of the matched lesions; undefined without a match."""
    return ratio(found.iou_sum, found.tp)


@lesion_metric(
    symbol="PQ",
    formula="Σ IoU of matches / (TP + ½FP + ½FN)",
    bounds=(0.0, 1.0),
    better="higher",
    reference=PANOPTIC,
    shapes=True,
)
def pq(found: LesionCounts) -> PerLabel:
    """Panoptic quality: recognition times segmentation quality."""
    return ratio(found.iou_sum, found.tp + 0.5 * found.fp + 0.5 * found.fn)


@lesion_metric(symbol="V(FP)", formula="Σ volume of FP lesions", bounds=(0.0, np.inf), better="lower", unit="ml")
def fp_volume_ml(found: LesionCounts) -> PerLabel:
    """Volume of the predicted lesions without a match; needs a voxel size and three dimensions."""
    return found.fp_ml


@lesion_metric(
    symbol="V(FN)",
    formula="Σ volume of FN lesions",
    bounds=(0.0, np.inf),
    better="lower",
    unit="ml",
    without=("forgive_extra", "void"),
)
def fn_volume_ml(found: LesionCounts) -> PerLabel:
    """Volume of the true lesions that were missed; needs a voxel size and three dimensions."""
    return found.fn_ml


@metric(symbol="n(pred)", formula="predicted lesions", bounds=(0.0, np.inf), better="none", unit="lesions")
def n_lesions_pred(found: LesionCounts, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0) -> PerLabel:
    """Number of predicted lesions."""
    return found.n_pred


@metric(symbol="n(truth)", formula="true lesions", bounds=(0.0, np.inf), better="none", unit="lesions")
def n_lesions_truth(found: LesionCounts, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0) -> PerLabel:
    """Number of true lesions."""
    return found.n_truth


@metric(symbol="Δn", formula="predicted − true lesions", bounds=(-np.inf, np.inf), better="zero", unit="lesions")
def lesion_count_difference(
    found: LesionCounts, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0
) -> PerLabel:
    """Predicted lesions minus true lesions; positive where there are too many."""
    return found.n_pred - found.n_truth


def _recognition(found: LesionCounts) -> PerLabel:
    return ratio(found.tp, found.tp + 0.5 * found.fp + 0.5 * found.fn)
