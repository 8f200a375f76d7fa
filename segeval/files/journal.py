"""The journal of a run: what it was asked to do, then each finished case, a line at a time.

A process may be killed in the middle of a line, so each has its checksum before it, and what does not agree with its
own was never written. Of two lines with one key the later counts.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segeval.errors import ConfigError
from segeval.files.lossless import record_of_text, text_of_record
from segeval.files.paths import printable
from segeval.files.writing import cannot_write


@dataclass(kw_only=True)
class Journal:
    """A file of records by key; those that were there are read when they are asked for.

    Attributes:
        header: what the run was asked to do; None where no such line is whole.
        places: key -> (offset, length) of the record of each.
    """

    path: Path
    header: Any = None
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    may_be_torn: bool = False

    @classmethod
    def start(cls, path: Path, header: Any) -> "Journal":
        """Begin a new one in place of whatever is there.

        Raises:
            ConfigError: it cannot be written.
        """
        journal = cls(path=path, header=header)
        journal._write("w", "", header)
        return journal

    @classmethod
    def read(cls, path: Path) -> "Journal":
        """Read which records are there; an empty journal where there is no file.

        Raises:
            ConfigError: the file cannot be read.
        """
        journal = cls(path=path, may_be_torn=True)
        try:
            for key, offset, text in _whole_lines(path) if path.exists() else ():
                if not key:
                    journal.header = _record_or_none(text)
                else:
                    journal.places[key] = (offset, len(text))
        except OSError as error:
            raise ConfigError(
                f"{printable(path)}: cannot be read ({error.strerror}). Make it readable, or score again."
            ) from error
        return journal

    def add(self, key: str, record: Any) -> None:
        """Write a record.

        Raises:
            ConfigError: it cannot be written.
        """
        self._write("a", key, record)

    def get(self, key: str) -> Any:
        """The record of a key; None where there is none that this version can read."""
        if key not in self.places:
            return None
        offset, length = self.places[key]
        with self.path.open("rb") as file:
            file.seek(offset)
            return _record_or_none(file.read(length))

    def _write(self, mode: str, key: str, record: Any) -> None:
        body = f"{text_of_record(key)}\t{text_of_record(record)}"
        start = "\n" if self.may_be_torn else ""  # a killed run may have left half a line
        try:
            with self.path.open(mode, encoding="ascii", newline="") as file:
                file.write(f"{start}{_checksum(body.encode())}\t{body}\n")
            self.may_be_torn = False
        except OSError as error:
            raise cannot_write(self.path, error) from error


def _whole_lines(path: Path) -> Iterator[tuple[str, int, bytes]]:
    """Key, offset and text of each record whose checksum agrees."""
    offset = 0
    with path.open("rb") as file:
        for line in file:
            checksum, _, body = line.rstrip(b"\n").partition(b"\t")
            key, _, text = body.partition(b"\t")
            if text and checksum == _checksum(body).encode():
                yield record_of_text(key.decode("ascii")), offset + len(checksum) + len(key) + 2, text
            offset += len(line)


def _checksum(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


def _record_or_none(text: bytes) -> Any:
    try:
        return record_of_text(text.decode("ascii"))
    except ValueError:
        return None
