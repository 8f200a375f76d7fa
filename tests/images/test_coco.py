"""COCO files: run lengths, polygons and panoptic segments are read as they are meant, or refused in plain words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segeval.errors import ConfigError, DataError
from segeval.images.named.coco import image_paths, read_coco
from segeval.images.named.run_lengths import decompressed, union
from tests.conftest import golden
from tests.images.coco_files import an_object, run_lengths, write_data_set, write_panoptic

MASKS = golden("run_lengths")["masks"]


def mask_of(outline: Any, shape: tuple[int, int]) -> np.ndarray:
    columns, part = union(outline, shape, "a.json: annotation 0")
    whole = np.zeros(shape, dtype=bool)
    whole[:, columns] = part
    return whole


@pytest.mark.parametrize("worked", MASKS, ids=lambda worked: worked["text"])
def test_run_lengths_are_those_worked_by_hand(worked: dict[str, Any]) -> None:
    rows = np.array([[int(pixel) for pixel in row] for row in worked["rows"]], dtype=bool)
    assert decompressed(worked["text"], "a").tolist() == worked["counts"]
    for counts in (worked["text"], worked["counts"]):
        assert np.array_equal(mask_of({"size": worked["size"], "counts": counts}, rows.shape), rows)
    assert run_lengths(rows)["counts"] == worked["counts"]


def test_an_object_without_a_pixel_is_one() -> None:
    assert not mask_of({"size": [2, 3], "counts": [6]}, (2, 3)).any()


@pytest.mark.parametrize(
    ("outline", "says"),
    [
        ({"size": [3, 4], "counts": "135"}, "add up to 9, and 4 x 3 pixels are 12"),
        ({"size": [3, 4], "counts": "135P"}, "cut short or no compressed ones"),
        ({"size": [3, 4], "counts": "13 0"}, "cut short or no compressed ones"),
        ({"size": [3, 4], "counts": "13K0"}, "add up to"),
        ({"size": [3, 4], "counts": "ooooooooo0"}, "a number that no image has pixels for"),
        ({"size": [4, 3], "counts": [12]}, "are of 3 x 4 pixels, and the image has 4 x 3"),
        ({"size": [3, 4], "counts": [6, -1, 7]}, "no whole numbers"),
        ({"size": [3, 4], "counts": [6.5, 5.5]}, "no whole numbers"),
        ({"size": [3], "counts": [12]}, "do not say the height and width"),
        ({"counts": [12]}, "do not say the height and width"),
        ({"size": [3, 4]}, "neither run lengths nor polygons"),
        ("1350", "neither run lengths nor polygons"),
        ([[1, 1, 2, 2]], "no list of three or more points"),
        ([[1, 1, 2, 2, "3", 3]], "no list of three or more points"),
        ([[1, 1, 2, 2, 900, 3]], "lies beyond the image of 4 x 3 pixels"),
    ],
)
def test_an_outline_that_is_damaged_is_refused(outline: Any, says: str) -> None:
    with pytest.raises(DataError, match=says) as refused:
        union(outline, (3, 4), "a.json: annotation 0")
    assert str(refused.value).startswith("a.json: annotation 0: ")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of its own decoder
def test_polygons_are_drawn_by_pycocotools() -> None:
    mask = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    polygons = [[1.0, 1.0, 8.5, 1.0, 8.5, 6.2, 1.0, 6.2], [10, 2, 14, 9, 6, 9]]
    drawn = mask.decode(mask.merge(mask.frPyObjects(polygons, 12, 16)))
    assert np.array_equal(mask_of(polygons, (12, 16)), drawn)
    assert 60 < drawn.sum() < 80


def test_polygons_without_the_library_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pycocotools", None)
    with pytest.raises(ConfigError, match=r"segeval-masks\[coco\]"):
        mask_of([[1, 1, 3, 1, 3, 3]], (5, 5))


HALF = np.array([[1, 1, 0, 0]] * 3, dtype=bool)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"image_id": 1,', "is no whole JSON"),
        ("[" * 10_000, "is no whole JSON"),
        ('{"labels": {"0": "background"}}', "is JSON, but no COCO"),
        ("3", "is JSON, but no COCO"),
        ("[3]", "are no list of records"),
        ('{"annotations": [], "images": [{"id": 1}], "categories": []}', "no usable `file_name`"),
        (
            '{"annotations": [], "images": [{"id": 1, "file_name": "../../etc/a"}], "categories": []}',
            "no usable `file_n",
        ),
        ('{"annotations": [], "images": [{"id": 1, "file_name": "a", "height": -2}]}', "is -2 x None pixels"),
        ('[{"image_id": 1, "category_id": 7, "bbox": [0, 0, 2, 2]}]', "result 0 has only a box"),
        ('[{"image_id": 1, "category_id": 7}]', "result 0 has no segmentation"),
        ('[{"image_id": 1, "segmentation": [[]]}]', "result 0 has no `category_id`"),
        ('[{"image_id": 1, "category_id": 7, "segmentation": [[]], "score": NaN}]', "score nan, which is no finite"),
        (
            '[{"image_id": 1, "category_id": 7, "segmentation": [[]], "score": 1},'
            '{"image_id": 1, "category_id": 7, "segmentation": [[]]}]',
            "1 of 2 objects have no score",
        ),
        ('[{"image_id": 1, "category_id": 7, "segmentation": [[]]}]', "names neither images nor categories"),
    ],
)
def test_a_file_that_is_no_coco_or_lacks_something_says_what(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(DataError, match=says) as refused:
        image_paths(path, None)
    assert str(refused.value).startswith(str(path))
    assert str(refused.value).isprintable()


def test_results_are_of_the_images_and_categories_of_the_data_set(tmp_path: Path) -> None:
    truth = write_data_set(tmp_path / "t.json", {"a/1.jpg": (3, 4), "a/2.jpg": (3, 4)}, [])
    pred = tmp_path / "p.json"
    pred.write_text(json.dumps([an_object(2, 9, HALF, score=0.5)]))
    first, second = image_paths(pred, truth)
    assert (first, second) == (pred / "a/1.jpg", pred / "a/2.jpg")
    masks = read_coco(second, truth / "a/2.jpg").masks
    assert not masks["car"]().any()
    assert np.array_equal(masks["traffic light"](), HALF)
    pred.write_text(json.dumps([an_object(3, 9, HALF, score=0.5)]))
    with pytest.raises(DataError, match=r"has results of image 3, and .* has no such image"):
        image_paths(pred, truth)
    pred.write_text(json.dumps([an_object(2, 8, HALF, score=0.5)]))
    with pytest.raises(DataError, match=r"result 0: is of category 8, which .* does not name"):
        read_coco(second, truth / "a/2.jpg")


def test_results_within_a_file_that_names_images_need_no_other(tmp_path: Path) -> None:
    path = write_data_set(tmp_path / "p.json", {"1.jpg": (3, 4)}, [an_object(1, 7, HALF, score=0.5)])
    (image,) = image_paths(path, None)
    assert np.array_equal(read_coco(image, None).masks["car"](), HALF)


SEGMENTS = np.array([[0, 300, 300], [70_000, 70_000, 0]])
FOUND = [{"id": 300, "category_id": 7}, {"id": 70_000, "category_id": 9, "iscrowd": 1}]


def test_ids_of_panoptic_segments_are_colours(tmp_path: Path) -> None:
    path = write_panoptic(tmp_path / "t.json", {"x.jpg": SEGMENTS}, [FOUND])
    (image,) = image_paths(path, None)
    masks = read_coco(image, None)
    assert np.array_equal(masks.masks["car"](), SEGMENTS == 300)
    assert masks.void is not None
    assert np.array_equal(masks.void(), SEGMENTS == 0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"segments": FOUND[:1]}, "holds id 70000, which is none of the segments"),
        ({"segments": [*FOUND, {"id": 5, "category_id": 7}]}, r"annotation 0, segment 2: has no pixel in .*x\.png"),
        ({"segments": [*FOUND, FOUND[0]]}, "another segment of its image has the same id"),
        ({"segments": [{"id": 256**3, "category_id": 7}]}, "no `id` between 1 and"),
        ({"png": None}, r"refers to x\.png, which is neither in"),
        ({"png": np.zeros((2, 3), np.uint8)}, "is no PNG of colours"),
        ({"png": np.zeros((3, 3, 3), np.uint8)}, "has 3 x 3 pixels, and the JSON file says 3 x 2"),
    ],
)
def test_panoptic_files_that_do_not_fit_are_refused(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    path = write_panoptic(tmp_path / "t.json", {"x.jpg": SEGMENTS}, [change.get("segments", FOUND)])
    picture = tmp_path / "t" / "x.png"
    if "png" in change:
        picture.unlink()
        if change["png"] is not None:
            Image.fromarray(change["png"]).save(picture)
    with pytest.raises(DataError, match=says):
        read_coco(image_paths(path, None)[0], None)
