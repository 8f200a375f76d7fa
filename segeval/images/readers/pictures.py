"""BMP and lossless WebP: grey values or palette indices as ids, in (row, column) order."""

import io
from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.files.paths import printable
from segeval.images.readers.png import grey_of
from segeval.images.readers.streams import WRITE_AGAIN, open_file, reason_of
from segeval.images.readers.volumes import Volume


def read_picture(path: Path, *, colours: bool = False) -> Volume:
    """Read a `.bmp` or `.webp` file, whose three colours have to be alike: both store grey that way.

    Args:
        colours: let an image have colours, in a last axis.

    Raises:
        DataError: the file is damaged, compressed with loss, or holds colours instead of ids.
    """
    with open_file(path) as file:
        data = file.read()
    _check(path, data)
    array = _decoded(path, data)
    if array.ndim == 3 and colours:
        return Volume(path=path, array=array[..., :3], is_rgb=True)
    if array.ndim == 3:
        array = grey_of(path, array, with_alpha=array.shape[-1] == 4, mode="RGBA" if array.shape[-1] == 4 else "RGB")
    return Volume(path=path, array=array, white=255 if array.dtype == np.uint8 else 1)


def _check(path: Path, data: bytes) -> None:
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


def _decoded(path: Path, data: bytes) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=[path.suffix[1:].upper()]) as image:
            return np.array(image)
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        raise DataError(f"{printable(path)}: cannot be decoded ({reason_of(error)}). {WRITE_AGAIN}") from error
