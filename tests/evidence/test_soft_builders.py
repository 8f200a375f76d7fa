"""The condensed evidence says what the voxels say, and both builders say the same."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segeval.evidence.arrays import argsort
from segeval.evidence.probabilities import soft_numpy, soft_torch
from segeval.evidence.probabilities.bins import condensed
from segeval.evidence.probabilities.channels import ProbMap
from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.evidence.probabilities.prob_maps import Condensed
from segeval.evidence.probabilities.scored_map import ScoredMap
from segeval.evidence.probabilities.soft import (
    ChannelTerms,
    LovaszTerms,
    PixelTerms,
    ProbVoxels,
    SoftCounts,
    two_channels,
)
from segeval.losses.lovasz import lovasz_hinge_loss, lovasz_sigmoid_loss
from segeval.losses.pixel import bce_loss, focal_loss, focal_star_loss


def voxel_by_voxel(p: np.ndarray, truth: np.ndarray) -> ProbVoxels:
    wide = p.astype(np.float64)
    return ProbVoxels(
        truth=truth,
        count=np.ones(p.size),
        hit=np.where(truth, wide, 1 - wide),
        miss=np.where(truth, 1 - wide, wide),
    )


def a_map(n: int = 40_000, *, spread: float = 6.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A map with rare positives, confident on both sides, with saturated and vanishing values."""
    random = np.random.default_rng(seed)
    logits = random.normal(-4, spread, n)
    p = 1 / (1 + np.exp(-logits))
    p[:8] = [0, 0, 1, 1, 1e-18, 1e-30, 0.5, 1e-13]
    truth = random.random(n) < p**0.7
    truth[:8] = [True, False, True, False, True, True, False, True]
    return p, truth


def bins_of(p: np.ndarray, truth: np.ndarray) -> ProbHistogram:
    return ProbHistogram.of_bins(soft_numpy.ranks(p, truth))


def sums(voxels: ProbVoxels) -> dict[str, float]:
    """Numbers that use a map in different ways."""
    counts, terms, channels = SoftCounts(voxels), PixelTerms(voxels), ChannelTerms(two_channels(voxels))
    costs = {
        "bce": bce_loss(terms),
        "weak focus": focal_loss(channels, gamma=0.5, alpha=None),
        "focus": focal_loss(channels, gamma=5.0),
        "star": focal_star_loss(terms, gamma=4.0, beta=0.0),
        "root": terms.sums(lambda voxels: np.where(voxels.nll > 1e-12, voxels.nll, 0.0) ** 0.3)[0],
    }
    volumes = {name: getattr(counts, name) for name in ("n", "truth", "pred", "tp", "pred_squared", "error_on_truth")}
    return {name: float(value) for name, value in (costs | volumes).items()}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_few_entries_have_the_sums_of_all_voxels(dtype: type) -> None:
    p, truth = a_map()
    p = p.astype(dtype)
    condensed = soft_numpy.moments(p, truth)
    assert sums(condensed) == pytest.approx(sums(voxel_by_voxel(p, truth)), rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.3, np.nextafter(np.float32(0.25), np.float32(0)), 1.0])
def test_a_bin_holds_a_whole_image(value: float) -> None:
    n = 1 << 23
    p = np.full(n, value, dtype=np.float32)
    condensed = soft_numpy.moments(p, np.zeros(n, dtype=bool))
    one = p[:1].astype(np.float64)
    expected = ProbVoxels(truth=np.array([False]), count=np.array([float(n)]), hit=1 - one, miss=one)
    assert sums(condensed) == pytest.approx(sums(expected), rel=1e-12)


