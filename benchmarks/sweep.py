"""One (α, β) pair against a hundred: one sort, or one histogram, serves all settings of a sweep.

python benchmarks/sweep.py [--runs 5]     writes benchmarks/results/sweep.md
"""

import argparse
import csv
import io
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import Contender, interleave, machine, markdown_table, versions

HERE = Path(__file__).parent
LIBRARIES = ["segeval", "numpy", "nibabel"]
HUNDRED = ("--grid", "beta=0.005:0.995:0.01", "--sum-to-one")
ONE = ("--grid", "beta=0.5", "--sum-to-one")
HEAD = """\
# Sweeps

`{command}` on {machine}.

`segeval sweep tversky --maps --format csv`, whole processes in turns; medians of {runs}. The ratio is the cost of a
hundred (α, β) pairs to that of one; 1.2 is what the specification allows. "sorted" is one float32 map of 10⁶ voxels,
each with a probability of its own; "binned" one of 4.9 · 10⁶ voxels, counted in a histogram; "sample" the bundled
sample, 12 cases of 3 classes in 8 bits. Dice at α = β = 0.5 is there as a check.

"""
MAKE = """
import sys
import numpy as np
folder, n = sys.argv[1], int(sys.argv[2])
generator = np.random.default_rng(0)
p = generator.beta(0.2, 3.0, size=(n // 100, 100)).astype(np.float32)
truth = (generator.random(p.shape) < p).astype(np.uint8)
np.save(f"{folder}/map.npy", p)
np.save(f"{folder}/truth.npy", truth)
"""


def data(voxels: int) -> tuple[str, str]:
    """A map and its truth, made once per machine, in a process of its own to keep this one small."""
    folder = Path(tempfile.gettempdir()) / f"segeval-benchmark-sweep-{voxels}"
    if not folder.exists():
        unfinished = Path(tempfile.mkdtemp(prefix=f"{folder.name}-"))
        subprocess.run([sys.executable, "-c", MAKE, unfinished, str(voxels)], check=True)
        unfinished.rename(folder)
    return str(folder / "map.npy"), str(folder / "truth.npy")


def contenders(work: str, paths: tuple[str, ...]) -> list[Contender]:
    command = [sys.executable, "-m", "segeval", "sweep", "tversky", *paths, "--format", "csv", "--workers", "1"]
    return [
        Contender(work=work, name=name, command=[*command, *grid], answer=dice_at_half)
        for name, grid in (("1 pair", ONE), ("100 pairs", HUNDRED))
    ]


def dice_at_half(stdout: str) -> str:
    rows = [row for row in csv.DictReader(io.StringIO(stdout)) if abs(float(row["beta_fn"]) - 0.5) < 0.006]
    return f"{float(rows[0]['dsc']):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    works = {"sorted": data(1_000_000), "binned": data(4_900_000), "sample": ()}
    records = interleave([one for work, paths in works.items() for one in contenders(work, paths)], runs)
    head = HEAD.format(command="python benchmarks/sweep.py", machine=machine(), runs=runs)
    table = markdown_table(records, reference="1 pair", answer_title="Dice")
    (HERE / "results" / "sweep.md").write_text(f"{head}{table}\n{versions(LIBRARIES)}\n", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
