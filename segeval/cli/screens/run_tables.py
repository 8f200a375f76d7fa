"""The tables of a run on screen: a row per class, the mean over classes, and the worst cases."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from segeval.cli.screens.tables import add_row, plain_table, widest
from segeval.evidence.labels import MEAN_OF_CLASSES, WHOLE_CASE
from segeval.files.paths import counted, listed
from segeval.results import ClassRow, Results, SummaryRow
from segeval.results.number_text import UNDEFINED, short

N_WORST = 9  # shared by the classes, one each at least
MISSED = ("missing_pred", "absent_pred", "absent_truth")
DATASETS = ("cityscapes", "voc", "ade20k")  # whose custom the mIoU of all pixels is
N_CLASSES = N_ROWS = 40  # more rows than a screen has help nobody
STATUSES = {"missing_pred": "without prediction", "failed": "failed", "missing_truth": "without truth"}
POLICIES = {
    "skip": "left out of the means",
    "fail": "left out of the means: these measures only describe",
    "worst": "counted in the means with the worst value",
    "best": "counted in the means with the best value",
}


def print_run(results: Results, screen: Any) -> None:
    """Print what a person wants to see first; everything else is in the files."""
    names = [row.name for row in results.classes]
    names = names if len(names) == 1 else [*names, MEAN_OF_CLASSES]
    _print_dataset_iou(results, screen)
    _print_of_data_set(results, screen, names)
    _print_means(results, screen, names, _class_columns(results))
    _print_means(results, screen, [WHOLE_CASE], _case_columns(results))
    _print_groups(results, screen)
    _print_worst(results, screen)
    _print_footer(results, screen)


def _class_columns(results: Results) -> list[str]:
    """The columns to show per class."""
    shown = _shown(results) if results.class_rows else []
    return [column for column in shown if column in results.class_columns and not _is_of_all(results, column)]


def _case_columns(results: Results) -> list[str]:
    """The columns to show per case: those that no class has."""
    shown = _shown(results) if any(row.values for row in results.case_rows) else []
    return [column for column in results.case_columns if column in shown and column not in results.class_columns]


def _shown(results: Results) -> list[str]:
    """The headline columns; only where named losses of label maps, which restate the counts, and undefined scores of
    a data set."""
    from segeval.choice import named_columns

    definitions, predictions = results.facts["definitions"], results.facts["predictions"]
    hidden = _undefined_of_data_set(results)
    if predictions is not None and predictions["kind"] == "labels":
        hidden |= {column for column in results.shown if definitions[column]["kind"] == "loss"}
    hidden -= named_columns(results.facts["plan"]["measures"])
    return [column for column in results.shown if column not in hidden] or list(results.shown)


def _undefined_of_data_set(results: Results) -> set[str]:
    """Scores of a data set whose evidence gave none of them a value: candidates of masks, frames of volumes."""
    from segeval.choice import measure_of

    of: dict[tuple[type, ...], set[str]] = {}
    for column in results.class_columns:
        if _is_of_all(results, column):
            of.setdefault(measure_of(column).evidence, set()).add(column)
    defined = {row.column for row in results.summary if not math.isnan(row.pooled)}
    return {column for columns in of.values() if not columns & defined for column in columns}


def _print_dataset_iou(results: Results, screen: Any) -> None:
    """The number that papers on these data sets report: the mean over classes of the IoU of all pixels together."""
    labels = str(results.facts["plan"]["labels"])
    row = next((row for row in results.summary if (row.name, row.column) == (MEAN_OF_CLASSES, "iou")), None)
    if row is not None and labels.partition("-")[0] in DATASETS and not math.isnan(row.pooled):
        n = counted(row.n, "class", "classes")
        text = f"mIoU of the data set ({labels}): {short(row.pooled)}, over {n} with all pixels pooled"
        screen.print(text, style="bold")
        if labels == "voc" and all(0 not in row.ids for row in results.classes):
            screen.print("Papers on it count the background too: pass --include-background.", style="dim")
        screen.print()


def _print_of_data_set(results: Results, screen: Any, names: Sequence[str]) -> None:
    """The scores that only all cases together have: a row per score and class."""
    columns = [column for column in _shown(results) if _is_of_all(results, column)]
    names = [*names, *([WHOLE_CASE] if len(names) > 1 else [])]
    rows = [row for column in columns for row in results.summary if row.column == column and row.name in names]
    if not rows:
        return
    level = f"{100 * results.facts['plan']['ci_level']:g} % interval"
    with_interval = any(_interval_cell(row, 0) != UNDEFINED for row in rows)
    headings = ("class", f"all {counted(rows[0].n, 'case')} together", "value", *([level] if with_interval else []))
    table = plain_table(*headings, left=(0, 1))
    for row in rows[:N_ROWS]:
        cells = (short(row.pooled), _interval_cell(row, 0))
        add_row(table, row.name, row.column, *cells[: 1 + with_interval])
    screen.print(table)
    if len(rows) > N_ROWS:
        screen.print(f"{len(rows) - N_ROWS} more rows are in summary.csv.", style="dim")
    screen.print()


def _print_means(results: Results, screen: Any, names: Sequence[str], columns: Sequence[str]) -> None:
    """Print the means, in several tables where one would be too wide."""
    few = names if len(names) <= N_CLASSES else [*names[:N_CLASSES], names[-1]]
    cells = [column for i, measure in enumerate(columns) for column in _cells_of(results, few, measure, is_first=not i)]
    beside = [column for column in cells[1:] if column.measure == columns[0]]
    if beside and widest(cells, lambda some: _means_table(results, few, some), screen)[0] <= len(beside):
        cells = [column for column in cells if column not in beside]  # under a heading of their own they would mislead
    while cells:
        n, table = widest(cells, lambda some: _means_table(results, few, some), screen)
        cells = cells[n:]
        screen.print(table)
        screen.print()
    if len(few) < len(names):
        screen.print(f"{len(names) - len(few)} more classes are in summary.csv.", style="dim")


@dataclass(frozen=True, kw_only=True)
class _Column:
    """A column of the means: its heading, the measure, and the text of a cell, given the count of its line."""

    heading: str
    measure: str
    text: Callable[[SummaryRow, int], str]


def _cells_of(results: Results, names: Sequence[str], measure: str, *, is_first: bool) -> list[_Column]:
    """The columns of a measure; the first measure has its interval and its pooled value beside the mean."""
    if results.facts["definitions"][measure].get("reported") == "pooled":
        heading = f"{_heading(results, measure)}, pooled"
        return [_Column(heading=heading, measure=measure, text=lambda row, _: short(row.pooled))]
    mean = _Column(heading=_heading(results, measure), measure=measure, text=_mean_cell)
    if not is_first:
        return [mean]
    rows = [row for row in results.summary if row.column == measure and row.name in names]
    level = f"{100 * results.facts['plan']['ci_level']:g} % interval"
    columns = [mean]
    if any(not math.isnan(row.statistics.get("ci_low", math.nan)) for row in rows):
        columns.append(_Column(heading=level, measure=measure, text=_interval_cell))
    if any(not math.isnan(row.pooled) for row in rows):
        columns.append(_Column(heading="pooled", measure=measure, text=lambda row, _: short(row.pooled)))
    return columns


def _is_of_all(results: Results, measure: str) -> bool:
    """Whether only all cases together have a value."""
    return bool(results.facts["definitions"][measure]["levels"] == ["data set"])


def _heading(results: Results, measure: str) -> str:
    """The name of a measure with its unit: a distance in pixels is no distance in mm."""
    unit = results.facts["definitions"][measure]["unit"]
    return f"{measure} ({unit})" if unit else measure


def _means_table(results: Results, names: Sequence[str], columns: Sequence[_Column]) -> Any:
    table = plain_table("" if WHOLE_CASE in names else "class", "cases", *(column.heading for column in columns))
    summary = {(row.name, row.column): row for row in results.summary}
    for name in names:
        rows = [summary[name, column.measure] for column in columns]
        n = max(row.n for row in rows)
        is_mean = name == MEAN_OF_CLASSES
        if is_mean:
            table.add_section()
        cells = (column.text(row, n) for column, row in zip(columns, rows, strict=True))
        add_row(table, name, counted(n, "class", "classes") if is_mean else str(n), *cells, style="bold" * is_mean)
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


def _interval_cell(row: SummaryRow, _: int) -> str:
    low, high = row.statistics.get("ci_low", math.nan), row.statistics.get("ci_high", math.nan)
    return UNDEFINED if math.isnan(low) or math.isnan(high) else f"{short(low)} .. {short(high)}"


def _print_worst(results: Results, screen: Any) -> None:
    """The worst cases of each class by the first measure, those that miss or invent the class before all others."""
    columns = _class_columns(results)
    if not columns or results.facts["definitions"][columns[0]]["better"] == "none":
        return
    names = [row.name for row in results.classes][:N_CLASSES]
    n = max(N_WORST // len(names), 1)
    worst = [row for name in names for row in _worst_rows(results, name, columns[0])[:n]]
    if worst:
        screen.print(widest(columns, lambda some: _worst_table(results, worst, some), screen)[1])
        screen.print()


def _worst_rows(results: Results, name: str, measure: str) -> list[ClassRow]:
    """The cases of a class from the worst on; an undefined value is shown where a side lacks the class."""
    better = results.facts["definitions"][measure]["better"]

    def key(row: ClassRow) -> tuple[int, float, int, str]:
        value, is_missed = row.values[measure], row.status in MISSED
        badness = {"higher": value, "lower": -value, "zero": -abs(value)}[better]
        order = MISSED.index(row.status) if is_missed else len(MISSED)
        return order, 0.0 if math.isnan(badness) else badness, -(row.fp + row.fn), row.case_id

    rows = [row for row in results.class_rows if row.of.name == name]
    return sorted((row for row in rows if row.status in MISSED or not math.isnan(row.values[measure])), key=key)


def _worst_table(results: Results, rows: Sequence[ClassRow], columns: Sequence[str]) -> Any:
    headings = (_heading(results, column) for column in columns)
    table = plain_table("class", f"worst by {columns[0]}", "status", *headings, left=(0, 1, 2))
    shown = ""
    for row in rows:
        values = (short(row.values[column]) for column in columns)
        add_row(table, "" if row.of.name == shown else row.of.name, row.case_id, row.status, *values)
        shown = row.of.name
    return table


def _print_groups(results: Results, screen: Any) -> None:
    """The groups of the cases by the first measure, and which of them is worst in each class."""
    columns = [*_class_columns(results), *_case_columns(results)]
    rows = [row for row in (results.groups.rows if results.groups else ()) if row["measure"] == columns[0]]
    if not rows:
        return
    level = f"{100 * results.facts['plan']['ci_level']:g} % interval"
    table = plain_table("by", "group", "class", "cases", _heading(results, columns[0]), level, left=(0, 1, 2))
    for row in rows[:N_CLASSES]:
        interval = "" if math.isnan(row["ci_low"]) else f"{short(row['ci_low'])} .. {short(row['ci_high'])}"
        mean = f"{short(row['mean'])}{' (worst)' if row['is_worst'] else ''}"
        add_row(table, row["by"], row["group"] or UNDEFINED, row["class"], str(row["n"]), mean, interval)
    screen.print(table)
    if len(rows) > N_CLASSES:
        screen.print(f"{len(rows) - N_CLASSES} more rows are in groups.csv.", style="dim")
    screen.print()


def _print_footer(results: Results, screen: Any) -> None:
    of_data_set = [column for column in _shown(results) if _is_of_all(results, column)]
    columns = (*of_data_set, *_class_columns(results), *_case_columns(results))
    undefined = sum(row.n_undefined or 0 for row in results.summary if row.column in columns)
    if undefined:
        policy = results.facts["plan"]["undefined"]
        values = "value is" if undefined == 1 else "values are"
        screen.print(f"{undefined} undefined {values} {POLICIES[policy]} (--undefined {policy}).")
    for status, caption in STATUSES.items():
        cases = [row.case_id for row in results.case_rows if row.status == status]
        if cases:
            screen.print(_line_of_cases(cases, len(results.case_rows), caption), style="yellow")
    rest = len({*results.class_columns, *results.case_columns} - {*columns})
    if rest:
        more = "1 more measure is" if rest == 1 else f"{rest} more measures are"
        screen.print(f"{more} in summary.csv, scores.csv and cases.csv.", style="dim")


def _line_of_cases(cases: Sequence[str], n: int, caption: str) -> str:
    return f"{len(cases)} of {n} cases {caption}: {listed(cases)}"
