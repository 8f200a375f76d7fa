"""Distances between the surfaces of prediction and truth.

A class that only one side has is infinitely far away; a class that neither has is undefined.
"""

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.shapes import PerLabel
from segeval.evidence.surfaces.distances import Directed, SurfacePair
from segeval.evidence.surfaces.elements import Edge, Neighbours
from segeval.evidence.surfaces.surface import Element, Surface, Surfaces, Unit
from segeval.measure import Idle, Measure, metric

Pooling = Literal["directed_max", "pooled", "directed_mean"]
Value = Callable[[Directed, Directed], float]

POSITIVE = (0.0, math.inf)
AREA_HAS_CORNERS = (Idle(("neighbours",), "surface", ("area", "mesh").__contains__, "voxel"),)
HAUSDORFF = "Huttenlocher et al. 1993, doi:10.1109/34.232073"
HEIMANN = "Heimann et al. 2009, doi:10.1109/TMI.2009.2013851"

SURFACE_KNOBS = """
Args:
    surface: elements are voxels at the surface (`voxel`), corners of the voxel lattice weighted
        with the surface area around them (`area`), or triangles between voxels weighted with their area, each
        measured to the nearest point of any of the other side (`mesh`).
    edge: where the image border cuts a mask off, the mask has a surface (`border`) or none (`none`).
    neighbours: a voxel is at the surface if a neighbour that shares a face with it is background
        (`face`), or any around it (`full`).
    unit: `voxel` ignores the spacing and counts in voxels.
"""


def surface_distance(**facts: Any) -> Callable[[Value], Measure]:
    """Declare a formula on the two lists of distances as a metric of `Surfaces` with the knobs above."""

    def decorate(value: Value) -> Measure:
        def kernel(
            surfaces: Surfaces,
            *,
            surface: Element = "voxel",
            edge: Edge = "border",
            neighbours: Neighbours = "face",
            unit: Unit = "mm",
        ) -> PerLabel:
            pairs = surfaces.distances(surface=surface, edge=edge, neighbours=neighbours, unit=unit)
            return distance_of_each(pairs, value)

        kernel.__name__ = value.__name__
        kernel.__doc__ = f"{inspect.getdoc(value)}\n{SURFACE_KNOBS}"
        return metric(bounds=POSITIVE, better="lower", unit="mm", idle=AREA_HAS_CORNERS, **facts)(kernel)

    return decorate


def distance_of_each(pairs: Iterable[SurfacePair], value: Value) -> PerLabel:
    """The value for every class: inf if a surface is missing on one side only, 0 for two masks without one."""
    return np.array([pair.settle(value, alike=0.0, apart=math.inf) for pair in pairs], dtype=np.float64)


@metric(
    symbol="HD",
    formula="max(max d(P→T), max d(T→P))",
    bounds=POSITIVE,
    better="lower",
    unit="mm",
    idle=(*AREA_HAS_CORNERS, Idle(("edge", "neighbours"), "surface", "set".__eq__, "voxel")),
    aliases=("hausdorff", "hausdorff_distance"),
    reference=HAUSDORFF,
)
def hd(
    surfaces: Surfaces,
    *,
    surface: Surface = "voxel",
    edge: Edge = "border",
    neighbours: Neighbours = "face",
    unit: Unit = "mm",
) -> PerLabel:
    """Largest distance from one surface to the other (Hausdorff distance).

    Args:
        surface: as for the other distances; `set` takes all voxels of the masks and is blind to cavities.
        edge: as for the other distances.
        neighbours: as for the other distances.
        unit: `voxel` ignores the spacing and counts in voxels.
    """
    pairs = surfaces.distances(surface=surface, edge=edge, neighbours=neighbours, unit=unit)
    return distance_of_each(pairs, lambda there, back: max(there.distance.max(), back.distance.max()))


def _check_percent(percent: float) -> None:
    """A share given for a percentage would be the smallest distance, and look like a good one."""
    if not (percent == 0 or 1 <= percent <= 100):
        meant = f" Did you mean percent={100 * percent:g}?" if 0 < percent < 1 else ""
        raise ConfigError(f"hdp: percent={percent:g} is refused; percent is 0 to 100.{meant}")


