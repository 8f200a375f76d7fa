"""The folder of a sweep: its tables, further formats and figures, and `run.json` last."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from segeval.files.outputs import RUN_FILE, prepare_output_folder
from segeval.files.writing import write_text_atomically
from segeval.options import SweepOptions
from segeval.results.csv_tables import write_json_atomically
from segeval.verbs.facts import SCHEMA_VERSION, versions
from segeval.verbs.sweep.output.draw import draw_pictures
from segeval.verbs.sweep.output.papers import PaperTable
from segeval.verbs.sweep.output.render import SUFFIX, csv_text, markdown, render, table_document
from segeval.verbs.sweep.output.table import SweepTable


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A finished sweep, and what `run.json` says of it besides its tables.

    Attributes:
        papers: tables of papers that go beside ours, never into them.
        sources: where each option was set.
    """

    table: SweepTable
    options: SweepOptions
    papers: Sequence[PaperTable] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Path | None] = field(default_factory=dict)
    seconds: float = 0.0


def write_folder(path: Path, outcome: Outcome) -> None:
    """Write `sweep.csv`, a CSV file for each further table, the formats asked for, the figures and `run.json`.

    Raises:
        ConfigError: the folder holds something else, or cannot be written.
    """
    folder, table, options = prepare_output_folder(path), outcome.table, outcome.options
    for name, one in {"sweep": table, **table.extras}.items():
        write_text_atomically(folder / f"{name}.csv", csv_text(one))
    for form in options.format:
        if form != "csv":
            text = render(table, form, layout=options.layout, papers=outcome.papers)
            write_text_atomically(folder / f"sweep{SUFFIX[form]}", text)
    if outcome.papers:
        write_text_atomically(folder / "papers.md", "\n".join(markdown(one.sheet) for one in outcome.papers))
    draw_pictures(table.pictures, folder)
    write_json_atomically(folder / RUN_FILE, _document(outcome), indent=1)


def _document(outcome: Outcome) -> dict[str, Any]:
    table = outcome.table
    return {
        "tool": "segeval",
        "kind": "sweep",
        "schema_version": SCHEMA_VERSION,
        "complete": True,
        "inputs": dict(outcome.inputs),
        "plan": asdict(outcome.options),
        "plan_from": dict(outcome.sources),
        "versions": versions(),
        "timings": {"seconds": round(outcome.seconds, 3)},
        "warnings": list(table.notes),
        "tables": {name: table_document(one) for name, one in {"sweep": table, **table.extras}.items()},
        "papers": [one.document for one in outcome.papers],
    }
