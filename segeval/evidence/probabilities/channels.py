"""The probability maps of a case, as they were stored, and which class each channel is of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import EllipsisType
from typing import Any

import numpy as np

from segeval.evidence.arrays import at_least_32_bits, dtype_of, namespace, on_host, widened
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.policies import PredKind
from segeval.evidence.shapes import Bool, Float, Shaped

Block = tuple[slice, ...] | EllipsisType
BACKGROUND = LabelClass(name="background", ids=(0,))
HALF = 0.5  # inclusive: arXiv 1706.05721, section 2.3

_TINY = float(np.finfo(np.float64).tiny)
_LEAST_STEPS = 2.0**-45  # what a logarithm and back may cost a float64
_BLOCK = 1 << 16  # voxels, so that the temporaries of a block stay in the cache
_LARGE_BLOCK = 1 << 24  # on a device, where every step waits for the CPU to ask for it


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbMap:
    """The probability of one class at every voxel, without a copy of what was stored.

    `stored` is a view in any memory order, or a tensor of floats that stays on its device. It holds probabilities, or
    small integers of which each stands for `levels[stored]`, or log odds: ln p - ln(1 - p), which tell p from 1 long
    after p itself is rounded. `steps` are those of the data that a map was derived from, where they are coarser than
    its own numbers.
    """

    stored: Shaped[Any, "*space"]
    levels: Float[np.ndarray, " level"] | None = None
    is_log_odds: bool = False
    steps: float = 0.0

    def probs(self, block: Block = ...) -> Float[Any, "*space"]:
        """Probabilities in [0, 1]: float32, and float64 where stored so or from log odds."""
        stored = self.stored[block]
        if self.levels is not None:
            return self.levels.take(stored)
        if self.is_log_odds:
            return _sigmoid(widened(stored))
        return namespace(stored).clip(at_least_32_bits(stored), 0.0, 1.0)  # rounding stores 1.0000001 at times

    def at_least_half(self, block: Block = ...) -> Bool[Any, "*space"]:
        """Where the class is predicted."""
        stored = self.stored[block]
        if self.levels is not None:
            enough = self.levels >= HALF
            first = int(enough.argmax())
            if stored.dtype.kind == "u" and enough[first:].all():
                return stored >= first  # a comparison is faster than a look-up, and keeps the memory order
            return enough.take(stored)
        return stored >= (0.0 if self.is_log_odds else HALF)

    @property
    def is_mask(self) -> bool:
        """Whether it is a mask, with probabilities of 0 and 1."""
        return self.levels is not None and self.levels.tolist() == [0.0, 1.0]

    @property
    def is_coded(self) -> bool:
        """Whether there are few distinct probabilities: those of 8 or 16 bits."""
        return self.levels is not None or (dtype_of(self.stored) == np.float16 and not self.is_log_odds)

    def both_sides(self) -> tuple[Any, Any]:
        """Probabilities in float64 and their complements, each precise where it is small if the map is."""
        if self.is_log_odds:
            wide = widened(self.stored)
            return _sigmoid(wide), _sigmoid(-wide)
        p = abs(widened(self.probs()))  # -0.0 is 0, and its bits would be taken for a large number
        return p, 1 - p

    def rounded(self, values: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Numbers in float64 as the data would hold them; a probability meets its like in any type of number."""
        if self.steps:
            return np.rint(values / self.steps) * self.steps
        is_plain = self.levels is None and not self.is_log_odds
        return values.astype(dtype_of(self.stored)).astype(np.float64) if is_plain else values

    @property
    def own_steps(self) -> float:
        """Steps in which the data tell probabilities near 1 apart."""
        if self.steps or self.is_log_odds:
            return self.steps
        held = np.float32 if self.levels is not None else dtype_of(self.stored)
        return max(float(np.finfo(held).epsneg), _LEAST_STEPS)

    @property
    def complement(self) -> "ProbMap":
        """The probability of everything else, as precise near 0 and near 1 as this one."""
        if self.levels is not None:
            return ProbMap(stored=self.stored, levels=1 - self.levels)
        if self.is_log_odds:
            return replace(self, stored=-self.stored)
        return ProbMap(stored=-log_odds(*self.both_sides()), is_log_odds=True, steps=self.own_steps)

    def on_host(self) -> "ProbMap":
        """The same map as numpy."""
        return replace(self, stored=on_host(self.stored))


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What each channel is the probability of.

    Exclusive channels are a softmax, or a single map whose rest is background; the others are sigmoids,
    of classes that may share voxels.
    """

    classes: tuple[LabelClass, ...]
    exclusive: bool

    def __str__(self) -> str:
        names = ", ".join(label.name for label in self.classes)
        if len(self.classes) == 1:
            return f"one map of class {names}"
        return f"a softmax of {names}" if self.exclusive else f"sigmoids of {names}"


@dataclass(frozen=True, kw_only=True)
class Form:
    """What the predictions of a run are, all alike; labels have no layout.

    `may_overlap` says that masks come one by one, so that classes may share voxels all the same.
    """

    kind: PredKind = "labels"
    layout: Layout | None = None
    may_overlap: bool = field(default=False, compare=False)

    @property
    def overlaps(self) -> bool:
        """Whether classes may share voxels."""
        return self.may_overlap or (self.layout is not None and not self.layout.exclusive)

    def completed(self, labels: LabelMap) -> LabelMap:
        """The label map with the classes that it leaves to the channels."""
        if self.layout is None or labels.classes is not None:
            return labels
        own = (label for label in self.layout.classes if label != BACKGROUND and label not in labels.regions)
        return replace(labels, classes=tuple(sorted(own, key=lambda row: row.ids)))

    def __str__(self) -> str:
        kind = {"labels": "labels", "probs": "probabilities", "logits": "logits"}[self.kind]
        return f"{kind}, {self.layout}" if self.layout else kind


@dataclass(frozen=True, kw_only=True, eq=False)
class Channels:
    """One map per channel, in the order of the layout's classes, and the logits they were made of, if they were."""

    maps: tuple[ProbMap, ...]
    layout: Layout
    logits: tuple[Any, ...] | None = None

    def on_host(self) -> "Channels":
        """The same maps as numpy."""
        maps, logits = tuple(one.on_host() for one in self.maps), self.logits
        return replace(self, maps=maps, logits=None if logits is None else tuple(map(on_host, logits)))

    def of(self, wanted: LabelClass) -> ProbMap:
        """The map of a class; under exclusive channels also of background and of unions.

        Raises:
            LookupError: no channel speaks of the class.
        """
        index = self.index_of(wanted)
        if index is not None:
            return self.maps[index]
        if not self.layout.exclusive:
            raise LookupError(f"No channel is of {wanted.name}: they are {self.layout}.")
        if wanted.ids == BACKGROUND.ids:
            return self.maps[0].complement
        return self._union(wanted)

    def index_of(self, wanted: LabelClass) -> int | None:
        """The channel of a class, None where there is no channel of just its ids."""
        known = [set(of.ids) for of in self.layout.classes]
        return known.index(set(wanted.ids)) if set(wanted.ids) in known else None

    def _union(self, wanted: LabelClass) -> ProbMap:
        """What the channels of a union have together, and as log odds, since that may be hardly less than 1.

        How much less is told by the other channels, where all of them add up to 1 but for rounding.
        """
        is_in = [of.ids[0] in wanted.ids for of in self.layout.classes]
        steps = max(channel.own_steps for channel in self.maps)
        xp = namespace(self.maps[0].stored)
        stored = xp.empty_like(self.maps[0].stored, dtype=xp.float64)
        for block in blocks(stored):
            rest, p = sums = [xp.zeros_like(stored[block]) for _ in range(2)]
            for channel, inside in zip(self.maps, is_in, strict=True):
                sums[int(inside)] += channel.probs(block)
            stored[block] = log_odds(p, xp.where(abs(p + rest - 1) <= _of_rounding(steps), rest, 1 - p))
        return ProbMap(stored=stored, is_log_odds=True, steps=steps)


