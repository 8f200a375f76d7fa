"""PNG, BMP and lossless WebP: grey values or palette indices as ids, in (row, column) order."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.files.memory import memory_left
from segeval.files.paths import printable
from segeval.images.readers.streams import CROP_IT, DEFLATE_RATIO, WRITE_AGAIN, open_file, reason_of
from segeval.images.readers.volumes import Volume

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, PALETTE = 0, 3  # colour types of the PNG specification, section 11.2.1
COLOURED = {2: "RGB", 4: "grey with alpha", 6: "RGBA"}
COLOURS = (2, 6)  # those whose pixels may be no grey
CHANNELS = {2: 3, 4: 2, 6: 4}
_SPREAD = {(0, 2): 85, (0, 4): 17}  # Pillow stretches grey of few bits to 0..255: undone, since values are ids
_COPIES = 3  # of the pixels, while Pillow and numpy have them


def read_png(path: Path, *, colours: bool = False) -> Volume:
    """Read a PNG of grey values or palette indices; colours that are grey are that too, and so is an idle alpha.

    Args:
        colours: let an image have colours, in a last axis; label images have none.

    Raises:
        DataError: the file is damaged, larger than the memory, or holds colours instead of ids.
    """
    with open_file(path) as file:
        data = file.read()
    width, height, depth, colour = checked_header(path, data)
    row = (width * depth * CHANNELS.get(colour, 1) + 7) // 8
    if row * height > len(data) * DEFLATE_RATIO:
        raise DataError(
            f"{printable(path)}: its header describes {width} x {height} pixels, more than it can hold. {WRITE_AGAIN}"
        )
    if max(row, width) * height * _COPIES > memory_left():
        raise DataError(f"{printable(path)}: {width} x {height} pixels are more than there is memory. {CROP_IT}")
    refuse_wide_colours(path, depth, colour)
    array, palette = decode_png(path, data)
    array = array // _SPREAD[colour, depth] if (colour, depth) in _SPREAD else array
    return volume_of_pixels(path, array, depth, colour, colours=colours, palette=palette)


def refuse_wide_colours(path: Path, depth: int, colour: int) -> None:
    """Stop at colours of 16 bits, of which Pillow keeps the upper half: the lower may be all that ids differ in."""
    if colour in COLOURED and depth == 16:
        raise DataError(
            f"{printable(path)}: holds {COLOURED[colour]} of 16 bits. Save ids as 16-bit grey, and colours in 8 bits."
        )


def volume_of_pixels(
    path: Path, array: np.ndarray, depth: int, colour: int, *, colours: bool, palette: np.ndarray | None
) -> Volume:
    """Decoded pixels, or some rows of them, as an image of ids, or of colours."""
    if colour in COLOURED and not (colours and colour in COLOURS):
        grey = grey_of(path, array, with_alpha=colour != 2, mode=COLOURED[colour])
        return Volume(path=path, array=grey, white=255)
    return Volume(
        path=path,
        array=array,
        white=(1 << depth) - 1 if colour == GREY else None,
        is_rgb=colour in COLOURS,
        palette=palette if colour == PALETTE else None,
    )


def read_png_palette(path: Path) -> np.ndarray | None:
    """The colours of a palette image, (index, 3), from the chunks before its pixels; None where there are none."""
    with open_file(path) as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            return None
        head = file.read(25)
        if head[4:8] == b"IHDR" and head[17] != PALETTE:  # colours may have one, too, as a proposal
            return None
        while len(start := file.read(8)) == 8:
            size, kind = int.from_bytes(start[:4], "big"), start[4:]
            if kind == b"PLTE" and size <= 768 and size % 3 == 0:
                return np.frombuffer(file.read(size), np.uint8).reshape(-1, 3)
            if kind in (b"IDAT", b"IEND") or size > 1 << 20:
                return None
            file.seek(size + 4, 1)
    return None


def grey_of(path: Path, array: np.ndarray, *, with_alpha: bool, mode: str) -> np.ndarray:
    """The grey values of a picture whose colours are all alike.

    Args:
        array: (row, column, channel), the alpha last where there is one.
        mode: for messages.

    Raises:
        DataError: there are colours, or an alpha that differs from pixel to pixel.
    """
    shown = array[..., :-1] if with_alpha else array
    if with_alpha and (array[..., -1] != array.flat[array.shape[-1] - 1]).any():
        raise DataError(
            f"{printable(path)}: its colour mode is {mode}, and its alpha differs from pixel to pixel, so nobody knows "
            "which of the two holds ids. Save the ids as 8- or 16-bit grey."
        )
    if (shown != shown[..., :1]).any():
        raise DataError(
            f"{printable(path)}: its colour mode is {mode}, and colours are no class ids. Pass --colors with their "
            "table (cityscapes, voc, ade20k or a file), or save the ids as 8- or 16-bit grey."
        )
    return np.ascontiguousarray(shown[..., 0])


def checked_header(path: Path, data: bytes) -> tuple[int, int, int, int]:
    """Width, height, bit depth and colour type, after comparing the checksum of every chunk: Pillow skips some."""
    if not data.startswith(SIGNATURE):
        raise DataError(f"{printable(path)}: is no PNG file, it begins with {data[:8]!r}. Name it after what it is.")
    at, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data) or zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise DataError(f"{printable(path)}: the checksum of its chunk at byte {at} is wrong. {WRITE_AGAIN}")
        at = end
    if data[12:16] != b"IHDR":
        raise DataError(f"{printable(path)}: does not begin with a PNG header. {WRITE_AGAIN}")
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    return width, height, depth, colour


def decode_png(path: Path, data: bytes) -> tuple[np.ndarray, np.ndarray | None]:
    """The pixels, and the colours of a palette."""
    from PIL.PngImagePlugin import PngImageFile

    try:
        # the class and not Image.open, whose limit of 89 million pixels is no measure of a fault here
        with PngImageFile(io.BytesIO(data)) as image:
            palette = image.getpalette() if image.mode == "P" else None
            array = np.array(image)  # asarray would give one that cannot be written to
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, zlib.error, struct.error) as error:
        raise DataError(f"{printable(path)}: cannot be decoded ({reason_of(error)}). {WRITE_AGAIN}") from error
    return array, None if palette is None else padded_palette(np.array(palette, dtype=np.uint8).reshape(-1, 3))


def padded_palette(colours: np.ndarray) -> np.ndarray:
    """The colours of all 256 indices; of those that have none, black."""
    return np.vstack([colours, np.zeros((256 - len(colours), 3), np.uint8)])


def read_picture(path: Path, *, colours: bool = False) -> Volume:
    """Read a `.bmp` or `.webp` file: palette indices, or three colours that are alike, as both store grey.

    Args:
        colours: let an image have colours, in a last axis.

    Raises:
        DataError: the file is damaged, compressed with loss, or holds colours instead of ids.
    """
    with open_file(path) as file:
        data = file.read()
    _check_picture(path, data)
    array, palette = _decoded_picture(path, data)
    if palette is not None:
        return Volume(path=path, array=array, palette=palette)
    if array.ndim == 3 and colours:
        return Volume(path=path, array=array[..., :3], is_rgb=True)
    if array.ndim == 3:
        array = grey_of(path, array, with_alpha=array.shape[-1] == 4, mode="RGBA" if array.shape[-1] == 4 else "RGB")
    return Volume(path=path, array=array, white=255 if array.dtype == np.uint8 else 1)


def _check_picture(path: Path, data: bytes) -> None:
    """The length that the file states, and that no compression changed the values."""
    if path.suffix.lower() == ".bmp":
        is_whole, stated = data[:2] == b"BM", int.from_bytes(data[2:6], "little")
    else:
        is_whole, stated = data[:4] + data[8:12] == b"RIFFWEBP", int.from_bytes(data[4:8], "little") + 8
        if is_whole and b"VP8 " in data[12:64]:
            raise DataError(f"{printable(path)}: WebP with loss changes ids. Save it as lossless WebP or PNG.")
    if not is_whole:
        raise DataError(f"{printable(path)}: begins with {data[:8]!r}, not as its name says. Name it after what it is.")
    if len(data) < stated:
        raise DataError(f"{printable(path)}: ends after {len(data)} of {stated} bytes. {WRITE_AGAIN}")


def _decoded_picture(path: Path, data: bytes) -> tuple[np.ndarray, np.ndarray | None]:
    """The pixels, and the colours of a palette."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=[path.suffix[1:].upper()]) as image:
            palette = image.getpalette() if image.mode == "P" else None
            array = np.array(image)
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        raise DataError(f"{printable(path)}: cannot be decoded ({reason_of(error)}). {WRITE_AGAIN}") from error
    return array, None if palette is None else padded_palette(np.array(palette, dtype=np.uint8).reshape(-1, 3))
