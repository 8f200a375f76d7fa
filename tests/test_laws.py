"""Laws that hold for every measure of the catalogue: a new one is tested before its author writes a test."""

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, get_args, get_origin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from segeval import catalogue
from segeval.errors import ConfigError
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.lesions.instance_maps import InstanceMap
from segeval.evidence.probabilities.channels import BACKGROUND, Channels, Form, Layout, ProbMap, activated
from segeval.evidence.probabilities.hard_masks import hard_mask
from segeval.evidence.probabilities.soft import SoftEvidence
from segeval.knobs import knob_text
from segeval.measure import Measure, MeasureCall
from segeval.results import CaseScore
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Plan

MEASURES = list(catalogue.measures().values())
OF_COLUMN = {one.at().column: one for one in MEASURES}
PER_CLASS = [one for one in MEASURES if "class" in one.levels and not one.of_data_set]
SOFT = [one for one in MEASURES if issubclass(one.needs[0], SoftEvidence) or one.reads("ProbMaps")]
SPACING = (0.7, 1.5, 2.0)
# of knobs that have no room above their default, or do nothing there
TURNED = {"tolerance_mm": 2.5, "alpha_max": -1.0, "percent": 50.0, "iou_threshold": 0.6, "min_size_mm3": 100.0}
THINNED = ("cldice", "cl_precision", "cl_sensitivity")  # thinning takes the axes one after the other
UNFIXED = ("mutual_information", "boundary_loss", "cbdice_loss")  # what is best depends on the mask
ALIKE_TURNED = [one for one in MEASURES if one.name not in THINNED]
HALVES = ("voi_split", "split_count")  # see what is too much; what is missed is in their other halves
UNMERGED = ("adapted_rand_error",)  # what is not predicted is one object, which is right where the truth is one
RARE = ("split_count", "merge_count")  # 0 for nearly all masks
NEVER_HELPED = ("dice", "iou", "accuracy", "sensitivity", "npv", "tversky_index", "fnr", "false_omission_rate", "fbeta")

