"""Write `benchmarks/RESULTS.md` from the numbers in `benchmarks/results/`; what is said of the misses stands here.

python benchmarks/page.py
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results"
HEAD = """\
# Results

Written by `benchmarks/page.py` from what `shapes.py`, `processes.py` and `growth.py` measured on {machine}.

**Read the ratios.** Other work ran on the two cores all the time. So everything is a ratio of runs in turns, in an
order drawn anew each round, and what counts is the time that the processor worked for a process, all its threads
together (one is allowed), not the clock. Even so a neighbour takes caches away: differences below a tenth say nothing.
Each row has the median, and the lowest and highest of its rounds. A ratio above 1 means that segeval is faster.

## In process

Dice, IoU, HD, HD95, ASSD and NSD at 1 mm of voxel surfaces, all classes, arrays in memory; mikan-rs has no NSD. Street
scenes: IoU of all classes from one confusion matrix, and panoptic quality of segments that are given. The answers, mean
HD95, mean IoU and PQ, are equal where nothing is said. mikan-rs takes no ids above 255, and was not asked for volumes
full of surface: the shells took it 56 s, and the tubes did not end within minutes.

"""
PROCESSES = """
## Whole processes

With everything that Python and the libraries start, compiled by an earlier run as that of an installed program is;
segeval also writes its tables and resamples its means. nibabel imports pydicom here, which only an extra brings.

"""
OTHER = """
## Beside other tools

| | where |
| --- | --- |
| boundary measures beside MONAI, SimpleITK, SciPy, edt, surface-distance | [boundary](results/boundary.md) |
| overlap beside nnU-Net, torchmetrics, MONAI, SimpleITK | [overlap](results/overlap.md) |
| losses beside MONAI's modules, ranking beside a sort | [losses](results/losses.md) |
| training losses, sweeps, a GPU | [training](results/training.md), [sweep](results/sweep.md), [gpu](results/gpu.md) |
"""
GROWTH = """
## Growth

![Time over voxels, classes, cases and workers](growth.png)

Medians, and in pale colours the range of the rounds. Workers are measured on the clock, on two cores that had little
else to do: the second one takes a quarter off, as nearly a second is the start of the program; more than there are
cores gain nothing.
"""
ALL = "`-m all`"


def shape_rows(rows: Mapping[str, Any]) -> Iterator[list[str]]:
    for shape, who in rows.items():
        ours = median(who["segeval"]["seconds"])
        answer = who["segeval"]["answer"]
        for name, one in who.items():
            if one.get("failed"):
                yield [shape, name, "–", "–", "–", "does not take it"]
                continue
            differs = abs(one["answer"] - answer) > 1e-6 * max(abs(answer), 1.0)
            said = f"{one['answer']:.4g} in place of {answer:.4g}" if differs else ""
            yield [shape, name, *of_rounds(one["seconds"], 1e3), ratio(one["seconds"], ours, name), said]
            shape = ""


def process_rows(rows: Mapping[str, Mapping[str, Sequence[float]]]) -> Iterator[list[str]]:
    for work, who in rows.items():
        if work.startswith(ALL):
            continue
        ours = median(next(iter(who.values())))
        for i, (name, seconds) in enumerate(who.items()):
            if seconds:
                yield [
                    work if not i else "",
                    name,
                    *of_rounds(seconds),
                    ratio(seconds, ours, "segeval" if not i else name),
                ]


def of_rounds(seconds: Sequence[float], factor: float = 1.0) -> list[str]:
    middle, low, high = (factor * of(seconds) for of in (median, min, max))
    return [digits(middle), f"{digits(low)} to {digits(high)}"]


def digits(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def ratio(seconds: Sequence[float], ours: float, name: str) -> str:
    return "" if name == "segeval" else f"{median(seconds) / ours:.2g}"


def table(titles: Sequence[str], rows: Iterator[list[str]]) -> str:
    lines = [list(titles), ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    shapes, processes = (json.loads((RESULTS / f"{name}.json").read_text()) for name in ("shapes", "processes"))
    text = HEAD.format(machine=shapes["machine"])
    text += table(["shape", "who", "ms", "lowest to highest", "÷ segeval", "mean answer"], shape_rows(shapes["rows"]))
    text += PROCESSES + table(["work", "who", "s", "lowest to highest", "÷ first"], process_rows(processes["rows"]))
    text += "\nEvery measure of the catalogue on one case, one run each:\n\n"
    every = {work: who["segeval"] for work, who in processes["rows"].items() if work.startswith(ALL)}
    text += table(
        ["`-m all` of", "s"],
        ([work.removeprefix(f"{ALL} of "), f"{s[0]:.1f}" if s else "–"] for work, s in every.items()),
    )
    text += "\n## Goals that are missed, and why\n\n" + (HERE / "misses.md").read_text()
    text += (
        OTHER
        + (GROWTH if (HERE / "growth.png").exists() else "")
        + f"\nVersions: {shapes['versions']}; of the processes: {processes['versions']}.\n"
    )
    (HERE / "RESULTS.md").write_text(text)


if __name__ == "__main__":
    main()
