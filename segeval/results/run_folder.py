"""The folder of a run: a journal while it lasts, and its tables at the end, `run.json` last."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from segeval.evidence.overlap.counts import Histogram
from segeval.files.outputs import RUN_FILE, prepare_output_folder
from segeval.files.writing import JOURNAL, PRIVATE_PREFIX, cannot_write, write_text_atomically
from segeval.results import CaseScore, Results
from segeval.results.csv_tables import jsonable, write_csv
from segeval.results.formats import EXTRA_FORMATS
from segeval.results.run_json import document_text, run_document
from segeval.results.tables import TABLES, tables_of

STAGE = f"{PRIVATE_PREFIX}new"
OUR_FILES = (*(f"{name}.csv" for name in TABLES), *(file_name for file_name, _ in EXTRA_FORMATS.values()))


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """Where a run writes: `with RunFolder.open(path) as folder`, which checks that it may."""

    path: Path
    is_new: bool

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Create the folder, or take over one that an earlier run wrote.

        Raises:
            ConfigError: the folder holds something else, or cannot be written.
        """
        is_new = not os.path.lexists(path)
        folder = cls(path=prepare_output_folder(path), is_new=is_new)
        folder._journal("w", "")
        return folder

    def note(self, score: CaseScore) -> None:
        """Add a finished case to the journal."""
        line = asdict(replace(score, histogram=None, lesions=(), additive={})) | {"histogram": _sparse(score.histogram)}
        self._journal("a", json.dumps(jsonable(line)) + "\n")

    def _journal(self, mode: str, text: str) -> None:
        path = self.path / JOURNAL
        try:
            with path.open(mode, encoding="utf-8", errors="backslashreplace") as journal:
                journal.write(text)
        except OSError as error:
            raise cannot_write(path, error) from error

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no trace besides the tables; without any, the folder goes too if it was made for them."""
        shutil.rmtree(self.path / STAGE, ignore_errors=True)
        with suppress(OSError):
            (self.path / JOURNAL).unlink()
            if self.is_new:
                self.path.rmdir()  # refused where it holds the tables

    def write(self, results: Results, *, formats: Sequence[str] = ()) -> None:
        """Write every table, and let them take their places only once all of them are on disk.

        Extra files of an earlier run, which would contradict these tables, are removed.

        Raises:
            ConfigError: the disk is full or not writable; then the earlier tables stay as they were.
        """
        with self._stage() as stage:
            for name, table in tables_of(results).items():
                write_csv(stage / f"{name}.csv", *table)
            for file_name, render in (EXTRA_FORMATS[name] for name in formats):
                write_text_atomically(stage / file_name, render(results))
            write_text_atomically(stage / RUN_FILE, document_text(run_document(results)))

    @contextmanager
    def _stage(self) -> Iterator[Path]:
        """A place beside the tables, from which all of them move at the end, `run.json` last."""
        stage = self.path / STAGE
        try:
            shutil.rmtree(stage, ignore_errors=True)
            stage.mkdir()
            yield stage
            for name in OUR_FILES:
                if not (stage / name).exists():
                    (self.path / name).unlink(missing_ok=True)
            for file in sorted(stage.iterdir(), key=lambda file: file.name == RUN_FILE):
                file.replace(self.path / file.name)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def _sparse(histogram: Histogram | None) -> dict[str, Any] | None:
    """The cells of a histogram that hold voxels: of many ids, few pairs ever meet."""
    if histogram is None:
        return None
    truth, pred = np.nonzero(histogram.n)
    return {"ids": histogram.ids, "truth": truth, "pred": pred, "n": histogram.n[truth, pred]}
