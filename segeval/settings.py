"""Where an option gets its value: command line > environment > config file > ./segeval.yaml > default."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_origin

from segeval.errors import ConfigError
from segeval.options import ScoreOptions

HERE = Path("segeval.yaml")


def score_options(given: Mapping[str, Any], config: Path | None) -> ScoreOptions:
    """The options of a run.

    Args:
        given: what the command line and the environment set, by name; other names are passed over.
        config: a YAML file with a `score:` part.

    Raises:
        ConfigError: a value is not one of its option's, or a config file is wrong.
    """
    files = [file for file in (HERE if HERE.exists() else None, config) if file is not None]
    values: dict[str, Any] = {}
    for file in files:
        from segeval.config import read_section

        values |= read_section(file, "score", ScoreOptions)
    names = {field.name for field in fields(ScoreOptions)}
    values |= {name: _from_text(name, value) for name, value in given.items() if name in names}
    return checked(ScoreOptions(**values))


def _from_text(name: str, value: Any) -> Any:
    if name == "spacing" and isinstance(value, str):
        try:
            return tuple(float(part) for part in value.split(","))
        except ValueError as error:
            raise ConfigError(f"--spacing {value} is no list of lengths in mm. Write it as 0.5,0.5,3.") from error
    return tuple(value) if isinstance(value, list) else value


def checked(options: ScoreOptions) -> ScoreOptions:
    """The same options, once each is known to hold what it may.

    Raises:
        ConfigError: a value is not one of its option's choices, or out of range.
    """
    for field in fields(ScoreOptions):
        _check_choice(field.name, getattr(options, field.name), field.type)
    limits = {
        "ci_level": (0 < options.ci_level < 1, "lie between 0 and 1, such as 0.95"),
        "bootstrap": (options.bootstrap >= 0, "be 0 (no intervals) or a number of resamples"),
        "workers": (options.workers >= 0, "be 0 (one per core) or a number of workers"),
        "seed": (options.seed >= 0, "be 0 or more"),
        "geometry_tol": (options.geometry_tol >= 0, "be 0 or more voxels"),
        "spacing": (all(0 < one < float("inf") for one in options.spacing or ()), "hold positive lengths in mm"),
    }
    for name, (is_fine, must) in limits.items():
        if not is_fine:
            raise ConfigError(f"--{name.replace('_', '-')} {getattr(options, name)} is out of range: it must {must}.")
    return options


def _check_choice(name: str, value: Any, annotation: Any) -> None:
    """A `Literal`, or a tuple of one, holds only what it lists."""
    inner = get_args(annotation)[0] if get_origin(annotation) is tuple else annotation
    choices = [one for one in get_args(inner) if isinstance(one, str)]
    for one in value if isinstance(value, tuple) else (value,):
        if choices and one not in choices:
            said = ", ".join(choices)
            raise ConfigError(f"--{name.replace('_', '-')} {one} is not one of: {said}.")
