"""Scores of a whole data set against worked values, the laws they obey, and what they do with odd data."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segeval
from segeval import catalogue
from segeval.errors import ConfigError
from segeval.evidence.detection.detections import DetectedCase, DetectionSample
from segeval.knobs import parse_call
from segeval.measure import MeasureCall
from segeval.metrics.detection import _envelope, _lesion_ap, _sensitivity_at
from tests.conftest import golden

GOLDEN = golden("detection")
VALUES, ARRAYS = GOLDEN["values"], GOLDEN["arrays"]
SHAPE = tuple(ARRAYS["D.shape"])
LUNA, CAMELYON = "0.125;0.25;0.5;1;2;4;8", "0.25;0.5;1;2;4;8"


def painted(boxes: list[list[float]], shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """A map that is 0 but for boxes, each with the value that ends it."""
    image = np.zeros(shape)
    for y0, y1, x0, x1, value in boxes:
        image[int(y0) : int(y1), int(x0) : int(x1)] = value
    return image


TRUTHS = {case: painted(boxes).astype(np.uint8) for case, boxes in ARRAYS["D.truth_boxes"].items()}
MAPS = {case: painted(boxes) for case, boxes in ARRAYS["D.candidate_boxes"].items()}


def pooled(maps: Any, truths: Any, call: str) -> float:
    results = segeval.score(maps, truths, measures=[call], labels={1: "lesion"}, pred_kind="probs", bootstrap=0)
    (row,) = (row for row in results.summary if row.name == "lesion")
    assert np.isnan(row.mean)
    assert (row.n, row.n_undefined) == (len(results.case_rows), 0)
    return row.pooled


def of_d(name: str, **knobs: Any) -> float:
    said = ",".join(f"{key}={value}" for key, value in {"candidates": "map", **knobs}.items())
    return pooled(MAPS, TRUTHS, f"{name}({said})")


@pytest.mark.parametrize("name", [name for name in VALUES if re.match(r"D\.(froc_score|sensitivity)", name)])
def test_froc_agrees_with_the_worked_values(name: str) -> None:
    said = re.fullmatch(
        r"D\.(froc_score|sensitivity_at_fp=(?P<fp>[\d.]+))(\.(?P<fps>luna16|camelyon16))?"
        r"\.(?P<assign>\w+)\.(?P<duplicates>fp|ignore)\.(?P<how>step|linear)(?P<negative>\.negative_cases_only)?",
        name,
    )
    assert said
    knobs = {"assign": said["assign"], "duplicates": said["duplicates"], "interpolation": said["how"]}
    if said["negative"]:  # where no lesion is, no candidate is a further one
        knobs = {**knobs, "per": "negative_case"}
        del knobs["duplicates"]
    knobs |= {"fp": said["fp"]} if said["fp"] else {"fps": LUNA if said["fps"] == "luna16" else CAMELYON}
    found = of_d("sensitivity_at_fp" if said["fp"] else "froc_score", **knobs)
    assert found == pytest.approx(VALUES[name], abs=1e-9)


@pytest.mark.parametrize(
    ("name", "measure", "knobs"),
    [
        *(
            (f"D.lesion_ap.{assign}.{rest}", "lesion_average_precision", {"assign": assign, "duplicates": rest})
            for assign in ("confidence", "overlap")
            for rest in ("fp", "ignore")
        ),
        ("D.case_auroc", "case_auroc", {}),
        ("D.case_auroc.bayesian", "case_auroc", {"case_score": "noisy_or"}),
        ("D.picai_score.confidence.fp", "picai_score", {}),
        ("D.picai_score.overlap.ignore", "picai_score", {"assign": "overlap", "duplicates": "ignore"}),
        *(
            (f"D.{name}_ap@{least}", "instance_average_precision", {"iou_threshold": least, "area": area, **more})
            for name, area, more in (
                ("coco", "coco", {"ties_together": "false"}),
                ("voc", "area", {}),
                ("voc11", "eleven", {}),
            )
            for least in ("0.1", "0.5", "0.75")
        ),
        ("D.coco_ap@.5:.95", "instance_average_precision", {"iou_threshold": "coco", "area": "coco"}),
        ("D.coco_ar@.5:.95", "average_recall", {}),
    ],
    ids=str,
)
def test_scores_agree_with_the_worked_values(name: str, measure: str, knobs: dict[str, Any]) -> None:
    assert of_d(measure, **knobs) == pytest.approx(VALUES[name], abs=1e-9)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("D.lesion_ap.overlap.ignore", "lesion_average_precision[picai_eval]"),
        ("D.picai_score.overlap.ignore", "picai_score[picai_eval]"),
        ("D.case_auroc", "case_auroc[picai_eval]"),
        ("D.sensitivity_at_fp=0.25.overlap.ignore.step", "sensitivity_at_fp(fp=0.25)[picai_eval]"),
        ("D.coco_ap@.5:.95", "instance_average_precision[coco]"),
        ("D.coco_ar@.5:.95", "average_recall[coco]"),
        ("D.voc_ap@0.5", "instance_average_precision[voc2010]"),
        ("D.voc11_ap@0.5", "instance_average_precision[voc2007]"),
    ],
)
def test_profiles_agree_with_the_worked_values(name: str, call: str) -> None:
    assert pooled(MAPS, TRUTHS, call) == pytest.approx(VALUES[name], abs=1e-9)


# two lesions of four pixels, a bridge between them: at .25 they are one candidate of 10 pixels, of IoU .4 with each
BRIDGED = {
    "a": painted([[1, 3, 1, 3, 0.8], [1, 3, 4, 6, 0.6], [1, 3, 3, 4, 0.3], [6, 7, 9, 10, 0.4]]),
    "b": painted([[0, 1, 0, 2, 0.5]]),
}
BRIDGED_TRUTH = {"a": painted([[1, 3, 1, 3, 1], [1, 3, 4, 6, 1]]).astype(np.uint8), "b": painted([]).astype(np.uint8)}


def test_candidates_that_are_found_anew_at_each_threshold_grow_together() -> None:
    call = "sensitivity_at_fp(fp=1,candidates=per_threshold,thresholds=0.25;0.35;0.55;0.7)"
    found = segeval.score(BRIDGED, BRIDGED_TRUTH, measures=[call], labels={1: "lesion"}, pred_kind="probs", bootstrap=0)
    rows = [row for row in found.froc.rows if row["class"] == "lesion"]
    assert [row["threshold"] for row in rows] == [0.7, 0.55, 0.35, 0.25]
    assert [(row["tp"], row["fp"]) for row in rows] == [(1, 0), (2, 0), (2, 2), (1, 2)]
    assert [row["fp_per_case"] for row in rows] == [0, 0, 1, 1]
    assert [row["sensitivity"] for row in rows] == [0.5, 1, 1, 0.5]
    assert rows[0]["rule"].startswith("candidates=per_threshold,confidence=max,connectivity=full,")  # without t
    assert rows[0]["rule"].endswith("thresholds=0.25;0.35;0.55;0.7")
    assert next(row for row in found.summary if row.name == "lesion").pooled == 1.0
    assert pooled(BRIDGED, BRIDGED_TRUTH, call.replace("fp=1", "fp=0")) == 1.0
    assert pooled(BRIDGED, BRIDGED_TRUTH, call.replace("0.25;0.35;0.55;", "")) == 0.5
    assert pooled(BRIDGED, BRIDGED_TRUTH, call.replace("fp=1", "fp=0.5").replace("0.55;0.7", "0.36")) == 0.0


@pytest.mark.parametrize("name", ["froc_score", "lesion_average_precision", "case_auroc", "picai_score"])
def test_scores_of_a_rising_curve_refuse_candidates_that_are_found_anew(name: str) -> None:
    with pytest.raises(ConfigError, match="candidates=per_threshold does not fit; candidates takes threshold, map"):
        catalogue.find(name).at(candidates="per_threshold")


def test_a_knob_of_other_candidates_is_refused_beside_those_found_anew() -> None:
    for knobs in ({"interpolation": "linear"}, {"t": 0.3}):
        with pytest.raises(ConfigError, match="changes nothing with candidates=per_threshold"):
            catalogue.find("sensitivity_at_fp").at(candidates="per_threshold", **knobs)
    with pytest.raises(ConfigError, match=r"thresholds=0\.5 changes nothing with candidates=threshold"):
        catalogue.find("sensitivity_at_fp").at(thresholds=(0.5,))


def test_a_lesion_that_no_candidate_finds_is_not_forgotten_where_all_others_are_found() -> None:
    cases = {str(i): case for i, case in enumerate(ARRAYS["E"]["cases"])}
    maps = {name: painted(case["candidates"]) for name, case in cases.items()}
    truths = {name: painted(case["truth"]).astype(np.uint8) for name, case in cases.items()}
    assert pooled(maps, truths, "sensitivity_at_fp(fp=8,candidates=map,interpolation=step)") == 1.0
    assert pooled(maps, truths, f"froc_score(candidates=map,fps={CAMELYON})") == pytest.approx(
        VALUES["E.froc_score.camelyon16.linear"], abs=1e-9
    )
    assert pooled(maps, truths, "lesion_average_precision(candidates=map)") == pytest.approx(VALUES["E.lesion_ap"])


@pytest.mark.parametrize("source", ["dynamic", "dynamic-fast", "dynamic-v2"])
@pytest.mark.parametrize(("least", "name"), [(3, "min3"), (10, "default")])
def test_candidates_of_a_softmax_are_the_worked_ones(source: str, least: int, name: str) -> None:
    probs = np.array(ARRAYS["S.softmax"])
    call = f"froc_score(candidates={source},min_voxels={least - 1 if name == 'min3' else least})"
    truth = np.zeros(probs.shape, dtype=np.uint8)
    results = segeval.score(probs, truth, measures=[call], labels={1: "lesion"}, pred_kind="probs")
    assert results.lesions is not None
    rows = [[row.confidence, row.voxels] for rows in results.lesions.values() for row in rows if row.side == "pred"]
    assert sorted(rows) == [pytest.approx(one) for one in sorted(ARRAYS[f"S.candidates.{source}.{name}"])]


def test_rows_of_lesions_carry_confidence_and_rank() -> None:
    results = segeval.score(
        MAPS, TRUTHS, measures=["froc_score(candidates=map)"], labels={1: "lesion"}, pred_kind="probs"
    )
    assert results.lesions is not None
    rows = {(row.side, row.lesion_id): row for row in results.lesions["b"]}
    assert [(rows["pred", i].confidence, rows["pred", i].rank) for i in (1, 2)] == [(0.3, 2), (0.95, 1)]
    assert (rows["truth", 1].outcome, rows["truth", 1].matched_ids) == ("tp", (2,))


def test_lesions_are_listed_as_the_first_measure_of_them_finds_them() -> None:
    both = ["lesion_f1", "froc_score(candidates=map)"]
    for measures, n in ((both, 1), (both[::-1], 2)):  # of 0.9 and 0.4 only one reaches one half
        results = segeval.score(MAPS, TRUTHS, measures=measures, labels={1: "lesion"}, pred_kind="probs", bootstrap=0)
        assert results.lesions is not None
        assert sum(row.side == "pred" for row in results.lesions["a"]) == n


def test_candidates_that_touch_are_one_and_a_note_says_so() -> None:
    maps = {"a": painted([[1, 4, 1, 4, 0.9], [4, 6, 1, 4, 0.5]]), "b": MAPS["b"]}
    truths = {case: TRUTHS[case] for case in maps}
    measures = ["froc_score(candidates=map)"]
    results = segeval.score(maps, truths, measures=measures, labels={1: "lesion"}, pred_kind="probs", bootstrap=0)
    (note,) = results.case_rows[0].notes
    assert note.startswith("lesion: 1 candidate(s) of the detection map hold several values")
    assert results.case_rows[1].notes == ()


def test_without_a_lesion_a_score_is_undefined_and_without_a_candidate_zero() -> None:
    nothing = {case: 0 * truth for case, truth in TRUTHS.items()}
    assert np.isnan(pooled(MAPS, nothing, "froc_score(candidates=map)"))
    assert np.isnan(pooled(MAPS, nothing, "lesion_average_precision(candidates=map)"))
    empty = {case: 0 * image for case, image in MAPS.items()}
    assert pooled(empty, TRUTHS, "froc_score") == 0
    assert pooled(empty, TRUTHS, "lesion_average_precision") == 0
    assert pooled(empty, TRUTHS, "case_auroc") == 0.5


def test_confidences_that_are_no_probabilities_have_no_noisy_or() -> None:
    case = DetectedCase(
        case_id="a", n_lesions=1, confidence=np.array([2.5]), found=np.array([1]), false=np.array([False])
    )
    assert DetectionSample.of([case], {"a": 1.0, "b": 1.0}).noisy_or is None


def test_labels_have_no_candidates_and_a_note_says_so() -> None:
    results = segeval.score(TRUTHS, TRUTHS, measures=["froc_score"], labels={1: "lesion"})
    assert np.isnan(results["froc_score", "lesion"].pooled)
    assert any("froc_score" in note and "--confidences" in note for note in results.facts["warnings"])


def test_a_wrong_overlap_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"min_overlap=1\.5 is"):
        of_d("froc_score", min_overlap=1.5)


@pytest.mark.parametrize(("least", "share"), [("0.15", 1.0), ("nndetection", 2 / 9)])
def test_who_is_surest_decides_how_many_are_found_where_one_may_hit_two(least: str, share: float) -> None:
    """The long candidate takes the first lesion from the short one, which has no other, or is left the second.

    Of its 11 columns 3 are of that one: at an IoU of 1/6, which two of nine thresholds are below.
    """
    truth, probs = np.zeros((4, 24), dtype=np.uint8), np.zeros((4, 24))
    truth[:, :10] = truth[:, 12:22] = 1
    probs[:, 4:15], probs[:, 8], probs[:, :3] = 0.6, 0.99, 0.8
    columns = [
        f"average_recall(confidence={of},iou_threshold={least},max_detections={most})"
        for of in ("max", "mean")
        for most in (0, 2)
    ]
    results = segeval.score(probs, truth, measures=columns, labels={1: "lesion"}, pred_kind="probs", bootstrap=0)
    found = [results[column, "lesion"].pooled for column in columns]
    assert [one - found[0] for one in found] == pytest.approx([0.0, 0.0, share / 2, share / 2])


def parsed(call: str) -> MeasureCall:
    name, knobs = parse_call(call)
    return catalogue.find(name).at(**knobs)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("case_auroc(duplicates=ignore)", "duplicates changes nothing. Leave it out. Its knobs: case_score, "),
        ("case_auroc(assign=any)", "assign changes nothing. Leave it out."),
        ("case_auroc(n_max=2,candidates=dynamic)", "n_max=2 changes nothing with case_score=max."),
        ("froc_score(per=negative_case,duplicates=ignore)", "changes nothing with per=negative_case."),
        ("sensitivity_at_fp(candidates=per_threshold,assign=overlap,confidence=mean)", "set assign to confidence"),
        ("average_recall(max_detections=0,confidence=mean)", "confidence=mean changes nothing with max_detections=0."),
        ("average_recall(iou_threshold=0.5,max_detections=0,confidence=mean)", "changes nothing with max_detections=0"),
        ("lesion_recall(void=remove)", "lesion_recall: void changes nothing. Leave it out."),
    ],
)
def test_what_can_change_nothing_is_refused_with_what_to_do(call: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        parsed(call)


@pytest.mark.parametrize(
    "call",
    [
        "case_auroc(connectivity=face,candidates=dynamic)",
        "case_auroc(n_max=2,candidates=dynamic,confidence=mean)",
        "sensitivity_at_fp(assign=overlap,confidence=mean)",
    ],
)
def test_beside_what_makes_it_matter_it_is_taken(call: str) -> None:
    assert {*parsed(call).knobs} == {part.partition("=")[0] for part in call[:-1].partition("(")[2].split(",")}


@pytest.mark.parametrize(
    ("columns", "right"),
    [
        (("case_auroc", "case_auroc(min_overlap=0.6)", "case_auroc(hit=centroid)"), (1.0, 0.0, 1.0)),
        (("case_auroc(connectivity=face)", "case_auroc(connectivity=face,min_overlap=0.6)"), (1.0, 1.0)),
    ],
)
def test_what_hits_says_which_candidates_amid_ignored_voxels_are_of_a_case(
    columns: tuple[str, ...], right: tuple[float, ...]
) -> None:
    """A candidate that hits counts, also where most of it is ignored; by faces, one voxel of it is one of its own."""
    probs, truths = np.zeros((2, 6, 6)), np.zeros((2, 6, 6), dtype=np.uint8)
    truths[0, 1, 1:3] = 1
    truths[0, 2:] = 255
    probs[0, 1, 1] = probs[0, 2, 2] = probs[0, 2, 3] = 0.9
    probs[1, 1, 1] = 0.6
    options = {"labels": {1: "lesion"}, "ignore_label": 255, "pred_kind": "probs", "bootstrap": 0}
    results = segeval.score(list(probs), list(truths), measures=list(columns), **options)
    assert [results[column, "lesion"].pooled for column in columns] == pytest.approx(right)


@st.composite
def data_sets(draw: st.DrawFn) -> list[DetectedCase]:
    cases = []
    for i in range(draw(st.integers(1, 4))):
        n = draw(st.integers(0, 4))
        confidence = [draw(st.sampled_from([0.1, 0.4, 0.4, 0.7, 0.9])) for _ in range(n)]
        found = [draw(st.integers(0, 1)) for _ in range(n)]
        cases.append(
            DetectedCase(
                case_id=str(i),
                n_lesions=sum(found) + draw(st.integers(0, 2)),
                confidence=np.array(confidence, dtype=np.float64),
                found=np.array(found, dtype=np.int64),
                false=np.array([not hit for hit in found], dtype=bool),
            )
        )
    return cases


def sample_of(cases: list[DetectedCase]) -> DetectionSample:
    return DetectionSample.of(cases, {case.case_id: 1.0 for case in cases})


@settings(max_examples=60)
@given(data_sets())
def test_points_grow_as_the_threshold_falls(cases: list[DetectedCase]) -> None:
    points = sample_of(cases).points()
    assert (np.diff(points.threshold) < 0).all()
    assert (np.diff(points.tp) >= 0).all()
    assert (np.diff(points.fp) >= 0).all()


@settings(max_examples=60)
@given(data_sets())
def test_a_case_without_anything_halves_no_hit_and_stretches_the_rate(cases: list[DetectedCase]) -> None:
    more = [*cases, DetectedCase.of_nothing("z")]
    before, after = sample_of(cases).points(), sample_of(more).points()
    assert np.array_equal(before.tp, after.tp)
    assert after.fp_rate == pytest.approx(before.fp_rate * len(cases) / len(more))


@settings(max_examples=60)
@given(data_sets())
def test_a_rising_change_of_all_confidences_changes_thresholds_alone(cases: list[DetectedCase]) -> None:
    from dataclasses import replace

    changed = [replace(case, confidence=case.confidence**3) for case in cases]
    before, after = sample_of(cases).points(), sample_of(changed).points()
    assert np.array_equal(before.tp, after.tp)
    assert np.array_equal(before.fp, after.fp)


@settings(max_examples=100)
@given(data_sets())
def test_steps_stay_below_lines_and_the_score_below_the_last_point(cases: list[DetectedCase]) -> None:
    one = sample_of(cases)
    if not one.n_lesions.sum():
        return
    last = np.append(0.0, one.points().sensitivity)[-1]
    for fp in (0.0, 0.1, 0.25, 1 / 3, 0.5, 1.0, 2.0, 100.0):
        step, linear = (_sensitivity_at(one, fp, "case", how) for how in ("step", "linear"))
        assert step <= linear + 1e-12 <= last + 2e-12
    assert step == linear == last


@settings(max_examples=100)
@given(data_sets())
def test_the_area_of_lesions_is_at_most_that_under_the_envelope(cases: list[DetectedCase]) -> None:
    one = sample_of(cases)
    if not one.n_lesions.sum():
        return
    plain, envelope = _lesion_ap(one), _envelope(one, "area", ties_together=True)
    assert plain <= envelope + 1e-12
    if (np.diff(one.points().precision) <= 0).all():  # never rises with recall
        assert plain == pytest.approx(envelope)


boxes = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 3), st.sampled_from([0.2, 0.5, 0.5, 0.9])),
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(boxes, boxes)
def test_forgiven_duplicates_never_lower_a_score(found: list[Any], there: list[Any]) -> None:
    probs, truth = np.zeros((8, 8)), np.zeros((8, 8), dtype=np.uint8)
    for y, x, size, value in found:
        probs[y : y + size, x : x + size] = value
    for y, x, size, _ in there:
        truth[y : y + size, x : x + size] = 1
    calls = [
        f"{name}(candidates=map,duplicates={rest})"
        for name in ("lesion_average_precision", "froc_score")
        for rest in ("fp", "ignore")
    ]
    results = segeval.score(probs, truth, measures=calls, labels={1: "a"}, pred_kind="probs", bootstrap=0)
    values = [results[call, "a"].pooled for call in calls]
    if truth.any():
        assert values[0] <= values[1] + 1e-12
        assert values[2] <= values[3] + 1e-12


def test_the_points_of_the_curve_are_the_worked_ones() -> None:
    measures = ["froc_score(candidates=map)"]
    results = segeval.score(MAPS, TRUTHS, measures=measures, labels={1: "lesion"}, pred_kind="probs", bootstrap=0)
    rows = results.tables["curves"].rows
    expected = ARRAYS["D.froc_curve.confidence.fp"]
    assert [row["curve"] for row in rows] == ["froc"] * len(expected)
    for row, point in zip(rows, expected, strict=True):
        found = {"threshold": row["threshold"], "fp_per_case": row["x"], "sensitivity": row["y"]}
        assert found == pytest.approx({name: point[name] for name in found})


def test_every_point_is_in_the_table_of_the_curve_with_its_counts_and_its_rule() -> None:
    measures = ["froc_score(candidates=map)", "lesion_average_precision(candidates=map,assign=overlap)", "case_auroc"]
    results = segeval.score(MAPS, TRUTHS, measures=measures, labels={1: "lesion"}, pred_kind="probs", bootstrap=0)
    table = results.tables["froc"]
    assert table.columns[:8] == ("class", "threshold", "tp", "fp", "fp_per_case", "sensitivity", "n_lesions", "n_cases")
    rules = list(dict.fromkeys(row["rule"] for row in table.rows))
    assert [rule.split(",hit=")[0].split(",")[0] for rule in rules] == ["candidates=map"] * 2 + ["candidates=threshold"]
    for rule, key in ((rules[0], "confidence.fp"), (rules[1], "overlap.fp")):
        rows = [row for row in table.rows if row["rule"] == rule]
        for row, point in zip(rows, ARRAYS[f"D.froc_curve.{key}"], strict=True):
            assert {name: row[name] for name in point} == pytest.approx(point)
            assert (row["n_lesions"], row["n_cases"], row["n_negative_cases"]) == (4, 5, 2)


def test_a_long_curve_keeps_the_points_that_scores_were_read_at() -> None:
    rng = np.random.default_rng(1)
    maps, truths = {}, {}
    for case in range(6):
        image, truth = np.zeros((90, 90)), np.zeros((90, 90), dtype=np.uint8)
        places = rng.permutation(45 * 45)[:300]
        y, x = 2 * (places // 45), 2 * (places % 45)
        image[y, x] = rng.uniform(0.5, 1.0, 300)
        truth[y[:90], x[:90]] = 1
        maps[str(case)], truths[str(case)] = image, truth
    results = segeval.score(
        maps, truths, measures=["froc_score"], labels={1: "lesion"}, pred_kind="probs", bootstrap=0, spacing=(1, 1)
    )
    thinned = [(row["x"], row["y"]) for row in results.tables["curves"].rows]
    whole = [(row["fp_per_case"], row["sensitivity"]) for row in results.tables["froc"].rows]
    assert len(thinned) < 250 < 1500 < len(whole)
    assert {*thinned} <= {*whole}
    fps = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]
    for points in (thinned, whole):
        rates, found = zip((0.0, 0.0), *points, strict=True)
        score = np.interp(fps, rates, found).mean()
        assert score == pytest.approx(results["froc_score", "lesion"].pooled, abs=1e-12)


def test_curves_of_voxels_are_those_of_scikit_learn() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed here")
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import precision_recall_curve, roc_curve

    rng = np.random.default_rng(5)
    truth = {case: (rng.random((9, 7)) < 0.4).astype(np.uint8) for case in "ab"}
    maps = {case: np.clip(truth[case] * 0.3 + rng.random((9, 7)) * 0.7, 0, 1).round(2) for case in "ab"}
    measures = ["average_precision", "ece(bins=5)"]
    results = segeval.score(maps, truth, measures=measures, labels={1: "lesion"}, pred_kind="probs", bootstrap=0)
    found: dict[str, list[tuple[float, float]]] = {"roc": [], "pr": [], "calibration": []}
    for row in results.tables["curves"].rows:
        found[row["curve"]].append((row["x"], row["y"]))
    y, p = (np.concatenate([side[case].ravel() for case in "ab"]) for side in (truth, maps))
    fpr, tpr, _ = roc_curve(y, p, drop_intermediate=False)
    assert found["roc"] == [pytest.approx(point) for point in zip(fpr[1:], tpr[1:], strict=True)]
    precision, recall, _ = precision_recall_curve(y, p)
    assert found["pr"] == [pytest.approx(point) for point in zip(recall[-2::-1], precision[-2::-1], strict=True)]
    share, stated = calibration_curve(y, p, n_bins=5)
    assert found["calibration"] == [pytest.approx(point) for point in zip(stated, share, strict=True)]


def test_a_run_without_such_a_measure_has_no_curves() -> None:
    results = segeval.score(TRUTHS, TRUTHS, measures=["dice"], labels={1: "lesion"})
    assert "curves" not in results.tables
