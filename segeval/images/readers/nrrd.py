"""NRRD: `.nrrd` in one file, `.nhdr` with the voxels beside it.

The header is lines of `key: value` up to an empty line (teem.sourceforge.net/nrrd/format.html). The voxels
are counted when they are raw, and compared with the checksum of gzip when they are compressed.
"""

import re
from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.files.paths import printable
from segeval.images.readers.headers import LONGEST_LINE, MOST_LINES, TextHeader
from segeval.images.readers.streams import ByteStream, open_stream
from segeval.images.readers.volumes import TO_RIGHT_AND_FRONT, Volume, placed_in_world

_TYPES = {
    name: code
    for code, names in {
        "i1": ("signed char", "int8", "int8_t"),
        "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
        "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
        "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
        "i4": ("int", "signed int", "int32", "int32_t"),
        "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
        "i8": ("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"),
        "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
        "f4": ("float",),
        "f8": ("double",),
    }.items()
    for name in names
}
# signs that turn a named space into ours, which runs to the right, to the front and up
_SPACES = {
    "left-posterior-superior": (-1, -1, 1),
    "lps": (-1, -1, 1),
    "right-anterior-superior": (1, 1, 1),
    "ras": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "las": (-1, 1, 1),
}
_NOT_SPACE = ("none", "list", "vector", "point", "scalar", "3-vector", "???")


def read_nrrd(path: Path) -> Volume:
    """Read a `.nrrd` or `.nhdr` file.

    Raises:
        DataError: the file is damaged, its voxels are missing, or its header describes no image that can be scored.
    """
    header, voxels = read_nrrd_parts(path)
    return placed_in_world(path, *header.in_world(voxels))


def read_nrrd_header(path: Path) -> "NrrdHeader":
    """Read the header of a file alone.

    Raises:
        DataError: it cannot be read.
    """
    with open_stream(path) as stream:
        return NrrdHeader(path, _read_lines(stream))


def read_nrrd_parts(path: Path) -> "tuple[NrrdHeader, np.ndarray]":
    """The header of a file, and its voxels with the fastest axis first; see `read_nrrd`."""
    with open_stream(path) as stream:
        header = NrrdHeader(path, _read_lines(stream))
        if "data file" not in header:
            return header, _voxels(header, stream)
    with open_stream(header.voxels_beside("data file"), gzipped=False) as stream:
        stream.skip(header.whole("byte skip", default=0))
        return header, _voxels(header, stream)


def nrrd_stores_integers(path: Path) -> bool:
    """Whether a file holds integers, told by its header.

    Raises:
        DataError: the header cannot be read.
    """
    return read_nrrd_header(path).dtype.kind in "iu"


