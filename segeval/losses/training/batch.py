"""A training batch as losses see it: its sums are taken once, each when a formula reads it.

Logits or probabilities are (case, channel, voxel) here. A truth of class ids stays ids: the sums of every class are
taken through a scatter of those ids, forward and backward, so that no one-hot copy is kept for the gradient. What
autograd keeps of an overlap loss is the probabilities and the ids; of a cross-entropy, the log-probabilities.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from segeval.evidence.arrays import Lazy
from segeval.evidence.probabilities.soft import ProbVoxels, surprise
from segeval.losses.training.gradients import class_sums, missed, of_rest

Activation = Literal["sigmoid", "softmax", "none"]
SoftTarget = Literal["product", "l1"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """A batch and the sums of each of its cases and channels, of shape (case, channel).

    Args:
        pred: logits or probabilities, (case, channel, voxel); finite where a voxel does not count.
        activation: what turns them into probabilities.
        ids: the class of each voxel, (case, voxel); None where `masks` are given.
        masks: the truth of each channel, 0 and 1 or fractional, (case, channel, voxel).
        is_soft: whether the masks may be fractional.
        kept: which voxels count, (case, 1 or channel, voxel); None for all.
        weight_map: how much each voxel matters to voxel losses, in the shape of `kept`.
        soft_target: overlap with a fractional truth y: product sums p y, l1 sums min(p, y).
        space: the shape of one image.
    """

    pred: Tensor
    activation: Activation
    ids: Tensor | None
    masks: Tensor | None
    is_soft: bool
    kept: Tensor | None
    weight_map: Tensor | None
    soft_target: SoftTarget
    space: tuple[int, ...]

    @property
    def n_channels(self) -> int:
        return self.pred.shape[1]

    @Lazy
    def weight(self) -> Any:
        """1 for voxels that count and 0 for others; None where all do."""
        return None if self.kept is None else self.kept.to(self.pred.dtype)

    @Lazy
    def p(self) -> Any:
        """Probability of each channel; 0 where a voxel does not count."""
        match self.activation:
            case "softmax":
                p = self.pred.softmax(1)
            case "sigmoid":
                p = self.pred.sigmoid()
            case "none":
                p = self.pred.clip(0.0, 1.0)
        return p if self.weight is None else p * self.weight

    @Lazy
    def y(self) -> Any:
        """Truth of each channel as numbers; 0 where a voxel does not count."""
        if self.masks is not None:
            return self.masks
        onehot = torch.zeros_like(self.pred, memory_format=torch.contiguous_format, requires_grad=False)
        return onehot.scatter_(1, self._index, 1.0 if self.weight is None else self.weight)

    @Lazy
    def n(self) -> Any:
        """Voxels that count."""
        if self.weight is None:
            return self.pred.new_full(self.pred.shape[:2], self.pred.shape[2])
        return self.weight.sum(-1).expand(self.pred.shape[:2])

    @Lazy
    def _overlap(self) -> Any:
        """Overlap with the truth, volume of the prediction and of the truth."""
        if self.ids is not None:
            return class_sums(self.p, self.ids, self.weight)
        if self.is_soft and self.soft_target == "l1":
            shared = self.p.minimum(self.y).sum(-1)
        else:
            shared = (self.p * self.y).sum(-1)
        return shared, self.p.sum(-1), self.y.sum(-1)

    @property
    def shared(self) -> Any:
        """Sum of min(p, y)."""
        return self.p.minimum(self.y).sum(-1) if self.is_soft else self.tp

    @property
    def tp(self) -> Any:
        return self._overlap[0]

    @property
    def volume(self) -> Any:
        """Sum of the probabilities."""
        return self._overlap[1]

    @Lazy
    def truth(self) -> Any:
        """Sum of the truth."""
        return self._overlap[2] if "_overlap" in self.__dict__ else self._truth_alone

    @property
    def _truth_alone(self) -> Any:
        if self.ids is None:
            return self.y.sum(-1)
        ones = self.pred.new_ones(()).expand(self.ids.shape) if self.weight is None else self.weight[:, 0]
        return self.pred.new_zeros(self.pred.shape[:2]).scatter_add_(1, self._index[:, 0], ones)

    @Lazy
    def squares(self) -> Any:
        """Sum of the squared probabilities: over the truth, and over all voxels."""
        squares = self.p * self.p
        if self.ids is not None:
            return class_sums(squares, self.ids, self.weight)[:2]
        return (squares * self.y).sum(-1), squares.sum(-1)

    @property
    def truth_squared(self) -> Any:
        """Sum of the squared truth."""
        return (self.y * self.y).sum(-1) if self.is_soft else self.truth

    @Lazy
    def poison(self) -> Any:
        """0 for each case, nan for one with a logit that is nan or infinite: no loss of it is a number."""
        return 0.0 * self.pred.detach().sum((1, 2))

    def summed(self, costs: Tensor) -> Tensor:
        """Sum of a cost over the voxels that count, (case, channel, voxel) or (case, voxel), by the weight map."""
        for weights in (self.weight, self.weight_map):
            if weights is not None:
                costs = costs * (weights if costs.ndim == 3 else weights[:, 0])
        return costs.sum(-1)

    def sides(self, cost: Any = None, *, eps: float | None = None) -> tuple[Tensor, Tensor]:
        """Sum of a cost over the truth of each channel and over the rest, the channel against everything else.

        Args:
            cost: takes what has -ln p_t as `nll`, -ln(1 - p_t) as `nlm` and 1 - p_t as `miss`; None for -ln p_t.
            eps: keeps p_t within [eps, 1 - eps].
        """
        if self.is_soft:
            of_class, of_rest = (_priced(cost, side, eps) for side in self._surprise)
            return self.summed(self.y * of_class), self.summed((1 - self.y) * of_rest)
        price = self._hard_price(cost, eps)
        of_class = self.summed(price * self.y)
        return of_class, self.summed(price) - of_class

    def plain_total(self, *, across: bool) -> Tensor | None:
        """Sum of -ln p_t over the whole batch in one step of torch; None where voxels have weights.

        Args:
            across: of the true class under a softmax, instead of each channel against everything else.
        """
        if self.weight is not None or self.weight_map is not None:
            return None
        if across and self.activation == "softmax" and self.ids is not None:
            return functional.cross_entropy(self.pred, self._index[:, 0], reduction="sum")
        if not across and self.activation == "sigmoid" and self.n_channels == 1:
            return functional.binary_cross_entropy_with_logits(self.pred, self.y, reduction="sum")
        return None

    def total(self, cost: Any = None, *, eps: float | None = None) -> Tensor:
        """Sum of a cost over all voxels of each channel against everything else; arguments as in `sides`."""
        if self.is_soft:
            of_class, of_rest = self.sides(cost, eps=eps)
            return of_class + of_rest
        return self.summed(self._hard_price(cost, eps))

    def true_class_total(self, cost: Any = None, *, weights: Any = None, eps: float | None = None) -> Tensor:
        """Sum of a cost over all voxels of a case, each at the channel of its true class, (case,).

        Args:
            cost: as in `sides`.
            weights: a factor per channel, (channel,) or (case or 1, channel).
            eps: as in `sides`.
        """
        if self.ids is None:
            costs = _priced(cost, self._surprise[0], eps) * self.y
            costs = costs if weights is None else costs * weights[..., None]
            return self.summed(costs).sum(-1)
        costs = _priced(cost, self._true_surprise, eps)
        if weights is not None:
            costs = costs * weights.expand(self.pred.shape[:2]).gather(1, self._index[:, 0])
        return self.summed(costs)

    def channel_costs(self) -> Any:
        """-ln p_t of each channel against everything else, (case, channel, voxel)."""
        return self._hard_price(None, None)

    def true_class_costs(self) -> Any:
        """-ln p_t of the true class, (case, voxel)."""
        if self.ids is not None:
            return self._true_surprise.nll
        return (self._surprise[0].nll * self.y).sum(1)

    @Lazy
    def channel_totals(self) -> Any:
        """Sum of -ln p of each channel over all voxels."""
        if self.activation == "softmax":
            return self.summed(-self.pred.log_softmax(1))
        return self.side_totals[0]

    @Lazy
    def side_totals(self) -> Any:
        """Sums of -ln p and of -ln(1 - p) of each channel over all voxels."""
        return tuple(self.summed(side.nll) for side in self._surprise)

    @property
    def _index(self) -> Any:
        return self.ids.long()[:, None]  # type: ignore[union-attr]

    def _hard_price(self, cost: Any, eps: float | None) -> Any:
        """The cost of each voxel and channel under a truth of zeros and ones."""
        if self.activation == "none":
            miss = self.p + self.y - 2 * self.p * self.y
            return _priced(cost, _known(1 - miss, miss), eps)
        nll = functional.binary_cross_entropy_with_logits(self.log_odds, self.y, reduction="none")
        return _priced(cost, _Surprise(nll), eps)

    @Lazy
    def _surprise(self) -> Any:
        """What a cost reads of each channel, and of everything else beside it."""
        if self.activation == "none":
            return _known(self.p, 1 - self.p), _known(1 - self.p, self.p)
        if self.activation == "softmax":
            nll = -self.pred.log_softmax(1)
            nlm = of_rest(nll)
        else:
            nll, nlm = functional.softplus(-self.pred), functional.softplus(self.pred)
        return _Surprise(nll, nlm), _Surprise(nlm, nll)

    @Lazy
    def log_odds(self) -> Any:
        """ln p - ln(1 - p) of each channel."""
        if self.activation == "sigmoid":
            return self.pred
        nll, nlm = (side.nll for side in self._surprise)
        return nlm - nll

    @property
    def _true_surprise(self) -> Any:
        """What a cost reads of the true class of each voxel."""
        if self.activation == "softmax":
            return _Surprise(functional.cross_entropy(self.pred, self._index[:, 0], reduction="none"))
        p = self.pred.clip(0.0, 1.0).gather(1, self._index)[:, 0]
        return _known(p, 1 - p)


@dataclass(frozen=True, eq=False)
class _Surprise:
    """What a cost reads of p_t, each made when it does; `rest` is -ln(1 - p_t) where it is known."""

    nll: Any
    rest: Any = None

    @Lazy
    def nlm(self) -> Any:
        return of_rest(self.nll) if self.rest is None else self.rest

    @Lazy
    def miss(self) -> Any:
        return missed(self.nll)


def _known(p: Any, rest: Any) -> ProbVoxels:
    return ProbVoxels(truth=None, count=None, hit=p, miss=rest)


def _priced(cost: Any, side: Any, eps: float | None) -> Any:
    """The cost of each voxel, with p_t kept within [eps, 1 - eps]."""
    side = side if eps is None else _Surprise(side.nll.clip(-math.log1p(-eps), -math.log(eps)))
    return (cost or surprise)(side)
