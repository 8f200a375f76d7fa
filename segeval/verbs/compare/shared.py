"""What several runs have in common, and so can be compared by."""

from collections.abc import Sequence

from segeval.choice import HEADLINE, choose, measure_of
from segeval.errors import ConfigError
from segeval.verbs.gate.table import RunTable


def shared_keys(tables: Sequence[RunTable], measures: Sequence[str]) -> list[tuple[str, str]]:
    """Class name and column of everything to compare, in the order of the first run.

    Args:
        measures: column names or aliases; by default the headline measures, or all where there is none.

    Raises:
        ConfigError: nothing is shared, or a measure asked for is not.
    """
    first, *others = tables
    shared = [
        key
        for key, column in first.columns.items()
        if column.better != "none" and all(key in one.columns for one in others)
    ]
    known = list(dict.fromkeys(measure for _, measure in shared))
    if not known:
        raise ConfigError("These runs have no measure of a class in common that has a better direction.")
    asked = [call.column for call in choose(measures).calls] if measures else _headline(known)
    unknown = [one for one in asked if one not in known]
    if unknown:
        raise ConfigError(f"{', '.join(unknown)}: not in all of these runs. They share: {', '.join(known)}.")
    return [key for key in shared if key[1] in asked]


def _headline(known: Sequence[str]) -> Sequence[str]:
    return [one for one in known if measure_of(one).name in HEADLINE] or known
