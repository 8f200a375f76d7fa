"""The tables of a run on screen: a row per class, the mean over classes, and the worst cases."""

import math
from collections.abc import Sequence
from typing import Any

from segeval.results import ClassRow, Results, SummaryRow

N_WORST = 5
_CELL = 18  # characters that a column needs


def print_run(results: Results, console: Any) -> None:
    """Print what a person wants to see first; everything else is in the files."""
    if not any(row.values for row in results.case_rows) and not results.class_rows:
        console.print("No case was scored.")
        return
    of_class = [one for one in results.shown if one in results.class_columns]
    of_case = [one for one in results.shown if one in results.case_columns and one not in results.class_columns]
    fit = max(1, (console.width - 24) // _CELL)
    if of_class:
        console.print(_means_table(results, [one.name for one in results.classes] + ["(mean)"], of_class[:fit]))
    if of_case:
        console.print(_means_table(results, ["(all)"], of_case[:fit]))
    if of_class and results.class_rows:
        console.print(_worst_table(results, of_class[:fit]))
    _print_footer(results, [*of_class[:fit], *of_case[:fit]], console)


def _means_table(results: Results, names: Sequence[str], columns: Sequence[str]) -> Any:
    table = plain_table("class", "cases", *columns)
    of = {(row.name, row.column): row for row in results.summary}
    for name in names:
        rows = [of[name, column] for column in columns]
        n = max(row.n for row in rows)
        if name == "(mean)":
            table.add_section()
        said = f"{n} classes" if name == "(mean)" else str(n)
        table.add_row(name, said, *(_mean_cell(row, n) for row in rows), style="bold" if name == "(mean)" else "")
    return table


def _mean_cell(row: SummaryRow, n_of_row: int) -> str:
    """`0.873 ± 0.041`, with the count where it differs from that of the row.

    An infinite mean says little more than that something was missed, so the median stands beside it.
    """
    mean, std = row.statistics["mean"], row.statistics.get("std", math.nan)
    if math.isinf(mean) and row.n_inf:
        return f"{number(mean)} ({row.n_inf} inf, median {number(row.statistics['median'])})"
    spread = "" if math.isnan(std) else f" ± {number(std)}"
    return number(mean) + spread + (f" (n={row.n})" if row.n != n_of_row else "")


def _worst_table(results: Results, columns: Sequence[str]) -> Any:
    """The cases with the worst values of the first measure."""
    first = columns[0]
    rows = [row for row in results.class_rows if not math.isnan(row.values[first])]
    table = plain_table(f"worst by {first}", "class", *columns, "status")
    for row in sorted(rows, key=lambda row: badness(row, results))[:N_WORST]:
        table.add_row(row.case_id, row.of.name, *(number(row.values[one]) for one in columns), row.status)
    return table


def badness(row: ClassRow, results: Results) -> tuple[float, str, str]:
    """Sorting key that puts the worst value of the first measure shown first."""
    first = next(one for one in results.shown if one in results.class_columns)
    value = row.values[first]
    better = results.facts["definitions"][first]["better"]
    worse_first = {"higher": value, "lower": -value, "zero": -abs(value), "none": -value}[better]
    return worse_first, row.case_id, row.of.label


def _print_footer(results: Results, columns: Sequence[str], console: Any) -> None:
    undefined = sum(row.n_undefined or 0 for row in results.summary if row.column in columns)
    if undefined:
        console.print(
            f"{undefined} undefined values are left out of the means (policy: {results.facts['plan']['undefined']})."
        )
    for status, said in (
        ("missing_pred", "without prediction"),
        ("failed", "failed"),
        ("missing_truth", "without truth"),
    ):
        cases = [row.case_id for row in results.case_rows if row.status == status]
        if cases:
            more = " …" if len(cases) > 5 else ""
            console.print(f"{len(cases)} of {len(results.case_rows)} cases {said}: {', '.join(cases[:5])}{more}")
    rest = len({*results.class_columns, *results.case_columns} - set(columns))
    if rest:
        console.print(f"{rest} more measures are in summary.csv, scores.csv and cases.csv.", style="dim")


def plain_table(*columns: str, left: Sequence[int] = (0,)) -> Any:
    """An empty table in the manner of all tables here; numbers stand right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i in left else "right", overflow="fold")
    return table


def number(value: float) -> str:
    """A value for people: three decimals, `inf`, or a dash where it is undefined."""
    if math.isnan(value):
        return "–"
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.4g}"
