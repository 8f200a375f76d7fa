"""What the tests of the command line are given: small images, folders of them, and eyes for what was written."""

import csv
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_data"
IS_ROOT = getattr(os, "geteuid", lambda: 1)() == 0  # whom no permission stops


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a command left behind: its exit code and what it said where."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


def ids(*rows: str) -> np.ndarray:
    """A label image as it looks: `ids("0110", "0220")` has two rows of four pixels."""
    return np.array([[int(one) for one in row] for row in rows], dtype=np.uint8)


def write_image(path: Path, array: np.ndarray, *, affine: np.ndarray | None = None) -> Path:
    """Write a label image in the format that its name asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name.endswith((".nii", ".nii.gz")):
        nibabel.save(nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine), path)
    elif path.suffix == ".png":
        Image.fromarray(array).save(path)
    else:
        np.save(path, array)
    return path


def write_cases(folder: Path, cases: Mapping[str, np.ndarray]) -> Path:
    """Write one `.npy` file per case."""
    for name, array in cases.items():
        write_image(folder / f"{name}.npy", array)
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, by column."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def columns_of(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def cell(path: Path, column: str, **where: str) -> str:
    """The one cell of a column in the row that fits; `class_` stands for the column `class`."""
    wanted = {name.rstrip("_"): value for name, value in where.items()}
    found = [row[column] for row in rows_of(path) if all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1, f"{len(found)} rows are {wanted}"
    return found[0]


def number(path: Path, column: str, **where: str) -> float:
    """The same cell as a number."""
    return float(cell(path, column, **where))


def strict_json(text: str) -> Any:
    """Parse JSON that holds neither NaN nor Infinity."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too, with its bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def large_cases(kind: str) -> list[str]:
    """Write two cases of masks or of maps, and give the command that scores them in slabs."""
    rng = np.random.default_rng(7)
    for name in "ab":
        middle = rng.uniform(20, 40, 3)
        distance = np.sqrt(sum((axis - at) ** 2 for axis, at in zip(np.ogrid[:56, :60, :64], middle, strict=True)))
        truth = np.digitize(-distance, [-18, -9]).astype(np.uint8)
        write_image(Path("truth", f"{name}.nii.gz"), truth)
        if kind == "probs":
            logits = np.stack([np.full(truth.shape, -2.0), -abs(distance - 14) / 3, (8 - distance) / 3], axis=-1)
            probs = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
            write_image(Path("pred", f"{name}.nii.gz"), probs.astype(np.float32))
        else:
            write_image(Path("pred", f"{name}.nii.gz"), np.roll(truth, 2, axis=0))
    measures = "dice,dice_loss,cross_entropy_loss,ece,brier" if kind == "probs" else "dice,nsd,boundary_iou"
    limit = "154MiB" if kind == "probs" else "151MiB"
    return ["score", "pred", "truth", "-m", measures, "--max-memory", limit]
