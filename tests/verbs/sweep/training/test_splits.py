"""Cases are trained on or reported, never both."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segeval.errors import ConfigError
from segeval.verbs.sweep.training.cases import hold_out, k_folds

CASES = tuple(f"case_{i:02}" for i in range(12))


def test_a_quarter_of_the_cases_is_held_out():
    (fold,) = hold_out(CASES, share=0.25, seed=0)
    assert len(fold.predict) == 3
    assert sorted(fold.train + fold.predict) == list(CASES)


def test_the_split_depends_on_the_seed_and_not_on_the_order_of_files():
    assert hold_out(CASES, share=0.25, seed=0) == hold_out(CASES[::-1], share=0.25, seed=0)
    assert hold_out(CASES, share=0.25, seed=0) != hold_out(CASES, share=0.25, seed=1)


@given(n=st.integers(2, 30), k=st.integers(2, 30), seed=st.integers(0, 5))
def test_folds_predict_every_case_once_and_never_train_on_it(n, k, seed):
    cases = [f"c{i}" for i in range(n)]
    if k > n:
        with pytest.raises(ConfigError, match=f"from 2 to {n} folds"):
            k_folds(cases, k=k, seed=seed)
        return
    folds = k_folds(cases, k=k, seed=seed)
    assert sorted(one for fold in folds for one in fold.predict) == sorted(cases)
    assert all(set(fold.train) == set(cases) - set(fold.predict) for fold in folds)
    assert max(len(fold.predict) for fold in folds) - min(len(fold.predict) for fold in folds) <= 1


@given(n=st.integers(2, 30), share=st.floats(0.01, 0.99))
def test_a_hold_out_leaves_cases_on_both_sides_or_says_why_not(n, share):
    cases = [f"c{i}" for i in range(n)]
    if math.floor(share * n + 0.5) >= n:
        with pytest.raises(ConfigError, match="leaves 0 to train on"):
            hold_out(cases, share=share, seed=0)
        return
    (fold,) = hold_out(cases, share=share, seed=0)
    assert fold.train
    assert fold.predict


def test_one_case_is_too_few_to_split():
    with pytest.raises(ConfigError, match="1 case is too few"):
        hold_out(["a"], share=0.25, seed=0)
