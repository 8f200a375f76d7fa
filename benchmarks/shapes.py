"""Shapes of work beside the fastest peers that are published, in this process, one thread each.

python benchmarks/shapes.py [--rounds 5] [--only NAME]     writes benchmarks/results/shapes.json and shapes.md

The peers are a dependency group, in an environment of their own, in which no other package slows imports down:
UV_PROJECT_ENVIRONMENT=.venv-speed uv run --no-default-groups --group peers-speed
python benchmarks/shapes.py. Whoever is asked for a shape gets it in turns, in an order drawn anew each round. What is
measured is the time that the processor worked for this process, all its threads together: a neighbour on the same
machine then costs nobody more than another, and who starts threads pays for them.
"""

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy, torch and the peers in Rust are imported
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["RAYON_NUM_THREADS"] = "1"

import numpy as np
from make_ct5 import SPACING_MM, write_case
from measuring import asked, store
from scipy.ndimage import gaussian_filter

from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.lesions import Lesions
from segeval.evidence.overlap.counts_numpy import joint_histogram
from segeval.evidence.surfaces.surface import Surfaces
from segeval.metrics.boundary import assd, hd, hd95
from segeval.metrics.boundary_scores import nsd
from segeval.metrics.lesion import pq
from segeval.metrics.overlap import dice, iou

RESULTS = Path(__file__).parent / "results"
PEERS = ("exacta", "mikan-rs", "vernier", "hotcoco")
TOO_LONG = 20.0  # seconds; then one round has to do
N = 128
# mikan-rs compares all pairs of surface voxels: shells took it a minute, and tubes did not end within five
TOO_MUCH = ("128³, concentric shells", "128³, thin tubes", "128³, 20,000 components", "128³ checkerboard")
Pair = tuple[np.ndarray, np.ndarray]
Work = Callable[[], float]  # what the work found, so that all can be seen to have done the same


def classes(n: int) -> list[LabelClass]:
    return [LabelClass(name=str(one), ids=(one,)) for one in range(1, n + 1)]


# Shapes: (pred, truth), number of classes, spacing


def ct5() -> Pair:
    import tempfile

    import nibabel as nib

    with tempfile.TemporaryDirectory() as folder:
        write_case(Path(folder), "a", np.random.default_rng(5))
        pred, truth = (np.asarray(nib.load(Path(folder, side, "a.nii.gz")).dataobj) for side in ("pred", "gt"))
    return pred, truth


def smooth(rng: np.random.Generator, sigma: float, shape: tuple[int, ...] = (N, N, N)) -> np.ndarray:
    return gaussian_filter(rng.standard_normal(shape), sigma)


def blobs() -> Pair:
    """Smooth noise cut at its middle, and the same with a little more noise."""
    rng = np.random.default_rng(1)
    truth = smooth(rng, 4)
    return as_mask(truth + 0.3 * truth.std() * smooth(rng, 2) / smooth(rng, 2).std() > 0), as_mask(truth > 0)


def noise() -> Pair:
    """A ball of which three of a hundred voxels are flipped, in either mask."""
    rng = np.random.default_rng(2)
    ball = sum((axis - N / 2) ** 2 for axis in np.ogrid[:N, :N, :N]) < (N / 3) ** 2
    return tuple(as_mask(ball ^ (rng.random(ball.shape) < 0.03)) for _ in "ab")  # type: ignore[return-value]


def far_boxes() -> Pair:
    pred, truth = np.zeros((2, N, N, N), np.uint8)
    truth[4:36, 4:36, 4:36] = 1
    pred[90:122, 90:122, 90:122] = 1
    return pred, truth


def checkerboard() -> Pair:
    truth = as_mask(sum(np.ogrid[:N, :N, :N]) % 2 == 0)
    return 1 - truth, truth


