"""The rows of lesions.csv: what they say of each lesion, and why one did not match."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.lesion_rows import LesionRow, lesion_rows
from segeval.evidence.lesions.lesions import Lesions
from segeval.evidence.probabilities.channels import ProbMap
from segeval.evidence.surfaces import surfaces_numpy
from segeval.files.lossless import record_of_text, text_of_record
from tests.conftest import golden
from tests.masks import MASKS, ONE

MATCHINGS = ("hungarian", "greedy", "merge", "any_overlap")
GOLDEN = golden("lesions")


def row(*ids: int) -> np.ndarray:
    return np.array([ids], dtype=np.uint8)


def rows_of(pred: np.ndarray, truth: np.ndarray, **knobs: Any) -> dict[tuple[str, int], LesionRow]:
    lesions = Lesions.of(pred, truth, classes=ONE, spacing_mm=(1.0,) * pred.ndim)
    return {(one.side, one.lesion_id): one for one in lesion_rows(lesions, **knobs)}


def by_hand(**knobs: Any) -> dict[tuple[str, int], LesionRow]:
    """Fixture L: five lesions on either side."""
    pred, truth = (np.array(GOLDEN["arrays"][f"L.{side}"], dtype=np.uint8) for side in ("pred", "truth"))
    return rows_of(pred, truth, **knobs)


def test_every_lesion_of_either_side_has_a_row_in_order() -> None:
    assert list(by_hand()) == [(side, one) for side in ("pred", "truth") for one in range(1, 6)]


def test_matched_lesions_name_each_other() -> None:
    rows = by_hand()
    pred, truth = rows["pred", 5], rows["truth", 3]
    assert (pred.outcome, pred.matched_ids, pred.reason) == ("tp", (3,), "")
    assert (truth.outcome, truth.matched_ids, truth.reason) == ("tp", (5,), "")
    assert (truth.iou, truth.dice, truth.overlap_voxels) == (0.5, 8 / 12, 4)


@pytest.mark.parametrize(
    ("knobs", "lesion", "outcome", "reason"),
    [
        ({}, ("truth", 5), "fn", "no overlap"),
        ({}, ("pred", 3), "fp", "no overlap"),
        ({}, ("truth", 2), "fn", "best IoU 0.375 with pred 2 is below 0.5"),
        ({}, ("pred", 4), "fp", "best IoU 0.2 with truth 3 is below 0.5"),
        ({"strict": True}, ("pred", 1), "fp", "best IoU 0.5 with truth 1 does not exceed 0.5"),
        ({"iou_threshold": 0.3}, ("truth", 2), "fn", "IoU 0.375 with pred 2, which was matched to truth 4"),
        ({"iou_threshold": 0.2}, ("pred", 4), "fp", "IoU 0.2 with truth 3, which was matched to pred 5"),
        ({"matching": "merge"}, ("truth", 2), "fn", "IoU 0.375 of pred 2 with truth 2 is below 0.5"),
        ({"matching": "merge"}, ("pred", 2), "fp", "IoU 0.375 of pred 2 with truth 2 is below 0.5"),
        ({"matching": "merge"}, ("truth", 4), "fn", "pred 2 overlaps another lesion more"),
        (
            {"matching": "merge", "iou_threshold": 0.7},
            ("truth", 3),
            "fn",
            "IoU 0.6 of pred 4+5 with truth 3 is below 0.7",
        ),
    ],
)
def test_a_lesion_without_a_match_says_why(
    knobs: dict[str, Any], lesion: tuple[str, int], outcome: str, reason: str
) -> None:
    one = by_hand(**knobs)[lesion]
    assert (one.outcome, one.matched_ids, one.reason) == (outcome, (), reason)


def test_what_is_below_a_threshold_reads_so() -> None:
    pred, truth = np.zeros((2, 10_000), dtype=np.uint8)[:, None]
    truth[0, :9_999], pred[0, :4_999] = 1, 1
    assert rows_of(pred, truth)["truth", 1].reason == "best IoU 0.499 with pred 1 is below 0.5"


def test_the_parts_of_a_merged_lesion_are_marked() -> None:
    rows = by_hand(matching="merge")
    assert [rows["pred", one].outcome for one in (1, 4, 5)] == ["tp", "merged", "merged"]
    assert (rows["truth", 3].outcome, rows["truth", 3].matched_ids, rows["truth", 3].iou) == ("tp", (4, 5), 0.6)
    assert (rows["pred", 4].iou, rows["pred", 4].overlap_voxels) == (0.2, 2)


def test_a_forgiven_prediction_is_marked_and_says_what_it_lost_to() -> None:
    one = by_hand(iou_threshold=0.2, forgive_extra=True)["pred", 4]
    assert (one.outcome, one.reason) == ("merged", "IoU 0.2 with truth 3, which was matched to pred 5")


def test_any_overlap_joins_all_that_touch() -> None:
    rows = by_hand(matching="any_overlap")
    assert (rows["pred", 2].matched_ids, rows["pred", 2].overlap_voxels) == ((2, 4), 18)
    assert rows["pred", 2].iou == 18 / 24
    assert [rows["pred", one].outcome for one in (4, 5)] == ["tp", "tp"]  # both meet truth 3, and neither is merged


def test_place_and_size_are_in_millimetres_and_the_box_in_voxels() -> None:
    pred, truth = MASKS["F"].labels
    rows = lesion_rows(Lesions.of(pred, truth, classes=ONE, spacing_mm=MASKS["F"].spacing_mm))
    island = rows[1]
    where = np.argwhere(ndimage.label(pred, np.ones((3, 3, 3)))[0] == 2)
    assert island.voxels == len(where) == 9
    assert island.volume_mm3 == pytest.approx(9 * 0.8 * 0.8 * 3.0)
    assert island.centroid_mm == pytest.approx((where.mean(axis=0) * MASKS["F"].spacing_mm).tolist())
    assert island.bbox == (tuple(where.min(axis=0)), tuple(where.max(axis=0) + 1))


def test_a_lesion_at_the_image_border_is_marked() -> None:
    truth = np.zeros((5, 5), dtype=np.uint8)
    truth[2, 2] = truth[4, 4] = truth[0, 1] = 1
    assert [one.touches_border for one in rows_of(truth * 0, truth).values()] == [True, False, True]


def test_the_nearest_lesion_of_the_other_side_is_measured_from_surface_to_surface() -> None:
    truth, pred = np.zeros((2, 9, 12), dtype=np.uint8)
    truth[1:4, 1:4] = pred[1:4, 7:10] = 1
    lesions = Lesions.of(pred, truth, classes=ONE, spacing_mm=(1.0, 0.5))
    assert [one.nearest_other_mm for one in lesion_rows(lesions)] == [2.0, 2.0]
    alone = lesion_rows(Lesions.of(pred * 0, truth, classes=ONE, spacing_mm=(1.0, 0.5)))
    assert [one.nearest_other_mm for one in alone] == [math.inf]


def test_a_lesion_inside_another_is_as_far_as_its_surface() -> None:
    truth, pred = np.ones((7, 7), dtype=np.uint8), np.zeros((7, 7), dtype=np.uint8)
    pred[3, 3] = 1
    assert rows_of(pred, truth)["pred", 1].nearest_other_mm == 3.0


def test_probabilities_inside_a_lesion_are_told_where_there_are_any() -> None:
    truth = row(1, 1, 0, 1)
    lesions = Lesions.of(truth, truth, classes=ONE)
    probs = np.array([[[0.5, 0.75, 0.0, 1.0]]], dtype=np.float32)
    assert [
        (one.max_prob, one.mean_prob) for one in lesion_rows(lesions, probs=[ProbMap(stored=one) for one in probs])
    ] == [(0.75, 0.625), (1, 1)] * 2
    assert all(math.isnan(one.max_prob) and math.isnan(one.mean_prob) for one in lesion_rows(lesions))


def test_an_unknown_voxel_size_counts_as_one() -> None:
    truth = row(1, 1, 0, 1)
    assert [one.volume_mm3 for one in lesion_rows(Lesions.of(truth, truth, classes=ONE))][:2] == [2.0, 1.0]


def test_each_class_has_its_own_lesions() -> None:
    classes = [LabelClass(name="a", ids=(1,)), LabelClass(name="b", ids=(2,)), LabelClass(name="none", ids=(3,))]
    truth = row(1, 2, 2, 0, 1)
    rows = lesion_rows(Lesions.of(truth, truth, classes=classes))
    assert [(one.of.name, one.side, one.lesion_id) for one in rows] == [
        ("a", "pred", 1),
        ("a", "pred", 2),
        ("a", "truth", 1),
        ("a", "truth", 2),
        ("b", "pred", 1),
        ("b", "truth", 1),
    ]


@settings(max_examples=40)
@given(hnp.arrays(np.uint8, (2, 5, 6), elements=st.integers(0, 1)), st.sampled_from(MATCHINGS), st.booleans())
def test_rows_and_counts_tell_the_same(sides: np.ndarray, matching: str, forgive: bool) -> None:
    knobs = {"matching": matching, "iou_threshold": 0.2, "forgive_extra": forgive}
    lesions = Lesions.of(*sides, classes=ONE, spacing_mm=(1.0, 1.0))
    rows, counts = lesion_rows(lesions, **knobs), lesions.matched(**knobs)
    outcomes = [(one.side, one.outcome) for one in rows]
    assert outcomes.count(("pred", "fp")) == counts.fp
    assert outcomes.count(("truth", "fn")) == counts.fn
    assert outcomes.count(("truth", "tp")) == counts.tp
    assert sum(1 for one in rows if one.side == "pred" and one.matched_ids) == counts.used
    assert all(bool(one.reason) != bool(one.matched_ids) for one in rows)


@settings(max_examples=40)
@given(hnp.arrays(np.uint8, (2, 5, 6), elements=st.integers(0, 1)), st.sampled_from(MATCHINGS))
def test_overlap_with_all_partners_is_that_of_their_union(sides: np.ndarray, matching: str) -> None:
    pred, truth = (ndimage.label(side, np.ones((3, 3)))[0] for side in sides)
    lesions = Lesions.of(*sides, classes=ONE)
    for one in lesion_rows(lesions, matching=matching, iou_threshold=0.2):
        own, other = (pred, truth) if one.side == "pred" else (truth, pred)
        if one.matched_ids:
            mine, theirs = own == one.lesion_id, np.isin(other, one.matched_ids)
            assert one.overlap_voxels == (mine & theirs).sum()
            assert one.iou == (mine & theirs).sum() / (mine | theirs).sum()
            assert one.dice == pytest.approx(2 * (mine & theirs).sum() / (mine.sum() + theirs.sum()))


def test_a_lesion_that_is_mostly_ignored_says_so() -> None:
    pred, truth = np.array([[0, 0, 1, 1, 1, 1]]), np.array([[1, 0, 0, 9, 9, 9]])
    lesions = Lesions.of(pred, truth, classes=(LabelClass(name="one", ids=(1,)),), ignore=(9,))
    (first, _) = lesion_rows(lesions)
    assert (first.side, first.outcome, first.voxels) == ("pred", "ignored", 1)
    assert first.reason == "3 of its 4 voxels are ignored"


def test_rows_kept_as_columns_come_back_from_a_journal_and_are_made_when_asked_for() -> None:
    pred, truth = (np.array(GOLDEN["arrays"][f"L.{side}"], dtype=np.uint8) for side in ("pred", "truth"))
    rows = lesion_rows(Lesions.of(pred, truth, classes=ONE, spacing_mm=(1.0,) * pred.ndim))
    back = record_of_text(text_of_record(rows))
    assert [repr(one) for one in back] == [repr(one) for one in rows]
    assert (len(rows), rows[-1].side, rows[5].lesion_id) == (10, "truth", 1)


def test_small_classes_among_many_find_the_nearest_lesion_too(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    pred, truth = random.integers(0, 40, (2, 12, 11, 10)).astype(np.uint8)
    classes = [LabelClass(name=str(one), ids=(one,)) for one in range(1, 40)]

    def nearest() -> list[float]:
        rows = lesion_rows(Lesions.of(pred, truth, classes=classes, spacing_mm=(0.5, 1.0, 3.0)))
        return [one.nearest_other_mm for one in rows]

    few = nearest()
    monkeypatch.setattr(surfaces_numpy, "_FEW_IN_ALL", 0)
    assert nearest() == pytest.approx(few, rel=1e-12)
    assert len(few) > 1000
