"""Which voxels of a batch are scored together: reshaping of (case, channel, voxel) tensors, no arithmetic."""

from collections.abc import Sequence
from typing import Any, Literal

from segeval.evidence.probabilities.soft import Volumes, mapped, two_channels

ReduceOver = Literal["case", "batch", "micro"]
Classes = Literal["all", "foreground", "present"] | Sequence[int]


def chosen(voxels: Any, classes: Classes) -> Any:
    """The channels to score; which of them are present is a matter of each group."""
    if isinstance(classes, str) and classes != "foreground":
        return voxels
    kept = slice(1, None) if classes == "foreground" else list(classes)
    return mapped(voxels, lambda array: array[:, kept])


def grouped(voxels: Any, reduce_over: ReduceOver) -> Any:
    """Voxels as (group, channel, voxel): each case a group, the batch one group, or all channels in it too."""
    if reduce_over == "case":
        return voxels
    if reduce_over == "micro":
        return mapped(voxels, lambda array: array.reshape(1, 1, -1))
    return mapped(voxels, lambda array: array.transpose(0, 1).reshape(1, array.shape[1], -1))


def with_channel_axis(voxels: Any, *, across: bool) -> Any:
    """With the channel axis that a formula looks along: the channels themselves, or each one against the rest."""
    return voxels if across else two_channels(voxels)


def each_voxel(voxels: Any, *, across: bool) -> Any:
    """Every voxel a group of its own: (case, channel, voxel, 1), or (case, voxel, channel, 1) across channels."""
    return mapped(voxels, lambda array: (array.transpose(1, 2) if across else array)[..., None])


def beside_each_voxel(volumes: Volumes, *, across: bool) -> Volumes:
    """Volumes of whole groups in a shape that broadcasts beside `each_voxel`."""

    def beside(array: Any) -> Any:
        if across:
            return array[:, None, :]
        return array[:, :, None, :] if volumes.per_channel else array[..., None]

    return type(volumes).known(truth=beside(volumes.truth), rest=beside(volumes.rest), pred=beside(volumes.pred))


def folded(per_entry: Any, *, fractional: bool) -> Any:
    """One value per voxel, where a fractional truth has two entries each."""
    if not fractional:
        return per_entry
    of_class, of_rest = per_entry.chunk(2, dim=-1)
    return of_class + of_rest


def space_of(pred: Any, voxels: Any) -> tuple[int, ...]:
    """The spatial shape of a batch, whether or not it has a channel axis."""
    n_entries = voxels.truth.shape[-1] // (1 if voxels.targets == "hard" else 2)
    return tuple(pred.shape[2:] if pred.shape[2:].numel() == n_entries else pred.shape[1:])
