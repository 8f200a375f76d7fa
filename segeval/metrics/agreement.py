"""Agreement of two partitions of the voxels: formulas on joint histograms.

Each works per class (the class against the rest, two bins) and once per case (background and all
classes), since it only asks for the last two axes of `Joint.n`.
"""

from typing import Literal

import numpy as np

from segeval.evidence.overlap.counts import Joint
from segeval.evidence.shapes import CountPerLabel, PerLabel
from segeval.measure import metric, ratio

UNIT = (0.0, 1.0)
SIGNED = (-1.0, 1.0)
POSITIVE = (0.0, float("inf"))
BOTH = ("class", "case")


@metric(
    symbol="κ",
    formula="(p_o − p_e) / (1 − p_e)",
    bounds=SIGNED,
    better="higher",
    levels=BOTH,
    aliases=("cohen_kappa",),
    reference="Cohen 1960, doi:10.1177/001316446002000104",
)
def kappa(joint: Joint, *, weights: Literal["none", "linear", "quadratic"] = "none") -> PerLabel:
    """Agreement beyond chance; weights only make sense for ordered classes."""
    disagreement = _disagreement(joint.n.shape[-1], weights)
    observed = _exact((joint.n * disagreement).sum(axis=(-2, -1))) * _exact(joint.total)
    expected = _dot(joint.truth, joint.pred @ disagreement)
    return ratio(expected - observed, expected)


def _disagreement(bins: int, weights: str) -> np.ndarray:
    apart = abs(np.subtract.outer(np.arange(bins), np.arange(bins)))
    return {"none": (apart > 0).astype(np.int64), "linear": apart, "quadratic": apart**2}[weights]


@metric(
    symbol="MCC",
    formula="(TP·TN − FP·FN) / √(p g (N−p)(N−g))",
    bounds=SIGNED,
    better="higher",
    levels=BOTH,
    aliases=("phi",),
    reference="Matthews 1975, doi:10.1016/0005-2795(75)90109-9; Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006",
)
def mcc(joint: Joint) -> PerLabel:
    """Correlation of the two masks, or of the two partitions.

    A constant mask carries no information: the value is 0, unless both sides are constant and equal.
    """
    total, hits = _exact(joint.total), _exact(joint.hits.sum(axis=-1))
    covariance = total * hits - _dot(joint.truth, joint.pred)
    of_truth, of_pred = (total * total - _dot(side, side) for side in (joint.truth, joint.pred))
    # one root of the exact product: a perfect match gives exactly 1
    value = ratio(covariance, np.sqrt(np.asarray(of_truth * of_pred, dtype=np.float64)))
    return _zero_where_unequal(value, joint)


def _zero_where_unequal(value: np.ndarray, joint: Joint) -> np.ndarray:
    """Two constant sides leave 0/0: undefined if they are equal, and no agreement beyond chance if not."""
    return np.where(np.isnan(value) & (joint.total != joint.hits.sum(axis=-1)), 0.0, value)


def _exact(n: CountPerLabel) -> np.ndarray:
    """Counts as Python integers: products of two overflow int64 above 3·10⁹ voxels, and pooled cases have more."""
    return np.asarray(n).astype(object)


def _dot(left: CountPerLabel, right: CountPerLabel) -> np.ndarray:
    """Inner product over the bins, exact."""
    return np.asarray((_exact(left) * _exact(right)).sum(axis=-1), dtype=object)


@metric(
    symbol="GCE",
    formula="min(N − Σ n²ᵢⱼ/aᵢ, N − Σ n²ᵢⱼ/bⱼ) / N",
    bounds=UNIT,
    better="lower",
    levels=BOTH,
    reference="Martin 2001, doi:10.1109/ICCV.2001.937655",
)
def gce(joint: Joint, *, variant: Literal["martin", "taha"] = "martin") -> PerLabel:
    """Global consistency error: 0 when one partition refines the other.

    A side of one bin is refined by anything, and so would an empty mask be perfect: it gets 1, unless the
    other side is the same bin. `variant="taha"` is the form printed in doi:10.1186/s12880-015-0068-x, for
    two bins only.
    """
    if variant == "taha" and joint.n.shape[-1] != 2:
        return np.full(joint.n.shape[:-2], np.nan)
    error = _refinement_error if variant == "martin" else _printed_error
    value = ratio(np.minimum(error(joint, axis=-1), error(joint, axis=-2)), joint.total)
    differs = joint.hits.sum(axis=-1) != joint.total
    return np.where(differs & (_is_one_bin(joint.truth) | _is_one_bin(joint.pred)), 1.0, value)


