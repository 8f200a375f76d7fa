"""Volumes in ml: counts times the size of a voxel. Undefined in 2-D and without spacing."""

from segeval.evidence.grid import Grid
from segeval.evidence.overlap.counts import Counts
from segeval.evidence.shapes import PerLabel
from segeval.measure import metric, ratio

POSITIVE = (0.0, float("inf"))


@metric(
    symbol="RVD",
    formula="(p − g) / g",
    bounds=(-1.0, float("inf")),
    better="zero",
    aliases=("rvd", "ravd"),
    reference="Heimann 2009, doi:10.1109/TMI.2009.2013851",
)
def relative_volume_difference(counts: Counts) -> PerLabel:
    """Excess of the predicted volume, relative to the true one; signed."""
    return ratio(counts.pred - counts.truth, counts.truth)


@metric(
    symbol="AVD",
    formula="|p − g| · v",
    bounds=POSITIVE,
    better="lower",
    unit="ml",
    reference="Taha and Hanbury 2015, doi:10.1186/s12880-015-0068-x",
)
def absolute_volume_difference_ml(counts: Counts, grid: Grid) -> PerLabel:
    """Difference of the two volumes."""
    return abs(counts.pred - counts.truth) * grid.voxel_ml


@metric(symbol="V_p", formula="p · v", bounds=POSITIVE, better="none", unit="ml")
def volume_pred_ml(counts: Counts, grid: Grid) -> PerLabel:
    """Predicted volume."""
    return counts.pred * grid.voxel_ml


@metric(symbol="V_g", formula="g · v", bounds=POSITIVE, better="none", unit="ml")
def volume_truth_ml(counts: Counts, grid: Grid) -> PerLabel:
    """True volume."""
    return counts.truth * grid.voxel_ml
