import math
from itertools import product

import numpy as np
import pytest

from segeval.statistics import intervals
from segeval.statistics.bootstrap import Draws, draw, means_of_resamples
from segeval.statistics.intervals import (
    Bootstrapped,
    bootstrap_mean,
    bootstrap_statistic,
    corrected,
    intervals_of_means,
    mean_intervals,
    statistics_of_resamples,
)
from segeval.statistics.summary import summarise
from tests.conftest import golden

GOLDEN = golden("statistics")
VALUES = GOLDEN["values"]
G = np.array(GOLDEN["arrays"]["G.values"], dtype=np.float64)
G3 = np.array(GOLDEN["arrays"]["G3.values"], dtype=np.float64)


def cases(n):
    return [f"case_{i:04d}" for i in range(n)]


def all_resamples(n):
    """Each of the n**n ordered resamples once."""
    draws = Draws(n_units=n, unit_of_case=np.arange(n), resamples=n**n)
    vars(draws)["weights"] = np.array([np.bincount(row, minlength=n) for row in product(range(n), repeat=n)])
    return draws


def bca(resampled, *, estimate, jackknife, level=0.95):
    return corrected(np.asarray(resampled), estimate=estimate, jackknife=lambda: np.asarray(jackknife)).interval(level)


def macro_interval(draws, values, *, method="percentile"):
    return bootstrap_mean(draws, values, method=method).interval()


def only(values, *, method="bca", units=None, resamples=2000, level=0.95):
    values = np.asarray(values, dtype=np.float64)
    draws = draw(units or cases(values.size), resamples=resamples)
    return mean_intervals(draws, values[:, None], method=method, level=level)[0]


def test_the_percentile_interval_agrees_with_all_27_resamples():
    interval = mean_intervals(all_resamples(3), G3[:, None])[0]
    assert interval.low == pytest.approx(VALUES["G3.percentile.low"], abs=1e-12)
    assert interval.high == pytest.approx(VALUES["G3.percentile.high"], abs=1e-12)


def test_the_bca_interval_agrees_with_all_27_resamples():
    boot = bootstrap_mean(all_resamples(3), G3[:, None])
    assert boot.z0 == pytest.approx(VALUES["G3.bca.z0"], abs=1e-12)
    assert boot.acceleration == pytest.approx(VALUES["G3.bca.acceleration"], abs=1e-12)
    assert boot.interval().low == pytest.approx(VALUES["G3.bca.low"], abs=1e-12)
    assert boot.interval().high == pytest.approx(VALUES["G3.bca.high"], abs=1e-9)
    assert boot.interval().flags == ("few_units",)


@pytest.mark.parametrize("n", [10, 60])
def test_bca_and_percentile_agree_with_scipy_on_its_own_resamples(n):
    from scipy import stats

    values = np.random.default_rng(n).gamma(2.0, size=n)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=999, rng=np.random.default_rng(0), method="BCa")
    jackknife = np.array([np.delete(values, i).mean() for i in range(n)])
    interval = bca(theirs.bootstrap_distribution, estimate=values.mean(), jackknife=jackknife)
    assert (interval.low, interval.high) == pytest.approx(tuple(theirs.confidence_interval), rel=1e-9)
    theirs = stats.bootstrap((values,), np.mean, bootstrap_result=theirs, n_resamples=0, method="percentile")
    interval = corrected(theirs.bootstrap_distribution, estimate=values.mean(), jackknife=None).interval()
    assert (interval.low, interval.high) == pytest.approx(tuple(theirs.confidence_interval), rel=1e-12)


def test_our_own_resamples_give_nearly_the_interval_of_scipy():
    from scipy import stats

    values = np.random.default_rng(3).beta(8, 2, size=80)
    theirs = stats.bootstrap((values,), np.mean, rng=np.random.default_rng(0), method="BCa").confidence_interval
    ours = only(values, resamples=9999)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs), abs=0.002)


@pytest.mark.parametrize("values", [[], [np.nan], [0.5], [0.5, np.nan], [np.nan, np.nan]])
def test_fewer_than_two_defined_values_have_no_interval(values):
    assert np.isnan([only(values).low, only(values).high]).all()


def test_two_cases_of_one_patient_are_one_unit_and_have_no_interval():
    interval = only([0.5, 0.7], units=["anna", "anna"])
    assert math.isnan(interval.low)


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("value", [0.1, 0.7, math.inf])
def test_equal_values_have_an_interval_of_no_width(value, method):
    interval = only([value] * 7, method=method)
    assert (interval.low, interval.high) == (value, value)


