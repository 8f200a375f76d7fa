"""Masks of DICOM come back as the voxels they were made of."""

import numpy as np
import pytest

from segeval.errors import ConfigError, DataError
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.images.cases import read_case
from segeval.images.forms import agree
from segeval.images.input_rules import InputRules
from segeval.images.named.contours import windings
from segeval.images.named.dicom import sop_class
from segeval.images.named.matching import key_of
from segeval.images.named.series import SeriesFinder
from segeval.images.pairing.pairs import Pair, find_pairs
from tests.images import dicom_files as made
from tests.images.test_formats import write

LABELS = LabelMap(classes=(LabelClass(name="liver", ids=(1,)), LabelClass(name="Left Kidney", ids=(2,))))


def masks(shift: int = 0) -> dict[str, np.ndarray]:
    """A liver with a hole and a kidney, with empty slices at both ends and no symmetry."""
    liver, kidney = np.zeros((14, 11, 6), bool), np.zeros((14, 11, 6), bool)
    liver[2 + shift : 9 + shift, 1:8, 1:4] = True
    liver[4:6, 3:5, 2] = False
    liver[8, 7, 1] = False
    kidney[10:12, 5:9, 2:5] = True
    return {"Liver": liver, "Kidney_L": kidney}


def label_image(found: dict[str, np.ndarray]) -> np.ndarray:
    return sum(mask.astype(np.uint8) * number for number, mask in enumerate(found.values(), start=1))


