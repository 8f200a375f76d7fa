"""What every measure says of an absent class: scored, not claimed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.probabilities.channels import Channels, Layout, ProbMap
from segeval.measure import Measure
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Plan

# what is said of a box in one image and of another box in another is said of every class
_IMAGES: tuple[tuple[tuple[int, int, int], slice], ...] = (((7, 8, 9), slice(2, 5)), ((11, 10, 9), slice(3, 7)))

ABSENT = LabelClass(name="absent", ids=(1,))


@dataclass(frozen=True, kw_only=True)
class AbsentValues:
    """The value where a class is absent from both sides, from the prediction, from the truth; None where it varies."""

    both: float | None
    pred: float | None
    truth: float | None


def absent_values(measures: Sequence[Measure]) -> dict[str, AbsentValues]:
    """Score a class that one side lacks, or both, by every measure; by its name."""
    labels = LabelMap(classes=(ABSENT,))
    plan = Plan(measures=tuple(one.at() for one in measures), labels=labels)
    both = _values(plan, in_pred=False, in_truth=False)
    pred = _values(plan, in_pred=False, in_truth=True)
    truth = _values(plan, in_pred=True, in_truth=False)
    return {
        call.measure.name: AbsentValues(both=both[call.column], pred=pred[call.column], truth=truth[call.column])
        for call in plan.measures
    }


def _values(plan: Plan, *, in_pred: bool, in_truth: bool) -> dict[str, float | None]:
    """The value of every column, None where the images differ in it."""
    first, second = (_scored(plan, in_pred, in_truth, shape, box) for shape, box in _IMAGES)
    return {column: value if _same(value, second[column]) else None for column, value in first.items()}


def _scored(plan: Plan, in_pred: bool, in_truth: bool, shape: tuple[int, int, int], box: slice) -> dict[str, float]:
    mask = np.zeros(shape, dtype=np.uint8)
    mask[box, box, box] = 1
    case = Case(case_id="absent", pred=mask * in_pred, truth=mask * in_truth, spacing_mm=(1.0, 1.5, 2.0))
    likely = np.linspace(0.1, 0.4, mask.size).reshape(shape) + 0.5 * case.pred
    probs = Channels(maps=(ProbMap(stored=likely),), layout=Layout(classes=(ABSENT,), exclusive=True))
    needy = tuple(call for call in plan.measures if call.measure.reads("ProbMaps"))
    return _of_class(case, plan) | _of_class(replace(case, probs=probs), replace(plan, measures=needy))


def _of_class(case: Case, plan: Plan) -> dict[str, float]:
    found = evaluate(case, plan)
    (of_class,) = found.classes
    return {**found.row.values, **of_class.values}


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
