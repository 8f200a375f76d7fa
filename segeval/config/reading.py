"""A `segeval.yaml` file -> checked models; each finding names its line and the nearest right key."""

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from segeval.config.models import Config, Rule
from segeval.errors import ConfigError, did_you_mean
from segeval.files.yaml_files import Place, YamlFile, read_yaml


def read_config(path: Path) -> Config:
    """Read and check a `segeval.yaml`.

    Raises:
        ConfigError: it cannot be read, or holds an unknown key, a wrong value or a repeated rule id;
            the message names the line.
    """
    return _config_of(read_yaml(path))


def read_section(path: Path, section: Literal["score", "sweep"], record: type) -> dict[str, Any]:
    """Read the options that a `segeval.yaml` sets, by name, as the fields of `record` want them.

    Raises:
        ConfigError: the file is wrong, or an option is unknown or has a wrong value.
    """
    file = read_yaml(path)
    values = getattr(_config_of(file), section)
    types = {field.name: field.type for field in fields(record)}
    for name in values:
        if name not in types:
            raise ConfigError(_unknown_key(file, (section, name), types))
    return {name: fitted(value, types[name], where=_at(file, (section, name))) for name, value in values.items()}


def fitted(value: Any, annotation: Any, *, where: str) -> Any:
    """A value as the annotation of its option wants it, converted where nothing is lost by that.

    A single value may stand for a list of one.

    Args:
        where: the option, as a message shall name it.

    Raises:
        ConfigError: the value does not fit.
    """
    annotation = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    if annotation is not bool and _holds_a_switch(value):  # pydantic would take the number 1 or 0
        raise ConfigError(
            f"{where}: {reprlib.repr(value)} does not fit: true and false switch options on and off. Write a number, "
            "or put the word in quotes."
        )
    wrapped = [value] if get_origin(annotation) is tuple and isinstance(value, str | int | float) else value
    try:
        return TypeAdapter(annotation).validate_python(wrapped)
    except ValidationError as error:
        raise ConfigError(f"{where}: {reprlib.repr(value)} does not fit. {error.errors()[0]['msg']}.") from error


def _holds_a_switch(value: Any) -> bool:
    """Whether true or false stands somewhere in a value; YAML may have made it of a bare `yes` or `no`."""
    parts = [*value, *value.values()] if isinstance(value, Mapping) else value
    return isinstance(parts, bool) or (isinstance(parts, list | tuple) and any(map(_holds_a_switch, parts)))


def _config_of(file: YamlFile) -> Config:
    try:
        config = Config.model_validate(file.data if file.data is not None else {})
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(file, fault) for fault in error.errors())) from error
    for i, rule in enumerate(config.rules):
        rule._line = file.line(("rules", i))
    _refuse_repeated_ids(file, config.rules)
    return config


def _refuse_repeated_ids(file: YamlFile, rules: Sequence[Rule]) -> None:
    first: dict[str, int] = {}
    for i, rule in enumerate(rules):
        if rule.id in first:
            place = _at(file, ("rules", i, "id"))
            raise ConfigError(f"{place}: {rule.id!r} is the rule of line {first[rule.id]} already. Give each its own.")
        first[rule.id] = rule.line


def _explain(file: YamlFile, error: Any) -> str:
    """One finding of pydantic as: file, line, path, what is wrong, and how to mend it."""
    place = tuple(error["loc"])
    match error["type"]:
        case "extra_forbidden":
            return _unknown_key(file, place, _keys_around(place))
        case "missing":
            return f"{_at(file, place[:-1])}: the key {place[-1]!r} is missing. Add it."
        case "value_error":
            return f"{_at(file, place)}: {error['ctx']['error']}."
        case _:
            return f"{_at(file, place)}: {reprlib.repr(error['input'])} does not fit. {error['msg']}."


def _unknown_key(file: YamlFile, place: Place, known: Iterable[str]) -> str:
    known = list(known)
    help = did_you_mean(str(place[-1]), known) or f" Known keys: {', '.join(known)}."
    return f"{_at(file, place)}: unknown key.{help}"


def _keys_around(place: Place) -> list[str]:
    """The keys that may stand beside `place`."""
    model: Any = Config
    for part in place[:-1]:
        if isinstance(part, str):
            model = _model_in(_by_key(model)[part].annotation)
    return list(_by_key(model))


def _by_key(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> Any:
    """The model inside `Rule`, `Rule | None` or `tuple[Rule, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner)) is not None), None)


def _at(file: YamlFile, place: Place) -> str:
    """`segeval.yaml:12: rules[0].min`"""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    return f"{file.path}:{file.line(place)}" + (f": {path}" if path else "")
