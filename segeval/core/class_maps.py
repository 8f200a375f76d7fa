"""Probability maps beside their truth: the evidence of calibration, ranking and soft overlap."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from operator import add
from typing import Any, Literal

import numpy as np

from segeval.core.additive import Additive, Kept, Record
from segeval.core.channels import ProbMap, blocks
from segeval.core.labels import LabelClass
from segeval.core.probability import EXACT_UP_TO, ProbHistogram, part_sizes
from segeval.core.shape_words import Bool, Float
from segeval.core.shapes import Labels, PerLabel, Probs
from segeval.errors import ConfigError

Closed = Literal["right", "left"]
Region = Literal["all", "foreground"]

_CHUNK = 1 << 18  # voxels that are widened to float64 at a time
_LOG_FLOOR = -100.0  # a confident error costs 100 and not infinity
_WHOLE_CASE = LabelClass(name="(all)", ids=())


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

    map: ProbMap
    truth: Labels
    ids: tuple[int, ...]
    ignore: tuple[int, ...]

    def flat(self, order: Literal["C", "K"] = "K") -> tuple[np.ndarray, np.ndarray]:
        """Probability of each voxel that is scored, and whether it came true; order K is that of memory."""
        by: Literal["C", "F"] = "F" if order == "K" and self.truth.flags.f_contiguous else "C"
        stored, truth = self.map.stored.reshape(-1, order=by), self.truth.reshape(-1, order=by)
        inside = _is_any(truth, self.ids)
        if self.ignore:
            scored = ~_is_any(truth, self.ignore)
            stored, inside = stored[scored], inside[scored]
        return _as_precise_as_stored(replace(self.map, stored=stored)), inside

    def sums(self) -> ProbSums:
        probs, inside = self.flat()
        of_chunks = (_sums(probs[chunk].astype(np.float64), inside[chunk]) for chunk in _chunks(probs.size))
        return reduce(add, of_chunks)


@dataclass(frozen=True, kw_only=True)
class TopLabelMap:
    """The largest probability of each voxel, and whether that class is the true one; negative codes are ignored."""

    maps: tuple[ProbMap, ...]
    codes: np.ndarray

    def flat(self, order: Literal["C", "K"] = "K") -> tuple[np.ndarray, np.ndarray]:
        """Largest probability of each voxel, and whether it came true."""
        parts = [(probs.max(axis=0), probs.argmax(axis=0) == codes) for probs, codes in self._columns()]
        largest, right = (np.concatenate(each) for each in zip(*parts, strict=True))
        return largest, right

    def sums(self) -> ProbSums:
        """What brier and nll are made of."""
        return reduce(add, (_sums_over_classes(probs.astype(np.float64), codes) for probs, codes in self._columns()))

    def _columns(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The probabilities of all classes at some voxels, (label, voxel), and the true class of each."""
        for block in blocks(self.codes):
            scored = self.codes[block] >= 0
            yield np.stack([one.probs(block)[scored] for one in self.maps]), self.codes[block][scored]


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
        return cls.of_maps([ProbMap(stored=one) for one in probs], truth, classes=classes, ignore=ignore)

    @classmethod
    def of_maps(
        cls, maps: Sequence[ProbMap], truth: Labels, *, classes: Sequence[LabelClass], ignore: Sequence[int] = ()
    ) -> "ClassMaps":
        """The same of maps as they were stored."""
        of_classes = [
            ClassMap(map=one, truth=truth, ids=of.ids, ignore=tuple(ignore))
            for one, of in zip(maps, classes, strict=True)
        ]
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

    def histograms(self, *, exact: bool) -> list[ProbHistogram]:
        """Voxels per probability, for each class."""
        return self._each(("histogram", exact), lambda one: ProbHistogram.from_probs(*one.flat(), exact=exact))

    def gaps_of_equal_parts(self, n: int, *, exact: bool) -> list[np.ndarray]:
        """|mean probability − share of positives| of `n` equally large parts by probability, for each class.

        Ties stay in C order; where the voxels are too many to be sorted, ties are shared out.
        """
        _check_number(n)
        histograms = self.histograms(exact=exact)  # kept for the pooled value, which has nothing else
        if not self.maps:
            return [one.gaps_of_equal_parts(n) for one in histograms]
        return [_gaps(*each, n, exact=exact) for each in zip(self.maps, histograms, strict=True)]

    def for_pooling(self) -> "ClassMaps":
        """The results so far, without the maps they came from."""
        return ClassMaps(classes=self.classes, _kept=self._kept)

    def __add__(self, other: "ClassMaps") -> "ClassMaps":
        classes = tuple(dict.fromkeys((*self.classes, *other.classes)))
        return ClassMaps(classes=classes, _kept=self._kept + other._kept)

    def _each(self, setting: Hashable, compute: Callable[[Map], Any]) -> list[Any]:
        return [self._kept.get((setting, of), partial(self._compute, compute, i)) for i, of in enumerate(self.classes)]

    def _per_class(self, record: type[Record], setting: Hashable, compute: Callable[[Map], Record]) -> Record:
        records = self._each(setting, compute)
        return records[0] if self.classes == (_WHOLE_CASE,) else record.stack(records)

    def _compute(self, compute: Callable[[Map], Any], which: int) -> Any:
        if not self.maps:
            raise LookupError("Pooled maps know only what every case was asked for.")
        return compute(self.maps[which])


