"""What is built on a device never meets what lies on the CPU, stays there, and gives the numbers of the CPU."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import segeval
from segeval.catalogue import GROUPS
from segeval.errors import DataError
from segeval.evidence import device as device_module
from tests.evidence.simulated_device import SimulatedDevice

LABELS = {1: "liver", 2: "spleen"}
OPTIONS = {"labels": LABELS, "spacing": (0.8, 0.8, 1.5), "bootstrap": 0}
OF_SUMS = ["dice_loss", "cross_entropy_loss", "focal_loss", "tversky_loss"]


@pytest.fixture
def a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with one CUDA device, to be simulated."""
    monkeypatch.setattr(device_module, "_may_have_cuda", lambda: True)
    monkeypatch.setattr(device_module, "_n_cuda", lambda: 1)


def masks(dtype: type) -> tuple[np.ndarray, np.ndarray]:
    truth, pred = np.zeros((2, 40, 40, 40), dtype=dtype)
    truth[5:20, 5:20, 5:20], truth[25:35, 25:35, 25:35] = 1, 2
    pred[6:20, 5:22, 5:20], pred[25:35, 25:33, 25:35], pred[1:3, 36:39, 1:3] = 1, 2, 2
    return pred, truth


@pytest.mark.usefixtures("a_device")
@pytest.mark.parametrize(
    ("group", "kind"),
    [
        ("overlap", np.uint8),
        ("overlap", np.int64),
        ("boundary", np.uint8),
        ("losses", np.float32),
        ("probability", np.float32),
    ],
)
def test_evidence_built_on_the_device_is_that_of_the_cpu(group: str, kind: type) -> None:
    pred, truth = masks(np.uint8 if kind is np.float32 else kind)
    if kind is np.float32:
        pred = np.where(pred == np.arange(3).reshape(3, 1, 1, 1), 0.8, 0.1).astype(np.float32)
    want = segeval.score(pred, truth, measures=[group], engine="numpy", **OPTIONS)
    with SimulatedDevice() as device:
        got = segeval.score(pred, truth, measures=[group], engine="torch", device="cuda", **OPTIONS)
    assert device.n_moved > 0
    assert_alike(got, want)


def assert_alike(got: segeval.Results, want: segeval.Results) -> None:
    for left, right in zip((*got.class_rows, *got.case_rows), (*want.class_rows, *want.case_rows), strict=True):
        assert left.values == pytest.approx(right.values, rel=1e-9, nan_ok=True)
    assert [row.notes for row in got.case_rows] == [row.notes for row in want.case_rows]


def softmax_of(pred: torch.Tensor) -> torch.Tensor:
    noise = torch.randn(3, *pred.shape, generator=torch.Generator().manual_seed(0))
    return torch.softmax(noise + 3 * (torch.arange(3).reshape(3, 1, 1, 1) == pred), 0)


