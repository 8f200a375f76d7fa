"""The numbers of other tools: `hd95[medpy]` is the 95 % Hausdorff distance as medpy defines it.

A profile reproduces a tool's number, not its defects: where the tool raises an error or returns
nonsense the value is undefined.
"""

from segeval import catalogue
from segeval.errors import ConfigError, did_you_mean
from segeval.measure import Measure
from segeval.profiles.challenges import CHALLENGES
from segeval.profiles.definition import Definition, Profile
from segeval.profiles.tables import TOOLS

OURS = "segeval"
PROFILES = {one.name: one for one in (*TOOLS, *CHALLENGES)}
_BY_ALIAS = {alias: one for one in PROFILES.values() for alias in one.aliases}


def profile(name: str) -> Profile:
    """A profile by its name, or by an alias.

    Raises:
        ConfigError: no such profile; the message suggests the nearest name.
    """
    if name == OURS:
        return Profile(name=name, definitions={one: Definition(knobs={}) for one in catalogue.measures()})
    known = PROFILES | _BY_ALIAS
    if name not in known:
        help = did_you_mean(name, known) or f" The profiles: {OURS}, {', '.join(PROFILES)}."
        raise ConfigError(f"Unknown profile {name!r}.{help}")
    return known[name]


def errors_of(measure: Measure) -> tuple[str, ...]:
    """The statuses for which the tool that a measure follows raises an error or returns nonsense."""
    return profile(measure.profile).definitions[measure.name].errors


def reports_pooled(measure: Measure) -> bool:
    """Whether the tool that a measure follows reports its value of all cases together."""
    return bool(measure.profile) and profile(measure.profile).definitions[measure.name].pooled
