"""A sweep table in the formats of `--format`: CSV, JSON, Markdown, LaTeX."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from segeval.options import SweepFormat
from segeval.results.csv_tables import csv_lines, jsonable
from segeval.results.table import latex_tabular, latex_text, markdown_line
from segeval.verbs.sweep.output.papers import PaperTable
from segeval.verbs.sweep.output.sheet import Sheet, caption_of, full_sheet, paper_sheet
from segeval.verbs.sweep.output.table import SweepTable

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


def render(table: SweepTable, form: SweepFormat, *, layout: str = "full", papers: Sequence[PaperTable] = ()) -> str:
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
    write = _WRITERS[form]
    return "\n".join([write(sheet), *(write(paper.sheet) for paper in papers)])


def csv_text(table: SweepTable) -> str:
    """Every column in full precision; undefined values are empty."""
    return "".join(csv_lines(table.header, (list(table.cells(row).values()) for row in table.rows)))


def json_text(table: SweepTable, papers: Sequence[PaperTable] = ()) -> str:
    """The table with all that is said of it, as strict JSON; undefined values are null."""
    document = table_document(table)
    document |= {name: table_document(extra) for name, extra in table.extras.items()}
    if papers:
        document["papers"] = [paper.document for paper in papers]
    return json.dumps(jsonable(document), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def table_document(table: SweepTable) -> dict[str, Any]:
    """What JSON files say of a table."""
    return {
        "loss": table.loss,
        "mode": table.mode,
        "title": table.title,
        "caption": caption_of(table),
        "notes": list(table.notes),
        "columns": list(table.header),
        "rows": [table.cells(row) for row in table.rows],
    }


def markdown(sheet: Sheet) -> str:
    """A Markdown table under its title and caption; the best values are bold."""
    rows = [
        [f"**{one}**" if (i, j) in sheet.bold else one for j, one in enumerate(row)] for i, row in enumerate(sheet.rows)
    ]
    lines = map(markdown_line, [sheet.header, ["---"] * len(sheet.header), *rows])
    notes = "".join(f"- {note}\n" for note in sheet.notes)
    return f"**{sheet.title}**\n\n{sheet.caption}.\n\n{''.join(lines)}\n{notes}"


def latex(sheet: Sheet) -> str:
    """A LaTeX table for booktabs; the best values are bold."""
    rows = [
        [rf"\textbf{{{_latex(one)}}}" if (i, j) in sheet.bold else _latex(one) for j, one in enumerate(row)]
        for i, row in enumerate(sheet.rows)
    ]
    tabular = latex_tabular([map(_latex, sheet.header), *rows], n_columns=len(sheet.header))
    said = " ".join([f"{sheet.title}. {sheet.caption}.", *sheet.notes])
    return f"\\begin{{table}}\n\\centering\n\\caption{{{_latex(said)}}}\n{tabular}\\end{{table}}\n"


def _latex(text: str) -> str:
    text = latex_text(text)
    for plain, symbol in _SYMBOLS.items():
        text = text.replace(plain, symbol)
    return text


_WRITERS: Mapping[SweepFormat, Callable[[Sheet], str]] = {"md": markdown, "latex": latex}
