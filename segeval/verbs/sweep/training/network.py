"""A compact U-Net for slices or volumes, how it is trained, and how it predicts: batches in, maps out.

It starts at the prior: every voxel as likely as the class is frequent.
"""

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segeval.errors import ConfigError
from segeval.losses.training.modules import MODULES, module_name
from segeval.measure import MeasureCall
from segeval.verbs.sweep.training.cases import IGNORED, TrainingCase
from segeval.verbs.sweep.training.patches import PatchSource, batches, cut
from segeval.verbs.sweep.training.recipe import STRIDE, Recipe
from segeval.verbs.sweep.training.store import Trained

_CONV: dict[int, Any] = {2: nn.Conv2d, 3: nn.Conv3d}
_UP: dict[int, Any] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_NORM: dict[int, Any] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_HEAD_STD = 0.01  # arXiv 1708.02002, section 4.1: so that the prior is what the first prediction says
FIELDS_AT_ONCE = 8  # slices that are predicted together
OnStep = Callable[[float], None]


class ConvPair(nn.Sequential):
    """Two convolutions of width 3 with batch norm and ReLU; the first one may halve the grid."""

    def __init__(self, n_in: int, n_out: int, *, n_space: int, stride: int = 1) -> None:
        conv, norm = _CONV[n_space], _NORM[n_space]
        super().__init__(
            *(conv(n_in, n_out, 3, stride=stride, padding=1, bias=False), norm(n_out), nn.ReLU(inplace=True)),
            *(conv(n_out, n_out, 3, padding=1, bias=False), norm(n_out), nn.ReLU(inplace=True)),
        )


class UNet(nn.Module):
    """Three levels with skip connections, after arXiv 1505.04597.

    Strided convolutions go down and transposed ones up: unlike pooling and interpolation, these have deterministic
    gradients on every device.
    """

    def __init__(self, n_in: int, *, width: int, n_space: int) -> None:
        super().__init__()
        self.top = ConvPair(n_in, width, n_space=n_space)
        self.middle = ConvPair(width, 2 * width, n_space=n_space, stride=2)
        self.bottom = ConvPair(2 * width, 4 * width, n_space=n_space, stride=2)
        self.up_to_middle = _UP[n_space](4 * width, 2 * width, 2, stride=2)
        self.from_middle = ConvPair(4 * width, 2 * width, n_space=n_space)
        self.up_to_top = _UP[n_space](2 * width, width, 2, stride=2)
        self.from_top = ConvPair(2 * width, width, n_space=n_space)

    def forward(self, image: Tensor) -> Tensor:
        """Features of every voxel, (case, width, ...), from (case, channel, ...) with sides that are multiples of 4."""
        top = self.top(image)
        middle = self.middle(top)
        bottom = self.bottom(middle)
        middle = self.from_middle(torch.cat([middle, self.up_to_middle(bottom)], dim=1))
        features: Tensor = self.from_top(torch.cat([top, self.up_to_top(middle)], dim=1))
        return features


def build_network(recipe: Recipe, *, n_in: int, prior: Sequence[float]) -> nn.Module:
    """A network with one logit, or one per class and background.

    Args:
        n_in: channels of the images.
        prior: share of the voxels of each output in training; with one output the share of the class.

    Raises:
        ConfigError: the network needs a library that is not installed.
    """
    body = {"unet": _unet, "monai": _monai}[recipe.network](recipe, n_in)
    head = _CONV[recipe.n_space](recipe.width, len(prior), 1)
    nn.init.normal_(head.weight, std=_HEAD_STD)
    with torch.no_grad():
        head.bias.copy_(torch.tensor(prior_logits(prior)))
    return nn.Sequential(body, head)


def prior_logits(prior: Sequence[float]) -> list[float]:
    """The logits that give every voxel the prior: -ln((1 - π)/π) for one class, ln π for several."""
    return [-math.log((1 - prior[0]) / prior[0])] if len(prior) == 1 else [math.log(share) for share in prior]


