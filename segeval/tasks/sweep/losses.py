"""The losses by name."""

from segeval import catalogue
from segeval.errors import ConfigError, did_you_mean
from segeval.measure import Measure

SEVERAL = "losses"  # in place of a name: one loss against another


def find_loss(name: str) -> Measure:
    """A loss by its name or an alias; `tversky` stands for `tversky_loss`.

    Raises:
        ConfigError: there is no such loss; the message names the nearest.
    """
    known = {alias: one for alias, one in catalogue.names_and_aliases().items() if one.kind == "loss"}
    for one in (f"{name}_loss", name):
        if one in known:
            return known[one]
    if name == SEVERAL:
        raise ConfigError("`sweep losses` compares trained models. Pass --runs or --train.")
    near = did_you_mean(name, [*known, *(one.removesuffix("_loss") for one in known)])
    raise ConfigError(f"Unknown loss {name!r}.{near} `segeval measures` lists all of them.")
