"""Soft evidence: what losses read of a probability map and its truth.

Everything rests on `Voxels`: whether each voxel is the class, and which probability its true side was given.
The evidence types below are views of it that sum on demand, so a formula gets exactly what it reads. All of it
works on numpy arrays (evaluation) and on torch tensors (training) alike.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np

from segeval.evidence.arrays import Lazy, argsort, constant, namespace, neg_log, quotient, take_along, widened
from segeval.evidence.overlap.counts import Counts

Cost = Callable[[Any], Any]  # what has p_t as `nll`, `nlm` and `miss` -> cost of the voxel
Targets = Literal["hard", "product", "l1"]


@dataclass(frozen=True, kw_only=True, eq=False)
class SoftVoxels:
    """Voxels against one class each, arrays of shape (..., voxel).

    An entry may stand for many voxels that share one probability, so a volume shrinks to a short list. A
    fractional truth y is two entries: y of a voxel that is the class, and 1 - y of one that is not.

    Kinds of voxels differ in what they hold, and all offer p_t, the probability given to the true side, as `hit`;
    1 - p_t as `miss`; -ln p_t as `nll`; -ln(1 - p_t) as `nlm`; and the logit of p_t as `margin`.

    Args:
        truth: whether the entry is the class.
        count: how many voxels the entry stands for; 0 leaves it out.
        weight_map: how much each voxel matters to voxel losses; None for all the same.
        targets: how a fractional truth overlaps: `product` sums p y, `l1` sums min(p, y).
        worst_first: whether the entries lie in rising order of p_t, so that nothing needs a sort.
    """

    truth: Any
    count: Any
    weight_map: Any = None
    targets: Targets = "hard"
    worst_first: bool = False

    @Lazy
    def on_truth(self) -> Any:
        """How many voxels of the class each entry stands for."""
        return self.count * self.truth

    @Lazy
    def on_rest(self) -> Any:
        """How many voxels outside the class each entry stands for."""
        return self.count * ~self.truth


AnyVoxels = TypeVar("AnyVoxels", bound=SoftVoxels)


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbVoxels(SoftVoxels):
    """Voxels known by their probabilities."""

    hit: Any
    miss: Any

    @Lazy
    def nll(self) -> Any:
        return neg_log(self.hit, self.miss)

    @Lazy
    def nlm(self) -> Any:
        return neg_log(self.miss, self.hit)

    @Lazy
    def margin(self) -> Any:
        return self.nlm - self.nll


def voxels_of_counts(counts: Counts) -> ProbVoxels:
    """A hard mask as four entries per class: every loss of a hard mask is a function of its counts."""
    entries = np.stack([counts.tp, counts.fn, counts.fp, counts.tn], axis=-1).astype(np.float64)
    hit = np.broadcast_to(np.array([1.0, 0.0, 0.0, 1.0]), entries.shape)
    truth = np.broadcast_to(np.array([True, True, False, False]), entries.shape)
    return ProbVoxels(truth=truth, count=entries, hit=hit, miss=1.0 - hit)


def mapped(voxels: AnyVoxels, change: Callable[[Any], Any]) -> AnyVoxels:
    """The voxels with `change` applied to each of their arrays."""
    stored = {field.name: getattr(voxels, field.name) for field in fields(voxels)}
    arrays = {name: change(value) for name, value in stored.items() if hasattr(value, "ndim")}
    return replace(voxels, **arrays)


def two_channels(voxels: AnyVoxels) -> AnyVoxels:
    """The class against the rest as two channels, the rest first: shape (..., channel, voxel).

    Both channels give a voxel's true side the same probability; they differ in whose voxel it is.
    """
    wide = mapped(voxels, lambda array: array[..., None, :])
    xp = namespace(voxels.truth)
    return replace(wide, truth=xp.stack([~voxels.truth, voxels.truth], axis=-2))


def stacked(rows: Sequence[ProbVoxels]) -> ProbVoxels:
    """Several lists of entries as one array, the shorter ones filled up with entries that count nothing."""
    longest = max((len(row.hit) for row in rows), default=0)

    def stack(name: str, filler: float) -> Any:
        pads = [np.full(longest - len(row.hit), filler) for row in rows]
        return np.stack([np.concatenate([getattr(row, name), pad]) for row, pad in zip(rows, pads, strict=True)])

    return ProbVoxels(
        truth=stack("truth", 0.0).astype(bool),
        count=stack("count", 0.0),
        hit=stack("hit", 1.0),
        miss=stack("miss", 0.0),
        worst_first=all(row.worst_first for row in rows),
    )


def joined(several: Sequence[ProbVoxels]) -> ProbVoxels:
    """The entries of several lists as one."""
    truth, count, hit, miss = (
        np.concatenate([getattr(entries, name) for entries in several]) for name in ("truth", "count", "hit", "miss")
    )
    return ProbVoxels(truth=truth, count=count, hit=hit, miss=miss)


@dataclass(frozen=True, eq=False)
class SoftEvidence:
    """A view of voxels; `per_channel` views have a channel axis that one formula looks across.

    `ranked` views need the true order of the voxels, the others only sums over them; `on_map` views need to know
    where each voxel lies, and `of_logits` views what the probabilities were made of.
    """

    voxels: Any
    per_channel: ClassVar[bool] = False
    ranked: ClassVar[bool] = False
    on_map: ClassVar[bool] = False
    of_logits: ClassVar[bool] = False

    @property
    def on_truth(self) -> Any:
        """How many voxels of the class each entry stands for."""
        return self.voxels.on_truth

    @property
    def on_rest(self) -> Any:
        """How many voxels outside the class each entry stands for."""
        return self.voxels.on_rest

    @Lazy
    def truth(self) -> Any:
        """Voxels that are the class in truth."""
        return self.on_truth.sum(-1)

    @Lazy
    def rest(self) -> Any:
        """Voxels that are not."""
        return self.on_rest.sum(-1)

    @property
    def n(self) -> Any:
        """Voxels that are scored."""
        return self.truth + self.rest


AnyCounts = TypeVar("AnyCounts", bound="SoftCounts")


class SoftCounts(SoftEvidence):
    """The confusion counts and volumes with probabilities in place of zeros and ones."""

    @classmethod
    def known(cls: type[AnyCounts], **sums: Any) -> AnyCounts:
        """Sums that were made elsewhere, by name."""
        counts = cls(None)
        counts.__dict__.update(sums)
        return counts

    @Lazy
    def pred(self) -> Any:
        """Sum of the probabilities of the class."""
        return (self.on_truth * self.voxels.hit + self.on_rest * self.voxels.miss).sum(-1)

    @Lazy
    def tp(self) -> Any:
        """Overlap of prediction and truth."""
        if self.voxels.targets == "l1":
            shared = namespace(self.voxels.hit).minimum(self.voxels.hit, self.voxels.count)
            return (shared * self.voxels.truth).sum(-1)
        return (self.on_truth * self.voxels.hit).sum(-1)

    @Lazy
    def shared(self) -> Any:
        """Sum of min(p, y); the overlap where no truth is fractional."""
        if self.voxels.targets == "hard":
            return self.tp
        return (namespace(self.voxels.hit).minimum(self.voxels.hit, self.voxels.count) * self.voxels.truth).sum(-1)

    @property
    def fp(self) -> Any:
        """Predicted beside the truth."""
        return self.pred - self.tp

    @property
    def fn(self) -> Any:
        """Truth that was missed."""
        return self.truth - self.tp

    @property
    def tn(self) -> Any:
        """Neither predicted nor true."""
        return self.rest - self.fp

    @Lazy
    def pred_squared(self) -> Any:
        """Sum of the squared probabilities of the class."""
        return (self.on_truth * self.voxels.hit**2 + self.on_rest * self.voxels.miss**2).sum(-1)

    @Lazy
    def truth_squared(self) -> Any:
        """Sum of the squared truth, which differs from its volume only where truth is fractional."""
        return self.truth if self.voxels.targets == "hard" else (self.on_truth**2).sum(-1)

    @Lazy
    def error_on_truth(self) -> Any:
        """Sum of (y - p)^2 over the voxels of the class."""
        return (self.on_truth * self.voxels.miss**2).sum(-1)

    @Lazy
    def error_on_rest(self) -> Any:
        """Sum of (y - p)^2 over the other voxels."""
        return (self.on_rest * self.voxels.miss**2).sum(-1)


@dataclass(frozen=True, eq=False)
class ChannelCounts(SoftCounts):
    """Soft counts with a channel axis, which also tell which other channels took the voxels of a class.

    `made` gives that matrix where it was made elsewhere; two channels follow from their own counts.
    """

    made: Callable[[], Any] | None = None
    per_channel: ClassVar[bool] = True

    @Lazy
    def confusion(self) -> Any:
        """Probability of each channel, summed over the voxels of each class: (..., class, channel)."""
        if self.made is not None:
            return self.made()
        return confusion_of_two(self.tp, self.fn)


def confusion_of_two(tp: Any, fn: Any) -> Any:
    """The confusion of two channels, of which each takes what the other misses."""
    xp = namespace(tp)
    rows = [xp.stack([tp[..., 0], fn[..., 0]], -1), xp.stack([fn[..., 1], tp[..., 1]], -1)]
    return xp.stack(rows, -2)


class PixelTerms(SoftEvidence):
    """Sums of a cost per voxel, of the class and of the rest apart."""

    @Lazy
    def weights(self) -> tuple[Any, Any]:
        """Sum of the weight map over the class and over the rest; voxel counts without a map."""
        if self.voxels.weight_map is None:
            return self.truth, self.rest
        weight = self.voxels.weight_map
        return (self.on_truth * weight).sum(-1), (self.on_rest * weight).sum(-1)

    def sums(self, cost: Cost, *, eps: float | None = None) -> tuple[Any, Any]:
        """Sum of `cost` over the voxels of the class, and over the rest.

        Args:
            cost: takes voxels, of which it reads `nll`, `nlm` and `miss`, and gives the cost of each.
            eps: keeps p_t within [eps, 1 - eps].
        """
        price = self._prices(cost, eps)
        return (self.on_truth * price).sum(-1), (self.on_rest * price).sum(-1)

    def _prices(self, cost: Cost, eps: float | None) -> Any:
        price = cost(_within(self.voxels, eps))
        return price if self.voxels.weight_map is None else price * self.voxels.weight_map

    def total(self, cost: Cost | None = None, *, front: Any = 1.0, back: Any = 1.0, eps: float | None = None) -> Any:
        """Sum of `cost` over all voxels, with one factor for those of the class and one for the rest.

        Args:
            cost: as in `sums`; None for -ln p_t itself.
            front: factor of the voxels of the class.
            back: factor of the rest.
            eps: as in `sums`.
        """
        of_class, of_rest = self.sums(cost or surprise, eps=eps)
        return front * of_class + back * of_rest


def surprise(voxels: Any) -> Any:
    """-ln p_t, the cost of cross-entropy."""
    return voxels.nll


def _within(voxels: Any, eps: float | None) -> Any:
    """The voxels with p_t kept within [eps, 1 - eps]."""
    if eps is None:
        return voxels
    clip = namespace(voxels.hit).clip
    hit, miss = clip(voxels.hit, eps, 1 - eps), clip(voxels.miss, eps, 1 - eps)
    return ProbVoxels(truth=voxels.truth, count=voxels.count, hit=hit, miss=miss)


AnyLovasz = TypeVar("AnyLovasz", bound="LovaszTerms")


@dataclass(frozen=True, eq=False)
class LovaszTerms(SoftEvidence):
    """The Lovász extension of the Jaccard loss: errors in falling order, each with its step of the loss.

    `finer` gives the voxels in the exact order that the hinge needs, or all of them so, where the own ones stand for
    bins.
    """

    finer: Callable[[Any], Any] | None = None
    ranked: ClassVar[bool] = True

    def ranked_for(self: AnyLovasz, detail: Literal["bins", "hinge", "exact"]) -> AnyLovasz:
        """The same terms, from voxels in an order that is exact enough."""
        return type(self)(self.finer(detail)) if detail != "bins" and self.finer else self

    @Lazy
    def order(self) -> Any:
        """The worst error first; None where the voxels lie so."""
        return None if self.voxels.worst_first else argsort(constant(self.voxels.margin))

    @Lazy
    def steps(self) -> Any:
        """How much the Jaccard loss grows when this voxel too is wrong, after all that are worse.

        With P voxels of the class, a of them and b others worse, a voxel of the class adds 1/(P + b) and
        another one (P - a)/((P + b)(P + b + 1)). Without any class voxel the first error alone costs 1. Equal
        errors may come in any order. Constant for the gradient.
        """
        on_truth, on_rest = (widened(self._in_order(side)) for side in (self.on_truth, self.on_rest))
        total = on_truth.sum(-1)[..., None]
        others = on_rest.cumsum(-1)
        is_first_without_truth = (total == 0) & (others == on_rest) & (on_rest > 0)
        union = others + (total + (total == 0))
        left = total - on_truth.cumsum(-1)
        return (on_truth + left * on_rest / union) / (union - on_rest) + is_first_without_truth

    def extension(self, errors: Any) -> Any:
        """Sum of error times step, for an error per entry that falls with p_t."""
        return (self.steps * self._in_order(errors)).sum(-1)

    def _in_order(self, array: Any) -> Any:
        return array if self.order is None else take_along(array, self.order)


class Volumes(SoftCounts):
    """The volumes that class weights are made of: of the case, the batch or the data set."""


class ChannelTerms(PixelTerms):
    """Voxel costs with a channel axis; each voxel pays in the channel of its true class."""

    per_channel = True

    def on_true_class(self, cost: Cost, *, eps: float | None = None) -> Any:
        """Sum of `cost` over the voxels of each channel's class."""
        return (self.on_truth * self._prices(cost, eps)).sum(-1)

    def true_class_total(self, cost: Cost | None = None, *, weights: Any = None, eps: float | None = None) -> Any:
        """Sum of `cost` over all voxels, each with the factor of its true class.

        Args:
            cost: as in `sums`; None for -ln p_t itself.
            weights: a factor per channel, the last axis; None for 1.
            eps: as in `sums`.
        """
        of_channels = self.on_true_class(cost or surprise, eps=eps)
        return (of_channels if weights is None else weights * of_channels).sum(-1)

    def channel_totals(self) -> Any:
        """Sum of -ln p of each channel over all voxels, whatever their class."""
        return self.sums(surprise)[0] + self.sums(lambda voxels: voxels.nlm)[1]


