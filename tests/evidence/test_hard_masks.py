"""Masks from probabilities, against one voxel at a time."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.channels import BACKGROUND, Channels, Layout, ProbMap
from segeval.evidence.probabilities.hard_masks import hard_mask

TENTHS = (np.arange(11) / 10).astype(np.float32)
ONE, TWO, SEVEN = (LabelClass(name=name, ids=(one,)) for name, one in (("one", 1), ("two", 2), ("seven", 7)))
WT, TC, ET = (LabelClass(name=name, ids=ids) for name, ids in (("wt", (1, 2, 3)), ("tc", (2, 3)), ("et", (3,))))
NO_TRUTH = np.zeros((1, 1), np.uint8)


def layout(*classes: LabelClass, exclusive: bool) -> Layout:
    return Layout(classes=classes, exclusive=exclusive)


def of_floats(arrays: Any, layout: Layout) -> Channels:
    return Channels(maps=tuple(ProbMap(stored=one) for one in arrays), layout=layout)


def of_tenths(arrays: Any, layout: Layout) -> Channels:
    return Channels(maps=tuple(ProbMap(stored=one, levels=TENTHS) for one in arrays), layout=layout)


def masks(n: int) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.uint8, (n, 2, 3, 2), elements=st.integers(0, 10))


@given(masks(3), st.sampled_from([np.float16, np.float32, np.float64]))
def test_arg_max_takes_the_first_of_equal_channels(tenths: np.ndarray, dtype: type) -> None:
    of = layout(BACKGROUND, SEVEN, ONE, exclusive=True)
    expected = np.array([0, 7, 1])[tenths.argmax(axis=0)]  # numpy's takes the first too
    for found in (of_tenths(tenths, of), of_floats((tenths / 10).astype(dtype), of)):
        labels, claims = hard_mask(found, expected.astype(np.uint8))
        np.testing.assert_array_equal(labels, expected)
        assert (labels.dtype, claims) == (np.uint8, {})


def test_arg_max_compares_probabilities_where_the_scales_differ() -> None:
    maps = (
        ProbMap(stored=np.array([[4, 4]], np.uint8), levels=TENTHS),
        ProbMap(stored=np.array([[2, 1]], np.uint8), levels=TENTHS * 3),
        ProbMap(stored=np.array([[0.1, 0.1]], np.float32)),
    )
    found = Channels(maps=maps, layout=layout(BACKGROUND, ONE, TWO, exclusive=True))
    # 0.4 against 0.6 and 0.3
    assert hard_mask(found, np.zeros((1, 2), np.uint8))[0].tolist() == [[1, 0]]


def test_a_falling_scale_is_no_rank() -> None:
    of = layout(BACKGROUND, ONE, exclusive=True)
    maps = tuple(ProbMap(stored=np.array([[one]], np.uint8), levels=TENTHS[::-1].copy()) for one in (9, 1))
    assert hard_mask(Channels(maps=maps, layout=of), NO_TRUTH)[0].tolist() == [[1]]


def test_one_half_is_predicted() -> None:
    found = of_floats([np.array([[0.5, np.nextafter(0.5, 0, dtype=np.float64)]])], layout(SEVEN, exclusive=True))
    assert hard_mask(found, np.zeros((1, 2), np.uint8))[0].tolist() == [[7, 0]]


@given(masks(3))
def test_sigmoids_claim_voxels_one_by_one_and_together(tenths: np.ndarray) -> None:
    of = layout(ONE, TWO, SEVEN, exclusive=False)
    truth = np.full(tenths.shape[1:], 3, np.uint8)
    labels, claims = hard_mask(of_tenths(tenths, of), truth)
    for index in np.ndindex(truth.shape):
        wanted = {one for one, tenth in zip(of.classes, tenths[:, *index], strict=True) if tenth >= 5}
        label = int(labels[index])
        assert wanted == ({one for one in of.classes if label in one.ids} | set(claims.get(label, ())))
    assert not {0, 1, 2, 3, 7} & claims.keys()


@pytest.mark.parametrize("claimed", list(product([False, True], repeat=3)))
def test_nested_regions_get_the_ids_of_the_label_map(claimed: tuple[bool, ...]) -> None:
    expected = {
        (False, False, False): 0,
        (True, False, False): 1,  # in wt alone, as id 1 is
        (True, True, False): 2,
        (True, True, True): 3,
    }
    maps = [np.array([[float(one)]]) for one in claimed]
    labels, claims = hard_mask(of_floats(maps, layout(WT, TC, ET, exclusive=False)), NO_TRUTH)
    if claimed in expected:
        assert (labels.tolist(), claims) == ([[expected[claimed]]], {})
    else:  # a core outside the whole
        assert claims == {4: tuple(one for one, yes in zip((WT, TC, ET), claimed, strict=True) if yes)}
        assert labels.tolist() == [[4]]


def test_an_id_that_only_the_truth_uses_is_not_taken_for_an_overlap() -> None:
    truth = np.array([[3, 4, 300]], np.uint16)
    labels, claims = hard_mask(of_floats(np.ones((2, 1, 3)), layout(ONE, TWO, exclusive=False)), truth)
    assert (labels.tolist(), claims) == ([[5, 5, 5]], {5: (ONE, TWO)})


def test_hundreds_of_sigmoids_may_overlap() -> None:
    classes = tuple(LabelClass(name=str(i), ids=(i,)) for i in range(1, 66))
    labels, claims = hard_mask(of_floats(np.ones((20, 1, 1)), layout(*classes[:20], exclusive=False)), NO_TRUTH)
    assert (labels.tolist(), claims) == ([[21]], {21: classes[:20]})
    classes = tuple(LabelClass(name=str(i), ids=(i,)) for i in range(1, 301))
    labels, claims = hard_mask(of_floats(np.ones((300, 1, 1)), layout(*classes, exclusive=False)), NO_TRUTH)
    assert (labels.tolist(), claims) == ([[301]], {301: classes})


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("order", ["C", "F"])
def test_masks_have_the_memory_order_of_the_truth(exclusive: bool, order: Any) -> None:
    truth = np.zeros((3, 4, 5), np.uint8, order=order)
    maps = np.random.default_rng(1).random((2, 5, 4, 3))
    found = of_floats([one.T[:, ::-1] for one in maps], layout(ONE, TWO, exclusive=exclusive))
    labels, _ = hard_mask(found, truth)
    assert labels.flags.f_contiguous == (order == "F")
    if exclusive:
        np.testing.assert_array_equal(labels, maps.transpose(0, 3, 2, 1)[:, :, ::-1].argmax(axis=0) + 1)