@metric(
    symbol="HDq",
    formula="max(q % of d(P→T), q % of d(T→P))",
    bounds=POSITIVE,
    better="lower",
    unit="mm",
    idle=AREA_HAS_CORNERS,
    checks={"percent": _check_percent},
    reference=HAUSDORFF,
)
def hdp(
    surfaces: Surfaces,
    *,
    percent: float = 95.0,
    surface: Element = "voxel",
    edge: Edge = "border",
    neighbours: Neighbours = "face",
    pooling: Pooling = "directed_max",
    unit: Unit = "mm",
) -> PerLabel:
    """Distance within which `percent` of both surfaces lie, in the worse direction.

    Args:
        percent: 100 gives the plain Hausdorff distance.
        surface: percentiles of voxels are interpolated linearly; those of area and mesh are the smallest
            distance that reaches the share of the area.
        edge: as for the other distances.
        neighbours: as for the other distances.
        pooling: the larger percentile of the two directions, the percentile of both lists together, or
            the mean of the two percentiles.
        unit: `voxel` ignores the spacing and counts in voxels.
    """
    _check_percent(percent)

    def value(there: Directed, back: Directed) -> float:
        if pooling == "pooled":
            return (there + back).percentile(percent)
        both = there.percentile(percent), back.percentile(percent)
        return max(both) if pooling == "directed_max" else sum(both) / 2

    pairs = surfaces.distances(surface=surface, edge=edge, neighbours=neighbours, unit=unit)
    return distance_of_each(pairs, value)


@metric(
    symbol="HD95",
    formula="max(95 % of d(P→T), 95 % of d(T→P))",
    bounds=POSITIVE,
    better="lower",
    unit="mm",
    idle=AREA_HAS_CORNERS,
    aliases=("hausdorff95", "hausdorff_95", "hd_95"),
    reference=HAUSDORFF,
)
def hd95(
    surfaces: Surfaces,
    *,
    surface: Element = "voxel",
    edge: Edge = "border",
    neighbours: Neighbours = "face",
    pooling: Pooling = "directed_max",
    unit: Unit = "mm",
) -> PerLabel:
    """Distance within which 95 % of both surfaces lie, in the worse direction.

    Tools mean different things by it: a profile such as `hd95[medpy]` gives the number of another tool.
    The knobs are those of `hdp`.
    """
    settings = {"surface": surface, "edge": edge, "neighbours": neighbours, "pooling": pooling, "unit": unit}
    value: PerLabel = hdp(surfaces, percent=95.0, **settings)
    return value


@surface_distance(symbol="ASSD", formula="(Σ d(P→T) + Σ d(T→P)) / (|∂P| + |∂T|)", reference=HEIMANN)
def assd(there: Directed, back: Directed) -> float:
    """Mean distance over the elements of both surfaces together."""
    return (there + back).mean()


@surface_distance(
    symbol="MASD",
    formula="½ (mean d(P→T) + mean d(T→P))",
    reference="Beneš and Zitová 2015, doi:10.1111/jmi.12186",
)
def masd(there: Directed, back: Directed) -> float:
    """Mean of the two mean distances: the larger surface weighs no more than the smaller."""
    return (there.mean() + back.mean()) / 2


@surface_distance(
    symbol="ASD P→T", formula="mean d(P→T)", reference=HEIMANN, aliases=("asd", "average_surface_distance")
)
def asd_pred_to_truth(there: Directed, back: Directed) -> float:
    """Mean distance from the predicted surface to the true one; blind to what was missed."""
    return there.mean()


@surface_distance(symbol="ASD T→P", formula="mean d(T→P)", reference=HEIMANN)
def asd_truth_to_pred(there: Directed, back: Directed) -> float:
    """Mean distance from the true surface to the predicted one; blind to false alarms."""
    return back.mean()


@surface_distance(symbol="MdSD", formula="median of d(P→T) ∪ d(T→P)", reference=HEIMANN)
def median_surface_distance(there: Directed, back: Directed) -> float:
    """Median distance over the elements of both surfaces together."""
    return (there + back).percentile(50.0)


@surface_distance(symbol="SDSD", formula="standard deviation of d(P→T) ∪ d(T→P)", reference=HEIMANN)
def sd_surface_distance(there: Directed, back: Directed) -> float:
    """Standard deviation of the distances of both surfaces together, as of a whole population."""
    return (there + back).deviation()


@metric(
    symbol="MSSD",
    formula="mean of ±d(P→T), negative inside T",
    bounds=(-math.inf, math.inf),
    better="zero",
    unit="mm",
    reference=HEIMANN,
)
def mean_signed_surface_distance(
    surfaces: Surfaces, *, edge: Edge = "border", neighbours: Neighbours = "face", unit: Unit = "mm"
) -> PerLabel:
    """How far the predicted surface lies outside the true one on average; negative if it is too small.

    Args:
        edge: as for the other distances.
        neighbours: as for the other distances.
        unit: `voxel` ignores the spacing and counts in voxels.
    """
    pairs = surfaces.signed_distances(edge=edge, neighbours=neighbours, unit=unit)
    return distance_of_each(pairs, lambda there, back: there.mean())
