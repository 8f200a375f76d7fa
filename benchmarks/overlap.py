"""Overlap measures of twelve CT-sized cases, whole processes, beside the tools people use for that today.

python benchmarks/overlap.py [--cases 12] [--runs 3]     writes benchmarks/results/overlap.md

nnU-Net is in a dependency group of its own: uv run --group peers-nnunet python benchmarks/overlap.py
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import Contender, interleave, machine, markdown_table, versions

HERE = Path(__file__).parent
PEERS = {
    "nnU-Net evaluator, 2 processes": ("overlap_nnunet.py", "nnunetv2"),
    "torchmetrics": ("overlap_torchmetrics.py", "torchmetrics"),
    "MONAI": ("overlap_monai.py", "monai"),
    "SimpleITK LabelOverlapMeasures": ("overlap_simpleitk.py", "simpleitk"),
}
LIBRARIES = ["segeval", "nnunetv2", "torchmetrics", "monai", "simpleitk", "torch", "numpy", "nibabel"]
HEAD = """\
# Overlap measures

`{command}` on {machine}.

Whole processes, in turns, with everything each tool starts by itself; medians of {runs}. Data: {cases} pairs of
320×320×160 uint8 label maps (`.nii.gz`), 5 organs, 3 stray islands per prediction. segeval computes all its overlap
measures, the others Dice and IoU (nnU-Net also the counts). Peak memory is that of the largest process of each; the
Dice is the mean over cases and organs, as a check that all did the same work.

"""


def ct5_folder(cases: int) -> Path:
    """The cases, made once per machine, in a process of its own to keep this one small."""
    folder = Path(tempfile.gettempdir()) / f"segeval-benchmark-ct5-{cases}"
    if not folder.exists():
        unfinished = Path(tempfile.mkdtemp(prefix=f"{folder.name}-"))
        subprocess.run([sys.executable, HERE / "make_ct5.py", unfinished, "--cases", str(cases)], check=True)
        unfinished.rename(folder)
    return folder


def segeval(work: str, *arguments: str, out: Path) -> Contender:
    command = [sys.executable, "-m", "segeval", "score", *arguments, "--out", str(out), "-m", "overlap"]
    return Contender(
        work=work, name="segeval", command=[*command, "--bootstrap", "0"], answer=lambda _: dice_of_summary(out)
    )


def dice_of_summary(out: Path) -> str:
    with (out / "summary.csv").open(newline="") as file:
        means = [row["mean"] for row in csv.DictReader(file) if (row["class"], row["measure"]) == ("(mean)", "dice")]
    return f"{float(means[0]):.6f}"


def dice_of_output(stdout: str) -> str:
    return f"{json.loads(stdout.splitlines()[-1])['dice']:.6f}"


def contenders_on_ct5(cases: int, out: Path) -> list[Contender]:
    work, folder = f"{cases} cases", ct5_folder(cases)
    pred, truth = str(folder / "pred"), str(folder / "gt")
    peers = [
        Contender(
            work=work,
            name=name,
            command=[sys.executable, str(HERE / "peers" / script), pred, truth],
            needs=needs,
            answer=dice_of_output,
        )
        for name, (script, needs) in PEERS.items()
    ]
    return [segeval(work, pred, truth, out=out / "ct5"), *peers]


def contenders_at_start_up(out: Path) -> list[Contender]:
    """What is paid before the first voxel is read: on one pair of 96×96×16 voxels, and without any."""
    sample = HERE.parent / "sample_data"
    pair = [str(sample / side / "case_01.nii.gz") for side in ("pred", "gt")]
    bare = [sys.executable, "-c", "import numpy, nibabel"]
    return [
        segeval("one tiny pair", *pair, out=out / "pair"),
        Contender(work="one tiny pair", name="`python -c 'import numpy, nibabel'`, no work", command=bare),
        Contender(work="`--help`", name="segeval", command=[sys.executable, "-m", "segeval", "--help"]),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as out:
        contenders = contenders_on_ct5(options.cases, Path(out)) + contenders_at_start_up(Path(out))
        records = interleave(contenders, options.runs)
    command = f"python benchmarks/overlap.py --cases {options.cases} --runs {options.runs}"
    text = HEAD.format(command=command, machine=machine(), runs=options.runs, cases=options.cases)
    text += markdown_table(records, reference="segeval", answer_title="mean Dice")
    text += f"\nVersions: {versions(LIBRARIES)}.\n"
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "overlap.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
