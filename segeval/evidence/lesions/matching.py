"""Which predicted component belongs to which true one: one rule per function.

Components count from 0 here. A rule reads the pairs that share voxels and says which are linked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.arrays import numbered
from segeval.evidence.lesions.components import Components, Connectivity
from segeval.evidence.shapes import Bool, Float64, Int64

ByShape = Literal["hungarian", "greedy", "merge"]
Matching = Literal["hungarian", "greedy", "merge", "any_overlap"]
Side = Literal["pred", "truth"]
Void = Literal["forgive", "remove"]
PerPair = Bool[np.ndarray, " pair"]

_SLACK = 1e-12  # an IoU on the threshold is not lost to rounding
_LARGEST_TABLE = 1 << 20  # pairs of components that an assignment may write down, linked or not


@dataclass(frozen=True, kw_only=True)
class MatchRule:
    """How lesions are found and matched.

    Attributes:
        matching: `hungarian` and `greedy` pair one with one; `merge` lets several predicted lesions
            answer for one true lesion; `any_overlap` asks for one shared voxel.
        iou_threshold: the IoU a match must reach; `any_overlap` does not read it.
        connectivity: which neighbours belong together.
        min_size_mm3: smaller lesions of either side are left out (mm² in 2-D, voxels without a spacing).
        strict: the IoU must exceed the threshold, reaching it is not enough.
        forgive_extra: an unmatched prediction that overlaps enough for a match is no false positive.
        void: whether an unmatched prediction that lies mostly in ignored voxels is no false positive (`forgive`), or
            one with what is left of it (`remove`).

    Raises:
        ConfigError: the threshold is no IoU, or the size is negative.
    """

    matching: Matching = "hungarian"
    iou_threshold: float = 0.5
    connectivity: Connectivity = "full"
    min_size_mm3: float = 0.0
    strict: bool = False
    forgive_extra: bool = False
    void: Void = "forgive"

    def __post_init__(self) -> None:
        if not 0 <= self.iou_threshold <= 1:
            raise ConfigError(f"iou_threshold={self.iou_threshold:g} is no IoU. Give a number from 0 to 1.")
        if not self.min_size_mm3 >= 0:
            raise ConfigError(f"min_size_mm3={self.min_size_mm3:g} is no size. Give 0 or a positive number.")

    def accepts(self, iou: Float64[Any, "*any"]) -> Bool[Any, "*any"]:
        """Whether an IoU is enough for a match."""
        if self.strict:
            return iou > self.iou_threshold + _SLACK
        return iou >= self.iou_threshold - _SLACK


@dataclass(frozen=True, kw_only=True)
class Overlaps:
    """The pairs of components that share voxels, by truth, then pred."""

    truth: Int64[np.ndarray, " pair"]
    pred: Int64[np.ndarray, " pair"]
    voxels: Int64[np.ndarray, " pair"]
    truth_voxels: Int64[np.ndarray, " true"]
    pred_voxels: Int64[np.ndarray, " predicted"]

    @cached_property
    def iou(self) -> Float64[np.ndarray, " pair"]:
        """IoU of each pair."""
        return self.voxels / (self.truth_voxels[self.truth] + self.pred_voxels[self.pred] - self.voxels)

    def joined(
        self, linked: PerPair, *, side: Side = "truth"
    ) -> tuple[Int64[np.ndarray, " own"], Int64[np.ndarray, " own"]]:
        """Voxels of the intersection and the union of each component of a side with all that is linked to it."""
        own, other = (self.truth, self.pred) if side == "truth" else (self.pred, self.truth)
        sizes = (self.truth_voxels, self.pred_voxels)
        own_voxels, other_voxels = sizes if side == "truth" else sizes[::-1]
        shared, others = np.zeros((2, len(own_voxels)), dtype=np.int64)
        np.add.at(shared, own[linked], self.voxels[linked])
        np.add.at(others, own[linked], other_voxels[other[linked]])
        return shared, own_voxels + others - shared


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How large the lesions of one class are on both sides, and what they share: all that counts of them read."""

    overlaps: Overlaps
    mostly_ignored: Bool[np.ndarray, " predicted"]  # of which more than half lies in ignored voxels and crowds
    n_dropped: tuple[int, int]  # lesions of pred and truth that were left out for their size
    is_overlapping: bool = False  # whether a voxel belongs to two lesions of a side

    @property
    def n_pred(self) -> int:
        """Predicted lesions, without those that are mostly ignored and overlap no true one."""
        return int((~self.mostly_ignored | marked(self.overlaps.pred, len(self.mostly_ignored))).sum())

    @property
    def n_truth(self) -> int:
        """True lesions."""
        return len(self.overlaps.truth_voxels)


