"""Boundary measures of CT-sized cases beside the tools people use for that today, and how their cost grows.

python benchmarks/boundary.py [--cases 3] [--runs 3]     writes benchmarks/results/boundary.md

edt and surface-distance are in a dependency group of their own: uv run --group peers python benchmarks/boundary.py
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from measuring import Contender, Record, interleave, machine, markdown_table, versions
from overlap import ct5_folder

HERE = Path(__file__).parent
OURS = "segeval"
PEERS = {
    OURS: ("boundary_segeval.py", "segeval"),
    "MONAI": ("boundary_monai.py", "monai"),
    "SimpleITK recipe": ("boundary_simpleitk.py", "simpleitk"),
    "SciPy, union box": ("boundary_scipy.py", "scipy"),
    "edt, union box": ("boundary_edt.py", "edt"),
    "surface-distance": ("boundary_surface_distance.py", "surface-distance"),
    "exacta": ("boundary_exacta.py", "exacta"),
    "mikan-rs": ("boundary_mikan.py", "mikan-rs"),
}
LIBRARIES = ["segeval", "monai", "simpleitk", "scipy", "edt", "surface-distance", "torch", "numpy", "nibabel"]
HEAD = """\
# Boundary measures

`{command}` on {machine}.

In turns, one thread each; medians of {runs}. Data: {cases} pairs of 320×320×160 uint8 label maps (`.nii.gz`), 5 organs,
3 stray islands per prediction. Everybody computes Dice, IoU, HD, HD95, ASSD and NSD at 1 mm of surface voxels;
surface-distance weighs its surfaces by area, and SimpleITK's contours are thicker. The mean HD95 shows that the work
was the same.

## Whole processes

"""
MEASURES = "dice,iou,hd,hd95,assd,nsd(tolerance_mm=1,surface=voxel)"


def contenders(cases: int, out: Path) -> list[Contender]:
    """Scripts of equal work, and the command line, which also reads a config and writes tables."""
    folder = ct5_folder(cases)
    sides, work = [str(folder / "pred"), str(folder / "gt")], f"{cases} cases"
    scripts = [
        Contender(
            work=work,
            name=name,
            command=[sys.executable, str(HERE / "peers" / script), *sides],
            needs=needs,
            answer=lambda stdout: stdout.splitlines()[-1],
        )
        for name, (script, needs) in PEERS.items()
    ]
    command = [sys.executable, "-m", "segeval", "score", *sides, "--out", str(out), "-m", MEASURES, "--bootstrap", "0"]
    return [*scripts, Contender(work=work, name="segeval score, with its tables", command=command)]


def in_process(records: Sequence[Record]) -> str:
    """What one case costs once the process runs and the images are read."""
    seconds = {r.contender.name: json.loads(r.answer)["seconds"] for r in records if r.answer.startswith("{")}
    titles = "| who | median ms per case | time / segeval |\n| --- | --- | --- |\n"
    rows = {name: median(times[1:] or times) for name, times in seconds.items()}  # the first one imports
    lines = (f"| {name} | {1e3 * value:.0f} | {value / rows[OURS]:.1f} |\n" for name, value in rows.items())
    return titles + "".join(lines)


def growth() -> str:
    """The cost of more classes on the same borders, and of more voxels around the same organs."""
    done = subprocess.run([sys.executable, HERE / "boundary_growth.py"], capture_output=True, text=True, check=True)
    return done.stdout


def with_short_answers(records: Sequence[Record]) -> Sequence[Record]:
    for record in records:
        if record.answer.startswith("{"):
            record.answer = f"{json.loads(record.answer)['hd95']:.4f}"
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=3)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as out:
        records = interleave(contenders(options.cases, Path(out) / "results"), options.runs)
    command = f"python benchmarks/boundary.py --cases {options.cases} --runs {options.runs}"
    text = HEAD.format(command=command, machine=machine(), runs=options.runs, cases=options.cases)
    per_case = in_process(records)
    text += markdown_table(with_short_answers(records), reference=OURS, answer_title="mean HD95 mm")
    text += f"\n## In process, per case\n\n{per_case}\n## Growth\n\n{growth()}"
    text += f"\nVersions: {versions(LIBRARIES)}.\n"
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "boundary.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
