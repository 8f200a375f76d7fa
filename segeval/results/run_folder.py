"""The folder of a run: a journal while it lasts, and its tables at the end, `run.json` last."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from segeval.files.journal import Journal
from segeval.files.ours import RUN_FILE, WRITTEN, digests
from segeval.files.outputs import OutputFolder
from segeval.files.writing import JOURNAL, whole_file
from segeval.results.csv_tables import write_csv
from segeval.results.formats import EXTRA_FORMATS
from segeval.results.run_json import document_text, run_document
from segeval.results.tables import TABLES, Results

SHARD_CASES = "cases.jsonl"  # what a shard leaves for the merge: its journal


@dataclass(kw_only=True)
class RunFolder:
    """Where a run writes: `with RunFolder.open(path) as folder`, which checks that it may.

    Attributes:
        journal: the finished cases.
        earlier: those of a killed run, where this one goes on with it.
        keeps_journal: it outlives this run, which was interrupted.
    """

    output: OutputFolder
    formats: Sequence[str] = ()
    journal: Journal = field(init=False)
    earlier: Journal | None = None
    keeps_journal: bool = False

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        formats: Sequence[str] = (),
        resume: bool = False,
        is_shard: bool = False,
        header: Any = None,
    ) -> "RunFolder":
        """Create the folder, or take over one that an earlier run wrote.

        Args:
            formats: extra files to write beside the tables.
            resume: go on with the journal of a killed run, if it has the same header.
            is_shard: the folder is for the cases of one shard.
            header: what tells whether the cases of a journal are of this run.

        Raises:
            ConfigError: the folder holds something else, another run is writing there, it cannot be written,
                or the package of a format is missing.
        """
        for name in formats:
            EXTRA_FORMATS[name].check()
        kind, keep = "shard" if is_shard else "score", [JOURNAL] if resume else []
        folder = cls(output=OutputFolder.open(path, kind=kind, keep=keep), formats=tuple(formats))
        try:
            tables = [SHARD_CASES] if is_shard else [*(f"{name}.csv" for name in TABLES), *folder._extra_files()]
            folder.output.refuse_in_the_way([RUN_FILE, *tables])
            folder._begin_journal(header, resume=resume)
        except BaseException:
            folder.close()
            raise
        return folder

    def _begin_journal(self, header: Any, *, resume: bool) -> None:
        path = self.output.inside(JOURNAL)
        if resume:
            self.earlier = self.journal = Journal.read(path)
        if self.earlier is None or self.earlier.header != header:
            self.journal = Journal.start(path, header)

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave no trace besides the tables; without any, the folder goes too if it was made for them."""
        if not self.keeps_journal:
            with suppress(OSError):
                (self.output.path / JOURNAL).unlink()
        self.output.close()

    def write(self, results: Results) -> None:
        """Write every table, and let them take their places only once all of them are on disk.

        Raises:
            ConfigError: the disk is full or not writable; then the earlier tables stay as they were.
        """
        with self.output.stage() as stage:
            for name, table in results.tables.items():
                write_csv(stage / f"{name}.csv", table)
            for name in self.formats:
                EXTRA_FORMATS[name].write(results, stage)
            _write_document(stage, run_document(results))

    def write_shard(self, facts: Mapping[str, Any]) -> None:
        """Leave the cases of a shard, and its facts, for the merge.

        Raises:
            ConfigError: the disk is full or not writable.
        """
        with self.output.stage([SHARD_CASES, RUN_FILE]) as stage:
            shutil.copyfile(self.journal.path, stage / SHARD_CASES)
            _write_document(stage, facts)

    def _extra_files(self) -> list[str]:
        return [file for name in self.formats for file in EXTRA_FORMATS[name].files]


def _write_document(stage: Path, document: Mapping[str, Any]) -> None:
    """Write `run.json`, with the digests of the files beside it."""
    whole = {**document, WRITTEN: digests(stage)}  # before there is a part of it in the folder
    with whole_file(stage / RUN_FILE) as file:
        file.writelines(document_text(whole))
