"""Every metric and loss by name: the only list.

A new module of measures costs one word in `GROUPS`; a new measure costs nothing here.
"""

from functools import cache
from importlib import import_module

from segeval.errors import ConfigError, did_you_mean
from segeval.measure import Measure

GROUPS = {
    "overlap": ("metrics.overlap", "metrics.agreement", "metrics.partition", "metrics.volume"),
    "losses": ("losses.pixel", "losses.region", "losses.lovasz", "losses.compound"),
    "weight_map": ("losses.boundary",),
    "shape_losses": ("losses.shape",),
    "rare_losses": ("losses.rare",),
    "boundary": ("metrics.boundary", "metrics.boundary_scores", "metrics.point_sets"),
    "lesion": ("metrics.lesion",),
    "instance": ("metrics.tasks.instances", "metrics.tasks.connections"),
    "contours": ("metrics.tasks.contours",),
    "video": ("metrics.tasks.video",),
    "scenes": ("metrics.tasks.scenes",),
    "probability": ("metrics.probability",),
    "topology": ("metrics.topology",),
    "detection": ("metrics.detection", "metrics.lesion"),
    "challenge": ("metrics.tasks.challenges",),
}


@cache
def measures() -> dict[str, Measure]:
    """Every measure by its name, in the order of the groups."""
    return {one.name: one for group in GROUPS for one in measures_of(group)}


@cache
def measures_of(group: str) -> tuple[Measure, ...]:
    """The measures that a group's modules declare."""
    modules = [import_module(f"segeval.{name}") for name in GROUPS[group]]
    found = [one for module in modules for one in vars(module).values() if isinstance(one, Measure)]
    return tuple({one.name: one for one in found}.values())  # a module also holds the measures it builds on


def group_of(name: str) -> str:
    """The group that declares the measure `name`."""
    return next(group for group in GROUPS if any(one.name == name for one in measures_of(group)))


def find(name: str) -> Measure:
    """A measure by its name or an alias, in whatever case it is typed.

    Raises:
        ConfigError: no such measure; the message suggests the nearest name.
    """
    for group in GROUPS:  # in turn, so that the groups after it need not be imported
        for one in measures_of(group):
            if name.lower() in (one.name, *one.aliases):
                return one
    known = [name for one in measures().values() for name in (one.name, *one.aliases)]
    raise ConfigError(f"Unknown measure {name!r}.{did_you_mean(name, known)} `segeval measures` lists all of them.")
