"""Read the user's choice of classes, wherever it stands, and check that it holds together."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from segeval.errors import ConfigError, did_you_mean
from segeval.evidence.labels import NO_CLASSES, LabelClass, LabelMap
from segeval.files.paths import printable, suggestion
from segeval.images.labels.labelfiles import read_label_file
from segeval.images.labels.labelsets import LABEL_SETS
from segeval.images.labels.labelspecs import (
    ids_from,
    is_id,
    is_list_of_ids,
    labels_from_data,
    labels_from_text,
    regions_from,
)

Labels = str | Path | Mapping[Any, Any] | Sequence[int] | None
Unions = tuple[LabelClass, ...]


def read_label_map(
    labels: Labels,
    *,
    regions: str | Mapping[str, Any] | None = None,
    ignore: Sequence[int] = (),
    include_background: bool = False,
) -> LabelMap:
    """Turn `--labels`, `--regions`, `--ignore-label` and `--include-background` into one label map.

    Args:
        labels: `1,2,3`, `1=liver,2=spleen`, {1: "liver"}, {"liver": 1}, the name of a known set or a file;
            None means every id that occurs.
        regions: unions of ids, `wt=1+2+3,tc=1+3` or {"wt": [1, 2, 3]}.
        ignore: ids of the truth whose voxels count nowhere, besides those that the labels ignore themselves.

    Raises:
        ConfigError: the text cannot be read, a file is not there, or names and ids contradict each other.
    """
    source, base, unions = _read_labels(labels)
    unions += regions_from(regions, source="--regions")
    label_map = replace(
        base,
        regions=base.regions + unions,
        ignore=tuple(sorted({*base.ignore, *ids_from(ignore, source="--ignore-label")})),
        include_background=include_background,
    )
    _check_ids(label_map, source)
    _check_names(label_map, source)
    _check_unions(unions, replace(base, include_background=include_background), source)
    return label_map


def _read_labels(labels: Labels) -> tuple[str, LabelMap, Unions]:
    """A word for messages, what the labels say, and the unions of them that a file may add."""
    match labels:
        case None:
            return "--labels", LabelMap(), ()
        case str() if labels in LABEL_SETS:
            return labels, LABEL_SETS[labels], ()
        case str() if is_list_of_ids(labels):
            return "--labels", labels_from_text(labels, source="--labels"), ()
        case str() | Path():
            return _read_file(_existing_file(labels))
        case _:
            return "--labels", labels_from_data(labels, source="--labels"), ()


def _read_file(path: Path) -> tuple[str, LabelMap, Unions]:
    file, source = read_label_file(path), printable(path)
    if file.names:
        return source, LabelMap(names=_unique_names(file.names)), ()
    only_regions = file.labels is None and file.regions
    base = LabelMap() if only_regions else labels_from_data(file.labels, source=source)
    ignore = base.ignore + ids_from(file.ignore, source=source)
    return source, replace(base, ignore=ignore), regions_from(file.regions, source=source)


def _unique_names(names: Mapping[int, str]) -> dict[int, str]:
    """Names for the rows of tables; a name that stands for two ids gets the id behind it."""
    often = Counter(names.values())
    return {label: name if often[name] == 1 and name else f"{name} {label}".strip() for label, name in names.items()}


def _existing_file(name: str | Path) -> Path:
    forms = f"Write 1,2,3 or 1=liver,2=spleen, or name a label file or one of {', '.join(LABEL_SETS)}."
    path = Path(name)
    try:
        if path.is_file():
            return path
        is_folder = path.is_dir()
    except OSError as error:
        raise ConfigError(f"--labels {printable(name)}: cannot be looked at ({error.strerror}). {forms}") from error
    hint = did_you_mean(str(name), LABEL_SETS) or suggestion(path)
    said = "this is a folder." if is_folder else f"no such file.{hint}"
    raise ConfigError(f"--labels {printable(name)}: {said} {forms}")


def _check_names(label_map: LabelMap, source: str) -> None:
    rows = label_map.classes_among(())
    for row in rows:
        if not row.name:
            raise ConfigError(f"{source}: the class with id {row.label} has an empty name. Give it one.")
        if row.name in NO_CLASSES:
            raise ConfigError(f"{source}: '{row.name}' is a row of the tables. Give the class another name.")
        if label_map.classes is None and is_id(row.name):
            raise ConfigError(f"{source}: region '{row.name}' is called like an id. Give it a name in words.")
    for name in _doubles(row.name for row in rows):
        raise ConfigError(f"{source}: two classes or regions are called '{name}'. Give one of them another name.")


def _check_ids(label_map: LabelMap, source: str) -> None:
    ids = [label for row in label_map.classes or () for label in row.ids]
    for label in _doubles(ids):
        raise ConfigError(f"{source}: two classes have id {label}. Name an id once, and join ids with --regions.")
    for label in (*ids, *(label for union in label_map.regions for label in union.ids)):
        if label < 0:
            raise ConfigError(
                f"{source}: id {label} is negative, so it cannot be a class. Pass --ignore-label {label}."
            )
    for label in sorted({*ids, *([0] if label_map.include_background else [])} & {*label_map.ignore}):
        raise ConfigError(f"{source}: id {label} is a class and is ignored too. Drop it from one of the two.")


def _check_unions(unions: Unions, base: LabelMap, source: str) -> None:
    known = {label for row in base.classes_among(()) for label in row.ids}
    for union in unions if base.classes is not None else ():
        for label in sorted({*union.ids} - known):
            said = ", ".join(map(str, sorted(known)))
            raise ConfigError(
                f"{source}: region '{union.name}' joins id {label}, which is no class. Known ids: {said}."
            )


def _doubles(values: Iterable[object]) -> list[object]:
    return [value for value, n in Counter(values).items() if n > 1]
