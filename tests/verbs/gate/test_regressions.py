import math

import numpy as np
import pytest

from segeval.config import Baseline, Config
from segeval.verbs.gate import Resampling, judge

OLD = np.random.default_rng(0).normal(0.9, 0.03, size=80).clip(0, 1)
NOISE = np.random.default_rng(1).normal(0, 0.01, size=80)


@pytest.mark.parametrize(
    ("change", "outcome", "says"),
    [
        (-0.001, "pass", "surely no worse than allowed"),
        (+0.05, "pass", "surely no worse than allowed"),
        (-0.05, "fail", "a regression is shown"),
        (-0.01, "inconclusive", "neither shown nor excluded"),
    ],
)
def test_a_loss_is_excluded_shown_or_open(table, rule, verdict, change, outcome, says):
    new = OLD + change + NOISE - NOISE.mean()
    found = verdict(table({"liver": new}), rule(max_regression=0.01), baseline=table({"liver": OLD}))
    assert (found.outcome, found.n, found.limit) == (outcome, 80, -0.01)
    assert found.value == pytest.approx(change)
    assert found.reason.endswith(says)
    assert found.interval.low < change < found.interval.high
    assert (found.p < 0.05) == (outcome == "fail")


def test_a_longer_distance_is_a_loss(table, rule, verdict):
    old = table({"liver": 10 * OLD}, measure="hd95", better="lower")
    new = table({"liver": 10 * OLD + 2}, measure="hd95", better="lower")
    limit = rule(measure="hd95", max_regression=0.5)
    found = verdict(new, limit, baseline=old)
    assert (found.outcome, found.value) == ("fail", pytest.approx(-2))
    assert verdict(old, limit, baseline=new).outcome == "pass"


def test_identical_runs_pass_even_where_no_loss_is_allowed(table, rule, verdict):
    run = table({"liver": OLD})
    assert verdict(run, rule(max_regression=0.0), baseline=run).outcome == "pass"


@pytest.mark.parametrize(("change", "outcome"), [(-0.001, "pass"), (-0.2, "fail")])
@pytest.mark.parametrize("stat", ["median", "p5", "p95", "min"])
def test_other_statistics_can_regress_too(table, rule, verdict, stat, change, outcome):
    new = OLD + change
    found = verdict(table({"liver": new}), rule(stat=stat, max_regression=0.05), baseline=table({"liver": OLD}))
    assert (found.outcome, found.value) == (outcome, pytest.approx(change))


def test_more_spread_is_a_loss(table, rule, verdict):
    new = OLD.mean() + 5 * (OLD - OLD.mean())
    limit = rule(stat="std", max_regression=0.01)
    found = verdict(table({"liver": new}), limit, baseline=table({"liver": OLD}))
    assert found.outcome == "fail"
    assert found.value == pytest.approx(-4 * OLD.std(ddof=1))
    assert verdict(table({"liver": OLD}), limit, baseline=table({"liver": new})).outcome == "pass"


def test_a_loss_of_just_so_many_percent_is_allowed_but_for_rounding(table, rule, verdict):
    old, new = (table({"liver": np.full(60, at)}) for at in (0.53, 0.5035))  # 5 percent, and 1.5e-14 by rounding
    assert verdict(new, rule(max_regression_pct=5.0), baseline=old).outcome == "pass"
    assert verdict(new, rule(max_regression_pct=5.0 - 1e-12), baseline=old).outcome == "fail"


@pytest.mark.parametrize(("factor", "outcome"), [(0.995, "pass"), (0.9, "fail"), (1.2, "pass")])
def test_a_loss_may_be_limited_in_percent_of_the_baseline(table, rule, verdict, factor, outcome):
    found = verdict(table({"liver": factor * OLD}), rule(max_regression_pct=2.0), baseline=table({"liver": OLD}))
    assert (found.outcome, found.value) == (outcome, pytest.approx(100 * (factor - 1)))
    assert " %" in found.reason


def test_a_share_of_nothing_is_undefined_and_fails(table, rule, verdict):
    nothing = table({"liver": np.zeros(60)})
    found = verdict(nothing, rule(max_regression_pct=2.0), baseline=nothing)
    assert (found.outcome, found.reason) == ("fail", "the change of mean is undefined, which never passes")


