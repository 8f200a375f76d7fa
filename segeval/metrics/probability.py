"""Probability metrics: ranking, calibration and soft overlap of the probability maps."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np

from segeval.evidence.probabilities.class_maps import Areas, Closed, EqualParts, ProbBins, ProbSums, Region, Thresholds
from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.evidence.shapes import PerLabel
from segeval.measure import metric, ratio

UNIT = (0.0, 1.0)
BOTH = ("class", "case")
_NAEINI = "Naeini 2015, doi:10.1609/aaai.v29i1.9602"


@metric(
    symbol="AUC", formula="P(p of a voxel inside > p of one outside), ties ½", bounds=UNIT, better="higher",
    aliases=("auc", "auroc", "roc_auc"), reference="Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747",
)  # fmt: skip
def auc_roc(curves: Areas, *, exact: bool = False) -> PerLabel:
    """Area under the ROC curve: how well probabilities rank class over background.

    Undefined where the class is nowhere or everywhere. Background that is easy raises it.
    """
    return _of_each(curves, _auc)


@metric(
    symbol="AP", formula="Σ (Rₖ − Rₖ₋₁) Qₖ over the distinct probabilities", bounds=UNIT, better="higher",
    aliases=("apr",), reference="Davis and Goadrich 2006, doi:10.1145/1143844.1143874",
)  # fmt: skip
def average_precision(curves: Areas, *, method: Literal["step", "trapezoid"] = "step", exact: bool = False) -> PerLabel:
    """Area under the curve of precision (Q) over recall (R); undefined without true voxels.

    Args:
        method: `trapezoid` joins the points with straight lines, starting at recall 0 with precision 1.
            The two methods differ in either direction; do not mix them in a table.
        exact: sort the voxels however many they are.
    """
    return _of_each(curves, partial(_average_precision, method=method))


@metric(symbol="t*", formula="argmax over t of Dice(p ≥ t)", bounds=UNIT, better="none")
def best_threshold(curves: Thresholds, *, exact: bool = False) -> PerLabel:
    """The threshold with the largest Dice, of equally good ones the highest; tuned on the truth, no score."""
    return _of_each(curves, lambda found: _best(found)[0])


@metric(symbol="DSC*", formula="max over t of Dice(p ≥ t)", bounds=UNIT, better="higher")
def best_dice(curves: Thresholds, *, exact: bool = False) -> PerLabel:
    """The Dice that the best threshold would give; an upper bound, since the threshold is tuned on the truth."""
    return _of_each(curves, lambda found: _best(found)[1])


@metric(
    symbol="sDSC", formula="2Σpy / (Σp + Σy)", bounds=UNIT, better="higher",
    reference="Milletari 2016, arXiv:1606.04797",
)  # fmt: skip
def soft_dice(sums: ProbSums, *, denominator: Literal["linear", "squared"] = "linear") -> PerLabel:
    """Dice of the probabilities themselves, without smoothing; `squared` has Σp² + Σy² below."""
    predicted = sums.probs if denominator == "linear" else sums.probs_squared
    return ratio(2 * sums.hits, predicted + sums.truth)


@metric(
    symbol="BS", formula="mean of (p − y)²; per case of Σ over classes", bounds=(0.0, 2.0), better="lower", levels=BOTH,
    reference="Brier 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2",
)  # fmt: skip
def brier(sums: ProbSums) -> PerLabel:
    """Mean squared error of the probabilities: 0 to 1 per class, 0 to 2 per case."""
    return ratio(sums.squared_error, sums.n)


@metric(
    symbol="NLL", formula="mean of −ln p of what is true", bounds=(0.0, float("inf")), better="lower", unit="nat",
    levels=BOTH, reference="Good 1952, doi:10.1111/j.2517-6161.1952.tb00104.x",
)  # fmt: skip
def nll(sums: ProbSums) -> PerLabel:
    """Mean negative log-likelihood; the logarithm is floored at −100."""
    return ratio(sums.log_loss, sums.n)


@metric(
    symbol="ECE", formula="Σ (n_b / N) |mean p − mean y|", bounds=UNIT, better="lower", levels=BOTH, reference=_NAEINI
)
def ece(found: ProbBins, *, bins: int = 15, closed: Closed = "right", region: Region = "all") -> PerLabel:
    """Expected calibration error: gap between probability and frequency, averaged over voxels.

    Per case: of the most probable class, against how often it is the true one.

    Args:
        bins: number of bins of equal width.
        closed: the side on which a bin includes its edge; the outermost edges are always included.
        region: `foreground` looks only where p ≥ ½ or the class is true, since a large background
            hides miscalibration.
    """
    return ratio(_gap(found).sum(axis=-1), found.n.sum(axis=-1))


@metric(symbol="MCE", formula="max |mean p − mean y|", bounds=UNIT, better="lower", levels=BOTH, reference=_NAEINI)
def mce(found: ProbBins, *, bins: int = 15, closed: Closed = "right", region: Region = "all") -> PerLabel:
    """Maximum calibration error: the largest gap of any bin; bins as for `ece`."""
    gaps = np.nan_to_num(ratio(_gap(found), found.n))
    return np.where(found.n.sum(axis=-1) > 0, gaps.max(axis=-1, initial=0.0), np.nan)


@metric(
    symbol="ACE", formula="mean over bins of |mean p − mean y|", bounds=UNIT, better="lower", levels=BOTH,
    reference="Neumann 2018, openreview.net/forum?id=S1lG7aTnqQ",
)  # fmt: skip
def ace(found: ProbBins, *, bins: int = 15, closed: Closed = "right", region: Region = "all") -> PerLabel:
    """Average calibration error: the gap averaged over the non-empty bins; bins as for `ece`."""
    gaps = np.nan_to_num(ratio(_gap(found), found.n))
    return ratio(gaps.sum(axis=-1), (found.n > 0).sum(axis=-1))


@metric(
    symbol="aECE", formula="mean of |mean p − mean y| over equally large bins", bounds=UNIT, better="lower",
    reference="Nguyen and O'Connor 2015, arXiv:1508.05154",
)  # fmt: skip
def adaptive_ece(parts: EqualParts, *, bins: int = 15, exact: bool = False) -> PerLabel:
    """Calibration error over bins that hold equally many voxels."""
    return np.array([ratio(one.sum(), len(one)) for one in parts.gaps(bins)])


def _of_each(curves: Areas, value: Callable[[ProbHistogram], float]) -> PerLabel:
    """A value of each class; undefined where what was added up does not tell it."""
    return np.array([np.nan if one.is_vague else value(one) for one in curves.histograms])


def _auc(found: ProbHistogram) -> float:
    positives, negatives = found.positives.astype(np.float64), found.negatives.astype(np.float64)
    outranked = negatives.sum() - np.cumsum(negatives) + negatives / 2
    return float(ratio((positives * outranked).sum(), positives.sum() * negatives.sum()))


def _average_precision(found: ProbHistogram, method: Literal["step", "trapezoid"]) -> float:
    hits = np.cumsum(found.positives)
    precision = ratio(hits, hits + np.cumsum(found.negatives))
    if method == "trapezoid":
        precision = (precision + np.concatenate([[1.0], precision[:-1]])) / 2
    return float(ratio((found.positives * precision).sum(), found.positives.sum()))


def _best(found: ProbHistogram) -> tuple[float, float]:
    """The best threshold and its Dice."""
    n_truth = found.positives.sum()
    if not n_truth:
        return np.nan, np.nan
    hits = np.cumsum(found.positives)
    dice = 2 * hits / (hits + np.cumsum(found.negatives) + n_truth)
    return float(found.thresholds[dice.argmax()]), float(dice.max())


def _gap(found: ProbBins) -> np.ndarray:
    """|Σp − Σy| of each bin."""
    return np.abs(found.probs - found.positives)
