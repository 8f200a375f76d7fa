"""Scores that only all cases together have: how much they changed, and how sure that is.

No case has a value to be held against that of the other run, so the difference is taken in each resample of the cases.
Where both runs have the same cases and drew them alike, a resample is of the same cases in both: the pairing is kept.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from segeval.choice import choose, measure_of
from segeval.errors import ConfigError
from segeval.measure import Better
from segeval.results.stored_runs import StoredRun
from segeval.statistics.intervals import Interval, corrected
from segeval.statistics.paired import paired_differences

LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class DataSetDifference:
    """What became of a score of one class, new against base; above zero is better.

    Attributes:
        interval: of the difference, over resamples of the cases.
        is_paired: whether these draw the same cases of both runs.
    """

    class_name: str
    measure: str
    better: Better
    base: float
    new: float
    difference: float
    interval: Interval
    is_paired: bool

    @property
    def verdict(self) -> Literal["better", "worse", "not told apart"]:
        """Whether the interval lies on one side of zero."""
        if self.interval.low > 0:
            return "better"
        return "worse" if self.interval.high < 0 else "not told apart"


def data_set_differences(
    base: StoredRun, new: StoredRun, measures: Sequence[str] = ()
) -> tuple[DataSetDifference, ...]:
    """Every such score that both runs have, or those of `measures`.

    Raises:
        ConfigError: one of `measures` is such a score, and not in both.
    """
    calls = choose(measures).calls if measures else ()
    there = {(column.class_name, column.measure): column.pooled for column in base.columns}
    keys = [(one.class_name, one.measure) for one in new.columns if measure_of(one.measure).of_data_set]
    keys = [key for key in keys if key in there]
    known = {measure for _, measure in keys}
    lacking = [call.column for call in calls if call.measure.of_data_set and call.column not in known]
    if lacking:
        said = ", ".join(sorted(known)) or "none"
        raise ConfigError(f"{', '.join(lacking)}: not in both runs. Scores of all cases that they share: {said}.")
    asked = {call.column for call in calls} or known
    return tuple(_difference(base, new, key, there[key]) for key in keys if key[1] in asked)


def _difference(base: StoredRun, new: StoredRun, key: tuple[str, str], before: float) -> DataSetDifference:
    class_name, measure = key
    after = next(one.pooled for one in new.columns if (one.class_name, one.measure) == key)
    better, is_paired = measure_of(measure).better, _draw_alike(base, new)
    old, now = (run.resamples.get(key, np.zeros(0)) for run in (base, new))
    n = min(len(old), len(now))
    if not is_paired:  # one of them in another order, or like draws of other cases would go together
        old = np.random.default_rng(0).permutation(old)
    gains = paired_differences(old[:n], now[:n], better=better).differences
    gain = float(paired_differences(np.array([before]), np.array([after]), better=better).differences[0])
    return DataSetDifference(
        class_name=class_name,
        measure=measure,
        better=better,
        base=before,
        new=after,
        difference=gain,
        interval=corrected(gains, estimate=math.nan, jackknife=None).interval(LEVEL),
        is_paired=is_paired,
    )


def _draw_alike(base: StoredRun, new: StoredRun) -> bool:
    """Whether the resamples of both runs are of the same cases."""
    drawn = [(run.plan.get("seed"), run.plan.get("bootstrap")) for run in (base, new)]
    return base.case_ids == new.case_ids and drawn[0] == drawn[1]


def notes_on(found: Sequence[DataSetDifference]) -> tuple[str, ...]:
    """What to know before trusting the intervals."""
    notes = []
    if any(not one.is_paired for one in found):
        notes.append(
            "Scores of all cases are of other cases, seeds or numbers of resamples in the two runs: their intervals "
            "are those of two samples, and wider. Score both runs on the same cases to pair them."
        )
    if any(math.isnan(one.interval.low) and not math.isnan(one.difference) for one in found):
        notes.append("A run has no resamples of its scores of all cases: score it again, with --bootstrap above 0.")
    return tuple(notes)