def log_odds(p: Any, rest: Any) -> Any:
    """ln p - ln(1 - p), from the smaller one of p and 1 - p; a little below 0 they are 0."""
    xp = namespace(p)
    small = xp.clip(xp.minimum(p, rest), 0.0, 0.5)
    with np.errstate(divide="ignore"):
        odds = xp.log(small) - xp.log1p(-small)
    return xp.where(p < rest, odds, -odds)


def _of_rounding(steps: float) -> float:
    """How far the sum of a softmax may be from 1."""
    return max(1e-5, 8 * steps)


def blocks(array: Shaped[Any, "*space"]) -> Iterator[tuple[slice, ...]]:
    """Parts of an image that lie together in memory, whatever the order of its axes."""
    is_numpy = namespace(array) is np
    strides, size = (array.strides, array.size) if is_numpy else (array.stride(), array.numel())
    axis = int(np.argmax(np.abs(strides)))
    step = max(1, (_BLOCK if is_numpy else _LARGE_BLOCK) * array.shape[axis] // max(size, 1))
    for start in range(0, array.shape[axis], step):
        yield (slice(None),) * axis + (slice(start, start + step),) + (slice(None),) * (array.ndim - axis - 1)


def _sigmoid(log_odds: Any) -> Any:
    xp = namespace(log_odds)
    small = xp.exp(-abs(log_odds))  # never overflows
    return xp.where(log_odds >= 0, 1.0, small) / (1.0 + small)


def activated(logits: Channels) -> Channels:
    """Channels of probabilities from channels whose maps hold logits.

    The logit of a sigmoid is its log odds. Those of a softmax are the logit minus logsumexp of the others.
    """
    stored = tuple(channel.stored for channel in logits.maps)
    if not logits.layout.exclusive or len(stored) == 1:
        return replace(logits, logits=stored)
    odds = _softmax_log_odds(stored)
    return replace(logits, maps=tuple(ProbMap(stored=channel, is_log_odds=True) for channel in odds), logits=stored)


def _softmax_log_odds(logits: Sequence[Any]) -> list[Any]:
    xp = namespace(logits[0])
    odds = [xp.empty_like(channel) for channel in map(at_least_32_bits, logits)]
    for block in blocks(logits[0]):
        here = widened(xp.stack([channel[block] for channel in logits]))
        for channel, values in zip(odds, _log_odds(here), strict=True):
            channel[block] = values
    return odds


def _log_odds(logits: Any) -> Any:
    """Along the first axis; the others are added up, since taking one from the total would lose the small ones."""
    xp = namespace(logits)
    shifted = logits - xp.amax(logits, 0)
    parts = list(xp.exp(shifted))
    before, after = ([xp.zeros_like(parts[0])] for _ in range(2))
    for up, down in zip(parts[:-1], parts[:0:-1], strict=True):  # torch has no deterministic cumsum for a device
        before.append(before[-1] + up)
        after.append(after[-1] + down)
    others = xp.stack([one + other for one, other in zip(before, reversed(after), strict=True)])
    return shifted - xp.log(xp.clip(others, _TINY, None))
