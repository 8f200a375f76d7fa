"""One class where its voxels lie, for the losses that measure distances to its border, or its middle line."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from segeval.errors import DataError
from segeval.evidence.arrays import Lazy, constant, namespace, neg_log
from segeval.evidence.grid import Lattice
from segeval.evidence.probabilities.scored_map import ClassImage
from segeval.evidence.probabilities.soft import SoftEvidence

Units = Literal["mm", "voxel"]
Empty = Literal["zero", "diagonal"]


@dataclass(frozen=True, kw_only=True, eq=False)
class InSpace(SoftEvidence):
    """Probabilities and truth as images, (..., *space), numpy or torch; both 0 where a voxel does not count.

    The border of a mask lies between its voxels and those beside it; the outside of the image has none. Distances are
    those between voxel centres, and carry no gradient.

    Args:
        p: probability of the class.
        y: its truth, 0 or 1.
        kept: 1 where a voxel counts; None where all do.
        n_axes: of space.
        lattice: how far apart voxels lie; None for one step along each axis.
    """

    voxels: Any = None
    p: Any
    y: Any
    nll: Any = None
    kept: Any = None
    n_axes: int
    lattice: Lattice | None = None
    on_map: ClassVar[bool] = True

    @classmethod
    def of_image(cls, voxels: Any, image: ClassImage) -> "InSpace":
        """From a class of a case."""
        p, rest = (side.reshape(image.truth.shape) for side in image.map.both_sides())
        kept = None if image.scored is None else image.scored.astype(np.float64)
        truth = image.truth
        nll = np.where(truth, neg_log(p, rest), neg_log(rest, p))
        return cls(
            p=p if kept is None else p * kept,
            y=truth.astype(np.float64),
            nll=nll,
            kept=kept,
            n_axes=truth.ndim,
            lattice=image.lattice,
        )

    @property
    def space(self) -> tuple[int, ...]:
        """The axes of space, from the end."""
        return tuple(range(-self.n_axes, 0))

    @Lazy
    def n(self) -> Any:
        """Voxels that count."""
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

    def depths(self, units: Units, *, empty: Empty = "zero") -> tuple[Any, Any]:
        """Distance to the nearest voxel outside, for voxels of the truth, and to the truth, for the others.

        Args:
            units: of the distance.
            empty: without a border all distances are 0, or the diagonal of the image.
        """
        return self._depths(self.y > 0.5, units, empty)

    def pred_depths(self, units: Units, *, empty: Empty = "zero") -> tuple[Any, Any]:
        """The same of the voxels with p of at least one half."""
        return self._depths(constant(self.p) >= 0.5, units, empty)

    @Lazy
    def rim(self) -> Any:
        """Voxels of the truth with a side to the outside, or to the edge of the image."""
        wide = self.y
        for axis in self.space:
            wide = _padded_with_zeros(wide, axis)
        inner = self.y
        for axis in self.space:
            for step in (0, 2):
                start = [slice(1, -1)] * self.n_axes
                start[axis] = slice(step, step + self.y.shape[axis])
                inner = inner * wide[(..., *start)]
        return (self.y - inner).sum(self.space)

    def _steps(self, units: Units) -> tuple[float, ...]:
        if units == "voxel" or self.lattice is None:
            return (1.0,) * self.n_axes
        if self.lattice.axes is not None:
            raise DataError("The axes are not at right angles, and this loss measures along them. Take units=voxel.")
        return self.lattice.spacing

    def _depths(self, masks: Any, units: Units, empty: Empty) -> tuple[Any, Any]:
        steps = self._steps(units)
        if isinstance(masks, np.ndarray):
            return _both_depths(masks, steps, empty)
        flat = masks.detach().cpu().numpy().reshape(-1, *masks.shape[-self.n_axes :])
        pairs = [_both_depths(mask, steps, empty) for mask in flat]
        torch = namespace(self.y)
        sides = zip(*pairs, strict=True)
        inside, outside = (torch.from_numpy(np.stack(side)).to(self.p).reshape(masks.shape) for side in sides)
        return inside, outside


def _both_depths(mask: np.ndarray, steps: tuple[float, ...], empty: Empty) -> tuple[np.ndarray, np.ndarray]:
    from scipy import ndimage

    if mask.all() or not mask.any():
        far = math.hypot(*(n * step for n, step in zip(mask.shape, steps, strict=True))) if empty == "diagonal" else 0.0
        return far * mask, far * ~mask
    inside, outside = (ndimage.distance_transform_edt(side, sampling=steps) for side in (mask, ~mask))
    return inside, outside


def _padded_with_zeros(array: Any, axis: int) -> Any:
    edge = [slice(None)] * array.ndim
    edge[axis] = slice(0, 1)
    nothing = namespace(array).zeros_like(array[tuple(edge)])
    return namespace(array).concatenate([nothing, array, nothing], axis)


def soft_skeleton(image: Any, *, n_axes: int, iterations: int) -> Any:
    """Soft middle lines: what is lost by opening an image, and the image eroded once, twice, and so on.

    An erosion is the least of three neighbours along any axis, a dilation the largest of the cube around a voxel;
    beyond the edge of the image there is nothing to compare with.
    """
    found = _above(image, _opened(image, n_axes))
    for _ in range(iterations):
        image = _eroded(image, n_axes)
        lost = _above(image, _opened(image, n_axes))
        found = found + _above(lost, found * lost)
    return found


def _above(left: Any, right: Any) -> Any:
    return (left - right).clip(0.0, None)


def _opened(image: Any, n_axes: int) -> Any:
    image = _eroded(image, n_axes)
    for axis in range(-n_axes, 0):
        image = _of_three(image, axis, namespace(image).maximum)
    return image


def _eroded(image: Any, n_axes: int) -> Any:
    least = namespace(image).minimum
    sides = [_of_three(image, axis, least) for axis in range(-n_axes, 0)]
    found = sides[0]
    for side in sides[1:]:
        found = least(found, side)
    return found


def _of_three(image: Any, axis: int, choose: Any) -> Any:
    """The least or largest of each voxel and its two neighbours along an axis."""

    def part(start: int | None, stop: int | None) -> Any:
        at = [slice(None)] * image.ndim
        at[axis] = slice(start, stop)
        return image[tuple(at)]

    wide = namespace(image).concatenate([part(0, 1), image, part(-1, None)], axis)
    n = image.shape[axis]
    before, after = ([slice(None)] * image.ndim for _ in range(2))
    before[axis], after[axis] = slice(0, n), slice(2, n + 2)
    return choose(image, choose(wide[tuple(before)], wide[tuple(after)]))
