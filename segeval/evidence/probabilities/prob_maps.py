"""Probability maps of one case, read channel by channel."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from segeval.evidence.additive import Kept
from segeval.evidence.arrays import is_one_of
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.bins import Detail
from segeval.evidence.probabilities.channels import ProbMap
from segeval.evidence.probabilities.histogram import ProbHistogram, are_few
from segeval.evidence.probabilities.scored_map import ClassImage, ScoredMap
from segeval.evidence.probabilities.soft import ProbVoxels, joined

Order = Literal["C", "K"]
_MANY = 1 << 16  # entries that are too many to be kept one by one


@dataclass(frozen=True)
class Condensed:
    """Entries for sums over voxels, which add up over cases."""

    voxels: ProbVoxels

    def __add__(self, other: "Condensed") -> "Condensed":
        both = joined([self.voxels, other.voxels])
        if len(both.count) > _MANY:
            from segeval.evidence.probabilities.bins import condensed

            both = condensed(both)
        return Condensed(both)


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbMaps:
    """Probability maps of one case beside its truth, on one grid.

    Args:
        maps: one per channel.
        truth: class ids, (*space).
        channels: the class of each channel; None takes every id that no other channel has, as the background of a
            softmax does.
        ignore: truth ids that count nowhere.
        partition: the first so many channels share out the probability of each voxel; a single one leaves the rest
            to background.
        device: the torch device that builds the evidence; None for numpy.
        logits: what the maps of the partition were made of, where it was that.
    """

    maps: tuple[ProbMap, ...]
    truth: np.ndarray
    channels: tuple[LabelClass | None, ...]
    ignore: tuple[int, ...] = ()
    partition: int = 0
    device: str | None = None
    logits: tuple[np.ndarray, ...] | None = None
    _kept: Kept[Any] = field(default_factory=Kept, repr=False)
    _told_apart: Kept[ProbHistogram] = field(default_factory=Kept, repr=False, init=False)  # serve every detail alike

    @classmethod
    def of_array(cls, probs: np.ndarray, *, full: float | None = None, **facts: Any) -> "ProbMaps":
        """From one array, channels first: floats, or unsigned integers from 0 to `full`."""
        levels = None if full is None else np.arange(full + 1) / full
        return cls(maps=tuple(ProbMap(stored=one, levels=levels) for one in probs), **facts)

    def __len__(self) -> int:
        return len(self.channels)

    @cached_property
    def n(self) -> int:
        """Voxels that are scored."""
        return self.truth.size if self._scored is None else int(self._scored.sum())

    def in_space(self, channel: int) -> ClassImage:
        """A channel in the shape of the image."""
        return ClassImage.of(self.maps[channel], self._members(channel), scored=self._scored)

    def flat(self, image: np.ndarray, order: Order = "K") -> np.ndarray:
        """The scored voxels of an image, 1-D; order K is that of the maps in memory."""
        like = self.maps[0].stored.flags
        by: Literal["C", "F"] = "F" if order == "K" and like.f_contiguous and not like.c_contiguous else "C"
        flat = image.reshape(-1, order=by)
        return flat if self._scored is None else flat[self._scored.reshape(-1, order=by)]

    def scored(self, channel: int, order: Order = "K") -> ScoredMap:
        """The scored voxels of a channel, and which of them are its class."""
        one = self.maps[channel]
        one, truth = replace(one, stored=self.flat(one.stored, order)), self.flat(self._members(channel), order)
        return ScoredMap(map=one, truth=truth, device=self.device)

    @cached_property
    def _scored(self) -> np.ndarray | None:
        """Which voxels count; None for all of them."""
        ignored = is_one_of(self.truth, self.ignore)
        return ~ignored if ignored.any() else None

    def _members(self, channel: int) -> np.ndarray:
        of = self.channels[channel]
        ids = of.ids if of else [one for other in self.channels if other for one in other.ids]
        found = is_one_of(self.truth, ids)
        return found if of else ~found

    @property
    def sums(self) -> "MapSums":
        """What was asked for so far, without the maps it came from."""
        return MapSums(channels=self.channels, partition=self.partition, kept=self._kept)

    @property
    def is_exact(self) -> bool:
        """Whether histograms tell all probabilities apart without being asked to."""
        return are_few(self.n) or all(one.is_coded for one in self.maps)

    def condensed(self, channel: int) -> ProbVoxels:
        """Few entries with the sums of a channel's voxels; kept, as all losses and many metrics read them."""
        setting = ("condensed", self.channels[channel])
        self._kept.get(setting, lambda: Condensed(self.scored(channel).condensed()))
        return self.sums.condensed(channel)

    def histogram(self, channel: int, detail: Detail = "curve") -> ProbHistogram:
        """Voxels of a channel by probability, as finely as `detail` needs it; kept."""
        self._kept.get(("histogram", self.channels[channel], detail), lambda: self._counted(channel, detail))
        return self.sums.histogram(channel, detail)

    def confusion(self) -> np.ndarray:
        """Probability of each channel of the partition, summed over the voxels of each class: (class, channel); kept.

        Voxels of no class of the partition are left out.
        """
        channels = self.channels[: self.partition]
        if ("met", channels[0], channels[0]) not in self._kept:
            for column, taker in enumerate(channels):
                p = self.flat(self.maps[column].both_sides()[0])
                for row, member in enumerate(channels):
                    met = p[self.flat(self._members(row))].sum()
                    self._kept.get(("met", member, taker), lambda met=met: met)  # type: ignore[misc]
        return self.sums.confusion()

    def _counted(self, channel: int, detail: Detail) -> ProbHistogram:
        if not self.is_exact:
            return self.scored(channel).histogram(detail)
        return self._told_apart.get(channel, lambda: self.scored(channel).histogram())


@dataclass(frozen=True, kw_only=True, eq=False)
class MapSums:
    """What losses asked of the maps of one case, or of the cases that were added up; see `ProbMaps` for the fields."""

    channels: tuple[LabelClass | None, ...]
    partition: int
    kept: Kept[Any]

    def __len__(self) -> int:
        return len(self.channels)

    def __add__(self, other: "MapSums") -> "MapSums":
        channels = tuple(dict.fromkeys((*self.channels, *other.channels)))
        return replace(self, channels=channels, kept=self.kept + other.kept)

    def condensed(self, channel: int) -> ProbVoxels:
        """See `ProbMaps.condensed`."""
        found: Condensed = self.kept.get(("condensed", self.channels[channel]), _never_asked_for)
        return replace(found.voxels)  # whatever is computed on the way is not kept

    def confusion(self) -> np.ndarray:
        """See `ProbMaps.confusion`; classes of different cases never met."""
        channels = self.channels[: self.partition]
        for channel in channels:
            self.kept.get(("met", channel, channel), _never_asked_for)
        met = dict(self.kept.items())
        return np.array([[met.get(("met", row, column), 0.0) for column in channels] for row in channels])

    def histogram(self, channel: int, detail: Detail) -> ProbHistogram:
        """See `ProbMaps.histogram`."""
        found: ProbHistogram = self.kept.get(("histogram", self.channels[channel], detail), _never_asked_for)
        return found


def _never_asked_for() -> Any:
    raise LookupError("Maps that are added up know only what every case was asked for.")
