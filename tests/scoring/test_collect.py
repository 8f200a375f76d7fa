"""The scores of all cases in, one set of results out."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from segeval.choice import choose
from segeval.errors import DataError
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.results import CaseRow, CaseScore, Results
from segeval.scoring.collect import collect
from segeval.scoring.evaluate import as_missing, evaluate
from segeval.scoring.plan import Aggregation, Plan

ONE, EITHER = LabelClass(name="one", ids=(1,)), LabelClass(name="either", ids=(1, 2))
NO_INTERVALS = Aggregation(bootstrap=0)


def plan(measures: str = "dice,accuracy,pixel_accuracy", labels: LabelMap = LabelMap()) -> Plan:
    return Plan(measures=choose([measures]).calls, labels=labels, shown=("dice",))


def scored(case_id: str, truth: Sequence[int], pred: Sequence[int], how: Plan) -> CaseScore:
    row = np.array([truth], np.uint8), np.array([pred], np.uint8)
    return evaluate(Case(case_id=case_id, truth=row[0], pred=row[1]), how)


def run(scores: Sequence[CaseScore], how: Plan) -> Results:
    return collect(scores, how, NO_INTERVALS, {"tool": "test"})


def test_cases_come_in_the_order_of_their_ids_and_classes_within_them() -> None:
    how = plan()
    scores = [scored(name, [1, 2, 0], [2, 2, 1], how) for name in ("b", "a", "c")]
    found = run(scores, how)
    assert [row.case_id for row in found.case_rows] == ["a", "b", "c"]
    assert [(row.case_id, row.of.name) for row in found.class_rows] == [(c, n) for c in "abc" for n in "12"]
    assert run(scores[::-1], how).class_rows == found.class_rows


def test_a_class_first_seen_late_gets_a_row_in_every_case() -> None:
    how = plan()
    found = run([scored("a", [1, 0, 0], [1, 0, 0], how), scored("b", [0, 0, 7], [0, 7, 7], how)], how)
    rows = {(row.case_id, row.of.name): row for row in found.class_rows}
    assert {key: row.status for key, row in rows.items()} == {
        ("a", "1"): "ok",
        ("a", "7"): "absent_both",
        ("b", "1"): "absent_both",
        ("b", "7"): "ok",
    }
    late = rows["a", "7"]
    assert (late.tp, late.fp, late.fn, late.tn) == (0, 0, 0, 3)
    assert late.values == pytest.approx({"dice": math.nan, "accuracy": 1.0}, nan_ok=True)


def test_a_late_class_counts_only_the_voxels_that_are_scored() -> None:
    how = plan(labels=LabelMap(ignore=(255,)))
    found = run([scored("a", [1, 255, 255], [1, 0, 0], how), scored("b", [7, 0, 0], [7, 0, 0], how)], how)
    late = next(row for row in found.class_rows if (row.case_id, row.of.name) == ("a", "7"))
    assert (late.tp, late.fp, late.fn, late.tn) == (0, 0, 0, 1)


def test_a_late_class_of_a_case_without_prediction_says_that_it_is_missing() -> None:
    how = plan()
    empty = as_missing(scored("a", [1, 0], [0, 0], how), how, worst=True)
    found = run([empty, scored("b", [7, 0], [7, 0], how)], how)
    assert [(row.case_id, row.of.name, row.status) for row in found.class_rows] == [
        ("a", "1", "missing_pred"),
        ("a", "7", "missing_pred"),
        ("b", "1", "absent_both"),
        ("b", "7", "ok"),
    ]
    assert {row.n_missing for row in found.summary} == {1}


def test_regions_stand_behind_the_classes_in_every_case() -> None:
    how = plan(labels=LabelMap(regions=(EITHER,)))
    found = run([scored("a", [1, 0], [1, 0], how), scored("b", [2, 0], [1, 0], how)], how)
    assert [(row.case_id, row.of.name, row.status) for row in found.class_rows] == [
        ("a", "1", "ok"),
        ("a", "2", "absent_both"),
        ("a", "either", "ok"),
        ("b", "1", "absent_truth"),
        ("b", "2", "absent_pred"),
        ("b", "either", "ok"),
    ]


def test_cases_without_a_score_are_listed_and_have_no_rows() -> None:
    how = plan()
    failed = CaseScore(row=CaseRow(case_id="b", status="failed", problem="broken"))
    skipped = CaseScore(row=CaseRow(case_id="c", status="missing_pred", problem="no prediction"))
    found = run([failed, scored("a", [1, 0], [1, 1], how), skipped], how)
    assert [row.case_id for row in found.case_rows] == ["a", "b", "c"]
    assert [row.case_id for row in found.class_rows] == ["a"]
    assert [(row.case_id, row.status) for row in found.problems] == [("b", "failed"), ("c", "missing_pred")]
    assert {row.n_missing for row in found.summary} == {1}
    assert {row.n for row in found.summary} == {1}


def test_the_confusion_matrix_adds_up_all_cases_and_shows_ids_outside_the_classes() -> None:
    how = plan(labels=LabelMap(classes=(ONE,)))
    found = run([scored("a", [0, 1, 9], [0, 1, 1], how), scored("b", [1, 1, 0], [5, 1, 0], how)], how)
    assert found.confusion is not None
    assert found.confusion.ids == (0, 1, 5, 9)
    # rows are truth: 0 -> 0 twice; 1 -> 1 twice, once 5; 9 -> 1
    assert found.confusion.n.tolist() == [[2, 0, 0, 0], [0, 2, 1, 0], [0, 0, 0, 0], [0, 1, 0, 0]]
    assert [row.of for row in found.class_rows] == [ONE, ONE]


def test_nothing_scored_gives_no_confusion_matrix_and_no_value() -> None:
    found = run([CaseScore(row=CaseRow(case_id="a", status="failed"))], plan(labels=LabelMap(classes=(ONE,))))
    assert found.confusion is None
    assert found.class_rows == ()
    assert {(row.name, row.n) for row in found.summary} == {("one", 0), ("(mean)", 0), ("(all)", 0)}
    assert all(math.isnan(value) for row in found.summary for value in (*row.statistics.values(), row.pooled))


def test_only_background_gives_no_class_and_a_mean_over_none() -> None:
    how = plan()
    found = run([scored("a", [0, 0], [0, 0], how)], how)
    assert found.classes == ()
    assert [(row.name, row.n) for row in found.summary] == [("(mean)", 0), ("(mean)", 0), ("(all)", 1)]
    assert found.summary[-1].statistics["mean"] == 1.0


def test_columns_stand_in_the_order_they_were_asked_for() -> None:
    how = plan("pixel_accuracy,iou,kappa,dice")
    found = run([scored("a", [1, 0], [1, 0], how)], how)
    assert found.class_columns == ("iou", "kappa", "dice")
    assert found.case_columns == ("pixel_accuracy", "kappa")
    assert list(found.class_rows[0].values) == ["iou", "kappa", "dice"]
    assert found.shown == ("dice",)
    assert found.facts == {"tool": "test"}


def test_an_undefined_value_stops_the_run_when_asked_to() -> None:
    how = plan("dice", LabelMap(classes=(ONE,)))
    with pytest.raises(DataError, match=r"dice of class 'one' is undefined for 1 case\(s\): a\."):
        collect([scored("a", [0, 0], [0, 0], how)], how, Aggregation(undefined="fail"), {})
