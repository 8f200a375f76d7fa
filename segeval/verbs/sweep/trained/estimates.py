"""Metrics of what several settings achieved: first over the seeds of a case, then over the cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from segeval.options import Averaging
from segeval.statistics.bootstrap import Draws
from segeval.statistics.summary import mean, summarise
from segeval.verbs.sweep.output.metrics import FORMULAS, Estimate, of_cases, of_counts
from segeval.verbs.sweep.trained.outcomes import Achieved, AprMethod

METRICS = ("dsc", "sensitivity", "specificity", "f2", "apr", "precision", "iou")  # the paper's come first


Values = tuple[Estimate, np.ndarray]  # a metric in every row, and its spread over the seeds


@dataclass(frozen=True, kw_only=True)
class How:
    """What the numbers of every row and class have in common."""

    case_ids: tuple[str, ...]
    averaging: Averaging = "case"
    apr_method: AprMethod = "step"
    apr_averaging: Averaging = "case"
    draws: Draws | None = None


@dataclass(frozen=True, kw_only=True)
class ClassEstimates:
    """One class in every row.

    Attributes:
        of: each metric.
        seed_std: standard deviation over the seeds of each metric's value, shape (row,).
    """

    of: Mapping[str, Estimate]
    seed_std: Mapping[str, np.ndarray]


def estimate_class(rows: Sequence[Achieved], of_class: int, how: How) -> ClassEstimates:
    """Every metric of one class; a metric of a case is its mean over the seeds that define it."""
    by_averaging = {"case": _averaged_over_cases, "pooled": _of_pooled_counts}
    found = by_averaging[how.averaging](rows, of_class, how) | {"apr": _apr(rows, of_class, how)}
    return ClassEstimates(
        of={name: found[name][0] for name in METRICS}, seed_std={name: found[name][1] for name in METRICS}
    )


def _averaged_over_cases(rows: Sequence[Achieved], of_class: int, how: How) -> dict[str, Values]:
    counts = [row.counts(of_class, how.case_ids) for row in rows]
    return {name: _averaged([formula(one) for one in counts], how) for name, formula in FORMULAS.items()}


def _averaged(values: Sequence[np.ndarray], how: How) -> Values:
    """The mean over cases, from values of shape (seed, case) for each row."""
    spread = np.array([_std(mean(of_row.T)) for of_row in values])
    return of_cases(np.stack([mean(of_row) for of_row in values]), how.draws), spread


def _of_pooled_counts(rows: Sequence[Achieved], of_class: int, how: How) -> dict[str, Values]:
    per_row = [of_counts(row.counts(of_class, how.case_ids), "pooled", how.draws) for row in rows]
    return {name: _over_seeds([of_row[name] for of_row in per_row]) for name in FORMULAS}


def _over_seeds(per_row: Sequence[Estimate]) -> Values:
    """The mean over the seeds, from one estimate per row whose values are those of the seeds."""
    resamples = [mean(one.resamples.T) for one in per_row if one.resamples is not None]
    estimate = Estimate(
        value=np.array([mean(one.value) for one in per_row]),
        resamples=np.stack(resamples, axis=1) if resamples else None,
    )
    return estimate, np.array([_std(one.value) for one in per_row])


def _apr(rows: Sequence[Achieved], of_class: int, how: How) -> Values:
    if how.apr_averaging == "case":
        return _averaged([row.apr(of_class, how.case_ids) for row in rows], how)
    areas = [row.pooled_apr(of_class, how.case_ids, how.apr_method) for row in rows]
    return Estimate(value=np.array([mean(one) for one in areas])), np.array([_std(one) for one in areas])


def _std(values: np.ndarray) -> float:
    """Over the seeds; undefined for a single one."""
    return summarise(np.asarray(values)).std
