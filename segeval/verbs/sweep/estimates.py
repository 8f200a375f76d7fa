"""What a table says over cases: which are chosen on and which reported, and the metrics of these.

Metrics are means over the cases with their spread, or those of pooled counts; with intervals and differences.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.overlap.counts import Counts
from segeval.files.paths import counted
from segeval.metrics.overlap import dice, f2, iou, precision, sensitivity, specificity
from segeval.statistics.bootstrap import Draws, means_of_resamples
from segeval.statistics.summary import mean, quantile, summarise_columns

FORMULAS: Mapping[str, Callable[[Counts], np.ndarray]] = {
    "dsc": dice,
    "sensitivity": sensitivity,
    "specificity": specificity,
    "precision": precision,
    "f2": f2,
    "iou": iou,
}
INTERVAL = (0.025, 0.975)
PAIRED = "Rows are defined in different numbers of cases (n); differences are over the cases that both rows define."


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One metric in every row of a table.

    Attributes:
        value: shape (row,); nan is undefined.
        std, n: spread over the cases and how many were defined, shape (row,); None where nothing was averaged.
        resamples: the value in every bootstrap resample of the cases, shape (resample, row); None without.
        compared: every row, and the baseline beside it, both over the cases that both define; None without a baseline.
    """

    value: np.ndarray
    std: np.ndarray | None = None
    n: np.ndarray | None = None
    resamples: np.ndarray | None = None
    compared: "tuple[Estimate, Estimate] | None" = None

    @property
    def difference(self) -> "Estimate | None":
        """Every row against the baseline."""
        if self.compared is None:
            return None
        row, baseline = self.compared
        paired = row.resamples is not None and baseline.resamples is not None
        return Estimate(
            value=row.value - baseline.value,
            resamples=row.resamples - baseline.resamples if paired else None,  # type: ignore[operator]
        )


@dataclass(frozen=True, kw_only=True)
class MetricColumns:
    """How estimates are written: `dsc`, then `dsc_std`, `dsc_n`, and with a bootstrap `dsc_lo` and so on.

    Attributes:
        metrics: their order.
        spread: whether the values are averages over cases.
        bootstrap: whether there are intervals.
        differences: whether rows are compared with a baseline.
    """

    metrics: Sequence[str]
    spread: bool
    bootstrap: bool = False
    differences: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every column: the metrics, then what belongs to each."""
        suffixes = ["std", "n"] if self.spread else []
        suffixes += ["lo", "hi"] if self.bootstrap else []
        suffixes += ["diff", "diff_lo", "diff_hi"] if self.bootstrap and self.differences else []
        return (*self.metrics, *(f"{metric}_{suffix}" for metric in self.metrics for suffix in suffixes))


def metric_rows(estimates: Mapping[str, Estimate]) -> list[dict[str, float]]:
    """One dictionary of columns per row of the table."""
    columns: dict[str, np.ndarray] = {}
    for metric, estimate in estimates.items():
        columns[metric] = estimate.value
        if estimate.std is not None and estimate.n is not None:
            columns |= {f"{metric}_std": estimate.std, f"{metric}_n": estimate.n}
        if estimate.resamples is not None:
            columns |= _interval(metric, estimate.resamples)
            difference = estimate.difference
            if difference is not None and difference.resamples is not None:
                columns[f"{metric}_diff"] = difference.value
                columns |= _interval(f"{metric}_diff", difference.resamples)
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def differ_in_cases(estimates: Iterable[Estimate]) -> bool:
    """Whether some rows are means of other cases than the others, so that differences are over fewer than either."""
    return any(estimate.n is not None and len(set(estimate.n.tolist())) > 1 for estimate in estimates)


def of_cases(values: np.ndarray, draws: Draws | None = None, baseline: int | None = None) -> Estimate:
    """The mean over the cases where a metric is defined, from values of shape (row, case).

    Args:
        baseline: the row that the others are compared with, each on the cases that both define.
    """
    spread = summarise_columns(values.T)
    estimate = replace(
        _mean_of_cases(values, draws),
        std=np.array([column.std for column in spread]),
        n=np.array([column.n for column in spread]),
    )
    if baseline is None:
        return estimate
    row, base = _where_both(values, values[[baseline]])
    return replace(estimate, compared=(_mean_of_cases(row, draws), _mean_of_cases(base, draws)))


def of_counts(
    counts: Counts, averaging: Literal["case", "pooled"], draws: Draws | None = None, baseline: int | None = None
) -> dict[str, Estimate]:
    """Every metric, from counts of shape (row, case): averaged over cases, or of the summed counts."""
    if averaging == "case":
        return {name: of_cases(formula(counts), draws, baseline) for name, formula in FORMULAS.items()}
    pooled = Counts(**{side: n.sum(axis=1) for side, n in vars(counts).items()})
    estimates = {name: Estimate(value=formula(pooled)) for name, formula in FORMULAS.items()}
    if draws is not None:
        weights = draws.weights[:, draws.unit_of_case].astype(np.int64)
        resampled = Counts(**{side: weights @ n.T for side, n in vars(counts).items()})
        estimates = {
            name: replace(estimate, resamples=FORMULAS[name](resampled)) for name, estimate in estimates.items()
        }
    return {name: with_baseline(estimate, baseline) for name, estimate in estimates.items()}


def with_baseline(estimate: Estimate, baseline: int | None) -> Estimate:
    """An estimate whose every row speaks of the same voxels, compared with one of its rows."""
    if baseline is None:
        return estimate
    row, base = _where_both(estimate.value, estimate.value[[baseline]])
    if estimate.resamples is None:
        return replace(estimate, compared=(Estimate(value=row), Estimate(value=base)))
    rows, bases = _where_both(estimate.resamples, estimate.resamples[:, [baseline]])
    compared = Estimate(value=row, resamples=rows), Estimate(value=base, resamples=bases)
    return replace(estimate, compared=compared)


def mean_over_classes(classes: Sequence[Estimate]) -> Estimate:
    """The unweighted mean over classes; its `n` counts the classes that are defined."""
    values = np.stack([estimate.value for estimate in classes])
    estimate = replace(
        _mean_of_classes(classes),
        std=np.full(values.shape[1], np.nan),
        n=np.count_nonzero(~np.isnan(values), axis=0),
    )
    pairs = [estimate.compared for estimate in classes if estimate.compared is not None]
    if not pairs:
        return estimate
    rows, baselines = zip(*pairs, strict=True)
    return replace(estimate, compared=(_mean_of_classes(rows), _mean_of_classes(baselines)))


def _mean_of_cases(values: np.ndarray, draws: Draws | None) -> Estimate:
    return Estimate(value=mean(values.T), resamples=None if draws is None else means_of_resamples(draws, values.T))


def _mean_of_classes(classes: Sequence[Estimate]) -> Estimate:
    resamples = [estimate.resamples for estimate in classes if estimate.resamples is not None]
    return Estimate(
        value=mean(np.stack([estimate.value for estimate in classes])),
        resamples=mean(np.stack(resamples)) if resamples else None,
    )


def _where_both(values: np.ndarray, baseline: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both sides where both are defined, so that no mean is of other cases or classes than the one it is held to."""
    lacking = np.isnan(values) | np.isnan(baseline)
    return np.where(lacking, np.nan, values), np.where(lacking, np.nan, baseline)


