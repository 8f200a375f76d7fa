"""Rules on the marks of a review: a share of the cases that a person failed."""

import numpy as np
import pytest
from pydantic import ValidationError

from segeval.config import Config, Rule
from segeval.errors import ConfigError
from segeval.verbs.gate import judge

NAMES = [f"case_{i:03d}" for i in range(100)]


def rule_on(**limit):
    bound = limit.pop("bound", None)
    return Rule(id="reviewed", max_fraction={"reviewed": "fail", "of_cases": 0.05, **limit}, bound=bound)


def judged(table, marks, **limit):
    facts = {"reviewed": marks, "site": {name: "AB"[i % 2] for i, name in enumerate(NAMES)}}
    run = table({"liver": np.full(100, 0.9)})
    return judge(run, Config(rules=(rule_on(**limit),)), case_table=facts)


def marked(n_fail, n_unsure=0, n_open=0):
    passed = 100 - n_fail - n_unsure - n_open
    return dict(zip(NAMES, ["fail"] * n_fail + ["unsure"] * n_unsure + [""] * n_open + ["pass"] * passed, strict=True))


@pytest.mark.parametrize(
    ("n_fail", "outcome", "says"),
    [
        (0, "pass", "upper bound 0.02951 ≤ 0.05"),  # 1 - 0.05 ** (1 / 100)
        (5, "inconclusive", "enclose 0.05"),
        (15, "fail", "lower bound 0.09479 > 0.05"),  # scipy.stats.beta.ppf(0.05, 15, 86)
    ],
)
def test_exact_bounds_decide_on_the_share_that_a_reviewer_failed(table, n_fail, outcome, says):
    (found,) = judged(table, marked(n_fail))
    assert (found.outcome, found.value, found.n) == (outcome, n_fail / 100, 100)
    assert found.reason.endswith(says), found.reason


@pytest.mark.parametrize(("n_fail", "outcome"), [(5, "pass"), (6, "fail")])
def test_a_point_looks_at_the_share_of_marks_alone(table, n_fail, outcome):
    (found,) = judged(table, marked(n_fail), bound="point")
    assert found.outcome == outcome
    assert [case.case_id for case in found.worst] == NAMES[:5]
    assert found.notes == ()


@pytest.mark.parametrize(
    ("marks", "outcome"),
    [
        (marked(3, n_open=2), "pass"),  # 5 at most
        (marked(3, n_open=3), "inconclusive"),  # from 3 to 6
        (marked(3, n_unsure=3), "inconclusive"),
        (marked(7, n_open=50), "fail"),  # 7 at least
        ({name: mark for name, mark in marked(3).items() if name not in NAMES[-3:]}, "inconclusive"),  # without a row
    ],
)
def test_cases_without_a_verdict_of_the_reviewer_may_be_either(table, marks, outcome):
    (found,) = judged(table, marks, bound="point")
    assert found.outcome == outcome
    said = [text for text in (found.reason, *found.notes) if "without a verdict of the review (" in text]
    assert said == ([found.reason] if outcome == "inconclusive" else list(found.notes))
    assert len(said) == 1


def test_slices_are_judged_for_themselves(table):
    rule = Rule(id="r", max_fraction={"reviewed": "fail", "of_cases": 0.05}, bound="point", by="site")
    marks = {name: "fail" if i in (0, 2, 4) else "pass" for i, name in enumerate(NAMES)}
    facts = {"reviewed": marks, "site": {name: "AB"[i % 2] for i, name in enumerate(NAMES)}}
    found = judge(table({"liver": np.full(100, 0.9)}), Config(rules=(rule,)), case_table=facts)
    assert [(verdict.part, verdict.outcome) for verdict in found] == [("site=A", "fail"), ("site=B", "pass")]


@pytest.mark.parametrize(
    ("marks", "says"),
    [
        ({"another": "fail"}, "no case of this run in the case table"),
        ({**marked(0), NAMES[3]: "Fail!"}, "Write one of pass, fail, unsure"),
    ],
)
def test_marks_that_say_nothing_of_this_run_are_refused(table, marks, says):
    with pytest.raises(ConfigError, match=says):
        judged(table, marks)


def test_without_a_review_the_rule_says_where_to_get_one(table):
    with pytest.raises(ConfigError, match=r"Download review\.csv"):
        judge(table({"liver": [0.5]}), Config(rules=(rule_on(),)))


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"measure": "dice", "max_fraction": {"of_cases": 0.1}}, "worse_by or by reviewed"),
        ({"max_fraction": {"of_cases": 0.1, "worse_by": 0.1}}, "has no measure"),
        ({"measure": "dice", "max_fraction": {"of_cases": 0.1, "reviewed": "fail"}}, "Leave out measure and class"),
        ({"min": 0.5}, "has no measure"),
    ],
)
def test_a_rule_says_what_it_counts(facts, says):
    with pytest.raises(ValidationError, match=says):
        Rule(id="r", **facts)
