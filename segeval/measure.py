"""How a measure is declared: once, by a decorator on its formula.

Everything else the program says of a measure (help, columns, bounds, direction, what evidence it
needs, which knobs a sweep may turn) is read from that one declaration.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from segeval.errors import ConfigError, did_you_mean
from segeval.knobs import PerClass, as_declared, as_meant, fits, knob_text, said_of, words_of

Better = Literal["higher", "lower", "zero", "none"]
Level = Literal["class", "case"]
Kind = Literal["metric", "loss"]
Knobs = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Absent:
    """Values declared for an absent class, where the formula alone would reward or hide a failure.

    `None` leaves the answer to the formula.
    """

    both: float | None = None
    pred: float | None = None
    truth: float | None = None


@dataclass(frozen=True)
class Idle:
    """Knobs that change nothing while another one, `under`, is what `when` says; to set them then is refused.

    They count all the same where the knobs in force are as `unless` says.
    """

    knobs: tuple[str, ...]
    under: str
    when: Callable[[Any], bool]
    instead: str  # what to give the other one so that they count
    unless: Callable[[Knobs], bool] = lambda every: False

    def holds(self, every: Knobs) -> bool:
        """Whether the knobs change nothing, where `every` one is as this says."""
        return self.when(every[self.under]) and not self.unless(every)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A metric or a loss: its formula and everything that is said about it.

    Calling it calls the formula.
    """

    name: str
    kind: Kind
    function: Callable[..., Any]
    symbol: str
    formula: str
    bounds: tuple[float, float]
    better: Better
    unit: str = ""
    reference: str = ""
    aliases: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ("class",)
    of_data_set: bool = False  # whether only all cases together have a value
    absent: Absent = Absent()
    in_column: tuple[str, ...] = ()  # knobs that the column name always carries
    profile: str = ""  # the tool whose definition it follows
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # lowest and highest value of a knob
    checks: Mapping[str, Callable[[Any], None]] = field(
        default_factory=dict
    )  # of a knob's value, where limits do not do
    idle: tuple[Idle, ...] = ()
    without: tuple[str, ...] = ()  # knobs of measures of its kind that could change nothing of this one
    of_gradient: tuple[str, ...] = ()  # knobs that training reads: they change the gradient and never the value
    needs: tuple[type, ...] = ()
    knobs: Knobs = field(default_factory=dict)

    def __call__(self, *evidence: Any, **knobs: Any) -> Any:
        """The formula; instead of a state it takes what the state is read from."""
        given = zip(self.needs, evidence, strict=True)
        pieces = (self.read(need, piece, knobs) if need in self.sources else piece for need, piece in given)
        return self.function(*pieces, **knobs)

    @property
    def sources(self) -> Mapping[type, type]:
        """What each state that the formula takes is read from; evidence that is no such state is left out."""
        return {need: reading.source for need in self.needs if (reading := _reading_of(need))}

    @property
    def evidence(self) -> tuple[type, ...]:
        """What a case has to provide: the sources of states, and evidence that is none."""
        return tuple(self.sources.get(need, need) for need in self.needs)

    def settings(self, need: type, knobs: Knobs) -> dict[str, Any]:
        """The settings of a state: those of the knobs that decide how it is read."""
        reading = _reading_of(need)
        if reading is None:
            return {}
        every = {**reading.defaults, **self.knobs, **knobs}
        return {name: every[name] for name in reading.settings if name in every}

    def read(self, need: type, source: Any, knobs: Knobs) -> Any:
        """A state that the formula takes, read from its source; one that is read already is left as it is."""
        return source if isinstance(source, need) else need.read(source, **self.settings(need, knobs))  # type: ignore[attr-defined]

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def notes(self) -> str:
        """The docstring after its first line."""
        return (inspect.getdoc(self.function) or "").partition("\n")[2].strip()

    @property
    def per(self) -> tuple[str, ...]:
        """What there are values for."""
        return ("data set",) if self.of_data_set else self.levels

    @property
    def worst(self) -> float | None:
        """The value a missing prediction gets; None for a descriptive measure."""
        low, high = self.bounds
        match self.better:
            case "higher":
                return low
            case "lower":
                return high
            case "zero":
                return math.inf if math.isinf(high) else high
            case "none":
                return None

    @property
    def best(self) -> float | None:
        """The value of a perfect prediction; None for a descriptive measure."""
        low, high = self.bounds
        return {"higher": high, "lower": low, "zero": 0.0, "none": None}[self.better]

    def reads(self, *evidence: str) -> bool:
        """Whether the formula reads evidence of one of these types, which are named so that nothing is imported."""
        return any(piece.__name__ in evidence for piece in (*self.needs, *self.sources.values()))

    def words_for(self, knob: str) -> tuple[str, ...]:
        """The words that a knob takes, in the order of its declaration; numbers are not listed."""
        return tuple(words_of(inspect.signature(self.function).parameters[knob].annotation))

    def at(self, **knobs: Any) -> "MeasureCall":
        """This measure with some of its knobs set; a dict sets one for each class by its name.

        Raises:
            ConfigError: a knob is unknown, its value has the wrong type, or it changes nothing beside the others.
        """
        knobs = {name: PerClass(value) if isinstance(value, dict) else value for name, value in knobs.items()}
        return MeasureCall(measure=self, knobs=MappingProxyType(_checked_knobs(self, knobs)))


