"""Probability maps of one case, read channel by channel."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from segeval.core.channels import ProbMap
from segeval.core.histogram import ProbHistogram
from segeval.core.labels import LabelClass
from segeval.core.soft import ProbVoxels

FEW = 1 << 15  # voxels up to which sums are taken voxel by voxel
SORTED = 1 << 20  # voxels up to which they are ranked by sorting


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbMaps:
    """Probability maps of one case beside its truth, on one grid.

    Args:
        maps: one per channel.
        truth: class ids, (*space).
        channels: the class of each channel; None takes every id that no other channel has, as the background of a
            softmax does.
        ignore: truth ids that count nowhere.
        device: the torch device that builds the evidence; None for numpy.
    """

    maps: tuple[ProbMap, ...]
    truth: np.ndarray
    channels: tuple[LabelClass | None, ...]
    ignore: tuple[int, ...] = ()
    device: str | None = None

    @classmethod
    def of_array(cls, probs: np.ndarray, *, full: float | None = None, **facts: Any) -> "ProbMaps":
        """From one array, channels first: floats, or unsigned integers from 0 to `full`."""
        levels = None if full is None else np.arange(full + 1) / full
        return cls(maps=tuple(ProbMap(stored=one, levels=levels) for one in probs), **facts)

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
        return scored & self.maps[channel].at_least_half(), scored & self._members(self.truth, channel)

    def stored(self, channel: int) -> np.ndarray:
        """The stored values of the scored voxels, 1-D."""
        return self.flat(self.maps[channel].stored)

    def flat(self, image: np.ndarray) -> np.ndarray:
        """The scored voxels of an image, in the order of `mask` and `stored`."""
        return self._only_scored(self._flat_in_memory_order(image))

    def _flat_in_memory_order(self, image: np.ndarray) -> np.ndarray:
        like = self.maps[0].stored.flags
        return image.reshape(-1, order="F" if like.f_contiguous and not like.c_contiguous else "C")

    def _only_scored(self, flat: np.ndarray) -> np.ndarray:
        return flat if self._scored is None else flat[self._scored]

    def _members(self, labels: np.ndarray, channel: int) -> np.ndarray:
        of = self.channels[channel]
        ids = of.ids if of else [one for other in self.channels if other for one in other.ids]
        found = np.zeros(labels.shape, dtype=bool)
        for one in ids:  # a few comparisons beat a look-up
            found |= labels == one
        return found if of else ~found

    @property
    def is_coded(self) -> bool:
        """Whether each of the maps has few distinct values: 8 or 16 bits."""
        return all(one.is_coded for one in self.maps)

    def voxels(self, channel: int) -> ProbVoxels:
        """Every scored voxel of a channel, one by one."""
        p, rest = replace(self.maps[channel], stored=self.stored(channel)).both_sides()
        truth = self.mask(channel)
        return ProbVoxels(
            truth=truth, count=np.ones(p.size), hit=np.where(truth, p, rest), miss=np.where(truth, rest, p)
        )

    def condensed(self, channel: int) -> ProbVoxels:
        """Few entries with the same sums."""
        if self.maps[channel].is_coded:
            return self.histogram(channel).voxels()
        is_log_odds = self.maps[channel].is_log_odds
        return self.voxels(channel) if self.n <= FEW else self._built("moments", channel, is_log_odds=is_log_odds)

    def histogram(self, channel: int, *, exact: bool = False) -> ProbHistogram:
        """Voxels by probability: exact up to 2^20 of them, for maps in 8 or 16 bits, and on request."""
        one = self.maps[channel]
        if one.is_coded:
            return self._built("distinct", channel, levels=one.levels)
        if exact or self.n <= SORTED:
            return ProbHistogram.of_values(self.stored(channel), self.mask(channel), is_log_odds=one.is_log_odds)
        return self._built("ranks", channel, is_log_odds=one.is_log_odds)

    def _built(self, what: str, channel: int, **options: Any) -> Any:
        p, truth = self.stored(channel), self.mask(channel)
        if self.device is None:
            from segeval.core.builders import soft_numpy

            return getattr(soft_numpy, what)(p, truth, **options)
        import torch

        from segeval.core.builders import soft_torch

        arrays = (torch.from_numpy(np.ascontiguousarray(array)).to(self.device) for array in (p, truth))
        return getattr(soft_torch, what)(*arrays, **options)
