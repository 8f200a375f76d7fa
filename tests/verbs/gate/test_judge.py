import math

import numpy as np
import pytest

from segeval.config import Config, MaxFraction
from segeval.errors import ConfigError
from segeval.verbs.gate import Verdict, exit_code, gate_notes
from segeval.verbs.gate.gating import GateOptions, checked_config
from segeval.verbs.gate.judge import after_holm
from segeval.verbs.gate.verdict import apart

GOOD = np.linspace(0.85, 0.95, 60)


def test_a_star_speaks_of_every_class_in_its_order(table, rule, verdicts):
    found = verdicts(table({"spleen": GOOD, "liver": GOOD}), rule(min=0.5))
    assert [one.class_name for one in found] == ["spleen", "liver"]
    assert [one.name for one in found] == ["rule [spleen]", "rule [liver]"]


def test_a_verdict_says_which_rule_measure_and_line_it_is_of(table, rule, verdict):
    one = rule(min=0.5, stat="p5")
    one._line = 7
    found = verdict(table({"liver": GOOD}), one)
    assert (found.rule_id, found.measure, found.stat, found.line) == ("rule", "dice", "p5", 7)


def test_a_star_speaks_of_case_level_measures_too(table, rule, verdict):
    run = table({"(all)": GOOD}, measure="pixel_accuracy")
    assert verdict(run, rule(measure="pixel_accuracy", min=0.5)).class_name == "(all)"


def test_a_rule_is_judged_for_each_slice_of_the_cases(table, rule, verdicts):
    sites = {f"case_{i:03d}": "A" if i < 20 else "B" for i in range(60)}
    found = verdicts(table({"liver": GOOD}), rule(min=0.89, by="site"), case_table={"site": sites})
    assert [(one.name, one.outcome, one.n) for one in found] == [
        ("rule [liver, site=A]", "fail", 20),
        ("rule [liver, site=B]", "pass", 40),
    ]


def test_a_slice_is_compared_with_the_same_slice_of_the_baseline(table, rule, verdicts):
    sites = {f"case_{i:03d}": "A" if i < 20 else "B" for i in range(60)}
    worse = GOOD - np.where(np.arange(60) < 20, 0.2, 0.0)
    found = verdicts(
        table({"liver": worse}), rule(max_regression=0.01, by="site"), baseline=table({"liver": GOOD}),
        case_table={"site": sites},
    )  # fmt: skip
    assert [(one.part, one.outcome) for one in found] == [("site=A", "fail"), ("site=B", "pass")]


@pytest.mark.parametrize(
    ("case_table", "message"),
    [
        ({}, "no column 'site'. Its columns: none"),
        ({"site": {"case_000": "A"}}, "no 'site' for 59 case.s., first 'case_001'"),
    ],
)
def test_a_case_table_must_know_every_case(table, rule, verdicts, case_table, message):
    with pytest.raises(ConfigError, match=message):
        verdicts(table({"liver": GOOD}), rule(min=0.5, by="site"), case_table=case_table)
    with pytest.raises(ConfigError, match=message):
        verdicts(table({"liver": GOOD}), rule(min=0.5), cases={"unit": "site"}, case_table=case_table)


def test_a_warning_does_not_fail(table, rule, verdict):
    run = table({"liver": GOOD})
    assert verdict(run, rule(min=0.99, severity="warning")).outcome == "warn"
    assert verdict(run, rule(min=0.5, severity="warning")).outcome == "pass"
    noisy = GOOD - 0.01 + 0.05 * np.sin(np.arange(60))
    open_question = rule(max_regression=0.01, severity="warning")
    assert verdict(table({"liver": noisy}), open_question, baseline=run).outcome == "warn"


# what cannot be judged never passes


@pytest.mark.parametrize("severity", ["error", "warning"])
@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"class": "live"}, "matches nothing: dice has no class 'live', only liver"),
        ({"measure": "iou"}, "matches nothing: the run has no iou; score it with -m '+iou'"),
    ],
)
def test_a_rule_that_matches_nothing_is_inconclusive(table, rule, verdict, facts, reason, severity):
    found = verdict(table({"liver": GOOD}), rule(min=0.5, severity=severity, **facts))
    assert (found.outcome, found.reason) == ("inconclusive", reason)


