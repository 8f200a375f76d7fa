"""Which settings a sweep visits: `alpha=0.1:0.9:0.1` or `gamma=0,1,2`, crossed or in pairs, or those of the papers."""

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from segeval.catalogue import measures_of
from segeval.errors import ConfigError, did_you_mean
from segeval.knobs import parse_call
from segeval.measure import Measure
from segeval.options import SweepOptions

Setting = dict[str, Any]
MAX_STEPS = 10_000
GROUPS = ("losses", "weight_map", "shape_losses", "rare_losses")  # of the catalogue; the others are metrics
SEVERAL = "losses"  # in place of a name: one loss against another

PAPER_PRICES = ((0.5, 0.5), (0.4, 0.6), (0.3, 0.7), (0.2, 0.8), (0.1, 0.9))  # arXiv 1706.05721, Table 1
PRICES = {"alpha": "alpha_fp", "beta": "beta_fn", "alpha_fp": "alpha_fp", "beta_fn": "beta_fn"}

FOCAL_GRID: Mapping[str, list[Any]] = {"gamma": [0, 0.1, 0.2, 0.5, 1, 2, 5], "alpha_pos": [None, 0.25, 0.5, 0.75]}
FOCAL = {"gamma": "gamma", "alpha": "alpha_pos", "alpha_pos": "alpha_pos"}
EXP_LOG_GAMMAS = (0.3, 0.5, 1, 2)
EXP_LOG_WEIGHTS: Mapping[str, list[Any]] = {"w_dice": [0, 0.8, 1], "w_cross": [1, 0.2, 0]}
EXP_LOG = ("gamma", *EXP_LOG_WEIGHTS)


def read_grid(texts: Sequence[str]) -> dict[str, list[Any]]:
    """The values of each parameter, in the order they were asked for.

    Raises:
        ConfigError: a text is not of the form name=values, or names a parameter twice.
    """
    grid: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        if not equals or not name or not values:
            raise ConfigError(f"--grid {text}: write name=values, such as alpha=0.1:0.9:0.1 or gamma=0,1,2.")
        if name in grid:
            raise ConfigError(f"--grid names {name} twice. List all its values in one: {name}=1,2,3.")
        grid[name] = [value for part in values.split(",") for value in _values(part.strip(), text)]
    return grid


def settings_of(grid: Mapping[str, Sequence[Any]], *, paired: bool) -> list[Setting]:
    """Every combination of the values, or with `paired` the first of each, the second of each, and so on.

    Raises:
        ConfigError: paired lists differ in length.
    """
    if paired and len({len(values) for values in grid.values()}) > 1:
        said = ", ".join(f"{name} has {len(values)}" for name, values in grid.items())
        raise ConfigError(f"--zip needs as many values of each parameter: {said}.")
    rows = zip(*grid.values(), strict=True) if paired else itertools.product(*grid.values())
    return [dict(zip(grid, row, strict=True)) for row in rows]


def require_known(names: Collection[str], known: Collection[str], loss: str) -> None:
    """Refuse parameters that the loss does not have.

    Raises:
        ConfigError: names the unknown parameter and the nearest right one.
    """
    for name in names:
        if name not in known:
            known_said = ", ".join(known) or "none"
            raise ConfigError(f"{loss} has no parameter {name!r}.{did_you_mean(name, known)} It has: {known_said}.")


def require_numbers(settings: Sequence[Setting], *, low: float = 0.0, high: float = math.inf) -> None:
    """Refuse values that are no numbers or out of range; None is left to the loss.

    Raises:
        ConfigError: names the parameter and its value.
    """
    must = f"{low:g} or more" if math.isinf(high) else f"a number from {low:g} to {high:g}"
    for name, value in (item for setting in settings for item in setting.items()):
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if value is not None and not (is_number and low <= value <= high):
            raise ConfigError(f"--grid: {name}={value} is out of range. {name} must be {must}.")


def _values(part: str, text: str) -> list[Any]:
    if ":" in part:
        return _range(part, text)
    return [*parse_call(f"_(value={part})")[1].values()]  # read as a knob is read everywhere


def _range(part: str, text: str) -> list[float]:
    """`0.1:0.9:0.1` in decimal steps, so that 0.3 is 0.3; the end is included."""
    try:
        start, stop, step = (Decimal(end) for end in part.split(":"))
        if not 0 <= (stop - start) / step < MAX_STEPS or step < 0:
            raise ConfigError(f"--grid {text}: {part} must rise from start to stop, in fewer than {MAX_STEPS} steps.")
        return [float(start + i * step) for i in range(int((stop - start) / step) + 1)]
    except (InvalidOperation, ValueError, ZeroDivisionError) as error:
        raise ConfigError(f"--grid {text}: {part} is no range. Write start:stop:step, such as 0.1:0.9:0.1.") from error


