"""Groups of the cases of a stored run: the rows that `score --by` writes, from the values that it stored."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segeval.results.csv_tables import jsonable
from segeval.results.stored_runs import stored_run_of
from segeval.scoring.groups import with_worst
from segeval.statistics.bootstrap import draw
from segeval.statistics.intervals import mean_intervals
from segeval.statistics.summary import summarise
from segeval.verbs.gate.comparable import run_table
from segeval.verbs.gate.table import Column
from segeval.verbs.running.case_table import asked_parts


def groups_of_run(
    document: Mapping[str, Any], path: Path, case_table: Path | None, by: Sequence[str]
) -> list[dict[str, Any]]:
    """A row per group, class and measure of a run, as in its `groups.csv`.

    Raises:
        ConfigError: the case table cannot be read, or lacks a column or a case.
    """
    run = run_table(stored_run_of(document, path=path))
    parts, plan = asked_parts(case_table, by, run.case_ids), document["plan"]
    rows = [
        {"by": name, "group": value} | _row(column.of_cases(cases), plan)
        for name, groups in parts.items()
        for value, cases in groups.items()
        for column in run.columns.values()
    ]
    better_of = {column.measure: column.better for column in run.columns.values()}
    found: list[dict[str, Any]] = jsonable(with_worst(rows, better_of))
    return found


def _row(column: Column, plan: Mapping[str, Any]) -> dict[str, Any]:
    found = summarise(column.values)
    resamples, level = int(plan.get("bootstrap", 1000)), float(plan.get("ci_level", 0.95))
    low = high = float("nan")
    if resamples and len(column.case_ids) > 1:
        draws = draw(column.case_ids, resamples=resamples, seed=int(plan.get("seed", 0)))
        interval = mean_intervals(draws, np.asarray(column.values)[:, None], level=level)[0]
        low, high = interval.low, interval.high
    return {
        "class": column.class_name,
        "measure": column.measure,
        "n": found.n,
        "n_undefined": found.n_undefined,
        "mean": found.mean,
        "ci_low": low,
        "ci_high": high,
    }