class NrrdHeader(TextHeader):
    """What an NRRD file says of its voxels; keys are in lower case."""

    def whole(self, key: str, *, default: int | None = None) -> int:
        """The value as a whole number of 0 or more."""
        if default is not None and key not in self:
            return default
        if not re.fullmatch(r"[0-9]{1,18}", self[key]):
            raise self.refused(key)
        return int(self[key])

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes along the axes, the fastest first."""
        words = self["sizes"].split()
        if not all(re.fullmatch(r"[0-9]{1,9}", word) for word in words) or len(words) != self.whole("dimension"):
            raise self.refused("sizes")
        return tuple(map(int, words))

    @property
    def dtype(self) -> np.dtype:
        """The type of a voxel."""
        name = _TYPES.get(self["type"].lower())
        if name is None:
            raise self.not_voxels("type")
        big = self.get("endian", "little").lower() == "big"
        return np.dtype(name).newbyteorder(">" if big else "<")

    @property
    def axis_of_channels(self) -> int | None:
        """The axis that is not one of space, of four that all say they are the last; None without one."""
        n = len(self.shape)
        kinds = self.get("kinds", "").lower().split() or ["domain"] * n
        directions = self.vectors("space directions") if "space directions" in self else [()] * n
        others = [i for i, kind in enumerate(kinds) if kind in _NOT_SPACE or directions[i : i + 1] == [None]]
        others = others or [3] * (n == 4)  # as ITK writes an image of four dimensions
        if len(kinds) != n or len(directions) != n or len(others) > 1 or n - len(others) not in (2, 3):
            raise DataError(
                f"{printable(self.path)}: sizes {self.shape} with kinds {printable(' '.join(kinds))} are no 2-D or 3-D "
                "image with at most one axis of channels. Save one image per file."
            )
        return others[0] if others else None

    def vectors(self, key: str) -> list[tuple[float, ...] | None]:
        """`(1,0,0) none (0,0,2)` as numbers."""
        found: list[tuple[float, ...] | None] = []
        for text in re.findall(r"\([^)]*\)|none", self[key].lower()):
            try:
                found.append(None if text == "none" else tuple(float(word) for word in text[1:-1].split(",")))
            except ValueError as error:
                raise self.refused(key) from error
        return found

    def in_world(self, voxels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The voxels in the order x, y, z, channels, and the 4 x 4 from their indices to our world."""
        channels = self.axis_of_channels
        array = voxels if channels is None else np.moveaxis(voxels, channels, -1)
        n = array.ndim - (channels is not None)
        if n == 2:
            array = array[:, :, np.newaxis]
        return array, self._signs @ (self._directions(n) if "space directions" in self else self._steps(n))

    def _directions(self, n: int) -> np.ndarray:
        world = np.eye(4)
        try:
            channels = self.axis_of_channels
            every = enumerate(self.vectors("space directions"))
            steps = np.array([step for axis, step in every if axis != channels], dtype=np.float64)
            if steps.shape[1] != n and not (steps.shape[1] == 4 and not steps[:, 3:].any()):
                raise self.refused("space directions")
            world[:n, :n] = steps[:, :n].T
            if "space origin" in self:
                world[:n, 3] = np.array(self.vectors("space origin")[0], dtype=np.float64)[:n]
        except (ValueError, IndexError, TypeError) as error:
            raise self.refused("space directions") from error
        return world

    def _steps(self, n: int) -> np.ndarray:
        """Spacings without directions: the axes are those of the world."""
        words = self.get("spacings", "").split()
        try:
            steps = [float(word) for word in words if word.lower() != "nan"][-n:] or [1.0] * n
            return np.diag([*steps, *[1.0] * (4 - n)])
        except ValueError as error:
            raise self.refused("spacings") from error

    @property
    def _signs(self) -> np.ndarray:
        """What turns the space of the file into ours."""
        if "space" not in self or "space directions" not in self:
            return TO_RIGHT_AND_FRONT
        signs = _SPACES.get(self["space"].lower())
        if signs is None:
            raise DataError(
                f"{printable(self.path)}: its space is {printable(self['space'][:40])}, and ours is in millimetres of "
                "a patient. Save it as left-posterior-superior."
            )
        return np.diag([*signs, 1.0]).astype(np.float64)


def _read_lines(stream: ByteStream) -> dict[str, str]:
    magic = stream.line(LONGEST_LINE)
    if not magic.startswith(b"NRRD"):
        raise DataError(
            f"{printable(stream.path)}: is no NRRD file, it begins with {magic[:8]!r}. Name it after what it is."
        )
    values: dict[str, str] = {}
    for _ in range(MOST_LINES):
        # a header beside its voxels may end with the file, in place of an empty line
        text = stream.line(LONGEST_LINE, may_end="data file" in values).decode("utf-8", "replace").strip("\r\n")
        if not text:
            break
        key, separator, value = text.partition(":")
        if separator and not text.startswith("#"):
            known = key.strip().lower() if not value.startswith("=") else key.strip()
            values["data file" if known == "datafile" else known] = value.removeprefix("=").strip()
    return values


def _voxels(header: NrrdHeader, stream: ByteStream) -> np.ndarray:
    encoding = header["encoding"].lower()
    if encoding in ("gzip", "gz"):
        with stream.gunzipped() as plain:
            return plain.voxels(header.shape, header.dtype, order="F")
    if encoding != "raw":
        raise DataError(
            f"{printable(header.path)}: its voxels are encoded as {printable(encoding[:20])}. Save it as raw or gzip."
        )
    return stream.voxels(header.shape, header.dtype, order="F")
