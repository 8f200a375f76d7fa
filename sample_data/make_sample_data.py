"""Make the sample data: phantoms with predictions, probability maps and images, and a small 2-D set.

Run `python sample_data/make_sample_data.py [FOLDER]`. The seed is fixed, so the same libraries write the same bytes.
All 3-D shapes are levels in millimetres, positive inside, as in a signed distance: a truth is where a level is
positive, a probability is a sigmoid of a level that went wrong on purpose, a prediction is the arg-max of the maps.
"""

import gzip
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, shift
from scipy.spatial import cKDTree

Field = NDArray[np.float64]
Ids = NDArray[np.uint8]
Rng = np.random.Generator

SEED = 20240
SIDE = 96  # voxels in plane, the same in every case, so that slices stack into batches
LABELS = {1: "organ", 2: "vessel", 3: "lesion"}
CELL_LABELS = {1: "cell", 2: "nucleus", 3: "debris"}
VOID = 255

# Grey levels of body, organ, vessel and lesion: a lesion lies between organ and body, as the organ's blurred rim does.
GREYS = np.array([22.0, 36.0, 46.0, 29.0])
GREY_NOISE = 2.5  # noise hardly compresses, so this decides the size of the folder
GREY_SLOPE = 4.0

# Certainty of the network about each kind of lesion: (is real, lowest, highest). Above 0.5 it reaches the prediction.
LESION_KINDS = {
    "found": (True, 0.62, 0.97),
    "missed": (True, 0.12, 0.45),
    "false_alarm": (False, 0.55, 0.75),
    "doubt": (False, 0.20, 0.48),
}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one case is made, and in which ways its prediction goes wrong."""

    slices: int
    spacing_mm: tuple[float, float, float]
    error_mm: float
    bias_mm: float = 0.0
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    found: int = 2
    missed: int = 0
    false_alarm: int = 0
    doubt: int = 1
    strays: int = 0


CASES = {
    "case_01": Recipe(slices=16, spacing_mm=(0.8, 0.8, 3.0), error_mm=0.4, found=3),
    "case_02": Recipe(slices=16, spacing_mm=(0.8, 0.8, 3.0), error_mm=0.7, missed=1),
    "case_03": Recipe(slices=15, spacing_mm=(0.75, 0.75, 3.2), error_mm=0.8, bias_mm=-0.8, strays=1),
    "case_04": Recipe(slices=17, spacing_mm=(0.82, 0.82, 2.8), error_mm=0.6, false_alarm=1),
    "case_05": Recipe(slices=16, spacing_mm=(0.78, 0.78, 3.0), error_mm=0.5, found=0),
    "case_06": Recipe(slices=14, spacing_mm=(0.8, 0.8, 3.5), error_mm=1.5, shift_mm=(2.4, -1.6, 0.0), missed=1),
    "case_07": Recipe(slices=16, spacing_mm=(0.85, 0.85, 3.0), error_mm=1.0, found=0, missed=2),
    "case_08": Recipe(slices=18, spacing_mm=(0.75, 0.75, 2.6), error_mm=0.35, found=4, missed=1),
    "case_09": Recipe(
        slices=16, spacing_mm=(0.8, 0.8, 3.0), error_mm=1.2, bias_mm=1.2, found=1, false_alarm=1, strays=2
    ),
    "case_10": Recipe(
        slices=15,
        spacing_mm=(0.8, 0.8, 3.0),
        error_mm=1.8,
        bias_mm=-2.4,
        shift_mm=(-1.6, 1.6, 1.5),
        missed=1,
        strays=1,
    ),
    "case_11": Recipe(slices=16, spacing_mm=(0.72, 0.72, 3.0), error_mm=0.6, found=3, missed=1),
    "case_12": Recipe(slices=17, spacing_mm=(0.8, 0.8, 2.8), error_mm=0.9, bias_mm=-1.8, shift_mm=(0.0, 1.6, 0.0)),
}


@dataclass(frozen=True, kw_only=True)
class Lesion:
    level: Field
    is_real: bool
    certainty: float


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    organ: Field
    vessel: Field
    lesions: tuple[Lesion, ...]


def write_sample(folder: Path) -> None:
    """Write every file of the sample, except this script and the README, below `folder`."""
    for number, (case_id, recipe) in enumerate(CASES.items()):
        write_case(folder, f"{case_id}.nii.gz", recipe, np.random.default_rng([SEED, number]))
    for number in range(6):
        write_cells(folder / "png", f"cells_{number + 1:02d}.png", np.random.default_rng([SEED, 100 + number]), number)
    write_names(folder / "labels.yaml", LABELS)
    write_names(folder / "png" / "labels.yaml", CELL_LABELS)


def write_case(folder: Path, name: str, recipe: Recipe, rng: Rng) -> None:
    xyz = coordinates_mm((SIDE, SIDE, recipe.slices), recipe.spacing_mm)
    anatomy = make_anatomy(xyz, recipe, rng)
    truth = true_labels(anatomy)
    steps = stored_steps(predicted_probabilities(xyz, anatomy, recipe, rng))
    affine = np.diag([*recipe.spacing_mm, 1.0])
    affine[:3, 3] = xyz[:, 0, 0, 0] + np.rint(rng.uniform(-100, 100, 3))
    write_nifti(folder / "gt" / name, truth, affine)
    write_nifti(folder / "pred" / name, steps.argmax(axis=-1).astype(np.uint8), affine)
    write_nifti(folder / "probs" / name, steps, affine, slope=1 / 255)
    write_nifti(folder / "images" / name, grey_image(xyz, truth, recipe, rng), affine, slope=GREY_SLOPE)


# Shapes


def coordinates_mm(shape: tuple[int, ...], spacing_mm: tuple[float, ...]) -> Field:
    """Position of every voxel from the centre of the grid, one map per axis."""
    axes = [(np.arange(size) - (size - 1) / 2) * step for size, step in zip(shape, spacing_mm, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"))


def smooth_noise(shape: tuple[int, ...], spacing_mm: tuple[float, ...], scale_mm: float, rng: Rng) -> Field:
    """A random field of standard deviation 1 whose bumps are about `scale_mm` wide."""
    field = gaussian_filter(rng.standard_normal(shape), [scale_mm / step for step in spacing_mm])
    return field / field.std()


def ball(xyz: Field, centre: Field, radius_mm: float) -> Field:
    return radius_mm - np.sqrt(sum((axis - middle) ** 2 for axis, middle in zip(xyz, centre, strict=True)))


def make_anatomy(xyz: Field, recipe: Recipe, rng: Rng) -> Anatomy:
    shape = xyz.shape[1:]
    hilum = np.array([rng.uniform(20, 23), rng.uniform(-5, 5), rng.uniform(-3, 3)])
    organ = bean(xyz, hilum, rng) + 1.5 * smooth_noise(shape, recipe.spacing_mm, 7.0, rng)
    vessel = tube(xyz, vessel_path(hilum, rng), rng.uniform(2.2, 3.0))
    lesions: list[Lesion] = []
    for kind in [name for name in LESION_KINDS for _ in range(getattr(recipe, name))]:
        taken = np.maximum.reduce([vessel, *(lesion.level for lesion in lesions)])
        lesions.append(make_lesion(xyz, organ, taken, kind, recipe, rng))
    return Anatomy(organ=organ, vessel=vessel, lesions=tuple(lesions))


def bean(xyz: Field, hilum: Field, rng: Rng) -> Field:
    """An ellipsoid with a dent at the hilum."""
    radii = np.array([rng.uniform(22, 25), rng.uniform(17, 21), rng.uniform(15, 18)])
    centre = rng.uniform(-2, 2, 3)
    middle = xyz - (centre - np.array([5, 0, 0]))[:, None, None, None]
    distance = np.sqrt(((middle / radii[:, None, None, None]) ** 2).sum(axis=0))
    dent = np.exp(-((xyz - hilum[:, None, None, None]) ** 2).sum(axis=0) / (2 * 6.0**2))
    return (1 - distance) * radii.min() - 10 * dent


def vessel_path(hilum: Field, rng: Rng) -> Field:
    """Points along a trunk that passes the hilum, and along a branch that enters there."""
    height = np.linspace(-32, 32, 80)
    trunk = hilum + np.stack([6 + 2 * np.sin(height / 9), 2 * np.cos(height / 7), height], axis=1)
    along = np.linspace(0, 1, 60)[:, None]
    tip = np.array([rng.uniform(-14, -8), rng.uniform(-6, 6), rng.uniform(-5, 5)])
    bend = np.array([0.0, rng.uniform(-4, 4), 0.0]) * np.sin(np.pi * along)
    branch = (1 - along) * (hilum + np.array([7, 2, 0])) + along * tip + bend
    return np.concatenate([trunk, branch])


def tube(xyz: Field, path: Field, radius_mm: float) -> Field:
    distance, _ = cKDTree(path).query(xyz.reshape(3, -1).T)
    return radius_mm - distance.reshape(xyz.shape[1:])


def make_lesion(xyz: Field, organ: Field, taken: Field, kind: str, recipe: Recipe, rng: Rng) -> Lesion:
    """A bumpy ball inside the organ, clear of the vessel and of other lesions."""
    is_real, lowest, highest = LESION_KINDS[kind]
    radius_mm = rng.uniform(2.8, 5.0)
    room = np.argwhere((organ > 0.8 * radius_mm) & (taken < -radius_mm - 2.5))
    centre = xyz[:, *room[rng.integers(len(room))]]
    level = ball(xyz, centre, radius_mm) + 0.5 * smooth_noise(xyz.shape[1:], recipe.spacing_mm, 3.0, rng)
    return Lesion(level=level, is_real=is_real, certainty=rng.uniform(lowest, highest))


def true_labels(anatomy: Anatomy) -> Ids:
    labels = (anatomy.organ > 0).astype(np.uint8)
    for lesion in anatomy.lesions:
        if lesion.is_real:
            labels[(lesion.level > 0) & (anatomy.organ > 0)] = 3
    labels[anatomy.vessel > 0] = 2
    return labels


# Predictions


def predicted_probabilities(xyz: Field, anatomy: Anatomy, recipe: Recipe, rng: Rng) -> Field:
    """Softmax of background, organ, vessel and lesion: too sure of the organ, too unsure of the lesions."""
    organ = sigmoid(gone_wrong(anatomy.organ, recipe, rng) / 0.5)
    for _ in range(recipe.strays):
        organ = np.maximum(organ, stray_island(xyz, anatomy, rng))
    vessel = sigmoid((gone_wrong(anatomy.vessel, recipe, rng, share=0.3) - 0.2) / 0.4)
    lesion = np.zeros_like(organ)
    for blob in anatomy.lesions:
        lesion = np.maximum(lesion, blob.certainty * sigmoid(gone_wrong(blob.level, recipe, rng, share=0.4)))
    inside = (1 - vessel) * organ
    return np.stack([(1 - vessel) * (1 - organ), inside * (1 - lesion), vessel, inside * lesion], axis=-1)


def gone_wrong(level: Field, recipe: Recipe, rng: Rng, *, share: float = 1.0) -> Field:
    """The level after a shift, a constant error and a smooth random one; `share` scales them for small shapes."""
    steps = [share * mm / step for mm, step in zip(recipe.shift_mm, recipe.spacing_mm, strict=True)]
    error = recipe.error_mm * smooth_noise(level.shape, recipe.spacing_mm, 5.0, rng) + recipe.bias_mm
    return shift(level, steps, order=1, mode="nearest") + share * error


def stray_island(xyz: Field, anatomy: Anatomy, rng: Rng) -> Field:
    """Probability of a small ball of organ where there is none, far from it."""
    room = np.argwhere((anatomy.organ < -7) & (anatomy.vessel < -6) & (ball(xyz, np.zeros(3), 33.0) > 0))
    centre = xyz[:, *room[rng.integers(len(room))]]
    return 0.8 * sigmoid(ball(xyz, centre, 2.5) / 0.5)


def sigmoid(logit: Field) -> Field:
    return 1 / (1 + np.exp(-logit))


def stored_steps(probs: Field) -> Ids:
    """Probabilities in steps of 1/255; rounding their running sum keeps every total at exactly 255."""
    return np.diff(np.rint(255 * probs.cumsum(axis=-1)), axis=-1, prepend=0).astype(np.uint8)


def grey_image(xyz: Field, truth: Ids, recipe: Recipe, rng: Rng) -> Ids:
    """What a scanner would show: blurred classes, texture, an uneven field and noise; the air is empty."""
    shape, spacing_mm = truth.shape, recipe.spacing_mm
    sharp = GREYS[truth] + np.where(truth == 0, 2.5, 0.7) * smooth_noise(shape, spacing_mm, 3.0, rng)
    uneven = 1 + 0.08 * smooth_noise(shape, spacing_mm, 25.0, rng)
    noisy = gaussian_filter(sharp, (0.7, 0.7, 0.0)) * uneven + GREY_NOISE * rng.standard_normal(shape)
    body = (xyz[0] / xyz[0].max()) ** 2 + (xyz[1] / xyz[1].max()) ** 2 < 0.95
    return np.where(body | (truth > 0), np.rint(noisy).clip(1, 255), 0).astype(np.uint8)


# The 2-D set


def write_cells(folder: Path, name: str, rng: Rng, number: int) -> None:
    """A palette image of cells as truth, a grey one as prediction: the later, the worse, and two with a void region."""
    xy = coordinates_mm((128, 128) if number % 2 == 0 else (96, 128), (1.0, 1.0))
    shapes = [shape for _ in range(7) for shape in draw_cell(xy, rng)]
    shapes += [(3, draw_ball(xy, 2.5, rng)) for _ in range(8)]
    truth = paint(shapes)
    error = 0.5 + 0.4 * number
    pred = paint([(label, level + error * smooth_noise(level.shape, (1.0, 1.0), 4.0, rng)) for label, level in shapes])
    if number in (1, 4):
        truth[ball(xy, np.array([30.0, -45.0]), 18.0) > 0] = VOID
    write_png(folder / "gt" / name, truth, palette=True)
    write_png(folder / "pred" / name, pred, palette=False)


def draw_cell(xy: Field, rng: Rng) -> list[tuple[int, Field]]:
    """A cell and its nucleus, each with its label."""
    cell = draw_ball(xy, rng.uniform(10, 17), rng)
    nucleus = cell - 0.55 * cell.max() + 0.8 * smooth_noise(cell.shape, (1.0, 1.0), 5.0, rng)
    return [(1, cell), (2, nucleus)]


def draw_ball(xy: Field, radius: float, rng: Rng) -> Field:
    centre = [rng.uniform(axis.min() + 5, axis.max() - 5) for axis in xy]
    return ball(xy, np.array(centre), radius) + smooth_noise(xy.shape[1:], (1.0, 1.0), 6.0, rng)


def paint(shapes: list[tuple[int, Field]]) -> Ids:
    """Label image of the shapes, higher labels on top."""
    labels = np.zeros(shapes[0][1].shape, np.uint8)
    for label, level in sorted(shapes, key=lambda shape: shape[0]):
        labels[level > 0] = label
    return labels


# Files


def write_nifti(path: Path, stored: Ids, affine: Field, *, slope: float | None = None) -> None:
    """Write stored integers as they are; readers multiply them by the slope."""
    image: Any = nib.Nifti1Image(stored, affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner")
    if slope is not None:
        image.header.set_slope_inter(slope, 0.0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(image.to_bytes(), 9, mtime=0))


def write_png(path: Path, labels: Ids, *, palette: bool) -> None:
    image = Image.fromarray(labels)
    if palette:
        image.putpalette([0, 0, 0, 90, 160, 90, 60, 80, 200, 220, 160, 40] + [0, 0, 0] * 251 + [255, 255, 255])
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, compress_level=9)


def write_names(path: Path, names: dict[int, str]) -> None:
    path.write_text("".join(f"{label}: {name}\n" for label, name in names.items()), newline="\n")


if __name__ == "__main__":
    write_sample(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
