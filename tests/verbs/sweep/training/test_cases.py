"""Images and masks become fields: slices across the coarsest axis, or whole images."""

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from segeval.errors import DataError
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.images.input_rules import InputRules
from segeval.images.pairing.pairs import Pair
from segeval.verbs.sweep.training.cases import IGNORED, read_training_case

LESION = (LabelClass(name="lesion", ids=(3,)),)


def nifti(path, array, spacing=(1.0, 1.0, 4.0)):
    nib.save(nib.Nifti1Image(array, np.diag([*spacing, 1.0])), path)
    return path


def read(image, truth, *, dimensions=2, classes=LESION, ignore=()):
    pair = Pair(case_id="a", pred=image, truth=truth)
    return read_training_case(pair, classes, InputRules(labels=LabelMap(ignore=ignore)), dimensions=dimensions)


@pytest.fixture
def volume(tmp_path):
    generator = np.random.default_rng(0)
    image = generator.normal(100, 20, (6, 5, 3)).astype(np.float32)
    truth = generator.integers(0, 4, (6, 5, 3)).astype(np.uint8)
    return nifti(tmp_path / "image.nii.gz", image), nifti(tmp_path / "truth.nii.gz", truth), image, truth


def test_volumes_are_cut_across_their_coarsest_axis(volume):
    image_file, truth_file, _, truth = volume
    case = read(image_file, truth_file)
    assert (case.image.shape, case.target.shape, case.slice_axis) == ((3, 1, 6, 5), (3, 6, 5), 2)
    assert np.array_equal(case.target[1], truth[:, :, 1] == 3)


def test_fields_go_back_to_the_grid_and_again_to_fields(volume):
    image_file, truth_file, _, truth = volume
    case = read(image_file, truth_file)
    assert np.array_equal(case.on_grid(case.target), truth == 3)
    assert np.array_equal(case.as_fields(case.on_grid(case.target)), case.target)


def test_volumes_stay_whole_in_three_dimensions(volume):
    image_file, truth_file, *_ = volume
    case = read(image_file, truth_file, dimensions=3)
    assert (case.image.shape, case.slice_axis) == ((1, 1, 6, 5, 3), None)


def test_channels_have_zero_mean_and_unit_variance(volume):
    image_file, truth_file, image, _ = volume
    case = read(image_file, truth_file)
    assert case.image.mean() == pytest.approx(0, abs=1e-5)
    assert case.image.std() == pytest.approx(1, abs=1e-5)
    assert np.corrcoef(case.on_grid(case.image[:, 0]).ravel(), image.ravel())[0, 1] == pytest.approx(1)


def test_ignored_ids_count_nowhere(volume):
    image_file, truth_file, _, truth = volume
    case = read(image_file, truth_file, ignore=(2,))
    assert np.array_equal(case.on_grid(case.target) == IGNORED, truth == 2)
    assert not case.counted[case.target == IGNORED].any()


def test_colour_pictures_have_three_channels(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (7, 9, 3)).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "image.png")
    Image.fromarray(np.full((7, 9), 3, np.uint8)).save(tmp_path / "truth.png")
    case = read(tmp_path / "image.png", tmp_path / "truth.png")
    assert case.image.shape == (1, 3, 7, 9)
    assert case.target.all()


def test_an_image_on_another_grid_is_an_error(tmp_path, volume):
    other = nifti(tmp_path / "other.nii.gz", np.zeros((6, 5, 4), np.float32))
    with pytest.raises(DataError, match=r"shape \(6, 5, 4\) differs from truth \(6, 5, 3\)"):
        read(other, volume[1])


def test_a_picture_cannot_be_trained_on_in_three_dimensions(tmp_path):
    for name in ("image", "truth"):
        np.save(tmp_path / f"{name}.npy", np.zeros((8, 8), np.uint8))
    with pytest.raises(DataError, match="no third axis"):
        read(tmp_path / "image.npy", tmp_path / "truth.npy", dimensions=3)


def test_the_digest_tells_images_and_masks_apart(volume, tmp_path):
    image_file, truth_file, image, truth = volume
    case = read(image_file, truth_file)
    assert case.digest == read(image_file, truth_file).digest
    assert case.digest != read(nifti(tmp_path / "b.nii.gz", image[::-1].copy()), truth_file).digest
    assert case.digest != read(image_file, nifti(tmp_path / "c.nii.gz", (truth == 3).astype(np.uint8) * 3 % 2)).digest