def fingerprint(network: nn.Module) -> str:
    """A hash of all weights, so that equal ones can be seen to be equal."""
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def n_parameters(network: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(weights.numel() for weights in network.parameters() if weights.requires_grad)


def _unet(recipe: Recipe, n_in: int) -> nn.Module:
    return UNet(n_in, width=recipe.width, n_space=recipe.n_space)


def _monai(recipe: Recipe, n_in: int) -> nn.Module:
    try:
        from monai.networks.nets.unet import UNet as MonaiUNet
    except ImportError as error:
        raise ConfigError(
            "--network monai needs MONAI: pip install 'segeval-masks[train]', or use --network unet."
        ) from error
    width = recipe.width
    network: nn.Module = MonaiUNet(
        spatial_dims=recipe.n_space,
        in_channels=n_in,
        out_channels=width,
        channels=(width, 2 * width, 4 * width),
        strides=(2, 2),
        num_res_units=2,
        norm="batch",
    )
    return network


def train_and_predict(
    call: MeasureCall,
    source: PatchSource,
    recipe: Recipe,
    cases: Mapping[str, TrainingCase],
    *,
    seed: int,
    device: str,
    on_step: OnStep,
) -> Trained:
    """Train a network from the start that the seed gives, and predict cases it never saw; only the loss varies.

    Args:
        cases: those to predict.
        on_step: is told the loss of every iteration.
    """
    with seeded(seed, device):
        network = build_network(recipe, n_in=source.n_channels, prior=source.prior)
        start, size = fingerprint(network), n_parameters(network)
        network = network.to(device).to(memory_format=_layout(recipe, device))  # type: ignore[call-overload]
        loss = loss_module(call, n_outputs=len(source.prior))
        losses = tuple(_train(network, loss, source, recipe, seed, device, on_step))
    maps = {case_id: predict(network, case, device=device) for case_id, case in cases.items()}
    return Trained(losses=losses, start=start, n_parameters=size, maps=maps)


def loss_module(call: MeasureCall, *, n_outputs: int) -> nn.Module:
    """The loss as it is trained with: a batch counts as one image, since many slices hold nothing of the class."""
    return MODULES[module_name(call.measure)](
        activation="sigmoid" if n_outputs == 1 else "softmax",
        reduce_over="batch",
        ignore_index=IGNORED,
        has_channels=True,
        **call.knobs,
    )


def predict(network: nn.Module, case: TrainingCase, *, device: str) -> np.ndarray:
    """Probabilities of the classes, float32 (class, field, *plane); where the network says nan they are 0."""
    network.eval()
    size = [-(-n // STRIDE) * STRIDE for n in case.target.shape[1:]]
    window: Any = (..., *(slice(n) for n in case.target.shape[1:]))
    probs = []
    with torch.inference_mode():
        for at in range(0, len(case.image), FIELDS_AT_ONCE):
            padded = cut(case.image[at : at + FIELDS_AT_ONCE], [0] * len(size), size, fill=0)
            logits = network(torch.from_numpy(np.ascontiguousarray(padded)).to(device))
            probs.append(_activated(logits)[window].cpu().numpy())
    return np.nan_to_num(np.moveaxis(np.concatenate(probs), 1, 0), nan=0.0)


@contextmanager
def seeded(seed: int, device: str) -> Iterator[None]:
    """The same numbers for the same seed, and the caller's own random state untouched."""
    if device != "cpu":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # asked for by use_deterministic_algorithms
    was_on, only_warned = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    with torch.random.fork_rng(devices=[] if device == "cpu" else [torch.device(device)]):
        torch.manual_seed(seed)
        try:
            torch.use_deterministic_algorithms(True, warn_only=device != "cpu")
            yield
        finally:
            torch.use_deterministic_algorithms(was_on, warn_only=only_warned)


def _train(
    network: nn.Module, loss_of: nn.Module, source: PatchSource, recipe: Recipe, seed: int, device: str, on_step: OnStep
) -> Iterator[float]:
    optimiser, schedule = _optimiser(network, recipe)
    network.train()
    for image, target in batches(source, recipe, seed=seed):
        logits = network(torch.from_numpy(image).to(device, memory_format=_layout(recipe, device)))
        loss = loss_of(logits, torch.from_numpy(target).to(device).long())
        value = float(loss.detach())
        on_step(value)
        yield value
        if not math.isfinite(value):
            return
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()


def _optimiser(
    network: nn.Module, recipe: Recipe
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[recipe.optimiser]
    optimiser = kind(network.parameters(), lr=recipe.learning_rate, betas=(0.9, recipe.beta2))
    if recipe.schedule == "cosine":
        return optimiser, torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=recipe.iterations)
    return optimiser, torch.optim.lr_scheduler.StepLR(optimiser, step_size=recipe.step_every, gamma=recipe.step_factor)


def _activated(logits: Tensor) -> Tensor:
    return logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=1)[:, 1:]


def _layout(recipe: Recipe, device: str) -> torch.memory_format:
    """Channels last is a quarter faster for 2-D convolutions on a CPU."""
    return torch.channels_last if recipe.n_space == 2 and device == "cpu" else torch.contiguous_format
