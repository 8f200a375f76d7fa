"""YAML files read safely, without the traps of YAML 1.1, and with the line of every key.

`no` and `on` stay words, `1e-3` is a number, `010` and `12:30` stay text, and a key that stands
twice is an error instead of a silent choice.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from segeval.errors import ConfigError

Place = tuple[str | int, ...]  # keys and list positions from the top of the file


@dataclass(frozen=True, kw_only=True)
class YamlFile:
    """The content of a YAML file, and where in the file each part of it stands."""

    path: Path
    data: Any
    lines: Mapping[Place, int]

    def line(self, place: Place) -> int:
        """The line of a place, counted from 1, or of the nearest place around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


class _Loader(yaml.SafeLoader):
    """A safe loader with the scalars of the YAML 1.2 core schema."""


_SCALARS = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    "float": (
        r"[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))"
        r"|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "merge": (r"<<", "<"),
}
_Loader.yaml_implicit_resolvers = {}
for _tag, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), list(_first))


def read_yaml(path: Path) -> YamlFile:
    """Read a YAML file.

    Raises:
        ConfigError: the file cannot be opened, is no YAML, or holds a key twice.
    """
    text = _text_of(path)
    lines: dict[Place, int] = {}
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is not None:
            _note_lines(node, (), lines, path, seen=set())
        data = loader.construct_document(node) if node is not None else None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}{_where(error)}: this is no valid YAML: {_problem(error)}.") from error
    return YamlFile(path=path, data=data, lines=lines)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file. Check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}.") from error


def _note_lines(node: yaml.Node, place: Place, lines: dict[Place, int], path: Path, seen: set[int]) -> None:
    if id(node) in seen:  # an alias leads back to a node that was noted before
        return
    seen.add(id(node))
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            _note_lines(item, (*place, i), lines, path, seen)
    if isinstance(node, yaml.MappingNode):
        _refuse_repeated_keys(node, path)
        for key, value in node.value:
            lines[(*place, str(key.value))] = key.start_mark.line + 1
            _note_lines(value, (*place, str(key.value)), lines, path, seen)


def _refuse_repeated_keys(node: yaml.MappingNode, path: Path) -> None:
    first: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        line, what = key.start_mark.line + 1, (key.tag, str(key.value))
        if what in first:
            raise ConfigError(
                f"{path}:{line}: the key {key.value!r} stands in line {first[what]} already. Keep one of them."
            )
        first[what] = line


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}" if mark else ""


def _problem(error: yaml.YAMLError) -> str:
    return getattr(error, "problem", None) or str(error)
