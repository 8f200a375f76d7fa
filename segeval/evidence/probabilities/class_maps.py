"""What metrics of probability read: sums, bins and curves of the maps of a case, which add up over cases."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import add
from typing import Any, ClassVar, Literal

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.additive import Record, State
from segeval.evidence.arrays import cast, namespace, on_host, widened
from segeval.evidence.probabilities.bins import Detail, part_sizes
from segeval.evidence.probabilities.channels import ProbMap, blocks
from segeval.evidence.probabilities.histogram import ProbHistogram, are_few
from segeval.evidence.probabilities.prob_maps import Order, ProbMaps
from segeval.evidence.probabilities.soft import PixelTerms, ProbVoxels, SoftCounts
from segeval.evidence.shapes import Float, PerLabel

Closed = Literal["right", "left"]
Region = Literal["all", "foreground"]

_CHUNK = 1 << 18  # voxels that are widened to float64 at a time
_DEAREST = 100.0  # a confident error costs no more


@dataclass(frozen=True, kw_only=True)
class ClassMap:
    """The probability of one class, and the voxels that are the class in truth."""

    maps: ProbMaps
    channel: int

    def flat(self, order: Order = "K") -> tuple[np.ndarray, np.ndarray]:
        """Probability of each voxel that is scored, and whether it came true; order K is that of memory.

        Those of float16 stay so, since so few differ that all of them can be told apart.
        """
        scored = self.maps.on_host.scored(self.channel, order)
        coded = scored.map.levels is not None or scored.map.is_log_odds
        return scored.map.probs() if coded else np.clip(scored.map.stored, 0, 1), scored.truth

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """See `ProbMap.rounded`."""
        return self.maps.maps[self.channel].rounded(values)

    def histogram(self, detail: Detail) -> ProbHistogram:
        """Voxels by probability, as finely as `detail` needs it."""
        return self.maps.histogram(self.channel, detail)


@dataclass(frozen=True, kw_only=True)
class TopLabelMap:
    """The largest probability of each voxel, and whether that class is the true one; negative codes are ignored.

    A single map, of class 1, leaves the rest to class 0.
    """

    maps: tuple[ProbMap, ...]
    codes: Any

    def flat(self, order: Order = "K") -> tuple[np.ndarray, np.ndarray]:
        """Largest probability of each voxel, and whether it came true, on the CPU."""
        parts = [(namespace(probs).amax(probs, 0), probs.argmax(0) == codes) for probs, codes in self.columns()]
        largest, right = (np.concatenate([on_host(part) for part in each]) for each in zip(*parts, strict=True))
        return largest, right

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """See `ProbMap.rounded`."""
        (first, *others) = self.maps
        return (first if others else replace(first, steps=first.own_steps)).rounded(values)

    def columns(self) -> Iterator[tuple[Any, Any]]:
        """The probabilities of all classes at some voxels, (label, voxel), and the true class of each."""
        for block in blocks(self.codes):
            scored = self.codes[block] >= 0
            here = [replace(channel, stored=channel.stored[block][scored]) for channel in self.maps]
            probs = [channel.probs() for channel in here] if len(here) > 1 else here[0].both_sides()[::-1]
            yield namespace(probs[0]).stack(probs), self.codes[block][scored]


Map = ClassMap | TopLabelMap


def states(maps: ProbMaps, read: Callable[[Any], Record], nothing: Record) -> Record:
    """The states of the maps of all classes as one, `nothing` where there is no map; or that of the whole case."""
    if maps.of_whole_case:
        return read(TopLabelMap(maps=maps.maps[: maps.partition] or maps.maps, codes=maps.codes))
    rows = [nothing if channel is None else read(ClassMap(maps=maps, channel=channel)) for channel in maps.of_classes]
    return type(nothing).stack(rows)


@dataclass(frozen=True, kw_only=True)
class ProbSums(State):
    """Sums over the voxels of a map; `hits` is Σp·y."""

    n: PerLabel
    truth: PerLabel
    probs: PerLabel
    probs_squared: PerLabel
    hits: PerLabel
    squared_error: PerLabel
    log_loss: PerLabel

    @classmethod
    def read(cls, maps: ProbMaps) -> "ProbSums":
        """Sum over each map; over all classes of a voxel for a whole case."""
        return states(maps, _sums, cls.of(**dict.fromkeys(cls._names(), np.nan)))


@dataclass(frozen=True, kw_only=True)
class ProbBins(State):
    """Voxels, summed probabilities and positives per bin of probability; the last axis counts the bins."""

    n: Float[np.ndarray, "*label bin"]
    probs: Float[np.ndarray, "*label bin"]
    positives: Float[np.ndarray, "*label bin"]

    @classmethod
    def read(cls, maps: ProbMaps, *, bins: int, closed: Closed, region: Region) -> "ProbBins":
        """Count in bins of equal width.

        Raises:
            ConfigError: fewer than one bin.
        """
        _check_number(bins)
        nothing = np.full(bins, np.nan)
        return states(maps, partial(_binned, bins, closed, region), cls(n=nothing, probs=nothing, positives=nothing))


@dataclass(frozen=True, kw_only=True)
class Areas(State):
    """A `ProbHistogram` per class, in an array, fine enough for areas under curves."""

    histograms: Any
    detail: ClassVar[Detail] = "area"

    @classmethod
    def read(cls, maps: ProbMaps, *, exact: bool) -> "Areas":
        """Count the voxels by probability; `exact` tells all of them apart."""
        detail: Detail = "exact" if exact else cls.detail
        nothing = cls(histograms=ProbHistogram.empty())
        return states(maps, lambda class_map: cls(histograms=class_map.histogram(detail)), nothing)

    @property
    def approx(self) -> bool:
        """Whether voxels are known by their bin only."""
        return any(histogram.approx for histogram in np.ravel(self.histograms))


class Thresholds(Areas):
    """A `ProbHistogram` per class, fine enough for the best threshold."""

    detail: ClassVar[Detail] = "best"


@dataclass(frozen=True)
class PartsOfMap:
    """What is known of equally large parts by probability.

    `gaps` are |mean probability − share of positives| with ties in C order, for one case whose voxels are sorted;
    where they are not, or are those of several cases, the histogram shares ties out.
    """

    histogram: ProbHistogram
    gaps: np.ndarray | None = None

    def __add__(self, other: "PartsOfMap") -> "PartsOfMap":
        return PartsOfMap(self.histogram + other.histogram)


@dataclass(frozen=True, kw_only=True)
class EqualParts(State):
    """The `PartsOfMap` of each class."""

    parts: Any

    @classmethod
    def read(cls, maps: ProbMaps, *, bins: int, exact: bool) -> "EqualParts":
        """Cut each map into `bins` equally large parts.

        Raises:
            ConfigError: fewer than one part.
        """
        _check_number(bins)
        nothing = cls(parts=PartsOfMap(ProbHistogram.empty()))
        return states(maps, lambda class_map: cls(parts=_parts(class_map, bins, exact=exact)), nothing)

    @property
    def approx(self) -> bool:
        """Whether voxels are known by their bin only."""
        return any(part.histogram.approx for part in np.ravel(self.parts))

    def gaps(self, n: int) -> list[np.ndarray]:
        """|mean probability − share of positives| of the `n` parts, for each class."""
        return [part.histogram.gaps_of_equal_parts(n) if part.gaps is None else part.gaps for part in self.parts]


def _check_number(bins: int) -> None:
    if bins < 1:
        raise ConfigError(f"bins={bins} is no number of bins. Give 1 or more.")


def _sums(found: Map) -> ProbSums:
    if isinstance(found, TopLabelMap):
        return reduce(add, (_sums_over_classes(widened(probs), codes) for probs, codes in found.columns()))
    return sums_of_voxels(found.maps.condensed(found.channel))


def sums_of_voxels(voxels: ProbVoxels) -> ProbSums:
    """The sums of the map of one class from its condensed voxels."""
    counts, terms = SoftCounts(voxels), PixelTerms(voxels)
    return ProbSums.of(
        n=counts.n,
        truth=counts.truth,
        probs=counts.pred,
        probs_squared=counts.pred_squared,
        hits=counts.tp,
        squared_error=counts.error_on_truth + counts.error_on_rest,
        log_loss=sum(terms.sums(lambda voxels: np.minimum(voxels.nll, _DEAREST))),
    )


def _sums_over_classes(probs: Any, codes: Any) -> ProbSums:
    """Sums over some voxels of a whole case: errors are those of all classes of a voxel together."""
    xp = namespace(probs)
    picked = np.take_along_axis if xp is np else xp.take_along_dim
    of_truth = picked(probs, cast(codes, "int64")[None], 0)[0]
    with np.errstate(divide="ignore"):
        log_loss = float(xp.clip(-xp.log(of_truth), None, _DEAREST).sum())
    squares = float((probs * probs).sum())
    return ProbSums.of(
        n=len(codes),
        truth=len(codes),
        probs=float(probs.sum()),
        probs_squared=squares,
        hits=float(of_truth.sum()),
        squared_error=squares + float(((1 - of_truth) ** 2 - of_truth**2).sum()),
        log_loss=log_loss,
    )


def _binned(bins: int, closed: Closed, region: Region, found: Map) -> ProbBins:
    above = np.greater if closed == "right" else np.greater_equal
    all_probs, all_inside = found.flat()
    edges = found.rounded(np.arange(1, bins) / bins)
    n, mass, positives = np.zeros((3, bins))
    for chunk in _chunks(all_probs.size):
        probs, inside = all_probs[chunk].astype(np.float64), all_inside[chunk]
        if region == "foreground":
            kept = (probs >= 0.5) | inside
            probs, inside = probs[kept], inside[kept]
        which = np.zeros(probs.size, dtype=np.min_scalar_type(bins))
        values = found.rounded(probs)
        for edge in edges:  # so few comparisons beat a binary search
            which += above(values, edge)
        n += np.bincount(which, minlength=bins)
        mass += np.bincount(which, weights=probs, minlength=bins)
        positives += np.bincount(which[inside], minlength=bins)
    return ProbBins(n=n, probs=mass, positives=positives)


def _parts(class_map: ClassMap, n: int, *, exact: bool) -> PartsOfMap:
    histogram = class_map.histogram("exact" if exact else n)
    if class_map.maps.of_part or not (exact or are_few(class_map.maps.n)):
        return PartsOfMap(histogram)
    probs, inside = class_map.flat("C")
    order, sizes = np.argsort(probs, kind="stable"), part_sizes(probs.size, n)
    excess = probs[order].astype(np.float64) - inside[order]
    return PartsOfMap(histogram, np.abs(np.add.reduceat(excess, np.cumsum(sizes) - sizes)) / sizes)


def _chunks(n: int) -> Iterator[slice]:
    """At least one, so that a sum over none has a first term."""
    return (slice(start, start + _CHUNK) for start in range(0, max(n, 1), _CHUNK))
