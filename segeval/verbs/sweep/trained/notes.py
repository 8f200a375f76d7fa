"""What may be said of trained models, and what not: chance, significance, and the trend over β."""

from collections.abc import Mapping, Sequence

import numpy as np

from segeval.measure import ratio
from segeval.statistics.significance import average_ranks
from segeval.verbs.sweep.output.table import Row
from segeval.verbs.sweep.trained.estimates import METRICS, ClassEstimates
from segeval.verbs.sweep.trained.report import Report

_ONE_RUN = "One run per setting: nothing here says how much of a difference is chance."
_NO_BOOTSTRAP = "No difference is called significant: --bootstrap adds intervals."
_CLOSE = "no row stands out: the gap to the baseline is below twice the standard deviation over the seeds"


def notes_on(report: Report, close: set[str]) -> list[str]:
    """Sentences for below the table.

    Args:
        close: metrics in which no row may be called best.
    """
    notes = [] if report.has_seeds else [_ONE_RUN]
    notes += [] if report.how.draws is not None else [_NO_BOOTSTRAP]
    names = ", ".join(name for name in METRICS if name in close)
    return [*notes, f"{names}: {_CLOSE}."] if names else notes


def close_to_baseline(report: Report, classes: Sequence[ClassEstimates]) -> set[str]:
    """Metrics whose best row is within twice the spread over the seeds of the baseline, in some class."""
    if not report.has_seeds:
        return set()
    return {name for name in METRICS if any(_is_close(one, name, report.baseline or 0) for one in classes)}


def _is_close(estimates: ClassEstimates, metric: str, baseline: int) -> bool:
    values, spreads = estimates.of[metric].value, estimates.seed_std[metric]
    if np.isnan(values).all() or np.isnan(spreads).all():
        return False
    pooled = float(np.sqrt(np.nanmean(spreads**2)))
    return bool(np.nanmax(values) - values[baseline] < 2 * pooled)


def rank_correlation(report: Report, blocks: Mapping[str, Sequence[Row]]) -> dict[str, str]:
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