CLASSES = tuple(LabelClass(name=str(one), ids=(one,)) for one in (1, 2, 3))
SOFTMAX = Layout(classes=(BACKGROUND, *CLASSES), exclusive=True)
FORM = Form(kind="probs", layout=SOFTMAX)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A tiny 3-D case of up to three classes, often with empty ones."""
    shape = draw(hnp.array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=4))
    ids = st.sampled_from(draw(st.sampled_from([[0], [0, 1], [0, 0, 1, 2], [1], [0, 3]])))
    truth, pred = (draw(hnp.arrays(np.uint8, shape, elements=ids)) for _ in range(2))
    return Case(case_id="tiny", truth=truth, pred=pred, spacing_mm=SPACING)


def score(case: Case, *measures: Measure) -> CaseScore:
    return evaluate(case, Plan(measures=tuple(one.at() for one in measures or MEASURES)))


def value_of(call: MeasureCall, case: Case) -> float:
    """The value of the first class."""
    return evaluate(case, Plan(measures=(call,))).classes[0].values[call.column]


CHECKED = pytest.mark.shapes(checked=True)  # for all laws, which call the same functions on the same kind of cases
FEWER = settings(max_examples=15)  # each example runs every measure of probabilities with all its shapes checked


@st.composite
def soft_cases(draw: st.DrawFn) -> Case:
    """A tiny case with a softmax, often of ties and of probabilities 0 and 1."""
    case = draw(cases())
    logits = hnp.arrays(np.float64, (4, *case.shape), elements=st.sampled_from([-800.0, -2.5, 0.0, 0.25, 800.0]))
    return with_softmax(case, draw(logits))


def with_softmax(case: Case, logits: np.ndarray) -> Case:
    """The case with probabilities of background and the classes 1, 2 and 3."""
    powers = np.exp(logits - logits.max(axis=0))
    channels = Channels(maps=tuple(ProbMap(stored=one) for one in powers / powers.sum(axis=0)), layout=SOFTMAX)
    return replace(case, pred=hard_mask(channels, case.truth)[0], probs=channels)


def soft_score(case: Case, *measures: Measure) -> CaseScore:
    calls = tuple(one.at() for one in measures or SOFT)
    return evaluate(case, Plan(measures=calls, labels=LabelMap(classes=CLASSES), form=FORM))


def soft_value_of(call: MeasureCall, case: Case) -> float:
    """The value of class 1 for a prediction that is not quite sure of itself."""
    logits = np.stack([np.zeros(case.shape), np.where(case.pred == 1, 1.4, -2.2), *np.full((2, *case.shape), -9.0)])
    plan = Plan(measures=(call,), labels=LabelMap(classes=CLASSES), form=FORM)
    return evaluate(with_softmax(case, logits), plan).classes[0].values[call.column]


def same(left: CaseScore, right: CaseScore, *, rel: float = 1e-12) -> None:
    assert [row.of for row in left.classes] == [row.of for row in right.classes]
    rows = [*zip(left.classes, right.classes, strict=True), (left.row, right.row)]
    for one, other in rows:
        assert dict(one.values) == pytest.approx(dict(other.values), rel=rel, abs=1e-12, nan_ok=True)


@CHECKED
@given(cases())
def test_values_stay_within_their_bounds(case: Case) -> None:
    found = score(case)
    for row in (*found.classes, found.row):
        for name, value in row.values.items():
            low, high = OF_COLUMN[name].bounds
            assert math.isnan(value) or low - 1e-12 <= value <= high + 1e-12, name


@given(cases())
def test_a_perfect_prediction_gets_the_best_value(case: Case) -> None:
    perfect = score(replace(case, pred=case.truth.copy()))
    for row in (*perfect.classes, perfect.row):
        for name, value in row.values.items():
            measure = OF_COLUMN[name]
            if measure.better != "none" and measure.name not in UNFIXED:
                assert math.isnan(value) or value == pytest.approx(measure.best, abs=1e-12), name


@CHECKED
@FEWER
@given(soft_cases())
def test_values_of_probabilities_stay_within_their_bounds(case: Case) -> None:
    found = soft_score(case)
    for row in (*found.classes, found.row):
        for name, value in row.values.items():
            low, high = OF_COLUMN[name].bounds
            assert math.isnan(value) or (low - 1e-12 <= value <= high + 1e-12), name
            assert not math.isinf(value), name


@given(cases())
def test_certain_and_right_probabilities_get_the_best_value(case: Case) -> None:
    sure = np.stack([case.truth == one for one in range(4)]) * 800.0
    found = soft_score(with_softmax(case, sure))
    for row in (*found.classes, found.row):
        for name, value in row.values.items():
            measure = OF_COLUMN[name]
            if measure.better != "none" and measure.name not in UNFIXED:
                assert math.isnan(value) or value == pytest.approx(measure.best, abs=1e-12), name


@FEWER
@given(soft_cases())
def test_certain_probabilities_lose_what_their_mask_loses(case: Case) -> None:
    sure = with_softmax(case, np.stack([case.pred == one for one in range(4)]) * 800.0)
    losses = [one for one in SOFT if one.kind == "loss"]
    same(soft_score(sure, *losses), soft_score(replace(sure, probs=None), *losses), rel=1e-9)


@FEWER
@given(soft_cases(), st.permutations([0, 1, 2]), st.sets(st.sampled_from([0, 1, 2])))
def test_flips_and_axis_swaps_of_probabilities_change_nothing(case: Case, axes: list[int], flipped: set[int]) -> None:
    def turn(image: np.ndarray) -> np.ndarray:
        return np.flip(image, axis=tuple(flipped)).transpose(axes)

    assert case.probs is not None
    maps = tuple(ProbMap(stored=turn(one.stored)) for one in case.probs.maps)
    spacing = None if case.spacing_mm is None else tuple(case.spacing_mm[axis] for axis in axes)
    probs = replace(case.probs, maps=maps)
    turned = replace(case, truth=turn(case.truth), pred=turn(case.pred), probs=probs, spacing_mm=spacing)
    alike = [one for one in SOFT if one.name != "adaptive_ece"]  # equal probabilities are taken in C order
    same(soft_score(case, *alike), soft_score(turned, *alike), rel=1e-9)


@given(cases(), st.permutations([0, 1, 2]), st.sets(st.sampled_from([0, 1, 2])))
def test_flips_and_axis_swaps_change_nothing(case: Case, axes: list[int], flipped: set[int]) -> None:
    def turn(labels: np.ndarray) -> np.ndarray:
        return np.flip(labels, axis=tuple(flipped)).transpose(axes)

    spacing = tuple(SPACING[axis] for axis in axes)
    turned = replace(case, truth=turn(case.truth), pred=turn(case.pred), spacing_mm=spacing)
    same(score(case, *ALIKE_TURNED), score(turned, *ALIKE_TURNED))


@given(cases())
def test_the_row_says_which_side_lacks_the_class(case: Case) -> None:
    for row in score(case, catalogue.find("dice")).classes:
        expected = {(True, True): "ok", (True, False): "absent_truth", (False, True): "absent_pred"}
        assert row.status == expected[row.n_pred > 0, row.n_truth > 0]


@pytest.mark.parametrize("measure", PER_CLASS, ids=lambda one: one.name)
def test_a_missed_class_is_never_better_than_a_found_one(measure: Measure) -> None:
    truth = np.zeros((6, 6, 6), dtype=np.uint8)
    truth[1:4, 1:4, 1:4] = 1
    found, missed = truth.copy(), np.zeros_like(truth)
    found[3, 3, 3] = 0
    values = [
        value_of(measure.at(), Case(case_id="x", truth=truth, pred=pred, spacing_mm=SPACING))
        for pred in (found, missed)
    ]
    if measure.better == "none" or measure.name in (*HALVES, *UNMERGED) or any(map(math.isnan, values)):
        return
    worth = {"higher": values, "lower": [-one for one in values], "zero": [-abs(one) for one in values]}
    good, bad = worth[measure.better]
    assert good >= bad


@pytest.mark.parametrize("measure", PER_CLASS, ids=lambda one: one.name)
def test_each_knob_matters_by_itself(measure: Measure) -> None:
    truth = np.zeros((6, 6, 6), dtype=np.uint8)
    truth[1:4, 1:4, 1:4] = 1
    pred = np.roll(truth, 3 if measure.name == "hausdorff_er_loss" else 1, axis=1)  # which is blind to thin errors
    truth[0, 5, 5] = 1
    pred[5, 5, 5] = pred[0, 0, 0] = 1
    case = Case(case_id="x", truth=truth, pred=pred, spacing_mm=SPACING)
    value = soft_value_of if measure in SOFT else value_of
    beside = {"min_kept": 0} if "min_kept" in measure.knobs else {}  # else all voxels of a small case are kept
    plain = value(measure.at(**beside), case)
    for knob, default in measure.knobs.items():
        if isinstance(default, float) and measure.name not in RARE and knob != "penalty_mm":  # nothing is far away here
            highest = measure.limits.get(knob, (0.0, math.inf))[1]
            turned = value(measure.at(**{knob: TURNED.get(knob, min(default * 2 + 0.5, highest)), **beside}), case)
            assert turned != plain, f"{knob} of {measure.name} does nothing"


# 0/0 by definition: of an empty prediction no share is right, of an empty truth none is found
UNDEFINED = {
    "miss": "precision fdr markedness lr_positive diagnostic_odds_ratio lesion_precision sq cl_precision",
    "alarm": "sensitivity fnr balanced_accuracy informedness lr_positive lr_negative diagnostic_odds_ratio "
    "lesion_recall sq cl_sensitivity mean_true_score seg det adapted_rand_error",
    "a miss of all": "precision fdr markedness lr_positive diagnostic_odds_ratio lesion_precision sq cl_precision "
    "specificity fpr balanced_accuracy informedness lr_negative",
    "an alarm everywhere": "sensitivity fnr balanced_accuracy informedness lr_positive lr_negative "
    "diagnostic_odds_ratio lesion_recall sq cl_sensitivity npv false_omission_rate markedness mean_true_score seg det "
    "adapted_rand_error",
}


@pytest.mark.parametrize("failure", UNDEFINED)
def test_a_total_failure_is_never_undefined_whatever_the_knobs(failure: str) -> None:
    some, none = np.zeros((5, 6, 7), dtype=np.uint8), np.zeros((5, 6, 7), dtype=np.uint8)
    some[1:3, 1:4, 2:5] = 1
    some = some if failure in ("miss", "alarm") else np.ones_like(some)
    pred, truth = (none, some) if "miss" in failure else (some, none)
    judging = [one for one in PER_CLASS if one.kind == "metric" and one not in SOFT and one.better != "none"]
    judging = [one for one in judging if one.name not in UNDEFINED[failure].split()]
    calls = []
    for measure in judging:
        for knobs in [{}, *({knob: value} for knob, value in turns_of(measure))]:
            if "ignore_truth_background" not in knobs:  # without truth no voxel is left
                with suppress(ConfigError):
                    calls.append(measure.at(**knobs))
    found = evaluate(Case(case_id="x", pred=pred, truth=truth, spacing_mm=SPACING), Plan(measures=tuple(calls)))
    assert [column for column, value in found.classes[0].values.items() if math.isnan(value)] == []


def judged_cases() -> list[Case]:
    """Masks on which every knob of a metric has something to decide: noise, blobs, cavities, lines, a full image."""
    random = np.random.default_rng(3)
    sides = []
    for density in (0.06, 0.15, 0.3, 0.85):  # from lone voxels to a sponge
        truth = (random.random((10, 9, 8)) < density).astype(np.uint8)
        pred = np.where(random.random(truth.shape) < 0.1, 1 - truth, truth)
        sides += [(pred, truth), (np.roll(pred, 1, axis=1), truth)]
    for size, above in ((2.0, 0.02), (3.0, 0.0), (2.5, 0.05), (1.5, 0.0)):
        blobs = [ndimage.gaussian_filter(random.normal(size=(24, 20, 18)), size) for _ in range(2)]
        sides.append(tuple((blobs[0] + share * blobs[1] > above).astype(np.uint8) for share in (0.0, 0.4)))
    sides.append((np.where(sides[-1][0] & (blobs[1] > 0), 2, sides[-1][0]), sides[-1][1]))
    hollow = np.pad(np.ones((9, 9, 9), dtype=np.uint8), 1)
    hollow[3:8, 3:8, 3:8] = 0
    bent = np.pad(np.ones((6, 6, 6), dtype=np.uint8), 1)
    bent[:4, :4] = 0
    inner = ndimage.binary_erosion(bent)  # by faces: what is left has the concave edge too
    sides += [
        (bent, np.where(inner, 0, bent)),
        *((np.roll(sides[-1][1], 8, axis=axis), sides[-1][1]) for axis in (0, 2)),
    ]
    sides.append((np.pad(np.ones((9, 9, 9), dtype=np.uint8), 1), hollow))
    sides.append((line((0, 5), (6, 14), (20, 24), (26, 30)), line((2, 10), (11, 17), (20, 30))))
    slab = np.arange(12) * np.ones((6, 6, 1))
    sides.append(((slab < 3).astype(np.uint8), (slab < 9).astype(np.uint8)))  # cut off by the border
    sides.append((np.ones((4, 5, 3), dtype=np.uint8), np.zeros((4, 5, 3), dtype=np.uint8)))
    missed = line((0, 1), size=(40, 14, 9))
    missed[1:6, 2:7, 2:7] = missed[25:31, 2:8, 2:8] = 1  # the second one is missed, and something invented
    near = line((0, 1), size=missed.shape)
    near[2:6, 2:7, 2:7] = near[11:15, 2:6, 2:6] = near[36:39, 9:13, 5:9] = 1
    sides.append((near, missed))
    # of two that are merged the first alone would be enough, both together are not
    sides.append((line((0, 6), (8, 20), (24, 28)), line((0, 10), (24, 28))))
    spacings = [SPACING, (0.3, 0.9, 2.0)]
    cases = [
        Case(case_id=str(n), truth=truth, pred=pred, spacing_mm=spacings[n % 2])
        for n, (pred, truth) in enumerate(sides)
    ]
    return [*cases, two_over_one()]


def two_over_one() -> Case:
    """A case of maps, in which two predicted objects that overlap both cover most of one true object."""
    truth = np.pad(np.ones((10, 4, 4), dtype=np.uint8), 2)
    ids = np.zeros(truth.shape, dtype=np.int32)
    ids[2:4, 2:6, 2:6], ids[4:10, 2:6, 2:6], ids[10:12, 2:6, 2:6] = 1, 3, 2
    pred = InstanceMap(ids=ids, shared={3: (1, 2)})
    maps = pred, InstanceMap(ids=truth.astype(np.int32))
    return Case(case_id="maps", truth=truth, pred=truth, spacing_mm=SPACING, instances=maps)


def line(*parts: tuple[int, int], size: tuple[int, ...] = (32, 2, 2)) -> np.ndarray:
    """Lesions along the first axis, by where each starts and stops."""
    mask = np.zeros(size, dtype=np.uint8)
    for start, stop in parts:
        mask[start:stop, 0, 0] = 1
    return mask


def turns_of(measure: Measure) -> Iterator[tuple[str, Any]]:
    """Every knob with every other value that tells: all words, the other truth, one more number."""
    for knob, default in measure.knobs.items():
        words = [word for word in measure.words_for(knob) if word != knob_text(default)]
        yield from ((knob, word) for word in words)
        if isinstance(default, bool):
            yield knob, not default
        elif isinstance(default, int | float):
            turned = TURNED | {"slack": 3.0, "percent": 97.0, "iou_threshold": 0.25, "min_size_mm3": 5.0}
            yield knob, turned.get(knob, min(default * 2 + 0.5, measure.limits.get(knob, (0, math.inf))[1]))
        elif default is None and not words:
            yield knob, 1.5
        kinds = _kinds(measure, knob)
        if words and float in kinds:
            yield knob, 1.7
        if any(get_origin(kind) is tuple for kind in kinds):  # of the background and three classes
            yield knob, PRICES if knob == "dist" else (0.3, 1.5, 2.0, 0.4)


def _kinds(measure: Measure, knob: str) -> tuple[Any, ...]:
    annotation = inspect.signature(measure.function).parameters[knob].annotation
    return annotation, *get_args(annotation)


PRICES = (0.0, 1.0, 2.0, 3.0, 1.0, 0.0, 2.0, 4.0, 2.0, 1.0, 0.0, 2.0, 4.0, 3.0, 1.0, 0.0)  # of one class for another


def cannot_tell(measure: Measure, mode: dict[str, Any], knob: str, value: Any) -> bool:
    """What is alike by nature, so that nobody is misled."""
    if (measure.name, knob) == ("kappa", "weights"):  # of two bins: any weights of a class and the rest are alike
        return True
    if value == "greedy" or mode.get("matching") == "greedy":  # from one half on a match is the only one
        return "iou_threshold" not in {knob, *mode}
    if measure.name in RARE:  # what a knob changes there is not to be seen beside every other
        return True
    if "ball" in (value, mode.get("near")):  # without a tolerance it is the contour itself
        return "tolerance_mm" not in {knob, *mode}
    if "void" in {knob, *mode}:  # matters in ignored voxels, and these cases have none
        return True
    if {"rule", "metric"} & {knob, *mode}:  # matter where the bands are wide, and to a voxel at exactly the width
        return "width_mm" not in mode
    if "min_spacing" in (value, mode.get("tolerance_mm")):
        return "unit" in {knob, *mode}  # is 1, as the default
    if knob in (*measure.of_gradient, "exact"):  # no score takes the first, and small maps are always exact
        return True
    return (measure.name, {**mode, knob: value}) in ALIKE


ALIKE: list[tuple[str, dict[str, Any]]] = [
    # the weights of all voxels add up to their number
    *(
        ("weighted_cross_entropy_loss", {"reduction": "weight_mean", **others})
        for others in ({}, {"weight": "uniform"}, {"label_smoothing": 0.5})
    ),
    ("generalized_dice_loss", {"weight": "uniform", "absent": "eps"}),  # 1/V^0 is 1 for an absent class, too
    ("combo_loss", {"alpha": 1.0, "smooth": 0.5 + 2e-6}),  # the share of its Dice is 0
    ("unified_focal_loss", {"gamma": 1.0, "smooth": 0.5 + 2e-7}),  # its Tversky part to the power of 0
]


OF_MASKS = [one for one in MEASURES if one.kind == "metric" and one not in SOFT and not one.of_data_set]


def turned_pairs(measure: Measure) -> list[tuple[MeasureCall, MeasureCall]]:
    """The measure with and without each turn of a knob, beside every other turn, as far as that is not refused."""
    pairs = []
    beside = {"min_kept": 5} if "min_kept" in measure.knobs else {}  # else all voxels of a small case are kept
    for mode in [beside, *({**beside, knob: value} for knob, value in turns_of(measure))]:
        for knob, value in turns_of(measure):
            if knob not in mode and not cannot_tell(measure, mode, knob, value):
                with suppress(ConfigError):
                    pairs.append((measure.at(**mode), measure.at(**mode, **{knob: value})))
    return pairs


def values_of_masks(calls: Mapping[str, MeasureCall]) -> dict[str, list[float]]:
    """Every column in every judged case; scored together, so that cases are looked at once for all measures."""
    scores = [evaluate(case, Plan(measures=tuple(calls.values()))) for case in judged_cases()]
    return {column: [{**one.row.values, **one.classes[0].values}[column] for one in scores] for column in calls}


def judged_maps() -> list[Case]:
    """Logits on which every knob of a probability metric or a loss has something to decide.

    Noise and blobs, unsure, sure and wrong, classes that one side or both lack, probabilities on the edges of bins.
    """
    random = np.random.default_rng(5)
    cases = []
    for sharpness, size, n_classes in ((1.0, 0.3, 4), (30.0, 1.5, 4), (6.0, 2.0, 2), (3.0, 1.0, 4)):
        blobs = np.stack([ndimage.gaussian_filter(random.normal(size=(12, 11, 9)), size) for _ in range(4)])
        blobs /= blobs.std()
        blobs[0] += 0.5
        truth = blobs[:n_classes].argmax(axis=0).astype(np.uint8)
        cases.append((truth, sharpness * (blobs + 0.7 * random.normal(size=blobs.shape))))
        cases.append((truth, 800.0 * np.roll(blobs, 1, axis=1)))
    nothing = np.zeros((6, 6, 6))
    cases.append((nothing.astype(np.uint8), np.stack([nothing, *np.full((3, *nothing.shape), -900.0)])))
    spacings = [SPACING, (0.3, 0.9, 2.0)]
    found = []
    for n, (truth, logits) in enumerate(cases):
        maps = tuple(ProbMap(stored=channel) for channel in logits)
        probs = activated(Channels(maps=maps, layout=SOFTMAX))
        case = Case(case_id=str(n), truth=truth, pred=truth, spacing_mm=spacings[n % 2], probs=probs)
        found.append(replace(case, pred=hard_mask(probs, truth)[0]))
    of_class = random.choice([0.16, 0.2, 0.24, 0.6, 0.64], size=found[0].shape)
    maps = tuple(ProbMap(stored=channel) for channel in (1 - of_class, of_class, 0 * of_class, 0 * of_class))
    return [*found, replace(found[0], probs=Channels(maps=maps, layout=SOFTMAX))]


def values_of_maps(calls: Mapping[str, MeasureCall]) -> dict[str, list[float]]:
    """Every column of probabilities and losses in every class of every case."""
    plan = Plan(measures=tuple(calls.values()), labels=LabelMap(classes=CLASSES), form=FORM)
    scores = [evaluate(case, plan) for case in judged_maps()]
    rows = [row.values for one in scores for row in (one.row, *one.classes)]
    return {column: [row[column] for row in rows if column in row] for column in calls}


@pytest.mark.slow
@pytest.mark.shapes(checked=False)
@pytest.mark.parametrize("measures", [OF_MASKS, SOFT], ids=["masks", "probabilities"])
def test_a_knob_changes_the_number_beside_any_other_or_is_refused(measures: list[Measure]) -> None:
    """One test of all measures of a kind, since they are scored together."""
    pairs = [pair for measure in measures for pair in turned_pairs(measure)]
    calls = {call.column: call for pair in pairs for call in pair}
    values = values_of_maps(calls) if measures is SOFT else values_of_masks(calls)
    alike = [turned.column for plain, turned in pairs if same_numbers(values[plain.column], values[turned.column])]
    assert alike == []


def same_numbers(some: Sequence[float], others: Sequence[float]) -> bool:
    return np.array_equal(np.array(some, dtype=float), np.array(others, dtype=float), equal_nan=True)


def test_alpha_prices_false_alarms_and_beta_misses() -> None:
    tversky = catalogue.find("tversky_index")
    truth, alarm, miss = (np.zeros((4, 4), dtype=np.uint8) for _ in range(3))
    truth[1:3, 1:3] = alarm[1:3, 1:4] = miss[1:3, 1:2] = 1

    def value(pred: np.ndarray, **knobs: float) -> float:
        call = tversky.at(**knobs)
        return (
            evaluate(Case(case_id="x", truth=truth, pred=pred), Plan(measures=(call,))).classes[0].values[call.column]
        )

    assert value(alarm, alpha=0.9) < value(alarm, alpha=0.1)
    assert value(alarm, beta=0.9) == value(alarm, beta=0.1)
    assert value(miss, beta=0.9) < value(miss, beta=0.1)
    assert value(miss, alpha=0.9) == value(miss, alpha=0.1)


@given(cases())
def test_turning_a_right_voxel_wrong_never_helps(case: Case) -> None:
    right = np.argwhere((case.pred == case.truth) & (case.truth > 0))
    if not len(right):
        return
    worse = case.pred.copy()
    worse[tuple(right[0])] = 0
    overlap = [catalogue.find(name) for name in NEVER_HELPED]
    label = str(int(case.truth[tuple(right[0])]))
    before, after = (
        next(row for row in score(replace(case, pred=pred), *overlap).classes if row.of.label == label)
        for pred in (case.pred, worse)
    )
    for one in overlap:
        gain = after.values[one.name] - before.values[one.name]
        assert math.isnan(gain) or (gain <= 1e-12 if one.better == "higher" else gain >= -1e-12), one.name
