"""The files that numbers come in: tables, long or wide, and the JSON of known tools."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    is_heading,
    is_total,
    measure_named,
    plain,
    split_heading,
    words,
)
from segeval.verbs.explain.given.numbers import GivenNumber, NumberColumn, value_of, with_rounding

# columns that say something of a case and are no measure of agreement
_FACTS = words(
    "tp fp fn tn npred ntruth nref status shape spacing spacingmm probabilitysource time runtime seconds fold "
    "threshold error path predfile truthfile dims unnamed0 numprinstances numrefinstances"
)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One number with all that its file says of it; an empty text is not said."""

    case: str
    class_name: str
    measure: str
    text: str


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
        raise ConfigError(f"{printable(path)}: cannot be read as text in UTF-8 ({error}).") from error
    records = list(_of_json(text, path) if text.lstrip()[:1] in ("{", "[") else _of_table(text, path, vocabulary))
    columns = _columns(records)
    if not columns:
        raise DataError(
            f"{printable(path)}: no column of numbers was found. Write one row per case, with the case in the first "
            "column and a column per measure or class; or a JSON object of case to value."
        )
    return columns


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


def _of_table(text: str, path: Path, vocabulary: Vocabulary) -> Iterator[Record]:
    first = text.partition("\n")[0]
    delimiter = max("\t;,", key=first.count)
    try:
        lines = [[text_of(cell.strip()) for cell in row] for row in csv.reader(text.splitlines(), delimiter=delimiter)]
    except csv.Error as error:
        raise ConfigError(f"{printable(path)}: cannot be read as a table ({error}).") from error
    header, *rows = [row for row in lines if any(row)] or [[]]
    rows = [row for row in rows if row != header]  # MONAI appends to what is there
    wrong = next((number for number, row in enumerate(rows, start=2) if len(row) != len(header)), None)
    if wrong is not None:
        raise ConfigError(
            f"{printable(path)}, row {wrong}: {len(rows[wrong - 2])} cells under {len(header)} headings. "
            "Quote names that hold the separator."
        )
    return _records(header, rows, vocabulary)


def _records(header: Sequence[str], rows: Sequence[Sequence[str]], vocabulary: Vocabulary) -> Iterator[Record]:
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
        wide = [i for i in range(len(header)) if i not in told and _is_numeric(columns[i]) and not _is_fact(header[i])]
    numbered = _classes_by_number([header[i] for i in wide], vocabulary)
    for row in rows:
        case = row[case_at] if case_at is not None else ""
        if plain(case) in SPREADS and vocabulary.case_of(case) is None:
            continue
        for i in wide:
            measure, class_name = _meaning(header[i], numbered)
            yield Record(
                case="" if is_total(case) else case,
                class_name=row[class_at] if class_at is not None else class_name,
                measure=row[measure_at] if measure_at is not None else measure,
                text=row[i],
            )


def _meaning(heading: str, numbered: Mapping[str, str]) -> tuple[str, str]:
    """Measure and class that a heading of a wide table stands for; what is no measure is a class."""
    if heading in numbered:
        return "", numbered[heading]
    if column_measure(heading):
        return heading, ""
    if is_heading(heading, VALUE_HEADINGS):
        return "", ""
    parts = split_heading(heading)
    if parts is None:
        return "", "" if is_total(heading) else heading
    measure, rest = parts
    rest = "" if plain(rest) in ("ungrouped", "globalbin") else rest.removesuffix("_global_bin")
    return measure, "" if is_total(rest) else rest


def _classes_by_number(headings: Sequence[str], vocabulary: Vocabulary) -> dict[str, str]:
    """MONAI numbers the channels that it scored, `class0` and on, and leaves background out without a word."""
    numbered = [heading for heading in headings if plain(heading).startswith("class") and heading[-1].isdigit()]
    if [plain(heading) for heading in numbered] != [f"class{i}" for i in range(len(numbered))]:
        return {}
    names = [row.name for row in vocabulary.classes]
    if len(numbered) == len(names) + 1:
        names = ["background", *names]
    return dict(zip(numbered, names, strict=False)) if len(numbered) == len(names) else {}


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


def _is_fact(heading: str) -> bool:
    return plain(heading) in _FACTS or not plain(heading)


def _of_json(text: str, path: Path) -> Iterator[Record]:
    try:
        document = json.loads(text, parse_float=_Digits, parse_int=_Digits)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{printable(path)}: is no JSON ({error}).") from error
    if isinstance(document, Mapping) and "metric_per_case" in document:
        yield from _of_nnunet(document)
    elif isinstance(document, Mapping) and "lesion_results" in document:
        yield from _of_picai(document)
    elif isinstance(document, list):
        yield from _of_rows(document)
    else:
        yield from _of_tree(document, ())


class _Digits(float):
    """A number of a JSON file that remembers how it was written."""

    text: str

    def __new__(cls, text: str) -> "_Digits":
        number = super().__new__(cls, text)
        number.text = text
        return number


def _text(value: Any) -> str:
    if value is None:
        return "nan"
    return value.text if isinstance(value, _Digits) else str(value)


def _of_nnunet(document: Mapping[str, Any]) -> Iterator[Record]:
    for entry in document["metric_per_case"]:
        file = entry.get("prediction_file") or entry.get("reference_file") or ""
        for class_name, metrics in entry.get("metrics", {}).items():
            for measure, value in metrics.items():
                if measure_named(measure):
                    yield Record(case=file, class_name=class_name, measure=measure, text=_text(value))


def _of_picai(document: Mapping[str, Any]) -> Iterator[Record]:
    """The overlap of the one lesion of a case: where there are several, which is which is not told."""
    for case, lesions in document["lesion_results"].items():
        hits = [lesion for lesion in lesions if len(lesion) > 2 and lesion[0]]
        if len(hits) == len(lesions) == 1:
            yield Record(case=case, class_name="", measure="", text=_text(hits[0][2]))


def _of_rows(rows: Sequence[Any]) -> Iterator[Record]:
    """A list of objects, as a data frame writes them."""
    for row in rows:
        if not isinstance(row, Mapping):
            continue
        keys: dict[str, str] = {}
        for names, what in ((CASE_HEADINGS, "case"), (CLASS_HEADINGS, "class"), (MEASURE_HEADINGS, "measure")):
            heading = next((name for name in row if is_heading(name, names)), None)
            keys[what] = "" if heading is None else _text(row[heading])
        for name, value in row.items():
            if isinstance(value, _Digits | None) and not _is_fact(name) and not is_heading(name, CASE_HEADINGS):
                measure = keys["measure"] or ("" if is_heading(name, VALUE_HEADINGS) else name)
                yield Record(case=keys["case"], class_name=keys["class"], measure=measure, text=_text(value))


def _of_tree(node: Any, above: tuple[str, ...]) -> Iterator[Record]:
    """Objects in objects: a level is of measures where its name is one, the first other one is of cases."""
    if isinstance(node, Mapping):
        for name, inner in node.items():
            yield from _of_tree(inner, (*above, str(name)))
    elif isinstance(node, _Digits | None):
        measures = [name for name in above if measure_named(name)]
        others = [name for name in above if name not in measures]
        case, class_name, *_ = (*others, "", "")
        if not is_total(case):
            yield Record(case=case, class_name=class_name, measure=measures[0] if measures else "", text=_text(node))
