"""The one manner of all tables on screen, and of the numbers in them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from segeval.files.paths import printable

Column = TypeVar("Column")


def plain_table(*columns: str, left: Sequence[int] = (0,)) -> Any:
    """An empty table with a line below its header; text stands left, numbers right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1), header_style="bold")
    for i, column in enumerate(columns):
        table.add_column(printable(column), justify="left" if i in left else "right", overflow="fold")
    return table


def add_row(table: Any, *cells: str, style: str = "") -> None:
    """Add a row of texts: a line break in a name must not break the table."""
    table.add_row(*map(printable, cells), style=style)


def print_line(screen: Any, text: str, *, style: str = "") -> None:
    """Print text that holds names as the one line it is meant to be."""
    screen.print(printable(text), style=style)


def fits(table: Any, screen: Any) -> bool:
    """Whether a table needs no more width than the screen has."""
    return bool(screen.measure(table, options=screen.options.update(width=10_000)).maximum <= screen.width)


def print_parts(
    screen: Any, header: Sequence[str], rows: Sequence[Sequence[str]], *, n_keys: int, styles: Sequence[str] = ()
) -> None:
    """Print a table, in several where one would be too wide for the screen; each begins with the first columns."""

    def table_of(some: Sequence[int]) -> Any:
        shown = [*range(n_keys), *some]
        table = plain_table(*(header[i] for i in shown), left=range(n_keys))
        for row, style in zip(rows, styles or [""] * len(rows), strict=True):
            add_row(table, *(row[i] for i in shown), style=style)
        return table

    rest: Sequence[int] = range(n_keys, len(header))
    while rest:
        n, table = widest(rest, table_of, screen)
        screen.print(table)
        rest = rest[n:]
        if rest:
            screen.print()


def widest(columns: Sequence[Column], table_of: Callable[[Sequence[Column]], Any], screen: Any) -> tuple[int, Any]:
    """How many columns a table can have that fits the screen, at least one, and that table."""
    for n in range(len(columns), 1, -1):
        table = table_of(columns[:n])
        if fits(table, screen):
            return n, table
    return 1, table_of(columns[:1])
