"""How the files of a run are read, and what its predictions were found to be."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from segeval.evidence.labels import LabelMap
from segeval.evidence.policies import ChannelAxis, PredKind
from segeval.evidence.probabilities.channels import Form
from segeval.evidence.shapes import SpacingMm
from segeval.images.pairing.pairs import Pair
from segeval.images.predictions.predictions import Prediction, read_prediction


@dataclass(frozen=True, kw_only=True)
class Agreed:
    """What all predictions of a run have to be, because the first one is."""

    form: Form
    first: Path


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How files become cases.

    `spacing_mm` is for files that have none. `at_hand` are predictions that were read before their turn.
    `round_labels` takes the nearest id for any value, `clip_probs` takes back what a resampling made overshoot.
    """

    labels: LabelMap = LabelMap()
    pred_kind: PredKind | Literal["auto"] = "auto"
    channel_axis: ChannelAxis | None = None
    geometry_tol: float = 1e-3
    resample: bool = False
    ignore_geometry: bool = False
    spacing_mm: SpacingMm | None = None
    round_labels: bool = False
    clip_probs: bool = False
    agreed: Agreed | None = None
    at_hand: dict[str, Prediction] = field(default_factory=dict)

    def look_at(self, pair: Pair) -> Prediction:
        """The prediction of a pair before its turn.

        Raises:
            DataError: a file of it cannot be read.
        """
        at_hand = self.at_hand.get(pair.case_id)
        return at_hand or read_prediction(pair, as_labels=self.pred_kind == "labels", channel_axis=self.channel_axis)

    def take(self, pair: Pair) -> Prediction:
        """The prediction of a pair at its turn; what was at hand is kept no longer."""
        pred = self.look_at(pair)
        self.at_hand.pop(pair.case_id, None)
        return pred
