"""One class where its voxels lie, for the losses of its border, its middle line and its objects."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np

from segeval.errors import DataError
from segeval.evidence.additive import Kept
from segeval.evidence.arrays import LOG_FLOOR, Lazy, constant, namespace, neg_log, sums_by
from segeval.evidence.grid import Lattice
from segeval.evidence.probabilities.scored_map import ClassImage, box_of
from segeval.evidence.probabilities.soft import SoftEvidence
from segeval.evidence.space.neighbours import inner_part, soft_skeleton
from segeval.evidence.space.weight_maps import objects_of

Units = Literal["mm", "voxel"]
Empty = Literal["zero", "diagonal"]
Side = Literal["pred", "truth"]


@dataclass(frozen=True, kw_only=True, eq=False)
class InSpace(SoftEvidence):
    """Probabilities and truth as images, (..., *space), numpy or torch; both 0 where a voxel does not count.

    The border of a mask lies between its voxels and those beside it; the outside of the image has none. Distances are
    those between voxel centres, and carry no gradient.

    Args:
        p: probability of the class.
        y: its truth, 0 or 1.
        costs: gives -ln p_t of every voxel.
        kept: 1 where a voxel counts; None where all do.
        n_axes: of space.
        lattice: how far apart voxels lie; None for one step along each axis.
        n_scored: voxels of the whole image that count, where this is the part of it with all of the class.
        around: voxels of the image before and after that part, along each axis.
        is_mask: whether `p` is 0 or 1, as `y` is in any case; numpy only.
    """

    voxels: Any = None
    p: Any
    y: Any
    costs: Callable[[], Any]
    kept: Any = None
    n_axes: int
    lattice: Lattice | None = None
    n_scored: int | None = None
    around: tuple[tuple[int, int], ...] | None = None
    is_mask: bool = False
    _kept: Kept[Any] = field(default_factory=Kept, repr=False)
    on_map: ClassVar[bool] = True

    @classmethod
    def of_image(cls, voxels: Any, image: ClassImage) -> "InSpace":
        """From a class of a case; of a mask the box around both sides does: no loss has a cost elsewhere."""
        n_scored = image.truth.size if image.scored is None else int(image.scored.sum())
        box = image.box
        around = tuple((side.start, n - side.stop) for side, n in zip(box, image.truth.shape, strict=True))
        image = image.cropped(box)
        p, rest = (side.reshape(image.truth.shape) for side in image.map.both_sides())
        kept = None if image.scored is None else image.scored.astype(np.float64)
        truth, is_mask = image.truth, image.map.is_mask
        return cls(
            p=p if kept is None else p * kept,
            y=truth.astype(np.float64),
            costs=lambda: _costs(p, rest, truth, is_mask=is_mask),
            kept=kept,
            n_axes=truth.ndim,
            lattice=image.lattice,
            n_scored=n_scored,
            around=around,
            is_mask=is_mask,
        )

    @property
    def space(self) -> tuple[int, ...]:
        """The axes of space, from the end."""
        return tuple(range(-self.n_axes, 0))

    @Lazy
    def nll(self) -> Any:
        """-ln p_t."""
        return self.costs()

    @Lazy
    def n(self) -> Any:
        """Voxels that count."""
        if self.n_scored is not None:
            return np.float64(self.n_scored)
        return self.summed(namespace(self.y).ones_like(self.y))

    def summed(self, values: Any) -> Any:
        """Sum over the voxels that count."""
        return (values if self.kept is None else values * self.kept).sum(self.space)

    def mean(self, values: Any) -> Any:
        """Mean over the voxels that count."""
        return self.summed(values) / namespace(self.n).clip(self.n, 1.0, None)

    def smallest_step(self, units: Units) -> float:
        """The shortest side of a voxel."""
        return min(self._steps(units))

    def depths(self, units: Units, *, of: Side = "truth", empty: Empty = "zero") -> tuple[Any, Any]:
        """Distance to the nearest voxel outside, for voxels of a mask, and to the mask, for the others.

        Args:
            units: of the distance.
            of: the truth, or what is predicted with p >= 0.5.
            empty: without a border all distances are 0, or the diagonal of the image.
        """
        steps = self._steps(units)

        def computed() -> Any:
            masks = self.y > 0.5 if of == "truth" else constant(self.p) >= 0.5
            far = 0.0
            if empty == "diagonal":
                far = math.hypot(*(n * step for n, step in zip(self._whole_shape, steps, strict=True)))
            return self._of_each_image(masks, partial(_both_depths, steps=steps, far=far))

        both = self._kept.get((of, steps, empty), computed)
        return both[0], both[1]

    def skeleton(self, of: Side, iterations: int) -> Any:
        """The soft middle lines of the truth, or of the probabilities."""

        def computed() -> Any:
            image = self.y if of == "truth" else self.p
            is_mask = isinstance(image, np.ndarray) and (of == "truth" or self.is_mask)
            small = image.astype(np.int8) if is_mask else image  # which is as exact, and an eighth of the work
            found = soft_skeleton(small, n_axes=self.n_axes, iterations=iterations)
            return found.astype(np.float64) if is_mask else found

        return self._kept.get((of, iterations), computed)

    def most_outside(self, units: Units) -> Any:
        """The largest distance of a voxel of the image to the truth."""
        depth = self.depths(units)[1]
        most = namespace(depth).amax(depth, self.space, keepdims=True)
        if self.around is None or not any(map(any, self.around)) or not self.y.any():
            return most
        return np.maximum(most, _most_beyond(self.y > 0.5, self.around, self._steps(units)))

    @property
    def _whole_shape(self) -> tuple[int, ...]:
        around = self.around or ((0, 0),) * self.n_axes
        shape = self.y.shape[-self.n_axes :]
        return tuple(before + n + after for n, (before, after) in zip(shape, around, strict=True))

    def depth_inside(self, units: Units, *, of: Side) -> Any:
        """For voxels of the truth, or with p > 0.5, the distance to the nearest voxel outside; 0 without a border."""
        steps = self._steps(units)
        if (of, steps, "zero") in self._kept and (of == "truth" or self.is_mask):  # or it has those with p = 0.5, too
            return self.depths(units, of=of)[0]
        masks = self.y > 0.5 if of == "truth" else constant(self.p) > 0.5
        return self._of_each_image(masks, lambda mask: _depth_inside(mask, steps)[None])[0]

    @Lazy
    def objects(self) -> Any:
        """Connected objects of the truth, numbered in each image from 1; 0 elsewhere."""
        return self._of_each_image(self.y > 0.5, lambda mask: objects_of(mask)[None])[0]

    def in_objects(self, values: Any) -> Any:
        """Sums of values over each object, (..., object); 0 for numbers that an image does not reach."""
        lead = self.objects.shape[: self.objects.ndim - self.n_axes]
        ids, flat = (array.reshape(*lead, -1) for array in (self.objects, values))
        return sums_by(ids, flat, int(ids.max()) + 1)[..., 1:]

    @Lazy
    def rim(self) -> Any:
        """Voxels of the truth with a side to the outside, or to the edge of the image."""
        return (self.y - inner_part(self.y, n_axes=self.n_axes)).sum(self.space)

    def _steps(self, units: Units) -> tuple[float, ...]:
        if units == "voxel" or self.lattice is None:
            return (1.0,) * self.n_axes
        if self.lattice.axes is not None:
            raise DataError(
                "the axes are not at right angles, and this loss measures along them. Take units=voxel; where a group "
                "has brought it, name measures in place of shape_losses or all."
            )
        return self.lattice.spacing

    def _of_each_image(self, masks: Any, function: Callable[[np.ndarray], np.ndarray]) -> Any:
        """What a function in numpy makes of each mask: some images, the first axis of the result."""
        if isinstance(masks, np.ndarray):
            return function(masks)
        flat = masks.detach().cpu().numpy().reshape(-1, *masks.shape[-self.n_axes :])
        found = np.stack([function(mask) for mask in flat], axis=1)
        made = namespace(self.y).from_numpy(found).reshape(-1, *masks.shape)
        return made.to(self.p) if found.dtype.kind == "f" else made.to(self.p.device)


def _both_depths(mask: np.ndarray, *, steps: tuple[float, ...], far: float) -> np.ndarray:
    """Depths inside and outside of a mask, all `far` where it has no border."""
    from scipy import ndimage

    if mask.all() or not mask.any():
        return np.stack([far * mask, far * ~mask])
    return np.stack([_depth_inside(mask, steps), ndimage.distance_transform_edt(~mask, sampling=steps)])


def _depth_inside(mask: np.ndarray, steps: tuple[float, ...]) -> np.ndarray:
    """The nearest voxel outside is one in or beside the box around a mask."""
    from scipy import ndimage

    depth = np.zeros(mask.shape)
    box = tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in box_of(mask))
    if not mask[box].all():
        depth[box] = ndimage.distance_transform_edt(mask[box], sampling=steps)
    return depth


def _most_beyond(mask: np.ndarray, around: tuple[tuple[int, int], ...], steps: tuple[float, ...]) -> float:
    """Largest distance to a mask of the voxels around the image that it is cut out of.

    Beyond the mask distances only grow along an axis. So the voxel that is farthest lies at an end of the image along
    some axis, and along the others beside the mask or at an end.
    """
    most = 0.0
    for first in range(mask.ndim):
        order = [first, *(axis for axis in range(mask.ndim) if axis != first)]
        squares = np.where(mask.transpose(order), 0.0, np.inf)
        for axis in order:  # which comes first now, and goes to the end
            n, (before, after) = mask.shape[axis], around[axis]
            places = sorted({-before, n - 1 + after, *(() if axis == first else range(n))})
            apart = ((np.array(places)[:, None] - np.arange(n)) * steps[axis]) ** 2
            nearest = [(squares + row.reshape(-1, *(1,) * (mask.ndim - 1))).min(axis=0) for row in apart]
            squares = np.stack(nearest, axis=-1)
        most = max(most, float(squares.max()))
    return math.sqrt(most)


def _costs(p: np.ndarray, rest: np.ndarray, truth: np.ndarray, *, is_mask: bool) -> np.ndarray:
    """-ln p_t."""
    if is_mask:
        return LOG_FLOOR * (p != truth)
    return np.where(truth, neg_log(p, rest), neg_log(rest, p))
