"""The probability maps of a case, as its classes and the case as a whole see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from segeval.evidence.arrays import is_one_of
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.channels import BACKGROUND, Channels, ProbMap
from segeval.evidence.probabilities.class_maps import ClassMaps
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.evidence.probabilities.probabilities import ProbEvidence
from segeval.evidence.shapes import Labels


@dataclass(frozen=True, kw_only=True)
class CaseMaps:
    """Every map that some measure reads, each once.

    `maps` begins with the channels as they were stored; classes that none of them is of follow: unions, and the
    background of a single map. `channel_of` says where each class is, None for one that no channel speaks of.
    """

    channels: Channels
    maps: tuple[ProbMap, ...]
    classes: tuple[LabelClass | None, ...]
    channel_of: tuple[int | None, ...]
    truth: Labels
    ignore: tuple[int, ...] = ()
    device: str | None = None

    @classmethod
    def of(
        cls,
        channels: Channels,
        truth: Labels,
        *,
        classes: Sequence[LabelClass],
        ignore: Sequence[int],
        device: str | None = None,
    ) -> "CaseMaps":
        """Find the map of every class; `device` is the torch device that counts, None for numpy."""
        exclusive = channels.layout.exclusive
        maps = list(channels.maps)
        named = [None if exclusive and of == BACKGROUND else of for of in channels.layout.classes]
        channel_of: list[int | None] = []
        for one in classes:
            found = channels.index_of(one)
            if found is None and exclusive:
                maps.append(channels.of(one))
                named.append(one)
                found = len(maps) - 1
            channel_of.append(found)
        return cls(
            channels=channels,
            maps=tuple(maps),
            classes=tuple(named),
            channel_of=tuple(channel_of),
            truth=truth,
            ignore=tuple(ignore),
            device=device,
        )

    @property
    def of_each_class(self) -> list[ProbMap | None]:
        """The map of each class."""
        return [None if one is None else self.maps[one] for one in self.channel_of]

    @cached_property
    def soft(self) -> ProbEvidence:
        """What losses read."""
        return ProbEvidence.of_maps(self.shared, classes=self.channel_of)

    @cached_property
    def of_classes(self) -> ClassMaps:
        """What probability metrics read of each class."""
        return ClassMaps.of_channels(self.shared, self.channel_of)

    @cached_property
    def shared(self) -> ProbMaps:
        """The maps as losses and metrics share them, so that each is counted once."""
        layout = self.channels.layout
        return ProbMaps(
            maps=self.maps,
            truth=self.truth,
            channels=self.classes,
            ignore=self.ignore,
            partition=len(layout.classes) if layout.exclusive else 0,
            device=self.device,
            logits=self.channels.logits,
        )

    @cached_property
    def of_partition(self) -> ClassMaps:
        """What probability metrics read of exclusive channels together."""
        maps = self.channels.maps
        return ClassMaps.of_partition(maps, self._codes(single=len(maps) == 1))

    def _codes(self, *, single: bool) -> np.ndarray:
        """The channel of each voxel's true class; -1 where it is ignored, or of no channel."""
        classes = self.channels.layout.classes
        background = 0 if single else classes.index(BACKGROUND) if BACKGROUND in classes else -1
        codes = np.full_like(self.truth, background, dtype=np.int32)
        for one, channel in self.channels.channel_of_id.items():
            codes[self.truth == one] = channel + single
        codes[is_one_of(self.truth, self.ignore)] = -1
        return codes
