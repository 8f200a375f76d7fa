"""Which of the runs that were found are tabulated."""

from collections.abc import Sequence
from typing import Any

from segeval.errors import ConfigError
from segeval.options import SweepOptions
from segeval.tasks.sweep.grid import Setting, read_grid, require_known
from segeval.tasks.sweep.run_folders import Run
from segeval.tasks.sweep.trained.words import LOSS, Words, setting_text, value_text


def kept_runs(runs: Sequence[Run], words: Words, options: SweepOptions) -> list[Run]:
    """The runs of the settings that `--grid` or `--loss` name; all where they name none.

    Raises:
        ConfigError: a named setting has no run, or the rows would differ in more than what is varied.
    """
    check_asked(words, options)
    kept = list(runs)
    for column, values in asked_values(words, options).items():
        for value in values:
            if all(run.setting.get(column) != value for run in runs):
                raise ConfigError(f"{setting_text({column: value})}: no run has this setting. Add its predictions.")
        kept = [run for run in kept if run.setting[column] in values]
    if not kept:
        raise ConfigError("No run has all the values that --grid asks for. Name fewer.")
    check_varied([run.setting for run in kept], words, options)
    return kept


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
