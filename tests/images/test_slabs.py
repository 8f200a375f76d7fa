"""Images in slabs: what the whole reader gives, cut along one axis, with the same checks."""

import io
import struct
import zlib
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tifffile
from PIL import Image

from segeval.errors import DataError
from segeval.images.readers.readers import read_volume
from segeval.images.readers.volumes import even_cuts
from segeval.images.slabs.opening import open_slabs

FLAT = np.cumsum(np.random.default_rng(0).integers(0, 3, (61, 47)), axis=1).astype(np.uint8)
SOLID = np.random.default_rng(1).integers(0, 5, (12, 11, 13)).astype(np.uint8)
MAPS = np.random.default_rng(2).random((12, 11, 13, 3)).astype(np.float32)
AFFINE = np.diag([1.0, 2.0, 3.0, 1.0])


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def filtered(lines: np.ndarray, step: int) -> bytes:
    """Lines with all five filters in turn, by the formulas of the PNG specification, section 9.2."""
    found, before = bytearray(), np.zeros(lines.shape[1], int)
    for y, line in enumerate(lines.astype(int)):
        left, corner = (np.concatenate([np.zeros(step, int), of[:-step]]) for of in (line, before))
        towards = left + before - corner
        a, b, c = (np.abs(towards - side) for side in (left, before, corner))
        paeth = np.where((a <= b) & (a <= c), left, np.where(b <= c, before, corner))
        guess = (0 * line, left, before, (left + before) // 2, paeth)[y % 5]
        found += bytes([y % 5]) + ((line - guess) % 256).astype(np.uint8).tobytes()
        before = line
    return bytes(found)


def png(path: Path, depth: int, colour: int, *, interlaced: bool = False) -> Path:
    """A PNG of noise in many small chunks."""
    channels = {2: 3, 6: 4, 4: 2}.get(colour, 1)
    width, height = 37, 23
    lines = np.random.default_rng(depth).integers(0, 256, (height, (width * depth * channels + 7) // 8))
    if channels > 1:
        pixels = np.repeat(lines.reshape(height, width, channels)[..., :1], channels, axis=2)
        pixels[..., -1] = 200 if channels in (2, 4) else pixels[..., -1]
        lines = pixels.reshape(height, -1)
    packed = zlib.compress(filtered(lines, max(1, depth * channels // 8)))
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))]
    parts += [chunk(b"PLTE", bytes(range(3 * min(1 << depth, 85))))] if colour == 3 else []
    parts += [chunk(b"IDAT", packed[at : at + 97]) for at in range(0, len(packed), 97)] + [chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def same_in_slabs(path: Path, *, colours: bool = False) -> None:
    """The slabs put together are the whole, for slabs of 2 to all rows, the last ones ragged."""
    whole, slabs = read_volume(path, colours=colours), open_slabs(path, colours=colours)
    assert slabs is not None
    assert (slabs.head.array.shape, slabs.head.array.dtype) == (whole.array.shape, whole.array.dtype)
    assert (slabs.head.notes, slabs.head.white, slabs.head.spacing_mm) == (whole.notes, whole.white, whole.spacing_mm)
    for rows in (2, 3, 5, slabs.n):
        parts = list(slabs.volumes(even_cuts(slabs.n, rows)))
        assert rows == slabs.n or len(parts) > 1
        found = np.concatenate([part.array for part in parts], axis=slabs.axis)
        assert found.dtype == whole.array.dtype
        assert np.array_equal(found, whole.array)
        for part in parts:
            assert (part.white, part.is_rgb, part.notes) == (whole.white, whole.is_rgb, whole.notes)


def test_slabs_have_two_rows_or_more_and_are_nearly_alike() -> None:
    for n in range(2, 40):
        for rows in range(1, 45):
            sizes = np.diff(even_cuts(n, rows))
            assert sizes.sum() == n
            assert sizes.min() >= 2
            assert sizes.max() - sizes.min() <= 1
            assert sizes.max() <= max(rows, 3)
            thick = np.diff(even_cuts(n, rows, 5))
            assert len(thick) == 1 or thick.min() >= 5


@pytest.mark.parametrize("colour", [0, 3])
@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_pictures_of_every_depth_come_row_by_row(tmp_path: Path, depth: int, colour: int) -> None:
    same_in_slabs(png(tmp_path / "a.png", depth, colour))


@pytest.mark.parametrize(("depth", "colour"), [(16, 0), (8, 2), (8, 4), (8, 6)])
def test_pictures_of_more_bytes_a_pixel_do_too(tmp_path: Path, depth: int, colour: int) -> None:
    same_in_slabs(png(tmp_path / "a.png", depth, colour))
    if colour in (2, 6):
        same_in_slabs(tmp_path / "a.png", colours=True)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.hdr"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", ">i2", "float64"])
def test_nifti_comes_slice_by_slice(tmp_path: Path, name: str, dtype: str) -> None:
    nibabel.Nifti1Image(SOLID.astype(dtype), AFFINE).to_filename(tmp_path / name) if name != "a.hdr" else (
        nibabel.Nifti1Pair(SOLID.astype(dtype), AFFINE).to_filename(tmp_path / name)
    )
    same_in_slabs(tmp_path / name)


def test_nifti_that_is_scaled_flat_or_has_channels_comes_in_slabs(tmp_path: Path) -> None:
    scaled = nibabel.Nifti1Image(SOLID, AFFINE)
    scaled.header.set_slope_inter(0.01, 0)
    images = {"scaled": scaled, "flat": nibabel.Nifti1Image(SOLID[:, :, :1], AFFINE)}
    images |= {"sheet": nibabel.Nifti1Image(SOLID[:1], AFFINE), "maps": nibabel.Nifti1Image(MAPS, AFFINE)}
    for name, image in images.items():
        nibabel.save(image, tmp_path / f"{name}.nii.gz")
        same_in_slabs(tmp_path / f"{name}.nii.gz")


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_along_their_slowest_axis_of_space(tmp_path: Path, order: str) -> None:
    for name, array in {"solid": SOLID, "flat": FLAT, "sheet": SOLID[:1]}.items():
        np.save(tmp_path / f"{name}.npy", np.array(array, order=order))
        np.savez_compressed(tmp_path / f"{name}.npz", np.array(array, order=order))
        same_in_slabs(tmp_path / f"{name}.npy")
        same_in_slabs(tmp_path / f"{name}.npz")
    np.save(tmp_path / "maps.npy", np.array(np.moveaxis(MAPS, -1, 0), order=order))
    slabs = open_slabs(tmp_path / "maps.npy", channel_axis="first")
    assert slabs is not None
    assert slabs.axis == (1 if order == "C" else 3)
    found = np.concatenate([part.array for part in slabs.volumes([0, 4, slabs.n])], axis=slabs.axis)
    assert np.array_equal(found, np.moveaxis(MAPS, -1, 0))


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"compression": "zlib"},
        {"compression": "zlib", "rowsperstrip": 7},
        {"compression": "zlib", "tile": (32, 32)},
        {"tile": (32, 16)},
        {"compression": "zlib", "predictor": True, "rowsperstrip": 9, "byteorder": ">"},
        {"byteorder": ">"},
    ],
    ids=str,
)
@pytest.mark.parametrize("array", [FLAT, FLAT.astype(np.uint16) * 300, SOLID], ids=["uint8", "uint16", "pages"])
def test_tiff_comes_by_its_strips_tiles_or_pages(tmp_path: Path, array: np.ndarray, how: dict) -> None:
    tifffile.imwrite(tmp_path / "a.tif", array, **how)
    same_in_slabs(tmp_path / "a.tif")


