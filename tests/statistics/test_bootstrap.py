import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segeval.statistics import bootstrap
from segeval.statistics.bootstrap import (
    Draws,
    draw,
    jackknife_means,
    macro_of_resamples,
    means_of_resamples,
    quantiles_of_resamples,
    stds_of_resamples,
)
from segeval.statistics.summary import mean, quantile, summarise


def cases(n):
    return [f"case_{i:04d}" for i in range(n)]


def resamples(draws, values):
    """Every resample written out, case by case."""
    return [np.repeat(values, row[draws.unit_of_case], axis=0) for row in draws.weights]


some_values = st.floats(-10, 10) | st.sampled_from([np.nan, np.inf, -np.inf])
columns = st.lists(some_values, min_size=1, max_size=8).map(np.array)


def test_every_resample_draws_as_many_units_as_there_are():
    draws = draw(cases(30), resamples=50)
    assert draws.weights.shape == (50, 30)
    assert (draws.weights.sum(axis=1) == 30).all()


def test_the_same_seed_draws_the_same_resamples_and_another_seed_others():
    first, again, other = (draw(cases(20), resamples=10, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.weights, again.weights)
    assert not np.array_equal(first.weights, other.weights)


def test_without_a_seed_the_draws_are_those_of_seed_0():
    units = ["a", "b", "c", "d"]
    assert np.array_equal(draw(units, resamples=20).weights, draw(units, resamples=20, seed=0).weights)
    assert np.array_equal(
        Draws(n_units=4, unit_of_case=np.arange(4), resamples=20).weights, draw(units, resamples=20, seed=0).weights
    )


def test_the_order_of_the_cases_does_not_change_the_draws():
    values = np.random.default_rng(0).random((20, 1))
    shuffled = np.random.default_rng(1).permutation(20)
    ids = np.array(cases(20))
    straight = means_of_resamples(draw(ids.tolist(), resamples=40), values)
    assert means_of_resamples(draw(ids[shuffled].tolist(), resamples=40), values[shuffled]) == pytest.approx(straight)


def test_drawing_in_blocks_draws_the_same(monkeypatch):
    values = np.random.default_rng(0).random((20, 3))
    whole = draw(cases(20), resamples=50)
    means, p5s = means_of_resamples(whole, values), quantiles_of_resamples(whole, values[:, 0], 0.05)
    monkeypatch.setattr(bootstrap, "BLOCK_BYTES", 8 * 20 * 7)
    assert np.array_equal(draw(cases(20), resamples=50).weights, whole.weights)
    assert means_of_resamples(whole, values) == pytest.approx(means, abs=1e-15)
    assert np.array_equal(quantiles_of_resamples(whole, values[:, 0], 0.05), p5s)


def test_a_group_is_drawn_whole():
    draws = draw(["anna", "ben", "anna", "cleo"], resamples=20)
    assert draws.unit_of_case.tolist() == [0, 1, 0, 2]
    values = np.array([[1.0], [2.0], [3.0], [4.0]])
    expected = [np.mean(one) for one in resamples(draws, values)]
    assert means_of_resamples(draws, values)[:, 0] == pytest.approx(expected)


@given(columns)
def test_the_mean_of_a_resample_is_the_mean_of_its_written_out_cases(values):
    draws = draw(["a", "b", "c", "d", "d", "e", "e", "f"][: values.size], resamples=15)
    expected = [float(mean(one)) for one in resamples(draws, values)]
    assert means_of_resamples(draws, values[:, None])[:, 0] == pytest.approx(expected, nan_ok=True, abs=1e-12)


@given(columns, st.sampled_from([0.0, 0.05, 0.5, 0.95, 1.0]))
def test_a_quantile_of_a_resample_is_that_of_its_written_out_cases(values, q):
    draws = draw(["a", "b", "c", "d", "d", "e", "e", "f"][: values.size], resamples=15)
    expected = [float(quantile(one, q)) for one in resamples(draws, values)]
    assert quantiles_of_resamples(draws, values, q) == pytest.approx(expected, nan_ok=True, abs=1e-9)


@given(columns)
def test_the_deviation_of_a_resample_is_that_of_its_written_out_cases(values):
    draws = draw(cases(values.size), resamples=15)
    if np.isinf(values).any():
        assert np.isnan(stds_of_resamples(draws, values)).all()
    else:
        expected = [summarise(one).std for one in resamples(draws, values)]
        assert stds_of_resamples(draws, values) == pytest.approx(expected, nan_ok=True, abs=1e-6)


def test_columns_share_their_resamples_so_that_a_difference_keeps_its_pairing():
    base = np.random.default_rng(0).random(25)
    means = means_of_resamples(draw(cases(25), resamples=100), np.column_stack([base, base + 0.25]))
    assert means[:, 1] - means[:, 0] == pytest.approx(0.25)


def test_the_macro_mean_of_a_resample_leaves_out_a_class_without_a_value():
    means = np.array([[0.5, 0.7], [0.5, np.nan], [np.nan, np.nan]])
    assert macro_of_resamples(means) == pytest.approx([0.6, 0.5, np.nan], nan_ok=True)


def test_the_jackknife_leaves_out_one_unit_at_a_time():
    draws = draw(["a", "b", "b", "c"], resamples=1)
    values = np.array([[1.0], [2.0], [np.nan], [4.0]])
    assert jackknife_means(draws, values)[:, 0] == pytest.approx([3.0, 2.5, 1.5])


def test_a_thousand_resamples_of_two_thousand_cases_stay_small_in_memory():
    draws = draw(cases(2000), resamples=1000)
    values = np.random.default_rng(0).random((2000, 20))
    tracemalloc.start()
    means_of_resamples(draws, values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * bootstrap.BLOCK_BYTES


def test_resamples_too_many_to_keep_are_drawn_again_alike_and_need_little_memory(monkeypatch):
    monkeypatch.setattr(bootstrap, "MOST_KEPT", 2**20)
    values = np.random.default_rng(0).normal(size=(600, 3))
    draws = draw(cases(600), resamples=20_000)
    tracemalloc.start()
    first, again = means_of_resamples(draws, values), means_of_resamples(draws, values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * bootstrap.REDRAWN_BYTES < draws.weights.nbytes * 4
    assert "weights" not in vars(draw(cases(600), resamples=20_000))
    assert np.array_equal(first, again)
    assert (draws.weights.sum(axis=1) == 600).all()
    # a mean of 600 draws has the standard error of the values, over the square root of 600
    assert first.mean(axis=0) == pytest.approx(values.mean(axis=0), abs=0.002)
    assert first.std(axis=0) * np.sqrt(600) == pytest.approx(values.std(axis=0), rel=0.02)


def test_the_block_in_which_resamples_are_drawn_again_does_not_change_them(monkeypatch):
    monkeypatch.setattr(bootstrap, "MOST_KEPT", 0)
    whole = np.concatenate(list(draw(cases(30), resamples=50).blocks()))
    monkeypatch.setattr(bootstrap, "REDRAWN_BYTES", 8 * 30 * 7)
    assert np.array_equal(np.concatenate(list(draw(cases(30), resamples=50).blocks())), whole)


@pytest.mark.parametrize(("n_units", "redrawn"), [(2**13, False), (2**13 + 1, True)])
def test_a_run_of_8192_cases_keeps_the_resamples_of_its_stored_verdicts(n_units, redrawn, monkeypatch):
    # what is drawn again takes other numbers from the generator, so where that begins may not move
    monkeypatch.setattr(Draws, "weights", np.zeros((2**13, n_units), dtype=np.uint8))
    first = next(Draws(n_units=n_units, unit_of_case=np.arange(n_units), resamples=2**13).blocks())
    assert (first.sum() > 0) == redrawn


def test_no_case_gives_no_mean():
    draws = draw([], resamples=3)
    assert isinstance(draws, Draws)
    assert np.isnan(means_of_resamples(draws, np.empty((0, 2)))).all()
    assert np.isnan(quantiles_of_resamples(draws, np.empty(0), 0.5)).all()
