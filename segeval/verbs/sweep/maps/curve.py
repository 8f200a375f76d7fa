"""All masks that thresholds can make of a probability map, and the best of them, exactly: pooled, by mean, by case.

The counts of a mask change only at the probabilities that occur, so those are all the thresholds there are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from segeval.evidence.overlap.counts import Counts
from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.measure import ratio
from segeval.metrics.overlap import informedness, tversky_index

Criterion = Literal["tversky", "dice", "jaccard", "f2", "youden"]
Score = Callable[[Counts], np.ndarray]
NOTHING = np.inf  # the threshold that predicts nothing
_ROUNDING = 4 * np.finfo(np.float64).eps


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Counts of the mask `p >= threshold` for every threshold, the highest first; the first mask is empty.

    Attributes:
        thresholds: shape (point,).
        counts: every field of shape (point,).
        approx: whether a threshold stands for a narrow bin of probabilities.
    """

    thresholds: np.ndarray
    counts: Counts
    approx: bool

    @classmethod
    def of(cls, histogram: ProbHistogram) -> "Curve":
        """Let the voxels in, the most probable first; those of equal probability together."""
        tp, fp = (np.concatenate([[0], np.cumsum(side)]) for side in (histogram.positives, histogram.negatives))
        return cls(
            thresholds=np.concatenate([[NOTHING], histogram.thresholds]),
            counts=Counts(tp=tp, fp=fp, fn=tp[-1] - tp, tn=fp[-1] - fp),
            approx=histogram.approx,
        )

    @property
    def n_truth(self) -> int:
        """Voxels of the class."""
        return int(self.counts.tp[-1])

    @cached_property
    def corners(self) -> np.ndarray:
        """Indices of the empty mask, and of the points on the convex hull of the ROC curve of the others.

        Every criterion here is a ratio of linear functions of TP and FP, and such a ratio is best at a corner of
        the hull; so one pass over the points serves all settings.
        """
        tp, fp = self.counts.tp.astype(np.float64), self.counts.fp.astype(np.float64)
        hull = np.arange(1, len(tp))
        while len(hull) > 2:
            rise, run = np.diff(tp[hull]), np.diff(fp[hull])
            # a point on or below the line between its neighbours is no corner; corners never are, so all go at once
            above = rise[:-1] * run[1:] > rise[1:] * run[:-1]
            if above.all():
                break
            hull = hull[np.concatenate([[True], above, [True]])]
        return np.concatenate([[0], hull])

    def best(self, score: Score) -> int:
        """Index of the mask with the highest score; of equals the one with the highest threshold."""
        corners = self.corners
        return int(corners[first_best(score(self.counts[corners]))])

    def at(self, thresholds: np.ndarray) -> Counts:
        """Counts of the masks `p >= threshold` for thresholds of any kind."""
        return self.counts[self.index_at(thresholds)]

    def index_at(self, thresholds: np.ndarray) -> np.ndarray:
        """The point whose mask is that of `p >= threshold`."""
        return np.searchsorted(-self.thresholds, -np.asarray(thresholds), side="right") - 1

    def next_lower(self, index: int) -> float | None:
        """The next smaller probability that occurs: down to it, but without it, the mask stays the same."""
        return float(self.thresholds[index + 1]) if index + 1 < len(self.thresholds) else None

    def average_precision(self, method: Literal["step", "trapezoid"]) -> float:
        """Area under the precision-recall curve; undefined without voxels of the class.

        `trapezoid` joins the points with straight lines, starting at recall 0 with precision 1.
        """
        tp, fp = self.counts.tp, self.counts.fp
        precision = ratio(tp[1:], tp[1:] + fp[1:])
        if method == "trapezoid":
            precision = (precision + np.concatenate([[1.0], precision[:-1]])) / 2
        return float(ratio((np.diff(tp) * precision).sum(), self.n_truth))


def first_best(scores: np.ndarray) -> int:
    """Index of the highest score, the first of equals; rounding does not decide between them."""
    scores = np.where(np.isnan(scores), -np.inf, scores)
    return int(np.flatnonzero(scores >= scores.max() - _ROUNDING)[0])


def tversky_score(alpha: float, beta: float) -> Score:
    """One minus the hard Tversky loss: 0 for an empty mask of a class that is there, 1 if neither is."""

    def score(counts: Counts) -> np.ndarray:
        index = tversky_index(counts, alpha=alpha, beta=beta)
        nothing = counts.tp + counts.fp == 0
        return np.where(nothing, np.where(counts.fn > 0, 0.0, 1.0), index)

    return score


def score_of(criterion: Criterion, alpha: float, beta: float) -> Score:
    """What a threshold is chosen by, higher is better; alpha and beta matter to `tversky` only."""
    if criterion == "youden":
        return informedness
    alpha, beta = weights_of(criterion, alpha, beta) or (alpha, beta)
    return tversky_score(alpha, beta)


def weights_of(criterion: Criterion, alpha: float, beta: float) -> tuple[float, float] | None:
    """The criterion as a Tversky index: the prices of a false positive and a false negative."""
    return {"tversky": (alpha, beta), "dice": (0.5, 0.5), "jaccard": (1.0, 1.0), "f2": (0.2, 0.8), "youden": None}[
        criterion
    ]


def calibrated_threshold(score: float, alpha: float, beta: float) -> float:
    """Where the optimum would lie if the probabilities were calibrated, from the Tversky index at the optimum.

    A voxel of probability q belongs in the best mask when q (1 - T (1 - α - β)) >= α T.
    """
    return float(ratio(alpha * score, 1 - (1 - alpha - beta) * score))
