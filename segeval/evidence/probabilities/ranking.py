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
from segeval.measure import ratio

Detail = Literal["bins", "curve", "hinge", "exact"] | int  # a number of equally large parts

BOUND = 0.9e-5  # leaves room for rounding
_WITH_ERROR = 0.74  # above p_t = 0.7311, where the logit is 1, the hinge is 0


def too_wide(detail: Detail, n: np.ndarray) -> np.ndarray:
    """The bins whose voxels have to be told apart, of counts by (truth, upper, bin), and in that shape."""
    rest, truth = counts = bins.in_order(n)
    if detail == "hinge":
        _, p, rest, _ = bins.fine_values()
        which = np.stack([rest, p]) < _WITH_ERROR
    elif detail == "curve":
        which = np.broadcast_to(_for_curves(rest, truth), counts.shape)
    elif isinstance(detail, int):
        which = np.broadcast_to(_at_the_ends_of_parts(rest, truth, detail), counts.shape)
    else:
        which = np.zeros(counts.shape, dtype=bool)
    return bins.by_bin(which & bins.fine_values()[3]) & (n > 0)


def part_sizes(total: int, n: int) -> np.ndarray:
    """Sizes of `n` nearly equal parts, the first ones one longer; no part is empty."""
    parts = min(n, total)
    return np.array([total // parts + (i < total % parts) for i in range(parts)], dtype=np.int64)


def _for_curves(rest: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """What AUC, average precision and the best Dice need, of counts from the highest probability down."""
    used = np.flatnonzero(truth * (truth + rest > 1) * bins.fine_values()[3])
    needed = np.zeros(truth.shape, dtype=bool)
    if used.size:
        hits, alarms = (np.cumsum(side).astype(np.float64) for side in (truth, rest))
        all_dice = 2 * hits / np.maximum(hits + alarms + hits[-1], 1)
        p, n = truth[used].astype(np.float64), rest[used].astype(np.float64)
        a, b = hits[used] - p, alarms[used] - n
        auc = ratio(p * n, 2 * hits[-1] * alarms[-1])
        precision = p / hits[-1] * ((a + p) / (a + p + b) - a / np.maximum(a + b + n, 1))
        may_be_best = (n > 0) & (2 * (a + p) / (a + p + b + hits[-1]) > all_dice.max() + BOUND)
        needed[used] = may_be_best | _dearest(auc, p + n) | _dearest(precision, p + n)
    return needed


def _dearest(cost: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    """Which bins to rank, so that the others cost less than the bound together."""
    cost = np.nan_to_num(cost)
    if cost.sum() <= BOUND:
        return np.zeros(len(cost), dtype=bool)
    order = np.argsort(cost / voxels)
    dear = np.empty(len(cost), dtype=bool)
    dear[order] = cost[order].cumsum() > BOUND
    return dear


def _at_the_ends_of_parts(rest: np.ndarray, truth: np.ndarray, parts: int) -> np.ndarray:
    """The bins with both kinds of voxels in which a part ends."""
    up_to = np.cumsum((rest + truth)[::-1])
    ends = np.cumsum(part_sizes(int(up_to[-1]), parts))
    at = np.searchsorted(up_to, ends)
    within = len(up_to) - 1 - at[up_to[at] != ends]
    needed = np.zeros(truth.shape, dtype=bool)
    needed[within] = True
    return needed & (rest > 0) & (truth > 0)
