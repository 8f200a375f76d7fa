"""Train one network, and predict with it: batches in, maps out."""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segeval.losses.modules import MODULES, module_name
from segeval.measure import MeasureCall
from segeval.verbs.sweep.training.cases import IGNORED, TrainingCase
from segeval.verbs.sweep.training.network import build_network, fingerprint, n_parameters
from segeval.verbs.sweep.training.patches import PatchSource, batches, cut
from segeval.verbs.sweep.training.recipe import STRIDE, Recipe
from segeval.verbs.sweep.training.store import Trained

FIELDS_AT_ONCE = 8  # slices that are predicted together
OnStep = Callable[[float], None]


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
