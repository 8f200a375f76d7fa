"""Zarr and OME-Zarr, versions 2 and 3: a folder with an array, or with an image of several sizes, of which the largest.

An image that has labels beside it stands for these: masks are scored. Chunks that are not stored are of one value
throughout, which nobody can tell from chunks that were lost, so they are noted. Axes named by OME say what is space.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import ConfigError, DataError
from segeval.files.memory import memory_left
from segeval.files.paths import printable
from segeval.images.readers.streams import CROP_IT, WRITE_AGAIN, as_size, note_opened, reason_of
from segeval.images.readers.volumes import Volume, singleton_axes

_MM_PER = {"meter": 1e3, "centimeter": 10.0, "millimeter": 1.0, "micrometer": 1e-3, "nanometer": 1e-6}
_MM_PER |= {"angstrom": 1e-7}
_METADATA = (".zarray", ".zgroup", "zarr.json")
_BEFORE_NAMES = "tczyx"  # the axes of OME-Zarr before version 0.3


def read_zarr(path: Path) -> Volume:
    """Read a store, or a node within one: spatial axes as they are stored, channels last.

    Raises:
        ConfigError: the extra is not installed.
        DataError: the store is damaged, or it is not clear which array is meant.
    """
    note_opened([path, *sorted(path.rglob("*"))])
    with _opened(path) as (array, axes, scales):
        _check(path, array)
        stored = np.asarray(array[...])
        missing = array.nchunks - array.nchunks_initialized
        chunks = f"{missing} of {array.nchunks} chunks are not stored: all of their voxels are {array.fill_value}"
    notes = (chunks,) if missing else ()
    return _volume(path, stored, axes, scales, notes)


def zarr_stores_integers(path: Path) -> bool:
    """Whether the array of a store holds integers, told by its metadata.

    Raises:
        DataError: they cannot be read.
    """
    with _opened(path) as (array, _, _):
        return array.dtype.kind in "biu"


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Sequence[str], Sequence[float | None]]]:
    """The array that is meant, the names of its axes, and how long a step along each is in mm; whatever goes wrong."""
    try:
        import zarr
    except ImportError as error:
        raise ConfigError(f"{printable(path)}: Zarr needs zarr. Run `pip install 'segeval-masks[zarr]'`.") from error
    try:
        yield _array_of(path, zarr.open(str(path), mode="r"))
    except (DataError, MemoryError):
        raise
    except Exception as error:  # codecs and metadata that are damaged are met with errors of every kind
        raise DataError(f"{printable(path)}: cannot be read as Zarr ({reason_of(error)}). {WRITE_AGAIN}") from error


def _array_of(path: Path, node: Any) -> tuple[Any, Sequence[str], Sequence[float | None]]:
    if not hasattr(node, "members"):
        names = getattr(node.metadata, "dimension_names", None) or node.attrs.get("_ARRAY_DIMENSIONS") or ()
        return node, tuple(map(str, names)), ()
    said = _ome(node)
    labels = node if "labels" in said else node.get("labels")
    if hasattr(labels, "members"):
        return _array_of(path, _only_label(path if "labels" in said else path / "labels", labels))
    if "multiscales" in said:
        return _largest(node, said["multiscales"][0])
    arrays = [name for name in _nodes_in(path) if not hasattr(node[name], "members")]
    if len(arrays) != 1:
        some = ", ".join(map(printable, arrays[:5])) or "none"
        raise DataError(
            f"{printable(path)}: it is not clear which array is meant; there are {some}. "
            "Keep one, write OME-Zarr, or name the folder of the array itself."
        )
    return _array_of(path, node[arrays[0]])


def _ome(node: Any) -> Mapping[str, Any]:
    """What OME says of a group, since version 0.5 under a name of its own."""
    attributes = node.attrs.asdict()
    said = attributes.get("ome", attributes)
    return said if isinstance(said, Mapping) else {}


def _nodes_in(path: Path) -> list[str]:
    """The names of arrays and groups in a folder, among which other files may lie."""
    folders = sorted(folder for folder in path.iterdir() if folder.is_dir())
    return [folder.name for folder in folders if any((folder / name).is_file() for name in _METADATA)]


def _only_label(path: Path, labels: Any) -> Any:
    names = [str(name) for name in _ome(labels).get("labels") or _nodes_in(path)]
    if len(names) != 1:
        raise DataError(
            f"{printable(path)}: holds {len(names)} label images ({', '.join(map(printable, names[:5]))}). "
            f"Name the folder of one of them, such as {printable(path / (names or ['NAME'])[0])}."
        )
    return labels[names[0]]


def _largest(node: Any, scales: Mapping[str, Any]) -> tuple[Any, Sequence[str], Sequence[float | None]]:
    """The first array of an image, which is the largest, with its axes."""
    first = scales["datasets"][0]
    array = node[first["path"]]
    axes = [axis if isinstance(axis, Mapping) else {"name": axis} for axis in scales.get("axes", _BEFORE_NAMES)]
    if len(axes) != array.ndim:
        raise ValueError(f"{array.ndim} axes, and {len(axes)} names of them")
    lengths = np.ones(array.ndim)
    for step in (*first.get("coordinateTransformations", ()), *scales.get("coordinateTransformations", ())):
        if step["type"] == "scale":
            lengths = lengths * np.array(step["scale"], dtype=np.float64)
    units = [_MM_PER.get(str(axis.get("unit"))) for axis in axes]
    steps = [None if unit is None else float(length) * unit for unit, length in zip(units, lengths, strict=True)]
    return array, [str(axis["name"]) for axis in axes], steps


def _check(path: Path, array: Any) -> None:
    if array.dtype.kind not in "biuf":
        raise DataError(f"{printable(path)}: holds values of type {array.dtype}. Write integers, floats or booleans.")
    if min(array.shape, default=0) < 1:
        raise DataError(f"{printable(path)}: shape {array.shape} has no voxels. Remove it or write it again.")
    n_bytes = array.dtype.itemsize * int(np.prod(np.maximum(array.shape, array.chunks), dtype=object))
    if n_bytes > memory_left():
        raise DataError(f"{printable(path)}: needs {as_size(n_bytes)}, more than there is memory. {CROP_IT}")


def _volume(
    path: Path, stored: np.ndarray, axes: Sequence[str], scales: Sequence[float | None], notes: tuple[str, ...]
) -> Volume:
    """Space first, channels last, and neither times nor channels of which there is one."""
    names = [name.lower() for name in axes] or [""] * stored.ndim
    space = [i for i, name in enumerate(names) if name not in ("t", "time", "c", "channel")]
    channels = [i for i, name in enumerate(names) if name in ("c", "channel") and stored.shape[i] > 1]
    moving = [i for i in range(stored.ndim) if i not in space and i not in channels and stored.shape[i] > 1]
    squeezed = singleton_axes(tuple(stored.shape[i] for i in space))
    kept = [axis for i, axis in enumerate(space) if i not in squeezed]
    if moving or len(channels) > 1 or not 2 <= len(kept) <= (3 if axes else 4):
        said = f" with axes {' '.join(axes)}" if axes else ""
        raise DataError(
            f"{printable(path)}: shape {stored.shape}{said} is no 2-D or 3-D image. Save one image per store."
        )
    array = stored.transpose(*kept, *channels, *(i for i in range(stored.ndim) if i not in (*kept, *channels)))
    array = array.reshape(tuple(stored.shape[i] for i in (*kept, *channels)))
    lengths = [scales[i] for i in kept] if scales else []
    sizes = tuple(length for length in lengths if length is not None and np.isfinite(length) and length > 0)
    return Volume(
        path=path,
        array=array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("=")),
        spacing_mm=sizes if len(sizes) == len(kept) else None,
        notes=notes if array.shape == stored.shape else (*notes, f"shape {stored.shape} read as {array.shape}"),
        axes_of_space=len(kept) if axes else None,
    )
