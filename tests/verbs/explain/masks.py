"""The masks behind the stored columns of other tools: six cases, three classes, some of them missed or made up."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

SPACING = (0.8, 1.0, 2.5)
SHAPE = (26, 22, 14)
CLASSES = (1, 2, 3)


def _ball(centre: tuple[int, ...], radii: tuple[float, ...]) -> np.ndarray:
    at = np.indices(SHAPE, dtype=np.float64)
    return sum(((x - c) / r) ** 2 for x, c, r in zip(at, centre, radii, strict=True)) <= 1


def cases() -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Prediction and truth by case; integers alone decide where a voxel lies, so that every machine has the same."""
    found = {}
    for i in range(6):
        truth, pred = np.zeros(SHAPE, dtype=np.uint8), np.zeros(SHAPE, dtype=np.uint8)
        truth[_ball((9, 8, 6), (7, 5 + i % 3, 4))] = 1
        pred[_ball((10, 8 + i % 2, 6), (6 + i % 2, 6, 3.5))] = 1
        truth[_ball((20, 15, 8), (4, 4, 3 + i % 2))] = 2
        pred[_ball((19, 15 - i % 3, 8), (4, 5, 3))] = 2
        pred[_ball((3, 18, 10), (2, 2, 1.5))] = 2  # a second component, a false alarm
        truth[_ball((6, 17, 4), (3, 3, 2))] = 3
        pred[_ball((6, 16 - i % 2, 4 + i % 2), (3, 2.5, 2))] = 3
        if i == 2:
            pred[pred == 3] = 0
        if i == 4:
            truth[truth == 3] = 0
        if i == 5:
            truth[truth == 3] = 0
            pred[pred == 3] = 0
        found[f"case_{i:02}"] = pred, truth
    return found


def write(folder: Path) -> None:
    """The cases as NIfTI files in `pred` and `truth`."""
    import nibabel as nib

    for case, sides in cases().items():
        for side, labels in zip(("pred", "truth"), sides, strict=True):
            (folder / side).mkdir(parents=True, exist_ok=True)
            image = nib.Nifti1Image(labels, np.diag([*SPACING, 1.0]))
            nib.save(image, folder / side / f"{case}.nii.gz")
