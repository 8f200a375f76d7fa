"""What the GPU gives and what it changes: equality with the CPU engine, and time against it, in one table.

python benchmarks/gpu.py                    prints the table; without a CUDA device it says "not run"
python benchmarks/gpu.py --write            writes it to benchmarks/results/gpu.md too
python benchmarks/gpu.py --device cpu       tries all of it on small images with torch on the CPU; it measures nothing

Every group of measures is scored by both engines on the same case, once to warm up and then in turns; beside the ratio
of the medians stands the largest difference of any value. So are masks in files, tensors on the device, and a batch of
small cases. Where MONAI, exacta and distorch are installed, they measure the tensors on the device too. It takes eight
minutes at most: rows that come too late say so.
"""

import argparse
import math
import platform
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import segeval
from segeval.catalogue import GROUPS

RESULTS = Path(__file__).parent / "results" / "gpu.md"
OF_MAPS = ("losses", "shape_losses", "rare_losses", "probability", "detection")
BOTH = ["overlap", "boundary"]
ROUNDS = 3
MINUTES = 7.5  # of which a row takes what it has begun
SECONDS_A_ROW = 20.0  # after which there are no more rounds
SPACING_MM = (0.8, 0.8, 1.5)
N_CLASSES = 5
LABELS = {label: f"class {label}" for label in range(1, N_CLASSES + 1)}
COLUMNS = ("work", "input", "first", "s", "second", "s", "first / second", "largest difference")
HEADER = f"| {' | '.join(COLUMNS)} |\n{'| --- ' * len(COLUMNS)}|"
Timed = tuple[str, Callable[[], Any]]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How large the images are, and how many are in a batch."""

    shape: tuple[int, ...] = (192, 192, 96)
    small: int = 64
    batch: int = 32


def blobs(shape: tuple[int, ...], *, seed: int, n_classes: int = N_CLASSES) -> tuple[np.ndarray, np.ndarray]:
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


SMALL = Sizes(shape=(40, 36, 32), small=16, batch=3)


@dataclass(kw_only=True)
class Bench:
    """The rows of the table; `device` is where the second contender of each row works."""

    device: str
    sizes: Sizes
    began: float = field(default_factory=time.monotonic)

    @property
    def engine(self) -> str:
        return "GPU engine" if self.device.startswith("cuda") else "torch engine on the CPU"

    def rows(self) -> Iterator[str]:
        """All lines of the table."""
        pred, truth = blobs(self.sizes.shape, seed=1)
        probs = as_probs(pred, N_CLASSES)
        size = f"{'×'.join(map(str, self.sizes.shape))}, {N_CLASSES} classes"
        for group in GROUPS:
            given, kind = (probs, "softmax") if group in OF_MAPS else (pred, "ids")
            yield self._engines(group, f"{size}, {kind} as arrays", given, truth, [group])
        yield from self._of_files(pred, truth, size)
        there = [self._there(side) for side in (pred, probs, truth)]
        for name, side in (("ids", there[0]), ("softmax", there[1])):
            measures = [*BOTH, "losses"]
            on_cpu = (pred if side is there[0] else probs, truth)
            yield self._engines(
                ", ".join(measures), f"{size}, {name} on the device", *on_cpu, measures, there=(side, there[2])
            )
        yield self._of_batch()
        yield from self._others(there[0], there[2], size)

    def _engines(self, work: str, on: str, pred: Any, truth: Any, measures: list[str], there: Any = None) -> str:
        """Both engines on one case; the second may take tensors that are on the device already."""
        numpy = ("CPU engine", lambda: scored(pred, truth, measures, engine="numpy"))
        torch = (
            self.engine,
            lambda: scored(*(there or (pred, truth)), measures, engine="torch", device=self.device),
        )
        return self._row(work, on, numpy, torch, values_of)

    def _of_files(self, pred: np.ndarray, truth: np.ndarray, size: str) -> Iterator[str]:
        import nibabel

        with tempfile.TemporaryDirectory() as folder:
            sides = {}
            for name, side in (("pred", pred), ("truth", truth)):
                sides[name] = Path(folder, name)
                sides[name].mkdir()
                for case in range(4):
                    image = nibabel.Nifti1Image(np.roll(side, case, axis=0), np.diag([*SPACING_MM, 1.0]))
                    nibabel.save(image, sides[name] / f"case_{case}.nii.gz")
            paths = sides["pred"], sides["truth"]
            yield self._engines(", ".join(BOTH), f"4 × {size}, in .nii.gz", *paths, BOTH)

    def _of_batch(self) -> str:
        """A batch of small cases as a training loop has it, on the CPU and on the device."""
        n, side = self.sizes.batch, self.sizes.small
        cases = [blobs((side,) * 3, seed=seed) for seed in range(n)]
        preds, truths = (np.stack(images) for images in zip(*cases, strict=True))
        on_device = self._there(preds), self._there(truths)
        names = [f"case_{i:03}" for i in range(n)]

        def evaluated(pred: Any, truth: Any, device: str, engine: str) -> segeval.Results:
            evaluator = segeval.Evaluator(BOTH, LABELS, SPACING_MM, bootstrap=0, device=device, engine=engine)
            evaluator.update(pred, truth, case_id=names)
            return evaluator.compute()

        numpy = ("CPU engine", lambda: evaluated(preds, truths, "cpu", "numpy"))
        torch = (self.engine, lambda: evaluated(*on_device, self.device, "torch"))
        return self._row(", ".join(BOTH), f"a batch of {n} of {side}³, on the device", numpy, torch, values_of)

    def _others(self, pred: Any, truth: Any, size: str) -> Iterator[str]:
        """Other libraries and segeval on the same tensors; a difference may be one of definitions."""
        for package, measure, make in PEERS:
            called = measure.partition("[")[0]
            try:
                name, theirs = f"{package} {metadata.version(package)}", make(pred, truth)
            except (ImportError, metadata.PackageNotFoundError):
                yield line(called, f"{size}, ids on the device", package, "–", "segeval", "–", "–", "not installed")
                continue

            def ours(measure: str = measure) -> np.ndarray:
                rows = scored(pred, truth, [measure], engine="torch", device=self.device).class_rows
                return np.array([row.values[measure] for row in rows])

            yield self._row(called, f"{size}, ids on the device", (name, theirs), ("segeval", ours), np.ravel)

    def _there(self, array: np.ndarray) -> Any:
        import torch

        return torch.from_numpy(array).to(self.device)

    def _row(self, work: str, on: str, first: Timed, second: Timed, values: Callable[[Any], np.ndarray]) -> str:
        """One line of the table."""
        if time.monotonic() - self.began > MINUTES * 60:
            return line(work, on, first[0], "–", second[0], "–", "–", "left out: the time was over")
        try:
            (slow, fast), (one, other) = in_turns(first[1], second[1])
        except Exception as error:  # one work that fails is a row, and the others still run
            said = f"{type(error).__name__}: {str(error)[:80]}"
            return line(work, on, first[0], "–", second[0], "–", "–", said)
        difference = f"{apart(values(one), values(other)):.1e}"
        return line(work, on, first[0], f"{slow:.3f}", second[0], f"{fast:.3f}", f"{slow / fast:.1f}", difference)


def scored(pred: Any, truth: Any, measures: list[str], **options: Any) -> segeval.Results:
    """The results of what is given as paths or at hand."""
    spacing = {} if isinstance(pred, Path) else {"spacing": SPACING_MM}
    return segeval.score(pred, truth, measures=measures, labels=LABELS, bootstrap=0, **spacing, **options)


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def in_turns(*works: Callable[[], Any]) -> tuple[list[float], list[Any]]:
    """Median seconds of each work after a first time, unless that alone took too long; and what it gave."""
    import torch

    wait = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    began = time.monotonic()
    given: list[Any] = [None for _ in works]
    seconds: list[list[float]] = [[] for _ in works]
    for turn in range(1 + ROUNDS):
        if turn and time.monotonic() - began > SECONDS_A_ROW:
            break
        for i, work in enumerate(works):
            wait()
            start = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                given[i] = work()
            wait()
            seconds[i].append(time.perf_counter() - start)
    return [median(times[1:] or times) for times in seconds], given


def of_monai(pred: Any, truth: Any) -> Callable[[], np.ndarray]:
    """HD95 of each class, from one-hot masks."""
    from monai.metrics import compute_hausdorff_distance

    sides = [side[None] for side in map(one_hot, (pred, truth))]
    rule: dict[str, Any] = {"include_background": False, "percentile": 95, "spacing": SPACING_MM}
    return lambda: compute_hausdorff_distance(*sides, **rule)[0].cpu().numpy()


def of_exacta(pred: Any, truth: Any) -> Callable[[], np.ndarray]:
    """HD95 of each class, from ids."""
    from exacta.functional import hd95

    sides = [side[None].long() for side in (pred, truth)]
    rule: dict[str, Any] = {"num_classes": N_CLASSES + 1, "include_background": False, "spacing": SPACING_MM}
    return lambda: hd95(*sides, **rule)[0].cpu().numpy()


def of_distorch(pred: Any, truth: Any) -> Callable[[], np.ndarray]:
    """The Hausdorff distance of each class between voxel centres, from booleans."""
    from distorch import metrics

    measure = getattr(metrics, "pixel_center_metrics", None) or metrics.border_metrics
    sides = [one_hot(side)[1:].bool() for side in (pred, truth)]
    return lambda: measure(*sides, element_size=SPACING_MM).Hausdorff.cpu().numpy()


PEERS = (("monai", "hd95[monai]", of_monai), ("exacta", "hd95[exacta]", of_exacta), ("distorch", "hd", of_distorch))


def one_hot(ids: Any) -> Any:
    import torch

    return torch.nn.functional.one_hot(ids.long(), N_CLASSES + 1).movedim(-1, 0)


def page(device: str, sizes: Sizes) -> str:
    """The whole page; without a CUDA device it says that it was not run."""
    import torch

    head = "# On a GPU\n\nMade by `python benchmarks/gpu.py --write`.\n\n"
    if device == "cuda" and not torch.cuda.is_available():
        return f"{head}not run: this machine has no CUDA device ({platform.machine()}, torch {torch.__version__}).\n"
    name = torch.cuda.get_device_name(0) if device == "cuda" else "a trial on the CPU, which measures nothing"
    where = f"{name}, torch {torch.__version__}, segeval {segeval.__version__}"
    bench = Bench(device=device, sizes=sizes)
    return f"{head}{where}; medians of {ROUNDS} in turns.\n\n{HEADER}\n" + "\n".join(bench.rows()) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu is a trial on small images")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/gpu.md")
    asked = parser.parse_args()
    if asked.write and asked.device == "cpu":
        parser.error("--write is for a GPU: a trial on the CPU measures nothing")
    text = page(asked.device, Sizes() if asked.device == "cuda" else SMALL)
    print(text, end="")
    if asked.write:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
