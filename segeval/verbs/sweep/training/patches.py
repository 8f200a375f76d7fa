"""The patches of every batch, in an order that depends on the seed and the data alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.verbs.sweep.training.cases import IGNORED, TrainingCase
from segeval.verbs.sweep.training.recipe import Recipe

Batch = tuple[np.ndarray, np.ndarray]  # images (patch, channel, *plane) and targets (patch, *plane)
MOST_CENTRES = 1000  # voxels of a class remembered in each field
SMALLEST_PRIOR = 1e-6  # no class is so rare or so common that its logit is out of reach


@dataclass(frozen=True, kw_only=True)
class Field:
    """One slice or volume, and some voxels of each class in it, shape (voxel, axis)."""

    image: np.ndarray
    target: np.ndarray
    centres: tuple[np.ndarray, ...]


@dataclass(frozen=True, kw_only=True)
class PatchSource:
    """Everything that one network may see.

    Attributes:
        prior: share of the voxels of each output; with one class that of the class alone.
    """

    fields: tuple[Field, ...]
    prior: tuple[float, ...]

    @cached_property
    def holding(self) -> tuple[tuple[Field, ...], ...]:
        """The fields that hold each class."""
        n_classes = len(self.fields[0].centres)
        return tuple(tuple(field for field in self.fields if len(field.centres[i])) for i in range(n_classes))

    @property
    def n_channels(self) -> int:
        return int(self.fields[0].image.shape[0])


def patch_source(
    cases: Sequence[TrainingCase], classes: Sequence[str], *, held_out: Sequence[TrainingCase] = ()
) -> PatchSource:
    """The fields of the training cases.

    Args:
        held_out: the others, of which it is said where they have a class that these lack.

    Raises:
        DataError: a class has no voxel in them, or images differ in their channels.
    """
    channels = {case.image.shape[1]: case for case in cases}
    if len(channels) > 1:
        found = " and ".join(f"{case.case_id} has {n} channels" for n, case in channels.items())
        raise DataError(f"The images differ: {found}. Train on images of one kind.")
    fields = (
        Field(image=image, target=target, centres=tuple(_centres(target, i + 1) for i in range(len(classes))))
        for case in cases
        for image, target in zip(case.image, case.target, strict=True)
    )
    return PatchSource(fields=tuple(fields), prior=_prior(cases, classes, held_out))


def batches(source: PatchSource, recipe: Recipe, *, seed: int) -> Iterator[Batch]:
    """One batch per iteration: some patches on a voxel of a class, each class as often, and the rest anywhere."""
    generator = np.random.default_rng(seed)
    for _ in range(recipe.iterations):
        on_class = [_patch_on_class(generator, source, recipe) for _ in range(recipe.with_class)]
        anywhere = [_patch_anywhere(generator, source, recipe) for _ in range(recipe.batch - recipe.with_class)]
        images, targets = zip(*on_class, *anywhere, strict=True)
        yield np.stack(images), np.stack(targets)


def _patch_on_class(generator: np.random.Generator, source: PatchSource, recipe: Recipe) -> Batch:
    index = int(generator.integers(len(source.holding)))
    field = _any_field(generator, source.holding[index])
    centres = field.centres[index]
    start = _around(centres[generator.integers(len(centres))], _anywhere(generator, field, recipe), field, recipe)
    return _cut_field(field, start, recipe)


def _patch_anywhere(generator: np.random.Generator, source: PatchSource, recipe: Recipe) -> Batch:
    field = _any_field(generator, source.fields)
    return _cut_field(field, _anywhere(generator, field, recipe), recipe)


def _any_field(generator: np.random.Generator, fields: Sequence[Field]) -> Field:
    return fields[int(generator.integers(len(fields)))]


def _anywhere(generator: np.random.Generator, field: Field, recipe: Recipe) -> list[int]:
    room = (max(n - side, 0) for n, side in zip(field.target.shape, recipe.patch, strict=True))
    return [int(generator.integers(n + 1)) for n in room]


def _around(centre: np.ndarray, anywhere: Sequence[int], field: Field, recipe: Recipe) -> list[int]:
    """The place nearest to `anywhere` whose patch holds the voxel, so that it is not always in the middle."""
    axes = zip(anywhere, centre.tolist(), field.target.shape, recipe.patch, strict=True)
    return [max(min(at, voxel, max(n - side, 0)), voxel - side + 1, 0) for at, voxel, n, side in axes]


def _cut_field(field: Field, start: Sequence[int], recipe: Recipe) -> Batch:
    return cut(field.image, start, recipe.patch, fill=0), cut(field.target, start, recipe.patch, fill=IGNORED)


def cut(array: np.ndarray, start: Sequence[int], size: Sequence[int], *, fill: int) -> np.ndarray:
    """A patch of the last axes, filled up where the array ends."""
    window: Any = (..., *(slice(at, at + n) for at, n in zip(start, size, strict=True)))
    patch: np.ndarray = array[window]
    lacking = [(0, n - have) for n, have in zip(size, patch.shape[-len(size) :], strict=True)]
    if not any(after for _, after in lacking):
        return patch
    return np.pad(patch, [(0, 0)] * (patch.ndim - len(size)) + lacking, constant_values=fill)


def _centres(target: np.ndarray, code: int) -> np.ndarray:
    found = np.argwhere(target == code)
    return found[:: max(1, -(-len(found) // MOST_CENTRES))].astype(np.int32)


def _prior(
    cases: Sequence[TrainingCase], classes: Sequence[str], held_out: Sequence[TrainingCase]
) -> tuple[float, ...]:
    counts = sum(np.bincount(case.target.ravel(), minlength=IGNORED + 1) for case in cases)
    voxels = np.asarray(counts)[: len(classes) + 1]
    for i, name in enumerate(classes):
        if voxels[i + 1] == 0:
            elsewhere = sum(bool((case.target == i + 1).any()) for case in held_out)
            split = ", or split them otherwise with --seed" if elsewhere > 1 else ""  # one to train on, one to report
            raise DataError(
                f"No voxel of {name} in the {len(cases)} cases to train on, so there is nothing to learn; "
                f"{elsewhere} of the others {'has' if elsewhere == 1 else 'have'} it. Add cases that have it{split}."
            )
    shares = np.clip(voxels / voxels.sum(), SMALLEST_PRIOR, 1 - SMALLEST_PRIOR)
    return (float(shares[1]),) if len(classes) == 1 else tuple(shares.tolist())
