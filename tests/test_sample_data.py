"""The sample shows what its README promises, and its script writes what is committed."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from sample_data import make_sample_data

SAMPLE = Path(make_sample_data.__file__).parent
CASES = sorted(path.name for path in (SAMPLE / "gt").iterdir())
PICTURES = sorted(path.name for path in (SAMPLE / "png" / "gt").iterdir())
VOLUMES = ("gt", "pred", "probs", "images")


def stored(folder, name):
    return nib.load(SAMPLE / folder / name).dataobj.get_unscaled()


def files_below(folder):
    made = (path for path in folder.rglob("*") if path.name.endswith((".nii.gz", ".png", ".yaml")))
    return {path.relative_to(folder).as_posix(): path for path in made}


def content(path):
    """What a file holds, whatever the version of the library that compressed it."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".png":
        image = Image.open(path)
        return image.mode, image.getpalette(), image.size, image.tobytes()
    return path.read_text()


def dice(pred, truth):
    return 2 * np.count_nonzero(pred & truth) / (np.count_nonzero(pred) + np.count_nonzero(truth))


def parts_outside(these, those):
    """How many connected parts of `these` touch nothing of `those`."""
    parts, number = ndimage.label(these)
    return number - np.count_nonzero(np.unique(parts[those]))


def test_the_folder_stays_under_three_megabytes():
    files = [path for path in SAMPLE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files) < 3_000_000


@pytest.mark.slow
def test_the_script_writes_what_is_committed(tmp_path):
    make_sample_data.write_sample(tmp_path)
    made, committed = files_below(tmp_path), files_below(SAMPLE)
    assert made.keys() == committed.keys()
    assert [name for name in made if content(made[name]) != content(committed[name])] == []


def test_the_script_writes_the_same_bytes_twice(tmp_path):
    recipe = make_sample_data.CASES["case_01"]
    for folder in (tmp_path / "a", tmp_path / "b"):
        make_sample_data.write_case(folder, "case.nii.gz", recipe, np.random.default_rng(1))
        make_sample_data.write_cells(folder, "cells.png", np.random.default_rng(1), 1)
    first, second = files_below(tmp_path / "a"), files_below(tmp_path / "b")
    assert len(first) == 6
    assert {name: path.read_bytes() for name, path in first.items()} == {
        name: path.read_bytes() for name, path in second.items()
    }


@pytest.mark.parametrize("folder", VOLUMES)
def test_every_folder_holds_the_same_cases_on_the_same_grids(folder):
    assert len(CASES) == 12
    assert sorted(path.name for path in (SAMPLE / folder).iterdir()) == CASES
    for name in CASES:
        image, truth = nib.load(SAMPLE / folder / name), nib.load(SAMPLE / "gt" / name)
        assert image.shape[:3] == truth.shape
        assert np.array_equal(image.affine, truth.affine)
        assert image.header.get_zooms()[2] > 3 * image.header.get_zooms()[0]
        assert image.get_data_dtype() == np.uint8


def test_probabilities_sum_to_one_and_their_arg_max_is_the_prediction():
    for name in CASES:
        steps = stored("probs", name)
        assert steps.shape[-1] == 4
        assert np.all(steps.sum(axis=-1, dtype=int) == 255)
        assert np.array_equal(steps.argmax(axis=-1), stored("pred", name))
        np.testing.assert_allclose(np.asarray(nib.load(SAMPLE / "probs" / name).dataobj).sum(axis=-1), 1, atol=1e-6)


def test_the_organ_is_predicted_better_in_some_cases_than_in_others():
    values = sorted(dice(stored("pred", name) == 1, stored("gt", name) == 1) for name in CASES)
    assert 0.7 < values[0] < 0.8
    assert 0.96 < values[-1] < 0.98
    assert len({round(value, 2) for value in values}) >= 8


def test_lesions_are_missed_invented_and_absent_as_the_readme_says():
    rows = [line.split("|") for line in (SAMPLE / "README.md").read_text().splitlines() if line.startswith("| `case_")]
    promised = {row[1].strip(" `"): tuple(int(number) for number in row[2].split("/")) for row in rows}
    for name in CASES:
        pred, truth = stored("pred", name) == 3, stored("gt", name) == 3
        counts = ndimage.label(truth)[1], parts_outside(truth, pred), parts_outside(pred, truth)
        assert counts == promised[name.removesuffix(".nii.gz")], name


def test_some_predictions_have_an_island_far_from_the_truth():
    islands = {name: parts_outside(stored("pred", name) == 1, stored("gt", name) == 1) for name in CASES}
    assert {name: number for name, number in islands.items() if number} == {
        "case_03.nii.gz": 1,
        "case_09.nii.gz": 2,
        "case_10.nii.gz": 1,
    }


def test_a_lower_threshold_finds_missed_lesions_and_raises_false_alarms():
    chances = np.concatenate([stored("probs", name)[..., 3].ravel() for name in CASES]) / 255
    truth = np.concatenate([stored("gt", name).ravel() for name in CASES]) == 3
    sensitivity = [np.mean(chances[truth] >= threshold) for threshold in (0.5, 0.35, 0.2, 0.1)]
    precision = [np.mean(truth[chances >= threshold]) for threshold in (0.5, 0.35, 0.2, 0.1)]
    assert np.all(np.diff(sensitivity) > 0.03)
    assert np.all(np.diff(precision) < -0.03)


def test_no_band_of_grey_levels_finds_the_lesions():
    greys = np.concatenate([stored("images", name).ravel() for name in CASES])
    truth = np.concatenate([stored("gt", name).ravel() for name in CASES]) == 3
    inside, everywhere = (np.bincount(levels, minlength=256).cumsum() for levels in (greys[truth], greys))
    hits = inside[None, :] - inside[:, None]
    size = everywhere[None, :] - everywhere[:, None]
    assert (2 * hits / (size + truth.sum())).max() < 0.1


def test_the_pictures_have_three_classes_and_a_void_in_two_truths():
    assert len(PICTURES) == 6
    void = []
    for name in PICTURES:
        truth, pred = Image.open(SAMPLE / "png" / "gt" / name), Image.open(SAMPLE / "png" / "pred" / name)
        assert (truth.mode, pred.mode, truth.size) == ("P", "L", pred.size)
        ids = set(np.unique(truth).tolist())
        void += [name] * (255 in ids)
        assert ids - {255} == {0, 1, 2, 3} == set(np.unique(pred).tolist())
    assert void == ["cells_02.png", "cells_05.png"]
