"""Choose the threshold that suits a criterion: on pooled voxels, on the mean over cases, or case by case."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from segeval.evidence.overlap.counts import Counts
from segeval.statistics.summary import mean
from segeval.verbs.sweep.maps.cases import ClassOfCase, ClassOverCases
from segeval.verbs.sweep.maps.curve import Score, first_best

SelectBy = Literal["pooled", "case_mean", "oracle_per_case"]


@dataclass(frozen=True, kw_only=True)
class ChosenThreshold:
    """A threshold and how good it is on the voxels it was chosen on.

    Attributes:
        threshold: None where every case has its own.
        low: the next smaller probability that occurs; a threshold above it gives the same masks.
        score: of the criterion, where 1 is perfect.
        of_cases: the threshold of each case, where every case has its own.
    """

    threshold: float | None
    low: float | None
    score: float
    of_cases: tuple[float, ...] | None = None


def choose(maps: ClassOverCases, score: Score, by: SelectBy) -> ChosenThreshold:
    """The best threshold; of equally good ones the largest, which predicts the fewest voxels.

    Args:
        by: `pooled` takes the voxels of all cases together, `case_mean` the mean of the score over cases,
            `oracle_per_case` gives every case its own threshold, which no one could know beforehand.
    """
    if by == "oracle_per_case":
        return _per_case(maps, score)
    curve = maps.curve
    if by == "pooled":
        best = curve.best(score)
        reached = float(score(curve.counts[np.array([best])])[0])
    else:
        means = mean_over_cases(maps, score, curve.thresholds)
        best = first_best(means)
        reached = float(means[best])
    return ChosenThreshold(threshold=float(curve.thresholds[best]), low=curve.next_lower(best), score=reached)


def score_at(maps: ClassOverCases, score: Score, choice: ChosenThreshold, by: SelectBy) -> float:
    """How good a choice is on these cases, by what it was chosen by."""
    if choice.threshold is None:
        return choice.score
    at = np.array([choice.threshold])
    return float(score(maps.curve.at(at))[0] if by == "pooled" else mean_over_cases(maps, score, at)[0])


def mean_over_cases(maps: ClassOverCases, score: Score, thresholds: np.ndarray) -> np.ndarray:
    """Mean over the cases of a score at common thresholds; cases where it is undefined are left out."""
    total, n = np.zeros((2, len(thresholds)))
    for case in maps.cases:
        scores = score(case.curve.counts)[case.curve.index_at(thresholds)]
        total += np.nan_to_num(scores)
        n += ~np.isnan(scores)
    with np.errstate(invalid="ignore"):
        return total / n


def counts_at(choices: Sequence[ChosenThreshold], cases: Sequence[ClassOfCase]) -> Counts:
    """Counts of every case at every chosen threshold, shape (choice, case)."""
    chosen = [choice.of_cases or [choice.threshold] * len(cases) for choice in choices]
    thresholds = np.array(chosen, dtype=np.float64)
    counts = [case.curve.at(thresholds[:, i]) for i, case in enumerate(cases)]
    sides = ("tp", "fp", "fn", "tn")
    return Counts(**{side: np.stack([getattr(of_case, side) for of_case in counts], axis=1) for side in sides})


def _per_case(maps: ClassOverCases, score: Score) -> ChosenThreshold:
    curves = [case.curve for case in maps.cases]
    best = [curve.best(score) for curve in curves]
    scores = [float(score(curve.counts[np.array([i])])[0]) for curve, i in zip(curves, best, strict=True)]
    thresholds = tuple(float(curve.thresholds[i]) for curve, i in zip(curves, best, strict=True))
    return ChosenThreshold(threshold=None, low=None, score=float(mean(np.array(scores))), of_cases=thresholds)
