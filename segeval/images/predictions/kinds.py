"""Whether a prediction holds labels or probabilities, told by its values."""

from collections.abc import Iterator

import numpy as np

from segeval.errors import DataError
from segeval.evidence.policies import PredKind
from segeval.evidence.probabilities.channels import blocks
from segeval.files.paths import printable
from segeval.images.predictions.predictions import Prediction
from segeval.images.readers.volumes import Volume

ROUNDING = 1e-6  # how far outside [0, 1] rounding may put a probability


def kind_of(pred: Prediction) -> PredKind:
    """Whole numbers are labels; other numbers between 0 and 1 are probabilities, and so are floats in channels.

    Raises:
        DataError: the values are neither.
    """
    first = pred.images[0]
    if first.levels is None and first.array.dtype.kind in "biu":
        return "labels"
    if len(pred.images) > 1:
        return "probs"
    low, high, is_whole = _values(first)
    if is_whole:
        return "labels"
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise DataError(
            f"{printable(pred.path)}: values from {low:g} to {high:g} are neither class ids nor probabilities. "
            "Pass --pred-kind logits if they are raw scores of a network, whose sigmoid or softmax is to be taken."
        )
    return "probs"


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


def _values(volume: Volume) -> tuple[float, float, bool]:
    """Lowest and highest value, and whether all are whole; what is not finite is another's concern."""
    low, high, is_whole = np.inf, -np.inf, True
    for values in _finite(volume):
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        is_whole = is_whole and bool((values == np.rint(values)).all())
    return low, high, is_whole


def _finite(volume: Volume) -> Iterator[np.ndarray]:
    for block in blocks(volume.array):
        stored = volume.array[block]
        values = stored if volume.levels is None else volume.levels.take(stored)
        values = values[np.isfinite(values)]
        if values.size:
            yield values
