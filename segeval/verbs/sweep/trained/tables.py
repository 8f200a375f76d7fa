"""The table of trained models: what each setting achieved, in the columns of arXiv 1706.05721, Table 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from segeval.measure import ratio
from segeval.metrics.overlap import tversky_index
from segeval.options import SweepMode, SweepOptions
from segeval.results.table import Row
from segeval.statistics.bootstrap import Draws, draw
from segeval.statistics.significance import average_ranks
from segeval.statistics.summary import mean, summarise
from segeval.verbs.sweep.draw import tradeoff
from segeval.verbs.sweep.estimates import (
    PAIRED,
    Estimate,
    MetricColumns,
    differ_in_cases,
    mean_over_classes,
    metric_rows,
    of_cases,
    of_counts,
    with_baseline,
)
from segeval.verbs.sweep.papers import LAYOUTS
from segeval.verbs.sweep.table import MEAN, SweepTable, better_of, mean_cells
from segeval.verbs.sweep.trained.schema import SettingSchema
from segeval.verbs.sweep.trained.scores import METRICS, Achieved

THRESHOLD = "p >= 0.5, one class against the rest"
_SHOWN_FACTS = ("train_loss_last", "diverged", "pred_volume_ratio")
_PER_CLASS = ("f2_if_pooled", "hard_tversky_loss", "pred_volume_ratio", "empty_predictions")
_SYMBOLS = {"alpha_fp": "α", "beta_fn": "β", "alpha_pos": "α", "gamma": "γ"}  # what stands beside points of the picture
_ONE_RUN = "One run per setting: nothing here says how much of a difference is chance."
_NO_BOOTSTRAP = "No difference is called significant: --bootstrap adds intervals."
_CLOSE = "no row stands out: the gap to the baseline is below twice the standard deviation over the seeds"


@dataclass(frozen=True, kw_only=True)
class TrainedReport:
    """What trained models achieved, and how it is to be reported: what every layout of their table starts from.

    Attributes:
        rows: sorted by setting.
        classes: names, in the order of the scores.
        case_ids: the cases that are reported.
        baseline: index of the row that differences are taken against.
        facts: names of the columns in each row's facts.
        title, threshold_rule, split, caption, notes: as in `SweepTable`.
    """

    mode: SweepMode
    schema: SettingSchema
    options: SweepOptions
    rows: Sequence[Achieved]
    classes: tuple[str, ...]
    case_ids: tuple[str, ...]
    baseline: int | None = None
    facts: tuple[str, ...] = ()
    title: str = ""
    threshold_rule: str = THRESHOLD
    split: str = ""
    caption: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def settings(self) -> tuple[str, ...]:
        """The columns of the parameters."""
        return tuple(self.rows[0].setting)

    @property
    def has_seeds(self) -> bool:
        """Whether a setting was trained more than once."""
        return any(len(row.seeds) > 1 for row in self.rows)

    @property
    def averaging(self) -> Literal["case", "pooled"]:
        return self.options.averaging or "case"

    @cached_property
    def draws(self) -> Draws | None:
        """The resamples of the cases; every row sees the same."""
        n, seed = self.options.bootstrap, self.options.seed
        return draw(self.case_ids, resamples=n, seed=seed) if n else None

    @cached_property
    def estimates(self) -> tuple["ClassEstimates", ...]:
        """Every metric of every class; a metric of a case is its mean over the seeds that define it."""
        return tuple(_estimate_class(self, i) for i in range(len(self.classes)))

    @cached_property
    def close(self) -> set[str]:
        """Metrics whose best row is within twice the spread over the seeds of the baseline, in some class."""
        if not self.has_seeds:
            return set()
        return {name for name in METRICS if any(found.is_close(name, self.baseline or 0) for found in self.estimates)}


@dataclass(frozen=True, kw_only=True)
class ClassEstimates:
    """One class in every row.

    Attributes:
        metrics: the estimate of each.
        seed_std: standard deviation over the seeds of each metric's value, shape (row,).
    """

    metrics: Mapping[str, Estimate]
    seed_std: Mapping[str, np.ndarray]

    def is_close(self, metric: str, baseline: int) -> bool:
        """Whether the best row is hardly better than the baseline, by the spread over the seeds."""
        values, spreads = self.metrics[metric].value, self.seed_std[metric]
        if np.isnan(values).all() or np.isnan(spreads).all():
            return False
        pooled = float(np.sqrt(np.nanmean(spreads**2)))
        return bool(np.nanmax(values) - values[baseline] < 2 * pooled)


def tradeoff_table(report: TrainedReport) -> SweepTable:
    """Tabulate every setting: class by class, and below several classes their mean."""
    blocks = {name: _class_rows(report, i) for i, name in enumerate(report.classes)}
    if len(blocks) > 1:
        blocks[MEAN] = _mean_rows(report, list(blocks.values()))
    binned = any(prediction.approx for row in report.rows for prediction in row.all_predictions)
    options = report.options
    apr = f"{options.apr_method}, {options.apr_averaging}{', narrow bins of probability' if binned else ''}"
    table = SweepTable(
        loss=report.schema.loss,
        mode=report.mode,
        title=report.title,
        settings=report.settings,
        columns=_columns(report),
        rows=tuple({"class": name, **row} for name, block in blocks.items() for row in block),
        best=better_of(*(name for name in METRICS if name not in report.close)),
        averaging=report.averaging,
        threshold_rule=report.threshold_rule,
        split=report.split,
        n_cases=len(report.case_ids),
        caption={"apr": apr, **report.caption, **_rank_correlation(report, blocks)},
        notes=(*report.notes, *_notes(report)),
        shown=(*METRICS[:-1], *(name for name in _SHOWN_FACTS if name in report.facts)),
        paper=LAYOUTS.get(report.schema.loss),
    )
    symbols = {_SYMBOLS.get(column, column): column for column in report.settings}
    return replace(table, pictures=(tradeoff(replace(table, caption={"apr": apr}), symbols),))


def _columns(report: TrainedReport) -> tuple[str, ...]:
    """The metrics, what belongs to the loss and the training, and the spreads."""
    names = MetricColumns(
        metrics=METRICS,
        spread=report.averaging == "case",
        bootstrap=report.draws is not None,
        differences=report.baseline is not None,
    ).names
    extra = ["f2_if_pooled"] if report.averaging == "case" else []
    extra += ["hard_tversky_loss"] if "beta_fn" in report.settings else []
    seeds = [f"{name}_seed_std" for name in METRICS] if report.has_seeds else []
    return (*names[: len(METRICS)], *extra, *names[len(METRICS) :], *seeds, *report.facts)


def _class_rows(report: TrainedReport, index: int) -> list[dict[str, Any]]:
    found = report.estimates[index]
    rows = []
    for i, (row, metrics) in enumerate(zip(report.rows, metric_rows(found.metrics), strict=True)):
        counts = row.counts(index, report.case_ids)
        stds = {f"{name}_seed_std": float(spread[i]) for name, spread in found.seed_std.items()}
        absent = "" if counts.truth.any() else f"no voxel of {report.classes[index]} in any case"
        own = {
            # 1/F2 = (3/Sens + 2/DSC)/5 holds for one set of counts, so the gap to `f2` shows the averaging
            "f2_if_pooled": float(ratio(5, ratio(3, metrics["sensitivity"]) + ratio(2, metrics["dsc"]))),
            "pred_volume_ratio": float(ratio(counts.pred.sum(), counts.truth.sum())),
            "empty_predictions": float((counts.pred == 0).sum(axis=1).mean()),
            "note": "; ".join(filter(None, (row.note, absent))),
        }
        if "beta_fn" in row.setting:
            own["hard_tversky_loss"] = _hard_tversky_loss(report, row, index)
        rows.append({**row.setting, **row.facts, **metrics, **own, **(stds if report.has_seeds else {})})
    return rows


def _hard_tversky_loss(report: TrainedReport, row: Achieved, index: int) -> float:
    counts = row.counts(index, report.case_ids)
    if report.averaging == "pooled":
        counts = type(counts)(**{side: n.sum(axis=-1) for side, n in vars(counts).items()})
    values = tversky_index(counts, alpha=row.setting["alpha_fp"], beta=row.setting["beta_fn"])
    return 1 - float(mean(mean(values)))


def _mean_rows(report: TrainedReport, blocks: Sequence[Sequence[Row]]) -> list[dict[str, Any]]:
    means = {name: mean_over_classes([found.metrics[name] for found in report.estimates]) for name in METRICS}
    return [
        {**row.setting, **row.facts, **mean_cells(of_classes, _PER_CLASS), **metrics, "note": row.note}
        for row, of_classes, metrics in zip(report.rows, zip(*blocks, strict=True), metric_rows(means), strict=True)
    ]


def _estimate_class(report: TrainedReport, index: int) -> ClassEstimates:
    if report.averaging == "case":
        found = {name: _over_cases(report, index, name) for name in METRICS}
    else:
        found = _of_pooled_counts(report, index)
    if report.options.apr_averaging == "case":
        found["apr"] = _over_cases(report, index, "apr")
    else:
        areas = [row.pooled_apr(index, report.case_ids, report.options) for row in report.rows]
        found["apr"] = (
            Estimate(value=np.array([mean(area) for area in areas])),
            np.array([_std(area) for area in areas]),
        )
    return ClassEstimates(
        metrics={name: found[name][0] for name in METRICS}, seed_std={name: found[name][1] for name in METRICS}
    )


def _over_cases(report: TrainedReport, index: int, name: str) -> tuple[Estimate, np.ndarray]:
    """A metric in every row, the seeds of a case averaged first, and its spread over the seeds."""
    values = [row.values(name, index, report.case_ids) for row in report.rows]
    spread = np.array([_std(mean(of_row.T)) for of_row in values])
    return of_cases(np.stack([mean(of_row) for of_row in values]), report.draws, report.baseline), spread


def _of_pooled_counts(report: TrainedReport, index: int) -> dict[str, tuple[Estimate, np.ndarray]]:
    """Every metric of summed counts, the mean over the seeds, and its spread over them."""
    per_row = [of_counts(row.counts(index, report.case_ids), "pooled", report.draws) for row in report.rows]
    found = {}
    for name in per_row[0]:
        of_seeds = [of_row[name] for of_row in per_row]
        resamples = [mean(estimate.resamples.T) for estimate in of_seeds if estimate.resamples is not None]
        estimate = Estimate(
            value=np.array([mean(estimate.value) for estimate in of_seeds]),
            resamples=np.stack(resamples, axis=1) if resamples else None,
        )
        found[name] = with_baseline(estimate, report.baseline), np.array([_std(each.value) for each in of_seeds])
    return found


def _std(values: np.ndarray) -> float:
    """Over the seeds; undefined for a single one."""
    return summarise(np.asarray(values)).std


def _notes(report: TrainedReport) -> list[str]:
    """What may be said of trained models, and what not: chance and significance."""
    notes = [] if report.has_seeds else [_ONE_RUN]
    notes += [] if report.draws is not None else [_NO_BOOTSTRAP]
    estimates = [estimate for found in report.estimates for estimate in found.metrics.values()]
    compares = report.baseline is not None and (report.draws is not None or report.schema.compares_losses)
    notes += [PAIRED] if compares and differ_in_cases(estimates) else []
    names = ", ".join(name for name in METRICS if name in report.close)
    return [*notes, f"{names}: {_CLOSE}."] if names else notes


def _rank_correlation(report: TrainedReport, blocks: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """Rank correlation of β and sensitivity over the rows: whether a dearer miss is paid for."""
    if "beta_fn" not in report.settings or len(report.rows) < 3:
        return {}
    found = {name: spearman([(row["beta_fn"], row["sensitivity"]) for row in rows]) for name, rows in blocks.items()}
    texts = {name: "undefined" if np.isnan(value) else f"{value:.3f}" for name, value in found.items()}
    said = [f"{name} {text}" if len(texts) > 1 else text for name, text in texts.items()]
    return {"spearman_beta_sensitivity": ", ".join(said)}


def spearman(pairs: Sequence[tuple[float, float]]) -> float:
    """Rank correlation of the pairs that are defined; nan where one side does not vary."""
    defined = np.array([pair for pair in pairs if not np.isnan(pair).any()]).reshape(-1, 2)
    x, y = (average_ranks(side) - (len(defined) + 1) / 2 for side in defined.T)
    return float(ratio(x @ y, np.sqrt((x @ x) * (y @ y))))
