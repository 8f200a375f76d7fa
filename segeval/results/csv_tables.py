"""How values are written: cells of CSV files, and strict JSON."""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from types import NoneType
from typing import Any

import numpy as np

from segeval.files.writing import whole_file, write_text_atomically
from segeval.results.table import Table

# what spreadsheets take for the start of a formula, in both widths: owasp.org, "CSV Injection"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

_NEEDS_QUOTES = re.compile('[,"\r\n]')
_AT_ONCE = 1 << 12  # rows whose text is made before it is written
_NO_PLAIN_TEXT = re.compile(f"^[{re.escape(''.join(_FORMULA_STARTS))}]|{_NEEDS_QUOTES.pattern}")


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
        file.writelines(csv_parts(table))


def csv_parts(table: Table) -> Iterator[str]:
    """The text of a CSV file, some thousand whole lines at a time."""
    yield ",".join(map(_field, table.columns)) + "\n"
    for _, texts in texts_of_table(table, _field):
        yield "\n".join(map(",".join, zip(*texts, strict=True))) + "\n"


def texts_of_table(table: Table, text: Callable[[Any], str]) -> Iterator[tuple[int, list[Iterable[str]]]]:
    """The texts of some thousand rows at a time, column by column, and which row is the first of them."""
    for first in range(0, len(table.rows), _AT_ONCE):
        rows = slice(first, first + _AT_ONCE)
        yield first, [_texts_of(table.column(name, rows), text) for name in table.columns]


def _texts_of(column: Sequence[Any], text: Callable[[Any], str]) -> Iterable[str]:
    """The text of each cell, as `text` writes them.

    A table of lesions has a million cells, so that what is the same for whole columns is not asked of each: whole
    numbers read alike everywhere, as do numbers that are finite, and names are few.
    """
    kinds = set(map(type, column))
    if kinds == {int}:
        return map(str, column)
    if kinds <= {float, NoneType} and float in kinds:
        odd = {repr(value): text(value) for value in (math.nan, math.inf, -math.inf, None)}
        return [odd.get(number, number) for number in map(repr, column)]
    if kinds <= {str, bool, NoneType}:
        names = set(column)
        if 2 * len(names) < len(column):
            return map({name: text(name) for name in names}.__getitem__, column)
    return map(text, column)


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
        case Table():
            return jsonable(value.records())
        case _:
            return value


def _finite(value: float) -> float | str | None:
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return None if math.isnan(value) else value


def _field(value: Any) -> str:
    if value.__class__ is str and not _NO_PLAIN_TEXT.search(value):  # nearly all, and the rest is slower
        return value
    text = cell(value)
    # not csv.writer: which line breaks it quotes depends on the version of Python, and our bytes must not
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text