@dataclass(frozen=True, kw_only=True)
class MeasureCall:
    """A measure with the knobs a user asked for: one column of the tables."""

    measure: Measure
    knobs: Knobs = field(default_factory=dict)

    @cached_property
    def column(self) -> str:
        """Canonical name: `tversky_index(alpha=0.3,beta=0.7)`, with a profile `hd95[medpy]`."""
        always = {*self.measure.in_column} - self.idle
        shown = {name: value for name, value in self.all_knobs.items() if name in self.knobs or name in always}
        inner = ",".join(f"{name}={knob_text(value)}" for name, value in shown.items())
        name = f"{self.measure.name}({inner})" if inner else self.measure.name
        return f"{name}[{self.measure.profile}]" if self.measure.profile else name

    @property
    def all_knobs(self) -> dict[str, Any]:
        """Every knob with the value in force, defaults included."""
        return {**self.measure.knobs, **self.knobs}

    @cached_property
    def idle(self) -> frozenset[str]:
        """Knobs that change nothing beside the others."""
        every = self.all_knobs
        return frozenset(knob for rule in self.measure.idle if rule.holds(every) for knob in rule.knobs)

    def __call__(self, *evidence: Any) -> Any:
        return self.measure(*evidence, **self.knobs)


def metric(**facts: Any) -> Callable[[Callable[..., Any]], Measure]:
    """Declare the decorated formula as a metric; see `Measure` for the facts."""
    return _declare("metric", facts)


def loss(**facts: Any) -> Callable[[Callable[..., Any]], Measure]:
    """Declare the decorated formula as a loss; its name must end in `_loss`."""
    return _declare("loss", {"better": "lower", **facts})


def _declare(kind: Kind, facts: dict[str, Any]) -> Callable[[Callable[..., Any]], Measure]:
    def decorate(function: Callable[..., Any]) -> Measure:
        parameters = inspect.signature(function).parameters.values()
        measure = Measure(
            name=function.__name__,
            kind=kind,
            function=function,
            needs=tuple(p.annotation for p in parameters if p.kind is not p.KEYWORD_ONLY),
            knobs=MappingProxyType({p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}),
            **facts,
        )
        for name in ("__name__", "__doc__", "__module__", "__wrapped__"):  # so that help() and inspect see the formula
            object.__setattr__(measure, name, getattr(function, name, function))
        return measure

    return decorate


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What a state is read from, and the settings that decide how."""

    source: type
    settings: tuple[str, ...]
    defaults: Knobs  # of settings that a measure may have no knob for


@cache
def _reading_of(need: type) -> _Reading | None:
    read = getattr(need, "read", None)
    if read is None:
        return None
    source, *settings = inspect.signature(read).parameters.values()
    names = [setting.name for setting in settings if setting.kind is not setting.VAR_KEYWORD]
    defaults = {field.name: field.default for field in fields(need.rule)} if hasattr(need, "rule") else {}
    return _Reading(source=source.annotation, settings=(*names, *defaults), defaults=defaults)


def ratio(numerator: Any, denominator: Any) -> np.ndarray:
    """numerator / denominator in float64, where 0/0 is undefined (nan) and x/0 is infinite.

    The one rule of the program for division by zero; no formula carries an epsilon.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.asarray(numerator, dtype=np.float64) / np.asarray(denominator, dtype=np.float64))


def _checked_knobs(measure: Measure, knobs: dict[str, Any]) -> dict[str, Any]:
    if not knobs:  # as for most of a group, and signatures are slow to read
        return {}
    unknown = [name for name in knobs if name not in measure.knobs]
    if unknown:
        known = ", ".join(measure.knobs) or "none"
        if unknown[0] in measure.without:
            raise ConfigError(f"{measure.name}: {unknown[0]} changes nothing. Leave it out. Its knobs: {known}.")
        help = did_you_mean(unknown[0], measure.knobs)
        raise ConfigError(f"{measure.name} has no knob {unknown[0]!r}.{help} Its knobs: {known}.")
    annotations = inspect.signature(measure.function).parameters
    knobs = {name: as_meant(value, annotations[name].annotation) for name, value in knobs.items()}
    for name, value in knobs.items():
        _check_knob_type(measure.name, name, value, annotations[name].annotation)
        _check_knob_range(measure, name, value)
        if name in measure.checks:
            measure.checks[name](value)
    _check_none_is_idle(measure, knobs)
    return {name: as_declared(knobs[name], annotations[name].annotation) for name in measure.knobs if name in knobs}


def _check_knob_type(measure: str, name: str, value: Any, annotation: Any) -> None:
    if not fits(value, annotation):
        *most, last = said_of(annotation)
        said = f"{', '.join(most)} or {last}" if most else last
        raise ConfigError(f"{measure}: {name}={knob_text(value)} does not fit; {name} takes {said}.")


def _check_knob_range(measure: Measure, name: str, value: Any) -> None:
    low, high = measure.limits.get(name, (-math.inf, math.inf))
    numbers = value if isinstance(value, tuple) else (value,)
    if any(isinstance(part, int | float) and not low <= part <= high for part in numbers):
        said = f"{low:g} or more" if math.isinf(high) else f"between {low:g} and {high:g}"
        raise ConfigError(f"{measure.name}: {name}={knob_text(value)} is out of range; {name} is {said}.")


def _check_none_is_idle(measure: Measure, knobs: Knobs) -> None:
    """A knob that is part of a column's name has to be part of its number."""
    every = {**measure.knobs, **knobs}
    for idle in measure.idle:
        useless = [name for name in idle.knobs if knobs.get(name) is not None and knobs[name] is not False]
        if useless and idle.holds(every):
            raise ConfigError(
                f"{measure.name}: {useless[0]}={knob_text(knobs[useless[0]])} changes nothing with "
                f"{idle.under}={knob_text(every[idle.under])}. Leave it out, or set {idle.under} to {idle.instead}."
            )
