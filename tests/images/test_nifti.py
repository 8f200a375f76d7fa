"""Good NIfTI files of every kind give what nibabel gives."""

import gzip
import logging
from itertools import pairwise

import nibabel as nib
import numpy as np
import pytest

from segeval.errors import DataError
from segeval.images.readers.nifti import read_nifti

OBLIQUE = np.array([[0.0, 0.9, -0.1, 5.0], [-1.5, 0.2, 0.0, -7.0], [0.1, 0.3, 2.5, 11.0], [0, 0, 0, 1]])


def write(path, array, *, affine=OBLIQUE, kind=nib.Nifti1Image, **fields):
    """Write an image, then set header fields as the bytes of the file have them."""
    image = kind(array, affine, dtype=array.dtype)
    image.to_filename(path)
    if fields:
        change_header(path, **fields)
    return path


def change_header(path, **fields):
    plain = path.suffix == ".nii"
    data = path.read_bytes() if plain else gzip.decompress(path.read_bytes())
    kind = nib.Nifti1Header if int.from_bytes(data[:4], "little") == 348 else nib.Nifti2Header
    header = kind(data[: kind.sizeof_hdr], check=False)
    for name, value in fields.items():
        header[name] = value
    data = header.binaryblock + data[kind.sizeof_hdr :]
    path.write_bytes(data if plain else gzip.compress(data))


def some_labels(*shape, dtype=np.uint8):
    return np.random.default_rng(1).integers(0, 5, shape).astype(dtype)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", ">i2", ">f4"])
def test_every_type_reads_as_nibabel_reads_it(tmp_path, suffix, kind, dtype):
    image = kind(some_labels(4, 3, 2, dtype=dtype), OBLIQUE, dtype=np.dtype(dtype))
    if dtype.startswith(">"):
        image = kind(image.dataobj, OBLIQUE, image.header.as_byteswapped(">"))
    path = tmp_path / f"a{suffix}"
    image.to_filename(path)
    volume, loaded = read_nifti(path), nib.load(path)
    assert loaded.header.endianness == (">" if dtype.startswith(">") else "<")
    np.testing.assert_array_equal(volume.array, np.asarray(loaded.dataobj))
    np.testing.assert_array_equal(volume.affine, loaded.affine)
    assert volume.array.dtype == np.dtype(dtype).newbyteorder("=")
    assert volume.array.flags.f_contiguous
    assert volume.array.flags.writeable
    assert volume.spacing_mm == pytest.approx(np.linalg.norm(OBLIQUE[:3, :3], axis=0))


@pytest.mark.parametrize(("qform", "sform"), [(0, 0), (0, 2), (1, 0), (1, 3), (1, 1)])
def test_the_affine_is_the_one_that_nibabel_chooses(tmp_path, qform, sform):
    rigid = np.array([[0.0, 0.0, 3.0, 4.0], [-1.5, 0, 0, 5], [0, 2.0, 0, 6], [0, 0, 0, 1]])
    image = nib.Nifti1Image(some_labels(4, 3, 2), rigid)
    image.set_sform(OBLIQUE, code=sform)
    image.set_qform(rigid, code=qform)
    image.to_filename(tmp_path / "a.nii.gz")
    volume = read_nifti(tmp_path / "a.nii.gz")
    np.testing.assert_allclose(volume.affine, nib.load(tmp_path / "a.nii.gz").affine, rtol=0, atol=0)
    assert volume.spacing_mm == pytest.approx(
        np.linalg.norm(OBLIQUE[:3, :3], axis=0) if sform else (1.5, 2.0, 3.0), rel=1e-6
    )


@pytest.mark.parametrize(("units", "scale"), [(0, 1.0), (1, 1000.0), (2, 1.0), (3, 0.001), (8 + 1, 1000.0)])
def test_lengths_are_converted_to_millimetres(tmp_path, units, scale):
    path = write(tmp_path / "a.nii", some_labels(4, 3, 2), affine=np.diag([2.0, 3.0, 4.0, 1.0]), xyzt_units=units)
    volume = read_nifti(path)
    assert volume.spacing_mm == pytest.approx((2 * scale, 3 * scale, 4 * scale))
    np.testing.assert_allclose(volume.affine[3], [0, 0, 0, 1])


@pytest.mark.parametrize(
    ("stored", "read", "columns"),
    [
        ((4, 3, 1), (4, 3), (0, 1)),
        ((4, 1, 3), (4, 3), (0, 2)),
        ((1, 4, 3), (4, 3), (1, 2)),
        ((4, 3, 2, 1), (4, 3, 2), (0, 1, 2)),
        ((4, 3, 2, 5), (4, 3, 2, 5), (0, 1, 2)),
        ((4, 3, 2, 1, 5), (4, 3, 2, 5), (0, 1, 2)),
        ((4, 3, 1, 1, 5), (4, 3, 5), (0, 1)),
        ((4, 3, 1, 5), (4, 3, 5), (0, 1)),
        ((4, 3), (4, 3), (0, 1)),
        ((4, 1, 1), (4, 1), (0, 1)),
        ((1, 1, 4), (1, 4), (0, 2)),
        ((1, 1, 1), (1, 1), (0, 1)),
        ((6,), (6, 1), (0, 1)),
    ],
)
def test_singleton_axes_are_squeezed_with_their_columns_and_said_so(tmp_path, stored, read, columns):
    array = some_labels(*stored)
    volume = read_nifti(write(tmp_path / "a.nii.gz", array))
    np.testing.assert_array_equal(volume.array, array.reshape(read))
    np.testing.assert_allclose(volume.affine, OBLIQUE[:, [*columns, 3]], atol=1e-6)
    assert len(volume.spacing_mm) == volume.n_space == len(columns)
    assert volume.grid == read[: len(columns)]
    assert volume.notes == (() if stored == read else (f"shape {stored} read as {read}",))


