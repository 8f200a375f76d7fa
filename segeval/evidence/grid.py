"""The voxel grid of a case: its shape and what one voxel measures."""

import math
from dataclasses import dataclass

from segeval.evidence.shapes import SpacingMm


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Shape and spacing, both in array axis order; `spacing_mm=None` means pixels without a size."""

    shape: tuple[int, ...]
    spacing_mm: SpacingMm | None = None

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in ml; nan for 2-D images and without spacing, which have no volume."""
        if self.spacing_mm is None or len(self.shape) != 3:
            return math.nan
        return math.prod(self.spacing_mm) / 1000.0

    @property
    def diagonal(self) -> float:
        """Length of the image's diagonal, in mm, or in voxels without spacing."""
        steps = self.spacing_mm or (1.0,) * len(self.shape)
        return math.hypot(*(n * step for n, step in zip(self.shape, steps, strict=True)))
