"""What the boundary scripts share: read the cases, time the work alone, print what came out.

Each script takes two folders, PRED and GT, with labels 1 to 5, and computes Dice, IoU, HD, HD95, ASSD and NSD at 1 mm
of every label.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

import nibabel as nib
import numpy as np

LABELS = range(1, 6)
Work = Callable[[np.ndarray, np.ndarray, tuple[float, ...]], Sequence[float]]


def run(work: Work) -> None:
    """Do the work on every case and print the mean of the HD95 it returns, and its seconds per case."""
    pred, truth = map(Path, sys.argv[1:])
    seconds: list[float] = []
    found: list[float] = []
    for path in sorted(truth.glob("*.nii.gz")):
        images = nib.load(pred / path.name), nib.load(path)
        spacing = tuple(float(size) for size in images[1].header.get_zooms())
        labels = [np.asarray(image.dataobj) for image in images]
        start = time.perf_counter()
        found += work(labels[0], labels[1], spacing)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"hd95": mean(found), "seconds": seconds}))


def overlap(pred: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Dice and IoU of two boolean masks."""
    both, either = int(np.count_nonzero(pred & truth)), int(np.count_nonzero(pred | truth))
    return 2 * both / (both + either), both / either


def summary(there: np.ndarray, back: np.ndarray) -> dict[str, float]:
    """The measures of the distances of all surface voxels in both directions."""
    together = np.concatenate([there, back])
    return {
        "hd": float(together.max()),
        "hd95": float(max(np.percentile(there, 95), np.percentile(back, 95))),
        "assd": float(together.mean()),
        "nsd": float((together <= 1.0).mean()),
    }


def union_box(pred: np.ndarray, truth: np.ndarray) -> tuple[slice, ...]:
    """The smallest box around both masks, with a margin of one voxel."""
    union = pred | truth
    box = []
    for axis in range(union.ndim):
        others = tuple(other for other in range(union.ndim) if other != axis)
        found = np.flatnonzero(union.any(axis=others))
        box.append(slice(max(int(found[0]) - 1, 0), int(found[-1]) + 2))
    return tuple(box)
