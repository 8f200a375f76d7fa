"""Every metric and loss by name: the only list.

A new module of measures costs one word in `GROUPS`; a new measure costs nothing here.
"""

from collections.abc import Iterable
from functools import cache
from importlib import import_module

from segeval.errors import ConfigError, did_you_mean
from segeval.measure import Measure, MeasureCall, parse_call, split_outside_parentheses

GROUPS = {
    "overlap": ("metrics.overlap", "metrics.agreement", "metrics.partition", "metrics.volume"),
    "boundary": ("metrics.boundary", "metrics.boundary_scores", "metrics.point_sets"),
}
DEFAULT = ("overlap",)
HEADLINE = ("dice", "iou", "sensitivity", "precision", "hd95", "nsd", "lesion_f1", "bce_loss", "dice_loss")


@cache
def measures() -> dict[str, Measure]:
    """Every measure by its name, in the order of the groups."""
    return {one.name: one for group in GROUPS for one in measures_of(group)}


@cache
def measures_of(group: str) -> tuple[Measure, ...]:
    """The measures that a group's modules declare."""
    modules = [import_module(f"segeval.{name}") for name in GROUPS[group]]
    return tuple(one for module in modules for one in vars(module).values() if isinstance(one, Measure))


def group_of(name: str) -> str:
    """The group that declares the measure `name`."""
    return next(group for group in GROUPS if any(one.name == name for one in measures_of(group)))


def find(name: str) -> Measure:
    """A measure by its name or an alias.

    Raises:
        ConfigError: no such measure; the message suggests the nearest name.
    """
    known = names_and_aliases()
    if name not in known:
        raise ConfigError(f"Unknown measure {name!r}.{did_you_mean(name, known)} `segeval measures` lists all of them.")
    return known[name]


@cache
def names_and_aliases() -> dict[str, Measure]:
    """Every measure under its name and under each of its aliases."""
    return {name: one for one in measures().values() for name in (one.name, *one.aliases)}


def choose(asked: Iterable[str]) -> tuple[MeasureCall, ...]:
    """The measure calls that a `--measures` choice stands for, each column once.

    A part is a group, a measure with or without knobs, or either with a leading `+`, which adds to
    the default instead of replacing it.

    Raises:
        ConfigError: a name or a knob is unknown, or two calls would share a column.
    """
    chosen: dict[str, MeasureCall] = {}
    for call in (call for part in _parts(asked) for call in _calls(part)):
        if chosen.setdefault(call.column, call).all_knobs != call.all_knobs:
            raise ConfigError(f"Two different measures would both be called {call.column!r}. Drop one of them.")
    return tuple(chosen.values())


def headline(asked: Iterable[str]) -> tuple[str, ...]:
    """The columns that a screen shows of that choice: measures named, and of groups the well-known ones."""
    parts = _parts(asked)
    named = [call.column for part in parts if not _is_group(part) for call in _calls(part)]
    of_groups = [call for part in parts if _is_group(part) for call in _calls(part)]
    known = sorted((call for call in of_groups if call.measure.name in HEADLINE), key=_rank)
    rest = [] if named or known else of_groups
    return tuple(dict.fromkeys([*named, *(call.column for call in (*known, *rest))]))


def _rank(call: MeasureCall) -> int:
    return HEADLINE.index(call.measure.name)


def _parts(asked: Iterable[str]) -> list[str]:
    """The choice without its `+`, and with the default where that is added to."""
    parts = [part for text in asked for part in split_outside_parentheses(text)]
    adds = any(part.startswith("+") for part in parts)
    parts = [part.lstrip("+") for part in parts]
    return ["default", *parts] if adds or not parts else parts


def _is_group(part: str) -> bool:
    return part in GROUPS or part in ("all", "default")


def _calls(part: str) -> list[MeasureCall]:
    if part == "all":
        return [one.at() for one in measures().values()]
    if part == "default":
        return [one.at() for group in DEFAULT for one in measures_of(group)]
    if part in GROUPS:
        return [one.at() for one in measures_of(part)]
    name, knobs = parse_call(part)
    return [find(name).at(**knobs)]