def test_signed_measures_regress_by_magnitude(table, rule, verdict):
    old = table({"liver": NOISE}, measure="rvd", better="zero")
    new = table({"liver": NOISE - 0.5}, measure="rvd", better="zero")
    assert verdict(new, rule(measure="rvd", max_regression=0.1), baseline=old).outcome == "fail"
    flipped = table({"liver": -NOISE}, measure="rvd", better="zero")
    assert verdict(flipped, rule(measure="rvd", max_regression=0.0), baseline=old).outcome == "pass"
    for other in ({"stat": "median", "max_regression": 0.0}, {"max_regression_pct": 0.0}):
        above, below = (table({"liver": side * (1 + OLD)}, measure="rvd", better="zero") for side in (1, -1))
        found = verdict(below, rule(measure="rvd", **other), baseline=above)
        assert (found.outcome, found.value) == ("pass", 0.0)


def test_the_mean_over_classes_can_regress(table, rule, verdict):
    old, new = table({"a": OLD, "b": OLD}), table({"a": OLD, "b": OLD - 0.1})
    found = verdict(new, rule(max_regression=0.01, **{"class": "(mean)"}), baseline=old)
    assert (found.outcome, found.value) == ("fail", pytest.approx(-0.05))
    percent = rule(max_regression_pct=1.0, **{"class": "(mean)"})
    assert verdict(new, percent, baseline=old).outcome == "fail"


def test_the_cases_that_lost_most_stand_with_the_verdict(table, rule, verdict):
    new = OLD.copy()
    new[[3, 7]] -= [0.2, 0.4]
    found = verdict(table({"liver": new}), rule(max_regression=0.1), baseline=table({"liver": OLD}))
    assert [one.case_id for one in found.worst] == ["case_007", "case_003"]
    assert found.worst[0].value == pytest.approx(-0.4)


def test_cases_are_paired_by_name(table, rule, verdict):
    names = tuple(f"case_{i:03d}" for i in range(80))
    order = np.random.default_rng(2).permutation(80)
    shuffled = table({"liver": OLD[order]}, cases=tuple(names[i] for i in order))
    assert verdict(shuffled, rule(max_regression=0.0), baseline=table({"liver": OLD})).value == 0.0


# the edges: what a change of one sign or one bound would turn


def test_the_shown_bounds_are_those_that_decide(table, rule, verdict):
    run, old = table({"liver": OLD + NOISE - NOISE.mean() - 0.02}), table({"liver": OLD})
    bounds = verdict(run, rule(max_regression=0.01), baseline=old).interval
    for margin, outcome in (
        (-bounds.low + 1e-6, "pass"),
        (-bounds.low - 1e-6, "inconclusive"),
        (-bounds.high + 1e-6, "inconclusive"),
        (-bounds.high - 1e-6, "fail"),
    ):
        assert verdict(run, rule(max_regression=margin), baseline=old).outcome == outcome


@pytest.mark.parametrize(("margin", "outcome"), [(0.05, "pass"), (0.05 - 1e-14, "fail"), (0.05 + 1e-12, "pass")])
def test_a_loss_of_just_the_margin_is_allowed_and_no_more(table, rule, verdict, margin, outcome):
    run, old = table({"liver": OLD - 0.05}), table({"liver": OLD})
    assert verdict(run, rule(max_regression=margin), baseline=old).outcome == outcome


def test_the_rounding_of_a_loss_is_that_of_the_numbers_it_is_a_difference_of(table, rule, verdict):
    old, new = (table({"liver": np.full(60, at)}, measure="hd95", better="lower") for at in (1000.3, 1000.5))
    assert verdict(new, rule(measure="hd95", max_regression=0.2), baseline=old).outcome == "pass"  # and 4e-14 more
    assert verdict(new, rule(measure="hd95", max_regression=0.2 - 1e-11), baseline=old).outcome == "fail"


@pytest.mark.parametrize(("least", "outcome"), [(20, "pass"), (21, "inconclusive")])
def test_just_as_many_pairs_as_asked_are_enough(table, rule, least, outcome):
    config = Config(rules=(rule(max_regression=0.01),), baseline=Baseline(path="main", min_paired=least))
    run = table({"liver": OLD[:20]})
    (found,) = judge(run, config, baseline=run, how=Resampling(resamples=199))
    assert found.outcome == outcome


FRACTION = {"max_fraction": {"worse_by": 0.05, "of_cases": 0.1}}


