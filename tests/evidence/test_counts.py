"""The joint histogram: exact, for every integer type and memory layout, on every builder."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segeval.evidence.labels import LabelClass
from segeval.evidence.overlap import counts_numpy, counts_torch
from segeval.evidence.overlap.counts import Histogram, per_class_joint

DTYPES = [np.uint8, np.int8, np.uint16, np.int16, np.int32, np.uint32, np.int64, np.uint64]


def brute_force(truth: np.ndarray, pred: np.ndarray) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for pair in zip(truth.ravel().tolist(), pred.ravel().tolist(), strict=True):
        found[pair] = found.get(pair, 0) + 1
    return found


def as_dict(histogram: Histogram) -> dict[tuple[int, int], int]:
    return {
        (t, p): int(histogram.n[i, j])
        for i, t in enumerate(histogram.ids)
        for j, p in enumerate(histogram.ids)
        if histogram.n[i, j]
    }


@st.composite
def label_pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Two small label images of one shape, in any integer types and memory orders."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=3, max_side=7))
    sides = []
    for _ in range(2):
        dtype = draw(st.sampled_from(DTYPES))
        top = int(min(np.iinfo(dtype).max, 2147483647))
        low = max(np.iinfo(dtype).min, -(2**31) - 1)
        ids = st.sampled_from([0, 0, 0, 1, 2, 7, min(255, top), top, low])
        array = draw(hnp.arrays(dtype=dtype, shape=shape, elements=ids))
        sides.append(np.asfortranarray(array) if draw(st.booleans()) else array)
    return sides[0], sides[1]


@given(label_pairs())
def test_the_histogram_counts_what_brute_force_counts(pair: tuple[np.ndarray, np.ndarray]) -> None:
    truth, pred = pair
    found = counts_numpy.joint_histogram(truth=truth, pred=pred)
    assert as_dict(found) == brute_force(truth, pred)
    assert sorted(found.ids) == sorted({*truth.ravel().tolist(), *pred.ravel().tolist()})


@given(label_pairs())
def test_both_builders_count_the_same(pair: tuple[np.ndarray, np.ndarray]) -> None:
    truth, pred = pair
    on_torch = counts_torch.joint_histogram(truth=truth, pred=pred, device="cpu")
    on_numpy = counts_numpy.joint_histogram(truth=truth, pred=pred)
    assert as_dict(on_torch) == as_dict(on_numpy)
    assert {*on_torch.ids} == {*on_numpy.ids}


@pytest.mark.parametrize("middle", [2**31, -(2**31), 2**16, 0])
def test_ids_about_the_ends_of_a_type_are_told_apart(middle: int) -> None:
    rng = np.random.default_rng(2)
    truth, pred = (rng.integers(middle - 2, middle + 2, (9, 8)) for _ in range(2))
    expected = brute_force(truth, pred)
    assert as_dict(counts_numpy.joint_histogram(truth=truth, pred=pred)) == expected
    assert as_dict(counts_torch.joint_histogram(truth=truth, pred=pred, device="cpu")) == expected


def test_the_histogram_is_the_same_on_every_device(device: str) -> None:
    rng = np.random.default_rng(0)
    truth, pred = (rng.integers(0, 5, (40, 33, 21)).astype(np.uint8) for _ in range(2))
    on_torch = counts_torch.joint_histogram(truth=truth, pred=pred, device=device)
    assert as_dict(on_torch) == as_dict(counts_numpy.joint_histogram(truth=truth, pred=pred))


@pytest.mark.parametrize("n_ids", [255, 256, 257, 1000])
def test_many_ids_are_counted_too(n_ids: int) -> None:
    rng = np.random.default_rng(1)
    truth, pred = (rng.integers(0, n_ids, (101, 97)).astype(np.uint16) for _ in range(2))
    assert as_dict(counts_numpy.joint_histogram(truth=truth, pred=pred)) == brute_force(truth, pred)


def test_a_volume_larger_than_a_chunk_is_counted_once() -> None:
    truth = np.zeros((80, 80, 80), dtype=np.uint8, order="F")
    truth[10:70, 20:60, 5:75] = 3
    pred = np.roll(truth, 1, axis=0)
    histogram = counts_numpy.joint_histogram(truth=truth, pred=pred)
    assert histogram.n.sum() == truth.size
    assert as_dict(histogram)[3, 3] == int(((truth == 3) & (pred == 3)).sum())


def test_ignored_truth_voxels_leave_every_count() -> None:
    truth = np.array([[0, 1, 255, 255], [1, 1, 0, 255]], dtype=np.uint8)
    pred = np.array([[0, 1, 1, 2], [1, 0, 1, 0]], dtype=np.uint8)
    histogram = counts_numpy.joint_histogram(truth=truth, pred=pred).without([255])
    counts = histogram.counts([LabelClass(name="one", ids=(1,))])
    assert [int(side[0]) for side in (counts.tp, counts.fp, counts.fn, counts.tn)] == [2, 1, 1, 1]
    assert 2 not in histogram.ids  # it was predicted on ignored voxels only


def test_a_region_is_the_union_of_its_ids() -> None:
    truth = np.array([[1, 2, 3, 0]], dtype=np.uint8)
    pred = np.array([[2, 1, 0, 3]], dtype=np.uint8)
    histogram = counts_numpy.joint_histogram(truth=truth, pred=pred)
    counts = histogram.counts([LabelClass(name="both", ids=(1, 2)), LabelClass(name="gone", ids=(9,))])
    assert counts.tp.tolist() == [2, 0]
    assert counts.fp.tolist() == [0, 0]
    assert counts.tn.tolist() == [2, 4]


def test_ids_outside_the_classes_fall_into_the_first_bin() -> None:
    histogram = Histogram(ids=(0, 1, 9), n=np.array([[5, 1, 0], [0, 4, 2], [3, 0, 1]]))
    joint = histogram.joint([LabelClass(name="one", ids=(1,))], rest_is_class=False)
    assert joint.n.tolist() == [[9, 1], [2, 4]]
    assert joint.in_mean.tolist() == [False, True]


def test_counts_above_two_to_the_24_stay_exact() -> None:
    n = np.array([[2**40 + 1, 1], [3, 2**40 + 7]])
    counts = Histogram(ids=(0, 1), n=n).counts([LabelClass(name="one", ids=(1,))])
    assert int(counts.total[0]) == 2**41 + 12


def test_per_class_joints_have_truth_in_rows() -> None:
    counts: Any = Histogram(ids=(0, 1), n=np.array([[4, 1], [2, 3]])).counts([LabelClass(name="one", ids=(1,))])
    assert per_class_joint(counts).n.tolist() == [[[4, 1], [2, 3]]]
