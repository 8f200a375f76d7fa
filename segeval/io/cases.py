"""Read one pair of files into a case."""

from dataclasses import dataclass

import numpy as np

from segeval.core.case import Case
from segeval.core.shapes import SpacingMm
from segeval.errors import ConfigError
from segeval.io.geometry import align
from segeval.io.label_arrays import to_labels
from segeval.io.pairs import Pair
from segeval.io.volumes import Volume, read_volume


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How files become cases."""

    ignore: tuple[int, ...] = ()
    geometry_tol: float = 1e-3
    resample: bool = False
    ignore_geometry: bool = False
    spacing_mm: SpacingMm | None = None


def read_case(pair: Pair, reading: Reading) -> Case:
    """Both label images of a pair on the truth's grid; a missing prediction is read as background.

    Raises:
        DataError: a file cannot be read, holds no labels, or the two grids differ.
    """
    assert pair.truth is not None  # pairs without a truth are never scored
    truth = read_volume(pair.truth)
    truth_labels = to_labels(truth, ignore=reading.ignore)
    if pair.pred is None:
        pred_labels, notes = np.zeros_like(truth_labels), ()
    else:
        pred_labels, notes = _aligned(read_volume(pair.pred), truth, reading)
    return Case(
        case_id=pair.case_id,
        pred=pred_labels,
        truth=truth_labels,
        spacing_mm=_spacing(truth, reading),
        notes=(*truth.notes, *notes),
    )
