"""Which of the runs that were found are tabulated."""

from collections.abc import Sequence

from segeval.errors import ConfigError
from segeval.options import SweepOptions
from segeval.verbs.sweep.runs.folders import Run
from segeval.verbs.sweep.trained.selection import asked_values, check_asked, check_varied
from segeval.verbs.sweep.trained.words import Words, setting_text


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
