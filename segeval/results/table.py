"""One table: columns by name, rows as mappings, and what is said of all of it.

Every table of the package is one of these, whatever writes it: CSV, JSON, Markdown, LaTeX, HTML or a data frame.
Readers take a cell by the name of its column, never by its place.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import numpy as np

from segeval.files.paths import printable

Row = Mapping[str, Any]  # column -> value; a column that is not there, None and nan are undefined

_MARKDOWN = str.maketrans({"|": "\\|"})
_LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


@dataclass(frozen=True, kw_only=True)
class RowsOfColumns(Sequence[Row]):
    """Rows of a table that was made column by column, as one of a million cells is; each is made when asked for."""

    columns: Mapping[str, Sequence[Any] | np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def cells(self, name: str, rows: slice) -> list[Any]:
        """Some cells of a column."""
        cells = self.columns[name][rows]
        return cells.tolist() if isinstance(cells, np.ndarray) else list(cells)

    def __getitem__(self, which: Any) -> Any:
        return self._rows[which]

    @cached_property
    def _rows(self) -> tuple[Row, ...]:
        columns = (self.cells(name, slice(None)) for name in self.columns)
        return tuple(dict(zip(self.columns, cells, strict=True)) for cells in zip(*columns, strict=True))


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows in the columns that every format shows.

    Attributes:
        caption: what is true of every row.
        notes: sentences for below the table.
    """

    columns: tuple[str, ...]
    rows: "tuple[Row, ...] | RowsOfColumns"
    title: str = ""
    caption: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def of_rows(cls, columns: Sequence[str], rows: Iterable[Sequence[Any]], **said: Any) -> "Table":
        """A table of rows whose cells are in the order of the columns.

        Raises:
            ValueError: a column stands twice, or a row has another length.
        """
        if len(set(columns)) != len(columns):
            raise ValueError(f"a column stands twice among {columns}")
        by_name = tuple(dict(zip(columns, row, strict=True)) for row in rows)
        return cls(columns=tuple(columns), rows=by_name, **said)

    def column(self, name: str, rows: slice = slice(None)) -> list[Any]:
        """The cells of a column, in all rows or in some."""
        if isinstance(self.rows, RowsOfColumns):
            return self.rows.cells(name, rows)
        return [row.get(name) for row in self.rows[rows]]

    def cells(self, row: Row) -> list[Any]:
        """The cells of a row in the order of the columns."""
        return [row.get(column) for column in self.columns]

    def records(self) -> list[dict[str, Any]]:
        """The rows with their columns in order, as JSON has them."""
        return [{column: row.get(column) for column in self.columns} for row in self.rows]

    def to_pandas(self) -> Any:
        """The table as a `pandas.DataFrame`."""
        import pandas

        return pandas.DataFrame([self.cells(row) for row in self.rows], columns=list(self.columns))


def markdown(table: Table, text: Callable[[Any], str] = str) -> str:
    """The table in Markdown; `text` writes the cells."""
    lines = [table.columns, ["---"] * len(table.columns), *([*map(text, table.cells(row))] for row in table.rows)]
    return "".join(map(markdown_line, lines))


def markdown_line(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(printable(cell).translate(_MARKDOWN) for cell in cells) + " |\n"


def latex(table: Table, text: Callable[[Any], str] = str) -> str:
    """The table as a LaTeX tabular for booktabs; `text` writes the cells."""
    lines = [table.columns, *([*map(text, table.cells(row))] for row in table.rows)]
    return latex_tabular([map(latex_text, line) for line in lines], n_columns=len(table.columns))


def latex_tabular(lines: Sequence[Iterable[str]], *, n_columns: int) -> str:
    """A tabular for booktabs; the first line is its header, and cells are LaTeX already."""
    header, *rows = (" & ".join(cells) + r" \\" for cells in lines)
    begin, end = rf"\begin{{tabular}}{{l{'r' * (n_columns - 1)}}}", r"\end{tabular}"
    return "\n".join([begin, r"\toprule", header, r"\midrule", *rows, r"\bottomrule", end, ""])


def latex_text(text: str) -> str:
    """Text with the special characters of LaTeX escaped."""
    escaped = "".join(_LATEX.get(c, c) for c in printable(text))
    return f"{{}}{escaped}" if escaped.startswith("::") else escaped  # else a CI server takes it for a command


def html(table: Table) -> str:
    """The table in HTML, its cells as text."""
    head, *body = [table.columns, *(tuple(map(str, table.cells(row))) for row in table.rows)]
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in body)
    return f"<table><thead><tr>{names}</tr></thead><tbody>{rows}</tbody></table>"


def strip_plot(values: Mapping[str, Sequence[float]], *, title: str) -> str:
    """An SVG with a line of points per name, on one axis; what is undefined or infinite is left out."""
    finite = [value for of_name in values.values() for value in of_name if math.isfinite(value)]
    if not finite:
        return ""
    low, high = min(0.0, *finite), max(1.0, *finite)
    left, width, step = 140, 380, 26
    height = step * (len(values) + 1)

    def x(value: float) -> float:
        return left + width * (value - low) / (high - low)

    parts = []
    for i, (name, of_name) in enumerate(values.items()):
        y = step * i + step / 2
        parts.append(f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{escape(printable(name)[:20])}</text>')
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y}" y2="{y}" stroke="currentColor" opacity=".2"/>')
        points = [value for value in of_name if math.isfinite(value)]
        parts += [f'<circle cx="{x(value):.1f}" cy="{y}" r="4" fill="#0072B2" fill-opacity=".55"/>' for value in points]
    for value, anchor in ((low, "start"), (high, "end")):
        parts.append(f'<text x="{x(value)}" y="{height - 8}" text-anchor="{anchor}">{value:g}</text>')
    parts.append(f'<text x="{left + width / 2}" y="{height - 8}" text-anchor="middle">{escape(title)}</text>')
    style = 'font-family="sans-serif" font-size="12" fill="currentColor"'
    size = f'width="{left + width + 20}" height="{height}"'
    return f'<svg {size} role="img" aria-label="{escape(title)} of each case" {style}>{"".join(parts)}</svg>'
