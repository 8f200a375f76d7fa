"""Lesion metrics against worked values, and the laws they obey."""

import math
import pickle
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import segeval
from segeval.errors import ConfigError
from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.lesions import LesionCounts, Lesions
from segeval.evidence.lesions.matching import MatchRule
from segeval.measure import Measure
from segeval.metrics import lesion
from tests.conftest import golden
from tests.masks import MASKS, ONE

GOLDEN = golden("lesions")
VALUES = {name: math.nan if value is None else value for name, value in GOLDEN["values"].items()}
MEASURES = {name: one for name, one in vars(lesion).items() if isinstance(one, Measure)}
MATCHINGS = ("hungarian", "greedy", "merge", "any_overlap")
SHORT = {
    "precision": "lesion_precision",
    "recall": "lesion_recall",
    "f1": "lesion_f1",
    "pq": "pq",
    "sq": "sq",
    "rq": "rq",
}

WORKED = re.compile(
    r"(L\.(?P<connectivity>full|face)|F\.lesion)\.(?P<matching>\w+)@(?P<threshold>[\d.]+)\.(?P<name>\w+)"
)
of_matching = [name for name in VALUES if WORKED.fullmatch(name) and "fp_volume" not in name]


def by_hand() -> Lesions:
    """Fixture L: five lesions on either side."""
    pred, truth = (np.array(GOLDEN["arrays"][f"L.{side}"], dtype=np.uint8) for side in ("pred", "truth"))
    return Lesions.of(pred, truth, classes=ONE, spacing_mm=(1.0, 1.0))


def two_balls() -> Lesions:
    """Fixture F: one lesion, predicted off its place and with an island."""
    return Lesions.of(*MASKS["F"].labels, classes=ONE, spacing_mm=MASKS["F"].spacing_mm)


def row(*ids: int) -> np.ndarray:
    return np.array([ids], dtype=np.uint8)


def found(pred: np.ndarray, truth: np.ndarray, **knobs: Any) -> dict[str, float]:
    """Every lesion metric of two masks with the id 1."""
    lesions = Lesions.of(pred, truth, classes=ONE, spacing_mm=(1.0,) * pred.ndim)
    return {name: float(one(lesions, **_known(one, knobs))[0]) for name, one in MEASURES.items()}


def _known(measure: Measure, knobs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in knobs.items() if name in measure.knobs}