def many_classes(n: int) -> Pair:
    """The cells of n points, and those of the same points a little off."""
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(n)
    points = rng.uniform(0, N, (n, 3))
    grid = np.stack(np.mgrid[:N, :N, :N], axis=-1).reshape(-1, 3)
    sides = [
        cKDTree(at).query(grid)[1].reshape(N, N, N) + 1 for at in (points + rng.normal(0, 1, points.shape), points)
    ]
    return tuple(side.astype(np.uint16 if n > 255 else np.uint8) for side in sides)  # type: ignore[return-value]


def shells() -> Pair:
    """Concentric shells, two voxels thick and two apart, and the same half a voxel further out."""
    radius = np.sqrt(sum((axis - N / 2) ** 2 for axis in np.ogrid[:N, :N, :N]))
    return as_mask((radius + 0.5) % 4 < 2), as_mask(radius % 4 < 2)


def tubes() -> Pair:
    """Tubes one voxel thick through the whole volume, four apart; those of the prediction have gaps."""
    truth = np.zeros((N, N, N), np.uint8)
    truth[::4, ::4, :] = 1
    pred = np.roll(truth, 1, axis=0)
    pred[:, :, ::10] = 0
    return pred, truth


def components() -> Pair:
    """20,000 boxes of 2×2×2 voxels, of which a tenth is missed."""
    rng = np.random.default_rng(4)
    places = rng.permutation(32**3)[:20_000]
    sides = np.zeros((2, N, N, N), np.uint8)
    for side, some in zip(sides, (places[: int(0.9 * len(places))], places), strict=True):
        for x, y, z in 4 * np.stack(np.unravel_index(some, (32, 32, 32)), axis=-1):
            side[x : x + 2, y : y + 2, z : z + 2] = 1
    return sides[0], sides[1]


def street() -> Pair:
    """1024×2048 pixels in 19 classes, of which the prediction has moved the borders."""
    rng = np.random.default_rng(19)
    height, width = 1024, 2048
    fields = np.stack([smooth(rng, 25, (height, width)) for _ in range(19)])
    truth = fields.argmax(axis=0)
    moved = (fields + 0.2 * fields.std() * rng.standard_normal((*fields.shape[:1], 1, 1))).argmax(axis=0)
    return (moved + 1).astype(np.uint8), (truth + 1).astype(np.uint8)