def _interval(name: str, resamples: np.ndarray) -> dict[str, np.ndarray]:
    low, high = (quantile(resamples, end) for end in INTERVAL)
    return {f"{name}_lo": low, f"{name}_hi": high}


@dataclass(frozen=True, kw_only=True)
class Split:
    """Case ids of the two sides; the same ids on both where nothing was split."""

    select: tuple[str, ...]
    report: tuple[str, ...]

    @property
    def optimistic(self) -> bool:
        """Whether the choice is made on the reported cases."""
        return bool(set(self.select) & set(self.report))

    def __str__(self) -> str:
        if self.optimistic:
            return "chosen and reported on the same cases"
        n, others = len(self.select), len(self.report)
        return f"chosen on {counted(n, 'case')}, reported on {counted(others, 'other')}"


def split_cases(case_ids: Sequence[str], *, select: str | None, report: str | None) -> Split:
    """Part the cases; a side that is not named gets the rest, and with neither named both get all.

    Args:
        select, report: ids with `*` for any characters, separated by commas.

    Raises:
        ConfigError: a side is empty, or a case is on both.
    """
    if select is None and report is None:
        return Split(select=tuple(case_ids), report=tuple(case_ids))
    if len(case_ids) < 2:
        raise ConfigError("There is one case only, which is too few to choose on some and report on others.")
    chosen = _matching(case_ids, select, "--select") if select else None
    reported = _matching(case_ids, report, "--report") if report else _rest(case_ids, chosen or ())
    chosen = _rest(case_ids, reported) if chosen is None else chosen
    both = sorted(set(chosen) & set(reported))
    if both:
        raise ConfigError(f"--select and --report share {', '.join(both)}. A case can be on one side only.")
    if not chosen or not reported:
        side, other = ("--report", "--select") if chosen else ("--select", "--report")
        raise ConfigError(f"{other} takes all {len(case_ids)} cases and leaves none for {side}. Name fewer.")
    return Split(select=chosen, report=reported)


def _matching(case_ids: Sequence[str], texts: str, option: str) -> tuple[str, ...]:
    patterns = [text.strip() for text in texts.split(",") if text.strip()]
    for pattern in patterns:
        if not any(fnmatchcase(case_id, pattern) for case_id in case_ids):
            raise ConfigError(f"{option} {pattern}: no such case. There are {', '.join(case_ids[:5])}, ...")
    return tuple(case_id for case_id in case_ids if any(fnmatchcase(case_id, pattern) for pattern in patterns))


def _rest(case_ids: Sequence[str], taken: Sequence[str]) -> tuple[str, ...]:
    return tuple(case_id for case_id in case_ids if case_id not in taken)
