"""One case in, its rows out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from segeval.evidence.case import Case, TiledCase
from segeval.evidence.labels import LabelClass
from segeval.evidence.overlap.counts import Counts
from segeval.evidence.policies import distance_or_policy
from segeval.measure import Level, Measure, MeasureCall
from segeval.results import CaseRow, CaseScore, ClassRow, Status
from segeval.scoring.absent import AbsentClasses
from segeval.scoring.evidence import Evidence
from segeval.scoring.plan import Plan


def evaluate(case: Case, plan: Plan) -> CaseScore:
    """Score one case: every class that occurs in it, and the case as a whole."""
    evidence = Evidence(case, plan)
    of_classes, of_case, lesions = class_rows(evidence), case_values(evidence), evidence.lesion_rows()
    source = "hard" if case.probs is None else "probs"
    return CaseScore(
        row=row_of_case(case, evidence, of_case, source=source, notes=(*case.notes, *evidence.notes)),
        classes=of_classes,
        histogram=evidence.histogram.without_unions(case.claims),
        lesions=lesions,
        additive=evidence.for_pooling(),
    )


@runtime_checkable
class Valued(Protocol):
    """What is known of a case, whether it was read whole or in slabs."""

    @property
    def plan(self) -> Plan: ...

    @property
    def counts(self) -> Counts: ...

    def values(self, call: MeasureCall, level: Level) -> Any:
        """One value per class, or a single one."""

    def is_approximate(self, call: MeasureCall) -> bool:
        """Whether values were read from bins."""


def row_of_case(
    case: Case | TiledCase, found: Valued, values: Mapping[str, float], *, source: str, notes: tuple[str, ...]
) -> CaseRow:
    """The row of a case that could be scored."""
    return CaseRow(
        case_id=case.case_id,
        status="ok",
        shape=case.shape,
        spacing_mm=case.spacing_mm,
        axes_mm=case.axes_mm,
        probability_source=source,
        values=values,
        approx=tuple(call.column for call in found.plan.at("class") if found.is_approximate(call)),
        notes=notes,
    )


def case_values(found: Valued) -> dict[str, float]:
    """One value for all classes together; none where classes overlap."""
    calls = found.plan.at("case")
    if found.plan.overlaps:
        return {call.column: math.nan for call in calls}
    return {call.column: value_of_case(found.values(call, "case"), call, found.counts) for call in calls}


def value_of_case(value: Any, call: MeasureCall, counts: Counts) -> float:
    """The value of all classes together; one that a measure has of nothing else is declared where a side is empty."""
    if "class" in call.measure.levels:
        return float(value)
    of_all = Counts(**{name: getattr(counts, name).sum(keepdims=True) for name in ("tp", "fp", "fn", "tn")})
    return with_declared([float(value)], call, of_all)[0]


def class_rows(evidence: Evidence) -> tuple[ClassRow, ...]:
    """One row per class of the case."""
    columns = {call.column: class_values(evidence, call) for call in evidence.plan.at("class")}
    return rows_of_classes(evidence.case.case_id, evidence.classes, evidence.counts, columns)


def class_values(evidence: Evidence, call: MeasureCall) -> list[float]:
    """One value per class, with what the measure declares for absent ones over what its formula says."""
    values = with_declared(evidence.values(call, "class"), call, evidence.counts)
    if not may_be_endless(call.measure):
        return values
    policy, diagonal = evidence.plan.empty_distance, evidence.grid.diagonal
    return [distance_or_policy(distance, policy=policy, diagonal=diagonal) for distance in values]


def may_be_endless(measure: Measure) -> bool:
    """Whether the user decides what the distance to a surface is that is not there; tools have answers of their own."""
    return measure.unit == "mm" and not measure.profile


def with_declared(values: Iterable[float], call: MeasureCall, counts: Counts) -> list[float]:
    """The values of the classes, and what the measure declares for those that a side lacks."""
    absent = call.measure.absent
    declared = {"absent_both": absent.both, "absent_pred": absent.pred, "absent_truth": absent.truth}
    said = [declared.get(status) for status in _statuses(counts)]
    return [float(v) if d is None else d for v, d in zip(values, said, strict=True)]


def absent_rows(case: CaseRow, classes: Sequence[LabelClass], n_voxels: int, plan: Plan) -> tuple[ClassRow, ...]:
    """Rows for classes that a scored case has on neither side, so that every case has every class."""
    nowhere = AbsentClasses(classes=tuple(classes), n_voxels=n_voxels, grid=case.grid)
    values = {call.column: with_declared(nowhere.values(call), call, nowhere.counts) for call in plan.at("class")}
    return rows_of_classes(case.case_id, nowhere.classes, nowhere.counts, values)


def as_missing(score: CaseScore, plan: Plan, *, worst: bool) -> CaseScore:
    """The score of a case without prediction, from its score as an empty one.

    With `worst`, the classes of the truth and the case itself get the worst value of every measure. The worst
    distance is that to nothing, which the empty prediction has already, as the user wants it.
    """
    of = {call.column: call.measure for call in plan.measures}
    rows = tuple(_missing_row(row, of, worst=worst and row.n_truth > 0) for row in score.classes)
    values = _worst(score.row.values, of) if worst else score.row.values
    row = replace(score.row, status="missing_pred", values=values)
    return replace(score, row=row, classes=rows)


def _missing_row(row: ClassRow, of: Mapping[str, Measure], *, worst: bool) -> ClassRow:
    values = _worst(row.values, of) if worst else row.values
    return replace(row, status="missing_pred", values=values)


def _worst(values: Mapping[str, float], of: Mapping[str, Measure]) -> dict[str, float]:
    worst = {column: value if may_be_endless(of[column]) else of[column].worst for column, value in values.items()}
    return {column: math.nan if value is None else value for column, value in worst.items()}


def _statuses(counts: Counts) -> list[Status]:
    return [_status(int(pred), int(truth)) for pred, truth in zip(counts.pred, counts.truth, strict=True)]


def _status(pred: int, truth: int) -> Status:
    if pred and truth:
        return "ok"
    if pred or truth:
        return "absent_truth" if pred else "absent_pred"
    return "absent_both"


def rows_of_classes(
    case_id: str, classes: Sequence[LabelClass], counts: Counts, columns: Mapping[str, Sequence[float]]
) -> tuple[ClassRow, ...]:
    """One row per class of a case, with its counts and the values of each column."""
    statuses = _statuses(counts)
    rows = []
    for i, of in enumerate(classes):
        tp, fp, fn, tn = (int(side[i]) for side in (counts.tp, counts.fp, counts.fn, counts.tn))
        values = {column: found[i] for column, found in columns.items()}
        rows.append(ClassRow(case_id=case_id, of=of, status=statuses[i], tp=tp, fp=fp, fn=fn, tn=tn, values=values))
    return tuple(rows)
