"""COCO: what a JSON file says of its images and of the objects in them.

There are three kinds: a data set, whose objects are run lengths or polygons; the results of a detector, a list that
knows images and categories by numbers of the data set; and panoptic segments, whose ids are the colours of PNG files.
"""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from segeval.errors import DataError
from segeval.files.paths import printable
from segeval.images.named.masks import refuse_doubles
from segeval.images.readers.streams import open_file


@dataclass(frozen=True, kw_only=True)
class CocoObject:
    """An object of an image; `outline` is what the file says of its pixels, of a segment its id in the PNG."""

    where: str
    id: int
    category: int
    outline: Any
    is_crowd: bool = False
    score: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class CocoFile:
    """What a JSON file says: of images their name, height and width, and of objects what there is, by image."""

    path: Path
    kind: Literal["data set", "results", "panoptic"]
    names: Mapping[Any, str] = field(default_factory=dict)
    shapes: Mapping[Any, tuple[int, int]] = field(default_factory=dict)
    pictures: Mapping[Any, str] = field(default_factory=dict)
    categories: Mapping[Any, str] = field(default_factory=dict)
    objects: Mapping[Any, Sequence[CocoObject]] = field(default_factory=dict)
    has_scores: bool = False

    @cached_property
    def used(self) -> frozenset[Any]:
        """The categories that objects have."""
        return frozenset(one.category for objects in self.objects.values() for one in objects)

    @cached_property
    def numbers(self) -> dict[str, Any]:
        """The number of each image, by its name."""
        return {name: number for number, name in self.names.items()}


def coco_file(path: Path) -> CocoFile:
    """What a JSON file says, read once as long as it stays as it is.

    Raises:
        DataError: it is no COCO file.
    """
    with open_file(path) as file:
        status = os.fstat(file.fileno())
    return _read_file(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@lru_cache(maxsize=4)
def _read_file(path: Path, *_: int) -> CocoFile:
    with open_file(path) as file:
        data = file.read()
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{printable(path)}: is no whole JSON ({printable(str(error))[:100]}). Copy or write it again."
        ) from error
    if isinstance(document, list):
        return _results(path, document)
    if not isinstance(document, dict) or not isinstance(document.get("annotations"), list):
        raise DataError(
            f"{printable(path)}: is JSON, but no COCO: that is a list of results, or has a list of `annotations`. "
            "Name a folder of masks, or such a file."
        )
    images = _rows(path, document, "images")
    categories = _rows(path, document, "categories")
    numbers = {_key(path, row, "id", at): row for at, row in images}
    named = {_key(path, row, "id", at): _text(path, row, "name", at) for at, row in categories}
    refuse_doubles(path, list(named.values()))
    names = {number: _text(path, row, "file_name", f"image {number}") for number, row in numbers.items()}
    shapes = {number: shape for number, row in numbers.items() if (shape := _stated_shape(path, row, number))}
    rows = _rows(path, document, "annotations")
    if any("segments_info" in row for _, row in rows):
        return _panoptic(path, rows, names, shapes, named)
    objects, has_scores = _objects(path, rows)
    if strange := sorted(objects.keys() - names.keys(), key=str):
        raise DataError(
            f"{printable(path)}: has an annotation of image {strange[0]}, and no such image among its `images`. "
            "Write the file again with all of them."
        )
    return CocoFile(
        path=path,
        kind="data set",
        names=names,
        shapes=shapes,
        categories=named,
        objects=objects,
        has_scores=has_scores,
    )


def _results(path: Path, document: list[Any]) -> CocoFile:
    rows = _rows(path, {"results": document}, "results")
    objects, has_scores = _objects(path, rows)
    return CocoFile(path=path, kind="results", objects=objects, has_scores=has_scores or not rows)


