"""Where an option gets its value: command line > environment > config file > ./segeval.yaml > default."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from segeval.errors import ConfigError
from segeval.options import InputOptions, ScoreOptions, SweepOptions

HERE = Path("segeval.yaml")
Options = TypeVar("Options", bound=InputOptions)

_NOT_NEGATIVE = (lambda n: n >= 0, "be 0 or more")
_LIMITS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "ci_level": (lambda level: 0 < level < 1, "lie between 0 and 1, such as 0.95"),
    "bootstrap": (lambda n: n >= 0, "be 0 (no intervals) or a number of resamples"),
    "workers": (lambda n: n >= 0, "be 0 (one per core) or a number of workers"),
    "seed": _NOT_NEGATIVE,
    "geometry_tol": (lambda voxels: voxels >= 0, "be 0 or more voxels"),
    "spacing": (lambda lengths: all(0 < one < float("inf") for one in lengths or ()), "hold positive lengths in mm"),
    "easy_threshold": (lambda p: 0 < p < 1, "lie between 0 and 1, such as 0.5"),
    "max_voxels": (lambda n: n >= 0, "be 0 (all) or a number of voxels"),
}


def score_options(given: Mapping[str, Any], config: Path | None) -> ScoreOptions:
    """The options of `score`; see `_options`."""
    return _options(ScoreOptions, "score", given, config)


def sweep_options(given: Mapping[str, Any], config: Path | None) -> SweepOptions:
    """The options of `sweep`; see `_options`."""
    return _options(SweepOptions, "sweep", given, config)


def _options(
    record: type[Options], section: Literal["score", "sweep"], given: Mapping[str, Any], config: Path | None
) -> Options:
    """The options of a run.

    Args:
        given: what the command line and the environment set, by name; other names are passed over.
        config: a YAML file with a part of that name.

    Raises:
        ConfigError: a value is not one of its option's, or a config file is wrong.
    """
    files = [file for file in (HERE if HERE.exists() else None, config) if file is not None]
    values: dict[str, Any] = {}
    for file in files:
        from segeval.config import read_section

        values |= read_section(file, section, record)
    names = {field.name for field in fields(record)}
    values |= {name: _from_text(name, value) for name, value in given.items() if name in names}
    return checked(record(**values))


def _from_text(name: str, value: Any) -> Any:
    if name == "spacing" and isinstance(value, str):
        try:
            return tuple(float(part) for part in value.split(","))
        except ValueError as error:
            raise ConfigError(f"--spacing {value} is no list of lengths in mm. Write it as 0.5,0.5,3.") from error
    return tuple(value) if isinstance(value, list) else value


def checked(options: Options) -> Options:
    """The same options, once each is known to hold what it may.

    Raises:
        ConfigError: a value is not one of its option's choices, or out of range.
    """
    for field in fields(options):
        value = getattr(options, field.name)
        _check_choice(field.name, value, field.type)
        is_fine, must = _LIMITS.get(field.name, (lambda _: True, ""))
        if not is_fine(value):
            raise ConfigError(f"--{field.name.replace('_', '-')} {value} is out of range: it must {must}.")
    return options


def _check_choice(name: str, value: Any, annotation: Any) -> None:
    """A `Literal`, or a tuple of one, or one that may be None, holds only what it lists."""
    inner = get_args(annotation) if get_origin(annotation) is not Literal else (annotation,)
    choices = [one for part in inner if get_origin(part) is Literal for one in get_args(part)]
    for one in value if isinstance(value, tuple) else (value,):
        if choices and one is not None and one not in choices:
            said = ", ".join(map(str, choices))
            raise ConfigError(f"--{name.replace('_', '-')} {one} is not one of: {said}.")
