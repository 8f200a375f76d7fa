"""What is said of a damaged header, of voxels beside it, of pictures and Zarr stores: each leads to a known number."""

import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.cli.given import Run
from tests.cli.remedies import AGAIN, FLAT_PRED, PRED, TRUTH, Way, follow, formed, tiff

DICE = ("score", "pred", "truth", "-m", "dice", "--bootstrap", 0)


def changed(suffix: str, *changes: tuple[bytes, bytes], truth: str = ".nii.gz", file: str = "") -> None:
    """The same, with some bytes of the prediction replaced by others, once."""
    path = formed(suffix, truth=truth)
    path = path.with_name(file) if file else path
    data = path.read_bytes()
    for old, new in changes:
        assert old in data
        data = data.replace(old, new, 1)
    path.write_bytes(data)


def header(suffix: str, says: str, *changes: tuple[bytes, bytes], **more: Any) -> Way:
    """A header with other bytes, which is written again as it should be."""
    truth = more.pop("truth", ".nii.gz")
    return Way(
        given=lambda: changed(suffix, *changes, truth=truth),
        first=DICE,
        says=says,
        mend=lambda: formed(suffix, truth=truth),
        **more,
    )


def cut(suffix: str, says: str, n: int) -> Way:
    def shorten() -> None:
        path = formed(suffix)
        path.write_bytes(path.read_bytes()[:n])

    return Way(given=shorten, first=DICE, says=says, mend=lambda: formed(suffix))


def fields(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}i", *numbers)


SIZES, TYPE, STEPS = b"sizes: 12 12 8", b"type: unsigned char", b"(0.80000000000000004,0,0)"
DIRECTIONS = b"space directions: (0.80000000000000004,0,0) (0,1.2,0) (0,0,2.5)\n"
NRRD = {
    "sizes in words": header(".nrrd", AGAIN, (SIZES, b"sizes: 12 12 x8")),
    "too few sizes": header(".nrrd", AGAIN, (SIZES, b"sizes: 12 96")),
    "more than the file holds": header(".nrrd", AGAIN, (SIZES, b"sizes: 12 12 9")),
    "less than the file holds": header(".nrrd", "Write it again with a header that fits", (SIZES, b"sizes: 12 12 4")),
    "no voxels": header(".nrrd", "Remove the file or write it again", (SIZES, b"sizes: 12 12 0")),
    "no type": header(".nrrd", "its header has no 'type'. " + AGAIN, (TYPE + b"\n", b"")),
    "blocks": header(".nrrd", "Write integers or floats", (TYPE, b"type: block")),
    "directions in words": header(".nrrd", AGAIN, (STEPS, b"(one,0,0)")),
    "directions of two numbers": header(".nrrd", AGAIN, (STEPS, b"(0.8,0)")),
    "directions of fewer numbers than axes": header(
        ".nrrd", AGAIN, (DIRECTIONS, b"space directions: (0.8,0) (0,1.2) (0,0)\n")
    ),
    "spacings in words": header(".nrrd", AGAIN, (DIRECTIONS, b"spacings: a b c\n")),
    "a foreign space": header(
        ".nrrd", "Save it as left-posterior-superior", (b"left-posterior-superior", b"scanner-xyz")
    ),
    "a foreign encoding": header(".nrrd", "Save it as raw or gzip", (b"encoding: raw", b"encoding: bzip2")),
    "axes of four kinds": header(".nrrd", "Save one image per file", (b"domain domain domain", b"list list domain")),
    "axes on one another": header(
        ".nrrd", "Write one in which every axis has a length and a direction", (b"(0,1.2,0)", b"(1.2,0,0)")
    ),
    "an origin that is no number": header(".nrrd", "Write the file again", (b"(-20,15,40)", b"(nan,15,40)")),
    "voxels of no size": header(".nrrd", "Write the file again with lengths between", (b"(0,1.2,0)", b"(0,1e-30,0)")),
    "a header that is cut": cut(".nrrd", AGAIN, 60),
    "voxels that are cut": cut(".nrrd", AGAIN, 900),
    "voxels in several files": header(".nhdr", "Save all in one file", (b"data file: a.raw", b"data file: LIST")),
    "voxels in another folder": header(
        ".nhdr", "Keep the two files beside each other", (b"data file: a.raw", b"data file: ../b/a.raw")
    ),
    "voxels in another folder, in one file": Way(
        given=lambda: changed(".nhdr", (b"data file: a.raw", b"data file: ../b/a.raw")),
        first=DICE,
        says="or save one file",
        mend=lambda: ([path.unlink() for path in Path("pred").iterdir()], formed(".nrrd")),
    ),
    "voxels that are missing": Way(
        given=lambda: (formed(".nhdr"), Path("pred/a.raw").rename("a.raw")),
        first=DICE,
        says="Copy it beside the header",
        mend=lambda: shutil.copy("a.raw", "pred/a.raw"),
    ),
    "bytes to skip in words": header(".nhdr", AGAIN, (b"data file: a.raw", b"byte skip: some\ndata file: a.raw")),
}
META = {
    "axes in words": header(".mha", AGAIN, (b"NDims = 3", b"NDims = three")),
    "five axes": header(".mha", "Save one image per file", (b"NDims = 3", b"NDims = 5")),
    "sizes of two axes": header(".mha", AGAIN, (b"12 12 8", b"12 96")),
    "more than the file holds": header(".mha", AGAIN, (b"12 12 8", b"12 12 9")),
    "less than the file holds": header(".mha", "Write it again with a header that fits", (b"12 12 8", b"12 12 4")),
    "half a voxel": header(".mha", AGAIN, (b"12 12 8", b"12 12 7.5")),
    "a type that is none": header(".mha", "Write integers or floats", (b"MET_UCHAR", b"MET_STRING")),
    "lengths in words": header(".mha", AGAIN, (b"0.80000000000000004 1.2 2.5", b"thin 1.2 2.5")),
    "no lengths": header(
        ".mha", "Write one in which every axis has a length and a direction", (b"0.80000000000000004", b"0")
    ),
    "a line that is none": header(".mha", "Name it after what it is", (b"CompressedData = False", b"Compressed")),
    "voxels in several files": header(".mhd", "Save all in one file", (b"File = a.raw", b"File = a%03d.raw 1 8 1")),
    "voxels in another folder": header(
        ".mhd", "Keep the two files beside each other", (b"File = a.raw", b"File = ../b/a.raw")
    ),
    "voxels that are missing": Way(
        given=lambda: (formed(".mhd"), Path("pred/a.raw").rename("a.raw")),
        first=DICE,
        says="Copy it beside the header",
        mend=lambda: shutil.copy("a.raw", "pred/a.raw"),
    ),
    "a header that is cut": cut(".mha", AGAIN, 60),
    "voxels that are cut": cut(".mha", AGAIN, 1000),
}
START = fields(1, 12, 12, 8, 1, 0)
MGH = {
    "another version": header(".mgh", "Name it after what it is", (START, fields(2, 12, 12, 8, 1, 0))),
    "tensors": header(".mgh", "Write integers or floats", (START, fields(1, 12, 12, 8, 1, 2))),
    "more than the file holds": header(".mgh", AGAIN, (START, fields(1, 12, 12, 4096, 1, 0))),
    "a header that is cut": cut(".mgh", AGAIN, 100),
    "voxels that are cut": cut(".mgh", AGAIN, 900),
    "gzip that is cut": cut(".mgz", AGAIN, 80),
}
NIFTI = {
    "nine axes": header(".nii", "Write the file again", (struct.pack("<2h", 3, 12), struct.pack("<2h", 9, 12))),
    "a type of complex numbers": header(
        ".nii", "Write integers or floats", (struct.pack("<2h", 2, 8), struct.pack("<2h", 32, 64))
    ),
    "Analyze": header(".nii", "Write it again as NIfTI", (b"n+1\0", b"\0\0\0\0")),
    "no voxels": header(
        ".nii", "Remove the file or write it again", (struct.pack("<4h", 3, 12, 12, 8), struct.pack("<4h", 3, 12, 0, 8))
    ),
    "a header that is cut": cut(".nii", AGAIN, 100),
    "voxels that are cut": cut(".nii", AGAIN, 1000),
    "voxels that are missing": Way(
        given=lambda: (formed(".hdr"), Path("pred/a.img").rename("a.img")),
        first=DICE,
        says="Copy it beside the header",
        mend=lambda: shutil.copy("a.img", "pred/a.img"),
    ),
}