def save(folder, kind: str, found: dict[str, np.ndarray]):
    """A case of masks in one of the kinds, with what belongs to it beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    match kind:
        case "nifti":
            write(folder / "masks.nii.gz", label_image(found), made.world())
            return folder / "masks.nii.gz"
        case "rtstruct":
            made.save_ct(folder, (14, 11, 6))
            rois = {name: made.contours_of(mask) for name, mask in found.items()}
            return made.save_rtstruct(folder / "rt.dcm", rois)
        case "seg with its series":
            made.save_ct(folder, (14, 11, 6))
            return made.save_seg(folder / "seg.dcm", found)
    return made.save_seg(folder / "seg.dcm", found, kind)


def read(pred, truth, labels: LabelMap = LABELS, **rules):
    pair = Pair(case_id="a", pred=pred, truth=truth)
    return read_case(pair, agree([pair], InputRules(labels=labels, **rules)))


KINDS = ["nifti", "rtstruct", "seg with its series", "BINARY", "LABELMAP"]


@pytest.mark.parametrize("truth_kind", KINDS)
@pytest.mark.parametrize("pred_kind", KINDS)
def test_two_kinds_of_files_give_the_masks_that_they_came_from(tmp_path, pred_kind, truth_kind):
    pred, truth = masks(shift=1), masks()
    case = read(save(tmp_path / "pred", pred_kind, pred), save(tmp_path / "truth", truth_kind, truth))
    z = slice(None) if case.truth.shape[2] == 6 else slice(1, 5)  # what two SEG without a series have between them
    assert np.array_equal(case.truth, label_image(truth)[:, :, z])
    assert np.array_equal(case.pred, label_image(pred)[:, :, z])
    assert case.spacing_mm == pytest.approx(made.SPACING)


def test_names_of_all_files_are_the_classes_without_labels(tmp_path):
    files = [save(tmp_path / side, "rtstruct", masks()) for side in ("pred", "truth")]
    pair = Pair(case_id="a", pred=files[0], truth=files[1])
    rules = agree([pair], InputRules())
    assert [(row.name, row.ids) for row in rules.labels.classes or ()] == [("Kidney_L", (1,)), ("Liver", (2,))]
    assert np.array_equal(read_case(pair, rules).truth == 2, masks()["Liver"])


def test_names_beside_ids_need_labels(tmp_path):
    with pytest.raises(ConfigError, match=r"the other side holds ids.*--labels ID=Kidney_L,ID=Liver"):
        read(save(tmp_path / "p", "nifti", masks()), save(tmp_path / "t", "BINARY", masks()), LabelMap())


def test_segments_that_overlap_keep_all_their_voxels(tmp_path):
    found = masks()
    found["Kidney_L"] = found["Kidney_L"] | (found["Liver"] & (np.arange(14) < 4)[:, None, None])
    case = read(save(tmp_path / "p", "BINARY", found), save(tmp_path / "t", "rtstruct", found))
    for row in LABELS.classes or ():
        ids = [*row.ids, *(label for label, rows in case.claims.items() if row in rows)]
        mask = found["Liver" if row.name == "liver" else "Kidney_L"][:, :, : case.truth.shape[2]]
        assert np.array_equal(np.isin(case.truth, ids), mask)
        assert np.array_equal(np.isin(case.pred, ids), mask)


def test_fractions_are_probabilities(tmp_path):
    maps = {name: mask * 0.75 for name, mask in masks().items()}
    truth = save(tmp_path / "t", "nifti", masks())
    case = read(made.save_seg(tmp_path / "p.dcm", maps, "FRACTIONAL"), truth)
    assert case.probs is not None
    assert [row.name for row in case.probs.layout.classes] == ["liver", "Left Kidney"]
    assert case.probs.maps[0].probs() == pytest.approx(maps["Liver"], abs=1 / 255)
    with pytest.raises(DataError, match="holds fractions, and a mask is due"):
        read(truth, made.save_seg(tmp_path / "t.dcm", maps, "FRACTIONAL"))


def test_centres_on_an_edge_are_inside_on_the_left_and_below_alone():
    square = np.array([[1, 1], [3, 1], [3, 3], [1, 3]], float)
    assert np.argwhere(windings(square, (5, 5))).tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]


def test_a_polygon_holds_the_centres_that_a_test_of_each_point_says():
    """Against the half-plane test of a triangle: a centre is inside where it lies left of all three edges."""
    corners = np.array([[0.3, 0.2], [8.7, 2.1], [3.4, 9.6]])
    x, y = np.mgrid[:10, :11]
    left = [
        (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) > 0
        for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)
    ]
    assert np.array_equal(windings(corners, (10, 11)) != 0, np.logical_and.reduce(left))


SQUARE = np.array([[1.5, 1.5], [6.5, 1.5], [6.5, 6.5], [1.5, 6.5]])
LOOP = np.array([[1.5, 1.5], [8.5, 1.5], [8.5, 8.5], [3.5, 8.5], [3.5, -0.5], [6.5, -0.5], [6.5, 5.5], [1.5, 5.5]])


@pytest.mark.parametrize(
    ("contours", "message"),
    [
        ([made.contour(SQUARE, 2, "OPEN_PLANAR")], "'Liver' has 1 contours of type OPEN_PLANAR, which enclose nothing"),
        ([made.contour(SQUARE, 2), made.contour(SQUARE + 2, 2)], "slice 2: two contours cross, so 9 pixels"),
        ([made.contour(LOOP, 2)], "slice 2: a contour crosses or covers itself"),
        ([made.contour(SQUARE, 2.5)], "lies on no slice of its series"),
        ([made.contour(SQUARE, 8)], "contour on slice 8, and its series has slices 0 to 5"),
        ([made.contour(SQUARE + 13, 2)], r"a contour beside its image of 14 x 11 pixels, from \(14\.5, 14\.5\) to"),
    ],
)
def test_contours_that_enclose_nothing_for_certain_are_refused(tmp_path, contours, message):
    made.save_ct(tmp_path, (14, 11, 6))
    path = made.save_rtstruct(tmp_path / "rt.dcm", {"Liver": contours})
    with pytest.raises(DataError, match=message):
        read(path, path)


def test_a_roi_without_contours_is_empty_and_told(tmp_path):
    made.save_ct(tmp_path, (14, 11, 6))
    path = made.save_rtstruct(tmp_path / "rt.dcm", {"Liver": made.contours_of(masks()["Liver"]), "Kidney_L": None})
    case = read(path, path)
    assert set(np.unique(case.truth)) == {0, 1}
    assert "no contour of Kidney_L: taken as empty" in case.notes


def test_contours_that_leave_the_image_end_there_and_are_told(tmp_path):
    made.save_ct(tmp_path, (14, 11, 6))
    path = made.save_rtstruct(tmp_path / "rt.dcm", {"Liver": [made.contour(np.add(SQUARE, (0, 7)), 2)]})
    case = read(path, path)
    assert "contours of Liver reach beyond the image, and end there" in case.notes
    assert np.argwhere(case.truth).max(axis=0).tolist() == [6, 10, 2]


def test_a_missing_series_is_named_and_found_where_it_is_said_to_be(tmp_path):
    path = made.save_rtstruct(tmp_path / "rt" / "a.dcm", {"Liver": made.contours_of(masks()["Liver"])})
    with pytest.raises(DataError, match=r"drawn on series [0-9.]+, which is not in .*--series"):
        read(path, path)
    made.save_ct(tmp_path / "ct" / "p1", (14, 11, 6))
    case = read(path, path, finder=SeriesFinder(folder=tmp_path / "ct"))
    assert np.array_equal(case.truth == 1, masks()["Liver"])


def test_a_series_with_a_missing_slice_is_refused(tmp_path):
    path = save(tmp_path, "rtstruct", masks())
    (tmp_path / "021.dcm").unlink()
    with pytest.raises(DataError, match=r"5 slices of series .* are 2.5 to 5 mm apart, so some are missing"):
        read(path, path)


def test_unknown_and_doubled_names_are_told_with_the_nearest(tmp_path):
    wrong = dict(zip(["Livr", "Kidney_L"], masks().values(), strict=True))
    with pytest.raises(DataError, match="has no 'liver', and 'Livr' is of no class"):
        read(*[save(tmp_path / "a", "BINARY", wrong)] * 2)
    strange = dict(zip(["Heart", "Aorta"], masks().values(), strict=True))
    with pytest.raises(DataError, match="holds Heart, Aorta, and --labels names liver, Left Kidney"):
        read(*[save(tmp_path / "b", "BINARY", strange)] * 2)
    doubled = dict(zip(["Liver", "LIVER"], masks().values(), strict=True))
    with pytest.raises(DataError, match="Liver and LIVER are both of class 'liver'"):
        read(*[save(tmp_path / "c", "BINARY", doubled)] * 2)


def test_names_are_alike_but_for_case_separators_and_the_place_of_the_side():
    assert key_of("Kidney_L") == key_of("left kidney") == key_of("KIDNEY-Left") != key_of("kidney_r")
    assert key_of("Vertebra L 1") != key_of("Vertebra 1")


def test_a_folder_with_one_mask_among_slices_is_one_case(tmp_path):
    for side in ("pred", "truth"):
        save(tmp_path / side / "patient_1", "rtstruct", masks())
    found = find_pairs(tmp_path / "pred", tmp_path / "truth")
    assert [pair.case_id for pair in found.pairs] == ["patient_1"]
    assert any("6 (DICOM, but neither SEG nor RTSTRUCT)" in note for note in found.notes)


def moved_series(folder, *names: str):
    """A case of contours whose slices lie in folders beside that of its file, as archives give them."""
    rt = save(folder / "3-contours", "rtstruct", masks())
    for name in names:
        (folder / name).mkdir()
        for path in sorted(rt.parent.glob("0*.dcm")):
            (folder / name / path.name).write_bytes(path.read_bytes())
    for path in rt.parent.glob("0*.dcm"):
        path.unlink()
    return rt


def test_a_series_of_many_frames_in_one_file_is_found_like_one_of_slices(tmp_path):
    rt = moved_series(tmp_path / "patient")
    made.save_enhanced_ct(rt.parent, (14, 11, 6))
    case = read(rt, save(tmp_path / "truth", "nifti", masks()))
    assert np.array_equal(case.pred, label_image(masks()))
    assert case.spacing_mm == pytest.approx(made.SPACING)


def test_a_series_in_a_folder_beside_that_of_the_mask_is_found(tmp_path):
    rt = moved_series(tmp_path / "patient", "1-scout", "2-thorax")
    for path in (rt.parent.parent / "1-scout").glob("*.dcm"):
        path.write_bytes(path.read_bytes().replace(made.uid("p1series").encode(), made.uid("p1scout").encode()))
    (rt.parent.parent / "2-thorax" / "000 LICENSE.txt").write_text("free")
    assert np.array_equal(read(rt, save(tmp_path / "truth", "nifti", masks())).pred, label_image(masks()))


def test_a_series_that_lies_in_two_folders_beside_the_mask_is_refused(tmp_path):
    rt = moved_series(tmp_path / "patient", "2-thorax", "2-copy")
    with pytest.raises(DataError, match=r"12 slices .* 0 to 2\.5 mm apart, so some are missing or there twice"):
        read(rt, save(tmp_path / "truth", "nifti", masks()))


def test_a_series_farther_away_is_not_looked_for(tmp_path):
    rt = moved_series(tmp_path / "patient" / "rt", "2-thorax")
    (rt.parent.parent / "2-thorax").rename(tmp_path / "2-thorax")
    with pytest.raises(DataError, match=r"which is not in .*3-contours or a folder beside it.*--series"):
        read(rt, save(tmp_path / "truth", "nifti", masks()))


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP", "rtstruct"])
def test_three_hundred_damaged_files_give_a_clear_error_or_the_masks(tmp_path, kind):
    truth = save(tmp_path / "truth", "nifti", masks())
    whole = save(tmp_path / "pred", kind, masks())
    content, rng = whole.read_bytes(), np.random.default_rng(5)
    refused: list[str] = []
    for i in range(100):
        damaged = bytearray(content)
        if i % 2:
            damaged = damaged[: rng.integers(140, len(content) - 1)]
        else:
            damaged[rng.integers(132, len(content))] ^= 1 << rng.integers(8)
        whole.write_bytes(damaged)
        try:
            case = read(whole, truth)
        except (DataError, ConfigError) as error:
            refused.append(str(error))
            continue
        if i % 2:
            assert np.array_equal(case.pred, case.truth), f"cut to {len(damaged)} of {len(content)} bytes"
    assert len(refused) > 40
    assert all(str(whole) in said for said in refused)


def test_a_file_that_is_no_dicom_file_is_said_to_be_none(tmp_path):
    for name, data, says in (
        ("a.dcm", b"GIF89a" + bytes(200), r"a\.dcm: is no DICOM file, it begins with b'GIF89a"),
        ("b.dcm", bytes(128) + b"DICM" + bytes(50), r"b\.dcm: is a DICOM file, and of those SEG and RTSTRUCT are read"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=says):
            read(tmp_path / name, tmp_path / name)


def test_a_file_that_is_no_dicom_file_has_no_sop_class(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\x02\x00\x00\x00UL\xff\xff")
    assert sop_class(tmp_path / "a.dcm") == ""
    assert sop_class(tmp_path / "none.dcm") == ""
