"""A sweep table as text in cells: all of it, what fits a screen, or what the paper prints."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from segeval.errors import ConfigError
from segeval.verbs.sweep.output.table import Row, SweepTable

UNDEFINED = "–"
Style = Callable[[Any], str]  # how the values of a column are written


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A table ready to be printed.

    Attributes:
        n_keys: the first so many columns say what a row is of.
        bold: (row, column) of the cells that hold the best value of a column.
        caption: mode, averaging, thresholds, split and whatever else is true of every row.
    """

    title: str
    caption: str
    header: tuple[str, ...]
    n_keys: int
    rows: tuple[tuple[str, ...], ...]
    bold: frozenset[tuple[int, int]]
    notes: tuple[str, ...]


def full_sheet(table: SweepTable) -> Sheet:
    """Every column."""
    return _sheet(table, table.header, {})


def screen_sheet(table: SweepTable) -> Sheet:
    """The columns that a screen has room for; what no setting can change, and what rows note, is said below."""
    of_class = ("class",) if len(table.classes) > 1 and "class" not in table.settings else ()
    shown = table.shown or table.columns
    varying = [one for one in shown if one not in table.constant]
    sheet = _sheet(table, (*of_class, *table.settings, *varying), {}, style=_short_style, short=True)
    constant = [_said_once(table, column, column, _short) for column in table.constant if column in shown]
    noted = dict.fromkeys(row["note"] for row in table.rows if row.get("note"))
    differing = _differing_cases(table, varying)
    return replace(sheet, notes=(*constant, *(f"{note}." for note in noted), *differing, *sheet.notes))