def test_an_infinite_value_gives_a_percentile_interval_with_an_infinite_end():
    values = np.arange(60.0)
    values[0] = math.inf
    interval = only(values)
    assert math.isfinite(interval.low)
    assert (interval.high, interval.flags) == (math.inf, ("infinite",))


def test_values_of_both_infinities_have_no_mean_and_no_interval():
    assert math.isnan(only([math.inf, -math.inf, *range(60)]).low)


@pytest.mark.parametrize("estimate", [0.4, 0.7])
def test_an_estimate_beside_all_its_resamples_gives_a_flagged_percentile_interval(estimate):
    interval = bca(np.linspace(0.5, 0.6, 101), estimate=estimate, jackknife=np.array([0.3, 0.5]), level=0.9)
    assert interval.flags == ("one_sided",)
    assert (interval.low, interval.high) == pytest.approx((0.505, 0.595))


def test_an_influence_of_zero_means_no_acceleration():
    resampled = np.array([0.4, 0.5, 0.5, 0.6, 0.7])
    flat = bca(resampled, estimate=0.5, jackknife=np.array([0.5, 0.5 + 1e-16, 0.5]))
    symmetric = bca(resampled, estimate=0.5, jackknife=np.array([0.4, 0.5, 0.6]))
    assert flat == symmetric


def test_sums_in_another_order_count_as_ties():
    resampled = np.array([0.4, 0.5 + 1e-16, 0.5 - 1e-16, 0.6])
    exact = bca(np.array([0.4, 0.5, 0.5, 0.6]), estimate=0.5, jackknife=np.array([0.4, 0.6]))
    assert bca(resampled, estimate=0.5, jackknife=np.array([0.4, 0.6])).low == pytest.approx(exact.low, abs=1e-12)


def test_resamples_without_a_defined_value_are_dropped_and_flagged():
    values = np.full(60, np.nan)
    values[:2] = [0.2, 0.4]
    interval = only(values, method="percentile")
    assert (interval.low, interval.high) == (0.2, 0.4)
    assert interval.flags == ("few_units", "dropped")


def test_fifty_units_are_enough_to_go_without_a_flag():
    values = np.random.default_rng(0).random(50)
    assert only(values).flags == ()
    assert only(values[:49]).flags == ("few_units",)


def test_every_column_has_the_interval_it_would_have_alone():
    values = np.random.default_rng(0).random((40, 3))
    draws = draw(cases(40), resamples=500)
    alone = [mean_intervals(draws, column[:, None], method="bca")[0] for column in values.T]
    for one, other in zip(mean_intervals(draws, values, method="bca"), alone, strict=True):
        assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_the_macro_interval_is_that_of_the_mean_over_classes_on_shared_resamples():
    values = np.random.default_rng(0).random((60, 3))
    draws = draw(cases(60), resamples=500)
    resampled = means_of_resamples(draws, values).mean(axis=1)
    assert macro_interval(draws, values).low == pytest.approx(np.quantile(resampled, 0.025))
    jackknife = np.array([np.delete(values, i, axis=0).mean() for i in range(60)])
    expected = bca(resampled, estimate=values.mean(), jackknife=jackknife)
    interval = macro_interval(draws, values, method="bca")
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_intervals_in_few_passes_are_those_of_each_class_and_column_and_of_their_mean(level):
    values = np.random.default_rng(1).random((30, 2, 3))  # case, class, column
    draws = draw(cases(30), resamples=200)
    of_means, of_macros = intervals_of_means(draws, values, level=level)
    for column in range(3):
        of_classes = mean_intervals(draws, values[:, :, column], level=level)
        assert of_means[:, :, column].T.tolist() == [[one.low, one.high] for one in of_classes]
        macro = bootstrap_mean(draws, values[:, :, column], method="percentile").interval(level)
        assert of_macros[:, column].tolist() == [macro.low, macro.high]


@pytest.mark.parametrize(("z0", "end"), [(3.0, 1), (-3.0, 0)])
def test_a_correction_beyond_all_resamples_stops_at_the_outermost(z0, end):
    # 1 - a(z0 + z) <= 0 where a and z0 + z are large and of one sign: the share of resamples is all, or none
    boot = Bootstrapped(resampled=np.array([0.0, 1.0]), z0=z0, acceleration=z0 / 9 * 2)
    assert boot.quantile(0.975 if end else 0.025) == end


