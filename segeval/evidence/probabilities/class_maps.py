"""Probability maps beside their truth: the evidence of calibration, ranking and soft overlap."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from operator import add
from typing import Any, Literal

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.additive import Additive, Kept, Record
from segeval.evidence.labels import WHOLE_CASE, LabelClass
from segeval.evidence.probabilities.channels import ProbMap, blocks
from segeval.evidence.probabilities.histogram import ProbHistogram, are_few
from segeval.evidence.probabilities.prob_maps import Order, ProbMaps
from segeval.evidence.probabilities.ranking import Detail, part_sizes
from segeval.evidence.probabilities.soft import PixelTerms, SoftCounts
from segeval.evidence.shape_words import Float
from segeval.evidence.shapes import Labels, PerLabel, Probs

Closed = Literal["right", "left"]
Region = Literal["all", "foreground"]

_CHUNK = 1 << 18  # voxels that are widened to float64 at a time
_DEAREST = 100.0  # a confident error costs no more
_WHOLE_CASE = LabelClass(name=WHOLE_CASE, ids=())


@dataclass(frozen=True, kw_only=True)
class ProbSums(Additive):
    """Sums over the voxels of a map; `hits` is Σp·y."""

    n: PerLabel
    truth: PerLabel
    probs: PerLabel
    probs_squared: PerLabel
    hits: PerLabel
    squared_error: PerLabel
    log_loss: PerLabel


@dataclass(frozen=True, kw_only=True)
class Bins(Additive):
    """Voxels, summed probabilities and positives per bin of probability; the last axis counts the bins."""

    n: Float[np.ndarray, "*label bin"]
    probs: Float[np.ndarray, "*label bin"]
    positives: Float[np.ndarray, "*label bin"]


@dataclass(frozen=True, kw_only=True)
class ClassMap:
    """The probability of one class, and the voxels that are the class in truth."""

    maps: ProbMaps
    channel: int

    def flat(self, order: Order = "K") -> tuple[np.ndarray, np.ndarray]:
        """Probability of each voxel that is scored, and whether it came true; order K is that of memory."""
        scored = self.maps.scored(self.channel, order)
        return _as_precise_as_stored(scored.map), scored.truth

    def sums(self) -> ProbSums:
        """Sums over the voxels."""
        voxels = self.maps.condensed(self.channel)
        counts, terms = SoftCounts(voxels), PixelTerms(voxels)
        return ProbSums.of(
            n=counts.n,
            truth=counts.truth,
            probs=counts.pred,
            probs_squared=counts.pred_squared,
            hits=counts.tp,
            squared_error=counts.error_on_truth + counts.error_on_rest,
            log_loss=sum(terms.sums(lambda nll, nlm: np.minimum(nll, _DEAREST))),
        )

    def histogram(self, detail: Detail) -> ProbHistogram:
        """Voxels by probability."""
        return self.maps.histogram(self.channel, detail)

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """See `ProbMap.rounded`."""
        return self.maps.maps[self.channel].rounded(values)


@dataclass(frozen=True, kw_only=True)
class TopLabelMap:
    """The largest probability of each voxel, and whether that class is the true one; negative codes are ignored.

    A single map, of class 1, leaves the rest to class 0.
    """

    maps: tuple[ProbMap, ...]
    codes: np.ndarray

    def flat(self, order: Order = "K") -> tuple[np.ndarray, np.ndarray]:
        """Largest probability of each voxel, and whether it came true."""
        parts = [(probs.max(axis=0), probs.argmax(axis=0) == codes) for probs, codes in self._columns()]
        largest, right = (np.concatenate(each) for each in zip(*parts, strict=True))
        return largest, right

    def sums(self) -> ProbSums:
        """What brier and nll are made of."""
        return reduce(add, (_sums_over_classes(probs.astype(np.float64), codes) for probs, codes in self._columns()))

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """See `ProbMap.rounded`."""
        (one, *others) = self.maps
        return (one if others else replace(one, steps=one.own_steps)).rounded(values)

    def _columns(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The probabilities of all classes at some voxels, (label, voxel), and the true class of each."""
        for block in blocks(self.codes):
            scored = self.codes[block] >= 0
            here = [replace(one, stored=one.stored[block][scored]) for one in self.maps]
            probs = [one.probs() for one in here] if len(here) > 1 else here[0].both_sides()[::-1]
            yield np.stack(probs), self.codes[block][scored]


