"""Stored numbers become class ids of the smallest type, or one clear error."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segeval.errors import DataError
from segeval.images.labels.label_ids import MOST_IDS, distinct, to_labels
from segeval.images.readers.volumes import Volume


def volume(values, dtype=None, *, order="F", affine=None):
    array = np.asarray(values, dtype=dtype, order=order)
    return Volume(path=Path("case 1.nii.gz"), array=array, affine=affine)


def refusal(one, **options):
    with pytest.raises(DataError, match=r"^case 1\.nii\.gz: ") as caught:
        to_labels(one, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("highest", "dtype"),
    [
        (1, np.uint8),
        (255, np.uint8),
        (256, np.uint16),
        (65535, np.uint16),
        (65536, np.int32),
        (2**31 - 1, np.int32),
        (2**31, np.int64),
        (2**63 - 1, np.int64),
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_ids_get_the_smallest_type_that_holds_them_in_the_same_memory_order(highest, dtype, order):
    array = np.zeros((4, 3, 2), np.uint64, order=order)
    array[1, 2, 0] = highest
    labels = to_labels(volume(array, order=order))
    assert labels.dtype == dtype
    assert labels.flags[f"{order}_CONTIGUOUS"]
    np.testing.assert_array_equal(labels, array)


@pytest.mark.parametrize("dtype", ["i1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"])
def test_small_ids_of_any_type_become_uint8(dtype):
    values = np.arange(24).reshape(4, 3, 2) % 5
    labels = to_labels(volume(values, dtype))
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, values)


def test_bytes_are_returned_as_they_are_and_booleans_as_a_view():
    for dtype in (np.uint8, np.bool_):
        one = volume(np.eye(3), dtype)
        labels = to_labels(one)
        assert labels.dtype == np.uint8
        assert np.shares_memory(labels, one.array)


def test_an_array_with_gaps_in_memory_keeps_its_ids():
    values = np.arange(60, dtype=np.float32).reshape(5, 4, 3)[::2, ::-1]
    np.testing.assert_array_equal(to_labels(Volume(path=Path("a"), array=values)), values)


@given(st.lists(st.integers(-3, 70000), min_size=1, max_size=30), st.sampled_from(["i4", "i8", "f4", "f8"]))
def test_ids_are_kept_whatever_their_type(ids, dtype):
    labels = to_labels(volume([ids], dtype), ignore=(-1, -2, -3))
    np.testing.assert_array_equal(labels, [ids])


@given(st.lists(st.integers(-5, 5), min_size=1), st.integers(1, 4))
def test_the_distinct_values_are_those_of_a_sort(values, repeats):
    flat = np.repeat(values, repeats)
    np.testing.assert_array_equal(distinct(flat), np.unique(flat))


def test_distinct_values_are_gathered_over_all_chunks():
    flat = np.zeros(200_000, np.int32)
    flat[[0, 65535, 65536, 199_999]] = [7, 8, 9, 10]
    assert distinct(flat).tolist() == [0, 7, 8, 9, 10]


def test_values_that_are_not_whole_are_refused_with_their_range_and_an_example():
    message = refusal(volume([[0, 0.25], [0, 0.997]]))
    assert "values from 0 to 0.997 are no class ids, for example 0.25. Pass --round-labels" in message


def test_not_a_number_and_infinity_are_counted():
    assert "3 voxels are NaN or infinite" in refusal(volume([[0.5, np.nan], [np.inf, -np.inf]]))


def test_floats_beyond_every_integer_are_refused():
    assert "fit no signed integer of 64 bits" in refusal(volume([[0, 1e30]]))
    for high in (2**63, 2**64 - 1):  # what torch calls negative, and surfaces cannot look up
        assert "Renumber them" in refusal(volume([[0, high]], np.uint64), ignore=(high,))


def test_negative_ids_are_refused_unless_all_of_them_are_ignored():
    one = volume([[0, -1], [3, -7]], np.int16)
    assert "negative ids (-7, -1)" in refusal(one)
    assert "negative ids (-7)" in refusal(one, ignore=(-1,))
    np.testing.assert_array_equal(to_labels(one, ignore=(-1, -7)), one.array)


@pytest.mark.parametrize("dtype", ["u2", "i4", "i8", "f4"])
def test_too_many_ids_are_refused_and_the_last_allowed_number_is_not(dtype):
    ids = np.arange(0, 3 * (MOST_IDS + 1), 3).reshape(1, -1)
    assert to_labels(volume(ids[:, :MOST_IDS], dtype)).max() == ids[0, MOST_IDS - 1]
    assert "more than 4096 different values between 0 and 12288" in refusal(volume(ids, dtype))


def test_one_enormous_id_is_fine():
    labels = to_labels(volume([[0, 2147483647]], np.int64))
    assert labels.dtype == np.int32
    assert labels.max() == 2147483647


def test_channels_are_refused_as_labels():
    one = volume(np.zeros((4, 3, 2, 5), np.uint8), affine=np.eye(4))
    assert "shape (4, 3, 2, 5) has channels" in refusal(one)
    assert "has channels" in refusal(volume(np.zeros((4, 3, 2, 5), np.uint8)))
    assert "has channels" in refusal(volume(np.zeros((4, 3, 5), np.uint8), affine=np.eye(4)[:, [0, 1, 3]]))
