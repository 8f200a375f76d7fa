"""The metric columns of a table: means over cases with their spread, or pooled counts, and bootstrap intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from segeval.evidence.overlap.counts import Counts
from segeval.metrics.overlap import dice, f2, iou, precision, sensitivity, specificity
from segeval.statistics.bootstrap import Draws, means_of_resamples
from segeval.statistics.summary import mean, quantile, summarise_columns
from segeval.verbs.sweep.output.table import Averaging

FORMULAS: Mapping[str, Callable[[Counts], np.ndarray]] = {
    "dsc": dice,
    "sensitivity": sensitivity,
    "specificity": specificity,
    "precision": precision,
    "f2": f2,
    "iou": iou,
}
INTERVAL = (0.025, 0.975)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One metric in every row of a table.

    Attributes:
        value: shape (row,); nan is undefined.
        std, n: spread over the cases and how many were defined, shape (row,); None where nothing was averaged.
        resamples: the value in every bootstrap resample of the cases, shape (resample, row); None without.
    """

    value: np.ndarray
    std: np.ndarray | None = None
    n: np.ndarray | None = None
    resamples: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Columns:
    """How estimates are written: `dsc`, then `dsc_std`, `dsc_n`, and with a bootstrap `dsc_lo` and so on.

    Attributes:
        metrics: their order.
        spread: whether the values are averages over cases.
        bootstrap: whether there are intervals.
        baseline: index of the row that differences are taken against.
    """

    metrics: Sequence[str]
    spread: bool
    bootstrap: bool = False
    baseline: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every column: the metrics, then what belongs to each."""
        suffixes = ["std", "n"] if self.spread else []
        suffixes += ["lo", "hi"] if self.bootstrap else []
        suffixes += ["diff", "diff_lo", "diff_hi"] if self.bootstrap and self.baseline is not None else []
        return (*self.metrics, *(f"{metric}_{suffix}" for metric in self.metrics for suffix in suffixes))

    def rows(self, estimates: Mapping[str, Estimate]) -> list[dict[str, float]]:
        """One dictionary per row of the table."""
        columns = {name: values for metric, one in estimates.items() for name, values in self._of(metric, one).items()}
        return [
            dict(zip(columns, row, strict=True))
            for row in zip(*(one.tolist() for one in columns.values()), strict=True)
        ]

    def _of(self, metric: str, one: Estimate) -> dict[str, np.ndarray]:
        columns = {metric: one.value}
        if one.std is not None and one.n is not None:
            columns |= {f"{metric}_std": one.std, f"{metric}_n": one.n}
        if one.resamples is not None:
            columns |= _interval(metric, one.resamples)
            if self.baseline is not None:
                against = [self.baseline]
                columns[f"{metric}_diff"] = one.value - one.value[against]
                columns |= _interval(f"{metric}_diff", one.resamples - one.resamples[:, against])
        return columns


def of_cases(values: np.ndarray, draws: Draws | None = None) -> Estimate:
    """The mean over the cases where a metric is defined, from values of shape (row, case)."""
    spread = summarise_columns(values.T)
    return Estimate(
        value=mean(values.T),
        std=np.array([one.std for one in spread]),
        n=np.array([one.n for one in spread]),
        resamples=means_of_resamples(draws, values.T) if draws is not None else None,
    )


def of_counts(counts: Counts, averaging: Averaging, draws: Draws | None = None) -> dict[str, Estimate]:
    """Every metric, from counts of shape (row, case): averaged over cases, or of the summed counts."""
    if averaging == "case":
        return {name: of_cases(formula(counts), draws) for name, formula in FORMULAS.items()}
    sides = (counts.tp, counts.fp, counts.fn, counts.tn)
    pooled = _counts([side.sum(axis=1) for side in sides])
    if draws is None:
        return {name: Estimate(value=formula(pooled)) for name, formula in FORMULAS.items()}
    weights = draws.weights[:, draws.unit_of_case].astype(np.int64)
    resampled = _counts([weights @ side.T for side in sides])
    return {name: Estimate(value=formula(pooled), resamples=formula(resampled)) for name, formula in FORMULAS.items()}


def mean_over_classes(classes: Sequence[Estimate]) -> Estimate:
    """The unweighted mean over classes; its `n` counts the classes that are defined."""
    values = np.stack([one.value for one in classes])
    resamples = [one.resamples for one in classes if one.resamples is not None]
    return Estimate(
        value=mean(values),
        std=np.full(values.shape[1], np.nan),
        n=np.count_nonzero(~np.isnan(values), axis=0),
        resamples=mean(np.stack(resamples)) if resamples else None,
    )


def _counts(sides: Sequence[np.ndarray]) -> Counts:
    tp, fp, fn, tn = sides
    return Counts(tp=tp, fp=fp, fn=fn, tn=tn)


def _interval(name: str, resamples: np.ndarray) -> dict[str, np.ndarray]:
    low, high = (quantile(resamples, end) for end in INTERVAL)
    return {f"{name}_lo": low, f"{name}_hi": high}
