"""Segmentations of 3D Slicer come back as the masks they were made of, by the names of their segments."""

import numpy as np
import pytest

from segeval.errors import DataError
from segeval.images.named.reading import has_names, read_named
from segeval.images.named.series import SeriesFinder
from segeval.images.readers.readers import read_volume
from tests.images.dicom_files import SPACING
from tests.images.slicer_files import save_slicer
from tests.images.test_dicom import LABELS, label_image, masks, read, save
from tests.images.test_formats import read_or_refused


def overlapping() -> dict[str, np.ndarray]:
    found = masks()
    found["Kidney_L"] = found["Kidney_L"] | (found["Liver"] & (np.arange(14) < 4)[:, None, None])
    return found


def changed(path, *pairs):
    data = path.read_bytes()
    for old, new in pairs:
        assert old in data
        data = data.replace(old, new)
    path.write_bytes(data)
    return path


def masks_in(path) -> dict[str, np.ndarray]:
    found, _ = read_named(path, SeriesFinder())
    return {name: make() for name, make in found.masks.items()}


@pytest.mark.parametrize("found", [masks(), overlapping()], ids=["one layer", "two layers"])
@pytest.mark.parametrize("packed", [True, False])
def test_segments_are_the_masks_that_were_saved(tmp_path, found, packed):
    path = save_slicer(tmp_path / "a.seg.nrrd", found, packed=packed)
    assert has_names(path)
    read_back = masks_in(path)
    assert [*read_back] == [*found]
    assert all(np.array_equal(read_back[name], found[name]) for name in found)


@pytest.mark.parametrize("kind", ["nifti", "rtstruct", "BINARY"])
@pytest.mark.parametrize("cropped", [False, True])
def test_the_other_side_may_be_of_another_kind_and_the_file_cropped(tmp_path, kind, cropped):
    pred, truth = masks(shift=1), masks()
    path = save_slicer(tmp_path / "a.seg.nrrd", pred, cropped=cropped)
    case = read(path, save(tmp_path / "truth", kind, truth))
    whole = case.truth.shape[2] == 6
    assert whole or (kind == "BINARY" and cropped)
    z = slice(None) if whole else slice(1, 5)
    x, y = (slice(0, n) for n in case.truth.shape[:2])
    assert np.array_equal(case.pred, label_image(pred)[x, y, z])
    assert np.array_equal(case.truth, label_image(truth)[x, y, z])
    assert case.spacing_mm == pytest.approx(SPACING)


def test_segments_in_layers_share_their_voxels(tmp_path):
    found = overlapping()
    case = read(save_slicer(tmp_path / "p.seg.nrrd", found), save_slicer(tmp_path / "t.seg.nrrd", found))
    for row, name in zip(LABELS.classes or (), found, strict=True):
        ids = [*row.ids, *(label for label, rows in case.claims.items() if row in rows)]
        assert np.array_equal(np.isin(case.truth, ids), found[name])
        assert np.array_equal(np.isin(case.pred, ids), found[name])


def test_a_file_of_an_older_version_has_a_layer_for_each_segment(tmp_path):
    found = overlapping()
    path = save_slicer(tmp_path / "a.seg.nrrd", found, packed=False)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join(line for line in lines if b"_Layer:=" not in line and b"_LabelValue:=" not in line))
    assert all(np.array_equal(masks_in(path)[name], found[name]) for name in found)


def test_a_nrrd_without_a_table_is_ids_whatever_its_name(tmp_path):
    path = save_slicer(tmp_path / "a.seg.nrrd", masks(), packed=False)
    changed(path, (b"Segment0_", b"Other0_"), (b"Segment1_", b"Other1_"))
    assert not has_names(path)
    assert np.array_equal(read_volume(path).array, label_image(masks()))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"Segment1_Layer:=0", b"Segment1_Layer:=3", "segment 'Kidney_L' is in layer 3, and there are 1"),
        (b"Segment1_LabelValue:=2", b"Segment1_LabelValue:=1", "has value 1 of layer 0, and so has 'Liver'"),
        (b"Segment1_LabelValue:=2", b"Segment1_LabelValue:=two", "'Segment1_LabelValue: two' makes no sense"),
        (b"Segment1_Name:=Kidney_L", b"Segment1_Name:=Liver", "2 masks are called 'Liver'"),
        (b"Names:=Binary", b"Names:=Fractional", "fractions of voxels"),
        (b"encoding: raw", b"encoding: bzip2", "encoded as bzip2"),
        (b"unsigned char", b"double", "more than the file can hold"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, old, new, says):
    path = changed(save_slicer(tmp_path / "a.seg.nrrd", masks(), packed=False), (old, new))
    with pytest.raises(DataError, match=says) as refused:
        read(path, save(tmp_path / "t", "nifti", masks()))
    assert "a.seg.nrrd: " in str(refused.value)


def test_values_of_no_segment_are_noted(tmp_path):
    path = save_slicer(tmp_path / "a.seg.nrrd", masks(), packed=False)
    changed(path, (b"Segment1_LabelValue:=2", b"Segment1_LabelValue:=7"))
    case = read(path, save(tmp_path / "t", "nifti", masks()))
    assert "values of no segment in layer 0: 2; taken as background" in case.notes


def test_a_name_that_nearly_is_that_of_a_class_is_refused_with_it(tmp_path):
    path = save_slicer(tmp_path / "a.seg.nrrd", {"Livr": masks()["Liver"], "Left kidney": masks()["Kidney_L"]})
    with pytest.raises(DataError, match="has no 'liver', and 'Livr' is of no class"):
        read(path, save(tmp_path / "t", "nifti", masks()))


def test_an_empty_segmentation_has_no_image_to_lie_on(tmp_path):
    empty = {name: mask[:1, :1, :1] & False for name, mask in masks().items()}
    with pytest.raises(DataError, match="holds no image, as 3D Slicer saves a segmentation without a voxel"):
        read(save_slicer(tmp_path / "a.seg.nrrd", empty), save(tmp_path / "t", "nifti", masks()))


def test_cut_or_flipped_files_are_refused(tmp_path):
    path = save_slicer(tmp_path / "a.seg.nrrd", overlapping())
    data = path.read_bytes()
    for share in (0.3, 0.6, 0.95):
        path.write_bytes(data[: int(len(data) * share)])
        assert read_or_refused(path) is None
    whole = overlapping()
    for at in range(data.find(b"\n\n") + 2, len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        if read_or_refused(path) is not None:
            assert all(np.array_equal(found, whole[name]) for name, found in masks_in(path).items()), at
