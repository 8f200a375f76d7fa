"""The case table: a CSV with a row of facts per case, such as its site, its patient, or what a reviewer said of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from segeval.errors import ConfigError, did_you_mean
from segeval.files.csv_rows import read_csv_rows
from segeval.files.paths import printable
from segeval.results.csv_tables import text_of

CaseTable = Mapping[str, Mapping[str, str]]  # column -> case id -> value


def read_case_table(path: Path, *, what: str = "--case-table", columns: Sequence[str] = ()) -> CaseTable:
    """Facts about cases, from a CSV with a column `case`: column -> case id -> value.

    A name like a formula may stand with the apostrophe that keeps spreadsheets from running it.

    Args:
        what: the option that named the file, for messages.
        columns: further ones that must be there.

    Raises:
        ConfigError: it cannot be read, lacks a column, holds no case, or names one twice.
    """
    rows = [row for _, row in read_csv_rows(path, what=what, columns=["case", *columns])]
    if not rows:
        raise ConfigError(f"{what} {printable(path)}: holds no case. Write a row per case.")
    names = [text_of(row["case"]) for row in rows]
    twice = next((case for case, n in Counter(names).items() if n > 1), None)
    if twice is not None:
        raise ConfigError(f"{printable(path)}: case {printable(twice)} has two rows. Keep one.")
    return {
        name: {case: text_of(row[name]) for case, row in zip(names, rows, strict=True)}
        for name in rows[0]
        if name != "case"
    }


def facts_of(table: CaseTable, name: str, case_ids: Iterable[str]) -> Mapping[str, str]:
    """A column of the table for these cases.

    Raises:
        ConfigError: the table lacks the column, or one of the cases.
    """
    if name not in table:
        raise ConfigError(
            f"The case table has no column {name!r}. Its columns: {', '.join(table) or 'none'}."
            f"{did_you_mean(name, list(table))}"
        )
    lacking = [case for case in case_ids if case not in table[name]]
    if lacking:
        raise ConfigError(
            f"The case table has no {name!r} for {len(lacking)} case(s), first {lacking[0]!r}. Add a row."
        )
    return {case: table[name][case] for case in case_ids}


def parts_of(table: CaseTable, name: str, case_ids: Iterable[str]) -> dict[str, frozenset[str]]:
    """The cases with each value of a column, by the value; cases without one are a part of their own.

    Raises:
        ConfigError: the table lacks the column, or one of the cases.
    """
    value_of = facts_of(table, name, case_ids)
    return {
        value: frozenset(case for case, has in value_of.items() if has == value)
        for value in sorted(set(value_of.values()))
    }


def asked_parts(path: Path | None, by: Sequence[str], case_ids: Sequence[str]) -> dict[str, dict[str, frozenset[str]]]:
    """The groups of cases that `--case-table` and `--by` ask for, by column and value.

    Args:
        by: columns, several in one text too, with commas.

    Raises:
        ConfigError: one of the options lacks the other, or the table lacks a column or a case.
    """
    columns = [name.strip() for text in by for name in text.split(",")]
    if path is None:
        if columns:
            raise ConfigError(f"--by {','.join(columns)}: names columns of a case table. Pass --case-table FILE, too.")
        return {}
    if not columns:
        raise ConfigError(f"--case-table {printable(path)}: is read for --by alone. Name its columns, too.")
    table = read_case_table(path)
    return {name: parts_of(table, name, case_ids) for name in columns}
