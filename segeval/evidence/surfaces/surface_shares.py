"""How much of each surface lies near the other one: sums, which add up over cases as distances do not."""

from dataclasses import dataclass

import numpy as np

from segeval.evidence.additive import Additive
from segeval.evidence.shapes import PerLabel
from segeval.evidence.surfaces.distances import SurfacePair


@dataclass(frozen=True, kw_only=True)
class Shares(Additive):
    """For each side the size of its surface, and how much of it is within a tolerance of the other side.

    `bare` counts the cases in which both sides have the class and neither has a surface.
    """

    pred_within: PerLabel
    pred_size: PerLabel
    truth_within: PerLabel
    truth_size: PerLabel
    bare: PerLabel

    @classmethod
    def of_pair(cls, pair: SurfacePair, *, reach: float) -> "Shares":
        """The shares of one class of one case."""
        there, back, on = pair.pred_to_truth, pair.truth_to_pred, pair.presence
        return cls.of(
            pred_within=there.size_within(reach),
            pred_size=there.size,
            truth_within=back.size_within(reach),
            truth_size=back.size,
            bare=on.in_pred and on.in_truth and not on.on_pred and not on.on_truth,
        )

    def settled(self, value: PerLabel) -> PerLabel:
        """The value where there are two surfaces; 0 where one is missing, 1 for two masks without one."""
        has_pred, has_truth = self.pred_size > 0, self.truth_size > 0
        without = np.where(self.bare > 0, 1.0, np.nan)
        return np.where(has_pred & has_truth, value, np.where(has_pred | has_truth, 0.0, without))
