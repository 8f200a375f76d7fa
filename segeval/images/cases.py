"""Read one pair of files into a case."""

from dataclasses import replace

import numpy as np

from segeval.errors import ConfigError, DataError
from segeval.evidence.case import Case
from segeval.evidence.grid import skewed_axes
from segeval.evidence.lesions.lesions import Instances
from segeval.evidence.probabilities.hard_masks import distinct_ids
from segeval.evidence.shapes import SpacingMm
from segeval.files.paths import printable
from segeval.images.confidences import of_case
from segeval.images.forms import form_of
from segeval.images.input_rules import InputRules
from segeval.images.labels.colors import matched_palette
from segeval.images.labels.greys import refuse_greys
from segeval.images.labels.label_ids import labelled
from segeval.images.on_grid import OnGrid, on_grid
from segeval.images.pairing.pairs import Pair
from segeval.images.predictions.class_masks import LabelImage, without_ids
from segeval.images.predictions.named_masks import on_one_grid
from segeval.images.predictions.predictions import Prediction, refuse_other_axis
from segeval.images.readers.volumes import Volume

_OF_STACKS = ", or each case alone where the first axis counts cases"


def read_case(pair: Pair, rules: InputRules) -> Case:
    """Both sides of a pair on the truth's grid; a missing prediction is read as background.

    Raises:
        ConfigError: `spacing_mm` does not fit the image.
        DataError: a file cannot be read or holds something else than it should, or the grids differ.
    """
    truth = rules.truth_of(pair)
    pred = rules.take(pair) if pair.pred is not None else None
    case = case_of(pair.case_id, pred=pred, truth=truth, rules=rules)
    if pair.pred_instances is None and pair.truth_instances is None:
        return case
    from segeval.images.instances import read_instance_maps, with_instances

    return with_instances(case, read_instance_maps(pair, rules.orientation), truth.volume, rules)


def case_of(case_id: str, *, pred: Prediction | None, truth: LabelImage, rules: InputRules) -> Case:
    """The case of two sides that are read already; see `read_case`."""
    if pred is not None and not rules.ignore_geometry:
        images, whole = on_one_grid(pred.images, truth.volume)
        pred, truth = replace(pred, images=images), replace(truth, volume=whole)
    pred = None if pred is None else pred.with_ids_moved(rules.pred_ids, rules.labels)
    instances: Instances = (None if pred is None else pred.instances, truth.instances)
    if rules.instances:
        from segeval.images.instances import maps_as_masks

        predicted, volume, instances = maps_as_masks(pred, truth, rules)
    else:
        predicted, volume = _labels_of_both(pred, truth, rules)
    return Case(
        case_id=case_id,
        pred=predicted.labels,
        truth=volume.array,
        spacing_mm=spacing_of(volume, rules),
        axes_mm=None if volume.affine is None else skewed_axes(volume.affine[:3, :-1]),
        pred_spacing_mm=_other_spacing(pred, volume) if rules.ignore_geometry else None,
        probs=predicted.probs,
        instances=instances,
        claims={**truth.claims, **predicted.claims},
        confidences=of_case(rules.confidences, case_id),
        notes=tuple(dict.fromkeys((*volume.notes, *predicted.notes))),
    )


def _labels_of_both(pred: Prediction | None, truth: LabelImage, rules: InputRules) -> tuple[OnGrid, Volume]:
    volume = matched_palette(truth.volume, rules.palette)
    refuse_greys(volume, rules.labels, side="truth")
    volume = labelled(volume, side="truth", ignore=rules.labels.ignore, rounding=rules.round_labels)
    if pred is None:
        return OnGrid(labels=np.zeros_like(volume.array)), volume
    refuse_other_axis(pred, volume, rules.channel_axis)
    form = form_of(pred, rules)
    if form.layout is None and pred.images[0].levels is None:
        refuse_greys(pred.images[0], rules.labels, side="pred", beside=volume.array)
    predicted = on_grid(pred, volume, form, rules)
    return _beside_claims(predicted, truth, in_files=bool(pred.names)) if truth.claims else predicted, volume


def _beside_claims(predicted: OnGrid, truth: LabelImage, *, in_files: bool) -> OnGrid:
    """The prediction beside a truth whose classes share voxels, so that no id means two things."""
    if predicted.probs is not None:
        first = next(iter(truth.claims.values()))
        apart = "Name" if in_files else "Write the map of each as a file of its own (case/class.nii.gz), name"
        raise DataError(
            f"{printable(truth.volume.path)}: {' and '.join(row.name for row in first)} share voxels, and maps are "
            f"scored against classes that do not. {apart} one of them with --labels, and score the others apart"
            f"{in_files * '; or pass --pred-kind labels if they are masks of 0 and 1'}."
        )
    strange = (distinct_ids(predicted.labels) & {*truth.claims}) - {*predicted.claims}
    return replace(predicted, labels=without_ids(predicted.labels, strange)) if strange else predicted


def _other_spacing(pred: Prediction | None, truth: Volume) -> SpacingMm | None:
    """What the prediction's header says of the same voxels, where it is not what the truth's says."""
    found = None if pred is None or pred.images[0].grid != truth.grid else pred.images[0].spacing_mm
    return None if found is None or np.allclose(found, truth.spacing_mm or 0.0, rtol=1e-5) else found


def spacing_of(truth: Volume, rules: InputRules) -> SpacingMm | None:
    """Size of a voxel: that of the file, or the one that was given for files without."""
    if truth.spacing_mm is not None or rules.spacing_mm is None:
        return truth.spacing_mm
    if len(rules.spacing_mm) != len(truth.grid):
        said = ",".join(f"{one:g}" for one in rules.spacing_mm)
        is_stack = truth.affine is None and (len(rules.spacing_mm), len(truth.grid)) == (2, 3)
        raise ConfigError(
            f"--spacing {said} has {len(rules.spacing_mm)} lengths, and {truth.path} has {len(truth.grid)} axes. "
            f"Give one length for each axis, in array axis order{is_stack * _OF_STACKS}."
        )
    return rules.spacing_mm
