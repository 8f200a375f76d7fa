"""Small COCO files for tests: data sets, results and panoptic segments of arrays."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CATEGORIES = [{"id": 7, "name": "car"}, {"id": 9, "name": "traffic light"}]


def run_lengths(mask: np.ndarray) -> dict[str, Any]:
    """The uncompressed run lengths of a mask, down its columns."""
    flat = mask.ravel(order="F").astype(bool)
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff([0, *([0] if flat[0] else []), *changes, len(flat)])
    return {"size": list(mask.shape), "counts": counts.tolist()}


def an_object(image: int, category: int, mask: np.ndarray, **more: Any) -> dict[str, Any]:
    """An annotation, or a result."""
    return {"image_id": image, "category_id": category, "segmentation": run_lengths(mask), **more}


def write_data_set(path: Path, shapes: Mapping[str, tuple[int, int]], annotations: Sequence[Mapping[str, Any]]) -> Path:
    """A data set whose images, numbered from 1, have these names, heights and widths."""
    images = [
        {"id": number, "file_name": name, "height": height, "width": width}
        for number, (name, (height, width)) in enumerate(shapes.items(), start=1)
    ]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": CATEGORIES}))
    return path


def write_panoptic(
    path: Path, images: Mapping[str, np.ndarray], segments: Sequence[Sequence[Mapping[str, Any]]], **more: Any
) -> Path:
    """Segments of images, whose ids are in arrays, in a JSON file and PNG files in a folder of its name."""
    folder = path.with_suffix("")
    folder.mkdir()
    document: dict[str, Any] = {"images": [], "annotations": [], "categories": CATEGORIES, **more}
    for number, ((name, ids), found) in enumerate(zip(images.items(), segments, strict=True), start=1):
        colours = np.stack([ids % 256, ids // 256 % 256, ids // 256**2], axis=-1).astype(np.uint8)
        Image.fromarray(colours).save(folder / f"{Path(name).stem}.png")
        height, width = ids.shape
        document["images"].append({"id": number, "file_name": name, "height": height, "width": width})
        document["annotations"].append(
            {"image_id": number, "file_name": f"{Path(name).stem}.png", "segments_info": found}
        )
    path.write_text(json.dumps(document))
    return path
