"""The masks that somebody may have compared in place of those we were given."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from segeval.evidence.case import Case
from segeval.evidence.shapes import SpacingMm

Axis = int | None


@dataclass(frozen=True, kw_only=True)
class View:
    """One way to see the masks of a case.

    Attributes:
        change: what is done to the arrays, a key of `_CHANGES`; empty leaves them be.
        axis: along which.
        threshold: of a probability map; None for the masks that segeval makes of it.
        slices: the axis along which a case is cut into 2-D images, whose values are averaged.
        empty_slices: what a slice counts that has no true voxel of the class: `skip` all that are empty on both sides,
            `truth` those without truth, or 1, or 0.
        spacing: the size of a voxel in place of the header's, a key of `_SPACINGS`.
        words: how a reader would say it.
    """

    change: str = ""
    axis: Axis = None
    threshold: float | None = None
    slices: Axis = None
    empty_slices: str = "skip"
    spacing: str = ""
    words: str = field(default="", compare=False, repr=False)

    @property
    def cost(self) -> float:
        """How far it is from the masks as they are."""
        return 0.0 if self == View() else 1.0

    def of(self, case: Case) -> Case:
        """The case as it was seen."""
        case = replace(case, spacing_mm=seen_spacing(case, self.spacing), instances=(None, None))
        if self.spacing:
            case = replace(case, axes_mm=None)
        if self.threshold is not None and case.probs is not None:
            case = replace(case, pred=_above(case, self.threshold))
        return _CHANGES[self.change](case, self.axis) if self.change else case


def slices_of(case: Case, axis: int) -> Iterator[Case]:
    """The 2-D images of a volume."""
    spacing = None if case.spacing_mm is None else tuple(np.delete(case.spacing_mm, axis).tolist())
    for i in range(case.shape[axis]):
        sides = {side: np.take(getattr(case, side), i, axis=axis) for side in ("pred", "truth")}
        yield replace(case, **sides, spacing_mm=spacing, axes_mm=None, probs=None)


def spacings_of(case: Case) -> Iterator[str]:
    """The ways in which a tool may have taken another size of a voxel."""
    if case.spacing_mm is not None and len(set(case.spacing_mm)) > 1:
        yield from ("none", "reversed", "first", "last", "mean")
    if case.pred_spacing_mm is not None:
        yield "pred"


def seen_spacing(case: Case, how: str) -> SpacingMm | None:
    spacing = case.spacing_mm
    if how == "pred":
        return case.pred_spacing_mm or spacing
    if spacing is None or not how:
        return spacing
    return {
        "none": None,
        "reversed": spacing[::-1],
        "first": (spacing[0],) * len(spacing),
        "last": (spacing[-1],) * len(spacing),
        "mean": (float(np.mean(spacing)),) * len(spacing),
    }[how]


def _above(case: Case, threshold: float) -> np.ndarray:
    """The likeliest class of each voxel where its probability is high enough, else background."""
    if case.probs is None or case.claims:
        return case.pred
    channels = zip(case.probs.layout.classes, case.probs.maps, strict=True)
    ids, maps = zip(*((row.ids[0], channel.probs()) for row, channel in channels if row.ids != (0,)), strict=True)
    likeliest = np.array(ids, dtype=case.pred.dtype)[np.argmax(maps, axis=0)]
    return np.where(np.max(maps, axis=0) >= threshold, likeliest, 0).astype(case.pred.dtype)


def _swapped(case: Case, _: Axis) -> Case:
    return replace(case, pred=case.truth, truth=case.pred)


def _flipped(case: Case, axis: Axis) -> Case:
    return replace(case, pred=np.flip(case.pred, axis=axis))


def _transposed(case: Case, _: Axis) -> Case:
    """The prediction with its axes in reverse; another shape cannot be compared, and nothing is."""
    turned = case.pred.T
    return replace(case, pred=turned if turned.shape == case.truth.shape else np.zeros_like(case.truth))


def _largest(case: Case, _: Axis) -> Case:
    return replace(case, pred=_largest_parts(case.pred))


def _largest_both(case: Case, _: Axis) -> Case:
    return replace(case, pred=_largest_parts(case.pred), truth=_largest_parts(case.truth))


def _largest_parts(labels: np.ndarray) -> np.ndarray:
    """Of each id its largest component, with corners and edges as neighbours."""
    from scipy import ndimage

    kept = np.zeros_like(labels)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        parts, n = ndimage.label(labels[box] == label, structure=np.ones((3,) * labels.ndim))
        sizes = np.bincount(parts.reshape(-1), minlength=n + 1)[1:]
        kept[box][parts == 1 + int(np.argmax(sizes))] = label
    return kept


def _cropped_truth(case: Case, _: Axis) -> Case:
    return _cropped(case, case.truth != 0)


def _cropped_both(case: Case, _: Axis) -> Case:
    return _cropped(case, (case.truth != 0) | (case.pred != 0))


def _cropped(case: Case, mask: np.ndarray) -> Case:
    if not mask.any():
        return case
    box = tuple(slice(int(where.min()), int(where.max()) + 1) for where in np.nonzero(mask))
    return replace(case, pred=case.pred[box], truth=case.truth[box])


def _halved(case: Case, _: Axis) -> Case:
    step = (slice(None, None, 2),) * len(case.shape)
    spacing = None if case.spacing_mm is None else tuple(2 * size for size in case.spacing_mm)
    return replace(case, pred=case.pred[step], truth=case.truth[step], spacing_mm=spacing)


def _resampled(case: Case, _: Axis) -> Case:
    """Both sides on a grid of 1 mm by the nearest voxel, as `scipy.ndimage.zoom` lays it."""
    from scipy import ndimage

    if case.spacing_mm is None:
        return case
    pred, truth = (ndimage.zoom(side, case.spacing_mm, order=0) for side in (case.pred, case.truth))
    return replace(case, pred=pred, truth=truth, spacing_mm=(1.0,) * len(case.shape))


_CHANGES: Mapping[str, Any] = {
    "swapped": _swapped,
    "flipped": _flipped,
    "transposed": _transposed,
    "largest": _largest,
    "largest_both": _largest_both,
    "cropped_truth": _cropped_truth,
    "cropped_both": _cropped_both,
    "halved": _halved,
    "resampled": _resampled,
}
