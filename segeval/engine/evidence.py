"""The evidence of one case: each piece is built when a measure first asks for it, and once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from segeval.core.case import Case
from segeval.core.counts import Counts, Histogram, Joint, per_class_joint
from segeval.core.grid import Grid
from segeval.core.labels import LabelClass
from segeval.core.surface import Surfaces
from segeval.engine.plan import Plan
from segeval.errors import DataError
from segeval.measure import Level, MeasureCall

MAX_IDS = 4096


class Evidence:
    """What the measures of one case read, built lazily from its two label images."""

    def __init__(self, case: Case, plan: Plan) -> None:
        self.case = case
        self.plan = plan

    @cached_property
    def histogram(self) -> Histogram:
        """Joint histogram of all ids, ignored voxels removed."""
        return count(self.case, self.plan).without(self.plan.labels.ignore)

    @cached_property
    def classes(self) -> tuple[LabelClass, ...]:
        """The classes to score in this case."""
        return self.plan.labels.classes_among(self.histogram.ids)

    @cached_property
    def members(self) -> tuple[LabelClass, ...]:
        """The same classes with all ids that stand for them here: overlapping predictions have some of their own."""
        claims = self.case.claims.items()
        return tuple(
            replace(of, ids=(*of.ids, *(one for one, by in claims if of in by))) if claims else of
            for of in self.classes
        )

    @cached_property
    def counts(self) -> Counts:
        return self.histogram.counts(self.members)

    @cached_property
    def grid(self) -> Grid:
        return Grid(shape=self.case.shape, spacing_mm=self.case.spacing_mm)

    @cached_property
    def surfaces(self) -> Surfaces:
        """Surfaces of every class, found when a measure first asks for them."""
        ignore = self.plan.labels.ignore
        return Surfaces.of(
            self.case.pred,
            self.case.truth,
            classes=self.members,
            spacing_mm=self.case.spacing_mm,
            ignored=np.isin(self.case.truth, ignore) if ignore else None,
            device=self.plan.device if self.plan.engine == "torch" else None,
        )

    @cached_property
    def partition(self) -> Joint:
        """The case over background and all its disjoint classes; an id that only regions name stands for itself."""
        labels = self.plan.labels
        disjoint = [one for one in self.classes if one.ids != (0,) or labels.names_zero]
        disjoint = [one for one in disjoint if one not in labels.regions]
        only_in_regions = _ids(labels.regions) - _ids(disjoint) - {0}
        disjoint += [LabelClass(name=str(one), ids=(one,)) for one in sorted(only_in_regions)]
        if overlapping(disjoint):
            disjoint = [LabelClass(name=str(one), ids=(one,)) for one in self.histogram.ids if one]
        return self.histogram.joint(disjoint, rest_is_class=not labels.names_zero and 0 not in labels.ignore)

    def values(self, call: MeasureCall, level: Level) -> Any:
        """The measure on this case: one float64 per class, or a single one."""
        return call(*(_PROVIDERS[need, level](self) for need in call.measure.needs))


_PROVIDERS: Mapping[tuple[type, Level], Callable[[Evidence], Any]] = {
    (Counts, "class"): lambda evidence: evidence.counts,
    (Joint, "class"): lambda evidence: per_class_joint(evidence.counts),
    (Joint, "case"): lambda evidence: evidence.partition,
    (Surfaces, "class"): lambda evidence: evidence.surfaces,
    (Grid, "class"): lambda evidence: evidence.grid,
    (Grid, "case"): lambda evidence: evidence.grid,
}


def count(case: Case, plan: Plan) -> Histogram:
    """The joint histogram of a case, by the builder the plan names."""
    if plan.engine == "torch":
        from segeval.core.builders import counts_torch

        histogram = counts_torch.joint_histogram(truth=case.truth, pred=case.pred, device=plan.device)
    else:
        from segeval.core.builders import counts_numpy

        histogram = counts_numpy.joint_histogram(truth=case.truth, pred=case.pred)
    if len(histogram.ids) > MAX_IDS:
        raise DataError(
            f"{case.case_id}: {len(histogram.ids)} distinct ids; {MAX_IDS} is the most that can be classes. "
            "Check that these are label masks and not images or instance maps."
        )
    return histogram


def _ids(classes: Sequence[LabelClass]) -> set[int]:
    return {one for c in classes for one in c.ids}


def overlapping(classes: Sequence[LabelClass]) -> bool:
    """Whether two of the classes share an id."""
    ids = [one for c in classes for one in c.ids]
    return len(ids) != len(set(ids))
