"""Probability metrics against worked values and plain definitions, and the laws they obey."""

import math
import pickle
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segeval.errors import ConfigError
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities import class_maps
from segeval.evidence.probabilities.channels import BACKGROUND, Channels, Layout, ProbMap
from segeval.evidence.probabilities.class_maps import ProbBins
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.measure import Measure
from segeval.metrics import probability
from tests.conftest import golden
from tests.masks import ONE, whole_case_of

GOLDEN = golden("probability")
VALUES = GOLDEN["values"]
ARRAYS = {name: np.array(array) for name, array in GOLDEN["arrays"].items()}
MEASURES = {name: one for name, one in vars(probability).items() if isinstance(one, Measure)}
RANKING = ("auc_roc", "average_precision", "best_threshold", "best_dice")
few = settings(max_examples=60)


def binary() -> ProbMaps:
    """Fixture B: eight voxels of one class."""
    return ProbMaps.of_array(ARRAYS["B.probs"][None], truth=ARRAYS["B.truth"], channels=ONE)


def of(probs: np.ndarray, inside: np.ndarray) -> ProbMaps:
    return ProbMaps.of_array(probs[None], truth=inside.astype(np.uint8), channels=ONE)


def bins_of(maps: ProbMaps, bins: int, **how: Any) -> ProbBins:
    return ProbBins.read(maps, bins=bins, **{"closed": "right", "region": "all", **how})


CLASSES = tuple(LabelClass(name=str(one), ids=(one,)) for one in range(3))


def three_classes() -> ProbMaps:
    """Fixture M: seven voxels of three classes, class by class."""
    return ProbMaps.of_array(ARRAYS["M.probs"].T, truth=ARRAYS["M.truth"], channels=CLASSES)


def whole_case() -> ProbMaps:
    """Fixture M as one case."""
    return whole_case_of(ARRAYS["M.probs"].T, ARRAYS["M.truth"])


WORKED = re.compile(r"B\.(?P<name>ece|mce|ace|bins)\.m(?P<bins>\d+)\.(?P<how>right|left|foreground)")


@pytest.mark.parametrize("name", [name for name in VALUES if WORKED.fullmatch(name)])
def test_a_worked_calibration_error_comes_out(name: str) -> None:
    match = WORKED.fullmatch(name)
    assert match
    how = {"region": "foreground"} if match["how"] == "foreground" else {"closed": match["how"]}
    if match["name"] == "bins":
        found: Any = (bins_of(binary(), int(match["bins"]), **how).n > 0).sum()
    else:
        found = MEASURES[match["name"]](binary(), bins=int(match["bins"]), **how)
    assert found == pytest.approx(VALUES[name], abs=1e-9)


@pytest.mark.parametrize(
    ("name", "knobs", "worked"),
    [
        *((one, {}, f"B.{one}") for one in (*RANKING, "brier", "nll", "soft_dice")),
        ("average_precision", {"method": "trapezoid"}, "B.average_precision.trapezoid"),
        ("soft_dice", {"denominator": "squared"}, "B.soft_dice.squared"),
        ("adaptive_ece", {"bins": 4}, "B.adaptive_ece.m4"),
    ],
)
def test_a_worked_value_comes_out(name: str, knobs: dict[str, Any], worked: str) -> None:
    assert MEASURES[name](binary(), **knobs) == pytest.approx([VALUES[worked]], abs=1e-9)


@pytest.mark.parametrize("name", ["ece", "mce", "ace"])
def test_the_worked_errors_of_three_classes_come_out(name: str) -> None:
    per_class = [VALUES[f"M.class{one}.{name}.m15"] for one in range(3)]
    assert MEASURES[name](three_classes()) == pytest.approx(per_class, abs=1e-9)
    assert float(MEASURES[name](whole_case())) == pytest.approx(VALUES[f"M.top_label.{name}.m15"], abs=1e-9)


