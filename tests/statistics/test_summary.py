import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segeval.errors import ConfigError, DataError
from segeval.statistics.summary import apply_undefined, mean, quantile, summarise
from tests.conftest import golden

GOLDEN = golden("statistics")
VALUES = GOLDEN["values"]
G = np.array(GOLDEN["arrays"]["G.values"], dtype=np.float64)
NAMES = {"case_ids": list("abcdefg"), "measure": "dice", "class_name": "liver"}


@pytest.mark.parametrize("statistic", ["n", "n_undefined", "mean", "median", "p5", "p25", "p75", "p95"])
def test_the_summary_agrees_with_the_numbers_worked_by_hand(statistic):
    assert asdict(summarise(G))[statistic] == pytest.approx(VALUES[f"G.{statistic}"], abs=1e-12)


def test_the_standard_deviation_is_that_of_a_sample():
    assert summarise(G).std == pytest.approx(VALUES["G.sd"], abs=1e-12)
    assert math.isnan(summarise(np.array([0.5, np.nan])).std)


@pytest.mark.parametrize("values", [np.array([]), np.array([np.nan, np.nan])])
def test_without_a_defined_value_every_statistic_is_nan(values):
    summary = asdict(summarise(values))
    assert (summary.pop("n"), summary.pop("n_undefined"), summary.pop("n_inf")) == (0, values.size, 0)
    assert all(math.isnan(one) for one in summary.values())


def test_an_infinite_value_makes_the_mean_infinite_and_is_counted():
    summary = summarise(np.array([1.0, 2.0, 3.0, np.inf, np.nan]))
    assert (summary.n, summary.n_inf, summary.n_undefined) == (4, 1, 1)
    assert (summary.mean, summary.median, summary.p95, summary.max) == (math.inf, 2.5, math.inf, math.inf)
    assert math.isnan(summary.std)


@pytest.mark.parametrize("value", [0.1, 0.7, 1 / 3, -1e300])
def test_equal_values_have_exactly_that_mean_and_no_deviation(value):
    summary = summarise(np.full(7, value))
    assert (summary.mean, summary.std) == (value, 0.0)


def test_values_of_both_infinities_have_no_mean():
    assert math.isnan(summarise(np.array([np.inf, -np.inf, 0.0])).mean)
    assert math.isnan(quantile(np.array([-np.inf, np.inf]), 0.5))


@pytest.mark.parametrize("n", [21, 41, 101, 201])
def test_a_percentile_that_falls_on_a_value_needs_no_neighbour(n):
    values = np.arange(n, dtype=np.float64)
    at = round(0.95 * (n - 1))
    values[at + 1 :] = np.inf
    assert quantile(values, 0.95) == at


numbers = st.floats(-100, 100)


@given(st.lists(numbers | st.just(math.nan), min_size=1, max_size=30), st.floats(0, 1))
def test_quantiles_of_finite_values_are_those_of_numpy(values, q):
    expected = np.nanquantile(values, q) if not np.isnan(values).all() else np.nan
    assert quantile(np.array(values), q) == pytest.approx(expected, abs=1e-6, nan_ok=True)


@given(st.lists(numbers | st.sampled_from([math.inf, -math.inf]), min_size=1, max_size=30), st.floats(0, 1))
def test_a_quantile_is_infinite_only_where_a_neighbour_of_positive_weight_is(values, q):
    position = (len(values) - 1) * q
    position = round(position) if abs(position - round(position)) < 1e-9 else position
    neighbours = {sorted(values)[math.floor(position)], sorted(values)[math.ceil(position)]}
    result = float(quantile(np.array(values), q))
    if neighbours == {math.inf, -math.inf}:
        assert math.isnan(result)
    else:
        assert math.isinf(result) == any(map(math.isinf, neighbours))


def test_each_column_has_its_own_quantile():
    values = np.array([[1.0, np.nan], [2.0, np.nan], [3.0, 7.0]])
    assert quantile(values, [0.0, 1.0]).tolist() == [1.0, 7.0]
    assert mean(values).tolist() == [2.0, 7.0]


@pytest.mark.parametrize(("policy", "n"), [("worst", 7), ("best", 7)])
def test_the_policy_puts_the_declared_bound_in_the_place_of_nan(policy, n):
    summary = summarise(apply_undefined(G, policy, worst=0.0, best=1.0, **NAMES))
    assert summary.n == n
    assert summary.mean == pytest.approx(VALUES[f"G.mean.{policy}"], abs=1e-12)


def test_the_policy_skip_changes_nothing():
    assert apply_undefined(G, "skip", worst=None, best=None, **NAMES) is G


def test_the_policy_fail_names_measure_class_and_cases():
    with pytest.raises(DataError, match=r"dice of class 'liver' is undefined for 1 case\(s\): c\."):
        apply_undefined(G, "fail", worst=0.0, best=1.0, **NAMES)
    assert apply_undefined(G[:2], "fail", worst=0.0, best=1.0, **NAMES).tolist() == [0.9, 0.8]


def test_the_policy_fail_names_five_cases_and_counts_the_rest():
    with pytest.raises(DataError, match=r"for 7 case\(s\): a, b, c, d, e and 2 more\."):
        apply_undefined(np.full(7, np.nan), "fail", worst=0.0, best=1.0, **NAMES)


def test_five_cases_are_all_named():
    with pytest.raises(DataError, match=r"for 5 case\(s\): a, b, c, d, e\.(?! and)"):
        apply_undefined(np.full(5, np.nan), "fail", worst=0.0, best=1.0, **(NAMES | {"case_ids": list("abcde")}))


def test_a_descriptive_measure_has_no_worst_value():
    with pytest.raises(ConfigError, match="has no worst value"):
        apply_undefined(G, "worst", worst=None, best=None, **NAMES)


def test_the_order_of_averaging_matters_when_values_are_undefined():
    values = np.array(GOLDEN["arrays"]["O.values_case_by_class"], dtype=np.float64)
    assert mean(mean(values)) == pytest.approx(VALUES["O.class_first"])
    assert mean(mean(values.T)) == pytest.approx(VALUES["O.case_first"])
    assert summarise(values.ravel()).mean == pytest.approx(VALUES["O.flat"])