class ChannelLovasz(LovaszTerms):
    """Lovász steps with a channel axis."""

    per_channel = True


class ChannelVolumes(Volumes):
    """Volumes with a channel axis."""

    per_channel = True


class RankedCosts(ChannelLovasz):
    """The costs -ln p_t of the true class in their order, over all channels."""

    def largest_mean(self, percent: float, rounding: str) -> Any:
        """Mean of the largest costs.

        Args:
            percent: how many, of all voxels that count; at least one.
            rounding: floor or ceil, of that number.
        """
        costs, counts = self._falling
        xp = namespace(costs)
        share = counts.sum(-1) * (percent / 100)
        wanted = (xp.floor(share + 1e-9) if rounding == "floor" else xp.ceil(share - 1e-9)).clip(1.0, None)
        before = counts.cumsum(-1) - counts
        taken = xp.minimum((wanted[..., None] - before).clip(0.0, None), counts)
        return quotient((taken * costs).sum(-1), taken.sum(-1), empty=math.nan)

    def mean_above(self, limit: float, least: int) -> Any:
        """Mean of the costs above a limit, or above the largest one that leaves so many, if these are more.

        Args:
            limit: of the cost.
            least: voxels; all if there are no more, and none where no voxel costs anything: 0.
        """
        costs, counts = self._falling
        xp = namespace(costs)
        is_beyond = counts.cumsum(-1) > least
        next_cost = xp.amax(xp.where(is_beyond, costs, -1.0), -1)[..., None]
        taken = xp.where(costs > just_above(xp.clip(next_cost, None, limit)), counts, 0.0)
        nothing = xp.where(counts.sum(-1) > 0, 0.0, math.nan)
        return quotient((taken * costs).sum(-1), taken.sum(-1), empty=0.0) + nothing

    @Lazy
    def _falling(self) -> tuple[Any, Any]:
        """Costs in falling order, and how many voxels each stands for."""
        counts, xp = self.on_truth, namespace(self.voxels.nll)
        costs, counts = (_joined_channels(side) for side in (xp.broadcast_to(self.voxels.nll, counts.shape), counts))
        order = argsort(constant(-costs))
        return take_along(costs, order), widened(take_along(counts, order))


def just_above(cost: Any) -> Any:
    """A cost that one does not pass which only rounding tells from it."""
    return cost + 4 * float(namespace(cost).finfo(cost.dtype).eps) * abs(cost)


def _joined_channels(array: Any) -> Any:
    return array.reshape(*array.shape[:-2], -1)
