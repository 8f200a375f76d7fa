"""Steps of a loss with gradients of their own, which keep less for the way back than torch would."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from segeval.evidence.arrays import LOG_FLOOR


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


missed: Callable[[Tensor], Tensor] = _Missed.apply
of_rest: Callable[[Tensor], Tensor] = _OfRest.apply
class_sums: Callable[[Tensor, Tensor, Tensor | None], tuple[Tensor, Tensor, Tensor]] = _ClassSums.apply
