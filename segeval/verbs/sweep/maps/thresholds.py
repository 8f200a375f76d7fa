"""Thresholds of a map: the best one for a criterion, pooled, by mean or by case, and every mask that they can make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from segeval.evidence.overlap.counts import Counts
from segeval.metrics.overlap import dice, f2, precision, sensitivity, specificity
from segeval.results.table import Row
from segeval.statistics.summary import mean
from segeval.verbs.sweep.maps.cases import ClassOfCase, ClassOverCases
from segeval.verbs.sweep.maps.curve import Score, first_best, tversky_score
from segeval.verbs.sweep.sheet import knob_text
from segeval.verbs.sweep.table import MEAN, Series, SweepPicture, SweepTable

_POINTS = 400  # of a curve, more than a page can resolve

SelectBy = Literal["pooled", "case_mean", "oracle_per_case"]


@dataclass(frozen=True, kw_only=True)
class ChosenThreshold:
    """A threshold and how good it is on the voxels it was chosen on.

    Attributes:
        threshold: None where every case has its own.
        low: the next smaller probability that occurs; a threshold above it gives the same masks.
        score: of the criterion, where 1 is perfect.
        of_cases: the threshold of each case, where every case has its own.
    """

    threshold: float | None
    low: float | None
    score: float
    of_cases: tuple[float, ...] | None = None


def choose(maps: ClassOverCases, score: Score, by: SelectBy) -> ChosenThreshold:
    """The best threshold; of equally good ones the largest, which predicts the fewest voxels.

    Args:
        by: `pooled` takes the voxels of all cases together, `case_mean` the mean of the score over cases,
            `oracle_per_case` gives every case its own threshold, which no one could know beforehand.
    """
    if by == "oracle_per_case":
        return _per_case(maps, score)
    curve = maps.curve
    if by == "pooled":
        best = curve.best(score)
        reached = float(score(curve.counts[np.array([best])])[0])
    else:
        means = mean_over_cases(maps, score, curve.thresholds)
        best = first_best(means)
        reached = float(means[best])
    return ChosenThreshold(threshold=float(curve.thresholds[best]), low=curve.next_lower(best), score=reached)


def score_at(maps: ClassOverCases, score: Score, choice: ChosenThreshold, by: SelectBy) -> float:
    """How good a choice is on these cases, by what it was chosen by."""
    if choice.threshold is None:
        return choice.score
    at = np.array([choice.threshold])
    return float(score(maps.curve.at(at))[0] if by == "pooled" else mean_over_cases(maps, score, at)[0])


def mean_over_cases(maps: ClassOverCases, score: Score, thresholds: np.ndarray) -> np.ndarray:
    """Mean over the cases of a score at common thresholds; cases where it is undefined are left out."""
    total, n = np.zeros((2, len(thresholds)))
    for case in maps.cases:
        scores = score(case.curve.counts)[case.curve.index_at(thresholds)]
        total += np.nan_to_num(scores)
        n += ~np.isnan(scores)
    with np.errstate(invalid="ignore"):
        return total / n


def counts_at(choices: Sequence[ChosenThreshold], cases: Sequence[ClassOfCase]) -> Counts:
    """Counts of every case at every chosen threshold, shape (choice, case)."""
    chosen = [choice.of_cases or [choice.threshold] * len(cases) for choice in choices]
    thresholds = np.array(chosen, dtype=np.float64)
    counts = [case.curve.at(thresholds[:, i]) for i, case in enumerate(cases)]
    sides = ("tp", "fp", "fn", "tn")
    return Counts(**{side: np.stack([getattr(of_case, side) for of_case in counts], axis=1) for side in sides})


def _per_case(maps: ClassOverCases, score: Score) -> ChosenThreshold:
    curves = [case.curve for case in maps.cases]
    best = [curve.best(score) for curve in curves]
    scores = [float(score(curve.counts[np.array([i])])[0]) for curve, i in zip(curves, best, strict=True)]
    thresholds = tuple(float(curve.thresholds[i]) for curve, i in zip(curves, best, strict=True))
    return ChosenThreshold(threshold=None, low=None, score=float(mean(np.array(scores))), of_cases=thresholds)


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
