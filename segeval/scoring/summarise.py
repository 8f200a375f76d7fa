"""Rows in, summary out: per class over the cases, the mean over classes, and per case-level measure."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.evidence.labels import MEAN_OF_CLASSES, WHOLE_CASE, LabelClass
from segeval.evidence.overlap.counts import Counts, Histogram
from segeval.evidence.policies import distance_or_policy
from segeval.measure import Level, MeasureCall
from segeval.results import CaseRow, ClassRow, SummaryRow
from segeval.scoring.evaluate import may_be_endless, value_of_case, with_declared
from segeval.scoring.evidence import MAX_IDS
from segeval.scoring.plan import Aggregation, Plan
from segeval.scoring.pooled import PooledCases
from segeval.statistics.bootstrap import Draws, draw
from segeval.statistics.intervals import corrected, intervals_of_means
from segeval.statistics.summary import STATISTICS, Summary, apply_undefined, mean, summarise_columns


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The rows of the cases that have values, sorted by case id; each case has every class, in order.

    `pooled` and `totals` are counts and evidence added up over the cases; without counts nothing is pooled.
    """

    cases: Sequence[CaseRow]
    class_rows: Sequence[ClassRow]
    classes: Sequence[LabelClass]
    pooled: Histogram | None
    plan: Plan
    n_missing: int
    totals: Mapping[Hashable, Any] = field(default_factory=dict)

    @cached_property
    def together(self) -> PooledCases | None:
        """All cases as one; None where nothing adds up."""
        if not self.cases or self.pooled is None:
            return None
        counts = _counts_of_cases(self)
        n_scored = counts[:, 0].sum(axis=-1) if counts.shape[1] else np.zeros(len(self.cases))
        return PooledCases(
            plan=self.plan,
            classes=self.classes,
            histogram=self.pooled,
            counts=Counts(**dict(zip(("tp", "fp", "fn", "tn"), counts.sum(axis=0).T, strict=True))),
            sources=frozenset(row.probability_source for row in self.cases),
            totals=self.totals,
            volumes_ml={row.case_id: n * row.grid.voxel_ml for row, n in zip(self.cases, n_scored, strict=True)},
        )


def merge_histograms(histograms: Sequence[Histogram]) -> Histogram:
    """The joint histogram of all cases together, ids ascending.

    Raises:
        DataError: there are more different ids than can be classes.
    """
    ids = sorted({one for histogram in histograms for one in histogram.ids})
    if len(ids) > MAX_IDS:
        raise DataError(
            f"The cases hold {len(ids)} different ids between them; {MAX_IDS} is the most that can be classes. "
            "Check that these are label masks and no images. Maps of objects are scored with --instances."
        )
    n = np.zeros((len(ids), len(ids)), dtype=np.int64)
    for histogram in histograms:
        n += histogram.on(ids)
    return Histogram(ids=tuple(ids), n=n)


def summary_rows(scored: Scored, how: Aggregation) -> tuple[SummaryRow, ...]:
    """One row per class and measure, then `(mean)` over the classes, then `(all)` for case-level measures.

    Raises:
        DataError: a value is undefined and the policy is `fail`.
    """
    names, draws = [one.name for one in scored.classes], _draws(scored, how)
    per_class = _Block.of(scored, "class", names, [row.values for row in scored.class_rows], how, draws)
    per_case = _Block.of(scored, "case", [WHOLE_CASE], [row.values for row in scored.cases], how, draws)
    return (*per_class.rows(scored), *per_class.macro_rows(scored), *per_case.rows(scored))


