"""A prediction in slabs: a label image, or one image per channel."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from segeval.images.input_rules import InputRules
from segeval.images.labels.colors import with_ids_of_colours
from segeval.images.named.reading import has_names
from segeval.images.pairing.class_files import chosen_files
from segeval.images.pairing.pairs import Pair
from segeval.images.predictions.predictions import (
    Prediction,
    axis_of_channels,
    of_one_file,
    refuse_channels_of_classes,
)
from segeval.images.readers.readers import stores_integers
from segeval.images.readers.volumes import Slabs, Volume, even_cuts
from segeval.images.slabs.opening import open_slabs


@dataclass(frozen=True, kw_only=True)
class PredictionSlabs:
    """The files of a prediction, each in slabs.

    Attributes:
        files: one, or one per class.
        names: of the classes that have files of their own.
        rules: how files become images.
    """

    path: Path
    files: tuple[Slabs, ...]
    rules: InputRules
    names: tuple[str, ...] = ()

    @property
    def head(self) -> Prediction:
        """The whole prediction by its headers."""
        return self._of([without_colours(slabs.head, self.rules) for slabs in self.files])

    @property
    def axis(self) -> int:
        """Of an image of the prediction, along which slabs follow one another."""
        first = self.files[0]
        channels = None if self.names or self._is_labels else axis_of_channels(first.head, self.rules.channel_axis)
        if channels is None:
            return first.axis
        return first.axis - (channels % first.head.array.ndim < first.axis)

    @property
    def bytes_of_row(self) -> int:
        """What all images together have for a voxel along the axis, as they are stored."""
        images = self.head.images
        return sum(image.array.size * image.array.itemsize for image in images) // self.files[0].n

    def cuts(self, n_bytes: float) -> list[int]:
        """Slabs of so many bytes."""
        rows = int((n_bytes - sum(slabs.held for slabs in self.files)) // max(self.bytes_of_row, 1))
        return even_cuts(self.files[0].n, rows)

    def parts(self, cuts: Sequence[int]) -> Iterator[Prediction]:
        """The prediction between places along the axis."""
        grid, files = self.head.grid, [slabs.volumes(cuts) for slabs in self.files]
        for _ in cuts[1:]:
            part = self._of([with_ids(next(file), self.rules) for file in files])
            if grid is not None:  # nnU-Net's, whose axes run the other way round
                like = np.broadcast_to(np.uint8(0), part.images[0].array.shape[::-1])
                part = replace(part, grid=replace(grid, array=like))
            yield part
            del part  # there is room for one slab
        for file in files:
            deque(file, maxlen=0)  # compares checksums

    @property
    def _is_labels(self) -> bool:
        return self.rules.pred_kind == "labels"

    def _of(self, volumes: Sequence[Volume]) -> Prediction:
        if self.names:
            refuse_channels_of_classes(volumes)
            return Prediction(path=self.path, images=tuple(volumes), names=self.names)
        return of_one_file(volumes[0], self.rules.channel_axis, as_labels=self._is_labels)


def open_prediction(pair: Pair, rules: InputRules) -> PredictionSlabs | None:
    """The slabs of a prediction; None where it is read as a whole.

    Raises:
        DataError: a file cannot be read.
    """
    if pair.pred is None or pair.case_id in rules.at_hand or (not pair.channels and has_names(pair.pred)):
        return None
    kind, files = rules.pred_kind, {"": pair.pred}
    if pair.channels:
        files = dict(chosen_files(pair.channels, rules.labels, pair.pred))
        if kind == "labels" or (kind == "auto" and all(map(stores_integers, files.values()))):
            return None
    opened = [
        open_slabs(
            path,
            as_stored=kind != "labels" or bool(pair.channels),
            channel_axis=None if pair.channels else rules.channel_axis,
            orientation=rules.orientation,
            colours=rules.colors is not None and not pair.channels,
        )
        for path in files.values()
    ]
    found = tuple(slabs for slabs in opened if slabs is not None)
    names = tuple(files) if pair.channels else ()
    return PredictionSlabs(path=pair.pred, files=found, names=names, rules=rules) if len(found) == len(opened) else None


def with_ids(volume: Volume, rules: InputRules) -> Volume:
    """An image of colours as the ids of its table, where there is one."""
    return volume if rules.colors is None else with_ids_of_colours(volume, rules.colors)


def without_colours(head: Volume, rules: InputRules) -> Volume:
    """The header of such an image as that of the ids."""
    if rules.colors is None or not (head.is_rgb or head.palette is not None):
        return head
    array = np.broadcast_to(np.int64(0), head.array.shape[:2])
    return replace(head, array=array, is_rgb=False, palette=None, white=None if head.is_rgb else head.white)
