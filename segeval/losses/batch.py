"""A training batch as losses see it: checked where it enters, its sums taken once, each when a formula reads it.

Logits or probabilities are (case, channel, voxel) here. A truth of class ids stays ids: the sums of every class are
taken through a scatter of those ids, forward and backward, so that no one-hot copy is kept for the gradient. What
autograd keeps of an overlap loss is the probabilities and the ids; of a cross-entropy, the log-probabilities.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from segeval.errors import DataError
from segeval.evidence.arrays import LOG_FLOOR, Lazy
from segeval.evidence.probabilities.soft import ProbVoxels, surprise

Activation = Literal["sigmoid", "softmax", "none"]
SoftTarget = Literal["product", "l1"]

_SLACK = 1e-6  # how far a probability may lie outside [0, 1]


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
    ids: Tensor | None = None
    masks: Tensor | None = None
    is_soft: bool = False
    kept: Tensor | None = None
    weight_map: Tensor | None = None
    soft_target: SoftTarget = "product"
    space: tuple[int, ...] = ()

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
            return _class_sums(self.p, self.ids, self.weight)
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
            return _class_sums(squares, self.ids, self.weight)[:2]
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
            nlm = _of_rest(nll)
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
        return _of_rest(self.nll) if self.rest is None else self.rest

    @Lazy
    def miss(self) -> Any:
        return _missed(self.nll)


class _ClassSums(torch.autograd.Function):
    """Sums of p over the voxels of each class and over all voxels, and the volume of each class.

    Linear in p, so that nothing but the ids is kept for the gradient, which is linear in its turn.
    """

    @staticmethod
    def forward(p: Any, ids: Any, weight: Any) -> Any:
        index = ids.long()[:, None]
        onehot = torch.zeros_like(p, memory_format=torch.contiguous_format)
        onehot.scatter_(1, index, 1.0 if weight is None else weight)
        volume = onehot.sum(-1)
        return onehot.mul_(p).sum(-1), p.sum(-1), volume

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(inputs[1])
        ctx.mark_non_differentiable(output[2])

    @staticmethod
    def backward(ctx: Any, of_class: Any, of_all: Any, _: Any) -> Any:
        index = ctx.saved_tensors[0].long()
        slope = of_all[..., None].expand(-1, -1, index.shape[-1]).contiguous()
        return slope.scatter_(1, index[:, None], (of_class + of_all).gather(1, index)[:, None]), None, None


class _OfRest(torch.autograd.Function):
    """-ln(1 - p) of -ln p, at most 100 where the type reaches so far, in one step that keeps only both of them."""

    @staticmethod
    def forward(nll: Any) -> Any:
        smallest = max(math.exp(-LOG_FLOOR), torch.finfo(nll.dtype).tiny)
        return nll.neg().expm1_().neg_().clamp_min_(smallest).log_().neg_()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs, output)

    @staticmethod
    def backward(ctx: Any, slope: Any) -> Any:
        nll, nlm = ctx.saved_tensors
        return -slope * (nlm - nll).exp()


class _Missed(torch.autograd.Function):
    """1 - p of -ln p, in one step that keeps only itself."""

    @staticmethod
    def forward(nll: Any) -> Any:
        return nll.neg().expm1_().neg_()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, slope: Any) -> Any:
        return torch.addcmul(slope, slope, ctx.saved_tensors[0], value=-1)


_missed: Callable[[Tensor], Tensor] = _Missed.apply
_of_rest: Callable[[Tensor], Tensor] = _OfRest.apply
_class_sums: Callable[[Tensor, Tensor, Tensor | None], tuple[Tensor, Tensor, Tensor]] = _ClassSums.apply


def _known(p: Any, rest: Any) -> ProbVoxels:
    return ProbVoxels(truth=None, count=None, hit=p, miss=rest)


def _priced(cost: Any, side: Any, eps: float | None) -> Any:
    """The cost of each voxel, with p_t kept within [eps, 1 - eps]."""
    side = side if eps is None else _Surprise(side.nll.clip(-math.log1p(-eps), -math.log(eps)))
    return (cost or surprise)(side)


def read_batch(
    pred: Any,
    truth: Any,
    *,
    activation: Activation = "sigmoid",
    has_channels: bool | None = None,
    ignore_index: int | None = None,
    soft_target: SoftTarget = "product",
    weight_map: Any = None,
    validate: bool = True,
) -> Batch:
    """Check a batch and bring it into the shape (case, channel, voxel).

    Args:
        pred: (B, C, ...) or (B, ...); half precision is widened to float32.
        truth: class ids (B, ...) or (B, 1, ...) of any type; or one mask per channel in the shape of `pred`,
            fractional if floating. Beside a single channel, ids are 0 and 1, and a floating truth is a share.
        activation: what turns `pred` into probabilities; none if it holds them.
        has_channels: whether axis 1 of `pred` is the channel; None decides by the shapes: it is for softmax, beside a
            truth of one axis less, and from four axes on.
        ignore_index: truth value of voxels that count nowhere.
        soft_target: see `Batch`.
        weight_map: (B, ...) or (B, C, ...).
        validate: check the values too. On the CPU a wrong one is named; on a device and in compiled code an assertion
            there stops the program, without waiting for it.

    Raises:
        DataError: types, shapes or values do not fit.
    """
    _check_tensors(pred, truth)
    pred = pred.float() if pred.dtype.itemsize < 4 else pred
    truth = truth.long() if truth.dtype in (torch.uint16, torch.uint32, torch.uint64) else truth
    if not (has_channels or (has_channels is None and _shows_channels(pred, truth, activation))):
        pred, truth = pred.unsqueeze(1), truth.unsqueeze(1) if truth.ndim == pred.ndim else truth
        weight_map = weight_map if weight_map is None else weight_map.unsqueeze(1)
    _check_shapes(pred, truth)
    if activation == "softmax" and pred.shape[1] == 1:
        raise DataError("A softmax needs at least 2 channels, and pred has 1: pass activation='sigmoid'.")
    if activation == "none" and validate:
        _check_probabilities(pred)
    space, flat = tuple(pred.shape[2:]), pred.flatten(2)
    truth = (truth.unsqueeze(1) if truth.ndim == pred.ndim - 1 else truth).flatten(2)
    kept = None if ignore_index is None else truth != ignore_index
    is_ids, is_soft = flat.shape[1] > 1 and truth.shape[1] == 1, truth.is_floating_point()
    truth = _ids(truth, kept, flat.shape[1], validate) if is_ids else _masks(truth, kept, pred.dtype, validate)
    return Batch(
        pred=flat if kept is None else torch.where(kept, flat, 0.0),
        activation=activation,
        ids=truth if is_ids else None,
        masks=None if is_ids else truth,
        is_soft=is_soft and not is_ids,
        kept=kept,
        weight_map=None if weight_map is None else _flat_weights(weight_map, pred),
        soft_target=soft_target,
        space=space,
    )


def _shows_channels(pred: Any, truth: Any, activation: Activation) -> bool:
    return activation == "softmax" or truth.ndim == pred.ndim - 1 or pred.ndim >= 4


def _ids(truth: Any, kept: Any, n_classes: int, validate: bool) -> Any:
    """Class ids (case, voxel), 0 where a voxel does not count."""
    ids = truth[:, 0]
    counted = ids if kept is None else torch.where(kept[:, 0], ids, torch.zeros_like(ids))
    if validate:
        if ids.is_floating_point():
            _require((counted == counted.round()).all(), lambda: f"Class ids are whole numbers, {_first_part(counted)}")
        low, high = torch.aminmax(counted.int() if counted.dtype == torch.bool else counted)
        _require((low >= 0) & (high < n_classes), lambda: _wrong_label(low, high, n_classes))
    return counted.long() if counted.is_floating_point() else counted


def _masks(truth: Any, kept: Any, dtype: Any, validate: bool) -> Any:
    """A mask or share per channel as numbers, 0 where a voxel does not count."""
    counted = truth if kept is None else torch.where(kept, truth, torch.zeros_like(truth))
    is_labels = not truth.is_floating_point()
    if is_labels and not validate:
        return (counted != 0).to(dtype)
    counted = counted.to(dtype)  # first, since the extremes of floats are found faster
    if validate and truth.dtype != torch.bool:
        low, high = torch.aminmax(counted)
        of_labels, of_shares = lambda: _wrong_label(low, high, 2), lambda: _wrong_share(low, high)
        _require((low >= 0) & (high <= 1), of_labels if is_labels else of_shares)
    return counted


def _flat_weights(weight_map: Any, pred: Any) -> Any:
    weights = weight_map.unsqueeze(1) if weight_map.ndim == pred.ndim - 1 else weight_map
    if weights.shape not in (pred.shape, pred[:, :1].shape):
        raise DataError(f"weight_map has shape {tuple(weight_map.shape)}; pred is {tuple(pred.shape)}.")
    return weights.to(pred).flatten(2)


def _require(holds: Tensor, message: Callable[[], str]) -> None:
    """Stop unless a tensor is true; where reading it would wait for a device, an assertion on that device does."""
    if torch.compiler.is_compiling():
        torch._assert_async(holds, "segeval: pred or truth holds values that do not fit; run once uncompiled")
    elif holds.device.type != "cpu":
        torch._assert_async(holds, "segeval: pred or truth holds values that do not fit; run once on the CPU")
    elif not bool(holds):
        raise DataError(message())


def _first_part(ids: Tensor) -> str:
    return f"and this floating truth holds {float(ids[ids != ids.round()][0]):g}. Shares need the shape of pred."


def _wrong_label(low: Tensor, high: Tensor, n_classes: int) -> str:
    wrong = int(low) if low < 0 else int(high)
    return (
        f"Truth holds the label {wrong}; with {n_classes} classes labels are 0 to {n_classes - 1}. "
        "Pass ignore_index for a label that is to count nowhere."
    )


def _wrong_share(low: Tensor, high: Tensor) -> str:
    wrong = float(high) if low >= 0 else float(low)
    return f"A floating truth in the shape of pred is a share from 0 to 1, and this one holds {wrong:g}."


def _check_tensors(pred: Any, truth: Any) -> None:
    for name, given in (("pred", pred), ("truth", truth)):
        if isinstance(given, (list, tuple)):
            raise DataError(
                f"{name} is a {type(given).__name__} of {len(given)}. Give one tensor; outputs of several sizes go "
                "through segeval.losses.DeepSupervision(loss)."
            )
        if not isinstance(given, Tensor):
            raise DataError(f"{name} is a {type(given).__name__}, not a torch tensor. Pass torch.as_tensor({name}).")
    if not pred.is_floating_point():
        raise DataError(f"pred holds {pred.dtype}. Give logits or probabilities as floats: pred.float().")
    if truth.is_complex():
        raise DataError(f"truth holds {truth.dtype}. Give class ids, masks or shares.")
    if pred.device != truth.device:
        raise DataError(f"pred is on {pred.device} and truth on {truth.device}. Pass truth.to(pred.device).")


def _check_shapes(pred: Any, truth: Any) -> None:
    labels, single = (len(pred), *pred.shape[2:]), (len(pred), 1, *pred.shape[2:])
    if pred.ndim < 2 or tuple(truth.shape) not in (labels, single, tuple(pred.shape)):
        raise DataError(
            f"pred has shape {tuple(pred.shape)} and truth {tuple(truth.shape)}. Truth is class ids (B, ...) or one "
            "mask per channel (B, C, ...); for maps without a channel axis pass has_channels=False."
        )
    if pred.numel() == 0:
        raise DataError(f"pred has shape {tuple(pred.shape)}, which holds no voxel.")


def _check_probabilities(pred: Any) -> None:
    low, high = torch.aminmax(pred.detach())
    _require(
        (low >= -_SLACK) & (high <= 1 + _SLACK),
        lambda: (
            f"Probabilities reach from {float(low):g} to {float(high):g} instead of 0 to 1. "
            "For logits pass activation='sigmoid' or 'softmax'."
        ),
    )
