"""Bring a prediction onto the voxel grid of its truth: the same voxels in another order, or resampled."""

from typing import Any, Literal

import numpy as np

from segeval.errors import DataError
from segeval.files.paths import printable
from segeval.images.geometry.grids import Reordering, WorldGrid, grid_of, nearest_reordering
from segeval.images.readers.volumes import Volume

Kind = Literal["labels", "probs"]


def align(
    pred: Volume,
    truth: Volume,
    *,
    tolerance: float = 1e-3,
    resample: bool = False,
    ignore: bool = False,
    kind: Kind = "labels",
    outside: float = 0.0,
) -> tuple[Any, tuple[str, ...]]:
    """The prediction's array on the truth's grid, with notes of what was done.

    Labels come in the memory layout of the truth, probabilities as a view where they are not resampled.

    Args:
        tolerance: how many voxels a corner of the grid may lie off, a voxel being a cube of its volume.
        resample: put a prediction that lies on another grid onto the truth's.
        ignore: compare the arrays voxel by voxel, wherever they lie.
        kind: labels are resampled by nearest neighbour, probabilities linearly.
        outside: what a resampled probability is where the prediction has no voxels.

    Raises:
        DataError: the grids differ, and what was asked for does not make them one.
    """
    if ignore or (pred.affine is None and truth.affine is None):
        return _laid_out(_of_same_shape(pred, truth), truth, kind), ()
    if pred.affine is None or truth.affine is None:
        raise DataError(_only_one_world(pred, truth))
    if pred.n_space != truth.n_space:
        raise DataError(f"{_differences(pred, truth)}. Store both as 2-D or both as 3-D images.")
    source, target = grid_of(pred.affine, pred.grid), grid_of(truth.affine, truth.grid)
    reordering = nearest_reordering(source, target)
    if reordering and reordering.apart <= tolerance and reordering.is_identity:
        return _laid_out(pred.array, truth, kind), ()
    pred.only_as_numpy()
    if reordering and reordering.apart <= tolerance:
        array = reordering.apply(_in_3d(pred))
        notes = (f"axes {orientation(pred.affine)} reordered to {orientation(truth.affine)}",)
    elif resample:
        array = _resampled(pred.scaled(), truth, source, target, kind, outside)
        notes = (f"resampled: {_differences(pred, truth)}",)
    else:
        way = _other_form(pred, truth, tolerance) or _remedy(pred, truth)
        raise DataError(f"{_differences(pred, truth)}{_apart(reordering)}. {way}")
    return _laid_out(array if pred.n_space == 3 else array.squeeze(2), truth, kind), notes


def _other_form(pred: Volume, truth: Volume, tolerance: float) -> str:
    """What to pass where the two grids are one by the other form of their headers."""
    forms = {image.form for image in (pred, truth) if image.form and image.other_affine is not None}
    others = [image.affine if image.other_affine is None else image.other_affine for image in (pred, truth)]
    if len(forms) != 1 or others[0] is None or others[1] is None:
        return ""
    reordering = nearest_reordering(grid_of(others[0], pred.grid), grid_of(others[1], truth.grid))
    if reordering is None or reordering.apart > tolerance:
        return ""
    taken = forms.pop()
    other = "qform" if taken == "sform" else "sform"
    return (
        f"By their {other} in place of the {taken} they are one grid: pass --orientation {other}, or mend the header."
    )


def orientation(affine: np.ndarray) -> str:
    """Where each array axis mostly points: `RAS` is right, anterior, superior.

    Example:
        >>> orientation(np.diag([-1.0, 1.0, 2.0, 1.0]))
        'LAS'
    """
    nearest = np.abs(affine[:3, :-1] / np.linalg.norm(affine[:3, :-1], axis=0)).argmax(axis=0)
    return "".join(("LPI", "RAS")[int(affine[axis, column] > 0)][axis] for column, axis in enumerate(nearest))


def _resampled(
    pred: Volume, truth: Volume, source: WorldGrid, target: WorldGrid, kind: Kind, outside: float
) -> np.ndarray:
    from segeval.images.geometry.resampling import resample

    if source.misses(target):
        raise DataError(
            f"{_differences(pred, truth)}. Nothing of it lies within the truth. "
            "Check its origin and direction, or pass --ignore-geometry if the arrays belong together."
        )
    image, to_source = _in_3d(pred), source.map_from(target)
    if kind == "labels":
        return resample(image, shape=target.shape, to_source=to_source, linear=False)
    # outside of the image the filter gives 0
    return resample(image - outside, shape=target.shape, to_source=to_source, linear=True) + outside


def _in_3d(volume: Volume) -> np.ndarray:
    return volume.array if volume.n_space == 3 else np.expand_dims(volume.array, 2)


def _laid_out(array: Any, truth: Volume, kind: Kind) -> Any:
    """Labels in the truth's memory order, so that both can be walked through side by side."""
    if kind == "probs" or truth.on_device:
        return array
    return np.asarray(array, order="C" if truth.array.flags.c_contiguous else "F")


def _of_same_shape(pred: Volume, truth: Volume) -> np.ndarray:
    if pred.grid != truth.grid:
        raise DataError(f"{_differences(pred, truth)}. Write the prediction on the truth's grid.")
    return pred.array


def _only_one_world(pred: Volume, truth: Volume) -> str:
    bare, placed = (pred, truth) if pred.affine is None else (truth, pred)
    return (
        f"{printable(bare.path)}: has no place in the world, {printable(placed.path)} has one, so nobody knows whether "
        "their axes agree. Convert one of them, or pass --ignore-geometry to compare the arrays as they are."
    )


def _apart(reordering: Reordering | None) -> str:
    return f"; corners are up to {reordering.apart:.3g} voxels apart" if reordering else ""


def _remedy(pred: Volume, truth: Volume) -> str:
    if pred.grid != truth.grid:
        return "Resample the prediction onto the truth's grid, or pass --resample to have it done."
    return (
        "Pass --resample to put the prediction on the truth's grid, --ignore-geometry to compare the arrays as they "
        "are, or a larger --geometry-tol if the two are meant to be one grid."
    )


def _differences(pred: Volume, truth: Volume) -> str:
    """Both sides of every fact that differs."""
    mine, other = _facts(pred), _facts(truth)
    differing = [
        f"{name} {mine[name]} differs from truth {other[name]}"
        for name in mine
        if name in other and mine[name] != other[name]
    ]
    return f"{printable(pred.path)}: {', '.join(differing) or 'its grid differs from truth in the last digits'}"


def _facts(volume: Volume) -> dict[str, str]:
    if volume.affine is None:
        return {"shape": str(volume.grid)}
    axes = volume.affine[:3, :-1]
    lengths = np.linalg.norm(axes, axis=0)
    return {
        "shape": str(volume.grid),
        "spacing": f"{_numbers(lengths)} mm",
        "origin": _numbers(volume.affine[:3, -1]),
        "direction": f"{orientation(volume.affine)} {' '.join(_numbers(axis) for axis in (axes / lengths).T)}",
    }


def _numbers(values: np.ndarray) -> str:
    return f"({', '.join(f'{round(float(one), 4) + 0.0:.7g}' for one in values)})"
