"""The figures of the papers as tables: `--curve`, losses as functions of one number, `--cdf`, the voxels they lie on.

Curves need no data; the cumulative loss is that of one set of probability maps.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from segeval.files.paths import safe_name
from segeval.measure import ratio
from segeval.options import SweepOptions
from segeval.results.table import Row
from segeval.verbs.sweep.draw import lines
from segeval.verbs.sweep.grid import EXP_LOG_GAMMAS, gammas
from segeval.verbs.sweep.maps.cases import ClassOverCases
from segeval.verbs.sweep.maps.focal import SIDES, FocalSide, sides_of
from segeval.verbs.sweep.table import Series, SweepPicture, SweepTable

FOCAL_GAMMAS = (0, 0.5, 1, 2, 5)
CDF_GAMMAS = (0, 0.5, 1, 2)
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


def sweep_focal_cdf(classes: Sequence[ClassOverCases], options: SweepOptions) -> SweepTable:
    """Tabulate the share of the loss that the easiest voxels carry, as Figure 4 of arXiv 1708.02002 draws it.

    Raises:
        ConfigError: a parameter other than gamma is named, or a value is out of range.
    """
    chosen = gammas(options, CDF_GAMMAS, "focal_loss --cdf")
    rows = [row for maps in classes for row in _cdf_rows(maps, chosen, options)]
    table = SweepTable(
        loss="focal_loss",
        mode="cdf",
        title="Cumulative focal loss of one set of probability maps",
        settings=("of_class", "class", "gamma", "fraction"),
        columns=("cumulative_loss", "n", "trained_gamma", "approx"),
        rows=tuple(rows),
        averaging="pooled",
        n_cases=len(classes[0].cases),
        caption={"voxels": f"at most {options.max_voxels} per side" if options.max_voxels else "all"},
        notes=(
            "One set of maps serves every γ; the model is not trained again.",
            "f80 is the share of the loss that the easiest 80 % carry, 1 - f80 that of the hardest fifth.",
        ),
    )
    f80 = _f80(table, chosen)
    pictures = tuple(_panel(table, maps.name, side, chosen) for maps in classes for side in SIDES)
    return replace(table, pictures=pictures, extras={"f80": f80}, screen=f80)


def _cdf_rows(maps: ClassOverCases, chosen: Sequence[float], options: SweepOptions) -> list[Row]:
    rows: list[Row] = []
    for name, side in zip(SIDES, sides_of(maps.pooled), strict=True):
        drawn = side.drawn(options.max_voxels, options.seed)
        shared = {"of_class": maps.name, "class": name, "n": drawn.size, "approx": maps.curve.approx}
        shared |= {"trained_gamma": options.trained_gamma, "note": "" if drawn.size else f"no voxel is {name}"}
        for gamma in chosen:
            shares = enumerate(cumulative_loss(drawn, gamma))
            rows += [{**shared, "gamma": gamma, "fraction": i / 100, "cumulative_loss": float(x)} for i, x in shares]
    return rows


def cumulative_loss(side: FocalSide, gamma: float) -> np.ndarray:
    """Share of the side's loss carried by its 0, 1, ..., 100 % easiest voxels; a weight per side would cancel."""
    losses = side.losses(gamma)
    largest = [side.size - -(-percent * side.size // 100) for percent in range(101)]
    of_hardest = np.array([side.sum_of_largest(losses, n) for n in largest])
    return ratio(of_hardest[0] - of_hardest, of_hardest[0])


def _f80(table: SweepTable, chosen: Sequence[float]) -> SweepTable:
    """What the easiest 80 % carry: a row per class and γ."""
    at = {(row["of_class"], row["gamma"], row["class"]): row for row in table.rows if row["fraction"] == 0.8}
    names = dict.fromkeys(row["of_class"] for row in table.rows)
    rows = [
        {"of_class": name, "gamma": gamma}
        | {f"f80_{side}": at[name, gamma, side]["cumulative_loss"] for side in SIDES}
        | {f"n_{side}": at[name, gamma, side]["n"] for side in SIDES}
        for name in names
        for gamma in chosen
    ]
    return replace(
        table,
        title="Share of the loss that the easiest 80 % of the voxels carry",
        settings=("of_class", "gamma"),
        columns=("f80_pos", "f80_neg", "n_pos", "n_neg"),
        rows=tuple(rows),
    )


def _panel(table: SweepTable, name: str, side: str, chosen: Sequence[float]) -> SweepPicture:
    """One panel of the paper's figure."""
    rows = [row for row in table.rows if (row["of_class"], row["class"]) == (name, side)]
    series = []
    for gamma in chosen:
        of_gamma = [row for row in rows if row["gamma"] == gamma]
        x, y = ([row[column] for row in of_gamma] for column in ("fraction", "cumulative_loss"))
        series.append(Series(name=f"γ = {gamma:g}", x=x, y=y))
    return SweepPicture(
        name=f"focal_cdf_{safe_name(name)}_{side}",
        title=f"Cumulative focal loss: {name}, {SIDES[side]}",
        x_label="fraction of the voxels, the easiest first",
        y_label="share of the loss",
        square=True,
        caption=f"{table.caption_text}.",
        series=tuple(series),
    )


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
