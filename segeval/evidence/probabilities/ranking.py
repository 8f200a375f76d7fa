"""Which fine bins hold too much, so that their voxels are ranked one by one.

A bin keeps no order among its voxels. What that may cost is bounded before it is accepted. Let P and N be the voxels of
a bin that are the class and that are not, A and B those of all higher bins, and T and R all of them:

- AUC misjudges at most half of the pairs of the bin: P N / (2 T R).
- Average precision gives each of the P voxels a precision between A / (A + B + N) and (A + P) / (A + P + B); it is off
  by at most P / T times the difference.
- The Dice of no threshold within the bin exceeds 2 (A + P) / (A + P + B + T); only where that exceeds the best one of
  the thresholds between bins by more than 1e-5 the bin is ranked.
- A Lovász extension is a sum of errors times steps of the Jaccard loss, and the steps of the voxels of a bin add up to
  that of the bin in any order. So it is off by no more than the errors differ from that of the middle of the bin: of
  probabilities, 2^-17. Those of the hinge are logits, which bins do not tell apart that well; there the voxels are
  ranked that have an error at all: p_t below 0.74.
- The mean probability of one of several equally large parts is off by less than 2^-17; but how many voxels of the class
  are in the part is known only where a bin with both kinds of voxels lies within it whole.

The bins that cost most for each of their voxels are ranked until the rest costs less than 1e-5 in sum.
"""

from typing import Literal

import numpy as np

from segeval.evidence.probabilities import bins

Detail = Literal["bins", "area", "best", "curve", "hinge", "exact"] | int  # a number of equally large parts

BOUND = 0.9e-5  # leaves room for rounding
_WITH_ERROR = 0.74  # above p_t = 0.7311, where the logit is 1, the hinge is 0


def costs_little(detail: Detail, positives: np.ndarray, negatives: np.ndarray, is_wide: np.ndarray) -> bool:
    """A quick look, which mostly settles it: whether the order within the levels could hardly matter.

    Args:
        positives: voxels of the class, from the highest probability down.
        negatives: the same of the rest.
        is_wide: whether the level has an order within.
    """
    if detail != "area":
        return detail == "bins"
    hits, all_hits, ranked = positives.cumsum(), float(positives.sum()), positives * is_wide
    voxels = hits + negatives.cumsum()
    auc = np.dot(ranked, negatives) / max(2 * all_hits * float(negatives.sum()), 1.0)
    highest, lowest = hits / np.maximum(voxels - negatives, 1), (hits - positives) / np.maximum(voxels - positives, 1)
    return bool(max(auc, np.dot(ranked, highest - lowest) / max(all_hits, 1.0)) <= BOUND)


def too_wide(detail: Detail, n: np.ndarray) -> np.ndarray:
    """The bins whose voxels have to be told apart, of counts by (truth, upper, bin), and in that shape."""
    rest, truth = counts = bins.in_order(n)
    which = np.zeros(counts.shape, dtype=bool)
    if detail == "hinge":
        _, p, others, is_wide = bins.fine_values()
        which = is_wide & (np.stack([others, p]) < _WITH_ERROR)
    elif isinstance(detail, int):
        which[:, _at_the_ends_of_parts(rest, truth, detail)] = True
    elif truth.any():
        which[:, _for_curves(rest, truth, area=detail != "best", best=detail != "area")] = True
    return bins.by_bin(which)


def part_sizes(total: int, n: int) -> np.ndarray:
    """Sizes of `n` nearly equal parts, the first ones one longer; no part is empty."""
    parts = min(n, total)
    return np.array([total // parts + (i < total % parts) for i in range(parts)], dtype=np.int64)


def _for_curves(rest: np.ndarray, truth: np.ndarray, *, area: bool, best: bool) -> np.ndarray:
    """The levels that have to be told apart for areas under curves, or for the best Dice.

    Args:
        rest: voxels from the highest probability down.
        truth: the same of the class.
    """
    at = np.flatnonzero(truth)  # no other bin costs anything
    p, n = truth[at].astype(np.float64), rest[at].astype(np.float64)
    hits, alarms = p.cumsum(), rest.cumsum()[at].astype(np.float64)
    total, a, b = hits[-1], hits - p, alarms - n
    is_wide = bins.fine_values()[3][at] & (p + n > 1)
    needed = np.zeros(len(at), dtype=bool)
    if area:
        auc = is_wide * p * n / max(2 * total * rest.sum(), 1.0)
        precision = is_wide * p / total * (hits / (hits + b) - a / np.maximum(a + alarms, 1))
        needed |= _dearest(auc, p + n) | _dearest(precision, p + n)
    if best:
        half_of_best = (hits / (hits + alarms + total)).max()
        needed |= is_wide & (n > 0) & (hits / (hits + b + total) > half_of_best + BOUND / 2)
    return at[needed]


def _dearest(cost: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    """Which bins to rank, so that the others cost less than the bound together."""
    if cost.sum() <= BOUND:
        return np.zeros(len(cost), dtype=bool)
    order = np.argsort(cost / voxels)
    dear = np.empty(len(cost), dtype=bool)
    dear[order] = cost[order].cumsum() > BOUND
    return dear


def _at_the_ends_of_parts(rest: np.ndarray, truth: np.ndarray, parts: int) -> np.ndarray:
    """The levels of several probabilities and both kinds of voxels in which a part ends."""
    up_to = np.cumsum((rest + truth)[::-1])
    ends = np.cumsum(part_sizes(int(up_to[-1]), parts))
    at = np.searchsorted(up_to, ends)
    within = len(up_to) - 1 - at[up_to[at] != ends]
    return within[bins.fine_values()[3][within] & (rest[within] > 0) & (truth[within] > 0)]
