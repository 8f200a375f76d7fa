"""A sweep on screen: what holds for all rows, the table, what must be said of it, and the paper's table by itself."""

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segeval.cli.screens import console
from segeval.cli.screens.tables import plain_table, widest
from segeval.files.paths import printable

if TYPE_CHECKING:
    from segeval.verbs.sweep.run import Outcome
    from segeval.verbs.sweep.sheet import Sheet

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
    from segeval.verbs.sweep.sheet import markdown, render

    form = outcome.options.format[0]
    console.put(render(outcome.table, form, layout=outcome.options.layout, papers=outcome.papers))
    if form == "csv" and outcome.papers:  # a second table would spoil the file
        console.say("\n" + "\n".join(markdown(one.sheet) for one in outcome.papers))


def _sheets(outcome: "Outcome") -> "list[Sheet]":
    from segeval.verbs.sweep.sheet import paper_sheet, screen_sheet

    table = outcome.table
    ours = paper_sheet(table) if outcome.options.layout == "paper" else screen_sheet(table.screen or table)
    return [ours, *(one.sheet for one in outcome.papers)]


def _print_sheet(sheet: "Sheet", screen: Any) -> None:
    screen.print(sheet.title, style="bold")
    screen.print(sheet.caption, style="dim")
    screen.print()
    keys, columns = list(sheet.columns[: sheet.n_keys]), list(sheet.columns[sheet.n_keys :])
    while columns:  # what has no place beside it stands below
        n, table = widest(columns, lambda some: _table(sheet, [*keys, *some]), screen)
        screen.print(table)
        screen.print()
        columns = columns[n:]
    for note in sheet.notes:
        screen.print(f"note: {note}")
    if sheet.notes:
        screen.print()


def _table(sheet: "Sheet", names: Sequence[str]) -> Any:
    """Some columns of a sheet."""
    keys = sheet.columns[: sheet.n_keys]
    is_text = [name in _TEXTS or (name == "loss" and name in keys) for name in names]
    table = plain_table(*names, left=[i for i, left in enumerate(is_text) if left])
    for column in table.columns:
        column.header = column.header.replace("_", "\n")  # one word below the other, or the table is too wide
    for row, following in zip_longest(sheet.rows, sheet.rows[1:]):
        table.add_row(*(_cell(row[name]) for name in names))
        if keys[0] in ("class", "of_class") and following and following[keys[0]] != row[keys[0]]:
            table.add_section()
    return table


def _cell(text: str) -> Any:
    from rich.text import Text

    from segeval.verbs.sweep.sheet import Bold

    return Text(printable(text), style="bold" if isinstance(text, Bold) else "")
