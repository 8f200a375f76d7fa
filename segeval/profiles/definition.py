"""How a tool defines a measure: its settings, and what it says of absent classes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial, update_wrapper
from types import MappingProxyType
from typing import Any

from segeval import catalogue
from segeval.errors import ConfigError
from segeval.measure import Absent, Knobs, Measure, MeasureCall

ERROR = "error"  # in place of a value: the tool raises, or returns nonsense
AbsentValue = float | str | None


@dataclass(frozen=True, kw_only=True)
class Definition:
    """How a tool defines one measure, as far as it differs from ours.

    Args:
        formula: the measure of ours that gives the tool's number, None for the one of the same name.
        knobs: its settings that differ from our defaults.
        absent: values for a class absent from both sides, from the prediction, from the truth; None
            leaves all three, or one of them, to our formula.
        at: settings that it reports beside `knobs`, each a column of its own.
        pooled: whether it reports the value of all cases together, and not their mean.
    """

    formula: str | Measure | None = None
    knobs: Knobs
    absent: tuple[AbsentValue, AbsentValue, AbsentValue] | None = None
    at: tuple[Knobs, ...] = ({},)
    pooled: bool = False

    @property
    def errors(self) -> tuple[str, ...]:
        """The statuses for which the tool has no answer; the value is then undefined, as `profile_undefined`."""
        statuses = ("absent_both", "absent_pred", "absent_truth")
        return tuple(one for one, value in zip(statuses, self.absent or (), strict=False) if value == ERROR)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The measures of one tool, or of a challenge; `note` says what a reader must know of its numbers.

    `aliases` are shorter names of it. Of a challenge, every number is shown.
    """

    name: str
    note: str = ""
    definitions: Mapping[str, Definition]
    aliases: tuple[str, ...] = ()
    is_challenge: bool = False

    def like(self, measure: Measure) -> Measure:
        """The measure as the tool defines it.

        Raises:
            ConfigError: the tool has no such measure.
        """
        definition = self.definitions.get(measure.name)
        if definition is None:
            known = ", ".join(self.definitions)
            raise ConfigError(f"{self.name} has no {measure.name!r}. Its measures: {known}.")
        formula = catalogue.find(definition.formula) if isinstance(definition.formula, str) else definition.formula
        redefined = _redefined(formula or measure, definition, name=measure.name, profile=self.name)
        if self.is_challenge:  # whose name says how it is set
            redefined = replace(
                redefined, in_column=tuple(name for name in redefined.in_column if name not in definition.knobs)
            )
        return redefined

    def measures(self) -> tuple[Measure, ...]:
        """All measures of the tool."""
        return tuple(self.like(catalogue.find(name)) for name in self.definitions)

    def calls(self) -> tuple[MeasureCall, ...]:
        """All that the tool reports."""
        return tuple(one.at(**knobs) for one in self.measures() for knobs in self.definitions[one.name].at)


def _redefined(formula: Measure, definition: Definition, *, name: str, profile: str) -> Measure:
    function = update_wrapper(partial(formula.function, **definition.knobs), formula.function)
    absent = formula.absent
    if definition.absent is not None:
        both, pred, truth = map(_declared, definition.absent)
        absent = Absent(both=both, pred=pred, truth=truth)
    knobs = MappingProxyType({**formula.knobs, **definition.knobs})
    return replace(formula, name=name, profile=profile, function=function, knobs=knobs, absent=absent)


def _declared(value: AbsentValue) -> float | None:
    if value is None:
        return None
    return math.nan if value == ERROR else float(value)


def by(
    *absent: AbsentValue,
    formula: str | Measure | None = None,
    at: tuple[Knobs, ...] = ({},),
    pooled: bool = False,
    **knobs: Any,
) -> Definition:
    """A definition in one line: the absent values for both, pred and truth, or none of them, then the knobs."""
    return Definition(formula=formula, knobs=knobs, absent=absent or None, at=at, pooled=pooled)  # type: ignore[arg-type]
