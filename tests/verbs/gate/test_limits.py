import math

import numpy as np
import pytest

GOOD = np.random.default_rng(0).normal(0.94, 0.02, size=60)


@pytest.mark.parametrize(("limit", "outcome", "sign"), [(0.9, "pass", "≥"), (0.97, "fail", "<")])
def test_a_floor_is_kept_or_not(table, rule, verdict, limit, outcome, sign):
    found = verdict(table({"liver": GOOD}), rule(min=limit))
    assert (found.outcome, found.n, found.limit) == (outcome, 60, limit)
    assert found.value == pytest.approx(GOOD.mean())
    assert found.reason == f"mean {GOOD.mean():.4g} {sign} {limit}"


@pytest.mark.parametrize(("limit", "outcome"), [(6.0, "pass"), (2.0, "fail")])
def test_a_ceiling_is_kept_or_not(table, rule, verdict, limit, outcome):
    run = table({"liver": [1.0, 3.0, 8.0]}, measure="hd95", better="lower")
    found = verdict(run, rule(measure="hd95", stat="median", max=limit))
    assert (found.outcome, found.value) == (outcome, 3.0)


@pytest.mark.parametrize(
    ("stat", "value"),
    [
        ("mean", 0.65),
        ("median", 0.7),
        ("min", 0.2),
        ("max", 1.0),
        ("p5", 0.26),  # at 0.05 * 3 of the way through the sorted cases: 0.2 + 0.15 * 0.4
        ("p95", 0.97),  # at 0.95 * 3: 0.8 + 0.85 * 0.2
        ("std", math.sqrt(0.35 / 3)),
    ],
)
def test_every_statistic_can_be_gated(table, rule, verdict, stat, value):
    run = table({"liver": [0.2, 0.6, 0.8, 1.0]})
    limit = {"max": 9.0} if stat == "std" else {"min": 0.1}
    found = verdict(run, rule(stat=stat, **limit))
    assert found.value == pytest.approx(value, abs=1e-12)
    assert found.outcome == "pass"


def test_a_limit_that_is_met_but_for_rounding_is_met(table, rule, verdict):
    assert verdict(table({"liver": [0.1] * 3}), rule(min=0.1)).outcome == "pass"
    assert verdict(table({"liver": [0.1, 0.2]}), rule(min=0.15)).outcome == "pass"


def test_the_digits_tell_value_and_limit_apart(table, rule, verdict):
    found = verdict(table({"liver": [0.929996]}), rule(min=0.93))
    assert (found.outcome, found.reason) == ("fail", "mean 0.929996 < 0.93")


@pytest.mark.parametrize(
    ("values", "outcome", "limit"),
    [([0.5], "pass", 0.4), ([0.3], "fail", 0.4), ([0.9], "fail", 0.8), ([0.75], "pass", 0.8)],
)
def test_a_two_sided_rule_names_the_limit_that_counts(table, rule, verdict, values, outcome, limit):
    run = table({"liver": values}, measure="volume", better="none")
    found = verdict(run, rule(measure="volume", min=0.4, max=0.8))
    assert (found.outcome, found.limit) == (outcome, limit)


def test_a_lower_bound_can_miss_a_floor_that_the_mean_keeps(table, rule, verdict):
    run = table({"liver": GOOD})
    floor = GOOD.mean() - 0.002
    assert verdict(run, rule(min=floor)).outcome == "pass"
    found = verdict(run, rule(min=floor, bound="ci_lower"))
    assert found.outcome == "fail"
    assert found.value == found.interval.low < GOOD.mean() < found.interval.high
    assert found.reason.startswith("lower bound of mean 0.9")
    assert verdict(run, rule(min=floor, bound="ci_upper")).outcome == "pass"


def test_a_bound_of_a_percentile_has_an_interval_too(table, rule, verdict):
    found = verdict(table({"liver": GOOD}), rule(stat="p5", min=0.5, bound="ci_lower"))
    assert found.outcome == "pass"
    assert found.interval.low <= np.percentile(GOOD, 5) <= found.interval.high


def test_few_cases_are_noted_beside_an_interval(table, rule, verdict):
    found = verdict(table({"liver": GOOD[:20]}), rule(min=0.5, bound="ci_lower"))
    assert "fewer than 50 cases" in found.notes[0]
    assert verdict(table({"liver": GOOD}), rule(min=0.5, bound="ci_lower")).notes == ()


