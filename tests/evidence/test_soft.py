"""Sums and ranks of voxels against the same, voxel by voxel; and the functions that numpy and torch share."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segeval.evidence import arrays
from segeval.evidence.probabilities.soft import PixelTerms, ProbVoxels, RankedCosts, SoftCounts, Targets, surprise

SHARES = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 1.0])


@pytest.mark.parametrize("targets", ["hard", "product", "l1"])
@given(p=hnp.arrays(np.float64, (2, 5), elements=SHARES), y=hnp.arrays(np.float64, (2, 5), elements=SHARES))
def test_soft_counts_are_sums_over_the_voxels(targets: Targets, p: np.ndarray, y: np.ndarray) -> None:
    y = np.round(y) if targets == "hard" else y
    is_class = np.repeat([[True, False]], 5, axis=1).repeat(2, axis=0)
    counts = SoftCounts(
        ProbVoxels(
            truth=is_class,
            count=np.concatenate([y, 1 - y], axis=1),
            hit=np.concatenate([p, 1 - p], axis=1),
            miss=np.concatenate([1 - p, p], axis=1),
            targets=targets,
        )
    )
    least = np.minimum(p, y)
    shared = least if targets == "l1" else p * y
    expected = {
        "truth": y,
        "rest": 1 - y,
        "n": np.ones_like(y),
        "pred": p,
        "tp": shared,
        "shared": least,
        "fp": p - shared,
        "fn": y - shared,
        "tn": 1 - y - p + shared,
        "pred_squared": p**2,
        "truth_squared": y**2,
        "error_on_truth": y * (1 - p) ** 2,
        "error_on_rest": (1 - y) * p**2,
    }
    for name, each in expected.items():
        assert getattr(counts, name) == pytest.approx(each.sum(axis=1), abs=1e-12), name


@given(
    hnp.arrays(np.float64, (2, 5), elements=st.sampled_from([0.125, 0.25, 0.5, 0.75])),
    hnp.arrays(np.bool_, (2, 5)),
    st.none() | hnp.arrays(np.float64, (2, 5), elements=st.integers(0, 3)),
)
def test_costs_are_summed_over_the_class_and_over_the_rest(
    p: np.ndarray, truth: np.ndarray, weights: np.ndarray | None
) -> None:
    count = np.array([[1.0, 2, 0, 1, 3]])
    hit = np.where(truth, p, 1 - p)
    terms = PixelTerms(ProbVoxels(truth=truth, count=count, hit=hit, miss=1 - hit, weight_map=weights))
    each = np.broadcast_to(count if weights is None else count * weights, truth.shape)
    costs = each * -np.log(hit)
    for found, expected in ((terms.weights, each), (terms.sums(surprise), costs)):
        sides = (expected * truth).sum(axis=1), (expected * ~truth).sum(axis=1)
        assert np.array(found) == pytest.approx(np.array(sides))
    weighted = (2 * truth + 3 * ~truth) * costs
    assert terms.total(front=2.0, back=3.0) == pytest.approx(weighted.sum(axis=1))
    clipped = each * -np.log(np.clip(hit, 0.3, 0.7))
    assert terms.total(eps=0.3) == pytest.approx(clipped.sum(axis=1))


COSTS = st.sampled_from([1e-3, 0.2, 0.2 * (1 + 1e-16), 0.7, 3.0])


@st.composite
def ranked(draw: st.DrawFn) -> tuple[RankedCosts, list[float]]:
    """Costs of the true class of a few entries of three channels, and the falling list of those of their voxels."""
    costs = draw(hnp.arrays(np.float64, 6, elements=COSTS))
    counts = draw(hnp.arrays(np.int64, 6, elements=st.integers(0, 3))).astype(np.float64)
    truth = np.arange(3)[:, None] == draw(hnp.arrays(np.int64, 6, elements=st.integers(0, 2)))
    hit = np.where(truth, np.exp(-costs), 0.5)
    voxels = ProbVoxels(truth=truth, count=np.broadcast_to(counts, truth.shape), hit=hit, miss=1 - hit)
    each = np.repeat(voxels.nll[truth.argmax(axis=0), np.arange(6)], counts.astype(np.int64))
    return RankedCosts(voxels), sorted(each.tolist(), reverse=True)


@given(ranked(), st.sampled_from([0.0, 10.0, 25.0, 50.0, 90.0, 100.0]), st.sampled_from(["floor", "ceil"]))
def test_the_largest_costs_are_those_of_a_sorted_list(
    drawn: tuple[RankedCosts, list[float]], percent: float, rounding: str
) -> None:
    costs, each = drawn
    wanted = max(1, getattr(math, rounding)(round(len(each) * percent / 100, 9)))
    found = float(costs.largest_mean(percent, rounding))
    assert found == pytest.approx(np.mean(each[:wanted]) if each else math.nan, nan_ok=True)


@given(ranked(), st.sampled_from([0.0, 0.2, 0.5, 5.0]), st.integers(0, 9))
def test_costs_above_a_limit_are_those_of_a_sorted_list(
    drawn: tuple[RankedCosts, list[float]], limit: float, least: int
) -> None:
    costs, each = drawn
    least_cost = min(limit, each[least] if least < len(each) else -1.0)
    above = [cost for cost in each if cost > least_cost and not math.isclose(cost, least_cost, rel_tol=1e-15)]
    found = float(costs.mean_above(limit, least))
    assert found == pytest.approx((np.mean(above) if above else 0.0) if each else math.nan, nan_ok=True)


def in_both(values: list[float]) -> list[Any]:
    return [np.array(values), torch.tensor(values, dtype=torch.float64)]


def test_a_power_is_flat_up_to_1e_12_and_itself_above() -> None:
    for base in in_both([0.0, 1e-12, 1.000001e-12, 0.25, math.nan]):
        found = arrays.power(base, 0.5)
        assert found.tolist() == pytest.approx([0.0, 0.0, 1.0000005e-6, 0.5, math.nan], rel=1e-9, nan_ok=True)
    base = torch.tensor([0.0, 1e-12, 4e-12], dtype=torch.float64, requires_grad=True)
    arrays.power(base, 0.5).sum().backward()
    assert base.grad is not None
    assert base.grad.tolist() == pytest.approx([0.0, 0.0, 0.5 / 2e-6])


def test_a_quotient_of_nothing_is_what_was_asked_for() -> None:
    for whole in in_both([4.0, 0.0, 0.5, math.nan]):
        assert arrays.quotient(whole * 0 + 1, whole, empty=7.0).tolist() == pytest.approx(
            [0.25, 7.0, 2.0, math.nan], nan_ok=True
        )


def test_a_surprise_is_at_most_100_and_right_to_the_last_digit_near_1() -> None:
    p = [0.0, 1e-300, math.exp(-100), math.exp(-99), 0.5, 0.6, 1.0, math.nan]
    expected = [100.0, 100.0, 100.0, 99.0, math.log(2), -math.log1p(-0.4), 0.0, math.nan]
    for side in in_both(p):
        assert arrays.neg_log(side, 1 - side).tolist() == pytest.approx(expected, nan_ok=True, rel=1e-14)
    tiny = np.array([1e-20])  # which 1 - p has lost
    assert arrays.neg_log(1 - tiny, tiny).tolist() == pytest.approx([1e-20], rel=1e-12)
    half = torch.tensor([0.0, 1e-38, 2e-38], dtype=torch.float32)  # below the least normal number nothing is told apart
    assert arrays.neg_log(half, 1 - half).tolist() == pytest.approx([100.0, 100.0, -math.log(2e-38)], rel=1e-6)


@given(hnp.arrays(np.int64, st.integers(0, 12), elements=st.sampled_from([-3, 0, 1, 2, 5, 40, 10**9])))
def test_ids_are_numbered_as_unique_does(ids: np.ndarray) -> None:
    found, expected = arrays.numbered(ids), np.unique(ids, return_inverse=True, return_counts=True)
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


def test_sums_and_picks_by_id_are_alike_in_both_libraries() -> None:
    values, ids = [0.5, 1.0, 2.0, 4.0], np.array([2, 0, 2, 1])
    for side, at in zip(in_both(values), (ids, torch.from_numpy(ids)), strict=True):
        assert arrays.sums_by(at, side, 4).tolist() == [1.0, 4.0, 2.5, 0.0]
        assert arrays.take_along(side, at).tolist() == [2.0, 0.5, 2.0, 1.0]
        assert arrays.argsort(-side).tolist() == [3, 2, 1, 0]
        assert arrays.is_one_of(at, [2, 300, -1]).tolist() == [True, False, True, False]
    small = torch.tensor([0, 44, 3], dtype=torch.uint8)
    assert arrays.is_one_of(small, [300, -1, 3]).tolist() == [False, False, True]


def test_half_floats_are_widened_and_others_left() -> None:
    for dtype, wide in (("float16", "float32"), ("float32", "float32"), ("float64", "float64")):
        for array in (np.ones(2, dtype=dtype), torch.ones(2, dtype=getattr(torch, dtype))):
            assert arrays.dtype_of(arrays.at_least_32_bits(array)) == np.dtype(wide)
            assert arrays.dtype_of(arrays.widened(array)) == np.float64
