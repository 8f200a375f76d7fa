"""`--curve`: losses as functions of one number, without data, in the manner of the papers' figures."""

from dataclasses import replace
from typing import Any

import numpy as np

from segeval.options import SweepOptions
from segeval.verbs.sweep.draw import lines
from segeval.verbs.sweep.grid import EXP_LOG_GAMMAS, gammas
from segeval.verbs.sweep.table import SweepTable

FOCAL_GAMMAS = (0, 0.5, 1, 2, 5)
_STEPS = 100


def focal_curve(options: SweepOptions) -> SweepTable:
    """Tabulate -(1 - p_t)^γ ln p_t against p_t, as Figure 1 of arXiv 1708.02002 draws it.

    Raises:
        ConfigError: a parameter other than gamma is named, or a value is out of range.
    """
    chosen = gammas(options, FOCAL_GAMMAS, "focal_loss --curve")
    p_t = np.arange(1, _STEPS) / _STEPS
    columns = {f"loss_g{gamma:g}": (1 - p_t) ** gamma * -np.log(p_t) for gamma in chosen}
    columns |= {f"ratio_g{gamma:g}": (1 - p_t) ** -gamma for gamma in chosen if gamma}
    return _table(
        "focal_loss", "Focal loss of one voxel, without α", "p_t", p_t, columns,
        "probability of the true side, p_t", y_range=(0.0, 5.0), region=(0.5, 1.0, "well classified"),
    )  # fmt: skip


def exp_log_curve(options: SweepOptions) -> SweepTable:
    """Tabulate (-ln Dice)^γ and its slope against Dice, as Figure 2 of arXiv 1809.00076 draws it.

    Raises:
        ConfigError: a parameter other than gamma is named, or a value is out of range.
    """
    chosen = gammas(options, EXP_LOG_GAMMAS, "exp_log_loss --curve")
    dice = np.arange(1, _STEPS + 1) / _STEPS
    columns = {"linear": 1 - dice}
    columns |= {f"loss_g{gamma:g}": (-np.log(dice) + 0.0) ** gamma for gamma in chosen}
    columns |= {f"slope_g{gamma:g}": _slope(dice, gamma) for gamma in chosen}
    columns |= {f"inflection_g{gamma:g}": np.full(_STEPS, _inflection(gamma)) for gamma in chosen}
    return _table(
        "exp_log_loss", "Exponential logarithmic Dice loss of one label", "dice", dice, columns,
        "Dice of the label", y_range=(0.0, 3.0),
    )  # fmt: skip


def _slope(dice: np.ndarray, gamma: float) -> np.ndarray:
    """-γ (-ln x)^(γ-1) / x; infinite at x = 1 for γ < 1, which is written as undefined."""
    with np.errstate(divide="ignore"):
        slope = -gamma * (-np.log(dice) + 0.0) ** (gamma - 1) / dice
    return np.where(np.isinf(slope), np.nan, slope) + 0.0  # without -0


def _inflection(gamma: float) -> float:
    """Dice at which the loss turns from concave to convex; there is none for γ >= 1."""
    return float(np.exp(gamma - 1)) if 0 < gamma < 1 else np.nan


def _table(
    loss: str, title: str, name: str, x: np.ndarray, columns: dict[str, np.ndarray], x_label: str, **drawn_with: Any
) -> SweepTable:
    points = zip(x.tolist(), *(values.tolist() for values in columns.values()), strict=True)
    rows = tuple(dict(zip((name, *columns), point, strict=True)) for point in points)
    table = SweepTable(loss=loss, mode="curve", title=title, settings=(name,), columns=tuple(columns), rows=rows)
    drawn = {key: f"γ = {key.removeprefix('loss_g')}" for key in columns if key.startswith("loss_")}
    if "linear" in columns:
        drawn = {"linear": "1 - Dice", **drawn}
    picture = f"{loss.removesuffix('_loss')}_curve"
    return replace(
        table,
        screen=replace(table, rows=rows[9::10], shown=tuple(drawn)),
        pictures=(lines(table, name=picture, x=(name, x_label), y_label="loss", columns=drawn, **drawn_with),),
    )
