"""Classes that a case has on neither side, and what every measure says of them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from segeval.evidence.grid import Grid
from segeval.evidence.labels import LabelClass
from segeval.evidence.overlap.counts import Counts, per_class_joint
from segeval.evidence.probabilities.channels import ProbMap
from segeval.evidence.probabilities.probabilities import ProbEvidence
from segeval.evidence.probabilities.scored_map import ClassImage
from segeval.evidence.probabilities.soft import SoftEvidence
from segeval.measure import MeasureCall


@dataclass(frozen=True, kw_only=True)
class AbsentClasses:
    """Evidence of classes without a voxel, in a case of so many scored voxels."""

    classes: tuple[LabelClass, ...]
    n_voxels: int
    grid: Grid

    @cached_property
    def counts(self) -> Counts:
        nothing = np.zeros(len(self.classes), dtype=np.int64)
        return Counts(tp=nothing, fp=nothing, fn=nothing, tn=np.full_like(nothing, self.n_voxels))

    def values(self, call: MeasureCall) -> Any:
        """One value per class. Surfaces that are nowhere and maps that nobody gave leave it undefined."""
        if issubclass(call.measure.needs[0], SoftEvidence):
            return ProbEvidence.of_counts(self.counts, None, in_space=self._in_space).values(call, "class")
        if call.measure.of_data_set or call.measure.reads("Surfaces", "ProbMaps"):
            return np.full(len(self.classes), np.nan)
        return call(*(self._piece(piece.__name__) for piece in call.measure.evidence))

    def _piece(self, name: str) -> Any:
        match name:
            case "Counts":
                return self.counts
            case "Joint":
                return per_class_joint(self.counts)
            case "Grid":
                return self.grid
        return self._of_masks(name)

    def _of_masks(self, name: str) -> Any:
        """What is made of the voxels of a class, of which there are none."""
        from segeval.evidence.lesions.lesions import Lesions
        from segeval.evidence.lesions.voronoi import LesionCells
        from segeval.evidence.masks import Masks
        from segeval.evidence.topology import Skeletons, Topology

        masks = Masks(
            images=None,
            classes=self.classes,
            which=tuple(range(len(self.classes))),
            shape=self.grid.shape,
            spacing_mm=self.grid.spacing_mm,
        )
        lesions = Lesions.of_masks(masks)
        match name:
            case "Masks":
                return masks
            case "Lesions":
                return lesions
            case "LesionCells":
                return LesionCells(lesions=lesions)
            case "Topology":
                return Topology(masks=masks)
        return Skeletons.of_masks(masks)

    def _in_space(self, index: int) -> ClassImage:
        nothing = np.broadcast_to(np.zeros((), dtype=bool), self.grid.shape)
        return ClassImage.of(ProbMap(stored=nothing.view(np.uint8), levels=np.array([0.0, 1.0])), nothing)
