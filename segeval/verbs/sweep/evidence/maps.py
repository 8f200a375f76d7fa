"""Probability maps of all cases, boiled down to what sweeps need: voxels per probability, class by class."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.arrays import is_one_of
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.channels import BACKGROUND, Channels
from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.evidence.probabilities.scored_map import ScoredMap
from segeval.evidence.probabilities.soft import ProbVoxels
from segeval.verbs.sweep.evidence.curve import Curve

MOST_LEVELS = 1 << 24  # different probabilities that all cases together may keep of a class, half a gigabyte


@dataclass(frozen=True, kw_only=True)
class MapCase:
    """The probability maps of one case beside its truth.

    Attributes:
        classes: the classes of the tables.
        ignore: ids of the truth whose voxels count nowhere.
        device: the torch device that counts; None for numpy.
    """

    case: Case
    classes: tuple[LabelClass, ...]
    ignore: tuple[int, ...] = ()
    device: str | None = None

    @property
    def channels(self) -> Channels:
        if self.case.probs is None:
            raise LookupError(f"{self.case.case_id} has no probability maps.")
        return self.case.probs

    @property
    def partition(self) -> tuple[LabelClass, ...]:
        """The classes that share out the whole probability of a voxel, background first; none where they overlap."""
        layout = self.channels.layout
        if not layout.exclusive:
            return ()
        zero = any(0 in one.ids for one in layout.classes)
        return layout.classes if zero else (BACKGROUND, *layout.classes)

    def scored(self, wanted: LabelClass) -> ScoredMap:
        """The voxels that count: the probability of a class, and whether it is true."""
        probs = self.channels.of(wanted)
        return ScoredMap(
            map=replace(probs, stored=self._counted(probs.stored)),
            truth=self._counted(self._is_true(wanted)),
            device=self.device,
        )

    def _is_true(self, wanted: LabelClass) -> np.ndarray:
        """Voxels of a class; background is every id that no channel has."""
        if wanted in self.partition and 0 in wanted.ids:
            others = [one for of in self.partition if of != wanted for one in of.ids]
            return ~is_one_of(self.case.truth, others)
        return is_one_of(self.case.truth, wanted.ids)

    def _counted(self, image: np.ndarray) -> np.ndarray:
        if self.ignore:
            return image[~is_one_of(self.case.truth, self.ignore)]
        return image.reshape(-1, order="F" if self.case.truth.flags.f_contiguous else "C")


@dataclass(frozen=True, kw_only=True)
class CaseMap:
    """One class of one case: how many voxels have which probability.

    What can be made of that is made when asked for and not kept, since there may be many cases.

    Attributes:
        moments: where the histogram is in bins, entries that have the exact sums of the voxels.
    """

    case_id: str
    histogram: ProbHistogram
    moments: ProbVoxels | None = None

    @property
    def curve(self) -> Curve:
        """All masks that thresholds can make of the map."""
        return Curve.of(self.histogram)

    @property
    def voxels(self) -> ProbVoxels:
        """The voxels as few entries that losses sum over."""
        return self.moments or self.histogram.voxels()


@dataclass(frozen=True, kw_only=True)
class ClassOverCases:
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

    def of(self, case_ids: Sequence[str]) -> "ClassOverCases":
        """The same class over some of the cases."""
        cases = tuple(one for one in self.cases if one.case_id in case_ids)
        return self if cases == self.cases else replace(self, cases=cases)  # what was pooled is kept


def count_classes(case: MapCase, *, only: str | None = None, most_levels: int = MOST_LEVELS) -> dict[str, CaseMap]:
    """Count the voxels of every class, or of the one that is named.

    Args:
        most_levels: different probabilities that are told apart; where there are more, they are counted in bins.

    Raises:
        ConfigError: there is no class of that name.
    """
    chosen = [one for one in case.classes if only in (None, one.name)]
    if not chosen:
        raise ConfigError(f"--class {only}: no such class. There are {', '.join(one.name for one in case.classes)}.")
    return {one.name: case_map(case.case.case_id, case.scored(one), most_levels=most_levels) for one in chosen}


def gather(cases: Iterable[Mapping[str, CaseMap]]) -> tuple[ClassOverCases, ...]:
    """Class by class over all cases."""
    rows: dict[str, list[CaseMap]] = {}
    for case in cases:
        for name, one in case.items():
            rows.setdefault(name, []).append(one)
    return tuple(ClassOverCases(name=name, cases=tuple(of_class)) for name, of_class in rows.items())


def case_map(case_id: str, scored: ScoredMap, *, most_levels: int = MOST_LEVELS) -> CaseMap:
    """Count the voxels of one map."""
    histogram = scored.histogram()
    if len(histogram.thresholds) > most_levels:
        histogram = histogram.binned()
    return CaseMap(case_id=case_id, histogram=histogram, moments=scored.condensed() if histogram.approx else None)
