"""The files that numbers come in: tables, long or wide, and the JSON of known tools."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from segeval.errors import ConfigError, DataError
from segeval.files.paths import printable, require_existing
from segeval.results.csv_tables import text_of
from segeval.verbs.explain.given.names import (
    CASE_HEADINGS,
    CLASS_HEADINGS,
    MEASURE_HEADINGS,
    SPREADS,
    VALUE_HEADINGS,
    Vocabulary,
    column_measure,
    is_fact,
    is_heading,
    is_total,
    plain,
    split_heading,
)
from segeval.verbs.explain.given.numbers import (
    GivenNumber,
    NumberColumn,
    Record,
    bare,
    few_of,
    value_of,
    with_points,
    with_rounding,
)
from segeval.verbs.explain.given.tools import classes_by_number, of_json, of_tool


def read_numbers(path: Path, vocabulary: Vocabulary) -> tuple[NumberColumn, ...]:
    """The columns of a file.

    Raises:
        ConfigError: the file is not there, or cannot be read.
        DataError: it holds no numbers.
    """
    if require_existing(path, what="NUMBERS").is_dir():
        path = require_existing(path / "scores.csv", what="NUMBERS")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{printable(path)}: cannot be read as text ({error}). Save it as UTF-8.") from error
    left_out: list[str] = []
    notes: list[str] = []
    is_json = text.lstrip()[:1] in ("{", "[")
    columns = _columns([*(of_json(text, path) if is_json else _of_table(text, path, vocabulary, left_out, notes))])
    if not columns:
        raise DataError(
            f"{printable(path)}: no column of numbers was found. Write one row per case, with the case in the first "
            "column and a column per measure or class; or a JSON object of case to value."
        )
    if left_out:
        notes.append(f"columns that name no measure and no class are left out: {few_of([*map(printable, left_out)])}")
    return (replace(columns[0], notes=(*columns[0].notes, *notes)), *columns[1:])


def _columns(records: Sequence[Record]) -> tuple[NumberColumn, ...]:
    """The records by measure; totals are left out where there are the cases that they are of."""
    by_measure: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_measure[record.measure].append(record)
    found = []
    for measure, of_measure in by_measure.items():
        kept = [record for record in of_measure if record.case] or of_measure
        of_classes = [record for record in kept if record.class_name]
        notes: tuple[str, ...] = ()
        if of_classes and len(of_classes) < len(kept):  # a mean over the classes beside them says nothing new
            notes = ("means over the classes are left out beside the classes themselves",)
            kept = of_classes
        if numbers := [given for record in kept if (given := _given(record))]:
            found.append(NumberColumn(name=measure, measure=measure, numbers=with_rounding(numbers), notes=notes))
    return tuple(found)


def _given(record: Record) -> GivenNumber | None:
    value = value_of(record.text)
    if value is None:
        return None
    return GivenNumber(
        case=record.case or None, class_name=record.class_name or None, text=record.text.strip(), value=value
    )


def _of_table(text: str, path: Path, vocabulary: Vocabulary, left_out: list[str], notes: list[str]) -> Iterator[Record]:
    first = text.partition("\n")[0]
    delimiter = max("\t;,", key=first.count)
    try:
        lines = [
            [bare(text_of(cell.strip())) for cell in row] for row in csv.reader(text.splitlines(), delimiter=delimiter)
        ]
    except csv.Error as error:
        raise ConfigError(f"{printable(path)}: cannot be read as a table ({error}). Mend it there.") from error
    written, lines = lines, with_points(lines)
    if lines != written:
        notes.append("commas in numbers are taken for decimal points")
    header, *rows = [row for row in lines if any(row)] or [[]]
    rows = [row for row in rows if row != header]  # MONAI appends to what is there
    wrong = next((number for number, row in enumerate(rows, start=2) if len(row) != len(header)), None)
    if wrong is not None:
        raise ConfigError(
            f"{printable(path)}, row {wrong}: {len(rows[wrong - 2])} cells under {len(header)} headings. "
            "Quote names that hold the separator."
        )
    return of_tool(header, rows, vocabulary) or _records(header, rows, vocabulary, left_out)


def _records(
    header: Sequence[str], rows: Sequence[Sequence[str]], vocabulary: Vocabulary, left_out: list[str]
) -> Iterator[Record]:
    """The cells of a table, each with its case, class and measure."""
    columns = [[row[i] for row in rows] for i in range(len(header))]
    case_at = _case_column(header, columns, vocabulary)
    classes = {plain(row.name) for row in vocabulary.classes}  # one may be called `organ`, as a column of classes is
    heads = ["" if plain(heading) in classes else heading for heading in header]
    class_at = _column_called(heads, CLASS_HEADINGS, but=case_at)
    measure_at = _column_called(header, MEASURE_HEADINGS, but=case_at)
    value_at = _column_called(header, VALUE_HEADINGS, but=case_at)
    keys = {case_at, class_at, measure_at}
    if measure_at is not None and value_at is not None:
        wide = [value_at]
    else:
        told = keys | {i for i, heading in enumerate(heads) if is_heading(heading, CLASS_HEADINGS)}
        wide = [i for i in range(len(header)) if i not in told and _is_numeric(columns[i]) and not is_fact(header[i])]
    numbered = classes_by_number([header[i] for i in wide], vocabulary)
    as_classes = class_at is None and _may_be_classes([header[i] for i in wide], vocabulary)
    if any(_names_measure(header[i]) for i in wide):  # then what names none is a fact about the case
        left_out += [header[i] for i in wide if not _tells(header[i], numbered, vocabulary)]
        wide = [i for i in wide if header[i] not in left_out]
    for row in rows:
        case = row[case_at] if case_at is not None else ""
        if plain(case) in SPREADS and vocabulary.case_of(case) is None:
            continue
        for i in wide:
            measure, class_name = _meaning(header[i], numbered, as_classes=as_classes)
            yield Record(
                case="" if is_total(case) else case,
                class_name=row[class_at] if class_at is not None else class_name,
                measure=row[measure_at] if measure_at is not None else measure,
                text=row[i],
            )


def _names_measure(heading: str) -> bool:
    return column_measure(heading) is not None or split_heading(heading) is not None


def _tells(heading: str, numbered: Mapping[str, str], vocabulary: Vocabulary) -> bool:
    """Whether a heading beside those of measures means something: a class, a measure, or a value of the case."""
    is_class = heading in numbered or vocabulary.class_of(heading) is not None or is_total(heading)
    return is_class or _names_measure(heading) or is_heading(heading, VALUE_HEADINGS)


def _may_be_classes(headings: Sequence[str], vocabulary: Vocabulary) -> bool:
    """Whether headings that are no measures are classes: they are among ours, or as many."""
    others = [heading for heading in headings if not is_total(heading)]
    n = len(vocabulary.classes)
    return len(others) in (n, n + 1) or any(vocabulary.class_of(heading) is not None for heading in others)


def _meaning(heading: str, numbered: Mapping[str, str], *, as_classes: bool) -> tuple[str, str]:
    """Measure and class that a heading of a wide table stands for; what is no measure may be a class."""
    if heading in numbered:
        return "", numbered[heading]
    if column_measure(heading):
        return heading, ""
    if is_heading(heading, VALUE_HEADINGS):
        return "", ""
    parts = split_heading(heading)
    if parts is None:
        return ("", "" if is_total(heading) else heading) if as_classes else (heading, "")
    measure, rest = parts
    return measure, "" if is_total(rest) else rest


def _case_column(header: Sequence[str], columns: Sequence[Sequence[str]], vocabulary: Vocabulary) -> int | None:
    """The column that names cases: the one with most of them, else the first that is called like one."""
    if not columns or not columns[0]:
        return None
    hits = [sum(vocabulary.case_of(cell) is not None for cell in column if cell) for column in columns]
    called = [i for i, heading in enumerate(header) if is_heading(heading, CASE_HEADINGS)]
    texts = [i for i in range(len(header)) if not _is_numeric(columns[i])]
    best = max(range(len(header)), key=lambda i: (hits[i], i in called, -i))
    if hits[best] and (best in called or best in texts):
        return best
    candidates = called or [i for i in texts if not is_heading(header[i], CLASS_HEADINGS | MEASURE_HEADINGS)]
    return candidates[0] if candidates else None


def _column_called(header: Sequence[str], names: frozenset[str], *, but: int | None) -> int | None:
    found = [i for i, heading in enumerate(header) if i != but and is_heading(heading, names)]
    return next((i for i in found if plain(header[i]) == "class"), found[0] if found else None)


def _is_numeric(cells: Sequence[str]) -> bool:
    """Whether a column holds numbers: a stray word does not change that, and cells without one do not make it so."""
    told = [value_of(cell) for cell in cells if cell]
    numbers = [value for value in told if value is not None]
    return len(numbers) * 2 > len(told) or not told
