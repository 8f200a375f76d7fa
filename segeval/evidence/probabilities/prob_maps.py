"""Probability maps of one case, read channel by channel."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from segeval.evidence.additive import ByClass, Kept
from segeval.evidence.arrays import is_one_of, namespace, on_host
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.bins import Detail, condensed
from segeval.evidence.probabilities.channels import BACKGROUND, Channels, ProbMap
from segeval.evidence.probabilities.histogram import ProbHistogram, are_few
from segeval.evidence.probabilities.parts import HistogramOfPart, SumsOfPart
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
            both = condensed(both)
        return Condensed(both)


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbMaps:
    """Probability maps of one case beside its truth, on one grid: every map that some measure reads, each once.

    Losses, metrics of probability and sweeps read the same maps, so that each is counted once.

    Args:
        maps: one per channel: as they were stored, then unions and complements that classes ask for.
        truth: class ids, (*space); a tensor where the maps are.
        channels: the class of each channel; None takes every id that no other channel has, as the background of a
            softmax does.
        ignore: truth ids that count nowhere.
        partition: the first so many channels share out the probability of each voxel; a single one leaves the rest
            to background.
        device: the torch device that builds the evidence; None for numpy.
        logits: what the maps of the partition were made of, where it was that.
        channel_of: the map of each class that is scored, None for one that no channel speaks of; by default every map
            is of one.
        of_whole_case: whether metrics read the most probable class of the partition instead of each class.
        of_part: whether these are a part of an image, whose sums are to be those of the whole in the end.
    """

    maps: tuple[ProbMap, ...]
    truth: Any
    channels: tuple[LabelClass | None, ...]
    ignore: tuple[int, ...] = ()
    partition: int = 0
    device: str | None = None
    logits: tuple[Any, ...] | None = None
    channel_of: tuple[int | None, ...] | None = None
    of_whole_case: bool = False
    of_part: bool = False
    _kept: Kept[Any] = field(default_factory=Kept, repr=False)
    _told_apart: Kept[ProbHistogram] = field(default_factory=Kept, repr=False, init=False)  # serve every detail alike

    @classmethod
    def of_channels(
        cls,
        channels: Channels,
        truth: Any,
        *,
        classes: Sequence[LabelClass],
        ignore: Sequence[int] = (),
        device: str | None = None,
    ) -> "ProbMaps":
        """Find the map of every class; `device` is the torch device that counts, None for numpy."""
        exclusive = channels.layout.exclusive
        maps = list(channels.maps)
        named = [None if exclusive and of == BACKGROUND else of for of in channels.layout.classes]
        channel_of: list[int | None] = []
        for wanted in classes:
            found = channels.index_of(wanted)
            if found is None and exclusive:
                found = len(maps)
                maps.append(channels.of(wanted))
                named.append(wanted)
            channel_of.append(found)
        return cls(
            maps=tuple(maps),
            truth=truth,
            channels=tuple(named),
            ignore=tuple(ignore),
            partition=len(channels.maps) if exclusive else 0,
            device=device,
            logits=channels.logits,
            channel_of=tuple(channel_of),
        )

    @classmethod
    def of_array(cls, probs: np.ndarray, *, full: float | None = None, **facts: Any) -> "ProbMaps":
        """From one array, channels first: floats, or unsigned integers from 0 to `full`."""
        levels = None if full is None else np.arange(full + 1) / full
        return cls(maps=tuple(ProbMap(stored=channel, levels=levels) for channel in probs), **facts)

    def __len__(self) -> int:
        return len(self.channels)

    @property
    def of_classes(self) -> Sequence[int | None]:
        """The map of each class that is scored, None where there is none."""
        return range(len(self)) if self.channel_of is None else self.channel_of

    @cached_property
    def on_host(self) -> "ProbMaps":
        """The same maps as numpy, for what has no builder for a device."""
        if isinstance(self.truth, np.ndarray):
            return self
        maps, logits = tuple(one.on_host() for one in self.maps), self.logits
        logits = None if logits is None else tuple(map(on_host, logits))
        return replace(self, maps=maps, truth=on_host(self.truth), logits=logits, device=None)

    @property
    def of_each_class(self) -> list[ProbMap | None]:
        """The maps themselves."""
        return [None if channel is None else self.maps[channel] for channel in self.of_classes]

    @property
    def whole_case(self) -> "ProbMaps":
        """The same maps for metrics of the case as a whole.

        Rankings of the most probable class are not defined; sums and bins are, and have no class axis.
        """
        return replace(self, of_whole_case=True)

    @cached_property
    def codes(self) -> Any:
        """The channel of each voxel's true class, (*space); -1 where it is ignored, or of no channel.

        A single map has the code 1, and leaves the rest to 0.
        """
        channels = self.channels[: self.partition] or self.channels
        single = len(channels) == 1
        rest = [i for i, of in enumerate(channels) if of is None or of == BACKGROUND]
        xp = namespace(self.truth)
        codes = xp.full_like(self.truth, 0 if single else rest[0] if rest else -1, dtype=xp.int32)
        for i, of in enumerate(channels):
            codes[is_one_of(self.truth, of.ids if of else BACKGROUND.ids)] = i + single
        codes[is_one_of(self.truth, self.ignore)] = -1
        return codes

    @cached_property
    def n(self) -> int:
        """Voxels that are scored."""
        return math.prod(self.truth.shape) if self._scored is None else int(self._scored.sum())

    def in_space(self, channel: int) -> ClassImage:
        """A channel in the shape of the image, on the CPU."""
        if self is not self.on_host:
            return self.on_host.in_space(channel)
        return ClassImage.of(self.maps[channel], self._members(channel), scored=self._scored)

    def flat(self, image: Any, order: Order = "K") -> Any:
        """The scored voxels of an image, 1-D; order K is that of the maps in memory, of tensors always C."""
        if not isinstance(image, np.ndarray):
            return image.reshape(-1) if self._scored is None else image.reshape(-1)[self._scored.reshape(-1)]
        like = self.maps[0].stored.flags
        by: Literal["C", "F"] = "F" if order == "K" and like.f_contiguous and not like.c_contiguous else "C"
        flat = image.reshape(-1, order=by)
        return flat if self._scored is None else flat[self._scored.reshape(-1, order=by)]

    def scored(self, channel: int, order: Order = "K") -> ScoredMap:
        """The scored voxels of a channel, and which of them are its class."""
        prob_map = self.maps[channel]
        flat = replace(prob_map, stored=self.flat(prob_map.stored, order))
        return ScoredMap(map=flat, truth=self.flat(self._members(channel), order), device=self.device)

    @cached_property
    def _scored(self) -> Any:
        """Which voxels count; None for all of them."""
        ignored = is_one_of(self.truth, self.ignore)
        return ~ignored if ignored.any() else None

    def _members(self, channel: int) -> Any:
        of = self.channels[channel]
        ids = of.ids if of else [label for other in self.channels if other for label in other.ids]
        found = is_one_of(self.truth, ids)
        return found if of else ~found

    @property
    def sums(self) -> "MapSums":
        """What was asked for so far, without the maps it came from."""
        return MapSums(channels=self.channels, partition=self.partition, kept=ByClass(dict(self._kept.items())))

    @property
    def is_exact(self) -> bool:
        """Whether histograms tell all probabilities apart without being asked to."""
        return (are_few(self.n) and not self.of_part) or all(prob_map.is_coded for prob_map in self.maps)

    def condensed(self, channel: int) -> ProbVoxels:
        """Few entries with the sums of a channel's voxels; kept, as all losses and many metrics read them."""
        setting = ("condensed", self.channels[channel])
        self._kept.get(setting, lambda: self._summed(channel))
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
                    met = float(p[self.flat(self._members(row))].sum())
                    self._kept.get(("met", member, taker), lambda met=met: met)  # type: ignore[misc]
        return self.sums.confusion()

    def _summed(self, channel: int) -> Condensed | SumsOfPart:
        scored = self.scored(channel)
        return scored.sums_of_part() if self.of_part else Condensed(scored.condensed())

    def _counted(self, channel: int, detail: Detail) -> ProbHistogram:
        if self.of_part and not self.maps[channel].is_coded:
            self._kept.get(("ranks", self.channels[channel]), lambda: self.scored(channel).ranks())
            return HistogramOfPart.standing_for(self.channels[channel], detail)
        if self.is_exact:
            found = self._told_apart.get(channel, lambda: self.scored(channel).histogram())
        else:
            found = self.scored(channel).histogram(detail)
        return replace(found, detail=detail)


