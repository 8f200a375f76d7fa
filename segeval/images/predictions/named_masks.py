"""Masks that bear names, put together to one label image by the classes of a run."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.probabilities.hard_masks import Overlay
from segeval.files.paths import printable
from segeval.images.geometry.grids import WorldGrid
from segeval.images.geometry.parts import extended_to, grid_of_both
from segeval.images.labels.label_ids import SideName
from segeval.images.named.matching import matched
from segeval.images.named.reading import read_named
from segeval.images.named.series import SeriesFinder, SeriesGrid
from segeval.images.predictions.class_masks import FIRST_UNION, VOID, LabelImage
from segeval.images.readers.volumes import Volume

_SIDES = {"pred": "prediction", "truth": "truth"}


def join_named_masks(
    path: Path,
    labels: LabelMap,
    finder: SeriesFinder,
    *,
    side: SideName = "pred",
    beside: Path | None = None,
    all_are: LabelClass | None = None,
) -> LabelImage:
    """Read a file of named masks as a label image, one mask after the other.

    Args:
        side: in a truth, pixels of which it says nothing become `VOID`.
        beside: the file of the other side.
        all_are: the class of all objects, whatever they are called.

    Raises:
        DataError: the file cannot be read, holds probabilities, or its names do not fit the classes.
    """
    masks, series = read_named(path, finder, beside)
    if masks.are_probs:
        raise DataError(
            f"{printable(path)}: holds fractions, and a mask is due. Export a binary segmentation, or, of a "
            "prediction, leave out --pred-kind labels."
        )
    found, notes = (dict.fromkeys(masks.masks, all_are), ()) if all_are else matched(masks.masks, labels, path)
    classes = tuple(dict.fromkeys(found.values()))
    overlay: Overlay | None = None
    for name, make in masks.masks.items():
        # a file in which no mask has a class still says how large the image is
        if name in found or (overlay is None and not found):
            mask = make()
            overlay = overlay or Overlay(classes, like=np.zeros(mask.shape, dtype=np.uint8, order="F"))
            if name in found and found[name].ids != (0,):
                overlay.add(classes.index(found[name]), mask)
    if overlay is None:
        raise DataError(f"{printable(path)}: holds no mask at all. Export it with its segments or contours.")
    array, claims = overlay.named(taken=set(), first=FIRST_UNION)
    instances = masks.instances(found) if masks.instances else None
    if masks.void is not None and side == "truth":
        void = masks.void()
        array = np.where(void, array.dtype.type(0), array).astype(np.promote_types(array.dtype, np.uint16))
        array[void] = VOID
        notes = (*notes, f"{np.count_nonzero(void)} pixels are void, and count nowhere")
    if instances is not None and instances.shared:
        notes = (*notes, f"objects of the {_SIDES[side]} share pixels, which count for each of them")
    volume = _whole(masks.placed(array), series)
    return LabelImage(volume=replace(volume, notes=(*volume.notes, *notes)), claims=claims, instances=instances)


def read_named_maps(path: Path, labels: LabelMap, finder: SeriesFinder) -> tuple[tuple[Volume, ...], tuple[str, ...]]:
    """Read the probabilities of a file of named masks, and the names of their classes.

    Raises:
        DataError: the file cannot be read, or its names do not fit the classes.
    """
    masks, series = read_named(path, finder)
    found, _ = matched(masks.masks, labels, path)
    images = tuple(_whole(masks.placed(masks.masks[name]()), series) for name in found)
    return images, tuple(row.name for row in found.values())


def _whole(volume: Volume, series: SeriesGrid | None) -> Volume:
    if series is None or not volume.of_part:
        return volume
    return extended_to(volume, WorldGrid(shape=series.shape, affine=series.world))


def on_one_grid(preds: tuple[Volume, ...], truth: Volume) -> tuple[tuple[Volume, ...], Volume]:
    """Both sides on one grid where one of them is stored in part; as they are where their voxels do not agree.

    Raises:
        DataError: a mask lies beyond the image of the other side.
    """
    first = preds[0]
    if first.affine is None or truth.affine is None or not (first.of_part or truth.of_part):
        return preds, truth
    if first.n_space != 3 or truth.n_space != 3:
        return preds, truth
    if not truth.of_part:
        grid = WorldGrid(shape=truth.grid, affine=truth.affine)
        return tuple(extended_to(image, grid) for image in preds), truth
    if not first.of_part:
        return preds, extended_to(truth, WorldGrid(shape=first.grid, affine=first.affine))
    grid = grid_of_both(truth, first)
    whole = extended_to(truth, grid)
    note = "neither side says how large the image is: voxels beyond both masks count nowhere"
    return tuple(extended_to(image, grid) for image in preds), replace(whole, notes=(*whole.notes, note))
