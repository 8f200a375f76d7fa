"""Class ids from the numbers of an image: checked, and in the smallest integer type that holds them."""

from collections.abc import Iterator

import numpy as np

from segeval.errors import DataError
from segeval.files.paths import printable
from segeval.images.readers.volumes import Volume

MOST_IDS = 4096
_CHUNK = 1 << 16  # voxels at a time, so that temporaries stay in the cache
_TYPES = (np.uint8, np.uint16, np.int16, np.int32, np.int64, np.uint64)  # smallest first


def to_labels(volume: Volume, *, ignore: tuple[int, ...] = (), most: int | None = MOST_IDS) -> np.ndarray:
    """Class ids of a label image, in its memory order; a uint8 image is returned as it is.

    Args:
        ignore: ids that may be negative, since their voxels count nowhere.
        most: how many different ids there may be; None for any number, as of instances.

    Raises:
        DataError: the image has channels, values that are no whole numbers, negative ids, or too many different ones.
    """
    array = volume.array
    if array.ndim > volume.n_space:
        raise DataError(
            f"{printable(volume.path)}: shape {array.shape} has channels, and labels are one id per voxel. "
            "Pass --pred-kind probs if these are probabilities."
        )
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.view(np.uint8)
    flat = array.ravel(order="K")
    low, high = _whole_range(volume, flat)
    if low < 0:
        _check_negative(volume, flat, ignore)
    if most is not None and high - low >= most and len(distinct(flat)) > most:
        raise DataError(
            f"{printable(volume.path)}: holds more than {most} different values between {low} and {high}. "
            "Check that it is a label image and not an intensity image."
        )
    return _narrowed(volume, array, low, high)


def distinct(flat: np.ndarray) -> np.ndarray:
    """The different values of a flat image, sorted; gives up, with those it has, above MOST_IDS."""
    seen = flat[:0]
    for chunk in _chunks(flat):
        starts = np.flatnonzero(chunk[1:] != chunk[:-1]) + 1  # labels come in runs: sort one value of each
        seen = np.union1d(seen, np.append(chunk[starts], chunk[0]))
        if len(seen) > MOST_IDS:
            break
    return seen


def _chunks(flat: np.ndarray) -> Iterator[np.ndarray]:
    return (flat[at : at + _CHUNK] for at in range(0, flat.size, _CHUNK))


def _whole_range(volume: Volume, flat: np.ndarray) -> tuple[int, int]:
    """Lowest and highest value, once all are known to be whole numbers."""
    if flat.dtype.kind == "f":
        _check_finite(volume, flat)
        _check_whole(volume, flat)
    return int(flat.min()), int(flat.max())


def _check_finite(volume: Volume, flat: np.ndarray) -> None:
    n = sum(chunk.size - int(np.count_nonzero(np.isfinite(chunk))) for chunk in _chunks(flat))
    if n:
        raise DataError(
            f"{printable(volume.path)}: {n} voxels are NaN or infinite, which is no class. "
            "Write an id there, 0 for background or one that you ignore."
        )


def _check_whole(volume: Volume, flat: np.ndarray) -> None:
    for chunk in _chunks(flat):
        odd = np.rint(chunk) != chunk
        if odd.any():
            raise DataError(
                f"{printable(volume.path)}: values from {flat.min():g} to {flat.max():g} are no class ids, "
                f"for example {chunk[odd][0]:.6g}. Pass --pred-kind probs if these are probabilities."
            )


def _check_negative(volume: Volume, flat: np.ndarray, ignore: tuple[int, ...]) -> None:
    negative = [int(one) for one in distinct(flat) if one < 0 and int(one) not in ignore]
    if negative:
        raise DataError(
            f"{printable(volume.path)}: holds negative ids ({', '.join(map(str, negative[:5]))}). "
            "Ids start at 0; pass --ignore-label with an id whose voxels shall not count."
        )


def _narrowed(volume: Volume, array: np.ndarray, low: int, high: int) -> np.ndarray:
    dtype = next((one for one in _TYPES if np.iinfo(one).min <= low and high <= np.iinfo(one).max), None)
    if dtype is None:
        raise DataError(f"{printable(volume.path)}: ids from {low} to {high} fit no integer of 64 bits. Renumber them.")
    return array.astype(dtype, order="K", copy=False)
