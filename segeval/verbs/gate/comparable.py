"""Stored runs as the gate reads them, and whether two of them may be compared at all."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from segeval.choice import measure_of
from segeval.config import read_section
from segeval.errors import ConfigError, UnfinishedError
from segeval.files.paths import printable
from segeval.options import ScoreOptions
from segeval.results.stored_runs import StoredColumn, StoredRun
from segeval.settings import COMMAND_LINE, ENVIRONMENT, Settings
from segeval.verbs.gate.table import Column, RunTable

# what makes a column another number: facts of its definition, and settings of the whole run
_FACTS = ("measure", "profile", "formula", "parameters", "bounds", "better", "unit", "empty_distance", "instances")
# options of a run that leave every number as it is; whatever is new counts as moving them until it stands here
_HARMLESS = frozenset(
    (
        "out",
        "case_table",
        "by",
        "device",
        "engine",
        "workers",
        "dask",
        "format",
        "seed",
        "ci_level",
        "bootstrap",
        "measures",
        "like",
        "keep_going",
    )
)
# where files lie and how they are read: two runs may differ in it, and what it comes to is compared case by case
_LAYOUT = frozenset(
    (
        *("pairs", "pred_pattern", "truth_pattern", "channel_files", "truth_files", "pred_instances"),
        *("truth_instances", "pred_kind", "channel_axis", "geometry_tol", "labels", "regions", "ignore_label"),
    )
)
_SHOWN = 3
_SLACK = 1e-9  # a rounding step beyond an end is none, relative to the ends


def refuse_changed_settings(settings: Settings[ScoreOptions], gate: Path) -> None:
    """Stop where something less deliberate than the command line changes the numbers that a gate judges.

    What the file of the gate sets for `score` holds; only the command line, which stands in the same script, may set
    it otherwise. The environment may not even set what the file leaves at its default: nobody reads it in a review.

    Raises:
        ConfigError: the environment, or another file, sets an option that moves numbers.
    """
    of_gate = read_section(gate, "score", ScoreOptions)
    moving = settings.sources.keys() - _HARMLESS - {"pairs"}
    from_environment = {name for name in moving if settings.sources[name] == ENVIRONMENT}
    for name in (*of_gate, *sorted(from_environment - of_gate.keys())):
        value, source = getattr(settings.options, name), settings.sources.get(name)
        if source != COMMAND_LINE and (name not in of_gate or value != of_gate[name]):
            where = f"SEGEVAL_{name.upper()}" if source == ENVIRONMENT else f"{source or 'the default'}: {name}"
            there = f", which sets {of_gate[name]}" if name in of_gate else ""
            raise ConfigError(
                f"{where} {value}: would change the numbers that {printable(gate)} judges{there}. "
                f"Write it under score: there, or pass --{name.replace('_', '-')}."
            )


def run_table(run: StoredRun) -> RunTable:
    """The columns of a run with their direction, and with its policy for undefined values applied.

    Raises:
        ConfigError: a value lies outside the range that its measure has in the catalogue, whatever the run says.
    """
    for column in run.columns:
        _refuse_impossible(column, run.path)
    columns = [_column(column, run) for column in run.columns]
    return RunTable(
        columns={(column.class_name, column.measure): column for column in columns},
        unscored=run.unscored,
        unfinished=why_unfinished(run),
    )


def _refuse_impossible(column: StoredColumn, path: Path) -> None:
    low, high = measure_of(column.measure).bounds
    values = np.append(column.values, column.pooled)
    slack = _SLACK * max((abs(end) for end in (low, high) if np.isfinite(end)), default=0.0)
    wrong = values[(values < low - slack) | (values > high + slack)]  # nan is neither
    if wrong.size:
        raise ConfigError(
            f"{printable(path)}: {column.measure} of class {printable(column.class_name)} is {wrong[0]:g}, and it lies "
            f"between {low:g} and {high:g}. The file was edited or damaged: score again."
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
        absent_in=column.absent_in,
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
        truth_sizes={(case, renamed.get(name, name)): n for (case, name), n in baseline.truth_sizes.items()},
        columns=tuple(
            replace(column, class_name=renamed.get(column.class_name, column.class_name)) for column in baseline.columns
        ),
    )


def why_unfinished(run: StoredRun) -> str:
    """Why cases may be lacking, or come from two runs; empty for a run that came to its end."""
    return "" if run.complete else "; ".join(run.doubts) or "it was interrupted before all cases were scored"


def refuse_if_unfinished(run: StoredRun) -> None:
    """Stop where cases may be lacking that would have made the run better or worse.

    Raises:
        UnfinishedError: the run was interrupted.
    """
    why = why_unfinished(run)
    if why:
        raise UnfinishedError(
            f"{printable(run.path)}: nothing can be concluded from this run: {why}. Score again to the end."
        )


def refuse_if_incomparable(run: StoredRun, baseline: StoredRun, *, measures: Iterable[str], min_paired: int) -> None:
    """Stop where a comparison would set different things side by side.

    Args:
        measures: columns that will be compared.
        min_paired: above 0, cases may differ as long as so many are in both runs.

    Raises:
        ConfigError: definitions, labels, truths or cases differ; the message shows how.
    """
    found = [*_definitions(run, baseline, measures), *_settings(run, baseline), *_labels(run, baseline)]
    found += [] if found else _truths(run, baseline)
    if min_paired == 0:
        found += _cases(run, baseline)
    if found:
        raise ConfigError(
            f"{printable(baseline.path)} cannot be the baseline of {printable(run.path)}:\n  "
            + "\n  ".join(found)
            + "\nScore both in the same way, or name another baseline."
        )


def notes_on_baseline(baseline: StoredRun) -> tuple[str, ...]:
    """What is not known of a baseline."""
    if baseline.plan:
        return ()
    said = f"{printable(baseline.path)} does not say how it was scored, so nothing shows that its settings agree"
    return (f"{said}. Name the folder of its run instead, if there is one.",)


def _definitions(run: StoredRun, baseline: StoredRun, measures: Iterable[str]) -> list[str]:
    found = []
    for measure in dict.fromkeys(measures):
        here, there = run.definitions.get(measure), baseline.definitions.get(measure)
        if here is None or there is None:
            continue
        for fact in _FACTS:
            if here.get(fact) != there.get(fact):
                found.append(f"{measure}: {fact} is {here.get(fact)} here and {there.get(fact)} in the baseline")
        kinds = run.prediction_kind, baseline.prediction_kind
        if all(kinds) and kinds[0] != kinds[1] and (here.get("kind") == "loss" or here.get("needs_probabilities")):
            found.append(f"{measure}: it reads predictions that are {kinds[0]} here and {kinds[1]} in the baseline")
    return found


def _settings(run: StoredRun, baseline: StoredRun) -> list[str]:
    found = [
        f"--{name.replace('_', '-')} is {run.plan[name]} here and {baseline.plan[name]} in the baseline"
        for name in run.plan
        if name in baseline.plan and run.plan[name] != baseline.plan[name] and name not in _HARMLESS | _LAYOUT
    ]
    here, there = run.ignored_ids, baseline.ignored_ids
    if here is not None and there is not None and set(here) != set(there):
        found.append(f"ignored ids are {_plus(here)} here and {_plus(there)} in the baseline")
    return found


def _labels(run: StoredRun, baseline: StoredRun) -> list[str]:
    shared = run.labels.keys() & baseline.labels.keys()
    return [
        f"class {name}: ids {_plus(run.labels[name])} here and {_plus(baseline.labels[name])} in the baseline"
        for name in sorted(shared)
        if run.labels[name] != baseline.labels[name]
    ]


def _truths(run: StoredRun, baseline: StoredRun) -> list[str]:
    """A truth that was drawn again moves the values as a better model does."""
    sizes = ((*key, n, baseline.truth_sizes.get(key, n)) for key, n in run.truth_sizes.items())
    changed = [(printable(case), printable(name), here, there) for case, name, here, there in sizes if here != there]
    found = [
        f"the truth of case {case} has {here} voxels of {name} here and {there} in the baseline"
        for case, name, here, there in changed[:_SHOWN]
    ]
    more = len(changed) - len(found)
    return [*found, f"and {more} more truths changed"] if more > 0 else found


def _plus(ids: Iterable[int]) -> str:
    return "+".join(map(str, ids)) or "none"


def _cases(run: StoredRun, baseline: StoredRun) -> list[str]:
    sides = {"here": run.case_ids - baseline.case_ids, "in the baseline": baseline.case_ids - run.case_ids}
    found = []
    for side, cases in sides.items():
        if cases:
            more = ", ..." if len(cases) > _SHOWN else ""
            some = ", ".join(map(printable, sorted(cases)[:_SHOWN]))
            found.append(f"{len(cases)} cases are only {side}: {some}{more} (baseline.min_paired allows that)")
    return found
