"""NPY and NPZ files: one array, never a pickle."""

import io
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from segeval.errors import DataError
from segeval.images.readers.readers import read_volume

IDS = np.random.default_rng(4).integers(0, 5, (4, 3, 2)).astype(np.int16)


def saved(array):
    data = io.BytesIO()
    np.save(data, array, allow_pickle=True)
    return data.getvalue()


def refusal(path):
    with pytest.raises(DataError) as caught:
        read_volume(path)
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("dtype", ["?", "u1", "i1", ">u2", "<i2", "i4", "u4", "i8", "u8", "f2", ">f4", "f8"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_every_type_and_order_is_read_as_it_was_saved(tmp_path, dtype, order, suffix):
    array, path = np.asarray(IDS, dtype=dtype, order=order), tmp_path / f"a{suffix}"
    np.save(path, array) if suffix == ".npy" else np.savez_compressed(path, labels=array)
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.array, array)
    assert volume.array.dtype == np.dtype(dtype).newbyteorder("=")
    assert volume.array.flags[f"{order}_CONTIGUOUS"]
    assert volume.affine is None
    assert volume.spacing_mm is None


@pytest.mark.parametrize(
    ("stored", "read"), [((4, 3), (4, 3)), ((4, 3, 1), (4, 3)), ((1, 4, 3), (4, 3)), ((2, 4, 3, 2), (2, 4, 3, 2))]
)
def test_singleton_axes_are_squeezed_and_said_so(tmp_path, stored, read):
    np.save(tmp_path / "a.npy", np.zeros(stored, np.uint8))
    volume = read_volume(tmp_path / "a.npy")
    assert volume.array.shape == read
    assert volume.notes == (() if stored == read else (f"shape {stored} read as {read}",))


@pytest.mark.parametrize("shape", [(5,), (2, 2, 2, 2, 2)])
def test_an_array_that_is_no_image_is_refused(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
    assert "no 2-D or 3-D image" in refusal(tmp_path / "a.npy")


@pytest.mark.parametrize("shape", [(), (0, 3)])
def test_an_array_without_pixels_is_refused(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
    assert f"shape {shape} has no voxels" in refusal(tmp_path / "a.npy")


@pytest.mark.parametrize("array", [np.array([[None, {}]]), np.ones((2, 2), complex), np.array([["a"]])])
def test_pickles_and_other_values_are_refused(tmp_path, array):
    (tmp_path / "a.npy").write_bytes(saved(array))
    assert "pickled objects are never loaded" in refusal(tmp_path / "a.npy")


def test_structured_arrays_are_refused(tmp_path):
    (tmp_path / "a.npy").write_bytes(saved(np.zeros((2, 2), [("größe", "f4")])))
    refusal(tmp_path / "a.npy")


@pytest.mark.parametrize("keys", [["seg"], ["whatever"], ["mask", "spacing"], ["arr_0", "arr_1"]])
def test_the_only_array_that_can_be_meant_is_taken(tmp_path, keys):
    arrays = {key: np.full((2, 2), i, np.uint8) for i, key in enumerate(keys)}
    np.savez(tmp_path / "a.npz", **arrays)
    assert read_volume(tmp_path / "a.npz").array.max() == 0


@pytest.mark.parametrize("keys", [[], ["a", "b"], ["seg", "mask"]])
def test_arrays_to_choose_from_are_refused_with_their_keys(tmp_path, keys):
    np.savez(tmp_path / "a.npz", **{key: np.zeros((2, 2)) for key in keys})
    assert f"its keys are {', '.join(keys) or 'none'}." in refusal(tmp_path / "a.npz")


def test_a_header_that_asks_for_more_than_the_file_holds_is_refused(tmp_path):
    data = saved(np.zeros((2, 2), np.uint8)).replace(b"(2, 2), }      ", b"(99999, 999999)}")
    (tmp_path / "a.npy").write_bytes(data)
    assert "more than the file can hold" in refusal(tmp_path / "a.npy")


def test_a_zip_bomb_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arr_0.npy", saved(np.zeros((2, 2), np.uint8)) + bytes(50_000_000))
    assert "holds more than the 4 bytes of voxels" in refusal(tmp_path / "a.npz")


def test_files_cut_anywhere_are_refused(tmp_path):
    np.savez_compressed(tmp_path / "good.npz", IDS)
    for suffix, data in (".npy", saved(IDS)), (".npz", (tmp_path / "good.npz").read_bytes()):
        for length in range(len(data)):
            (tmp_path / f"a{suffix}").write_bytes(data[:length])
            refusal(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_no_flipped_bit_of_an_archive_gives_wrong_voxels(tmp_path, save):
    path = tmp_path / "a.npz"
    save(path, IDS)
    data = path.read_bytes()
    for at in range(len(data)):
        for bit in range(8):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
            try:
                array = read_volume(path).array
            except DataError:
                continue
            np.testing.assert_array_equal(array, IDS)


def test_no_flipped_bit_of_an_npy_header_ends_in_a_traceback(tmp_path):
    path, data = tmp_path / "a.npy", saved(IDS)
    for at in range(128):
        for bit in range(8):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
            with warnings.catch_warnings(), suppress(DataError):
                warnings.simplefilter("ignore")  # numpy notes that a header might be of Python 2
                read_volume(path)


def test_text_and_foreign_archives_are_refused(tmp_path):
    (tmp_path / "a.npy").write_text("hello")
    (tmp_path / "a.npz").write_text("hello")
    assert "NPY header cannot be read" in refusal(tmp_path / "a.npy")
    assert "cannot be unpacked" in refusal(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "its keys are none" in refusal(tmp_path / "b.npz")


def npy_with(header: str, data: bytes = b"") -> bytes:
    """An NPY file with a header of any text."""
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("(True, 2)", "is not made of whole numbers"),
        (f"({'1,' * 33})", "its header counts 33 axes"),
        (f"({'1,' * 70})", "its header counts 70 axes"),
        (f"({10**40}, 2)", "an axis of more than 10^18 voxels"),
        (f"({2**62}, {2**62})", "describes more than 10^18 bytes of voxels"),
        ("(2, -3)", "has no voxels"),
        ("(2, 'x')", "its NPY header cannot be read"),
    ],
)
def test_a_header_that_describes_no_image_is_refused_in_plain_words(tmp_path: Path, shape: str, said: str) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(npy_with(f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}", bytes(8)))
    message = refusal(path)
    assert said in message
    assert len(message) < 400


def test_what_numpy_says_of_its_own_switches_reaches_nobody(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "b.npz", x=np.array([{}], dtype=object))
    long = {"descr": [(f"field_{i}", "<f4") for i in range(2000)], "fortran_order": False, "shape": (2,)}
    text = repr(long).encode() + b"\n"
    (tmp_path / "c.npy").write_bytes(b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text + bytes(16000))
    for name in ("a.npy", "b.npz", "c.npy"):
        message = refusal(tmp_path / name)
        assert "allow_pickle" not in message
        assert "max_header_size" not in message


def test_a_member_larger_than_the_memory_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "a.npz", np.zeros((100, 100), np.uint8))
    monkeypatch.setattr("segeval.images.readers.streams.memory_left", lambda: 9_999.0)
    assert "describes 10000 bytes of voxels (uint8 of shape (100, 100)), more than there is memory" in refusal(
        tmp_path / "a.npz"
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_damaged_member_of_any_compression_is_refused(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("arr_0.npy", saved(IDS))
    data = bytearray(path.read_bytes())
    data[45:80] = bytes(byte ^ 0x5A for byte in data[45:80])
    path.write_bytes(data)
    assert "cannot be unpacked" in refusal(path)
