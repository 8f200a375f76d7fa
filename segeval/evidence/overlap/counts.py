"""Voxel counts: the evidence of every overlap metric."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from segeval.evidence.additive import State
from segeval.evidence.labels import LabelClass
from segeval.evidence.shapes import CountPerLabel, Square


@dataclass(frozen=True, kw_only=True)
class Counts(State):
    """True and false positives and negatives per class, int64, always reached by name."""

    tp: CountPerLabel
    fp: CountPerLabel
    fn: CountPerLabel
    tn: CountPerLabel

    @property
    def pred(self) -> CountPerLabel:
        """Voxels predicted as the class."""
        return self.tp + self.fp

    @property
    def truth(self) -> CountPerLabel:
        """Voxels that are the class in truth."""
        return self.tp + self.fn

    @property
    def total(self) -> CountPerLabel:
        """Voxels that are scored."""
        return self.tp + self.fp + self.fn + self.tn


class CategoryCounts(Counts):
    """The same of classes that belong together, each group as one class."""


@dataclass(frozen=True, kw_only=True)
class Joint(State):
    """How often each truth bin met each predicted bin: `(..., truth, pred)`, int64.

    Per class the bins are (rest, class), shape (label, 2, 2); once per case they are background and
    all classes. `in_mean` marks the bins that a mean over classes counts.
    """

    n: Square
    in_mean: np.ndarray

    @property
    def truth(self) -> CountPerLabel:
        """Voxels of each truth bin."""
        return self.n.sum(axis=-1)

    @property
    def pred(self) -> CountPerLabel:
        """Voxels of each predicted bin."""
        return self.n.sum(axis=-2)

    @property
    def hits(self) -> CountPerLabel:
        """Voxels on which both sides agree, per bin."""
        return np.diagonal(self.n, axis1=-2, axis2=-1)

    @property
    def total(self) -> CountPerLabel:
        """Voxels that are scored."""
        return self.n.sum(axis=(-2, -1))

    def __add__(self, other: "Joint") -> "Joint":
        return Joint(n=self.n + other.n, in_mean=self.in_mean)


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Joint histogram of raw ids, ignored voxels removed: `n[i, j]` voxels of truth `ids[i]`, predicted `ids[j]`."""

    ids: tuple[int, ...]
    n: Square

    def without(self, ignore: Sequence[int]) -> "Histogram":
        """Drop the voxels whose truth is one of `ignore`."""
        n = self.n.copy()
        n[[i for i, one in enumerate(self.ids) if one in set(ignore)]] = 0
        seen = (n.sum(axis=0) + n.sum(axis=1)) > 0
        return Histogram(ids=tuple(np.asarray(self.ids, dtype=object)[seen]), n=n[np.ix_(seen, seen)])

    def without_unions(self, ids: Collection[int]) -> "Histogram":
        """Count voxels of ids that stand for several classes at once as background, on both sides."""
        if not ids:
            return self
        kept = [0, *(label for label in self.ids if label and label not in ids)]
        n = self.on([*kept, *ids])
        n[:, 0] += n[:, len(kept) :].sum(axis=1)
        n[0] += n[len(kept) :].sum(axis=0)
        return Histogram(ids=tuple(kept), n=n[: len(kept), : len(kept)])

    def on(self, ids: Sequence[int]) -> Square:
        """The same histogram with rows and columns in the order of `ids`, zeros where an id is absent."""
        where = {one: i for i, one in enumerate(ids)}
        n = np.zeros((len(ids), len(ids)), dtype=np.int64)
        rows = [where[one] for one in self.ids]
        n[np.ix_(rows, rows)] = self.n
        return n

    def counts(self, classes: Sequence[LabelClass]) -> Counts:
        """One set of counts per class; a region is the union of its ids."""
        where = {one: i for i, one in enumerate(self.ids)}
        members = [[where[one] for one in c.ids if one in where] for c in classes]
        hits = self.n.diagonal().tolist()  # as whole numbers of Python, since a call of numpy for each class costs more
        shared = [self.n[np.ix_(rows, rows)].sum() if len(rows) > 1 else sum(hits[i] for i in rows) for rows in members]
        of_truth, of_pred = self.n.sum(axis=1).tolist(), self.n.sum(axis=0).tolist()
        truth, pred = (
            np.array([sum(side[i] for i in rows) for rows in members], dtype=np.int64) for side in (of_truth, of_pred)
        )
        tp = np.array(shared, dtype=np.int64)
        return Counts(tp=tp, fp=pred - tp, fn=truth - tp, tn=self.n.sum() - truth - pred + tp)

    def categories(self, groups: Sequence[LabelClass]) -> CategoryCounts:
        """One set of counts per group of classes, in which confusion is none."""
        return CategoryCounts(**vars(self.counts(groups)))

    def joint(self, classes: Sequence[LabelClass], *, rest_is_class: bool) -> Joint:
        """The case as one partition: every id outside the disjoint `classes` falls into the first bin."""
        bin_of = {one: i + 1 for i, c in enumerate(classes) for one in c.ids}
        bins = np.array([bin_of.get(one, 0) for one in self.ids], dtype=np.int64)
        n = np.zeros((len(classes) + 1, len(classes) + 1), dtype=np.int64)
        np.add.at(n, (bins[:, None], bins[None, :]), self.n)
        in_mean = np.ones(len(n), dtype=bool)
        in_mean[0] = rest_is_class
        return Joint(n=n, in_mean=in_mean)


def per_class_joint(counts: Counts) -> Joint:
    """Each class against the rest, as 2 x 2 joint histograms of shape (label, 2, 2)."""
    n = np.stack([np.stack([counts.tn, counts.fp], axis=-1), np.stack([counts.fn, counts.tp], axis=-1)], axis=-2)
    return Joint(n=n, in_mean=np.ones(2, dtype=bool))
