"""What tools mean by one measure: the settings each of them has, and what it says of an absent class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from segeval.knobs import knob_text
from segeval.measure import Knobs, Measure
from segeval.profiles import OURS, PROFILES, profile
from segeval.verbs.absent_values import AbsentValues, absent_values


@dataclass(frozen=True, kw_only=True)
class ToolDefinition:
    """A measure as one profile has it.

    Attributes:
        errors: the statuses for which the tool raises an error or returns nonsense; the value is undefined.
        note: what a reader must know of the numbers of this tool.
    """

    profile: str
    measure: Measure
    absent: AbsentValues
    errors: tuple[str, ...] = ()
    note: str = ""

    def differs_from(self, ours: Measure) -> Knobs:
        """The settings that are not our defaults."""
        return {name: value for name, value in self.measure.knobs.items() if ours.knobs.get(name) != value}


@dataclass(frozen=True, kw_only=True)
class Knob:
    """A knob, the values that it may have as far as they can be listed, and the profiles that choose each."""

    name: str
    default: object
    chosen_by: Mapping[str, Sequence[str]] = field(default_factory=dict)


def tool_definitions(measure: Measure) -> tuple[ToolDefinition, ...]:
    """Our definition of a measure, then that of every profile that has it."""
    ours = ToolDefinition(profile=OURS, measure=measure, absent=absent_values([measure])[measure.name])
    return (ours, *(_definition(measure, name) for name, one in PROFILES.items() if measure.name in one.definitions))


def _definition(measure: Measure, name: str) -> ToolDefinition:
    one = profile(name)
    redefined = one.like(measure)
    return ToolDefinition(
        profile=name,
        measure=redefined,
        absent=absent_values([redefined])[measure.name],
        errors=one.definitions[measure.name].errors,
        note=one.note,
    )


def knobs_of(definitions: Sequence[ToolDefinition]) -> tuple[Knob, ...]:
    """Every knob of our definition, the first of `definitions`, and who sets it to what."""
    ours = definitions[0].measure
    return tuple(
        Knob(name=name, default=default, chosen_by=_chosen_by(name, ours, definitions))
        for name, default in ours.knobs.items()
    )


def _chosen_by(name: str, ours: Measure, definitions: Sequence[ToolDefinition]) -> dict[str, list[str]]:
    chosen: dict[str, list[str]] = {value: [] for value in ours.words_for(name)}
    for one in definitions:
        if name in one.measure.knobs:
            chosen.setdefault(knob_text(one.measure.knobs[name]), []).append(one.profile)
    return chosen
