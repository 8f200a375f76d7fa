"""The soft evidence of one case: built once, read by every loss and probability metric."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Literal

import numpy as np

from segeval.evidence.additive import Kept
from segeval.evidence.grid import Lattice
from segeval.evidence.overlap.counts import Counts, Joint
from segeval.evidence.probabilities.bins import Detail
from segeval.evidence.probabilities.prob_maps import MapSums, ProbMaps
from segeval.evidence.probabilities.scored_map import ClassImage
from segeval.evidence.probabilities.soft import (
    ChannelCounts,
    ProbVoxels,
    mapped,
    stacked,
    two_channels,
    voxels_of_counts,
)
from segeval.measure import Level, MeasureCall

Entries = Literal["sums"] | Detail

_ROOM = 1 << 21  # voxels of all classes whose images, with what is made of them, are kept from one loss to the next


class ProbEvidence:
    """What losses and probability metrics of one case read, each piece built when first asked for.

    Classes are scored one by one against the rest. A case has a value of its own over all channels, background
    included, where these are one partition: a softmax, or the disjoint classes of a label mask.
    """

    def __init__(
        self,
        rows: Callable[[Level, Entries], ProbVoxels],
        *,
        is_partition: bool,
        in_space: Callable[[int], ClassImage],
        classes: Sequence[int | None],
        maps: ProbMaps | MapSums | None = None,
        confusion: Callable[[], np.ndarray] | None = None,
    ) -> None:
        """See `of_counts` and `of_maps`.

        Args:
            rows: the entries of each class or channel at a level.
            is_partition: whether there is a value per case.
            in_space: a channel for the measures that need to know where voxels lie.
            classes: the channels that are scored one by one; None for a class that has no value.
            maps: what the entries are made of, where they are not counts.
            confusion: what each channel of a partition took of each class; None for two channels.
        """
        self._rows = cache(rows)
        self.is_partition = is_partition
        self.in_space = in_space
        self.classes = list(classes)
        self.maps = maps
        self._confusion = confusion
        self.lattice: Lattice | None = None  # for losses that measure lengths
        self._kept: Kept[Any] = Kept()
        self._room = _ROOM

    @classmethod
    def of_counts(
        cls, classes: Counts, partition: Joint | None, *, in_space: Callable[[int], ClassImage]
    ) -> "ProbEvidence":
        """The evidence of a hard mask, without a look at its voxels.

        Args:
            classes: counts of each class.
            partition: background and all classes; None where classes overlap.
            in_space: a class as an image; asked for by weight maps only.
        """
        rows = {"class": voxels_of_counts(classes)}
        if partition is not None:
            rows["case"] = voxels_of_counts(_one_against_rest(partition))
        indices = range(len(rows["class"].count))
        return cls(
            lambda level, detail: rows[level],
            is_partition=partition is not None,
            in_space=in_space,
            classes=indices,
            confusion=None if partition is None else lambda: partition.n.astype(np.float64),
        )

    @classmethod
    def of_maps(cls, maps: ProbMaps | MapSums, *, classes: Sequence[int | None]) -> "ProbEvidence":
        """The evidence of probability maps.

        Args:
            maps: the maps, or what was asked of them, added up over cases.
            classes: the channels to score one by one; None for a class without one.
        """

        @cache
        def channels(detail: Entries) -> ProbVoxels:
            def row(channel: int) -> ProbVoxels:
                if detail == "sums":
                    return maps.condensed(channel)
                return maps.histogram(channel, detail).voxels()

            return stacked([row(channel) for channel in range(len(maps))])

        def rows(level: Level, detail: Entries) -> ProbVoxels:
            scored = classes if level == "class" else range(maps.partition)
            which = [channel for channel in scored if channel is not None]
            found = mapped(channels(detail), lambda array: array[which])
            return found if level == "class" or len(which) > 1 else mapped(two_channels(found), lambda array: array[0])

        in_space = maps.in_space if isinstance(maps, ProbMaps) else no_image
        return cls(
            rows,
            is_partition=maps.partition > 0,
            in_space=in_space,
            classes=classes,
            maps=maps,
            confusion=maps.confusion if maps.partition > 1 else None,
        )

    def values(self, call: MeasureCall, level: Level) -> Any:
        """The measure on this case: one float64 per class, or a single one; nan without a channel or partition."""
        needs: tuple[Any, ...] = call.measure.needs
        if needs[0].of_logits:
            return self._of_logits(call, level)
        if level == "case":
            return call(*(self.of(need, level) for need in needs)) if self.is_partition else np.float64(np.nan)
        has_one = [channel is not None for channel in self.classes]
        values = np.full(len(has_one), np.nan)
        if any(need.on_map for need in needs):
            channels = [channel for channel in self.classes if channel is not None]
            values[has_one] = [
                call(*(self._alone(need, row, channel) for need in needs)) for row, channel in enumerate(channels)
            ]
        elif any(has_one):
            values[has_one] = call(*(self.of(need, level) for need in needs))
        return values

    def _of_logits(self, call: MeasureCall, level: Level) -> Any:
        """A loss of logits, which is undefined where the maps were made of none."""
        need: Any = call.measure.needs[0]
        maps = self.maps if isinstance(self.maps, ProbMaps) and self.maps.logits else None
        if level == "case":
            return call(need.of_maps(maps, None)) if maps and self.is_partition else np.float64(np.nan)
        has_one = [maps is not None and channel is not None for channel in self.classes]
        values = np.full(len(has_one), np.nan)
        values[has_one] = [
            call(need.of_maps(maps, channel)) for channel in self.classes if channel is not None and maps
        ]
        return values

    def is_approximate(self, call: MeasureCall) -> bool:
        """Whether the value comes from bins, so that it is off by up to 1e-5."""
        exact = not isinstance(self.maps, ProbMaps) or self.maps.is_exact
        return not exact and call.all_knobs.get("exact") is False

    def of(self, need: Any, level: Level) -> Any:
        """What a measure needs, of the classes or of the case."""
        return self._kept.get((need, level), lambda: self._build(need, level))

    def _build(self, need: Any, level: Level) -> Any:
        def voxels(detail: Entries) -> ProbVoxels:
            found = self._rows(level, detail)
            return two_channels(found) if need.per_channel and level == "class" else found

        if issubclass(need, ChannelCounts) and level == "case":
            return need(voxels("sums"), self._confusion)
        if not need.ranked:
            return need(voxels("sums"))
        return need(voxels("bins"), voxels)

    def _alone(self, need: Any, row: int, channel: int) -> Any:
        """What a measure needs of one class, which may be an image."""
        voxels = mapped(self._rows("class", "sums"), lambda array: array[row])
        if need.per_channel:
            voxels = two_channels(voxels)
        if not need.on_map:
            return need(voxels)
        key = need, "image", channel
        if key in self._kept:
            return self._kept.results[key]
        found = need.of_image(voxels, replace(self.in_space(channel), lattice=self.lattice))
        if need.serves_many and found.y.size <= self._room:
            self._room -= found.y.size
            self._kept.results[key] = found
        return found


def _one_against_rest(partition: Joint) -> Counts:
    fp, fn = partition.pred - partition.hits, partition.truth - partition.hits
    return Counts(tp=partition.hits, fp=fp, fn=fn, tn=partition.total - partition.hits - fp - fn)


def no_image(index: int) -> ClassImage:
    """In place of an image where cases are added up."""
    raise LookupError("Cases that are added up have no image.")