Map = ClassMap | TopLabelMap


@dataclass(frozen=True, kw_only=True)
class ClassMaps:
    """The probability map of every class of a case; nothing is computed before it is asked for.

    The sum of two cases answers what each was asked for before, and holds no maps.
    """

    classes: tuple[LabelClass, ...]
    maps: tuple[Map, ...] = ()
    _kept: Kept[Any] = field(default_factory=Kept, repr=False, compare=False)

    @classmethod
    def of(
        cls, probs: Probs, truth: Labels, *, classes: Sequence[LabelClass], ignore: Sequence[int] = ()
    ) -> "ClassMaps":
        """Take one map per class, in the order of `classes`.

        Args:
            ignore: truth ids whose voxels count nowhere.
        """
        maps = ProbMaps.of_array(probs, truth=truth, channels=tuple(classes), ignore=tuple(ignore))
        return cls.of_channels(maps, range(len(maps)), classes=classes)

    @classmethod
    def of_channels(cls, maps: ProbMaps, channels: Sequence[int], *, classes: Sequence[LabelClass]) -> "ClassMaps":
        """Take some channels, each of which is the map of a class."""
        of_classes = [ClassMap(maps=maps, channel=channel) for channel in channels]
        return cls(classes=tuple(classes), maps=tuple(of_classes))

    @classmethod
    def of_case(cls, probs: Float[np.ndarray, "label voxel"], codes: np.ndarray) -> "ClassMaps":
        """Take the case as a whole: maps of all classes that sum to 1, and the row of the true class per voxel.

        Voxels with a negative code are ignored. Rankings of the most probable class are not defined;
        sums and bins are, and have no class axis.
        """
        return cls.of_partition([ProbMap(stored=one) for one in probs], codes)

    @classmethod
    def of_partition(cls, maps: Sequence[ProbMap], codes: np.ndarray) -> "ClassMaps":
        """The same of maps as they were stored, and codes in their shape."""
        return cls(classes=(_WHOLE_CASE,), maps=(TopLabelMap(maps=tuple(maps), codes=codes),))

    @property
    def approx(self) -> bool:
        """Whether a value so far was read from bins."""
        return any(one.approx for one in self._kept.values() if isinstance(one, ProbHistogram))

    def sums(self) -> ProbSums:
        """Sums per class."""
        return self._per_class(ProbSums, ("sums",), lambda one: one.sums())

    def bins(self, *, bins: int, closed: Closed, region: Region) -> Bins:
        """Bins of equal width per class."""
        _check_number(bins)
        return self._per_class(Bins, ("bins", bins, closed, region), partial(_binned, bins, closed, region))

    def histograms(self, detail: Detail) -> list[ProbHistogram]:
        """Voxels per probability, for each class."""
        return self._each(("histogram", detail), lambda one: one.histogram(detail))

    def gaps_of_equal_parts(self, n: int, *, exact: bool) -> list[np.ndarray]:
        """|mean probability − share of positives| of `n` equally large parts by probability, for each class.

        Ties stay in C order; where the voxels are too many to be sorted, ties are shared out.
        """
        _check_number(n)
        histograms = self.histograms("exact" if exact else n)  # kept for the pooled value, which has nothing else
        if not self.maps:
            return [one.gaps_of_equal_parts(n) for one in histograms]
        return [_gaps(*each, n, exact=exact) for each in zip(self.maps, histograms, strict=True)]

    def for_pooling(self) -> "ClassMaps":
        """The results so far, without the maps they came from."""
        return ClassMaps(classes=self.classes, _kept=self._kept)

    def __add__(self, other: "ClassMaps") -> "ClassMaps":
        classes = tuple(dict.fromkeys((*self.classes, *other.classes)))
        return ClassMaps(classes=classes, _kept=self._kept + other._kept)

    def _each(self, setting: Hashable, compute: Callable[[Any], Any]) -> list[Any]:
        return [self._kept.get((setting, of), partial(self._compute, compute, i)) for i, of in enumerate(self.classes)]

    def _per_class(self, record: type[Record], setting: Hashable, compute: Callable[[Map], Record]) -> Record:
        records = self._each(setting, compute)
        return records[0] if self.classes == (_WHOLE_CASE,) else record.stack(records)

    def _compute(self, compute: Callable[[Any], Any], which: int) -> Any:
        if not self.maps:
            raise LookupError("Pooled maps know only what every case was asked for.")
        return compute(self.maps[which])


