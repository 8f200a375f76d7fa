"""PNG images: grey values or palette indices as ids, in (row, column) order."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.files.paths import printable
from segeval.images.readers.streams import DEFLATE_RATIO, WRITE_AGAIN, open_file, reason_of
from segeval.images.readers.volumes import Volume

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY = 0
_COLOURED = {2: "RGB", 4: "grey with alpha", 6: "RGBA"}  # colour types of the PNG specification, section 11.2.1
_SPREAD = {(0, 2): 85, (0, 4): 17}  # Pillow stretches grey of few bits to 0..255: undone, since values are ids


def read_png(path: Path, *, colours: bool = False) -> Volume:
    """Read a grey or palette PNG.

    Args:
        colours: let an image have colours, in a last axis; label images have none.

    Raises:
        DataError: the file is damaged, or holds colours instead of ids.
    """
    with open_file(path) as file:
        data = file.read()
    width, height, depth, colour = _checked_header(path, data)
    if colour in _COLOURED and not colours:
        raise DataError(
            f"{printable(path)}: its colour mode is {_COLOURED[colour]}, and colours are no class ids. "
            "Save the ids as 8- or 16-bit grey, or as a palette image."
        )
    if (width * depth + 7) // 8 * height > len(data) * DEFLATE_RATIO:
        raise DataError(
            f"{printable(path)}: its header describes {width} x {height} pixels, more than it can hold. {WRITE_AGAIN}"
        )
    array = _decode(path, data)
    return Volume(
        path=path,
        array=array // _SPREAD[colour, depth] if (colour, depth) in _SPREAD else array,
        white=(1 << depth) - 1 if colour == _GREY else None,
    )


def _checked_header(path: Path, data: bytes) -> tuple[int, int, int, int]:
    """Width, height, bit depth and colour type, after comparing the checksum of every chunk: Pillow skips some."""
    if not data.startswith(_SIGNATURE):
        raise DataError(f"{printable(path)}: is no PNG file, it begins with {data[:8]!r}. Name it after what it is.")
    at, kind = len(_SIGNATURE), b""
    while kind != b"IEND":
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data) or zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise DataError(f"{printable(path)}: the checksum of its chunk at byte {at} is wrong. {WRITE_AGAIN}")
        at = end
    if data[12:16] != b"IHDR":
        raise DataError(f"{printable(path)}: does not begin with a PNG header. {WRITE_AGAIN}")
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    return width, height, depth, colour


def _decode(path: Path, data: bytes) -> np.ndarray:
    from PIL.PngImagePlugin import PngImageFile

    try:
        # the class and not Image.open, whose limit of 89 million pixels is no measure of a fault here
        with PngImageFile(io.BytesIO(data)) as image:
            return np.array(image)  # asarray would give one that cannot be written to
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, zlib.error, struct.error) as error:
        raise DataError(f"{printable(path)}: cannot be decoded ({reason_of(error)}). {WRITE_AGAIN}") from error
