"""Values of one case under every base: a formula on masks that were seen in one way."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from segeval.evidence.additive import ByClass
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.overlap.counts import Counts
from segeval.measure import MeasureCall
from segeval.scoring.evidence import Evidence, state_key
from segeval.scoring.plan import Plan
from segeval.verbs.explain.views import View, slices_of

OK, BOTH, PRED, TRUTH = range(4)  # absent from both sides, from the prediction, from the truth
OTHERS = ("background", "foreground", "pooled", "pooled with background", "whole")  # rows after those of the classes


@dataclass(frozen=True)
class Base:
    """What values are made of: `widely` also of the rows that are no class of their own."""

    call: MeasureCall
    view: View
    widely: bool = False

    def __hash__(self) -> int:
        return hash((self.call.column, self.call.measure.function, self.view, self.widely))


@dataclass(frozen=True, kw_only=True)
class CaseValues:
    """One value and one status per class, then those of `OTHERS`; counts are tp, fp, fn, tn, 0 where none are known.

    `states` are what adds up over cases where a formula reads no counts: of each case, its classes.
    """

    values: np.ndarray
    status: np.ndarray
    counts: np.ndarray
    states: tuple[ByClass, ...] = ()

    def only(self, cases: np.ndarray) -> "CaseValues":
        """Those of some cases, by a mask."""
        arrays = {name: getattr(self, name)[cases] for name in ("values", "status", "counts")}
        return CaseValues(**arrays, states=tuple(itertools.compress(self.states, cases)))


class CaseBook:
    """All cases, read when they are needed and kept while there is room; what was computed is never lost.

    `read` makes the case of an id.
    """

    def __init__(
        self, case_ids: Sequence[str], classes: Sequence[LabelClass], labels: LabelMap, read: Callable[[str], Case]
    ) -> None:
        self.case_ids, self.classes, self.labels = tuple(case_ids), tuple(classes), labels
        self._read = read
        self._at_hand: dict[str, CaseEvidence] = {}
        self._known: dict[tuple[Base, str], CaseValues] = {}

    def keep(self, case_ids: Iterable[str]) -> None:
        """Hold these cases in memory, and let go of all others."""
        self._at_hand = {name: self._at_hand[name] for name in case_ids if name in self._at_hand}
        for name in case_ids:
            if name not in self._at_hand:
                self._at_hand[name] = CaseEvidence(self._read(name), self.classes, self.labels)

    def lacks(self, case_id: str, bases: Iterable[Base]) -> list[Base]:
        return [base for base in bases if (base, case_id) not in self._known]

    def compute(self, case_id: str, bases: Sequence[Base]) -> None:
        """See to it that the values of a case are known."""
        lacking = self.lacks(case_id, bases)
        if not lacking:
            return
        at_hand = self._at_hand.get(case_id) or CaseEvidence(self._read(case_id), self.classes, self.labels)
        for base in sorted(lacking, key=lambda base: repr(base.view)):  # so that each view is made once
            self._known[base, case_id] = at_hand.values(base)

    def of(self, base: Base, case_ids: Sequence[str]) -> CaseValues:
        """Values and statuses of several cases, (case, row)."""
        found = [self._known[base, name] for name in case_ids]
        arrays = {name: np.stack([getattr(one, name) for one in found]) for name in ("values", "status", "counts")}
        return CaseValues(**arrays, states=tuple(state for one in found for state in one.states))


@dataclass(eq=False)
class CaseEvidence:
    """What one case gives for any base; the evidence of the last view is kept."""

    case: Case
    classes: Sequence[LabelClass]
    labels: LabelMap
    _shown: "tuple[View, list[Case], dict[bool, list[_Seen]]] | None" = None

    def values(self, base: Base) -> CaseValues:
        """The values under a base; of slices their means."""
        seen = [one.values(base.call) for one in self._images(base)]
        if base.view.slices is None:
            return seen[0]
        values, status, counts = (
            np.stack([getattr(one, name) for one in seen]) for name in ("values", "status", "counts")
        )
        rule = base.view.empty_slices
        if rule in ("0", "1"):
            values = np.where(status == BOTH, float(rule), values)
        if rule == "truth":
            values = np.where((status == BOTH) | (status == TRUTH), np.nan, values)
        return CaseValues(values=mean(values), status=_status_of_slices(status), counts=counts.sum(axis=0))

    def _images(self, base: Base) -> "list[_Seen]":
        if self._shown is None or self._shown[0] != base.view:
            whole = base.view.of(self.case)
            cases = [whole] if base.view.slices is None else [*slices_of(whole, base.view.slices)]
            self._shown = base.view, cases, {}
        _, cases, seen = self._shown
        if base.widely not in seen:
            seen[base.widely] = [
                _Seen(case=case, classes=self.classes, labels=self.labels, widely=base.widely) for case in cases
            ]
        return seen[base.widely]


@dataclass(eq=False, kw_only=True)
class _Seen:
    """A case, or a slice of one, as a view shows it."""

    case: Case
    classes: Sequence[LabelClass]
    labels: LabelMap
    widely: bool

    @cached_property
    def _evidence(self) -> Evidence:
        return Evidence(self.case, Plan(measures=(), labels=replace(self.labels, classes=self._rows, regions=())))

    @cached_property
    def _rows(self) -> tuple[LabelClass, ...]:
        if not self.widely:
            return tuple(self.classes)
        ids = tuple(sorted({label for row in self.classes for label in row.ids} - {0}))
        return (*self.classes, LabelClass(name="(background)", ids=(0,)), LabelClass(name="(foreground)", ids=ids))

    @cached_property
    def _partition(self) -> Evidence:
        """The case as background and classes, for values of all of it."""
        return Evidence(self.case, Plan(measures=(), labels=replace(self.labels, classes=tuple(self.classes))))

    @cached_property
    def _pooled(self) -> Counts:
        """Counts summed over the classes, without and with background."""
        counts, n = self._evidence.counts, len(self.classes)
        own = Counts(**{name: getattr(counts, name)[:n].sum(keepdims=True) for name in _COUNTS})
        parts = {name: [getattr(own, name)[0], getattr(own, name)[0] + getattr(counts, name)[n]] for name in _COUNTS}
        return Counts(**{name: np.array(both, dtype=np.int64) for name, both in parts.items()})

    def values(self, call: MeasureCall) -> CaseValues:
        n = len(self.classes) + len(OTHERS)
        values, status, counts = np.full(n, np.nan), np.full(n, BOTH), np.zeros((len(_COUNTS), n), dtype=np.int64)
        if "class" in call.measure.levels:
            values[: len(self._rows)] = self._evidence.values(call, "class")
        status[: len(self._rows)] = _status(self._evidence.counts)
        counts[:, : len(self._rows)] = [getattr(self._evidence.counts, name) for name in _COUNTS]
        if self.widely:
            if call.measure.needs == (Counts,):
                values[-3:-1] = call(self._pooled)
            status[-3:] = [*_status(self._pooled), OK]
            counts[:, -3:-1] = [getattr(self._pooled, name) for name in _COUNTS]
            if "case" in call.measure.levels:
                values[-1] = float(self._partition.values(call, "case"))
        return CaseValues(values=values, status=status, counts=counts, states=self._states(call))

    def _states(self, call: MeasureCall) -> tuple[ByClass, ...]:
        """What a boundary measure adds up over cases, as a pooled value reads it."""
        if not call.measure.sources or len(call.measure.needs) > 1:
            return ()
        state = self._evidence.for_pooling().get(state_key(call.measure.needs[0], call, "class"))
        return (state,) if isinstance(state, ByClass) else ()


_COUNTS = ("tp", "fp", "fn", "tn")


def _status(counts: Counts) -> np.ndarray:
    in_pred, in_truth = counts.pred > 0, counts.truth > 0
    return np.select([in_pred & in_truth, in_pred, in_truth], [OK, TRUTH, PRED], BOTH)


def _status_of_slices(status: np.ndarray) -> np.ndarray:
    in_pred = ((status == OK) | (status == TRUTH)).any(axis=0)
    in_truth = ((status == OK) | (status == PRED)).any(axis=0)
    return np.select([in_pred & in_truth, in_pred, in_truth], [OK, TRUTH, PRED], BOTH)


def mean(values: np.ndarray, weights: np.ndarray | float = 1.0) -> np.ndarray:
    """The weighted mean over the first axis, without what is undefined; nan where nothing is defined."""
    weights = np.where(np.isnan(values), 0.0, weights)
    weighty = np.where(weights > 0, values, 0.0)  # so that an infinite value of no weight does not count
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weights.sum(axis=0) > 0, (weighty * weights).sum(axis=0) / weights.sum(axis=0), np.nan)
