"""`segeval sweep focal --cdf`: how few voxels carry the loss, in the manner of Figure 4 of arXiv 1708.02002."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from segeval.files.names import safe_name
from segeval.options import SweepOptions
from segeval.verbs.sweep.evidence.focal_terms import Side, cumulative_loss, sides_of
from segeval.verbs.sweep.evidence.maps import ClassOverCases
from segeval.verbs.sweep.grid import gammas
from segeval.verbs.sweep.output.plots import Picture, Series
from segeval.verbs.sweep.output.sheet import caption_of
from segeval.verbs.sweep.output.table import Row, SweepTable

GAMMAS = (0, 0.5, 1, 2)
SIDES = ("pos", "neg")
_WORDS = {"pos": "voxels of the class", "neg": "all others"}


def sweep_focal_cdf(classes: Sequence[ClassOverCases], options: SweepOptions) -> SweepTable:
    """Tabulate the share of the loss that the easiest voxels carry, for positives and negatives apart.

    Raises:
        ConfigError: a parameter other than gamma is named, or a value is out of range.
    """
    chosen = gammas(options, GAMMAS, "focal_loss --cdf")
    rows = [row for maps in classes for row in _rows(maps, chosen, options)]
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
    pictures = tuple(_picture(table, maps.name, side, chosen) for maps in classes for side in SIDES)
    return replace(table, pictures=pictures, extras={"f80": f80}, screen=f80)


def _rows(maps: ClassOverCases, chosen: Sequence[float], options: SweepOptions) -> list[Row]:
    rows: list[Row] = []
    for name, side in zip(SIDES, sides_of(maps.pooled), strict=True):
        drawn = _drawn(side, options.max_voxels, options.seed)
        for gamma in chosen:
            shared = {
                "of_class": maps.name,
                "class": name,
                "gamma": gamma,
                "n": drawn.size,
                "approx": maps.curve.approx,
            }
            shared |= {"trained_gamma": options.trained_gamma, "note": "" if drawn.size else f"no voxel is {name}"}
            shares = cumulative_loss(drawn, gamma)
            rows += [{**shared, "fraction": i / 100, "cumulative_loss": float(one)} for i, one in enumerate(shares)]
    return rows


def _drawn(side: Side, n: int, seed: int) -> Side:
    """`n` voxels of the side, drawn without replacement; all of them for 0."""
    if not 0 < n < side.size:
        return side
    drawn = np.random.default_rng(seed).multivariate_hypergeometric(side.n, n, method="marginals")
    kept = drawn > 0
    return Side(hit=side.hit[kept], miss=side.miss[kept], n=drawn[kept])


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


def _picture(table: SweepTable, name: str, side: str, chosen: Sequence[float]) -> Picture:
    """One panel of the paper's figure."""
    rows = [row for row in table.rows if (row["of_class"], row["class"]) == (name, side)]
    of_gamma = {gamma: [row for row in rows if row["gamma"] == gamma] for gamma in chosen}
    return Picture(
        name=f"focal_cdf_{safe_name(name)}_{side}",
        title=f"Cumulative focal loss: {name}, {_WORDS[side]}",
        x_label="fraction of the voxels, the easiest first",
        y_label="share of the loss",
        square=True,
        caption=f"{caption_of(table)}.",
        series=tuple(
            Series(
                name=f"γ = {gamma:g}",
                x=[row["fraction"] for row in of_row],
                y=[row["cumulative_loss"] for row in of_row],
            )
            for gamma, of_row in of_gamma.items()
        ),
    )
