"""Which name in a file is that of a class: people write `Kidney_L`, `left kidney` and `KIDNEY-LEFT` for one."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from segeval.errors import ConfigError, DataError, nearest
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.files.paths import printable

_SIDES = {"l": "left", "lt": "left", "li": "left", "r": "right", "rt": "right", "re": "right"}


def key_of(name: str) -> tuple[str, ...]:
    """A name without case, separators and the order of its side.

    Example:
        >>> key_of("Kidney_L") == key_of("left kidney") == key_of("KIDNEY-Left")
        True
    """
    words = [word for word in re.split(r"[\W_]+", name.casefold()) if word]
    # a single letter means a side only at an end of a name of several words: `Kidney_L`, but not `Vertebra L 1`
    for end in {0, len(words) - 1} if len(words) > 1 else ():
        words[end] = _SIDES.get(words[end], words[end])
    sides = [word for word in words if word in ("left", "right")]
    return (*(word for word in words if word not in ("left", "right")), *sides)


def matched(names: Iterable[str], labels: LabelMap, path: Path) -> tuple[dict[str, LabelClass], tuple[str, ...]]:
    """The class of each name that has one, and a note on classes that have no name here.

    Raises:
        DataError: no name is that of a class, two are of one, or a class is missing while a name nearly is its.
    """
    names = tuple(names)
    rows = labels.in_order
    by_key = {key_of(row.name): row for row in rows}
    found = {name: by_key[key_of(name)] for name in names if key_of(name) in by_key}
    holds = ", ".join(map(printable, names)) or "nothing"
    if names and not found:
        raise DataError(
            f"{printable(path)}: holds {holds}, and --labels names {', '.join(printable(row.name) for row in rows)}. "
            f"Give the classes the names of the file, such as 1={printable(names[0])}."
        )
    for row in rows:
        same = [name for name in found if found[name] == row]
        if len(same) > 1:
            raise DataError(
                f"{printable(path)}: {' and '.join(map(printable, same))} are both of class '{printable(row.name)}'. "
                "Rename or remove one of them."
            )
    lacking = [row.name for row in labels.classes or rows if row not in found.values() and row.ids != (0,)]
    for class_name in lacking:
        if near := nearest(class_name, [name for name in names if name not in found]):
            raise DataError(
                f"{printable(path)}: has no '{printable(class_name)}', and '{printable(near)}' is of no class. If they "
                f"are one, name the class so in --labels; if not, remove '{printable(near)}' from the file."
            )
    notes = (f"nothing is called {', '.join(map(printable, lacking))}: taken as empty",) if lacking else ()
    return found, notes


def with_names_as_classes(tables: Mapping[Path, Sequence[str]], labels: LabelMap, *, beside_ids: bool) -> LabelMap:
    """The label map with the names of all files for classes, where the user named none; ids follow the alphabet.

    Args:
        tables: the names in each file.
        beside_ids: whether there are label images too, whose ids no alphabet knows.

    Raises:
        ConfigError: label images are there too.
    """
    if labels.classes is not None or labels.regions or not tables:
        return labels
    spelt: dict[tuple[str, ...], str] = {}
    for names in tables.values():
        for name in names:
            spelt.setdefault(key_of(name), name)
    classes = sorted(spelt.values(), key=str.casefold)
    if beside_ids:
        said = ",".join(f"ID={printable(name)}" for name in classes[:5])
        raise ConfigError(
            f"{printable(next(iter(tables)))}: holds masks by names, and the other side holds ids. "
            f"Say which name has which id there: --labels {said or 'ID=liver'}."
        )
    found = tuple(LabelClass(name=name, ids=(i,)) for i, name in enumerate(classes, start=1))
    return replace(labels, classes=found) if found else labels
