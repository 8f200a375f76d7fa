"""One case in, its rows out: images of a few voxels, with the arithmetic beside them."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from segeval.choice import choose
from segeval.errors import DataError
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.overlap.counts import Counts
from segeval.evidence.shapes import PerLabel
from segeval.measure import Absent, metric, ratio
from segeval.results import CaseScore, ClassRow
from segeval.scoring.collect import collect
from segeval.scoring.evaluate import absent_rows, as_missing, evaluate
from segeval.scoring.plan import Aggregation, Plan

NAN, INF = math.nan, math.inf
ONE, TWO = LabelClass(name="one", ids=(1,)), LabelClass(name="two", ids=(2,))
EITHER = LabelClass(name="either", ids=(1, 2))
ROAD, CAR = LabelClass(name="road", ids=(0,)), LabelClass(name="car", ids=(1,))
STREET = LabelMap(classes=(ROAD, CAR), ignore=(255,))


def case(truth: list[int], pred: list[int], **more: Any) -> Case:
    """A row of voxels."""
    return Case(case_id="x", truth=np.array([truth], np.uint8), pred=np.array([pred], np.uint8), **more)


def plan(measures: str, labels: LabelMap = LabelMap(), **more: Any) -> Plan:
    return Plan(measures=choose([measures]).calls, labels=labels, **more)


def score(truth: list[int], pred: list[int], measures: str, labels: LabelMap = LabelMap()) -> CaseScore:
    return evaluate(case(truth, pred), plan(measures, labels))


def counts(row: ClassRow) -> tuple[int, int, int, int]:
    return row.tp, row.fp, row.fn, row.tn


def approx(**values: float) -> Any:
    return pytest.approx(values, abs=1e-12, nan_ok=True)


def test_three_voxels_by_hand() -> None:
    # found, missed, false alarm: TP = FN = FP = 1, TN = 0
    found = score([1, 1, 0], [1, 0, 1], "dice,iou,sensitivity,specificity,precision,accuracy,pixel_accuracy,mean_iou")
    (row,) = found.classes
    assert (row.case_id, row.status, counts(row), row.n_pred, row.n_truth) == ("x", "ok", (1, 1, 1, 0), 2, 2)
    assert row.values == approx(
        dice=1 / 2, iou=1 / 3, sensitivity=1 / 2, specificity=0, precision=1 / 2, accuracy=1 / 3
    )
    # background has no hit in a union of 2 voxels, the class one of 3: (0 + 1/3) / 2
    assert found.row.values == approx(pixel_accuracy=1 / 3, mean_iou=1 / 6)


def test_a_row_says_which_side_lacks_the_class() -> None:
    named = LabelMap(classes=tuple(LabelClass(name=str(one), ids=(one,)) for one in (1, 2, 3, 4)))
    rows = score([1, 2, 0], [1, 3, 0], "dice", named).classes
    assert [row.status for row in rows] == ["ok", "absent_pred", "absent_truth", "absent_both"]
    assert [row.values["dice"] for row in rows] == pytest.approx([1, 0, 0, NAN], nan_ok=True)


def test_without_names_the_classes_are_the_ids_of_either_side() -> None:
    rows = score([1, 5, 0], [1, 3, 0], "dice").classes
    assert [(row.of.name, row.status) for row in rows] == [("1", "ok"), ("3", "absent_truth"), ("5", "absent_pred")]


def test_a_region_joins_its_ids_after_the_classes() -> None:
    # the two ids are swapped: each alone is wrong, together they are right
    rows = score([1, 2, 0], [2, 1, 0], "dice", LabelMap(regions=(EITHER,))).classes
    assert [(row.of.label, row.values["dice"]) for row in rows] == [("1", 0), ("2", 0), ("1+2", 1)]


def test_regions_alone_do_not_make_the_whole_case_look_right() -> None:
    # over the ids 0, 1, 2 one voxel of three is right: IoU 1, 0, 0
    found = score([1, 2, 0], [2, 1, 0], "dice,pixel_accuracy,mean_iou", LabelMap(classes=(), regions=(EITHER,)))
    assert found.classes[0].values == approx(dice=1)
    assert found.row.values == approx(pixel_accuracy=1 / 3, mean_iou=1 / 3)


def test_an_id_that_only_a_region_names_is_a_bin_of_its_own() -> None:
    # one = 1 is a class, 2 occurs in the region only: 2 predicted as background is wrong
    found = score([1, 2, 0], [1, 0, 0], "pixel_accuracy,mean_dice", LabelMap(classes=(ONE,), regions=(EITHER,)))
    # Dice of background 2·1/(1 + 2), of 1 one, of 2 zero
    assert found.row.values == approx(pixel_accuracy=2 / 3, mean_dice=(2 / 3 + 1 + 0) / 3)


def test_voxels_ignored_in_the_truth_count_nowhere() -> None:
    found = score([1, 255, 0], [1, 1, 1], "accuracy,pixel_accuracy", LabelMap(ignore=(255,)))
    (row,) = found.classes
    assert counts(row) == (1, 1, 0, 0)
    assert row.values["accuracy"] == found.row.values["pixel_accuracy"] == 1 / 2


def test_an_ignored_id_that_was_predicted_is_no_class_and_no_hit() -> None:
    found = score([1, 1, 0], [1, 255, 0], "dice,pixel_accuracy", LabelMap(ignore=(255,)))
    (row,) = found.classes
    assert counts(row) == (1, 0, 1, 1)
    assert found.row.values["pixel_accuracy"] == 2 / 3


def test_a_case_of_ignored_voxels_only_has_no_class_and_no_value() -> None:
    found = score([255, 255], [0, 1], "all", LabelMap(ignore=(255,)))
    assert found.classes == ()
    assert all(map(math.isnan, found.row.values.values()))


def test_ids_outside_the_named_classes_count_as_background() -> None:
    # class one: never hit. Over the case the 9 is background: truth (0, 1, 0, 0), pred (1, 0, 0, 0)
    found = score([9, 1, 0, 9], [1, 9, 9, 0], "accuracy,pixel_accuracy", LabelMap(classes=(ONE,)))
    (row,) = found.classes
    assert counts(row) == (0, 1, 1, 2)
    assert found.row.values == approx(pixel_accuracy=2 / 4)
    assert found.histogram is not None
    assert found.histogram.ids == (0, 1, 9)


def test_background_is_scored_when_asked_for_and_comes_first() -> None:
    found = score([1, 0, 0], [1, 1, 0], "iou,mean_iou", LabelMap(include_background=True))
    assert [(row.of.name, counts(row)) for row in found.classes] == [("background", (1, 0, 1, 1)), ("1", (1, 1, 0, 1))]
    assert [row.values["iou"] for row in found.classes] == [1 / 2, 1 / 2]
    assert found.row.values["mean_iou"] == 1 / 2


def test_a_map_that_names_zero_scores_it_as_a_class_and_has_no_background() -> None:
    # scored voxels: truth (0, 1), pred (0, 0)
    found = score([0, 1, 255], [0, 0, 1], "iou,pixel_accuracy,mean_iou", STREET)
    assert [(row.of.name, row.status, counts(row)) for row in found.classes] == [
        ("road", "ok", (1, 1, 0, 0)),
        ("car", "absent_pred", (0, 0, 1, 1)),
    ]
    assert found.row.values == approx(pixel_accuracy=1 / 2, mean_iou=(1 / 2 + 0) / 2)


@pytest.mark.parametrize(
    ("classes", "iou", "dice", "accuracy"), [("union", 1 / 2, 5 / 9, 1 / 2), ("truth", 3 / 4, 5 / 6, 3 / 4)]
)
def test_a_mean_over_classes_counts_those_of_the_truth_or_of_either_side(
    classes: str, iou: float, dice: float, accuracy: float
) -> None:
    # background 1/2 (dice 2/3, found 1/2), class 1 perfect, class 2 only predicted
    asked = ",".join(f"{name}(classes={classes})" for name in ("mean_iou", "mean_dice", "mean_accuracy"))
    found = score([0, 0, 1, 1], [0, 2, 1, 1], asked)
    assert list(found.row.values.values()) == pytest.approx([iou, dice, accuracy])


def test_what_was_predicted_outside_all_classes_is_wrong_but_no_class() -> None:
    found = score([0, 1, 1], [0, 255, 1], "pixel_accuracy,mean_accuracy,mean_iou,generalized_dice_score", STREET)
    assert found.row.values == approx(
        pixel_accuracy=2 / 3,
        mean_accuracy=(1 + 1 / 2) / 2,
        mean_iou=(1 + 1 / 2) / 2,
        # weights 1/1² and 1/2²: 2 (1·1 + 1/4·1) / (1·(1 + 1) + 1/4·(2 + 1))
        generalized_dice_score=2.5 / 2.75,
    )


def test_means_over_the_classes_can_leave_the_background_out() -> None:
    found = score([1, 2, 0, 0], [1, 0, 0, 0], "mean_iou,mean_iou(include_background=false)")
    # IoU: background 2/3, one 1, two 0
    assert found.row.values == pytest.approx({"mean_iou": 5 / 9, "mean_iou(include_background=false)": 1 / 2})


def test_both_engines_give_the_same_rows() -> None:
    truth, pred = (np.array(ids, np.uint8).reshape(1, 2, 3) for ids in ([0, 1, 2, 2, 0, 1], [0, 1, 2, 0, 1, 2]))
    one = Case(case_id="x", truth=truth, pred=pred, spacing_mm=(1.0, 2.0, 3.0))
    numpy, torch = (evaluate(one, plan("overlap", engine=engine)) for engine in ("numpy", "torch"))
    assert torch.classes == numpy.classes
    assert torch.row == numpy.row


def test_notes_and_grid_are_kept_in_the_row() -> None:
    row = evaluate(case([1], [1], spacing_mm=(0.5, 2.0), notes=("flipped",)), plan("dice")).row
    assert (row.status, row.shape, row.spacing_mm, row.notes) == ("ok", (1, 1), (0.5, 2.0), ("flipped",))


def test_more_ids_than_can_be_classes_are_refused_by_case() -> None:
    ids = np.arange(4098, dtype=np.uint16).reshape(2, -1)
    with pytest.raises(DataError, match="scan_7: 4098 distinct ids; 4096 is the most"):
        evaluate(Case(case_id="scan_7", truth=ids, pred=ids), plan("dice"))


# classes that a case lacks


@pytest.mark.parametrize("labels", [LabelMap(classes=(TWO,)), LabelMap(classes=(), regions=(TWO,))])
def test_the_row_of_a_class_seen_elsewhere_equals_that_of_a_class_named_before(labels: LabelMap) -> None:
    mask = np.zeros((2, 3, 4), np.uint8)
    mask[0, 0, 0] = 1
    one = Case(case_id="x", truth=mask, pred=mask, spacing_mm=(1.0, 2.0, 3.0))
    named = evaluate(one, Plan(measures=choose(["all"]).calls, labels=labels))
    (late,) = absent_rows(named.row, [TWO], mask.size, Plan(measures=choose(["all"]).calls))
    (expected,) = named.classes
    assert replace(late, values={}) == replace(expected, values={})
    assert dict(late.values) == pytest.approx(dict(expected.values), nan_ok=True)
    assert (late.status, counts(late)) == ("absent_both", (0, 0, 0, 24))


@metric(symbol="D", formula="TP / g", bounds=(0.0, 1.0), better="higher", absent=Absent(both=0.9, truth=0.1))
def declared(counts: Counts) -> PerLabel:
    """A measure with values of its own for absent classes."""
    return ratio(counts.tp, counts.truth)


def test_a_declared_value_stands_over_the_formula_and_only_there() -> None:
    named = LabelMap(classes=tuple(LabelClass(name=str(one), ids=(one,)) for one in (1, 2, 3, 4)))
    rows = evaluate(case([1, 1, 2, 0], [1, 0, 3, 0]), Plan(measures=(declared.at(),), labels=named)).classes
    assert [(row.status, row.values["declared"]) for row in rows] == [
        ("ok", 1 / 2),
        ("absent_pred", 0),
        ("absent_truth", 0.1),
        ("absent_both", 0.9),
    ]


# missing predictions

MEASURES = "dice,fnr,relative_volume_difference,prevalence,specificity,pixel_accuracy,variation_of_information"


def missing(*, worst: bool) -> CaseScore:
    labels = LabelMap(classes=(ONE, TWO))
    how = plan(MEASURES, labels)
    return as_missing(evaluate(case([1, 1, 0, 0], [0, 0, 0, 0]), how), how, worst=worst)


def test_a_missing_prediction_scored_as_background_keeps_the_values_of_an_empty_one() -> None:
    found = missing(worst=False)
    one, two = found.classes
    assert (found.row.status, one.status, two.status) == ("missing_pred",) * 3
    assert counts(one) == (0, 0, 2, 2)
    # half of the voxels are foreground, and nothing tells which: 1 bit
    assert one.values == approx(
        dice=0, fnr=1, relative_volume_difference=-1, prevalence=1 / 2, specificity=1, variation_of_information=1
    )
    assert found.row.values == approx(pixel_accuracy=1 / 2, variation_of_information=1)


def test_worst_gives_the_classes_of_the_truth_and_the_case_the_worst_of_every_measure() -> None:
    found = missing(worst=True)
    one, two = found.classes
    assert (found.row.status, one.status, two.status) == ("missing_pred",) * 3
    assert counts(one) == (0, 0, 2, 2)  # so that pooled counts know the miss: fn = n_truth
    assert one.values == approx(
        dice=0, fnr=1, relative_volume_difference=INF, prevalence=NAN, specificity=0, variation_of_information=INF
    )
    assert found.row.values == approx(pixel_accuracy=0, variation_of_information=INF)


def test_worst_leaves_a_class_that_the_truth_lacks_as_it_is() -> None:
    two = missing(worst=True).classes[1]
    assert two.values == approx(
        dice=NAN, fnr=NAN, relative_volume_difference=NAN, prevalence=0, specificity=1, variation_of_information=0
    )


def test_worst_is_the_distance_to_nothing_that_the_user_chose() -> None:
    truth = np.zeros((3, 4, 12), dtype=np.uint8)
    truth[1, 1, 1:4] = 1
    missing = Case(case_id="x", truth=truth, pred=np.zeros_like(truth), spacing_mm=(1.0, 1.0, 1.0))
    for policy, worst in ((7.5, 7.5), ("diagonal", 13.0), ("inf", INF)):
        how = replace(plan("hd,assd,hd95[medpy],dice"), empty_distance=policy)
        (row,) = as_missing(evaluate(missing, how), how, worst=True).classes
        assert row.values == approx(**{"hd": worst, "assd": worst, "hd95[medpy]": INF, "dice": 0})


@pytest.mark.parametrize(("policy", "worst"), [(7.5, 7.5), ("diagonal", 13.0), ("inf", INF), ("nan", INF)])
def test_an_undefined_distance_counts_as_the_distance_to_nothing(policy: Any, worst: float) -> None:
    nothing = np.zeros((3, 4, 12), dtype=np.uint8)
    how = replace(plan("hd,hd95[medpy]", LabelMap(classes=(ONE,))), empty_distance=policy)
    absent = Case(case_id="x", truth=nothing, pred=nothing, spacing_mm=(1.0, 1.0, 1.0))
    rows = collect([evaluate(absent, how)], how, Aggregation(undefined="worst", bootstrap=0), {}).summary
    assert {row.column: row.statistics["mean"] for row in rows if row.name == "one"} == {
        "hd": worst,
        "hd95[medpy]": INF,
    }
    assert {row.n_undefined for row in rows if row.name == "one"} == {1}