def _panoptic(
    path: Path,
    rows: Sequence[tuple[str, Mapping[str, Any]]],
    names: Mapping[Any, str],
    shapes: Mapping[Any, tuple[int, int]],
    categories: Mapping[Any, str],
) -> CocoFile:
    objects: dict[Any, list[CocoObject]] = {}
    pictures: dict[Any, str] = {}
    for at, row in rows:
        image = _key(path, row, "image_id", at)
        if image in pictures:
            raise DataError(f"{printable(path)}: {at} is the second of image {image}. Keep one of them.")
        pictures[image] = _text(path, row, "file_name", at)
        objects[image] = [
            CocoObject(
                where=f"{printable(path)}: {at}, segment {i}",
                id=_id(path, one, f"{at}, segment {i}"),
                category=_key(path, one, "category_id", f"{at}, segment {i}"),
                outline=_id(path, one, f"{at}, segment {i}"),
                is_crowd=bool(one.get("iscrowd", 0)),
                score=_score(path, one, f"{at}, segment {i}"),
            )
            for i, one in _rows(path, row, "segments_info")
        ]
    if names and (strange := sorted(pictures.keys() - names.keys(), key=str)):
        raise DataError(
            f"{printable(path)}: has segments of image {strange[0]}, and no such image among its `images`. "
            "Write the file again with all of them."
        )
    if lacking := sorted(names.keys() - pictures.keys(), key=str):
        raise DataError(
            f"{printable(path)}: has no annotation of image {names[lacking[0]]}. Write one with the segments of the "
            "image, an empty list where it has none."
        )
    return CocoFile(
        path=path,
        kind="panoptic",
        names=names or (pictures if categories else {}),
        shapes=shapes,
        pictures=pictures,
        categories=categories,
        objects=objects,
        has_scores=all(one.score is not None for each in objects.values() for one in each) and any(objects.values()),
    )


def _objects(path: Path, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> tuple[dict[Any, list[CocoObject]], bool]:
    """The objects by image, and whether they have scores: all of them, or none."""
    found: dict[Any, list[CocoObject]] = {}
    ids: dict[Any, list[Any]] = {}
    for at, row in rows:
        image = _key(path, row, "image_id", at)
        if not row.get("segmentation"):
            has = "only a box" if row.get("bbox") else "no segmentation"
            raise DataError(
                f"{printable(path)}: {at} has {has}, and masks are scored. Write the results of the masks, "
                "as run lengths or polygons."
            )
        of_image = found.setdefault(image, [])
        ids.setdefault(image, []).append(row.get("id"))
        of_image.append(
            CocoObject(
                where=f"{printable(path)}: {at}",
                id=len(of_image) + 1,
                category=_key(path, row, "category_id", at),
                outline=row["segmentation"],
                is_crowd=bool(row.get("iscrowd", 0)),
                score=_score(path, row, at),
            )
        )
    scored = [one for objects in found.values() for one in objects if one.score is not None]
    n = sum(map(len, found.values()))
    if scored and len(scored) < n:
        raise DataError(f"{printable(path)}: {n - len(scored)} of {n} objects have no score. Give all of them one.")
    return found, bool(scored)


def _rows(path: Path, holder: Mapping[str, Any], name: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The records of a list, each with how messages call it; those of a list that is not there are none."""
    rows = holder.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{printable(path)}: its `{name}` are no list of records. Write it again.")
    word = {"annotations": "annotation", "results": "result", "images": "image", "categories": "category"}.get(name, "")
    return [(f"{word} {place}".strip(), row) for place, row in enumerate(rows)]


def _key(path: Path, row: Mapping[str, Any], name: str, at: str) -> Any:
    """A number or text by which files refer to something."""
    value = row.get(name)
    if not isinstance(value, int | str) or isinstance(value, bool):
        raise DataError(f"{printable(path)}: {at} has no `{name}`. Write it again.")
    return value


def _text(path: Path, row: Mapping[str, Any], name: str, at: str) -> str:
    value = row.get(name)
    parts = Path(value).parts if isinstance(value, str) else ()
    if not isinstance(value, str) or not value.strip() or (name == "file_name" and (".." in parts or value[0] == "/")):
        raise DataError(
            f"{printable(path)}: {at} has no usable `{name}`: {printable(repr(value))[:80]}. Write it again."
        )
    return Path(value).as_posix() if name == "file_name" else value.strip()


def _id(path: Path, row: Mapping[str, Any], at: str) -> int:
    value = row.get("id")
    if not isinstance(value, int) or not 0 < value < 256**3:
        raise DataError(f"{printable(path)}: {at} has no `id` between 1 and 256³ - 1, as colours give. Write it again.")
    return value


def _score(path: Path, row: Mapping[str, Any], at: str) -> float | None:
    value = row.get("score")
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise DataError(
            f"{printable(path)}: {at} has score {printable(repr(value))[:40]}, which is no finite number. Write one, "
            "or leave it out of all."
        )
    return float(value)


def _stated_shape(path: Path, row: Mapping[str, Any], number: object) -> tuple[int, int] | None:
    """Height and width of an image, where the file gives them."""
    if "height" not in row and "width" not in row:
        return None
    sizes = row.get("height"), row.get("width")
    if not all(isinstance(size, int) and 0 < size < 1 << 31 for size in sizes):
        raise DataError(f"{printable(path)}: image {number} is {sizes[0]} x {sizes[1]} pixels. Write its size again.")
    return sizes  # type: ignore[return-value]
