"""`segeval sweep tversky --maps`: the operating point that each (α, β) prefers on one set of probability maps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from segeval.evidence.probabilities.soft import SoftCounts
from segeval.losses.region import tversky_loss
from segeval.options import SweepOptions
from segeval.statistics.summary import mean
from segeval.verbs.sweep.evidence.curve import calibrated_threshold, weights_of
from segeval.verbs.sweep.evidence.maps import CaseMap, ClassMaps
from segeval.verbs.sweep.evidence.thresholds import Choice, choose, counts_at, score_at
from segeval.verbs.sweep.maps.operating_points import operating_points
from segeval.verbs.sweep.maps.tversky_job import Job, job_of
from segeval.verbs.sweep.maps.tversky_notes import notes_on
from segeval.verbs.sweep.output.metrics import Columns, Estimate, mean_over_classes, of_cases, of_counts
from segeval.verbs.sweep.output.papers import LAYOUTS
from segeval.verbs.sweep.output.pictures import precision_recall, tradeoff
from segeval.verbs.sweep.output.table import MEAN, METRICS, Row, SweepTable, better_of
from segeval.verbs.sweep.settings import PRICES, baseline_of

COLUMNS = (
    *("soft_loss", "threshold", "threshold_low", "hard_loss"),
    *("dsc", "sensitivity", "specificity", "precision", "f2", "apr", "threshold_calibrated"),
    *("optimistic", "oracle", "approx", "soft_tp", "soft_fp", "soft_fn"),
)
SHOWN = tuple(one for one in COLUMNS[:11] if one != "threshold_low")  # what a screen has room for


@dataclass(frozen=True, kw_only=True)
class Block:
    """The rows of one class: plain cells, and metrics with their spread."""

    name: str
    cells: list[dict[str, Any]]
    estimates: Mapping[str, Estimate]

    @property
    def thresholds(self) -> list[float | None]:
        return [one.get("threshold") for one in self.cells]


def sweep_tversky_maps(classes: Sequence[ClassMaps], options: SweepOptions) -> SweepTable:
    """Tabulate soft loss, best threshold and metrics of every (α, β), class by class; classes are never pooled.

    Raises:
        ConfigError: the grid, the split or the baseline does not fit.
    """
    job = job_of(classes[0].case_ids, options)
    blocks = [_block(one, job) for one in classes]
    rows = blocks if len(blocks) == 1 else [*blocks, _mean_block(blocks)]
    columns = Columns(
        metrics=METRICS,
        spread=job.averaging == "case",
        bootstrap=job.draws is not None,
        baseline=baseline_of(job.settings, options, {"alpha_fp": 0.5, "beta_fn": 0.5}, PRICES),
    )
    table = SweepTable(
        loss="tversky_loss",
        mode="maps",
        title="Operating points of one set of probability maps, by the price of errors",
        settings=("alpha_fp", "beta_fn"),
        columns=tuple(dict.fromkeys((*COLUMNS, *columns.names))),
        rows=tuple(row for block in rows for row in _rows(block, job, columns)),
        constant=("apr",),
        best=better_of(*METRICS),
        averaging=job.averaging,
        threshold_rule=job.rule,
        split=str(job.split),
        n_cases=len(job.split.report),
        caption={"apr": f"{options.apr_method}, {options.apr_averaging}"},
        notes=notes_on(classes, [block.thresholds for block in blocks], job),
        paper=LAYOUTS["tversky_loss"],
        shown=SHOWN,
    )
    reported = [one.of(job.split.report) for one in classes]
    return replace(
        table,
        pictures=(tradeoff(table, {"α": "alpha_fp", "β": "beta_fn"}), precision_recall(reported, table)),
        extras={"operating_points": operating_points(reported, table)} if options.operating_points else {},
    )


def _block(maps: ClassMaps, job: Job) -> Block:
    """The rows of one class."""
    select, report = maps.of(job.split.select), maps.of(job.split.report)
    cells = _soft_cells(report, job)
    if not select.curve.n_truth:
        note = f"no voxel of {maps.name} in the cases that thresholds are chosen on"
        nothing = Estimate(value=np.full(len(cells), np.nan))
        return Block(
            name=maps.name, cells=[one | {"note": note} for one in cells], estimates=dict.fromkeys(METRICS, nothing)
        )
    choices = [choose(select, score, job.options.select_by) for score in job.scores]
    cells = [cell | _threshold_cells(report, i, choices[i], job) for i, cell in enumerate(cells)]
    estimates = of_counts(counts_at(choices, report.cases), job.averaging, job.draws)
    return Block(name=maps.name, cells=cells, estimates={**estimates, "apr": _apr(report, job)})


def _soft_cells(maps: ClassMaps, job: Job) -> list[dict[str, Any]]:
    """The soft Tversky loss of every row and the soft counts behind it, as means over the cases."""
    tp, pred, truth = np.transpose([_soft_volumes(one) for one in maps.cases])
    counts = SoftCounts.known(tp=tp, pred=pred, truth=truth)
    means = {f"soft_{name}": float(getattr(counts, name).mean()) for name in ("tp", "fp", "fn")}
    losses = (tversky_loss(counts, alpha=alpha, beta=beta) for alpha, beta in job.prices)
    return [{"soft_loss": float(of_cases.mean()), **means} for of_cases in losses]


def _soft_volumes(one: CaseMap) -> tuple[float, float, float]:
    counts = SoftCounts(one.voxels)
    return counts.tp, counts.pred, counts.truth


def _threshold_cells(report: ClassMaps, row: int, choice: Choice, job: Job) -> dict[str, Any]:
    """The threshold of a row, and its loss on the reported cases."""
    prices, oracle = weights_of(job.criterion, *job.prices[row]), choice.of_cases is not None
    return {
        "threshold": choice.threshold,
        "threshold_low": choice.low,
        "hard_loss": 1 - score_at(report, job.scores[row], choice, job.options.select_by),
        "threshold_calibrated": calibrated_threshold(choice.score, *prices) if prices and not oracle else None,
        "optimistic": job.split.optimistic,
        "oracle": oracle,
        "approx": report.curve.approx,
    }


def _apr(maps: ClassMaps, job: Job) -> Estimate:
    """The area under the precision-recall curve: the maps do not change, so it is the same in every row."""
    n, method = len(job.settings), job.options.apr_method
    if job.options.apr_averaging == "pooled":
        return Estimate(value=np.full(n, maps.curve.average_precision(method)))
    areas = np.array([one.curve.average_precision(method) for one in maps.cases])
    return of_cases(np.tile(areas, (n, 1)), job.draws)


def _mean_block(blocks: Sequence[Block]) -> Block:
    """Unweighted means over the classes; a threshold has none."""
    estimates = {name: mean_over_classes([block.estimates[name] for block in blocks]) for name in METRICS}
    left_out = [block.name for block in blocks if block.cells[0].get("note")]
    note = f"{MEAN} is without {', '.join(left_out)}" if left_out else ""
    rows = [_mean_cells(rows) | {"note": note} for rows in zip(*(block.cells for block in blocks), strict=True)]
    return Block(name=MEAN, cells=rows, estimates=estimates)


def _mean_cells(rows: Sequence[Row]) -> dict[str, Any]:
    def mean_of(name: str) -> float:
        return float(mean(np.array([row.get(name, np.nan) for row in rows])))

    kept = {name: any(row.get(name) for row in rows) for name in ("optimistic", "oracle", "approx")}
    return {"soft_loss": mean_of("soft_loss"), "hard_loss": mean_of("hard_loss"), **kept}


def _rows(block: Block, job: Job, columns: Columns) -> list[Row]:
    metrics = columns.rows(block.estimates)
    return [
        {"class": block.name, **setting, **cells, **of_row}
        for setting, cells, of_row in zip(job.settings, block.cells, metrics, strict=True)
    ]