@dataclass(frozen=True, kw_only=True, eq=False)
class MapSums:
    """What losses asked of the maps of one case, or of the cases that were added up; see `ProbMaps` for the fields."""

    channels: tuple[LabelClass | None, ...]
    partition: int
    kept: ByClass

    def __len__(self) -> int:
        return len(self.channels)

    def __add__(self, other: "MapSums") -> "MapSums":
        channels = tuple(dict.fromkeys((*self.channels, *other.channels)))
        return replace(self, channels=channels, kept=self.kept + other.kept)

    def condensed(self, channel: int) -> ProbVoxels:
        """See `ProbMaps.condensed`."""
        found: Condensed | SumsOfPart = self._known("condensed", self.channels[channel])
        return replace(found.voxels)  # whatever is computed on the way is not kept

    def confusion(self) -> np.ndarray:
        """See `ProbMaps.confusion`; classes of different cases never met."""
        channels = self.channels[: self.partition]
        for channel in channels:
            self._known("met", channel, channel)
        met: Mapping[Hashable, Any] = self.kept.rows
        return np.array([[met.get(("met", row, column), 0.0) for column in channels] for row in channels])

    def histogram(self, channel: int, detail: Detail) -> ProbHistogram:
        """See `ProbMaps.histogram`."""
        found: ProbHistogram = self._known("histogram", self.channels[channel], detail)
        return found

    def _known(self, *setting: Hashable) -> Any:
        if setting not in self.kept.rows:
            raise LookupError("Maps that are added up know only what every case was asked for.")
        return self.kept.rows[setting]
