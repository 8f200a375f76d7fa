"""Images that a program holds: arrays, tensors, and the images of nibabel, SimpleITK and MONAI with their place."""

from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.images.readers.volumes import TO_RIGHT_AND_FRONT, Volume, placed_in_world

_MM_PER = {"meter": 1000.0, "micron": 0.001}


def volume_of(image: Any, name: str) -> Volume:
    """Any such image as a volume; one with a place in the world has axes of space first, and channels last.

    Args:
        image: an array or tensor of any memory layout; or an image of nibabel, SimpleITK or MONAI.
        name: what messages call it.

    Raises:
        DataError: it holds something else than numbers, masked voxels, or nothing.
    """
    path = Path(name)
    if hasattr(image, "dataobj") and hasattr(image, "affine"):
        return _of_nibabel(image, path)
    if hasattr(image, "GetDirection") and hasattr(image, "GetOrigin"):
        return _of_simpleitk(image, path)
    array = _numbers(image, path)
    if array.ndim < 2:
        raise _no_image(array, path)
    if hasattr(image, "affine") and hasattr(image, "detach") and array.ndim > 2:
        channels_last = np.moveaxis(array, 0, -1) if array.ndim == 4 else array
        return placed_in_world(path, channels_last, _numbers(image.affine, path).astype(np.float64))
    return Volume(path=path, array=array)


def _of_nibabel(image: Any, path: Path) -> Volume:
    units = getattr(image.header, "get_xyzt_units", lambda: ("mm",))()
    world = np.array(image.affine, dtype=np.float64)
    world[:3] *= _MM_PER.get(units[0], 1.0)
    return placed_in_world(path, _numbers(image.dataobj, path), world)


def _of_simpleitk(image: Any, path: Path) -> Volume:
    import SimpleITK as sitk  # noqa: N813

    n_space = image.GetDimension()
    if n_space not in (2, 3):
        raise DataError(
            f"{path}: an image of {n_space} dimensions. Give each of its images alone, in 2 or 3 dimensions."
        )
    array = _numbers(sitk.GetArrayFromImage(image), path)  # runs (z, y, x), channels last
    array = array.transpose(*reversed(range(n_space)), *range(n_space, array.ndim))
    world = np.eye(4)
    world[:n_space, :n_space] = np.array(image.GetDirection()).reshape(n_space, n_space) * image.GetSpacing()
    world[:n_space, 3] = image.GetOrigin()
    if n_space == 2:
        array = array[:, :, np.newaxis]
    return placed_in_world(path, array, TO_RIGHT_AND_FRONT @ world)


def _numbers(image: Any, path: Path) -> np.ndarray:
    """An array of numbers in native byte order that runs forwards in memory, as torch needs it."""
    if hasattr(image, "detach"):
        image = image.detach().cpu()
        image = image.as_tensor() if hasattr(image, "as_tensor") else image
        image = (image.float() if str(image.dtype) == "torch.bfloat16" else image).numpy()  # numpy has no such floats
    if np.ma.isMaskedArray(image):
        n = int(np.count_nonzero(np.ma.getmaskarray(image)))
        if n:
            raise DataError(
                f"{path}: {n} of its voxels are masked, and a mask says not what they are. Fill them with an id, "
                "such as 255, and pass ignore_label=255 if they shall not count."
            )
    array = np.asarray(image)
    if array.dtype.kind not in "biuf" or not array.size:
        raise _no_image(array, path)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array.copy(order="K") if min(array.strides, default=0) < 0 else array


def _no_image(array: np.ndarray, path: Path) -> DataError:
    return DataError(
        f"{path}: {array.dtype} of shape {array.shape}. Give class ids in two or three dimensions, one array per "
        "case; or probabilities, with a first axis that counts classes."
    )
