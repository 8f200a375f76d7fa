"""The folder of a sweep: its tables, further formats and figures, and `run.json` last."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from segeval.files.ours import RUN_FILE, WRITTEN, digests
from segeval.files.outputs import OutputFolder
from segeval.files.paths import safe_name
from segeval.files.writing import write_text_atomically
from segeval.options import SweepOptions
from segeval.results.csv_tables import write_json_atomically
from segeval.verbs.running.facts import SCHEMA_VERSION, versions
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


def open_folder(options: SweepOptions) -> AbstractContextManager[OutputFolder | None]:
    """The folder that the options name, for this sweep alone; None where they name none.

    Raises:
        ConfigError: it holds something else or another kind of run, or cannot be written.
    """
    if options.out is None:
        return nullcontext()
    return OutputFolder.open(options.out, kind="training" if options.mode == "train" else "sweep")


def write_folder(folder: OutputFolder, outcome: Outcome) -> None:
    """Write `sweep.csv`, a CSV file for each further table, the formats asked for, the figures and `run.json`.

    Raises:
        ConfigError: a file that is not ours is in the way, or the folder cannot be written.
    """
    table, options = outcome.table, outcome.options
    with folder.stage() as stage:
        for name, written in {"sweep": table, **table.extras}.items():
            write_text_atomically(stage / f"{safe_name(name)}.csv", csv_text(written))
        for form in options.format:
            if form != "csv":
                text = render(table, form, layout=options.layout, papers=outcome.papers)
                write_text_atomically(stage / f"sweep{SUFFIX[form]}", text)
        if outcome.papers:
            write_text_atomically(stage / "papers.md", "\n".join(markdown(paper.sheet) for paper in outcome.papers))
        draw_pictures(table.pictures, stage)
        write_json_atomically(stage / RUN_FILE, _document(outcome) | {WRITTEN: digests(stage)}, indent=1)


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
        "tables": {name: table_document(written) for name, written in {"sweep": table, **table.extras}.items()},
        "papers": [paper.document for paper in outcome.papers],
    }
