"""Knobs of measures: how people write them, how columns show them, and what an annotation allows."""

import inspect
import math
import re
from typing import Any, Literal, get_args, get_origin

from segeval.errors import ConfigError


class PerClass(dict[str, float]):
    """One value of a knob for each class, by class name; columns show it as `per_class`."""

    def __str__(self) -> str:
        return "per_class"


_CALL = re.compile(r"(?P<name>[A-Za-z_][\w]*)\s*(?:\((?P<knobs>.*)\))?", re.DOTALL)


def parse_call(text: str) -> tuple[str, dict[str, Any]]:
    """Split `name(knob=value,...)` into the name and its knobs.

    Raises:
        ConfigError: the text is not of that form.
    """
    match = _CALL.fullmatch(text.strip())
    if not match:
        raise ConfigError(f"Cannot read the measure {text!r}. Write a name, or name(knob=value,...).")
    knobs: dict[str, Any] = {}
    for part in filter(None, map(str.strip, (match["knobs"] or "").split(","))):
        name, equals, value = part.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise ConfigError(f"Cannot read {part!r} in {text!r}. Write knobs as name=value, separated by commas.")
        if name.strip() in knobs:
            raise ConfigError(f"{text!r} sets {name.strip()!r} twice. Keep one of them.")
        knobs[name.strip()] = _knob_value(value.strip())
    return match["name"], knobs


def split_outside_parentheses(text: str) -> list[str]:
    """Split at the commas that stand outside parentheses: `a,b(c=1,d=2)` gives two parts."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _knob_value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None, "per_class": PerClass()}
    if text.lower() in words:
        return words[text.lower()]
    if ";" in text and ":" not in text:
        return tuple(_number(value, f"{text}: write numbers such as 1;2;0.5") for value in text.split(";"))
    if ":" in text:
        return PerClass({name.strip(): _of_class(name, value) for name, _, value in _split_at_colons(text)})
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _split_at_colons(text: str) -> list[tuple[str, str, str]]:
    return [part.rpartition(":") for part in text.split(";") if part.strip()]


def _of_class(name: str, value: str) -> float:
    return _number(value, f"class {name!r}. Write a number for each class: tolerance_mm=liver:1;spleen:2")


def _number(value: str, where: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise ConfigError(f"Cannot read {value!r} for {where}.") from error


def knob_text(value: Any) -> str:
    """The value of a knob as columns show it."""
    match value:
        case bool() | None:
            return str(value).lower()
        case int() | float():
            return f"{value:g}"
        case tuple():
            return ";".join(map(knob_text, value))
        case _:
            return str(value)


def as_declared(value: Any, annotation: Any) -> Any:
    """A whole number as float where the knob is one: `gamma=5` means 5.0."""
    is_float = annotation is float or (float in get_args(annotation) and int not in get_args(annotation))
    return float(value) if is_float and isinstance(value, int) and not isinstance(value, bool) else value


def said_of(annotation: Any) -> list[str]:
    """What an annotation allows, in words."""
    words = {float: "a number", int: "a whole number", str: "a word", bool: "true or false", type(None): "none"}
    words[PerClass] = "a number for each class"
    if get_origin(annotation) is tuple:
        return ["numbers such as 1;2;0.5"]
    if get_origin(annotation) is Literal:
        return [knob_text(choice) for choice in get_args(annotation)]
    if get_args(annotation):
        return [word for argument in get_args(annotation) for word in said_of(argument)]
    return [words.get(annotation, str(annotation))]


def words_of(annotation: Any) -> list[str]:
    """The words that an annotation allows."""
    if get_origin(annotation) is Literal:
        return [knob_text(choice) for choice in get_args(annotation)]
    return [word for argument in get_args(annotation) for word in words_of(argument)]


def as_meant(value: Any, annotation: Any) -> Any:
    """The value as the formula declares it: 2 is a float there, one number a list of one, and `weights=none` a word."""
    kinds = get_args(annotation) or (annotation,)
    if get_origin(annotation) is tuple and type(value) in (int, float):
        value = (value,)
    if isinstance(value, tuple | list) and any(get_origin(kind) is tuple for kind in (annotation, *kinds)):
        return tuple(float(part) if isinstance(part, int) else part for part in value)
    if type(value) is int and float in kinds and int not in kinds:
        return float(value)
    text = knob_text(value)
    return text if not fits(value, annotation) and fits(text, annotation) else value


def fits(value: Any, annotation: Any) -> bool:
    """Whether a knob value fits its annotation: plain types, unions and Literal."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Literal:
        return value in arguments
    if get_origin(annotation) is tuple:
        return isinstance(value, tuple) and all(fits(one, arguments[0]) for one in value)
    if arguments:
        return any(fits(value, argument) for argument in arguments)
    if annotation is None or annotation is type(None):
        return value is None
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return annotation is Any or annotation is inspect.Parameter.empty or isinstance(value, annotation)
