"""The scores of all cases in, one set of results out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from segeval.evidence.labels import LabelClass
from segeval.results import CaseScore, ClassRow, Results, Table
from segeval.scoring.curves import curves_of, froc_of, sequences_of
from segeval.scoring.evaluate import absent_rows
from segeval.scoring.groups import COLUMNS, Parts, group_rows
from segeval.scoring.plan import Aggregation, Plan
from segeval.scoring.pooled import Pool
from segeval.scoring.summarise import Scored, merge_histograms, summary_rows


def collect(
    scores: Sequence[CaseScore],
    plan: Plan,
    how: Aggregation,
    facts: Mapping[str, Any],
    *,
    pool: Pool | None = None,
    parts: Parts | None = None,
) -> Results:
    """Sort the cases, give every case every class, and summarise.

    Args:
        pool: what was added up of the cases already.
        parts: groups of cases that are summed up for themselves, too.

    Raises:
        DataError: a value is undefined and the policy is `fail`.
    """
    pool = pool or Pool()
    scores = sorted(map(pool.take, scores), key=lambda score: score.row.case_id)
    scored = [score for score in scores if score.histogram is not None]
    pooled = merge_histograms([score.histogram for score in scored if score.histogram is not None])
    classes = plan.labels.classes_among(pooled.ids)
    class_rows = [row for score in scored for row in _with_every_class(score, classes, plan)]
    found = Scored(
        cases=[score.row for score in scored],
        class_rows=class_rows,
        classes=classes,
        pooled=pooled,
        plan=plan,
        totals=pool.totals,
        n_missing=sum(score.row.status == "missing_pred" for score in scores),
    )
    summary = summary_rows(found, how)
    return Results(
        classes=classes,
        class_columns=tuple(call.column for call in plan.at("class")),
        case_columns=tuple(call.column for call in plan.at("case")),
        class_rows=tuple(class_rows),
        case_rows=tuple(score.row for score in scores),
        summary=summary,
        confusion=pooled if scored and not plan.overlaps else None,
        lesions={score.row.case_id: score.lesions for score in scored} if plan.lesion_rule else None,
        shown=plan.shown,
        facts=facts,
        groups=_groups(found, how, parts) if parts else None,
        curves=None if found.together is None else curves_of(found.together),
        resamples={} if found.together is None else found.together.resamples,
        sequences=None if found.together is None else sequences_of(found.together),
        froc=None if found.together is None else froc_of(found.together),
    )


def _groups(scored: Scored, how: Aggregation, parts: Parts) -> Table:
    """The summary of each group of cases."""
    better_of = {call.column: call.measure.better for call in scored.plan.measures}
    return Table(columns=COLUMNS, rows=tuple(group_rows(scored, how, parts, better_of)))


def _with_every_class(score: CaseScore, classes: Sequence[LabelClass], plan: Plan) -> list[ClassRow]:
    """The rows of a case in the order of `classes`, with rows for those it has on neither side."""
    have = {row.of: row for row in score.classes}
    lacking = [one for one in classes if one not in have]
    if lacking and score.histogram is not None:
        added = absent_rows(score.row, lacking, int(score.histogram.n.sum()), plan)
        missing = score.row.status == "missing_pred"
        have |= {row.of: replace(row, status="missing_pred") if missing else row for row in added}
    return [have[one] for one in classes]
