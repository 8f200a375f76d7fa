"""Formulas that other tools have and the catalogue has not: smoothed ratios, other percentiles, one direction alone."""

import math
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from segeval.evidence.overlap.counts import Counts
from segeval.evidence.shapes import PerLabel
from segeval.evidence.surfaces.distances import Directed
from segeval.evidence.surfaces.surface import Surfaces
from segeval.measure import Measure, metric, ratio
from segeval.metrics.boundary import POSITIVE, distance_of_each, surface_distance
from segeval.metrics.overlap import UNIT

Ratio = Literal["dice", "iou", "sensitivity", "precision", "specificity"]
Rule = Literal["linear", "lower", "higher", "nearest", "midpoint"]
Direction = Literal["max", "pooled", "mean", "sum", "min", "pred_to_truth", "truth_to_pred"]

_PARTS: Mapping[str, Callable[[Counts], tuple[PerLabel, PerLabel]]] = {
    "dice": lambda c: (2 * c.tp, 2 * c.tp + c.fp + c.fn),
    "iou": lambda c: (c.tp, c.tp + c.fp + c.fn),
    "sensitivity": lambda c: (c.tp, c.truth),
    "precision": lambda c: (c.tp, c.pred),
    "specificity": lambda c: (c.tn, c.tn + c.fp),
}
SMOOTHED = tuple(_PARTS)


@metric(symbol="(x+s)/(y+s)", formula="(above + s) / (below + s)", bounds=UNIT, better="higher")
def smoothed(counts: Counts, *, of: Ratio = "dice", smooth: float = 1e-5, above: bool = True) -> PerLabel:
    """An overlap ratio with a constant added below its stroke, and above it.

    Args:
        of: which ratio.
        smooth: the constant; losses have it to be differentiable where both masks are empty.
        above: whether it is added to the numerator, too.
    """
    top, bottom = _PARTS[of](counts)
    return ratio(top + smooth * above, bottom + smooth)


@metric(symbol="HDq'", formula="q % of the distances, by another rule", bounds=POSITIVE, better="lower", unit="mm")
def percentile_distance(
    surfaces: Surfaces, *, percent: float = 95.0, direction: Direction = "max", rule: Rule = "linear"
) -> PerLabel:
    """`hdp` with a rule for what lies between two distances, and with one direction alone."""

    def of_one(side: Directed) -> float:
        return float(np.percentile(side.distance, percent, method=rule))

    def value(there: Directed, back: Directed) -> float:
        match direction:
            case "pooled":
                return of_one(there + back)
            case "pred_to_truth":
                return of_one(there)
            case "truth_to_pred":
                return of_one(back)
        both = of_one(there), of_one(back)
        return {"max": max(both), "min": min(both), "mean": sum(both) / 2, "sum": sum(both)}[direction]

    pairs = surfaces.distances(surface="voxel", edge="border", neighbours="face", unit="mm")
    return distance_of_each(pairs, value)


@surface_distance(symbol="RMSD", formula="√(mean of d² of both surfaces)")
def root_mean_square_distance(there: Directed, back: Directed) -> float:
    """Root of the mean squared distance over the elements of both surfaces together."""
    both = there + back
    return math.sqrt(Directed(distance=both.distance**2, weight=both.weight).mean())


VARIANTS: tuple[Measure, ...] = (smoothed, percentile_distance, root_mean_square_distance)
