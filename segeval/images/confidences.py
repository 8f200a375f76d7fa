"""The confidences that a user gives to the candidates of each case, in a CSV file."""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path

from segeval.errors import ConfigError, DataError, did_you_mean
from segeval.evidence.case import Confidences
from segeval.files.csv_rows import Row, read_csv_rows
from segeval.files.paths import printable

COLUMNS = ("case", "class", "instance", "confidence")


def read_confidences(path: Path | None) -> Mapping[str, Confidences] | None:
    """The confidences by case; None where there is no file.

    Raises:
        ConfigError: the file cannot be read or lacks a column, an instance has two rows, or a cell is no number.
    """
    if path is None:
        return None
    found: defaultdict[str, dict[tuple[str, int], float]] = defaultdict(dict)
    for line, row in read_csv_rows(path, what="--confidences", columns=COLUMNS):
        where = f"{printable(path)}, line {line}"
        key = row["class"].strip(), _instance(row, where)
        if key in found[row["case"].strip()]:
            raise ConfigError(f"{where}: instance {key[1]} stands here a second time. Keep one row of each.")
        found[row["case"].strip()][key] = _confidence(row, where)
    return {case_id: Confidences(source=str(path), of=of) for case_id, of in found.items()}


def of_case(given: Mapping[str, Confidences] | None, case_id: str) -> Confidences | None:
    """Those of a case; none of its candidates has one where the file does not name it."""
    if given is None:
        return None
    sources = [confidences.source for confidences in given.values()]
    return given.get(case_id) or Confidences(source=sources[0] if sources else "--confidences", of={})


def refuse_strange(given: Mapping[str, Confidences] | None, case_ids: Collection[str], names: Collection[str]) -> None:
    """Refuse cases and classes that nobody scores: their candidates would be left out without a word.

    Args:
        names: of the classes; none where they are not known yet.

    Raises:
        DataError: the file names such a case or class.
    """
    for case_id, confidences in (given or {}).items():
        if case_id not in case_ids:
            help = did_you_mean(case_id, case_ids) or " Remove its rows, or score that case too."
            raise DataError(f"{confidences.source}: there is no case '{printable(case_id)}'.{help}")
        for name, _ in confidences.of:
            if names and name not in names:
                help = did_you_mean(name, names) or f" The classes are: {', '.join(map(printable, names))}."
                raise DataError(f"{confidences.source}: case {printable(case_id)}: no class '{printable(name)}'.{help}")


def _instance(row: Row, where: str) -> int:
    try:
        return int(row["instance"])
    except ValueError as error:
        raise ConfigError(
            f"{where}: instance '{printable(row['instance'])}' is no whole number. Write that of the lesion."
        ) from error


def _confidence(row: Row, where: str) -> float:
    try:
        value = float(row["confidence"])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"{where}: confidence '{printable(row['confidence'])}' is no finite number. Write one.")
    return value
