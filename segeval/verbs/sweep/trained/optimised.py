"""Rows that take the best value of one parameter for each of the others, chosen on cases that are not reported."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from segeval.errors import ConfigError
from segeval.options import SweepOptions
from segeval.statistics.bootstrap import draw
from segeval.statistics.summary import mean
from segeval.verbs.sweep.output.table import SweepTable
from segeval.verbs.sweep.split import Split, split_cases
from segeval.verbs.sweep.trained.estimates import How, estimate_class
from segeval.verbs.sweep.trained.outcomes import Achieved
from segeval.verbs.sweep.trained.report import Report
from segeval.verbs.sweep.trained.tradeoff import tradeoff_table
from segeval.verbs.sweep.trained.words import setting_text


def optimised_table(report: Report, options: SweepOptions) -> SweepTable:
    """One row for each setting of the other parameters; every pair that was tried is among the extras.

    Raises:
        ConfigError: the parameter does not vary, or the cases cannot be split.
    """
    column = report.words.columns[options.optimise or ""]
    split = choosing_split(report.how.case_ids, options)
    tried = _tried(report.rows, column)
    values = _validated(report, options, split)
    best = {name: max(rows, key=lambda i: (values[i], -i)) for name, rows in tried.items()}
    n_tried = f"n_{_short(column)}_tried"
    rows = [_with_fact(report.rows[best[name]], n_tried, len(indices)) for name, indices in tried.items()]
    said = replace(report, how=_on(report.how, split.report, options), split=f"{report.split}; {split}")
    table = tradeoff_table(
        replace(
            said,
            rows=rows,
            facts=(*report.facts, n_tried),
            baseline=_same_row(report, rows),
            notes=(*report.notes, f"{column} is the value with the best {options.by} on the cases chosen on."),
        )
    )
    return replace(table, extras={**table.extras, "full": tradeoff_table(said)})


def choosing_split(case_ids: Sequence[str], options: SweepOptions) -> Split:
    """The cases that a value is chosen on, and those that are reported; by default every other one.

    Raises:
        ConfigError: there are too few cases, or none is left on one side.
    """
    if options.select is None and options.report is None:
        if len(case_ids) < 2:
            raise ConfigError("--optimise needs two cases or more: some to choose on, and others to report.")
        return Split(select=tuple(case_ids[::2]), report=tuple(case_ids[1::2]))
    return split_cases(case_ids, select=options.select, report=options.report)


def _tried(rows: Sequence[Achieved], column: str) -> dict[str, list[int]]:
    """Indices of the rows that differ in the optimised parameter alone, by what they share."""
    tried: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        rest = {name: value for name, value in row.setting.items() if name != column}
        tried.setdefault(setting_text(rest), []).append(i)
    if max(map(len, tried.values())) < 2:
        raise ConfigError(f"--optimise {column}: no setting has more than one value of it, so there is no choice.")
    return tried


def _validated(report: Report, options: SweepOptions, split: Split) -> np.ndarray:
    """The metric to choose by of every row, on the cases to choose on: the mean over the classes; nan is worst."""
    how = replace(report.how, case_ids=split.select, draws=None)
    classes = range(len(report.classes))
    values = mean(np.stack([estimate_class(report.rows, i, how).of[options.by].value for i in classes]))
    return np.where(np.isnan(values), -np.inf, values)


def _with_fact(row: Achieved, name: str, value: object) -> Achieved:
    return replace(row, facts={**row.facts, name: value})


def _on(how: How, case_ids: Sequence[str], options: SweepOptions) -> How:
    draws = draw(case_ids, resamples=options.bootstrap, seed=options.seed) if options.bootstrap else None
    return replace(how, case_ids=tuple(case_ids), draws=draws)


def _same_row(report: Report, rows: Sequence[Achieved]) -> int | None:
    """The baseline among the chosen rows, if it was chosen."""
    if report.baseline is None:
        return None
    settings = [row.setting for row in rows]
    wanted = report.rows[report.baseline].setting
    return settings.index(wanted) if wanted in settings else None


def _short(column: str) -> str:
    return column.partition("_")[0]