def paper_sheet(table: SweepTable) -> Sheet:
    """The paper's columns under its titles, in per cent.

    Raises:
        ConfigError: no paper has such a table.
    """
    paper = table.paper
    if paper is None:
        raise ConfigError(f"--layout paper: no paper prints a table like {table.loss} --{table.mode}. Leave it out.")
    titles = {column: title for title, column in paper.columns.items() if column not in table.constant}
    constant = [(title, column) for title, column in paper.columns.items() if column in table.constant]
    of_class = ("class",) if len(table.classes) > 1 else ()
    values = _sheet(table, (*of_class, *titles), titles, style=lambda values: _percent)
    place, width = len(of_class), len(paper.settings)
    rows = [
        (*texts[:place], *(_setting(row, symbols) for symbols in paper.settings.values()), *texts[place:])
        for row, texts in zip(table.rows, values.rows, strict=True)
    ]
    return replace(
        values,
        caption=f"{values.caption}; columns as in {paper.source}, in per cent",
        header=(*values.header[:place], *paper.settings, *values.header[place:]),
        n_keys=place + width,
        rows=tuple(rows),
        bold=frozenset((i, j + width) for i, j in values.bold),
        notes=(*(_said_once(table, column, title, _percent) for title, column in constant), *values.notes),
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
    """A cell for people: four decimals or digits, words for truth values, a dash where it is undefined."""
    match value:
        case None:
            return UNDEFINED
        case bool():
            return "yes" if value else "no"
        case float():
            return _number_text(value)
        case _:
            return str(value)


def _short_style(values: Sequence[Any]) -> Style:
    """Three decimals, where a screen is narrow; four in a column of shares that come close to 1."""
    sizes = [abs(one) for one in values if isinstance(one, float) and not math.isnan(one)]
    close = max(sizes, default=0.0) <= 1 and any(0.99 <= one < 1 for one in sizes)
    return partial(_short, decimals=4 if close else 3)


def _short(value: Any, *, decimals: int = 3) -> str:
    if not isinstance(value, float) or math.isnan(value):
        return value_text(value)
    size = abs(value)
    if 0 < size < 5e-4 or size >= 1e6:
        return f"{value:.1e}"
    return f"{value:.{decimals}f}" if size < 100 else f"{value:.0f}"


def setting_text(value: Any) -> str:
    """A parameter as it was asked for."""
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else value_text(value)


def _number_text(value: float) -> str:
    size = abs(value)
    if math.isnan(value):
        return UNDEFINED
    return f"{value:.4f}" if 5e-4 <= size < 100 else f"{value:.4g}"


def _percent(value: Any) -> str:
    if isinstance(value, str):
        return value
    return UNDEFINED if value is None or math.isnan(value) else f"{100 * value:.2f}"


def _sheet(
    table: SweepTable,
    columns: Sequence[str],
    titles: Mapping[str, str],
    *,
    style: Callable[[Sequence[Any]], Style] = lambda values: value_text,
    short: bool = False,
) -> Sheet:
    cells = [table.cells(row) for row in table.rows]
    as_text = {one: setting_text if one in table.settings else style([row[one] for row in cells]) for one in columns}
    plain = [[as_text[column](row[column]) for column in columns] for row in cells]
    numbers = {} if short else _numbers_of_cases(table, columns)
    rows = tuple(
        tuple(f"{text} (n={numbers[i, j]})" if (i, j) in numbers else text for j, text in enumerate(row))
        for i, row in enumerate(plain)
    )
    return Sheet(
        title=table.title,
        caption=caption_of(table),
        header=tuple(titles.get(column, column) for column in columns),
        n_keys=sum(one == "class" or one in table.settings for one in columns),
        rows=rows,
        bold=frozenset(_bold_cells(table, columns, plain)),
        notes=table.notes,
    )


def _numbers_of_cases(table: SweepTable, columns: Sequence[str]) -> dict[tuple[int, int], int]:
    """How many cases a cell is a mean of, where the rows of a class differ in that and so are not of the same cases."""
    found: dict[tuple[int, int], int] = {}
    for name in table.classes or (None,):
        rows = [i for i, row in enumerate(table.rows) if row.get("class") == name]
        for j, column in enumerate(columns):
            numbers = {i: table.rows[i].get(f"{column}_n") for i in rows}
            if len(set(numbers.values())) > 1:
                found |= {(i, j): int(n) for i, n in numbers.items() if n}
    return found


def _differing_cases(table: SweepTable, columns: Sequence[str]) -> list[str]:
    """The same in sentences, for a screen that has no room in its cells."""
    found: dict[tuple[str, str], dict[int, list[str]]] = {}
    for (i, j), n in _numbers_of_cases(table, columns).items():
        row = table.rows[i]
        setting = "/".join(setting_text(row[name]) for name in table.settings)
        found.setdefault((row.get("class", ""), columns[j]), {}).setdefault(n, []).append(setting)
    sentences: dict[str, list[str]] = {}
    for (name, column), numbers in found.items():
        parts = [f"{', '.join(settings)} (n={n})" for n, settings in numbers.items()]
        sentence = f"not of the same cases in every row: {'; '.join(parts)}."
        sentences.setdefault(sentence, []).append(f"{name} {column}".strip())
    return [f"{', '.join(subjects)}: {sentence}" for sentence, subjects in sentences.items()]


def _bold_cells(table: SweepTable, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[tuple[int, int]]:
    """The best value of each column and class, with all that print alike, and what is to be emphasised.

    A single row is not the best of anything.
    """
    yield from ((i, columns.index(column)) for i, column in table.emphasis if column in columns)
    for name in table.classes or (None,):
        of_class = [i for i, row in enumerate(table.rows) if row.get("class") == name]
        for j, column in enumerate(columns):
            if column in table.best and column not in table.constant and len(of_class) > 1:
                values = {i: table.rows[i].get(column) for i in of_class}
                yield from ((i, j) for i in _best_rows(values, table.best[column], [row[j] for row in rows]))


def _best_rows(values: Mapping[int, Any], better: str, texts: Sequence[str]) -> list[int]:
    """The rows with the best value, and those that print like it."""
    defined = {i: value for i, value in values.items() if value is not None and not math.isnan(value)}
    if not defined:
        return []
    best = (max if better == "higher" else min)(defined, key=lambda i: defined[i])
    return [i for i in defined if texts[i] == texts[best]]


def _said_once(table: SweepTable, column: str, title: str, as_text: Callable[[Any], str]) -> str:
    """A column that the settings cannot change, in one line."""
    names = table.classes or (None,)
    values = {name: next(row.get(column) for row in table.rows if row.get("class") == name) for name in names}
    texts = [f"{name} {as_text(value)}" if len(values) > 1 else as_text(value) for name, value in values.items()]
    return f"{title} is the same in every row, since the maps do not change: {', '.join(texts)}."


def _setting(row: Row, symbols: Mapping[str, str]) -> str:
    """`α = 0.3, β = 0.7`"""
    return ", ".join(
        f"{symbol} = {setting_text(row[column])}" if symbol else setting_text(row[column])
        for symbol, column in symbols.items()
    )
