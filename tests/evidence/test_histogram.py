"""Voxels per probability: exact where it says so, close where it does not, and additive."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segeval.evidence.probabilities import soft_numpy
from segeval.evidence.probabilities.bins import part_sizes
from segeval.evidence.probabilities.histogram import ProbHistogram, most_cells
from segeval.evidence.probabilities.parts import HistogramOfPart
from tests.sweep_maps import scored

DTYPES = [np.float16, np.float32, np.float64]


@st.composite
def voxels(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, often tied and often 0 or 1, with their truth."""
    n, dtype = draw(st.integers(0, 40)), draw(st.sampled_from(DTYPES))
    some = st.sampled_from([0.0, -0.0, 1.0, 0.5, 0.25, 0.1, 0.9, 1e-7, 1 - 1e-3]) | st.floats(0, 1, width=16)
    return draw(hnp.arrays(dtype, n, elements=some.map(dtype))), draw(hnp.arrays(np.bool_, n))


def rows(one: ProbHistogram) -> list[tuple[float, int, int]]:
    return list(zip(one.thresholds.tolist(), one.positives.tolist(), one.negatives.tolist(), strict=True))


@given(voxels())
def test_every_distinct_probability_is_counted_from_the_highest_down(both: tuple[np.ndarray, np.ndarray]) -> None:
    probs, inside = both
    expected = [
        (float(level), int(inside[probs == level].sum()), int((~inside)[probs == level].sum()))
        for level in sorted(set(probs.tolist()), reverse=True)
    ]
    found = scored(probs, inside).histogram()
    assert rows(found) == expected
    assert not found.approx


