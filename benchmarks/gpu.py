"""What the GPU gives and what it changes: equality with the CPU engine, and time against it, in one table.

python benchmarks/gpu.py                    prints the table; without a CUDA device it says "not run"
python benchmarks/gpu.py --write            writes it to benchmarks/results/gpu.md too

Every group of measures is scored with both engines on the same case, once to warm up and then in turns; the largest
difference of any value stands beside the ratio of the medians. MONAI is asked for the distances where it is installed.
"""

import argparse
import math
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import segeval

RESULTS = Path(__file__).parent / "results" / "gpu.md"
GROUPS = ("overlap", "losses", "boundary", "lesion", "topology", "probability", "weight_map")
ROUNDS = 3
SPACING_MM = (0.8, 0.8, 1.5)
COLUMNS = ("work", "input", "CPU engine s", "GPU engine s", "CPU / GPU", "largest difference")
HEADER = f"| {' | '.join(COLUMNS)} |\n{'| --- ' * len(COLUMNS)}|"


def blobs(shape: tuple[int, ...], *, seed: int, n_classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """A truth of ellipsoids, and a prediction in which each is displaced by a voxel and a little larger."""
    rng = np.random.default_rng(seed)
    truth, pred = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    for label in range(1, n_classes + 1):
        centre = [rng.uniform(0.25, 0.75) * n for n in shape]
        radii = [rng.uniform(0.06, 0.16) * n for n in shape]
        for mask, shift, grow in ((truth, 0.0, 1.0), (pred, 1.0, 1.04)):
            apart = [((axis - c - shift) / (r * grow)) ** 2 for axis, c, r in zip(grid, centre, radii, strict=True)]
            inside = apart[0]
            for part in apart[1:]:
                inside = inside + part
            mask[inside < 1] = label
    return pred, truth


def as_probs(labels: np.ndarray, n_classes: int) -> np.ndarray:
    """A softmax that its own class leads, channels first."""
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(n_classes + 1, *labels.shape)).astype(np.float32)
    np.put_along_axis(scores, labels[None].astype(np.intp), 4.0, axis=0)
    scores = np.exp(scores)
    probs: np.ndarray = scores / scores.sum(axis=0)
    return probs


def values_of(results: Any) -> np.ndarray:
    """Every value of a run, in order."""
    rows = [*results.class_rows, *results.case_rows]
    return np.array([value for row in rows for value in row.values.values()], dtype=np.float64)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference of two runs; infinite where one has a value that the other has not."""
    if not (np.isnan(one) == np.isnan(other)).all() or not (np.isinf(one) == np.isinf(other)).all():
        return math.inf
    finite = np.isfinite(one)
    scale = np.maximum(1.0, np.abs(one[finite]))
    return float((np.abs(one[finite] - other[finite]) / scale).max(initial=0.0))


def in_turns(*works: Callable[[], Any]) -> tuple[list[float], list[Any]]:
    """Median seconds of each work, and what it gave."""
    seconds: list[list[float]] = [[] for _ in works]
    given = [work() for work in works]
    for _ in range(ROUNDS):
        for i, work in enumerate(works):
            start = time.perf_counter()
            given[i] = work()
            seconds[i].append(time.perf_counter() - start)
    return [median(times) for times in seconds], given


def row(name: str, on: str, cpu: Callable[[], Any], gpu: Callable[[], Any]) -> str:
    """One line of the table."""
    try:
        (slow, fast), (one, other) = in_turns(cpu, gpu)
    except Exception as error:  # one work that fails is a row, and the others still run
        return f"| {name} | {on} | – | – | – | {type(error).__name__}: {str(error)[:80]} |"
    difference = apart(values_of(one), values_of(other))
    return f"| {name} | {on} | {slow:.3f} | {fast:.3f} | {slow / fast:.1f} | {difference:.1e} |"


def rows(device: str) -> list[str]:
    """All lines of the table."""
    import torch

    pred, truth = blobs((256, 256, 128), seed=1)
    probs = as_probs(pred, 5)
    labels = {label: f"class {label}" for label in range(1, 6)}
    options: dict[str, Any] = {"labels": labels, "spacing": SPACING_MM, "bootstrap": 0}
    found = []
    for group in GROUPS:
        given = probs if group in ("losses", "probability") else pred
        found.append(
            row(
                group,
                "256×256×128, 5 classes, arrays",
                lambda given=given, group=group: segeval.score(
                    given, truth, measures=[group], engine="numpy", **options
                ),
                lambda given=given, group=group: segeval.score(
                    given, truth, measures=[group], engine="torch", device=device, **options
                ),
            )
        )
    on_device = torch.from_numpy(pred).to(device), torch.from_numpy(truth).to(device)
    found.append(
        row(
            "overlap, boundary",
            "the same as tensors on the device",
            lambda: segeval.score(pred, truth, measures=["overlap", "boundary"], engine="numpy", **options),
            lambda: segeval.score(
                *on_device, measures=["overlap", "boundary"], engine="torch", device=device, **options
            ),
        )
    )
    small = [blobs((64, 64, 64), seed=seed) for seed in range(32)]
    preds, truths = [pair[0] for pair in small], [pair[1] for pair in small]
    found.append(
        row(
            "overlap, boundary",
            "32 cases of 64³",
            lambda: segeval.score(preds, truths, measures=["overlap", "boundary"], engine="numpy", **options),
            lambda: segeval.score(
                preds, truths, measures=["overlap", "boundary"], engine="torch", device=device, **options
            ),
        )
    )
    return [*found, *monai_rows(pred, truth, device)]


def monai_rows(pred: np.ndarray, truth: np.ndarray, device: str) -> list[str]:
    """MONAI's HD95 on the device beside ours there."""
    try:
        import torch
        from monai.metrics import compute_hausdorff_distance
    except ImportError:
        return ["| hd95 | MONAI on the device | – | – | – | not installed |"]

    def onehot(labels: np.ndarray) -> Any:
        return torch.nn.functional.one_hot(torch.from_numpy(labels).long(), 6).movedim(-1, 0)[None].to(device)

    sides = onehot(pred), onehot(truth)

    def monai() -> Any:
        got = compute_hausdorff_distance(*sides, include_background=False, percentile=95, spacing=SPACING_MM)
        torch.cuda.synchronize()
        return got

    def ours() -> Any:
        return segeval.score(
            pred, truth, measures=["hd95"], engine="torch", device=device, spacing=SPACING_MM, bootstrap=0
        )

    (theirs, mine), _ = in_turns(monai, ours)
    return [f"| hd95: MONAI / ours | both on the device | {theirs:.3f} | {mine:.3f} | {theirs / mine:.1f} | – |"]


def table() -> str:
    """The whole page."""
    import torch

    head = "# On a GPU\n\nMade by `python benchmarks/gpu.py --write`.\n\n"
    if not torch.cuda.is_available():
        return f"{head}not run: this machine has no CUDA device ({platform.machine()}, torch {torch.__version__}).\n"
    where = f"{torch.cuda.get_device_name(0)}, torch {torch.__version__}, segeval {segeval.__version__}"
    return f"{head}{where}; medians of {ROUNDS} in turns.\n\n{HEADER}\n" + "\n".join(rows("cuda")) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/gpu.md")
    asked = parser.parse_args()
    page = table()
    print(page, end="")
    if asked.write:
        RESULTS.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
