"""MetaImage: `.mha` in one file, `.mhd` with the voxels in a file beside it; as ITK and its programs write them.

The header is lines of `Key = value`. Its world runs to the left and the back, ours to the right and
the front. ITK itself gives the voxels of a cut file without a word, so they are read here: raw ones are counted,
compressed ones end in a checksum.
"""

from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.files.paths import printable
from segeval.images.readers.headers import LONGEST_LINE, MOST_LINES, TextHeader
from segeval.images.readers.streams import ByteStream, open_stream
from segeval.images.readers.volumes import TO_RIGHT_AND_FRONT, Volume, placed_in_world

_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}


def read_metaimage(path: Path) -> Volume:
    """Read a `.mha` or `.mhd` file.

    Raises:
        DataError: the file is damaged, its voxels are missing, or its header describes no image that can be scored.
    """
    with open_stream(path) as stream:
        header = _MetaHeader(path, _read_lines(stream))
        if header["ElementDataFile"].upper() == "LOCAL":
            return _volume(header, _voxels(header, stream))
    with open_stream(header.voxels_beside("ElementDataFile"), gzipped=False) as stream:
        stream.skip(header.skipped(stream))
        return _volume(header, _voxels(header, stream))


def metaimage_stores_integers(path: Path) -> bool:
    """Whether a file holds integers, told by its header.

    Raises:
        DataError: the header cannot be read.
    """
    with open_stream(path) as stream:
        return _MetaHeader(path, _read_lines(stream)).dtype.kind in "iu"


class _MetaHeader(TextHeader):
    """What a MetaImage says of its voxels."""

    def numbers(self, *keys: str, n: int, default: list[float] | None = None) -> np.ndarray:
        """The values of the first of some keys that is there."""
        key = next((key for key in keys if key in self), None if default is not None else keys[0])
        if key is None:
            return np.array(default)
        try:
            found = np.array([float(word) for word in self[key].split()])
        except ValueError:
            found = np.empty(0)
        if len(found) != n or not np.isfinite(found).all():
            raise self.refused(key)
        return found

    def is_true(self, *keys: str) -> bool:
        """Whether one of some keys says True."""
        return any(self.get(key, "").lower() in ("true", "1") for key in keys)

    @property
    def n_axes(self) -> int:
        """How many axes the grid has."""
        (n,) = self.numbers("NDims", n=1)
        if n not in (2, 3, 4):
            raise DataError(f"{printable(self.path)}: {n:g} axes are no 2-D or 3-D image. Save one image per file.")
        return int(n)

    @property
    def dtype(self) -> np.dtype:
        """The type of a voxel."""
        name = _TYPES.get(self["ElementType"].upper())
        if name is None:
            raise self.not_voxels("ElementType")
        big = self.is_true("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
        return np.dtype(name).newbyteorder(">" if big else "<")

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels, if there are several, then x, y, z."""
        sizes = self.numbers("DimSize", n=self.n_axes)
        (channels,) = self.numbers("ElementNumberOfChannels", n=1, default=[1.0])
        if (sizes != np.rint(sizes)).any() or sizes.min() < 1 or channels < 1:
            raise self.refused("DimSize")
        return (int(channels), *map(int, sizes))

    def skipped(self, stream: ByteStream) -> int:
        """Bytes of a foreign header before the voxels; -1 says that these are the last of the file."""
        (size,) = self.numbers("HeaderSize", n=1, default=[0.0])
        return stream.capacity - int(np.prod(self.shape)) * self.dtype.itemsize if size == -1 else int(size)


def _read_lines(stream: ByteStream) -> dict[str, str]:
    values: dict[str, str] = {}
    while "ElementDataFile" not in values and len(values) < MOST_LINES:
        line = stream.line(LONGEST_LINE)
        key, equals, value = line.decode("utf-8", "replace").partition("=")
        if not equals:
            raise DataError(
                f"{printable(stream.path)}: is no MetaImage file, {line[:20]!r} is no line of its header. "
                "Name it after what it is."
            )
        values[key.strip()] = value.strip()
    return values


def _voxels(header: _MetaHeader, stream: ByteStream) -> np.ndarray:
    if header.is_true("CompressedData"):
        stream = stream.inflated()
    return stream.voxels(header.shape, header.dtype, order="F")


def _volume(header: _MetaHeader, voxels: np.ndarray) -> Volume:
    array = voxels[0] if len(voxels) == 1 else np.moveaxis(voxels, 0, -1)
    n = header.n_axes
    in_space = min(n, 3)
    axes = header.numbers("TransformMatrix", "Rotation", "Orientation", n=n * n, default=np.eye(n).ravel().tolist())
    steps = header.numbers("ElementSpacing", "ElementSize", n=n, default=[1.0] * n)
    origin = header.numbers("Offset", "Position", "Origin", n=n, default=[0.0] * n)
    world = np.eye(4)
    # a row of the matrix in the file is the direction of an axis
    world[:in_space, :in_space] = (axes.reshape(n, n) * steps[:, None]).T[:in_space, :in_space]
    world[:in_space, 3] = origin[:in_space]
    if n == 2:
        array = array[:, :, np.newaxis]
    return placed_in_world(header.path, array, TO_RIGHT_AND_FRONT @ world)
