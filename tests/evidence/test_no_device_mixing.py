"""What is built on a device never meets what lies on the CPU, and gives the numbers of the CPU."""

import numpy as np
import pytest
import torch

import segeval
from segeval.evidence import device as device_module
from tests.evidence.simulated_device import SimulatedDevice


def masks(dtype: type) -> tuple[np.ndarray, np.ndarray]:
    truth, pred = np.zeros((2, 40, 40, 40), dtype=dtype)
    truth[5:20, 5:20, 5:20], truth[25:35, 25:35, 25:35] = 1, 2
    pred[6:20, 5:22, 5:20], pred[25:35, 25:33, 25:35], pred[1:3, 36:39, 1:3] = 1, 2, 2
    return pred, truth


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
def test_evidence_built_on_the_device_is_that_of_the_cpu(
    group: str, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_module, "_may_have_cuda", lambda: True)
    monkeypatch.setattr(device_module, "_n_cuda", lambda: 1)
    pred, truth = masks(np.uint8 if kind is np.float32 else kind)
    if kind is np.float32:
        pred = np.where(pred == np.arange(3).reshape(3, 1, 1, 1), 0.8, 0.1).astype(np.float32)
    options = {"measures": [group], "labels": {1: "liver", 2: "spleen"}, "spacing": (0.8, 0.8, 1.5), "bootstrap": 0}
    want = segeval.score(pred, truth, engine="numpy", **options)
    with SimulatedDevice() as device:
        got = segeval.score(pred, truth, engine="torch", device="cuda", **options)
    assert device.n_moved > 0
    for left, right in zip(got.class_rows, want.class_rows, strict=True):
        assert left.values == pytest.approx(right.values, rel=1e-9, nan_ok=True)


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
