"""The masks that the worked values of the boundary metrics speak of, made from their formulas."""

import hashlib
from dataclasses import dataclass

import numpy as np

from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.evidence.surfaces.surface import Surfaces
from tests.conftest import golden

ONE = (LabelClass(name="one", ids=(1,)),)


@dataclass(frozen=True, kw_only=True)
class Masks:
    """A binary prediction and its truth."""

    pred: np.ndarray
    truth: np.ndarray
    spacing_mm: tuple[float, ...]

    @property
    def labels(self) -> tuple[np.ndarray, np.ndarray]:
        """Prediction and truth as label images with the id 1."""
        return self.pred.astype(np.uint8), self.truth.astype(np.uint8)

    @property
    def surfaces(self) -> Surfaces:
        """Fresh evidence on them."""
        return surfaces_of(self.pred, self.truth, spacing_mm=self.spacing_mm)


def surfaces_of(pred: np.ndarray, truth: np.ndarray, *, spacing_mm: tuple[float, ...] | None = None) -> Surfaces:
    """Evidence on two binary masks."""
    pred, truth = (np.asarray(side).astype(np.uint8) for side in (pred, truth))
    return Surfaces.of(pred, truth, classes=ONE, spacing_mm=spacing_mm)


def ball(shape: tuple[int, ...], centre: tuple[float, ...], radius: float, spacing: tuple[float, ...]) -> np.ndarray:
    """All voxels at most `radius` mm from the centre."""
    x = np.stack(np.indices(shape), axis=-1)
    squares = (((x - centre) * spacing) ** 2).sum(axis=-1)
    inside: np.ndarray = squares <= radius**2
    return inside


def blobs(shape: tuple[int, ...], phase: float, level: float) -> np.ndarray:
    """A bumpy mask that touches the border of the image."""
    x = np.indices(shape)
    waves = sum(np.sin((0.55 + 0.13 * k) * along + phase * (k + 1)) for k, along in enumerate(x))
    waves = waves + 0.4 * np.sin(0.31 * sum((k + 1) * along for k, along in enumerate(x)) + 2 * phase)
    inside: np.ndarray = waves > level
    return inside


def _two_balls() -> Masks:
    shape, spacing = (24, 28, 20), (0.8, 0.8, 3.0)
    pred = ball(shape, (12, 12, 10), 6.0, spacing) | ball(shape, (20, 24, 3), 1.5, spacing)
    return Masks(pred=pred, truth=ball(shape, (11, 13, 9), 6.5, spacing), spacing_mm=spacing)


def _two_blobs(
    shape: tuple[int, ...], spacing: tuple[float, ...], *, pred: tuple[float, float], truth: tuple[float, float]
) -> Masks:
    return Masks(pred=blobs(shape, *pred), truth=blobs(shape, *truth), spacing_mm=spacing)


def _by_hand() -> Masks:
    arrays = golden("boundary")["arrays"]
    pred, truth = (np.array(arrays[f"T2.{side}"], dtype=bool) for side in ("pred", "truth"))
    return Masks(pred=pred, truth=truth, spacing_mm=tuple(arrays["T2.spacing_mm"]))


MASKS = {
    "F": _two_balls(),
    "R2": _two_blobs((23, 31), (0.7, 1.9), pred=(0.35, 0.30), truth=(0.0, 0.25)),
    "SQ": _two_blobs((24, 24), (0.7, 1.9), pred=(0.35, 0.30), truth=(0.0, 0.25)),
    "R3a": _two_blobs((13, 17, 11), (1.5, 0.6, 2.5), pred=(0.30, 0.55), truth=(0.0, 0.50)),
    "R3b": _two_blobs((16, 12, 14), (0.9, 0.9, 5.0), pred=(1.00, 0.90), truth=(0.75, 0.80)),
    "T2": _by_hand(),
}


def digest(mask: np.ndarray) -> str:
    """First 16 digits of the SHA-256 of the packed bits."""
    return hashlib.sha256(np.packbits(mask.astype(np.uint8)).tobytes()).hexdigest()[:16]


def whole_case_of(probs: np.ndarray, codes: np.ndarray) -> ProbMaps:
    """Maps that share out the probability, and the row of the true class of each voxel; negative ones are ignored."""
    channels = tuple(LabelClass(name=str(i), ids=(i,)) for i in range(len(probs)))
    return ProbMaps.of_array(probs, truth=codes, channels=channels, partition=len(probs)).whole_case
