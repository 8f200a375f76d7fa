"""Read a prediction: a label image, or one image per channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from segeval.errors import DataError
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.lesions.instance_maps import InstanceMap
from segeval.evidence.policies import ChannelAxis, Orientation, PredKind
from segeval.evidence.probabilities.hard_masks import Claims
from segeval.files.paths import printable
from segeval.files.suffixes import stem
from segeval.images.labels.colors import ColorTable, with_ids_of_colours
from segeval.images.labels.one_hot import as_ids
from segeval.images.named.reading import has_names, named_maps
from segeval.images.named.series import SeriesFinder
from segeval.images.pairing.class_files import chosen_files
from segeval.images.pairing.pairs import Pair
from segeval.images.predictions.class_masks import join_class_masks
from segeval.images.predictions.named_masks import join_named_masks, read_named_maps
from segeval.images.readers.readers import read_volume, stores_integers
from segeval.images.readers.volumes import Volume


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The images of one prediction: one of labels, or one per channel.

    `names` are what files of single classes are called, in the order of the images; masks of single classes are one
    label image already, and `claims` says which of them share the voxels of an id. `grid` is the image beside the
    `.npz` of nnU-Net, which says where its voxels lie. `instances` are its objects, where the file tells them apart.
    """

    path: Path
    images: tuple[Volume, ...]
    names: tuple[str, ...] = ()
    claims: Claims = field(default_factory=dict)
    grid: Volume | None = None
    instances: InstanceMap | None = None

    def placed(self, truth: Volume) -> "Prediction":
        """The same images in the axis order of the truth; only those of nnU-Net have another one by design."""
        if not self.images[0].is_czyx:
            return self
        like = self.grid or truth
        return replace(self, images=tuple(_placed_like(image, like) for image in self.images))

    def with_ids_moved(self, moved: Mapping[int, int], labels: LabelMap) -> "Prediction":
        """The same images; their objects and shared voxels are of the classes that their ids are in the truth."""
        if not moved:
            return self
        rows = {row.ids: row for row in labels.in_order}

        def of(row: LabelClass) -> LabelClass:
            ids = tuple(moved.get(one, one) for one in row.ids)
            return row if ids == row.ids else rows.get(ids) or LabelClass(name=str(ids[0]), ids=ids)

        claims = {label: tuple(dict.fromkeys(map(of, shared))) for label, shared in self.claims.items()}
        objects = self.instances
        if objects is not None:
            own = {one: tuple(moved.get(label, label) for label in ids) for one, ids in objects.classes.items()}
            objects = replace(objects, classes=own)
        return replace(self, claims=claims, instances=objects)


def read_prediction(
    pair: Pair,
    *,
    kind: PredKind | Literal["auto"],
    channel_axis: ChannelAxis | None,
    labels: LabelMap,
    colors: ColorTable | None = None,
    orientation: Orientation | None = None,
    finder: SeriesFinder | None = None,
    all_are: LabelClass | None = None,
) -> Prediction:
    """Read the file of a prediction, or the files of its classes.

    Args:
        kind: labels have no channels to split.
        channel_axis: which axis of a file counts channels.
        labels: which files of classes are read.
        colors: the table of coloured masks.
        orientation: which form of a NIfTI header to take where both are there.
        finder: finds the series that masks of DICOM were drawn on.
        all_are: the class of all objects of a file that tells them apart.

    Raises:
        DataError: a file cannot be read, or the files of classes have channels of their own.
    """
    if pair.pred is None:
        raise ValueError(f"{pair.case_id} has no prediction to be read")
    as_labels = kind == "labels"
    if pair.channels:
        files = chosen_files(pair.channels, labels, pair.pred)
        if as_labels or (kind == "auto" and all(map(stores_integers, files.values()))):
            image = join_class_masks(pair.pred, files, labels, side="pred", orientation=orientation)
            return Prediction(path=pair.pred, images=(image.volume,), claims=image.claims)
        return _of_files(pair.pred, files, orientation)
    if has_names(pair.pred):
        if as_labels or not named_maps(pair.pred):
            found = finder or SeriesFinder()
            image = join_named_masks(pair.pred, labels, found, beside=pair.truth, all_are=all_are)
            return Prediction(path=pair.pred, images=(image.volume,), claims=image.claims, instances=image.instances)
        images, names = read_named_maps(pair.pred, labels, finder or SeriesFinder())
        return Prediction(path=pair.pred, images=images, names=names)
    volume = read_volume(
        pair.pred,
        as_stored=not as_labels,
        channel_axis=channel_axis,
        orientation=orientation,
        colours=colors is not None,
    )
    if colors is not None:
        volume = with_ids_of_colours(volume, colors)
    elif as_labels or (kind == "auto" and volume.is_integer and volume.levels is None):
        volume = as_ids(volume)
    return of_one_file(volume, channel_axis, as_labels=as_labels)


