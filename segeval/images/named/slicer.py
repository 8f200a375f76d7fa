"""Segmentations of 3D Slicer: NRRD whose header has a table of segments, each a value in a layer of the voxels.

Segments that share no voxel lie in one layer and differ by their values; layers are the axis that is not one of space.
Files of older versions have a layer for each segment, and say so neither of layers nor of values.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.evidence.probabilities.hard_masks import distinct_ids
from segeval.files.paths import printable
from segeval.images.named.masks import NamedMasks, refuse_doubles
from segeval.images.readers.nrrd import NrrdHeader, read_nrrd_header, read_nrrd_parts

_SEGMENT = re.compile(r"Segment([0-9]{1,6})_(?:ID|Name)")
_OFFSET = "Segmentation_ReferenceImageExtentOffset"
_EXPORT = "Save it again from 3D Slicer."


@dataclass(frozen=True, kw_only=True)
class _Segment:
    name: str
    layer: int
    value: int


def has_segments(path: Path) -> bool:
    """Whether a NRRD file has a table of segments; of one that cannot be read its reader will say why."""
    try:
        return any(map(_SEGMENT.fullmatch, read_nrrd_header(path)))
    except DataError:
        return False


def slicer_names(path: Path) -> tuple[str, ...]:
    """What the segments are called, in the order of the table.

    Raises:
        DataError: the header is damaged, or two segments bear one name.
    """
    return tuple(segment.name for segment in _segments(read_nrrd_header(path)))


def read_slicer(path: Path) -> NamedMasks:
    """The segments of a file, which may have been saved cropped to them.

    Raises:
        DataError: the file is damaged, or its table does not fit its voxels.
    """
    header, voxels = read_nrrd_parts(path)
    segments = _segments(header)
    if voxels.dtype.kind not in "iu" or "Fractional" in header.get("Segmentation_ContainedRepresentationNames", ""):
        raise DataError(f"{printable(path)}: its segments are fractions of voxels. Export a binary labelmap.")
    array, world = header.in_world(voxels)
    if array.size == 1:
        raise DataError(
            f"{printable(path)}: holds no image, as 3D Slicer saves a segmentation without a voxel. Save it uncropped; "
            "or remove it, and of a prediction pass --missing background to score the case as empty."
        )
    layers = array if array.ndim > 3 else array[..., np.newaxis]
    return NamedMasks(
        path=path,
        world=world,
        masks={part.name: lambda part=part: layers[..., part.layer] == part.value for part in segments},  # type: ignore[misc]
        of_part=any(_whole(header, word, _OFFSET) for word in header.get(_OFFSET, "").split()),
        notes=_on_other_values(layers, segments),
    )


def _segments(header: NrrdHeader) -> list[_Segment]:
    numbers = sorted({int(found[1]) for found in map(_SEGMENT.fullmatch, header) if found})
    segments = [_segment(header, number, place) for place, number in enumerate(numbers)]
    refuse_doubles(header.path, [segment.name for segment in segments])
    axis = header.axis_of_channels
    n_layers = 1 if axis is None else header.shape[axis]
    seen: dict[tuple[int, int], str] = {}
    for segment in segments:
        where = f"{printable(header.path)}: segment '{printable(segment.name)}'"
        if not 0 <= segment.layer < n_layers:
            raise DataError(f"{where} is in layer {segment.layer}, and there are {n_layers}, from 0 on. {_EXPORT}")
        other = seen.setdefault((segment.layer, segment.value), segment.name)
        if other != segment.name:
            raise DataError(
                f"{where} has value {segment.value} of layer {segment.layer}, and so has '{printable(other)}'. "
                f"{_EXPORT}"
            )
    return segments


def _segment(header: NrrdHeader, number: int, place: int) -> _Segment:
    def value(key: str, default: int) -> int:
        name = f"Segment{number}_{key}"
        return _whole(header, header[name], name) if name in header else default

    name = header.get(f"Segment{number}_Name") or header[f"Segment{number}_ID"]
    return _Segment(name=name.strip(), layer=value("Layer", place), value=value("LabelValue", 1))


def _whole(header: NrrdHeader, text: str, key: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", text):
        raise header.refused(key)
    return int(text)


def _on_other_values(layers: np.ndarray, segments: list[_Segment]) -> tuple[str, ...]:
    notes = []
    for i in range(layers.shape[3]):
        others = sorted(distinct_ids(layers[..., i]) - {0} - {part.value for part in segments if part.layer == i})
        if others:
            some = ", ".join(map(str, others[:5]))
            notes.append(f"values of no segment in layer {i}: {some}; taken as background")
    return tuple(notes)
