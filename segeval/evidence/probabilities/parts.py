"""What is known of a part of a map, so that the parts of an image add up to what the whole would have been.

The sums of cases are made of condensed entries, which lose a little each time. Those of the parts of one image are the
tables below: of moments, from which the entries of the whole follow, and of voxels by fine bin. Which bins hold voxels
that have to be told apart is known at the end, so that another pass over the image collects these. Until then formulas
get one voxel of either kind in place of a histogram or of condensed entries: what they make of it is not looked at.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities import bins
from segeval.evidence.probabilities.bins import Detail, too_wide
from segeval.evidence.probabilities.histogram import ProbHistogram, are_few
from segeval.evidence.probabilities.soft import ProbVoxels


@dataclass(frozen=True, kw_only=True, eq=False)
class HistogramOfPart(ProbHistogram):
    """Stands for the histogram of a channel, as finely as `detail` says, until all parts are known."""

    channel: LabelClass | None
    detail: Detail

    @classmethod
    def standing_for(cls, channel: LabelClass | None, detail: Detail) -> "HistogramOfPart":
        """A histogram of two voxels."""
        half, one = np.array([0.5]), np.array([1])
        return cls(
            thresholds=half,
            p=half,
            rest=half,
            positives=one,
            negatives=one,
            is_wide=np.array([False]),
            channel=channel,
            detail=detail,
        )

    def __add__(self, other: Any) -> "HistogramOfPart":
        return self

    def mixed(self, n: np.ndarray) -> np.ndarray:
        """The bins whose voxels are to be told apart, (truth, upper, bin).

        Args:
            n: voxels of the whole by fine bin, in the same shape.
        """
        if self.detail == "exact" or are_few(int(n.sum())):
            return n > 0
        return too_wide(self.detail, n) & (n > 0)

    def settled(self, n: np.ndarray, told: ProbHistogram | None) -> ProbHistogram:
        """The histogram of the whole, with the voxels of its mixed bins told apart."""
        if told is None:
            return ProbHistogram.of_bins(n)
        rest = np.where(self.mixed(n), 0, n)
        if not rest.any():
            return told
        return replace(ProbHistogram.of_bins(rest).beside(told), halved=told.halved)


@dataclass(frozen=True, kw_only=True, eq=False)
class SumsOfPart:
    """Sums over the voxels of a part: moments, or for few distinct probabilities the voxels of each."""

    table: np.ndarray | ProbHistogram
    voxels: ProbVoxels = field(default_factory=lambda: HistogramOfPart.standing_for(None, "bins").voxels())

    def __add__(self, other: "SumsOfPart") -> "SumsOfPart":
        return SumsOfPart(table=self.table + other.table)

    def settled(self) -> ProbVoxels:
        """Entries with these sums."""
        return self.table.voxels() if isinstance(self.table, ProbHistogram) else bins.voxels_of_moments(self.table)
