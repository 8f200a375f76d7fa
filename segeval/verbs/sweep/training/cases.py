"""Images and their masks in memory, as the fields that a network sees, and which of them it is judged by."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from segeval.errors import ConfigError, DataError
from segeval.evidence.labels import LabelClass
from segeval.files.paths import printable
from segeval.images.geometry.geometry import align
from segeval.images.input_rules import InputRules
from segeval.images.labels.label_ids import to_labels
from segeval.images.pairing.pairs import Pair
from segeval.images.readers.volumes import Volume
from segeval.images.training_images import read_image

IGNORED = 255  # in targets: a voxel that counts nowhere
MOST_CLASSES = 254


@dataclass(frozen=True, kw_only=True)
class TrainingCase:
    """One image with its truth.

    Attributes:
        image: zero mean and unit variance in each channel, float32 (field, channel, *plane).
        target: 0 is the rest, then the classes in order, `IGNORED` elsewhere; uint8 (field, *plane).
        slice_axis: the axis of the grid that the fields follow; None where the image is one field.
        truth: the file of the mask, without its voxels: where predictions belong in the world.
    """

    case_id: str
    image: np.ndarray
    target: np.ndarray
    slice_axis: int | None
    truth: Volume

    @cached_property
    def counted(self) -> np.ndarray:
        """Which voxels count."""
        return self.target != IGNORED

    @cached_property
    def digest(self) -> str:
        """A hash of image and target."""
        digest = hashlib.sha256(f"{self.image.shape} {self.target.shape}".encode())
        for array in (self.image, self.target):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def on_grid(self, fields: np.ndarray) -> np.ndarray:
        """Values of the fields, (field, *plane), in the axes of the mask's file."""
        return fields[0] if self.slice_axis is None else np.moveaxis(fields, 0, self.slice_axis)

    def as_fields(self, grid: np.ndarray) -> np.ndarray:
        """The inverse of `on_grid`."""
        return _fields(grid, self.slice_axis)


def read_training_case(
    pair: Pair, classes: Sequence[LabelClass], rules: InputRules, *, dimensions: int
) -> TrainingCase:
    """Read an image and its mask.

    Args:
        dimensions: 2 cuts volumes into slices across their coarsest axis, 3 leaves them whole.

    Raises:
        DataError: a file cannot be read, or the two grids differ.
    """
    if pair.truth is None or pair.pred is None:
        raise ValueError(f"{pair.case_id} is not a pair")
    image = rules.truth_of(pair)
    truth = image.volume
    if image.claims:
        names = " and ".join(printable(row.name) for row in next(iter(image.claims.values())))
        raise DataError(
            f"{printable(pair.truth)}: {names} share voxels, and one network cannot tell them apart. "
            "Name one of them with --labels."
        )
    labels = to_labels(truth, ignore=rules.labels.ignore)
    channels = [_on_grid(channel, truth, rules) for channel in read_image(pair, channel_axis=rules.channel_axis)]
    if dimensions > labels.ndim:
        raise DataError(f"{printable(pair.truth)}: shape {labels.shape} has no third axis. Train on it in 2-D.")
    axis = _slice_axis(truth) if dimensions < labels.ndim else None
    stacked = np.stack([_normalised(channel) for channel in channels])
    return TrainingCase(
        case_id=pair.case_id,
        image=_fields(stacked, None if axis is None else axis + 1),
        target=_fields(_target(labels, classes, rules.labels.ignore), axis),
        slice_axis=axis,
        truth=Volume(path=pair.truth, array=np.empty(0), affine=truth.affine, spacing_mm=truth.spacing_mm),
    )


def require_disjoint(classes: Sequence[LabelClass]) -> None:
    """Refuse classes that share voxels, which one network cannot tell apart.

    Raises:
        ConfigError: two classes share an id, or there are too many.
    """
    ids = [label_id for label in classes for label_id in label.ids]
    if len(ids) != len(set(ids)) or len(classes) > MOST_CLASSES:
        names = ", ".join(label.name for label in classes[:5])
        raise ConfigError(f"The classes ({names}) share ids or are too many to train at once. Name one with --class.")


def _on_grid(image: Volume, truth: Volume, rules: InputRules) -> np.ndarray:
    array, _ = align(
        image,
        truth,
        tolerance=rules.geometry_tol,
        resample=rules.resample,
        ignore=rules.ignore_geometry,
        kind="probs",
    )
    return array


def _normalised(channel: np.ndarray) -> np.ndarray:
    values = channel.astype(np.float32)
    if not np.isfinite(values).all():
        values = np.where(np.isfinite(values), values, np.float32(0))
    spread = float(values.std(dtype=np.float64))
    return np.asarray((values - np.float32(values.mean(dtype=np.float64))) / np.float32(spread or 1.0))


def _target(labels: np.ndarray, classes: Sequence[LabelClass], ignore: Sequence[int]) -> np.ndarray:
    target = np.zeros(labels.shape, dtype=np.uint8)
    for i, label in enumerate(classes):
        target[np.isin(labels, label.ids)] = i + 1
    target[np.isin(labels, ignore)] = IGNORED
    return target


def _slice_axis(truth: Volume) -> int:
    """The axis along which voxels are longest; of equals the last."""
    spacing = truth.spacing_mm or (1.0,) * truth.n_space
    return max(range(len(spacing)), key=lambda axis: (round(spacing[axis], 6), axis))


def _fields(array: np.ndarray, axis: int | None) -> np.ndarray:
    """The slices, or the whole, first."""
    return np.ascontiguousarray(array[None] if axis is None else np.moveaxis(array, axis, 0))


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Case ids of one training: those it sees, and those it predicts."""

    number: int
    train: tuple[str, ...]
    predict: tuple[str, ...]


def hold_out(case_ids: Sequence[str], *, share: float, seed: int) -> tuple[Fold, ...]:
    """One fold that predicts a share of the cases, drawn at random.

    Raises:
        ConfigError: too few cases, or none is left on one side.
    """
    _require_two(case_ids)
    n = max(1, math.floor(share * len(case_ids) + 0.5))
    if not 0 < share < 1 or n >= len(case_ids):
        raise ConfigError(
            f"--holdout {share:g} of {len(case_ids)} cases leaves {max(len(case_ids) - n, 0)} to train on. "
            "Hold out fewer, or use --folds."
        )
    held = set(np.random.default_rng(seed).permutation(sorted(case_ids))[:n].tolist())
    return (_fold(1, case_ids, held),)


def k_folds(case_ids: Sequence[str], *, k: int, seed: int) -> tuple[Fold, ...]:
    """K folds that predict every case once.

    Raises:
        ConfigError: fewer cases than folds.
    """
    _require_two(case_ids)
    if not 2 <= k <= len(case_ids):
        raise ConfigError(f"--folds {k} does not split {len(case_ids)} cases. Take from 2 to {len(case_ids)} folds.")
    shuffled = np.random.default_rng(seed).permutation(sorted(case_ids)).tolist()
    return tuple(_fold(i + 1, case_ids, set(shuffled[i::k])) for i in range(k))


def _fold(number: int, case_ids: Sequence[str], held: set[str]) -> Fold:
    train, predict = (
        tuple(sorted(case_id for case_id in case_ids if (case_id in held) is side)) for side in (False, True)
    )
    return Fold(number=number, train=train, predict=predict)


def _require_two(case_ids: Sequence[str]) -> None:
    if len(case_ids) < 2:
        raise ConfigError(
            f"{len(case_ids)} case is too few to train on some and report on others. Give two or more images."
        )
