"""Bins over probabilities, fine where a logarithm is steep: by the float bits of q = min(p, 1 - p).

Two layouts. Coarse bins are the upper 16 bits of q as a float32, 2^-7 of q wide; with the sums of q and q² in each,
any smooth cost summed over the voxels comes out to eight digits and mostly many more (`voxels_of_moments`). Fine bins
end at every line of two grids, one with a width of 2^-8 of q and one of 2^-16; they keep the order of the voxels to
within that (`histogram_of_ranks`). The number of lines up to q is its bin, and adding 0.5 to q turns its bits into the
number of lines of the even grid.
"""

import numpy as np

from segeval.core.histogram import ProbHistogram
from segeval.core.soft import ProbVoxels

COARSE_SHIFT, FINE_SHIFT, EVEN_SHIFT = 16, 15, 8  # bits that a bin leaves out
FINE_BELOW = 2.0**-7  # from here on the even grid is the finer one


def bits_of(value: float) -> int:
    """A float32 as the integer with the same bits; positive floats keep their order."""
    return int(np.float32(value).view(np.uint32))


N_COARSE = (bits_of(0.5) >> COARSE_SHIFT) + 1
N_FINE_LINES = bits_of(FINE_BELOW) >> FINE_SHIFT
EVEN_ORIGIN = bits_of(0.5) >> EVEN_SHIFT
N_EVEN_LINES = (bits_of(1.0) >> EVEN_SHIFT) - EVEN_ORIGIN
N_FINE = N_FINE_LINES + N_EVEN_LINES + 1


def of_float16() -> np.ndarray:
    """The probability that each bit pattern of a float16 stands for, up to that of 1."""
    return np.arange(int(np.float16(1.0).view(np.uint16)) + 1, dtype=np.uint16).view(np.float16).astype(np.float64)


def histogram_of_codes(n: np.ndarray, values: np.ndarray) -> ProbHistogram:
    """The exact histogram of voxels counted by code, those of the rest first; codes need not rise with their values."""
    counts = n.reshape(2, -1)
    used = np.flatnonzero(counts.any(axis=0))
    p, at = np.unique(values[used].astype(np.float64), return_inverse=True)
    negatives, positives = (np.bincount(at, weights=side[used], minlength=len(p)).astype(np.int64) for side in counts)
    return ProbHistogram(p=p, rest=1 - p, positives=positives, negatives=negatives)


def voxels_of_moments(moments: np.ndarray) -> ProbVoxels:
    """Two entries per bin, one standard deviation to each side of its mean, each standing for half of its voxels.

    They have the count, the sum and the sum of squares of the voxels, so sums of p and p² are exact, and so is every
    sum where the voxels of a bin are equal. Another cost is off by a sixth of its third derivative times the third
    central moment: for -ln q at most 2e-8 a voxel, and mostly far less, as bins err both ways.

    Args:
        moments: (3, truth, upper, bin): count, sum of q, sum of q²; upper for p >= 0.5.
    """
    truth, upper, at = np.nonzero(moments[0])
    n, first, second = moments[:, truth, upper, at]
    mean = first / n
    deviation = np.minimum(np.sqrt(np.maximum(second / n - mean**2, 0.0)), mean)  # rounding keeps no q below 0
    q = np.concatenate([mean - deviation, mean + deviation])
    is_class, is_wrong = np.tile(truth == 1, 2), np.tile(truth != upper, 2)
    hit, miss = np.where(is_wrong, q, 1 - q), np.where(is_wrong, 1 - q, q)
    return ProbVoxels(truth=is_class, count=np.tile(n / 2, 2), hit=hit, miss=miss)


def histogram_of_ranks(n: np.ndarray) -> ProbHistogram:
    """The histogram of fine bins, each named by the middle of its values.

    Args:
        n: (truth, upper, bin): voxels; upper for p >= 0.5.
    """
    q = _fine_middles()
    p, rest = np.concatenate([q, 1 - q[::-1]]), np.concatenate([1 - q, q[::-1]])
    negatives, positives = np.concatenate([n[:, 0], n[:, 1, ::-1]], axis=1)
    used = np.flatnonzero(negatives + positives)
    return ProbHistogram(p=p[used], rest=rest[used], positives=positives[used], negatives=negatives[used], exact=False)


def _fine_middles() -> np.ndarray:
    by_bits = (np.arange(1, N_FINE_LINES + 1, dtype=np.uint32) << FINE_SHIFT).view(np.float32).astype(np.float64)
    even = np.arange(1, N_EVEN_LINES + 1) * 0.5 / N_EVEN_LINES
    lines = np.sort(np.concatenate([by_bits, even]))
    return np.concatenate([[0.0], (lines[:-1] + lines[1:]) / 2, [0.5]])