def test_more_axes_than_space_and_channels_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"shape \(4, 3, 2, 5, 6\) has 5 axes"):
        read_nifti(write(tmp_path / "a.nii.gz", some_labels(4, 3, 2, 5, 6)))


@pytest.mark.parametrize(("slope", "inter"), [(1, 0), (0, 3), (np.nan, 0), (np.inf, 0), (np.nan, np.nan)])
def test_an_identity_slope_leaves_integers(tmp_path, slope, inter):
    array = some_labels(4, 3, 2, dtype=np.int16)
    volume = read_nifti(write(tmp_path / "a.nii", array, scl_slope=slope, scl_inter=inter))
    assert volume.array.dtype == np.int16
    np.testing.assert_array_equal(volume.array, array)


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8"])
def test_a_slope_gives_floats_as_nibabel_does(tmp_path, dtype):
    path = write(tmp_path / "a.nii", some_labels(4, 3, 2, dtype=dtype), scl_slope=0.37, scl_inter=-2.5)
    volume = read_nifti(path)
    assert volume.array.dtype == (np.float64 if dtype in ("i4", "f8") else np.float32)
    np.testing.assert_allclose(volume.array, np.asarray(nib.load(path).dataobj), rtol=1e-6)


@pytest.mark.parametrize(("dtype", "top"), [("u1", 255), ("u2", 65535)])
def test_scaled_integer_probabilities_reach_one_and_do_not_pass_it(tmp_path, dtype, top):
    array = np.arange(0, top + 1, top // 255, dtype=dtype).reshape(16, 16, -1)
    volume = read_nifti(write(tmp_path / "a.nii", array, scl_slope=1 / top))
    assert volume.array.min() == 0.0
    assert volume.array.max() == 1.0


def test_a_slope_that_overflows_gives_infinities_and_no_warning(tmp_path):
    for kind, slope in ((nib.Nifti1Image, 100.0), (nib.Nifti2Image, 1e300)):
        path = write(tmp_path / "a.nii", np.full((2, 2, 2), 1e38, np.float32), kind=kind, scl_slope=slope)
        assert np.isinf(read_nifti(path).array).all()


def test_members_of_a_gzip_file_are_joined(tmp_path):
    array = some_labels(16, 16, 16)
    data = gzip.decompress(write(tmp_path / "a.nii.gz", array).read_bytes())
    cuts = [0, 100, 352, 400, 1000, len(data)]
    members = [gzip.compress(data[a:b]) for a, b in pairwise(cuts)]
    (tmp_path / "b.nii.gz").write_bytes(b"".join(members) + bytes(512))  # zeros fill up a tape block
    np.testing.assert_array_equal(read_nifti(tmp_path / "b.nii.gz").array, array)


def test_extensions_before_the_voxels_are_passed_over(tmp_path):
    array = some_labels(4, 3, 2)
    image = nib.Nifti1Image(array, OBLIQUE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 5000))
    image.to_filename(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(read_nifti(tmp_path / "a.nii.gz").array, array)


def test_an_offset_of_zero_means_directly_after_the_header(tmp_path):
    array = some_labels(4, 3, 2)
    np.testing.assert_array_equal(read_nifti(write(tmp_path / "a.nii", array, vox_offset=0)).array, array)


def test_a_little_padding_after_the_voxels_is_allowed(tmp_path):
    array = some_labels(4, 3, 2)
    path = write(tmp_path / "a.nii", array)
    path.write_bytes(path.read_bytes() + bytes(4096))
    np.testing.assert_array_equal(read_nifti(path).array, array)


def test_harmless_header_faults_are_repaired_in_silence(tmp_path, caplog, capfd):
    fields = {"pixdim": [7, -1, 0, 1, 0, 0, 0, 0], "bitpix": 99}
    path = write(tmp_path / "a.nii", some_labels(4, 3, 2), **fields)
    with caplog.at_level(logging.DEBUG):
        volume = read_nifti(path)
    np.testing.assert_allclose(volume.affine, OBLIQUE, atol=1e-6)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_the_standard_gzip_reader_gives_the_same_where_isal_is_missing(tmp_path, monkeypatch):
    array = some_labels(16, 16, 16)
    path = write(tmp_path / "a.nii.gz", array)
    monkeypatch.setitem(__import__("sys").modules, "isal", None)
    np.testing.assert_array_equal(read_nifti(path).array, array)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="cannot be read"):
        read_nifti(path)
