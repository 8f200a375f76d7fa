"""The folder of a run: a journal while it lasts, and its tables at the end, `run.json` last."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from segeval.io.files import JOURNAL, cannot_write, write_text_atomically
from segeval.io.formats import EXTRA_FORMATS
from segeval.io.outputs import RUN_FILE, prepare_output_folder
from segeval.io.run_json import run_document
from segeval.io.run_tables import cases_table, confusion_table, scores_table, summary_table
from segeval.io.tables import jsonable, write_csv, write_json_atomically
from segeval.results import CaseScore, Results


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
        folder._journal("w", "")
        return folder

    def note(self, score: CaseScore) -> None:
        """Add a finished case to the journal."""
        self._journal("a", json.dumps(jsonable(asdict(score))) + "\n")

    def _journal(self, mode: str, text: str) -> None:
        path = self.path / JOURNAL
        try:
            with path.open(mode, encoding="utf-8", errors="backslashreplace") as journal:
                journal.write(text)
        except OSError as error:
            raise cannot_write(path, error) from error

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
            write_text_atomically(self.path / file_name, render(results))
        write_json_atomically(self.path / RUN_FILE, run_document(results), indent=1)
        self.drop_journal()
