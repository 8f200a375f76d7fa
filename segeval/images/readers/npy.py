"""NumPy's own files: one array, never a pickle."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.evidence.policies import ChannelAxis
from segeval.files.paths import printable
from segeval.images.readers.streams import DEFLATE_RATIO, WRITE_AGAIN, ByteStream, open_file, open_stream, reason_of
from segeval.images.readers.volumes import StoredVoxels, Volume, singleton_axes

PROB_KEYS = ("probabilities", "softmax")  # of nnU-Net, versions 2 and 1
KNOWN_KEYS = ("arr_0", "seg", "labels", "mask", *PROB_KEYS)


def read_npy(path: Path) -> Volume:
    """Read the array of a `.npy` file.

    Raises:
        DataError: the file is damaged or holds something else than numbers.
    """
    with open_stream(path) as stream:
        return _volume(path, _array(stream))


def read_npz(path: Path) -> Volume:
    """Read a `.npz` file: its only array, or the only one of several that has a known key.

    Raises:
        DataError: the file is damaged, its checksum differs, or it is not clear which array is meant.
    """
    with _open_member(path) as (key, stream):
        stored = _array(stream)
    if key in PROB_KEYS and stored.ndim == 4:
        return Volume(path=path, array=stored, is_czyx=True)
    return _volume(path, stored)


def npy_voxels(path: Path, *, channel_axis: ChannelAxis | None = None) -> StoredVoxels:
    """The voxels of a `.npy` or `.npz` file that is read in slabs; see `read_npy`.

    Args:
        channel_axis: which axis counts channels, where the file is a prediction.
    """

    @contextmanager
    def opened() -> Iterator[tuple[str, ByteStream]]:
        if path.suffix.lower() == ".npz":
            with _open_member(path) as found:
                yield found
            return
        with open_stream(path) as stream:
            yield "", stream

    @contextmanager
    def at_first_voxel() -> Iterator[ByteStream]:
        with opened() as (_, stream):
            _header(stream)
            yield stream

    with opened() as (key, stream):
        shape, by_columns, dtype = _header(stream)
    is_czyx = key in PROB_KEYS and len(shape) == 4

    def volume(stored: np.ndarray) -> Volume:
        return Volume(path=path, array=stored, is_czyx=True) if is_czyx else _volume(path, stored)

    kept = [axis for axis in range(len(shape)) if is_czyx or axis not in singleton_axes(shape)]
    at: int | None = 0 if is_czyx or channel_axis == "first" else -1
    at = at if len(kept) == 4 or (channel_axis and len(kept) == 3) else None
    return StoredVoxels(
        shape=shape,
        dtype=dtype,
        order="F" if by_columns else "C",
        channels=None if at is None else kept[at],
        head_of=lambda shape: volume(np.broadcast_to(np.zeros((), dtype.newbyteorder("=")), shape)),
        stream=at_first_voxel,
        volume=volume,
    )


def npy_stores_integers(path: Path) -> bool:
    """Whether a `.npy` or `.npz` file holds integers, told by the header of its array.

    Raises:
        DataError: the header cannot be read.
    """
    if path.suffix.lower() == ".npz":
        with _open_member(path) as (key, stream):
            return key not in PROB_KEYS and _header(stream)[2].kind in "biu"
    with open_stream(path) as stream:
        return _header(stream)[2].kind in "biu"


@contextmanager
def _open_member(path: Path) -> Iterator[tuple[str, ByteStream]]:
    """The key of the array that is meant, and its bytes."""
    import lzma
    import zipfile
    import zlib

    try:
        with open_file(path) as file, zipfile.ZipFile(file) as archive:
            key = _key(path, archive.namelist())
            member = archive.getinfo(f"{key}.npy")
            capacity = min(member.file_size, member.compress_size * DEFLATE_RATIO)
            with archive.open(member) as plain:
                yield key, ByteStream(path=path, file=plain, capacity=capacity)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError) as error:
        raise DataError(f"{printable(path)}: cannot be unpacked ({reason_of(error)}). {WRITE_AGAIN}") from error


def _key(path: Path, names: Sequence[str]) -> str:
    keys = [name.removesuffix(".npy") for name in names if name.endswith(".npy")]
    candidates = keys if len(keys) == 1 else [key for key in keys if key in KNOWN_KEYS]
    if len(candidates) != 1:
        raise DataError(
            f"{printable(path)}: it is not clear which array is meant; its keys are {', '.join(keys) or 'none'}. "
            f"Keep one array, or name one of them {', '.join(KNOWN_KEYS)}."
        )
    return candidates[0]


def _array(stream: ByteStream) -> np.ndarray:
    shape, by_columns, dtype = _header(stream)
    return stream.voxels(shape, dtype, order="F" if by_columns else "C")


def _header(stream: ByteStream) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether columns come first, and type; what numpy says of a bad one is about its own switches."""
    from tokenize import TokenError

    from numpy.lib import format as npy

    try:
        version = npy.read_magic(stream.file)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, by_columns, dtype = read_header(stream.file)
    except (ValueError, SyntaxError, TokenError, TypeError, RecursionError, MemoryError) as error:
        raise DataError(f"{printable(stream.path)}: its NPY header cannot be read. {WRITE_AGAIN}") from error
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise DataError(
            f"{printable(stream.path)}: holds values of type {dtype}; pickled objects are never loaded. "
            "Save an array of integers, floats or booleans."
        )
    return shape, by_columns, dtype


def _volume(path: Path, stored: np.ndarray) -> Volume:
    array = stored.squeeze(axis=singleton_axes(stored.shape))
    if not 2 <= array.ndim <= 4:
        raise DataError(f"{printable(path)}: shape {stored.shape} is no 2-D or 3-D image. Save one image per file.")
    notes = () if array.shape == stored.shape else (f"shape {stored.shape} read as {array.shape}",)
    return Volume(path=path, array=array, notes=notes)
