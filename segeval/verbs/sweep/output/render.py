"""A sweep table in the formats of `--format`: CSV, JSON, Markdown, LaTeX."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from segeval.options import SweepFormat
from segeval.results.csv_tables import csv_lines, jsonable
from segeval.results.table import latex_tabular, latex_text
from segeval.results.table import markdown as table_markdown
from segeval.verbs.sweep.output.papers import PaperTable
from segeval.verbs.sweep.output.sheet import Bold, Sheet, full_sheet, paper_sheet
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
    return "".join(csv_lines(table.whole()))


def json_text(table: SweepTable, papers: Sequence[PaperTable] = ()) -> str:
    """The table with all that is said of it, as strict JSON; undefined values are null."""
    document = table_document(table)
    document |= {name: table_document(extra) for name, extra in table.extras.items()}
    if papers:
        document["papers"] = [paper.document for paper in papers]
    return json.dumps(jsonable(document), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def table_document(table: SweepTable) -> dict[str, Any]:
    """What JSON files say of a table."""
    whole = table.whole()
    return {
        "loss": table.loss,
        "mode": table.mode,
        "title": whole.title,
        "caption": whole.caption,
        "notes": list(whole.notes),
        "columns": list(whole.columns),
        "rows": whole.records(),
    }


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


_WRITERS: Mapping[SweepFormat, Callable[[Sheet], str]] = {"md": markdown, "latex": latex}
