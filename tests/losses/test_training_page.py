"""What docs/training.md shows runs for a few steps on the sample, where the library is installed."""

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


CONFIGURATION = {
    "data_identifier": "none",
    "batch_size": 1,
    "patch_size": [32, 32, 16],
    "batch_dice": True,
    "architecture": {
        "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
        "arch_kwargs": {
            "n_stages": 3,
            "features_per_stage": [4, 8, 8],
            "conv_op": "torch.nn.modules.conv.Conv3d",
            "kernel_sizes": [[3, 3, 3]] * 3,
            "strides": [[1, 1, 1], [2, 2, 2], [2, 2, 2]],
            "n_conv_per_stage": [1, 1, 1],
            "n_conv_per_stage_decoder": [1, 1],
            "conv_bias": True,
            "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
            "norm_op_kwargs": {"eps": 1e-5, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    },
}


def steps_of_nnunet(kind: Any, labels: dict[str, Any], batch: dict[str, Any]) -> list[float]:
    """The losses of four steps of a trainer that starts without a preprocessed data set."""
    plans = {"dataset_name": "Dataset001_sample", "plans_name": "plans", "configurations": {"3d": CONFIGURATION}}
    facts: dict[str, Any] = {"labels": labels, "channel_names": {"0": "CT"}, "file_ending": ".nii.gz"}
    if "whole" in labels:
        facts["regions_class_order"] = [1, 2]
    trainer = kind({**plans, "continue_training": False}, "3d", 0, facts, torch.device("cpu"))
    torch.manual_seed(0)
    heads = trainer.label_manager.num_segmentation_heads
    trainer.network = trainer.build_network_architecture(
        trainer.plans_manager, trainer.configuration_manager, 1, heads, trainer.enable_deep_supervision
    )
    trainer.optimizer, trainer.lr_scheduler = trainer.configure_optimizers()
    trainer.loss = trainer._build_loss()
    return [float(trainer.train_step(batch)["loss"]) for _ in range(4)]


@pytest.mark.filterwarnings("ignore")  # nnU-Net warns of its own environment variables
@pytest.mark.parametrize("kind", ["labels", "ignored", "regions"])
def test_a_trainer_of_nnunet_takes_the_same_steps_as_with_its_own_loss(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nnunetv2", reason="nnU-Net is not installed: uv sync --group peers-nnunet")
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("nnUNet_compile", "f")
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    (block,) = blocks("nnU-Net")
    scope: dict[str, Any] = {}
    exec(block, scope)
    image, ids = a_batch()
    labels: dict[str, Any] = {"background": 0, "a": 1, "b": 2, "c": 3}
    truth = ids[:, None]
    if kind == "ignored":
        labels["ignore"] = 4
        truth = truth.clone()
        truth[:, :, :5] = 4
    if kind == "regions":
        labels = {"background": 0, "whole": [1, 2, 3], "core": [2]}
        truth = torch.cat([truth > 0, truth == 2], 1)
    targets = [truth.float(), truth[:, :, ::2, ::2, ::2].float()]
    batch = {"data": image, "target": targets}
    theirs, ours = (steps_of_nnunet(it, labels, batch) for it in (nnUNetTrainer, scope["nnUNetTrainerSegeval"]))
    # nnU-Net subtracts the Dice coefficient where we add 1 minus it
    assert ours == pytest.approx([cost + 1 for cost in theirs], rel=1e-4)
    assert ours[-1] < ours[0]


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
