"""The folder of a run: a journal while it lasts, and its tables at the end, `run.json` last."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from segeval.io.files import jsonable, prepare_output_folder, write_json, write_text
from segeval.io.formats import EXTRA_FORMATS
from segeval.io.run_json import run_document
from segeval.io.tables import cases_table, confusion_table, scores_table, summary_table, write_csv
from segeval.results import CaseScore, Results

JOURNAL = ".segeval-journal.jsonl"


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """Where a run writes; open it with `RunFolder.open`, which checks that it may."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Create the folder, or take over one that an earlier run wrote.

        Raises:
            ConfigError: the folder holds something else, or cannot be written.
        """
        folder = cls(path=prepare_output_folder(path))
        (folder.path / JOURNAL).write_text("")
        return folder

    def note(self, score: CaseScore) -> None:
        """Add a finished case to the journal."""
        with (self.path / JOURNAL).open("a") as journal:
            journal.write(json.dumps(jsonable(asdict(score))) + "\n")

    def drop_journal(self) -> None:
        """Leave the folder as the previous run left it."""
        (self.path / JOURNAL).unlink(missing_ok=True)

    def write(self, results: Results, *, formats: Sequence[str] = ()) -> None:
        """Write every table by atomic rename, `run.json` last.

        Raises:
            ConfigError: the disk is full or not writable; earlier tables stay whole.
        """
        write_csv(self.path / "scores.csv", *scores_table(results))
        write_csv(self.path / "cases.csv", *cases_table(results))
        write_csv(self.path / "summary.csv", *summary_table(results))
        write_csv(self.path / "confusion.csv", *confusion_table(results))
        for name in formats:
            file_name, render = EXTRA_FORMATS[name]
            write_text(self.path / file_name, render(results))
        write_json(self.path / "run.json", run_document(results))
        self.drop_journal()
