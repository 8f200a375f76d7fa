"""What must be said below a table of operating points, and why it came out flat where it did."""

import math
from collections.abc import Sequence

import numpy as np

from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.verbs.sweep.evidence.maps import ClassMaps
from segeval.verbs.sweep.maps.tversky_job import CRITERIA, Job

CERTAIN = 0.01  # as near as that to 0 or 1, no threshold of practical use separates voxels
_NOT_A_RANKING = "soft_loss of different (α, β) is not comparable in size: the row with the smallest is not the best."
_NOT_TRAINING = "One set of maps is thresholded; the table says nothing about training with these losses."
_OPTIMISTIC = (
    "optimistic: thresholds were chosen on the reported cases. --select and --report separate choosing from reporting."
)


def notes_on(classes: Sequence[ClassMaps], thresholds: Sequence[Sequence[float | None]], job: Job) -> tuple[str, ...]:
    """Sentences for below the table.

    Args:
        classes: the maps of each class.
        thresholds: what each class chose, row by row.
        job: how.
    """
    notes = [_NOT_TRAINING, _NOT_A_RANKING]
    if job.split.optimistic:
        notes.append(_OPTIMISTIC)
    if job.draws is not None:
        notes.append("Intervals resample the cases and take the thresholds as given.")
    for maps, chosen in zip(classes, thresholds, strict=True):
        if len(chosen) > 1 and None not in chosen and len(set(chosen)) == 1:
            notes.append(f"{maps.name} is flat, every row chose {chosen[0]:.4g}: {_why_flat(maps, job)}.")
    return tuple(notes)


def _why_flat(maps: ClassMaps, job: Job) -> str:
    if job.criterion != "tversky":
        return f"the threshold is chosen by the {CRITERIA[job.criterion]}, which α and β do not enter"
    first = job.prices[0]
    if all(math.isclose(alpha * first[1], beta * first[0]) for alpha, beta in job.prices):
        return "α and β stand in the same ratio in all rows, and the best threshold depends on that ratio alone"
    pooled = maps.of(job.split.select).pooled
    if len(pooled.thresholds) == 1:
        return "the map is constant, so there is one mask only"
    inside, outside = _certain(pooled)
    return (
        f"the maps leave little to choose, since {inside:.0%} of its voxels and {outside:.1%} of the others have "
        f"a probability within {CERTAIN:g} of 0 or 1; a finer or wider grid of α and β may separate them"
    )


def _certain(pooled: ProbHistogram) -> tuple[float, float]:
    """Share of the voxels inside and outside the class whose probability is nearly 0 or 1."""
    certain = np.minimum(pooled.thresholds, 1 - pooled.thresholds) <= CERTAIN
    shares = ((side * certain).sum() / max(side.sum(), 1) for side in (pooled.positives, pooled.negatives))
    inside, outside = shares
    return float(inside), float(outside)
