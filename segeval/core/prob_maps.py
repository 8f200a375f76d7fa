"""Probability maps of one case, read channel by channel."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from segeval.core.histogram import ProbHistogram
from segeval.core.labels import LabelClass
from segeval.core.soft import ProbVoxels

FEW = 1 << 15  # voxels up to which sums are taken voxel by voxel
SORTED = 1 << 20  # voxels up to which they are ranked by sorting


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbMaps:
    """Probability maps of one case beside its truth, on one grid.

    Args:
        probs: (channel, *space); floats, or integers from 0 to `full`.
        truth: class ids, (*space).
        channels: the class of each channel; None takes every id that no other channel has, as the background of a
            softmax does.
        ignore: truth ids that count nowhere.
        full: the integer that stands for probability 1.
        device: the torch device that builds the evidence; None for numpy.
    """

    probs: np.ndarray
    truth: np.ndarray
    channels: tuple[LabelClass | None, ...]
    ignore: tuple[int, ...] = ()
    full: float = 1.0
    device: str | None = None

    def __len__(self) -> int:
        return len(self.channels)

    @cached_property
    def _truth(self) -> np.ndarray:
        return self._flat_in_memory_order(self.truth)

    @cached_property
    def _scored(self) -> np.ndarray | None:
        """Which voxels count; None for all of them."""
        ignored = np.isin(self._truth, self.ignore) if self.ignore else np.zeros(0, dtype=bool)
        return ~ignored if ignored.any() else None

    @cached_property
    def n(self) -> int:
        """Voxels that are scored."""
        return self._truth.size if self._scored is None else int(self._scored.sum())

    def mask(self, channel: int) -> np.ndarray:
        """Whether each scored voxel is the channel's class, 1-D."""
        return self._only_scored(self._members(self._truth, channel))

    def masks_in_space(self, channel: int) -> tuple[np.ndarray, np.ndarray]:
        """Prediction (p >= 0.5) and truth in the shape of the image, ignored voxels outside both."""
        scored = ~np.isin(self.truth, self.ignore)
        return scored & (self.probs[channel] >= self.full / 2), scored & self._members(self.truth, channel)

    def map(self, channel: int) -> np.ndarray:
        """The stored values of the scored voxels, 1-D."""
        return self.flat(self.probs[channel])

    def flat(self, image: np.ndarray) -> np.ndarray:
        """The scored voxels of an image, in the order of `mask` and `map`."""
        return self._only_scored(self._flat_in_memory_order(image))

    def _flat_in_memory_order(self, image: np.ndarray) -> np.ndarray:
        like = self.probs[0].flags
        return image.reshape(-1, order="F" if like.f_contiguous and not like.c_contiguous else "C")

    def _only_scored(self, flat: np.ndarray) -> np.ndarray:
        return flat if self._scored is None else flat[self._scored]

    def _members(self, labels: np.ndarray, channel: int) -> np.ndarray:
        of = self.channels[channel]
        ids = of.ids if of else [one for other in self.channels if other for one in other.ids]
        found = labels == ids[0] if len(ids) == 1 else np.isin(labels, ids)
        return found if of else ~found

    @property
    def is_coded(self) -> bool:
        """Whether the maps have few distinct values: 8 or 16 bits."""
        return self.probs.dtype.itemsize <= 2

    def voxels(self, channel: int) -> ProbVoxels:
        """Every scored voxel of a channel, one by one."""
        p, truth = np.clip(self.map(channel) / self.full, 0.0, 1.0, dtype=np.float64), self.mask(channel)
        return ProbVoxels(
            truth=truth, count=np.ones(p.size), hit=np.where(truth, p, 1 - p), miss=np.where(truth, 1 - p, p)
        )

    def condensed(self, channel: int) -> ProbVoxels:
        """Few entries with the same sums."""
        if self.is_coded:
            return self.histogram(channel).voxels()
        return self.voxels(channel) if self.n <= FEW else self._built("moments", channel)

    def histogram(self, channel: int, *, exact: bool = False) -> ProbHistogram:
        """Voxels by probability: exact up to 2^20 of them, for maps in 8 or 16 bits, and on request."""
        if self.is_coded:
            return self._built("distinct", channel, full=self.full)
        if exact or self.n <= SORTED:
            return ProbHistogram.of_values(np.clip(self.map(channel), 0, 1), self.mask(channel))
        return self._built("ranks", channel)

    def _built(self, what: str, channel: int, **options: float) -> Any:
        p, truth = self.map(channel), self.mask(channel)
        if self.device is None:
            from segeval.core.builders import soft_numpy

            return getattr(soft_numpy, what)(p, truth, **options)
        import torch

        from segeval.core.builders import soft_torch

        arrays = (torch.from_numpy(np.ascontiguousarray(array)).to(self.device) for array in (p, truth))
        return getattr(soft_torch, what)(*arrays, **options)
