"""Read a file of labels into plain data: nnU-Net's `dataset.json`, our own YAML, or the table of another program."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segeval.errors import ConfigError
from segeval.files.paths import printable

_PARTS = ("labels", "regions", "ignore")


@dataclass(frozen=True, kw_only=True)
class LabelFile:
    """What a label file says, not yet checked."""

    labels: Any
    regions: Any = None
    ignore: Any = ()
    names: Mapping[int, str] = field(default_factory=dict)


def read_label_file(path: Path) -> LabelFile:
    """Read a `.json` file as nnU-Net's, a table of ids, names and colours as such, any other as YAML.

    Raises:
        ConfigError: the file cannot be read, or does not have that form.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"{printable(path)}: this label file cannot be read ({error.strerror}). Check the path."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{printable(path)}: this label file is no UTF-8 text ({error.reason}). Save it as UTF-8."
        ) from error
    if path.suffix.lower() == ".json":
        return _from_json(text, path)
    return _from_table(text, path) or _from_yaml(text, path)


# `4 Left-Hippocampus 220 216 20 255` of FreeSurfer and 3D Slicer, and `4 220 216 20 1 1 1 "Hippocampus"` of ITK-SNAP
_ROWS = (
    re.compile(r"\s*(?P<id>\d+)\s+(?P<name>\S.*?)(?:\s+[\d.]+){3,4}\s*"),
    re.compile(r'\s*(?P<id>\d+)(?:\s+[\d.]+){6}\s+"(?P<name>[^"]*)"\s*'),
)


def _from_table(text: str, path: Path) -> LabelFile | None:
    """The names of a colour table, without its background; None where the first line is no row of one."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    row = next((row for row in reversed(_ROWS) if lines and row.fullmatch(lines[0])), None)
    if row is None:
        return None
    names: dict[int, str] = {}
    for line in lines:
        found = row.fullmatch(line)
        if found is None:
            raise ConfigError(
                f"{printable(path)}: {printable(line[:60])!r} is no row of a label table. Write id, name and colour."
            )
        label = int(found["id"])
        if label in names:
            raise ConfigError(f"{printable(path)}: id {label} stands there twice. Keep one of them.")
        names[label] = found["name"]
    return LabelFile(labels=None, names={label: name for label, name in names.items() if label})


def _from_json(text: str, path: Path) -> LabelFile:
    try:
        data = json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, path))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{printable(path)}: not valid JSON ({error}). Mend it there, or copy it again.") from error
    labels = data.get("labels") if isinstance(data, dict) else None
    if not isinstance(labels, dict):
        raise ConfigError(
            f"{printable(path)}: holds no 'labels' object. A .json file is read as the dataset.json of nnU-Net; "
            "write labels of your own as YAML."
        )
    foreground = {key: value for key, value in labels.items() if not _is_background(key, value)}
    return LabelFile(labels=_in_channel_order(foreground))


def _in_channel_order(labels: dict[str, Any]) -> dict[str, Any]:
    """As the channels of nnU-Net run: by id, but as written where some label is a region."""
    ids = {key: value if type(value) is int else int(key) for key, value in labels.items() if _has_id(key, value)}
    return dict(sorted(labels.items(), key=lambda item: ids[item[0]])) if len(ids) == len(labels) else labels


def _has_id(key: str, value: object) -> bool:
    return type(value) is int or key.isdecimal()


def _is_background(key: str, value: object) -> bool:
    """Id 0 is always background in nnU-Net: {"0": "background"} in version 1, {"background": 0} in version 2."""
    return value == 0 if type(value) is int else key == "0"


def _from_yaml(text: str, path: Path) -> LabelFile:
    from segeval.files.yaml_files import compose_yaml

    node = compose_yaml(text, path)
    data = _plain(node, path) if node is not None else None
    if not isinstance(data, dict) or not any(isinstance(data.get(part), dict | list) for part in ("labels", "regions")):
        return LabelFile(labels=data)
    unknown = [key for key in data if key not in _PARTS]
    if unknown:
        raise ConfigError(f"{printable(path)}: unknown key {unknown[0]!r}. Known are {', '.join(_PARTS)}.")
    return LabelFile(labels=data.get("labels") or None, regions=data.get("regions"), ignore=data.get("ignore") or ())


def _plain(node: Any, path: Path) -> Any:
    """Lists, mappings and bare text: whoever names a class `no` or `1e3` means these letters."""
    from segeval.files.yaml_files import bare_text

    match node.id:
        case "mapping":
            return _unique([(_plain(key, path), _plain(value, path)) for key, value in node.value], path)
        case "sequence":
            return [_plain(part, path) for part in node.value]
        case _:
            return bare_text(node, path)


def _unique(pairs: list[tuple[Any, Any]], path: Path) -> Mapping[Any, Any]:
    found: dict[Any, Any] = {}
    for key, value in pairs:
        if not isinstance(key, str):
            raise ConfigError(f"{printable(path)}: {key!r} cannot be a key. Keys are ids or names.")
        if key in found:
            raise ConfigError(f"{printable(path)}: {key!r} stands there twice. Keep one of them.")
        found[key] = value
    return found