@dataclass(frozen=True, kw_only=True)
class Matched:
    """The lesions of one class after matching; every array speaks of one side's lesions in order."""

    tally: Tally
    rule: MatchRule
    linked: PerPair

    @cached_property
    def truth_hit(self) -> Bool[np.ndarray, " true"]:
        """True lesions that were found."""
        return marked(self.tally.overlaps.truth[self.linked], self.tally.n_truth)

    @cached_property
    def pred_used(self) -> Bool[np.ndarray, " predicted"]:
        """Predicted lesions that found a true one."""
        return marked(self.tally.overlaps.pred[self.linked], len(self.tally.mostly_ignored))

    @cached_property
    def pred_forgiven(self) -> Bool[np.ndarray, " predicted"]:
        """Unmatched predicted lesions that `forgive_extra` does not count."""
        if not self.rule.forgive_extra:
            return np.zeros_like(self.pred_used)
        near = self.tally.overlaps.pred[self.accepted]
        return marked(near, len(self.pred_used)) & ~self.pred_used

    @cached_property
    def pred_ignored(self) -> Bool[np.ndarray, " predicted"]:
        """Unmatched predicted lesions of which more than half lies in ignored voxels, where these are forgiven."""
        return self.tally.mostly_ignored & ~self.pred_used & (self.rule.void == "forgive")

    @cached_property
    def false_alarm(self) -> Bool[np.ndarray, " predicted"]:
        """Predicted lesions that found nothing and have no excuse."""
        return ~(self.pred_used | self.pred_forgiven | self.pred_ignored)

    @property
    def truth_ignored(self) -> Bool[np.ndarray, " true"]:
        """True lesions that count nowhere."""
        return np.zeros(self.tally.n_truth, dtype=bool)

    @property
    def accepted(self) -> PerPair:
        """The pairs that overlap enough for a match."""
        return self.rule.accepts(self.tally.overlaps.iou)

    @property
    def too_little(self) -> str:
        """The end of a sentence that says why an overlap is not enough."""
        return f"{'does not exceed' if self.rule.strict else 'is below'} {self.rule.iou_threshold:g}"

    @cached_property
    def truth_iou(self) -> Float64[np.ndarray, " true"]:
        """IoU of each true lesion with all that was matched to it; 0 where nothing was."""
        shared, union = self.tally.overlaps.joined(self.linked)
        return shared / union


def marked(which: np.ndarray, n: int) -> Bool[np.ndarray, " part"]:
    """Which of n parts are meant."""
    marks = np.zeros(n, dtype=bool)
    marks[which] = True
    return marks


def overlaps_of(pred: Components, truth: Components) -> Overlaps:
    """Count the voxels that each predicted component shares with each true one."""
    if pred.is_overlapping or truth.is_overlapping:
        in_pred, in_truth = same_voxels(pred.index, truth.index)
    else:
        in_pred, in_truth = _same_places(pred.index, truth.index)
    pair = truth.owner[in_truth] * len(pred) + pred.owner[in_pred]
    pair, _, voxels = numbered(pair)
    return Overlaps(
        truth=pair // max(len(pred), 1),
        pred=pair % max(len(pred), 1),
        voxels=voxels,
        truth_voxels=truth.n_voxels,
        pred_voxels=pred.n_voxels,
    )


