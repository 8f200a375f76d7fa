"""Values of all cases together: a formula on the sum of what the cases counted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from segeval import catalogue
from segeval.choice import choose
from segeval.evidence.additive import ByClass, State
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.masks import Masks
from segeval.evidence.shapes import PerLabel
from segeval.measure import MeasureCall, metric, ratio
from segeval.scoring.collect import collect
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Aggregation, Plan
from segeval.scoring.pooled import Pool

ONE, TWO = LabelClass(name="1", ids=(1,)), LabelClass(name="2", ids=(2,))


@dataclass(frozen=True, kw_only=True)
class FirstColumns(State):
    """How many voxels of the prediction lie in the first columns: evidence that the scoring knows nothing of."""

    within: PerLabel
    size: PerLabel

    @classmethod
    def read(cls, masks: Masks, *, columns: int) -> "FirstColumns":
        places = [mask.coordinates[:, -1] for mask in masks.pred]
        return cls(
            within=np.array([(at < columns).sum() for at in places], dtype=np.float64),
            size=np.array([len(at) for at in places], dtype=np.float64),
        )


@metric(symbol="F", formula="within / size", bounds=(0.0, 1.0), better="none")
def share_in_first_columns(found: FirstColumns, *, columns: int = 1, power: int = 1) -> PerLabel:
    """Share of the predicted voxels that lie in the first columns."""
    return ratio(found.within, found.size) ** power


def pooled(cases: list[tuple[Any, Any]], call: MeasureCall, labels: LabelMap = LabelMap()) -> dict[str, float]:
    plan = Plan(measures=(call,), labels=labels)
    scores = [
        evaluate(Case(case_id=str(i), pred=np.array(pred), truth=np.array(truth), spacing_mm=(1.0, 2.0)), plan)
        for i, (pred, truth) in enumerate(cases)
    ]
    return {row.name: row.pooled for row in collect(scores, plan, Aggregation(bootstrap=0), {}).summary}


CASES = [([[1, 1, 1, 0]], [[1, 0, 0, 0]]), ([[1, 2, 0, 0]], [[0, 2, 0, 0]]), ([[0, 0, 0, 1]], [[0, 0, 0, 1]])]


def test_new_evidence_costs_one_class() -> None:
    # of five voxels of class 1 two lie in the first column; of the only one of class 2 none
    assert pooled(CASES, share_in_first_columns.at())["1"] == pytest.approx(2 / 5)
    assert pooled(CASES, share_in_first_columns.at(columns=2))["1"] == pytest.approx(3 / 5)
    assert pooled(CASES, share_in_first_columns.at(columns=2))["2"] == 1.0
    assert pooled(CASES, share_in_first_columns.at(power=2))["1"] == pytest.approx(4 / 25)


def test_a_measure_takes_its_state_or_what_it_is_read_from() -> None:
    masks = Masks.of(np.array([[1, 1, 0]]), np.array([[1, 1, 0]]), classes=(ONE,))
    assert share_in_first_columns(masks).tolist() == [0.5]
    assert share_in_first_columns(FirstColumns.read(masks, columns=2)).tolist() == [1.0]
    assert share_in_first_columns.at(columns=2)(masks).tolist() == [1.0]


def test_a_class_that_no_case_has_is_undefined() -> None:
    found = pooled(CASES[:1], share_in_first_columns.at(), LabelMap(classes=(ONE, TWO)))
    assert found["1"] == pytest.approx(1 / 3)
    assert np.isnan(found["2"])


def test_a_sum_has_the_classes_of_both_sides() -> None:
    def state(within: float) -> FirstColumns:
        return FirstColumns.of(within=within, size=4)

    total = ByClass({ONE: state(1)}) + ByClass({ONE: state(2), TWO: state(3)})
    both = total.stacked((TWO, ONE))
    assert isinstance(both, FirstColumns)
    assert (both.within.tolist(), both.size.tolist()) == ([3.0, 3.0], [4.0, 8.0])


@pytest.mark.parametrize("name", ["nsd", "boundary_f1", "rq", "n_lesions_pred", "dice", "kappa", "dice_loss"])
def test_the_pooled_value_of_one_case_is_its_value(name: str) -> None:
    call = catalogue.find(name).at()
    plan = Plan(measures=(call,))
    case = Case(case_id="x", pred=np.array(CASES[0][0]), truth=np.array(CASES[0][1]), spacing_mm=(1.0, 2.0))
    value = evaluate(case, plan).classes[0].values[call.column]
    assert pooled(CASES[:1], call)["1"] == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize("name", ["nsd", "boundary_f1"])
def test_masks_without_a_surface_are_alike_or_apart(name: str) -> None:
    # with edge=none a mask that fills the image has no surface: right in one case, a false alarm in two others
    ones, zeros = np.ones((3, 4), dtype=np.uint8), np.zeros((3, 4), dtype=np.uint8)
    call = catalogue.find(name).at(edge="none")
    assert pooled([(ones, ones)], call)["1"] == 1.0
    assert pooled([(ones, zeros)], call)["1"] == 0.0
    assert pooled([(ones, ones), (ones, zeros), (zeros, ones)], call)["1"] == pytest.approx(1 / 3)
    assert np.isnan(pooled([(zeros, zeros)], call, LabelMap(classes=(ONE,)))["1"])


def test_values_that_are_kept_of_many_cases_are_packed_once_and_read_as_before() -> None:
    mask = np.array([[0, 1, 1], [0, 2, 0]])
    case = Case(case_id="a", pred=mask, truth=mask)
    score = evaluate(case, Plan(measures=choose(["dice", "iou"]).calls))
    once = Pool().take(score)
    twice = Pool().take(once)
    for before, after, again in zip(score.classes, once.classes, twice.classes, strict=True):
        assert dict(after.values) == dict(before.values) == {"dice": 1.0, "iou": 1.0}
        assert (len(after.values), list(after.values), after.values) == (2, ["dice", "iou"], before.values)
        assert again.values is after.values
    assert once.row.values == score.row.values
    with pytest.raises(KeyError):
        once.classes[0].values["hd95"]
