"""A prediction on the voxel grid of its truth, with the hard masks that it stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from segeval.errors import ConfigError, DataError
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.policies import PredKind
from segeval.evidence.probabilities.channels import BACKGROUND, Channels, Form, Layout, activated
from segeval.evidence.probabilities.hard_masks import distinct_ids, hard_mask
from segeval.evidence.shapes import Labels
from segeval.files.paths import printable
from segeval.images.geometry.geometry import Kind, align
from segeval.images.input_rules import InputRules
from segeval.images.labels.colors import matched_palette
from segeval.images.labels.label_ids import distinct, labelled, with_ids_moved
from segeval.images.predictions.class_masks import LabelImage
from segeval.images.predictions.predictions import Prediction
from segeval.images.predictions.probabilities import checked_images, map_of, sums_are_one
from segeval.images.readers.volumes import Volume


@dataclass(frozen=True, kw_only=True)
class OnGrid:
    """What a case takes from its prediction."""

    labels: Labels
    probs: Channels | None = None
    claims: Mapping[int, tuple[LabelClass, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def on_grid(pred: Prediction, truth: Volume, form: Form, rules: InputRules) -> OnGrid:
    """Bring a prediction onto the grid of its truth, whose array holds labels.

    Raises:
        DataError: values are not what they are said to be, or the two grids differ.
    """
    if form.layout is None:
        return _labels_on_grid(pred, truth, rules)
    if rules.pred_ids:
        raise ConfigError("--pred-ids: predictions are maps, and have no ids. Say what they are of with --channels.")
    _check_truth(truth, form.layout, rules.labels)
    pred = pred.placed(truth)
    if not rules.resample:
        _placed(pred.images[0], truth, rules, kind="probs")  # a wrong grid is told first: it explains wrong values
    images = checked_images(pred, form.layout, form.kind, clip=rules.clip_probs)
    doubts = _doubts(images, form.kind, form.layout)
    if form.kind == "logits" and rules.resample:  # between voxels lie probabilities, not logits
        return _probs_on_grid(_as_probs(images, form.layout), truth, "probs", form.layout, rules, doubts)
    return _probs_on_grid(images, truth, form.kind, form.layout, rules, doubts)


def _labels_on_grid(pred: Prediction, truth: Volume, rules: InputRules) -> OnGrid:
    image = matched_palette(pred.images[0].scaled(), rules.palette)
    labels = labelled(image, side="pred", ignore=rules.labels.ignore, rounding=rules.round_labels)
    if rules.pred_ids:
        labels = replace(labels, array=with_ids_moved(labels.array, rules.pred_ids))
    placed = _placed(labels, truth, rules, kind="labels")
    if not pred.claims:
        return OnGrid(labels=placed.array, notes=placed.notes)
    apart = LabelImage(volume=placed, claims=pred.claims).apart_from(distinct_ids(truth.array))
    return OnGrid(labels=apart.volume.array, claims=apart.claims, notes=placed.notes)


def _probs_on_grid(
    images: Sequence[Volume],
    truth: Volume,
    kind: PredKind,
    layout: Layout,
    rules: InputRules,
    doubts: Sequence[str],
) -> OnGrid:
    placed = [
        _placed(image, truth, rules, kind="probs", outside=float(of.ids == BACKGROUND.ids))
        for image, of in zip(images, layout.classes, strict=True)
    ]
    channels = _channels(placed, kind, layout)
    labels, claims = hard_mask(channels, truth.array)
    notes = dict.fromkeys(note for image in placed for note in image.notes)
    return OnGrid(
        labels=labels,
        probs=activated(channels) if kind == "logits" else channels,
        claims=claims,
        notes=(*notes, *doubts),
    )


def _doubts(images: Sequence[Volume], kind: PredKind, layout: Layout) -> list[str]:
    if kind == "logits":
        in_range = all(image.levels is None and image.array.min() >= 0 and image.array.max() <= 1 for image in images)
        return ["all logits lie between 0 and 1: pass --pred-kind probs if they are probabilities"] * in_range
    if layout.exclusive or len(images) == 1 or not sums_are_one(images):
        return []
    return [f"{layout}, and yet those of each voxel add up to 1: is one of them background?"]


def _placed(image: Volume, truth: Volume, rules: InputRules, *, kind: Kind, outside: float = 0.0) -> Volume:
    array, notes = align(
        image,
        truth,
        tolerance=rules.geometry_tol,
        resample=rules.resample,
        ignore=rules.ignore_geometry,
        kind=kind,
        outside=outside,
    )
    was_scaled = array.dtype != image.array.dtype
    return replace(image, array=array, levels=None if was_scaled else image.levels, notes=(*image.notes, *notes))


def _channels(images: Sequence[Volume], kind: PredKind, layout: Layout) -> Channels:
    return Channels(maps=tuple(map_of(image, kind) for image in images), layout=layout)


def _as_probs(images: Sequence[Volume], layout: Layout) -> list[Volume]:
    maps = activated(_channels(images, "logits", layout)).maps
    return [replace(image, array=prob_map.probs()) for image, prob_map in zip(images, maps, strict=True)]


def _check_truth(truth: Volume, layout: Layout, labels: LabelMap) -> None:
    """Where the channels alone say which ids are classes, the truth may hold no other."""
    if labels.classes is not None or not layout.exclusive:
        return
    known = {0, *labels.ignore, *(label for of in layout.classes for label in of.ids)}
    strange = sorted(set(distinct(truth.array.ravel(order="K")).tolist()) - known)
    if strange:
        raise DataError(
            f"{printable(truth.path)}: holds id {strange[0]}, and the prediction is {layout}. "
            f"Name the classes of the channels with --labels, or pass --ignore-label {strange[0]}."
        )
