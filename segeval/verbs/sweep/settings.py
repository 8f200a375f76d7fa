"""The settings of the sweeps that have a paper behind them: its grid, its names, its limits."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from segeval.errors import ConfigError
from segeval.measure import Measure
from segeval.options import SweepOptions
from segeval.verbs.sweep.grid import Setting, read_grid, require_known, require_numbers, settings_of

PAPER_PRICES = ((0.5, 0.5), (0.4, 0.6), (0.3, 0.7), (0.2, 0.8), (0.1, 0.9))  # arXiv 1706.05721, Table 1
PRICES = {"alpha": "alpha_fp", "beta": "beta_fn", "alpha_fp": "alpha_fp", "beta_fn": "beta_fn"}

FOCAL_GRID: Mapping[str, list[Any]] = {"gamma": [0, 0.1, 0.2, 0.5, 1, 2, 5], "alpha_pos": [None, 0.25, 0.5, 0.75]}
FOCAL = {"gamma": "gamma", "alpha": "alpha_pos", "alpha_pos": "alpha_pos"}
EXP_LOG_GAMMAS = (0.3, 0.5, 1, 2)
EXP_LOG_WEIGHTS: Mapping[str, list[Any]] = {"w_dice": [0, 0.8, 1], "w_cross": [1, 0.2, 0]}
EXP_LOG = ("gamma", *EXP_LOG_WEIGHTS)


def tversky_settings(options: SweepOptions) -> list[Setting]:
    """The (α, β) pairs as `alpha_fp` and `beta_fn`, sorted by β; without a grid those of the paper.

    Raises:
        ConfigError: a parameter is unknown or negative, one is missing, or both prices are 0.
    """
    grid = _named(read_grid(options.grid), PRICES, "tversky_loss")
    if not grid:
        return [{"alpha_fp": alpha, "beta_fn": beta} for alpha, beta in PAPER_PRICES]
    if options.sum_to_one:
        grid = _summed_to_one(grid)
    elif len(grid) < 2:
        raise ConfigError(f"--grid sets {next(iter(grid))} alone. Set alpha and beta, or pass --sum-to-one.")
    settings = settings_of(grid, paired=options.zip or options.sum_to_one)
    require_numbers(settings)
    require_a_price(settings)
    settings = [{name: float(price) for name, price in one.items()} for one in settings]
    return sorted(settings, key=lambda one: (one["beta_fn"], one["alpha_fp"]))


def spoken_names(loss: Measure) -> Mapping[str, str]:
    """The parameters whose names alone would not say what they weigh: α is a price here and a class weight there."""
    if {"alpha", "beta"} <= loss.knobs.keys():
        return {"alpha": "alpha_fp", "beta": "beta_fn"}
    return {"alpha": "alpha_pos"} if loss.name == "focal_loss" else {}


def _named(grid: Mapping[str, list[Any]], names: Mapping[str, str], loss: str) -> dict[str, list[Any]]:
    require_known(grid, names, loss)
    return {names[name]: values for name, values in grid.items()}


def _summed_to_one(grid: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Both prices where one of them is given."""
    if len(grid) != 1:
        raise ConfigError("--sum-to-one gives beta = 1 - alpha. Set one of them in --grid.")
    ((name, values),) = grid.items()
    require_numbers([{name: value} for value in values], high=1.0)
    return {one: list(values) if one == name else _rest_of_one(values) for one in ("alpha_fp", "beta_fn")}


def require_a_price(settings: Sequence[Setting]) -> None:
    """Refuse a Tversky loss that minds no error.

    Raises:
        ConfigError: both prices of a setting are 0.
    """
    for one in settings:
        prices = [value for name, value in one.items() if name in PRICES]
        if len(prices) == 2 and not any(prices):
            raise ConfigError("alpha=0 and beta=0: with no price on any error every mask is perfect. Raise one.")


def focal_settings(options: SweepOptions) -> list[Setting]:
    """Every `gamma` with every `alpha_pos`, sorted; none weighs both sides by 1.

    Raises:
        ConfigError: a parameter is unknown or out of range.
    """
    grid = {**FOCAL_GRID, **_named(read_grid(options.grid), FOCAL, "focal_loss")}
    settings = settings_of(grid, paired=options.zip)
    _require_focus([one["gamma"] for one in settings])
    require_numbers([{"alpha_pos": one["alpha_pos"]} for one in settings], high=1.0)
    return sorted(settings, key=lambda one: (one["gamma"], -1.0 if one["alpha_pos"] is None else one["alpha_pos"]))


def exp_log_settings(options: SweepOptions) -> list[Setting]:
    """Every `gamma` with every pair of weights `w_dice`, `w_cross`; a weight that is not given is 1 minus the other.

    Raises:
        ConfigError: a parameter is unknown or negative, or the weights are not in pairs.
    """
    grid = read_grid(options.grid)
    require_known(grid, EXP_LOG, "exp_log_loss")
    weights = {name: grid[name] for name in EXP_LOG_WEIGHTS if name in grid} or EXP_LOG_WEIGHTS
    if len(weights) == 1:
        ((name, values),) = weights.items()
        require_numbers([{name: one} for one in values], high=1.0)
        weights = {one: values if one == name else _rest_of_one(values) for one in EXP_LOG_WEIGHTS}
    pairs = settings_of(weights, paired=True)
    require_numbers(pairs)
    return [{"gamma": gamma, **pair} for gamma in _gammas(grid, EXP_LOG_GAMMAS) for pair in pairs]


def gammas(options: SweepOptions, default: Sequence[float], loss: str) -> list[float]:
    """The γ of a sweep that turns nothing else, sorted.

    Raises:
        ConfigError: another parameter is named, or a value is negative or none.
    """
    grid = read_grid(options.grid)
    require_known(grid, ("gamma",), loss)
    return _gammas(grid, default)


def _gammas(grid: Mapping[str, Sequence[Any]], default: Sequence[float]) -> list[float]:
    values = grid.get("gamma", default)
    _require_focus(values)
    return sorted(values)


def _require_focus(values: Sequence[Any]) -> None:
    """γ is a number in every setting; there is no loss without one."""
    require_numbers([{"gamma": math.nan if one is None else one} for one in values])


def _rest_of_one(values: Sequence[float]) -> list[float]:
    return [round(1 - value, 12) for value in values]  # 1 - 0.7 is 0.3


def baseline_of(
    settings: Sequence[Setting], options: SweepOptions, default: Setting, names: Mapping[str, str]
) -> int | None:
    """Index of the row that differences are taken against; None where the default one is not in the table.

    Raises:
        ConfigError: the row that was named is not in the table, or there is no bootstrap to compare it with.
    """
    text = options.baseline
    if text is not None and not options.bootstrap:
        raise ConfigError(f"--baseline {text}: differences are only believed with an interval. Add --bootstrap 1000.")
    asked = default
    if text is not None:
        asked = {names.get(name, name): values[0] for name, values in read_grid(text.split(",")).items()}
    for i, one in enumerate(settings):
        if all(name in one and one[name] == value for name, value in asked.items()):
            return i
    if text is not None:
        raise ConfigError(f"--baseline {text}: the table has no such row. Add it to --grid.")
    return None
