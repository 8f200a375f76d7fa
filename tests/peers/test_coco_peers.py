"""COCO files beside pycocotools: masks, and the average precision and recall of the whole data set."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segeval
from segeval.images.named.run_lengths import decompressed
from tests.images.coco_files import run_lengths

pytest.importorskip("pycocotools", reason="pycocotools is not installed")
NAMES = ("car", "person", "traffic light")
MEASURES = "instance_average_precision[coco],average_recall[coco],average_recall(max_detections=1)"


def block(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    row, column = (int(rng.integers(0, size - 8)) for size in shape)
    mask[row : row + rng.integers(3, 20), column : column + rng.integers(3, 20)] = 1
    return mask


def write_random(folder: Path, rng: np.random.Generator, *, crowds: bool) -> None:
    """Objects that overlap, some of them crowds, and results near them, of other categories, or anywhere."""
    from pycocotools import mask

    def outline(pixels: np.ndarray) -> dict[str, Any]:
        found = mask.encode(np.asfortranarray(pixels))
        return {"size": list(found["size"]), "counts": found["counts"].decode()}

    images, truths, results = [], [], []
    for image in range(1, 9):
        shape = int(rng.integers(40, 70)), int(rng.integers(40, 70))
        images.append({"id": image, "file_name": f"{image:04}.jpg", "height": shape[0], "width": shape[1]})
        for _ in range(rng.integers(0, 7)):
            pixels, category = block(rng, shape), int(rng.integers(1, 4))
            row = {"image_id": image, "category_id": category, "segmentation": outline(pixels)}
            is_crowd = int(crowds and rng.random() < 0.3)
            truths.append({**row, "id": len(truths) + 1, "iscrowd": is_crowd, "area": int(pixels.sum())})
            for _ in range(rng.integers(0, 3)):
                near = outline(np.roll(pixels, rng.integers(-3, 4, 2), (0, 1)))
                other = int(rng.integers(1, 4)) if rng.random() < 0.2 else category
                results.append({**row, "category_id": other, "segmentation": near, "score": float(rng.random())})
        anywhere = {"image_id": image, "category_id": 1, "segmentation": outline(block(rng, shape))}
        results.append({**anywhere, "score": float(rng.random())})
    categories = [{"id": number, "name": name} for number, name in enumerate(NAMES, start=1)]
    document = {"images": images, "annotations": truths, "categories": categories}
    (folder / "truth.json").write_text(json.dumps(document))
    (folder / "pred.json").write_text(json.dumps(results))


def write_truth_and_found(folder: Path, truths: list[np.ndarray], found: list[np.ndarray]) -> None:
    """Cars in one image, and results that are as sure of each."""
    rows = [
        [
            {"image_id": 1, "category_id": 1, "segmentation": run_lengths(mask), "score": 0.5, "id": n, "iscrowd": 0}
            | {"area": int(mask.sum()), "bbox": [0, 0, 1, 1]}
            for n, mask in enumerate(masks, start=1)
        ]
        for masks in (truths, found)
    ]
    height, width = truths[0].shape
    images = [{"id": 1, "file_name": "1.jpg", "height": height, "width": width}]
    categories = [{"id": number, "name": name} for number, name in enumerate(NAMES, start=1)]
    document = {"images": images, "annotations": rows[0], "categories": categories}
    (folder / "truth.json").write_text(json.dumps(document))
    (folder / "pred.json").write_text(json.dumps(rows[1]))


def of_pycocotools(folder: Path) -> dict[str, list[float]]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "truth.json"))
        evaluated = COCOeval(truth, truth.loadRes(str(folder / "pred.json")), "segm")
        evaluated.evaluate()
        evaluated.accumulate()
    precision, recall = (np.where(side < 0, np.nan, side) for side in map(evaluated.eval.get, ("precision", "recall")))
    return {
        name: [precision[:, :, k, 0, 2].mean(), recall[:, k, 0, 2].mean(), recall[:, k, 0, 0].mean()]
        for k, name in enumerate(NAMES)
    }


@pytest.mark.slow
@pytest.mark.parametrize("crowds", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_pycocotools_finds_the_same_precision_and_recall(tmp_path: Path, seed: int, crowds: bool) -> None:
    write_random(tmp_path, np.random.default_rng(seed), crowds=crowds)
    results = segeval.score(tmp_path / "pred.json", tmp_path / "truth.json", measures=MEASURES, bootstrap=0)
    for name, expected in of_pycocotools(tmp_path).items():
        found = [row.pooled for row in results.summary if row.name == name]
        assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_a_recall_of_seven_in_twenty_is_rounded_as_there(tmp_path: Path) -> None:
    shape = (20, 40)
    cells = [np.zeros(shape, np.uint8) for _ in range(20)]
    for place, cell in enumerate(cells):
        cell[place // 10 * 10 : place // 10 * 10 + 3, place % 10 * 4 : place % 10 * 4 + 3] = 1
    write_truth_and_found(tmp_path, cells, cells[:7])
    results = segeval.score(tmp_path / "pred.json", tmp_path / "truth.json", measures=MEASURES, bootstrap=0)
    (expected, *_) = of_pycocotools(tmp_path)["car"]
    assert results["instance_average_precision(iou_threshold=coco)[coco]", "car"].pooled == expected == 35 / 101


def test_pycocotools_writes_the_run_lengths_that_we_read() -> None:
    from pycocotools import mask

    rng = np.random.default_rng(4)
    for _ in range(200):
        pixels = (rng.random((int(rng.integers(1, 90)), int(rng.integers(1, 90)))) < rng.random()).astype(np.uint8)
        text = mask.encode(np.asfortranarray(pixels))["counts"]
        runs = decompressed(text, "a")
        values = np.repeat(np.arange(len(runs)) % 2, runs)
        assert np.array_equal(values.reshape(pixels.shape, order="F"), pixels)
