"""The table of trained models: what each setting achieved, in the columns of arXiv 1706.05721, Table 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from segeval.measure import ratio
from segeval.metrics.overlap import tversky_index
from segeval.statistics.significance import average_ranks
from segeval.statistics.summary import mean
from segeval.tasks.sweep.achieved_metrics import METRICS, ClassEstimates, How, estimate_class
from segeval.tasks.sweep.metrics import Columns, mean_over_classes
from segeval.tasks.sweep.outcomes import Achieved, summed
from segeval.tasks.sweep.pictures import tradeoff
from segeval.tasks.sweep.table import MEAN, Mode, PaperLayout, Row, SweepTable, better_of, mean_cells
from segeval.tasks.sweep.words import Words

PAPERS: Mapping[str, PaperLayout] = {
    "tversky_loss": PaperLayout(
        settings={"Penalties": {"α": "alpha_fp", "β": "beta_fn"}},
        columns={
            "DSC": "dsc",
            "Sensitivity": "sensitivity",
            "Specificity": "specificity",
            "F2 score": "f2",
            "APR score": "apr",
        },
        source="arXiv 1706.05721, Table 1",
    ),
}
SHOWN_FACTS = ("train_loss_last", "diverged", "pred_volume_ratio")
_OF_CLASS = ("f2_if_pooled", "hard_tversky_loss", "pred_volume_ratio", "empty_predictions")
_ONE_RUN = "One run per setting: nothing here says how much of a difference is chance."
_NO_BOOTSTRAP = "No difference is called significant: --bootstrap adds intervals."


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was achieved, and how it is to be reported.

    Attributes:
        rows: sorted by setting.
        classes: names, in the order of the outcomes.
        baseline: index of the row that differences are taken against.
        facts: names of the columns in each row's facts.
        title, threshold_rule, split, caption, notes: as in `SweepTable`.
    """

    mode: Mode
    words: Words
    rows: Sequence[Achieved]
    classes: tuple[str, ...]
    how: How
    baseline: int | None = None
    facts: tuple[str, ...] = ()
    title: str = ""
    threshold_rule: str = ""
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
    def columns(self) -> Columns:
        return Columns(
            metrics=METRICS,
            spread=self.how.averaging == "case",
            bootstrap=self.how.draws is not None,
            baseline=self.baseline,
        )


def tradeoff_table(report: Report) -> SweepTable:
    """Tabulate every setting: class by class, and below several classes their mean."""
    of_class = {name: estimate_class(report.rows, i, report.how) for i, name in enumerate(report.classes)}
    blocks = {name: _block(report, i, of_class[name]) for i, name in enumerate(report.classes)}
    if len(blocks) > 1:
        blocks[MEAN] = _mean_block(report, list(of_class.values()), list(blocks.values()))
    uncertain = _uncertain(report, list(of_class.values()))
    table = SweepTable(
        loss=report.words.loss,
        mode=report.mode,
        title=report.title,
        settings=report.settings,
        columns=_columns(report),
        rows=tuple({"class": name, **row} for name, block in blocks.items() for row in block),
        best=better_of(*(name for name in METRICS if name not in uncertain)),
        averaging=report.how.averaging,
        threshold_rule=report.threshold_rule,
        split=report.split,
        n_cases=len(report.how.case_ids),
        caption={**_apr_caption(report), **report.caption, **_spearman(report, blocks)},
        notes=(*report.notes, *_usual_notes(report), *_uncertain_note(uncertain)),
        shown=(*METRICS[:-1], *(name for name in SHOWN_FACTS if name in report.facts)),
        paper=PAPERS.get(report.words.loss),
    )
    return replace(table, pictures=(tradeoff(table, _symbols(report)),))


def _columns(report: Report) -> tuple[str, ...]:
    """The metrics, what belongs to the loss and the training, and the spreads."""
    names = report.columns.names
    extra = ["f2_if_pooled"] if report.how.averaging == "case" else []
    extra += ["hard_tversky_loss"] if "beta_fn" in report.settings else []
    seeds = [f"{name}_seed_std" for name in METRICS] if report.has_seeds else []
    return (*names[: len(METRICS)], *extra, *names[len(METRICS) :], *seeds, *report.facts)


def _block(report: Report, of_class: int, estimates: ClassEstimates) -> list[dict[str, Any]]:
    metrics = report.columns.rows(estimates.of)
    return [
        {
            **row.setting,
            **row.facts,
            **metrics[i],
            **_own(report, row, of_class, metrics[i]),
            **(_seed_stds(estimates, i) if report.has_seeds else {}),
            "note": _note(report, row, of_class),
        }
        for i, row in enumerate(report.rows)
    ]


