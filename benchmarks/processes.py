"""Whole processes, as a user starts them: what each takes of the processor, in turns and in random order.

python benchmarks/processes.py [--rounds 3] [--only NAME]     writes benchmarks/results/processes.json

In the environment of `shapes.py`: the peers are there, and no package of an extra that an import would pull in.
"""

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from measuring import asked, store
from overlap import ct5_folder

HERE = Path(__file__).parent
RESULTS = HERE / "results"
MEASURES = "dice,iou,hd,hd95,assd,nsd(tolerance_mm=1,surface=voxel)"
SEGEVAL = [sys.executable, "-m", "segeval"]
AS_INSTALLED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
ONE_THREAD = AS_INSTALLED | dict.fromkeys(("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
Commands = Mapping[str, Sequence[str]]


def works(folder: Path, only: str) -> Iterator[tuple[str, Commands]]:
    """Each work with who does it; its files are made when it is asked for."""
    made = {
        "ct5, 3 cases": boundary_of_ct5,
        "overlap of 12 cases": overlap_of_ct5,
        "compare of three runs of 200 cases": compare,
        "`-m all`": all_measures,
    }
    for name, make in made.items():
        if only in name:
            yield from make(folder, name)


def script(name: str, *arguments: str) -> list[str]:
    return [sys.executable, str(HERE / "peers" / name), *arguments]


def boundary_of_ct5(folder: Path, name: str) -> Iterator[tuple[str, Commands]]:
    sides = [str(ct5_folder(3) / side) for side in ("pred", "gt")]
    ours = [*SEGEVAL, "score", *sides, "-o", str(folder / "ct5"), "-m", MEASURES, "--workers", "1"]
    who = {"segeval score": ours, "segeval, in a script": script("boundary_segeval.py", *sides)}
    yield (
        name,
        who
        | {
            "exacta": script("boundary_exacta.py", *sides),
            "mikan-rs": script("boundary_mikan.py", *sides),
        },
    )


def overlap_of_ct5(folder: Path, name: str) -> Iterator[tuple[str, Commands]]:
    sides = [str(ct5_folder(12) / side) for side in ("pred", "gt")]
    ours = [*SEGEVAL, "score", *sides, "-o", str(folder / "overlap"), "-m", "overlap", "--workers", "1"]
    yield (
        name,
        {
            "segeval score -m overlap": ours,
            "decompression alone": script("decompress.py", *sides),
            "SimpleITK LabelOverlapMeasures": script("overlap_simpleitk.py", *sides),
        },
    )


def compare(folder: Path, name: str) -> Iterator[tuple[str, Commands]]:
    import numpy as np

    rng = np.random.default_rng(200)
    for case in range(200):
        truth = (rng.random((4, 4, 4)) * 4).astype(np.uint8).repeat(6, 0).repeat(6, 1).repeat(6, 2)
        for side in ("truth", "a", "b", "c"):
            (folder / side).mkdir(exist_ok=True)
            wrong = rng.random(truth.shape) < (0.0 if side == "truth" else 0.1)
            np.save(folder / side / f"{case:03}.npy", np.where(wrong, 1, truth).astype(np.uint8))
    for side in "abc":
        command = [
            *SEGEVAL,
            "score",
            str(folder / side),
            str(folder / "truth"),
            "-o",
            str(folder / f"run-{side}"),
            "-q",
        ]
        subprocess.run(command, check=True, env=ONE_THREAD)
    yield name, {"segeval compare": [*SEGEVAL, "compare", *(str(folder / f"run-{side}") for side in "abc")]}


def all_measures(folder: Path, name: str) -> Iterator[tuple[str, Commands]]:
    import nibabel as nib
    import numpy as np
    from shapes import VOLUMES

    for shape, (make, _, spacing) in VOLUMES.items():
        if not shape.startswith("128³"):
            continue
        place = folder / shape.replace(" ", "-")
        for side, labels in zip(("pred", "truth"), make(), strict=True):
            (place / side).mkdir(parents=True)
            nib.save(nib.Nifti1Image(labels, np.diag([*spacing, 1.0])), place / side / "a.nii.gz")
        sides = [str(place / side) for side in ("pred", "truth")]
        command = [*SEGEVAL, "score", *sides, "-m", "all", "-o", str(place / "run"), "-q", "--workers", "1"]
        yield f"{name} of {shape}", {"segeval": command}


def measure(who: Commands, rounds: int) -> dict[str, list[float]]:
    """Seconds of the processor that each took in each round; none of those that did not end well.

    Before several rounds each runs once, so that Python has compiled what it imports, as it has where a user works.
    """
    seconds: dict[str, list[float]] = {name: [] for name in who}
    for turn in range(rounds + (rounds > 1)):
        for name in random.sample([*who], len(who)):
            process = subprocess.Popen(who[name], env=ONE_THREAD, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode == 0 and (turn or rounds == 1):
                seconds[name].append(usage.ru_utime + usage.ru_stime)
    return seconds


def main() -> None:
    path = RESULTS / "processes.json"
    options, stored = asked(__doc__, path, rounds=3)
    with tempfile.TemporaryDirectory() as folder:
        for name, who in works(Path(folder), options.only):
            stored["rows"][name] = measure(who, 1 if name.startswith("`-m all`") else options.rounds)
            print(name, stored["rows"][name], flush=True)
    store(path, stored, ["segeval", "exacta", "mikan-rs", "simpleitk"])


if __name__ == "__main__":
    main()