def test_the_mean_over_classes_of_a_case_level_measure_matches_nothing(table, rule, verdict):
    run = table({"(all)": GOOD}, measure="kappa")
    assert verdict(run, rule(measure="kappa", min=0.5, **{"class": "(mean)"})).outcome == "inconclusive"


def test_a_missing_baseline_is_inconclusive_even_for_a_warning(table, rule, verdict):
    run = table({"liver": GOOD})
    assert verdict(run, rule(max_regression=0.1, severity="warning")).outcome == "inconclusive"


@pytest.mark.parametrize("values", [{}, {"liver": []}, {"liver": [np.nan] * 3, "spleen": [np.nan] * 3}])
def test_a_run_without_any_value_is_inconclusive_as_a_whole(table, rule, verdicts, values):
    found = verdicts(table(values), rule(min=0.5), rule(id="other", max_regression=0.1))
    assert [(one.rule_id, one.outcome) for one in found] == [("run", "inconclusive")]
    assert found[0].reason.startswith("nothing was evaluated")


def test_an_interrupted_run_is_inconclusive(table, rule, verdicts):
    found = verdicts(table({"liver": GOOD}, unfinished="it was interrupted"), rule(min=0.5))
    assert [(one.rule_id, one.outcome) for one in found] == [("run", "inconclusive"), ("rule", "pass")]
    assert exit_code(found) == 4


@pytest.mark.parametrize(("least", "n_found"), [(60, 1), (61, 2)])
def test_too_few_cases_are_inconclusive(table, rule, verdicts, least, n_found):
    found = verdicts(table({"liver": GOOD}), rule(min=0.5), cases={"min_cases": least})
    assert len(found) == n_found
    if n_found == 2:
        assert (found[0].outcome, found[0].reason) == ("inconclusive", "only 60 cases of at least 61")


@pytest.mark.parametrize(("most", "code"), [(0, 1), (1, 1), (2, 0)])
def test_more_cases_without_a_score_than_allowed_fail(table, rule, verdicts, most, code):
    run = table({"liver": GOOD}, unscored=frozenset({"x", "y"}))
    found = verdicts(run, rule(min=0.5), cases={"max_missing": most})
    assert exit_code(found) == code
    if code:
        assert found[0].reason == f"2 case(s) without a score, at most {most} allowed: x, y"


@pytest.mark.parametrize(("most", "code"), [(0, 4), (1, 4), (2, 0)])
def test_cases_of_the_baseline_that_are_gone_leave_the_verdict_open(table, rule, verdicts, most, code):
    run, old = table({"liver": GOOD[:58]}), table({"liver": GOOD})
    found = verdicts(run, rule(max_regression=0.1), baseline=old, cases={"max_missing": most})
    assert exit_code(found) == code
    if code:
        assert (found[0].outcome, found[0].rule_id) == ("inconclusive", "cases.max_missing")
        assert "2 case(s) of the baseline have no score here" in found[0].reason
        assert "case_058, case_059" in found[0].reason


def test_cases_gone_and_cases_without_a_score_are_counted_together(table, rule, verdicts):
    old = table({"liver": GOOD})
    run = table({"liver": GOOD[:58]}, unscored=frozenset({"case_058"}))
    assert exit_code(verdicts(run, rule(max_regression=0.1), baseline=old, cases={"max_missing": 1})) == 4
    assert exit_code(verdicts(run, rule(max_regression=0.1), baseline=old, cases={"max_missing": 2})) == 0


def test_an_interrupted_baseline_is_inconclusive(table, rule, verdicts):
    run, old = table({"liver": GOOD}), table({"liver": GOOD}, unfinished="it was interrupted")
    found = verdicts(run, rule(max_regression=0.1), baseline=old)
    assert [(one.rule_id, one.outcome) for one in found] == [("baseline", "inconclusive"), ("rule", "pass")]
    assert exit_code(found) == 4


