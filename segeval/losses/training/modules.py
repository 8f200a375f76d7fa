"""The losses as torch modules, one class per declared loss, made from its declaration.

    >>> loss = TverskyLoss(alpha=0.3, beta=0.7)
    >>> float(loss(torch.zeros(1, 1, 4, 4), torch.ones(1, 4, 4, dtype=torch.long)))  # p = 1/2 on a full mask
    0.41...

`LossModule` says what all of them take.
"""

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional

from segeval.errors import ConfigError, DataError
from segeval.evidence.probabilities.soft import SoftCounts
from segeval.losses import boundary, compound, lovasz, pixel, rare, region, shape
from segeval.losses.training.batch import Batch
from segeval.losses.training.loss_module import LossModule
from segeval.losses.training.sums import BatchSums, channels_of
from segeval.measure import Measure

_SPELLED = {
    "bce": "BCE",
    "cbdice": "CbDice",
    "ce": "CE",
    "cldice": "ClDice",
    "dou": "DoU",
    "dt": "DT",
    "er": "ER",
    "iou": "IoU",
    "mcc": "MCC",
    "nacl": "NACL",
    "ohem": "OHEM",
    "topk": "TopK",
    "unet": "UNet",
}


class _BCEDice(LossModule):
    """Under a softmax, cross-entropy over all channels plus Dice loss."""

    def _check_options(self) -> None:
        super()._check_options()
        is_by_positives = self.activation == "softmax" and self.reduction == "num_pos"
        self._refuse({"under a softmax every voxel is a positive; reduction is mean or sum": is_by_positives})

    def _values(self, batch: Batch, class_mask: torch.Tensor | None = None) -> Any:
        if self.activation != "softmax":
            return super()._values(batch, class_mask)
        knobs = {**self.measure.knobs, **self.knobs}
        voxels, classes = (BatchSums(batch, form=form, over=self.reduce_over) for form in ("across", "alone"))
        classes = replace(classes, channels=channels_of(self.classes))
        cross = pixel.cross_entropy_loss(voxels, reduction=knobs["reduction"])
        dice = region.dice_loss(classes, smooth=knobs["smooth"], denominator=knobs["denominator"])
        return knobs["w_bce"] * cross[:, None] + knobs["w_dice"] * dice


class _Focal(LossModule):
    """Sigmoids unless a softmax is asked for; a list as alpha is one weight per channel."""

    def __init__(self, *, mode: Literal["sigmoid", "softmax"] | None = None, alpha: Any = 0.25, **options: Any) -> None:
        options["alpha"] = alpha
        if hasattr(alpha, "tolist") or isinstance(alpha, list | tuple):
            options |= {"alpha": None, "class_alpha": alpha}
        elif options.get("class_alpha") is not None and alpha == self.measure.knobs["alpha"]:
            options["alpha"] = None  # nobody gave it
        activation = options.get("activation") or mode or "sigmoid"
        self._refuse(
            {
                f"mode={mode!r} is sigmoid or softmax": mode not in (None, "sigmoid", "softmax"),
                f"mode={mode!r} and activation={activation!r} contradict": (
                    mode is not None and {mode, activation} == {"sigmoid", "softmax"}
                ),
            }
        )
        super().__init__(**{**options, "activation": activation})


