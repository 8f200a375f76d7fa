"""MGH and MGZ of FreeSurfer: big-endian, a header of 284 bytes, the voxels with x fastest."""

from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.files.paths import printable
from segeval.images.readers.streams import open_stream
from segeval.images.readers.volumes import Volume, placed_in_world

_SIZE = 284
_TYPES = {0: ">u1", 1: ">i4", 3: ">f4", 4: ">i2"}
_TAGS = 1 << 20  # notes of the programs that made the file follow the voxels


def read_mgh(path: Path) -> Volume:
    """Read a `.mgh` or `.mgz` file.

    Raises:
        DataError: the file is damaged, or its header describes no image that can be scored.
    """
    with open_stream(path, gzipped=path.suffix.lower() == ".mgz") as stream:
        start = stream.header(_SIZE)
        fields = np.frombuffer(start[:28], ">i4")
        version, sizes, kind = int(fields[0]), tuple(int(size) for size in fields[1:5]), int(fields[5])
        if version != 1 or min(sizes) < 1:
            raise DataError(
                f"{printable(path)}: is no MGH file, it begins with {start[:8]!r}. Name it after what it is."
            )
        if kind not in _TYPES:
            raise DataError(
                f"{printable(path)}: its voxels, of type {kind}, are neither class ids nor probabilities. "
                "Write integers or floats."
            )
        array = stream.voxels(sizes, np.dtype(_TYPES[kind]), order="F", tail=_TAGS)
    array = array[..., 0] if sizes[3] == 1 else array  # every header has four sizes
    return placed_in_world(path, array, _world(start, sizes[:3]))


def mgh_stores_integers(path: Path) -> bool:
    """Whether a file holds integers, told by its header.

    Raises:
        DataError: the header cannot be read.
    """
    with open_stream(path, gzipped=path.suffix.lower() == ".mgz") as stream:
        kind = int(np.frombuffer(stream.header(_SIZE)[20:24], ">i4")[0])
    return np.dtype(_TYPES.get(kind, ">f4")).kind in "iu"


def _world(start: bytes, sizes: tuple[int, ...]) -> np.ndarray:
    """Spacing, direction of each axis, and the place of the centre voxel, where the header says that they count."""
    steps, axes, centre = np.array([1.0, 1.0, 1.0]), np.array([[-1, 0, 0], [0, 0, -1], [0, 1, 0.0]]), np.zeros(3)
    if int.from_bytes(start[28:30], "big"):
        numbers = np.frombuffer(start[30:90], ">f4").astype(np.float64)
        steps, axes, centre = numbers[:3], numbers[3:12].reshape(3, 3), numbers[12:15]
    world = np.eye(4)
    world[:3, :3] = (axes * steps[:, None]).T
    world[:3, 3] = centre - world[:3, :3] @ (np.array(sizes) / 2)
    return world
