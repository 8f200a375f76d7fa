"""The losses by name."""

from functools import cache
from importlib import import_module

from segeval.errors import ConfigError, did_you_mean
from segeval.losses import FORMULAS
from segeval.measure import Measure

SEVERAL = "losses"  # in place of a name: one loss against another


def find_loss(name: str) -> Measure:
    """A loss by its name or an alias; `tversky` stands for `tversky_loss`.

    Raises:
        ConfigError: there is no such loss; the message names the nearest.
    """
    known = _by_name()
    for one in (name, f"{name}_loss"):
        if one in known:
            return known[one]
    if name == SEVERAL:
        raise ConfigError("`sweep losses` compares trained models. Pass --runs or --train.")
    raise ConfigError(f"Unknown loss {name!r}.{did_you_mean(name, known)} Known are {', '.join(_names())}.")


@cache
def _by_name() -> dict[str, Measure]:
    modules = [import_module(f"segeval.losses.{name}") for name in FORMULAS]
    losses = [one for module in modules for one in vars(module).values() if isinstance(one, Measure)]
    return {name: one for one in losses for name in (one.name, *one.aliases)}


def _names() -> list[str]:
    return sorted({one.name for one in _by_name().values()})
