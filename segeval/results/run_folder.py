"""The folder of a run: a journal while it lasts, and its tables at the end, `run.json` last."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from segeval.evidence.overlap.counts import Histogram
from segeval.files.ours import RUN_FILE, WRITTEN, digests
from segeval.files.outputs import OutputFolder
from segeval.files.writing import JOURNAL, cannot_write, write_text_atomically
from segeval.results.csv_tables import jsonable, write_csv
from segeval.results.formats import EXTRA_FORMATS
from segeval.results.records import CaseScore
from segeval.results.run_json import document_text, run_document
from segeval.results.tables import TABLES, Results, tables_of


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """Where a run writes: `with RunFolder.open(path) as folder`, which checks that it may."""

    output: OutputFolder
    formats: Sequence[str] = ()

    @classmethod
    def open(cls, path: Path, *, formats: Sequence[str] = ()) -> "RunFolder":
        """Create the folder, or take over one that an earlier run wrote.

        Args:
            formats: extra files to write beside the tables.

        Raises:
            ConfigError: the folder holds something else, another run is writing there, or it cannot be written.
        """
        folder = cls(output=OutputFolder.open(path, kind="score"), formats=tuple(formats))
        try:
            folder.output.refuse_in_the_way([RUN_FILE, *(f"{name}.csv" for name in TABLES), *folder._extra_files()])
            folder._journal("x", "")
        except BaseException:
            folder.close()
            raise
        return folder

    def note(self, score: CaseScore) -> None:
        """Add a finished case to the journal."""
        line = asdict(replace(score, histogram=None, lesions=(), additive={})) | {"histogram": _sparse(score.histogram)}
        self._journal("a", json.dumps(jsonable(line)) + "\n")

    def _journal(self, mode: str, text: str) -> None:
        path = self.output.path / JOURNAL
        try:
            with path.open(mode, encoding="utf-8", errors="backslashreplace") as journal:
                journal.write(text)
        except OSError as error:
            raise cannot_write(path, error) from error

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave no trace besides the tables; without any, the folder goes too if it was made for them."""
        with suppress(OSError):
            (self.output.path / JOURNAL).unlink()
        self.output.close()

    def write(self, results: Results) -> None:
        """Write every table, and let them take their places only once all of them are on disk.

        Raises:
            ConfigError: the disk is full or not writable; then the earlier tables stay as they were.
        """
        with self.output.stage() as stage:
            for name, table in tables_of(results).items():
                write_csv(stage / f"{name}.csv", table)
            for file_name, render in (EXTRA_FORMATS[name] for name in self.formats):
                write_text_atomically(stage / file_name, render(results))
            document = run_document(results) | {WRITTEN: digests(stage)}
            write_text_atomically(stage / RUN_FILE, document_text(document))

    def _extra_files(self) -> list[str]:
        return [EXTRA_FORMATS[name][0] for name in self.formats]


def _sparse(histogram: Histogram | None) -> dict[str, Any] | None:
    """The cells of a histogram that hold voxels: of many ids, few pairs ever meet."""
    if histogram is None:
        return None
    truth, pred = np.nonzero(histogram.n)
    return {"ids": histogram.ids, "truth": truth, "pred": pred, "n": histogram.n[truth, pred]}
