"""Predictions are brought onto the truth's grid exactly, by resampling, or not at all."""

from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segeval.errors import DataError
from segeval.images.geometry.geometry import align, orientation
from segeval.images.readers.readers import read_volume
from segeval.images.readers.volumes import Volume

OBLIQUE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.2, -0.3, 0.4) @ np.diag([0.8, 1.0, 2.5]), [-40.0, 12.0, 700.0]
)
SHEARED = np.array([[1.0, 0.4, 0.0, 3.0], [0.0, 1.2, 0.3, -2.0], [0.1, 0.0, 2.0, 5.0], [0, 0, 0, 1]])
IDS = np.asfortranarray(np.random.default_rng(5).integers(0, 6, (5, 4, 3)).astype(np.uint8))
TURNS = [(axes, flips) for axes in permutations(range(3)) for flips in product((False, True), repeat=3)]


def volume(array, affine=OBLIQUE, *, name="pred.nii.gz"):
    spacing = None if affine is None else tuple(np.linalg.norm(affine[:3, :-1], axis=0).tolist())
    return Volume(path=Path(name), array=array, spacing_mm=spacing, affine=affine)


def truth_of(affine=OBLIQUE, array=IDS):
    return volume(array, affine, name="truth.nii.gz")


def turned(array, affine, axes, flips):
    """The same voxels at the same places, stored in another order."""
    index = np.eye(4)[:, [*axes, 3]]
    array = array.transpose(axes)
    for axis, flip in enumerate(flips):
        if flip:
            index[:, 3] += index[:, axis] * (array.shape[axis] - 1)
            index[:, axis] *= -1
            array = np.flip(array, axis)
    return array.copy(order="C"), affine @ index


def moved(affine, *shift):
    return nib.affines.from_matvec(affine[:3, :3], affine[:3, 3] + shift)


def passes(pred, truth, **options):
    """Whether the prediction's array comes back as it is, in the same memory and without a note."""
    array, notes = align(pred, truth, **options)
    return np.array_equal(array, pred.array) and np.shares_memory(array, pred.array) and notes == ()


def refusal(pred, truth, **options):
    with pytest.raises(DataError) as caught:
        align(pred, truth, **options)
    return str(caught.value)


def in_world_by_hand(pred, truth, outside=0):
    """Nearest voxel of the prediction for each voxel of the truth, one at a time."""
    out = np.full(truth.array.shape, outside, pred.array.dtype)
    for index in np.ndindex(truth.array.shape):
        world = truth.affine @ [*index, 1]
        at = np.round(np.linalg.solve(pred.affine, world)[:3], 6)
        nearest = np.floor(at + 0.5).astype(int)
        if (nearest >= 0).all() and (nearest < pred.array.shape).all():
            out[index] = pred.array[tuple(nearest)]
    return out


def test_the_same_grid_is_passed_through_without_a_copy():
    assert passes(volume(IDS), truth_of())


@pytest.mark.parametrize("affine", [OBLIQUE, SHEARED], ids=["oblique", "sheared"])
@pytest.mark.parametrize(("axes", "flips"), TURNS)
def test_flips_and_swaps_of_axes_are_undone_exactly(affine, axes, flips):
    pred = volume(*turned(IDS, affine, axes, flips))
    array, notes = align(pred, truth_of(affine))
    np.testing.assert_array_equal(array, IDS)
    assert array.flags.f_contiguous
    assert len(notes) == (axes != (0, 1, 2) or any(flips))


def test_a_reordering_is_named():
    pred = volume(*turned(IDS, np.diag([1.0, 1.0, 2.0, 1.0]), (2, 0, 1), (False, True, False)))
    assert align(pred, truth_of(np.diag([1.0, 1.0, 2.0, 1.0])))[1] == ("axes SLA reordered to RAS",)


def test_channels_stay_last_when_axes_are_reordered():
    probs = np.random.default_rng(6).random((5, 4, 3, 2)).astype(np.float32)
    first, affine = turned(probs[..., 0], OBLIQUE, (1, 2, 0), (True, False, True))
    second, _ = turned(probs[..., 1], OBLIQUE, (1, 2, 0), (True, False, True))
    array, _ = align(volume(np.stack([first, second], axis=-1), affine), truth_of(), kind="probs")
    np.testing.assert_array_equal(array, probs)


@pytest.mark.parametrize("files", ["nifti", "nifti2"])
def test_files_that_nibabel_reoriented_come_back(tmp_path, files):
    kind = nib.Nifti1Image if files == "nifti" else nib.Nifti2Image
    kind(IDS, OBLIQUE).to_filename(tmp_path / "truth.nii.gz")
    other = kind(IDS, OBLIQUE).as_reoriented([[2, -1], [0, 1], [1, -1]])
    other.to_filename(tmp_path / "pred.nii.gz")
    array, notes = align(read_volume(tmp_path / "pred.nii.gz"), read_volume(tmp_path / "truth.nii.gz"))
    np.testing.assert_array_equal(array, IDS)
    assert len(notes) == 1


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("flip", [False, True])
def test_slices_are_compared_in_their_plane(swap, flip):
    plane, affine = IDS[:, :, 0], OBLIQUE[:, [0, 2, 3]]
    back = affine.copy()
    array = plane
    if flip:
        array, back[:, 2] = array[::-1], back[:, 2] + 4 * back[:, 0]
        back[:, 0] *= -1
    if swap:
        array, back = array.T, back[:, [1, 0, 2]]
    result, _ = align(volume(array, back), truth_of(affine, plane))
    np.testing.assert_array_equal(result, plane)


