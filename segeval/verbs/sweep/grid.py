"""Which settings a sweep visits: `alpha=0.1:0.9:0.1` or `gamma=0,1,2`, crossed or in pairs."""

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from segeval.errors import ConfigError, did_you_mean
from segeval.measure import parse_call

Setting = dict[str, Any]
MAX_STEPS = 10_000


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
        start, stop, step = (Decimal(one) for one in part.split(":"))
        if not 0 <= (stop - start) / step < MAX_STEPS or step < 0:
            raise ConfigError(f"--grid {text}: {part} must rise from start to stop, in fewer than {MAX_STEPS} steps.")
        return [float(start + i * step) for i in range(int((stop - start) / step) + 1)]
    except (InvalidOperation, ValueError, ZeroDivisionError) as error:
        raise ConfigError(f"--grid {text}: {part} is no range. Write start:stop:step, such as 0.1:0.9:0.1.") from error