def pictured(says: str, how: Callable[[], object], suffix: str = ".png") -> Way:
    return Way(
        given=lambda: (formed(suffix, truth=".png"), how()),
        first=DICE,
        says=says,
        mend=lambda: formed(suffix, truth=".png"),
    )


def png(mode: str, array: np.ndarray) -> None:
    Image.fromarray(array, mode).save("pred/a.png")


NOISE = np.random.default_rng(0).integers(0, 255, (12, 12, 3)).astype(np.uint8)
PICTURES = {
    "a byte that is another": pictured(
        AGAIN, lambda: Path("pred/a.png").write_bytes(Path("pred/a.png").read_bytes().replace(b"IDAT", b"IDAU"))
    ),
    "an alpha of many values": pictured(
        "Save the ids as 8- or 16-bit grey", lambda: png("LA", np.stack([FLAT_PRED, NOISE[..., 0]], axis=-1))
    ),
    "colours": pictured("or save the ids as 8- or 16-bit grey", lambda: png("RGB", NOISE)),
    "WebP with loss": pictured(
        "Save it as lossless WebP or PNG", lambda: Image.fromarray(NOISE).save("pred/a.webp", quality=50), ".webp"
    ),
    "WebP that is cut": pictured(
        AGAIN, lambda: Path("pred/a.webp").write_bytes(Path("pred/a.webp").read_bytes()[:-4]), ".webp"
    ),
    "TIFF with JPEG": pictured(
        "Save it with LZW, deflate or none",
        lambda: Image.fromarray(FLAT_PRED).save("pred/a.tif", compression="jpeg"),
        ".tif",
    ),
    "TIFF that is cut": pictured(
        AGAIN, lambda: Path("pred/a.tif").write_bytes(Path("pred/a.tif").read_bytes()[:-40]), ".tif"
    ),
    "TIFF of colours": pictured(
        "or save the ids as grey values", lambda: tiff("pred/a.tif", NOISE, photometric="rgb"), ".tif"
    ),
}


