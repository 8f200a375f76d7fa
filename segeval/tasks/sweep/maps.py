"""Probability maps of all cases, boiled down to what sweeps need: voxels per probability, class by class."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add

import numpy as np

from segeval.core.builders.soft_numpy import moments
from segeval.core.labels import LabelClass
from segeval.core.probability import ProbHistogram
from segeval.core.soft import ProbVoxels
from segeval.errors import ConfigError
from segeval.tasks.sweep.curve import Curve


@dataclass(frozen=True, kw_only=True)
class MapCase:
    """The maps of one case beside its truth, ignored voxels removed.

    Attributes:
        classes: the classes of the tables.
        probs: one map per channel, shape (channel, voxel); a background comes before the classes.
        inside: which voxels are the channel's in truth, the same shape.
    """

    case_id: str
    classes: tuple[LabelClass, ...]
    probs: np.ndarray
    inside: np.ndarray

    @property
    def has_background(self) -> bool:
        """Whether the channels share out the whole probability of a voxel."""
        return len(self.probs) > len(self.classes)


@dataclass(frozen=True, kw_only=True)
class CaseMap:
    """One class of one case: its voxels by probability, and the same as few entries that losses sum over.

    Where the histogram is approximate the entries still have the sums of the voxels.
    """

    case_id: str
    histogram: ProbHistogram
    voxels: ProbVoxels

    @cached_property
    def curve(self) -> Curve:
        """All masks that thresholds can make of the map."""
        return Curve.of(self.histogram)


@dataclass(frozen=True, kw_only=True)
class ClassMaps:
    """One class over the cases."""

    name: str
    cases: tuple[CaseMap, ...]

    @property
    def case_ids(self) -> tuple[str, ...]:
        return tuple(one.case_id for one in self.cases)

    @cached_property
    def pooled(self) -> ProbHistogram:
        """The voxels of all cases as one set."""
        return reduce(add, (one.histogram for one in self.cases))

    @cached_property
    def curve(self) -> Curve:
        """All masks of the pooled voxels."""
        return Curve.of(self.pooled)

    def of(self, case_ids: Sequence[str]) -> "ClassMaps":
        """The same class over some of the cases."""
        return replace(self, cases=tuple(one for one in self.cases if one.case_id in case_ids))


def gather(cases: Iterable[MapCase], *, binned: bool = False) -> tuple[ClassMaps, ...]:
    """Class by class over all cases; each case is let go once it is counted.

    Args:
        binned: count voxels in narrow bins of probability even where there are few enough to be told apart.
    """
    rows: dict[str, list[CaseMap]] = {}
    for case in cases:
        first = len(case.probs) - len(case.classes)
        for of, probs, inside in zip(case.classes, case.probs[first:], case.inside[first:], strict=True):
            rows.setdefault(of.name, []).append(case_map(case.case_id, probs, inside, binned=binned))
    return tuple(ClassMaps(name=name, cases=tuple(of_class)) for name, of_class in rows.items())


def case_map(case_id: str, probs: np.ndarray, inside: np.ndarray, *, binned: bool = False) -> CaseMap:
    """Count the voxels of one map, both arrays of shape (voxel,)."""
    histogram = ProbHistogram.binned(probs, inside) if binned else ProbHistogram.from_probs(probs, inside)
    voxels = moments(probs, inside) if histogram.approx else entries_of(histogram)
    return CaseMap(case_id=case_id, histogram=histogram, voxels=voxels)


def entries_of(histogram: ProbHistogram) -> ProbVoxels:
    """Entries for the losses, the highest probability first, those of the class before the others."""
    sides = (histogram.positives, histogram.negatives)
    p = np.concatenate([histogram.thresholds[side > 0] for side in sides])
    truth = np.repeat([True, False], [np.count_nonzero(side) for side in sides])
    count = np.concatenate([side[side > 0] for side in sides]).astype(np.float64)
    return ProbVoxels(truth=truth, count=count, hit=np.where(truth, p, 1 - p), miss=np.where(truth, 1 - p, p))


def only_class(classes: tuple[ClassMaps, ...], name: str | None) -> tuple[ClassMaps, ...]:
    """The class that `--class` names, or all.

    Raises:
        ConfigError: there is no such class.
    """
    chosen = tuple(one for one in classes if name in (None, one.name))
    if not chosen:
        raise ConfigError(f"--class {name}: no such class. There are {', '.join(one.name for one in classes)}.")
    return chosen