def _note(report: Report, row: Achieved, of_class: int) -> str:
    is_there = row.counts(of_class, report.how.case_ids).truth.any()
    notes = [row.note, "" if is_there else f"no voxel of {report.classes[of_class]} in any case"]
    return "; ".join(filter(None, notes))


def _own(report: Report, row: Achieved, of_class: int, metrics: Mapping[str, float]) -> dict[str, float]:
    """What no other sweep has; the columns that are shown are chosen elsewhere."""
    counts = row.counts(of_class, report.how.case_ids)
    own = {
        "f2_if_pooled": _f2_if_pooled(metrics),
        "pred_volume_ratio": float(ratio(counts.pred.sum(), counts.truth.sum())),
        "empty_predictions": float((counts.pred == 0).sum(axis=1).mean()),
    }
    if "beta_fn" in row.setting:
        scored = summed(counts) if report.how.averaging == "pooled" else counts
        index = tversky_index(scored, alpha=row.setting["alpha_fp"], beta=row.setting["beta_fn"])
        own["hard_tversky_loss"] = 1 - float(mean(mean(index)))
    return own


def _f2_if_pooled(metrics: Mapping[str, float]) -> float:
    """1/F2 = (3/Sens + 2/DSC)/5 holds for one set of counts, so the gap to `f2` shows the averaging."""
    return float(ratio(5, ratio(3, metrics["sensitivity"]) + ratio(2, metrics["dsc"])))


def _seed_stds(estimates: ClassEstimates, row: int) -> dict[str, float]:
    return {f"{name}_seed_std": float(spread[row]) for name, spread in estimates.seed_std.items()}


def _mean_block(
    report: Report, classes: Sequence[ClassEstimates], blocks: Sequence[Sequence[Row]]
) -> list[dict[str, Any]]:
    means = {name: mean_over_classes([one.of[name] for one in classes]) for name in METRICS}
    metrics = report.columns.rows(means)
    return [
        {**row.setting, **mean_cells([block[i] for block in blocks], _OF_CLASS), **metrics[i]}
        for i, row in enumerate(report.rows)
    ]


def _uncertain(report: Report, classes: Sequence[ClassEstimates]) -> set[str]:
    """Metrics whose best row is too near to the baseline to be called best: within twice the spread over the seeds."""
    if not report.has_seeds:
        return set()
    return {name for name in METRICS if any(_is_close(one, name, report.baseline or 0) for one in classes)}


def _is_close(estimates: ClassEstimates, metric: str, baseline: int) -> bool:
    values, spreads = estimates.of[metric].value, estimates.seed_std[metric]
    if np.isnan(values).all() or np.isnan(spreads).all():
        return False
    pooled = float(np.sqrt(np.nanmean(spreads**2)))
    return bool(np.nanmax(values) - values[baseline] < 2 * pooled)


def _uncertain_note(metrics: set[str]) -> list[str]:
    names = ", ".join(name for name in METRICS if name in metrics)
    said = "no row stands out: the gap to the baseline is below twice the standard deviation over the seeds"
    return [f"{names}: {said}."] if names else []


def _symbols(report: Report) -> dict[str, str]:
    """What stands beside the points of the picture."""
    known = {"alpha_fp": "α", "beta_fn": "β", "alpha_pos": "α", "gamma": "γ"}
    return {known.get(column, column): column for column in report.settings}


def _apr_caption(report: Report) -> dict[str, str]:
    return {"apr": f"{report.how.apr_method}, {report.how.apr_averaging}"}


def _usual_notes(report: Report) -> list[str]:
    notes = [] if report.has_seeds else [_ONE_RUN]
    return notes if report.how.draws is not None else [*notes, _NO_BOOTSTRAP]


def _spearman(report: Report, blocks: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """Rank correlation of β and sensitivity over the rows: whether a dearer miss is paid for."""
    if "beta_fn" not in report.settings or len(report.rows) < 3:
        return {}
    found = {name: spearman([(row["beta_fn"], row["sensitivity"]) for row in rows]) for name, rows in blocks.items()}
    only = next(iter(found.values()))
    said = _number(only) if len(found) == 1 else ", ".join(f"{name} {_number(value)}" for name, value in found.items())
    return {"spearman_beta_sensitivity": said}


def _number(value: float) -> str:
    return "undefined" if np.isnan(value) else f"{value:.3f}"


def spearman(pairs: Sequence[tuple[float, float]]) -> float:
    """Rank correlation of the pairs that are defined; nan where one side does not vary."""
    defined = np.array([pair for pair in pairs if not np.isnan(pair).any()]).reshape(-1, 2)
    x, y = (average_ranks(side) - (len(defined) + 1) / 2 for side in defined.T)
    return float(ratio(x @ y, np.sqrt((x @ x) * (y @ y))))
