"""Files as known tools write them, each by its own layout: JSON, and tables whose headings say more than one thing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from segeval.errors import ConfigError
from segeval.files.paths import printable
from segeval.verbs.explain.given.names import (
    CASE_HEADINGS,
    CLASS_HEADINGS,
    MEASURE_HEADINGS,
    VALUE_HEADINGS,
    Vocabulary,
    is_fact,
    is_heading,
    is_total,
    measure_named,
    plain,
)
from segeval.verbs.explain.given.numbers import Record


def of_tool(header: Sequence[str], rows: Sequence[Sequence[str]], vocabulary: Vocabulary) -> Iterator[Record] | None:
    """The records of a table whose headings are those of a known tool; None where they are not."""
    if header[:1] == ["subject_name"] and any("-" in heading for heading in header):
        return _of_panoptica(header, rows)
    if {"class", "mean", "notnans"} <= {*header}:
        return _of_monai_summary(header, rows, vocabulary)
    return None


def _of_panoptica(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[Record]:
    """A column per group and metric, `liver-global_bin_dsc`; other scores of matched objects are no measure of ours."""
    for row in rows:
        for heading, text in zip(header[1:], row[1:], strict=True):
            group, _, metric = heading.rpartition("-")
            yield from _of_group(row[0], group, {metric: text})


def _of_group(case: str, group: str, metrics: Mapping[str, Any]) -> Iterator[Record]:
    for metric, value in metrics.items():
        measure = measure_named(metric)
        if measure is not None:
            name = "" if plain(group) == "ungrouped" else group
            yield Record(case=case, class_name=name, measure=measure, text=_text(value))


def _of_monai_summary(header: Sequence[str], rows: Sequence[Sequence[str]], vocabulary: Vocabulary) -> Iterator[Record]:
    """A row per class with statistics over the cases; the class is given by its number among those scored."""
    names, at = [row[header.index("class")] for row in rows], header.index("mean")
    numbered = classes_by_number([name for name in names if not is_total(name)], vocabulary)
    for name, row in zip(names, rows, strict=True):
        yield Record(case="", class_name="" if is_total(name) else numbered.get(name, name), measure="", text=row[at])


def classes_by_number(headings: Sequence[str], vocabulary: Vocabulary) -> dict[str, str]:
    """MONAI numbers the channels that it scored, `class0` and on, and leaves background out without a word."""
    numbered = [heading for heading in headings if plain(heading).startswith("class") and heading[-1].isdigit()]
    if [plain(heading) for heading in numbered] != [f"class{i}" for i in range(len(numbered))]:
        return {}
    names = [row.name for row in vocabulary.classes]
    if len(numbered) == len(names) + 1:
        names = ["background", *names]
    return dict(zip(numbered, names, strict=False)) if len(numbered) == len(names) else {}


def of_json(text: str, path: Path) -> Iterator[Record]:
    """The records of a JSON document, or of several, one a line.

    Raises:
        ConfigError: it is no JSON.
    """
    try:
        document = _parsed(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{printable(path)}: is no JSON ({error}). Mend it there.") from error
    if isinstance(document, Mapping) and "metric_per_case" in document:
        yield from _of_nnunet(document)
    elif isinstance(document, Mapping) and "lesion_results" in document:
        yield from _of_picai(document)
    elif isinstance(document, list) and all(isinstance(one, Mapping) and "groups" in one for one in document):
        for one in document:  # panoptica
            for group, metrics in one["groups"].items():
                yield from _of_group(one.get("subject_name", ""), group, metrics)
    elif isinstance(document, list):
        yield from _of_rows(document)
    else:
        yield from _of_tree(document, ())


def _parsed(text: str) -> Any:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and all(line.startswith("{") and line.rstrip().endswith("}") for line in lines):
        text = f"[{','.join(lines)}]"
    return json.loads(text, parse_float=_Digits, parse_int=_Digits, parse_constant=_Digits)


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
            if isinstance(value, _Digits | None) and not is_fact(name) and not is_heading(name, CASE_HEADINGS):
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
