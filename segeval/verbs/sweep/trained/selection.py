"""Which settings are asked for, and whether they make a table."""

from collections.abc import Sequence
from typing import Any

from segeval.errors import ConfigError
from segeval.options import SweepOptions
from segeval.verbs.sweep.grid import Setting, read_grid, require_known
from segeval.verbs.sweep.trained.words import LOSS, Words, value_text


def asked_values(words: Words, options: SweepOptions) -> dict[str, list[Any]]:
    """The values of each column that rows are limited to."""
    if words.compares_losses:
        names = [words.setting({LOSS: text}, where="--loss")[LOSS] for text in options.losses]
        return {LOSS: names} if names else {}
    grid = read_grid(options.grid)
    require_known(grid, words.columns, words.loss)
    return {words.columns[name]: values for name, values in grid.items()}


def check_asked(words: Words, options: SweepOptions) -> None:
    """See that losses are named where losses are compared, and parameters where they are turned.

    Raises:
        ConfigError: it is the other way round.
    """
    if words.compares_losses and options.grid:
        raise ConfigError(f"{words.loss} compares whole losses. Name them with --loss 'name(parameter=value)'.")
    if options.losses and not words.compares_losses:
        raise ConfigError(f"--loss goes with `sweep losses`. Turn the parameters of {words.loss} with --grid.")


def check_varied(settings: Sequence[Setting], words: Words, options: SweepOptions) -> None:
    """See that a table which varies one parameter holds the others still.

    Raises:
        ConfigError: another parameter takes several values, or there is no such parameter.
    """
    named = [name for name in (options.vary, options.optimise) if name is not None]
    require_known(named, words.columns, words.loss)
    if options.vary is None:
        return
    free = {words.columns[name] for name in named}
    for column in settings[0]:
        values = dict.fromkeys(setting[column] for setting in settings)
        if column not in free and len(values) > 1:
            said = ", ".join(map(value_text, values))
            raise ConfigError(
                f"--vary {options.vary}: {column} takes {len(values)} values too ({said}). "
                f"Hold it still with --grid {column}={value_text(next(iter(values)))}, or pass --optimise {column}."
            )
