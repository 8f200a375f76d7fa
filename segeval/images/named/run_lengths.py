"""The pixels of COCO objects: run lengths down the columns, polygons, and ids in the colours of a PNG."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import ConfigError, DataError
from segeval.files.memory import memory_left
from segeval.files.paths import printable
from segeval.images.readers.pictures import read_png
from segeval.images.readers.streams import CROP_IT

Mask2D = tuple[slice, np.ndarray]  # some columns of an image, and the mask within them, (row, column)

_WRITE = "Write it again, as pycocotools does."
_MOST_CHARACTERS = 7  # of one number, five bits each: more than any image has pixels
_COPIES = 12  # bytes per pixel, while masks are laid over one another


def shape_of(outline: Any, stated: tuple[int, int] | None, where: str) -> tuple[int, int]:
    """Height and width of an image: what the file says of it, or its run lengths.

    Raises:
        DataError: nothing says it, or it is more than there is memory.
    """
    size = outline.get("size") if isinstance(outline, dict) else None
    shape = stated or (_size(size, where) if size is not None else None)
    if shape is None:
        raise DataError(f"{printable(where)}: nothing says how large its image is. Give `images` a height and a width.")
    if shape[0] * shape[1] * _COPIES > memory_left():
        raise DataError(f"{where}: {shape[1]} x {shape[0]} pixels are more than there is memory. {CROP_IT}")
    return shape


def union(outline: Any, shape: tuple[int, int], where: str) -> Mask2D:
    """The mask of an object in the columns that it has pixels in.

    Args:
        outline: run lengths, plain or compressed, or polygons.
        where: the object, for messages.

    Raises:
        ConfigError: they are polygons, and the extra is not installed.
        DataError: they are damaged, or of an image of another size.
    """
    if isinstance(outline, list):
        outline = _of_polygons(outline, shape, where)
    if not isinstance(outline, dict) or not isinstance(outline.get("counts"), str | bytes | list):
        raise DataError(f"{where}: its segmentation is neither run lengths nor polygons. {_WRITE}")
    size = _size(outline.get("size"), where)
    if size != shape:
        raise DataError(
            f"{where}: its run lengths are of {size[1]} x {size[0]} pixels, and the image has {shape[1]} x {shape[0]}. "
            "Write them at the size of the image."
        )
    counts = outline["counts"]
    runs = _plain(counts, where) if isinstance(counts, list) else decompressed(counts, where)
    if (runs < 0).any() or runs.sum() != shape[0] * shape[1]:
        raise DataError(
            f"{where}: its run lengths add up to {runs.sum()}, and {shape[1]} x {shape[0]} pixels are "
            f"{shape[0] * shape[1]}. {_WRITE}"
        )
    return _painted(runs, shape[0])


def decompressed(text: str | bytes, where: str) -> np.ndarray:
    """The numbers in a string of pycocotools: five bits a character, and from the fourth on as differences.

    Example:
        >>> decompressed("12203O", "a").tolist()
        [1, 2, 2, 2, 5, 1]
    """
    data = text.encode("ascii", "replace") if isinstance(text, str) else text
    code = np.frombuffer(data, np.uint8).astype(np.int64) - 48
    if not len(code) or (code < 0).any() or (code > 63).any() or code[-1] & 32:
        raise DataError(f"{where}: its run lengths are cut short or no compressed ones. {_WRITE}")
    last = np.flatnonzero((code & 32) == 0)
    first = np.concatenate([[0], last[:-1] + 1])
    length = last - first + 1
    if length.max() > _MOST_CHARACTERS:
        raise DataError(f"{where}: its run lengths hold a number that no image has pixels for. {_WRITE}")
    place = np.arange(len(code)) - np.repeat(first, length)
    runs = np.add.reduceat((code & 31) << 5 * place, first)
    runs -= np.where(code[last] & 16, 1 << 5 * length, 0)  # the sign is the highest bit of the last character
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs


def _plain(counts: Sequence[Any], where: str) -> np.ndarray:
    if not all(isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 1 << 40 for count in counts):
        raise DataError(f"{where}: its run lengths are no whole numbers. {_WRITE}")
    return np.array(counts, dtype=np.int64)


def _painted(runs: np.ndarray, height: int) -> Mask2D:
    """The mask of runs of no, one, no, one, .. object down the columns."""
    ends = np.cumsum(runs)
    stop = ends[1::2]
    start = stop - runs[1::2]
    start, stop = start[stop > start], stop[stop > start]
    if not len(start):
        return slice(0, 0), np.zeros((height, 0), dtype=bool)
    left, right = int(start[0]) // height, -(-int(stop[-1]) // height)
    change = np.zeros((right - left) * height + 1, dtype=np.int8)
    change[start - left * height] += 1
    change[stop - left * height] -= 1
    inside = np.cumsum(change[:-1], dtype=np.int8).view(bool)
    return slice(left, right), inside.reshape(right - left, height).T


def _of_polygons(polygons: list[Any], shape: tuple[int, int], where: str) -> dict[str, Any]:
    """Run lengths of the pixels in any of the polygons, by the rule of pycocotools, which no other library has."""
    for polygon in polygons:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2 or not all(map(_is_number, polygon)):
            raise DataError(f"{where}: a polygon of it is no list of three or more points x, y. {_WRITE}")
        points = np.array(polygon, dtype=float).reshape(-1, 2)
        size = np.array(shape[::-1])
        if not np.isfinite(points).all() or (points < -size).any() or (points > 2 * size).any():
            raise DataError(
                f"{where}: a polygon of it lies beyond the image of {shape[1]} x {shape[0]} pixels. "
                "Write its points in pixels of the image."
            )
    try:
        from pycocotools import mask
    except ImportError as error:
        raise ConfigError(
            f"{where}: is made of polygons, for which pycocotools is due. Run `pip install 'segeval-masks[coco]'`."
        ) from error
    found: dict[str, Any] = mask.merge(mask.frPyObjects(polygons, *shape))
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _size(size: object, where: str) -> tuple[int, int]:
    if isinstance(size, list | tuple) and len(size) == 2 and all(isinstance(n, int) and 0 < n < 1 << 31 for n in size):
        return size[0], size[1]
    raise DataError(f"{where}: its run lengths do not say the height and width of the image. {_WRITE}")


def panoptic_ids(path: Path, segments: Sequence[tuple[str, int]], stated: tuple[int, int] | None) -> np.ndarray:
    """The ids of the segments, R + 256 G + 256² B; 0 is void.

    Args:
        segments: how messages call each segment, and its id.
        stated: height and width of the image, where the JSON file says so.

    Raises:
        DataError: the file is damaged, holds no colours, or other ids than the segments have.
    """
    image = read_png(path, colours=True)
    if not image.is_rgb or image.array.ndim != 3 or image.array.shape[2] < 3 or image.array.dtype != np.uint8:
        raise DataError(
            f"{printable(path)}: is no PNG of colours, whose red + 256 green + 256² blue are the ids of segments. "
            "Save it in RGB of 8 bits, as panopticapi does."
        )
    ids: np.ndarray = image.array[..., :3].astype(np.int64) @ np.array([1, 256, 256**2])
    if stated is not None and ids.shape != stated:
        raise DataError(
            f"{printable(path)}: has {ids.shape[1]} x {ids.shape[0]} pixels, and the JSON file says {stated[1]} x "
            f"{stated[0]}. Write the segments at the size of the image."
        )
    numbers = [number for _, number in segments]
    if doubles := [where for where, number in segments if numbers.count(number) > 1]:
        raise DataError(f"{doubles[0]}: another segment of its image has the same id. Give each its own.")
    there = set(np.unique(ids).tolist()) - {0}
    if strange := sorted(there - set(numbers)):
        raise DataError(
            f"{printable(path)}: holds id {strange[0]}, which is none of the segments in the JSON file. "
            "Write both files again, from one result."
        )
    if lost := [where for where, number in segments if number not in there]:
        raise DataError(f"{lost[0]}: has no pixel in {printable(path)}. Remove the segment, or write the PNG again.")
    return ids
