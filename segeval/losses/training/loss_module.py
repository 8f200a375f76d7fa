"""The torch module behind every loss: a batch in, the loss's own formula on its sums, an average out."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from segeval.errors import ConfigError, DataError, did_you_mean
from segeval.evidence.arrays import numbers_like
from segeval.evidence.grid import Lattice
from segeval.evidence.probabilities.soft import LovaszTerms, PixelTerms, RankedCosts, Volumes
from segeval.evidence.space.distances_torch import distances_in_batch
from segeval.evidence.space.in_space import InSpace
from segeval.evidence.space.logits import LogitsInSpace
from segeval.evidence.space.weight_maps import BorderTerms
from segeval.losses.training import sums
from segeval.losses.training.batch import Activation, Batch, SoftTarget
from segeval.losses.training.reading import read_batch
from segeval.losses.training.sums import BatchRanks, BatchSums, Classes, Form, ReduceOver
from segeval.measure import Measure

_POOLED = {"lovasz_sigmoid_loss", "lovasz_softmax_loss"}  # the batch is one image in the authors' code
_SUMMED = {"sensitivity_specificity_loss"}  # over the classes, as in NiftyNet
_ELSEWHERE = {  # what other libraries call it
    "softmax": "activation='softmax'",
    "sigmoid": "activation='sigmoid'",
    "mode": "activation='softmax' or 'sigmoid'",
    "from_logits": "activation='none' for probabilities",
    "to_onehot_y": "nothing: class ids are taken as they are",
    "batch": "reduce_over='batch'",
    "batch_dice": "reduce_over='batch'",
    "do_bg": "include_background=False",
    "weight": "class_weights",
    "ignore_label": "ignore_index",
}


class LossModule(nn.Module):
    """A declared loss over a batch.

    Args:
        activation: what turns `pred` into probabilities: sigmoid, softmax, or none if it holds them. By default
            softmax for losses that look across channels, sigmoid for the others.
        reduce_over: what is scored as one and then averaged: each case, the batch as one image, or (micro) the
            batch with all its channels. By default case for region losses, batch for voxel losses. A case whose
            voxels are all ignored has no value and is not averaged.
        reduction: mean, sum or none over what `reduce_over` leaves; voxel losses also take num_pos and weight_mean,
            and give a map of costs for none.
        classes: the channels to score: all, foreground (without channel 0), present (in truth), or indices.
        include_background: False is the same as classes="foreground".
        class_reduction: mean or sum over the channels that are scored one by one.
        class_weights: one factor per channel, as numbers, an array or a tensor; the mean still divides by the number
            of channels.
        weight_scope: whose volumes make volume weights: each group's or the batch's.
        volumes: reference voxels per channel in the data set, instead; (rest, class) for a single channel.
        ignore_index: truth value of voxels that count nowhere.
        soft_target: overlap with a fractional truth y: product sums p y, l1 sums min(p, y).
        has_channels: whether axis 1 of `pred` is the channel; by default (B, H, W) has none, (B, C, H, W) has.
        validate: check the values of `truth` in every step; see `segeval.losses.training.reading.read_batch`.
        spacing: size of a voxel in mm, for losses that measure lengths; by default voxels are the unit.
        **knobs: the parameters of the loss itself.

    After a step `n_valid` tells how many groups had a value.

    Raises:
        ConfigError: an option or knob is unknown or does not fit the loss.
    """

    measure: ClassVar[Measure]
    class_weights: Tensor | None

    def __init__(
        self,
        *,
        activation: Activation | None = None,
        reduce_over: ReduceOver | None = None,
        reduction: str = "mean",
        classes: Classes | None = None,
        include_background: bool = True,
        class_reduction: Literal["mean", "sum"] | None = None,
        class_weights: Any = None,
        weight_scope: Literal["group", "batch"] = "group",
        volumes: Any = None,
        ignore_index: int | None = None,
        soft_target: SoftTarget = "product",
        has_channels: bool | None = None,
        validate: bool = True,
        spacing: Sequence[float] | None = None,
        **knobs: Any,
    ) -> None:
        super().__init__()
        self._refuse_unknown(knobs)
        if not include_background:
            self._refuse({f"include_background=False and classes={classes!r} contradict": classes is not None})
            classes = "foreground"
        weights = None if class_weights is None else self._numbers("class_weights", class_weights)
        shared = {
            "reduction": "sum" if reduction == "none" else reduction,
            "classes": classes if isinstance(classes, str) else None,
            "class_reduction": class_reduction,
            "class_weight": weights,
        }
        passed = {name: value for name, value in shared.items() if name in self.measure.knobs and value is not None}
        self.knobs = dict(self.measure.at(**passed, **self._read_knobs(knobs)).knobs)
        needs: tuple[Any, ...] = self.measure.needs
        self.looks_across = any(need.per_channel for need in needs)
        self.is_voxel_loss = all(issubclass(need, PixelTerms | Volumes) for need in needs)
        self.needs = needs
        self.is_in_space = needs[0] in (InSpace, LogitsInSpace)
        self.reduction = reduction
        self.reduce_over = reduce_over or self._usual_groups()
        self.classes: Classes = "all" if classes is None or "classes" in passed else classes
        self.class_reduction = class_reduction or self._usual_class_reduction()
        self.register_buffer("class_weights", self._weights_of_classes(weights, passed), persistent=False)
        self.weight_scope = weight_scope
        self.volumes = None if volumes is None else self._numbers("volumes", volumes)
        self.activation: Activation = activation or self._usual_activation()
        self.reading: dict[str, Any] = {
            "has_channels": has_channels,
            "ignore_index": ignore_index,
            "soft_target": soft_target,
            "validate": validate,
        }
        self.spacing = None if spacing is None else tuple(spacing)
        self.n_valid: Tensor | None = None
        self._was_looked_at = self.activation == "none"
        self._check_options()

    def forward(
        self,
        pred: Any,
        truth: Any,
        *,
        weight_map: Tensor | None = None,
        objects: Tensor | None = None,
        class_mask: Tensor | None = None,
        spacing: Sequence[float] | None = None,
    ) -> Tensor:
        """The loss of a batch.

        Args:
            pred: logits or probabilities, (B, C, ...) or (B, ...), of any rank and precision.
            truth: class ids (B, ...) or (B, 1, ...) of any type, or one mask per channel in the shape of `pred`;
                fractional if floating, as it is beside a single channel.
            weight_map: how much each voxel matters to a voxel loss, (B, ...) or (B, C, ...).
            objects: numbered objects (B, ...) for border weights, where touching ones are to count apart.
            class_mask: (B, C), 0 where a structure is not annotated in a case; for losses with `class_weight`.
            spacing: size of the voxels of this batch in mm, for losses that measure lengths.

        Raises:
            DataError: types, shapes or values do not fit.
        """
        self._check_inputs(weight_map, objects, class_mask)
        batch = read_batch(pred, truth, activation=self.activation, weight_map=weight_map, **self.reading)
        self._check_channels(batch)
        self._warn_of_probabilities(batch)
        if not self.is_in_space and any(need.on_map for need in self.needs):
            batch = replace(batch, weight_map=self._distances(batch, objects))
        if self.reduction == "none" and self.is_voxel_loss:
            return self._costs(batch, pred)
        if self.is_in_space:
            values = self._values_in_space(batch, self.spacing if spacing is None else tuple(spacing))
        else:
            values = self._values(batch, class_mask)
        return self._averaged(values, batch).to(batch.pred.dtype)

    def extra_repr(self) -> str:
        said = {**self.measure.knobs, **self.knobs, "activation": self.activation, "reduce_over": self.reduce_over}
        return ", ".join(f"{name}={value!r}" for name, value in said.items())

    def _usual_activation(self) -> Activation:
        return "softmax" if self.looks_across else "sigmoid"

    def _usual_groups(self) -> ReduceOver:
        return "batch" if self.is_voxel_loss or self.measure.name in _POOLED else "case"

    def _usual_class_reduction(self) -> str:
        return "sum" if self.measure.name in _SUMMED or self.knobs.get("reduction") == "sum" else "mean"

    def _read_knobs(self, knobs: dict[str, Any]) -> dict[str, Any]:
        """Knobs that are arrays or lists of numbers as tuples."""
        return {
            name: self._numbers(name, value) if hasattr(value, "tolist") or isinstance(value, list) else value
            for name, value in knobs.items()
        }

    def _numbers(self, name: str, values: Any) -> Any:
        values = values.tolist() if hasattr(values, "tolist") else values
        if isinstance(values, int | float):
            return values
        try:
            return tuple(float(value) for value in values)
        except (TypeError, ValueError):
            raise ConfigError(
                f"{type(self).__name__}: {name}={values!r} is no list of one number per channel."
            ) from None

    def _weights_of_classes(self, weights: Any, passed: Mapping[str, Any]) -> Tensor | None:
        if weights is None or "class_weight" in passed:
            return None
        self._refuse(
            {f"class_weights={weights!r} is no list of one number per channel": not isinstance(weights, tuple)}
        )
        self._refuse({"class_weights are 0 or more": not all(0 <= weight < float("inf") for weight in weights)})
        return torch.tensor(weights, dtype=torch.float64)

    def _refuse_unknown(self, knobs: Mapping[str, Any]) -> None:
        unknown = [name for name in knobs if name not in self.measure.knobs]
        if not unknown:
            return
        shared = [name for name in LossModule.__init__.__annotations__ if name not in ("knobs", "return")]
        accepted = list(dict.fromkeys([*self.measure.knobs, *shared]))
        accepted = [name for name in accepted if name != "class_weight"]
        here = _ELSEWHERE.get(unknown[0], "")
        hint = f" Here it is {here}." if here else did_you_mean(unknown[0], accepted)
        said = f"{type(self).__name__}: {self.measure.name} has no knob {unknown[0]!r}.{hint}"
        raise ConfigError(f"{said} It takes {', '.join(accepted)}.")

    def _check_options(self) -> None:
        is_mixed = "reduction" in self.measure.knobs and not self.is_voxel_loss
        sees_partition = self.looks_across and self.activation != "sigmoid"
        refusals = {
            f"activation={self.activation!r} is none of sigmoid, softmax and none": self.activation
            not in ("sigmoid", "softmax", "none"),
            f"reduce_over={self.reduce_over!r} is none of case, batch and micro": self.reduce_over
            not in ("case", "batch", "micro"),
            f"reduction={self.reduction!r} does not fit; it is mean, sum or none": "reduction" not in self.measure.knobs
            and self.reduction not in ("mean", "sum", "none"),
            "it is not a sum over voxels, so reduction='none' has no map": self.reduction == "none" and is_mixed,
            "it looks at each image, so reduce_over is case": self.reduce_over != "case" and self.is_in_space,
            "it looks across channels, so reduce_over='micro' cannot pool them": self.reduce_over == "micro"
            and self.looks_across,
            "it looks across channels; where these have weights of their own they are a parameter of the loss": (
                self.class_weights is not None and sees_partition
            ),
            "volumes are those of all channels; leave classes at all": self.volumes is not None
            and self.classes not in ("all", "present"),
            f"classes={self.classes!r} is none of all, foreground, present and a list of channels": isinstance(
                self.classes, str
            )
            and self.classes not in ("all", "foreground", "present"),
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

    def _check_channels(self, batch: Batch) -> None:
        """That there is a channel for every number and index that was given."""
        n = batch.n_channels
        sizes = {"class_weights": self.class_weights, "volumes": self.volumes}
        sizes |= {name: value for name, value in self.knobs.items() if isinstance(value, tuple) and name != "dist"}
        for name, values in sizes.items():
            wanted = 2 if n == 1 and (name == "volumes" or self.looks_across) else n
            if values is not None and len(values) not in (wanted, n if name == "class_weights" else wanted):
                said = "class_weights" if name == "class_weight" else name
                raise DataError(
                    f"{type(self).__name__}: {said} holds {len(values)} numbers, and there are {n} channels."
                )
        is_beyond = not isinstance(self.classes, str) and not all(-n <= one < n for one in self.classes)
        self._refuse(
            {
                f"classes={self.classes!r} names a channel that is not there: there are {n}": is_beyond,
                "there is one channel, which is no background: leave include_background and classes alone": (
                    n == 1 and "foreground" in (self.classes, self._knob("classes")) and not self.looks_across
                ),
            }
        )

    def _knob(self, name: str) -> Any:
        return self.knobs.get(name, self.measure.knobs.get(name))

    def _refuse(self, refusals: Mapping[str, bool]) -> None:
        for why, applies in refusals.items():
            if applies:
                raise ConfigError(f"{type(self).__name__}: {why}.")

    def _warn_of_probabilities(self, batch: Batch) -> None:
        """Look once whether the logits are probabilities already."""
        if self._was_looked_at or torch.compiler.is_compiling():
            return
        self._was_looked_at = True
        pred = batch.pred.detach()
        low, high = torch.aminmax(pred)
        if pred.shape[1] == 1:
            are_probabilities = (low >= 0) & (high <= 1) & (low < 0.01) & (high > 0.99)
        else:
            are_probabilities = (low >= 0) & (high <= 1) & ((pred.sum(1) - 1).abs() < 1e-3).all()
        if bool(are_probabilities):
            warnings.warn(
                f"{type(self).__name__}: pred looks like probabilities, and {self.activation} is taken of it. "
                "Pass logits, or activation='none' for probabilities.",
                stacklevel=4,
            )

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _distances(self, batch: Batch, objects: Tensor | None) -> Any:
        batch = self._of_masks(batch, "measures distances between")
        sigma = self._knob("sigma") or 0.0
        voxels = sums.voxels_of(batch)
        across = self._is_across(batch)
        return distances_in_batch(self.needs[0], voxels, batch.space, sigma=sigma, objects=objects, across=across)

    def _is_across(self, batch: Batch) -> bool:
        """Whether the channels are one partition that the formula looks across."""
        several = self.activation == "none" and batch.n_channels > 1
        return self.looks_across and (several or self.activation == "softmax")

    def _values(self, batch: Batch, class_mask: Tensor | None = None) -> Any:
        """The formula on every group: (group, channel), or (group,) across channels."""
        knobs = dict(self.knobs)
        if class_mask is not None:
            weights = knobs.get("class_weight")
            knobs["class_weight"] = class_mask if weights is None else class_mask * numbers_like(weights, batch.pred)
        return self.measure.function(*(self._evidence(need, batch) for need in self.needs), **knobs)

    def _of_masks(self, batch: Batch, what: str) -> Batch:
        """The batch, of whose floating truth it is known that it holds 0 and 1 alone."""
        if not batch.is_soft:
            return batch
        if torch.compiler.is_compiling() or not bool(((batch.y == 0) | (batch.y == 1)).all()):
            raise DataError(
                f"{type(self).__name__} {what} masks: truth cannot be fractional. Pass masks, such as truth > 0.5."
            )
        return replace(batch, is_soft=False)

    def _values_in_space(self, batch: Batch, spacing: Any) -> Any:
        """The formula on the images of every case and channel."""
        batch = self._of_masks(batch, "looks at")
        n_axes = len(batch.space)
        if spacing is not None and len(spacing) != n_axes:
            raise DataError(
                f"{type(self).__name__}: spacing holds {len(spacing)} numbers, and images have {n_axes} axes."
            )

        def images(array: Any) -> Any:
            return None if array is None else array.expand(batch.pred.shape).unflatten(2, batch.space)

        values = self.measure.function(self._image(batch, images, spacing), **self.knobs)
        channels = sums.channels_of(self.classes)
        return values if channels is None else values[:, channels]

    def _image(self, batch: Batch, images: Callable[[Any], Any], spacing: Any) -> InSpace | LogitsInSpace:
        n_axes, kept = len(batch.space), images(batch.weight)
        if self.needs == (InSpace,):
            return InSpace(
                p=images(batch.p),
                y=images(batch.y),
                costs=lambda: images(batch.channel_costs()),
                kept=kept,
                n_axes=n_axes,
                lattice=None if spacing is None else Lattice(spacing),
            )
        if not self._is_across(batch):
            return LogitsInSpace.of_two(images(batch.log_odds), images(batch.y), kept, n_axes)
        kept = None if kept is None else kept[:, 0]
        return LogitsInSpace(z=images(batch.pred), y=images(batch.y), kept=kept, n_axes=n_axes)

    def _evidence(self, need: Any, batch: Batch) -> Any:
        if issubclass(need, Volumes) and self.volumes is not None:
            return self._known_volumes(need, batch)
        across = self._is_across(batch)
        if issubclass(need, RankedCosts):
            return BatchRanks(batch, form="across" if across else "two", over=self.reduce_over)
        if issubclass(need, LovaszTerms) or need.on_map:
            return self._of_voxels(need, batch)
        form: Form = ("across" if across else "two") if need.per_channel else "alone"
        pooled = issubclass(need, Volumes) and self.weight_scope == "batch" and self.reduce_over == "case"
        over: ReduceOver = "batch" if pooled else self.reduce_over
        return BatchSums(batch, form=form, over=over, channels=sums.channels_of(self.classes))

    def _of_voxels(self, need: Any, batch: Batch) -> Any:
        """Evidence that ranks voxels or knows where they lie."""
        voxels = sums.chosen(sums.voxels_of(batch), sums.channels_of(self.classes))
        voxels = sums.grouped(voxels, self.reduce_over)
        if need.per_channel:
            voxels = sums.with_channel_axis(voxels, across=self._is_across(batch))
        return need.of_map(voxels) if need.on_map else need(voxels)

    def _known_volumes(self, need: Any, batch: Batch) -> Volumes:
        volumes = numbers_like(self.volumes, batch.pred)
        truth = volumes if self._is_across(batch) else volumes[-batch.n_channels :]
        rest = volumes.sum() - truth
        if need.per_channel and not self._is_across(batch):
            truth, rest = torch.stack([rest, truth], -1), torch.stack([truth, rest], -1)
        known: Volumes = need.known(truth=truth, rest=rest)
        return known

    def _averaged(self, values: Any, batch: Batch) -> Any:
        """One number of (group, channel) or (group,); groups without a voxel that counts have none."""
        groups = BatchSums(batch, over=self.reduce_over, channels=sums.channels_of(self.classes))
        valid = groups.n.amax(-1) > 0
        self.n_valid = valid.sum()
        poison = batch.poison if self.reduce_over == "case" else batch.poison.sum()
        if values.ndim == 2:
            if self.reduction == "none":
                return torch.where(valid[:, None], values, torch.nan) + poison[..., None]
            values = self._over_channels(values, groups)
        if self.reduction == "none":
            return torch.where(valid, values, torch.nan) + poison
        total = (torch.where(valid, values, torch.zeros_like(values)) + poison).sum()
        return total if self.reduction == "sum" else total / self.n_valid.clip(1, None)

    def _over_channels(self, values: Any, groups: BatchSums) -> Any:
        """Mean or sum over the channels that count; an undefined one was skipped by the formula."""
        counts = torch.ones_like(values, dtype=torch.bool)
        if self._knob("empty") == "skip":
            counts = ~values.isnan()
        if self.classes == "present":
            counts = counts & (groups.truth > 0)
        if self.class_weights is not None:
            weights = self.class_weights.to(values)
            values = values * (weights if groups.channels is None else weights[groups.channels])
        total = torch.where(counts, values, torch.zeros_like(values)).sum(-1)
        return total if self.class_reduction == "sum" else total / counts.sum(-1).clip(1, None)

    def _costs(self, batch: Batch, pred: Tensor) -> Tensor:
        """The cost of every voxel, under the weights of its group, in the shape of `pred` or of the image."""
        across = self._is_across(batch)
        channels = sums.channels_of(self.classes)
        alone = sums.each_voxel(sums.chosen(sums.voxels_of(batch), channels), across=across)

        def evidence(need: Any) -> Any:
            if issubclass(need, Volumes):
                volumes = self._evidence(need, batch)
                return sums.beside_each_voxel(volumes, across=across, per_channel=need.per_channel)
            shaped = sums.with_channel_axis(alone, across=across) if need.per_channel else alone
            return need.of_map(shaped) if need.on_map else need(shaped)

        costs = self.measure.function(*(evidence(need) for need in self.needs), **self.knobs)
        costs = sums.folded(costs, fractional=batch.is_soft)
        is_flat = tuple(pred.shape[1:]) == batch.space
        return costs.reshape(len(pred), *(() if across or is_flat else (-1,)), *batch.space)
