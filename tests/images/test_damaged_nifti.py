"""A NIfTI file that is not whole gives one clear error, or exactly the right voxels."""

import gzip
import os
import tracemalloc

import nibabel as nib
import numpy as np
import pytest

from segeval.errors import DataError
from segeval.files.suffixes import IMAGE_SUFFIXES
from segeval.images.readers.nifti import read_nifti
from segeval.images.readers.readers import read_volume

LABELS = np.random.default_rng(2).integers(0, 4, (6, 5, 4)).astype(np.uint8)


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.nii.gz"
    nib.Nifti1Image(LABELS, np.diag([1.0, 2.0, 3.0, 1.0])).to_filename(path)
    return path


def changed(path, *fields, data=b""):
    """The file with header fields set, and with `data` for its voxels."""
    old = gzip.decompress(path.read_bytes())
    header = nib.Nifti1Header(old[:348], check=False)
    for name, value in fields:
        header[name] = value
    path.write_bytes(gzip.compress(header.binaryblock + old[348:352] + (data or old[352:])))
    return path


def refusal(path):
    with pytest.raises(DataError) as caught:
        read_volume(path)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    return message


def read_or_refused(path):
    """The voxels and the affine, or None where the reader refused the file."""
    try:
        volume = read_volume(path)
    except DataError as error:
        if not str(error).isprintable():
            raise
        return None
    return volume.array, volume.affine


@pytest.mark.parametrize("isal", [True, False], ids=["isal", "gzip"])
def test_no_flipped_bit_of_a_compressed_file_gives_wrong_voxels(good, isal, monkeypatch):
    if not isal:
        monkeypatch.setitem(__import__("sys").modules, "isal", None)
    data, whole = good.read_bytes(), read_volume(good)
    read = []
    for at in range(len(data)):
        for bit in range(8):
            good.write_bytes(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
            read += filter(None, [read_or_refused(good)])
    for array, affine in read:  # the flip was in the name, the time, or in a match that repeats zeros anyway
        np.testing.assert_array_equal(array, whole.array)
        np.testing.assert_array_equal(affine, whole.affine)
    assert len(read) < len(data)  # of eight flips in every byte


def test_a_file_cut_anywhere_is_refused(good):
    data = good.read_bytes()
    for length in range(len(data)):
        good.write_bytes(data[:length])
        refusal(good)


def test_an_uncompressed_file_cut_anywhere_is_refused(good, tmp_path):
    data = gzip.decompress(good.read_bytes())
    path = tmp_path / "plain.nii"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        refusal(path)


def test_no_flipped_bit_of_a_plain_header_ends_in_a_traceback(good, tmp_path):
    data = gzip.decompress(good.read_bytes())
    path = tmp_path / "plain.nii"
    for at in range(352):
        for bit in range(8):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
            read_or_refused(path)


def test_garbage_after_the_last_gzip_member_is_refused(good):
    good.write_bytes(good.read_bytes() + b"garbage")
    assert "damaged" in refusal(good)


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.touch()
    assert "is empty (0 bytes)" in refusal(path)


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii"])
def test_text_under_an_image_name_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_text("case,dice\n1,0.5\n")
    assert "case" in refusal(path) or "gzip" in refusal(path)


def test_a_gzip_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(b"hello world"))
    assert "is no NIfTI file, it begins with b'hell'" in refusal(path)


def test_a_header_whose_voxels_lie_elsewhere_is_refused(good):
    assert "b'ni1'" in refusal(changed(good, ("magic", b"ni1")))


@pytest.mark.parametrize(
    ("dim", "says"),
    [
        ([3, 32767, 32767, 32767, 1, 1, 1, 1], "more than the file can hold"),
        ([7] + [32767] * 7, "more than the file can hold"),
        ([3, 60, 50, 40, 1, 1, 1, 1], "but the file holds 120"),
        ([3, -6, 5, 4, 1, 1, 1, 1], "has no voxels"),
        ([3, 6, 0, 4, 1, 1, 1, 1], "has no voxels"),
        ([0, 6, 5, 4, 1, 1, 1, 1], "counts 0 axes"),
        ([9, 6, 5, 4, 1, 1, 1, 1], "counts 9 axes"),
        ([-1, 6, 5, 4, 1, 1, 1, 1], "counts -1 axes"),
    ],
)
def test_dimensions_that_do_not_fit_the_file_are_refused_without_allocating_them(good, dim, says):
    changed(good, ("dim", dim))
    refusal(good)  # imports are paid for before memory is measured
    tracemalloc.start()
    message = refusal(good)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert says in message
    assert peak < 4_000_000


def test_a_bomb_behind_a_small_header_is_refused_without_unpacking_it(good):
    changed(good, data=bytes(200_000_000))
    refusal(good)
    tracemalloc.start()
    message = refusal(good)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "holds more than the 120 bytes of voxels that its header describes (uint8 of shape (6, 5, 4))" in message
    assert peak < 4_000_000


def test_an_image_larger_than_the_machine_is_refused(good, monkeypatch):
    monkeypatch.setattr("segeval.images.readers.streams.memory_left", lambda: 100)
    assert "more than there is memory" in refusal(good)


@pytest.mark.parametrize("offset", [np.nan, np.inf, 1e30, 3e8, -1e9, 100])
def test_a_voxel_offset_that_leads_nowhere_is_refused(good, offset):
    refusal(changed(good, ("vox_offset", offset)))


