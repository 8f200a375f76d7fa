"""DICOM SEG: segments of bits, of fractions or of labels, on a grid of their own frames."""

from pathlib import Path
from typing import Any

import numpy as np

from segeval.images.named.dicom import read_dataset, refusing_damage
from segeval.images.named.masks import NamedMasks, refuse_doubles
from segeval.images.readers.volumes import TO_RIGHT_AND_FRONT

_TABLE = ["SegmentSequence", "SegmentationType"]


def segment_names(path: Path) -> tuple[str, ...]:
    """What the segments are called, in the order of their numbers.

    Raises:
        DataError: the file is damaged, or two segments bear one name.
    """
    return tuple(_numbers(path, read_dataset(path, tags=_TABLE, pixels=False)))


def holds_fractions(path: Path) -> bool:
    """Whether the segments are probabilities.

    Raises:
        DataError: the file is damaged.
    """
    dataset = read_dataset(path, tags=_TABLE, pixels=False)
    with refusing_damage(path):
        return bool(dataset.get("SegmentationType") == "FRACTIONAL")


def read_segmentation(path: Path) -> NamedMasks:
    """The segments of a file. Frames without a voxel may be left out, so the grid is perhaps a part of the image's.

    Raises:
        DataError: the file is damaged, or its frames lie on no regular grid.
    """
    dataset = read_dataset(path)
    numbers = _numbers(path, dataset)
    with refusing_damage(path):
        from highdicom.seg import Segmentation

        segmentation = Segmentation.from_dataset(dataset, copy=False)
        are_probs = segmentation.SegmentationType == "FRACTIONAL"
        geometry = segmentation.get_volume_geometry(allow_missing_positions=True)
        if geometry is None:
            raise ValueError("its frames lie on no regular grid")
        # from slices, rows and columns in DICOM's world to x, y, z in ours
        affine = geometry.affine[:, [2, 1, 0, 3]]
        # slices may be sorted either way: in ours they follow the normal of rows and columns, like those of a series
        is_left = bool(np.linalg.det(affine) < 0)
        if is_left:
            affine = affine @ _flipped(geometry.shape[0])
        world = TO_RIGHT_AND_FRONT @ affine

    def mask(number: int) -> np.ndarray:
        with refusing_damage(path):
            dtype = np.float32 if are_probs else np.uint8
            volume = segmentation.get_volume(segment_numbers=[number], dtype=dtype)
            array = np.asarray(volume.array)[..., 0].transpose(2, 1, 0)[:, :, :: -1 if is_left else 1]
            return array if are_probs else array != 0

    return NamedMasks(
        path=path,
        world=world,
        masks={name: lambda number=number: mask(number) for name, number in numbers.items()},  # type: ignore[misc]
        of_part=True,
        are_probs=are_probs,
    )


def referenced_series(path: Path) -> str:
    """The id of the series that the segments were drawn on; "" where the file does not tell.

    Raises:
        DataError: the file is damaged.
    """
    dataset = read_dataset(path, tags=["ReferencedSeriesSequence"], pixels=False)
    with refusing_damage(path):
        found = dataset.get("ReferencedSeriesSequence")
        return str(found[0].get("SeriesInstanceUID", "")) if found else ""


def _flipped(n: int) -> np.ndarray:
    """From the indices of slices in one order to those in the other."""
    turned = np.eye(4)
    turned[2, 2:] = -1, n - 1
    return turned


def _numbers(path: Path, dataset: Any) -> dict[str, int]:
    with refusing_damage(path):
        pairs = [(str(one.SegmentLabel).strip(), int(one.SegmentNumber)) for one in dataset.SegmentSequence]
        # in a label map the background may be a segment like the others
        pairs = [(name, number) for name, number in pairs if number]
    refuse_doubles(path, [name for name, _ in pairs])
    return dict(sorted(pairs, key=lambda pair: pair[1]))