@pytest.mark.parametrize("limit", [{"max_regression": 0.01}, {"max_regression_pct": 1.0}, FRACTION])
def test_a_structure_that_is_newly_missed_never_passes(table, rule, verdict, limit):
    new = OLD.copy()
    new[:3] = np.nan  # as the precision of a missed lesion is
    found = verdict(table({"liver": new}), rule(**limit), baseline=table({"liver": OLD}))
    assert (found.outcome, found.n) == ("inconclusive", 77)
    assert "3 value(s) of the baseline are undefined now" in found.reason
    assert [one.case_id for one in found.worst[:3]] == ["case_000", "case_001", "case_002"]
    worst = table({"liver": np.nan_to_num(new)})  # what the message offers counts them as 0
    assert verdict(worst, rule(max_regression=0.01), baseline=table({"liver": OLD})).value < -0.03


@pytest.mark.parametrize("limit", [{"max_regression": 0.01}, FRACTION])
def test_a_false_alarm_that_went_away_is_no_miss(table, rule, verdict, limit):
    old, new = OLD.copy(), OLD.copy()
    old[:3], new[:3] = 0.0, np.nan
    now = table({"liver": new}, absent_in=("case_000", "case_001", "case_002"))
    found = verdict(now, rule(**limit), baseline=table({"liver": old}))
    assert (found.outcome, found.n) == ("pass", 77)


@pytest.mark.parametrize("limit", [{"max_regression": 0.01}, FRACTION])
def test_a_new_false_alarm_where_the_baseline_is_undefined_never_passes(table, rule, verdict, limit):
    old, new = OLD.copy(), OLD.copy()
    old[:3], new[:3] = np.nan, 0.0
    was = table({"liver": old}, absent_in=("case_000", "case_001", "case_002"))
    found = verdict(table({"liver": new}), rule(**limit), baseline=was)
    assert (found.outcome, found.n) == ("inconclusive", 77)
    assert "3 new false alarm(s)" in found.reason
    assert (
        verdict(table({"liver": new}), rule(**limit), baseline=table({"liver": old})).outcome == "pass"
    )  # found again


def test_a_shown_regression_stays_shown_beside_a_missed_structure(table, rule, verdict):
    new = OLD - 0.1
    new[:3] = np.nan
    found = verdict(table({"liver": new}), rule(max_regression=0.01), baseline=table({"liver": OLD}))
    assert found.outcome == "fail"
    assert "3 value(s) of the baseline are undefined now" in found.reason


def test_cases_of_the_baseline_that_the_run_lacks_are_noted(table, rule, verdict):
    old = table({"liver": OLD})
    note = "20 case(s) of the baseline are not in this run"
    for limit in ({"max_regression": 0.01}, {"max_fraction": {"worse_by": 0.1, "of_cases": 0.1}}):
        assert note in verdict(table({"liver": OLD[:60]}), rule(**limit), baseline=old).notes


def test_a_chance_finding_among_many_classes_is_not_shown(table, rule, verdicts):
    classes = {f"class {i:02d}": OLD for i in range(20)}
    old, new = table(classes), dict(classes)
    new["class 07"] = OLD - 0.0022 + NOISE - NOISE.mean()  # p of about 0.02 by itself
    alone = verdicts(table({"class 07": new["class 07"]}), rule(max_regression=0.0), baseline=table({"class 07": OLD}))
    assert alone[0].outcome == "fail"
    among = {one.class_name: one for one in verdicts(table(new), rule(max_regression=0.0), baseline=old)}
    assert among["class 07"].outcome == "inconclusive"
    assert "by chance among all comparisons (p = " in among["class 07"].reason
    assert among["class 07"].p > alone[0].p
    assert among["class 08"].outcome == "pass"


def test_a_large_loss_is_shown_among_many_classes_too(table, rule, verdicts):
    classes = {f"class {i:02d}": OLD for i in range(20)}
    worse = {**classes, "class 07": OLD - 0.1 + NOISE}
    outcomes = [one.outcome for one in verdicts(table(worse), rule(max_regression=0.01), baseline=table(classes))]
    assert outcomes.count("fail") == 1


@pytest.mark.parametrize(("new", "outcome"), [(0.705, "pass"), (0.6, "fail"), (0.9, "pass")])
def test_a_pooled_value_regresses_without_an_interval(table, rule, verdict, new, outcome):
    old = table({"liver": OLD}, pooled={"liver": 0.71})
    run = table({"liver": OLD}, pooled={"liver": new})
    found = verdict(run, rule(stat="pooled", max_regression=0.01), baseline=old)
    assert (found.outcome, found.value) == (outcome, pytest.approx(new - 0.71))


