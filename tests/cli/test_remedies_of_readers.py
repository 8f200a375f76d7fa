"""What is said of a file that no reader takes as it is, and of one larger than the memory, leads to a known number."""

import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.cli.given import Run, write_image
from tests.cli.remedies import (
    AGAIN,
    FLAT,
    FLAT_PRED,
    LARGE,
    LARGE_PRED,
    PRED,
    SCORE,
    TRUTH,
    Way,
    follow,
    formed,
    large,
    pair,
    scores,
    text,
    tiff,
)
from tests.images.every_format import save_ids

pytestmark = pytest.mark.slow  # of several runs each

DICE = (*SCORE, "-m", "dice")
GREY_OR_8 = "Save ids as 16-bit grey, and colours in 8 bits"
TABLE = "{0: [0, 0, 0], 1: [9, 9, 9]}"


def flat(name: str = "a.png") -> None:
    pair(FLAT_PRED, FLAT, name=name)


def wrong(says: str, spoil: Callable[[], object], suffix: str = ".nii", truth: str = ".nii.gz", **more: Any) -> Way:
    """A prediction that is no whole one of its format, and the same written again."""
    return Way(
        **{
            "given": lambda: (formed(suffix, truth=truth), spoil()),
            "first": DICE,
            "says": says,
            "mend": lambda: formed(suffix, truth=truth),
            **more,
        }
    )


def patched(name: str, *places: tuple[int, bytes]) -> None:
    """Some bytes of a file are others."""
    data = bytearray(Path(name).read_bytes())
    for at, new in places:
        data[at : at + len(new)] = new
    Path(name).write_bytes(data)


