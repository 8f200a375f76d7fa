"""What programs hold is scored as it is meant: channels, batches, geometry, memory layouts."""

import re
import warnings
from typing import Any

import nibabel as nib
import numpy as np
import pytest

import segeval
from segeval.errors import ConfigError, DataError

RNG = np.random.default_rng(8)
TRUTH = RNG.integers(0, 3, (6, 7)).astype(np.uint8)
PRED = np.where(RNG.random(TRUTH.shape) < 0.7, TRUTH, 0).astype(np.uint8)
BOX = RNG.integers(0, 3, (5, 6, 7)).astype(np.uint8)
BOX_PRED = np.where(RNG.random(BOX.shape) < 0.7, BOX, 0).astype(np.uint8)


def one_hot(labels: np.ndarray, axis: int = 0, dtype: Any = np.uint8) -> np.ndarray:
    return np.stack([labels == label for label in range(3)], axis=axis).astype(dtype)


def softmax(labels: np.ndarray, axis: int = 0) -> np.ndarray:
    return one_hot(labels, axis).astype(np.float32) * np.float32(0.7) + np.float32(0.1)


def dice(pred: Any, truth: Any, **options: Any) -> list[float]:
    found = segeval.score(pred, truth, measures=["dice"], bootstrap=0, **options)
    return [row.values["dice"] for row in found.class_rows]


