"""Where an option gets its value: command line > environment > config file > ./segeval.yaml > default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from segeval.options import COMMAND_LINE, ENVIRONMENT, InputOptions, ScoreOptions, SweepOptions, declared, refuse_wrong

__all__ = ["COMMAND_LINE", "ENVIRONMENT", "HERE", "Given", "Settings", "checked", "resolve", "resolve_sweep"]

HERE = Path("segeval.yaml")
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
        given: what the command line and the environment set, by name.
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
    for name, option in declared(record).items():
        if name in given:
            values[name] = option.value_of(given[name].value, given[name].source)
            sources[name] = given[name].source
    return Settings(options=checked(record(**values), sources), sources=sources)


def checked(options: Options, sources: Mapping[str, str] | None = None) -> Options:
    """The same options, once each is known to hold what it may.

    Args:
        sources: where the options were set, so that a message repeats what the user wrote.

    Raises:
        ConfigError: a value is not one of its option's choices, or out of range.
    """
    for name, option in declared(type(options)).items():
        refuse_wrong(option, getattr(options, name), source=(sources or {}).get(name))
    return options
