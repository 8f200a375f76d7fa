"""Predicted classes that share voxels are scored one by one, and no value speaks of all of them together."""

import math

import numpy as np
import pytest

from segeval import catalogue
from segeval.choice import choose
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.overlap.counts import Histogram
from segeval.evidence.probabilities.channels import Channels, Form, Layout, ProbMap
from segeval.evidence.probabilities.hard_masks import hard_mask
from segeval.evidence.surfaces.surface import Surfaces
from segeval.results import CaseScore, Results
from segeval.scoring.collect import collect
from segeval.scoring.evaluate import as_missing, evaluate
from segeval.scoring.evidence import Evidence
from segeval.scoring.plan import Aggregation, Plan

A, B = LabelClass(name="a", ids=(1,)), LabelClass(name="b", ids=(2,))
WHOLE = LabelClass(name="whole", ids=(1, 2))
SIGMOIDS = Layout(classes=(A, B, WHOLE), exclusive=False)
LABELS = LabelMap(classes=(A, B), regions=(WHOLE,), ignore=(9,))
PLAN = Plan(
    measures=choose(["dice,kappa,hd,pixel_accuracy"]).calls,
    labels=LABELS,
    form=Form(kind="probs", layout=SIGMOIDS),
)
TRUTH = [[1, 1, 2, 2, 0, 9]]
MAPS = {
    A: [[1.0, 1.0, 1.0, 0.0, 0.0, 1.0]],
    B: [[0.0, 0.6, 0.9, 0.0, 0.5, 1.0]],
    WHOLE: [[1.0, 1.0, 0.0, 0.0, 0.0, 1.0]],
}


def case(case_id: str = "x") -> Case:
    truth = np.array(TRUTH, np.uint8)
    maps = tuple(ProbMap(stored=np.array(one)) for one in MAPS.values())
    probs = Channels(maps=maps, layout=SIGMOIDS)
    pred, claims = hard_mask(probs, truth)
    return Case(case_id=case_id, pred=pred, truth=truth, probs=probs, claims=claims)


def results(*scores: CaseScore) -> Results:
    return collect(scores, PLAN, Aggregation(bootstrap=0), facts={})


def test_each_class_is_counted_as_if_it_were_alone() -> None:
    score = evaluate(case(), PLAN)
    counts = {row.of.name: (row.tp, row.fp, row.fn, row.tn) for row in score.classes}
    assert counts == {
        "a": (2, 1, 0, 2),  # found 1 and 2; false alarm at 3
        "b": (1, 2, 1, 1),  # found 3; false alarms at 2 and 5; missed 4
        "whole": (2, 0, 2, 1),
    }
    assert {row.of.label for row in score.classes} == {"1", "2", "1+2"}
    assert score.row.probability_source == "probs"


def test_case_level_values_are_empty() -> None:
    score = evaluate(case(), PLAN)
    assert set(score.row.values) == {"kappa", "pixel_accuracy"}
    assert all(map(math.isnan, score.row.values.values()))


def test_distances_are_those_of_each_mask_alone() -> None:
    score = evaluate(case(), PLAN)
    for row in score.classes:
        mask = (np.array(MAPS[row.of]) >= 0.5) & (np.array(TRUTH) != 9)
        alone = Surfaces.of(
            mask.astype(np.uint8) * 7,
            np.isin(TRUTH, row.of.ids).astype(np.uint8) * 7,
            classes=[LabelClass(name="alone", ids=(7,))],
            ignored=np.array(TRUTH) == 9,
        )
        expected = catalogue.find("hd").at()(alone)
        assert row.values["hd"] == pytest.approx(expected[0])


def test_evidence_names_the_ids_that_stand_for_each_class() -> None:
    evidence = Evidence(case(), PLAN)
    assert [one.name for one in evidence.members] == ["a", "b", "whole"]
    by = {of.name: set(of.ids) - {1, 2} for of in evidence.members}
    assert by["a"] & by["b"] == {one for one, of in case().claims.items() if A in of and B in of}


def test_pooled_values_add_up_the_counts_and_there_is_no_confusion_matrix() -> None:
    found = results(evaluate(case("x"), PLAN), evaluate(case("y"), PLAN))
    assert found.confusion is None
    pooled = {(row.name, row.column): row.pooled for row in found.summary}
    assert pooled["a", "dice"] == pytest.approx(2 * 4 / (2 * 4 + 2))
    assert math.isnan(pooled["(all)", "kappa"])
    assert pooled["a", "kappa"] == pytest.approx(found.class_rows[0].values["kappa"])


def test_a_missing_prediction_has_the_same_rows() -> None:
    nothing = Case(case_id="m", pred=np.zeros((1, 6), np.uint8), truth=np.array(TRUTH, np.uint8))
    missing = as_missing(evaluate(nothing, PLAN), PLAN, worst=True)
    found = results(evaluate(case("x"), PLAN), missing)
    assert [row.of.name for row in found.class_rows] == ["a", "b", "whole"] * 2
    assert [row.fn for row in found.class_rows[:3]] == [2, 2, 4]
    assert found.case_rows[0].probability_source == "hard"


def test_what_is_kept_of_a_case_has_only_ids_that_a_user_knows() -> None:
    histogram = evaluate(case(), PLAN).histogram
    assert histogram is not None
    assert set(histogram.ids) <= {0, 1, 2}
    assert histogram.n.sum() == 5
    assert dict(zip(histogram.ids, histogram.n.sum(axis=1), strict=True)) == {0: 1, 1: 2, 2: 2}


def test_predictions_without_an_id_count_as_background() -> None:
    histogram = Histogram(ids=(0, 1, 5), n=np.array([[1, 2, 3], [4, 5, 6], [0, 0, 0]], dtype=np.int64))
    found = histogram.without_unions([5, 7])
    assert (found.ids, found.n.tolist()) == ((0, 1), [[4, 2], [10, 5]])
    assert histogram.without_unions([]) is histogram
