"""Voronoi cells of the true lesions: every voxel belongs to the lesion it is nearest to."""

import math
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import numpy as np

from segeval.evidence.additive import Kept
from segeval.evidence.grid import Lattice
from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.components import Components
from segeval.evidence.lesions.lesions import Found, Lesions
from segeval.evidence.masks import Voxels
from segeval.evidence.overlap.counts import Counts
from segeval.evidence.policies import EmptyDistance, distance_or_policy
from segeval.evidence.shapes import Int64, Mask
from segeval.evidence.surfaces.surface import Surfaces

_TIE = 1e-9  # relative; two lesions this equally near are equally near


@dataclass(frozen=True, kw_only=True)
class LesionCells:
    """The true lesions of a case, each against what is predicted in its cell.

    `ignored` are the voxels that count nowhere. `empty_distance` stands for the distance of a lesion to nothing.
    """

    lesions: Lesions
    ignored: Mask | None = None
    empty_distance: EmptyDistance = "inf"
    diagonal: float = math.inf
    # what several measures compare
    kept: Kept[Any] = field(default_factory=Kept, init=False, repr=False, compare=False)

    def in_voxels(self) -> "LesionCells":
        """The same where every voxel is a cube of length 1; another lesion may then be the nearest."""
        masks = replace(self.lesions.masks, spacing_mm=None, axes_mm=None)
        return replace(self, lesions=Lesions.of_masks(masks))

    def counts(self, found: Found) -> Counts:
        """Voxel counts of every cell; see `counts_per_lesion`."""
        return counts_per_lesion(found, self.lesions.masks.lattice)

    def surfaces(self, found: Found, *, name: str) -> Surfaces:
        """The surface of every lesion, and of what is predicted in its cell, cut where the cell ends.

        Args:
            name: of the class, which a tolerance may depend on.
        """
        masks = self.lesions.masks
        pred, truth = np.zeros((2, *masks.shape), dtype=np.int64)
        pred.reshape(-1)[found.pred.index] = cells_of(found.truth, found.pred.index, masks.lattice) + 1
        truth.reshape(-1)[found.truth.index] = found.truth.owner + 1
        each = [LabelClass(name=name, ids=(one + 1,)) for one in range(len(found.truth))]
        return Surfaces.of(
            pred, truth, classes=each, spacing_mm=masks.spacing_mm, axes_mm=masks.axes_mm, ignored=self.ignored
        )

    def distance(self, millimetres: float) -> float:
        """A distance with what the user chose where there is nothing to be near to."""
        return distance_or_policy(millimetres, policy=self.empty_distance, diagonal=self.diagonal)


def cells_of(truth: Components, index: Int64[np.ndarray, " voxel"], lattice: Lattice) -> Int64[np.ndarray, " voxel"]:
    """The nearest true lesion of each voxel (flat C-order index); of equally near ones the first.

    Args:
        truth: at least one lesion.
        lattice: how far apart voxels lie.
    """
    here = np.minimum(np.searchsorted(truth.index, index), len(truth.index) - 1)
    cell = truth.owner[here]
    outside = np.flatnonzero(truth.index[here] != index)
    cell[outside] = _nearest(truth, Voxels(index=index[outside], shape=truth.shape), lattice)
    return cell


def counts_per_lesion(found: Found, lattice: Lattice) -> Counts:
    """Voxel counts inside the cell of each true lesion, the lesion against what is predicted there.

    A cell ends where the next begins, not at a box round the lesion: it has no true negatives to
    speak of, and `tn` is 0.
    """
    pred, truth = found.pred.index, found.truth
    if not len(truth):
        return Counts(**dict.fromkeys(("tp", "fp", "fn", "tn"), np.zeros(0, dtype=np.int64)))
    cell, hit = cells_of(truth, pred, lattice), np.isin(pred, truth.index, assume_unique=True)
    tp = np.bincount(cell[hit], minlength=len(truth))
    fp = np.bincount(cell[~hit], minlength=len(truth))
    return Counts(tp=tp, fp=fp, fn=truth.n_voxels - tp, tn=np.zeros_like(tp))


def _nearest(lesions: Components, points: Voxels, lattice: Lattice) -> np.ndarray:
    """The nearest lesion of each voxel outside of them; where the axes are at right angles it is met at its surface."""
    from scipy.spatial import cKDTree

    if not len(points):
        return np.zeros(0, dtype=np.int64)
    targets = lesions.surface if lattice.axes is None else lesions
    where = lattice.places(points.coordinates)
    tree = cKDTree(lattice.places(targets.all_voxels.coordinates))
    equally_near = tree.query_ball_point(where, tree.query(where)[0] * (1 + _TIE))
    starts = np.cumsum([0, *map(len, equally_near[:-1])])
    nearest: np.ndarray = np.minimum.reduceat(targets.owner[list(chain.from_iterable(equally_near))], starts)
    return nearest
