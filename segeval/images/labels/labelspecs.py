"""Classes and regions as people write them: `1=liver`, {1: "liver"}, {"liver": 1}, `wt=1+2+3`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

from segeval.errors import ConfigError
from segeval.evidence.labels import LabelClass, LabelMap

_ID = re.compile(r"\s*[+-]?[0-9]{1,20}\s*")
_LIST_OF_IDS = re.compile(rf"{_ID.pattern}(=|,|$)")


def is_list_of_ids(text: str) -> bool:
    """Whether the text begins like `1,2` or `1=liver`, and so cannot be meant as a file."""
    return _LIST_OF_IDS.match(text) is not None


def labels_from_text(text: str, *, source: str) -> LabelMap:
    """Read `1,2,3` or `1=liver,2=spleen`."""
    entries = [part.partition("=") for part in text.split(",")]
    return LabelMap(classes=tuple(_class(name if equals else label, label, source) for label, equals, name in entries))


def labels_from_data(data: object, *, source: str) -> LabelMap:
    """Read [1, 2], {1: "liver"} or {"liver": 1}.

    Raises:
        ConfigError: it has another form, or names no class at all.
    """
    label_map = _mapped(data, source) if isinstance(data, Mapping) else _listed(data, source)
    if not label_map.classes and not label_map.regions:
        raise ConfigError(f"{source}: no class is named there. Write {{1: liver, 2: spleen}}.")
    return label_map


def regions_from(regions: object, *, source: str) -> tuple[LabelClass, ...]:
    """Read `wt=1+2+3,tc=1+3` or {"wt": [1, 2, 3]}; nothing gives no region."""
    if not regions:
        return ()
    if isinstance(regions, str):
        pairs = _split(regions, source)
    elif isinstance(regions, Mapping):
        pairs = list(regions.items())
    else:
        raise ConfigError(f"{source}: {regions!r} are no regions. Write wt=1+2+3, or in a file {{wt: [1, 2, 3]}}.")
    return tuple(_region(name, ids, source) for name, ids in pairs)


def ids_from(value: object, *, source: str) -> tuple[int, ...]:
    """Read 3, [1, 2, 3] or `1+2+3`."""
    if isinstance(value, str):
        value = value.split("+")
    several = isinstance(value, Iterable) and not isinstance(value, Mapping)
    return tuple(_id(label, source) for label in (value if several else (value,)))  # type: ignore[attr-defined]


def channel_names(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """Read `background,liver,spleen`, or a list of such names."""
    if value is None:
        return ()
    return tuple(str(name).strip() for name in (value.split(",") if isinstance(value, str) else value))


def moved_ids(value: object, *, source: str) -> dict[int, int]:
    """Read `2=1,3=2`, or {2: 1, 3: 2}: what an id of predictions is in the truth.

    Raises:
        ConfigError: it has another form, or moves an id twice.
    """
    if not value:
        return {}
    if isinstance(value, str):
        pairs = [(old, new) for old, equals, new in (part.partition("=") for part in value.split(",")) if equals]
        is_whole = len(pairs) == value.count(",") + 1
    else:
        pairs, is_whole = list(value.items()) if isinstance(value, Mapping) else [], isinstance(value, Mapping)
    if not is_whole:
        raise ConfigError(f"{source} {value}: write what each id of predictions is in the truth, such as 2=1,3=2.")
    moved = {_id(old, source): _id(new, source) for old, new in pairs}
    if len(moved) < len(pairs):
        raise ConfigError(f"{source} {value}: moves an id twice. Name each id of predictions once.")
    return moved


def is_id(value: object) -> bool:
    """Whether the value is a whole number, or text that spells one."""
    if isinstance(value, str):
        return _ID.fullmatch(value) is not None
    return isinstance(value, Integral) and not isinstance(value, bool)


def _mapped(mapping: Mapping[Any, Any], source: str) -> LabelMap:
    for key, value in mapping.items():
        if not (is_id(key) or is_id(value) or isinstance(value, list | tuple)):
            raise ConfigError(
                f"{source}: neither {key!r} nor {value!r} is a label id. Ids are whole numbers, such as 3."
            )
    if _names_come_first(mapping):
        return _by_name(mapping, source)
    return LabelMap(classes=tuple(_class(name, label, source) for label, name in mapping.items()))


def _listed(data: object, source: str) -> LabelMap:
    if data is None or isinstance(data, str):
        return LabelMap(classes=())
    return LabelMap(classes=tuple(_class(str(label), label, source) for label in ids_from(data, source=source)))


def _names_come_first(mapping: Mapping[Any, Any]) -> bool:
    """Whether it reads {"liver": 1}, and not {1: "liver"}; {"1": 1} has a class that is named by its id."""
    if not all(map(is_id, mapping)):
        return True
    return all(isinstance(key, str) and not isinstance(value, str) for key, value in mapping.items())


def _by_name(mapping: Mapping[Any, Any], source: str) -> LabelMap:
    """{name: id} as nnU-Net writes it: a list of ids is a region, and `ignore` is no class."""
    named = {name: value for name, value in mapping.items() if name != "ignore"}
    unions = {name: value for name, value in named.items() if isinstance(value, list | tuple)}
    return LabelMap(
        classes=tuple(_class(name, label, source) for name, label in named.items() if name not in unions),
        regions=regions_from(unions, source=source),
        ignore=ids_from(mapping.get("ignore", ()), source=source),
        written=tuple(map(str.strip, named)) if unions else (),
    )


def _split(text: str, source: str) -> list[tuple[str, str]]:
    entries = [part.partition("=") for part in text.split(",")]
    for name, equals, _ in entries:
        if not equals:
            raise ConfigError(f"{source}: region '{name.strip()}' has no ids. Write wt=1+2+3,tc=1+3.")
    return [(name, ids) for name, _, ids in entries]


def _class(name: object, label: object, source: str) -> LabelClass:
    return LabelClass(name=_name(name, source), ids=(_id(label, source),))


def _region(name: object, ids: object, source: str) -> LabelClass:
    union = LabelClass(name=_name(name, source), ids=ids_from(ids, source=source))
    if not union.ids:
        raise ConfigError(f"{source}: region '{union.name}' has no ids. Write {{wt: [1, 2, 3]}}.")
    if len(set(union.ids)) < len(union.ids):
        raise ConfigError(f"{source}: region '{union.name}' names an id twice: {union.label}. Keep one of them.")
    return union


def _name(value: object, source: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{source}: {value!r} is no class name. Names are text.")
    return value.strip()


def _id(value: object, source: str) -> int:
    if not is_id(value):
        raise ConfigError(f"{source}: {value!r} is no label id. Ids are whole numbers, such as 3.")
    return int(value)  # type: ignore[call-overload]
