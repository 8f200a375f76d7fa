"""The voxels of one probability map: in a row, counted in one pass, or in the shape of the image."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from segeval.evidence.arrays import on_device, on_host
from segeval.evidence.grid import Lattice
from segeval.evidence.probabilities.bins import Detail, too_wide
from segeval.evidence.probabilities.channels import ProbMap
from segeval.evidence.probabilities.histogram import ProbHistogram, are_few
from segeval.evidence.probabilities.parts import SumsOfPart
from segeval.evidence.probabilities.soft import ProbVoxels
from segeval.evidence.shapes import Bool, Box, Mask

FEW = 1 << 15  # voxels up to which sums are taken voxel by voxel


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredMap:
    """The probability of one class at some voxels.

    Args:
        map: (voxel,).
        truth: whether each voxel is the class; a tensor where the map is one.
        device: the torch device that counts; None for numpy.
    """

    map: ProbMap
    truth: Any
    device: str | None = None

    def voxels(self) -> ProbVoxels:
        """Every voxel, one by one, on the CPU."""
        p, rest = self.map.on_host().both_sides()
        truth = on_host(self.truth)
        return ProbVoxels(
            truth=truth, count=np.ones(p.size), hit=np.where(truth, p, rest), miss=np.where(truth, rest, p)
        )

    def condensed(self) -> ProbVoxels:
        """Few entries with the same sums."""
        if self.map.is_coded:
            return self.histogram().voxels()
        return self.voxels() if len(self.truth) <= FEW else self._built("moments", is_log_odds=self.map.is_log_odds)

    def sums_of_part(self) -> SumsOfPart:
        """The same of a part of an image."""
        if self.map.is_coded:
            return SumsOfPart(table=self.histogram())
        from segeval.evidence.probabilities.soft_numpy import moment_table

        return SumsOfPart(table=moment_table(self.map.stored, self.truth, is_log_odds=self.map.is_log_odds))

    def ranks(self) -> np.ndarray:
        """Voxels by fine bin, (truth, upper, bin)."""
        n: np.ndarray = self._built("ranks", is_log_odds=self.map.is_log_odds)
        return n

    def within(self, which: np.ndarray) -> ProbHistogram:
        """The voxels in some of the fine bins, told apart."""
        values, truth = self._built("within", which, is_log_odds=self.map.is_log_odds)
        return ProbHistogram.of_values(values, truth, is_log_odds=self.map.is_log_odds)

    def histogram(self, detail: Detail = "curve") -> ProbHistogram:
        """Voxels by probability: exact up to 2^20 of them, and for maps in 8 or 16 bits; else as `detail` says."""
        if self.map.is_coded:
            return self._built("distinct", levels=self.map.levels)
        if detail == "exact" or are_few(len(self.truth)):
            values, truth = on_host(self.map.stored), on_host(self.truth)
            return ProbHistogram.of_values(values, truth, is_log_odds=self.map.is_log_odds)
        n = self.ranks()
        which = too_wide(detail, n)
        if not n[which].any():
            return ProbHistogram.of_bins(n)
        return ProbHistogram.of_bins(np.where(which, 0, n)).beside(self.within(which))

    def _built(self, what: str, *before: Any, **options: Any) -> Any:
        arrays = self.map.stored, self.truth
        if self.device is None:
            from segeval.evidence.probabilities import soft_numpy

            return getattr(soft_numpy, what)(*before, *arrays, **options)
        from segeval.evidence.probabilities import soft_torch

        return getattr(soft_torch, what)(*before, *(on_device(array, self.device) for array in arrays), **options)


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassImage:
    """One class in the shape of the image, for the losses to which it matters where a voxel lies.

    It has the map of the class and both its masks; voxels that count nowhere are outside of these. `scored` says
    which voxels count, None for all of them, `lattice` how far apart they lie.
    """

    map: ProbMap
    pred: Mask
    truth: Mask
    scored: Mask | None = None
    lattice: Lattice | None = None

    @classmethod
    def of(cls, prob_map: ProbMap, truth: Mask, *, scored: Mask | None = None) -> "ClassImage":
        """The class is predicted where p >= 0.5."""
        pred = prob_map.at_least_half()
        if scored is not None:
            pred, truth = pred & scored, truth & scored
        return cls(map=prob_map, pred=pred, truth=truth, scored=scored)

    @cached_property
    def box(self) -> Box:
        """A box that holds all of a mask, predicted and true, and the voxels beside it; of a map the whole image."""
        if not self.map.is_mask:
            return tuple(slice(0, n) for n in self.truth.shape)
        tight = box_of(self.pred | self.truth)
        return tuple(
            slice(max(side.start - 1, 0), min(side.stop + 1, n))
            for side, n in zip(tight, self.truth.shape, strict=True)
        )

    def cropped(self, box: Box) -> "ClassImage":
        """The same in a part of the image."""
        scored = None if self.scored is None else self.scored[box]
        stored = replace(self.map, stored=self.map.stored[box])
        return replace(self, map=stored, pred=self.pred[box], truth=self.truth[box], scored=scored)

    def weighted(self, where: Bool[np.ndarray, "*space"], weights: Any) -> ProbVoxels:
        """The scored voxels of a part of the image, one by one, with their weights.

        Args:
            where: the part.
            weights: one for all of them, or an image.
        """
        if self.scored is not None:
            where = where & self.scored
        part = ScoredMap(map=replace(self.map, stored=self.map.stored[where]), truth=self.truth[where])
        return replace(part.voxels(), weight_map=np.broadcast_to(weights, where.shape)[where])


def box_of(mask: Mask) -> Box:
    """The smallest box around a mask; without a voxel for an empty one."""
    box: dict[int, slice] = {}
    apart = sorted(range(mask.ndim), key=lambda axis: -abs(mask.strides[axis]))
    left = mask.transpose(apart)  # what lies together in memory is folded in one go
    for axis in apart:
        found = np.flatnonzero(left.any(axis=tuple(range(1, left.ndim))))
        box[axis] = slice(int(found[0]), int(found[-1]) + 1) if found.size else slice(0, 0)
        left = left.any(axis=0)
    return tuple(box[axis] for axis in range(mask.ndim))
