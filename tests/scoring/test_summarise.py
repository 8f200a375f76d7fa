"""Rows in, summary out: values of few cases, with the arithmetic beside them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from segeval import catalogue
from segeval.choice import choose
from segeval.errors import DataError
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.overlap.counts import Counts, Histogram
from segeval.evidence.shapes import PerLabel
from segeval.measure import Absent, metric, ratio
from segeval.results import CaseRow, ClassRow, SummaryRow
from segeval.scoring.collect import collect
from segeval.scoring.evaluate import as_missing, evaluate
from segeval.scoring.plan import Aggregation, Plan
from segeval.scoring.summarise import Scored, merge_histograms, summary_rows
from tests.conftest import golden

NAN, INF = math.nan, math.inf
ONE, TWO = LabelClass(name="one", ids=(1,)), LabelClass(name="two", ids=(2,))
GOLDEN = golden("overlap")
G = (0.9, 0.8, NAN, 0.0, 0.7, 0.95, 0.6)


def given(values: Sequence[Sequence[float]], measure: str = "dice", n_missing: int = 0) -> Scored:
    """Cases that have these values, (case, class), of a measure."""
    classes = (ONE, TWO)[: len(values[0])]
    names = [f"case_{i:02}" for i in range(len(values))]
    rows = [
        ClassRow(case_id=name, of=of, status="ok", tp=0, fp=0, fn=0, tn=1, values={measure: value})
        for name, of_case in zip(names, values, strict=True)
        for of, value in zip(classes, of_case, strict=True)
    ]
    return Scored(
        cases=[CaseRow(case_id=name, status="ok") for name in names],
        class_rows=rows,
        classes=classes,
        pooled=Histogram(ids=(0,), n=np.array([[len(values)]])),
        plan=Plan(measures=(catalogue.find(measure).at(),), labels=LabelMap(classes=classes)),
        n_missing=n_missing,
    )


def column(values: Sequence[float]) -> list[list[float]]:
    return [[value] for value in values]


def summary(scored: Scored, **how: Any) -> dict[str, SummaryRow]:
    return {row.name: row for row in summary_rows(scored, Aggregation(**{"bootstrap": 0, **how}))}


def test_the_worked_column_is_summarised_as_worked() -> None:
    row = summary(given(column(G)))["one"]
    assert (row.column, row.n, row.n_undefined, row.n_inf, row.n_missing) == ("dice", 6, 1, 0, 0)
    expected = {"mean": 0.6583333333, "std": 0.3470110469, "median": 0.75, "p5": 0.15, "p25": 0.625, "p75": 0.875}
    expected |= {"p95": 0.9375, "min": 0.0, "max": 0.95, "ci_low": NAN, "ci_high": NAN}
    assert row.statistics == pytest.approx(expected, nan_ok=True, abs=1e-9)


@pytest.mark.parametrize(("policy", "mean"), [("worst", 0.5642857143), ("best", 0.7071428571)])
def test_a_policy_puts_the_declared_bound_in_place_and_still_counts_what_was_undefined(
    policy: Any, mean: float
) -> None:
    row = summary(given(column(G)), undefined=policy)["one"]
    assert (row.n, row.n_undefined) == (7, 1)
    assert row.statistics["mean"] == pytest.approx(mean, abs=1e-9)


def test_the_worst_of_an_unbounded_measure_is_infinite() -> None:
    row = summary(given(column([0.5, NAN]), "probabilistic_distance"), undefined="worst")["one"]
    assert (row.n, row.n_undefined, row.n_inf, row.statistics["mean"]) == (2, 1, 1, INF)


@pytest.mark.parametrize("policy", ["worst", "best"])
def test_a_descriptive_measure_has_no_bound_to_put_in_place(policy: Any) -> None:
    row = summary(given(column([0.2, NAN]), "prevalence"), undefined=policy)["one"]
    assert (row.n, row.n_undefined, row.statistics["mean"]) == (1, 1, 0.2)


def test_fail_names_the_measure_the_class_and_the_cases() -> None:
    with pytest.raises(DataError, match=r"dice of class 'one' is undefined for 1 case\(s\): case_02\."):
        summary(given(column(G)), undefined="fail")


def test_an_infinite_value_stays_in_the_mean_and_is_counted() -> None:
    row = summary(given(column([1.0, 2.0, INF]), "probabilistic_distance"))["one"]
    assert (row.n, row.n_undefined, row.n_inf) == (3, 0, 1)
    assert row.statistics["mean"] == INF
    assert row.statistics["median"] == 2.0
    assert math.isnan(row.statistics["std"])


def test_no_defined_value_gives_nan_and_never_zero() -> None:
    row = summary(given(column([NAN, NAN])))["one"]
    assert (row.n, row.n_undefined) == (0, 2)
    assert all(map(math.isnan, row.statistics.values()))


def test_missing_predictions_are_counted_in_every_row() -> None:
    assert {row.n_missing for row in summary(given(column(G), n_missing=3)).values()} == {3}


# the mean over classes


def test_the_macro_row_is_the_mean_of_the_class_means() -> None:
    # two values are defined of class one and one of class two: (0.7 + 0.4) / 2, not the flat (0.8 + 0.6 + 0.4) / 3
    row = summary(given([[0.8, NAN], [0.6, 0.4]]))["(mean)"]
    assert row.statistics["mean"] == pytest.approx(0.55)
    assert (row.n, row.n_undefined, row.n_inf) == (2, None, None)
    assert set(row.statistics) == {"mean", "ci_low", "ci_high"}


def test_a_class_without_any_value_is_left_out_of_the_macro_row() -> None:
    row = summary(given([[0.8, NAN], [0.6, NAN]]))["(mean)"]
    assert row.n == 1
    assert row.statistics["mean"] == pytest.approx(0.7)


def test_the_macro_row_of_nothing_is_undefined() -> None:
    row = summary(given([[NAN, NAN]]))["(mean)"]
    assert row.n == 0
    assert math.isnan(row.statistics["mean"])


def test_a_policy_reaches_the_macro_row() -> None:
    row = summary(given([[0.8, NAN], [0.6, NAN]]), undefined="worst")["(mean)"]
    assert row.n == 2
    assert row.statistics["mean"] == pytest.approx((0.7 + 0) / 2)


# pooled values


def masks_with(tp: int, fp: int, fn: int, tn: int) -> tuple[np.ndarray, np.ndarray]:
    truth = np.repeat(np.array([1, 0, 1, 0], np.uint8), (tp, fp, fn, tn))[None]
    pred = np.repeat(np.array([1, 1, 0, 0], np.uint8), (tp, fp, fn, tn))[None]
    return truth, pred


def run(pairs: Sequence[Any], measures: str, labels: LabelMap = LabelMap()) -> dict[tuple[str, str], SummaryRow]:
    plan = Plan(measures=choose([measures]).calls, labels=labels)
    cases = [
        Case(case_id=str(i), truth=np.atleast_2d(truth), pred=np.atleast_2d(pred))
        for i, (truth, pred) in enumerate(pairs)
    ]
    results = collect([evaluate(case, plan) for case in cases], plan, Aggregation(bootstrap=0), {})
    return {(row.name, row.column): row for row in results.summary}


def test_pooled_dice_is_the_dice_of_summed_counts() -> None:
    rows = run([masks_with(90, 10, 10, 890), masks_with(1, 1, 3, 995)], "dice")
    row = rows["1", "dice"]
    # 2·91 / (2·91 + 11 + 13) = 182 / 206, while the cases have 180/200 and 2/6
    assert row.pooled == pytest.approx(GOLDEN["pooled"]["P.pooled_dice"]) == pytest.approx(182 / 206)
    assert (
        row.statistics["mean"]
        == pytest.approx(GOLDEN["pooled"]["P.case_mean_dice"])
        == pytest.approx((0.9 + 1 / 3) / 2)
    )


def test_case_level_measures_are_pooled_over_the_summed_matrix() -> None:
    pairs = [(np.array([0, 0, 1], np.uint8), np.array([0, 1, 1], np.uint8))]
    pairs += [(np.array([0] * 6 + [2], np.uint8), np.zeros(7, np.uint8))]
    rows = run(pairs, "pixel_accuracy,mean_iou")
    # IoU of background, one and two: 1/2, 1/2, – and 6/7, –, 0; of the sums 7/9, 1/2, 0
    assert rows["(all)", "mean_iou"].statistics["mean"] == pytest.approx((1 / 2 + 3 / 7) / 2)
    assert rows["(all)", "mean_iou"].pooled == pytest.approx((7 / 9 + 1 / 2 + 0) / 3)
    assert rows["(all)", "pixel_accuracy"].pooled == pytest.approx(8 / 10)


def test_the_pooled_macro_value_is_the_mean_of_the_pooled_classes() -> None:
    pairs = [([1, 1, 2, 0], [1, 0, 2, 2]), ([1, 0, 0, 0], [1, 0, 0, 0])]
    rows = run([(np.array(t, np.uint8), np.array(p, np.uint8)) for t, p in pairs], "iou")
    # one: TP 2, FN 1; two: TP 1, FP 1
    assert (rows["1", "iou"].pooled, rows["2", "iou"].pooled) == pytest.approx((2 / 3, 1 / 2))
    assert rows["(mean)", "iou"].pooled == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_a_region_is_pooled_as_a_union() -> None:
    either = LabelClass(name="either", ids=(1, 2))
    pairs = [(np.array([1, 2, 0], np.uint8), np.array([2, 1, 1], np.uint8))]
    assert run(pairs, "precision", LabelMap(regions=(either,)))["either", "precision"].pooled == pytest.approx(2 / 3)


def test_what_does_not_add_up_over_cases_has_no_pooled_value() -> None:
    rows = run([masks_with(1, 1, 1, 1)], "volume_pred_ml,dice")
    assert math.isnan(rows["1", "volume_pred_ml"].pooled)
    assert rows["1", "dice"].pooled == 0.5


def test_surface_scores_are_pooled_as_sums_of_surface_and_distances_are_not() -> None:
    # both cases by voxels: one of 2 and 2 lies on the other side's surface in the first, none of 0 and 4 in the second
    plan = Plan(measures=choose(["nsd(tolerance_mm=0,surface=voxel),bf_score(tolerance_mm=0),hd95"]).calls)
    sides = [([[1, 1, 0, 0, 0]], [[0, 1, 1, 0, 0]]), ([[0, 0, 0, 0, 0]], [[1, 1, 1, 1, 0]])]
    scores = [
        evaluate(Case(case_id=str(i), pred=np.array(pred), truth=np.array(truth)), plan)
        for i, (pred, truth) in enumerate(sides)
    ]
    rows = [row for row in collect(scores, plan, Aggregation(bootstrap=0), {}).summary if row.name == "1"]
    nsd, boundary_f1, hd95 = (row.pooled for row in rows)
    elements = {"pred": 2, "truth": 2 + 2}  # a row of 4 voxels has 2 ends
    assert nsd == pytest.approx(2 / sum(elements.values()))
    assert boundary_f1 == pytest.approx(2 * (1 / 2) * (1 / 4) / (1 / 2 + 1 / 4))
    assert math.isnan(hd95)


def test_a_class_that_no_case_predicts_is_not_perfect_when_pooled() -> None:
    rows = run([masks_with(0, 0, 2, 6), masks_with(0, 0, 1, 7)], "gce,dice,mcc")
    assert [rows["1", name].pooled for name in ("gce", "dice", "mcc")] == [1, 0, 0]


@metric(symbol="D", formula="TP / g", bounds=(0.0, 1.0), better="higher", absent=Absent(both=0.9))
def declared(counts: Counts) -> PerLabel:
    """A measure with a value of its own for absent classes."""
    return ratio(counts.tp, counts.truth)


def test_declared_values_hold_for_pooled_counts_too() -> None:
    scored = given(column([0.9, 0.9]))
    scored = replace(scored, plan=replace(scored.plan, measures=(declared.at(),)))
    scored = replace(scored, class_rows=[replace(row, values={"declared": 0.9}) for row in scored.class_rows])
    assert summary(scored)["one"].pooled == 0.9


def test_worst_counts_a_missing_prediction_as_missed_voxels_when_pooled() -> None:
    plan = Plan(measures=choose(["dice,sensitivity"]).calls)
    found, missed = (
        evaluate(Case(case_id=name, truth=np.array([[1, 1, 0]]), pred=np.array([pred])), plan)
        for name, pred in (("a", [1, 1, 0]), ("b", [0, 0, 0]))
    )
    results = collect([found, as_missing(missed, plan, worst=True)], plan, Aggregation(bootstrap=0), {})
    row = {row.column: row for row in results.summary if row.name == "1"}
    assert row["dice"].statistics["mean"] == 1 / 2
    assert row["dice"].pooled == pytest.approx(4 / 6)
    assert row["sensitivity"].pooled == pytest.approx(2 / 4)


def test_histograms_of_different_ids_are_added_by_id() -> None:
    left = Histogram(ids=(0, 7), n=np.array([[5, 1], [2, 3]]))
    right = Histogram(ids=(0, 3), n=np.array([[1, 0], [0, 4]]))
    merged = merge_histograms([left, right])
    assert merged.ids == (0, 3, 7)
    assert merged.n.tolist() == [[6, 0, 1], [0, 4, 0], [2, 0, 3]]


# intervals


def interval(values: Sequence[Sequence[float]], name: str = "one", **how: Any) -> tuple[float, float]:
    row = summary(given(values, "probabilistic_distance"), **{"bootstrap": 500, **how})[name]
    return row.statistics["ci_low"], row.statistics["ci_high"]


VALUES = column([0.1, 0.4, 0.5, 0.9, 1.3, 2.0])


def test_an_interval_depends_on_the_seed_and_nothing_else() -> None:
    assert interval(VALUES, seed=1) == interval(VALUES, seed=1)
    assert interval(VALUES, seed=1) != interval(VALUES, seed=2)


def test_an_interval_lies_around_the_mean_and_widens_with_its_level() -> None:
    low, high = interval(VALUES, ci_level=0.8)
    lower, higher = interval(VALUES, ci_level=0.99)
    assert 0.1 <= lower < low < 5.2 / 6 < high < higher <= 2.0


@pytest.mark.parametrize("name", ["one", "(mean)"])
def test_there_is_no_interval_without_resamples_or_with_one_value(name: str) -> None:
    for values, how in ((VALUES, {"bootstrap": 0}), (column([0.5]), {}), (column([0.5, NAN]), {})):
        assert all(map(math.isnan, interval(values, name, **how)))


@pytest.mark.parametrize("name", ["one", "(mean)"])
def test_equal_values_have_an_interval_of_no_width(name: str) -> None:
    assert interval(column([0.3] * 5), name) == (0.3, 0.3)


def test_an_infinite_value_makes_the_upper_end_infinite() -> None:
    low, high = interval(column([0.1, 0.2, 0.3, INF]))
    assert high == INF
    assert low < INF


def test_undefined_values_take_no_part_in_an_interval() -> None:
    low, high = interval([*VALUES, *column([NAN, NAN])])
    assert 0.1 <= low < 5.2 / 6 < high <= 2.0


def test_all_classes_share_their_resamples() -> None:
    # the two columns cancel in every resample that draws the same cases, so the mean over classes never varies
    low, high = interval([[value, 3 - value] for (value,) in VALUES], "(mean)")
    assert (low, high) == pytest.approx((1.5, 1.5))


def test_case_level_rows_have_intervals_too() -> None:
    plan = Plan(measures=choose(["pixel_accuracy"]).calls)
    pairs = [masks_with(tp, 0, 6 - tp, 0) for tp in range(6)]
    cases = [Case(case_id=str(i), truth=truth, pred=pred) for i, (truth, pred) in enumerate(pairs)]
    (row,) = collect([evaluate(case, plan) for case in cases], plan, Aggregation(), {}).summary
    assert row.name == "(all)"
    assert row.statistics["mean"] == pytest.approx(15 / 36)
    assert row.statistics["ci_low"] < 15 / 36 < row.statistics["ci_high"]
