"""The tables of a run on screen: a row per class, the mean over classes, and the worst cases."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from segeval.cli.tables import add_row, counted, plain_table, widest
from segeval.evidence.labels import MEAN_OF_CLASSES, WHOLE_CASE
from segeval.results import ClassRow, Results, SummaryRow
from segeval.results.number_text import short

N_WORST = 5
N_CLASSES = 40  # more rows than a screen has help nobody
STATUSES = {"missing_pred": "without prediction", "failed": "failed", "missing_truth": "without truth"}
POLICIES = {
    "skip": "left out of the means",
    "fail": "left out of the means: these measures only describe",
    "worst": "counted in the means with the worst value",
    "best": "counted in the means with the best value",
}


def print_run(results: Results, screen: Any) -> None:
    """Print what a person wants to see first; everything else is in the files."""
    _print_means(results, screen, _names(results), _of_classes(results))
    _print_means(results, screen, [WHOLE_CASE], _of_cases(results))
    _print_worst(results, screen)
    _print_footer(results, screen)


def _names(results: Results) -> list[str]:
    """The classes, and their mean where that is not the mean of one."""
    names = [one.name for one in results.classes]
    return names if len(names) == 1 else [*names, MEAN_OF_CLASSES]


def _of_classes(results: Results) -> list[str]:
    """The columns to show per class."""
    return [one for one in results.shown if one in results.class_columns] if results.class_rows else []


def _of_cases(results: Results) -> list[str]:
    """The columns to show per case: those that no class has."""
    has_values = any(row.values for row in results.case_rows)
    return [
        one for one in results.case_columns if one in results.shown and has_values and one not in results.class_columns
    ]


def _print_means(results: Results, screen: Any, names: Sequence[str], columns: Sequence[str]) -> None:
    """Print the means, in several tables where one would be too wide."""
    few = names if len(names) <= N_CLASSES else [*names[:N_CLASSES], names[-1]]
    while columns:
        n, table = widest(columns, lambda some: _means_table(results, few, some), screen)
        columns = columns[n:]
        screen.print(table)
        screen.print()
    if len(few) < len(names):
        screen.print(f"{len(names) - len(few)} more classes are in summary.csv.", style="dim")


def _means_table(results: Results, names: Sequence[str], columns: Sequence[str]) -> Any:
    table = plain_table("" if WHOLE_CASE in names else "class", "cases", *columns)
    of = {(row.name, row.column): row for row in results.summary}
    for name in names:
        rows = [of[name, column] for column in columns]
        n = max(row.n for row in rows)
        if name == MEAN_OF_CLASSES:
            table.add_section()
        said = counted(n, "class", "classes") if name == MEAN_OF_CLASSES else str(n)
        add_row(
            table, name, said, *(_mean_cell(row, n) for row in rows), style="bold" if name == MEAN_OF_CLASSES else ""
        )
    return table


def _mean_cell(row: SummaryRow, n_of_row: int) -> str:
    """`0.873 ± 0.041`, with the count where it differs from that of the row.

    An infinite mean says little more than that something was missed, so the median stands beside it.
    """
    mean, std = row.statistics["mean"], row.statistics.get("std", math.nan)
    if math.isinf(mean) and row.n_inf:
        return f"{short(mean)} ({row.n_inf} inf, median {short(row.statistics['median'])})"
    spread = "" if math.isnan(std) else f" ± {short(std)}"
    return short(mean) + spread + (f" (n={row.n})" if 0 < row.n < n_of_row else "")


def _print_worst(results: Results, screen: Any) -> None:
    """The cases with the worst values of the first measure."""
    columns = _of_classes(results)
    if not columns or results.facts["definitions"][columns[0]]["better"] == "none":
        return
    ranked = sorted(
        (row for row in results.class_rows if not math.isnan(row.values[columns[0]])), key=_badness(results)
    )
    if ranked:
        screen.print(widest(columns, lambda some: _worst_table(ranked[:N_WORST], some), screen)[1])
        screen.print()


def _worst_table(rows: Sequence[ClassRow], columns: Sequence[str]) -> Any:
    table = plain_table(f"worst by {columns[0]}", "class", "status", *columns, left=(0, 1, 2))
    for row in rows:
        add_row(table, row.case_id, row.of.name, row.status, *(short(row.values[one]) for one in columns))
    return table


def _badness(results: Results) -> Callable[[ClassRow], tuple[float, str, str]]:
    """Sorting key that puts the worst value of the first measure shown first."""
    first = _of_classes(results)[0]
    better = results.facts["definitions"][first]["better"]

    def key(row: ClassRow) -> tuple[float, str, str]:
        value = row.values[first]
        return {"higher": value, "lower": -value, "zero": -abs(value)}[better], row.case_id, row.of.label

    return key


def _print_footer(results: Results, screen: Any) -> None:
    columns = (*_of_classes(results), *_of_cases(results))
    undefined = sum(row.n_undefined or 0 for row in results.summary if row.column in columns)
    if undefined:
        policy = results.facts["plan"]["undefined"]
        values = "value is" if undefined == 1 else "values are"
        screen.print(f"{undefined} undefined {values} {POLICIES[policy]} (--undefined {policy}).")
    for status, said in STATUSES.items():
        cases = [row.case_id for row in results.case_rows if row.status == status]
        if cases:
            screen.print(_line_of_cases(cases, len(results.case_rows), said), style="yellow")
    rest = len({*results.class_columns, *results.case_columns} - {*results.shown})
    if rest:
        more = "1 more measure is" if rest == 1 else f"{rest} more measures are"
        screen.print(f"{more} in summary.csv, scores.csv and cases.csv.", style="dim")


def _line_of_cases(cases: Sequence[str], n: int, said: str) -> str:
    from segeval.verbs.notes import named

    return f"{len(cases)} of {n} cases {said}: {named(cases)}"