@given(st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_the_sums_hold_for_maps_of_two_values(one: float, other: float, is_class: bool) -> None:
    p = np.repeat(np.clip([one, other], 0, 1), 50)
    truth = np.arange(100) % 3 == 0 if is_class else np.arange(100) < 50
    assert sums(soft_numpy.moments(p, truth)) == pytest.approx(sums(voxel_by_voxel(p, truth)), rel=1e-7, abs=1e-12)


def test_values_a_little_outside_count_as_the_ends() -> None:
    truth = np.array([True, False, True, False])
    outside = soft_numpy.moments(np.array([1 + 1e-7, -1e-7, -1e-7, 1 + 1e-7]), truth)
    assert sums(outside) == pytest.approx(sums(voxel_by_voxel(np.array([1.0, 0, 0, 1]), truth)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n", [100, 40_000])
@pytest.mark.parametrize("on", [None, "device"])
def test_zero_has_no_sign(dtype: type, n: int, on: str | None, device: str) -> None:
    p, truth = a_map(n)
    p = np.where(p < 0.01, 0.0, p).astype(dtype)
    signed = np.where(p == 0, -p, p)
    assert np.signbit(signed).any()

    def seen(p: np.ndarray) -> list[object]:
        scored = ScoredMap(map=ProbMap(stored=p), truth=truth, device=on and device)
        twice = Condensed(scored.condensed()) + Condensed(scored.condensed())
        histograms = [scored.histogram("exact"), *([] if dtype == np.float16 else [bins_of(p, truth)])]
        return [sums(scored.condensed()), sums(condensed(twice.voxels)), [sums(one.voxels()) for one in histograms]]

    assert seen(signed) == seen(p)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_builders_condense_alike(dtype: type, device: str) -> None:
    p, truth = a_map()
    p = p.astype(dtype)
    arrays = [torch.from_numpy(one).to(device) for one in (p, truth)]
    on_cpu, on_device = soft_numpy.moments(p, truth), soft_torch.moments(*arrays)
    assert sums(on_device) == pytest.approx(sums(on_cpu), rel=1e-9)
    n = soft_numpy.ranks(p, truth)
    np.testing.assert_array_equal(soft_torch.ranks(*arrays), n)
    which = np.random.default_rng(0).random(n.shape) < 0.3
    for of_device, of_cpu in zip(soft_torch.within(which, *arrays), soft_numpy.within(which, p, truth), strict=True):
        np.testing.assert_array_equal(of_device, of_cpu)


@pytest.mark.parametrize(("dtype", "full"), [(np.float16, 1.0), (np.uint8, 255.0), (np.uint16, 65535.0)])
def test_maps_in_few_bits_are_counted_exactly(dtype: type, full: float, device: str) -> None:
    p, truth = a_map()
    stored = (p * full).round().astype(dtype) if full > 1 else p.astype(dtype)
    levels = None if dtype == np.float16 else np.arange(full + 1) / full
    found = soft_numpy.distinct(stored, truth, levels=levels)
    expected = ProbHistogram.of_values(stored / full, truth)
    on_device = soft_torch.distinct(*(torch.from_numpy(one).to(device) for one in (stored, truth)), levels=levels)
    for name in ("positives", "negatives"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        np.testing.assert_array_equal(getattr(on_device, name), getattr(expected, name))
    np.testing.assert_allclose(found.p, expected.p, rtol=1e-3 if dtype == np.float16 else 1e-12)
    assert not found.approx


def test_lovasz_of_a_half_precision_map_is_exact() -> None:
    p, truth = a_map(spread=2.0)
    half = p.astype(np.float16)
    exact = LovaszTerms(voxel_by_voxel(half, truth))
    counted = LovaszTerms(soft_numpy.distinct(half, truth, levels=None).voxels())
    assert lovasz_sigmoid_loss(counted) == pytest.approx(float(lovasz_sigmoid_loss(exact)), rel=1e-12)
    assert lovasz_hinge_loss(counted) == pytest.approx(float(lovasz_hinge_loss(exact)), rel=1e-12)


def test_a_histogram_counts_from_above() -> None:
    histogram = ProbHistogram.of_values(np.array([0.2, 0.7, 0.2, 0.7, 0.9]), np.array([0, 1, 1, 0, 1], dtype=bool))
    assert histogram.p.tolist() == [0.9, 0.7, 0.2]
    assert (histogram.positives.tolist(), histogram.negatives.tolist()) == ([1, 1, 1], [0, 1, 1])


def test_bins_keep_the_order_of_the_values() -> None:
    p, truth = a_map()
    histogram = bins_of(p, truth)
    assert (np.diff(histogram.p) <= 0).all()
    assert (np.diff(histogram.rest) >= 0).all()
    assert histogram.positives.sum() == truth.sum()
    assert histogram.negatives.sum() == (~truth).sum()
    assert histogram.approx


@pytest.mark.parametrize("stored", ["log odds", "float32", "float64"])
@pytest.mark.parametrize("on", [None, "device"])
def test_a_logarithm_is_right_down_to_where_it_is_cut_off(stored: str, on: str | None, device: str) -> None:
    log_odds = np.linspace(-99.9, -88, 33**3)
    p = np.exp(log_odds)  # 1 - p is 1 to 38 digits
    values = {"log odds": log_odds, "float32": p.astype(np.float32), "float64": p}[stored]
    scored = ScoredMap(
        map=ProbMap(stored=values, is_log_odds=stored == "log odds"),
        truth=np.arange(p.size) % 3 > 0,
        device=on and device,
    )
    expected = -np.log(values.astype(np.float64)) if stored != "log odds" else -log_odds
    found = bce_loss(PixelTerms(scored.condensed()))
    assert found == pytest.approx(expected[scored.truth].sum() / p.size, rel=1e-8)


def test_numbers_are_ranked_along_their_last_axis_by_either_library() -> None:
    numbers = np.array([[3.0, 1.0, 2.0, 1.0], [1.0, 4.0, 0.0, 4.0]])
    assert argsort(numbers).tolist() == argsort(torch.tensor(numbers)).tolist() == [[1, 3, 2, 0], [2, 0, 1, 3]]
