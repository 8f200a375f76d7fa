"""The evidence of one case: each piece is built when a measure first asks for it, and once."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from segeval.core.case import Case
from segeval.core.counts import Counts, Histogram, Joint, per_class_joint
from segeval.core.grid import Grid
from segeval.core.labels import LabelClass
from segeval.engine.plan import Plan
from segeval.errors import DataError
from segeval.measure import Level, MeasureCall


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
    def counts(self) -> Counts:
        return self.histogram.counts(self.classes)

    @cached_property
    def grid(self) -> Grid:
        return Grid(shape=self.case.shape, spacing_mm=self.case.spacing_mm)

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
    (Grid, "class"): lambda evidence: evidence.grid,
    (Grid, "case"): lambda evidence: evidence.grid,
}


def count(case: Case, plan: Plan) -> Histogram:
    """The joint histogram of a case, by the builder the plan names.

    Raises:
        DataError: there are too many ids, or negative ones that are not ignored.
    """
    try:
        histogram = _build(case, plan)
    except DataError as error:
        raise DataError(f"{case.case_id}: {error}") from error
    negative = [one for one in histogram.ids if one < 0 and one not in plan.labels.ignore]
    if negative:
        raise DataError(
            f"{case.case_id}: holds negative ids ({', '.join(map(str, negative[:5]))}). "
            "Ids start at 0; ignore an id whose voxels shall not count."
        )
    return histogram


def _build(case: Case, plan: Plan) -> Histogram:
    if plan.engine == "torch":
        from segeval.core.builders import counts_torch

        return counts_torch.joint_histogram(truth=case.truth, pred=case.pred, device=plan.device)
    from segeval.core.builders import counts_numpy

    return counts_numpy.joint_histogram(truth=case.truth, pred=case.pred)


def _ids(classes: Sequence[LabelClass]) -> set[int]:
    return {one for c in classes for one in c.ids}


def overlapping(classes: Sequence[LabelClass]) -> bool:
    """Whether two of the classes share an id."""
    ids = [one for c in classes for one in c.ids]
    return len(ids) != len(set(ids))
