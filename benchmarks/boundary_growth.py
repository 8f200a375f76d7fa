"""How the cost of HD95 and surface NSD grows with classes and with voxels; prints two Markdown tables."""

import time
from statistics import median

import numpy as np

from segeval.evidence.labels import LabelClass
from segeval.evidence.surfaces.surface import Surfaces
from segeval.metrics.boundary import hd95
from segeval.metrics.boundary_scores import nsd

SHAPE = (320, 320, 160)
ROUNDS = 7


def balls(shape: tuple[int, ...], shift: float) -> np.ndarray:
    """Fifteen balls with labels 1 to 15 that touch nowhere, in the middle 320×320×160 voxels."""
    labels = np.zeros(shape, dtype=np.uint8)
    corner = [(n - m) // 2 for n, m in zip(shape, SHAPE, strict=True)]
    centres = [
        (x, y, z) for z in (50, 110) for x, y in zip((60, 130, 200, 270) * 2, (90,) * 4 + (230,) * 4, strict=True)
    ]
    for label, centre in enumerate(centres[:15], start=1):
        middle = [c + k + shift for c, k in zip(corner, centre, strict=True)]
        box = tuple(slice(int(c) - 26, int(c) + 27) for c in middle)
        x = np.ogrid[box]
        labels[box][sum((along - c) ** 2 for along, c in zip(x, middle, strict=True)) < 24.5**2] = label
    return np.asfortranarray(labels)


def joined(labels: np.ndarray, n: int) -> np.ndarray:
    """The same balls with labels 1 to n."""
    return np.where(labels > 0, (labels.astype(int) - 1) * n // 15 + 1, 0).astype(np.uint8, order="F")


def classes(n: int) -> list[LabelClass]:
    return [LabelClass(name=str(label), ids=(label,)) for label in range(1, n + 1)]


def measure(pairs: dict[str, tuple[np.ndarray, np.ndarray, int]]) -> dict[str, float]:
    """Median milliseconds of each pair, taken in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in pairs}
    for _ in range(ROUNDS):
        for name, (pred, truth, n_classes) in pairs.items():
            start = time.perf_counter()
            surfaces = Surfaces.of(pred, truth, classes=classes(n_classes), spacing_mm=(0.8, 0.8, 1.5))
            hd95(surfaces), nsd(surfaces)
            seconds[name].append(time.perf_counter() - start)
    return {name: 1e3 * median(times) for name, times in seconds.items()}


def table(title: str, times: dict[str, float]) -> str:
    first = next(iter(times.values()))
    rows = [f"| {name} | {time:.0f} | {time / first:.2f} |" for name, time in times.items()]
    return "\n".join([f"| {title} | median ms | ratio |", "| --- | --- | --- |", *rows, ""])


def main() -> None:
    sides = balls(SHAPE, 1.0), balls(SHAPE, 0.0)
    by_classes = {str(n): (*(joined(side, n) for side in sides), n) for n in (1, 5, 15)}
    print(table("classes on the same borders", measure(by_classes)))
    shapes = [SHAPE, (320, 320, 320), (512, 512, 300)]
    by_voxels = {f"{np.prod(shape) / 1e6:.0f} million": (balls(shape, 1.0), balls(shape, 0.0), 15) for shape in shapes}
    print(table("voxels around the same organs", measure(by_voxels)))


if __name__ == "__main__":
    main()