def test_parallel_slices_of_two_planes_are_a_mismatch():
    affine = OBLIQUE[:, [0, 1, 3]]
    off = affine.copy()
    off[:, 2] += OBLIQUE[:, 2]
    assert "origin" in refusal(volume(IDS[:, :, 0], off), truth_of(affine, IDS[:, :, 0]))


def test_the_corner_furthest_off_decides_about_the_tolerance():
    stretched = OBLIQUE @ np.diag([1.001, 1, 1, 1])
    message = refusal(volume(IDS, stretched), truth_of())
    assert "corners are up to 0.00" in message
    assert passes(volume(IDS, stretched), truth_of(), tolerance=0.01)
    long = np.zeros((100, 4, 3), np.uint8)
    refusal(volume(long, stretched), truth_of(array=long), tolerance=0.01)


@given(st.tuples(*[st.floats(-1, 1)] * 3), st.sampled_from([0.5, 0.99, 1.01, 2.0]))
def test_a_shift_passes_exactly_up_to_the_tolerance_in_voxels(direction, share):
    length = np.linalg.norm(direction)
    if length < 0.1:
        return
    voxel_mm = (0.8 * 1.0 * 2.5) ** (1 / 3)
    shift = np.array(direction) / length * share * 0.1 * voxel_mm
    if share < 1:
        assert passes(volume(IDS, moved(OBLIQUE, *shift)), truth_of(), tolerance=0.1)
    else:
        refusal(volume(IDS, moved(OBLIQUE, *shift)), truth_of(), tolerance=0.1)


def test_the_rounding_of_headers_is_within_the_tolerance():
    noisy = OBLIQUE.astype(np.float32).astype(np.float64)
    assert passes(volume(IDS, noisy), truth_of())


def test_another_shape_is_refused_with_both_sides():
    message = refusal(volume(IDS[:, :, :2]), truth_of())
    assert message.startswith("pred.nii.gz: shape (5, 4, 2) differs from truth (5, 4, 3). ")
    assert "--resample" in message


def test_another_world_is_refused_with_both_sides_of_what_differs():
    message = refusal(volume(IDS, np.diag([1.0, 1, 2, 1])), truth_of(np.diag([1.0, 1, 2.5, 1])))
    assert "spacing (1, 1, 2) mm differs from truth (1, 1, 2.5) mm" in message
    assert "origin" not in message
    message = refusal(volume(IDS, moved(np.eye(4), 7, 0, 0)), truth_of(np.eye(4)))
    assert "origin (7, 0, 0) differs from truth (0, 0, 0); corners are up to 7 voxels apart. Pass --resample" in message
    assert "spacing" not in message
    assert "direction RAS" in refusal(volume(IDS, OBLIQUE), truth_of(moved(np.diag([0.8, 1, 2.5, 1]), -40, 12, 700)))


def test_an_image_without_a_world_is_not_compared_with_one_that_has_it():
    for pred, truth in (
        (volume(IDS, None, name="p.npy"), truth_of()),
        (volume(IDS), volume(IDS, None, name="p.npy")),
    ):
        message = refusal(pred, truth)
        assert message.startswith("p.npy: has no place in the world")
        assert "--ignore-geometry" in message
        assert passes(pred, truth, ignore=True)


def test_images_without_a_world_are_compared_by_their_shapes():
    assert passes(volume(IDS, None), truth_of(None))
    assert "shape (5, 4, 2) differs from truth (5, 4, 3)" in refusal(volume(IDS[:, :, :2], None), truth_of(None))


def test_the_layout_in_memory_follows_the_truth():
    rows = np.ascontiguousarray(IDS)
    assert align(volume(rows, None), truth_of(None))[0].flags.f_contiguous
    assert align(volume(IDS, None), truth_of(None, rows))[0].flags.c_contiguous


def test_geometry_can_be_ignored_but_not_the_shape():
    assert passes(volume(IDS, moved(OBLIQUE, 50, 0, 0)), truth_of(), ignore=True)
    assert "Write the prediction on the truth's grid" in refusal(volume(IDS[1:]), truth_of(), ignore=True)


def test_a_slice_is_not_compared_with_a_volume():
    message = refusal(volume(IDS[:, :, 0], OBLIQUE[:, [0, 1, 3]]), truth_of(), resample=True)
    assert "both as 2-D or both as 3-D" in message


