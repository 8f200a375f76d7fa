"""How an option is declared: once, as the metadata of a field, which parser, files, environment and checks read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_origin

from segeval.errors import ConfigError, did_you_mean

COMMAND_LINE = "command line"
ENVIRONMENT = "environment"
PREFIX = "SEGEVAL_"


def _any_value(_: Any) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Option:
    """What a user may know of an option, beside its name, type and default, which are those of its field.

    Attributes:
        help: the line of `--help`, and the description in the schema of `segeval.yaml`.
        panel: the box of `--help` that it stands in.
        flags: on the command line; by default its long name. Long ones name variables, too.
        read: makes the value of a text, where the type alone does not say how.
            It may raise ValueError with the end of a sentence.
        check: whether a value of the right type is in range.
        must: the end of the sentence `It must ...`, for a value that is not.
        stands_in: what a command takes in place of a default of None, for `--help`.
        doctor: whether `segeval doctor` reads it.
        sweeps: the sweeps that read it; None for all. See `segeval.options.sweeping`.
    """

    help: str
    panel: str
    flags: tuple[str, ...] = ()
    read: Callable[[str], Any] | None = None
    check: Callable[[Any], bool] = _any_value
    must: str = ""
    stands_in: Any = None
    doctor: bool = False
    sweeps: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Declared:
    """An option as a command knows it: its field and its declaration.

    Attributes:
        type: of its value, such as `tuple[str, ...]` or `Path | None`.
    """

    name: str
    type: Any
    default: Any
    option: Option

    @property
    def flags(self) -> tuple[str, ...]:
        return self.option.flags or (f"--{self.name.replace('_', '-')}",)

    def written(self, source: str | None) -> str:
        """As the user wrote it: a flag, a variable, a key of a file, or an argument of the library."""
        if source is None:
            return self.name
        flag = next(flag for flag in self.flags if flag.startswith("--"))
        return {COMMAND_LINE: flag, ENVIRONMENT: variables_of(self.flags)[-1]}.get(source, f"{source}: {self.name}")

    def value_of(self, typed: Any, source: str) -> Any:
        """The value as its field holds it, of the text or the list that the parser leaves.

        Raises:
            ConfigError: the text says no such value.
        """
        if isinstance(typed, list):  # names of a known few may also stand in one text, with commas
            texts = [part.strip() for text in typed for part in text.split(",")] if choices_of(self.type) else typed
            return tuple(texts)
        if self.option.read is None:
            return typed
        try:
            value = self.option.read(typed)
        except ValueError as error:
            raise ConfigError(f"{self.written(source)} {typed}: {error}.") from error
        refuse_wrong(self, value, source=source, said=typed)
        return value


def variables_of(flags: Sequence[str]) -> list[str]:
    """The environment variables of an option: `SEGEVAL_` and each of its long flags."""
    return [PREFIX + flag[2:].replace("-", "_").upper() for flag in flags if flag.startswith("--")]


def declared(record: type) -> dict[str, Declared]:
    """The options of a record, by name, in the order of its fields."""
    found = {}
    for field in fields(record):
        value_type, option = get_args(field.type)
        found[field.name] = Declared(name=field.name, type=value_type, default=field.default, option=option)
    return found


def refuse_wrong(option: Declared, value: Any, *, source: str | None, said: str | None = None) -> None:
    """Refuse a value that is none of the choices of its option, or out of its range.

    Args:
        source: where it was set, so that a message repeats what the user wrote.
        said: the text that the value was read from.

    Raises:
        ConfigError: the value may not be held.
    """
    choices = choices_of(option.type)
    for item in value if isinstance(value, tuple) else (value,):
        if choices and item is not None and item not in choices:
            known = ", ".join(choices)
            help = did_you_mean(str(item), choices)
            raise ConfigError(f"{option.written(source)} {item}: not one of {known}.{help}")
    if not option.option.check(value):
        text = ",".join(f"{item:g}" for item in value) if isinstance(value, tuple) else str(value)
        raise ConfigError(f"{option.written(source)} {said or text}: out of range. It must {option.option.must}.")


def choices_of(annotation: Any) -> tuple[str, ...]:
    """What a `Literal`, a tuple of one, or one that may be left out lists; empty for every other type."""
    inner = get_args(annotation)[0] if get_origin(annotation) is tuple else annotation
    literals = [inner] if get_origin(inner) is Literal else [part for part in get_args(inner) if part is not type(None)]
    if any(get_origin(literal) is not Literal for literal in literals):
        return ()
    return tuple(choice for literal in literals for choice in get_args(literal))


def numbers(number: Callable[[str], float], said: str) -> Callable[[str], tuple[float, ...]]:
    """A reader of lists such as `0.5,0.5,3`.

    Args:
        said: what the list holds and how it is written, for the message.
    """

    def read(text: str) -> tuple[float, ...]:
        try:
            return tuple(number(part) for part in text.split(","))
        except ValueError as error:
            raise ValueError(f"no list of {said}") from error

    return read


def resample_count(value: Any) -> bool:
    """Whether so many resamples end in a lifetime."""
    return bool(0 <= value <= 10_000_000)


def not_negative(value: Any) -> bool:
    return bool(value >= 0)


def share(value: float) -> bool:
    return 0 < value < 1
