"""How values are written: cells of CSV files, and strict JSON."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from segeval.files.writing import whole_file, write_text_atomically
from segeval.results.table import Table

# what spreadsheets take for the start of a formula, in both widths: owasp.org, "CSV Injection"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

_NEEDS_QUOTES = re.compile('[,"\r\n]')


def cell(value: Any) -> str:
    """A value as text that no spreadsheet runs: numbers stay numbers, a name like a formula gets an apostrophe.

    Example:
        >>> [cell(one) for one in (0.1, -2, float("nan"), float("-inf"), "liver", "=1+1")]
        ['0.1', '-2', '', '-inf', 'liver', "'=1+1"]
    """
    if isinstance(value, str | PurePath):
        text = str(value)
        return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
    plain = jsonable(value)
    if plain is None:
        return ""
    return str(plain).lower() if isinstance(plain, bool) else str(plain)


def text_of(cell: str) -> str:
    """The text that was made harmless in a cell."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell


def write_csv(path: Path, table: Table) -> None:
    r"""Write a table as CSV in UTF-8 with `\n` line ends, whole or not at all.

    Raises:
        ConfigError: the file cannot be written.
    """
    with whole_file(path) as file:
        file.writelines(csv_lines(table.columns, map(table.cells, table.rows)))


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The lines of a CSV file, each with its end."""
    yield _line(header)
    yield from map(_line, rows)


def write_json_atomically(path: Path, data: Any, *, indent: int | None = 2) -> None:
    """Write strict JSON, whole or not at all.

    Raises:
        ConfigError: the file cannot be written.
    """
    text = json.dumps(jsonable(data), ensure_ascii=False, allow_nan=False, indent=indent)
    write_text_atomically(path, f"{text}\n")


def jsonable(value: Any) -> Any:
    """The value in the types of JSON: undefined is None, infinite is "inf" or "-inf".

    Example:
        >>> jsonable({"dice": np.array([0.5, np.nan]), "hd": float("inf"), 3: Path("a/b")})
        {'dice': [0.5, None], 'hd': 'inf', '3': 'a/b'}
    """
    match value:
        case None | str() | int():  # most cells, and the tests below are slower
            return value
        case float() | np.floating():
            return _finite(float(value))
        case np.generic() | np.ndarray():
            return jsonable(value.tolist())
        case Mapping():
            return {str(key): jsonable(one) for key, one in value.items()}
        case list() | tuple():
            return [jsonable(one) for one in value]
        case PurePath():
            return str(value)
        case _:
            return value


def _finite(value: float) -> float | str | None:
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return None if math.isnan(value) else value


def _line(values: Iterable[Any]) -> str:
    return ",".join(_quoted(cell(one)) for one in values) + "\n"


def _quoted(text: str) -> str:
    # not csv.writer: which line breaks it quotes depends on the version of Python, and our bytes must not
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text
