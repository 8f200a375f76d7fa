"""The measures of all cases together: each formula on the sum of the states that the cases had."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from segeval.evidence.additive import ByClass, Kept, State
from segeval.evidence.labels import WHOLE_CASE, LabelClass
from segeval.evidence.overlap.counts import CategoryCounts, Counts, Histogram, Joint, per_class_joint
from segeval.evidence.probabilities.probabilities import ProbEvidence, no_image
from segeval.evidence.probabilities.soft import SoftEvidence
from segeval.measure import Level, MeasureCall
from segeval.results import CaseScore
from segeval.results.records import PackedValues
from segeval.scoring.evidence import partition_of, state_key
from segeval.scoring.plan import Plan
from segeval.statistics.bootstrap import Draws, case_weights, draw


class Pool:
    """The running sum of what cases give for pooled values, so that memory does not grow with their number."""

    def __init__(self) -> None:
        self._totals: dict[Hashable, Any] = {}
        self._classes: dict[LabelClass, LabelClass] = {}  # each once, not once for each case

    @property
    def totals(self) -> Mapping[Hashable, Any]:
        return self._totals

    def take(self, score: CaseScore) -> CaseScore:
        """Add a case, and return its score without what was added, packed since all of them are kept."""
        self.add(score.additive)
        if isinstance(score.row.values, PackedValues):
            return replace(score, additive={})
        row = replace(score.row, values=PackedValues(score.row.values))
        classes = tuple(
            replace(one, of=self._classes.setdefault(one.of, one.of), values=PackedValues(one.values))
            for one in score.classes
        )
        return replace(score, row=row, classes=classes, additive={})

    def add(self, additive: Mapping[Hashable, Any]) -> None:
        """Add what can be added up."""
        for key, found in additive.items():
            self._totals[key] = self._totals[key] + found if key in self._totals else found


@dataclass(frozen=True, kw_only=True)
class PooledCases:
    """What adds up over the cases of a run, added up.

    `totals` are sums of what cases gave for pooling, `sources` where their probabilities came from, `volumes_ml` how
    much of each case is scored.
    """

    plan: Plan
    classes: Sequence[LabelClass]
    histogram: Histogram
    counts: Counts
    sources: frozenset[str]
    totals: Mapping[Hashable, Any] = field(default_factory=dict)
    volumes_ml: Mapping[str, float] = field(default_factory=dict)
    _resampled: Kept[np.ndarray] = field(default_factory=Kept, repr=False, compare=False)

    @property
    def resamples(self) -> dict[str, dict[str, np.ndarray]]:
        """What has been resampled so far, by measure and class."""
        found: dict[str, dict[str, np.ndarray]] = {}
        for (column, level), values in self._resampled.items():
            names = [of.name for of in self.classes] if level == "class" else [WHOLE_CASE]
            found.setdefault(column, {}).update(zip(names, values.T, strict=True))
        return found

    def resampled(self, call: MeasureCall, level: Level, draws: Draws) -> np.ndarray:
        """A measure that only all cases together have, in resamples of the cases, (resample, class).

        At the level of a case there is one value, of all classes together.
        """
        return self._resampled.get((call.column, level), lambda: self._in_resamples(call, level, draws))

    def _in_resamples(self, call: MeasureCall, level: Level, draws: Draws) -> np.ndarray:
        known, state = self._of_data_set(call, level)
        resampled = np.full((draws.resamples, len(known)), np.nan)
        if state is None:
            return resampled
        units = [state.unit_of(case_id) for case_id in self.volumes_ml]
        apart = units == [*self.volumes_ml]
        drawn = draws if apart else draw(units, resamples=draws.resamples, seed=draws.seed)
        if drawn.n_units > 1:
            blocks = case_weights(drawn, np.arange(len(units)))
            rows = [call(state.drawn(weights)) for block in blocks for weights in block]
            resampled[:, known] = np.array(rows).reshape(len(resampled), sum(known))
        return resampled

    def _value_of_data_set(self, call: MeasureCall, level: Level) -> Any:
        known, state = self._of_data_set(call, level)
        value = np.full(len(known), np.nan)
        if state is not None:
            value[known] = call(state)
        return value if level == "class" else value[0]

    def _of_data_set(self, call: MeasureCall, level: Level) -> tuple[list[bool], Any]:
        """Which classes have what such a measure reads, and their state; None where no class has it."""
        (key,) = (state_key(need, call, "class") for need in call.measure.needs)
        known = [key in self.totals and of in self.totals[key].rows for of in self.classes]
        classes = [of for of, has in zip(self.classes, known, strict=True) if has]
        state = self.totals[key].stacked(classes).over(self.volumes_ml) if classes else None
        if level == "case":
            return [state is not None], None if state is None else state.joined
        return known, state

    def values(self, call: MeasureCall, level: Level) -> Any:
        """One value per class, or a single one; nan where what the measure reads does not add up."""
        nothing = np.full(len(self.classes), np.nan) if level == "class" else math.nan
        if call.measure.of_data_set:
            return self._value_of_data_set(call, level)
        if level == "case" and self.plan.overlaps:
            return nothing
        if issubclass(call.measure.needs[0], SoftEvidence):
            return self._soft_values(call, level, nothing)
        if not all(issubclass(need, State) for need in call.measure.needs):
            return nothing
        if call.measure.sources:
            return self._state_values(call, level, nothing)
        return call(*(self._of_counts(need, level) for need in call.measure.needs))

    def _of_counts(self, need: type, level: Level) -> Counts | Joint:
        if need is Counts:
            return self.counts
        if need is CategoryCounts:
            return self.histogram.categories(self.plan.labels.categories)
        return per_class_joint(self.counts) if level == "class" else self.partition

    @cached_property
    def partition(self) -> Joint:
        return partition_of(self.histogram, self.classes, self.plan.labels)

    def _state_values(self, call: MeasureCall, level: Level, nothing: Any) -> Any:
        """A formula on states of its own; classes that no case had stay undefined."""
        totals = [
            self.totals[key] for need in call.measure.needs if (key := state_key(need, call, level)) in self.totals
        ]
        if len(totals) < len(call.measure.needs):
            return nothing
        if level == "case":
            return call(*(total.stacked(list(total.rows)) if isinstance(total, ByClass) else total for total in totals))
        known = [all(of in total.rows for total in totals) for of in self.classes]
        if any(known):
            classes = [of for of, has in zip(self.classes, known, strict=True) if has]
            nothing[known] = call(*(total.stacked(classes) for total in totals))
        return nothing

    def _soft_values(self, call: MeasureCall, level: Level, nothing: Any) -> Any:
        """Losses add up where all cases are hard masks, or all are maps; those of weight maps never do."""
        needs: tuple[Any, ...] = call.measure.needs
        if len(self.sources) != 1 or any(need.on_map for need in needs):
            return nothing
        return self._soft.values(call, level)

    @cached_property
    def _soft(self) -> ProbEvidence:
        maps = self.totals.get("soft")
        if maps is None:
            partition = self.partition if self.partition.total else None
            return ProbEvidence.of_counts(self.counts, partition, in_space=no_image)
        ids = [set(channel.ids) if channel else {0} for channel in maps.channels]
        wanted = [set(row.ids) for row in self.classes]
        channels = [ids.index(members) if members in ids else None for members in wanted]
        return ProbEvidence.of_maps(maps, classes=channels)