@given(voxels(), voxels())
def test_the_sum_of_two_is_the_histogram_of_both(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> None:
    together = [np.concatenate([a.astype(np.float64), b.astype(np.float64)]) for a, b in zip(one, other, strict=True)]
    expected = scored(together[0], together[1] > 0).histogram()
    found = scored(*one).histogram() + scored(*other).histogram()
    assert rows(found) == rows(expected)
    assert found.p.tolist() == expected.p.tolist()


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if ten voxels were too many to be told apart."""
    monkeypatch.setattr("segeval.evidence.probabilities.histogram.EXACT_UP_TO", 10)


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("dtype", DTYPES[1:])
def test_bins_hold_what_is_at_or_just_above_their_threshold(dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(0)
    probs = np.concatenate([rng.random(4000), rng.random(2000) ** 12, 1 - rng.random(2000) ** 12, [0, 0.5, 1]])
    probs = np.sort(probs.astype(dtype))[::-1]
    inside = rng.random(probs.size) < probs
    found = scored(probs, inside).histogram("bins")
    assert found.approx
    assert (np.diff(found.thresholds) < 0).all()
    counts = found.positives + found.negatives
    lowest = np.repeat(found.thresholds, counts)
    small = np.minimum(probs, 1 - probs).astype(np.float64)
    assert (probs >= lowest - 1e-7 * (dtype is np.float64)).all()
    assert (probs - lowest <= np.minimum(2.0**-16, 2.0**-10 * small) + 1e-7).all()
    assert (found.p * counts).sum() == pytest.approx(probs.sum(dtype=np.float64), rel=1e-6)
    assert found.positives.sum() == inside.sum()


@pytest.mark.usefixtures("small_limit")
def test_float16_and_asking_for_it_stay_exact() -> None:
    probs = np.linspace(0, 1, 50).astype(np.float16)
    inside = np.arange(50) % 3 == 0
    as_float16, asked = (
        scored(probs, inside).histogram(),
        scored(probs.astype(np.float64), inside).histogram("exact"),
    )
    assert rows(as_float16) == rows(asked)
    assert not as_float16.approx
    assert not asked.approx


@pytest.mark.usefixtures("small_limit")
def test_a_sum_with_too_many_probabilities_becomes_approximate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segeval.evidence.probabilities.histogram.APART_UP_TO", 10)
    probs, inside = np.linspace(0, 1, 16), np.arange(16) > 9
    halves = [scored(probs[k::2], inside[k::2]).histogram() for k in (0, 1)]
    assert [one.approx for one in halves] == [False, False]
    found = halves[0] + halves[1]
    assert found.approx
    assert (found.positives.sum(), found.negatives.sum()) == (6, 10)


@given(st.integers(0, 30), st.integers(1, 12))
def test_parts_are_nearly_equal_and_the_first_ones_longer(total: int, n: int) -> None:
    expected = [len(part) for part in np.array_split(np.arange(total), n) if len(part)]
    assert part_sizes(total, n).tolist() == expected


@given(voxels(), st.integers(1, 6))
def test_gaps_of_equal_parts_are_those_of_sorted_voxels_where_nothing_is_tied(
    both: tuple[np.ndarray, np.ndarray], n: int
) -> None:
    probs, first = np.unique(both[0], return_index=True)
    inside = both[1][first]
    expected = [
        abs(probs[part].mean(dtype=np.float64) - inside[part].mean())
        for part in np.array_split(np.arange(probs.size), n)
        if len(part)
    ]
    assert scored(probs, inside).histogram().gaps_of_equal_parts(n) == pytest.approx(expected)


def test_a_tie_across_two_parts_is_shared_out() -> None:
    found = scored(np.full(4, 0.5), np.array([True, True, False, False])).histogram()
    assert found.gaps_of_equal_parts(2).tolist() == [0.0, 0.0]


@pytest.mark.usefixtures("small_limit")
def test_what_a_sum_holds_too_much_of_stays_apart() -> None:
    probs = 0.3 + 1e-8 * np.arange(10)  # all in one bin
    parts = [scored(probs[k::2], probs[k::2] > 0.3 + 4.5e-8).histogram() for k in (0, 1)]
    others = scored(np.linspace(0.4, 1, 100_000), np.ones(100_000, dtype=bool)).histogram("exact")
    found = parts[0] + parts[1] + others
    assert found.approx
    assert np.isin(probs, found.thresholds).all()
    assert (found.positives.sum(), found.negatives.sum()) == (100_005, 5)


def area_of(found: ProbHistogram) -> float:
    """P(a voxel of the class has the larger probability), ties and wide bins ½."""
    above = np.cumsum(found.positives) - found.positives / 2
    return float((above * found.negatives).sum() / found.positives.sum() / found.negatives.sum())


@pytest.mark.parametrize(("few", "detail"), [(0, "curve"), (0, "exact"), (1 << 20, "curve")])
def test_of_a_map_in_parts_the_bins_that_matter_are_told_apart(
    few: int, detail: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segeval.evidence.probabilities.histogram.EXACT_UP_TO", few)
    random = np.random.default_rng(6)
    truth = random.random(8000) < 0.5
    near = 0.3 + 1e-7 * (random.random(8000) + truth)  # many in a bin, of which nearly every pair can be told
    p = np.where(random.random(8000) < 0.5, near, random.random(8000))
    n, part = soft_numpy.ranks(p, truth), HistogramOfPart.standing_for(None, detail)
    mixed = part.mixed(n)
    settled = part.settled(n, ProbHistogram.of_values(*soft_numpy.within(mixed, p, truth)))
    whole = ProbHistogram.of_values(p, truth)
    assert (n[mixed] > 0).all()
    assert (settled.positives.sum(), settled.negatives.sum()) == (truth.sum(), (~truth).sum())
    assert area_of(settled) == pytest.approx(area_of(whole), abs=1e-5)
    assert abs(area_of(part.settled(n, None)) - area_of(whole)) > 0.01
    if few or detail == "exact":
        assert settled.p.tolist() == whole.p.tolist()


@given(voxels())
def test_cells_are_no_more_than_bins_have_room_for(both: tuple[np.ndarray, np.ndarray]) -> None:
    found = scored(*both).histogram()
    n = soft_numpy.ranks(both[0].astype(np.float64), both[1])
    assert len(found.in_cells().p) <= most_cells(n.sum(axis=0)) <= len(both[0])


def test_bins_tell_how_many_cells_a_map_of_noise_fills() -> None:
    rng = np.random.default_rng(0)
    probs = rng.uniform(0.1, 0.9, 2_000_000)
    inside = rng.random(probs.size) < 0.3
    cells = len(scored(probs, inside).histogram().in_cells().p)
    assert cells <= most_cells(soft_numpy.ranks(probs, inside).sum(axis=0)) <= 1.2 * cells
