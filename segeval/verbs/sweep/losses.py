"""The losses by name."""

from segeval.catalogue import measures_of
from segeval.errors import ConfigError, did_you_mean
from segeval.measure import Measure

GROUPS = ("losses", "weight_map")  # of the catalogue; the others are metrics
SEVERAL = "losses"  # in place of a name: one loss against another


def find_loss(name: str) -> Measure:
    """A loss by its name or an alias; `tversky` stands for `tversky_loss`.

    Raises:
        ConfigError: there is no such loss; the message names the nearest.
    """
    known = _by_name()
    for one in (f"{name}_loss", name):
        if one in known:
            return known[one]
    if name == SEVERAL:
        raise ConfigError("`sweep losses` compares trained models. Pass --runs or --train.")
    near = did_you_mean(name, [*known, *(one.removesuffix("_loss") for one in known)])
    raise ConfigError(f"Unknown loss {name!r}.{near} `segeval measures` lists all of them.")


def _by_name() -> dict[str, Measure]:
    losses = [one for group in GROUPS for one in measures_of(group)]
    return {name: one for one in losses for name in (one.name, *one.aliases)}