def _as_precise_as_stored(one: ProbMap) -> np.ndarray:
    """Probabilities; those of float16 in float16, since so few differ that all of them can be told apart."""
    return one.probs() if one.levels is not None or one.is_log_odds else np.clip(one.stored, 0, 1)


def _check_number(bins: int) -> None:
    if bins < 1:
        raise ConfigError(f"bins={bins} is no number of bins. Give 1 or more.")


def _sums_over_classes(probs: np.ndarray, codes: np.ndarray) -> ProbSums:
    """Sums over some voxels of a whole case: errors are those of all classes of a voxel together."""
    of_truth = np.take_along_axis(probs, codes[None].astype(np.intp), axis=0)[0]
    with np.errstate(divide="ignore"):
        log_loss = np.minimum(-np.log(of_truth), _DEAREST).sum()
    squares = (probs * probs).sum()
    return ProbSums.of(
        n=codes.size,
        truth=codes.size,
        probs=probs.sum(),
        probs_squared=squares,
        hits=of_truth.sum(),
        squared_error=squares + ((1 - of_truth) ** 2 - of_truth**2).sum(),
        log_loss=log_loss,
    )


def _binned(bins: int, closed: Closed, region: Region, one: Map) -> Bins:
    above = np.greater if closed == "right" else np.greater_equal
    all_probs, all_inside = one.flat()
    edges = one.rounded(np.arange(1, bins) / bins)
    n, mass, positives = np.zeros((3, bins))
    for chunk in _chunks(all_probs.size):
        probs, inside = all_probs[chunk].astype(np.float64), all_inside[chunk]
        if region == "foreground":
            kept = (probs >= 0.5) | inside
            probs, inside = probs[kept], inside[kept]
        which = np.zeros(probs.size, dtype=np.min_scalar_type(bins))
        values = one.rounded(probs)
        for edge in edges:  # so few comparisons beat a binary search
            which += above(values, edge)
        n += np.bincount(which, minlength=bins)
        mass += np.bincount(which, weights=probs, minlength=bins)
        positives += np.bincount(which[inside], minlength=bins)
    return Bins(n=n, probs=mass, positives=positives)


def _gaps(one: Map, histogram: ProbHistogram, n: int, *, exact: bool) -> np.ndarray:
    probs, inside = one.flat("C")
    if not (exact or are_few(probs.size)):
        return histogram.gaps_of_equal_parts(n)
    order, sizes = np.argsort(probs, kind="stable"), part_sizes(probs.size, n)
    excess = probs[order].astype(np.float64) - inside[order]
    return np.abs(np.add.reduceat(excess, np.cumsum(sizes) - sizes)) / sizes


def _chunks(n: int) -> Iterator[slice]:
    """At least one, so that a sum over none has a first term."""
    return (slice(start, start + _CHUNK) for start in range(0, max(n, 1), _CHUNK))
