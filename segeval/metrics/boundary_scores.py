"""How much of the surfaces agrees within a tolerance: from 0 to 1, higher is better.

A class that only one side has scores 0; a class that neither has is undefined.
"""

from typing import Literal

import numpy as np

from segeval.evidence.shapes import PerLabel
from segeval.evidence.surfaces.bands import SLACK, Band, Bands, Rule
from segeval.evidence.surfaces.elements import Edge, Metric, Neighbours
from segeval.evidence.surfaces.surface import Element, Unit
from segeval.evidence.surfaces.surface_shares import Shares, Tolerance
from segeval.measure import Idle, metric, ratio
from segeval.metrics.boundary import AREA_HAS_CORNERS

UNIT = (0.0, 1.0)


@metric(
    symbol="NSD",
    formula="(|d(P→T) ≤ τ| + |d(T→P) ≤ τ|) / (|∂P| + |∂T|)",
    bounds=UNIT,
    better="higher",
    aliases=("surface_dice", "normalized_surface_dice"),
    in_column=("tolerance_mm",),
    idle=AREA_HAS_CORNERS,
    reference="Nikolov et al. 2021, doi:10.2196/26151",
)
def nsd(
    shares: Shares,
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
        tolerance_mm: inclusive; one number, or one for each class such as `liver:1;spleen:2`. The default is
            a placeholder, not advice: take what two experts differ by.
        surface: weighs by area, that of a mesh of triangles with `mesh`, or counts voxels.
        edge: as for the distances.
        neighbours: as for the distances.
        pooling: the share of both surfaces together, or the mean of the two shares.
        unit: `voxel` ignores the spacing, and the tolerance is in voxels.
        slack: relative allowance for rounding.
    """
    if pooling == "directed_mean":
        return shares.settled((_near_truth(shares) + _near_pred(shares)) / 2)
    return shares.settled(ratio(shares.pred_within + shares.truth_within, shares.pred_size + shares.truth_size))


@metric(
    symbol="BF",
    formula="2PR / (P + R), P = share of ∂P within τ of ∂T, R = share of ∂T within τ of ∂P",
    bounds=UNIT,
    better="higher",
    aliases=("bf_score",),
    in_column=("tolerance_mm",),
    idle=(*AREA_HAS_CORNERS, Idle(("tolerance_mm",), "tolerance_diagonal", lambda share: share is not None, "none")),
    limits={"tolerance_diagonal": UNIT},
    reference="Csurka et al. 2013, doi:10.5244/C.27.32",
)
def boundary_f1(
    shares: Shares,
    *,
    tolerance_mm: Tolerance = 1.0,
    tolerance_diagonal: float | None = None,
    surface: Element = "voxel",
    edge: Edge = "border",
    neighbours: Neighbours = "face",
    unit: Unit = "mm",
    slack: float = SLACK,
) -> PerLabel:
    """Harmonic mean of the shares of the two surfaces that lie within a tolerance of the other.

    The other knobs are those of `nsd`.

    Args:
        tolerance_diagonal: a share of the image diagonal, such as 0.0075, in place of `tolerance_mm`.
    """
    precision, recall = _near_truth(shares), _near_pred(shares)
    return shares.settled(np.nan_to_num(ratio(2 * precision * recall, precision + recall)))


@metric(
    symbol="bIoU",
    formula="|P_w ∩ T_w| / |P_w ∪ T_w|, X_w = voxels of X within w of ∂X",
    bounds=UNIT,
    better="higher",
    idle=(Idle(("neighbours",), "band", "background".__eq__, "surface"),),
    reference="Cheng et al. 2021, arXiv:2103.16562",
)
def boundary_iou(
    bands: Bands,
    *,
    width_mm: float | None = None,
    rule: Rule = "le",
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
    return bands.settled(ratio(bands.both, bands.either))


def _near_truth(shares: Shares) -> PerLabel:
    return ratio(shares.pred_within, shares.pred_size)


def _near_pred(shares: Shares) -> PerLabel:
    return ratio(shares.truth_within, shares.truth_size)
