"""The rows of a PNG, unpacked some at a time."""

import io
import struct
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np

from segeval.errors import DataError
from segeval.files.paths import printable
from segeval.images.readers.pictures import (
    CHANNELS,
    COLOURS,
    GREY,
    PALETTE,
    SIGNATURE,
    checked_header,
    decode_png,
    padded_palette,
    read_png_palette,
    refuse_wide_colours,
    volume_of_pixels,
)
from segeval.images.readers.streams import WRITE_AGAIN, ByteStream, open_stream
from segeval.images.readers.volumes import Slabs, Volume

_AT_ONCE = 1 << 22  # bytes of lines that are unpacked together


def png_slabs(path: Path, *, colours: bool = False) -> Slabs:
    """The rows of a PNG, unpacked some at a time; see `read_png`.

    Raises:
        DataError: it holds what `read_png` refuses.
    """
    with open_stream(path) as stream:
        start, capacity = stream.header(33), stream.inflated()
    is_whole = zlib.crc32(start[12:29]) == int.from_bytes(start[29:], "big")
    if not (start.startswith(SIGNATURE) and start[12:16] == b"IHDR" and is_whole):
        checked_header(path, start)  # says why not
    width, height, depth, colour, *_, is_interlaced = struct.unpack_from(">IIBBBBB", start, 16)
    n_channels = CHANNELS.get(colour, 1)
    row = (width * depth * n_channels + 7) // 8
    refuse_wide_colours(path, depth, colour)
    colours = colours and colour in COLOURS
    capacity.check((height, 1 + row if width else 0), np.dtype("u1"))
    refused = (
        f"{printable(path)}: is interlaced, and is not read in slabs. Save it row by row." if is_interlaced else ""
    )
    kind = np.dtype(np.bool_ if (colour, depth) == (GREY, 1) else np.uint16 if depth == 16 else np.uint8)
    found = read_png_palette(path) if colour == PALETTE else None
    palette = None if found is None else padded_palette(found)
    shape = (height, width, n_channels) if n_channels > 1 and colours else (height, width)
    both = (n_channels,) if n_channels > 1 and not colours else ()

    def volumes(cuts: Sequence[int]) -> Iterator[Volume]:
        idle: np.ndarray | None = None
        with open_stream(path) as stream:
            pixels = _Pixels(path, stream.file)
            packed: Any = pixels
            plain = ByteStream(path=path, file=packed, capacity=stream.capacity).inflated()
            before = np.zeros((1, row), np.uint8)
            rows = max(1, _AT_ONCE // row)
            bands = [min(rows, stop - at) for first, stop in pairwise(cuts) for at in range(first, stop, rows)]
            lines = plain.parts((height, 1 + row), np.dtype("u1"), [n * (1 + row) for n in bands])
            for first, stop in pairwise(cuts):
                array = np.empty((stop - first, *shape[1:], *both), kind)
                for at in range(0, stop - first, rows):
                    filtered = next(lines).reshape(-1, 1 + row)
                    plainly = _unfiltered(path, filtered, before, step=max(1, depth * n_channels // 8))
                    before = plainly[-1:].copy()
                    array[at : at + rows] = _pixels_of(plainly, width, depth, n_channels)
                if both:  # one grey, and one alpha for all of them
                    idle = array[:1, :1] if idle is None else idle
                    array = np.concatenate([np.broadcast_to(idle, (1, *array.shape[1:])), array])
                    grey = volume_of_pixels(path, array, depth, colour, colours=False, palette=None)
                    array = grey.array[1:]
                    yield Volume(path=path, array=array, white=255)
                else:
                    yield volume_of_pixels(path, array, depth, colour, colours=colours, palette=palette)
                del array, filtered, plainly  # there is room for one slab
            deque(lines, maxlen=0)  # compares the checksum
            pixels.finish()

    head = Volume(
        path=path,
        array=np.broadcast_to(np.zeros((), kind), shape),
        white=255 if n_channels > 1 and not colours else (1 << depth) - 1 if colour == GREY else None,
        is_rgb=n_channels > 1 and colours,
        palette=palette,
    )
    return Slabs(head=head, axis=0, volumes=volumes, refused=refused)


class _Pixels(io.RawIOBase):
    """The bytes of all IDAT chunks of a PNG, one after the other; the checksum of every chunk is compared."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path, self._file = path, file
        self._left = 0  # bytes of the chunk that are not read yet
        self._crc = 0
        self._kind = b""
        self._file.seek(len(SIGNATURE))

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes, none after the last chunk of pixels."""
        while not self._left:
            if self._kind == b"IEND" or self._next() == b"IEND":
                return b""
            if self._kind != b"IDAT":
                self.finish_chunk()
        return self._body(1 << 20 if size is None or size < 0 else size)

    def finish(self) -> None:
        """Compare the checksums up to the end of the file."""
        while self._kind != b"IEND":
            self.finish_chunk()
            self._next()
        self.finish_chunk()

    def finish_chunk(self) -> None:
        """Pass over what is left of a chunk."""
        while self._left:
            self._body(1 << 20)

    def _next(self) -> bytes:
        start = self._file.read(8)
        self._left, self._kind = int.from_bytes(start[:4], "big"), start[4:]
        self._crc = zlib.crc32(self._kind)
        if len(start) < 8:
            self._damaged()
        if not self._left:
            self._compare()
        return self._kind

    def _body(self, size: int) -> bytes:
        data = self._file.read(min(size, self._left))
        if not data:
            self._damaged()
        self._left -= len(data)
        self._crc = zlib.crc32(data, self._crc)
        if not self._left:
            self._compare()
        return data

    def _compare(self) -> None:
        if self._file.read(4) != self._crc.to_bytes(4, "big"):
            self._damaged()

    def _damaged(self) -> None:
        at = self._file.tell()
        raise DataError(f"{printable(self._path)}: the checksum of its chunk before byte {at} is wrong. {WRITE_AGAIN}")


def _unfiltered(path: Path, filtered: np.ndarray, before: np.ndarray, *, step: int) -> np.ndarray:
    """Lines of bytes without their filters, which Pillow undoes: as a picture of its own after the line before.

    Args:
        filtered: (line, 1 + byte), the number of the filter first.
        before: (1, byte), the last line of the slab before.
        step: bytes of a pixel, which filters look back by.
    """
    lines = filtered[:, 1:]
    if not filtered[:, 0].any():
        return lines
    first = np.concatenate([np.zeros((1, 1), np.uint8), before], axis=1)
    body = zlib.compress(np.concatenate([first, filtered]).tobytes(), 0)
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[step]
    header = struct.pack(">IIBBBBB", lines.shape[1] // step, len(lines) + 1, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    data = SIGNATURE + b"".join(
        len(part).to_bytes(4, "big") + kind + part + zlib.crc32(part, zlib.crc32(kind)).to_bytes(4, "big")
        for kind, part in chunks
    )
    found, _ = decode_png(path, data)
    return found.reshape(len(lines) + 1, -1)[1:]


def _pixels_of(lines: np.ndarray, width: int, depth: int, n_channels: int) -> np.ndarray:
    """Pixels from the bytes of their lines."""
    if depth == 16:
        return np.ascontiguousarray(lines).view(">u2").astype(np.uint16)
    if depth == 8:
        return np.ascontiguousarray(lines).reshape((len(lines), width, n_channels) if n_channels > 1 else (-1, width))
    bits = np.unpackbits(lines, axis=1).reshape(len(lines), -1, depth)
    values = np.packbits(bits, axis=-1)[..., 0] >> 8 - depth if depth > 1 else bits[..., 0]
    return values[:, :width]
