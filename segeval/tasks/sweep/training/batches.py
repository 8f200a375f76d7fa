"""The patches of every batch, in an order that depends on the seed and the data alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.tasks.sweep.training.cases import IGNORED, TrainingCase
from segeval.tasks.sweep.training.recipe import Recipe

Batch = tuple[np.ndarray, np.ndarray]  # images (patch, channel, *plane) and targets (patch, *plane)
MOST_CENTRES = 1000  # voxels of the class remembered in each field


@dataclass(frozen=True, kw_only=True)
class Field:
    """One slice or volume, and some voxels of the classes in it, shape (voxel, axis)."""

    image: np.ndarray
    target: np.ndarray
    centres: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Everything that one network may see.

    Attributes:
        prior: share of the voxels of each output; with one class that of the class alone.
    """

    fields: tuple[Field, ...]
    prior: tuple[float, ...]

    @cached_property
    def with_class(self) -> tuple[Field, ...]:
        return tuple(one for one in self.fields if len(one.centres))

    @property
    def n_channels(self) -> int:
        return int(self.fields[0].image.shape[0])


def pool_of(cases: Sequence[TrainingCase], classes: Sequence[str]) -> Pool:
    """The fields of the training cases.

    Raises:
        DataError: a class has no voxel in them, or images differ in their channels.
    """
    channels = {one.image.shape[1]: one for one in cases}
    if len(channels) > 1:
        said = " and ".join(f"{one.case_id} has {n} channels" for n, one in channels.items())
        raise DataError(f"The images differ: {said}. Train on images of one kind.")
    fields = (
        Field(image=image, target=target, centres=_centres(target))
        for one in cases
        for image, target in zip(one.image, one.target, strict=True)
    )
    return Pool(fields=tuple(fields), prior=_prior(cases, classes))


def batches(pool: Pool, recipe: Recipe, *, seed: int) -> Iterator[Batch]:
    """One batch per iteration: some patches on a voxel of the class, the others anywhere."""
    generator = np.random.default_rng(seed)
    for _ in range(recipe.iterations):
        on_class = [_patch(generator, pool.with_class, recipe, on_class=True) for _ in range(recipe.with_class)]
        anywhere = [
            _patch(generator, pool.fields, recipe, on_class=False) for _ in range(recipe.batch - recipe.with_class)
        ]
        images, targets = zip(*on_class, *anywhere, strict=True)
        yield np.stack(images), np.stack(targets)


def _patch(generator: np.random.Generator, fields: Sequence[Field], recipe: Recipe, *, on_class: bool) -> Batch:
    field = fields[int(generator.integers(len(fields)))]
    shape = field.target.shape
    # both draws are always made, so that the order of the others never depends on what was drawn
    anywhere = [int(generator.integers(max(n - side, 0) + 1)) for n, side in zip(shape, recipe.patch, strict=True)]
    centre = field.centres[generator.integers(len(field.centres))] if on_class else None
    start = anywhere if centre is None else _around(centre, anywhere, shape, recipe)
    return cut(field.image, start, recipe.patch, fill=0), cut(field.target, start, recipe.patch, fill=IGNORED)


def _around(centre: np.ndarray, anywhere: Sequence[int], shape: tuple[int, ...], recipe: Recipe) -> list[int]:
    """The place nearest to `anywhere` whose patch holds the voxel, so that it is not always in the middle."""
    low = [max(0, int(at) - side + 1) for at, side in zip(centre, recipe.patch, strict=True)]
    high = [min(int(at), max(n - side, 0)) for at, n, side in zip(centre, shape, recipe.patch, strict=True)]
    return [min(max(at, lowest), max(highest, lowest)) for at, lowest, highest in zip(anywhere, low, high, strict=True)]


def cut(array: np.ndarray, start: Sequence[int], size: Sequence[int], *, fill: int) -> np.ndarray:
    """A patch of the last axes, filled up where the array ends."""
    window: Any = (..., *(slice(at, at + n) for at, n in zip(start, size, strict=True)))
    patch: np.ndarray = array[window]
    lacking = [(0, n - have) for n, have in zip(size, patch.shape[-len(size) :], strict=True)]
    if not any(after for _, after in lacking):
        return patch
    return np.pad(patch, [(0, 0)] * (patch.ndim - len(size)) + lacking, constant_values=fill)


def _centres(target: np.ndarray) -> np.ndarray:
    found = np.argwhere((target > 0) & (target != IGNORED))
    return found[:: max(1, -(-len(found) // MOST_CENTRES))].astype(np.int32)


def _prior(cases: Sequence[TrainingCase], classes: Sequence[str]) -> tuple[float, ...]:
    counts = sum(np.bincount(one.target.ravel(), minlength=IGNORED + 1) for one in cases)
    voxels = np.asarray(counts)[: len(classes) + 1]
    for name, n in zip(classes, voxels[1:], strict=True):
        if n == 0:
            raise DataError(
                f"No voxel of {name} in the {len(cases)} cases to train on, so there is nothing to learn. "
                "Add cases that have it, or split them otherwise with --seed."
            )
    shares = np.maximum(voxels, 1) / voxels.sum()
    return (float(shares[1]),) if len(classes) == 1 else tuple(shares.tolist())
