"""Frames of videos: how well each object is covered and outlined in every frame, sequence by sequence.

The frames of a sequence are the cases in one folder, in the order of the numbers in their names. An object is a class
of a sequence whose truth has it in some frame; where a frame has it on neither side, it is right there.

The outline of a frame are the pixels that differ from the one on the right, below, or right below: half of it lies
inside, half outside, and the border of the image is none (Perazzi et al. 2016, doi:10.1109/CVPR.2016.85).
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.additive import CasesApart, EachCase
from segeval.evidence.masks import Masks, Voxels
from segeval.evidence.shapes import Float64, Int64, PerLabel

_SLACK = 1e-9  # a pixel at exactly the tolerance is near


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The masks of a case that is a frame of a sequence: an image of two axes."""

    case_id: str
    masks: Masks


@dataclass(frozen=True, kw_only=True)
class FrameScore:
    """One class of one frame: IoU of the masks, F of their outlines, and whether the truth has it."""

    case_id: str
    iou: float
    outline: float
    in_truth: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectScores:
    """An object in every frame of its sequence, in order; `weight` is how often a resample has the sequence."""

    sequence: str
    iou: Float64[np.ndarray, " frame"]
    outline: Float64[np.ndarray, " frame"]
    first: int  # which case of all is the first frame
    weight: float = 1.0


class Frames(CasesApart):
    """The scores of each class in all frames; objects once the cases are known."""

    @staticmethod
    def unit_of(case_id: str) -> str:
        """The sequence of a frame."""
        return sequence_of(case_id)

    @classmethod
    def read(cls, frame: Frame, *, tolerance: float | None = None) -> "Frames":
        """Score every class of a frame; without a tolerance, its outlines are not looked at.

        Raises:
            ConfigError: the tolerance is negative.
        """
        masks = frame.masks
        rows = [
            FrameScore(
                case_id=frame.case_id,
                iou=iou_of(pred, truth),
                outline=math.nan if tolerance is None else outline_f(pred, truth, tolerance=tolerance),
                in_truth=len(truth) > 0,
            )
            for pred, truth in zip(masks.pred, masks.truth, strict=True)
        ]
        return cls.stack([cls(cases=EachCase((row,))) for row in rows])

    def over(self, ml: Mapping[str, float]) -> "Frames":
        """The objects of each class, of the whole data set, whose cases are those of `ml`."""
        sequences: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        for place, case_id in enumerate(ml):
            sequences[sequence_of(case_id)].append((case_id, place))

        def objects(one: EachCase) -> tuple[ObjectScores, ...]:
            known = {score.case_id: score for score in one.cases}
            found = (_object_of(frames, known) for frames in sequences.values())
            return tuple(each for each in found if each is not None)

        return self.each(objects)

    def drawn(self, weights: np.ndarray) -> "Frames":
        """The same for a resample, in which all frames of a sequence weigh the same."""
        return self.each(lambda objects: tuple(replace(one, weight=float(weights[one.first])) for one in objects))

    @property
    def joined(self) -> "Frames":
        """The objects of all classes as if they were of one."""
        changed = np.empty(1, dtype=object)
        changed[0] = tuple(one for objects in self.cases for one in objects)
        return Frames(cases=changed)

    def values(self, formula: Callable[[ObjectScores], float]) -> PerLabel:
        """The mean over the objects of each class; nan where the truth has none."""
        return np.array([_mean(objects, formula) for objects in self.cases], dtype=np.float64)


def _mean(objects: tuple[ObjectScores, ...], formula: Callable[[ObjectScores], float]) -> float:
    values, weights = np.array([formula(one) for one in objects]), np.array([one.weight for one in objects])
    there = ~np.isnan(values) if len(values) else np.zeros(0, dtype=bool)
    return float(values[there] @ weights[there] / weights[there].sum()) if weights[there].sum() else math.nan


def sequence_of(case_id: str) -> str:
    """The sequence of a frame: the folder that its case is named with."""
    return str(PurePosixPath(case_id).parent)


def _object_of(frames: list[tuple[str, int]], known: Mapping[str, FrameScore]) -> ObjectScores | None:
    """A class in the frames of one sequence; None where the truth never has it."""
    in_order = sorted(frames, key=lambda frame: _by_number(frame[0]))
    scores = [known.get(case_id) for case_id, _ in in_order]
    if not any(score is not None and score.in_truth for score in scores):
        return None
    return ObjectScores(
        sequence=sequence_of(frames[0][0]),
        iou=np.array([1.0 if score is None else score.iou for score in scores]),
        outline=np.array([1.0 if score is None else score.outline for score in scores]),
        first=frames[0][1],
    )


def _by_number(name: str) -> list[tuple[int, str]]:
    """A key by which 9 stands before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def iou_of(pred: Voxels, truth: Voxels) -> float:
    """IoU of two masks, 1 where both are empty."""
    shared = len(np.intersect1d(pred.index, truth.index, assume_unique=True))
    union = len(pred) + len(truth) - shared
    return shared / union if union else 1.0


def outline_f(pred: Voxels, truth: Voxels, *, tolerance: float) -> float:
    """F of the outlines of two masks of a frame: shares of each that lie within the tolerance of the other.

    Where one mask alone is empty it is 0, where neither has an outline 1.

    Args:
        tolerance: in pixels, or below 1 a share of the diagonal, rounded up.
    """
    if not 0 <= tolerance < math.inf:
        raise ConfigError(f"tolerance={tolerance:g} is none. Give pixels, or below 1 a share of the diagonal.")
    if bool(len(pred)) != bool(len(truth)):
        return 0.0
    ours, theirs = outline_of(pred), outline_of(truth)
    if not len(ours) or not len(theirs):
        return float(len(ours) == len(theirs))
    from scipy.spatial import cKDTree

    reach = tolerance_px(tolerance, pred.shape) + _SLACK
    near = [
        np.isfinite(cKDTree(there).query(here, distance_upper_bound=reach)[0]).mean()
        for here, there in ((ours, theirs), (theirs, ours))
    ]
    return float(2 * near[0] * near[1] / sum(near)) if sum(near) else 0.0


def tolerance_px(tolerance: float, shape: tuple[int, ...]) -> float:
    """The tolerance in pixels of a frame."""
    return float(tolerance if tolerance >= 1 else math.ceil(tolerance * math.hypot(*shape)))


def outline_of(mask: Voxels) -> Int64[np.ndarray, "pixel axis"]:
    """The pixels that differ from a neighbour to the right, below, or right below."""
    if not len(mask):
        return np.zeros((0, 2), dtype=np.int64)
    start = np.maximum(mask.corner - 1, 0)
    stop = np.minimum(mask.coordinates.max(axis=0) + 2, mask.shape)
    inside = np.zeros(tuple(stop - start), dtype=bool)
    inside[tuple((mask.coordinates - start).T)] = True
    beside = np.pad(inside, ((0, 1), (0, 1)), mode="edge")  # the border of the image is no outline
    differs = (inside != beside[:-1, 1:]) | (inside != beside[1:, :-1]) | (inside != beside[1:, 1:])
    return np.argwhere(differs) + start