def tversky_settings(options: SweepOptions) -> list[Setting]:
    """The (α, β) pairs as `alpha_fp` and `beta_fn`, sorted by β; without a grid those of the paper.

    Raises:
        ConfigError: a parameter is unknown or negative, one is missing, or both prices are 0.
    """
    grid = _named(options.grid, PRICES, "tversky_loss")
    if not grid:
        return [{"alpha_fp": alpha, "beta_fn": beta} for alpha, beta in PAPER_PRICES]
    if options.sum_to_one:
        grid = _summed_to_one(grid)
    elif len(grid) < 2:
        raise ConfigError(f"--grid sets {next(iter(grid))} alone. Set alpha and beta, or pass --sum-to-one.")
    settings = settings_of(grid, paired=options.zip or options.sum_to_one)
    require_numbers(settings)
    require_a_price(settings)
    settings = [{name: float(price) for name, price in setting.items()} for setting in settings]
    return sorted(settings, key=lambda setting: (setting["beta_fn"], setting["alpha_fp"]))


def spoken_names(loss: Measure) -> Mapping[str, str]:
    """The parameters whose names alone would not say what they weigh: α is a price here and a class weight there."""
    if {"alpha", "beta"} <= loss.knobs.keys():
        return {"alpha": "alpha_fp", "beta": "beta_fn"}
    return {"alpha": "alpha_pos"} if loss.name == "focal_loss" else {}


def _named(texts: Sequence[str], names: Mapping[str, str], loss: str) -> dict[str, list[Any]]:
    """The values of each parameter under the name of its column."""
    grid = read_grid(texts)
    require_known(grid, names, loss)
    return {names[name]: values for name, values in grid.items()}


def _summed_to_one(grid: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Both prices where one of them is given."""
    if len(grid) != 1:
        raise ConfigError("--sum-to-one gives beta = 1 - alpha. Set one of them in --grid.")
    ((name, values),) = grid.items()
    require_numbers([{name: value} for value in values], high=1.0)
    return {side: list(values) if side == name else _rest_of_one(values) for side in ("alpha_fp", "beta_fn")}


def require_a_price(settings: Sequence[Setting]) -> None:
    """Refuse a Tversky loss that minds no error.

    Raises:
        ConfigError: both prices of a setting are 0.
    """
    for setting in settings:
        prices = [value for name, value in setting.items() if name in PRICES]
        if len(prices) == 2 and not any(prices):
            raise ConfigError("alpha=0 and beta=0: with no price on any error every mask is perfect. Raise one.")


def focal_settings(options: SweepOptions) -> list[Setting]:
    """Every `gamma` with every `alpha_pos`, sorted; none weighs both sides by 1.

    Raises:
        ConfigError: a parameter is unknown or out of range.
    """
    grid = {**FOCAL_GRID, **_named(options.grid, FOCAL, "focal_loss")}
    settings = settings_of(grid, paired=options.zip)
    _require_focus([setting["gamma"] for setting in settings])
    require_numbers([{"alpha_pos": setting["alpha_pos"]} for setting in settings], high=1.0)
    return sorted(settings, key=lambda row: (row["gamma"], -1.0 if row["alpha_pos"] is None else row["alpha_pos"]))


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
        require_numbers([{name: value} for value in values], high=1.0)
        weights = {part: values if part == name else _rest_of_one(values) for part in EXP_LOG_WEIGHTS}
    pairs = settings_of(weights, paired=True)
    require_numbers(pairs)
    focus = gammas(options, EXP_LOG_GAMMAS, "exp_log_loss", known=EXP_LOG)
    return [{"gamma": gamma, **pair} for gamma in focus for pair in pairs]


def gammas(
    options: SweepOptions, default: Sequence[float], loss: str, *, known: Collection[str] = ("gamma",)
) -> list[float]:
    """The γ of a sweep, sorted.

    Args:
        known: the parameters that may be named; by default the sweep turns nothing but γ.

    Raises:
        ConfigError: another parameter is named, or a value is negative or none.
    """
    grid = read_grid(options.grid)
    require_known(grid, known, loss)
    values = grid.get("gamma", default)
    _require_focus(values)
    return sorted(values)


def _require_focus(values: Sequence[Any]) -> None:
    """γ is a number in every setting; there is no loss without one."""
    require_numbers([{"gamma": math.nan if value is None else value} for value in values])


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
    for i, setting in enumerate(settings):
        if all(name in setting and setting[name] == value for name, value in asked.items()):
            return i
    if text is not None:
        raise ConfigError(f"--baseline {text}: the table has no such row. Add it to --grid.")
    return None


def find_loss(name: str) -> Measure:
    """A loss by its name or an alias; `tversky` stands for `tversky_loss`.

    Raises:
        ConfigError: there is no such loss; the message names the nearest.
    """
    losses = [loss for group in GROUPS for loss in measures_of(group)]
    known = {known_as: loss for loss in losses for known_as in (loss.name, *loss.aliases)}
    found = known.get(f"{name}_loss") or known.get(name)
    if found is not None:
        return found
    if name == SEVERAL:
        raise ConfigError("`sweep losses` compares trained models. Pass --runs or --train.")
    near = did_you_mean(name, [*known, *(loss.removesuffix("_loss") for loss in known)])
    raise ConfigError(f"Unknown loss {name!r}.{near} `segeval measures` lists all of them.")