@dataclass(frozen=True, kw_only=True)
class _Block:
    """Values of shape (case, name, column), with their pooled values and the intervals of their means."""

    names: Sequence[str]
    calls: Sequence[MeasureCall]
    raw: np.ndarray
    values: np.ndarray
    pooled: np.ndarray
    intervals: np.ndarray
    macro_intervals: np.ndarray

    @classmethod
    def of(
        cls,
        scored: Scored,
        level: Level,
        names: Sequence[str],
        rows: Sequence[Mapping[str, float]],
        how: Aggregation,
        draws: Draws | None,
    ) -> "_Block":
        calls = scored.plan.at(level)
        shape = (len(scored.cases), len(names), len(calls))
        raw = np.array([[row[call.column] for call in calls] for row in rows], dtype=np.float64).reshape(shape)
        values = _defined(raw, calls, names, scored, how)
        intervals, macro = _intervals(values, draws, how)
        pooled = _pooled_values(scored.together, level, calls, len(names))
        for j, call in enumerate(calls):
            if call.measure.of_data_set and scored.together is not None and draws is not None:
                resampled = scored.together.resampled(call, level, draws)
                intervals[:, :, j] = np.transpose([_ends(column, how) for column in resampled.T])
                macro[:, j] = _ends(mean(resampled.T), how)
        return cls(
            names=names, calls=calls, raw=raw, values=values, pooled=pooled, intervals=intervals, macro_intervals=macro
        )

    def rows(self, scored: Scored) -> list[SummaryRow]:
        """One row per name and column."""
        columns = [(i, j) for i in range(len(self.names)) for j in range(len(self.calls))]
        summaries = summarise_columns(self.values.reshape(len(self.values), len(columns)))
        return [self._row(i, j, found, scored.n_missing) for (i, j), found in zip(columns, summaries, strict=True)]

    def _row(self, i: int, j: int, found: Summary, n_missing: int) -> SummaryRow:
        low, high = self.intervals[:, i, j]
        is_of_all = self.calls[j].measure.of_data_set  # and so of every case, none of which lacks a value
        statistics: dict[str, float] = {name: getattr(found, name) for name in STATISTICS}
        return SummaryRow(
            name=self.names[i],
            column=self.calls[j].column,
            n=len(self.raw) if is_of_all else found.n,
            n_undefined=0 if is_of_all else int(np.isnan(self.raw[:, i, j]).sum()),
            n_inf=found.n_inf,
            n_missing=n_missing,
            statistics={**statistics, "ci_low": float(low), "ci_high": float(high)},
            pooled=float(self.pooled[i, j]),
        )

    def macro_rows(self, scored: Scored) -> list[SummaryRow]:
        """The unweighted mean of the class means; a class without any defined value is left out."""
        of_classes = mean(self.values)
        means, pooled = mean(of_classes), mean(self.pooled)
        return [
            SummaryRow(
                name=MEAN_OF_CLASSES,
                column=call.column,
                n=int((~np.isnan((self.pooled if call.measure.of_data_set else of_classes)[:, j])).sum()),
                n_undefined=None,
                n_inf=None,
                n_missing=scored.n_missing,
                statistics={
                    "mean": float(means[j]),
                    "ci_low": float(self.macro_intervals[0, j]),
                    "ci_high": float(self.macro_intervals[1, j]),
                },
                pooled=float(pooled[j]),
            )
            for j, call in enumerate(self.calls)
        ]


def _defined(
    raw: np.ndarray, calls: Sequence[MeasureCall], names: Sequence[str], scored: Scored, how: Aggregation
) -> np.ndarray:
    """The values with the policy for undefined ones applied; a measure that only describes skips them."""
    values, case_ids = raw.copy(), [case.case_id for case in scored.cases]
    for j, call in enumerate(calls):
        if call.measure.better == "none" or call.measure.of_data_set:
            continue
        if how.undefined == "worst" and may_be_endless(call.measure):
            values[:, :, j] = np.where(np.isnan(raw[:, :, j]), _worst_distances(scored)[:, None], raw[:, :, j])
            continue
        for i, name in enumerate(names):
            values[:, i, j] = apply_undefined(
                raw[:, i, j],
                how.undefined,
                worst=call.measure.worst,
                best=call.measure.best,
                measure=call.column,
                class_name=name,
                case_ids=case_ids,
            )
    return values


def _worst_distances(scored: Scored) -> np.ndarray:
    """The distance to nothing in each case, as the user wants it; it stays infinite where that is undefined."""
    policy = scored.plan.empty_distance
    worst = [distance_or_policy(math.inf, policy=policy, diagonal=case.grid.diagonal) for case in scored.cases]
    return np.nan_to_num(np.array(worst, dtype=np.float64), nan=math.inf, posinf=math.inf)


def _draws(scored: Scored, how: Aggregation) -> Draws | None:
    """Resamples of the cases; None where none are wanted, or of one case."""
    case_ids = [case.case_id for case in scored.cases]
    return draw(case_ids, resamples=how.bootstrap, seed=how.seed) if how.bootstrap and len(case_ids) > 1 else None


def _intervals(values: np.ndarray, draws: Draws | None, how: Aggregation) -> tuple[np.ndarray, np.ndarray]:
    """Low and high ends: of every mean, (2, name, column), and of the means over names, (2, column)."""
    _, n_names, n_columns = values.shape
    if draws is None:
        return np.full((2, n_names, n_columns), math.nan), np.full((2, n_columns), math.nan)
    return intervals_of_means(draws, values, level=how.ci_level)


def _ends(resampled: np.ndarray, how: Aggregation) -> tuple[float, float]:
    interval = corrected(resampled, estimate=math.nan, jackknife=None).interval(how.ci_level)
    return interval.low, interval.high


def _pooled_values(
    together: PooledCases | None, level: Level, calls: Sequence[MeasureCall], n_names: int
) -> np.ndarray:
    """Each measure on the summed evidence of all cases; nan where its evidence does not add up."""
    pooled = np.full((n_names, len(calls)), math.nan)
    for j, call in enumerate(calls):
        if together is None:
            continue
        values = together.values(call, level)
        declared = with_declared if level == "class" else value_of_case
        pooled[:, j] = declared(values, call, together.counts)
    return pooled


def _counts_of_cases(scored: Scored) -> np.ndarray:
    """tp, fp, fn and tn of every class of every case, (case, class, 4)."""
    rows = [[row.tp, row.fp, row.fn, row.tn] for row in scored.class_rows]
    return np.array(rows, dtype=np.int64).reshape(len(scored.cases), len(scored.classes), 4)