def one_hot(ids: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.one_hot(ids.long(), 3).movedim(-1, 0)


PREDICTIONS: dict[str, tuple[list[str], Callable[[torch.Tensor], torch.Tensor], dict[str, Any]]] = {
    "uint8": (["overlap", "boundary", "losses"], lambda pred: pred, {}),
    "int64": (["overlap"], lambda pred: pred.long(), {}),
    "whole floats": (["overlap"], lambda pred: pred.float(), {}),
    "wide ids": (["overlap"], lambda pred: pred.int() * 500, {"labels": {500: "liver", 1000: "spleen"}}),
    "one-hot": (["overlap"], one_hot, {}),
    "one-hot booleans": (["overlap"], lambda pred: one_hot(pred).bool(), {}),
    "one mask": (["overlap"], lambda pred: pred == 1, {"labels": {1: "liver"}}),
    "ids to be moved": (["overlap"], lambda pred: pred + 1, {"pred_ids": {1: 0, 2: 1, 3: 2}}),
    "an id to be ignored": (["overlap", "boundary"], lambda pred: pred, {"labels": {1: "liver"}, "ignore_label": 2}),
    "masks that may overlap": (["overlap"], lambda pred: torch.stack([pred > 0, pred > 1]), {}),
    "softmax": ([*OF_SUMS, "brier", "dice"], softmax_of, {}),
    "half floats": (["losses", "auc"], lambda pred: softmax_of(pred).half(), {}),
    "bfloat16": (["dice"], lambda pred: softmax_of(pred).bfloat16(), {"clip_probs": True}),
    "sigmoids": ([*OF_SUMS, "dice"], lambda pred: softmax_of(pred)[1:].sqrt(), {}),
    "a region": ([*OF_SUMS, "dice"], softmax_of, {"regions": {"organs": [1, 2]}, "include_background": True}),
    "one map": ([*OF_SUMS, "dice"], lambda pred: softmax_of(pred)[1], {"labels": {1: "liver"}}),
    "logits": ([*OF_SUMS, "dice"], lambda pred: softmax_of(pred).log(), {"pred_kind": "logits"}),
}


@pytest.mark.slow
@pytest.mark.usefixtures("a_device")
@pytest.mark.parametrize("what", PREDICTIONS)
def test_tensors_on_a_device_stay_there(what: str) -> None:
    measures, made, more = PREDICTIONS[what]
    ids, truth = (torch.from_numpy(side).repeat(2, 2, 2) for side in masks(np.uint8))  # more voxels than bins
    pred = made(ids)
    truth = truth.int() * 500 if what == "wide ids" else truth
    options = OPTIONS | {"measures": measures} | more
    want = segeval.score(pred, truth, engine="numpy", **options)
    evaluator = segeval.Evaluator(**{"bootstrap": 0} | options, device="cuda")
    with SimulatedDevice() as device:
        there = pred.to("cuda"), truth.to("cuda")
        got = segeval.score(*there, device="cuda", **options)
        evaluator.update(*there, case_id="case")
    assert device.most_fetched < truth.numel() / 4
    assert_alike(got, want)
    assert_alike(evaluator.compute(), want)


@pytest.mark.usefixtures("a_device")
@pytest.mark.parametrize("kind", ["ids", "softmax"])
@pytest.mark.parametrize("group", GROUPS)
def test_every_group_reads_tensors_of_a_device(group: str, kind: str) -> None:
    ids, truth = (torch.from_numpy(side)[:24, :, 20:36] for side in masks(np.uint8))
    pred = ids if kind == "ids" else softmax_of(ids).double()  # more precise than what an activation rounds to
    options = OPTIONS | {"measures": [group], "ignore_label": 9}
    want = segeval.score(pred, truth, engine="numpy", **options)
    with SimulatedDevice():
        got = segeval.score(pred.to("cuda"), truth.to("cuda"), device="cuda", **options)
    assert_alike(got, want)


@pytest.mark.usefixtures("a_device")
def test_a_truth_in_memory_joins_a_prediction_on_a_device() -> None:
    pred, truth = masks(np.uint8)
    want = segeval.score(pred, truth, measures=["dice"], engine="numpy", **OPTIONS)
    with SimulatedDevice() as device:
        got = segeval.score(torch.from_numpy(pred).to("cuda"), truth, measures=["dice"], device="cuda", **OPTIONS)
    assert device.most_fetched < truth.size / 4
    assert_alike(got, want)


@pytest.mark.usefixtures("a_device")
def test_maps_with_a_place_stay_too() -> None:
    monai = pytest.importorskip("monai.data")
    pred, truth = (torch.from_numpy(side) for side in masks(np.uint8))
    world = torch.diag(torch.tensor([0.8, 0.8, 1.5, 1.0]))
    options = {"measures": ["dice", "hd95"], "labels": LABELS, "bootstrap": 0}
    sides = [monai.MetaTensor(side[None], affine=world) for side in (one_hot(pred).argmax(0), truth)]
    want = segeval.score(*sides, engine="numpy", **options)
    with SimulatedDevice() as device:
        got = segeval.score(*(side.to("cuda") for side in sides), device="cuda", **options)
    assert device.most_fetched < truth.numel() / 4
    assert_alike(got, want)
    assert got.case_rows[0].spacing_mm == pytest.approx((0.8, 0.8, 1.5))


@pytest.mark.usefixtures("a_device")
@pytest.mark.parametrize(
    ("spoilt", "options", "message"),
    [
        (lambda pred: torch.where(pred > 0, torch.nan, softmax_of(pred)), {}, r"case \(pred\).*\d+ voxels are NaN"),
        (lambda pred: pred.int() - 1, {}, r"case \(pred\): holds negative ids \(-1\)"),
        (lambda pred: pred[:-1], {}, r"case \(pred\).*\(39, 40, 40\)"),
        (lambda pred: 1 + softmax_of(pred), {}, r"case \(pred\).*no probabilities"),
        (lambda pred: pred + 0.3, {}, r"case \(pred\): values from 0.3 to 2.3"),
    ],
    ids=["nan", "negative ids", "another shape", "no probabilities", "no ids"],
)
def test_a_bad_tensor_on_a_device_is_told_as_an_array_is(
    spoilt: Callable[[torch.Tensor], torch.Tensor], options: dict[str, Any], message: str
) -> None:
    pred, truth = (torch.from_numpy(side) for side in masks(np.uint8))
    evaluator = segeval.Evaluator(["dice"], LABELS, device="cuda")
    with SimulatedDevice():
        there = spoilt(pred).to("cuda"), truth.to("cuda")
        with pytest.raises(DataError, match=message):
            segeval.score(*there, measures=["dice"], device="cuda", **OPTIONS, **options)
        with pytest.raises(DataError, match=message):
            evaluator.update(*there, case_id="case")
    assert not len(evaluator)


@pytest.mark.usefixtures("a_device")
def test_what_only_numpy_reads_is_read_there() -> None:
    pred, truth = (torch.from_numpy(side) for side in masks(np.uint8))
    nearly = pred + 1e-4
    options = {"measures": ["dice"], "labels": LABELS, "bootstrap": 0}
    want = segeval.score(nearly, truth, engine="numpy", **options)
    with SimulatedDevice():
        got = segeval.score(nearly.to("cuda"), truth.to("cuda"), device="cuda", **options)
    assert_alike(got, want)
    assert "were rounded to ids" in got.case_rows[0].notes[0]


@pytest.mark.usefixtures("a_device")
def test_a_device_without_memory_leaves_a_batch_to_the_cpu_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> None:
        raise type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory")

    monkeypatch.setattr("segeval.evidence.overlap.counts_torch.joint_histogram", full)
    pred, truth = (torch.from_numpy(side) for side in masks(np.uint8))
    evaluator = segeval.Evaluator(["dice"], LABELS, (0.8, 0.8, 1.5), device="cuda")
    with SimulatedDevice():
        there = pred.to("cuda"), truth.to("cuda")
        evaluator.update(*there, case_id="case")
        got = segeval.score(*there, measures=["dice"], device="cuda", **OPTIONS)
    for results in (got, evaluator.compute()):
        assert results.case_rows[0].notes == ("cuda ran out of memory, so this case was scored on the CPU",)
    assert got.class_rows[0].values == segeval.score(pred, truth, measures=["dice"], **OPTIONS).class_rows[0].values


def test_the_simulated_device_refuses_what_cuda_refuses() -> None:
    with SimulatedDevice():
        there, here = torch.ones(3).to("cuda"), torch.ones(3)
        assert there.device.type == "cuda"
        assert (there + 1).device.type == "cuda"
        with pytest.raises(RuntimeError, match="same device"):
            there + here
        with pytest.raises(TypeError, match="numpy"):
            there.numpy()
        assert (there.cpu() + here).tolist() == [2, 2, 2]
