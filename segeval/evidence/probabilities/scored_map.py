"""The scored voxels of one probability map, and what is made of them in one pass."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from segeval.evidence.probabilities.channels import ProbMap
from segeval.evidence.probabilities.histogram import ProbHistogram, are_few
from segeval.evidence.probabilities.ranking import Detail, costs_little, too_wide
from segeval.evidence.probabilities.soft import ProbVoxels

FEW = 1 << 15  # voxels up to which sums are taken voxel by voxel


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredMap:
    """The probability of one class at some voxels.

    Args:
        map: (voxel,).
        truth: whether each voxel is the class.
        device: the torch device that counts; None for numpy.
    """

    map: ProbMap
    truth: np.ndarray
    device: str | None = None

    def voxels(self) -> ProbVoxels:
        """Every voxel, one by one."""
        p, rest = self.map.both_sides()
        truth = self.truth
        return ProbVoxels(
            truth=truth, count=np.ones(p.size), hit=np.where(truth, p, rest), miss=np.where(truth, rest, p)
        )

    def condensed(self) -> ProbVoxels:
        """Few entries with the same sums."""
        if self.map.is_coded:
            return self.histogram().voxels()
        return self.voxels() if self.truth.size <= FEW else self._built("moments", is_log_odds=self.map.is_log_odds)

    def histogram(self, detail: Detail = "curve") -> ProbHistogram:
        """Voxels by probability: exact up to 2^20 of them, and for maps in 8 or 16 bits; else as `detail` says."""
        if self.map.is_coded:
            return self._built("distinct", levels=self.map.levels)
        if detail == "exact" or are_few(self.truth.size):
            return ProbHistogram.of_values(self.map.stored, self.truth, is_log_odds=self.map.is_log_odds)
        n = self._built("ranks", is_log_odds=self.map.is_log_odds)
        in_bins = ProbHistogram.of_bins(n)
        if costs_little(detail, in_bins.positives, in_bins.negatives, in_bins.is_wide):
            return in_bins
        which = too_wide(detail, n)
        if not n[which].any():
            return in_bins
        values, truth = self._built("within", which, is_log_odds=self.map.is_log_odds)
        told_apart = ProbHistogram.of_values(values, truth, is_log_odds=self.map.is_log_odds)
        return ProbHistogram.of_bins(np.where(which, 0, n)).beside(told_apart)

    def _built(self, what: str, *before: Any, **options: Any) -> Any:
        arrays = self.map.stored, self.truth
        if self.device is None:
            from segeval.evidence.probabilities import soft_numpy

            return getattr(soft_numpy, what)(*before, *arrays, **options)
        import torch

        from segeval.evidence.probabilities import soft_torch

        tensors = (torch.from_numpy(np.ascontiguousarray(one)).to(self.device) for one in arrays)
        return getattr(soft_torch, what)(*before, *tensors, **options)
