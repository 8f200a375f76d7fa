"""Stored runs as the gate reads them, and whether two of them may be compared at all."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from segeval.choice import measure_of
from segeval.errors import ConfigError
from segeval.files.paths import printable
from segeval.results.stored_runs import StoredColumn, StoredRun
from segeval.verbs.gate.table import Column, RunTable

_COMPARED = ("measure", "formula", "parameters", "bounds", "better", "unit")
_SHOWN = 3


def run_table(run: StoredRun) -> RunTable:
    """The columns of a run with their direction, and with its policy for undefined values applied."""
    columns = [_column(column, run) for column in run.columns]
    return RunTable(
        columns={(one.class_name, one.measure): one for one in columns}, n_missing=run.n_missing, complete=run.complete
    )


def _column(column: StoredColumn, run: StoredRun) -> Column:
    measure = measure_of(column.measure)
    policy = run.plan.get("undefined", "skip")
    substitute = {"worst": measure.worst, "best": measure.best}.get(policy)
    values = column.values if substitute is None else np.where(np.isnan(column.values), substitute, column.values)
    return Column(
        class_name=column.class_name,
        measure=column.measure,
        better=measure.better,
        case_ids=column.case_ids,
        values=values,
        pooled=column.pooled,
    )


def with_names_of(baseline: StoredRun, run: StoredRun) -> StoredRun:
    """The baseline under the class names of the run, where it knows its classes by their ids only."""
    if baseline.definitions or not run.labels:
        return baseline
    name_of = {ids: name for name, ids in run.labels.items()}
    renamed = {name: name_of.get(ids, name) for name, ids in baseline.labels.items()}
    return replace(
        baseline,
        labels={renamed[name]: ids for name, ids in baseline.labels.items()},
        columns=tuple(replace(one, class_name=renamed.get(one.class_name, one.class_name)) for one in baseline.columns),
    )


def refuse_if_incomparable(run: StoredRun, baseline: StoredRun, *, measures: Iterable[str], min_paired: int) -> None:
    """Stop where a comparison would set different things side by side.

    Args:
        measures: columns that will be compared.
        min_paired: above 0, cases may differ as long as so many are in both runs.

    Raises:
        ConfigError: definitions, labels or cases differ; the message shows how.
    """
    found = [*_definitions(run, baseline, measures), *_labels(run, baseline)]
    if min_paired == 0:
        found += _cases(run, baseline)
    if found:
        raise ConfigError(
            f"{printable(baseline.path)} cannot be the baseline of {printable(run.path)}:\n  "
            + "\n  ".join(found)
            + "\nScore both in the same way, or name another baseline."
        )


def _definitions(run: StoredRun, baseline: StoredRun, measures: Iterable[str]) -> list[str]:
    found = []
    for measure in dict.fromkeys(measures):
        here, there = run.definitions.get(measure), baseline.definitions.get(measure)
        if here is None or there is None:
            continue
        for fact in _COMPARED:
            if here.get(fact) != there.get(fact):
                found.append(f"{measure}: {fact} is {here.get(fact)} here and {there.get(fact)} in the baseline")
    for policy in ("undefined", "missing", "include_background"):
        if run.plan and baseline.plan and run.plan.get(policy) != baseline.plan.get(policy):
            found.append(f"--{policy} is {run.plan.get(policy)} here and {baseline.plan.get(policy)} in the baseline")
    return found


def _labels(run: StoredRun, baseline: StoredRun) -> list[str]:
    shared = run.labels.keys() & baseline.labels.keys()
    return [
        f"class {name}: ids {_ids(run.labels, name)} here and {_ids(baseline.labels, name)} in the baseline"
        for name in sorted(shared)
        if run.labels[name] != baseline.labels[name]
    ]


def _ids(labels: Mapping[str, tuple[int, ...]], name: str) -> str:
    return "+".join(map(str, labels[name]))


def _cases(run: StoredRun, baseline: StoredRun) -> list[str]:
    sides = {"here": run.case_ids - baseline.case_ids, "in the baseline": baseline.case_ids - run.case_ids}
    found = []
    for side, cases in sides.items():
        if cases:
            more = ", ..." if len(cases) > _SHOWN else ""
            some = ", ".join(map(printable, sorted(cases)[:_SHOWN]))
            found.append(f"{len(cases)} cases are only {side}: {some}{more} (baseline.min_paired allows that)")
    return found