def as_mask(inside: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(inside).astype(np.uint8)


VOLUMES: Mapping[str, tuple[Callable[[], Pair], int, tuple[float, ...]]] = {
    "ct5, 320×320×160, 5 organs": (ct5, 5, SPACING_MM),
    "128³ dense blobs": (blobs, 1, (1.0, 1.0, 1.5)),
    "128³ with 3 % noise": (noise, 1, (1.0, 1.0, 1.5)),
    "128³, two far boxes": (far_boxes, 1, (1.0, 1.0, 1.5)),
    "128³, 85 classes": (lambda: many_classes(85), 85, (1.0, 1.0, 1.5)),
    "128³, 100 classes": (lambda: many_classes(100), 100, (1.0, 1.0, 1.5)),
    "128³, 300 classes": (lambda: many_classes(300), 300, (1.0, 1.0, 1.5)),
    "128³, concentric shells": (shells, 1, (1.0, 1.0, 1.5)),
    "128³, thin tubes": (tubes, 1, (1.0, 1.0, 1.5)),
    "128³, 20,000 components": (components, 1, (1.0, 1.0, 1.5)),
    "128³ checkerboard": (checkerboard, 1, (1.0, 1.0, 1.5)),
    "1024×2048, 19 classes": (street, 19, (1.0, 1.0)),
}


# Who does the work. Each gets the arrays as it likes them best, before the clock starts.


def boundary_works(pred: np.ndarray, truth: np.ndarray, n: int, spacing: tuple[float, ...]) -> dict[str, Work]:
    """Dice, IoU, HD, HD95, ASSD and NSD at 1 mm of every class, of voxel surfaces; the answer is the mean HD95."""

    def ours() -> float:
        counts = joint_histogram(truth=truth, pred=pred).counts(classes(n))
        surfaces = Surfaces.of(pred, truth, classes=classes(n), spacing_mm=spacing)
        dice(counts), iou(counts), hd(surfaces), assd(surfaces), nsd(surfaces, tolerance_mm=1.0, surface="voxel")
        return float(np.mean(hd95(surfaces)))

    works: dict[str, Work] = {"segeval": ours}
    if installed("exacta"):
        import torch
        from exacta import functional

        torch.set_num_threads(1)
        small = np.uint8 if n < 256 else np.int32
        sides = [torch.from_numpy(np.ascontiguousarray(side).astype(small))[None] for side in (pred, truth)]
        asked = {"dice": {}, "iou": {}, "hausdorff_distance": {}, "hd95": {}, "assd": {}, "nsd": {"tolerance": 1.0}}

        def exacta() -> float:
            found = functional.evaluate(
                *sides, num_classes=n + 1, include_background=False, spacing=spacing, metrics=asked
            )
            return float(found["hd95"].mean())

        works["exacta"] = exacta
    if installed("mikan-rs") and pred.ndim == 3:
        import mikan

        volumes = [np.ascontiguousarray(side) for side in (truth, pred)]

        def mikan_rs() -> float:  # it has no NSD
            asked = mikan.ArrayEvaluator(*volumes, spacing[::-1]).labels([*range(1, n + 1)])
            found = asked.metrics(["dice", "iou", "hd", "hd95", "assd"])
            return float(np.mean([row["hd95"] for row in found.values()] if isinstance(found, dict) else found[3]))

        works["mikan-rs"] = mikan_rs
    return works


def semantic_works(pred: np.ndarray, truth: np.ndarray, n: int) -> dict[str, Work]:
    """IoU of every class, from one confusion matrix; the answer is their mean."""
    works: dict[str, Work] = {
        "segeval": lambda: float(np.mean(iou(joint_histogram(truth=truth, pred=pred).counts(classes(n)))))
    }
    zero_based = [np.ascontiguousarray(side - 1) for side in (truth, pred)]
    if installed("hotcoco"):
        from hotcoco import semantic

        def hotcoco() -> float:
            evaluator = semantic.SemanticEval(n, ignore_index=None)
            evaluator.update(*zero_based)
            return float(evaluator.results()["mIoU"])

        works["hotcoco"] = hotcoco
    if installed("vernier"):
        from vernier.semantic import Dataset, Evaluator, Predictions

        maps = [{1: side.astype(np.uint32)} for side in zero_based]

        def vernier() -> float:
            sides = Dataset.from_arrays(maps[0], n_classes=n), Predictions.from_arrays(maps[1])
            return float(Evaluator().evaluate(*sides, num_threads=1).miou)

        works["vernier"] = vernier
    return works


def segments_of(labels: np.ndarray) -> tuple[np.ndarray, dict[int, int]]:
    """Each connected part of a class as a segment: a map of ids from 1, and the class of each."""
    ids, class_of = np.zeros(labels.shape, np.uint32), {}
    from scipy.ndimage import label

    for one in np.unique(labels):
        parts, n = label(labels == one)
        ids[parts > 0] = parts[parts > 0] + len(class_of)
        class_of |= {len(class_of) + i: int(one) for i in range(1, n + 1)}
    return ids, class_of


def panoptic_works(pred: np.ndarray, truth: np.ndarray, n: int) -> dict[str, Work]:
    """Panoptic quality of every class, of which each connected part is a segment; the answer is their mean."""
    (pred_ids, pred_class), (truth_ids, truth_class) = segments_of(pred), segments_of(truth)

    def ours() -> float:
        lesions = Lesions.of(pred, truth, classes=classes(n), instances=(pred_ids, truth_ids))
        return float(np.mean(pq(lesions)))

    works: dict[str, Work] = {"segeval": ours}
    categories = [{"id": one, "name": str(one), "isthing": 1, "supercategory": ""} for one in range(1, n + 1)]
    if installed("vernier"):
        from vernier.panoptic import Dataset, Evaluator, Predictions

        infos = [
            json.dumps({1: segments(*side)}).encode() for side in ((truth_ids, truth_class), (pred_ids, pred_class))
        ]
        kinds = json.dumps(categories).encode()

        def vernier() -> float:
            sides = (
                Dataset.from_arrays({1: truth_ids}, infos[0], kinds),
                Predictions.from_arrays({1: pred_ids}, infos[1]),
            )
            return float(Evaluator().evaluate(*sides, num_threads=1).pq)

        works["vernier"] = vernier
    if installed("hotcoco"):
        from hotcoco import panoptic

        documents = [coco_of(*side, categories) for side in ((truth_ids, truth_class), (pred_ids, pred_class))]

        def hotcoco() -> float:
            evaluation = panoptic.PanopticEval(*documents)
            evaluation.evaluate()
            return float(evaluation.results()["All"]["pq"])

        works["hotcoco, from run lengths"] = hotcoco
    return works


def coco_of(ids: np.ndarray, class_of: Mapping[int, int], categories: list[dict[str, Any]]) -> dict[str, Any]:
    """A document of COCO whose segments are run lengths."""
    from hotcoco import mask

    image = {"id": 1, "height": ids.shape[0], "width": ids.shape[1], "file_name": "a.png"}
    annotations = segments(ids, class_of)
    for one in annotations:
        one |= {"image_id": 1, "segmentation": mask.encode(np.asfortranarray(ids == one["id"]).astype(np.uint8))}
    return {"images": [image], "annotations": annotations, "categories": categories}


def segments(ids: np.ndarray, class_of: Mapping[int, int]) -> list[dict[str, Any]]:
    area = np.bincount(ids.ravel(), minlength=len(class_of) + 1)
    return [
        {"id": one, "category_id": of, "area": int(area[one]), "iscrowd": 0, "bbox": [0, 0, 1, 1]}
        for one, of in class_of.items()
    ]


def installed(name: str) -> bool:
    from measuring import version

    return version(name) is not None


def shapes(only: str) -> Iterator[tuple[str, dict[str, Work]]]:
    for name, (make, n, spacing) in VOLUMES.items():
        if only in name:
            works = boundary_works(*make(), n, spacing)
            yield name, {who: work for who, work in works.items() if who != "mikan-rs" or name not in TOO_MUCH}
    for name, works in (("semantic", semantic_works), ("panoptic", panoptic_works)):
        if only in name:
            yield f"1024×2048, 19 classes, {name}", works(*street(), 19)


def measure(works: Mapping[str, Work], rounds: int) -> dict[str, dict[str, Any]]:
    """Seconds of each in every round, and what it found."""
    found: dict[str, dict[str, Any]] = {name: {"seconds": [], "answer": None} for name in works}
    for name, work in works.items():  # imports, caches of the processor, memory from the system
        found[name] |= timed(work)
    for _ in range(rounds):
        for name in random.sample([*works], len(works)):
            if not found[name].get("failed") and found[name]["first"] < TOO_LONG:
                found[name]["seconds"].append(timed(works[name])["first"])
    for one in found.values():
        one["seconds"] = one["seconds"] or [one["first"]]
    return found


def timed(work: Work) -> dict[str, Any]:
    start = time.process_time()
    try:
        answer = work()
    except Exception as error:  # a peer may not take the shape
        return {"first": 0.0, "failed": f"{type(error).__name__}: {error}"[:200]}
    return {"first": time.process_time() - start, "answer": answer}


def main() -> None:
    path = RESULTS / "shapes.json"
    options, stored = asked(__doc__, path, rounds=5)
    for name, works in shapes(options.only):
        stored["rows"][name] = measure(works, options.rounds)
        print(name, {who: median(one["seconds"]) for who, one in stored["rows"][name].items()}, flush=True)
        store(path, stored, ["segeval", *PEERS, "torch", "numpy"])


if __name__ == "__main__":
    main()
