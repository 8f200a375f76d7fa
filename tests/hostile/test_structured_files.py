"""Headers that lie: sizes, types and places that a file does not have."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.images.readers.readers import read_volume
from tests.hostile.conftest import Tally
from tests.images.test_formats import blocks, write

WORDS = (0, 1, -1, 2, 7, 512, -32768, 32767)
SHAPES = ("(True, 3)", "(-1, 4)", "()", "(0, 5)", "(3.0, 4)", "(1,)" * 40, f"({'1, ' * 65})", "(6000000000, 9)")


def refused_or_read(path: Path) -> bool:
    try:
        read_volume(path)
    except DataError as error:
        return path.name in str(error) and str(error).isprintable() and len(str(error)) < 600
    except Exception:
        return False
    return True


def refused(path: Path) -> bool:
    try:
        read_volume(path)
    except DataError as error:
        return path.name in str(error)
    except Exception:
        return False
    return False


def test_every_word_of_a_nifti_header_may_be_any(tmp_path: Path, tally: Tally, times: Callable[..., int]) -> None:
    path = tmp_path / "a.nii"
    write(tmp_path / "a.nii.gz", blocks())
    import gzip

    data = gzip.decompress((tmp_path / "a.nii.gz").read_bytes())
    places = [(at, word) for at in range(0, 348, 2) for word in WORDS]
    for i in np.random.default_rng(3).permutation(len(places))[: times(150, len(places))]:
        at, word = places[i]
        path.write_bytes(data[:at] + struct.pack("<h", word) + data[at + 2 :])
        tally.note(places[i], stood=refused_or_read(path))


def npy_headers() -> Iterator[bytes]:
    for shape in SHAPES:
        for descr in ("|u1", "<f8", "|O", "<U9", "<c16"):
            text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(1200) + "\n"
            yield b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + bytes(64)


def test_an_array_header_that_lies_is_refused_also_within_an_archive(tmp_path: Path, tally: Tally) -> None:
    for i, data in enumerate(npy_headers()):
        plain, packed = tmp_path / f"{i}.npy", tmp_path / f"{i}.npz"
        plain.write_bytes(data)
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("arr_0.npy", data)
        for path in (plain, packed):
            tally.note(path.name, stood=refused(path))


def png_of(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    start = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", start), chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_images_larger_than_memory_are_refused_by_their_headers(tmp_path: Path, tally: Tally, monkeypatch) -> None:
    for width, height in ((50_000, 50_000), (2**31 - 1, 2**31 - 1), (0, 5), (2**32 - 1, 1)):
        path = tmp_path / f"{width}.png"
        path.write_bytes(png_of(width, height, bytes(1000)))
        tally.note(path.name, stood=refused(path))
    for where in ("streams", "pictures"):
        monkeypatch.setattr(f"segeval.images.readers.{where}.memory_left", lambda: 1e5)
    (tmp_path / "whole.png").write_bytes(png_of(1000, 1000, bytes(1001 * 1000)))
    packed = io.BytesIO()
    np.savez_compressed(packed, np.zeros((100, 100, 100), np.uint8))
    (tmp_path / "whole.npz").write_bytes(packed.getvalue())
    for name in ("whole.png", "whole.npz"):
        tally.note(name, stood=refused(tmp_path / name))
