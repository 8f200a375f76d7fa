"""The bytes of an image file: checked while they are decompressed, and never more than its header asks for."""

import io
import math
import os
import re
import stat
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from segeval.errors import DataError
from segeval.files.memory import memory_left
from segeval.files.paths import printable

DEFLATE_RATIO = 1032  # no deflate stream expands further: zlib technical details, "maximum compression factor"
PADDING = 4096  # some writers fill up the last block with zeros
_BLOCK = 512
_MOST_AXES = 32
_SKIP = 1 << 20
_MOST_WORDS = 160
_INNARDS = re.compile(r"0x[0-9a-f]{4,}|allow_pickle|max_header_size|literal_eval|<_|[0-9]{20}")
CROP_IT = (
    "`segeval score --max-memory 2GiB` scores NIfTI, NPY, PNG and TIFF in slabs; "
    "else crop the image or use a larger machine."
)
WRITE_AGAIN = "It is cut short, damaged or not what its name says: copy or write it again."


Opened = dict[Path, os.stat_result]  # files, and how each was when it was opened
_opened: ContextVar[Opened | None] = ContextVar("opened", default=None)


@contextmanager
def opened_files() -> Iterator[Opened]:
    """Note each file that is opened in this thread, headers and voxels alike."""
    found: Opened = {}
    outer = _opened.set(found)
    try:
        yield found
    finally:
        _opened.reset(outer)


def note_opened(paths: Iterable[Path]) -> None:
    """Note files that a library opens, and the folders whose content they are."""
    noted = _opened.get()
    if noted is not None:
        noted.update({path: path.stat() for path in paths if path not in noted})