def _as_precise_as_stored(one: ProbMap) -> np.ndarray:
    """Probabilities; those of float16 in float16, since so few differ that all of them can be told apart."""
    return one.probs() if one.levels is not None or one.is_log_odds else np.clip(one.stored, 0, 1)


def _check_number(bins: int) -> None:
    if bins < 1:
        raise ConfigError(f"bins={bins} is no number of bins. Give 1 or more.")


def _sums(probs: np.ndarray, inside: np.ndarray) -> ProbSums:
    """Sums over some voxels; those inside and outside the class apart, since each has a formula of its own."""
    hits, alarms = probs[inside], probs[~inside]
    with np.errstate(divide="ignore"):
        log_loss = -_floored(np.log(hits)).sum() - _floored(np.log1p(-alarms)).sum()
    return ProbSums.of(
        n=probs.size,
        truth=hits.size,
        probs=probs.sum(),
        probs_squared=(probs * probs).sum(),
        hits=hits.sum(),
        squared_error=((1 - hits) ** 2).sum() + (alarms * alarms).sum(),
        log_loss=log_loss,
    )


def _sums_over_classes(probs: np.ndarray, codes: np.ndarray) -> ProbSums:
    """Sums over some voxels of a whole case: errors are those of all classes of a voxel together."""
    of_truth = np.take_along_axis(probs, codes[None].astype(np.intp), axis=0)[0]
    with np.errstate(divide="ignore"):
        log_loss = -_floored(np.log(of_truth)).sum()
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
    edges = np.arange(bins + 1) / bins
    all_probs, all_inside = one.flat()
    n, mass, positives = np.zeros((3, bins))
    for chunk in _chunks(all_probs.size):
        probs, inside = all_probs[chunk].astype(np.float64), all_inside[chunk]
        if region == "foreground":
            kept = (probs >= 0.5) | inside
            probs, inside = probs[kept], inside[kept]
        side: Closed = "left" if closed == "right" else "right"  # an edge belongs to the bin that is closed there
        which = np.clip(np.searchsorted(edges, probs, side=side) - 1, 0, bins - 1)
        n += np.bincount(which, minlength=bins)
        mass += np.bincount(which, weights=probs, minlength=bins)
        positives += np.bincount(which[inside], minlength=bins)
    return Bins(n=n, probs=mass, positives=positives)


def _gaps(one: Map, histogram: ProbHistogram, n: int, *, exact: bool) -> np.ndarray:
    probs, inside = one.flat("C")
    if probs.size > EXACT_UP_TO and not exact:
        return histogram.gaps_of_equal_parts(n)
    order, sizes = np.argsort(probs, kind="stable"), part_sizes(probs.size, n)
    excess = probs[order].astype(np.float64) - inside[order]
    return np.abs(np.add.reduceat(excess, np.cumsum(sizes) - sizes)) / sizes


def _is_any(labels: np.ndarray, ids: Sequence[int]) -> Bool[np.ndarray, " voxel"]:
    """Which labels are one of a few ids; comparing beats a look-up."""
    found = np.zeros(labels.shape, dtype=bool)
    for one in ids:
        found |= labels == one
    return found


def _chunks(n: int) -> Iterator[slice]:
    """At least one, so that a sum over none has a first term."""
    return (slice(start, start + _CHUNK) for start in range(0, max(n, 1), _CHUNK))


def _floored(log: np.ndarray) -> np.ndarray:
    return np.maximum(log, _LOG_FLOOR)
