"""The objects of an image of a COCO file, which stands for a folder of masks, as masks by category and as instances.

An image has the path of the JSON file and, below it, its `file_name`. Results have the names of images and categories
from the data set on the other side.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.instance_maps import InstanceMap
from segeval.evidence.probabilities.hard_masks import Overlay
from segeval.files.paths import printable
from segeval.files.suffixes import split_listed
from segeval.images.named.coco_files import CocoFile, CocoObject, coco_file
from segeval.images.named.masks import NamedMasks
from segeval.images.named.run_lengths import Mask2D, panoptic_ids, shape_of, union
from segeval.images.readers.streams import note_opened


def is_coco(path: Path) -> bool:
    """Whether a path is that of an image in a JSON file."""
    return split_listed(path) is not None


def image_paths(path: Path, beside: Path | None) -> list[Path]:
    """The paths of all images that a JSON file speaks of; a list of results speaks of all of its data set.

    Args:
        beside: what stands on the other side.

    Raises:
        DataError: it is no COCO file, or lacks what the other side has not either.
    """
    return [path / name for name in _with_names(path, beside)[1].names.values()]


def coco_names(path: Path, beside: Path | None) -> tuple[str, ...]:
    """The categories that objects of the file have, whichever of its images is asked for.

    Raises:
        DataError: it is no COCO file.
    """
    file, named_by = _with_names(path, beside)
    return tuple(name for number, name in named_by.categories.items() if number in file.used)


def is_panoptic(path: Path) -> bool:
    """Whether a path is that of an image whose segments share no pixel, and whose other pixels are void."""
    listed = split_listed(path)
    try:
        return listed is not None and coco_file(listed[0]).kind == "panoptic"
    except DataError:  # its turn to be told will come
        return False


def has_scores(path: Path) -> bool:
    """Whether a path is that of a JSON file whose objects have scores."""
    try:
        return path.suffix.lower() == ".json" and coco_file(path).has_scores
    except DataError:  # as where shards are joined without the files that were scored
        return True


def read_coco(path: Path, beside: Path | None) -> NamedMasks:
    """The objects of an image, joined by category.

    Raises:
        ConfigError: they are polygons, and the extra is not installed.
        DataError: the file or an object of the image is damaged.
    """
    json_path, name = split_listed(path) or (path, "")
    file, named_by = _with_names(path, beside)
    note_opened([file.path, named_by.path])
    image = named_by.numbers.get(name)
    if image is None:
        raise DataError(f"{printable(json_path)}: has no image {printable(name)}. Add it, or name its file as it is.")
    objects = file.objects.get(image, ())
    stated = file.shapes.get(image) or named_by.shapes.get(image)
    for one in objects:
        if one.category not in named_by.categories:
            raise DataError(
                f"{one.where}: is of category {one.category}, which {printable(named_by.path)} does not name. "
                "Add the category there."
            )
    if file.kind == "panoptic":
        picture = _picture(json_path, file.pictures.get(image, name))
        ids = panoptic_ids(picture, [(one.where, one.outline) for one in objects], stated)
        shape = ids.shape
        masks: list[Callable[[], Mask2D]] = [lambda one=one: _whole(ids == one.outline) for one in objects]  # type: ignore[misc]
    else:
        ids = None
        shape = shape_of(objects[0].outline if objects else None, stated, objects[0].where if objects else str(path))
        masks = [lambda one=one: union(one.outline, shape, one.where) for one in objects]  # type: ignore[misc]
    of_category = {
        name: lambda number=number: _joined(
            [make for one, make in zip(objects, masks, strict=True) if one.category == number], shape
        )
        for number, name in named_by.categories.items()
    }

    def instances(classes: Mapping[str, LabelClass]) -> InstanceMap:
        chosen = [
            (one, classes[named_by.categories[one.category]], make)
            for one, make in zip(objects, masks, strict=True)
            if named_by.categories[one.category] in classes
        ]
        return _instance_map(chosen, shape, ids, has_scores=file.has_scores)

    return NamedMasks(
        path=path,
        world=None,
        masks=of_category,
        instances=instances,
        void=None if ids is None else (lambda: ids == 0),
    )


def _with_names(path: Path, beside: Path | None) -> tuple[CocoFile, CocoFile]:
    """A file, and the one that has the images and categories it refers to: itself, or that of the other side."""
    here, there = (_file_of(one) if one is not None else None for one in (path, beside))
    file = coco_file(here or path)
    if file.names and file.categories and (there is None or file.names is not file.pictures):
        return file, file
    other = coco_file(there) if there is not None else None
    if file.names and file.categories:
        return file, file if other is None else _named_by_numbers(file, other)
    if other is None or not other.names or not other.categories:
        raise DataError(
            f"{printable(file.path)}: names neither images nor categories, only their numbers. Give the COCO file of "
            'the data set on the other side, or write {"images": [..], "categories": [..], "annotations": [..]} '
            "with these results as its annotations."
        )
    _check_images(file, other)
    return file, other


def _file_of(path: Path) -> Path | None:
    """The JSON file that a path names, or one of whose images it names."""
    listed = split_listed(path)
    return listed[0] if listed else path if path.suffix.lower() == ".json" else None


@lru_cache(maxsize=4)
def _named_by_numbers(file: CocoFile, other: CocoFile) -> CocoFile:
    """A panoptic file without images, named by the numbers of the other side where its PNG files have no name of it."""
    names = {PurePath(name).with_suffix("") for name in other.names.values()}
    are_names = all(PurePath(name).with_suffix("") in names for name in file.pictures.values())
    if are_names or other.names is other.pictures or not file.pictures.keys() <= other.names.keys():
        return file
    return replace(file, names={number: other.names[number] for number in file.pictures}, shapes=other.shapes)


@lru_cache(maxsize=4)
def _check_images(file: CocoFile, named_by: CocoFile) -> None:
    if strange := sorted(file.objects.keys() - named_by.names.keys(), key=str):
        raise DataError(
            f"{printable(file.path)}: has results of image {strange[0]}, and {printable(named_by.path)} has no such "
            "image. Score results against the data set that they were made of."
        )


def _joined(masks: Sequence[Callable[[], Mask2D]], shape: tuple[int, int]) -> np.ndarray:
    joined = np.zeros(shape, dtype=bool)
    for make in masks:
        columns, mask = make()
        joined[:, columns] |= mask
    return joined


def _whole(mask: np.ndarray) -> Mask2D:
    return slice(None), mask


def _instance_map(
    objects: Sequence[tuple[CocoObject, LabelClass, Callable[[], Mask2D]]],
    shape: tuple[int, int],
    ids: np.ndarray | None,
    *,
    has_scores: bool,
) -> InstanceMap:
    facts: dict[str, Any] = {
        "classes": {one.id: row.ids for one, row, _ in objects},
        "crowd": frozenset(one.id for one, _, _ in objects if one.is_crowd),
        "confidence": {one.id: one.score for one, _, _ in objects} if has_scores else None,
    }
    if ids is not None:
        return InstanceMap(ids=ids, **facts)
    every = tuple(LabelClass(name=str(one.id), ids=(one.id,)) for one, _, _ in objects)
    overlay = Overlay(every, like=np.zeros(shape, dtype=np.uint8))
    for place, (_, _, make) in enumerate(objects):
        columns, mask = make()
        overlay.add(place, mask, (slice(None), columns))
    labels, claims = overlay.named(taken=set(), first=max((one.id for one, _, _ in objects), default=0) + 1)
    shared = {label: tuple(row.ids[0] for row in rows) for label, rows in claims.items()}
    return InstanceMap(ids=labels, shared=shared, **facts)


def _picture(path: Path, name: str) -> Path:
    """The PNG of a panoptic image, which lies in a folder called like the JSON file, or beside it."""
    places = (path.with_suffix("") / name, path.parent / name)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise DataError(
            f"{printable(path)}: refers to {printable(name)}, which is neither in {printable(path.with_suffix(''))} "
            "nor beside the file. Put the PNG files of the segments there."
        )
    return found