def open_file(path: Path) -> IO[bytes]:
    """Open a regular file for reading.

    Raises:
        DataError: it is missing, a folder or a pipe, may not be read, or is empty.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise DataError(f"{printable(path)}: is {kind}, not an image. Put the image in its place.")
        if not status.st_size:
            raise DataError(f"{printable(path)}: is empty (0 bytes). Write it again.")
        noted = _opened.get()
        if noted is not None:
            noted.setdefault(path, status)
        return path.open("rb")
    except OSError as error:
        raise DataError(
            f"{printable(path)}: cannot be read ({error.strerror}). Check the path and its rights."
        ) from error


@dataclass(frozen=True, kw_only=True)
class ByteStream:
    """Decompressed bytes of one image, in order; `capacity` is the most that the file can hold."""

    path: Path
    file: IO[bytes]
    capacity: int

    def header(self, size: int) -> bytes:
        """The next `size` bytes."""
        data = self.file.read(size)
        if len(data) < size:
            raise DataError(f"{printable(self.path)}: ends after {len(data)} bytes, within its header. {WRITE_AGAIN}")
        return data

    def skip(self, size: int) -> None:
        """Pass over bytes that say nothing about the voxels."""
        while size > 0:
            size -= len(self.header(min(size, _SKIP)))

    def line(self, most: int, *, may_end: bool = False) -> bytes:
        """The next line, without its end; where the file may end, that is an empty one."""
        line = self.file.readline(most)
        if may_end and not line:
            return line
        if not line.endswith(b"\n"):
            raise DataError(f"{printable(self.path)}: its header does not end. {WRITE_AGAIN}")
        return line.rstrip(b"\r\n")

    def inflated(self) -> "ByteStream":
        """The rest of the file, which is one zlib stream, decompressed."""
        reader: Any = io.BufferedReader(_Inflated(self.file))
        return ByteStream(path=self.path, file=reader, capacity=self.capacity * DEFLATE_RATIO)

    @contextmanager
    def gunzipped(self) -> "Iterator[ByteStream]":
        """The rest of the file, which is gzip, decompressed."""
        gzip_file, _ = _gzip_reader()
        with gzip_file(fileobj=self.file, mode="rb") as plain:
            yield ByteStream(path=self.path, file=plain, capacity=self.capacity * DEFLATE_RATIO)

    def voxels(self, shape: tuple[int, ...], dtype: np.dtype, *, order: Literal["C", "F"], tail: int = 0) -> np.ndarray:
        """The last part of the file as an array, without a copy and in native byte order.

        Reads on to the end of the file, because only there the checksum is compared.

        Args:
            tail: how many bytes of something else may follow, where a format has notes there.

        Raises:
            DataError: the header describes another number of bytes than the file holds.
        """
        (array,) = self.parts(shape, dtype, [math.prod(shape)], tail=tail)
        return array.reshape(shape, order=order)

    def parts(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype,
        sizes: Sequence[int],
        *,
        first: int = 0,
        to_end: bool = True,
        tail: int = 0,
    ) -> Iterator[np.ndarray]:
        """The voxels in order, so many at a time, as flat arrays in native byte order; checked like `voxels`.

        Args:
            sizes: voxels of each part.
            first: how many voxels to pass over before.
            to_end: whether the last part ends with the last voxel, where lengths and checksums are compared.
            tail: as for `voxels`.

        Raises:
            DataError: the header describes another number of bytes than the file holds.
        """
        self.check(shape, dtype)
        n_bytes, what = math.prod(shape) * dtype.itemsize, f"{dtype.name} of shape {shape}"
        if first:
            self.file.seek(first * dtype.itemsize, os.SEEK_CUR)
        read = first * dtype.itemsize
        for size in sizes:
            buffer = self._exactly(size * dtype.itemsize, self._describes(n_bytes, what), read)
            read += buffer.nbytes
            array = np.frombuffer(buffer, dtype)
            yield array if dtype.isnative else array.byteswap(inplace=True).view(dtype.newbyteorder("="))
        rest = self.file.read(max(PADDING, tail) + 1) if to_end else b""
        if len(rest) > tail and not self._is_padding(rest):
            raise DataError(
                f"{printable(self.path)}: holds more than the {n_bytes} bytes of voxels that its header "
                f"describes ({what}). Write it again with a header that fits."
            )

    def check(self, shape: tuple[int, ...], dtype: np.dtype) -> None:
        """Stop where no file of this size can hold such an image.

        Raises:
            DataError: so it is, or the shape is none of an image.
        """
        _check_shape(self.path, shape)
        n_bytes = math.prod(shape) * dtype.itemsize
        if n_bytes > self.capacity:
            what = f"{dtype.name} of shape {shape}"
            raise DataError(f"{self._describes(n_bytes, what)}, more than the file can hold. {WRITE_AGAIN}")

    def _is_padding(self, rest: bytes) -> bool:
        """Whether what follows the voxels are zeros that fill up a block, or are whole blocks.

        A few zeros more are background that something put in before it moved on.
        """
        ends = (len(rest), self.file.tell()) if self.file.seekable() else (len(rest),)
        return len(rest) <= PADDING and not rest.strip(b"\0") and any(end % _BLOCK == 0 for end in ends)

    def _describes(self, n_bytes: int, what: str) -> str:
        return f"{printable(self.path)}: its header describes {as_size(n_bytes)} of voxels ({what})"

    def _exactly(self, size: int, describes: str, before: int) -> memoryview:
        try:
            if size > memory_left():
                raise MemoryError
            # getbuffer() lends the very memory of what was read, and the array on it can be written to
            buffer = io.BytesIO(self.file.read(size)).getbuffer()
        except MemoryError as error:
            raise DataError(f"{describes}, more than there is memory. {CROP_IT}") from error
        if buffer.nbytes < size:
            raise DataError(f"{describes}, but the file holds {before + buffer.nbytes}. {WRITE_AGAIN}")
        return buffer


class _Inflated(io.RawIOBase):
    """Reads a zlib stream; its checksum is compared where it ends, and it has to end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._zlib = file, zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = b""
        while not data and not self._zlib.eof:
            stored = self._zlib.unconsumed_tail or self._file.read(_SKIP)
            if not stored:
                raise EOFError("its compressed voxels do not end")
            data = self._zlib.decompress(stored, len(buffer))
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def open_stream(path: Path, *, gzipped: bool | None = None) -> Iterator[ByteStream]:
    """The bytes of a file, decompressed if its name ends in `.gz`, or if `gzipped` says so.

    All members of a gzip file are read, and each checksum is compared when its member ends.

    Raises:
        DataError: the file cannot be read or decompressed.
    """
    gzip_file, damage = _gzip_reader()
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            if path.suffix.lower() == ".gz" if gzipped is None else gzipped:
                with gzip_file(fileobj=file, mode="rb") as plain:
                    yield ByteStream(path=path, file=plain, capacity=size * DEFLATE_RATIO)
            else:
                yield ByteStream(path=path, file=file, capacity=size)
        except (OSError, EOFError, *damage) as error:
            raise DataError(f"{printable(path)}: cannot be read ({reason_of(error)}). {WRITE_AGAIN}") from error


def _gzip_reader() -> tuple[Any, tuple[Any, ...]]:
    """The faster gzip reader that is installed, and the errors of its own."""
    try:
        from isal import igzip, isal_zlib
    except ImportError:  # no wheel for this machine: slower, the same bytes
        import gzip

        return gzip.GzipFile, (zlib.error,)
    return igzip.IGzipFile, (isal_zlib.error, zlib.error)


def reason_of(error: Exception) -> str:
    """What an error of a library says, in few words; only its name where it speaks of the library's own innards."""
    said = " ".join(str(error).split()).rstrip(".")
    return said if 0 < len(said) <= _MOST_WORDS and not _INNARDS.search(said) else type(error).__name__


def _check_shape(path: Path, shape: tuple[int, ...]) -> None:
    if len(shape) > _MOST_AXES:
        raise DataError(f"{printable(path)}: its header counts {len(shape)} axes. Write the file again.")
    if any(type(n) is not int for n in shape):
        raise DataError(f"{printable(path)}: shape {shape} is not made of whole numbers. Write the file again.")
    if any(n >= 1 << 63 for n in shape):
        raise DataError(f"{printable(path)}: its header describes an axis of more than 10^18 voxels. {WRITE_AGAIN}")
    if min(shape, default=0) <= 0:
        raise DataError(f"{printable(path)}: shape {shape} has no voxels. Remove the file or write it again.")


def as_size(n_bytes: int) -> str:
    """A number of bytes, of which nobody reads more than eighteen digits."""
    return f"{n_bytes} bytes" if n_bytes < 10**18 else "more than 10^18 bytes"
