"""How the cost grows with voxels, classes, cases and workers.

python benchmarks/growth.py [--rounds 3]     writes benchmarks/results/growth.json
python benchmarks/growth.py --draw           draws benchmarks/growth.png from it
"""

import argparse
import json
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
RESULT = HERE / "results" / "growth.json"
SIDES = (32, 64, 96, 128, 192)
CLASSES = (1, 5, 20, 85, 300)
CASES = (10, 100, 1000)
WORKERS = (1, 2, 4)
PANELS = {  # title, axis, what stands on the other one
    "voxels": ("Dice, HD95, NSD of a ball", "voxels", "ms of the processor"),
    "classes": ("the same of 128³ voxels", "classes", "ms of the processor"),
    "cases": ("score of tiny cases", "cases", "s of the processor"),
    "workers": ("overlap of 12 CT cases", "workers", "s on the clock"),
}
Growth = dict[str, dict[str, dict[int, list[float]]]]  # panel -> who -> place -> seconds


def in_process(rounds: int) -> Growth:
    import numpy as np
    from shapes import boundary_works, many_classes

    def ball(n: int, shift: float) -> np.ndarray:
        grid = np.ogrid[:n, :n, :n]
        return (sum((axis - n / 2 - shift) ** 2 for axis in grid) < (n / 3) ** 2).astype(np.uint8)

    works: dict[tuple[str, str, int], Callable[[], float]] = {}
    for n in SIDES:
        for who, work in boundary_works(ball(n, 1.0), ball(n, 0.0), 1, (1.0, 1.0, 1.5)).items():
            works["voxels", who, n**3] = work
    for n in CLASSES:
        pred, truth = many_classes(300)
        pred, truth = (((side.astype(np.int64) - 1) * n // 300 + 1).astype(np.uint16) for side in (pred, truth))
        for who, work in boundary_works(pred, truth, n, (1.0, 1.0, 1.5)).items():
            works["classes", who, n] = work
    found: Growth = {"voxels": {}, "classes": {}}
    for turn in range(rounds + 1):  # of which the first warms up
        for (panel, who, place), work in random.sample([*works.items()], len(works)):
            if who == "mikan-rs":
                continue
            start = time.process_time()
            work()
            if turn:
                found[panel].setdefault(who, {}).setdefault(place, []).append(time.process_time() - start)
    return found


def of_processes(rounds: int, folder: Path) -> Growth:
    import numpy as np
    from overlap import ct5_folder
    from processes import ONE_THREAD, SEGEVAL

    found: Growth = {"cases": {"segeval": {}}, "workers": {"segeval": {}}}
    mask = np.arange(512, dtype=np.uint8).reshape(8, 8, 8) % 3
    commands: list[tuple[str, int, list[str]]] = []
    for n in CASES:
        for side in ("pred", "truth"):
            (folder / str(n) / side).mkdir(parents=True)
            for case in range(n):
                np.save(folder / str(n) / side / f"{case:05}.npy", np.roll(mask, case * (side == "pred"), axis=0))
        sides = [str(folder / str(n) / side) for side in ("pred", "truth")]
        commands.append(("cases", n, [*SEGEVAL, "score", *sides, "--workers", "1"]))
    for n in WORKERS:
        sides = [str(ct5_folder(12) / side) for side in ("pred", "gt")]
        commands.append(("workers", n, [*SEGEVAL, "score", *sides, "-m", "overlap", "--workers", str(n)]))
    for _ in range(rounds):
        for panel, place, command in random.sample(commands, len(commands)):
            start = time.perf_counter()
            process = subprocess.Popen([*command, "-q", "-o", str(folder / "out")], env=ONE_THREAD)
            usage = os.wait4(process.pid, 0)[2]
            clock = time.perf_counter() - start
            seconds = clock if panel == "workers" else usage.ru_utime + usage.ru_stime
            found[panel]["segeval"].setdefault(place, []).append(seconds)
    return found


def draw(found: Mapping[str, Mapping[str, Mapping[str, list[float]]]]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import NullFormatter

    figure, axes = pyplot.subplots(1, 4, figsize=(11, 2.8), layout="constrained")
    colors = {"segeval": "#0b6e4f", "exacta": "#c05621"}
    for axis, (panel, (title, below, beside)) in zip(axes, PANELS.items(), strict=True):
        factor = 1e3 if beside.startswith("ms") else 1.0
        for who, points in found[panel].items():
            places = sorted(points, key=int)
            middle, low, high = ([factor * of(points[place]) for place in places] for of in (median, min, max))
            at = [int(place) for place in places]
            axis.plot(at, middle, marker="o", markersize=3.5, color=colors[who], label=who)
            axis.fill_between(at, low, high, color=colors[who], alpha=0.2, linewidth=0)
        axis.set(title=title, xlabel=below, ylabel=beside, xscale="log", yscale="log")
        axis.title.set_fontsize(9)
        axis.grid(visible=True, which="major", alpha=0.3)
        if panel == "workers":
            axis.set(xscale="linear", yscale="linear", ylim=(0, None), xticks=list(WORKERS))
        else:
            axis.xaxis.set_minor_formatter(NullFormatter())
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(HERE / "growth.png", dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--draw", action="store_true")
    options = parser.parse_args()
    if not options.draw:
        with tempfile.TemporaryDirectory() as folder:
            found = in_process(options.rounds) | of_processes(options.rounds, Path(folder))
        RESULT.write_text(json.dumps(found, indent=1) + "\n")
    draw(json.loads(RESULT.read_text()))


if __name__ == "__main__":
    main()