def read_in_slabs(path: Path) -> None:
    slabs = open_slabs(path)
    assert slabs is not None
    list(slabs.volumes(even_cuts(slabs.n, 4)))


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as refused:
        read_in_slabs(path)
    assert path.name in str(refused.value)
    return str(refused.value)


def test_a_changed_byte_is_found_whichever_slab_it_is_in(tmp_path: Path) -> None:
    data = png(tmp_path / "a.png", 8, 0).read_bytes()
    for at in range(40, len(data), 61):
        (tmp_path / "b.png").write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        refusal(tmp_path / "b.png")
    nibabel.save(nibabel.Nifti1Image(SOLID, AFFINE), tmp_path / "a.nii.gz")
    data = (tmp_path / "a.nii.gz").read_bytes()
    for at in range(len(data) // 2, len(data), 61):
        (tmp_path / "b.nii.gz").write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        refusal(tmp_path / "b.nii.gz")


def test_a_file_cut_short_is_refused_in_slabs_too(tmp_path: Path) -> None:
    packed = io.BytesIO()
    np.save(packed, SOLID)
    nibabel.save(nibabel.Nifti1Image(SOLID, AFFINE), tmp_path / "a.nii")
    whole = {"b.npy": packed.getvalue(), "b.nii": (tmp_path / "a.nii").read_bytes()}
    whole["b.png"] = png(tmp_path / "a.png", 8, 0).read_bytes()
    tifffile.imwrite(tmp_path / "a.tif", FLAT, compression="zlib", rowsperstrip=7)
    whole["b.tif"] = (tmp_path / "a.tif").read_bytes()
    for name, data in whole.items():
        (tmp_path / name).write_bytes(data[: 2 * len(data) // 3])
        refusal(tmp_path / name)
    (tmp_path / "b.npy").write_bytes(whole["b.npy"] + b"more")
    assert "holds more than the 1716 bytes" in refusal(tmp_path / "b.npy")


def test_pictures_without_an_order_of_rows_and_channels_are_known_by_their_headers(tmp_path: Path) -> None:
    slabs = open_slabs(png(tmp_path / "a.png", 8, 0, interlaced=True))
    assert slabs is not None
    assert "a.png: is interlaced, and is not read in slabs. Save it row by row" in slabs.refused
    assert slabs.head.array.shape == (23, 37)
    tifffile.imwrite(tmp_path / "a.ome.tif", np.stack([FLAT, FLAT]), metadata={"axes": "CYX"})
    slabs = open_slabs(tmp_path / "a.ome.tif")
    assert slabs is not None
    assert "its axes CYX are not read in slabs" in slabs.refused
    tifffile.imwrite(tmp_path / "rgb.tif", np.stack([FLAT] * 3, axis=2), photometric="rgb")
    slabs = open_slabs(tmp_path / "rgb.tif", colours=True)
    assert slabs is not None
    assert "its colours are not read in slabs" in slabs.refused


def test_an_alpha_that_differs_between_slabs_is_refused(tmp_path: Path) -> None:
    pixels = np.stack([FLAT, np.full_like(FLAT, 9)], axis=2)
    pixels[-1, -1, 1] = 8
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert "its alpha differs from pixel to pixel" in refusal(tmp_path / "a.png")


def test_formats_without_slabs_have_none(tmp_path: Path) -> None:
    for name in ("a.mha", "a.nrrd", "a.mgz", "a.bmp", "a.zarr"):
        assert open_slabs(tmp_path / name) is None
