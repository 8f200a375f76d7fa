"""`segeval sweep tversky --maps`: the operating point that each (α, β) prefers on one set of probability maps."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.evidence.probabilities.soft import SoftCounts
from segeval.losses.region import tversky_loss
from segeval.options import SweepOptions
from segeval.results.table import Row
from segeval.statistics.bootstrap import Draws, draw
from segeval.statistics.summary import mean
from segeval.verbs.sweep.draw import tradeoff
from segeval.verbs.sweep.estimates import (
    PAIRED,
    Estimate,
    MetricColumns,
    Split,
    differ_in_cases,
    mean_over_classes,
    metric_rows,
    of_cases,
    of_counts,
    split_cases,
    with_baseline,
)
from segeval.verbs.sweep.grid import PRICES, Setting, baseline_of, tversky_settings
from segeval.verbs.sweep.maps.cases import ClassOverCases
from segeval.verbs.sweep.maps.curve import (
    Criterion,
    Score,
    calibrated_threshold,
    score_of,
    weights_of,
)
from segeval.verbs.sweep.maps.thresholds import (
    ChosenThreshold,
    choose,
    counts_at,
    operating_points,
    precision_recall,
    score_at,
)
from segeval.verbs.sweep.papers import LAYOUTS
from segeval.verbs.sweep.table import MEAN, METRICS, SweepTable, better_of

COLUMNS = (
    *("soft_loss", "threshold", "threshold_low", "hard_loss"),
    *("dsc", "sensitivity", "specificity", "precision", "f2", "apr", "threshold_calibrated"),
    *("optimistic", "oracle", "approx", "soft_tp", "soft_fp", "soft_fn"),
)
SHOWN = tuple(column for column in COLUMNS[:11] if column != "threshold_low")  # what a screen has room for
CRITERIA: Mapping[Criterion, str] = {
    "tversky": "Tversky loss of the row",
    "dice": "Dice loss",
    "jaccard": "Jaccard loss",
    "f2": "F2 loss",
    "youden": "value of 1 - Youden's J",
}
RULES = {
    "pooled": "smallest {} over all voxels pooled",
    "case_mean": "smallest mean over the cases of the {}",
    "oracle_per_case": "smallest {} in each case by itself (oracle)",
}
CERTAIN = 0.01  # as near as that to 0 or 1, no threshold of practical use separates voxels
_NOT_A_RANKING = "soft_loss of different (α, β) is not comparable in size: the row with the smallest is not the best."
_NOT_TRAINING = "One set of maps is thresholded; the table says nothing about training with these losses."
_OPTIMISTIC = (
    "optimistic: thresholds were chosen on the reported cases. --select and --report separate choosing from reporting."
)


@dataclass(frozen=True, kw_only=True)
class OperatingPlan:
    """What the rows of every class share: settings, split, criterion, resamples, baseline."""

    settings: Sequence[Setting]
    split: Split
    options: SweepOptions
    draws: Draws | None
    baseline: int | None

    @property
    def averaging(self) -> Literal["case", "pooled"]:
        return self.options.averaging or "case"

    @property
    def criterion(self) -> Criterion:
        return self.options.threshold_by or "tversky"

    @cached_property
    def prices(self) -> list[tuple[float, float]]:
        """α and β of each row."""
        return [(setting["alpha_fp"], setting["beta_fn"]) for setting in self.settings]

    @cached_property
    def scores(self) -> list[Score]:
        """What the threshold of each row is chosen by."""
        return [score_of(self.criterion, *prices) for prices in self.prices]


@dataclass(frozen=True, kw_only=True)
class Block:
    """The rows of one class: plain cells, and metrics with their spread."""

    name: str
    cells: list[dict[str, Any]]
    metrics: Mapping[str, Estimate]

    def rows(self, settings: Sequence[Setting]) -> list[Row]:
        """The rows of the table."""
        return [
            {"class": self.name, **setting, **cells, **metrics}
            for setting, cells, metrics in zip(settings, self.cells, metric_rows(self.metrics), strict=True)
        ]


def sweep_tversky_maps(classes: Sequence[ClassOverCases], options: SweepOptions) -> SweepTable:
    """Tabulate soft loss, best threshold and metrics of every (α, β), class by class; classes are never pooled.

    Raises:
        ConfigError: the grid, the split or the baseline does not fit.
    """
    plan = _plan(classes[0].case_ids, options)
    blocks = [_block(maps, plan) for maps in classes]
    columns = MetricColumns(
        metrics=METRICS,
        spread=plan.averaging == "case",
        bootstrap=plan.draws is not None,
        differences=plan.baseline is not None,
    )
    shown = blocks if len(blocks) == 1 else [*blocks, _mean_block(blocks)]
    table = SweepTable(
        loss="tversky_loss",
        mode="maps",
        title="Operating points of one set of probability maps, by the price of errors",
        settings=("alpha_fp", "beta_fn"),
        columns=tuple(dict.fromkeys((*COLUMNS, *columns.names))),
        rows=tuple(row for block in shown for row in block.rows(plan.settings)),
        constant=("apr",),
        best=better_of(*METRICS),
        averaging=plan.averaging,
        threshold_rule=RULES[options.select_by].format(CRITERIA[plan.criterion]),
        split=str(plan.split),
        n_cases=len(plan.split.report),
        caption={"apr": f"{options.apr_method}, {options.apr_averaging}"},
        notes=tuple(_notes(classes, blocks, plan)),
        paper=LAYOUTS["tversky_loss"],
        shown=SHOWN,
    )
    reported = [maps.only(plan.split.report) for maps in classes]
    return replace(
        table,
        pictures=(tradeoff(table, {"α": "alpha_fp", "β": "beta_fn"}), precision_recall(reported, table)),
        extras={"operating_points": operating_points(reported, table)} if options.operating_points else {},
    )


def _plan(case_ids: Sequence[str], options: SweepOptions) -> OperatingPlan:
    """Check that grid, split, selection and baseline fit together."""
    split = split_cases(case_ids, select=options.select, report=options.report)
    if options.select_by == "oracle_per_case" and not split.optimistic:
        raise ConfigError(
            "--select-by oracle_per_case chooses on each reported case itself. Leave out --select and --report."
        )
    settings = tversky_settings(options)
    return OperatingPlan(
        settings=settings,
        split=split,
        options=options,
        draws=draw(split.report, resamples=options.bootstrap, seed=options.seed) if options.bootstrap else None,
        baseline=baseline_of(settings, options, {"alpha_fp": 0.5, "beta_fn": 0.5}, PRICES),
    )


def _block(maps: ClassOverCases, plan: OperatingPlan) -> Block:
    """The rows of one class."""
    select, report = maps.only(plan.split.select), maps.only(plan.split.report)
    cells = _soft_cells(report, plan)
    if not select.curve.n_truth:
        note = f"no voxel of {maps.name} in the cases that thresholds are chosen on"
        nothing = Estimate(value=np.full(len(cells), np.nan))
        return Block(
            name=maps.name, cells=[cell | {"note": note} for cell in cells], metrics=dict.fromkeys(METRICS, nothing)
        )
    choices = [choose(select, score, plan.options.select_by) for score in plan.scores]
    cells = [cell | _threshold_cells(report, i, choices[i], plan) for i, cell in enumerate(cells)]
    metrics = of_counts(counts_at(choices, report.cases), plan.averaging, plan.draws, plan.baseline)
    return Block(name=maps.name, cells=cells, metrics={**metrics, "apr": _apr(report, plan)})


def _soft_cells(maps: ClassOverCases, plan: OperatingPlan) -> list[dict[str, Any]]:
    """The soft Tversky loss of every row and the soft counts behind it, as means over the cases."""
    of_cases = [SoftCounts(case.voxels) for case in maps.cases]
    tp, pred, truth = np.transpose([(counts.tp, counts.pred, counts.truth) for counts in of_cases])
    counts = SoftCounts.known(tp=tp, pred=pred, truth=truth)
    means = {f"soft_{name}": float(getattr(counts, name).mean()) for name in ("tp", "fp", "fn")}
    losses = (tversky_loss(counts, alpha=alpha, beta=beta) for alpha, beta in plan.prices)
    return [{"soft_loss": float(of_row.mean()), **means} for of_row in losses]


def _threshold_cells(report: ClassOverCases, row: int, choice: ChosenThreshold, plan: OperatingPlan) -> dict[str, Any]:
    """The threshold of a row, and its loss on the reported cases."""
    prices, oracle = weights_of(plan.criterion, *plan.prices[row]), choice.of_cases is not None
    return {
        "threshold": choice.threshold,
        "threshold_low": choice.low,
        "hard_loss": 1 - score_at(report, plan.scores[row], choice, plan.options.select_by),
        "threshold_calibrated": calibrated_threshold(choice.score, *prices) if prices and not oracle else None,
        "optimistic": plan.split.optimistic,
        "oracle": oracle,
        "approx": report.curve.approx,
    }


def _apr(maps: ClassOverCases, plan: OperatingPlan) -> Estimate:
    """The area under the precision-recall curve: the maps do not change, so it is the same in every row."""
    n, method = len(plan.settings), plan.options.apr_method
    if plan.options.apr_averaging == "pooled":
        return with_baseline(Estimate(value=np.full(n, maps.curve.average_precision(method))), plan.baseline)
    areas = np.array([case.curve.average_precision(method) for case in maps.cases])
    return of_cases(np.tile(areas, (n, 1)), plan.draws, plan.baseline)


def _mean_block(blocks: Sequence[Block]) -> Block:
    """Unweighted means over the classes; a threshold has none."""
    metrics = {name: mean_over_classes([block.metrics[name] for block in blocks]) for name in METRICS}
    left_out = [block.name for block in blocks if block.cells[0].get("note")]
    note = f"{MEAN} is without {', '.join(left_out)}" if left_out else ""
    rows = [_mean_cells(rows) | {"note": note} for rows in zip(*(block.cells for block in blocks), strict=True)]
    return Block(name=MEAN, cells=rows, metrics=metrics)


def _mean_cells(rows: Sequence[Row]) -> dict[str, Any]:
    losses = {name: np.array([row.get(name, np.nan) for row in rows]) for name in ("soft_loss", "hard_loss")}
    flags = {name: any(row.get(name) for row in rows) for name in ("optimistic", "oracle", "approx")}
    return {name: float(mean(values)) for name, values in losses.items()} | flags


def _notes(classes: Sequence[ClassOverCases], blocks: Sequence[Block], plan: OperatingPlan) -> list[str]:
    """What must be said below the table, and why it came out flat where it did."""
    notes = [_NOT_TRAINING, _NOT_A_RANKING]
    if plan.split.optimistic:
        notes.append(_OPTIMISTIC)
    if plan.draws is not None:
        notes.append("Intervals resample the cases and take the thresholds as given.")
    estimates = (estimate for block in blocks for estimate in block.metrics.values())
    if plan.draws is not None and plan.baseline is not None and differ_in_cases(estimates):
        notes.append(PAIRED)
    for maps, block in zip(classes, blocks, strict=True):
        chosen = [cells.get("threshold") for cells in block.cells]
        if len(chosen) > 1 and None not in chosen and len(set(chosen)) == 1:
            notes.append(f"{maps.name} is flat, every row chose {chosen[0]:.4g}: {_why_flat(maps, plan)}.")
    return notes


def _why_flat(maps: ClassOverCases, plan: OperatingPlan) -> str:
    if plan.criterion != "tversky":
        return f"the threshold is chosen by the {CRITERIA[plan.criterion]}, which α and β do not enter"
    first = plan.prices[0]
    if all(math.isclose(alpha * first[1], beta * first[0]) for alpha, beta in plan.prices):
        return "α and β stand in the same ratio in all rows, and the best threshold depends on that ratio alone"
    pooled = maps.only(plan.split.select).pooled
    if len(pooled.thresholds) == 1:
        return "the map is constant, so there is one mask only"
    inside, outside = _certain(pooled)
    return (
        f"the maps leave little to choose, since {inside:.0%} of its voxels and {outside:.1%} of the others have "
        f"a probability within {CERTAIN:g} of 0 or 1; a finer or wider grid of α and β may separate them"
    )


def _certain(pooled: ProbHistogram) -> tuple[float, float]:
    """Share of the voxels inside and outside the class whose probability is nearly 0 or 1."""
    certain = np.minimum(pooled.thresholds, 1 - pooled.thresholds) <= CERTAIN
    inside, outside = ((side * certain).sum() / max(side.sum(), 1) for side in (pooled.positives, pooled.negatives))
    return float(inside), float(outside)