def test_classes_that_move_together_have_a_wider_macro_interval_than_independent_ones():
    one, other = np.random.default_rng(0).random((2, 60))
    draws = draw(cases(60), resamples=500)
    together = macro_interval(draws, np.column_stack([one, one]))
    apart = macro_interval(draws, np.column_stack([one, other]))
    assert together.high - together.low > apart.high - apart.low


def test_the_macro_interval_leaves_out_a_class_without_a_value():
    values = np.random.default_rng(0).random((60, 1))
    draws = draw(cases(60), resamples=500)
    with_empty = np.column_stack([values, np.full(60, np.nan)])
    assert macro_interval(draws, with_empty) == macro_interval(draws, values)


def test_a_class_that_many_resamples_lack_is_flagged():
    values = np.random.default_rng(0).random((60, 2))
    values[1:, 1] = np.nan
    assert macro_interval(draw(cases(60), resamples=500), values).flags == ("class_left_out",)
    alone = macro_interval(draw(cases(60), resamples=500), values[:, 1:])
    assert "class_left_out" not in alone.flags  # there is no other that the mean could be of


@pytest.mark.parametrize("statistic", ["median", "p5", "p95", "std"])
def test_other_statistics_have_percentile_intervals_like_those_of_scipy(statistic):
    from scipy import stats

    values = np.random.default_rng(5).beta(8, 2, size=120)
    functions = {"median": np.median, "std": lambda x, axis: np.std(x, ddof=1, axis=axis)}
    functions |= {f"p{q}": lambda x, axis, q=q: np.percentile(x, q, axis=axis) for q in (5, 95)}
    theirs = stats.bootstrap(
        (values,), functions[statistic], rng=np.random.default_rng(0), method="percentile", n_resamples=4000
    ).confidence_interval
    ours = bootstrap_statistic(draw(cases(120), resamples=4000), values, statistic).interval()
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs), abs=0.012)


@pytest.mark.parametrize("statistic", ["median", "p5", "p25", "p75", "p95", "min", "max", "std"])
def test_the_statistic_of_a_resample_is_that_of_its_written_out_cases(statistic):
    values = np.random.default_rng(6).random(12)
    draws = draw(cases(12), resamples=20)
    expected = [getattr(summarise(np.repeat(values, row)), statistic) for row in draws.weights]
    assert statistics_of_resamples(draws, values, statistic) == pytest.approx(expected)


def test_the_minimum_is_bounded_by_itself_from_below_and_the_maximum_from_above():
    values = np.random.default_rng(0).random(60)
    interval = bootstrap_statistic(draw(cases(60), resamples=500), values, "min").interval()
    assert interval.low == values.min() < interval.high
    interval = bootstrap_statistic(draw(cases(60), resamples=500), values, "max").interval()
    assert interval.low < values.max() == interval.high


def test_columns_larger_than_a_block_are_done_one_by_one(monkeypatch):
    values = np.random.default_rng(0).integers(0, 9, size=(12, 3)) / 8  # whose sums are exact in every order
    draws = draw(cases(12), resamples=30)
    whole = mean_intervals(draws, values)
    monkeypatch.setattr(intervals, "BLOCK_BYTES", 8)
    assert mean_intervals(draws, values) == whole


@pytest.mark.parametrize(("z0", "acceleration"), [(0.0, 0.0), (0.1, 0.05), (-0.2, -0.1)])
def test_the_confidence_below_a_quantile_is_its_probability(z0, acceleration):
    resampled = np.random.default_rng(0).random(9999)
    boot = Bootstrapped(resampled=resampled, z0=z0, acceleration=acceleration)
    for probability in (0.01, 0.3, 0.95):
        assert boot.confidence_below(boot.quantile(probability)) == pytest.approx(probability, abs=1e-3)


def test_the_confidence_never_exceeds_what_the_number_of_resamples_can_show():
    boot = bootstrap_mean(draw(cases(20), resamples=99), np.full((20, 1), -0.5))
    assert boot.confidence_below(0.0) == pytest.approx(0.99)
    assert boot.confidence_below(-1.0) == pytest.approx(0.01)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    generator = np.random.default_rng(12345)
    draws = draw(cases(60), resamples=400)
    values = generator.exponential(size=(60, 400))  # skewed, true mean 1
    covered = {"percentile": 0.0, "bca": 0.0}
    for method in covered:
        found = mean_intervals(draws, values, method=method)
        covered[method] = np.mean([one.low <= 1.0 <= one.high for one in found])
    assert all(0.90 <= share <= 0.97 for share in covered.values()), covered