def _is_one_bin(sizes: CountPerLabel) -> np.ndarray:
    return np.asarray((sizes > 0).sum(axis=-1) <= 1)


def _refinement_error(joint: Joint, *, axis: int) -> np.ndarray:
    """Sum over voxels of the share of their bin on one side that lies outside their bin on the other."""
    size = joint.n.sum(axis=axis, keepdims=True)
    return np.asarray(np.nan_to_num(ratio(joint.n * (size - joint.n).astype(float), size)).sum(axis=(-2, -1)))


def _printed_error(joint: Joint, *, axis: int) -> np.ndarray:
    size = joint.n.sum(axis=axis)
    wrong = (size - joint.hits).astype(float)
    return np.asarray(np.nan_to_num(ratio(wrong * (wrong + 2 * joint.hits), size)).sum(axis=-1))


def _pairs(n: CountPerLabel, axis: int | tuple[int, ...] = ()) -> np.ndarray:
    """Pairs of voxels within each cell, summed over `axis`; exact."""
    cells = _exact(n)
    pairs = np.asarray(cells * (cells - 1) // 2, dtype=object)
    return np.asarray(pairs.sum(axis=axis), dtype=object)


@metric(
    symbol="RI",
    formula="(M + 2S − A − B) / M",
    bounds=UNIT,
    better="higher",
    levels=BOTH,
    reference="Rand 1971, doi:10.1080/01621459.1971.10482356",
)
def rand_index(joint: Joint) -> PerLabel:
    """Share of voxel pairs on which the two partitions agree."""
    both, truth, pred, every = _pair_counts(joint)
    return ratio(every + 2 * both - truth - pred, every)


@metric(
    symbol="ARI",
    formula="(S − AB/M) / ((A + B)/2 − AB/M)",
    bounds=SIGNED,
    better="higher",
    levels=BOTH,
    aliases=("ari",),
    reference="Hubert and Arabie 1985, doi:10.1007/BF01908075",
)
def adjusted_rand_index(joint: Joint) -> PerLabel:
    """Rand index corrected for chance; 0 where a side is constant, unless both are constant and equal."""
    both, truth, pred, every = _pair_counts(joint)
    value = ratio(2 * (both * every - truth * pred), (truth + pred) * every - 2 * truth * pred)
    return _zero_where_unequal(value, joint)


def _pair_counts(joint: Joint) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs together on both sides, in truth, in the prediction, and all; exact."""
    return _pairs(joint.n, (-2, -1)), _pairs(joint.truth, -1), _pairs(joint.pred, -1), _pairs(joint.total)


def _entropy(n: np.ndarray, axis: int | tuple[int, ...], *, base: float) -> np.ndarray:
    share = ratio(n, n.sum(axis=axis, keepdims=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(share > 0, share * np.log(share), np.where(np.isnan(share), np.nan, 0.0))
    return np.asarray(-terms.sum(axis=axis) / np.log(base))


@metric(
    symbol="MI",
    formula="H(a) + H(b) − H(n)",
    bounds=POSITIVE,
    better="higher",
    unit="bit",
    levels=BOTH,
    reference="Cover and Thomas 2006, doi:10.1002/047174882X",
)
def mutual_information(joint: Joint, *, base: float = 2.0) -> PerLabel:
    """What one partition tells about the other."""
    truth, pred, both = _entropies(joint, base=base)
    return np.maximum(truth + pred - both, 0.0)


@metric(
    symbol="VOI",
    formula="2H(n) − H(a) − H(b)",
    bounds=POSITIVE,
    better="lower",
    unit="bit",
    levels=BOTH,
    aliases=("voi",),
    reference="Meilă 2007, doi:10.1016/j.jmva.2006.11.013",
)
def variation_of_information(joint: Joint, *, base: float = 2.0) -> PerLabel:
    """What remains unknown of each partition when the other is known."""
    truth, pred, both = _entropies(joint, base=base)
    return np.maximum(2 * both - truth - pred, 0.0)


def _entropies(joint: Joint, *, base: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        _entropy(joint.truth, -1, base=base),
        _entropy(joint.pred, -1, base=base),
        _entropy(joint.n, (-2, -1), base=base),
    )
