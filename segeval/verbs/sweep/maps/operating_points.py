"""The curves behind a table of operating points: every mask that a threshold can make, as a table and as a picture."""

from collections.abc import Mapping, Sequence

import numpy as np

from segeval.metrics.overlap import dice, f2, precision, sensitivity, specificity
from segeval.results.table import Row
from segeval.verbs.sweep.maps.cases import ClassOverCases
from segeval.verbs.sweep.maps.curve import tversky_score
from segeval.verbs.sweep.sheet import knob_text
from segeval.verbs.sweep.table import MEAN, Series, SweepPicture, SweepTable

_POINTS = 400  # of a curve, more than a page can resolve


def operating_points(classes: Sequence[ClassOverCases], table: SweepTable) -> SweepTable:
    """The curve behind the table: counts and metrics of every threshold, and `tl_<alpha>_<beta>` of every row."""
    prices = dict.fromkeys((row["alpha_fp"], row["beta_fn"]) for row in table.rows if row["class"] != MEAN)
    losses = {f"tl_{alpha:g}_{beta:g}": tversky_score(alpha, beta) for alpha, beta in prices}
    metrics = {"precision": precision, "recall": sensitivity, "specificity": specificity, "dsc": dice, "f2": f2}
    rows: list[Row] = []
    for maps in classes:
        counts = maps.curve.counts
        columns: dict[str, np.ndarray] = {"threshold": maps.curve.thresholds}
        columns |= {side: getattr(counts, side) for side in ("tp", "fp", "fn", "tn")}
        columns |= {name: formula(counts) for name, formula in metrics.items()}
        columns |= {name: 1 - score(counts) for name, score in losses.items()}
        shared = {"class": maps.name, "approx": maps.curve.approx}
        points = zip(*(values.tolist() for values in columns.values()), strict=True)
        rows += [shared | dict(zip(columns, point, strict=True)) for point in points]
    return SweepTable(
        loss=table.loss,
        mode=table.mode,
        title="Every mask that a threshold can make, voxels of all cases pooled",
        settings=("threshold",),
        columns=("tp", "fp", "fn", "tn", *metrics, *losses, "approx"),
        rows=tuple(rows),
        averaging="pooled",
        threshold_rule="every probability that occurs",
        split=table.split,
        n_cases=table.n_cases,
    )


def precision_recall(classes: Sequence[ClassOverCases], table: SweepTable) -> SweepPicture:
    """The precision-recall curve of every class, voxels pooled, with the thresholds that the settings chose.

    Settings that choose the same threshold share a point; those that predict nothing have none, and are said below.
    """
    series: list[Series] = []
    nothing: dict[str, None] = {}
    for maps in classes:
        chosen: dict[float, list[str]] = {}
        for row in table.of_class(maps.name):
            if row.get("threshold") is not None:
                setting = "/".join(knob_text(row[column]) for column in table.settings)
                chosen.setdefault(row["threshold"], []).append(setting)
        nothing |= dict.fromkeys(f"{setting} of {maps.name}" for setting in chosen.pop(np.inf, []))
        if maps.curve.n_truth:
            series += _curve_and_choices(maps, chosen)
    missing = f" Predicting nothing, and so without a point: {', '.join(nothing)}." if nothing else ""
    return SweepPicture(
        name="precision_recall",
        title="Thresholds that the settings choose",
        x_label="recall (sensitivity)",
        y_label="precision",
        square=True,
        caption="Voxels of all cases pooled. Beside each point: its threshold, and the α/β that choose it."
        f"{missing} {table.caption_text}.",
        series=tuple(series),
    )


def _curve_and_choices(maps: ClassOverCases, chosen: Mapping[float, Sequence[str]]) -> list[Series]:
    """The curve of a class, and on it the thresholds that are chosen, each by some settings."""
    counts = maps.curve.counts
    steps = np.searchsorted(counts.tp, np.linspace(0, maps.curve.n_truth, _POINTS))
    points = counts[np.unique(np.clip(steps, 1, None))]
    at = maps.curve.at(np.array(list(chosen), dtype=np.float64))
    return [
        Series(name=maps.name, x=sensitivity(points).tolist(), y=precision(points).tolist()),
        Series(
            name=f"{maps.name} chosen",
            x=sensitivity(at).tolist(),
            y=precision(at).tolist(),
            line=False,
            marked=True,
            notes=tuple(f"{threshold:.2f}: {', '.join(settings)}" for threshold, settings in chosen.items()),
            like=maps.name,
        ),
    ]
