"""Images that a program holds: arrays, tensors, and the images of nibabel, SimpleITK and MONAI with their place."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.evidence.arrays import cast, namespace, on_device
from segeval.images.predictions.arrays import adds_up
from segeval.images.readers.volumes import TO_RIGHT_AND_FRONT, Volume, placed_in_world

_MM_PER = {"meter": 1000.0, "micron": 0.001}
_ON_DEVICES = ("bool", "uint8", "int8", "int16", "int32", "int64", "bfloat16", "float16", "float32", "float64")


def volumes_of(pred: Any, truth: Any, case_id: str, *, device: str = "cpu") -> tuple[Volume, Volume]:
    """Both sides of a case as volumes; see `volume_of`.

    Args:
        case_id: what messages call them by.
        device: tensors on a device of this kind stay there, and the other side is taken there; `cpu` for numpy.
    """
    where = _place_of(pred, truth, device)
    truth_volume = volume_of(truth, f"{case_id} (truth)", where=where)  # which is the first to be wrong
    return volume_of(pred, f"{case_id} (pred)", where=where), truth_volume


def _place_of(pred: Any, truth: Any, device: str) -> str | None:
    """Where both sides can be tensors, since one of them is there already."""
    sides = [side for side in (pred, truth) if hasattr(side, "detach")]
    arrays = [side for side in (pred, truth) if type(side) is np.ndarray]
    if device == "cpu" or len(sides) + len(arrays) < 2:
        return None
    types = [str(side.dtype).split(".")[-1] for side in (*sides, *arrays)]
    there = [str(side.device) for side in sides if str(side.device).split(":")[0] == device.split(":")[0]]
    are_images = all(side.ndim > 1 and 0 not in side.shape for side in (*sides, *arrays))
    if not there or not are_images or not {*types} <= {*_ON_DEVICES}:
        return None
    return device if ":" in device else there[0]


def volume_of(image: Any, name: str, *, where: str | None = None) -> Volume:
    """Any such image as a volume; one with a place in the world has axes of space first, and channels last.

    Args:
        image: an array or tensor of any memory layout; or an image of nibabel, SimpleITK or MONAI.
        name: what messages call it.
        where: the device on which an array or tensor is wanted; by default it becomes an array of numpy.

    Raises:
        DataError: it holds something else than numbers, masked voxels, or nothing.
    """
    path = Path(name)
    if hasattr(image, "dataobj") and hasattr(image, "affine"):
        return _of_nibabel(image, path)
    if hasattr(image, "GetDirection") and hasattr(image, "GetOrigin"):
        return _of_simpleitk(image, path)
    array = _numbers(image, path) if where is None else _on_device(image, where)
    if array.ndim < 2:
        raise _no_image(array, path)
    if hasattr(image, "affine") and hasattr(image, "detach"):
        return _of_monai(image, array, path)
    return Volume(path=path, array=array)


def _of_monai(image: Any, array: Any, path: Path) -> Volume:
    """A tensor with a place: channels first, unless it has as many axes as its file had of space."""
    affine = _numbers(image.affine, path).astype(np.float64)
    if array.ndim > 4 or affine.ndim > 2:
        raise DataError(
            f"{path}: shape {tuple(array.shape)} is a batch. Give one case at a time: segeval.score(list(pred), "
            "list(truth))."
        )
    n_space, notes = _axes_of_space(image, array, affine, path)
    world = np.eye(4)
    kept = [*range(len(affine) - 1), 3]
    world[np.ix_(kept, kept)] = affine
    array = namespace(array).moveaxis(array, 0, -1) if array.ndim > n_space else array
    volume = placed_in_world(path, array[:, :, None] if n_space == 2 else array, world)
    return replace(volume, notes=(*volume.notes, *notes))


def _axes_of_space(image: Any, array: Any, affine: np.ndarray, path: Path) -> tuple[int, tuple[str, ...]]:
    """How many axes of a tensor of MONAI are space, by its affine, the shape that its file had, and its values.

    Raises:
        DataError: nothing tells.
    """
    if array.ndim == 4:
        return 3, ()
    of_file = [int(n) for n in (getattr(image, "meta", None) or {}).get("spatial_shape", ())]
    is_flat = array.ndim == 2 or array.shape[0] == 1
    if len(affine) == 3 or len(of_file) == 2 or (is_flat and not of_file):
        return 2, ()
    if of_file == list(array.shape):
        return 3, ()
    if not is_flat and not adds_up(array, 0):
        return 3, (f"shape {tuple(array.shape)} was taken for a volume without channels",)
    was = f", of a file of {tuple(of_file)}" if of_file else ""
    raise DataError(
        f"{path}: shape {tuple(array.shape)}{was}: its first axis may count channels or be one of space. Give a volume "
        "with an axis for its channel, image[None]; and of slices the plain tensors, image.as_tensor(), with "
        "spacing=(...) in mm."
    )


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


def _on_device(image: Any, where: str) -> Any:
    """An array or tensor as a tensor on a device, without its gradient; what torch computes little with is widened."""
    image = image.detach() if hasattr(image, "detach") else image
    image = on_device(image.as_tensor() if hasattr(image, "as_tensor") else image, where)
    wider = {"torch.bool": "uint8", "torch.bfloat16": "float32"}.get(str(image.dtype))
    return image if wider is None else cast(image, wider)


def _no_image(array: np.ndarray, path: Path) -> DataError:
    return DataError(
        f"{path}: {array.dtype} of shape {array.shape}. Give class ids in two or three dimensions, one array per "
        "case; or probabilities, with a first axis that counts classes."
    )
