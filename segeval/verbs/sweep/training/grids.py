"""The settings that are trained where none are named: those of the papers."""

from collections.abc import Mapping, Sequence
from typing import Any

from segeval.errors import ConfigError
from segeval.options import SweepOptions
from segeval.verbs.sweep.grid import Setting, read_grid, settings_of
from segeval.verbs.sweep.settings import PRICES, tversky_settings
from segeval.verbs.sweep.trained.selection import asked_values, check_asked, check_varied
from segeval.verbs.sweep.trained.words import LOSS, Words

# arXiv 1708.02002, Tables 1a and 1b
_FOCAL: Mapping[str | None, Mapping[str, Sequence[Any]]] = {
    "alpha": {"gamma": (0.0,), "alpha_pos": (0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999)},
    "gamma": {"gamma": (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0), "alpha_pos": (0.25, 0.5, 0.75)},
    None: {"gamma": (0.0, 0.5, 1.0, 2.0, 5.0), "alpha_pos": (0.25,)},
}
_LOSSES = ("bce_loss", "dice_loss", "tversky_loss", "focal_loss")


def settings_to_train(words: Words, options: SweepOptions) -> list[Setting]:
    """The settings of a training sweep, sorted by parameter; one that is asked for twice is trained twice.

    Raises:
        ConfigError: a parameter is unknown or out of range, or the rows would differ in more than what is varied.
    """
    check_asked(words, options)
    settings = [words.setting(one, where="--grid") for one in _settings(words, options)]
    check_varied(settings, words, options)
    return sorted(settings, key=words.order)


def _settings(words: Words, options: SweepOptions) -> Sequence[Mapping[str, Any]]:
    if words.loss == "tversky_loss" and read_grid(options.grid).keys() <= PRICES.keys():
        return tversky_settings(options)
    asked = asked_values(words, options)
    if words.compares_losses:
        return [{LOSS: name} for name in asked.get(LOSS) or tuple(words.rows) or _LOSSES]
    grid = {**_usual(words, options), **asked}
    if not grid:
        raise ConfigError(
            f"Say which settings of {words.loss} to train, such as --grid {next(iter(words.columns))}=1,2."
        )
    return settings_of(grid, paired=options.zip)


def _usual(words: Words, options: SweepOptions) -> Mapping[str, Sequence[Any]]:
    if words.loss != "focal_loss":
        return {}
    vary = words.columns.get(options.vary or "", options.vary)
    return _FOCAL["alpha" if vary == "alpha_pos" else vary if vary == "gamma" else None]