def test_pooled_values_of_different_cases_are_not_compared(table, rule, verdict):
    old = table({"liver": OLD[:70]}, pooled={"liver": 0.7})
    run = table({"liver": OLD}, pooled={"liver": 0.7})
    assert verdict(run, rule(stat="pooled", max_regression=0.01), baseline=old).outcome == "inconclusive"


# what cannot be judged never passes


def test_a_missing_baseline_is_inconclusive(table, rule, verdict):
    found = verdict(table({"liver": OLD}), rule(max_regression=0.01))
    assert found.outcome == "inconclusive"
    assert "there is no baseline: name a run with --baseline, or make this one the first" in found.reason


def test_a_class_that_the_baseline_lacks_is_inconclusive(table, rule, verdicts):
    run, old = table({"liver": OLD, "spleen": OLD}), table({"liver": OLD})
    found = {one.class_name: one.outcome for one in verdicts(run, rule(max_regression=0.01), baseline=old)}
    assert found == {"liver": "pass", "spleen": "inconclusive"}


@pytest.mark.parametrize("limit", [{"max_regression": 0.01}, {"min": 0.1}])
def test_a_class_that_vanished_fails(table, rule, verdicts, limit):
    run, old = table({"liver": OLD}), table({"liver": OLD, "spleen": OLD})
    found = {one.class_name: one for one in verdicts(run, rule(**limit), baseline=old)}
    assert found["liver"].outcome == "pass"
    assert found["spleen"].outcome == "fail"
    assert found["spleen"].reason == "spleen: has values in the baseline and none here"


def test_a_class_that_vanished_from_the_mean_over_classes_fails(table, rule, verdict):
    run, old = table({"liver": OLD, "spleen": np.full(80, np.nan)}), table({"liver": OLD, "spleen": OLD})
    found = verdict(run, rule(max_regression=0.01, **{"class": "(mean)"}), baseline=old)
    assert found.outcome == "fail"
    assert "spleen" in found.reason


def test_no_case_in_both_runs_fails(table, rule, verdict):
    old = table({"liver": OLD}, cases=tuple(f"other_{i}" for i in range(80)))
    found = verdict(table({"liver": OLD}), rule(max_regression=0.01), baseline=old)
    assert (found.outcome, found.n) == ("fail", 0)


def test_one_paired_case_proves_nothing(table, rule, verdict):
    found = verdict(table({"liver": [0.9]}), rule(max_regression=0.01), baseline=table({"liver": [0.9]}))
    assert found.outcome == "inconclusive"
    assert "one paired unit has no interval" in found.reason


@pytest.mark.parametrize("change", [0.0, -0.5])
def test_min_paired_holds_back_any_verdict(table, rule, change):
    config = Config(rules=(rule(max_regression=0.01),), baseline=Baseline(path="main", min_paired=30))
    run, old = table({"liver": OLD + change}), table({"liver": OLD[:20]})
    (found,) = judge(run, config, baseline=old, how=Resampling(resamples=199))
    assert found.outcome == "inconclusive"
    assert found.reason.startswith("only 20 paired cases of at least 30: mean changed by")


@pytest.mark.parametrize(
    ("shared", "reason"), [(1, "only 1 paired cases of at least 2"), (0, "the change of mean is undef")]
)
def test_one_pair_is_too_few_and_none_is_no_pair(table, rule, shared, reason):
    config = Config(rules=(rule(max_regression=0.01),), baseline=Baseline(path="main", min_paired=2))
    old = table({"liver": [0.9, 0.8]}, cases=("case_000", "other") if shared else ("one", "other"))
    (found,) = judge(table({"liver": [0.9]}), config, baseline=old, how=Resampling(resamples=19))[-1:]
    assert found.reason.startswith(reason)
    assert found.outcome == ("inconclusive" if shared else "fail")


def test_a_newly_missed_organ_never_passes_and_one_found_again_does_not_fail(table, rule, verdict):
    finite, missed = 5 * OLD, 5 * OLD
    missed = np.where(np.arange(80) == 3, math.inf, missed)
    kind = {"measure": "hd95", "better": "lower"}
    limit = rule(measure="hd95", max_regression=0.5)
    lost = verdict(table({"liver": missed}, **kind), limit, baseline=table({"liver": finite}, **kind))
    found = verdict(table({"liver": finite}, **kind), limit, baseline=table({"liver": missed}, **kind))
    assert lost.outcome != "pass"
    assert found.outcome == "pass"
