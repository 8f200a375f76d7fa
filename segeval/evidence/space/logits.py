"""The logits of all channels where their voxels lie, for the loss that compares them with their neighbours."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from segeval.evidence.arrays import constant, namespace
from segeval.evidence.probabilities.channels import log_odds
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.evidence.probabilities.soft import SoftEvidence


@dataclass(frozen=True, kw_only=True, eq=False)
class LogitsInSpace(SoftEvidence):
    """Logits of all channels and their truth as images, (..., channel, *space), numpy or torch.

    Args:
        z: logits; those of a class against the rest are [ln(1 - p), ln p].
        y: truth of each channel, 0 or 1; 0 everywhere where a voxel does not count.
        kept: 1 where a voxel counts, (..., *space); None where all do.
        n_axes: of space.
    """

    voxels: Any = None
    z: Any
    y: Any
    kept: Any = None
    n_axes: int
    per_channel: ClassVar[bool] = True
    on_map: ClassVar[bool] = True
    of_logits: ClassVar[bool] = True

    @classmethod
    def of_maps(cls, maps: ProbMaps, channel: int | None) -> "LogitsInSpace":
        """From the maps of a case that were made of logits: of a channel against the rest, or of all that share out."""
        maps = maps.on_host
        n_channels = maps.partition if channel is None else 1
        images = [maps.in_space(one) for one in (range(n_channels) if channel is None else [channel])]
        kept = None if images[0].scored is None else images[0].scored.astype(np.float64)
        y = np.stack([image.truth for image in images]).astype(np.float64)
        if n_channels > 1:
            z = np.stack(maps.logits or ()).astype(np.float64)
            return cls(z=z, y=y, kept=kept, n_axes=maps.truth.ndim)
        prob_map = images[0].map
        odds = prob_map.stored.astype(np.float64) if prob_map.is_log_odds else log_odds(*prob_map.both_sides())
        return cls.of_two(odds, y[0], kept, maps.truth.ndim)

    @classmethod
    def of_two(cls, log_odds: Any, truth: Any, kept: Any, n_axes: int) -> "LogitsInSpace":
        """A class against the rest, from ln p - ln(1 - p) and its truth, (..., *space)."""
        xp = namespace(log_odds)
        nothing = xp.zeros_like(log_odds)
        z = xp.stack([-xp.logaddexp(nothing, log_odds), -xp.logaddexp(nothing, -log_odds)], -n_axes - 1)
        rest = (xp.ones_like(truth) if kept is None else kept) - truth
        return cls(z=z, y=xp.stack([rest, truth], -n_axes - 1), kept=kept, n_axes=n_axes)

    @property
    def nll(self) -> Any:
        """-ln p of the true class, (..., *space)."""
        xp, channels = namespace(self.z), -self.n_axes - 1
        most = constant(xp.amax(self.z, channels, keepdims=True))
        total = xp.log(xp.exp(self.z - most).sum(channels, keepdims=True)) + most
        return ((total - self.z) * self.y).sum(channels)

    def mean(self, values: Any) -> Any:
        """Mean over the voxels that count, of (..., *space)."""
        space = tuple(range(-self.n_axes, 0))
        if self.kept is None:
            return values.mean(space)
        n = self.kept.sum(space)
        return (values * self.kept).sum(space) / namespace(n).clip(n, 1.0, None)
