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
from segeval.files.paths import printable

_DEEPEST = 50
_MOST_NODES = 1_000_000

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
        ConfigError: the file cannot be opened, is no YAML, holds a key twice, or a value that does not fit its tag.
    """
    text = _text_of(path)
    lines: dict[Place, int] = {}
    loader = _begun(_Loader, text, path)
    node = _composed(loader, path)
    if node is None:
        return YamlFile(path=path, data=None, lines=lines)
    try:
        _note_lines(node, (), lines, path, loader, seen=set())
        data = loader.construct_document(node)
    except yaml.YAMLError as error:
        raise _no_yaml(path, error) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # of tags that stand on lists and mappings
        raise ConfigError(f"{printable(path)}: a value does not fit its tag. Leave the tag out.") from error
    return YamlFile(path=path, data=data, lines=lines)


def compose_yaml(text: str, path: Path) -> yaml.Node | None:
    """The nodes of a YAML text, for a reader that gives them a meaning of its own; None for an empty one.

    Raises:
        ConfigError: it is no YAML, is nested too deeply, or its aliases stand for too much.
    """
    return _composed(_begun(yaml.SafeLoader, text, path), path)


def bare_text(node: yaml.ScalarNode, path: Path) -> str:
    """The letters of a value, for a reader to whom `no` and `1e3` are names.

    Raises:
        ConfigError: somebody wrote a tag that says something else, such as `!!int liver`.
    """
    kind = str(node.tag).rpartition(":")[2]
    resolver: Any = yaml.resolver.Resolver()
    if kind != "str" and node.tag != resolver.resolve(yaml.ScalarNode, node.value, (True, False)):
        raise ConfigError(
            f"{printable(path)}:{_line(node)}: {printable(node.value[:40])!r} does not fit its tag {printable(kind)}. "
            "Leave the tag out."
        )
    return str(node.value)


def _begun(kind: type[yaml.SafeLoader], text: str, path: Path) -> yaml.SafeLoader:
    """A loader at the start of a text, which refuses characters that no YAML may hold before it reads anything."""
    try:
        return kind(text)
    except yaml.reader.ReaderError as error:
        line, character = text.count("\n", 0, error.position) + 1, text[error.position]
        raise ConfigError(
            f"{printable(path)}:{line}: holds the character {character!r}, which YAML does not allow. Remove it."
        ) from error


def _composed(loader: yaml.SafeLoader, path: Path) -> yaml.Node | None:
    try:
        node = loader.get_single_node()
        if node is not None:
            _weigh(node, path, {}, depth=0)
    except yaml.YAMLError as error:
        raise _no_yaml(path, error) from error
    except RecursionError as error:
        raise _too_deep(path) from error
    return node


def _weigh(node: yaml.Node, path: Path, sizes: dict[int, int], *, depth: int) -> int:
    """How many nodes a node stands for once its aliases are written out; each is looked at once.

    Ten lines of ten aliases each stand for 10^10 nodes, and would be read until memory ends.
    """
    if id(node) in sizes:
        if not sizes[id(node)]:
            raise ConfigError(f"{printable(path)}:{_line(node)}: an alias stands within itself. Write it out.")
        return sizes[id(node)]
    if depth > _DEEPEST:
        raise _too_deep(path)
    sizes[id(node)] = 0  # under way
    size = 1 + sum(_weigh(child, path, sizes, depth=depth + 1) for child in _children(node))
    if size > _MOST_NODES:
        raise ConfigError(
            f"{printable(path)}:{_line(node)}: with its aliases written out this holds more than {_MOST_NODES} values. "
            "Write out what is meant."
        )
    sizes[id(node)] = size
    return size


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _too_deep(path: Path) -> ConfigError:
    return ConfigError(f"{printable(path)}: nested deeper than {_DEEPEST} levels. Write it flatter.")


def _no_yaml(path: Path, error: yaml.YAMLError) -> ConfigError:
    return ConfigError(f"{printable(path)}{_where(error)}: this is no valid YAML: {_problem(error)}. Mend it there.")


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{printable(path)}: there is no such file. Check the path.") from error
    except OSError as error:
        raise ConfigError(f"{printable(path)}: cannot be read ({error.strerror}). Check the path.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{printable(path)}: is no UTF-8 text ({error.reason}). Save it as UTF-8.") from error


def _note_lines(
    node: yaml.Node, place: Place, lines: dict[Place, int], path: Path, loader: yaml.SafeLoader, *, seen: set[int]
) -> None:
    """Note where everything stands, and look at every scalar, while its line is at hand."""
    if id(node) in seen:  # an alias leads back to a node that was noted before
        return
    seen.add(id(node))
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        _check_scalar(node, path, loader)
    if isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            _note_lines(item, (*place, i), lines, path, loader, seen=seen)
    if isinstance(node, yaml.MappingNode):
        _refuse_repeated_keys(node, path)
        for key, value in node.value:
            lines[(*place, str(key.value))] = key.start_mark.line + 1
            _note_lines(value, (*place, str(key.value)), lines, path, loader, seen=seen)


def _check_scalar(node: yaml.ScalarNode, path: Path, loader: yaml.SafeLoader) -> None:
    """Refuse a value that its tag cannot be, such as `!!float abc`, or a number of thousands of digits."""
    try:
        loader.construct_object(node)
    except yaml.YAMLError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        kind = str(node.tag).rpartition(":")[2]
        raise ConfigError(
            f"{printable(path)}:{_line(node)}: {printable(node.value[:40])!r} cannot be read as {kind}. "
            "Write a plain value."
        ) from error


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
