"""Where an option gets its value: command line > environment > config file > ./segeval.yaml > default."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin

from segeval.errors import ConfigError, did_you_mean
from segeval.evidence.policies import read_empty_distance
from segeval.options import InputOptions, ScoreOptions, SweepOptions

HERE = Path("segeval.yaml")
COMMAND_LINE = "command line"
ENVIRONMENT = "environment"
Options = TypeVar("Options", bound=InputOptions)


@dataclass(frozen=True, kw_only=True)
class Settings(Generic[Options]):
    """The options of a run, and where each that is not left at its default was set."""

    options: Options
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a user typed for one option, and where: `COMMAND_LINE` or `ENVIRONMENT`."""

    value: Any
    source: str


def resolve(given: Mapping[str, Given], config: Path | None) -> Settings[ScoreOptions]:
    """The options of `segeval score`."""
    return _resolve(ScoreOptions, "score", given, config)


def resolve_sweep(given: Mapping[str, Given], config: Path | None) -> Settings[SweepOptions]:
    """The options of `segeval sweep`."""
    return _resolve(SweepOptions, "sweep", given, config)


def _resolve(
    record: type[Options], part: Literal["score", "sweep"], given: Mapping[str, Given], config: Path | None
) -> Settings[Options]:
    """The options of a run.

    Args:
        given: what the command line and the environment set, by name; other names are passed over.
        config: a YAML file with such a part.

    Raises:
        ConfigError: a value is not one of its option's, or a config file is wrong.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for file in (HERE if HERE.exists() else None, config):
        if file is not None:
            from segeval.config import read_section

            section = read_section(file, part, record)
            values |= section
            sources |= dict.fromkeys(section, str(file))
    typed = {one.name: given[one.name] for one in fields(record) if one.name in given}
    values |= {name: _from_text(name, one) for name, one in typed.items()}
    sources |= {name: one.source for name, one in typed.items()}
    return Settings(options=checked(record(**values), sources), sources=sources)


_LISTS: Mapping[str, tuple[Callable[[str], float], str]] = {
    "spacing": (float, "lengths in mm. Write it as 0.5,0.5,3"),
    "patch": (int, "voxels along each axis. Write it as 64,64 or 64,64,16"),
    "seeds": (int, "whole numbers. Write it as 0,1,2"),
}


def _from_text(name: str, given: Given) -> Any:
    """The value as its field holds it: what the parser leaves as text or list."""
    if name in _LISTS:
        return _numbers(name, given)
    if name == "empty_distance":
        return read_empty_distance(given.value)
    if name in ("pairs", "pred_instances", "truth_instances", "out", "plot"):
        return Path(given.value)
    if name == "format":
        return tuple(part.strip() for text in given.value for part in text.split(","))
    return tuple(given.value) if isinstance(given.value, list) else given.value


def _numbers(name: str, given: Given) -> tuple[float, ...]:
    number, said = _LISTS[name]
    try:
        return tuple(number(part) for part in given.value.split(","))
    except ValueError as error:
        raise ConfigError(f"{_where(name, given.source)} {given.value}: no list of {said}.") from error


def checked(options: Options, sources: Mapping[str, str] | None = None) -> Options:
    """The same options, once each is known to hold what it may.

    Args:
        sources: where the options were set, so that a message repeats what the user wrote.

    Raises:
        ConfigError: a value is not one of its option's choices, or out of range.
    """
    for one in fields(options):
        name, value = one.name, getattr(options, one.name)
        where = _where(name, (sources or {}).get(name))
        _check_choice(where, value, one.type)
        is_fine, must = _LIMITS.get(name, (_anything, ""))
        if not is_fine(value):
            raise ConfigError(f"{where} {_text(value)}: out of range. It must {must}.")
    return options


def _anything(_: Any) -> bool:
    return True


_LIMITS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "ci_level": (lambda value: 0 < value < 1, "lie between 0 and 1, such as 0.95"),
    "bootstrap": (lambda value: value >= 0, "be 0 (no intervals) or a number of resamples"),
    "workers": (lambda value: value >= 0, "be 0 (one per core) or a number of workers"),
    "empty_distance": (
        lambda value: isinstance(value, str) or 0 <= value < float("inf"),
        "be inf, nan, diagonal or a length in mm",
    ),
    "seed": (lambda value: value >= 0, "be 0 or more"),
    "geometry_tol": (lambda value: value >= 0, "be 0 or more voxels"),
    "spacing": (lambda value: all(0 < one < float("inf") for one in value or ()), "hold positive lengths in mm"),
    "easy_threshold": (lambda value: 0 < value < 1, "lie between 0 and 1, such as 0.5"),
    "max_voxels": (lambda value: value >= 0, "be 0 (all) or a number of voxels"),
    "holdout": (lambda value: 0 < value < 1, "lie between 0 and 1, such as 0.25"),
    "folds": (lambda value: value == 0 or value >= 2, "be 0 (a hold-out) or 2 or more"),
    "seeds": (
        lambda value: min(value, default=-1) >= 0 and len(set(value)) == len(value),
        "be different whole numbers",
    ),
    "dimensions": (lambda value: value in (2, 3), "be 2 or 3"),
    "iterations": (lambda value: value is None or value >= 10, "be 10 or more"),
    "batch": (lambda value: value is None or value >= 2, "be 2 or more"),
    "learning_rate": (lambda value: value is None or value > 0, "be above 0"),
    "width": (lambda value: value >= 1, "be 1 or more"),
}


def _where(name: str, source: str | None) -> str:
    """The option as the user wrote it: a flag, a variable, a key of a file, or an argument of the library."""
    if source is None:
        return name
    known = {COMMAND_LINE: f"--{name.replace('_', '-')}", ENVIRONMENT: f"SEGEVAL_{name.upper()}"}
    return known.get(source, f"{source}: {name}")


def _text(value: Any) -> str:
    return ",".join(f"{one:g}" for one in value) if isinstance(value, tuple) else str(value)


def _check_choice(where: str, value: Any, annotation: Any) -> None:
    """A `Literal`, a tuple of one, or one that may be left out, holds only what it lists."""
    inner = get_args(annotation)[0] if get_origin(annotation) is tuple else annotation
    literals = [inner] if get_origin(inner) is Literal else [one for one in get_args(inner) if one is not type(None)]
    if any(get_origin(one) is not Literal for one in literals):
        return
    choices = [one for literal in literals for one in get_args(literal)]
    for one in value if isinstance(value, tuple) else (value,):
        if choices and one is not None and one not in choices:
            raise ConfigError(f"{where} {one}: not one of {', '.join(choices)}.{did_you_mean(str(one), choices)}")