def test_the_interval_is_that_of_the_units_of_resampling(table, rule, verdict):
    run = table({"liver": np.repeat(GOOD[:20], 3)})
    patients = {f"case_{i:03d}": f"patient {i // 3}" for i in range(60)}
    alone = verdict(run, rule(min=0.5, bound="ci_lower"))
    grouped = verdict(run, rule(min=0.5, bound="ci_lower"), cases={"unit": "patient"}, case_table={"patient": patients})
    assert grouped.interval.high - grouped.interval.low > 1.4 * (alone.interval.high - alone.interval.low)


def test_the_mean_over_classes_is_gated_with_an_interval_of_its_own(table, rule, verdict):
    run = table({"liver": GOOD, "spleen": GOOD - 0.1})
    found = verdict(run, rule(min=0.85, bound="ci_lower", **{"class": "(mean)"}))
    assert (found.outcome, found.class_name) == ("pass", "(mean)")
    assert found.interval.low < GOOD.mean() - 0.05 < found.interval.high


def test_a_pooled_value_is_gated_as_it_is(table, rule, verdict):
    run = table({"liver": [0.1], "spleen": [0.1]}, pooled={"liver": 0.9, "spleen": 0.7})
    assert verdict(run, rule(stat="pooled", min=0.85, **{"class": "liver"})).value == 0.9
    assert verdict(run, rule(stat="pooled", min=0.85, **{"class": "(mean)"})).value == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("better", "limit", "expected"),
    [
        ("higher", {"min": 0.0}, [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("lower", {"max": 9.0}, [0.6, 0.5, 0.4, 0.3, 0.2]),
        ("zero", {"min": -9.0, "max": 9.0}, [0.6, 0.5, 0.4, 0.3, 0.2]),
    ],
)
def test_the_five_worst_cases_stand_with_the_verdict(table, rule, verdict, better, limit, expected):
    run = table({"liver": [0.3, 0.1, np.nan, 0.5, 0.2, 0.6, 0.4]}, better=better)
    assert [one.value for one in verdict(run, rule(**limit)).worst] == expected


# what cannot be judged never passes


def test_an_undefined_value_fails_and_says_so(table, rule, verdicts):
    run = table({"liver": [np.nan, np.nan], "spleen": [0.9, 0.9]})
    liver, spleen = verdicts(run, rule(min=0.5))
    assert (liver.outcome, liver.reason, liver.n) == ("fail", "mean is undefined, which never passes", 0)
    assert spleen.outcome == "pass"


def test_an_undefined_interval_fails_and_says_so(table, rule, verdict):
    found = verdict(table({"liver": [0.9]}), rule(min=0.5, bound="ci_lower"))
    assert (found.outcome, found.reason) == ("fail", "the interval of mean is undefined, which never passes")


def test_an_undefined_pooled_value_fails(table, rule, verdict):
    assert verdict(table({"liver": [0.9]}), rule(stat="pooled", min=0.5)).outcome == "fail"


def test_a_standard_deviation_of_one_case_fails(table, rule, verdict):
    assert verdict(table({"liver": [0.9]}), rule(stat="std", max=0.5)).outcome == "fail"


def test_an_infinite_distance_breaks_every_ceiling(table, rule, verdict):
    run = table({"liver": [1.0, 2.0, math.inf]}, measure="hd95", better="lower")
    found = verdict(run, rule(measure="hd95", max=1e9))
    assert (found.outcome, found.reason) == ("fail", "mean inf > 1e+09")
    assert verdict(run, rule(measure="hd95", stat="median", max=2.0)).outcome == "pass"


# a limit is met exactly, or but for rounding


@pytest.mark.parametrize(
    ("value", "outcome"), [(0.93, "pass"), (0.93 - 2e-16, "pass"), (0.93 - 5e-15, "fail"), (0.93 - 1e-13, "fail")]
)
def test_only_rounding_may_fall_short_of_a_floor_and_it_is_shown(table, rule, verdict, value, outcome):
    found = verdict(table({"liver": [value] * 3}), rule(min=0.93))
    assert found.outcome == outcome
    assert ("short of it by" in found.reason) == (outcome == "pass" and value < 0.93)


@pytest.mark.parametrize(("value", "outcome"), [(5.0 + 8e-16, "pass"), (5.0 + 1e-13, "fail")])
def test_only_rounding_may_exceed_a_ceiling(table, rule, verdict, value, outcome):
    run = table({"liver": [value] * 3}, measure="hd95", better="lower")
    found = verdict(run, rule(measure="hd95", max=5.0))
    assert found.outcome == outcome
    assert ("which is rounding" in found.reason) == (outcome == "pass")


def test_a_large_limit_brings_no_large_slack(table, rule, verdict):
    run = table({"liver": [1e6 + 1e-7] * 3}, measure="hd95", better="lower")
    assert verdict(run, rule(measure="hd95", max=1e6)).outcome == "fail"
