"""A sweep on screen: what holds for all rows, the table, what must be said of it, and the paper's table by itself."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segeval.cli import console
from segeval.cli.tables import plain_table, widest
from segeval.files.paths import printable

if TYPE_CHECKING:
    from segeval.verbs.sweep.output.folder import Outcome
    from segeval.verbs.sweep.output.sheet import Sheet

WRONG = 1
_TEXTS = ("class", "of_class", "Penalties", "Loss", "note", "split")  # columns that stand left


def show_sweep(outcome: "Outcome", *, quiet: bool, color: bool) -> None:
    """Print the table: in the first format asked for, or for people."""
    if not quiet and outcome.options.format:
        _print_format(outcome)
    elif not quiet:
        with console.screen(color=color) as screen:
            for sheet in _sheets(outcome):
                _print_sheet(sheet, screen)
    for folder in dict.fromkeys(filter(None, (outcome.options.out, outcome.options.plot))):
        if not quiet:
            console.say(f"written to {printable(folder)}")


def show_findings(path: Path, *, pooled: bool) -> int:
    """Print what cannot be right in a table of metrics, and return the exit code."""
    from segeval.verbs.sweep.check_table import check_file

    found = check_file(path, pooled=pooled)
    for one in found:
        console.put(f"{one}\n")
    if not found:
        console.put(f"{printable(path)}: nothing that cannot be.\n")
    return WRONG if found else 0


def _print_format(outcome: "Outcome") -> None:
    from segeval.verbs.sweep.output.render import markdown, render

    form = outcome.options.format[0]
    console.put(render(outcome.table, form, layout=outcome.options.layout, papers=outcome.papers))
    if form == "csv" and outcome.papers:  # a second table would spoil the file
        console.say("\n" + "\n".join(markdown(one.sheet) for one in outcome.papers))


def _sheets(outcome: "Outcome") -> "list[Sheet]":
    from segeval.verbs.sweep.output.sheet import paper_sheet, screen_sheet

    table = outcome.table
    ours = paper_sheet(table) if outcome.options.layout == "paper" else screen_sheet(table.screen or table)
    return [ours, *(one.sheet for one in outcome.papers)]


def _print_sheet(sheet: "Sheet", screen: Any) -> None:
    screen.print(sheet.title, style="bold")
    screen.print(sheet.caption, style="dim")
    screen.print()
    columns = list(range(sheet.n_keys, len(sheet.header)))
    while columns:  # what has no place beside it stands below
        n, table = widest(columns, lambda some: _table(sheet, [*range(sheet.n_keys), *some]), screen)
        screen.print(table)
        screen.print()
        columns = columns[n:]
    for note in sheet.notes:
        screen.print(f"note: {note}")
    if sheet.notes:
        screen.print()


def _table(sheet: "Sheet", columns: Sequence[int]) -> Any:
    """Some columns of a sheet."""
    names = [sheet.header[j] for j in columns]
    is_text = [name in _TEXTS or (name == "loss" and j < sheet.n_keys) for j, name in zip(columns, names, strict=True)]
    table = plain_table(*names, left=[i for i, left in enumerate(is_text) if left])
    for column in table.columns:
        column.header = column.header.replace("_", "\n")  # one word below the other, or the table is too wide
    for i, row in enumerate(sheet.rows):
        table.add_row(*(_cell(row[j], bold=(i, j) in sheet.bold) for j in columns))
        if sheet.header[0] in ("class", "of_class") and i + 1 < len(sheet.rows) and sheet.rows[i + 1][0] != row[0]:
            table.add_section()
    return table


def _cell(text: str, *, bold: bool) -> Any:
    from rich.text import Text

    return Text(printable(text), style="bold" if bold else "")
