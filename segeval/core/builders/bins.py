"""Bins over probabilities, fine where a logarithm is steep: by the float bits of q = min(p, 1 - p).

Two layouts. `COARSE` bins have a width of 2^-9 of q; with the sums of q and q² in each, any smooth cost summed
over the voxels comes out to nine digits or more (`voxels_of_moments`). `FINE` bins have widths of 2^-10 of q and at
most 2^-17; they keep the order of the voxels to within that (`histogram_of_ranks`).

Values of q below 2^-40 share bin 0. Where they are errors, and not certain hits, they are kept one by one: the tails.
"""

import numpy as np

from segeval.core.histogram import ProbHistogram
from segeval.core.soft import ProbVoxels

LOWEST = 2.0**-40
COARSE_BITS, FINE_BITS = 9, 10  # of the mantissa
UNIFORM_FROM, PER_UNIT = 2.0**-7, 2.0**17  # from here on fine bins have one width


def offset(bits: int) -> int:
    """What to subtract from shifted float32 bits so that LOWEST lands in bin 1."""
    return (int(np.float32(LOWEST).view(np.int32)) >> (23 - bits)) - 1


def n_log_bins(highest: float, bits: int) -> int:
    """Bins up to and with the one of `highest`."""
    return (int(np.float32(highest).view(np.int32)) >> (23 - bits)) - offset(bits) + 1


N_COARSE = n_log_bins(0.5, COARSE_BITS)
N_FINE_LOG = n_log_bins(UNIFORM_FROM, FINE_BITS)
N_FINE = N_FINE_LOG + int((0.5 - UNIFORM_FROM) * PER_UNIT)


def log_edges(n_bins: int, bits: int) -> np.ndarray:
    """Lower edges of the bins and the upper edge of the last: 0, LOWEST, ..."""
    codes = (np.arange(1, n_bins + 1, dtype=np.int32) + offset(bits)) << (23 - bits)
    return np.concatenate([[0.0], codes.view(np.float32).astype(np.float64)])


def of_float16() -> np.ndarray:
    """The probability that each bit pattern of a float16 stands for, up to that of 1."""
    return np.arange(int(np.float16(1.0).view(np.uint16)) + 1, dtype=np.uint16).view(np.float16).astype(np.float64)


def histogram_of_codes(n: np.ndarray, values: np.ndarray) -> ProbHistogram:
    """The exact histogram of voxels counted by code, those of the rest first."""
    negatives, positives = n.reshape(2, -1)
    used = np.flatnonzero(negatives + positives)
    p = values[used].astype(np.float64)
    counted = ProbHistogram(p=p, rest=1 - p, positives=positives[used], negatives=negatives[used])
    return ProbHistogram.joined([counted], exact=True)  # codes need not rise with what they stand for


def voxels_of_moments(moments: np.ndarray, tail_of_rest: np.ndarray, tail_of_class: np.ndarray) -> ProbVoxels:
    """Three entries per bin whose count, sum and sum of squares are those of its voxels.

    A cost summed over these entries is the sum of the cost's parabola through three points of each bin: exact for
    sums of p and p², and to (2^-10)³/15 of its third derivative for the rest.

    Args:
        moments: (3, truth, wrong, bin): count, sum of q, sum of q².
        tail_of_rest: q of the wrong voxels in bin 0 that are not the class.
        tail_of_class: q of those that are.
    """
    moments[:, :, 1, 0] = 0.0
    edges = log_edges(N_COARSE, COARSE_BITS)
    truth, wrong, at = np.nonzero(moments[0])
    n, first, second = moments[:, truth, wrong, at]
    centre, half = (edges[at] + edges[at + 1]) / 2, (edges[at + 1] - edges[at]) / 2
    slope = (first - centre * n) / half
    curve = (second - 2 * centre * first + centre**2 * n) / half**2
    q = np.concatenate([centre - half, centre, centre + half, tail_of_rest, tail_of_class])
    count = np.ones(len(q))
    count[: 3 * len(n)] = np.concatenate([(curve - slope) / 2, n - curve, (curve + slope) / 2])
    is_class = np.concatenate([np.tile(truth == 1, 3), _flags(tail_of_rest, False), _flags(tail_of_class, True)])
    is_wrong = np.concatenate([np.tile(wrong == 1, 3), _flags(tail_of_rest, True), _flags(tail_of_class, True)])
    return ProbVoxels(truth=is_class, count=count, hit=np.where(is_wrong, q, 1 - q), miss=np.where(is_wrong, 1 - q, q))


def histogram_of_ranks(ranks: np.ndarray, tail_of_rest: np.ndarray, tail_of_class: np.ndarray) -> ProbHistogram:
    """The histogram of fine bins, each named by the middle of its values.

    Args:
        ranks: (truth, wrong, bin): voxels.
        tail_of_rest: as in `voxels_of_moments`.
        tail_of_class: as in `voxels_of_moments`.
    """
    ranks[:, 1, 0] = 0
    (rest_right, rest_wrong), (class_wrong, class_right) = ranks[0], ranks[1, ::-1]
    middle = _fine_middles()
    parts = [
        _histogram(middle, class_wrong, rest_right),
        _histogram(middle, class_right, rest_wrong).flipped(),
        _histogram(tail_of_class, _flags(tail_of_class, True), _flags(tail_of_class, False)),
        _histogram(tail_of_rest, _flags(tail_of_rest, False), _flags(tail_of_rest, True)).flipped(),
    ]
    return ProbHistogram.joined(parts, exact=False)


def _flags(like: np.ndarray, value: bool) -> np.ndarray:
    return np.full(len(like), value)


def _fine_middles() -> np.ndarray:
    log = log_edges(N_FINE_LOG, FINE_BITS)
    uniform = UNIFORM_FROM + (np.arange(N_FINE - N_FINE_LOG) + 0.5) / PER_UNIT
    return np.concatenate([[0.0], (log[1:-2] + log[2:-1]) / 2, uniform, [0.5]])


def _histogram(q: np.ndarray, positives: np.ndarray, negatives: np.ndarray) -> ProbHistogram:
    return ProbHistogram(p=q, rest=1 - q, positives=positives.astype(np.int64), negatives=negatives.astype(np.int64))
