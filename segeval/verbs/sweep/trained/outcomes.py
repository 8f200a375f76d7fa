"""What trained models achieved: counts of every class, seed and case, whatever the masks came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any, Literal

import numpy as np

from segeval.evidence.overlap.counts import Counts
from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.evidence.probabilities.scored_map import ScoredMap
from segeval.verbs.sweep.evidence.curve import Curve
from segeval.verbs.sweep.grid import Setting

AprMethod = Literal["step", "trapezoid"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One prediction of one case, class by class.

    Attributes:
        counts: every field of shape (class,).
        apr: area under the precision-recall curve, shape (class,); nan for masks.
        histograms: voxels per probability of each class, where the curve over all cases is asked for.
        approx: whether the curve is that of narrow bins of probability, as of large images.
    """

    counts: Counts
    apr: np.ndarray
    histograms: tuple[ProbHistogram, ...] = ()
    approx: bool = False


@dataclass(frozen=True, kw_only=True)
class Achieved:
    """All predictions of one setting.

    Attributes:
        outcomes: seed -> case -> what was achieved; every seed has the same cases.
        facts: further columns of its row, such as `train_loss_last`.
    """

    setting: Setting
    outcomes: Mapping[str, Mapping[str, Outcome]]
    facts: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def seeds(self) -> tuple[str, ...]:
        return tuple(self.outcomes)

    def counts(self, of_class: int, case_ids: Sequence[str]) -> Counts:
        """Counts of one class, every field of shape (seed, case)."""
        rows = [[self.outcomes[seed][one].counts[of_class] for one in case_ids] for seed in self.seeds]
        sides = (np.array([[getattr(one, side) for one in row] for row in rows]) for side in ("tp", "fp", "fn", "tn"))
        tp, fp, fn, tn = sides
        return Counts(tp=tp, fp=fp, fn=fn, tn=tn)

    @property
    def approx(self) -> bool:
        """Whether any area under a curve is that of narrow bins."""
        return any(one.approx for of_seed in self.outcomes.values() for one in of_seed.values())

    def apr(self, of_class: int, case_ids: Sequence[str]) -> np.ndarray:
        """Areas under the precision-recall curves of one class, shape (seed, case)."""
        return np.array([[self.outcomes[seed][one].apr[of_class] for one in case_ids] for seed in self.seeds])

    def pooled_apr(self, of_class: int, case_ids: Sequence[str], method: AprMethod) -> np.ndarray:
        """The area under the curve of all voxels pooled, shape (seed,); nan for masks."""
        pooled = [[self.outcomes[seed][one].histograms for one in case_ids] for seed in self.seeds]
        return np.array([_pooled_area([one[of_class] for one in row if one], method) for row in pooled])


def outcome_of_maps(maps: Sequence[ScoredMap], *, method: AprMethod, keep_histograms: bool) -> Outcome:
    """Score the masks `p >= 0.5`, one class against the rest, and the curves behind them."""
    histograms = tuple(one.histogram() for one in maps)
    tp, fp, fn, tn = np.array([_counts_at_half(one) for one in maps], dtype=np.int64).T
    return Outcome(
        counts=Counts(tp=tp, fp=fp, fn=fn, tn=tn),
        apr=np.array([Curve.of(one).average_precision(method) for one in histograms]),
        histograms=histograms if keep_histograms else (),
        approx=any(one.approx for one in histograms),
    )


def outcome_of_mask(counts: Counts) -> Outcome:
    """Score a mask, which has no curve."""
    return Outcome(counts=counts, apr=np.full(counts.tp.shape, np.nan))


def summed(counts: Counts) -> Counts:
    """Counts summed over the last axis."""
    tp, fp, fn, tn = (side.sum(axis=-1) for side in (counts.tp, counts.fp, counts.fn, counts.tn))
    return Counts(tp=tp, fp=fp, fn=fn, tn=tn)


def _pooled_area(histograms: Sequence[ProbHistogram], method: AprMethod) -> float:
    return Curve.of(reduce(add, histograms)).average_precision(method) if histograms else float("nan")


def _counts_at_half(one: ScoredMap) -> tuple[int, int, int, int]:
    """TP, FP, FN and TN of the mask `p >= 0.5`."""
    predicted = one.map.at_least_half()
    tp, n_pred, n_truth = (int(mask.sum()) for mask in (predicted & one.truth, predicted, one.truth))
    return tp, n_pred - tp, n_truth - tp, predicted.size - n_pred - n_truth + tp
