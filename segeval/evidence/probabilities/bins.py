"""Bins over probabilities, fine where a logarithm is steep: by the float bits of q = min(p, 1 - p).

Two layouts. Coarse bins are the upper 16 bits of q as a float32, 2^-7 of q wide; with the sums of q and q² in each,
any smooth cost summed over the voxels comes out to eight digits and mostly many more (`voxels_of_moments`). -ln q is
smooth as long as a bin is narrow beside its q, but float32 spaces the numbers below 2^-126 evenly, and e^-100, where
-ln q is cut off, lies there. So the bits are taken of 2^24 q: then every float32 has its full mantissa.

Fine bins end at every line of two grids, one with a width of 2^-12 of q and an even one of 2^-18; they keep the order
of the voxels to within that. A bin is the number of lines up to q, and one more where q is above 0, so that the first
bin holds 0 alone, as the last one holds one half.

A fine bin keeps no order among its voxels. What that may cost is bounded before it is accepted. Let P and N be the
voxels of a bin that are the class and that are not, A and B those of all higher bins, and T and R all of them:

- AUC misjudges at most half of the pairs of the bin: P N / (2 T R).
- Average precision gives all P voxels the precision after the bin, (A + P) / (A + P + B + N). Their mean precision is
  largest where all of them come first; it is concave in their rank, so then no more than that of the middle one. It is
  least where they come last, and no less than the mean of the first and the last one's. Trapezoids are bounded alike.
- The Dice of no threshold within the bin exceeds 2 (A + P) / (A + P + B + T), nor that of its end by more than
  2 (A + P) N / (A + P + B + T)²; only where it may so exceed the best one of the thresholds between bins by more than
  the bound the bin is ranked.
- A Lovász extension is a sum of errors times steps of the Jaccard loss, and the steps of the voxels of a bin add up to
  that of the bin in any order. So it is off by no more than the errors differ from that of the middle of the bin: of
  probabilities, 2^-19. Those of the hinge are logits, which bins do not tell apart that well; there the voxels are
  ranked that have an error at all: p_t below 0.74.
- The mean probability of one of several equally large parts is off by less than 2^-19; but how many voxels of the class
  are in the part is known only where a bin with both kinds of voxels lies within it whole.

The bins that cost most for each of their voxels are ranked until the rest costs little in sum.

Cases are added up as they come, and what a bin costs in all of them together is known after the last: one may hold the
class of some cases and the rest of others. So a case also ranks the bins that hold much of either side, and the sum of
all cases is looked at again (`costs_much`): there some voxels of a bin may be told apart and others not. The slabs of
one image are counted before any voxel is told apart. If there is no room for as many as are to be, their bins are
halved as often as there is room for, and the sum is looked at again, too.
"""

from functools import cache
from typing import Literal

import numpy as np

from segeval.evidence.probabilities.soft import ProbVoxels

Detail = Literal["bins", "area", "best", "curve", "hinge", "exact"] | int  # a number of equally large parts

BOUND = 0.9e-5  # leaves room for rounding
_OF_CASE = 0.6e-5  # leaves room for other cases; ordinary maps cost less
_CROWDED = 2e-5  # of ordinary maps 0.3e-5 to 1.3e-5
_REST = 0.2  # share of either that is left where bins are ranked
_WITH_ERROR = 0.74  # above p_t = 0.7311, where the logit is 1, the hinge is 0

COARSE_SHIFT, FINE_SHIFT = 16, 11  # bits that a bin leaves out
MOST_HALVED = FINE_SHIFT
COARSE_WIDTH = 1 << COARSE_SHIFT
LIFT = 2.0**24  # a power of two, so that no bit of q is lost
FINE_BELOW = 2.0**-6  # from here on the even grid is the finer one
PER_UNIT = 1 << 18  # lines of the even grid


def bits_of(value: float) -> int:
    """A float32 as the integer with the same bits; positive floats keep their order."""
    return int(np.float32(value).view(np.uint32))


