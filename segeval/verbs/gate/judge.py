"""Rules and a run in, verdicts out. What cannot be judged never passes."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from segeval.config import Config, MaxFraction, Rule, notes_on_rules
from segeval.config.rules import MACRO
from segeval.errors import ConfigError
from segeval.files.paths import counted, listed
from segeval.statistics.intervals import FEW_UNITS
from segeval.statistics.significance import holm
from segeval.verbs.gate.fractions import judge_fraction, judge_review
from segeval.verbs.gate.limits import judge_limit
from segeval.verbs.gate.regressions import judge_regression
from segeval.verbs.gate.table import CASE_LEVEL, Column, Resampling, RunTable
from segeval.verbs.gate.verdict import Outcome, Verdict
from segeval.verbs.running.case_table import CaseTable, facts_of, parts_of


def judge(
    run: RunTable,
    config: Config,
    *,
    baseline: RunTable | None = None,
    case_table: CaseTable | None = None,
    how: Resampling | None = None,
    is_first: bool = False,
) -> tuple[Verdict, ...]:
    """Judge every rule for every class and slice it speaks of.

    Args:
        run: what was scored.
        config: rules with canonical measure names, as `check_rules` gives them.
        baseline: the run to compare with.
        case_table: facts about the cases, for slices and for the unit of resampling.
        how: the resampling; the unit of the config is put into it.
        is_first: the run becomes the first baseline, so that rules which compare with one only warn.

    Raises:
        ConfigError: the case table lacks a column or a case.
    """
    nothing = _nothing_evaluated(run)
    if nothing is not None:
        return (nothing,)
    table = case_table or {}
    how = how or Resampling()
    if config.cases.unit is not None:
        how = replace(how, unit_of=facts_of(table, config.cases.unit, run.case_ids))
    verdicts = [
        replace(verdict, line=rule.line, measure=rule.measure, stat=_stat(rule))
        for rule in config.rules
        for verdict in (
            [_without_baseline(rule)]
            if is_first and rule.needs_baseline
            else _judge_rule(rule, run, baseline, table, config, how)
        )
    ]
    verdicts = after_holm(verdicts, alpha=1 - how.level)
    softened = [_soften(verdict, config.rules) for verdict in verdicts]
    return (*_checks(run, config, baseline), *softened)


def gate_notes(run: RunTable, config: Config) -> tuple[str, ...]:
    """What to know about the gate as a whole, whatever its verdicts."""
    n = len(run.case_ids)
    few = f"Only {counted(n, 'case')}: below {FEW_UNITS}, rare failures are easily missed."
    return ((few,) if 0 < n < FEW_UNITS else ()) + notes_on_rules(config.rules)


def beware_of(run: RunTable, config: Config) -> str:
    """Why a pass says little; empty where it says much."""
    if config.rules and all(rule.severity == "warning" for rule in config.rules):
        return "every rule is a warning, and no warning can fail this gate"
    if len(run.case_ids) == 1 and config.cases.min_cases == 0:
        return "a single case was judged, and cases.min_cases asks for no more"
    return ""


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """What a rule is asked about: a class, or the mean over classes, in some of the cases."""

    class_name: str
    part: str
    columns: tuple[Column, ...]
    base: tuple[Column, ...]
    vanished: tuple[str, ...]


_LACKS = "there is no baseline value to compare with"
_NO_BASELINE = (
    "there is no baseline: name a run with --baseline, or make this one the first with --baseline DIR "
    "--update-baseline DIR"
)


def _without_baseline(rule: Rule) -> Verdict:
    reason = "there is no baseline yet, and this run becomes the first"
    return Verdict(rule_id=rule.id, outcome="warn", reason=reason, class_name=rule.class_name)


def _judge_rule(
    rule: Rule, run: RunTable, baseline: RunTable | None, table: CaseTable, config: Config, how: Resampling
) -> list[Verdict]:
    if rule.max_fraction is not None and rule.reads_review:
        return list(_judge_reviews(rule, rule.max_fraction, run, table, how))
    subjects = list(_subjects(rule, run, baseline, table))
    if not subjects:
        return [
            Verdict(rule_id=rule.id, outcome="inconclusive", reason=_no_match(rule, run), class_name=rule.class_name)
        ]
    min_paired = config.baseline.min_paired if config.baseline is not None else 0
    return [
        replace(
            _judge_subject(rule, subject, min_paired, how, lacks=_LACKS if baseline else _NO_BASELINE),
            class_name=subject.class_name,
            part=subject.part,
        )
        for subject in subjects
    ]


def _judge_reviews(
    rule: Rule, limit: MaxFraction, run: RunTable, table: CaseTable, how: Resampling
) -> Iterator[Verdict]:
    """The verdict of the rule on the marks of the case table, for each slice; a case without a row has no mark."""
    marks = table.get("reviewed")
    if marks is None or not marks.keys() & {*run.case_ids}:
        lacks = "no case table with a column reviewed" if marks is None else "no case of this run in the case table"
        raise ConfigError(
            f"rule {rule.id!r} reads the marks of a review, and there is {lacks}. "
            "Download review.csv from the page of this run, and pass it with --case-table."
        )
    for part, case_ids in _parts(rule, run, None, table):
        cases = sorted(run.case_ids if case_ids is None else case_ids)
        verdict = judge_review(rule, limit, {case: marks.get(case, "") for case in cases}, how)
        yield replace(verdict, part=part)


def _judge_subject(rule: Rule, subject: _Subject, min_paired: int, how: Resampling, *, lacks: str) -> Verdict:
    if subject.vanished:
        gone = ", ".join(subject.vanished)
        return Verdict(rule_id=rule.id, outcome="fail", reason=f"{gone}: has values in the baseline and none here")
    if not rule.needs_baseline:
        return judge_limit(rule, subject.columns, how)
    if not subject.base:
        return Verdict(rule_id=rule.id, outcome="inconclusive", reason=lacks)
    verdict = _judge_against_baseline(rule, subject, how)
    if 0 < verdict.n < min_paired:
        reason = f"only {verdict.n} paired cases of at least {min_paired}: {verdict.reason}"
        return replace(verdict, outcome="inconclusive", reason=reason)
    return verdict


def _judge_against_baseline(rule: Rule, subject: _Subject, how: Resampling) -> Verdict:
    if rule.max_fraction is not None:
        return judge_fraction(rule, rule.max_fraction, subject.columns, subject.base, how)
    here = {column.class_name for column in subject.base}
    return judge_regression(rule, [one for one in subject.columns if one.class_name in here], subject.base, how)


def _subjects(rule: Rule, run: RunTable, baseline: RunTable | None, table: CaseTable) -> Iterator[_Subject]:
    for part, case_ids in _parts(rule, run, baseline, table):
        for class_name, members in _classes(rule, run, baseline).items():
            columns = _columns(run, members, rule.measure, case_ids)
            base = _columns(baseline, members, rule.measure, case_ids)
            yield _Subject(
                class_name=class_name,
                part=part,
                columns=columns,
                base=tuple(one for one in base if class_name != MACRO or one.class_name in _names(columns)),
                vanished=tuple(sorted(_names(_defined(base)) - _names(_defined(columns)))),
            )


def _classes(rule: Rule, run: RunTable, baseline: RunTable | None) -> dict[str, list[str]]:
    """Each class name to report under, with the classes behind it."""
    known = list(run.classes_of(rule.measure))
    known += [one for one in (baseline.classes_of(rule.measure) if baseline else ()) if one not in known]
    if rule.class_name == MACRO:
        members = [one for one in known if one != CASE_LEVEL]
        return {MACRO: members} if members else {}
    return {one: [one] for one in known if rule.class_name in ("*", one)}


def _parts(
    rule: Rule, run: RunTable, baseline: RunTable | None, table: CaseTable
) -> list[tuple[str, frozenset[str] | None]]:
    """The slices of the cases: all of them, or those with each value of a column."""
    if rule.by is None:
        return [("", None)]
    case_ids = {*run.case_ids, *(baseline.case_ids if baseline else ())}
    return [(f"{rule.by}={value}", cases) for value, cases in parts_of(table, rule.by, sorted(case_ids)).items()]


def _columns(
    run: RunTable | None, classes: Sequence[str], measure: str, case_ids: frozenset[str] | None
) -> tuple[Column, ...]:
    found = [run.columns[one, measure] for one in classes if (one, measure) in run.columns] if run else []
    return tuple(found if case_ids is None else [column.of_cases(case_ids) for column in found])


def _defined(columns: Sequence[Column]) -> list[Column]:
    return [column for column in columns if not np.isnan(column.values).all()]


def _names(columns: Sequence[Column]) -> set[str]:
    return {column.class_name for column in columns}


def _no_match(rule: Rule, run: RunTable) -> str:
    classes = run.classes_of(rule.measure)
    if not classes:
        return f"matches nothing: the run has no {rule.measure}; score it with -m '+{rule.measure}'"
    return f"matches nothing: {rule.measure} has no class {rule.class_name!r}, only {', '.join(classes)}"


def _nothing_evaluated(run: RunTable) -> Verdict | None:
    """An empty run, or one without any defined value, says nothing about any rule."""
    if any(_defined([column]) or not math.isnan(column.pooled) for column in run.columns.values()):
        return None
    why = "no case was scored" if not run.case_ids else f"none of {len(run.case_ids)} cases has a defined value"
    return Verdict(rule_id="run", outcome="inconclusive", reason=f"nothing was evaluated: {why}")


def _checks(run: RunTable, config: Config, baseline: RunTable | None) -> list[Verdict]:
    """What the run itself, and its baseline, must bring; only what is lacking is said."""
    found = []
    n, least, most = len(run.case_ids), config.cases.min_cases, config.cases.max_missing
    for rule_id, table in (("run", run), ("baseline", baseline)):
        if table is not None and table.unfinished:
            reason = f"nothing can be concluded from the {rule_id}: {table.unfinished}"
            found.append(Verdict(rule_id=rule_id, outcome="inconclusive", reason=reason))
    if n < least:
        reason = f"only {n} cases of at least {least}"
        found.append(_lack("cases.min_cases", "inconclusive", reason, value=n, side=">=", limit=least))
    gone = run.unscored.union(baseline.case_ids if baseline is not None else ()) - {*run.case_ids}
    if len(run.unscored) > most:
        reason = f"{len(run.unscored)} case(s) without a score, at most {most} allowed: {listed(sorted(run.unscored))}"
        found.append(_lack("cases.max_missing", "fail", reason, value=len(run.unscored), side="<=", limit=most))
    elif len(gone) > most:
        reason = (
            f"{len(gone)} case(s) of the baseline have no score here, at most {most} allowed: {listed(sorted(gone))}. "
            "Score them, renew the baseline, or raise cases.max_missing"
        )
        found.append(_lack("cases.max_missing", "inconclusive", reason, value=len(gone), side="<=", limit=most))
    return [replace(verdict, n=n) for verdict in found]


def _lack(rule_id: str, outcome: Outcome, reason: str, *, value: int, side: Literal[">=", "<="], limit: int) -> Verdict:
    return Verdict(
        rule_id=rule_id,
        outcome=outcome,
        reason=reason,
        value=float(value),
        shows="cases",
        side=side,
        limit=float(limit),
    )


def after_holm(verdicts: Sequence[Verdict], *, alpha: float) -> list[Verdict]:
    """A regression that many comparisons would show by chance is not shown.

    Only claims of regression are adjusted: a pass already asks for every rule to pass.
    """
    adjusted = holm([verdict.p for verdict in verdicts])
    return [_adjusted(verdict, float(p), alpha) for verdict, p in zip(verdicts, adjusted, strict=True)]


def _adjusted(verdict: Verdict, p: float, alpha: float) -> Verdict:
    if np.isnan(p):
        return verdict
    chance = verdict.outcome == "fail" and verdict.p <= alpha < p
    reason = (
        f"{verdict.reason}, but by chance among all comparisons (p = {p:.3g} after Holm)" if chance else verdict.reason
    )
    return replace(verdict, p=p, outcome="inconclusive" if chance else verdict.outcome, reason=reason)


def _soften(verdict: Verdict, rules: Sequence[Rule]) -> Verdict:
    """A rule that only warns stops nothing, unless it could not be judged for want of data."""
    severity = next(rule.severity for rule in rules if rule.id == verdict.rule_id)
    judged = verdict.n > 0 or verdict.outcome == "fail"
    if severity == "warning" and judged and verdict.outcome in ("fail", "inconclusive"):
        return replace(verdict, outcome="warn")
    return verdict


def _stat(rule: Rule) -> str:
    return "share of cases" if rule.max_fraction is not None else rule.stat
