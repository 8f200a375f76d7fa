"""Class ids from the numbers of an image: checked, and in the smallest integer type that holds them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from segeval.errors import DataError
from segeval.evidence.arrays import cast, dtype_of, on_host
from segeval.files.paths import printable
from segeval.images.readers.volumes import Volume, unrounded

SideName = Literal["pred", "truth"]

MOST_IDS = 4096
ROUNDED = "off whole numbers, and were rounded to ids"
NEAR_WHOLE = 1e-3  # what scaling and rounding leave of a whole number
SCALED_WORSE = 0.25  # values that all lie this near to whole numbers were ids once
_CHUNK = 1 << 16  # voxels at a time, so that temporaries stay in the cache
_TYPES = (np.uint8, np.uint16, np.int16, np.int32, np.int64)  # smallest first; torch and surfaces count no higher


def labelled(
    volume: Volume, *, side: SideName, ignore: tuple[int, ...] = (), most: int | None = MOST_IDS, rounding: bool = False
) -> Volume:
    """The image with class ids for values, in its memory order; a uint8 image keeps its very array.

    Args:
        side: which remedies a message may offer.
        ignore: ids that may be negative, since their voxels count nowhere.
        most: how many different ids there may be; None for any number, as of instances.
        rounding: take the nearest id however far a value is from it.

    Raises:
        DataError: the image has channels, values that are no whole numbers, negative ids, or too many different ones.
    """
    array = volume.array
    if volume.on_device:
        return _ids_on_device(volume)
    if array.ndim > volume.n_space:
        raise DataError(_channels_message(volume, side))
    if array.dtype == np.uint8:
        return volume
    if array.dtype == np.bool_:
        return replace(volume, array=array.view(np.uint8))
    notes = volume.notes
    if array.dtype.kind == "f":
        off = _farthest_from_whole(volume, side, rounding=rounding)
        if off:
            array = np.floor(array + array.dtype.type(0.5))
            notes = (*notes, f"values were up to {off:.2g} {ROUNDED}")
    flat = array.ravel(order="K")
    low, high = int(flat.min()), int(flat.max())
    if low < 0:
        _check_negative(volume, flat, ignore)
    if most is None:
        _check_apart(volume, high)
    elif high - low >= most and len(distinct(flat)) > most:
        raise DataError(
            f"{printable(volume.path)}: holds more than {most} different values between {low} and {high}. "
            "Check that it is a label image and not an intensity image; maps of objects are scored with --instances."
        )
    return replace(volume, array=_narrowed(volume, array, low, high), notes=notes)


def _check_apart(volume: Volume, high: int) -> None:
    """Refuse ids so high that two objects may have become one."""
    kind = volume.array.dtype
    most = 2 ** (np.finfo(kind).nmant + 1) if kind.kind == "f" else int(np.iinfo(np.int64).max)
    if high > most:
        said = (
            f"{kind} tells whole numbers apart up to {most}" if kind.kind == "f" else f"{most} is the highest there is"
        )
        raise DataError(
            f"{printable(volume.path)}: instance {high}, and {said}. Number the instances anew, and save integers."
        )


def _ids_on_device(volume: Volume) -> Volume:
    """The same of a tensor, where nothing has to be said of it.

    Raises:
        DataError: the image has to be looked at in numpy.
    """
    array = volume.array
    if array.ndim > volume.n_space:
        volume.only_as_numpy()
    if dtype_of(array) in (np.bool_, np.uint8):
        return replace(volume, array=cast(array, "uint8"))
    low, high = (float(end) for end in array.aminmax())
    if not 0 <= low <= high < MOST_IDS or not (volume.is_integer or (array == array.round()).all()):
        volume.only_as_numpy()
    return replace(volume, array=cast(array, "uint8" if high < 256 else "int16"))


def with_ids_moved(labels: Any, moved: Mapping[int, int]) -> Any:
    """The labels with some ids in place of others, all at once, so that two may change places."""
    if not isinstance(labels, np.ndarray):
        found = cast(labels, "int64")
        for old, new in moved.items():
            found[labels == old] = new
        return found
    largest = np.min_scalar_type(max(moved.values()))
    found = labels.astype(np.promote_types(labels.dtype, largest))
    for old, new in moved.items():
        found[labels == old] = new
    return found


def to_labels(volume: Volume, *, ignore: tuple[int, ...] = (), most: int | None = MOST_IDS) -> np.ndarray:
    """The ids of a true label image; see `labelled`."""
    return labelled(volume, side="truth", ignore=ignore, most=most).array


def distinct(flat: Any) -> np.ndarray:
    """The different values of a flat image, sorted; gives up, with those it has, above MOST_IDS."""
    if not isinstance(flat, np.ndarray):
        return on_host(flat.unique())
    seen = flat[:0]
    for chunk in _chunks(flat):
        starts = np.flatnonzero(chunk[1:] != chunk[:-1]) + 1  # labels come in runs: sort one value of each
        seen = np.union1d(seen, np.append(chunk[starts], chunk[0]))
        if len(seen) > MOST_IDS:
            break
    return seen


def _chunks(flat: np.ndarray) -> Iterator[np.ndarray]:
    return (flat[at : at + _CHUNK] for at in range(0, flat.size, _CHUNK))


def _farthest_from_whole(volume: Volume, side: SideName, *, rounding: bool) -> float:
    """How far the values are from ids at most, once that is known to be near enough."""
    flat = volume.array.ravel(order="K")
    _check_finite(volume, flat)
    off, culprit = 0.0, flat[0]
    for chunk in _chunks(flat):
        gaps = np.abs(chunk - np.rint(chunk))
        at = int(gaps.argmax())
        if gaps[at] > off:
            off, culprit = float(gaps[at]), chunk[at]
    if off > NEAR_WHOLE and not rounding:
        low, high = float(flat.min()), float(flat.max())
        raise DataError(
            f"{printable(volume.path)}: values from {unrounded(low)} to {unrounded(high)} are no class ids, "
            f"for example {unrounded(culprit)}. {_remedy(side, low, high, off)}"
        )
    return off


def _remedy(side: SideName, low: float, high: float, off: float) -> str:
    is_map = low >= 0 and high <= 1
    if side == "pred" and is_map:
        return "Pass --pred-kind probs if these are probabilities."
    if is_map:
        return "Pass --round-labels to take values of 0.5 and more for id 1."
    if off <= SCALED_WORSE:
        return "Pass --round-labels if they are ids that a scale has moved."
    if side == "pred":
        return "Pass --pred-kind logits if they are raw scores of a network; ids are resampled by nearest neighbour."
    return "Ids are whole numbers: name the label image itself, or resample it again by nearest neighbour."


def _channels_message(volume: Volume, side: SideName) -> str:
    said = f"{printable(volume.path)}: shape {volume.array.shape} has channels, and labels are one id per voxel. "
    if side == "pred":
        return said + "Pass --pred-kind probs if these are probabilities."
    n = volume.array.shape[-1]
    if _are_masks(volume.array):
        shared = int(np.count_nonzero(np.count_nonzero(volume.array, axis=-1) > 1))
        what = f"share {shared} voxels" if shared else "share no voxel"
        return said + (
            f"Its {n} channels are masks of 0 and 1 that {what}, so they are classes: write each as a file of its own "
            "(case/class.nii.gz, or name them with --truth-files), and the case is put together from them."
        )
    if volume.array.dtype.kind == "f" and not np.array_equal(volume.array, np.rint(volume.array)):
        return said + f"Its {n} channels hold no ids; write the id of each voxel, as array.argmax(-1) of probabilities."
    return (
        said + f"Its {n} channels hold ids, so they are points in time: write each as a file, and a case, of its own."
    )


def _are_masks(array: np.ndarray) -> bool:
    return bool(np.isin(array, (0, 1)).all())


def _check_finite(volume: Volume, flat: np.ndarray) -> None:
    n = sum(chunk.size - int(np.count_nonzero(np.isfinite(chunk))) for chunk in _chunks(flat))
    if n:
        raise DataError(
            f"{printable(volume.path)}: {n} voxels are NaN or infinite, which is no class. "
            "Write an id there, 0 for background or one that you ignore."
        )


def _check_negative(volume: Volume, flat: np.ndarray, ignore: tuple[int, ...]) -> None:
    negative = [int(label) for label in distinct(flat) if label < 0 and int(label) not in ignore]
    if negative:
        raise DataError(
            f"{printable(volume.path)}: holds negative ids ({', '.join(map(str, negative[:5]))}). "
            "Ids start at 0; pass --ignore-label with an id whose voxels shall not count."
        )


def _narrowed(volume: Volume, array: np.ndarray, low: int, high: int) -> np.ndarray:
    dtype = next((kind for kind in _TYPES if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max), None)
    if dtype is None:
        raise DataError(
            f"{printable(volume.path)}: ids from {low} to {high} fit no signed integer of 64 bits. Renumber them."
        )
    return array.astype(dtype, order="K", copy=False)
