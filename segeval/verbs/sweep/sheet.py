"""A sweep table as text: all of it, what fits a screen, or what the paper prints; as CSV, JSON, Markdown or LaTeX."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from segeval.errors import ConfigError
from segeval.options import SweepFormat
from segeval.results.csv_tables import csv_parts, jsonable
from segeval.results.number_text import UNDEFINED
from segeval.results.table import Table, latex_tabular, latex_text
from segeval.results.table import markdown as table_markdown
from segeval.verbs.sweep.table import SweepTable

if TYPE_CHECKING:
    from segeval.verbs.sweep.papers import PaperTable

Style = Callable[[Any], str]  # how the values of a column are written
SUFFIX: Mapping[SweepFormat, str] = {"csv": ".csv", "json": ".json", "md": ".md", "latex": ".tex"}
_SYMBOLS = {
    "--": "-{}-",  # an option, not a dash
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "γ": r"$\gamma$",
    "Σ": r"$\Sigma$",
    "²": "$^2$",
    "±": r"$\pm$",
    "–": "--",
    ">=": r"$\geq$",
    "<": "$<$",
    ">": "$>$",
}


class Bold(str):
    """A cell that holds the best value of its column, or that a reader must not miss."""


@dataclass(frozen=True, kw_only=True)
class Sheet(Table):
    """A table of texts, ready to be printed.

    Attributes:
        n_keys: the first so many columns say what a row is of.
    """

    n_keys: int = 1


def render(table: SweepTable, form: SweepFormat, *, layout: str = "full", papers: "Sequence[PaperTable]" = ()) -> str:
    """The table as text.

    Args:
        layout: `paper` for the columns of the paper, in Markdown and LaTeX; CSV and JSON have all columns always.
        papers: tables of papers, which are printed apart from ours; CSV has no room for them.
    """
    if form == "csv":
        return csv_text(table)
    if form == "json":
        return json_text(table, papers)
    sheet = paper_sheet(table) if layout == "paper" else full_sheet(table)
    write = markdown if form == "md" else latex
    return "\n".join([write(sheet), *(write(paper.sheet) for paper in papers)])


def csv_text(table: SweepTable) -> str:
    """Every column in full precision; undefined values are empty."""
    return "".join(csv_parts(table.whole))


def json_text(table: SweepTable, papers: "Sequence[PaperTable]" = ()) -> str:
    """The table with all that is said of it, as strict JSON; undefined values are null."""
    document = {**table.document, **{name: extra.document for name, extra in table.extras.items()}}
    if papers:
        document["papers"] = [paper.document for paper in papers]
    return json.dumps(jsonable(document), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def markdown(sheet: Sheet) -> str:
    """A Markdown table under its title and caption; the best values are bold."""
    lines = table_markdown(sheet, text=lambda text: f"**{text}**" if isinstance(text, Bold) else text)
    notes = "".join(f"- {note}\n" for note in sheet.notes)
    return f"**{sheet.title}**\n\n{sheet.caption}.\n\n{lines}\n{notes}"


def latex(sheet: Sheet) -> str:
    """A LaTeX table for booktabs; the best values are bold."""
    rows = [
        [rf"\textbf{{{_latex(text)}}}" if isinstance(text, Bold) else _latex(text) for text in sheet.cells(row)]
        for row in sheet.rows
    ]
    tabular = latex_tabular([map(_latex, sheet.columns), *rows], n_columns=len(sheet.columns))
    said = " ".join([f"{sheet.title}. {sheet.caption}.", *sheet.notes])
    return f"\\begin{{table}}\n\\centering\n\\caption{{{_latex(said)}}}\n{tabular}\\end{{table}}\n"


def _latex(text: str) -> str:
    text = latex_text(text)
    for plain, symbol in _SYMBOLS.items():
        text = text.replace(plain, symbol)
    return text


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
    constant = [
        _said_once(table, column, title, _percent) for title, column in paper.columns.items() if column not in titles
    ]
    keys = (*(("class",) if len(table.classes) > 1 else ()), *paper.settings)
    values = _sheet(table, tuple(titles), titles, style=lambda values: _percent)

    def setting(row: Mapping[str, Any], symbols: Mapping[str, str]) -> str:
        """`α = 0.3, β = 0.7`"""
        said = ((symbol, knob_text(row[column])) for symbol, column in symbols.items())
        return ", ".join(f"{symbol} = {text}" if symbol else text for symbol, text in said)

    return replace(
        values,
        caption=f"{values.caption}; columns as in {paper.source}, in per cent",
        columns=(*keys, *values.columns),
        n_keys=len(keys),
        rows=tuple(
            {"class": row.get("class"), **{title: setting(row, of) for title, of in paper.settings.items()}, **texts}
            for row, texts in zip(table.rows, values.rows, strict=True)
        ),
        notes=(*constant, *values.notes),
    )


def value_text(value: Any) -> str:
    """A cell for people: four decimals or digits, words for truth values, a dash where it is undefined."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return UNDEFINED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}" if 5e-4 <= abs(value) < 100 else f"{value:.4g}"
    return str(value)


def knob_text(value: Any) -> str:
    """The value of a parameter as it was asked for."""
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else value_text(value)


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
    as_text = {name: style([row[name] for row in table.whole.rows]) for name in columns}
    as_text |= dict.fromkeys(table.settings, knob_text)
    texts = [{name: as_text[name](row[name]) for name in columns} for row in table.whole.rows]
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
    for places in table.places.values():
        for column in columns:
            numbers = {i: table.rows[i].get(f"{column}_n") for i in places}
            if len(set(numbers.values())) > 1:
                found |= {(i, column): int(n) for i, n in numbers.items() if n}
    return found


def _differing_cases(table: SweepTable, columns: Sequence[str]) -> list[str]:
    """The same in sentences, for a screen that has no room in its cells."""
    found: dict[tuple[str, str], dict[int, list[str]]] = {}
    for (i, column), n in _numbers_of_cases(table, columns).items():
        row = table.rows[i]
        setting = "/".join(knob_text(row[name]) for name in table.settings)
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
    for places in table.places.values():
        for name in judged if len(places) > 1 else ():
            values = {i: table.rows[i].get(name) for i in places}
            defined = {i: value for i, value in values.items() if value is not None and not math.isnan(value)}
            if defined:
                best = (max if table.best[name] == "higher" else min)(defined, key=lambda i: defined[i])
                yield from ((i, name) for i in defined if texts[i][name] == texts[best][name])


def _said_once(table: SweepTable, column: str, title: str, as_text: Callable[[Any], str]) -> str:
    """A column that the settings cannot change, in one line."""
    values = {name: as_text(table.rows[places[0]].get(column)) for name, places in table.places.items()}
    texts = [f"{name} {text}" if len(values) > 1 else text for name, text in values.items()]
    return f"{title} is the same in every row, since the maps do not change: {', '.join(texts)}."
