"""One class in the shape of the image, for the losses to which it matters where a voxel lies."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from segeval.evidence.probabilities.channels import ProbMap
from segeval.evidence.probabilities.scored_map import ScoredMap
from segeval.evidence.probabilities.soft import ProbVoxels
from segeval.evidence.shape_words import Bool
from segeval.evidence.shapes import Box, Mask


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassImage:
    """The probability of a class, and both its masks; voxels that count nowhere are outside of these.

    `scored` says which voxels count; None for all of them.
    """

    map: ProbMap
    pred: Mask
    truth: Mask
    scored: Mask | None = None

    @classmethod
    def of(cls, one: ProbMap, truth: Mask, *, scored: Mask | None = None) -> "ClassImage":
        """The class is predicted where p >= 0.5."""
        pred = one.at_least_half()
        if scored is not None:
            pred, truth = pred & scored, truth & scored
        return cls(map=one, pred=pred, truth=truth, scored=scored)

    def cropped(self, box: Box) -> "ClassImage":
        """The same in a part of the image."""
        scored = None if self.scored is None else self.scored[box]
        stored = replace(self.map, stored=self.map.stored[box])
        return ClassImage(map=stored, pred=self.pred[box], truth=self.truth[box], scored=scored)

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
    box = []
    for axis in range(mask.ndim):
        found = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        box.append(slice(int(found[0]), int(found[-1]) + 1) if found.size else slice(0, 0))
    return tuple(box)
