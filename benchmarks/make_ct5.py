"""Make the cases "ct5": label maps of 320×320×160 voxels with five organs, as from a CT of the abdomen.

python benchmarks/make_ct5.py FOLDER --cases 12     writes FOLDER/pred and FOLDER/gt
"""

import argparse
import gzip
from pathlib import Path

import nibabel as nib
import numpy as np

SHAPE = (320, 320, 160)
SPACING_MM = (0.8, 0.8, 1.5)
# Centre and half axes in voxels: liver, spleen, two kidneys, pancreas.
ORGANS = {
    1: ((115, 150, 90), (60, 48, 36)),
    2: ((225, 130, 95), (27, 31, 26)),
    3: ((110, 205, 60), (20, 24, 26)),
    4: ((215, 205, 60), (20, 24, 26)),
    5: ((165, 165, 80), (34, 12, 10)),
}


def write_case(folder: Path, case_id: str, rng: np.random.Generator) -> None:
    """One truth, and a prediction whose organs are a little displaced, resized and bumpier."""
    truth, pred = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    for label, (middle, half_axes) in ORGANS.items():
        centre = np.array(middle) + rng.uniform(-8, 8, 3)
        radii = np.array(half_axes) * rng.uniform(0.9, 1.1, 3)
        phase = rng.uniform(0, 6, 3)
        paint_organ(truth, label, centre, radii, phase)
        paint_organ(pred, label, centre + rng.normal(0, 0.7, 3), radii * rng.normal(1, 0.02, 3), phase + 0.3)
    for _ in range(3):
        far = rng.uniform(20, np.array(SHAPE) - 20)
        paint_organ(pred, int(rng.integers(1, 6)), far, rng.uniform(2, 5, 3), np.zeros(3))
    write_nifti(folder / "gt" / f"{case_id}.nii.gz", truth)
    write_nifti(folder / "pred" / f"{case_id}.nii.gz", pred)


def paint_organ(labels: np.ndarray, label: int, centre: np.ndarray, radii: np.ndarray, phase: np.ndarray) -> None:
    """Fill an ellipsoid with waves on its surface."""
    low = np.maximum(centre - 1.3 * radii, 0).astype(int)
    high = np.minimum(centre + 1.3 * radii + 1, SHAPE).astype(int)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    x, y, z = ((np.ogrid[box][axis] - centre[axis]) / radii[axis] for axis in range(3))
    waves = 0.06 * (np.sin(5 * x + phase[0]) + np.sin(6 * y + phase[1]) + np.sin(4 * z + phase[2]))
    labels[box][x**2 + y**2 + z**2 + waves < 1] = label


def write_nifti(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(labels, np.diag([*SPACING_MM, 1.0]))
    path.write_bytes(gzip.compress(image.to_bytes(), 6, mtime=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=12)
    options = parser.parse_args()
    for number in range(options.cases):
        write_case(options.folder, f"ct_{number:03d}", np.random.default_rng([5, number]))


if __name__ == "__main__":
    main()
