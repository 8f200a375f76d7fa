"""The table of trained models: what each setting achieved, in the columns of arXiv 1706.05721, Table 1."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from segeval.measure import ratio
from segeval.metrics.overlap import tversky_index
from segeval.statistics.summary import mean
from segeval.verbs.sweep.output.metrics import mean_over_classes
from segeval.verbs.sweep.output.papers import LAYOUTS
from segeval.verbs.sweep.output.pictures import tradeoff
from segeval.verbs.sweep.output.table import MEAN, Row, SweepTable, better_of, mean_cells
from segeval.verbs.sweep.trained.estimates import METRICS, ClassEstimates, estimate_class
from segeval.verbs.sweep.trained.notes import close_to_baseline, notes_on, rank_correlation
from segeval.verbs.sweep.trained.outcomes import Achieved, summed
from segeval.verbs.sweep.trained.report import Report

SHOWN_FACTS = ("train_loss_last", "diverged", "pred_volume_ratio")
_OF_CLASS = ("f2_if_pooled", "hard_tversky_loss", "pred_volume_ratio", "empty_predictions")


def tradeoff_table(report: Report) -> SweepTable:
    """Tabulate every setting: class by class, and below several classes their mean."""
    of_class = {name: estimate_class(report.rows, i, report.how) for i, name in enumerate(report.classes)}
    blocks = {name: _block(report, i, of_class[name]) for i, name in enumerate(report.classes)}
    if len(blocks) > 1:
        blocks[MEAN] = _mean_block(report, list(of_class.values()), list(blocks.values()))
    close = close_to_baseline(report, list(of_class.values()))
    table = SweepTable(
        loss=report.words.loss,
        mode=report.mode,
        title=report.title,
        settings=report.settings,
        columns=_columns(report),
        rows=tuple({"class": name, **row} for name, block in blocks.items() for row in block),
        best=better_of(*(name for name in METRICS if name not in close)),
        averaging=report.how.averaging,
        threshold_rule=report.threshold_rule,
        split=report.split,
        n_cases=len(report.how.case_ids),
        caption={**_apr_caption(report), **report.caption, **rank_correlation(report, blocks)},
        notes=(*report.notes, *notes_on(report, close)),
        shown=(*METRICS[:-1], *(name for name in SHOWN_FACTS if name in report.facts)),
        paper=LAYOUTS.get(report.words.loss),
    )
    picture = tradeoff(replace(table, caption=_apr_caption(report)), _symbols(report))
    return replace(table, pictures=(picture,))


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
        {**row.setting, **row.facts, **mean_cells([block[i] for block in blocks], _OF_CLASS), **metrics[i]}
        | {"note": row.note}
        for i, row in enumerate(report.rows)
    ]


def _symbols(report: Report) -> dict[str, str]:
    """What stands beside the points of the picture."""
    known = {"alpha_fp": "α", "beta_fn": "β", "alpha_pos": "α", "gamma": "γ"}
    return {known.get(column, column): column for column in report.settings}


def _apr_caption(report: Report) -> dict[str, str]:
    binned = ", narrow bins of probability" if any(row.approx for row in report.rows) else ""
    return {"apr": f"{report.how.apr_method}, {report.how.apr_averaging}{binned}"}
