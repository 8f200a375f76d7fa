"""One prediction with its truth, on one voxel grid: what the engine works on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from segeval.evidence.arrays import on_host
from segeval.evidence.grid import Grid
from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.instance_maps import InstanceMap
from segeval.evidence.probabilities.channels import Channels
from segeval.evidence.shapes import AxesMm, Labels, SpacingMm


@dataclass(frozen=True, kw_only=True)
class Confidences:
    """What a file says of the candidates of a case: their confidence by class name and id."""

    source: str
    of: Mapping[tuple[str, int], float]


@dataclass(frozen=True, kw_only=True)
class Case:
    """Two label images of one shape, and what is known of their grid.

    Both are numpy arrays, or tensors that stay on a device; `probs` is what they are.
    `spacing_mm` is in array axis order; None means pixels without a size. `axes_mm` are the axes of a sheared grid, see
    `segeval.evidence.grid.skewed_axes`. `pred_spacing_mm` is what the header of the prediction says where that is
    something else, and nobody minds. `probs` are what `pred` was cut from.
    `instances` are the lesions of both sides, None where connected components are the lesions; `confidences`
    are those of the predicted ones, where a table gives them.
    Classes may overlap: `claims` says which of them share the voxels of an id, in `pred` or in `truth`.
    """

    case_id: str
    pred: Labels
    truth: Labels
    spacing_mm: SpacingMm | None = None
    axes_mm: AxesMm | None = None
    pred_spacing_mm: SpacingMm | None = None
    probs: Channels | None = None
    instances: tuple[InstanceMap | None, InstanceMap | None] = (None, None)
    confidences: Confidences | None = None
    claims: Mapping[int, tuple[LabelClass, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.truth.shape)

    @property
    def grid(self) -> Grid:
        return Grid(shape=self.shape, spacing_mm=self.spacing_mm, axes_mm=self.axes_mm)

    def on_host(self) -> "Case":
        """The same case as numpy arrays."""
        if isinstance(self.truth, np.ndarray):
            return self
        probs = None if self.probs is None else self.probs.on_host()
        return replace(self, pred=on_host(self.pred), truth=on_host(self.truth), probs=probs)

    def members(self, classes: Sequence[LabelClass]) -> tuple[LabelClass, ...]:
        """The classes with all ids that stand for them here: what several of them share has an id of its own."""
        if not self.claims:
            return tuple(classes)
        shared = self.claims.items()
        return tuple(replace(row, ids=(*row.ids, *(label for label, rows in shared if row in rows))) for row in classes)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A slab of a case, and the same with its neighbours.

    Attributes:
        case: the slab itself.
        around: the labels of the slab, and of as much as was asked for on both sides of it.
        core: where the slab lies along the axis of `around` on which it was cut.
    """

    case: Case
    around: Case
    core: slice


@dataclass(frozen=True, kw_only=True)
class TiledCase:
    """A case that is too large to be held as a whole.

    Attributes:
        axis: along which it is cut into slabs.
        tiles: reads it anew, with so many voxels along the axis on both sides of each slab, and as many times thinner
            slabs as are to leave room for something else.
        most_bytes: that a slab and what is kept of the others may take.
    """

    case_id: str
    shape: tuple[int, ...]
    axis: int
    tiles: Callable[[int, int], Iterator[Tile]]
    most_bytes: int
    spacing_mm: SpacingMm | None = None
    axes_mm: AxesMm | None = None

    @property
    def grid(self) -> Grid:
        return Grid(shape=self.shape, spacing_mm=self.spacing_mm, axes_mm=self.axes_mm)