def cut_numpy(suffix: str, n: int) -> Way:
    def given() -> None:
        path = formed(suffix, truth=".npy")
        path.write_bytes(path.read_bytes()[:n])

    return Way(given=given, first=DICE, says=AGAIN, mend=lambda: formed(suffix, truth=".npy"))


NUMPY = {
    "a header that is cut": cut_numpy(".npy", 40),
    "voxels that are cut": cut_numpy(".npy", 900),
    "an archive that is cut": cut_numpy(".npz", 200),
    "a folder beside a file": Way(
        given=lambda: formed(".npy", truth=".npy"),
        first=("score", "pred", "truth/a.npy", *DICE[3:]),
        says="Name two folders or two files",
        then=(DICE,),
    ),
}


def zarr(says: str, change: Callable[[Any], object], **more: Any) -> Way:
    """A store that is not one whole image, beside a truth in NumPy's format, and the array that it should be."""

    def given() -> None:
        store = pytest.importorskip("zarr", reason="Zarr needs the extra")
        formed(".npy", truth=".npy").unlink()
        change(store)

    def mend() -> None:
        shutil.rmtree("pred/a.zarr")
        formed(".zarr", truth=".npy")

    return Way(**{"given": given, "first": DICE, "says": says, "mend": mend, **more})


def group(store: Any, **arrays: np.ndarray) -> Any:
    root = store.open_group("pred/a.zarr", mode="w")
    for name, array in arrays.items():
        root.create_array(name, data=array, chunks=array.shape)
    return root


def labelled(store: Any) -> None:
    """An image with two label images beside it, as OME-Zarr has them."""
    labels = group(store, image=TRUTH).require_group("labels")
    for name, array in (("cells", PRED), ("nuclei", TRUTH)):
        labels.create_array(name, data=array, chunks=array.shape)
    labels.attrs.update({"ome": {"labels": ["cells", "nuclei"]}})


def out_of_the_group(name: str) -> None:
    """The array itself takes the place of the group that holds it."""
    shutil.move(f"pred/a.zarr/{name}", "array")
    shutil.rmtree("pred/a.zarr")
    shutil.move("array", "pred/a.zarr")


def plain(store: Any, array: np.ndarray, **more: Any) -> None:
    store.create_array(store="pred/a.zarr", data=array, chunks=array.shape, **more)


def lost_metadata(store: Any) -> None:
    plain(store, PRED)
    Path("pred/a.zarr/zarr.json").write_text('{"zarr_format": 3, "node_type": "array"}')


def as_ome(store: Any) -> None:
    shutil.rmtree("pred/a.zarr")
    scales = [{"axes": [{"name": one} for one in "zyx"], "datasets": [{"path": "b"}]}]
    group(store, a=TRUTH, b=PRED).attrs.update({"ome": {"version": "0.5", "multiscales": scales}})


ZARR = {
    "two arrays, one is kept": zarr(
        "Keep one", lambda store: group(store, a=TRUTH, b=PRED), mend=lambda: shutil.rmtree("pred/a.zarr/a")
    ),
    "two arrays, said as OME does": zarr(
        "write OME-Zarr",
        lambda store: group(store, a=TRUTH, b=PRED),
        mend=lambda: as_ome(pytest.importorskip("zarr")),
    ),
    "two arrays, one is named": zarr(
        "or name the folder of the array itself",
        lambda store: group(store, a=TRUTH, b=PRED),
        mend=lambda: None,
        then=(("score", "pred/a.zarr/b", "truth/a.npy", *DICE[3:]),),
    ),
    "two label images": zarr(
        "Name the folder of one of them, such as pred/a.zarr/labels/cells",
        labelled,
        mend=lambda: None,
        then=(("score", "pred/a.zarr/labels/cells", "truth/a.npy", *DICE[3:]),),
    ),
    "complex numbers": zarr(
        "Write integers, floats or booleans", lambda store: plain(store, PRED.astype(np.complex64))
    ),
    "times": zarr(
        "Save one image per store",
        lambda store: plain(store, np.stack([PRED, PRED]), dimension_names=("t", "z", "y", "x")),
    ),
    "metadata that are not whole": zarr(AGAIN, lost_metadata),
    "no voxels": zarr(
        "Remove it or write it again",
        lambda store: store.create_array(store="pred/a.zarr", shape=(0, 12, 8), chunks=(1, 12, 8), dtype="u1"),
    ),
}
WAYS = {
    f"{kind}: {what}": way
    for kind, ways in {
        "NRRD": NRRD,
        "MetaImage": META,
        "MGH": MGH,
        "NIfTI": NIFTI,
        "picture": PICTURES,
        "NumPy": NUMPY,
        "Zarr": ZARR,
    }.items()
    for what, way in ways.items()
}


@pytest.mark.parametrize("what", WAYS)
def test_what_is_said_of_a_header_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, WAYS[what])
