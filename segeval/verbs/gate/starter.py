"""What a good run leaves for later gates: a first `segeval.yaml` with limits that it keeps, and itself as baseline."""

import json
import math
import shutil
from pathlib import Path

import numpy as np

from segeval.choice import is_headline, measure_of
from segeval.errors import ConfigError
from segeval.files.ours import RUN_FILE, files_of_run
from segeval.files.outputs import OutputFolder
from segeval.files.paths import printable
from segeval.results.stored_runs import StoredRun
from segeval.statistics.summary import summarise
from segeval.verbs.gate.comparable import run_table
from segeval.verbs.gate.table import CASE_LEVEL, Column

_HEAD = """\
# Limits that a good run keeps with a little room: tighten them to what you cannot accept to lose, and delete what
# you do not care about. `segeval gate RUN -c THIS_FILE --selftest` shows whether they can fail.
schema_version: 1
cases: {{min_cases: {n_cases}, max_missing: 0}}
rules:
"""
_ROOM = 0.02  # of the value: what another run of the same quality may differ by


def starter(run: StoredRun) -> str:
    """The text of the file: the mean and the tail of the headline measures of every class.

    Raises:
        ConfigError: the run has no value to take a limit from.
    """
    columns = [
        column
        for column in run_table(run).columns.values()
        if is_headline(measure_of(column.measure)) and column.class_name != CASE_LEVEL
    ]
    rules = [rule for column in columns for rule in _rules(column)]
    if not rules:
        raise ConfigError(f"{printable(run.path)}: no finite value of a headline measure to take limits from.")
    return _HEAD.format(n_cases=len(run.case_ids)) + "".join(rules)


def _rules(column: Column) -> list[str]:
    """A floor (or ceiling) for the mean, or the median where a value is infinite, and one for the bad tail."""
    found = summarise(column.values)
    middle = "mean" if math.isfinite(found.mean) else "median"
    tail = "p5" if column.better == "higher" else "p95"
    return [
        _rule(column, stat, limit)
        for stat in (middle, tail)
        if np.isfinite(limit := _with_room(getattr(found, stat), column)) and column.better in ("higher", "lower")
    ]


def _with_room(value: float, column: Column) -> float:
    """The value made worse by a little, rounded away from it."""
    if not math.isfinite(value):
        return math.nan
    if column.better == "higher":
        return math.floor(value * (1 - _ROOM) * 1000) / 1000
    return math.ceil(value * (1 + _ROOM) * 1000) / 1000


def _rule(column: Column, stat: str, limit: float) -> str:
    side = "min" if column.better == "higher" else "max"
    rule_id, measure, name = (
        json.dumps(text, ensure_ascii=False)
        for text in (f"{column.class_name}-{column.measure}-{stat}", column.measure, column.class_name)
    )
    return f"  - {{id: {rule_id}, measure: {measure}, class: {name}, stat: {stat}, {side}: {limit:g}}}\n"


def copy_run(run: Path, target: Path) -> None:
    """Copy the tables of a run, `run.json` last, to a folder that is empty or holds an earlier run.

    Raises:
        ConfigError: the run is no folder, or the target holds something else or cannot be written.
    """
    if not (run / RUN_FILE).is_file():
        raise ConfigError(f"{printable(run)}: only the folder of a run can become a baseline.")
    with OutputFolder.open(target, kind="score") as folder, folder.stage() as stage:
        for name in files_of_run(run):
            if (run / name).is_file():
                shutil.copyfile(run / name, stage / name)
