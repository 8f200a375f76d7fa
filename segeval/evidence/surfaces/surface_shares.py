"""How much of each surface lies near the other one: sums, which add up over cases as distances do not.

They add up over the parts of an image just as well, where each part is read with as much around it as they reach.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.additive import State
from segeval.evidence.grid import Lattice
from segeval.evidence.shapes import PerLabel
from segeval.evidence.surfaces.distances import SurfacePair, within
from segeval.evidence.surfaces.elements import Edge, Neighbours
from segeval.evidence.surfaces.surface import Element, Surfaces, Unit
from segeval.knobs import PerClass
from segeval.measure import ratio

Tolerance = float | PerClass | Literal["min_spacing"]
Sums = TypeVar("Sums", bound="SurfaceSums")


@dataclass(frozen=True, kw_only=True)
class SurfaceSums(State):
    """For each side the size of its surface; what is summed on it is for a subclass to say.

    `bare` counts the cases in which both sides have the class and neither has a surface, `apart` those in which one
    side has the class and the other has not. A case in which ignored voxels hide a surface adds nothing. A subclass
    says by `reach` how far around a voxel `read` looks, with the same settings.
    """

    pred_size: PerLabel
    truth_size: PerLabel
    bare: PerLabel
    apart: PerLabel

    def of_whole(self: Sums, *, in_pred: bool, in_truth: bool, may_hide: bool) -> Sums:
        """The sums over the parts of one case, of one class, as those of the whole.

        Args:
            in_pred: whether the whole prediction has the class.
            in_truth: whether the whole truth has it.
            may_hide: whether the two differ and voxels are ignored, so that a surface may be missing for these.
        """
        bare = in_pred and in_truth and not self.pred_size and not self.truth_size
        whole = replace(self, bare=np.float64(bare), apart=np.float64(in_pred != in_truth))
        lacks = not self.pred_size or not self.truth_size
        return whole.without(np.array(may_hide and in_pred and in_truth and lacks))

    def without(self: Sums, hidden: np.ndarray) -> Sums:
        """The sums with nothing of the classes whose surface ignored voxels hide, which makes them undefined."""
        return type(self)(**{name: np.where(hidden, 0.0, getattr(self, name)) for name in self._names()})

    def settled(self, value: PerLabel) -> PerLabel:
        """The value where there are two surfaces; 0 where one is missing.

        Without any surface (`edge="none"` leaves none to a mask that fills the image) it is the share of the cases in
        which both sides have the class.
        """
        has_pred, has_truth = self.pred_size > 0, self.truth_size > 0
        without = ratio(self.bare, self.bare + self.apart)
        return np.where(has_pred & has_truth, value, np.where(has_pred | has_truth, 0.0, without))


@dataclass(frozen=True, kw_only=True)
class Shares(SurfaceSums):
    """How much of the surface of each side is within a tolerance of the other side."""

    pred_within: PerLabel
    truth_within: PerLabel

    @classmethod
    def read(
        cls,
        surfaces: Surfaces,
        *,
        tolerance_mm: Tolerance,
        surface: Element,
        edge: Edge,
        neighbours: Neighbours,
        unit: Unit,
        slack: float,
        tolerance_diagonal: float | None = None,
    ) -> "Shares":
        """The shares of every class of a case.

        Args:
            tolerance_diagonal: the tolerance as a share of the diagonal of the image, in place of `tolerance_mm`.

        Raises:
            ConfigError: the tolerance is negative, or a class has none.
        """
        pairs = surfaces.distances(surface=surface, edge=edge, neighbours=neighbours, unit=unit)
        spacing = surfaces.lattice(unit).spacing
        if tolerance_diagonal is not None:
            tolerance_mm = tolerance_diagonal * surfaces.diagonal(unit)
        wanted = [_tolerance(tolerance_mm, of.name, min(spacing)) for of in surfaces.classes]
        reaches = [within(tolerance, spacing=spacing, slack=slack) for tolerance in wanted]
        return cls.stack([cls.of_pair(pair, reach=reach) for pair, reach in zip(pairs, reaches, strict=True)])

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
            apart=on.in_pred != on.in_truth,
        ).without(np.array(on.is_hidden))

    @classmethod
    def reach(
        cls,
        *,
        lattice: Lattice,
        diagonal: float,
        tolerance_mm: Tolerance,
        slack: float,
        tolerance_diagonal: float | None = None,
        **_: Any,
    ) -> float:
        """The longest distance that counts as within the tolerance of any class."""
        longest: Any = tolerance_mm if tolerance_diagonal is None else tolerance_diagonal * diagonal
        longest = max(longest.values()) if isinstance(longest, PerClass) else longest
        longest = min(lattice.spacing) if longest == "min_spacing" else longest
        return within(longest, spacing=lattice.spacing, slack=slack)


def _tolerance(tolerance: Tolerance, name: str, shortest: float) -> float:
    """The tolerance of a class by its name."""
    if tolerance == "min_spacing":
        return shortest
    if isinstance(tolerance, PerClass):
        if name not in tolerance:
            known = ", ".join(map(str, tolerance)) or "none"
            raise ConfigError(f"tolerance_mm has no value for class {name!r}, only for: {known}. Add one.")
        tolerance = tolerance[name]
    if not tolerance >= 0:
        raise ConfigError(f"tolerance_mm={tolerance:g} is negative. Use 0 or more.")
    return tolerance
