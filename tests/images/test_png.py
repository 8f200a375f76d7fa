"""PNG ids come as they were stored, colours and damage are refused."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import segeval
from segeval.errors import DataError
from segeval.images.readers.readers import read_volume

IDS = np.random.default_rng(3).integers(0, 5, (7, 9)).astype(np.uint8)


def encode(image, **options):
    data = io.BytesIO()
    image.save(data, "png", **options)
    return data.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth, colour, rows):
    """A PNG from its chunks, for what Pillow does not write."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    palette = chunk(b"PLTE", bytes(range(48)))
    return b"\x89PNG\r\n\x1a\n" + header + palette + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def read(tmp_path, data):
    path = tmp_path / "a.png"
    path.write_bytes(data)
    return read_volume(path)


def refusal(tmp_path, data):
    with pytest.raises(DataError, match=r"a\.png: ") as caught:
        read(tmp_path, data)
    return str(caught.value)


def test_grey_of_eight_bits_is_read_as_rows_and_columns(tmp_path):
    volume = read(tmp_path, encode(Image.fromarray(IDS)))
    np.testing.assert_array_equal(volume.array, IDS)
    assert volume.array.dtype == np.uint8
    assert volume.array.flags.writeable
    assert volume.grid == (7, 9)
    assert volume.affine is None
    assert volume.spacing_mm is None


def test_grey_of_sixteen_bits_keeps_high_ids(tmp_path):
    ids = IDS.astype(np.uint16) * 16000
    np.testing.assert_array_equal(read(tmp_path, encode(Image.fromarray(ids))).array, ids)


def test_one_bit_is_zero_and_one(tmp_path):
    np.testing.assert_array_equal(read(tmp_path, encode(Image.fromarray(IDS > 2))).array, IDS > 2)


def test_true_is_one_whatever_its_byte(tmp_path):
    """Pillow has 255 for True, and so has what is saved of it: that is no id 255 beside a truth of 0 and 1."""
    import tifffile
    import zarr

    truth = (IDS > 2).astype(np.uint8)
    one_bit = Image.fromarray(truth > 0)
    of_pillow = np.array(one_bit)
    assert set(of_pillow.view(np.uint8).flat) == {0, 255}
    for suffix in (".png", ".bmp", ".tif"):
        one_bit.save(tmp_path / f"a{suffix}")
    tifffile.imwrite(tmp_path / "a.tiff", of_pillow)
    np.save(tmp_path / "a.npy", of_pillow)
    np.savez(tmp_path / "a.npz", of_pillow)
    zarr.save(str(tmp_path / "a.zarr"), of_pillow)
    sides = [of_pillow, one_bit, torch.from_numpy(of_pillow), *sorted(tmp_path.iterdir())]
    assert len(sides) == 10
    np.save(tmp_path / "truth.npy", truth)
    for side in sides:
        for pair in ((side, tmp_path / "truth.npy"), (tmp_path / "truth.npy", side)):
            if not isinstance(side, Path):
                pair = tuple(truth if isinstance(one, Path) else one for one in pair)
            (row,) = segeval.score(*pair, measures=["dice", "hd"], bootstrap=0).class_rows
            assert (row.of.label, row.values) == ("1", {"dice": 1.0, "hd": 0.0}), side


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_gives_indices_and_not_colours(tmp_path, bits):
    ids = np.minimum(IDS, 2**bits - 1)
    image = Image.fromarray(ids).convert("P")
    image.putpalette([255 - i % 251 for i in range(3 * 2**bits)])
    image.putdata(ids.ravel().tolist())
    data = encode(image, bits=bits, transparency=1)
    assert (data[24], data[25]) == (bits, 3)
    np.testing.assert_array_equal(read(tmp_path, data).array, ids)


@pytest.mark.parametrize("depth", [2, 4])
def test_grey_of_few_bits_gives_the_stored_values(tmp_path, depth):
    rows = b"".join(b"\0" + bytes([byte, byte]) for byte in (0b00011011, 0b11100100))
    array = read(tmp_path, png(16 // depth, 2, depth, 0, rows)).array
    first = [0, 1, 2, 3] if depth == 2 else [1, 11]
    second = [3, 2, 1, 0] if depth == 2 else [14, 4]
    np.testing.assert_array_equal(array, [first * 2, second * 2])


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_grey_that_is_stored_as_colours_or_with_an_idle_alpha_is_grey(tmp_path, mode):
    volume = read(tmp_path, encode(Image.fromarray(IDS).convert(mode)))
    np.testing.assert_array_equal(volume.array, IDS)
    assert volume.white == 255


@pytest.mark.parametrize(("mode", "name"), [("RGB", "RGB"), ("RGBA", "RGBA")])
def test_colours_are_refused_by_their_name(tmp_path, mode, name):
    image = Image.fromarray(np.stack([IDS, IDS, 255 - IDS], axis=-1)).convert(mode)
    message = refusal(tmp_path, encode(image))
    assert f"its colour mode is {name}, and colours are no class ids. Pass --colors with their table" in message


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_alpha_that_differs_is_refused(tmp_path, mode):
    image = Image.fromarray(IDS).convert(mode)
    image.putalpha(Image.fromarray(IDS * 50))
    assert "its alpha differs from pixel to pixel" in refusal(tmp_path, encode(image))


def test_colours_of_sixteen_bits_are_refused(tmp_path):
    rows = b"".join(b"\0" + bytes(12) for _ in range(2))
    said = refusal(tmp_path, png(2, 2, 16, 2, rows))
    assert "holds RGB of 16 bits. Save ids as 16-bit grey, and colours in 8 bits" in said


def test_a_picture_larger_than_the_memory_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr("segeval.images.readers.pictures.memory_left", lambda: 3.0 * 63 - 1)
    assert "9 x 7 pixels are more than there is memory" in refusal(tmp_path, encode(Image.fromarray(IDS)))


def test_no_flipped_bit_gives_wrong_pixels(tmp_path):
    data = encode(Image.fromarray(IDS))
    for at in range(len(data)):
        for bit in range(8):
            refusal(tmp_path, data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])


def test_a_file_cut_anywhere_is_refused(tmp_path):
    data = encode(Image.fromarray(IDS))
    for length in range(len(data)):
        refusal(tmp_path, data[:length])


def test_pixels_that_are_no_zlib_stream_are_refused_behind_a_good_checksum(tmp_path):
    data = png(9, 7, 8, 0, bytes(70))
    start = data.index(b"IDAT") - 4
    broken = data[:start] + chunk(b"IDAT", b"not compressed at all") + chunk(b"IEND", b"")
    assert "cannot be decoded" in refusal(tmp_path, broken)


def test_an_image_without_pixels_is_refused(tmp_path):
    empty = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 7, 8, 0, 0, 0, 0)) + chunk(b"IEND", b"")
    refusal(tmp_path, empty)
    refusal(tmp_path, b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""))


def test_an_absurd_size_is_refused_before_memory_is_taken(tmp_path):
    assert "2147483647 x 2147483647 pixels, more than it can hold" in refusal(
        tmp_path, png(2**31 - 1, 2**31 - 1, 8, 0, bytes(30))
    )


def test_another_format_under_the_name_is_refused(tmp_path):
    data = io.BytesIO()
    Image.fromarray(IDS).save(data, "jpeg")
    assert "is no PNG file" in refusal(tmp_path, data.getvalue())


def test_an_image_above_the_limit_of_pillow_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    np.testing.assert_array_equal(read(tmp_path, encode(Image.fromarray(IDS))).array, IDS)
