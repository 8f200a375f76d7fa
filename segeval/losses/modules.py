"""The losses as torch modules, one class per declared loss, made from its declaration.

    >>> loss = TverskyLoss(alpha=0.3, beta=0.7)
    >>> float(loss(torch.zeros(1, 1, 4, 4), torch.ones(1, 4, 4, dtype=torch.long)))  # p = 1/2 on a full mask
    0.41...

`LossModule` says what all of them take.
"""

import inspect
from typing import Any

import torch

from segeval.evidence.probabilities.soft import ChannelTerms, SoftCounts
from segeval.losses import boundary, compound, lovasz, pixel, region
from segeval.losses.loss_module import LossModule
from segeval.measure import Measure

_SPELLED = {"bce": "BCE", "ce": "CE", "iou": "IoU", "unet": "UNet"}


class BCEDiceLoss(LossModule):
    """Binary cross-entropy plus Dice loss; under a softmax cross-entropy over all channels plus Dice loss."""

    measure = compound.bce_dice_loss

    def _check_options(self) -> None:
        super()._check_options()
        is_by_positives = self.activation == "softmax" and self.reduction == "num_pos"
        self._refuse({"under a softmax every voxel is a positive; reduction is mean or sum": is_by_positives})

    def _values(self, scored: Any, voxels: Any, class_mask: torch.Tensor | None = None) -> Any:
        if self.activation != "softmax":
            return super()._values(scored, voxels, class_mask)
        knobs = {**self.measure.knobs, **self.knobs}
        cross = pixel.cross_entropy_loss(ChannelTerms(scored), reduction=knobs["reduction"])
        dice = region.dice_loss(SoftCounts(scored), smooth=knobs["smooth"], denominator=knobs["denominator"])
        return knobs["w_bce"] * cross[:, None] + knobs["w_dice"] * dice


def module_name(measure: Measure) -> str:
    """The class name of a loss: `focal_tversky_loss` is FocalTverskyLoss."""
    return "".join(_SPELLED.get(word, word.capitalize()) for word in measure.name.split("_"))


def _module_of(measure: Measure) -> type[LossModule]:
    signature = inspect.signature(LossModule.__init__)
    own = [one for one in inspect.signature(measure.function).parameters.values() if one.kind is one.KEYWORD_ONLY]
    shared = [one for one in signature.parameters.values() if one.kind is one.KEYWORD_ONLY]
    knobs = [one for one in own if one.name not in signature.parameters]
    return type(
        module_name(measure),
        (LossModule,),
        {
            "measure": measure,
            "__doc__": f"{measure.summary}\n\n{measure.notes}\n\nThe other arguments are those of `LossModule`.",
            "__module__": __name__,
            "__signature__": inspect.Signature([*knobs, *shared]),
        },
    )


DECLARED = tuple(
    one
    for module in (region, pixel, lovasz, compound, boundary)
    for one in vars(module).values()
    if isinstance(one, Measure) and one.function.__module__ == module.__name__
)
MODULES = {module_name(one): _module_of(one) for one in DECLARED} | {"BCEDiceLoss": BCEDiceLoss}
ALIASES = {
    "DiceBCELoss": "BCEDiceLoss",
    "DiceCELoss": "BCEDiceLoss",
    "JaccardLoss": "IoULoss",
    "GDLoss": "GeneralizedDiceLoss",
}

globals().update(MODULES, **{alias: MODULES[name] for alias, name in ALIASES.items()})


def __getattr__(name: str) -> Any:  # tells type checkers that the names above are not all
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
