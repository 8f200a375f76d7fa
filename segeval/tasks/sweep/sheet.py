"""A sweep table as text in cells: all of it, what fits a screen, or what the paper prints."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from segeval.errors import ConfigError
from segeval.tasks.sweep.table import Row, SweepTable

UNDEFINED = "–"


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A table ready to be printed.

    Attributes:
        bold: (row, column) of the cells that hold the best value of a column.
        caption: mode, averaging, thresholds, split and whatever else is true of every row.
    """

    title: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bold: frozenset[tuple[int, int]]
    notes: tuple[str, ...]


def full_sheet(table: SweepTable) -> Sheet:
    """Every column."""
    return _sheet(table, table.header, {})


def screen_sheet(table: SweepTable) -> Sheet:
    """The columns that a screen has room for; what is equal in all rows is in the caption."""
    noted = ("note",) if any(row.get("note") for row in table.rows) else ()
    of_class = ("class",) if len(table.classes) > 1 and "class" not in table.settings else ()
    return _sheet(table, (*of_class, *table.settings, *(table.shown or table.columns), *noted), {})


def paper_sheet(table: SweepTable) -> Sheet:
    """The paper's columns under its titles, in per cent.

    Raises:
        ConfigError: no paper has such a table.
    """
    paper = table.paper
    if paper is None:
        raise ConfigError(f"--layout paper: no paper prints a table like {table.loss} --{table.mode}. Leave it out.")
    titles = {column: title for title, column in paper.columns.items()}
    of_class = ("class",) if len(table.classes) > 1 else ()
    values = _sheet(table, (*of_class, *titles), titles, as_text=_percent)
    place, width = len(of_class), len(paper.settings)
    rows = [
        (*texts[:place], *(_setting(row, symbols) for symbols in paper.settings.values()), *texts[place:])
        for row, texts in zip(table.rows, values.rows, strict=True)
    ]
    return replace(
        values,
        caption=f"{values.caption}; columns as in {paper.source}, in per cent",
        header=(*values.header[:place], *paper.settings, *values.header[place:]),
        rows=tuple(rows),
        bold=frozenset((i, j + width) for i, j in values.bold),
        notes=(*_footnotes(table, paper.footnotes), *values.notes),
    )


def caption_of(table: SweepTable) -> str:
    """What is true of every row, in one line."""
    cases = "" if table.n_cases is None else f"{table.n_cases} cases"
    averaging = {"case": "averaged over cases", "pooled": "voxels of all cases pooled", "": ""}[table.averaging]
    said = {
        "mode": table.mode,
        "class": table.classes[0] if len(table.classes) == 1 and "class" not in table.settings else "",
        "averaging": ", ".join(part for part in (averaging, cases) if part),
        "threshold": table.threshold_rule,
        **table.caption,
        "split": table.split,
    }
    return "; ".join(f"{name}: {value}" for name, value in said.items() if value)


def value_text(value: Any) -> str:
    """A cell for people: four digits, words for truth values, a dash where it is undefined."""
    match value:
        case None:
            return UNDEFINED
        case bool():
            return "yes" if value else "no"
        case float():
            return UNDEFINED if math.isnan(value) else f"{value:.4g}"
        case _:
            return str(value)


def _percent(value: Any) -> str:
    if isinstance(value, str):
        return value
    return UNDEFINED if value is None or math.isnan(value) else f"{100 * value:.2f}"


def _sheet(table: SweepTable, columns: Sequence[str], titles: Mapping[str, str], *, as_text: Any = value_text) -> Sheet:
    cells = [table.cells(row) for row in table.rows]
    rows = tuple(tuple(as_text(row[column]) for column in columns) for row in cells)
    return Sheet(
        title=table.title,
        caption=caption_of(table),
        header=tuple(titles.get(column, column) for column in columns),
        rows=rows,
        bold=frozenset(_best_cells(table, columns, rows)),
        notes=table.notes,
    )


def _best_cells(table: SweepTable, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[tuple[int, int]]:
    """The best value of each column and class, with all that print alike; a single row is not the best of anything."""
    for name in table.classes or (None,):
        of_class = [i for i, row in enumerate(table.rows) if row.get("class") == name]
        for j, column in enumerate(columns):
            values = {i: _number(table.rows[i].get(column)) for i in of_class}
            defined = {i: value for i, value in values.items() if not math.isnan(value)}
            if column in table.best and len(of_class) > 1 and defined:
                pick = max if table.best[column] == "higher" else min
                best = rows[pick(defined, key=lambda i: defined[i])][j]
                yield from ((i, j) for i in defined if rows[i][j] == best)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _footnotes(table: SweepTable, columns: Mapping[str, str]) -> list[str]:
    """Columns that are equal in every row, said once."""
    found = []
    for title, column in columns.items():
        for name in table.classes:
            value = next(row.get(column) for row in table.rows if row.get("class") == name)
            of_class = f" of {name}" if len(table.classes) > 1 else ""
            found.append(f"{title}{of_class}: {_percent(value)} in every row, since the maps do not change.")
    return found


def _setting(row: Row, symbols: Mapping[str, str]) -> str:
    """`α = 0.3, β = 0.7`"""
    return ", ".join(
        f"{symbol} = {value_text(row[column])}" if symbol else value_text(row[column])
        for symbol, column in symbols.items()
    )
