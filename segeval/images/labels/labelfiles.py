"""Read a file of labels into plain data: nnU-Net's `dataset.json`, or our own YAML."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
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


def read_label_file(path: Path) -> LabelFile:
    """Read a `.json` file as nnU-Net's, any other as YAML.

    Raises:
        ConfigError: the file cannot be read, or does not have that form.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{printable(path)}: this label file cannot be read as UTF-8 text ({error}).") from error
    return _from_json(text, path) if path.suffix.lower() == ".json" else _from_yaml(text, path)


def _from_json(text: str, path: Path) -> LabelFile:
    try:
        data = json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, path))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{printable(path)}: not valid JSON ({error}).") from error
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
    data = _parse_yaml(text, path)
    if not isinstance(data, dict) or not any(isinstance(data.get(part), dict | list) for part in ("labels", "regions")):
        return LabelFile(labels=data)
    unknown = [key for key in data if key not in _PARTS]
    if unknown:
        raise ConfigError(f"{printable(path)}: unknown key {unknown[0]!r}. Known are {', '.join(_PARTS)}.")
    return LabelFile(labels=data.get("labels") or None, regions=data.get("regions"), ignore=data.get("ignore") or ())


def _parse_yaml(text: str, path: Path) -> Any:
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        return _plain(node, path) if node else None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{printable(path)}: not valid YAML ({error}).") from error


def _plain(node: Any, path: Path) -> Any:
    """Lists, mappings and bare text: whoever names a class `no` or `1e3` means these letters."""
    match node.id:
        case "mapping":
            return _unique([(_plain(key, path), _plain(value, path)) for key, value in node.value], path)
        case "sequence":
            return [_plain(one, path) for one in node.value]
        case _:
            return node.value


def _unique(pairs: list[tuple[Any, Any]], path: Path) -> Mapping[Any, Any]:
    found: dict[Any, Any] = {}
    for key, value in pairs:
        if not isinstance(key, str):
            raise ConfigError(f"{printable(path)}: {key!r} cannot be a key. Keys are ids or names.")
        if key in found:
            raise ConfigError(f"{printable(path)}: {key!r} stands there twice. Keep one of them.")
        found[key] = value
    return found
