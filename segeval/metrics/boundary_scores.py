"""How much of the surfaces agrees within a tolerance: from 0 to 1, higher is better.

A class that only one side has scores 0; a class that neither has is undefined.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import numpy as np

from segeval.core.bands import Band, BandRule, band_overlap
from segeval.core.builders.elements import Edge, Metric, Neighbours
from segeval.core.distances import Directed, SurfacePair, within
from segeval.core.shapes import PerLabel
from segeval.core.surface import Element, Surfaces, Unit
from segeval.errors import ConfigError
from segeval.measure import PerClass, metric

UNIT = (0.0, 1.0)
SLACK = 1e-6

Tolerance = float | PerClass | Literal["min_spacing"]


@metric(
    symbol="NSD",
    formula="(|d(P→T) ≤ τ| + |d(T→P) ≤ τ|) / (|∂P| + |∂T|)",
    bounds=UNIT,
    better="higher",
    aliases=("surface_dice",),
    in_column=("tolerance_mm",),
    reference="Nikolov et al. 2021, doi:10.2196/26151",
)
def nsd(
    surfaces: Surfaces,
    *,
    tolerance_mm: Tolerance = 1.0,
    surface: Element = "area",
    edge: Edge = "border",
    neighbours: Neighbours = "face",
    pooling: Literal["pooled", "directed_mean"] = "pooled",
    unit: Unit = "mm",
    slack: float = SLACK,
) -> PerLabel:
    """Share of the two surfaces that lies within a tolerance of the other (normalised surface Dice).

    Args:
        tolerance_mm: inclusive; one number, or one for each class. The default is a placeholder, not
            advice: take what two experts differ by.
        surface: weighs by area, or counts voxels.
        edge: as for the distances.
        neighbours: as for the distances.
        pooling: the share of both surfaces together, or the mean of the two shares.
        unit: `voxel` ignores the spacing, and the tolerance is in voxels.
        slack: relative allowance for rounding.
    """

    def value(there: Directed, back: Directed, reach: float) -> float:
        if pooling == "pooled":
            return (there + back).share_within(reach)
        return (there.share_within(reach) + back.share_within(reach)) / 2

    pairs = surfaces.distances(surface=surface, edge=edge, neighbours=neighbours, unit=unit)
    return _score_of_each(pairs, _reaches(surfaces, tolerance_mm, unit, slack), value)


@metric(
    symbol="BF",
    formula="2PR / (P + R), P = share of ∂P within τ of ∂T, R = share of ∂T within τ of ∂P",
    bounds=UNIT,
    better="higher",
    aliases=("bf_score",),
    in_column=("tolerance_mm",),
    reference="Csurka et al. 2013, doi:10.5244/C.27.32",
)
def boundary_f1(
    surfaces: Surfaces,
    *,
    tolerance_mm: Tolerance = 1.0,
    surface: Element = "voxel",
    edge: Edge = "border",
    neighbours: Neighbours = "face",
    unit: Unit = "mm",
    slack: float = SLACK,
) -> PerLabel:
    """Harmonic mean of the shares of the two surfaces that lie within a tolerance of the other.

    The knobs are those of `nsd`.
    """

    def value(there: Directed, back: Directed, reach: float) -> float:
        precision, recall = there.share_within(reach), back.share_within(reach)
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    pairs = surfaces.distances(surface=surface, edge=edge, neighbours=neighbours, unit=unit)
    return _score_of_each(pairs, _reaches(surfaces, tolerance_mm, unit, slack), value)


@metric(
    symbol="bIoU",
    formula="|P_w ∩ T_w| / |P_w ∪ T_w|, X_w = voxels of X within w of ∂X",
    bounds=UNIT,
    better="higher",
    reference="Cheng et al. 2021, arXiv:2103.16562",
)
def boundary_iou(
    surfaces: Surfaces,
    *,
    width_mm: float | None = None,
    rule: Literal["le", "lt"] = "le",
    band: Band = "surface",
    metric: Metric = "euclidean",
    edge: Edge = "border",
    neighbours: Neighbours = "face",
    unit: Unit = "mm",
) -> PerLabel:
    """Overlap of the two boundary bands, relative to their union.

    Args:
        width_mm: of the bands; by default 2 % of the image diagonal. 0 is the layer of surface voxels.
        rule: whether a voxel at exactly the width is in the band (`le`) or not (`lt`).
        band: measured from the surface voxels of the mask, or from the background.
        metric: chessboard distance to the background is the erosion of the original code.
        edge: as for the distances.
        neighbours: as for the distances.
        unit: `voxel` ignores the spacing, and the width is in voxels.
    """
    width = 0.02 * surfaces.diagonal(unit) if width_mm is None else _checked("width_mm", width_mm)
    inclusive = within(width, spacing=surfaces.spacing(unit), slack=SLACK)
    reach = inclusive if rule == "le" else float(np.nextafter(width, -math.inf))
    settings = BandRule(reach=reach, band=band, metric=metric, unit=unit, edge=edge, neighbours=neighbours)
    presence = surfaces.presence(surface="voxel", edge=edge, neighbours=neighbours)
    values = [
        one.settle(partial(band_overlap, surfaces, index, settings), alike=1.0, apart=0.0)
        for index, one in enumerate(presence)
    ]
    return np.array(values, dtype=np.float64)


def _reaches(surfaces: Surfaces, tolerance: Tolerance, unit: Unit, slack: float) -> list[float]:
    """For every class the largest distance that is within its tolerance."""
    spacing = surfaces.spacing(unit)
    each = [min(spacing) if tolerance == "min_spacing" else _of_class(tolerance, c.name) for c in surfaces.classes]
    return [within(_checked("tolerance_mm", one), spacing=spacing, slack=slack) for one in each]


def _of_class(tolerance: float | PerClass, name: str) -> float:
    if not isinstance(tolerance, PerClass):
        return tolerance
    if name not in tolerance:
        known = ", ".join(map(str, tolerance)) or "none"
        raise ConfigError(f"tolerance_mm has no value for class {name!r}, only for: {known}. Add one.")
    return tolerance[name]


def _checked(knob: str, value: float) -> float:
    if not value >= 0:
        raise ConfigError(f"{knob}={value:g} is negative. Use 0 or more.")
    return value


def _score_of_each(pairs: Sequence[SurfacePair], reaches: Sequence[float], value: Callable[..., float]) -> PerLabel:
    """The value for every class: 0 if a surface is missing on one side only, 1 for two masks without one."""
    scores = [
        pair.settle(partial(value, reach=reach), alike=1.0, apart=0.0)
        for pair, reach in zip(pairs, reaches, strict=True)
    ]
    return np.array(scores, dtype=np.float64)