def test_the_worked_ranking_of_three_classes_comes_out() -> None:
    assert probability.auc_roc(three_classes()) == pytest.approx([VALUES[f"M.auc_roc[{one}]"] for one in range(3)])


@pytest.mark.parametrize("name", ["brier", "nll"])
def test_the_worked_value_of_a_whole_case_comes_out(name: str) -> None:
    assert float(MEASURES[name](whole_case())) == pytest.approx(VALUES[f"M.{name}"], abs=1e-9)


def test_the_worked_score_of_both_channels_comes_out() -> None:
    rows = np.stack([1 - ARRAYS["B.probs"], ARRAYS["B.probs"]])
    case = whole_case_of(rows, ARRAYS["B.truth"].astype(int))
    assert float(probability.brier(case)) == pytest.approx(VALUES["B.brier_two_class"], abs=1e-9)


@st.composite
def voxels(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, often tied, with their truth; at least one voxel."""
    n = draw(st.integers(1, 14))
    some = st.sampled_from([0.0, 1.0, 0.5, 0.2, 0.9]) | st.floats(0, 1, width=32)
    return draw(hnp.arrays(np.float32, n, elements=some)), draw(hnp.arrays(np.bool_, n))


@few
@given(voxels())
def test_the_area_is_the_share_of_pairs_ranked_rightly(both: tuple[np.ndarray, np.ndarray]) -> None:
    probs, inside = both
    pairs = [(p > q) + (p == q) / 2 for p in probs[inside] for q in probs[~inside]]
    expected = np.mean(pairs) if pairs else math.nan
    assert probability.auc_roc(of(probs, inside)) == pytest.approx([expected], nan_ok=True)


@few
@given(voxels())
def test_curves_and_thresholds_follow_their_definition(both: tuple[np.ndarray, np.ndarray]) -> None:
    probs, inside = both
    if not inside.any():
        assert all(np.isnan(MEASURES[name](of(probs, inside))).all() for name in RANKING)
        return
    recalls, precisions, dices = [0.0], [1.0], []
    levels = sorted(set(probs.tolist()), reverse=True)
    for level in levels:
        mask = probs >= level
        hits = (mask & inside).sum()
        recalls.append(hits / inside.sum())
        precisions.append(hits / mask.sum())
        dices.append(2 * hits / (mask.sum() + inside.sum()))
    steps = np.diff(recalls)
    trapezoid = (steps * (np.array(precisions[1:]) + precisions[:-1]) / 2).sum()
    maps = of(probs, inside)
    assert probability.average_precision(maps) == pytest.approx([(steps * precisions[1:]).sum()])
    assert probability.average_precision(maps, method="trapezoid") == pytest.approx([trapezoid])
    assert probability.best_dice(maps) == pytest.approx([max(dices)])
    assert probability.best_threshold(maps).tolist() == [levels[int(np.argmax(dices))]]


@few
@given(voxels(), st.integers(1, 20), st.sampled_from(["right", "left"]), st.sampled_from(["all", "foreground"]))
def test_calibration_errors_follow_their_definition(
    both: tuple[np.ndarray, np.ndarray], bins: int, closed: str, region: str
) -> None:
    probs, inside = both[0].astype(np.float64), both[1]
    maps = of(*both)
    if region == "foreground":
        probs, inside = probs[(probs >= 0.5) | inside], inside[(probs >= 0.5) | inside]
    gaps, sizes = [], []
    for k in range(bins):
        low, high = (float(both[0].dtype.type(edge / bins)) for edge in (k, k + 1))  # as the map would hold them
        if closed == "right":
            mine = ((probs > low) | (k == 0)) & (probs <= high)
        else:
            mine = (probs >= low) & ((probs < high) | (k == bins - 1))
        if mine.any():
            gaps.append(abs(probs[mine].mean() - inside[mine].mean()))
            sizes.append(mine.sum())
    knobs: dict[str, Any] = {"bins": bins, "closed": closed, "region": region}
    expected = [np.average(gaps, weights=sizes), max(gaps), np.mean(gaps)] if gaps else [math.nan] * 3
    found = [float(one(maps, **knobs)[0]) for one in (probability.ece, probability.mce, probability.ace)]
    assert found == pytest.approx(expected, nan_ok=True)


@few
@given(voxels(), st.integers(1, 6))
def test_equally_large_bins_are_cut_from_the_stable_order(both: tuple[np.ndarray, np.ndarray], bins: int) -> None:
    probs, inside = both
    order = sorted(range(probs.size), key=lambda i: probs[i])
    parts = [part for part in np.array_split(order, bins) if len(part)]
    expected = np.mean([abs(probs[part].mean(dtype=np.float64) - inside[part].mean()) for part in parts])
    assert probability.adaptive_ece(of(probs, inside), bins=bins) == pytest.approx([expected], abs=1e-12)


@few
@given(voxels())
def test_sums_follow_their_definition(both: tuple[np.ndarray, np.ndarray]) -> None:
    probs, inside = both[0].astype(np.float64), both[1]
    maps, given_to_truth = of(*both), np.where(inside, probs, 1 - probs)
    with np.errstate(divide="ignore"):
        costs = -np.maximum(np.log(given_to_truth), -100)
    assert probability.brier(maps) == pytest.approx([((probs - inside) ** 2).mean()])
    assert probability.nll(maps) == pytest.approx([costs.mean()], abs=1e-6)  # 1 - p is rounded above, not in segeval
    for name, below in (("linear", probs.sum()), ("squared", (probs**2).sum())):
        expected = 2 * (probs * inside).sum() / (below + inside.sum()) if below + inside.sum() else math.nan
        assert probability.soft_dice(maps, denominator=name) == pytest.approx([expected], nan_ok=True)


@few
@given(voxels())
def test_values_stay_within_their_bounds_and_calibration_errors_in_order(both: tuple[np.ndarray, np.ndarray]) -> None:
    maps = of(*both)
    values = {name: float(one(maps)[0]) for name, one in MEASURES.items()}
    for name, value in values.items():
        low, high = MEASURES[name].bounds
        assert math.isnan(value) or low - 1e-12 <= value <= high + 1e-12, name
    assert values["ece"] <= values["mce"] + 1e-12
    assert values["ace"] <= values["mce"] + 1e-12


@few
@given(hnp.arrays(np.bool_, (3, 4)))
def test_a_perfect_prediction_gets_the_best_value(inside: np.ndarray) -> None:
    maps = of(inside.astype(np.float32), inside)
    for name, one in MEASURES.items():
        if one.best is not None:
            value = one(maps)[0]
            assert math.isnan(value) or value == pytest.approx(one.best), name


def test_a_calibrated_map_of_two_values_has_no_error() -> None:
    probs = np.repeat([0.25, 0.75], 4)
    inside = np.array([1, 0, 0, 0, 1, 1, 1, 0], dtype=bool)
    assert probability.ece(of(probs, inside)).tolist() == [0.0]


@pytest.mark.parametrize("bins", [3, 10, 15])
@pytest.mark.parametrize("closed", ["right", "left"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_value_on_an_edge_falls_into_one_bin_in_every_precision(dtype: type, closed: Any, bins: int) -> None:
    edges = np.arange(1, bins) / bins
    found = bins_of(of(edges.astype(dtype), np.ones(bins - 1, dtype=bool)), bins, closed=closed)
    # closed on the right, the edge k/n belongs to bin k - 1, else to bin k
    assert found.n.tolist() == [[*[1.0] * (bins - 1), 0.0] if closed == "right" else [0.0, *[1.0] * (bins - 1)]]


@pytest.mark.parametrize("closed", ["right", "left"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_an_edge_of_a_complement_is_one_too(dtype: type, closed: Any) -> None:
    foreground = LabelClass(name="foreground", ids=(1,))
    stored = (np.arange(1, 10) / 10).astype(dtype)
    found = Channels(maps=(ProbMap(stored=stored),), layout=Layout(classes=(foreground,), exclusive=True))
    maps = ProbMaps(maps=(found.of(BACKGROUND),), truth=np.zeros(9, dtype=np.uint8), channels=(BACKGROUND,))
    bins = bins_of(maps, 10, closed=closed).n
    assert bins.tolist() == [[*[1.0] * 9, 0.0] if closed == "right" else [0.0, *[1.0] * 9]]
    both = ProbMaps(maps=found.maps, truth=np.ones(9), channels=(foreground,), partition=1)
    whole = bins_of(both.whole_case, 10, closed=closed)
    # the largest of p and 1 - p: 0.9 0.8 0.7 0.6 0.5 0.6 0.7 0.8 0.9
    assert whole.n.tolist() == ([0.0] * 4 + [1, 2, 2, 2, 2, 0] if closed == "right" else [0.0] * 5 + [1, 2, 2, 2, 2])


@pytest.mark.parametrize(
    ("inside", "undefined"),
    [
        ([0, 0, 0], {"auc_roc", "average_precision", "best_threshold", "best_dice"}),
        ([1, 1, 1], {"auc_roc"}),
    ],
)
def test_a_class_that_is_nowhere_or_everywhere_leaves_some_values_undefined(
    inside: list[int], undefined: set[str]
) -> None:
    maps = of(np.array([0.2, 0.5, 0.7]), np.array(inside, dtype=bool))
    assert {name for name, one in MEASURES.items() if np.isnan(one(maps)).any()} == undefined
    assert probability.soft_dice(maps)[0] == (0.0 if not any(inside) else pytest.approx(2.8 / 4.4))


def test_soft_dice_is_undefined_where_nothing_is_predicted_and_nothing_true() -> None:
    assert np.isnan(probability.soft_dice(of(np.zeros(3), np.zeros(3, dtype=bool)))).all()


def test_a_foreground_without_voxels_is_undefined() -> None:
    maps = of(np.array([0.1, 0.2]), np.array([False, False]))
    for one in (probability.ece, probability.mce, probability.ace):
        assert np.isnan(one(maps, region="foreground")).all()


def test_a_confident_error_costs_a_hundred() -> None:
    assert probability.nll(of(np.array([0.0, 1.0]), np.array([True, False]))).tolist() == [100.0]


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a thousand voxels were too many to be sorted, and five were a chunk."""
    monkeypatch.setattr("segeval.evidence.probabilities.histogram.EXACT_UP_TO", 1000)
    monkeypatch.setattr(class_maps, "_CHUNK", 777)


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("name", [*RANKING, "adaptive_ece"])
def test_many_voxels_are_binned_and_the_value_stays_close(name: str) -> None:
    rng = np.random.default_rng(1)
    inside = rng.random(300_000) < 0.05
    probs = np.clip(rng.beta(0.1, 2, inside.size) + 0.4 * inside * rng.random(inside.size), 0, 1).astype(np.float32)
    maps = of(probs, inside)
    found, exact = MEASURES[name](maps), MEASURES[name](maps, exact=True)
    if name == "best_threshold":  # where Dice is flat many are nearly as good
        found, exact = (
            2 * ((probs >= one) & inside).sum() / ((probs >= one).sum() + inside.sum()) for one in (found, exact)
        )
    assert found == pytest.approx(exact, abs=1e-5)
    state = MEASURES[name].needs[0]
    assert MEASURES[name].read(state, maps, {}).approx
    as_float16 = of(probs.astype(np.float16), inside)
    if name in RANKING:
        assert MEASURES[name](as_float16).tolist() == MEASURES[name](as_float16, exact=True).tolist()
    assert not MEASURES[name].read(state, as_float16, {}).approx


@pytest.mark.usefixtures("small_limit")
def test_chunks_change_no_sum() -> None:
    rng = np.random.default_rng(2)
    probs, inside = rng.random(5000), rng.random(5000) < 0.3
    maps = of(probs, inside)
    assert probability.brier(maps) == pytest.approx([((probs - inside) ** 2).mean()])
    assert bins_of(maps, 7).n.sum() == 5000
    rows = np.stack([1 - probs, probs])
    case = whole_case_of(rows, inside.astype(int))
    assert float(probability.brier(case)) == pytest.approx(2 * ((probs - inside) ** 2).mean())


def every_value(maps: ProbMaps) -> dict[str, list[float]]:
    return {name: one(maps).tolist() for name, one in MEASURES.items()}


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_memory_layout_changes_nothing(order: Any) -> None:
    rng = np.random.default_rng(3)
    probs, truth = rng.integers(0, 5, (2, 4, 5, 6)) / 4, rng.integers(0, 3, (4, 5, 6)).astype(np.int16)
    expected = every_value(ProbMaps.of_array(probs, truth=truth, channels=CLASSES[1:]))
    channel_last = np.moveaxis(np.asarray(np.moveaxis(probs, 0, -1), order=order), -1, 0)
    found = every_value(ProbMaps.of_array(channel_last, truth=np.asarray(truth, order=order), channels=CLASSES[1:]))
    for name, values in expected.items():
        assert found[name] == pytest.approx(values), name


def test_ignored_voxels_count_nowhere() -> None:
    rng = np.random.default_rng(4)
    probs, truth = rng.random((1, 60)), rng.integers(0, 2, 60)
    kept = np.arange(60) % 3 > 0
    marked = np.where(kept, truth, 9)
    found = every_value(ProbMaps.of_array(probs, truth=marked, channels=ONE, ignore=(9,)))
    assert found == every_value(ProbMaps.of_array(probs[:, kept], truth=truth[kept], channels=ONE))
    rows, codes = np.concatenate([1 - probs, probs]), np.where(kept, truth, -1)
    case = whole_case_of(rows, codes)
    assert float(probability.nll(case)) == pytest.approx(found["nll"][0])


def test_the_most_probable_class_of_a_tie_is_the_first() -> None:
    case = whole_case_of(np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([0, 1]))
    assert bins_of(case, 2).positives.tolist() == [1.0, 0.0]


def test_a_region_takes_the_truth_of_all_its_ids() -> None:
    probs, truth = np.array([[0.9, 0.8, 0.1]]), np.array([1, 2, 0])
    both = (LabelClass(name="both", ids=(1, 2)),)
    assert probability.auc_roc(ProbMaps.of_array(probs, truth=truth, channels=both)).tolist() == [1.0]


@few
@given(voxels(), voxels())
def test_a_sum_of_cases_is_the_value_of_all_voxels_together(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> None:
    together = of(np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]]))
    for name, measure in MEASURES.items():
        states = [measure.read(measure.needs[0], of(*case), {}) for case in (one, other)]
        pooled = pickle.loads(pickle.dumps(states[0])) + states[1]
        if name != "adaptive_ece":  # where ties are shared out, see below
            assert measure(pooled) == pytest.approx(measure(together), nan_ok=True, abs=1e-12), name
        else:
            assert 0 <= measure(pooled)[0] <= 1


def test_a_class_without_a_map_has_no_value() -> None:
    maps = replace(binary(), channel_of=(None, 0))
    for name, measure in MEASURES.items():
        values = measure(maps)
        assert math.isnan(values[0]), name
        assert values[1:].tolist() == measure(binary()).tolist(), name


@pytest.mark.parametrize("name", ["ece", "mce", "ace", "adaptive_ece"])
def test_less_than_one_bin_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="bins=0 is no number of bins"):
        MEASURES[name](binary(), bins=0)


def test_measures_say_at_which_level_they_speak() -> None:
    both = {name for name, one in MEASURES.items() if one.levels == ("class", "case")}
    assert both == {"brier", "nll", "ece", "mce", "ace"}
    assert probability.average_precision.aliases == ("apr",)
    assert all(one.reads("ProbMaps") for one in MEASURES.values())