@pytest.mark.parametrize("name", of_matching)
def test_a_worked_value_comes_out(name: str) -> None:
    match = WORKED.fullmatch(name)
    assert match
    lesions = by_hand() if name.startswith("L") else two_balls()
    knobs = {
        "connectivity": match["connectivity"] or "full",
        "matching": match["matching"],
        "iou_threshold": float(match["threshold"]),
    }
    if match["name"] in ("tp", "fp", "fn"):
        value = getattr(lesions.matched(**knobs), match["name"])
    else:
        value = MEASURES[SHORT[match["name"]]](lesions, **knobs)
    assert value == pytest.approx([VALUES[name]], abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("fixture", ["L.full", "L.face", "F.lesion"])
def test_the_lesions_of_a_worked_example_are_counted(fixture: str) -> None:
    lesions = by_hand() if fixture.startswith("L") else two_balls()
    connectivity = "face" if "face" in fixture else "full"
    pred = lesion.n_lesions_pred(lesions, connectivity=connectivity)
    truth = lesion.n_lesions_truth(lesions, connectivity=connectivity)
    assert (pred, truth) == (VALUES[f"{fixture}.n_pred"], VALUES[f"{fixture}.n_truth"])
    assert lesion.lesion_count_difference(lesions, connectivity=connectivity) == pred - truth


@pytest.mark.parametrize("name", [name for name in GOLDEN["arrays"] if "pairs" in name and "any" not in name])
def test_the_worked_pairs_are_matched(name: str) -> None:
    if name.startswith("I"):
        lesions, rule = instances(), MatchRule()
    else:
        match = re.fullmatch(r"L\.(full|face)\.(\w+)@([\d.]+)\.pairs_truth_pred", name)
        assert match
        lesions = by_hand()
        rule = MatchRule(connectivity=match[1], matching=match[2], iou_threshold=float(match[3]))  # type: ignore[arg-type]
    matched = lesions.pairing(0, rule)
    overlaps = matched.found.overlaps
    pairs = {(int(overlaps.truth[i]) + 1, int(overlaps.pred[i]) + 1) for i in np.flatnonzero(matched.linked)}
    worked = {(truth, one) for truth, preds in GOLDEN["arrays"][name] for one in np.atleast_1d(preds).tolist()}
    assert pairs == worked


def instances() -> Lesions:
    """Fixture I: one true instance, and two predicted ones that touch and halve it."""
    pred, truth = (np.array(GOLDEN["arrays"][f"I.{side}"]) for side in ("pred", "truth"))
    binary = (pred > 0).astype(np.uint8), (truth > 0).astype(np.uint8)
    return Lesions.of(*binary, classes=ONE, spacing_mm=(1.0, 1.0), instances=(pred, truth))


@pytest.mark.parametrize("name", ["precision", "recall", "f1", "pq"])
def test_instance_maps_take_the_place_of_components(name: str) -> None:
    assert MEASURES[SHORT[name]](instances()) == pytest.approx([VALUES[f"I.{name}"]])


def test_an_instance_map_may_be_of_any_integer_type() -> None:
    instances = row(1, 1, 0, 1).astype(np.uint16) * np.array([[400, 300, 0, 300]], dtype=np.uint16)
    lesions = Lesions.of(row(1, 1, 0, 1), row(1, 1, 0, 1), classes=ONE, instances=(instances, instances))
    assert lesions.found(0).truth.ids.tolist() == [300, 400]
    assert lesion.pq(lesions).tolist() == [1.0]


def test_no_class_gives_no_value() -> None:
    assert lesion.lesion_f1(Lesions.of(row(1), row(1), classes=())).tolist() == []


def test_small_lesions_of_both_sides_are_left_out_and_counted() -> None:
    lesions = by_hand()
    assert lesion.lesion_f1(lesions, min_size_mm3=2.0) == pytest.approx([VALUES["L.min2.hungarian@0.5.f1"]])
    assert lesion.n_lesions_truth(lesions, min_size_mm3=2.0) == [VALUES["L.min2.n_truth"]]
    assert lesion.n_lesions_pred(lesions, min_size_mm3=2.0) == [VALUES["L.min2.n_pred"]]
    counts = lesions.matched(min_size_mm3=2.0)
    assert (counts.n_dropped_pred.tolist(), counts.n_dropped_truth.tolist()) == ([0.0], [1.0])


def test_volumes_of_false_alarms_and_misses_are_in_ml() -> None:
    lesions = two_balls()
    assert lesion.fp_volume_ml(lesions, iou_threshold=0.1) == pytest.approx([VALUES["F.lesion.fp_volume_ml"]])
    assert lesion.fn_volume_ml(lesions) == pytest.approx([1.13856])  # 593 voxels of 1.92 mm³


def test_a_volume_is_undefined_in_two_dimensions_and_without_a_voxel_size() -> None:
    cube = np.ones((2, 2, 2), dtype=np.uint8)
    assert math.isnan(found(row(1, 0, 1), row(1, 0, 0))["fp_volume_ml"])
    assert np.isnan(lesion.fp_volume_ml(Lesions.of(cube, cube, classes=ONE))).all()


@pytest.mark.parametrize("status", ["absent_both", "absent_pred", "absent_truth"])
@pytest.mark.parametrize("short", SHORT)
def test_an_absent_class_gets_its_worked_value(status: str, short: str) -> None:
    some, none = row(1, 1, 0, 1), row(0, 0, 0, 0)
    pred, truth = {"absent_both": (none, none), "absent_pred": (none, some), "absent_truth": (some, none)}[status]
    expected = VALUES[f"{status}.lesion.{short}"]
    assert found(pred, truth)[SHORT[short]] == pytest.approx(expected, nan_ok=True)


def test_absent_classes_have_no_volume_and_no_lesions() -> None:
    nothing = np.zeros((2, 2, 2), dtype=np.uint8)
    values = found(nothing, nothing)
    assert [values[name] for name in MEASURES if "volume" in name or "n_lesions" in name] == [0.0] * 4


def test_pieces_of_one_lesion_count_together_only_when_merged() -> None:
    pred, truth = row(1, 1, 0, 1, 1), row(1, 1, 1, 1, 1)
    assert found(pred, truth, iou_threshold=0.7)["lesion_recall"] == 0.0
    merged = found(pred, truth, matching="merge", iou_threshold=0.7)
    assert (merged["lesion_recall"], merged["lesion_precision"], merged["sq"]) == (1.0, 1.0, 0.8)
    assert merged["rq"] == 1.0


def test_forgiven_predictions_are_no_false_alarms() -> None:
    pred, truth = row(1, 1, 0, 1, 1, 0, 0, 1), row(1, 1, 1, 1, 1, 0, 0, 0)
    plain, forgiving = (found(pred, truth, iou_threshold=0.3, forgive_extra=one) for one in (False, True))
    assert (plain["lesion_precision"], forgiving["lesion_precision"]) == (1 / 3, 1 / 2)
    assert plain["lesion_recall"] == forgiving["lesion_recall"] == 1.0


def test_forgiveness_matters_from_one_half_on_where_objects_are_merged_or_share_voxels() -> None:
    """One prediction is enough for a match by itself, and is in none: a group fails, or another one is preferred."""
    pred, truth = row(*[1] * 6, 0, 0, *[1] * 12)[None], row(*[1] * 10, *[0] * 10)[None]
    plain, forgiving = (found(pred, truth, matching="merge", forgive_extra=one) for one in (False, True))
    assert (plain["fp_volume_ml"], forgiving["fp_volume_ml"]) == pytest.approx((0.018, 0.012))
    halves = {"pred_instances": row(1, 1, 2, 2), "truth_instances": row(1, 1, 1, 1), "bootstrap": 0}
    precision = ["lesion_precision", "lesion_precision(forgive_extra=true)"]
    results = segeval.score(row(1, 1, 1, 1), row(1, 1, 1, 1), measures=precision, **halves)
    assert [results[name, "1"].mean for name in precision] == [0.5, 1.0]


def test_a_strict_threshold_turns_the_pairs_that_just_reach_it_down() -> None:
    assert lesion.pq(by_hand(), strict=True).tolist() == [0.0]
    assert lesion.pq(by_hand(), strict=True, iou_threshold=0.3) == pytest.approx([0.275])


few = settings(max_examples=20)  # the shape checks make each example slow
CLASSES = tuple(LabelClass(name=name, ids=ids) for name, ids in [("a", (1,)), ("b", (2,)), ("both", (1, 2))])


@st.composite
def images(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Tiny label images of two classes, often empty."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=3, max_side=6))
    ids = st.sampled_from(draw(st.sampled_from([[0], [0, 1], [0, 0, 1, 2], [1, 2]])))
    pred, truth = (draw(hnp.arrays(np.uint8, shape, elements=ids)) for _ in range(2))
    return pred, truth


def every_value(lesions: Lesions, **knobs: Any) -> dict[str, list[float]]:
    return {name: one(lesions, **_known(one, knobs)).tolist() for name, one in MEASURES.items()}


def of(pred: np.ndarray, truth: np.ndarray, spacing: float = 1.0) -> Lesions:
    return Lesions.of(pred, truth, classes=CLASSES, spacing_mm=(spacing,) * pred.ndim)


def same(one: dict[str, list[float]], other: dict[str, list[float]]) -> None:
    assert list(one) == list(other)
    for name, values in one.items():
        assert values == pytest.approx(other[name], nan_ok=True), name


@few
@given(images(), st.sampled_from(MATCHINGS))
def test_values_stay_within_their_bounds_and_perfect_ones_are_best(
    sides: tuple[np.ndarray, np.ndarray], matching: str
) -> None:
    for name, values in every_value(of(*sides), matching=matching).items():
        low, high = MEASURES[name].bounds
        assert all(math.isnan(value) or low <= value <= high for value in values), name
    for name, values in every_value(of(sides[1], sides[1]), matching=matching).items():
        if MEASURES[name].best is not None:
            assert all(math.isnan(value) or value == MEASURES[name].best for value in values), name


@few
@given(images(), st.permutations([0, 1, 2]), st.sets(st.integers(0, 2)))
def test_flips_and_axis_swaps_change_nothing(
    sides: tuple[np.ndarray, np.ndarray], axes: list[int], flipped: set[int]
) -> None:
    ndim = sides[0].ndim
    axes, flips = [axis for axis in axes if axis < ndim], tuple(axis for axis in flipped if axis < ndim)
    turned = tuple(np.flip(side, axis=flips).transpose(axes) for side in sides)
    same(every_value(of(*sides), iou_threshold=0.5), every_value(of(*turned), iou_threshold=0.5))


@few
@given(images(), st.sampled_from(["hungarian", "greedy"]))
def test_swapping_the_sides_swaps_precision_and_recall(sides: tuple[np.ndarray, np.ndarray], matching: str) -> None:
    there = every_value(of(*sides), matching=matching)
    back = every_value(of(*sides[::-1]), matching=matching)
    swapped = {"lesion_precision": "lesion_recall", "fp_volume_ml": "fn_volume_ml", "n_lesions_pred": "n_lesions_truth"}
    for one, other in {**swapped, "lesion_f1": "lesion_f1", "pq": "pq", "rq": "rq", "sq": "sq"}.items():
        assert there[one] == pytest.approx(back[other], nan_ok=True), one


@few
@given(images(), st.sampled_from(MATCHINGS[:3]))
def test_panoptic_quality_is_recognition_times_segmentation(
    sides: tuple[np.ndarray, np.ndarray], matching: str
) -> None:
    values = every_value(of(*sides), matching=matching, iou_threshold=0.3)
    for pq, sq, rq in zip(values["pq"], values["sq"], values["rq"], strict=True):
        assert math.isnan(sq) or pq == pytest.approx(sq * rq)


@few
@given(images(), st.sampled_from([0.5, 2.0, 3.0]))
def test_a_larger_voxel_size_scales_the_volumes_alone(sides: tuple[np.ndarray, np.ndarray], factor: float) -> None:
    small, large = every_value(of(*sides)), every_value(of(*sides, spacing=factor))
    for name in small:
        scale = factor**3 if "volume" in name else 1.0
        assert [scale * value for value in small[name]] == pytest.approx(large[name], nan_ok=True), name


@few
@given(images())
def test_padding_with_background_changes_nothing(sides: tuple[np.ndarray, np.ndarray]) -> None:
    padded = tuple(np.pad(side, 2) for side in sides)
    same(every_value(of(*sides)), every_value(of(*padded)))


@few
@given(images())
def test_the_memory_layout_changes_nothing(sides: tuple[np.ndarray, np.ndarray]) -> None:
    pred, truth = sides
    same(every_value(of(pred, truth)), every_value(of(np.asfortranarray(pred), truth.astype(np.int32))))


@few
@given(images(), images(), st.sampled_from(MATCHINGS))
def test_a_measure_of_summed_counts_is_that_of_all_lesions(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray], matching: str
) -> None:
    counts = [of(*sides).matched(matching=matching) for sides in (one, other)]
    recall = lesion.lesion_recall(counts[0] + counts[1], matching=matching)
    tp, fn = sum(each.tp for each in counts), sum(each.fn for each in counts)
    np.testing.assert_array_equal(recall, np.where(tp + fn > 0, tp / np.maximum(tp + fn, 1), np.nan))


def test_the_counts_of_some_classes_are_those_of_each() -> None:
    counts = two_balls().matched()
    again = LesionCounts.stack([counts[i] for i in range(len(counts.tp))])
    assert again.tp.tolist() == counts.tp.tolist()
    assert len(pickle.dumps(again)) < 5000


def test_nothing_is_matched_twice() -> None:
    lesions = by_hand()
    assert lesions.found(0) is lesions.found(0, connectivity="full", min_size_mm3=0.0)
    assert lesions.matched(matching="merge").tp.tolist() == lesions.matched(matching="merge").tp.tolist()


# ignored voxels are unknown, not background


def ignoring(pred: np.ndarray, truth: np.ndarray, **facts: Any) -> Lesions:
    return Lesions.of(pred, truth, classes=ONE, ignore=(9,), **facts)


def test_a_predicted_lesion_that_reaches_across_ignored_voxels_stays_one() -> None:
    lesions = ignoring(row(1, 1, 1, 0, 1, 1, 1), row(1, 1, 9, 0, 1, 9, 1))
    assert lesion.n_lesions_pred(lesions).tolist() == [2.0]
    assert lesion.sq(lesions).tolist() == [1.0]  # their ignored voxels count in no overlap
    assert lesion.lesion_precision(lesions).tolist() == [1.0]


@pytest.mark.parametrize(("n_ignored", "alarms", "counted"), [(1, 1, 1), (2, 1, 1), (3, 0, 0)])
def test_an_unmatched_lesion_that_is_mostly_ignored_is_no_false_alarm(
    n_ignored: int, alarms: int, counted: int
) -> None:
    truth = row(1, 0, 0, 0, *[9] * n_ignored)
    lesions = ignoring(row(0, 0, 1, 1, *[1] * n_ignored), truth)
    found = lesions.matched()
    assert (found.fp.tolist(), found.used.tolist(), found.n_pred.tolist()) == ([alarms], [0], [counted])


def test_a_matched_lesion_counts_however_much_of_it_is_ignored() -> None:
    found = ignoring(row(1, 1, 1, 1, 1), row(1, 9, 9, 9, 9)).matched()
    assert (found.tp.tolist(), found.used.tolist(), found.fp.tolist()) == ([1], [1], [0])


def test_a_lesion_that_is_ignored_altogether_is_not_there() -> None:
    found = ignoring(row(0, 0, 1, 1), row(0, 0, 9, 9)).matched()
    assert (found.n_pred.tolist(), found.fp.tolist()) == ([0], [0])


def test_the_smallest_size_is_asked_of_the_whole_lesion() -> None:
    lesions = ignoring(row(1, 1, 0, 1, 1), row(1, 9, 0, 9, 0))
    assert lesions.matched(min_size_mm3=2.0).n_dropped_pred.tolist() == [0]
    assert lesions.matched(min_size_mm3=3.0).n_dropped_pred.tolist() == [2]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_fourth_slice_annotated_keeps_one_lesion_one(axis: int) -> None:
    solid = np.zeros((30, 30, 24), dtype=np.uint8)
    solid[3:8, 3:8, 2:22], solid[15:25, 15:25, 2:22] = 1, 1
    sparse = np.full_like(solid, 9)
    sparse[:, :, ::4] = solid[:, :, ::4]
    pred, truth = (np.moveaxis(side, 2, axis) for side in (solid, sparse))
    found = ignoring(pred, truth).matched()
    assert (found.n_pred.tolist(), found.n_truth.tolist(), found.tp.tolist()) == ([2], [2], [2])
    assert found.iou_sum.tolist() == [2.0]


def test_an_ignored_rim_between_two_true_lesions_joins_them_not() -> None:
    truth = np.zeros((5, 9), dtype=np.uint8)
    truth[1:4, 1:4], truth[1:4, 5:8], truth[1:4, 4] = 1, 1, 9
    assert ignoring(np.minimum(truth, 1), truth).matched().n_truth.tolist() == [2]


def test_instance_maps_name_lesions_in_ignored_voxels_too() -> None:
    truth = np.array([[1, 9, 9, 1], [0, 0, 0, 0]])
    ids = np.array([[7, 7, 8, 8], [0, 0, 0, 0]])
    found = ignoring(np.minimum(ids, 1), truth, instances=(ids, None)).matched()
    assert (found.n_pred.tolist(), found.tp.tolist(), found.fp.tolist()) == ([2], [2], [0])


def test_an_unknown_setting_of_the_matching_is_refused_by_the_knobs() -> None:
    with pytest.raises(ConfigError, match="matching=voronoi does not fit"):
        MEASURES["lesion_f1"].at(matching="voronoi")


def test_a_measure_says_what_it_reads_and_which_knobs_it_has() -> None:
    assert lesion.lesion_f1.needs == (LesionCounts,)
    assert lesion.lesion_f1.sources == {LesionCounts: Lesions}
    assert list(lesion.lesion_f1.knobs)[:4] == ["matching", "iou_threshold", "connectivity", "min_size_mm3"]
    assert lesion.lesion_f1.summary == "Harmonic mean of lesion precision and lesion recall."
    assert lesion.lesion_f1.at(iou_threshold=0.1).column == "lesion_f1(iou_threshold=0.1)"