@pytest.mark.parametrize("name", ["shifted", "sheared", "coarser", "turned"])
def test_labels_are_resampled_to_the_nearest_voxel(name):
    grids = {
        "shifted": moved(OBLIQUE, 1.3, -0.7, 2.0),
        "sheared": SHEARED,
        "coarser": OBLIQUE @ np.diag([1.6, 1.3, 1.1, 1.0]),
        "turned": moved(OBLIQUE @ nib.affines.from_matvec(nib.eulerangles.euler2mat(0.3, 0, 0)), 0, 0, 0.1),
    }
    truth = truth_of(
        SHEARED @ np.diag([0.9, 1.1, 1, 1]) if name == "sheared" else OBLIQUE, np.zeros((6, 7, 5), order="F")
    )
    pred = volume(*turned(IDS, grids[name], (2, 0, 1), (True, False, True)))
    array, notes = align(pred, truth, resample=True)
    assert array.any()
    np.testing.assert_array_equal(array, in_world_by_hand(pred, truth))
    assert array.dtype == np.uint8
    assert array.flags.f_contiguous
    assert notes[0].startswith("resampled: pred.nii.gz: shape (3, 5, 4) differs from truth (6, 7, 5)")


def test_resampling_agrees_with_simpleitk_in_physical_space(tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    rng = np.random.default_rng(7)
    nib.Nifti1Image(rng.integers(0, 6, (12, 11, 10)).astype(np.uint8), OBLIQUE).to_filename(tmp_path / "p.nii.gz")
    target = moved(nib.affines.from_matvec(np.diag([-1.0, 1.3, 2.0])), *(OBLIQUE @ [6, 0.4, 0.2, 1])[:3])
    nib.Nifti1Image(np.zeros((9, 8, 7), np.uint8), target).to_filename(tmp_path / "t.nii.gz")
    array, _ = align(read_volume(tmp_path / "p.nii.gz"), read_volume(tmp_path / "t.nii.gz"), resample=True)
    moving, fixed = (sitk.ReadImage(str(tmp_path / name)) for name in ("p.nii.gz", "t.nii.gz"))
    expected = sitk.GetArrayFromImage(sitk.Resample(moving, fixed, sitk.Transform(), sitk.sitkNearestNeighbor, 0)).T
    assert array.any()
    np.testing.assert_array_equal(array, expected)


def test_probabilities_are_resampled_linearly_channel_by_channel():
    x, y, z = np.meshgrid(*map(np.arange, (6, 5, 4)), indexing="ij")
    ramps = np.stack([x + 10.0 * y, 3.0 * z - x], axis=-1).astype(np.float32)
    truth = truth_of(OBLIQUE @ nib.affines.from_matvec(np.eye(3), [1.25, 0.5, 0.75]), np.zeros((3, 3, 2), order="F"))
    array, _ = align(volume(ramps), truth, resample=True, kind="probs")
    x, y, z = np.meshgrid(*map(np.arange, (3, 3, 2)), indexing="ij")
    x, y, z = x + 1.25, y + 0.5, z + 0.75
    np.testing.assert_allclose(array, np.stack([x + 10 * y, 3 * z - x], axis=-1), atol=1e-5)
    assert array.dtype == np.float32


def test_slices_are_resampled_within_their_plane():
    plane, affine = IDS[:, :, 1], OBLIQUE[:, [0, 1, 3]]
    shifted = affine.copy()
    shifted[:, 2] += affine[:, 0]
    array, _ = align(volume(plane, shifted), truth_of(affine, plane), resample=True)
    np.testing.assert_array_equal(array[1:], plane[:-1])
    assert not array[0].any()


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i2", "u4", "i4", "i8", "u8", "f2", "f4", "f8"])
def test_every_type_keeps_its_ids_when_resampled(dtype):
    ids = (IDS > 2).astype(dtype)
    array, _ = align(volume(ids, moved(np.eye(4), 1, 0, 0)), truth_of(np.eye(4)), resample=True)
    np.testing.assert_array_equal(array[1:], ids[:-1])


@pytest.mark.parametrize("dtype", ["i8", "u8"])
def test_ids_beyond_the_digits_of_a_double_are_kept(dtype):
    ids = IDS.astype(dtype) + np.array(2**60 + 1, dtype)
    array, _ = align(volume(ids, moved(np.eye(4), 1, 0, 0)), truth_of(np.eye(4)), resample=True)
    np.testing.assert_array_equal(array[1:], ids[:-1])
    assert not array[0].any()
    assert array.dtype == np.dtype(dtype)


def test_a_prediction_that_lies_elsewhere_altogether_is_not_resampled_to_nothing():
    message = refusal(volume(IDS, moved(OBLIQUE, 500, 0, 0)), truth_of(), resample=True)
    assert "Nothing of it lies within the truth" in message


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SAL", "PIR"])
def test_the_orientation_is_named_as_nibabel_names_it(codes):
    axes = nib.orientations.axcodes2ornt(codes)
    affine = OBLIQUE @ np.linalg.inv(nib.orientations.inv_ornt_aff(axes, (5, 4, 3)))
    assert orientation(affine) == "".join(nib.aff2axcodes(affine))
    assert orientation(OBLIQUE[:, [2, 0, 3]]) == "SR"
