"""What docs/training.md shows runs for a few steps on the sample, where the library is installed."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")


def blocks(section: str) -> list[str]:
    part = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", part, re.DOTALL)


def a_batch() -> tuple[torch.Tensor, torch.Tensor]:
    """A corner of a case of the sample: its image scaled, and its labels."""
    case: Any = nibabel.load(ROOT / "sample_data" / "images" / "case_01.nii.gz")
    truth: Any = nibabel.load(ROOT / "sample_data" / "gt" / "case_01.nii.gz")
    part = (slice(16, 80, 2), slice(16, 80, 2), slice(0, 16))
    image = np.asarray(case.dataobj, dtype=np.float32)[part]
    labels = np.asarray(truth.dataobj, dtype=np.int64)[part]
    image = (image - image.mean()) / image.std()
    return torch.from_numpy(image)[None, None], torch.from_numpy(labels)[None]


def a_network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv3d(1, 6, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv3d(6, 4, 1))


def fitted(network: torch.nn.Module, loss: Any, steps: int = 4) -> list[float]:
    image, labels = a_batch()
    optimiser, costs = torch.optim.AdamW(network.parameters(), lr=1e-2), []
    for _ in range(steps):
        optimiser.zero_grad()
        cost = loss(network(image), labels)
        cost.backward()
        optimiser.step()
        costs.append(float(cost.detach()))
    return costs


def test_plain_torch() -> None:
    plain, together = blocks("Plain torch")
    image, labels = a_batch()
    scope: dict[str, Any] = {"network": a_network(), "image": image, "labels": labels, "steps": 1}
    exec(plain, scope)
    first = float(scope["cost"].detach())
    exec(plain, scope | {"steps": 4})
    assert float(scope["loss"](scope["network"](image), labels).detach()) < first
    scope = {}
    exec(together, scope)
    assert scope["loss"].weights == [1.0, 0.02]
    costs = fitted(a_network(), scope["loss"])
    assert costs[-1] < costs[0]


def test_monai() -> None:
    pytest.importorskip("monai")
    (block,) = blocks("MONAI")
    scope: dict[str, Any] = {}
    exec(block, scope)
    torch.manual_seed(0)
    image, labels = a_batch()
    costs = [float(scope["loss"](scope["network"](image), labels).detach())]
    costs += fitted(scope["network"], scope["loss"], steps=3)
    assert costs[-1] < costs[0]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of its own parts
def test_lightning() -> None:
    lightning = pytest.importorskip("lightning", reason="lightning is not installed")
    (block,) = blocks("Lightning")
    scope: dict[str, Any] = {}
    exec(block, scope)
    module = scope["Segmentation"](a_network())
    image, labels = a_batch()
    before = float(module.training_step((image, labels), 0).detach())
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(image, labels))
    options: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    lightning.Trainer(max_steps=3, accelerator="cpu", **options).fit(module, data)
    assert float(module.training_step((image, labels), 0).detach()) < before


def test_nnunet() -> None:
    if importlib.util.find_spec("nnunetv2") is None:
        pytest.skip("nnunetv2 is not installed; what its trainer would call runs in the next test")
    (block,) = blocks("nnU-Net")
    scope: dict[str, Any] = {}
    exec(block, scope)
    assert "_build_loss" in vars(scope["nnUNetTrainerSegeval"])


def test_the_loss_of_nnunet_takes_the_lists_of_its_trainer() -> None:
    from segeval.losses import DeepSupervision, DiceCELoss

    (block,) = blocks("nnU-Net")
    assert "DeepSupervision(loss, drop_lowest=True)" in block
    image, labels = a_batch()
    network = a_network()
    fine = network(image)
    outputs = [fine, torch.nn.functional.avg_pool3d(fine, 2), torch.nn.functional.avg_pool3d(fine, 4)]
    truths = [labels[:, None], labels[:, None, ::2, ::2, ::2].float(), labels[:, None, ::4, ::4, ::4]]
    cost = DeepSupervision(DiceCELoss(batch_dice=True), drop_lowest=True)(outputs, truths)
    cost.backward()
    assert torch.isfinite(cost)
