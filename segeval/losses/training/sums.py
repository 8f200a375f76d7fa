"""What formulas read of a training batch: sums over the voxels of each case, or the voxels themselves.

A formula takes the evidence types of evaluation. `BatchSums` stands in for all of those that are sums; formulas that
rank voxels, weigh them by where they lie, or are asked for a map of costs get the voxels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch.nn.functional import logsigmoid

from segeval.evidence.arrays import Lazy, quotient
from segeval.evidence.probabilities.soft import (
    ChannelCounts,
    ChannelTerms,
    ChannelVolumes,
    ProbVoxels,
    RankedCosts,
    SoftVoxels,
    Volumes,
    confusion_of_two,
    just_above,
    mapped,
    two_channels,
)
from segeval.losses.training.batch import Batch

ReduceOver = Literal["case", "batch", "micro"]
Classes = Literal["all", "foreground", "present"] | Sequence[int]
Form = Literal["alone", "across", "two"]


@dataclass(frozen=True, eq=False)
class BatchSums(ChannelCounts, ChannelTerms, ChannelVolumes):
    """The sums of a batch as soft counts, voxel costs and volumes.

    Args:
        voxels: the batch.
        form: whether a formula sees each channel by itself (alone, one value each), all channels as one partition
            (across, one value), or each channel and its rest as two (two, one value each).
        over: what is scored as one.
        channels: the channels to score, as an index of their axis; None for all.
    """

    form: Form = "alone"
    over: ReduceOver = "case"
    channels: Any = None

    @property
    def batch(self) -> Batch:
        found: Batch = self.voxels
        return found

    @Lazy
    def tp(self) -> Any:
        batch = self.batch
        if self.form != "two":
            return self._grouped(batch.tp)
        return self._seen(batch.tp, batch.n - batch.volume - batch.truth + batch.tp)

    @Lazy
    def confusion(self) -> Any:
        if self.form == "two":
            return confusion_of_two(self.tp, self.fn)
        met = self.batch.y @ self.batch.p.transpose(1, 2)
        return met if self.over == "case" else met.sum(0, keepdim=True)

    @Lazy
    def shared(self) -> Any:
        return self._grouped(self.batch.shared)

    @Lazy
    def pred(self) -> Any:
        volume = self.batch.volume
        return self._seen(volume, self.batch.n - volume)

    @Lazy
    def truth(self) -> Any:
        truth = self.batch.truth
        return self._seen(truth, self.batch.n - truth)

    @Lazy
    def n(self) -> Any:
        return self._seen(self.batch.n, self.batch.n)

    @property
    def rest(self) -> Any:
        return self.n - self.truth

    @Lazy
    def pred_squared(self) -> Any:
        squares = self.batch.squares[1]
        return self._seen(squares, self.batch.n - 2 * self.batch.volume + squares)

    @Lazy
    def truth_squared(self) -> Any:
        squares = self.batch.truth_squared
        return self._seen(squares, self.batch.n - 2 * self.batch.truth + squares)

    @Lazy
    def error_on_truth(self) -> Any:
        batch = self.batch
        return self._grouped(batch.truth - 2 * batch.tp + batch.squares[0])

    @Lazy
    def error_on_rest(self) -> Any:
        of_truth, of_all = self.batch.squares
        return self._grouped(of_all - of_truth)

    @Lazy
    def weights(self) -> Any:
        if self.batch.weight_map is None:
            return self.truth, self.rest
        y = self.batch.y
        of_class, of_rest = self.batch.summed(y), self.batch.summed(1 - y)
        return self._seen(of_class, of_rest), self._seen(of_rest, of_class)

    def sums(self, cost: Any, *, eps: float | None = None) -> Any:
        of_class, of_rest = self.batch.sides(cost, eps=eps)
        return self._grouped(of_class), self._grouped(of_rest)

    def total(self, cost: Any = None, *, front: Any = 1.0, back: Any = 1.0, eps: float | None = None) -> Any:
        if _is_one(front) and _is_one(back):
            plain = self._plain_total(cost, eps, across=False)
            if plain is not None:
                return plain.reshape(1, 1)
            return self._grouped(self.batch.total(cost, eps=eps))
        of_class, of_rest = self.sums(cost, eps=eps)
        return front * of_class + back * of_rest

    def true_class_total(self, cost: Any = None, *, weights: Any = None, eps: float | None = None) -> Any:
        if self.form == "two":
            back, front = (1.0, 1.0) if weights is None else (weights[..., 0], weights[..., 1])
            return self.total(cost, front=front, back=back, eps=eps)
        is_unweighted = weights is None and self.channels is None
        plain = self._plain_total(cost, eps, across=True) if is_unweighted else None
        if plain is not None:
            return plain.reshape(1)
        of_cases = self.batch.true_class_total(cost, weights=self._of_all_channels(weights), eps=eps)
        return of_cases if self.over == "case" else of_cases.sum(0, keepdim=True)

    def _plain_total(self, cost: Any, eps: float | None, *, across: bool) -> Any:
        is_plain = self.over != "case" and cost is None and eps is None
        return self.batch.plain_total(across=across) if is_plain else None

    def channel_totals(self) -> Any:
        if self.form == "two":
            of_class, of_rest = self.batch.side_totals
            return self._seen(of_class, of_rest)
        return self._grouped(self.batch.channel_totals)

    def _grouped(self, sums: Any) -> Any:
        """Sums of what is scored as one, of (case, channel)."""
        sums = sums if self.channels is None else sums[:, self.channels]
        match self.over:
            case "case":
                return sums
            case "batch":
                return sums.sum(0, keepdim=True)
            case "micro":
                return sums.sum().reshape(1, 1)

    def _seen(self, of_class: Any, of_rest: Any) -> Any:
        grouped = self._grouped(of_class)
        return torch.stack([self._grouped(of_rest), grouped], -1) if self.form == "two" else grouped

    def _of_all_channels(self, weights: Any) -> Any:
        """The weights of all channels: 0 for those that are not scored."""
        if self.channels is None:
            return weights
        chosen = self.n if weights is None else weights
        full = chosen.new_zeros((*chosen.shape[:-1], self.batch.n_channels))
        full[..., self.channels] = 1.0 if weights is None else weights
        return full


@dataclass(frozen=True, eq=False)
class BatchRanks(RankedCosts):
    """The largest costs of a batch by `torch.topk`, whose length no value decides."""

    form: Form = "across"
    over: ReduceOver = "case"

    def ranked_for(self, detail: str) -> "BatchRanks":
        return self

    def largest_mean(self, percent: float, rounding: str) -> Any:
        costs, counts = self._costs
        n = counts.sum(-1) * (percent / 100)
        wanted = (torch.floor(n + 1e-3) if rounding == "floor" else torch.ceil(n - 1e-3)).clip(1.0, None)
        most = min(costs.shape[-1], max(1, math.ceil(costs.shape[-1] * percent / 100)))
        largest = costs.topk(most, dim=-1).values
        taken = torch.arange(most, device=costs.device) < torch.minimum(wanted, counts.sum(-1))[..., None]
        return quotient(torch.where(taken, largest, 0.0).sum(-1), taken.sum(-1).to(costs.dtype), empty=0.0)

    def mean_above(self, limit: float, least: int) -> Any:
        costs, _ = self._costs
        limits = torch.full_like(costs[..., :1], limit)
        if least < costs.shape[-1]:
            limits = limits.minimum(costs.detach().topk(least + 1, dim=-1).values[..., -1:])
        else:
            limits = torch.full_like(limits, -1.0)
        taken = costs > just_above(limits)
        return quotient(torch.where(taken, costs, 0.0).sum(-1), taken.sum(-1).to(costs.dtype), empty=0.0)

    @property
    def _costs(self) -> tuple[Any, Any]:
        """The costs of what is scored as one, -1 where a voxel does not count, and which do."""
        batch = self.voxels
        costs = batch.true_class_costs() if self.form == "across" else batch.channel_costs()
        counts = torch.ones_like(costs) if batch.weight is None else batch.weight.expand(batch.pred.shape)
        if batch.weight is not None:
            counts = counts[:, 0] if self.form == "across" else counts
            costs = torch.where(counts > 0, costs, -1.0)  # after all that count
        if self.over == "batch":
            costs, counts = (array.movedim(0, -2).flatten(-2)[None] for array in (costs, counts))
        return costs, counts


def _is_one(factor: Any) -> bool:
    return isinstance(factor, int | float) and factor == 1


def channels_of(classes: Classes) -> Any:
    """The channels to score, as an index, None for all; which of them are present is a matter of each group."""
    if isinstance(classes, str):
        return slice(1, None) if classes == "foreground" else None
    return list(classes)


@dataclass(frozen=True, kw_only=True, eq=False)
class LogitVoxels(SoftVoxels):
    """Voxels known by the logit of p_t, so that no logarithm of a rounded probability is taken."""

    margin: Any

    @Lazy
    def hit(self) -> Any:
        return self.margin.sigmoid()

    @Lazy
    def miss(self) -> Any:
        return (-self.margin).sigmoid()

    @Lazy
    def nll(self) -> Any:
        return -logsigmoid(self.margin)

    @Lazy
    def nlm(self) -> Any:
        return -logsigmoid(-self.margin)


def voxels_of(batch: Batch) -> LogitVoxels | ProbVoxels:
    """The voxels one by one, (case, channel, voxel); a fractional truth is two entries a voxel."""
    shape = batch.pred.shape
    count = batch.pred.new_ones(shape) if batch.weight is None else batch.weight.expand(shape)
    weights = None if batch.weight_map is None else batch.weight_map.expand(shape)
    given = batch.pred if batch.activation == "none" else batch.log_odds
    targets: Any = "hard"
    if batch.is_soft:
        y = batch.y
        truth = torch.cat([torch.ones_like(y, dtype=torch.bool), torch.zeros_like(y, dtype=torch.bool)], -1)
        count = torch.cat([count * y, count * (1 - y)], -1)
        weights = None if weights is None else torch.cat([weights, weights], -1)
        given, targets = torch.cat([given, given], -1), batch.soft_target
    else:
        truth = batch.y > 0
    facts: dict[str, Any] = {"truth": truth, "count": count, "weight_map": weights, "targets": targets}
    if batch.activation != "none":
        return LogitVoxels(margin=torch.where(truth, given, -given), **facts)
    p, rest = given.clip(0.0, 1.0), (1 - given).clip(0.0, 1.0)
    return ProbVoxels(hit=torch.where(truth, p, rest), miss=torch.where(truth, rest, p), **facts)


def chosen(voxels: Any, channels: Any) -> Any:
    """The voxels of the channels to score."""
    return voxels if channels is None else mapped(voxels, lambda array: array[:, channels])


def grouped(voxels: Any, over: ReduceOver) -> Any:
    """Voxels as (group, channel, voxel): each case a group, the batch one group, or all channels in it too."""
    if over == "case":
        return voxels
    if over == "micro":
        return mapped(voxels, lambda array: array.reshape(1, 1, -1))
    return mapped(voxels, lambda array: array.transpose(0, 1).reshape(1, array.shape[1], -1))


def with_channel_axis(voxels: Any, *, across: bool) -> Any:
    """With the channel axis that a formula looks along: the channels themselves, or each one against the rest."""
    return voxels if across else two_channels(voxels)


def each_voxel(voxels: Any, *, across: bool) -> Any:
    """Every voxel a group of its own: (case, channel, voxel, 1), or (case, voxel, channel, 1) across channels."""
    return mapped(voxels, lambda array: (array.transpose(1, 2) if across else array)[..., None])


def beside_each_voxel(volumes: Volumes, *, across: bool, per_channel: bool) -> Volumes:
    """Volumes of whole groups in a shape that broadcasts beside `each_voxel`."""

    def beside(array: Any) -> Any:
        if across:
            return array[:, None, :]
        return array[:, :, None, :] if per_channel else array[..., None]

    kind = ChannelVolumes if per_channel else Volumes
    return kind.known(truth=beside(volumes.truth), rest=beside(volumes.rest), pred=beside(volumes.pred))


def folded(per_entry: Any, *, fractional: bool) -> Any:
    """One value per voxel, where a fractional truth has two entries each."""
    if not fractional:
        return per_entry
    of_class, of_rest = per_entry.chunk(2, dim=-1)
    return of_class + of_rest
