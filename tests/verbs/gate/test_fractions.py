import numpy as np
import pytest

OLD = np.full(200, 0.9)


def worse(n_worse, n=200, by=0.1):
    new = OLD[:n].copy()
    new[:n_worse] -= by
    return new


def fraction(**facts):
    return {"max_fraction": {"worse_by": 0.05, "of_cases": 0.03}, **facts}


@pytest.mark.parametrize(
    ("n_worse", "outcome", "says"),
    [
        (0, "pass", "upper bound 0.01487 ≤ 0.03"),
        (6, "inconclusive", "enclose 0.03"),
        (15, "fail", "lower bound 0.0468 > 0.03"),
    ],
)
def test_exact_bounds_decide_whether_few_enough_cases_are_worse(table, rule, verdict, n_worse, outcome, says):
    found = verdict(table({"liver": worse(n_worse)}), rule(**fraction()), baseline=table({"liver": OLD}))
    assert (found.outcome, found.value, found.n) == (outcome, n_worse / 200, 200)
    assert found.reason.startswith(f"{n_worse} of 200 cases are worse by more than 0.05: ")
    assert found.reason.endswith(says)
    assert found.stat == "share of cases"


@pytest.mark.parametrize(("n_worse", "outcome"), [(0, "pass"), (6, "pass"), (7, "fail")])
def test_a_point_looks_at_the_share_alone(table, rule, verdict, n_worse, outcome):
    found = verdict(table({"liver": worse(n_worse)}), rule(**fraction(bound="point")), baseline=table({"liver": OLD}))
    assert found.outcome == outcome


@pytest.mark.parametrize(("n_worse", "outcome"), [(0, "pass"), (6, "fail")])
def test_an_upper_bound_asks_for_proof(table, rule, verdict, n_worse, outcome):
    found = verdict(
        table({"liver": worse(n_worse)}), rule(**fraction(bound="ci_upper")), baseline=table({"liver": OLD})
    )
    assert found.outcome == outcome


def test_a_loss_of_just_the_allowed_size_is_not_worse(table, rule, verdict):
    found = verdict(table({"liver": worse(50, by=0.05)}), rule(**fraction()), baseline=table({"liver": OLD}))
    assert found.value == 0


def test_a_loss_of_any_size_is_worse_where_none_is_allowed(table, rule, verdict):
    any_loss = {"max_fraction": {"worse_by": 0, "of_cases": 0.03}}
    found = verdict(table({"liver": worse(50, by=0.01)}), rule(**any_loss), baseline=table({"liver": OLD}))
    assert (found.value, found.outcome) == (0.25, "fail")


def test_too_few_cases_to_prove_a_small_share_are_said_so(table, rule, verdict):
    found = verdict(table({"liver": OLD[:40]}), rule(**fraction()), baseline=table({"liver": OLD[:40]}))
    assert found.outcome == "inconclusive"
    assert found.notes == ("even without a worse case, 0.03 takes 99 cases to prove",)


@pytest.mark.parametrize(("n", "outcome"), [(98, "inconclusive"), (99, "pass")])
def test_the_number_of_cases_that_it_takes_is_right(table, rule, verdict, n, outcome):
    run = table({"liver": OLD[:n]})
    assert verdict(run, rule(**fraction()), baseline=run).outcome == outcome


def test_an_infinite_loss_is_worse(table, rule, verdict):
    old = table({"liver": np.ones(200)}, measure="hd95", better="lower")
    new = table({"liver": np.r_[np.full(20, np.inf), np.ones(180)]}, measure="hd95", better="lower")
    assert verdict(new, rule(measure="hd95", **fraction()), baseline=old).value == 0.1


def test_nothing_to_count_fails(table, rule, verdict):
    old = table({"liver": OLD}, cases=tuple(f"other_{i}" for i in range(200)))
    assert verdict(table({"liver": OLD}), rule(**fraction()), baseline=old).outcome == "fail"


def test_a_missing_baseline_is_inconclusive(table, rule, verdict):
    assert verdict(table({"liver": OLD}), rule(**fraction())).outcome == "inconclusive"


@pytest.mark.parametrize(("n", "is_noted"), [(98, True), (99, False)])
def test_the_number_of_cases_that_proves_a_share_is_enough(table, rule, verdict, n, is_noted):
    found = verdict(table({"liver": worse(1, n=n)}), rule(**fraction()), baseline=table({"liver": OLD[:n]}))
    assert found.outcome == "inconclusive"
    assert any("takes 99 cases" in note for note in found.notes) == is_noted
