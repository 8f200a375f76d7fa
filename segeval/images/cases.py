"""Read one pair of files into a case."""

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.case import Case
from segeval.evidence.grid import skewed_axes
from segeval.evidence.shapes import SpacingMm
from segeval.images.geometry.on_grid import OnGrid, on_grid
from segeval.images.labels.label_ids import labelled
from segeval.images.pairing.pairs import Pair
from segeval.images.predictions.forms import form_of
from segeval.images.predictions.predictions import Prediction
from segeval.images.readers.readers import read_volume
from segeval.images.readers.reading import Reading
from segeval.images.readers.volumes import Volume


def read_case(pair: Pair, reading: Reading) -> Case:
    """Both sides of a pair on the truth's grid; a missing prediction is read as background.

    Raises:
        ConfigError: `spacing_mm` does not fit the image.
        DataError: a file cannot be read or holds something else than it should, or the grids differ.
    """
    if pair.truth is None:
        raise ValueError(f"{pair.case_id} has no truth, and is never scored")
    truth = read_volume(pair.truth)
    pred = reading.take(pair) if pair.pred is not None else None
    case = case_of(pair.case_id, pred=pred, truth=truth, reading=reading)
    if pair.pred_instances is None and pair.truth_instances is None:
        return case
    from segeval.images.predictions.instances import read_instance_maps, with_instances

    return with_instances(case, read_instance_maps(pair), truth, reading)


def case_of(case_id: str, *, pred: Prediction | None, truth: Volume, reading: Reading) -> Case:
    """The case of two sides that are read already; see `read_case`."""
    truth = labelled(truth, side="truth", ignore=reading.labels.ignore, rounding=reading.round_labels)
    if pred is None:
        predicted = OnGrid(labels=np.zeros_like(truth.array))
    else:
        predicted = on_grid(pred, truth, form_of(pred, reading), reading)
    return Case(
        case_id=case_id,
        pred=predicted.labels,
        truth=truth.array,
        spacing_mm=_spacing(truth, reading),
        axes_mm=None if truth.affine is None else skewed_axes(truth.affine[:3, :-1]),
        probs=predicted.probs,
        claims=predicted.claims,
        notes=(*truth.notes, *predicted.notes),
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
