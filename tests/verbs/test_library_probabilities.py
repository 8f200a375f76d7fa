"""`segeval.score` with probabilities as arrays and tensors."""

from typing import Any

import numpy as np
import pytest

import segeval
from segeval.errors import ConfigError, DataError

TRUTH = np.array([[0, 1, 1, 2]], np.uint8)
SOFTMAX = np.array([[[0.6, 0.2, 0.5, 0.1]], [[0.3, 0.7, 0.2, 0.3]], [[0.1, 0.1, 0.3, 0.6]]])  # (class, row, column)
NAMES = {1: "a", 2: "b"}


def counts(pred: Any, truth: Any = TRUTH, **options: Any) -> dict[str, tuple[int, int, int, int]]:
    found = segeval.score(pred, truth, measures=["dice"], bootstrap=0, **options)
    return {row.of.name: (row.tp, row.fp, row.fn, row.tn) for row in found.class_rows}


EXPECTED = {"a": (1, 0, 1, 2), "b": (1, 0, 0, 3)}


def test_a_first_axis_more_than_the_truth_counts_the_classes() -> None:
    assert counts(SOFTMAX, labels=NAMES) == EXPECTED
    assert counts(SOFTMAX, labels=NAMES, pred_kind="probs") == EXPECTED
    assert counts(np.log(SOFTMAX), labels=NAMES, pred_kind="logits") == EXPECTED
    assert counts(SOFTMAX) == {"1": EXPECTED["a"], "2": EXPECTED["b"]}


def test_an_array_of_the_shape_of_the_truth_is_one_map() -> None:
    found = segeval.score(SOFTMAX[1], (TRUTH == 1).astype(np.uint8), measures=["dice"], bootstrap=0)
    assert (found.class_rows[0].tp, found.class_rows[0].fn) == (1, 1)
    assert found.case_rows[0].probability_source == "probs"
    assert found.facts["predictions"] == {"kind": "probs", "channels": ["1"], "exclusive": True}


def test_volumes_have_four_axes_with_their_classes() -> None:
    volume, truth = np.repeat(SOFTMAX[..., None], 3, axis=-1), np.repeat(TRUTH[..., None], 3, axis=-1)
    assert counts(volume, truth, labels=NAMES) == {
        name: tuple(3 * n for n in numbers) for name, numbers in EXPECTED.items()
    }


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_tensors_are_taken_too(dtype: str) -> None:
    import torch

    probs = torch.tensor(SOFTMAX, dtype=getattr(torch, dtype), requires_grad=True)
    assert counts(probs, torch.tensor(TRUTH), labels=NAMES) == EXPECTED


def test_several_cases_are_of_one_kind() -> None:
    found = segeval.score([SOFTMAX, SOFTMAX], [TRUTH, TRUTH], labels=NAMES, measures=["dice"], bootstrap=0)
    assert [row.case_id for row in found.case_rows] == ["case_0", "case_1"]
    with pytest.raises(DataError, match=r"case_0 \(pred\): holds probabilities, .* and case_1 \(pred\) labels"):
        segeval.score([SOFTMAX, TRUTH], [TRUTH, TRUTH], labels=NAMES)


def test_sigmoids_that_overlap_are_counted_for_each_class() -> None:
    both = np.array([[[0.9, 0.9, 0.1, 0.1]], [[0.9, 0.1, 0.1, 0.5]]])
    assert counts(both, labels=NAMES) == {"a": (1, 1, 1, 1), "b": (1, 1, 0, 2)}


def test_the_array_of_the_caller_is_left_as_it_is() -> None:
    probs = SOFTMAX.astype(np.float32)
    probs[0, 0, 0] += 5e-7
    before = probs.copy()
    counts(probs, labels=NAMES)
    counts(probs, labels=NAMES, pred_kind="logits")
    np.testing.assert_array_equal(probs, before)


@pytest.mark.parametrize(
    ("pred", "options", "message"),
    [
        (SOFTMAX * 2, {}, r"case \(pred\), channel of background: values from 0.2 to 1.2 are no probabilities"),
        (SOFTMAX * 0.9, {}, r"case \(pred\): the channels are a softmax of background, 1, 2, and at voxel \(0, 0\)"),
        (SOFTMAX[:, 0], {"labels": [1]}, r"case \(pred\): shape .*differs from truth"),
        (
            SOFTMAX[None],
            {},
            r"case \(pred\): shape \(1, 3, 1, 4\), and the truth .*: a truth has two",
        ),
        (SOFTMAX, {"labels": [1]}, "has 3 channels, and should have 2"),
        (SOFTMAX, {"pred_kind": "labels"}, "has channels"),
    ],
)
def test_bad_arrays_are_refused_by_name(pred: np.ndarray, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        segeval.score(pred, TRUTH, **options)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="pred_kind"):
        segeval.score(SOFTMAX, TRUTH, pred_kind="prob")


@pytest.mark.parametrize("kind", ["float32", "float64", "logits"])
def test_a_region_is_scored_by_what_its_channels_leave(kind: str) -> None:
    left = np.full((4, 6), 1e-10)  # of background, which a third of the voxels are
    truth = np.repeat([[0, 1, 2]], 4, axis=0).repeat(2, axis=1).astype(np.uint8)
    probs = np.stack([left, 0.6 * (1 - left), 0.4 * (1 - left)])
    pred = np.log(probs) if kind == "logits" else probs.astype(kind)
    found = segeval.score(
        pred,
        truth,
        labels={0: "background", 1: "a", 2: "b"},
        regions={"both": (1, 2)},
        pred_kind="logits" if kind == "logits" else "probs",
        measures="bce_loss",
    )
    value = next(row.values["bce_loss"] for row in found.class_rows if row.of.name == "both")
    assert value == pytest.approx(-np.log(1e-10) / 3, rel=1e-6)  # 23.026 in a third of the voxels, 1e-10 in the others
