"""The presets of challenges against worked values, and what they say of an absent side."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from segeval import catalogue
from segeval.choice import choose, measure_of
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.surfaces.surface import Surfaces
from segeval.metrics.boundary import hd95
from segeval.metrics.boundary_scores import nsd
from segeval.metrics.tasks.challenges import lesionwise_hd95, lesionwise_nsd
from segeval.profiles import PROFILES, profile
from segeval.profiles.challenges import CHALLENGES
from segeval.results import Results
from segeval.scoring.collect import collect
from segeval.scoring.evaluate import evaluate
from segeval.scoring.evidence import Evidence
from segeval.scoring.plan import Aggregation, Plan
from tests.conftest import golden
from tests.masks import ONE
from tests.metrics.test_instances import ARRAYS, VALUES, as_maps, drawn, summary_of, two_classes

LESIONS = golden("lesions")["arrays"]
MM = (1.0, 1.0, 1.0)


def mask(name: str, side: str) -> np.ndarray:
    """A side of fixture W, U, L or N as a mask of one class."""
    if name == "L":
        return np.array(LESIONS[f"L.{side}"], dtype=np.uint8)
    if name == "U":
        return (drawn(ARRAYS["U"]["shape"], ARRAYS["U"][f"{side}_boxes"]) > 0).astype(np.uint8)
    return (drawn(ARRAYS[f"{name}.shape"], ARRAYS[f"{name}.{side}_boxes"]) > 0).astype(np.uint8)


def values_of(like: str, pred: np.ndarray, truth: np.ndarray, **facts: Any) -> dict[str, float]:
    """What a preset reports of one case of one class, by its columns without the name of the preset."""
    plan = Plan(measures=choose((), like=[like]).calls, labels=LabelMap(classes=ONE))
    case = Case(case_id="x", pred=pred, truth=truth, **{"spacing_mm": MM[: pred.ndim], **facts})
    score = evaluate(case, plan)
    found = {**score.classes[0].values, **score.row.values}
    assert all(column.endswith(f"[{profile(like).name}]") for column in found)
    return {column.partition("[")[0]: value for column, value in found.items()}


WORKED = [
    *(
        (f"W.{measure}[{rule}]", "W", rule, measure)
        for measure in ("lesionwise_dice", "lesionwise_hd95")
        for rule in ("brats2023_gli", "brats2023_met")
    ),
    *((f"W.{measure}[brats2025]", "W", "brats2025", measure) for measure in ("lesionwise_dice", "lesion_f1")),
    ("W.fp_volume_ml[autopet]", "W", "autopet", "fp_volume_ml"),
    ("W.fn_volume_ml[autopet]", "W", "autopet", "fn_volume_ml"),
    ("W.dice", "W", "autopet", "dice"),
    ("W.absolute_volume_difference_ml", "W", "isles", "absolute_volume_difference_ml"),
    ("W.lesion_count_difference[isles2022]", "W", "isles", "lesion_count_difference"),
    *((f"{name}.lesion_f1[isles2022]", name, "isles", "lesion_f1") for name in ("W", "L", "U")),
    *((f"{name}.lesion_f1[wmh2017]", name, "wmh", "lesion_f1") for name in ("W", "L")),
    ("W.lesion_recall[wmh2017]", "W", "wmh", "lesion_recall"),
    ("W.avd_percent[wmh2017]", "W", "wmh", "absolute_volume_difference_percent"),
    *(
        (f"{name}.lesion_{measure}[msseg]", name, "msseg", f"lesion_{measure}")
        for name in ("W", "L")
        for measure in ("recall", "precision", "f1")
    ),
]


@pytest.mark.parametrize(("name", "masks", "like", "measure"), WORKED)
def test_a_worked_value_of_lesions_comes_out(name: str, masks: str, like: str, measure: str) -> None:
    found = values_of(like, mask(masks, "pred"), mask(masks, "truth"))
    assert found[measure] == pytest.approx(VALUES[name], abs=1e-9)


def test_the_voxels_of_autopet_are_those_of_whole_components_of_one_side() -> None:
    found = values_of("autopet", mask("L", "pred")[None], mask("L", "truth")[None])  # voxels of 1 mm³
    assert 1000 * found["fp_volume_ml"] == pytest.approx(VALUES["L.fp_voxels[autopet]"])
    assert 1000 * found["fn_volume_ml"] == pytest.approx(VALUES["L.fn_voxels[autopet]"])


def test_lesions_found_by_any_overlap_have_their_worked_f1() -> None:
    case = Case(case_id="x", pred=mask("U", "pred"), truth=mask("U", "truth"), spacing_mm=MM[: mask("U", "pred").ndim])
    call = measure_of("lesion_f1").at(matching="any_overlap")
    score = evaluate(case, Plan(measures=(call,), labels=LabelMap(classes=ONE)))
    assert score.classes[0].values[call.column] == pytest.approx(VALUES["U.lesion_f1.any_overlap"], abs=1e-9)


@pytest.mark.parametrize(
    ("name", "like", "column"),
    [
        ("N.aji[cellpose]", "cellpose", "aji"),
        ("N.accuracy@0.50", "cellpose", "instance_accuracy"),
        ("N.accuracy@0.75", "cellpose", "instance_accuracy(iou_threshold=0.75)"),
        ("N.seg", "ctc-seg", "seg"),
        ("N.det", "ctc-seg", "det"),
        ("N.pq.strict", "pannuke", "bpq"),
        ("N.pq.strict", "panopticapi", "pq"),
        ("N.accuracy@0.50", "stardist", "instance_accuracy"),
        ("N.adapted_rand_error.snemi3d", "snemi3d", "adapted_rand_error"),
    ],
)
def test_a_worked_value_of_cells_comes_out(name: str, like: str, column: str) -> None:
    ids = as_maps(*(drawn(ARRAYS["N.shape"], ARRAYS[f"N.{side}_boxes"]) for side in ("pred", "truth")))
    assert values_of(like, mask("N", "pred"), mask("N", "truth"), instances=ids)[column] == pytest.approx(
        VALUES[name], abs=1e-9
    )


def test_cells_of_cellpose_are_paired_by_a_half_before_the_sum_of_their_iou() -> None:
    """One truth of 100 pixels: 60 in a prediction that holds 20 of another truth, the other 40 in a second one."""
    truth = np.repeat([1, 2], [100, 20])[None]
    pred = np.repeat([2, 1], [40, 80])[None]
    found = values_of(
        "cellpose", np.ones_like(pred, np.uint8), np.ones_like(truth, np.uint8), instances=as_maps(pred, truth)
    )
    assert found["aji"] == pytest.approx(60 / 120)  # IoU ½ of the first pair; the sum of IoU is larger the other way
    assert values_of("cellpose", mask("N", "pred") * 0, mask("N", "truth") * 0)["aji"] == pytest.approx(
        math.nan, nan_ok=True
    )


def results_of(like: str, cases: list[Case], labels: LabelMap) -> Results:
    plan = Plan(measures=choose((), like=[like]).calls, labels=labels)
    return collect([evaluate(case, plan) for case in cases], plan, Aggregation(bootstrap=0), {})


def test_the_mean_of_data_science_bowl_wants_more_than_each_threshold() -> None:
    ids = as_maps(*(drawn(ARRAYS["N.shape"], ARRAYS[f"N.{side}_boxes"]) for side in ("pred", "truth")))
    found = values_of("dsb2018", mask("N", "pred"), mask("N", "truth"), instances=ids)["mean_instance_accuracy"]
    by_threshold = [row["accuracy"] for row in ARRAYS["N.by_threshold"]]
    assert found <= sum(by_threshold) / 10 - (by_threshold[0] - VALUES["N.accuracy@.5.strict"]) / 10 + 1e-9


Q = LabelMap(classes=tuple(LabelClass(name=str(one), ids=(one,)) for one in (1, 2)))


def test_nuclei_of_two_classes_have_their_worked_qualities() -> None:
    conic, pannuke = (results_of(like, two_classes(), Q) for like in ("conic", "pannuke"))
    assert summary_of(conic, "(all)", "bpq[conic]").statistics["mean"] == pytest.approx(VALUES["Q.bpq.mean_of_images"])
    assert summary_of(conic, "(all)", "mpq_plus[conic]").pooled == pytest.approx(VALUES["Q.mpq_plus"], abs=1e-9)
    assert summary_of(pannuke, "(all)", "mpq[pannuke]").statistics["mean"] == pytest.approx(VALUES["Q.mpq[pannuke]"])


def test_a_class_that_no_image_has_is_a_zero_of_conic_and_an_empty_tile_too() -> None:
    three = LabelMap(classes=(*Q.classes, LabelClass(name="3", ids=(3,))))
    empty = Case(case_id="empty", pred=np.zeros((8, 10), np.uint8), truth=np.zeros((8, 10), np.uint8))
    found = results_of("conic", [*two_classes(), empty], three)
    assert summary_of(found, "(all)", "mpq_plus[conic]").pooled == pytest.approx(VALUES["Q.mpq_plus"] * 2 / 3)
    assert summary_of(found, "(all)", "bpq[conic]").statistics["mean"] == pytest.approx(
        VALUES["Q.bpq.mean_of_images"] * 2 / 3
    )


def dots(n: int) -> np.ndarray:
    image = np.zeros((3, 12), dtype=np.uint8)
    image[1, 1 : 2 * n : 2] = 1
    return image


def test_the_numbers_of_cells_are_compared_over_the_images() -> None:
    """Numbers 1, 2, 4, 0 and predicted 2, 2, 3, 0: 1 − (1 + 0 + 1) / (0.75² + 0.25² + 2.25² + 1.75²)."""
    numbers = [(2, 1), (2, 2), (3, 4), (0, 0)]
    cases = [Case(case_id=str(i), pred=dots(pred), truth=dots(truth)) for i, (pred, truth) in enumerate(numbers)]
    for labels in (LabelMap(classes=ONE), LabelMap()):  # by default the last case does not have the class at all
        rows = [row for row in results_of("conic", cases, labels).summary if row.column == "count_r2[conic]"]
        assert [row.pooled for row in rows] == pytest.approx([1 - 2 / 8.75] * 2)  # of the class, and (mean)
    same = [Case(case_id=str(i), pred=dots(i), truth=dots(2)) for i in range(3)]
    plan = Plan(measures=(catalogue.find("count_r2").at(),), labels=LabelMap(classes=ONE))
    found = collect([evaluate(case, plan) for case in same], plan, Aggregation(bootstrap=20), {})
    assert math.isnan(found.summary[0].pooled)


def test_pixels_of_all_images_together_have_their_worked_scores() -> None:
    classes = tuple(LabelClass(name=str(one), ids=(one,)) for one in range(4))
    sides = zip(ARRAYS["C.pred"], ARRAYS["C.truth"], strict=True)
    cases = [Case(case_id=str(i), pred=np.array(p), truth=np.array(t)) for i, (p, t) in enumerate(sides)]
    found = results_of("mmseg", cases, LabelMap(classes=classes, ignore=(255,)))
    for column, name in (("iou", "mIoU"), ("sensitivity", "mAcc"), ("dice", "mDice")):
        assert summary_of(found, "(mean)", f"{column}[mmseg]").pooled == pytest.approx(VALUES[f"C.{name}"], abs=1e-9)
    assert summary_of(found, "(all)", "pixel_accuracy[mmseg]").pooled == pytest.approx(VALUES["C.aAcc"], abs=1e-9)


NAN = math.nan
ABSENT = {
    "brats2023": {"lesionwise_dice": (1, 0, 0), "lesionwise_hd95": (0, 374, 374)},
    "brats2024_ped": {
        "lesionwise_dice": (1, 0, 0),
        "lesionwise_hd95": (0, 374, 374),
        "lesionwise_nsd(tolerance_mm=0.5)": (1, 0, 0),
        "lesionwise_nsd(tolerance_mm=1)": (1, 0, 0),
    },
    "brats2024_men_rt": {  # the diagonal of 26 voxels a side; false alarms cost nothing
        "lesionwise_dice": (1, 0, 1),
        "lesionwise_hd95": (0, 26 * math.sqrt(3), 0),
        "lesionwise_nsd(tolerance_mm=0.5)": (1, 0, 1),
        "lesionwise_nsd(tolerance_mm=1)": (1, 0, 1),
    },
    "brats2025": {"lesionwise_dice": (NAN, 0, 0), "lesionwise_hd95": (NAN, 373, 373), "lesion_f1": (NAN, 0, 0)},
    "autopet": {"dice": (NAN, 0, 0), "fp_volume_ml": (0, 0, 0.387), "fn_volume_ml": (0, 0.584, 0)},
    "autopet3": {"dice": (NAN, 0, NAN), "fp_volume_ml": (0, 0, 0.387), "fn_volume_ml": (NAN, 0.584, NAN)},
    "isles": {
        "dice": (1, 0, 0),
        "lesion_f1": (1, 0, 0),
        "absolute_volume_difference_ml": (0, 0.584, 0.387),
        "lesion_count_difference": (0, 4, 3),
    },
    "msseg": {
        "dice": (NAN, 0, NAN),
        "lesion_f1": (NAN, 0, NAN),
        "lesion_recall": (NAN, 0, NAN),
        "lesion_precision": (NAN, 0, NAN),
        "n_lesions_pred": (0, 0, 3),
    },
    "wmh": {
        "dice": (NAN, 0, 0),
        "hd95": (NAN, NAN, NAN),
        "absolute_volume_difference_percent": (NAN, 100, NAN),
        "lesion_recall": (1, 0, 1),
        "lesion_f1": (1, 0, 0),
    },
}


@pytest.mark.parametrize("like", ABSENT)
def test_an_absent_side_has_what_the_challenge_gives_it(like: str) -> None:
    pred, truth = mask("W", "pred"), mask("W", "truth")
    nothing = np.zeros_like(pred)
    rows = [values_of(like, *sides) for sides in ((nothing, nothing), (nothing, truth), (pred, nothing))]
    assert set(rows[0]) == set(ABSENT[like])
    for name, wanted in ABSENT[like].items():
        assert [row[name] for row in rows] == pytest.approx(wanted, nan_ok=True), name


def test_a_missed_lesion_that_is_too_small_costs_nothing_and_excuses_what_is_near_it() -> None:
    tiny = np.zeros((20, 20, 20), dtype=np.uint8)
    tiny[5:8, 5:8, 5:8] = 1
    assert values_of("brats2023", np.zeros_like(tiny), tiny)["lesionwise_dice"] == VALUES["W.tiny_truth_only.dice"]
    near = np.roll(tiny, 5, axis=0)  # two voxels between the two
    assert values_of("brats2023", near, tiny) == {"lesionwise_dice": 1.0, "lesionwise_hd95": 0.0}
    assert values_of("brats2023_met", near, tiny)["lesionwise_dice"] == 0.0


def test_lesions_that_touch_once_they_are_grown_are_one() -> None:
    truth = np.zeros((12, 12, 12), dtype=np.uint8)
    truth[:4, :4, :4] = truth[5:9, 5:9, 5:9] = 1  # 64 voxels each, a voxel between their corners
    pred = truth.copy()
    pred[:4, :4, :4] = 0
    assert values_of("brats2023_men", pred, truth)["lesionwise_dice"] == pytest.approx(2 * 64 / (64 + 128))


def test_specks_are_no_false_alarms_of_the_year_that_drops_them() -> None:
    truth = mask("W", "truth")
    pred = truth.copy()
    pred[24, 2, 24] = 1
    assert values_of("brats2023_met", pred, truth)["lesionwise_dice"] == pytest.approx(4 / 5)
    assert values_of("brats2024_met", pred, truth)["lesionwise_dice"] == 1.0
    assert values_of("brats2024_men", pred, truth)["lesionwise_dice"] == pytest.approx(3 / 4)  # without that of 8 mm³


def test_the_surface_dice_of_a_lesion_is_that_of_its_voxels_beside_background() -> None:
    truth = np.zeros((14, 12, 12), dtype=np.uint8)
    truth[3:9, 3:9, 3:9] = 1
    rim = truth.astype(bool) & ~ndimage.binary_erosion(truth)
    moved = np.roll(rim, 2, axis=0)
    near = (ndimage.distance_transform_edt(~moved)[rim] <= 1).mean()
    found = values_of("brats2024_men", np.roll(truth, 2, axis=0), truth)
    assert found["lesionwise_nsd(tolerance_mm=1)"] == pytest.approx(near)
    assert 0 < found["lesionwise_nsd(tolerance_mm=0.5)"] < near < 1


def test_a_preset_shows_all_it_reports_and_says_how() -> None:
    choice = choose((), like=["isles", "mmseg"])
    assert choice.shown == tuple(call.column for call in choice.calls)
    assert [note.partition(":")[0] for note in choice.notes] == ["mmseg"]
    assert choose((), like=["medpy"]).notes == ()


def test_a_preset_is_known_by_its_short_name_and_columns_have_the_long_one() -> None:
    assert profile("isles") is PROFILES["isles2022"]
    assert measure_of("lesion_f1[wmh]").at().column == "lesion_f1[wmh2017]"
    names = [name for one in PROFILES.values() for name in (one.name, *one.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("one", CHALLENGES, ids=lambda one: one.name)
def test_every_column_of_a_preset_is_read_back_as_what_it_is(one: Any) -> None:
    for call in one.calls():
        measure = measure_of(call.column)
        assert (measure.name, measure.profile) == (call.measure.name, one.name)
        assert {**measure.knobs, **call.knobs} == call.all_knobs


@pytest.mark.parametrize("ignores", [False, True], ids=["all count", "some ignored"])
def test_lesions_have_the_surfaces_that_each_has_alone_in_the_whole_image(ignores: bool) -> None:
    """Among them flat ones, which have a surface on both sides, and ones at the border."""
    random = np.random.default_rng(3)
    pred, truth = np.zeros((2, 40, 30, 20), dtype=np.uint8)
    boxes = [((0, 0, 0), (4, 5, 6)), ((20, 20, 10), (1, 6, 5)), ((12, 3, 2), (6, 1, 7)), ((30, 24, 14), (9, 5, 6))]
    for label, (low, size) in enumerate(boxes, start=1):
        box = tuple(slice(a, a + n) for a, n in zip(low, size, strict=True))
        truth[box] = label
        pred[box] = label * (random.random(size) < 0.8)
    ignored = np.zeros(truth.shape, dtype=bool)
    ignored[2, 3, 4] = ignored[32, 26] = ignores
    truth[ignored] = 9
    labels = LabelMap(classes=tuple(LabelClass(name=str(i), ids=(i,)) for i in range(1, 5)), ignore=(9,))
    spacing = (1.0, 2.0, 0.5)
    case = Case(case_id="c", pred=pred, truth=truth, spacing_mm=spacing)
    found = Evidence(case, Plan(measures=(), labels=labels)).lesion_cells
    alone = [
        Surfaces.of(pred, truth, classes=[one], spacing_mm=spacing, ignored=ignored) for one in labels.classes or ()
    ]
    of_lesions = lesionwise_hd95(found, dilation=1, ignore_mm3=0.0), lesionwise_nsd(found, dilation=1, ignore_mm3=0.0)
    settings: dict[str, Any] = {"surface": "voxel", "pooling": "directed_mean", "slack": 0.0, "tolerance_mm": 1.0}
    np.testing.assert_array_equal(of_lesions[0], [hd95(one, surface="area")[0] for one in alone])
    np.testing.assert_array_equal(of_lesions[1], [nsd(one, **settings)[0] for one in alone])