N_COARSE = (bits_of(0.5 * LIFT) >> COARSE_SHIFT) + 1
N_FINE_LINES = bits_of(FINE_BELOW) >> FINE_SHIFT
N_EVEN_LINES = PER_UNIT // 2
N_FINE = N_FINE_LINES + N_EVEN_LINES + 2


def fine_bin(q: np.ndarray, *, halved: int = 0) -> np.ndarray:
    """The fine bin of each q from 0 to 0.5, or its part where bins are halved so many times, up to `MOST_HALVED`."""
    code = (q * (PER_UNIT << halved)).astype(np.int32)
    code += q.clip(0.0, FINE_BELOW).astype(np.float32, copy=False).view(np.int32) >> FINE_SHIFT - halved
    code += q > 0
    return code


@cache
def coarse_edges() -> tuple[np.ndarray, np.ndarray]:
    """The lowest q of each coarse bin, and its width."""
    edges = (np.arange(N_COARSE + 1, dtype=np.uint32) << COARSE_SHIFT).view(np.float32).astype(np.float64) / LIFT
    return edges[:-1], np.diff(edges)


def place_in_coarse(q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The coarse bin of each q, and how far into it q lies, in widths of the bin."""
    at = ((q * LIFT).astype(np.float32).view(np.uint32) >> COARSE_SHIFT).astype(np.intp)
    lowest, width = (column[at] for column in coarse_edges())
    return at, (q - lowest) / width


@cache
def fine_values() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of each fine bin, those above one half first, then below, falling: the lowest p, the middle, 1 - that, and
    whether it may hold more than one p.
    """
    by_bits = (np.arange(1, N_FINE_LINES + 1, dtype=np.uint32) << FINE_SHIFT).view(np.float32)
    even = np.arange(1, N_EVEN_LINES + 1, dtype=np.float32) / PER_UNIT
    lines = np.sort(np.concatenate([by_bits, even]))
    below = np.nextafter(lines, np.float32(0)).astype(np.float64)
    lines = lines.astype(np.float64)
    lowest = np.concatenate([[0.0, np.finfo(np.float64).smallest_subnormal], lines])
    highest = np.concatenate([[0.0], below, [0.5]])
    middle = np.concatenate([[0.0], (lowest[1:-1] + lines) / 2, [0.5]])
    is_wide = lowest < highest
    return (
        np.concatenate([1 - highest, lowest[::-1]]),
        np.concatenate([1 - middle, middle[::-1]]),
        np.concatenate([middle, 1 - middle[::-1]]),
        np.concatenate([is_wide, is_wide[::-1]]),
    )


def in_order(n: np.ndarray) -> np.ndarray:
    """(truth, upper, bin) as (truth, level): those above one half first, then those below, falling."""
    return np.concatenate([n[:, 1], n[:, 0, ::-1]], axis=1)


def by_bin(levels: np.ndarray) -> np.ndarray:
    """(truth, level) as (truth, upper, bin), which undoes `in_order`."""
    upper, lower = np.split(levels, 2, axis=1)
    return np.stack([lower[:, ::-1], upper], axis=1)


def of_float16() -> np.ndarray:
    """The probability that each bit pattern of a float16 stands for, up to that of 1."""
    return np.arange(int(np.float16(1.0).view(np.uint16)) + 1, dtype=np.uint16).view(np.float16).astype(np.float64)


def condensed(voxels: ProbVoxels) -> ProbVoxels:
    """Entries with the same sums, no more than there are bins twice over."""
    is_wrong = voxels.hit < voxels.miss
    q = np.where(is_wrong, voxels.hit, voxels.miss)
    at, f = place_in_coarse(q)
    key = at + N_COARSE * (2 * voxels.truth + (voxels.truth != is_wrong))
    weights = (voxels.count * power for power in (1.0, f, f * f))
    table = [np.bincount(key, weights=weight, minlength=4 * N_COARSE) for weight in weights]
    return voxels_of_moments(np.reshape(table, (3, 2, 2, -1)))


def voxels_of_moments(moments: np.ndarray) -> ProbVoxels:
    """Two entries per bin, one standard deviation to each side of its mean, each standing for half of its voxels.

    They have the count, the sum and the sum of squares of the voxels, so sums of p and p² are exact, and so is every
    sum where the voxels of a bin are equal. Another cost is off by a sixth of its third derivative times the third
    central moment: for -ln q at most 2e-8 a voxel, and mostly far less, as bins err both ways.

    Args:
        moments: (3, truth, upper, bin): count, and sums of f and f², where q is the lowest of the bin plus f times
            its width; upper for p >= 0.5.
    """
    truth, upper, at = np.nonzero(moments[0])
    n, first, second = moments[:, truth, upper, at]
    lowest, width = (column[at] for column in coarse_edges())
    mean = first / n
    deviation = np.sqrt(np.maximum(second / n - mean**2, 0.0))
    mean, deviation = lowest + width * mean, width * deviation
    deviation = np.minimum(deviation, mean)  # rounding keeps no q below 0
    q = np.concatenate([mean - deviation, mean + deviation])
    is_class, is_wrong = np.tile(truth == 1, 2), np.tile(truth != upper, 2)
    hit, miss = np.where(is_wrong, q, 1 - q), np.where(is_wrong, 1 - q, q)
    return ProbVoxels(truth=is_class, count=np.tile(n / 2, 2), hit=hit, miss=miss)


def too_wide(detail: Detail, n: np.ndarray, *, alone: bool = False) -> np.ndarray:
    """The bins whose voxels have to be told apart, of counts by (truth, upper, bin), and in that shape.

    Args:
        detail: what is read from them.
        n: voxels.
        alone: whether no bound has to hold together with other cases.
    """
    rest, truth = counts = in_order(n)
    which = np.zeros(counts.shape, dtype=bool)
    if detail == "hinge":
        _, p, others, is_wide = fine_values()
        which = is_wide & (np.stack([others, p]) < _WITH_ERROR)
    elif isinstance(detail, int):
        which[:, _at_the_ends_of_parts(rest, truth, detail)] = True
    elif detail != "bins":
        used = np.flatnonzero(rest + truth)
        asked = {"area": detail != "best", "best": detail != "area", "alone": alone}
        which[:, used] = _for_curves(counts[:, used], fine_values()[3][used], **asked)
    return by_bin(which)


def part_sizes(total: int, n: int) -> np.ndarray:
    """Sizes of `n` nearly equal parts, the first ones one longer; no part is empty."""
    parts = min(n, total)
    return np.array([total // parts + (i < total % parts) for i in range(parts)], dtype=np.int64)


def _for_curves(counts: np.ndarray, is_wide: np.ndarray, *, area: bool, best: bool, alone: bool) -> np.ndarray:
    """Whether levels have to be told apart for areas under curves, or for the best Dice.

    Args:
        counts: voxels of the rest and of the class, from the highest probability down.
        is_wide: whether a level may hold more than one probability.
    """
    voxels = counts.sum(axis=0)
    shares = counts * is_wide / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    which = _dearest((shares**2).sum(axis=0) / 4, voxels, np.inf if alone else _CROWDED)
    at, auc, precision, may_be_best = _costs(counts, counts * is_wide, least=_OF_CASE)
    if area:
        which[at] |= _dearest(auc, voxels[at], _OF_CASE) | _dearest(precision, voxels[at], _OF_CASE)
    if best:
        which[at] |= may_be_best
    if not alone and 2 * voxels[which].sum() > voxels[is_wide].sum():
        which |= is_wide  # of other cases the few that are left may cost much
    return which


def costs_much(detail: Detail, counts: np.ndarray, in_bins: np.ndarray) -> bool:
    """Whether values may be off by more than the bound, so that it is better to have none.

    Args:
        detail: what is read.
        counts: voxels of the rest and of the class, by bin from the highest probability down.
        in_bins: those of them that are not told apart.
    """
    _, auc, precision, may_be_best = _costs(counts, in_bins, least=BOUND)
    of_areas = max(auc.sum(), precision.sum())
    return bool((detail != "best" and of_areas > BOUND) or (detail != "area" and may_be_best.any()))


def _costs(counts: np.ndarray, wide: np.ndarray, *, least: float) -> tuple[np.ndarray, ...]:
    """Levels that may cost something, what they cost AUC and average precision, and which may have the best Dice.

    Args:
        counts: voxels of the rest and of the class, from the highest probability down.
        wide: those of them that are not told apart.
        least: what a better Dice has to exceed the best one between bins by.
    """
    at = np.flatnonzero(counts[1])  # no other bin costs anything
    (n, p), (wide_n, wide_p) = counts[:, at].astype(np.float64), wide[:, at].astype(np.float64)
    hits, alarms = p.cumsum(), counts[0].cumsum()[at].astype(np.float64)
    total, a, b = max(p.sum(), 1.0), hits - p, alarms - n
    told_p, told_n = p - wide_p, n - wide_n
    is_open = (wide_p + wide_n > 0) & (p + n > 1)

    of_pairs = wide_p * wide_n / 2 + wide_p * told_n + told_p * wide_n  # where one of two is told, either may be first
    auc = is_open * of_pairs / (total * max(float(counts[0].sum()), 1.0))

    highest, lowest = hits / (hits + b), a / np.maximum(a + alarms, 1)
    shift = np.minimum(wide_p / (hits + b) + wide_n / np.maximum(a + alarms, 1), highest - lowest)
    mixed = wide_p * (highest - lowest) + told_p * shift
    precision = is_open * np.where((told_p > 0) | (told_n > 0), mixed, p * _off_in_bin(p, n, a, b)) / total

    half_of_best = (hits / (hits + alarms + total)).max(initial=0.0)
    most, below = hits / (hits + b + total), hits + b + total
    gain = wide_p / below + hits * wide_n / below**2
    return at, auc, precision, is_open & (most > half_of_best + least / 2) & (gain > least / 2)


def _off_in_bin(p: np.ndarray, n: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How far the mean precision of the class in a bin, which it holds, may be from the one it is given.

    See above for the names.
    """
    after, before = (a + p) / (a + p + b + n), np.where(a + b > 0, a / np.maximum(a + b, 1), 1.0)
    off = np.zeros(len(p))
    for given, first in ((after, 1.0), ((after + before) / 2, 0.0)):
        middle = a + (p + first) / 2
        most = middle / (middle + b)
        least = ((a + first) / np.maximum(a + first + b + n, 1) + after) / 2
        off = np.maximum(off, np.maximum(most - given, given - least))
    return off


def _dearest(cost: np.ndarray, voxels: np.ndarray, bound: float) -> np.ndarray:
    """Which bins to rank, so that all of them cost less than the bound together; if any, so that little is left.

    Cases that are alike then rank the same bins.
    """
    dear = np.zeros(len(cost), dtype=bool)
    if cost.sum() > bound:
        order = np.argsort(cost / np.maximum(voxels, 1))
        dear[order] = cost[order].cumsum() > _REST * bound
    return dear


def _at_the_ends_of_parts(rest: np.ndarray, truth: np.ndarray, parts: int) -> np.ndarray:
    """The levels of several probabilities and both kinds of voxels in which a part ends."""
    up_to = np.cumsum((rest + truth)[::-1])
    ends = np.cumsum(part_sizes(int(up_to[-1]), parts))
    at = np.searchsorted(up_to, ends)
    within = len(up_to) - 1 - at[up_to[at] != ends]
    return within[fine_values()[3][within] & (rest[within] > 0) & (truth[within] > 0)]
