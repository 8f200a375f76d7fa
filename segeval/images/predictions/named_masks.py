"""Masks that bear names, put together to one label image by the classes of a run."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.probabilities.hard_masks import Overlay
from segeval.files.paths import printable
from segeval.images.geometry.grids import WorldGrid
from segeval.images.labels.label_ids import SideName
from segeval.images.named.matching import matched
from segeval.images.named.reading import read_named
from segeval.images.named.series import SeriesFinder, SeriesGrid
from segeval.images.predictions.class_masks import FIRST_UNION, VOID, LabelImage
from segeval.images.readers.volumes import Volume

_OFF_LATTICE = 1e-2  # voxels, that a part may lie beside the voxels of the whole
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
    return _extended_to(volume, WorldGrid(shape=series.shape, affine=series.world))


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
        return tuple(_extended_to(image, grid) for image in preds), truth
    if not first.of_part:
        return preds, _extended_to(truth, WorldGrid(shape=first.grid, affine=first.affine))
    grid = _grid_of_both(truth, first)
    whole = _extended_to(truth, grid)
    note = "neither side says how large the image is: voxels beyond both masks count nowhere"
    return tuple(_extended_to(image, grid) for image in preds), replace(whole, notes=(*whole.notes, note))


def _extended_to(part: Volume, whole: WorldGrid) -> Volume:
    """The image on a grid whose voxels are where its own are; the same image where they are not.

    Raises:
        DataError: a voxel that is not background lies beyond the grid.
    """
    if part.affine is None or part.n_space != 3 or len(whole.shape) != 3:
        return part
    into = np.linalg.solve(whole.affine, part.affine)
    turn = np.rint(into[:3, :3])
    shape = np.array(part.grid)
    first = np.rint(into[:3, 3])
    exact = np.eye(4)
    exact[:3, :3], exact[:3, 3] = turn, first
    is_swap = np.array_equal(np.abs(turn) @ np.abs(turn).T, np.eye(3))
    if (
        not is_swap
        or np.abs((into - exact) @ WorldGrid(shape=part.grid, affine=part.affine).corners).max() > _OFF_LATTICE
    ):
        return part
    axes = np.abs(turn).argmax(axis=1)  # of the part, along each axis of the whole
    flips = turn.sum(axis=1) < 0
    array = part.array.transpose(*axes, *range(3, part.array.ndim))
    array = array[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    low = (first - np.where(flips, shape[axes] - 1, 0)).astype(int)
    start, stop = np.maximum(low, 0), np.minimum(low + array.shape[:3], whole.shape)
    inner = array[tuple(slice(a, max(a, b)) for a, b in zip(start - low, stop - low, strict=True))]
    if np.count_nonzero(inner) < np.count_nonzero(array):
        raise DataError(
            f"{printable(part.path)}: {np.count_nonzero(array) - np.count_nonzero(inner)} voxels of its masks lie "
            "beyond the image they are compared on. Check that both belong to one case."
        )
    found = np.zeros((*whole.shape, *array.shape[3:]), dtype=array.dtype, order="F")
    if inner.size:
        found[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = inner
    spacing = tuple(float(length) for length in np.linalg.norm(whole.affine[:3, :3], axis=0))
    return replace(part, array=found, affine=whole.affine, spacing_mm=spacing, of_part=False)


def _grid_of_both(part: Volume, other: Volume) -> WorldGrid:
    """The smallest grid on the lattice of one part that holds another part, too."""
    if part.affine is None or other.affine is None:
        raise ValueError("a part without a place in the world")
    into = np.linalg.solve(part.affine, other.affine)
    corners = np.array([[0, 0, 0, 1], [*np.array(other.grid) - 1, 1]], dtype=float).T
    reached = np.rint((into @ corners)[:3])
    low = np.minimum(reached.min(axis=1), 0)
    high = np.maximum(reached.max(axis=1), np.array(part.grid) - 1)
    moved = part.affine.copy()
    moved[:3, 3] += part.affine[:3, :3] @ low
    return WorldGrid(shape=tuple((high - low + 1).astype(int).tolist()), affine=moved)