def refusal(pred: Any, truth: Any, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        dice(pred, truth, **options)
    return str(caught.value)


RIGHT = dice(PRED, TRUTH)
RIGHT_BOX = dice(BOX_PRED, BOX)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_one_hot_arrays_are_no_volumes(dtype: Any) -> None:
    assert dice([one_hot(PRED, dtype=dtype)] * 2, [one_hot(TRUTH, dtype=dtype)] * 2) == pytest.approx(RIGHT * 2)
    assert dice(one_hot(BOX_PRED, dtype=dtype), one_hot(BOX, dtype=dtype)) == pytest.approx(RIGHT_BOX)
    assert dice(PRED, one_hot(TRUTH, dtype=dtype)) == pytest.approx(RIGHT)
    assert dice(softmax(PRED), one_hot(TRUTH, dtype=dtype)) == pytest.approx(RIGHT)
    assert dice(one_hot(PRED, dtype=dtype), TRUTH) == pytest.approx(RIGHT)


def test_a_volume_stays_one() -> None:
    assert dice(BOX_PRED, BOX) == RIGHT_BOX
    binary, truth = (BOX_PRED == 1).astype(np.uint8), (BOX == 1).astype(np.uint8)
    assert dice(binary, truth) == pytest.approx(RIGHT_BOX[:1])


def test_classes_in_the_last_axis_are_said_or_asked_for() -> None:
    for pred, truth in (
        (softmax(PRED, -1), TRUTH),
        (softmax(BOX_PRED, -1), BOX),
        (one_hot(PRED, -1), one_hot(TRUTH, -1)),
    ):
        assert "Pass channel_axis='last'" in refusal(pred, truth)
        assert dice(pred, truth, channel_axis="last") == pytest.approx(
            RIGHT if TRUTH.shape[0] in pred.shape[:1] else RIGHT_BOX
        )
    assert dice(softmax(PRED), TRUTH, channel_axis="first") == pytest.approx(RIGHT)


def test_a_lone_first_axis_of_the_truth_is_none_of_space() -> None:
    assert dice(softmax(PRED), TRUTH[None]) == pytest.approx(RIGHT)
    assert dice(softmax(BOX_PRED), BOX[None]) == pytest.approx(RIGHT_BOX)
    assert dice(PRED, TRUTH[None]) == pytest.approx(RIGHT)
    assert dice(BOX_PRED, BOX[None]) == pytest.approx(RIGHT_BOX)


def test_half_floats_are_ids_as_any_floats() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert dice(PRED.astype(np.float16), TRUTH.astype(np.float16)) == pytest.approx(RIGHT)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_masks_of_classes_without_a_background_are_scored_one_by_one(dtype: Any) -> None:
    preds, truths = (np.stack([mask == label for label in (1, 2)]).astype(dtype) for mask in (BOX_PRED, BOX))
    message = refusal(preds, truths)
    assert "the first axis may count cases, or classes" in message
    assert "segeval.score(pred[0], truth[0]) if it counts classes" in message
    assert [*dice(preds[0], truths[0]), *dice(preds[1], truths[1])] == pytest.approx(RIGHT_BOX)
    assert dice(list(preds), list(truths)) == pytest.approx(RIGHT_BOX)  # as cases


def test_a_lone_last_axis_is_told_by_its_place() -> None:
    message = refusal(BOX_PRED[..., None], BOX[..., None])
    assert "the last axis has one voxel. Leave it out: give pred[..., 0] and truth[..., 0]" in message
    assert dice(BOX_PRED[..., None][..., 0], BOX[..., None][..., 0]) == pytest.approx(RIGHT_BOX)


@pytest.mark.parametrize("n", [2, 3])  # with three cases and three classes only the sums tell
def test_a_batch_is_refused_and_the_way_is_right(n: int) -> None:
    preds, truths = np.stack([softmax(PRED)] * n), np.stack([TRUTH] * n)
    message = refusal(preds, truths)
    assert "the first axis counts cases, and the second classes. Give one case at a time" in message
    assert "segeval.score(list(pred), list(truth))" in message
    assert dice(list(preds), list(truths)) == pytest.approx(RIGHT * n)
    for truth, ids in ((truths[:, None], r"truth\[:, 0\]"), (np.stack([one_hot(TRUTH)] * n), r"truth\.argmax\(1\)")):
        message = refusal(preds, truth)
        assert re.search(rf"the first axis counts cases.*{ids}", message)
    assert dice(list(preds), list(truths[:, None][:, 0])) == pytest.approx(RIGHT * n)


def test_an_axis_that_may_be_either_is_refused() -> None:
    truths = np.stack([TRUTH] * 3)
    message = refusal(np.full((3, *truths.shape), 1 / 3, np.float32), truths)
    assert "the first axis may count classes or cases. Pass channel_axis='first'" in message


def test_tensors_of_any_kind_are_told_apart_too() -> None:
    torch = pytest.importorskip("torch")
    pred, truth = torch.from_numpy(softmax(PRED)), torch.from_numpy(TRUTH)
    assert dice(pred, truth) == pytest.approx(RIGHT)
    assert dice(pred.permute(1, 2, 0), truth, channel_axis="last") == pytest.approx(RIGHT)
    assert "counts cases" in refusal(torch.stack([pred, pred]), torch.stack([truth, truth]))
    assert dice(list(torch.stack([pred, pred])), list(torch.stack([truth, truth]))) == pytest.approx(RIGHT * 2)
    assert dice([torch.from_numpy(one_hot(PRED))], [torch.from_numpy(one_hot(TRUTH))]) == pytest.approx(RIGHT)


@pytest.mark.parametrize("engine", ["numpy", "torch"])
@pytest.mark.parametrize("dtype", [">f4", ">f8", "<f4", ">i4", ">u2"])
@pytest.mark.parametrize("layout", [np.asfortranarray, lambda array: array[..., ::-1], lambda array: array.T])
def test_byte_order_and_memory_layout_change_nothing(engine: str, dtype: str, layout: Any) -> None:
    if engine == "torch":
        pytest.importorskip("torch")
    if dtype[1] == "f":
        pred, right = layout(softmax(PRED)[1].astype(dtype)), RIGHT[:1]
    else:
        pred, right = layout(PRED.astype(dtype)), RIGHT
    truth = layout(TRUTH.astype(">u2")) if len(right) > 1 else layout((TRUTH == 1).astype(">u2"))
    found = segeval.score(pred, truth, measures=["dice", "bce_loss"], bootstrap=0, engine=engine, device="cpu")
    assert [row.values["dice"] for row in found.class_rows] == pytest.approx(right)


def test_voxels_that_are_masked_are_refused_and_the_way_is_right() -> None:
    masked = np.ma.MaskedArray(TRUTH, mask=np.zeros(TRUTH.shape, bool))
    assert dice(PRED, masked) == RIGHT
    masked[0, :3] = np.ma.masked
    message = refusal(PRED, masked)
    assert "3 of its voxels are masked" in message
    assert "such as 255, and pass ignore_label=255" in message
    ids = TRUTH.copy()
    ids[0, :3] = 255
    assert dice(PRED, masked.filled(255), ignore_label=255) == dice(PRED, ids, ignore_label=[255])


# images with a place in the world

AFFINE = np.array([[0.0, -2, 0, 10], [0.5, 0, 0, -3], [0, 0, 3, 7], [0, 0, 0, 1]])  # 0.5 x 2 x 3 mm, turned


def hd(pred: Any, truth: Any) -> dict[str, float]:
    found = segeval.score(pred, truth, measures=["hd", "dice"], bootstrap=0)
    (row,) = found.class_rows
    assert found.case_rows[0].spacing_mm == pytest.approx((0.5, 2.0, 3.0))
    return dict(row.values)


CUBE = np.zeros((8, 7, 6), np.uint8)
CUBE[2:5, 2:5, 2:5] = 1
MOVED = np.roll(CUBE, 1, axis=2)


def test_images_of_nibabel_bring_their_geometry() -> None:
    def image(array: np.ndarray, affine: np.ndarray = AFFINE) -> Any:
        return nib.Nifti1Image(array, affine)

    assert hd(image(MOVED), image(CUBE))["hd"] == pytest.approx(3.0)
    flip = AFFINE @ np.array([[-1.0, 0, 0, 7], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    assert hd(image(MOVED[::-1], flip), image(CUBE))["hd"] == pytest.approx(3.0)
    in_metres = nib.Nifti1Image(CUBE, np.diag([0.001, 0.001, 0.001, 1]) @ AFFINE)
    in_metres.header.set_xyzt_units("meter")
    assert hd(image(MOVED), in_metres)["hd"] == pytest.approx(3.0)
    message = refusal(image(MOVED), CUBE)
    assert "has no place in the world" in message
    assert "--ignore-geometry" in message
    assert len(dice(image(MOVED), CUBE, ignore_geometry=True)) == 1


def test_images_of_simpleitk_bring_their_geometry() -> None:
    sitk = pytest.importorskip("SimpleITK")

    def image(array: np.ndarray) -> Any:
        made = sitk.GetImageFromArray(np.ascontiguousarray(array.T))
        made.SetSpacing((0.5, 2.0, 3.0))
        made.SetOrigin((-10.0, 3.0, 7.0))
        made.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, 1))  # AFFINE, in ITK's world
        return made

    assert hd(image(MOVED), image(CUBE))["hd"] == pytest.approx(3.0)
    assert hd(image(MOVED), nib.Nifti1Image(CUBE, AFFINE))["hd"] == pytest.approx(3.0)
    flat = sitk.GetImageFromArray(TRUTH)
    flat.SetSpacing((0.7, 0.9))
    found = segeval.score(sitk.GetImageFromArray(PRED), sitk.GetImageFromArray(TRUTH), measures=["dice"], bootstrap=0)
    assert [row.values["dice"] for row in found.class_rows] == pytest.approx(RIGHT)
    assert segeval.score(flat, flat, measures=["dice"], bootstrap=0).case_rows[0].spacing_mm == pytest.approx(
        (0.7, 0.9)
    )


def test_tensors_of_monai_bring_their_geometry() -> None:
    torch = pytest.importorskip("torch")
    monai = pytest.importorskip("monai.data")

    def image(array: np.ndarray) -> Any:
        return monai.MetaTensor(torch.from_numpy(array[None].copy()), affine=torch.from_numpy(AFFINE))

    assert hd(image(MOVED), image(CUBE))["hd"] == pytest.approx(3.0)
    maps = np.stack([1 - MOVED, MOVED]).astype(np.float32) * np.float32(0.8) + np.float32(0.1)
    probs = monai.MetaTensor(torch.from_numpy(maps), affine=torch.from_numpy(AFFINE))
    assert hd(probs, nib.Nifti1Image(CUBE, AFFINE))["hd"] == pytest.approx(3.0)


def test_flat_tensors_of_monai_have_the_spacing_of_their_own_axes() -> None:
    torch = pytest.importorskip("torch")
    monai = pytest.importorskip("monai.data")
    truth = np.zeros((12, 10), dtype=np.float32)
    truth[2:8, 2:8] = 1
    moved = np.roll(truth, 1, 0)
    world = torch.diag(torch.tensor([0.5, 0.7, 3.0, 1.0]))
    of_file = {"spatial_shape": np.array([12, 10])}

    def image(array: np.ndarray, affine: Any = world, **meta: Any) -> Any:
        return monai.MetaTensor(torch.from_numpy(array), affine=affine, meta=meta)

    def one_hot(array: np.ndarray) -> np.ndarray:
        return np.stack([array == 0, array == 1])

    flat = world[[0, 1, 3]][:, [0, 1, 3]]
    for sides in (
        [image(side[None]) for side in (moved, truth)],
        [image(side) for side in (moved, truth)],
        [image(side[None], **of_file) for side in (moved, truth)],
        [image(side[None], flat) for side in (moved, truth)],
        [image(one_hot(side), **of_file) for side in (moved, truth)],
        [image(one_hot(side).astype(np.float32), **of_file) for side in (moved, truth)],
    ):
        found = segeval.score(*sides, measures=["hd", "dice"], bootstrap=0)
        assert found.case_rows[0].shape == (12, 10)
        assert found.case_rows[0].spacing_mm == pytest.approx((0.5, 0.7))
        assert found.class_rows[0].values == pytest.approx({"hd": 0.5, "dice": 5 / 6})
    cube = segeval.score(image(MOVED), image(CUBE), measures=["dice"], bootstrap=0)
    assert cube.case_rows[0].shape == CUBE.shape
    assert cube.case_rows[0].notes == (f"shape {CUBE.shape} was taken for a volume without channels",)
    for sides, message in (
        ([image(one_hot(side)) for side in (moved, truth)], r"shape \(2, 12, 10\): its first axis may"),
        ([image(side, spatial_shape=[12, 10, 6]) for side in (moved, truth)], r"of a file of \(12, 10, 6\)"),
        ([image(side[None, None, None]) for side in (moved, truth)], "is a batch"),
    ):
        with pytest.raises(DataError, match=message):
            segeval.score(*sides, measures=["dice"])


def test_a_batch_of_monai_is_scored_case_by_case() -> None:
    torch = pytest.importorskip("torch")
    monai = pytest.importorskip("monai.data")

    def batch(array: np.ndarray) -> Any:
        image = monai.MetaTensor(torch.from_numpy(array[None].copy()), affine=torch.from_numpy(AFFINE))
        return monai.list_data_collate([image, image])

    pred, truth = batch(MOVED), batch(CUBE)
    with pytest.raises(DataError, match="is a batch"):
        segeval.score(pred, truth, measures=["hd"])
    evaluator = segeval.Evaluator(["hd"], bootstrap=0)
    evaluator.update(pred, truth, case_id=["case_0", "case_1"])
    for found in (segeval.score(list(pred), list(truth), measures=["hd"], bootstrap=0), evaluator.compute()):
        assert [row.values["hd"] for row in found.class_rows] == pytest.approx([3.0, 3.0])


def test_a_stack_of_slices_is_taken_for_a_volume_and_that_is_said() -> None:
    truth = np.zeros((3, 12, 10), dtype=int)
    truth[:, 2:8, 2:8] = 1
    pred = np.roll(truth, 1, 1)
    found = segeval.score(pred, truth, measures=["dice"])
    (said,) = found.facts["warnings"]
    assert said.startswith("shape (3, 12, 10) was taken for one volume")
    assert repr(found).splitlines()[-1] == f"note: {said}"
    assert f"<p>note: {said}</p>" in found._repr_html_()
    each = segeval.score(list(pred), list(truth), measures=["dice"])  # as it says
    assert [row.shape for row in each.case_rows] == [(12, 10)] * 3
    assert not each.facts["warnings"]
    assert not segeval.score(pred, truth, measures=["dice"], spacing=(3, 1, 1)).facts["warnings"]
    with pytest.raises(ConfigError, match="or each case alone where the first axis counts cases"):
        segeval.score(pred, truth, measures=["dice"], spacing=(1, 1))
