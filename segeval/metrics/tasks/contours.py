"""Radiotherapy: how much of a contour has to be drawn anew."""

from typing import Literal

from segeval.evidence.contours.slices import Near, PathLengths, Unit
from segeval.evidence.grid import Grid
from segeval.evidence.overlap.counts import Counts
from segeval.evidence.shapes import PerLabel
from segeval.measure import Absent, Idle, metric, ratio

POSITIVE = (0.0, float("inf"))
VAASSEN = "Vaassen et al. 2020, doi:10.1016/j.phro.2019.12.001"
NO_TOLERANCE = (Idle(("tolerance_mm",), "near", "mask".__eq__, "contour or ball"),)
LIMITS = {"tolerance_mm": POSITIVE, "axis": (0, 2)}


@metric(
    symbol="APL",
    formula="Σ over slices of the length of ∂T farther than τ from ∂P",
    bounds=POSITIVE,
    better="lower",
    unit="mm",
    absent=Absent(both=0.0),
    aliases=("apl", "added_path_length"),
    idle=NO_TOLERANCE,
    limits=LIMITS,
    reference=VAASSEN,
)
def added_path_length_mm(
    lengths: PathLengths,
    *,
    tolerance_mm: float = 0.0,
    per: Literal["case", "slice"] = "case",
    near: Near = "contour",
    axis: int | None = None,
    unit: Unit = "mm",
) -> PerLabel:
    """Length of the true contours that is not in the predicted ones, drawn slice by slice.

    A contour that is predicted where the truth has none costs nothing: look at `fp_volume_ml` beside it.

    Args:
        tolerance_mm: so near in the plane counts as drawn. 0 for predictions that a reader corrected; two readers who
            draw independently differ by more.
        per: all slices of the case together, or the mean over the slices that either side has something in.
        near: near the predicted contour; within a `ball` of whole pixels round it, which reaches half a pixel farther;
            or anywhere in the predicted `mask`.
        axis: of the array, that slices are stacked along; by default the one of the largest spacing, and of equal
            ones the last, as axial slices of NIfTI are.
        unit: `voxel` counts contour pixels, in place of these times the mean spacing in the plane.
    """
    return lengths.added if per == "case" else ratio(lengths.added, lengths.slices)


@metric(
    symbol="rAPL",
    formula="length of ∂T farther than τ from ∂P / length of ∂T",
    bounds=(0.0, 1.0),
    better="lower",
    absent=Absent(both=0.0, truth=0.0),
    aliases=("relative_apl",),
    idle=NO_TOLERANCE,
    limits=LIMITS,
    reference=VAASSEN,
)
def relative_added_path_length(
    lengths: PathLengths,
    *,
    tolerance_mm: float = 0.0,
    near: Near = "contour",
    axis: int | None = None,
) -> PerLabel:
    """Share of the true contours that is not in the predicted ones; the knobs are those of `added_path_length_mm`."""
    return ratio(lengths.added, lengths.truth)


@metric(symbol="APV", formula="FN · v", bounds=POSITIVE, better="lower", unit="ml", reference=VAASSEN)
def added_path_volume_ml(counts: Counts, grid: Grid) -> PerLabel:
    """Volume of the truth that was not predicted."""
    return counts.fn * grid.voxel_ml
