"""Probability files of every kind become the same case, and bad ones are refused by name."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from segeval.errors import DataError
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelMap
from segeval.images.cases import read_case
from segeval.images.forms import agree
from segeval.images.input_rules import InputRules
from segeval.images.labels.labelmaps import read_label_map
from segeval.images.pairing.pairs import Pair

AFFINE = nib.affines.from_matvec(np.diag([0.8, 1.0, 2.5]), [-40.0, 12.0, 700.0])
STEPS = np.random.default_rng(3).multinomial(255, [0.4, 0.3, 0.3], size=(5, 4, 3)).astype(np.uint8)  # (x, y, z, class)
PROBS = (STEPS / 255).astype(np.float32)
HARD = STEPS.argmax(axis=-1).astype(np.uint8)
Write = Callable[[Path], Path]


def nifti(array: np.ndarray, *, affine: np.ndarray = AFFINE, slope: float | None = None) -> Write:
    def write(path: Path) -> Path:
        image = nib.Nifti1Image(array, affine, dtype=array.dtype)
        if slope is not None:
            image.header.set_slope_inter(slope, 0.0)
        path.parent.mkdir(parents=True, exist_ok=True)
        image.to_filename(path)
        return path

    return lambda folder: write(folder / "x.nii.gz")


def npz(folder: Path, key: str = "probabilities", dtype: Any = np.float32) -> Path:
    folder.mkdir(exist_ok=True)
    np.savez_compressed(folder / "x.npz", **{key: np.ascontiguousarray(PROBS.transpose(3, 2, 1, 0), dtype)})
    (folder / "x.pkl").write_bytes(b"never read")
    return folder / "x.npz"


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    return nifti(HARD)(tmp_path / "truth")


def read(pred: Path, truth: Path, labels: LabelMap | None = None, **options: Any) -> Case:
    channels = {one.name.partition(".")[0]: one for one in sorted(pred.iterdir())} if pred.is_dir() else {}
    return read_case(
        Pair(case_id="x", pred=pred, truth=truth, channels=channels), InputRules(labels=labels or LabelMap(), **options)
    )


def maps(case: Case) -> np.ndarray:
    """All probabilities, (class, *space)."""
    assert case.probs is not None
    return np.array([one.probs() for one in case.probs.maps])


def refusal(pred: Path, truth: Path, labels: LabelMap | None = None, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(pred, truth, labels, **options)
    assert str(pred) in str(caught.value)
    return str(caught.value)


def is_softmax(case: Case, *, atol: float = 1e-7) -> bool:
    np.testing.assert_allclose(maps(case), PROBS.transpose(3, 0, 1, 2), atol=atol)
    np.testing.assert_array_equal(case.pred, HARD)
    return str(case.probs.layout) == "a softmax of background, 1, 2" if case.probs else False


# formats


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_fourth_axis_counts_the_classes_without_a_copy(tmp_path: Path, truth: Path, dtype: str) -> None:
    case = read(nifti(PROBS.astype(dtype))(tmp_path), truth)
    assert is_softmax(case)
    assert case.probs is not None
    first, second, _ = (one.stored for one in case.probs.maps)
    assert first.base is not None
    assert first.flags.f_contiguous
    assert first.dtype == dtype
    assert second.__array_interface__["data"][0] - first.__array_interface__["data"][0] == first.nbytes
    assert case.pred.flags.f_contiguous


def test_scaled_integers_stay_as_small_as_they_are_stored(tmp_path: Path, truth: Path) -> None:
    case = read(nifti(STEPS, slope=1 / 255)(tmp_path), truth)  # 255 times this slope, in float32, is 1.0000000591
    assert is_softmax(case)
    assert case.probs is not None
    assert {one.stored.dtype for one in case.probs.maps} == {np.dtype(np.uint8)}
    assert maps(case).max() <= 1


def test_integers_of_16_bits_may_have_a_slope_and_an_offset(tmp_path: Path, truth: Path) -> None:
    stored = np.rint(PROBS * 60000 - 30000).astype(np.int16)
    path = nifti(stored)(tmp_path)
    image = nib.Nifti1Image(stored, AFFINE)
    image.header.set_slope_inter(1 / 60000, 0.5)
    image.to_filename(path)
    assert is_softmax(read(path, truth), atol=1e-5)


def test_the_channel_axis_may_come_first(tmp_path: Path, truth: Path) -> None:
    path = nifti(np.ascontiguousarray(PROBS.transpose(3, 0, 1, 2)))(tmp_path)
    assert is_softmax(read(path, truth, channel_axis="first"))
    assert "with channels in its first axis. Pass --channel-axis first." in refusal(path, truth)


def test_images_of_two_axes_have_channels_too(tmp_path: Path) -> None:
    truth = nifti(HARD[:, :, :1])(tmp_path / "truth")
    flat = PROBS[:, :, 0]
    for array, axis in (
        (flat[:, :, None], None),
        (flat, "last"),
        (flat.transpose(2, 0, 1), "first"),
        (flat.transpose(2, 0, 1)[..., None], "first"),
    ):
        case = read(nifti(np.ascontiguousarray(array))(tmp_path), truth, channel_axis=axis)
        np.testing.assert_array_equal(maps(case), flat.transpose(2, 0, 1))
        np.testing.assert_array_equal(case.pred, HARD[:, :, 0])


@pytest.mark.parametrize(("key", "dtype"), [("probabilities", np.float32), ("softmax", np.float16)])
def test_nnunet_keeps_channel_z_y_x_and_lies_where_the_truth_does(
    tmp_path: Path, truth: Path, key: str, dtype: Any
) -> None:
    case = read(npz(tmp_path / "pred", key, dtype), truth)
    assert is_softmax(case, atol=1e-3)
    assert case.probs is not None
    assert {one.stored.dtype for one in case.probs.maps} == {np.dtype(dtype)}
    assert {one.stored.flags.f_contiguous for one in case.probs.maps} == {True}
    assert case.spacing_mm == pytest.approx((0.8, 1.0, 2.5))


def test_nnunet_lies_where_the_mask_beside_it_does(tmp_path: Path, truth: Path) -> None:
    path = npz(tmp_path / "pred")
    elsewhere = AFFINE.copy()
    elsewhere[0, 3] += 5
    nifti(HARD, affine=elsewhere)(tmp_path / "pred")
    assert "origin (-35, 12, 700) differs from truth (-40, 12, 700)" in refusal(path, truth)
    nifti(HARD[:4])(tmp_path / "pred")
    assert "shape (3, 4, 5) in the order z, y, x does not fit" in refusal(path, truth)


def test_nnunet_may_be_flat_and_its_truth_without_a_world(tmp_path: Path) -> None:
    Image.fromarray(HARD[:, :, 0]).save(tmp_path / "truth.png")
    np.savez(tmp_path / "x.npz", probabilities=PROBS[:, :, 0].transpose(2, 0, 1)[:, None])
    case = read(tmp_path / "x.npz", tmp_path / "truth.png")
    np.testing.assert_array_equal(case.pred, HARD[:, :, 0])


@pytest.mark.parametrize("names", [("background", "a", "b"), ("b", "0", "1")])
def test_files_of_classes_may_come_in_any_order(tmp_path: Path, truth: Path, names: tuple[str, ...]) -> None:
    labels = read_label_map("1=a,2=b")
    index = {"background": 0, "0": 0, "a": 1, "1": 1, "b": 2}
    for name in names:
        path = nifti(PROBS[..., index[name]])(tmp_path / "one" / "y")
        path.rename(tmp_path / "one" / f"{name}.nii.gz")
    (tmp_path / "one" / "y").rmdir()
    case = read(tmp_path / "one", truth, labels)
    np.testing.assert_array_equal(maps(case), PROBS.transpose(3, 0, 1, 2))
    np.testing.assert_array_equal(case.pred, HARD)


def test_a_file_of_one_class_with_channels_is_refused(tmp_path: Path, truth: Path) -> None:
    for name in ("1", "2"):
        nifti(PROBS)(tmp_path / "one" / name).rename(tmp_path / "one" / f"{name}.nii.gz")
        (tmp_path / "one" / name).rmdir()
    with pytest.raises(
        DataError, match=r"1\.nii\.gz: shape \(5, 4, 3, 3\) has channels, but the file is meant for one"
    ):
        read(tmp_path / "one", truth)


def test_a_single_map_is_the_probability_of_class_1(tmp_path: Path) -> None:
    truth = nifti((HARD == 1).astype(np.uint8))(tmp_path / "truth")
    case = read(nifti(PROBS[..., 1])(tmp_path), truth)
    np.testing.assert_array_equal(case.pred, PROBS[..., 1] >= 0.5)
    assert case.probs is not None
    assert str(case.probs.layout) == "one map of class 1"


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535)])
def test_greys_of_a_png_go_from_0_to_white(tmp_path: Path, dtype: Any, white: int) -> None:
    greys = np.array([[0, white // 2, white // 2 + 1, white]], dtype=dtype)
    Image.fromarray(greys).save(tmp_path / "pred.png")
    Image.fromarray(np.array([[0, 0, 255, 255]], np.uint8)).save(tmp_path / "truth.png")
    case = read(tmp_path / "pred.png", tmp_path / "truth.png", read_label_map("255"), pred_kind="probs")
    assert maps(case)[0] == pytest.approx(greys / white)
    assert case.pred.tolist() == [[0, 0, 255, 255]]


def test_a_palette_has_no_greys(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 2]], np.uint8))
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    image.save(tmp_path / "pred.png")
    Image.fromarray(np.array([[0, 1]], np.uint8)).save(tmp_path / "truth.png")
    message = refusal(tmp_path / "pred.png", tmp_path / "truth.png", pred_kind="probs")
    assert "values from 0 to 2 are no probabilities" in message


def test_arrays_of_numpy_have_channels_on_request(tmp_path: Path) -> None:
    np.save(tmp_path / "truth.npy", HARD[:, :, 0])
    np.save(tmp_path / "last.npy", PROBS[:, :, 0])
    np.save(tmp_path / "first.npy", PROBS[:, :, 0].transpose(2, 0, 1))
    for axis in ("first", "last"):
        case = read(tmp_path / f"{axis}.npy", tmp_path / "truth.npy", channel_axis=axis)
        np.testing.assert_array_equal(case.pred, HARD[:, :, 0])
    np.save(tmp_path / "truth3.npy", HARD)
    np.save(tmp_path / "pred3.npy", PROBS)
    assert is_softmax(read(tmp_path / "pred3.npy", tmp_path / "truth3.npy"))


# kinds


def test_whole_numbers_are_labels_and_others_are_not(tmp_path: Path, truth: Path) -> None:
    for array in (HARD, HARD.astype(np.float32), HARD.astype(np.int64)):
        case = read(nifti(array)(tmp_path), truth)
        assert case.probs is None
        np.testing.assert_array_equal(case.pred, HARD)
    doubled = read(nifti(HARD, slope=2.0)(tmp_path), truth)  # a scale may lead to whole numbers
    np.testing.assert_array_equal(doubled.pred, 2 * HARD)


def test_channels_of_whole_floats_are_probabilities_and_those_of_integers_are_ids_or_maps_on_request(
    tmp_path: Path, truth: Path
) -> None:
    one_hot = (HARD[..., None] == np.arange(3)).astype(np.float32)
    np.testing.assert_array_equal(read(nifti(one_hot)(tmp_path), truth).pred, HARD)
    path = nifti(one_hot.astype(np.uint8))(tmp_path)
    case = read(path, truth)
    np.testing.assert_array_equal(case.pred, HARD)
    assert case.probs is None
    shared = nifti(np.stack([HARD > 0, HARD == 2, HARD == 1], axis=-1).astype(np.uint8))(tmp_path / "shared")
    said = refusal(shared, truth)
    assert "shape (5, 4, 3, 3) has channels, and labels are one id per voxel. Pass --pred-kind probs if" in said
    np.testing.assert_array_equal(read(path, truth, pred_kind="probs").pred, HARD)


def test_values_that_are_neither_ids_nor_probabilities_suggest_logits(tmp_path: Path, truth: Path) -> None:
    logits = np.log(PROBS + 0.01)
    message = refusal(nifti(logits[..., 0])(tmp_path), truth)
    assert f"values from {logits[..., 0].min():g} to" in message
    assert "are neither class ids nor probabilities. Pass --pred-kind logits" in message
    assert "are no probabilities. Pass --pred-kind logits" in refusal(nifti(logits)(tmp_path), truth)


def test_integers_may_be_said_to_be_probabilities(tmp_path: Path, truth: Path) -> None:
    assert "values from 0 to 2 are no probabilities. Give the file a scale (scl_slope 1/255), or pass" in refusal(
        nifti(HARD)(tmp_path), truth, read_label_map("1"), pred_kind="probs"
    )
    for dtype in (np.uint8, np.int16, np.int32, np.float64):
        case = read(nifti((HARD > 0).astype(dtype))(tmp_path), truth, read_label_map("1"), pred_kind="probs")
        np.testing.assert_array_equal(case.pred, HARD > 0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_logits_of_a_softmax_give_its_probabilities(tmp_path: Path, truth: Path, dtype: Any) -> None:
    if dtype is np.float16:
        np.savez(tmp_path / "x.npz", probabilities=np.log(PROBS + 1e-6).transpose(3, 2, 1, 0).astype(dtype))
        path = tmp_path / "x.npz"
    else:
        path = nifti((np.log(PROBS + 1e-9) + 7).astype(dtype))(tmp_path)
    case = read(path, truth, pred_kind="logits")
    assert is_softmax(case, atol=5e-3 if dtype is np.float16 else 1e-6)
    assert case.probs is not None
    assert all(one.is_log_odds for one in case.probs.maps)


def test_logits_of_sigmoids_are_left_as_they_are(tmp_path: Path, truth: Path) -> None:
    logits = np.array([-1e-6, 0.0, 25.0], np.float32) * np.ones((5, 4, 3), np.float32)
    case = read(nifti(logits)(tmp_path), truth, read_label_map("2"), pred_kind="logits")
    assert case.pred[0, 0].tolist() == [0, 2, 2]
    assert case.probs is not None
    np.testing.assert_array_equal(case.probs.maps[0].stored, logits)


def test_labels_may_be_asked_for(tmp_path: Path, truth: Path) -> None:
    message = refusal(nifti(PROBS[..., 0])(tmp_path), truth, pred_kind="labels")
    assert "are no class ids" in message
    assert "has channels" in refusal(nifti(PROBS)(tmp_path), truth, pred_kind="labels")
    for name in ("1", "2"):
        nifti(HARD)(tmp_path / "one" / name).rename(tmp_path / "one" / f"{name}.nii.gz")
        (tmp_path / "one" / name).rmdir()
    for kind in ("labels", "auto"):
        assert "holds ids 1, 2, but a file of one class" in refusal(tmp_path / "one", truth, pred_kind=kind)


# values


def spoilt(value: float, *, dtype: Any = np.float32) -> np.ndarray:
    array = PROBS.astype(dtype)
    array[1, 2, 0, 1] = value
    return array


@pytest.mark.parametrize("kind", ["probs", "logits"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(tmp_path: Path, truth: Path, value: float, kind: Any) -> None:
    message = refusal(nifti(spoilt(value))(tmp_path), truth, pred_kind=kind)
    assert "channel of 1: 1 voxels are NaN or infinite. Write numbers there." in message


@pytest.mark.parametrize(("value", "shown"), [(1.01, "0 to 1.01"), (-0.01, "-0.01 to")])
def test_values_outside_0_and_1_are_refused(tmp_path: Path, truth: Path, value: float, shown: str) -> None:
    message = refusal(nifti(spoilt(value))(tmp_path), truth)
    assert "channel of 1: values from" in message
    assert shown in message or f"{PROBS[..., 1].min():g} to 1.01" in message


def test_rounding_beyond_0_and_1_is_let_pass(tmp_path: Path, truth: Path) -> None:
    probs = np.zeros_like(PROBS)
    probs[..., 1], probs[..., 2] = 1 + 9e-7, -9e-7
    assert maps(read(nifti(probs)(tmp_path), truth)).max() == 1


def test_sums_beside_1_are_refused_with_their_voxel(tmp_path: Path, truth: Path) -> None:
    message = refusal(nifti(spoilt(float(PROBS[1, 2, 0, 1]) + 0.02))(tmp_path), truth)
    assert "the channels are a softmax of background, 1, 2, and at voxel (1, 2, 0) they add up to 1.02" in message
    assert "name only their classes with --labels" in message
    assert read(nifti(spoilt(float(PROBS[1, 2, 0, 1]) + 0.009))(tmp_path), truth).probs is not None


def test_integers_may_be_half_a_step_off_in_each_channel(tmp_path: Path, truth: Path) -> None:
    coarse = np.zeros((5, 4, 3, 3), np.uint8)
    coarse[...] = (3, 3, 3)  # thirds in tenths: 0.9
    assert read(nifti(coarse, slope=0.1)(tmp_path), truth).probs is not None
    coarse[0, 0, 0] = (3, 3, 2)
    assert "they add up to 0.8 instead of 1" in refusal(nifti(coarse, slope=0.1)(tmp_path), truth)


def test_one_hot_integers_have_no_rounding(tmp_path: Path, truth: Path) -> None:
    one_hot = (HARD[..., None] == np.arange(3)).astype(np.uint8)
    one_hot[0, 0, 0] = 0
    assert "they add up to 0 instead of 1" in refusal(nifti(one_hot)(tmp_path), truth, pred_kind="probs")


def test_an_id_without_a_channel_is_refused_where_channels_name_the_classes(tmp_path: Path, truth: Path) -> None:
    path = nifti(PROBS[..., :2] / PROBS[..., :2].sum(axis=-1, keepdims=True))(tmp_path)
    with pytest.raises(
        DataError, match=r"truth.x\.nii\.gz: holds id 2, and the prediction is a softmax of background, 1"
    ):
        read(path, truth)
    assert read(path, truth, LabelMap(ignore=(2,))).probs is not None
    assert read(path, truth, read_label_map("1")).probs is not None


# sigmoids


def test_sigmoids_may_overlap(tmp_path: Path, truth: Path) -> None:
    probs = np.zeros((5, 4, 3, 2), np.float32)
    probs[0] = (0.5, 0.2)
    probs[1] = (0.2, 0.9)
    probs[2] = (0.7, 0.8)
    labels = read_label_map("1=a,2=b")
    case = read(nifti(probs)(tmp_path), truth, labels)
    assert [np.unique(case.pred[x]).tolist() for x in range(4)] == [[1], [2], [3], [0]]
    assert case.claims == {3: labels.classes}


# grids


def test_other_axis_orders_are_undone_by_views(tmp_path: Path, truth: Path) -> None:
    turned = np.flip(PROBS.transpose(1, 0, 2, 3), axis=0)
    index = np.eye(4)[:, [1, 0, 2, 3]]
    index[:, 3] += index[:, 0] * 3
    index[:, 0] *= -1
    case = read(nifti(np.ascontiguousarray(turned), affine=AFFINE @ index)(tmp_path), truth)
    assert is_softmax(case)
    assert case.notes == ("axes PRS reordered to RAS",)
    assert case.probs is not None
    assert case.probs.maps[0].stored.base is not None


@pytest.mark.parametrize("stored", ["float32", "uint8", "logits"])
def test_resampled_probabilities_are_background_outside_the_prediction(
    tmp_path: Path, truth: Path, stored: str
) -> None:
    moved = AFFINE.copy()
    moved[0, 3] += 0.8 * 1.5  # one and a half voxels
    write = {
        "float32": nifti(PROBS, affine=moved),
        "uint8": nifti(STEPS, affine=moved, slope=1 / 255),
        "logits": nifti(np.log(PROBS + 1e-12), affine=moved),
    }
    kind: Any = "logits" if stored == "logits" else "auto"
    path = write[stored](tmp_path)
    assert "Pass --resample" in refusal(path, truth, pred_kind=kind)
    case = read(path, truth, pred_kind=kind, resample=True)
    found = maps(case)
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(found[:, 0].reshape(3, -1).T, np.tile([1, 0, 0], (12, 1)), atol=1e-6)
    halfway = (PROBS[0] + PROBS[1]) / 2
    np.testing.assert_allclose(found[:, 2], halfway.transpose(2, 0, 1), atol=1e-6)
    np.testing.assert_array_equal(case.pred, found.argmax(axis=0))


def test_an_id_0_with_a_name_of_its_own_is_background_outside_too(tmp_path: Path, truth: Path) -> None:
    moved = AFFINE.copy()
    moved[0, 3] += 1.6
    path = nifti(PROBS, affine=moved)(tmp_path)
    case = read(path, truth, read_label_map("0=rest,1=a,2=b"), resample=True)
    assert maps(case)[0, :2] == pytest.approx(1)


def test_resampled_sigmoids_are_0_outside_the_prediction(tmp_path: Path, truth: Path) -> None:
    moved = AFFINE.copy()
    moved[0, 3] += 1.6
    case = read(nifti(PROBS[..., 1], affine=moved)(tmp_path), truth, read_label_map("1"), resample=True)
    np.testing.assert_allclose(maps(case)[0, 2:], PROBS[:3, ..., 1], atol=1e-6)
    assert not maps(case)[0, :2].any()


def test_geometry_may_be_ignored(tmp_path: Path, truth: Path) -> None:
    assert is_softmax(read(nifti(PROBS, affine=np.eye(4))(tmp_path), truth, ignore_geometry=True))


# a run


def run_of(truth: Path, *preds: Path, **options: Any) -> tuple[list[Pair], InputRules]:
    pairs = [Pair(case_id=str(i), pred=pred, truth=truth) for i, pred in enumerate(preds)]
    return pairs, agree(pairs, InputRules(**options))


def test_integers_anywhere_make_a_run_one_of_labels(tmp_path: Path, truth: Path) -> None:
    probs, labels = nifti(PROBS)(tmp_path / "a"), nifti(HARD)(tmp_path / "b")
    pairs, rules = run_of(truth, probs, labels)
    assert rules.first_prediction is not None
    assert str(rules.first_prediction.form) == "labels"
    np.testing.assert_array_equal(read_case(pairs[1], rules).pred, HARD)
    with pytest.raises(DataError) as caught:
        read_case(pairs[0], rules)
    assert f"{probs}: holds probabilities, a softmax of background, 1, 2, and {labels} labels." in str(caught.value)
    assert "say which with --pred-kind" in str(caught.value)


def test_another_number_of_channels_is_another_kind(tmp_path: Path, truth: Path) -> None:
    wide = np.concatenate([PROBS, np.zeros((5, 4, 3, 1), np.float32)], axis=-1)
    pairs, rules = run_of(truth, nifti(PROBS)(tmp_path / "a"), nifti(wide)(tmp_path / "b"))
    with pytest.raises(
        DataError, match=r"a softmax of background, 1, 2, 3, and .* probabilities, a softmax of background"
    ):
        read_case(pairs[1], rules)


def test_the_first_prediction_is_read_once_and_one_that_cannot_be_read_is_passed_over(
    tmp_path: Path, truth: Path
) -> None:
    bad, good = tmp_path / "bad.nii.gz", nifti(PROBS)(tmp_path / "a")
    bad.write_bytes(b"nothing")
    pairs, rules = run_of(truth, bad, good)
    assert rules.first_prediction is not None
    assert rules.first_prediction.path == good
    good.unlink()
    assert read_case(pairs[1], rules).probs is not None
    assert not rules.at_hand
    with pytest.raises(DataError, match=r"bad\.nii\.gz"):
        read_case(pairs[0], rules)


def test_no_file_is_read_where_the_kind_is_labels(tmp_path: Path, truth: Path) -> None:
    _, rules = run_of(truth, tmp_path / "not there.nii.gz", pred_kind="labels")
    assert rules.first_prediction is not None
    assert (str(rules.first_prediction.form), rules.at_hand) == ("labels", {})


def test_a_missing_prediction_is_background(truth: Path) -> None:
    case = read_case(Pair(case_id="x", pred=None, truth=truth), InputRules())
    assert (case.pred.any(), case.probs) == (False, None)
    assert replace(case).shape == (5, 4, 3)
