"""The torch module behind every loss: a batch in, the loss's own formula on its groups, an average out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from segeval.errors import ConfigError, DataError
from segeval.evidence.arrays import numbers_like
from segeval.evidence.probabilities.soft import PixelTerms, SoftCounts, Volumes
from segeval.evidence.probabilities.weight_maps import BorderTerms
from segeval.evidence.surfaces.distances_torch import distances_in_batch
from segeval.evidence.surfaces.voxels_torch import Activation, batch_voxels
from segeval.losses import groups
from segeval.losses.groups import Classes, ReduceOver
from segeval.measure import Measure

_POOLED = {"lovasz_sigmoid_loss", "lovasz_softmax_loss"}  # the batch is one image in the authors' code
_SUMMED = {"sensitivity_specificity_loss"}  # over the classes, as in NiftyNet


class LossModule(nn.Module):
    """A declared loss over a batch.

    Args:
        activation: what turns `pred` into probabilities: sigmoid, softmax, or none if it holds them. By default
            softmax for losses that look across channels, sigmoid for the others.
        reduce_over: what is scored as one and then averaged: each case, the batch as one image, or (micro) the
            batch with all its channels. By default case for region losses, batch for voxel losses.
        reduction: mean, sum or none over what `reduce_over` leaves; voxel losses also take num_pos and weight_mean,
            and give a map of costs for none.
        classes: the channels to score: all, foreground (without channel 0), present (in truth), or indices.
        class_reduction: mean or sum over the channels that are scored one by one.
        class_weights: one factor per channel; the mean still divides by the number of channels.
        weight_scope: whose volumes make volume weights: each group's or the batch's.
        volumes: reference voxels per channel in the data set, instead; (rest, class) for a single channel.
        ignore_index: truth value of voxels that count nowhere.
        soft_target: overlap with a fractional truth y: product sums p y, l1 sums min(p, y).
        has_channels: whether axis 1 of `pred` is the channel; by default (B, H, W) has none, (B, C, H, W) has.
        **knobs: the parameters of the loss itself.

    Raises:
        ConfigError: an option or knob is unknown or does not fit the loss.
    """

    measure: ClassVar[Measure]

    def __init__(
        self,
        *,
        activation: Activation | None = None,
        reduce_over: ReduceOver | None = None,
        reduction: str = "mean",
        classes: Classes | None = None,
        class_reduction: Literal["mean", "sum"] | None = None,
        class_weights: Sequence[float] | None = None,
        weight_scope: Literal["group", "batch"] = "group",
        volumes: Sequence[float] | None = None,
        ignore_index: int | None = None,
        soft_target: Literal["product", "l1"] = "product",
        has_channels: bool | None = None,
        **knobs: Any,
    ) -> None:
        super().__init__()
        shared = {
            "reduction": "sum" if reduction == "none" else reduction,
            "classes": classes if isinstance(classes, str) else None,
            "class_reduction": class_reduction,
            "class_weight": None if class_weights is None else tuple(class_weights),
        }
        passed = {name: value for name, value in shared.items() if name in self.measure.knobs and value is not None}
        self.knobs = dict(self.measure.at(**passed, **knobs).knobs)
        needs: tuple[Any, ...] = self.measure.needs
        self.looks_across = any(need.per_channel for need in needs)
        self.is_voxel_loss = all(issubclass(need, PixelTerms | Volumes) for need in needs)
        self.needs = needs
        self.reduction = reduction
        self.reduce_over = reduce_over or self._usual_groups()
        self.classes: Classes = "all" if classes is None or "classes" in passed else classes
        self.class_reduction = class_reduction or self._usual_class_reduction()
        self.class_weights = None if "class_weight" in passed else class_weights
        self.weight_scope = weight_scope
        self.volumes = volumes
        self.activation: Activation = activation or ("softmax" if self.looks_across else "sigmoid")
        self.reading: dict[str, Any] = {
            "has_channels": has_channels,
            "ignore_index": ignore_index,
            "soft_target": soft_target,
        }
        self._check_options()

    def forward(
        self,
        pred: Tensor,
        truth: Tensor,
        *,
        weight_map: Tensor | None = None,
        objects: Tensor | None = None,
        class_mask: Tensor | None = None,
    ) -> Tensor:
        """The loss of a batch.

        Args:
            pred: logits or probabilities, (B, C, ...) or (B, ...), of any rank and precision.
            truth: class ids (B, ...), or one mask per channel; fractional if floating.
            weight_map: how much each voxel matters to a voxel loss, (B, ...) or (B, C, ...).
            objects: numbered objects (B, ...) for border weights, where touching ones are to count apart.
            class_mask: (B, C), 0 where a structure is not annotated in a case; for losses with `class_weight`.

        Raises:
            DataError: shapes or values do not fit.
        """
        self._check_inputs(weight_map, objects, class_mask)
        voxels: Any = batch_voxels(pred, truth, activation=self.activation, weight_map=weight_map, **self.reading)
        space = groups.space_of(pred, voxels)
        if any(need.on_map for need in self.needs):
            voxels = replace(voxels, weight_map=self._distances(voxels, space, objects))
        voxels = groups.chosen(voxels, self.classes)
        if self.reduction == "none" and self.is_voxel_loss:
            return self._costs(voxels, (len(pred), *space) if self._is_flat(pred, space) else (len(pred), -1, *space))
        scored = groups.grouped(voxels, self.reduce_over)
        return self._averaged(self._values(scored, voxels, class_mask), scored).to(scored.count.dtype)

    def extra_repr(self) -> str:
        said = {**self.measure.knobs, **self.knobs, "activation": self.activation, "reduce_over": self.reduce_over}
        return ", ".join(f"{name}={value!r}" for name, value in said.items())

    def _usual_groups(self) -> ReduceOver:
        return "batch" if self.is_voxel_loss or self.measure.name in _POOLED else "case"

    def _usual_class_reduction(self) -> str:
        is_share = self.knobs.get("mode") == "softmax"  # multi-class focal loss is the sum of its classes' shares
        return "sum" if is_share or self.measure.name in _SUMMED or self.knobs.get("reduction") == "sum" else "mean"

    def _check_options(self) -> None:
        is_mixed = "reduction" in self.measure.knobs and not self.is_voxel_loss
        sees_partition = self.looks_across and self.activation != "sigmoid"
        refusals = {
            f"reduction={self.reduction!r} does not fit; it is mean, sum or none": "reduction" not in self.measure.knobs
            and self.reduction not in ("mean", "sum", "none"),
            "it is not a sum over voxels, so reduction='none' has no map": self.reduction == "none" and is_mixed,
            "it looks across channels, so reduce_over='micro' cannot pool them": self.reduce_over == "micro"
            and self.looks_across,
            "it looks across channels; where these have weights of their own they are a parameter of the loss": bool(
                self.class_weights
            )
            and sees_partition,
            "volumes are those of all channels; leave classes at all": self.volumes is not None
            and self.classes not in ("all", "present"),
        }
        self._refuse(refusals)

    def _check_inputs(self, weight_map: Any, objects: Any, class_mask: Any) -> None:
        has_voxel_part = any(issubclass(need, PixelTerms) and not need.on_map for need in self.needs)
        self._refuse(
            {
                "it has no voxel costs that a weight_map could weigh": weight_map is not None and not has_voxel_part,
                "it has no borders between objects": objects is not None and BorderTerms not in self.needs,
                "it has no class_weight, so no class_mask": class_mask is not None
                and "class_weight" not in self.measure.knobs,
            }
        )

    def _refuse(self, refusals: Mapping[str, bool]) -> None:
        for why, applies in refusals.items():
            if applies:
                raise ConfigError(f"{type(self).__name__}: {why}.")

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _distances(self, voxels: Any, space: tuple[int, ...], objects: Tensor | None) -> Any:
        if voxels.targets != "hard":
            raise DataError(f"{type(self).__name__} measures distances between masks: truth cannot be fractional.")
        sigma = {**self.measure.knobs, **self.knobs}.get("sigma", 0.0)
        across = self._is_across(voxels)
        return distances_in_batch(self.needs[0], voxels, space, sigma=sigma, objects=objects, across=across)

    def _is_across(self, voxels: Any) -> bool:
        """Whether the channels are one partition that the formula looks across."""
        several = self.activation == "none" and voxels.truth.shape[1] > 1
        return self.looks_across and (several or self.activation == "softmax")

    def _values(self, scored: Any, voxels: Any, class_mask: Tensor | None = None) -> Any:
        """The formula on every group: (group, channel), or (group,) across channels."""
        knobs = dict(self.knobs)
        if class_mask is not None:
            weights = knobs.get("class_weight")
            knobs["class_weight"] = class_mask if weights is None else class_mask * numbers_like(weights, scored.count)
        return self.measure.function(*(self._evidence(need, scored, voxels) for need in self.needs), **knobs)

    def _evidence(self, need: Any, scored: Any, voxels: Any) -> Any:
        if issubclass(need, Volumes) and self.volumes is not None:
            return self._known_volumes(need, scored)
        if issubclass(need, Volumes) and self.weight_scope == "batch" and self.reduce_over == "case":
            scored = groups.grouped(voxels, "batch")
        if need.per_channel:
            scored = groups.with_channel_axis(scored, across=self._is_across(scored))
        return need.of_map(scored) if need.on_map else need(scored)

    def _known_volumes(self, need: Any, scored: Any) -> Volumes:
        volumes = numbers_like(self.volumes, scored.count)
        truth = volumes if self._is_across(scored) else volumes[-scored.truth.shape[1] :]
        rest = volumes.sum() - truth
        if need.per_channel and not self._is_across(scored):
            truth, rest = torch.stack([rest, truth], -1), torch.stack([truth, rest], -1)
        known: Volumes = need.known(truth=truth, rest=rest)
        return known

    def _averaged(self, values: Any, scored: Any) -> Any:
        if self.reduction == "none":
            return values
        if values.ndim == 2:
            values = self._over_channels(values, scored)
        return values.sum() if self.reduction == "sum" else values.mean()

    def _over_channels(self, values: Any, scored: Any) -> Any:
        """Mean or sum over the channels that count; an undefined one was skipped by the formula."""
        counts = ~values.isnan() if self.knobs.get("empty") == "skip" else torch.ones_like(values, dtype=torch.bool)
        if self.classes == "present":
            counts = counts & (SoftCounts(scored).truth > 0)
        if self.class_weights is not None:
            values = values * numbers_like(self.class_weights, values)
        total = torch.where(counts, values, torch.zeros_like(values)).sum(-1)
        return total if self.class_reduction == "sum" else total / counts.sum(-1).clip(1, None)

    def _costs(self, voxels: Any, shape: tuple[int, ...]) -> Tensor:
        """The cost of every voxel, under the weights of its group."""
        across = self._is_across(voxels)
        alone, whole = groups.each_voxel(voxels, across=across), groups.grouped(voxels, self.reduce_over)

        def evidence(need: Any) -> Any:
            if issubclass(need, Volumes):
                return groups.beside_each_voxel(self._evidence(need, whole, voxels), across=across)
            shaped = groups.with_channel_axis(alone, across=across) if need.per_channel else alone
            return need.of_map(shaped) if need.on_map else need(shaped)

        costs = self.measure.function(*(evidence(need) for need in self.needs), **self.knobs)
        costs = groups.folded(costs, fractional=voxels.targets != "hard")
        return costs.reshape(len(costs), *shape[2:]) if across else costs.reshape(shape)

    def _is_flat(self, pred: Tensor, space: tuple[int, ...]) -> bool:
        return tuple(pred.shape[1:]) == space
