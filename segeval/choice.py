"""What a choice of measures stands for: groups, names with knobs, and the definitions of other tools."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segeval import catalogue
from segeval.errors import ConfigError
from segeval.knobs import parse_call, split_outside_parentheses
from segeval.measure import Measure, MeasureCall

if TYPE_CHECKING:
    from segeval.profiles.definition import Profile

DEFAULT = ("overlap", "losses")
HEADLINE = ("dice", "iou", "sensitivity", "precision", "hd95", "nsd", "lesion_f1", "bce_loss", "dice_loss")

_PART = re.compile(r"(?P<call>.*?)\s*(?:\[(?P<profile>[^\]]*)\])?", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The chosen measures, the columns of them that a screen shows, and what had to be left out."""

    calls: tuple[MeasureCall, ...]
    shown: tuple[str, ...]
    notes: tuple[str, ...] = ()


def choose(asked: Iterable[str], *, like: Sequence[str] = ()) -> Choice:
    """The measures that `--measures` and `--like` stand for, each column once.

    A part of `asked` is a group, a measure with or without knobs, a measure as another tool defines it
    (`hd95[medpy]`), or any of these with a leading `+`, which adds to the default instead of replacing it.

    Args:
        like: profiles whose definitions are taken; without `asked` they stand for all their measures.

    Raises:
        ConfigError: a name, a knob or a profile is unknown, or two calls would share a column.
    """
    asked = tuple(asked)
    if like:
        from segeval.profiles import profile

        return _like([profile(name) for name in like], asked)
    parts = _parts(asked)
    return Choice(calls=_each_once(call for part in parts for call in _calls(part)), shown=_headline(parts))


def named_columns(asked: Iterable[str]) -> frozenset[str]:
    """The columns of measures that were named one by one, and not by their group."""
    return frozenset(call.column for part in _parts(asked) if not _is_group(part) for call in _calls(part))


def _like(profiles: Sequence["Profile"], asked: Sequence[str]) -> Choice:
    parts = _parts(asked) if asked else ["all"]
    if "all" in parts:
        calls = _each_once(call for tool in profiles for call in tool.calls())
        shown = [call for call in calls if is_headline(call.measure)]
        notes = [f"{tool.name}: {tool.note}" for tool in profiles if tool.is_challenge and tool.note]
        return Choice(calls=calls, shown=tuple(call.column for call in shown or calls), notes=tuple(notes))
    plain = _each_once(call for part in parts for call in _calls(part))
    named = {call.measure.name for part in parts if not _is_group(part) for call in _calls(part)}
    calls = _each_once(
        tool.like(call.measure).at(**call.knobs)
        for tool in profiles
        for call in plain
        if call.measure.name in tool.definitions
    )
    if not calls:
        has = "; ".join(f"{tool.name} has {', '.join(tool.definitions)}" for tool in profiles)
        raise ConfigError(f"None of the measures {', '.join(asked)} is left: {has}. Pass -m all for all of these.")
    headline = [call.column for call in calls if call.measure.name in (named or HEADLINE)]
    return Choice(
        calls=calls,
        shown=tuple(headline or [call.column for call in calls]),  # a tool of one trade has nothing but that
        notes=tuple(note for tool in profiles for note in _on_what_it_lacks(tool, plain)),
    )


def _on_what_it_lacks(tool: "Profile", calls: Sequence[MeasureCall]) -> Iterator[str]:
    lacking = [call.column for call in calls if call.measure.name not in tool.definitions]
    if lacking:
        yield f"{tool.name} has no {', '.join(lacking)}: left out"


def _each_once(calls: Iterable[MeasureCall]) -> tuple[MeasureCall, ...]:
    chosen: dict[str, MeasureCall] = {}
    for call in calls:
        if chosen.setdefault(call.column, call).all_knobs != call.all_knobs:
            raise ConfigError(f"Two different measures would both be called {call.column!r}. Drop one of them.")
    return tuple(chosen.values())


def is_headline(measure: Measure) -> bool:
    """Whether a measure is shown where nobody named it: the well-known ones, and all that a challenge reports."""
    if measure.name in HEADLINE or not measure.profile:
        return measure.name in HEADLINE
    from segeval.profiles import profile

    return profile(measure.profile).is_challenge


def _headline(parts: Sequence[str]) -> tuple[str, ...]:
    """Measures that were named, and of groups the well-known ones and those of a whole data set."""
    named = [call.column for part in parts if not _is_group(part) for call in _calls(part)]
    of_groups = [call for part in parts if _is_group(part) for call in _calls(part)]
    known = sorted((call for call in of_groups if call.measure.name in HEADLINE or call.measure.of_data_set), key=_rank)
    rest = [] if named or known else of_groups
    return tuple(dict.fromkeys([*named, *(call.column for call in (*known, *rest))]))


def _rank(call: MeasureCall) -> int:
    """Those of a data set, which exist for nothing else, stand before the one of lesions in each case."""
    return HEADLINE.index("lesion_f1" if call.measure.of_data_set else call.measure.name)


def _parts(asked: Iterable[str]) -> list[str]:
    """The choice without its `+`, and with the default where that is added to."""
    parts = [part for text in asked for part in split_outside_parentheses(text)]
    adds = any(part.startswith("+") for part in parts)
    parts = [part.lstrip("+") for part in parts]
    return ["default", *parts] if adds or not parts else parts


def _is_group(part: str) -> bool:
    return part in catalogue.GROUPS or part in ("all", "default")


def _calls(part: str) -> Iterator[MeasureCall]:
    groups = {"all": tuple(catalogue.GROUPS), "default": DEFAULT}.get(part, (part,))
    if _is_group(part):
        yield from (measure.at() for group in groups for measure in catalogue.measures_of(group))
        return
    yield call_of(part)


def call_of(text: str) -> MeasureCall:
    """The measure that a text names, with its knobs and as the tool in brackets defines it: `hd95[medpy]`.

    Raises:
        ConfigError: the measure, a knob or the profile is unknown, or a knob is one of training, which no score shows.
    """
    _, knobs = parse_call(_split(text)[0])
    call = measure_of(text).at(**knobs)
    trains = [knob for knob in call.measure.of_gradient if call.knobs.get(knob)]
    if trains:
        raise ConfigError(
            f"{call.measure.name}: {trains[0]} changes the gradient alone, and no score shows it. "
            "Leave it out; a training takes it from segeval.losses."
        )
    return call


def measure_of(column: str) -> Measure:
    """The measure behind a column name, whatever its knobs, as the tool in brackets defines it.

    Raises:
        ConfigError: the measure or the profile is unknown.
    """
    call, tool = _split(column)
    name, knobs = parse_call(call)
    measure = catalogue.find(name)
    if knobs.get("matching") == "voronoi" and "matching" not in measure.knobs:
        from segeval.metrics.per_lesion import in_cells

        measure = in_cells(measure)
    if not tool:
        return measure
    from segeval.profiles import profile

    return profile(tool).like(measure)


def _split(text: str) -> tuple[str, str | None]:
    """`hd95(unit=mm)[medpy]` as the call and the tool."""
    call, tool = _PART.fullmatch(text.strip()).groups()  # type: ignore[union-attr]  # it matches every text
    return call, tool