def said(*outcomes):
    return [Verdict(rule_id="a", outcome=one, reason="") for one in outcomes]


@pytest.mark.parametrize(
    ("outcomes", "code", "code_if_fail"),
    [
        ([], 4, 4),
        (["pass"], 0, 0),
        (["pass", "warn"], 0, 0),
        (["pass", "inconclusive"], 4, 1),
        (["inconclusive", "fail", "pass"], 1, 1),
    ],
)
def test_the_exit_code_is_that_of_the_gravest_verdict(outcomes, code, code_if_fail):
    assert exit_code(said(*outcomes)) == code
    assert exit_code(said(*outcomes), on_inconclusive="fail") == code_if_fail


def test_a_gate_without_rules_evaluates_nothing(table, verdicts):
    assert exit_code(verdicts(table({"liver": GOOD}))) == 4


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        (0.9312, 0.93, ("0.9312", "0.93")),
        (0.929999, 0.93, ("0.929999", "0.93")),
        (0.93, 0.93, ("0.93", "0.93")),
        (0.1, math.nextafter(0.1, 1), ("0.10000000000000001", "0.10000000000000002")),
        (math.inf, 5.0, ("inf", "5")),
        (math.nan, 5.0, ("nan", "5")),
    ],
)
def test_numbers_are_told_with_as_many_digits_as_tell_them_apart(value, limit, expected):
    assert apart(value, limit) == expected


def test_a_gate_has_notes_on_few_cases_and_on_means_alone(table, rule):
    small, large = table({"liver": GOOD[:20]}), table({"liver": GOOD})
    means = Config(rules=(rule(min=0.5),))
    tails = Config(rules=(rule(max_fraction=MaxFraction(worse_by=0.1, of_cases=0.1)),))
    assert [note[:8] for note in gate_notes(small, means)] == ["Only 20 ", "Only mea"]
    assert gate_notes(large, tails) == ()
    assert gate_notes(table({"liver": GOOD[:1]}), tails)[0].startswith("Only 1 case: below 50")
    assert gate_notes(table({}), tails) == ()


@pytest.mark.parametrize(
    ("short", "side"),
    [
        ("dice:mean=0.5", "min"),
        ("hd95:mean=5", "max"),
        ("dice:std=0.5", "max"),
        ("hd95:std=5", "max"),
        ("fdr:p95=0.5", "max"),
        ("hd95:min=5", "max"),
    ],
)
def test_a_rule_in_short_has_its_limit_on_the_side_that_is_worse(short, side):
    (found,) = checked_config(GateOptions(fail_under=(short,))).rules
    assert (found.min is None, found.max is None) == (side == "max", side == "min")


@pytest.mark.parametrize(("p", "outcome"), [(0.024, "fail"), (0.025, "fail"), (0.026, "inconclusive")])
def test_a_regression_at_just_alpha_after_holm_is_shown(p, outcome):
    shown = [Verdict(rule_id=name, outcome="fail", reason="", p=p) for name in "ab"]
    assert [found.outcome for found in after_holm(shown, alpha=0.05)] == [outcome] * 2
    raw = [Verdict(rule_id=name, outcome="fail", reason="", p=0.05) for name in "ab"]  # just shown, and 0.1 among two
    assert [found.outcome for found in after_holm(raw, alpha=0.05)] == ["inconclusive"] * 2
    beside = Verdict(rule_id="c", outcome="fail", reason="", p=0.06)  # not shown by itself: it is no matter of chance
    assert after_holm([beside], alpha=0.05)[0].outcome == "fail"


def test_the_same_run_gives_the_same_verdicts(table, rule, verdicts):
    run, old = table({"liver": GOOD, "spleen": GOOD - 0.02}), table({"liver": GOOD[::-1], "spleen": GOOD})
    rules = [rule(min=0.9, bound="ci_lower"), rule(id="other", max_regression=0.01)]
    assert verdicts(run, *rules, baseline=old) == verdicts(run, *rules, baseline=old)
