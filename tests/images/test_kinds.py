"""Labels or probabilities: told by all files of a run, and every remedy of a refusal leads to the right mask."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segeval.errors import DataError
from segeval.evidence.case import Case
from segeval.images.cases import read_case
from segeval.images.forms import agree
from segeval.images.input_rules import InputRules
from segeval.images.pairing.pairs import Pair
from segeval.images.readers.volumes import unrounded

TRUTH = np.zeros((8, 9), np.uint8)
TRUTH[2:6, 2:7] = 1
SOFT = np.where(TRUTH, 0.9, 0.1).astype(np.float32)


def cases(folder: Path, preds: Sequence[np.ndarray], *, truth: np.ndarray = TRUTH, **options: Any) -> list[Case]:
    """The cases of a run whose files hold these arrays."""
    pairs = []
    for i, pred in enumerate(preds):
        np.save(folder / f"pred_{i}.npy", pred)
        np.save(folder / f"truth_{i}.npy", truth)
        pairs.append(Pair(case_id=str(i), pred=folder / f"pred_{i}.npy", truth=folder / f"truth_{i}.npy"))
    rules = agree(pairs, InputRules(**options))
    return [read_case(pair, rules) for pair in pairs]


def refusal(folder: Path, *preds: np.ndarray, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        cases(folder, preds, **options)
    return str(caught.value)


@pytest.mark.parametrize("empty", [np.zeros_like(SOFT), TRUTH.astype(np.float32), np.ones_like(SOFT)])
def test_a_map_of_zeros_and_ones_beside_probability_maps_is_one(tmp_path: Path, empty: np.ndarray) -> None:
    for order in ([empty, SOFT], [SOFT, empty]):
        found = cases(tmp_path, order)
        assert all(case.probs is not None for case in found)


def test_however_many_empty_maps_come_first_the_first_that_says_something_decides(tmp_path: Path) -> None:
    found = cases(tmp_path, [np.zeros_like(SOFT)] * 12 + [SOFT])
    assert all(case.probs is not None for case in found)


def test_float_masks_alone_are_labels(tmp_path: Path) -> None:
    found = cases(tmp_path, [TRUTH.astype(np.float64), np.zeros_like(SOFT)])
    assert all(case.probs is None for case in found)


def test_integers_in_the_last_file_make_float_masks_labels(tmp_path: Path) -> None:
    found = cases(tmp_path, [TRUTH.astype(np.float32), TRUTH])
    assert [case.probs for case in found] == [None, None]
    assert "holds probabilities, one map of class 1, and" in refusal(tmp_path, SOFT, TRUTH)


def test_of_labels_and_maps_in_one_run_the_fewer_are_the_odd_ones(tmp_path: Path) -> None:
    assert "pred_1.npy: holds labels, and" in refusal(tmp_path, SOFT, TRUTH, SOFT)
    assert "pred_1.npy: holds probabilities, " in refusal(tmp_path, TRUTH, SOFT, TRUTH)
    found = cases(tmp_path, [SOFT, TRUTH, SOFT], pred_kind="probs")  # what the message says leads to the right masks
    assert [case.pred.tolist() for case in found] == [TRUTH.tolist()] * 3


@pytest.mark.parametrize("side", ["pred", "truth"])
def test_what_scaling_leaves_of_ids_is_rounded_and_noted(tmp_path: Path, side: str) -> None:
    ids = TRUTH.astype(np.float64) * 4
    arrays = {"pred": ids, "truth": ids, side: ids * 0.99999 + 1e-5}
    (case,) = cases(tmp_path, [arrays["pred"]], truth=arrays["truth"])
    np.testing.assert_array_equal(case.pred, TRUTH * 4)
    np.testing.assert_array_equal(case.truth, TRUTH * 4)
    assert case.notes == ("values were up to 3e-05 off whole numbers, and were rounded to ids",)


@pytest.mark.parametrize("side", ["pred", "truth"])
def test_ids_that_were_scaled_worse_are_rounded_on_request(tmp_path: Path, side: str) -> None:
    ids = TRUTH.astype(np.float32) * 3
    arrays = {"pred": ids, "truth": ids, side: ids * 1.02}
    message = refusal(tmp_path, arrays["pred"], truth=arrays["truth"])
    assert "3.06" in message
    assert "Pass --round-labels if they are ids that a scale has moved." in message
    assert "--pred-kind" not in message
    (case,) = cases(tmp_path, [arrays["pred"]], truth=arrays["truth"], round_labels=True)
    np.testing.assert_array_equal(case.pred, TRUTH * 3)
    np.testing.assert_array_equal(case.truth, TRUTH * 3)


def test_a_truth_of_probabilities_is_told_how_it_becomes_a_mask(tmp_path: Path) -> None:
    soft = SOFT.copy()
    soft[0, 0] = 0.5
    message = refusal(tmp_path, TRUTH, truth=soft)
    assert "Pass --round-labels to take values of 0.5 and more for id 1." in message
    (case,) = cases(tmp_path, [TRUTH], truth=soft, round_labels=True)
    np.testing.assert_array_equal(case.truth, soft >= 0.5)


def test_ids_that_were_interpolated_are_not_told_to_be_rounded(tmp_path: Path) -> None:
    between = TRUTH * 3.0
    between[1] = 1.5
    for message in (refusal(tmp_path, TRUTH, truth=between), refusal(tmp_path, between, pred_kind="labels")):
        assert "by nearest neighbour" in message
        assert "--round-labels" not in message


@pytest.mark.parametrize("kind", ["auto", "probs"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_that_overshoot_are_clipped_on_request(tmp_path: Path, kind: str, dtype: Any) -> None:
    wide = SOFT.astype(dtype)
    wide[0, 0], wide[3, 3] = -0.02, 1.03
    message = refusal(tmp_path, wide, pred_kind=kind)
    assert "values from -0.02 to 1.03 are n" in message
    assert "Pass --clip-probs" in message
    assert "logits" not in message
    (case,) = cases(tmp_path, [wide], pred_kind=kind, clip_probs=True)
    np.testing.assert_array_equal(case.pred, TRUTH)
    assert case.probs is not None
    stored = case.probs.maps[0].stored
    assert (stored.min(), stored.max()) == (0, 1)
    assert case.notes == ("probabilities from -0.02 to 1.03 were clipped to 0 and 1",)


def test_a_softmax_that_overshoots_is_clipped_and_still_adds_up_to_one(tmp_path: Path) -> None:
    wide = np.stack([1 - SOFT, SOFT, np.zeros_like(SOFT)])
    wide[:, 3, 3] = -0.04, 1.045, -0.005
    options = {"channel_axis": "first"}
    assert "Pass --clip-probs" in refusal(tmp_path, wide, **options)
    (case,) = cases(tmp_path, [wide], clip_probs=True, **options)
    np.testing.assert_array_equal(case.pred, TRUTH)


def test_only_values_far_outside_are_told_to_be_logits(tmp_path: Path) -> None:
    logits = np.log(SOFT / (1 - SOFT))
    assert "Pass --pred-kind logits" in refusal(tmp_path, logits)
    assert "Pass --pred-kind logits" in refusal(tmp_path, logits, clip_probs=True)
    (case,) = cases(tmp_path, [logits], pred_kind="logits")
    np.testing.assert_array_equal(case.pred, TRUTH)
    assert "no probabilities" in refusal(tmp_path, SOFT * 1.2, pred_kind="probs", clip_probs=True)


@pytest.mark.parametrize("value", [1 + 2e-6, 2.0000021, 0.9999979, -3e-6, 1e-12])
def test_a_number_is_never_shown_as_one_that_would_do(value: float) -> None:
    shown = float(unrounded(value))
    assert not shown.is_integer()
    assert (shown > 1, shown < 0) == (value > 1, value < 0)


def test_channels_of_a_truth_are_named_with_the_way(tmp_path: Path) -> None:
    import nibabel as nib

    def message(channels: np.ndarray) -> str:
        volume = np.broadcast_to(channels[:, :, None, :], (8, 9, 5, channels.shape[-1]))
        nib.save(nib.Nifti1Image(volume, np.eye(4)), tmp_path / "truth.nii.gz")
        nib.save(nib.Nifti1Image(volume[..., 0], np.eye(4)), tmp_path / "pred.nii.gz")
        pair = Pair(case_id="x", pred=tmp_path / "pred.nii.gz", truth=tmp_path / "truth.nii.gz")
        with pytest.raises(DataError) as caught:
            read_case(pair, agree([pair], InputRules()))
        assert "--pred-kind" not in str(caught.value)
        return str(caught.value)

    assert "masks of 0 and 1 that share 100 voxels, so they are classes: write each as" in message(
        np.stack([TRUTH, TRUTH], axis=-1)
    )
    assert "share no voxel, so they are classes" in message(np.stack([TRUTH, 0 * TRUTH], axis=-1))
    assert "so they are points in time" in message(np.stack([TRUTH * 3, TRUTH], axis=-1))
    soft = np.stack([0.9 - 0.8 * TRUTH, 0.1 + 0.8 * TRUTH], axis=-1).astype(np.float32)
    assert "hold no ids; write the id of each voxel, as array.argmax(-1)" in message(soft)
