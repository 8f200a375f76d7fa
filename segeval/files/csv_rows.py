"""Read the rows of a CSV file that a user wrote, each with its line number for messages."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from segeval.errors import ConfigError
from segeval.files.paths import printable, require_existing

Row = dict[str, str]


def read_csv_rows(path: Path, *, what: str, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """The line number and the cells of each row, by column; empty rows are passed over.

    Args:
        what: the option or argument that named the file, for messages.
        columns: those that must be there, once each; others may be.

    Raises:
        ConfigError: the file cannot be read, lacks a column, or a row does not fit the first line.
    """
    if require_existing(path, what=what).is_dir():
        raise ConfigError(f"{what} {printable(path)}: this is a folder. Name a CSV file.")
    try:
        # Excel puts a byte order mark in front
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _checked_rows(file, path, what, columns)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{what} {printable(path)}: cannot be read as CSV in UTF-8 ({error}). Save it so.") from error


def _checked_rows(file: TextIO, path: Path, what: str, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    reader = csv.reader(file, strict=True)
    header = [name.strip() for name in next(reader, [])]
    if any(header.count(name) != 1 for name in columns):
        raise ConfigError(
            f"{what} {printable(path)}: the first line reads {','.join(header)!r}. "
            f"It must name the columns {','.join(columns)}, each once and with commas between them."
        )
    for cells in reader:
        if cells and len(cells) != len(header):
            where = f"{printable(path)}, line {reader.line_num}"
            raise ConfigError(f"{where}: {len(cells)} cells under {len(header)} headings. Quote names with commas.")
        if any(cell.strip() for cell in cells):
            yield reader.line_num, dict(zip(header, cells, strict=True))
