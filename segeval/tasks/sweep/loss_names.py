"""Losses by name, as a sweep is told them: `tversky`, `dice_loss(smooth=1)`, or a row of the exp-log paper."""

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from segeval import losses
from segeval.errors import ConfigError
from segeval.measure import Measure, MeasureCall, parse_call

# arXiv 1809.00076, Table 1b: its loss configurations in the order of its rows, all with its ε of 1
EXP_LOG_ROWS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "linear_dice": ("dice_loss", {"smooth": 1.0}),
    "log_dice": ("exp_log_loss", {"w_dice": 1.0, "w_cross": 0.0, "gamma_dice": 1.0, "gamma_cross": 1.0}),
    "weighted_ce": ("exp_log_loss", {"w_dice": 0.0, "w_cross": 1.0, "gamma_dice": 1.0, "gamma_cross": 1.0}),
    "log_dice+weighted_ce": ("exp_log_loss", {"gamma_dice": 1.0, "gamma_cross": 1.0}),
    "exp_log(gamma=2)": ("exp_log_loss", {"gamma_dice": 2.0, "gamma_cross": 2.0}),
    "exp_log(gamma=0.3)": ("exp_log_loss", {"gamma_dice": 0.3, "gamma_cross": 0.3}),
}


def find_loss(name: str) -> Measure:
    """A loss by its name, with or without `_loss`, or by an alias.

    Raises:
        ConfigError: there is no such loss; the message suggests the nearest name.
    """
    known = _losses()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"Unknown loss {name!r}.{hint} `segeval measures` lists all of them.")
    return known[name]


def loss_call(text: str) -> MeasureCall:
    """The loss that `tversky_loss(alpha=0.3,beta=0.7)` stands for.

    Raises:
        ConfigError: the text, the loss or a parameter cannot be.
    """
    name, knobs = parse_call(text)
    return find_loss(name).at(**knobs)


def exp_log_call(text: str) -> MeasureCall:
    """A row of the exp-log paper, or any other loss; one `gamma` is that of both parts."""
    if text in EXP_LOG_ROWS:
        name, knobs = EXP_LOG_ROWS[text]
        return find_loss(name).at(**knobs)
    name, given = parse_call(text)
    if find_loss(name).name == "exp_log_loss" and "gamma" in given:
        gamma = given.pop("gamma")
        given = {"gamma_dice": gamma, "gamma_cross": gamma, **given}
    return find_loss(name).at(**given)


def _losses() -> dict[str, Measure]:
    modules = [import_module(f"segeval.losses.{name}") for name in losses.FORMULAS]
    found = [one for module in modules for one in vars(module).values() if isinstance(one, Measure)]
    return {name: one for one in found for name in (one.name, one.name.removesuffix("_loss"), *one.aliases)}
