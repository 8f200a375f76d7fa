"""What the self-test of a gate does to predictions."""

import numpy as np

from segeval.verbs.gate.selftest import drop, erode, relabel, shift


def rows(*texts: str) -> np.ndarray:
    return np.array([[int(digit) for digit in text] for text in texts], dtype=np.uint8)


def test_eroding_takes_the_outermost_voxels_of_every_structure() -> None:
    image = rows("11110", "11112", "11112", "00022")
    assert erode(image).tolist() == rows("00000", "01100", "00000", "00000").tolist()
    assert erode(image).dtype == np.uint8


def test_shifting_moves_by_three_and_brings_nothing_round_the_edge() -> None:
    image = rows("11", "22", "33", "44", "55")
    assert shift(image).tolist() == rows("00", "00", "00", "11", "22").tolist()


def test_dropping_takes_the_smallest_class_and_never_the_background() -> None:
    assert drop(rows("0111", "1223")).tolist() == rows("0111", "1220").tolist()
    assert drop(rows("0111", "1111")).tolist() == rows("0000", "0000").tolist()
    assert drop(rows("00")).tolist() == [[0, 0]]


def test_relabelling_swaps_the_two_largest_classes_and_never_the_background() -> None:
    assert relabel(rows("000001", "112230")).tolist() == rows("000002", "221130").tolist()
    assert relabel(rows("0011")).tolist() == [[0, 0, 0, 0]]
    assert relabel(rows("00")).tolist() == [[0, 0]]
