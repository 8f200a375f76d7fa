"""Scores of cells and of connections against worked values, and the laws they obey."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segeval import catalogue
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.lesions.instance_maps import InstanceMap
from segeval.evidence.lesions.lesions import Lesions
from segeval.evidence.lesions.object_counts import CountSample
from segeval.results import Results
from segeval.scoring.collect import collect
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Aggregation, Plan
from tests.conftest import golden
from tests.masks import ONE

GOLDEN = golden("tasks")
VALUES, ARRAYS = GOLDEN["values"], GOLDEN["arrays"]
BOTH = LabelMap(classes=tuple(LabelClass(name=str(label), ids=(label,)) for label in (1, 2)))


def drawn(shape: list[int], boxes: list[list[int]]) -> np.ndarray:
    """An instance map: object k is the k-th box."""
    ids = np.zeros(shape, dtype=np.int64)
    for number, box in enumerate(boxes, start=1):
        ids[tuple(slice(*box[2 * axis : 2 * axis + 2]) for axis in range(len(shape)))] = number
    return ids


def as_maps(pred: np.ndarray, truth: np.ndarray) -> tuple[InstanceMap, InstanceMap]:
    return InstanceMap(ids=pred), InstanceMap(ids=truth)


def objects(pred: np.ndarray, truth: np.ndarray) -> Lesions:
    masks = ((side > 0).astype(np.uint8) for side in (pred, truth))
    return Lesions.of(*masks, classes=ONE, instances=(pred, truth))


def cells() -> Lesions:
    """Fixture N: five objects on either side, one shifted, one split, two merged."""
    return objects(*(drawn(ARRAYS["N.shape"], ARRAYS[f"N.{side}_boxes"]) for side in ("pred", "truth")))


def value(name: str, lesions: Lesions, **knobs: Any) -> float:
    return float(catalogue.find(name).at(**knobs)(lesions)[0])


WORKED = {
    "N.accuracy@0.50": ("instance_accuracy", {}),
    "N.f1@0.50": ("lesion_f1", {}),
    "N.mean_matched_score@0.50": ("sq", {}),
    "N.mean_true_score@0.50": ("mean_true_score", {}),
    "N.panoptic_quality@0.50": ("pq", {}),
    "N.accuracy@.5.strict": ("instance_accuracy", {"strict": True}),
    "N.pq.strict": ("pq", {"strict": True}),
    "N.mean_accuracy@.5:.95": ("mean_instance_accuracy", {}),
    "N.mean_f1@.5:.95": ("mean_instance_f1", {}),
    "N.aji": ("aji", {}),
    "N.aji_plus": ("aji_plus", {}),
    "N.seg": ("seg", {}),
    "N.det": ("det", {}),
    "N.split_count": ("split_count", {}),
    "N.merge_count": ("merge_count", {}),
    "N.voi_split.all": ("voi_split", {}),
    "N.voi_merge.all": ("voi_merge", {}),
    "N.voi_split.truth_fg": ("voi_split", {"ignore_truth_background": True}),
    "N.voi_merge.truth_fg": ("voi_merge", {"ignore_truth_background": True}),
    "N.adapted_rand_error.pairs": ("adapted_rand_error", {}),
    "N.adapted_rand_error.squares": ("adapted_rand_error", {"variant": "squares"}),
    "N.adapted_rand_error.snemi3d": ("adapted_rand_error", {"variant": "singletons"}),
}


@pytest.mark.parametrize("name", WORKED)
def test_a_worked_value_of_touching_cells_comes_out(name: str) -> None:
    called, knobs = WORKED[name]
    assert value(called, cells(), **knobs) == pytest.approx(VALUES[name], abs=1e-9)


@pytest.mark.parametrize("row", ARRAYS["N.by_threshold"], ids=lambda row: str(row["threshold"]))
def test_every_threshold_gives_its_worked_counts(row: dict[str, float]) -> None:
    at = {"iou_threshold": row["threshold"]}
    assert value("instance_accuracy", cells(), **at) == pytest.approx(row["accuracy"], abs=1e-9)
    assert value("lesion_f1", cells(), **at) == pytest.approx(row["f1"], abs=1e-9)
    assert value("mean_true_score", cells(), **at) == pytest.approx(row["mean_true_score"], abs=1e-9)


def by_class(shape: list[int], boxes: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """A mask of classes, the last number of each box, and the map of the objects."""
    ids = drawn(shape, boxes)
    return np.array([0, *(box[-1] for box in boxes)], dtype=np.uint8)[ids], ids


def two_classes() -> list[Case]:
    """Fixture Q: two images with objects of two classes."""
    cases = []
    for number in (0, 1):
        pred, truth = (
            by_class(ARRAYS["Q.shape"], ARRAYS[f"Q.{side}_boxes_class"][number]) for side in ("pred", "truth")
        )
        cases.append(Case(case_id=str(number), pred=pred[0], truth=truth[0], instances=as_maps(pred[1], truth[1])))
    return cases


def scored(cases: list[Case], *measures: str, labels: LabelMap = BOTH) -> Results:
    from segeval.choice import choose

    plan = Plan(measures=choose(measures).calls, labels=labels)
    return collect([evaluate(case, plan) for case in cases], plan, Aggregation(bootstrap=0), {})


def summary_of(results: Results, name: str, column: str) -> Any:
    return next(row for row in results.summary if (row.name, row.column) == (name, column))


def test_panoptic_quality_of_all_classes_together_is_a_mean_of_images_or_pooled() -> None:
    row = summary_of(scored(two_classes(), "bpq(strict=true)"), "(all)", "bpq(strict=true)")
    assert row.statistics["mean"] == pytest.approx(VALUES["Q.bpq.mean_of_images"], abs=1e-9)
    assert row.pooled == pytest.approx(VALUES["Q.bpq.pooled"], abs=1e-9)


def test_mean_panoptic_quality_leaves_out_classes_that_the_truth_lacks() -> None:
    row = summary_of(scored(two_classes(), "mpq"), "(all)", "mpq")
    assert row.statistics["mean"] == pytest.approx(VALUES["Q.mpq[pannuke]"], abs=1e-9)


def test_the_mean_of_the_pooled_classes_is_that_of_the_data_set() -> None:
    results = scored(two_classes(), "pq", "mpq_plus")
    of_class = [summary_of(results, name, "pq").pooled for name in ("1", "2")]
    assert of_class == pytest.approx([VALUES["Q.pq.class1.pooled"], VALUES["Q.pq.class2.pooled"]], abs=1e-9)
    assert summary_of(results, "(all)", "mpq_plus").pooled == pytest.approx(VALUES["Q.mpq_plus"], abs=1e-9)


def test_cases_of_other_classes_add_up_where_nobody_named_the_classes() -> None:
    full = np.ones((8, 10), dtype=np.uint8)
    results = scored([two_classes()[0], Case(case_id="x", pred=full, truth=full)], "mpq_plus,bpq", labels=LabelMap())
    assert summary_of(results, "(all)", "bpq").pooled == pytest.approx((1.75 + 1) / (3 + 0.5))


VOID = {"forgive": "V.pq.class1.void_rule", "remove": "V.pq.class1.pixels_removed_first"}


@pytest.mark.parametrize("void", VOID)
def test_what_lies_mostly_in_void_is_forgiven_or_counts_with_the_rest_of_it(void: str) -> None:
    pred, truth = (np.array(ARRAYS[f"V.{side}"]) for side in ("pred", "truth"))
    of_class = {int(label): row for label, row in ARRAYS["V.class"]["pred"].items()}
    mask = np.vectorize(lambda label: of_class.get(label, 0))(pred)
    case = Case(case_id="v", pred=mask, truth=truth, instances=as_maps(pred, truth))
    column = f"pq(strict=true,void={void})"
    results = scored([case], column, labels=LabelMap(classes=BOTH.classes, ignore=(0,)))
    assert [row.values[column] for row in results.class_rows] == pytest.approx([VALUES[VOID[void]], 1.0], abs=1e-9)


def test_ids_beyond_31_bits_are_objects_like_any_other() -> None:
    ids = np.array([[0, 2**31 + 1, 2**31 + 1, 2**62]])
    assert value("instance_accuracy", objects(ids, ids)) == value("aji", objects(ids, ids)) == 1.0


NOTHING = np.zeros((3, 4), dtype=np.int64)
SOMETHING = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 2, 2]])
ABSENT = {
    "instance_accuracy": (math.nan, 0, 0),
    "mean_instance_accuracy": (math.nan, 0, 0),
    "mean_true_score": (math.nan, 0, math.nan),
    "aji": (math.nan, 0, 0),
    "aji_plus": (math.nan, 0, 0),
    "seg": (math.nan, 0, math.nan),
    "det": (math.nan, 0, math.nan),
    "split_count": (0, 0, 0),
    "merge_count": (0, 0, 0),
}


@pytest.mark.parametrize("name", ABSENT)
def test_an_absent_side_has_its_value(name: str) -> None:
    sides = ((NOTHING, NOTHING), (NOTHING, SOMETHING), (SOMETHING, NOTHING))
    assert [value(name, objects(*each)) for each in sides] == pytest.approx(ABSENT[name], nan_ok=True)


def test_what_is_missed_is_merged_with_the_background_and_an_alarm_splits_it() -> None:
    entropy = -(8 / 12 * math.log2(8 / 12) + 2 * 2 / 12 * math.log2(2 / 12))
    halves = [(value("voi_split", objects(*each)), value("voi_merge", objects(*each)))
              for each in ((NOTHING, NOTHING), (NOTHING, SOMETHING), (SOMETHING, NOTHING))]  # fmt: skip
    assert halves == [(0, 0), (0, pytest.approx(entropy)), (pytest.approx(entropy), 0)]
    assert math.isnan(value("voi_split", objects(SOMETHING, NOTHING), ignore_truth_background=True))


def test_an_empty_prediction_is_one_object_to_the_adapted_rand_error() -> None:
    two = objects(NOTHING, SOMETHING)  # of two voxels each: 2 · (2 · 4 − 4) / ((2 · 4 − 4) + (16 − 4))
    assert value("adapted_rand_error", two) == pytest.approx(1 - 8 / 16)
    assert value("adapted_rand_error", two, variant="squares") == pytest.approx(1 - 16 / 24)
    assert value("adapted_rand_error", objects(NOTHING, (SOMETHING == 1).astype(np.int64))) == 0
    assert math.isnan(value("adapted_rand_error", objects(SOMETHING, NOTHING)))
    assert math.isnan(value("adapted_rand_error", objects(NOTHING, NOTHING)))


maps = hnp.arrays(np.int64, (5, 6), elements=st.integers(0, 4))
pairs = st.tuples(maps, maps).map(lambda sides: objects(*sides))


@given(pairs)
def test_scores_keep_their_order(lesions: Lesions) -> None:
    accuracy, f1, pq, sq, rq = (value(name, lesions) for name in ("instance_accuracy", "lesion_f1", "pq", "sq", "rq"))
    assert math.isnan(f1) or (accuracy <= f1 + 1e-12 and pq <= f1 + 1e-12)
    assert math.isnan(f1) or accuracy == pytest.approx(f1 / (2 - f1))
    assert math.isnan(sq) or pq == pytest.approx(sq * rq)
    score, recall = value("mean_true_score", lesions), value("lesion_recall", lesions)
    assert math.isnan(sq) or score == pytest.approx(sq * recall)
    strict = value("mean_true_score", lesions, strict=True)
    assert math.isnan(strict) or value("seg", lesions) >= strict - 1e-12


@given(maps, maps)
def test_the_aggregated_index_never_exceeds_the_iou_of_the_foregrounds(pred: np.ndarray, truth: np.ndarray) -> None:
    both, either = ((pred > 0) & (truth > 0)).sum(), ((pred > 0) | (truth > 0)).sum()
    for name in ("aji", "aji_plus"):
        found = value(name, objects(pred, truth))
        assert math.isnan(found) if not either else found <= both / either + 1e-12


BY_PARTITION = ("aji", "aji_plus", "voi_split", "voi_merge", "adapted_rand_error", "seg", "split_count")


@given(maps, maps, st.permutations([1, 2, 3, 4]), st.sampled_from(BY_PARTITION))
def test_new_numbers_for_the_same_objects_change_nothing(
    pred: np.ndarray, truth: np.ndarray, order: list[int], name: str
) -> None:
    renamed = np.array([0, *order])[pred] * 7
    before, after = (value(name, objects(side, truth)) for side in (pred, renamed))
    if not name.startswith("aji"):  # of two equally good partners the lower id is taken, and their sizes differ
        assert after == pytest.approx(before, nan_ok=True, abs=1e-12)
    assert value(name, objects(pred, pred)) == pytest.approx(value(name, objects(renamed, pred)), nan_ok=True)


@given(maps, maps)
def test_swapped_sides_swap_the_halves_of_the_information(pred: np.ndarray, truth: np.ndarray) -> None:
    there, back = objects(pred, truth), objects(truth, pred)
    assert value("voi_split", there) == pytest.approx(value("voi_merge", back), abs=1e-12)
    assert math.isnan(own := value("adapted_rand_error", objects(pred, pred))) or own == pytest.approx(0, abs=1e-12)


@given(maps, maps)
def test_forgiven_void_has_never_more_false_alarms_than_void_that_is_taken_out(
    pred: np.ndarray, truth: np.ndarray
) -> None:
    masks = (pred > 0).astype(np.uint8), np.where(truth == 4, 9, truth > 0).astype(np.uint8)
    lesions = Lesions.of(*masks, classes=ONE, ignore=(9,), instances=(pred, np.where(truth == 4, 0, truth)))
    forgiven, removed = (lesions.matched(void=void, strict=True) for void in ("forgive", "remove"))
    assert forgiven.fp <= removed.fp
    assert forgiven.tp == removed.tp


@given(hnp.arrays(np.uint8, (3, 4, 5), elements=st.integers(0, 1)), st.integers(0, 2**60 - 1))
def test_parts_that_touch_at_corners_alone_have_more_false_volume_apart(truth: np.ndarray, bits: int) -> None:
    pred = np.array([bits >> i & 1 for i in range(60)], dtype=np.uint8).reshape(truth.shape)
    lesions = Lesions.of(pred, truth, classes=ONE, spacing_mm=(10.0, 10.0, 10.0))
    apart, together = (
        value("fp_volume_ml", lesions, matching="any_overlap", connectivity=how) for how in ("edge", "full")
    )
    assert apart >= together


@given(maps.map(lambda ids: ids.astype(np.uint8)), maps.map(lambda ids: ids.astype(np.uint8)))
def test_the_pooled_mean_of_one_image_is_that_of_the_image(pred: np.ndarray, truth: np.ndarray) -> None:
    row = summary_of(scored([Case(case_id="a", pred=pred, truth=truth)], "mean_iou"), "(all)", "mean_iou")
    assert row.pooled == pytest.approx(row.statistics["mean"], nan_ok=True)


def test_many_touching_objects_need_no_table_of_all_pairs() -> None:
    """Cells in rows, each prediction shifted by a voxel: every pair hangs together with every other."""
    side, n = 4, 1500
    truth = np.repeat(np.arange(1, n + 1), side)[None, :].repeat(2, axis=0)
    lesions = objects(np.roll(truth, 1, axis=1), truth)
    assert value("aji_plus", lesions) == pytest.approx(3 / 5, rel=1e-2)
    assert value("lesion_recall", lesions, iou_threshold=0.1) == 1.0


def test_numbers_of_objects_are_determined_by_squares_about_their_mean() -> None:
    ones = np.ones(4)
    sample = CountSample(pred=np.array([1.0, 4, 4, 5]), truth=np.array([1.0, 2, 4, 5]), weights=ones)
    assert sample.r2 == pytest.approx(1 - 4 / 10)
    assert np.isnan(CountSample(pred=sample.pred, truth=3 * ones, weights=ones).r2)
