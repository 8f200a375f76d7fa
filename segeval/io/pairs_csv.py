"""Read the `--pairs` file: one row per case with the paths of its two sides."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from segeval.errors import ConfigError
from segeval.io.folders import case_id_of
from segeval.io.paths import printable, require_existing

COLUMNS = ("case", "pred", "truth")
Row = dict[str, str]


def read_pairs_csv(path: Path) -> dict[str, tuple[Path | None, Path | None]]:
    """The prediction and the truth of each case; an empty cell is a missing one.

    A prediction may be a folder with one file per class. Relative paths count from the folder of the CSV file.
    Further columns are passed over.

    Raises:
        ConfigError: the file cannot be read, lacks a column, names a case twice or a file that is not there.
    """
    sides: dict[str, tuple[Path | None, Path | None]] = {}
    for line, row in _rows(path):
        where = f"{printable(path)}, line {line}"
        case_id = _case_id(row, where)
        if case_id in sides:
            raise ConfigError(f"{where}: case '{printable(case_id)}' stands here a second time. Keep one row per case.")
        sides[case_id] = (_file(row, "pred", path.parent, where), _file(row, "truth", path.parent, where))
    return sides


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    if require_existing(path, what="--pairs").is_dir():
        raise ConfigError(f"--pairs {printable(path)}: this is a folder. Name a CSV file.")
    try:
        # Excel puts a byte order mark in front
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _checked_rows(file, path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"--pairs {printable(path)}: cannot be read as CSV in UTF-8 ({error}).") from error


def _checked_rows(file: TextIO, path: Path) -> Iterator[tuple[int, Row]]:
    reader = csv.reader(file, strict=True)
    header = [name.strip() for name in next(reader, [])]
    if any(header.count(name) != 1 for name in COLUMNS):
        raise ConfigError(
            f"--pairs {printable(path)}: the first line reads {','.join(header)!r}. "
            "It must name the columns case,pred,truth, each once and with commas between them."
        )
    for cells in reader:
        if cells and len(cells) != len(header):
            where = f"{printable(path)}, line {reader.line_num}"
            raise ConfigError(f"{where}: {len(cells)} cells under {len(header)} headings. Quote names with commas.")
        if any(cell.strip() for cell in cells):
            yield reader.line_num, dict(zip(header, cells, strict=True))


def _case_id(row: Row, where: str) -> str:
    if not row["case"].strip():
        raise ConfigError(f"{where}: the case cell is empty. Give the case a name of its own.")
    if not row["pred"].strip() and not row["truth"].strip():
        raise ConfigError(f"{where}: case '{printable(row['case'])}' has no file. Fill in pred or truth.")
    return case_id_of(row["case"])


def _file(row: Row, side: str, folder: Path, where: str) -> Path | None:
    if not row[side].strip():
        return None
    path = require_existing(folder / row[side], what=f"{where}, {side}:")
    if path.is_dir() and side == "truth":
        raise ConfigError(f"{where}, {side}: {printable(path)} is a folder. Name the file in it.")
    return path
