"""The soft evidence of one case: built once, read by every loss and probability metric."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any, Literal

import numpy as np

from segeval.errors import DataError
from segeval.evidence.additive import Kept
from segeval.evidence.grid import Lattice
from segeval.evidence.overlap.counts import Counts, Joint
from segeval.evidence.probabilities.bins import Detail
from segeval.evidence.probabilities.prob_maps import MapSums, ProbMaps
from segeval.evidence.probabilities.scored_map import ClassImage
from segeval.evidence.probabilities.soft import (
    ChannelCounts,
    ProbVoxels,
    SoftEvidence,
    mapped,
    stacked,
    two_channels,
    voxels_of_counts,
)
from segeval.measure import Level, MeasureCall

Entries = Literal["sums"] | Detail

_ROOM = 1 << 21  # voxels of an image, up to which what is made of it is kept from one loss to the next


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
        self._rows = kept = cache(rows)  # closures that do not hold this object: it goes, with all entries, when unused
        self._two_channels = cache(lambda detail: two_channels(kept("class", detail)))
        self.is_partition = is_partition
        self.in_space = in_space
        self.classes = list(classes)
        self.maps = maps
        self._confusion = confusion
        self.lattice: Lattice | None = None  # for losses that measure lengths
        self.together: Sequence[MeasureCall] = ()  # losses of images, all of which see an image when one of them does
        self._of_images: dict[str, list[Any]] = {}
        self._kept: Kept[Any] = Kept()

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
            found = channels(detail)
            if which != [*range(len(maps))]:  # to pick from millions of entries takes as long as to look at them
                found = mapped(found, lambda array: array[which])
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
        needs = call.measure.needs
        if needs[0].of_logits:  # type: ignore[attr-defined]
            return self._of_logits(call, level)
        if level == "case":
            return call(*(self.of(need, level) for need in needs)) if self.is_partition else np.float64(np.nan)
        has_one = [channel is not None for channel in self.classes]
        values = np.full(len(has_one), np.nan)
        if sees_images(call):
            values[has_one] = self._seen(call)
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
        rows, of_two = self._rows, self._two_channels

        def voxels(detail: Entries) -> ProbVoxels:
            return of_two(detail) if need.per_channel and level == "class" else rows(level, detail)

        if issubclass(need, ChannelCounts) and level == "case":
            return need(voxels("sums"), self._confusion)
        if not need.ranked:
            return need(voxels("sums"))
        return need(voxels("bins"), voxels)

    def _seen(self, call: MeasureCall) -> list[Any]:
        """The value of each class by a loss of images: one image after another, so that each is made and kept once."""
        if call.column not in self._of_images:
            calls = {one.column: one for one in (*self.together, call)}
            channels = [channel for channel in self.classes if channel is not None]
            rows = [self._of_image(row, channel, [*calls.values()]) for row, channel in enumerate(channels)]
            self._of_images |= {column: [row[i] for row in rows] for i, column in enumerate(calls)}
        return self._of_images[call.column]

    def _of_image(self, row: int, channel: int, calls: Sequence[MeasureCall]) -> list[Any]:
        """What some losses say of one class."""
        voxels = mapped(self._rows("class", "sums"), lambda array: array[row])
        image = replace(self.in_space(channel), lattice=self.lattice)
        is_large = math.prod(side.stop - side.start for side in image.box) > _ROOM
        kept: Kept[Any] = Kept()

        def made(need: Any) -> Any:
            own = two_channels(voxels) if need.per_channel else voxels
            return need.of_image(own, image) if need.on_map else need(own)

        values = []
        for call in calls:
            try:
                values.append(call(*(kept.get(need, partial(made, need)) for need in call.measure.needs)))
            except DataError as error:  # which is of this loss, whichever was asked for
                raise DataError(f"{call.column}: {error}") from error
            if is_large:
                kept.results.clear()
        return values


def _one_against_rest(partition: Joint) -> Counts:
    fp, fn = partition.pred - partition.hits, partition.truth - partition.hits
    return Counts(tp=partition.hits, fp=fp, fn=fn, tn=partition.total - partition.hits - fp - fn)


def sees_images(call: MeasureCall) -> bool:
    """Whether a loss looks at an image of each class, and not at its sums alone."""
    needs: tuple[Any, ...] = call.measure.needs
    is_soft = all(issubclass(need, SoftEvidence) for need in needs)
    return is_soft and any(need.on_map and not need.of_logits for need in needs)


def no_image(index: int) -> ClassImage:
    """In place of an image where cases are added up."""
    raise LookupError("Cases that are added up have no image.")
