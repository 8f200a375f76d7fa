"""A sweep table as text in cells: all of it, what fits a screen, or what the paper prints."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from segeval.errors import ConfigError
from segeval.results.number_text import UNDEFINED
from segeval.results.table import Row, Table
from segeval.verbs.sweep.output.table import SweepTable

Style = Callable[[Any], str]  # how the values of a column are written


class Bold(str):
    """A cell that holds the best value of its column, or that a reader must not miss."""


@dataclass(frozen=True, kw_only=True)
class Sheet(Table):
    """A table of texts, ready to be printed.

    Attributes:
        n_keys: the first so many columns say what a row is of.
    """

    n_keys: int = 1


def full_sheet(table: SweepTable) -> Sheet:
    """Every column."""
    return _sheet(table, table.header, {})


def screen_sheet(table: SweepTable) -> Sheet:
    """The columns that a screen has room for; what no setting can change, and what rows note, is said below."""
    of_class = ("class",) if len(table.classes) > 1 and "class" not in table.settings else ()
    shown = table.shown or table.columns
    varying = [column for column in shown if column not in table.constant]
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
    keys = (*(("class",) if len(table.classes) > 1 else ()), *paper.settings)
    values = _sheet(table, tuple(titles), titles, style=lambda values: _percent)
    settings = [{title: _setting(row, symbols) for title, symbols in paper.settings.items()} for row in table.rows]
    return replace(
        values,
        caption=f"{values.caption}; columns as in {paper.source}, in per cent",
        columns=(*keys, *values.columns),
        n_keys=len(keys),
        rows=tuple(
            {"class": row.get("class"), **of_row, **texts}
            for row, of_row, texts in zip(table.rows, settings, values.rows, strict=True)
        ),
        notes=(*(_said_once(table, column, title, _percent) for title, column in constant), *values.notes),
    )


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
    sizes = [abs(value) for value in values if isinstance(value, float) and not math.isnan(value)]
    close = max(sizes, default=0.0) <= 1 and any(0.99 <= size < 1 for size in sizes)
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
    as_text = {name: style([row[name] for row in cells]) for name in columns}
    as_text |= dict.fromkeys(table.settings, setting_text)
    texts = [{name: as_text[name](row[name]) for name in columns} for row in cells]
    bold = set(_bold_cells(table, columns, texts))
    numbers = {} if short else _numbers_of_cases(table, columns)

    def finished(i: int, name: str) -> str:
        text = f"{texts[i][name]} (n={numbers[i, name]})" if (i, name) in numbers else texts[i][name]
        return Bold(text) if (i, name) in bold else text

    return Sheet(
        title=table.title,
        caption=table.caption_text,
        columns=tuple(titles.get(name, name) for name in columns),
        n_keys=sum(name == "class" or name in table.settings for name in columns),
        rows=tuple({titles.get(name, name): finished(i, name) for name in columns} for i in range(len(texts))),
        notes=table.notes,
    )


def _numbers_of_cases(table: SweepTable, columns: Sequence[str]) -> dict[tuple[int, str], int]:
    """How many cases a cell is a mean of, where the rows of a class differ in that and so are not of the same cases."""
    found: dict[tuple[int, str], int] = {}
    for of_class in _rows_by_class(table):
        for column in columns:
            numbers = {i: table.rows[i].get(f"{column}_n") for i in of_class}
            if len(set(numbers.values())) > 1:
                found |= {(i, column): int(n) for i, n in numbers.items() if n}
    return found


def _differing_cases(table: SweepTable, columns: Sequence[str]) -> list[str]:
    """The same in sentences, for a screen that has no room in its cells."""
    found: dict[tuple[str, str], dict[int, list[str]]] = {}
    for (i, column), n in _numbers_of_cases(table, columns).items():
        row = table.rows[i]
        setting = "/".join(setting_text(row[name]) for name in table.settings)
        found.setdefault((row.get("class", ""), column), {}).setdefault(n, []).append(setting)
    sentences: dict[str, list[str]] = {}
    for (name, column), numbers in found.items():
        parts = [f"{', '.join(settings)} (n={n})" for n, settings in numbers.items()]
        sentence = f"not of the same cases in every row: {'; '.join(parts)}."
        sentences.setdefault(sentence, []).append(f"{name} {column}".strip())
    return [f"{', '.join(subjects)}: {sentence}" for sentence, subjects in sentences.items()]


def _bold_cells(
    table: SweepTable, columns: Sequence[str], texts: Sequence[Mapping[str, str]]
) -> Iterable[tuple[int, str]]:
    """The best value of each column and class, with all that print alike, and what is to be emphasised.

    A single row is not the best of anything.
    """
    yield from table.emphasis
    judged = [name for name in columns if name in table.best and name not in table.constant]
    for of_class in _rows_by_class(table):
        for name in judged if len(of_class) > 1 else ():
            values = {i: table.rows[i].get(name) for i in of_class}
            defined = {i: value for i, value in values.items() if value is not None and not math.isnan(value)}
            if defined:
                best = (max if table.best[name] == "higher" else min)(defined, key=lambda i: defined[i])
                yield from ((i, name) for i in defined if texts[i][name] == texts[best][name])


def _rows_by_class(table: SweepTable) -> list[list[int]]:
    """The places of the rows of each class."""
    names = table.classes or (None,)
    return [[i for i, row in enumerate(table.rows) if row.get("class") == name] for name in names]


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
