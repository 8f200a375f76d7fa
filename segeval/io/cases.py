"""Read one pair of files into a case."""

from dataclasses import dataclass, replace

import numpy as np

from segeval.core.case import Case
from segeval.core.shapes import SpacingMm
from segeval.errors import ConfigError
from segeval.io.geometry import align
from segeval.io.label_ids import to_labels
from segeval.io.pairs import Pair
from segeval.io.volumes import Volume, read_volume


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How files become cases; `spacing_mm` is for files that have none."""

    ignore: tuple[int, ...] = ()
    geometry_tol: float = 1e-3
    resample: bool = False
    ignore_geometry: bool = False
    spacing_mm: SpacingMm | None = None


def read_case(pair: Pair, reading: Reading) -> Case:
    """Both label images of a pair on the truth's grid; a missing prediction is read as background.

    Raises:
        ConfigError: `spacing_mm` does not fit the image.
        DataError: a file cannot be read, holds no labels, or the two grids differ.
    """
    if pair.truth is None:
        raise ValueError(f"{pair.case_id} has no truth, and is never scored")
    truth = read_volume(pair.truth)
    pred = read_volume(pair.pred) if pair.pred is not None else None
    return case_of(pair.case_id, pred=pred, truth=truth, reading=reading)


def case_of(case_id: str, *, pred: Volume | None, truth: Volume, reading: Reading) -> Case:
    """The case of two images that are read already; see `read_case`."""
    truth_labels = to_labels(truth, ignore=reading.ignore)
    spacing_mm = _spacing(truth, reading)
    if pred is None:
        return Case(
            case_id=case_id,
            pred=np.zeros_like(truth_labels),
            truth=truth_labels,
            spacing_mm=spacing_mm,
            notes=truth.notes,
        )
    pred_labels, notes = align(
        replace(pred, array=to_labels(pred, ignore=reading.ignore)),
        replace(truth, array=truth_labels),
        tolerance=reading.geometry_tol,
        resample=reading.resample,
        ignore=reading.ignore_geometry,
    )
    return Case(
        case_id=case_id,
        pred=pred_labels,
        truth=truth_labels,
        spacing_mm=spacing_mm,
        notes=(*truth.notes, *pred.notes, *notes),
    )


def _spacing(truth: Volume, reading: Reading) -> SpacingMm | None:
    if truth.spacing_mm is not None or reading.spacing_mm is None:
        return truth.spacing_mm
    if len(reading.spacing_mm) != len(truth.grid):
        said = ",".join(f"{one:g}" for one in reading.spacing_mm)
        raise ConfigError(
            f"--spacing {said} has {len(reading.spacing_mm)} lengths, and {truth.path} has {len(truth.grid)} axes. "
            "Give one length for each axis, in array axis order."
        )
    return reading.spacing_mm