class _DiceAndVoxels(LossModule):
    """With `batch_dice` the Dice part sees the batch as one image, while the voxel part sees each case."""

    def __init__(self, *, batch_dice: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.batch_dice = batch_dice

    def _evidence(self, need: Any, batch: Batch) -> Any:
        found = super()._evidence(need, batch)
        return replace(found, over="batch") if self.batch_dice and issubclass(need, SoftCounts) else found


class _Wasserstein(LossModule):
    """The distances of classes as a table, or its numbers row by row."""

    def __init__(self, *, dist: Any = None, **options: Any) -> None:
        rows = dist.tolist() if hasattr(dist, "tolist") else dist
        if isinstance(rows, list | tuple):
            rows = [number for row in rows for number in (row if isinstance(row, list | tuple) else [row])]
        super().__init__(**options, dist=rows)

    def _check_options(self) -> None:
        super()._check_options()
        is_partial = self.classes != "all" and self.activation != "sigmoid"
        self._refuse({"it looks at where voxels go, among all channels; leave classes at all": is_partial})


class _OfLogits(LossModule):
    """Refuses probabilities, since logits that differ by a constant give the same ones."""

    def _check_options(self) -> None:
        super()._check_options()
        self._refuse(
            {
                "it is a loss of logits, which probabilities do not tell: activation is softmax or sigmoid": (
                    self.activation == "none"
                ),
                "it looks at the logits of all channels; leave classes at all": (
                    self.classes != "all" and self.activation == "softmax"
                ),
            }
        )


_BASES: dict[str, type[LossModule]] = {
    "bce_dice_loss": _BCEDice,
    "focal_loss": _Focal,
    "dice_ce_loss": _DiceAndVoxels,
    "dice_topk_loss": _DiceAndVoxels,
    "generalized_wasserstein_dice_loss": _Wasserstein,
    "nacl_loss": _OfLogits,
}


def module_name(measure: Measure) -> str:
    """The class name of a loss: `focal_tversky_loss` is FocalTverskyLoss."""
    return "".join(_SPELLED.get(word, word.capitalize()) for word in measure.name.split("_"))


def _module_of(measure: Measure) -> type[LossModule]:
    signature = inspect.signature(LossModule.__init__)
    base = _BASES.get(measure.name, LossModule)
    own = [one for one in inspect.signature(measure.function).parameters.values() if one.kind is one.KEYWORD_ONLY]
    shared = [one for one in signature.parameters.values() if one.kind is one.KEYWORD_ONLY]
    added = [one for one in inspect.signature(base.__init__).parameters.values() if one.kind is one.KEYWORD_ONLY]
    shared = list({one.name: one for one in (*shared, *added)}.values())
    knobs = [one for one in own if one.name not in {other.name for other in shared}]
    return type(
        module_name(measure),
        (base,),
        {
            "measure": measure,
            "__doc__": f"{measure.summary}\n\n{measure.notes}\n\nThe other arguments are those of `LossModule`.",
            "__module__": __name__,
            "__signature__": inspect.Signature([*knobs, *shared]),
        },
    )


DECLARED = tuple(
    one
    for module in (region, pixel, lovasz, compound, boundary, shape, rare)
    for one in vars(module).values()
    if isinstance(one, Measure) and one.function.__module__ == module.__name__
)
MODULES = {module_name(one): _module_of(one) for one in DECLARED}
ALIASES = {
    "DiceBCELoss": "BCEDiceLoss",
    "JaccardLoss": "IoULoss",
    "GDLoss": "GeneralizedDiceLoss",
}


class Sum(nn.Module):
    """A weighted sum of losses: `Sum([(1.0, DiceLoss()), (0.01, BoundaryLoss())])`.

    The weights are a plain list, `weights`, that may change while training.

    Raises:
        ConfigError: there is no loss, or a weight is no number.
    """

    def __init__(self, parts: Sequence[Any]) -> None:
        super().__init__()
        pairs = [part for part in parts if isinstance(part, list | tuple) and len(part) == 2]
        if not parts or len(pairs) < len(parts) or not all(isinstance(weight, int | float) for weight, _ in pairs):
            raise ConfigError("Sum takes pairs of a weight and a loss: Sum([(1.0, DiceLoss()), (0.5, BCELoss())]).")
        self.weights = [float(weight) for weight, _ in pairs]
        self.losses = nn.ModuleList([loss for _, loss in pairs])

    def forward(self, pred: Any, truth: Any) -> torch.Tensor:
        """The sum for a batch; shapes as in `LossModule.forward`."""
        values = [weight * loss(pred, truth) for weight, loss in zip(self.weights, self.losses, strict=True)]
        return torch.stack(values).sum(0)


class DeepSupervision(nn.Module):
    """A loss of outputs at several sizes, the finest first.

    Args:
        loss: the loss of one output.
        weights: one number per output, or "halving" for 1, 1/2, 1/4, ...; made to sum to 1.
        drop_lowest: leave out the coarsest output, as nnU-Net does.

    An output of weight 0 is not looked at. One truth serves all: class ids are taken from the nearest voxel, shares and
    masks as the mean over the voxels that a coarse one covers.

    Raises:
        ConfigError: `weights` is neither.
    """

    def __init__(self, loss: nn.Module, weights: Any = "halving", *, drop_lowest: bool = False) -> None:
        super().__init__()
        if isinstance(weights, str) and weights != "halving":
            raise ConfigError(f"DeepSupervision: weights={weights!r} is neither 'halving' nor one number per output.")
        self.loss = loss
        self.weights = weights if isinstance(weights, str) else [float(weight) for weight in weights]
        self.drop_lowest = drop_lowest

    def forward(self, outputs: Sequence[torch.Tensor], truth: Any) -> torch.Tensor:
        """The loss of a batch.

        Args:
            outputs: one tensor (B, C, ...) per size, the finest first.
            truth: one truth of the finest size, or one for each output.

        Raises:
            DataError: the numbers of outputs, weights and truths differ.
        """
        weights = self._weights_of(len(outputs))
        several = isinstance(truth, list | tuple)
        if several and len(truth) != len(outputs):
            raise DataError(
                f"DeepSupervision: there are {len(outputs)} outputs and {len(truth)} truths. "
                "Give one for each, or the finest alone."
            )
        values = [
            weight * self.loss(pred, truth[i] if several else _resized(truth, pred))
            for i, (weight, pred) in enumerate(zip(weights, outputs, strict=True))
            if weight
        ]
        return torch.stack(values).sum(0)

    def _weights_of(self, n: int) -> list[float]:
        weights = [0.5**i for i in range(n)] if isinstance(self.weights, str) else list(self.weights)
        if len(weights) != n or n == 0:
            raise DataError(f"DeepSupervision: there are {n} outputs and {len(weights)} weights. Give one for each.")
        if self.drop_lowest and n > 1:
            weights[-1] = 0.0
        return [weight / sum(weights) for weight in weights]


def _resized(truth: torch.Tensor, pred: torch.Tensor) -> torch.Tensor:
    """A truth in the size of an output."""
    space = pred.shape[2:]
    if truth.shape[-len(space) :] == space:
        return truth
    if truth.shape[1:2] == pred.shape[1:2] and truth.ndim == pred.ndim and truth.is_floating_point():
        pooled: Any = getattr(functional, f"adaptive_avg_pool{len(space)}d")
        resized: torch.Tensor = pooled(truth, space)
        return resized
    for axis, size in enumerate(space, start=truth.ndim - len(space)):
        step = truth.shape[axis] / size
        index = (torch.arange(size, device=truth.device) * step).floor().long()
        truth = truth.index_select(axis, index)
    return truth


globals().update(MODULES, **{alias: MODULES[name] for alias, name in ALIASES.items()})


def __getattr__(name: str) -> Any:  # tells type checkers that the names above are not all
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
