"""What a loss says of one map, and where it pulls: its value, and its gradient in the logits voxel by voxel."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from segeval.evidence.probabilities.soft import ProbVoxels, two_channels
from segeval.measure import MeasureCall, ratio

FARTHEST = 100.0  # logit of a probability that is stored as 0 or 1


def value_of(call: MeasureCall, voxels: Any) -> Any:
    """The loss of one class against the rest; a loss that looks across channels sees these two."""
    needs: tuple[Any, ...] = call.measure.needs
    return call(*(need(two_channels(voxels) if need.per_channel else voxels) for need in needs))


@dataclass(frozen=True, kw_only=True)
class Slopes:
    """The gradient of a loss in the logits of a map.

    Attributes:
        entries: summed over the voxels of each entry.
        voxels: the map.
    """

    entries: np.ndarray
    voxels: ProbVoxels

    @property
    def magnitudes(self) -> np.ndarray:
        """Sum of the magnitudes over the voxels of each entry; an entry of a negative count corrects others."""
        return np.abs(self.entries) * np.sign(self.voxels.count)

    @property
    def total(self) -> float:
        """The slope when all logits rise together; below 0 the loss would grow the mask."""
        return float(self.entries.sum())

    @property
    def l1(self) -> float:
        return float(self.magnitudes.sum())

    def share(self, which: np.ndarray) -> float:
        """The share of the magnitude that some entries carry."""
        return float(ratio(self.magnitudes[which].sum(), self.l1))

    @property
    def n_eff(self) -> float:
        """How many equally pulled voxels would spread the gradient as wide."""
        return float(ratio(self.l1**2, (self.entries**2 / self.voxels.count).sum()))


def slopes_of(call: MeasureCall, voxels: ProbVoxels) -> Slopes:
    """Differentiate the loss of one class by the logit of every entry."""
    import torch

    from segeval.losses.sums import LogitVoxels

    truth, count = torch.as_tensor(voxels.truth), torch.as_tensor(voxels.count, dtype=torch.float64)
    margin = torch.as_tensor(voxels.margin.clip(-FARTHEST, FARTHEST))
    logit = torch.where(truth, margin, -margin).requires_grad_()
    found = value_of(call, LogitVoxels(truth=truth, count=count, margin=torch.where(truth, logit, -logit)))
    if not found.requires_grad:
        return Slopes(entries=np.zeros(len(voxels.count)), voxels=voxels)
    found.backward()
    return Slopes(entries=np.asarray(logit.grad), voxels=voxels)