def _same_places(pred: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places at which two ascending lists without repeats have the same number."""
    place = np.searchsorted(truth, pred)
    is_there = place < len(truth)
    is_there[is_there] = truth[place[is_there]] == pred[is_there]
    in_pred = np.flatnonzero(is_there)
    return in_pred, place[in_pred]


def same_voxels(pred: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of places at which two lists have the same number, which may stand there repeatedly.

    Args:
        pred: in any order.
        truth: ascending.
    """
    first, last = (np.searchsorted(truth, pred, side=side) for side in ("left", "right"))
    n = last - first
    in_pred = np.repeat(np.arange(len(pred)), n)
    return in_pred, np.arange(len(in_pred)) - np.repeat(np.cumsum(n) - n, n) + np.repeat(first, n)


def link(overlaps: Overlaps, rule: MatchRule) -> PerPair:
    """Say which overlapping pairs belong together under a rule."""
    return _RULES[rule.matching](overlaps, rule)


def _hungarian(overlaps: Overlaps, rule: MatchRule) -> PerPair:
    """One with one: as many matches as can be, then the largest sum of IoU."""
    accepted = rule.accepts(overlaps.iou)
    return assigned(overlaps, np.flatnonzero(accepted), first=accepted)


def assigned(overlaps: Overlaps, pairs: Int64[np.ndarray, " some"], *, first: PerPair | None = None) -> PerPair:
    """Choose among pairs so that each component has one at most, and the sum of IoU is the largest there is.

    Components fall into groups that no pair joins, and each group is an assignment problem of its own. Nearly all
    hold one pair; a large one, as of cells that all touch, is solved without a table of all its pairs.

    Args:
        first: as many of these pairs as can be come first, then the sum of IoU.
    """
    chosen = np.zeros(len(overlaps.pred), dtype=bool)
    truth, pred = overlaps.truth[pairs], overlaps.pred[pairs]
    alone = (np.bincount(truth)[truth] == 1) & (np.bincount(pred)[pred] == 1) if len(pairs) else np.zeros(0, dtype=bool)
    chosen[pairs[alone]] = True
    for block in _independent(overlaps, pairs[~alone]):
        chosen[_assigned(overlaps, block, None if first is None else first[block])] = True
    return chosen


def _independent(overlaps: Overlaps, pairs: np.ndarray) -> Iterator[np.ndarray]:
    """Groups of pairs without a component in common: each is an assignment problem of its own, and small."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(pairs):
        return
    truth, pred = overlaps.truth[pairs], overlaps.pred[pairs] + len(overlaps.truth_voxels)
    n = len(overlaps.truth_voxels) + len(overlaps.pred_voxels)
    _, group = connected_components(coo_array((np.ones(len(pairs)), (truth, pred)), shape=(n, n)), directed=False)
    order = np.argsort(group[truth], kind="stable")
    ends = np.flatnonzero(np.diff(group[truth][order])) + 1
    yield from np.split(pairs[order], ends)


def _assigned(overlaps: Overlaps, block: np.ndarray, first: np.ndarray | None) -> np.ndarray:
    truths, row = np.unique(overlaps.truth[block], return_inverse=True)
    preds, column = np.unique(overlaps.pred[block], return_inverse=True)
    n_truth, n_pred = len(overlaps.truth_voxels), len(overlaps.pred_voxels)
    # outweighs any sum of IoU
    one_more_match = 0 if first is None else first * (min(len(truths), len(preds)) + 1)
    tie = 1e-9 * overlaps.pred[block] * (n_truth - overlaps.truth[block]) / (n_truth * n_pred)
    weight = one_more_match + overlaps.iou[block] - tie
    solve = _by_table if len(truths) * len(preds) <= _LARGEST_TABLE else _by_graph
    return block[solve(weight, row, column)]


def _by_table(weight: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    from scipy.optimize import linear_sum_assignment

    table = np.zeros((row.max() + 1, column.max() + 1))
    place = np.full(table.shape, -1)
    table[row, column], place[row, column] = weight, np.arange(len(weight))
    found: np.ndarray = place[linear_sum_assignment(table, maximize=True)]
    return found[found >= 0]


def _by_graph(weight: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """The same from the pairs alone; each row has a column of its own too, which stands for no partner."""
    from scipy.sparse import coo_array, csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    n_rows, n_columns = row.max() + 1, column.max() + 1
    every = np.arange(n_rows)
    rows, columns = np.concatenate([row, every]), np.concatenate([column, n_columns + every])
    weights = np.concatenate([weight + 1, np.ones(n_rows)])  # a weight of 0 would be no pair
    graph = csr_array(coo_array((weights, (rows, columns)), shape=(n_rows, n_columns + n_rows)))
    met, partner = min_weight_full_bipartite_matching(graph, maximize=True)
    return np.flatnonzero(np.isin(row * n_columns + column, (met * n_columns + partner)[partner < n_columns]))


def _greedy(overlaps: Overlaps, rule: MatchRule) -> PerPair:
    """One with one: the best IoU first."""
    linked = np.zeros(len(overlaps.pred), dtype=bool)
    truth_free, pred_free = np.ones(len(overlaps.truth_voxels), bool), np.ones(len(overlaps.pred_voxels), bool)
    accepted = rule.accepts(overlaps.iou)
    for pair in np.lexsort((overlaps.pred, overlaps.truth, -overlaps.iou)):
        truth, pred = overlaps.truth[pair], overlaps.pred[pair]
        if accepted[pair] and truth_free[truth] and pred_free[pred]:
            linked[pair], truth_free[truth], pred_free[pred] = True, False, False
    return linked


def _merge(overlaps: Overlaps, rule: MatchRule) -> PerPair:
    """Each predicted component joins the truth it shares most voxels with; the groups must pass together."""
    linked = main_overlap(overlaps)
    shared, union = overlaps.joined(linked)
    return linked & rule.accepts(shared / union)[overlaps.truth]


def main_overlap(overlaps: Overlaps) -> PerPair:
    """The pair of each predicted component with most voxels; then the best IoU, then the lowest truth."""
    order = np.lexsort((overlaps.truth, -overlaps.iou, -overlaps.voxels, overlaps.pred))
    _, first = np.unique(overlaps.pred[order], return_index=True)
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[first]] = True
    return chosen


def _any_overlap(overlaps: Overlaps, rule: MatchRule) -> PerPair:
    return np.ones(len(overlaps.pred), dtype=bool)


_RULES: dict[str, Callable[[Overlaps, MatchRule], PerPair]] = {
    "hungarian": _hungarian,
    "greedy": _greedy,
    "merge": _merge,
    "any_overlap": _any_overlap,
}
