"""Distances between the voxel sets of prediction and truth, their centroids and their spread.

A class that only one side has is infinitely far away; a class that neither has is undefined.
"""

import math

import numpy as np

from segeval.evidence.shapes import PerLabel
from segeval.evidence.surfaces.surface import Surfaces, Unit
from segeval.measure import metric
from segeval.metrics.boundary import POSITIVE, distance_of_each

TAHA = "Taha and Hanbury 2015, doi:10.1186/s12880-015-0068-x"


@metric(
    symbol="AVD",
    formula="½ (mean d(p, T) over P + mean d(t, P) over T)",
    bounds=POSITIVE,
    better="lower",
    unit="mm",
    reference=TAHA,
)
def average_hausdorff(surfaces: Surfaces, *, unit: Unit = "mm") -> PerLabel:
    """Mean distance from the voxels of either mask to the other mask; 0 for all voxels they share.

    Args:
        unit: `voxel` ignores the spacing and counts in voxels.
    """
    pairs = surfaces.distances(surface="set", unit=unit)
    return distance_of_each(pairs, lambda there, back: (there.mean() + back.mean()) / 2)


@metric(
    symbol="bAVD",
    formula="½ (Σ d(p, T) over P + Σ d(t, P) over T) / |T|",
    bounds=POSITIVE,
    better="lower",
    unit="mm",
    reference="Aydin et al. 2021, doi:10.1186/s41747-020-00200-2",
)
def balanced_average_hausdorff(surfaces: Surfaces, *, unit: Unit = "mm") -> PerLabel:
    """Average Hausdorff distance with both sums relative to the truth, so that a large prediction gains nothing.

    Args:
        unit: `voxel` ignores the spacing and counts in voxels.
    """
    pairs = surfaces.distances(surface="set", unit=unit)
    return distance_of_each(pairs, lambda there, back: (there.total() + back.total()) / (2 * back.size))


@metric(
    symbol="CD",
    formula="‖mean P − mean T‖",
    bounds=POSITIVE,
    better="lower",
    unit="mm",
    aliases=("cedi",),
    reference="Maier-Hein et al. 2024, doi:10.1038/s41592-023-02151-z",
)
def centroid_distance(surfaces: Surfaces, *, unit: Unit = "mm") -> PerLabel:
    """Distance between the centroids of the two masks.

    Args:
        unit: `voxel` ignores the spacing and counts in voxels.
    """
    pred, truth = surfaces.moments("pred"), surfaces.moments("truth")
    return _where_both(surfaces.lattice(unit).lengths((pred.mean - truth.mean).T), pred.n, truth.n)


@metric(
    symbol="MD",
    formula="√(δᵀ S⁻¹ δ), δ = mean P − mean T, S = pooled covariance",
    bounds=POSITIVE,
    better="lower",
    reference=TAHA,
)
def mahalanobis(surfaces: Surfaces) -> PerLabel:
    """Distance between the centroids relative to the spread of the masks; without unit, whatever the spacing."""
    pred, truth = surfaces.moments("pred"), surfaces.moments("truth")
    steps, n = pred.mean - truth.mean, pred.n + truth.n
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (pred.scatter + truth.scatter) / n[:, None, None]
    values = [_mahalanobis(*one) for one in zip(steps, spread, strict=True)]
    return _where_both(np.array(values, dtype=np.float64), pred.n, truth.n)


def _mahalanobis(step: np.ndarray, spread: np.ndarray) -> float:
    if not np.isfinite(step).all():
        return math.nan
    sizes, directions = np.linalg.eigh(spread)
    along = directions.T @ step
    flat = sizes <= 1e-12 * max(sizes[-1], 0.0)  # one voxel, or voxels in one plane
    if (np.abs(along[flat]) > 1e-9 * max(1.0, float(np.linalg.norm(step)))).any():
        return math.inf
    return float(np.sqrt((along[~flat] ** 2 / sizes[~flat]).sum()))


def _where_both(values: np.ndarray, n_pred: np.ndarray, n_truth: np.ndarray) -> PerLabel:
    """The values of classes that both sides have; inf where one has it, nan where neither."""
    one_sided = np.where((n_pred > 0) | (n_truth > 0), math.inf, math.nan)
    return np.where((n_pred > 0) & (n_truth > 0), values, one_sided)