def of_one_file(volume: Volume, channel_axis: ChannelAxis | None, *, as_labels: bool) -> Prediction:
    """The image of a file, or those of its channels."""
    if as_labels:
        return Prediction(path=volume.path, images=(volume,))
    grid = _grid_beside(volume.path) if volume.is_czyx else None
    return Prediction(path=volume.path, images=_split(volume, channel_axis), grid=grid)


def _of_files(folder: Path, files: Mapping[str, Path], orientation: Orientation | None) -> Prediction:
    images = tuple(read_volume(path, as_stored=True, orientation=orientation) for path in files.values())
    refuse_channels_of_classes(images)
    return Prediction(path=folder, images=images, names=tuple(files))


def refuse_channels_of_classes(images: Sequence[Volume]) -> None:
    """Stop where a file of one class has channels.

    Raises:
        DataError: one has.
    """
    for image in images:
        if image.array.ndim > image.n_space:
            raise DataError(
                f"{printable(image.path)}: shape {image.array.shape} has channels, but the file is meant for one "
                "class. Write one map per file, or all in one file of the case."
            )


def _split(volume: Volume, channel_axis: ChannelAxis | None) -> tuple[Volume, ...]:
    """One image per channel, as views."""
    axis = axis_of_channels(volume, channel_axis)
    if axis is None:
        return (volume,)
    return tuple(replace(volume, array=image) for image in np.moveaxis(volume.array, axis, 0))


def axis_of_channels(volume: Volume, asked: ChannelAxis | None) -> int | None:
    """The axis of a prediction's array that counts channels; None where it has none."""
    if volume.is_czyx:
        return 0
    if volume.array.ndim > volume.n_space:  # a NIfTI file is read with its channels last
        return 0 if asked == "first" and volume.affine is None and volume.axes_of_space is None else -1
    if asked is None or volume.affine is not None or volume.array.ndim < 3:
        return None
    return 0 if asked == "first" else -1


def refuse_other_axis(pred: Prediction, truth: Volume, asked: ChannelAxis | None) -> None:
    """Stop where a prediction lies on the grid of the truth, if only its channels were counted along another axis.

    Raises:
        DataError: it does.
    """
    first, n = pred.images[0], len(pred.images)
    grid = _without_ones(truth.grid)
    if first.is_czyx or pred.names or _without_ones(first.grid) == grid:
        return
    stored = first.array.shape
    if n > 1:
        stored = (n, *first.grid) if asked == "first" else (*first.grid, n)
    ways = {"first": stored[1:], "last": stored[:-1]}
    way = next((axis for axis, space in ways.items() if _without_ones(space) == grid), None)
    if way and way != asked and len(stored) > 2 and not (n == 1 and first.is_integer and first.array.max() > 1):
        raise DataError(
            f"{printable(pred.path)}: shape {stored} is that of {printable(truth.path)}, {truth.grid}, with channels "
            f"in its {way} axis. Pass --channel-axis {way}."
        )


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n > 1)


def _grid_beside(path: Path) -> Volume | None:
    """The NIfTI file of the same name."""
    from segeval.images.readers.nifti import read_nifti_grid

    beside = (path.with_name(stem(path) + suffix) for suffix in (".nii.gz", ".nii"))
    return next((read_nifti_grid(path) for path in beside if path.is_file()), None)


def _placed_like(image: Volume, like: Volume) -> Volume:
    """A z, y, x image as x, y, z where there is a world, and where it lies there."""
    array = image.array if like.affine is None else image.array.T
    if _without_ones(array.shape) != _without_ones(like.grid):
        raise DataError(
            f"{printable(image.path)}: shape {image.array.shape} in the order z, y, x does not fit "
            f"{printable(like.path)} with {like.grid}. Export the probabilities on the grid of the image."
        )
    return replace(image, array=array.reshape(like.grid), affine=like.affine, spacing_mm=like.spacing_mm, is_czyx=False)
