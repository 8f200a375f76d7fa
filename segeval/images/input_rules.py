"""How the files of a run are read, and what its predictions were found to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from segeval.errors import DataError
from segeval.evidence.case import Confidences
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.policies import ChannelAxis, Orientation, PredKind
from segeval.evidence.probabilities.channels import Form
from segeval.evidence.shapes import SpacingMm
from segeval.images.labels.colors import ColorTable, with_ids_of_colours
from segeval.images.labels.one_hot import as_ids
from segeval.images.named.reading import has_names
from segeval.images.named.series import SeriesFinder
from segeval.images.pairing.class_files import chosen_files
from segeval.images.pairing.pairs import Pair
from segeval.images.predictions.class_masks import LabelImage, join_class_masks
from segeval.images.predictions.named_masks import join_named_masks
from segeval.images.predictions.predictions import Prediction, read_prediction
from segeval.images.readers.readers import read_volume
from segeval.images.readers.streams import Opened


@dataclass(frozen=True, kw_only=True)
class FirstPrediction:
    """What all predictions of a run have to be, and the one that told."""

    form: Form
    path: Path


@dataclass(frozen=True, kw_only=True)
class InputRules:
    """How files become cases.

    Attributes:
        spacing_mm: for files that have none.
        orientation: which form of a NIfTI header to take where both are there.
        colors: the table of coloured masks.
        palette: colours of the first truth that has a palette, (index, 3).
        channels: the class of each channel, by its name or id.
        pred_ids: what an id of predictions is in the truth.
        instances: masks are maps of objects, all of one class.
        round_labels: take the nearest id for any value.
        clip_probs: take back what a resampling made overshoot.
        confidences: how sure predictions are of their lesions, by case.
        finder: finds the series that masks of DICOM were drawn on.
        first_prediction: what predictions have to be.
        at_hand: predictions that were read before their turn.
        opened: the files that these were read from, by case.
        slab_bytes: what an image of one worker may take, before it is read in slabs; None for any number.
        forms: what predictions are that were looked at slab by slab, by case.
    """

    labels: LabelMap = LabelMap()
    pred_kind: PredKind | Literal["auto"] = "auto"
    channel_axis: ChannelAxis | None = None
    geometry_tol: float = 1e-3
    resample: bool = False
    ignore_geometry: bool = False
    spacing_mm: SpacingMm | None = None
    orientation: Orientation | None = None
    colors: ColorTable | None = None
    palette: np.ndarray | None = None
    channels: tuple[str, ...] = ()
    pred_ids: Mapping[int, int] = field(default_factory=dict)
    instances: bool = False
    round_labels: bool = False
    clip_probs: bool = False
    confidences: Mapping[str, Confidences] | None = None
    finder: SeriesFinder = field(default_factory=SeriesFinder)
    first_prediction: FirstPrediction | None = None
    at_hand: dict[str, Prediction] = field(default_factory=dict)
    opened: dict[str, Opened] = field(default_factory=dict)
    slab_bytes: int | None = None
    forms: dict[str, Form] = field(default_factory=dict)

    def look_at(self, pair: Pair) -> Prediction:
        """The prediction of a pair before its turn.

        Raises:
            DataError: a file of it cannot be read.
        """
        at_hand = self.at_hand.get(pair.case_id)
        return at_hand or read_prediction(
            pair,
            kind=self.pred_kind,
            channel_axis=self.channel_axis,
            labels=self.labels,
            colors=self.colors,
            orientation=self.orientation,
            finder=self.finder,
            all_are=self._class_of_all,
        )

    @property
    def _class_of_all(self) -> LabelClass | None:
        """The class of all objects, where they have no other."""
        return (self.labels.classes or (None,))[0] if self.instances else None

    def truth_of(self, pair: Pair) -> LabelImage:
        """The true mask of a pair, put together where each class has a file of its own; scaled, not yet checked.

        Raises:
            DataError: a file of it cannot be read.
        """
        if pair.problem:
            raise DataError(pair.problem)
        if pair.truth is None:
            raise ValueError(f"{pair.case_id} has no truth, and is never scored")
        if not pair.truth_channels and has_names(pair.truth):
            return join_named_masks(
                pair.truth, self.labels, self.finder, side="truth", beside=pair.pred, all_are=self._class_of_all
            )
        if not pair.truth_channels:
            volume = read_volume(pair.truth, orientation=self.orientation, colours=self.colors is not None)
            return LabelImage(volume=with_ids_of_colours(volume, self.colors) if self.colors else as_ids(volume))
        files = chosen_files(pair.truth_channels, self.labels, pair.truth)
        return join_class_masks(pair.truth, files, self.labels, side="truth", orientation=self.orientation)

    def take(self, pair: Pair) -> Prediction:
        """The prediction of a pair at its turn; what was at hand is kept no longer."""
        pred = self.look_at(pair)
        self.at_hand.pop(pair.case_id, None)
        return pred
