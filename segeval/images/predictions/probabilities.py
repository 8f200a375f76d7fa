"""Images as probability maps: their values are checked, and nothing is renormalised."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.evidence.arrays import at_least_32_bits, cast, dtype_of, namespace
from segeval.evidence.policies import PredKind
from segeval.evidence.probabilities.channels import Layout, ProbMap, blocks
from segeval.files.paths import printable
from segeval.images.pairing.layouts import name_of
from segeval.images.predictions.kinds import OVERSHOOT, ROUNDING, remedy_for
from segeval.images.predictions.predictions import Prediction
from segeval.images.readers.volumes import Volume, every_integer, unrounded

_MOST_OFF = 0.01  # how far from 1 the probabilities of a voxel may add up to, besides rounding to integers


def as_kind(image: Volume, kind: PredKind) -> Volume:
    """The image with what each stored integer stands for; floats are left as they are.

    The greys of a PNG go from 0 to 1, any other integer without a scale stands for itself.
    """
    if kind == "logits":
        image = image.scaled()
        return replace(image, array=cast(image.array, "float32")) if image.is_integer else image
    if image.levels is not None or not image.is_integer:
        return image
    image.only_as_numpy()
    array = image.array.view(np.uint8) if image.array.dtype == np.bool_ else image.array
    if array.dtype.itemsize > 2:
        return replace(image, array=array.astype(np.float64))
    levels = every_integer(array.dtype).astype(np.float32) / np.float32(image.white or 1)
    return replace(image, array=array, levels=levels)


def checked_images(pred: Prediction, layout: Layout, kind: PredKind, *, clip: bool = False) -> tuple[Volume, ...]:
    """One image per channel in the order of the layout, each of values that can be what they are said to be.

    Args:
        clip: bring probabilities back into [0, 1] that a resampling made overshoot by less than 0.05.

    Raises:
        DataError: values are not finite, outside [0, 1], or those of a softmax do not add up to 1.
    """
    images = tuple(as_kind(image, kind) for image in _in_order(pred, layout))
    clips = clip and kind == "probs"
    for image, channel in zip(images, layout.classes, strict=True):
        where = f"{printable(image.path)}" + (f", channel of {channel.name}" if len(images) > 1 else "")
        _check_values(image, kind, where, allowed=OVERSHOOT if clips else ROUNDING)
    if layout.exclusive and len(images) > 1 and kind == "probs":
        _check_sums(images, layout, printable(pred.path))
    return tuple(_clipped(image) for image in images) if clips else images


def _clipped(image: Volume) -> Volume:
    """The image within [0, 1]."""
    if image.levels is not None:
        return replace(image, levels=np.clip(image.levels, 0.0, 1.0))
    low, high = _ends(image.array)
    if low >= 0 and high <= 1:
        return image
    note = f"probabilities from {low:.4g} to {high:.4g} were clipped to 0 and 1"
    return replace(image, array=namespace(image.array).clip(image.array, 0.0, 1.0), notes=(*image.notes, note))


def sums_are_one(images: Sequence[Volume]) -> bool:
    """Whether the channels are a softmax by their values."""
    return _worst_sum(images)[0] <= _tolerance(images)


def map_of(image: Volume, kind: PredKind) -> ProbMap:
    """The image as the map of a channel."""
    if kind == "logits":
        return ProbMap(stored=image.array, is_log_odds=True)
    levels = None if image.levels is None else np.clip(image.levels, 0.0, 1.0)
    return ProbMap(stored=image.array, levels=levels)


def _in_order(pred: Prediction, layout: Layout) -> tuple[Volume, ...]:
    if not pred.names:
        return pred.images
    of = dict(zip(pred.names, pred.images, strict=True))
    return tuple(of[name] for row in layout.classes if (name := name_of(row, pred.names)) is not None)


def _check_values(image: Volume, kind: PredKind, where: str, *, allowed: float) -> None:
    ends = _ends(image.array)
    low, high = ends if image.levels is None else sorted(image.levels[[int(end) for end in ends]].tolist())
    if not np.isfinite([low, high]).all():
        raise DataError(f"{where}: {_n_not_finite(image)} voxels are NaN or infinite. Write numbers there.")
    if kind == "probs" and (low < -allowed or high > 1 + allowed):
        said = f"values from {unrounded(low)} to {unrounded(high)} are no probabilities"
        raise DataError(f"{where}: {said}. {_remedy(image, low, high)}")


def _ends(array: Any) -> tuple[float, float]:
    """Lowest and highest value, or nan; half floats compare slowly."""
    parts = (array[block] for block in blocks(array))
    wide = (at_least_32_bits(part) if dtype_of(part) == np.float16 else part for part in parts)
    lows, highs = zip(*((float(part.min()), float(part.max())) for part in wide), strict=True)
    return float(np.min(lows)), float(np.max(highs))


def _n_not_finite(image: Volume) -> int:
    is_finite = namespace(image.array).isfinite
    return sum(int((~is_finite(image.array[block])).sum()) for block in blocks(image.array))


def _remedy(image: Volume, low: float, high: float) -> str:
    if image.levels is None or high <= 1 + OVERSHOOT:
        return remedy_for(low, high)
    return "Give the file a scale (scl_slope 1/255), or pass --pred-kind labels if they are class ids."


def _check_sums(images: Sequence[Volume], layout: Layout, where: str) -> None:
    gap, total, at = _worst_sum(images)
    if gap > _tolerance(images):
        raise DataError(
            f"{where}: the channels are {layout}, and at voxel {at} they add up to {total:.4g} instead of 1. "
            "Write the softmax itself; if each channel is a sigmoid of its own, name only their classes with --labels."
        )


def _tolerance(images: Sequence[Volume]) -> float:
    """Half a step of each channel is rounding; integers without a scale are not rounded."""
    steps = (0.0 if image.levels is None else float(abs(image.levels[1] - image.levels[0])) for image in images)
    return _MOST_OFF + sum(step for step in steps if step < 1) / 2


def _worst_sum(images: Sequence[Volume]) -> tuple[float, float, tuple[int, ...]]:
    """How far from 1 the sum of a voxel lies at most, that sum, and the voxel."""
    worst: tuple[float, float, tuple[int, ...]] = (-1.0, 1.0, ())
    for block in blocks(images[0].array):
        total = reduce(add, (_values_at(image, block) for image in images))
        gap = namespace(total).nan_to_num(abs(total - 1), nan=np.inf)
        here = np.unravel_index(int(gap.argmax()), tuple(gap.shape))
        if gap[here] > worst[0]:
            at = tuple(int(i + (part.start or 0)) for i, part in zip(here, block, strict=True))
            worst = float(gap[here]), float(total[here]), at
    return worst


def _values_at(image: Volume, block: tuple[slice, ...]) -> Any:
    """Probabilities as they were stored, in float32 at least."""
    stored = image.array[block]
    if image.levels is not None:
        return image.levels.take(stored)
    return at_least_32_bits(stored)