def png(pixels: bytes, *, depth: int, colour: int, size: tuple[int, int] = (12, 12), first: bytes = b"IHDR") -> bytes:
    """A PNG made by hand, each of its lines with the number of its filter in front."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(first, struct.pack(">2I5B", *size, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def wide_colours() -> None:
    """Ids 0 and 1 in all three colours of 16 bits, of which the upper 8 are 0 everywhere."""
    lines = np.repeat(FLAT_PRED[..., None], 3, axis=-1).astype(">u2")
    Path("pred/a.png").write_bytes(png(b"".join(b"\0" + line.tobytes() for line in lines), depth=16, colour=2))


def header_of_npy(shape: str) -> None:
    words = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape})}}".ljust(117).encode() + b"\n"
    Path("pred/a.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(words)) + words + PRED.tobytes())


def npy(says: str, shape: str) -> Way:
    return wrong(says, lambda: header_of_npy(shape), ".npy", ".npy")


PIXDIM, CODES, OFFSET = 80, 252, 108  # where these stand in a NIfTI header
BY_PIXDIM = (CODES, struct.pack("<2h", 0, 0))
VOXELS = {
    f"a voxel of {length} mm": wrong(
        "is no voxel size. Write positive spacings",
        lambda length=length: patched("pred/a.nii", (PIXDIM, struct.pack("<f", length)), BY_PIXDIM),  # type: ignore[misc]
    )
    for length in (0.0, -1.0, float("nan"))
}
NIFTI = {
    "no NIfTI at all": wrong("Name it after what it is, or convert it", lambda: patched("pred/a.nii", (0, b"GIF8"))),
    "a picture that is called NIfTI, named": Way(
        given=lambda: (flat(), Path("pred/a.png").rename("pred/a.nii")),
        first=DICE,
        says="Name it after what it is",
        mend=lambda: Path("pred/a.nii").rename("pred/a.png"),
    ),
    "voxels that begin nowhere": wrong(
        "Write the file again", lambda: patched("pred/a.nii", (OFFSET, struct.pack("<f", float("nan"))))
    ),
    "voxels that begin within the header": wrong(
        "Write the file again", lambda: patched("pred/a.nii", (OFFSET, struct.pack("<f", 20.0)))
    ),
}
ARRAYS = {
    "one axis": npy("Save one image per file", "1152,"),
    "33 axes": npy("its header counts 33 axes. Write the file again", "1," * 33),
    "an axis of true": npy("is not made of whole numbers. Write the file again", "True, 1152"),
    "an axis that no number holds": npy(AGAIN, f"{1 << 70}, 1"),
    "an archive of one axis": wrong(
        "Save one image per file",
        lambda: np.savez("pred/a.npz", seg=np.zeros(4, np.uint8)),
        ".npz",
        ".npy",
    ),
}
NAMED = {
    "a kind of file that nobody reads": Way(
        given=lambda: (pair(), Path("pred/a.nii.gz").rename("a.mat")),
        first=("score", "a.mat", "truth/a.nii.gz", *DICE[3:]),
        says="no reader for this kind of file. Known are .nii.gz",
        mend=lambda: Path("a.mat").rename("a.nii.gz"),
        then=(("score", "a.nii.gz", "truth/a.nii.gz", *DICE[3:]),),
    ),
    "a folder of files that nobody reads": Way(
        given=lambda: (pair(), Path("pred/a.nii.gz").rename("pred/a.mat")),
        first=DICE,
        says="Masks end in .nii.gz",
        mend=lambda: Path("pred/a.mat").rename("pred/a.nii.gz"),
    ),
    "a folder in a list of files": Way(
        given=lambda: (
            pair(),
            Path("b.nii.gz").mkdir(),
            text("p.csv", "case,pred,truth\na,pred/a.nii.gz,truth/a.nii.gz\nb,b.nii.gz,truth/a.nii.gz\n"),
        ),
        first=("score", "--pairs", "p.csv", *DICE[3:]),
        says="b.nii.gz: holds no mask. Write one per class there",
        mend=lambda: write_image(Path("b.nii.gz/1.nii.gz"), PRED),
        right=(2 / 3,) * 2,
    ),
    "a pipe": Way(
        given=lambda: (pair(), os.mkfifo("a.nii.gz")),
        first=("score", "a.nii.gz", "truth/a.nii.gz", *DICE[3:]),
        says="neither a file nor a folder. Name an image file or a folder of them",
        then=(("score", "pred/a.nii.gz", "truth/a.nii.gz", *DICE[3:]),),
    ),
}


def coloured_pages(axis: int) -> None:
    formed(".tif", truth=".png")
    text("c.yaml", TABLE)
    Path("pred/a.png").unlink(missing_ok=True)
    planes = np.stack([FLAT_PRED * 9] * 3, axis=axis)
    tiff("pred/a.tif", planes, photometric="rgb", planarconfig="contig" if axis else "separate")


def with_tags(tags: dict[int, int], packed: bytes = b"") -> None:
    """The prediction compressed in a TIFF, with other numbers in its header or other bytes in place of its pixels."""
    path = tiff("pred/a.tif", FLAT_PRED, compression="zlib")
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        places = [(page.tags[tag].valueoffset, struct.pack("<I", number)) for tag, number in tags.items()]  # type: ignore[union-attr]
        pixels = page.dataoffsets[0]  # type: ignore[union-attr]
    patched("pred/a.tif", *places, *([(pixels, packed)] if packed else []))


def without_a_page() -> None:
    """The chain of pages ends after the first, and the text of the file speaks of all."""
    path = Path("pred/a.ome.tif")
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].offset
    (n,) = struct.unpack_from("<H", path.read_bytes(), at)
    patched(str(path), (at + 2 + 12 * n, b"\0" * 4))


PICTURES = {
    "ids in colours of 16 bits": wrong(GREY_OR_8, wide_colours, ".png", ".png"),
    "ids in colours of 16 bits, beside a table": wrong(
        GREY_OR_8,
        lambda: (wide_colours(), text("c.yaml", "{0: [0, 0, 0], 1: [1, 1, 1]}")),
        ".png",
        ".png",
        first=(*DICE, "--colors", "c.yaml"),
    ),
    "colours of 16 bits, saved in 8": wrong(
        GREY_OR_8,
        lambda: (wide_colours(), text("c.yaml", TABLE)),
        ".png",
        ".png",
        first=(*DICE, "--colors", "c.yaml"),
        mend=lambda: Image.fromarray(np.stack([FLAT_PRED * 9] * 3, axis=-1)).save("pred/a.png"),
    ),
    "a PNG without a header": wrong(
        "does not begin with a PNG header. " + AGAIN,
        lambda: Path("pred/a.png").write_bytes(png(b"", depth=8, colour=0, first=b"tEXt")),
        ".png",
        ".png",
    ),
    "a PNG of more than it holds": wrong(
        "more than it can hold. " + AGAIN,
        lambda: Path("pred/a.png").write_bytes(png(b"\0" * 9, depth=8, colour=0, size=(9000, 9000))),
        ".png",
        ".png",
    ),
    "a PNG whose pixels end": wrong(
        "cannot be decoded",
        lambda: Path("pred/a.png").write_bytes(png(b"\0" * 40, depth=8, colour=0)),
        ".png",
        ".png",
    ),
    "a BMP of pixels that end": wrong(
        "cannot be decoded", lambda: patched("pred/a.bmp", (2, struct.pack("<I", 40)), (18, b"\0\x20")), ".bmp", ".png"
    ),
    "colours of a TIFF, plane after plane": Way(
        given=lambda: coloured_pages(0),
        first=DICE,
        says="Pass --colors with their table",
        then=((*DICE, "--colors", "c.yaml"),),
    ),
    "colours of a stack, beside a table": Way(
        given=lambda: (
            write_image(Path("truth/a.npy"), TRUTH),
            tiff("pred/a.tif", np.stack([PRED * 9] * 3, -1), photometric="rgb"),
            text("c.yaml", TABLE),
        ),
        first=(*DICE, "--colors", "c.yaml"),
        says="--colors reads single pictures of 8 bits: save the ids as grey values",
        mend=lambda: tiff("pred/a.tif", PRED),
    ),
    "a TIFF of complex numbers": wrong(
        "is no 2-D or 3-D image. Save one image per file",
        lambda: tiff("pred/a.tif", FLAT_PRED.astype(np.complex64)),
        ".tif",
        ".png",
    ),
    "a TIFF of more than it holds": wrong(
        "is more than it can hold. " + AGAIN,
        lambda: with_tags({257: 1 << 20, 278: 1 << 20}),
        ".tif",
        ".png",
    ),
    "a TIFF whose pixels are none": wrong("cannot be decoded", lambda: with_tags({}, packed=b"\0" * 4), ".tif", ".png"),
    "an OME-TIFF that lacks a page": wrong("a page is missing. " + AGAIN, lambda: without_a_page(), ".ome.tif", ".npy"),
    "a TIFF whose chain of pages breaks off": wrong(
        AGAIN, lambda: patched("pred/a.tif", (4, struct.pack("<I", 1 << 30))), ".tif", ".png"
    ),
}
MAPS = (*SCORE, "-m", "n_lesions_pred", "--pred-instances", "maps/{case}.nii.gz")
OTHERS = {
    "MetaImage whose compressed voxels end": wrong(AGAIN, lambda: cut_zlib(), ".mha"),
    "a folder in place of a map of objects": Way(
        given=lambda: (pair(), Path("maps/a.nii.gz").mkdir(parents=True)),
        first=MAPS,
        says="is a folder, not an image. Put the image in its place",
        mend=lambda: (Path("maps/a.nii.gz").rmdir(), write_image(Path("maps/a.nii.gz"), PRED)),
        read=scores("n_lesions_pred"),
        right=(1.0,),
    ),
}


def cut_zlib() -> None:
    """MetaImage says how long its compressed voxels are; here they are shorter than one stream of zlib."""
    packed = zlib.compress(PRED.tobytes("F"))[:-9]
    head, _ = Path("pred/a.mha").read_bytes().split(b"ElementDataFile")
    head = head.replace(b"CompressedData = False", b"CompressedData = True\nCompressedDataSize = %d" % len(packed))
    Path("pred/a.mha").write_bytes(head + b"ElementDataFile = LOCAL\n" + packed)


WAYS = VOXELS | NIFTI | ARRAYS | NAMED | PICTURES | OTHERS


@pytest.mark.parametrize("what", WAYS)
def test_what_is_said_of_a_file_that_cannot_be_read_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, WAYS[what])


CROPPED = "`segeval score --max-memory 2GiB` scores NIfTI, NPY, PNG and TIFF in slabs"
IN_SLABS = (*DICE, "--max-memory", "150.2MiB", "--workers", 1)


def planes(name: str) -> None:
    """The boxes many times in a plane."""
    for side, ids in (("pred", LARGE_PRED), ("truth", LARGE)):
        plane = np.tile(ids[..., 20], (6, 6))
        tiff(f"{side}/{name}", plane) if name.endswith(".tif") else write_image(Path(side, name), plane)


@pytest.mark.parametrize(
    ("reader", "given"),
    [
        ("streams", large),
        ("streams", lambda: planes("a.npy")),
        ("pictures", lambda: planes("a.png")),
        ("tiff", lambda: planes("a.tif")),
    ],
)
def test_an_image_larger_than_the_memory_is_scored_in_slabs(
    run: Run, monkeypatch: pytest.MonkeyPatch, reader: str, given: Callable[[], None]
) -> None:
    monkeypatch.setattr(f"segeval.images.readers.{reader}.memory_left", lambda: 150_000.0)
    follow(run, Way(given=given, first=DICE, says=CROPPED, then=(IN_SLABS,)))


@pytest.mark.parametrize(("reader", "suffix"), [("zarr_store", ".zarr")])
def test_an_image_larger_than_the_memory_is_cropped(
    run: Run, monkeypatch: pytest.MonkeyPatch, reader: str, suffix: str
) -> None:
    pytest.importorskip("zarr", reason="Zarr needs the extra")
    monkeypatch.setattr(f"segeval.images.readers.{reader}.memory_left", lambda: 1000.0)

    def half() -> None:
        for side, ids in (("pred", PRED), ("truth", TRUTH)):
            shutil.rmtree(f"{side}/a{suffix}")
            save_ids(Path(f"{side}/a{suffix}"), ids[..., 2:6])

    given = lambda: formed(suffix, truth=suffix)  # noqa: E731
    follow(run, Way(given=given, first=DICE, says="else crop the image", mend=half))
