"""Video: how well objects are covered and outlined over the frames of their sequences, as DAVIS counts it.

A sequence is a folder of frames, such as `bear/00000.png`; an object is a class of a sequence. The values are of the
data set: the mean over the objects of a class, and under `(all)` over those of all classes.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from segeval.evidence.contours.frames import Frames
from segeval.evidence.shapes import PerLabel
from segeval.measure import Measure, metric

UNIT = (0.0, 1.0)
DECAY = (-1.0, 1.0)
HIT = 0.5
TOLERANCE = 0.008
LIMITS = {"tolerance": (0.0, float("inf"))}


def of_objects(**facts: Any) -> Callable[[Callable[..., PerLabel]], Measure]:
    """Declare a formula on objects in sequences as a metric of the data set."""
    reference = "Perazzi et al. 2016, doi:10.1109/CVPR.2016.85"
    return metric(of_data_set=True, levels=("class", "case"), reference=reference, **facts)


@of_objects(
    symbol="J", formula="mean over frames of |P ∩ T| / |P ∪ T|", bounds=UNIT, better="higher", aliases=("j_mean",)
)
def region_similarity(frames: Frames, *, without_ends: bool = False) -> PerLabel:
    """Mean IoU over the frames of each sequence, 1 where a frame has the object on neither side.

    Objects that the truth never has are none: what is predicted there costs nothing.

    Args:
        without_ends: leaves out the first and the last frame of each sequence, as where the first one is given.
    """
    return frames.values(lambda one: _mean(_inner(one.iou, without_ends)))


@of_objects(
    symbol="J recall", formula="share of frames with IoU > ½", bounds=UNIT, better="higher", aliases=("j_recall",)
)
def region_similarity_recall(frames: Frames, *, without_ends: bool = False) -> PerLabel:
    """Share of the frames with an IoU above one half; see `region_similarity`."""
    return frames.values(lambda one: _recall(_inner(one.iou, without_ends)))


@of_objects(
    symbol="J decay",
    formula="mean IoU of the first − of the last quarter of the frames",
    bounds=DECAY,
    better="lower",
    aliases=("j_decay",),
)
def region_similarity_decay(frames: Frames, *, without_ends: bool = False) -> PerLabel:
    """How much IoU is lost from the first to the last quarter of a sequence; see `region_similarity`.

    Quarters end at the frames round(1, 1 + (n − 1)/4, ..) and share these; below 0 it gets better.
    """
    return frames.values(lambda one: _decay(_inner(one.iou, without_ends)))


@of_objects(
    symbol="F",
    formula="mean over frames of 2PR / (P + R), shares of the outlines within the tolerance of one another",
    bounds=UNIT,
    better="higher",
    aliases=("f_mean",),
    limits=LIMITS,
)
def contour_accuracy(frames: Frames, *, tolerance: float = TOLERANCE, without_ends: bool = False) -> PerLabel:
    """Mean F of the outlines over the frames of each sequence; another outline than that of `boundary_f1`.

    0 where a frame has the object on one side only, 1 where on neither.

    Args:
        tolerance: a share of the diagonal of a frame, rounded up to pixels; from 1 on in pixels.
        without_ends: as for `region_similarity`.
    """
    return frames.values(lambda one: _mean(_inner(one.outline, without_ends)))


@of_objects(
    symbol="F recall",
    formula="share of frames with F > ½",
    bounds=UNIT,
    better="higher",
    aliases=("f_recall",),
    limits=LIMITS,
)
def contour_accuracy_recall(frames: Frames, *, tolerance: float = TOLERANCE, without_ends: bool = False) -> PerLabel:
    """Share of the frames with an F above one half; knobs as for `contour_accuracy`."""
    return frames.values(lambda one: _recall(_inner(one.outline, without_ends)))


@of_objects(
    symbol="F decay",
    formula="mean F of the first − of the last quarter of the frames",
    bounds=DECAY,
    better="lower",
    aliases=("f_decay",),
    limits=LIMITS,
)
def contour_accuracy_decay(frames: Frames, *, tolerance: float = TOLERANCE, without_ends: bool = False) -> PerLabel:
    """How much F is lost from the first to the last quarter of a sequence; knobs as for `contour_accuracy`."""
    return frames.values(lambda one: _decay(_inner(one.outline, without_ends)))


@of_objects(
    symbol="J&F", formula="(J + F) / 2", bounds=UNIT, better="higher", aliases=("j_and_f_mean", "jf"), limits=LIMITS
)
def j_and_f(frames: Frames, *, tolerance: float = TOLERANCE, without_ends: bool = False) -> PerLabel:
    """Mean of `region_similarity` and `contour_accuracy`, whose knobs it has."""
    return frames.values(lambda one: _mean(_inner((one.iou + one.outline) / 2, without_ends)))


def _inner(scores: np.ndarray, without_ends: bool) -> np.ndarray:  # as the knob says it
    return scores[1:-1] if without_ends else scores


def _mean(scores: np.ndarray) -> float:
    return float(scores.mean()) if len(scores) else np.nan


def _recall(scores: np.ndarray) -> float:
    return float((scores > HIT).mean()) if len(scores) else np.nan


def _decay(scores: np.ndarray) -> float:
    if not len(scores):
        return np.nan
    ends = np.round(np.linspace(1, len(scores), 5) + 1e-10).astype(np.int64) - 1
    first, last = scores[ends[0] : ends[1] + 1], scores[ends[3] : ends[4] + 1]
    return float(first.mean() - last.mean())
