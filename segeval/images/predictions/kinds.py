"""Whether a prediction holds labels or probabilities, told by its values."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from segeval.errors import DataError
from segeval.evidence.arrays import namespace
from segeval.evidence.policies import PredKind
from segeval.evidence.probabilities.channels import blocks
from segeval.files.paths import printable
from segeval.images.labels.label_ids import NEAR_WHOLE, SCALED_WORSE
from segeval.images.predictions.predictions import Prediction
from segeval.images.readers.volumes import Volume, unrounded

ROUNDING = 1e-6  # how far outside [0, 1] rounding may put a probability
OVERSHOOT = 0.05 + ROUNDING  # how far a resampling by splines may put one, which `--clip-probs` takes back

Verdict = PredKind | Literal["open"]


@dataclass(frozen=True, kw_only=True)
class Range:
    """Lowest and highest value, and how far values are from whole numbers at most."""

    low: float = np.inf
    high: float = -np.inf
    off: float = 0.0

    def __or__(self, other: "Range") -> "Range":
        return Range(low=min(self.low, other.low), high=max(self.high, other.high), off=max(self.off, other.off))

    @property
    def is_zero(self) -> bool:
        """Whether there is nothing but zeros."""
        return self.low >= 0 >= self.high


def verdict_on(
    pred: Prediction,
    *,
    round_labels: bool = False,
    clip_probs: bool = False,
    found: Range | None = None,
    beside: PredKind | None = None,
) -> Verdict:
    """Whole numbers are labels, other numbers between 0 and 1 are probabilities, and so are floats in channels.

    Floats that all are 0 or 1 stand open: alone they are labels, beside probability maps they are one.

    Args:
        pred: what to look at.
        round_labels: whether any value stands for the nearest id.
        clip_probs: whether probabilities may overshoot a little.
        found: the range of its values, where that is known.
        beside: what the other predictions of the run are, where that is known.

    Raises:
        DataError: the values are neither.
    """
    first = pred.images[0]
    if first.levels is None and first.is_integer:
        return "labels"
    if len(pred.images) > 1:
        return "probs"
    found = found or range_of(first)
    low, high, off = found.low, found.high, found.off
    if round_labels:
        return "labels"
    if off <= NEAR_WHOLE:
        return "open" if low >= -NEAR_WHOLE and high <= 1 + NEAR_WHOLE else "labels"
    allowed = OVERSHOOT if clip_probs else ROUNDING
    if low < -allowed or high > 1 + allowed:
        culprit = _example(first) if low.is_integer() and high.is_integer() else ""
        raise DataError(
            f"{printable(pred.path)}: values from {unrounded(low)} to {unrounded(high)} are neither class ids nor "
            f"probabilities{culprit}. {remedy_for(low, high, off, beside)}"
        )
    return "probs"


def is_zero(pred: Prediction) -> bool:
    """Whether there is nothing in it that could tell labels from probabilities."""
    return not any(image.array.any() for image in pred.images)


def kind_of(
    pred: Prediction,
    *,
    beside: PredKind | None,
    round_labels: bool,
    clip_probs: bool,
    found: Range | None = None,
) -> PredKind:
    """Labels or probabilities, by the values; see `verdict_on`.

    Args:
        pred: what to look at.
        beside: what the other predictions of the run are, where that is known.
        round_labels: as there.
        clip_probs: as there.
        found: as there.

    Raises:
        DataError: the values are neither.
    """
    verdict = verdict_on(pred, round_labels=round_labels, clip_probs=clip_probs, found=found, beside=beside)
    if verdict == "open":
        return "labels" if beside is None else beside
    return verdict


def _example(volume: Volume) -> str:
    """A value that is no whole number, where the range does not show one."""
    for values in _finite(volume):
        off = abs(values - values.round())
        at = int(off.argmax())
        if off[at] > NEAR_WHOLE:
            return f", for example {unrounded(float(values[at]))}"
    return ""


def remedy_for(low: float, high: float, off: float = 1.0, beside: PredKind | None = None) -> str:
    """What to do about values that are no probabilities, by where they lie and what others of the run are."""
    if low >= -OVERSHOOT and high <= 1 + OVERSHOOT:
        return "Pass --clip-probs if they are probabilities that overshoot since they were resampled."
    if low >= -SCALED_WORSE and off <= SCALED_WORSE:
        return "Pass --round-labels if they are ids that a scale has moved."
    if low >= -SCALED_WORSE and high <= 1 + SCALED_WORSE:
        return (
            "Cut them off at 0 and 1 if they are probabilities that overshoot (--clip-probs does it up to 0.05), "
            "or pass --pred-kind logits if 0 means one half."
        )
    if beside == "labels":
        return "Other predictions hold class ids: write ids here too, or score this one apart."
    if low >= 0:
        return "Write probabilities from 0 to 1, or pass --pred-kind logits if 0 means one half."
    return "Pass --pred-kind logits if they are raw scores of a network, whose sigmoid or softmax is to be taken."


def refuse_channels(pred: Prediction) -> None:
    """Labels come in one image.

    Raises:
        DataError: there are several.
    """
    if len(pred.images) > 1:
        shape = (*pred.images[0].array.shape, len(pred.images))
        raise DataError(
            f"{printable(pred.path)}: shape {shape} has channels, and labels are one id per voxel. "
            "Pass --pred-kind probs if these are probabilities."
        )


def range_of(volume: Volume) -> Range:
    """The range of the values; what is not finite is another's concern."""
    found = Range()
    for values in _finite(volume):
        off = float(abs(values - values.round()).max())
        found |= Range(low=float(values.min()), high=float(values.max()), off=off)
    return found


def _finite(volume: Volume) -> Iterator[Any]:
    for block in blocks(volume.array):
        stored = volume.array[block]
        values = stored if volume.levels is None else volume.levels.take(stored)
        values = values[namespace(values).isfinite(values)]
        if len(values):
            yield values