@pytest.mark.parametrize("code", [0, 1, 3, 32, 128, 255, 1536, 1792, 2048, 2304, 9999])
def test_types_that_are_no_ids_and_no_probabilities_are_refused(good, code):
    refusal(changed(good, ("datatype", code)))


@pytest.mark.parametrize(("code", "name"), [(128, "RGB"), (32, "complex64")])
def test_a_refused_type_is_named(good, code, name):
    assert f"holds {name} voxels" in refusal(changed(good, ("datatype", code)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_affine_that_is_not_finite_is_refused(good, value):
    assert "not finite" in refusal(changed(good, ("srow_y", [0, 2, 0, value])))


@pytest.mark.parametrize("row", [[0, 0, 0, 0], [2, 0, 0, 0]])
def test_an_affine_without_a_direction_for_every_axis_is_refused(good, row):
    assert "folds the grid flat" in refusal(changed(good, ("srow_y", row)))


@pytest.mark.parametrize("size", [0.0, -2.0, np.nan, np.inf])
@pytest.mark.parametrize("qform", [0, 1])
def test_a_voxel_size_that_is_not_positive_is_refused_where_it_counts(good, size, qform):
    fields = (("sform_code", 0), ("qform_code", qform), ("pixdim", [1, 1, size, 3, 0, 0, 0, 0]))
    assert "is no voxel size" in refusal(changed(good, *fields))


def test_a_quaternion_of_more_than_unit_length_is_refused(good):
    assert "header is wrong" in refusal(changed(good, ("sform_code", 0), ("qform_code", 1), ("quatern_b", 2.0)))


def test_an_intercept_that_is_not_finite_is_refused(good):
    assert "intercept" in refusal(changed(good, ("scl_slope", 2.0), ("scl_inter", np.inf)))


def test_a_folder_under_an_image_name_is_refused(tmp_path):
    (tmp_path / "x.nii.gz").mkdir()
    assert "is a folder" in refusal(tmp_path / "x.nii.gz")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.nii.gz")
    assert "no regular file" in refusal(tmp_path / "x.nii.gz")


def test_a_link_to_itself_is_refused(tmp_path):
    (tmp_path / "x.nii.gz").symlink_to(tmp_path / "x.nii.gz")
    assert "symbolic links" in refusal(tmp_path / "x.nii.gz")


def test_a_link_to_nothing_is_refused(tmp_path):
    (tmp_path / "x.nii.gz").symlink_to(tmp_path / "gone.nii.gz")
    assert "No such file" in refusal(tmp_path / "x.nii.gz")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_read_permission_is_refused(good):
    good.chmod(0)
    assert "Permission denied" in refusal(good)


def test_a_file_that_the_system_will_not_open_is_refused(good, monkeypatch):
    def deny(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", deny)
    assert "cannot be read (Permission denied)" in refusal(good)


@pytest.mark.parametrize("name", ["with space", "größe 頭", "=1+1", "-x", "two\nlines", "bad\udcffbyte"])
def test_unusual_names_are_read_and_shown_on_one_line(good, name):
    path = good.with_name(f"{name}.nii.gz")
    path.write_bytes(good.read_bytes())
    np.testing.assert_array_equal(read_volume(path).array, LABELS)
    path.write_bytes(b"")
    with pytest.raises(DataError) as caught:
        read_volume(path)
    assert str(caught.value).isprintable()


def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path):
    (tmp_path / "a.vtk").write_bytes(b"# vtk DataFile")
    assert ", ".join(IMAGE_SUFFIXES) in refusal(tmp_path / "a.vtk")


def test_only_zeros_may_follow_the_voxels(tmp_path):
    image = nib.Nifti1Image(np.ones((4, 5, 6), np.uint8), np.eye(4)).to_bytes()
    path = tmp_path / "a.nii"
    path.write_bytes(image + bytes(512))
    assert read_volume(path).array.all()
    for surplus in (b"\1", bytes(511) + b"\1", bytes(5000)):
        path.write_bytes(image + surplus)
        with pytest.raises(DataError, match="holds more than the 120 bytes of voxels that its header describes"):
            read_volume(path)


def test_a_byte_inserted_among_the_voxels_is_found(tmp_path):
    image = nib.Nifti1Image(np.arange(120, dtype=np.uint8).reshape(4, 5, 6), np.eye(4)).to_bytes()
    path = tmp_path / "a.nii"
    path.write_bytes(image[:400] + b"\0" + image[400:])
    with pytest.raises(DataError, match="holds more than"):
        read_volume(path)


def test_voxels_that_one_inserted_byte_moved_on_are_refused(tmp_path):
    image = np.zeros((8, 8, 9), dtype=np.uint8)
    image[2:5, 2:5, 2:5] = 1
    path = tmp_path / "a.nii"
    nib.save(nib.Nifti1Image(image, np.eye(4)), path)
    data = path.read_bytes()
    path.write_bytes(data[:500] + b"\0" + data[500:])  # the byte that is too many is a zero of the background
    with pytest.raises(DataError, match="holds more than the 576 bytes"):
        read_nifti(path)
    path.write_bytes(data + bytes(-len(data) % 512))
    np.testing.assert_array_equal(read_nifti(path).array, image)
