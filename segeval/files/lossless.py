"""Records as text and back, without the loss of a bit, and without running anything that a file says.

Unlike `pickle`, only types of this package come back, each from its own fields. Numbers, texts and lists are those of
JSON, whose floats are exact in Python; everything else is an object with one key, which says what it is:

    {"array": [dtype, shape, data]}     an array of numbers; the data are compressed, in base64
    {"objects": [shape, items]}         an array of records
    {"tuple": items}  {"map": [[key, value], ...]}  {"path": text}  {"type": name}
    {"record": [name, {field: value}]}  a dataclass
    {"records": [name, {field: values}]}    a tuple of many of one kind, field by field
"""

import base64
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from pathlib import Path, PurePath
from typing import Any

import numpy as np

_PACKAGE = __name__.partition(".")[0]
_PLAIN = frozenset((type(None), bool, int, float, str))
_MANY = 100  # records of one kind; the names of their fields would be most of the text


def text_of_record(record: Any) -> str:
    """The record as one line of ASCII.

    Raises:
        TypeError: it holds something of another kind.
    """
    return json.dumps(_encoded(record), separators=(",", ":"))


def record_of_text(text: str) -> Any:
    """The record of such a line.

    Raises:
        ValueError: the text is no record, or one of another version of this package.
    """
    try:
        return _decoded(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, ImportError, RecursionError, zlib.error) as error:
        raise ValueError(f"no record of this version: {error}") from error


def _encoded(value: Any) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is list:
        return _encoded_items(value)
    if kind is tuple:
        return _encoded_records(value) if _are_many_records(value) else {"tuple": _encoded_items(value)}
    if isinstance(value, type):
        return {"type": _name_of(value)}
    if is_dataclass(value):
        return {"record": [_name_of(kind), {name: _encoded(getattr(value, name)) for name in _fields_of(value)}]}
    if isinstance(value, Mapping):
        return {"map": [[_encoded(key), _encoded(item)] for key, item in value.items()]}
    if isinstance(value, np.ndarray | np.generic):
        return _encoded_array(np.asarray(value), is_scalar=isinstance(value, np.generic))
    if isinstance(value, PurePath):
        return {"path": str(value)}
    raise TypeError(f"{kind.__module__}.{kind.__qualname__} cannot be stored")


def _encoded_items(items: Sequence[Any]) -> Sequence[Any]:
    return items if _PLAIN.issuperset(map(type, items)) else [_encoded(item) for item in items]


def _are_many_records(items: Sequence[Any]) -> bool:
    return len(items) >= _MANY and is_dataclass(items[0]) and len(set(map(type, items))) == 1


def _encoded_records(records: Sequence[Any]) -> Any:
    columns = {name: [getattr(record, name) for record in records] for name in _fields_of(records[0])}
    return {"records": [_name_of(type(records[0])), {name: _encoded_column(cells) for name, cells in columns.items()}]}


def _encoded_column(values: Sequence[Any]) -> Any:
    if _PLAIN.issuperset(map(type, values)):
        return values
    known = {id(value): _encoded(value) for value in {id(value): value for value in values}.values()}
    return [known[id(value)] for value in values]


def _encoded_array(array: np.ndarray, *, is_scalar: bool) -> Any:
    if array.dtype.kind == "O":
        return {"objects": [list(array.shape), [_encoded(item) for item in array.ravel()]]}
    data = base64.b64encode(zlib.compress(array.tobytes(), 1)).decode("ascii")
    return {"scalar" if is_scalar else "array": [array.dtype.str, list(array.shape), data]}


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    return _DECODERS[kind](content)


def _record(content: Any) -> Any:
    name, values = content
    return _record_type(name)(**{field: _decoded(value) for field, value in values.items()})


def _records(content: Any) -> tuple[Any, ...]:
    name, columns = content
    kind, values = _record_type(name), [_decoded(column) for column in columns.values()]
    return tuple(kind(**dict(zip(columns, fields, strict=True))) for fields in zip(*values, strict=True))


def _record_type(name: str) -> type:
    kind = _type_of(name)
    if not is_dataclass(kind):
        raise TypeError(f"{name} is no record")
    return kind


def _array(content: Any) -> np.ndarray:
    dtype, shape, data = content
    array = np.frombuffer(zlib.decompress(base64.b64decode(data)), dtype=np.dtype(dtype))
    return array.reshape(shape).copy()  # of bytes it could not be written to


def _objects(content: Any) -> np.ndarray:
    shape, items = content
    array = np.empty(len(items), dtype=object)
    array[:] = [_decoded(item) for item in items]
    return array.reshape(shape)


def _fields_of(record: Any) -> list[str]:
    return [field.name for field in fields(record) if field.init]


def _name_of(kind: type) -> str:
    if kind.__module__.partition(".")[0] != _PACKAGE:
        raise TypeError(f"{kind.__module__}.{kind.__qualname__} cannot be stored")
    return f"{kind.__module__}:{kind.__qualname__}"


@cache
def _type_of(name: str) -> type:
    module, _, qualname = name.partition(":")
    if module.partition(".")[0] != _PACKAGE or "." in qualname:
        raise TypeError(f"{name} is no type of {_PACKAGE}")
    kind = getattr(import_module(module), qualname)
    if not isinstance(kind, type):
        raise TypeError(f"{name} is no type")
    return kind


_DECODERS: Mapping[str, Callable[[Any], Any]] = {
    "tuple": lambda items: tuple(map(_decoded, items)),
    "map": lambda items: {_decoded(key): _decoded(item) for key, item in items},
    "path": Path,
    "type": _type_of,
    "record": _record,
    "records": _records,
    "array": _array,
    "scalar": lambda content: _array(content)[()],
    "objects": _objects,
}
