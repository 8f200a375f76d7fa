"""Masks, maps, objects and training images score alike in every format, and two sides may differ in theirs."""

import csv

import nibabel
import numpy as np
import pytest
from PIL import Image

from segeval.images.pairing.pairs import Pair
from segeval.images.training_images import read_image
from tests.cli.given import SAMPLE, Run, ids, number
from tests.images.coco_files import an_object, write_data_set
from tests.images.dicom_files import save_seg, world
from tests.images.every_format import (
    BY_NAME,
    EVERY,
    FLAT,
    IN_WORLD,
    MAPS,
    RGB,
    WITHOUT_WORLD,
    maps_options,
    options_of,
    save_colours,
    save_ids,
    save_maps,
    save_mask,
)
from tests.images.test_formats import write

CASES = ("case_01", "case_07")
LABELS = ("--labels", "1=organ,2=vessel,3=lesion")
MEASURES = ("-m", "dice,hd95,volume_pred_ml,lesion_f1")
NAMES = {1: "liver", 2: "spleen"}
TWO = ("--labels", "1=liver,2=spleen")
ON_BOTH = dict(zip(EVERY, (*EVERY[1:], EVERY[0]), strict=True))


def convert(side, folder, suffix):
    """Two masks of the sample in another format, on the grid that they have."""
    for case in CASES:
        image = nibabel.load(SAMPLE / side / f"{case}.nii.gz")
        folder.mkdir(exist_ok=True)
        write(folder / f"{case}{suffix}", np.asarray(image.dataobj).astype(np.uint8), image.affine)
    return folder


def scores(path):
    with (path / "scores.csv").open(newline="") as file:
        return list(csv.reader(file))


def assert_alike(one, other):
    first, second = scores(one), scores(other)
    assert len(first) > 1
    assert [row[:10] for row in first] == [row[:10] for row in second]
    values = [[float(cell or "nan") for row in rows[1:] for cell in row[10:]] for rows in (first, second)]
    assert values[0] == pytest.approx(values[1], rel=1e-5, nan_ok=True)


def blocks(shift=0):
    """Two organs, without a symmetry that could hide a turned axis."""
    array = np.zeros((14, 12, 8), np.uint8)
    array[2:8, 3:9, 1:5], array[9:13, 2:6, 2:7] = 1, 2
    return np.roll(array, shift, axis=0)


@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nrrd", ".mgz", ".hdr"])
def test_the_sample_in_a_format_with_a_world_gives_the_numbers_of_nifti(run: Run, tmp_path, suffix):
    truth = convert("gt", tmp_path / "gt", ".nii.gz")
    for name, predictions in (
        ("nifti", convert("pred", tmp_path / "a", ".nii.gz")),
        ("other", convert("pred", tmp_path / "b", suffix)),
    ):
        done = run("score", predictions, truth, *LABELS, *MEASURES, "--out", tmp_path / name)
        assert done.code == 0, done.err
    assert_alike(tmp_path / "nifti", tmp_path / "other")


@pytest.mark.parametrize("kind", [*BY_NAME, *WITHOUT_WORLD])
def test_the_sample_in_every_other_format_gives_the_numbers_of_nifti(run: Run, tmp_path, kind):
    for side in ("pred", "gt"):
        whole = np.asarray(nibabel.load(SAMPLE / side / "case_07.nii.gz").dataobj).astype(np.uint8)
        array = np.ascontiguousarray(whole[30:66, 28:58])  # a part in which all three lie
        for of, form in (("nifti", ".nii.gz"), ("other", kind)):
            save_mask(tmp_path / of / side, form, array, {1: "organ", 2: "vessel", 3: "lesion"})
    for of, more in (("nifti", ()), ("other", options_of(kind))):
        folder = tmp_path / of
        done = run("score", folder / "pred", folder / "gt", *LABELS, *MEASURES, *more, "-o", folder / "out")
        assert done.code == 0, done.err
    assert_alike(tmp_path / "nifti" / "out", tmp_path / "other" / "out")


@pytest.mark.parametrize("kind", FLAT)
def test_a_flat_mask_of_the_sample_gives_the_numbers_of_png(run: Run, tmp_path, kind):
    for side in ("pred", "gt"):
        array = np.array(Image.open(SAMPLE / "png" / side / "cells_01.png"))
        (tmp_path / side).mkdir()
        save_ids(tmp_path / side / f"cells_01{kind}", array)
    of_png = tmp_path / "png"
    files = (SAMPLE / "png" / side / "cells_01.png" for side in ("pred", "gt"))
    assert run("score", *files, *MEASURES[:1], "dice,hd95,lesion_f1", "-o", of_png).code == 0
    done = run("score", tmp_path / "pred", tmp_path / "gt", "-m", "dice,hd95,lesion_f1", "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert_alike(of_png, tmp_path / "out")


@pytest.fixture
def nifti(run: Run, tmp_path):
    """Both sides as NIfTI, and their scores in `nifti/out`."""
    folder = tmp_path / "nifti"
    for side, shift in (("pred", 1), ("gt", 0)):
        save_mask(folder / side, ".nii.gz", blocks(shift), NAMES)
    assert run("score", folder / "pred", folder / "gt", *TWO, *MEASURES, "-o", folder / "out").code == 0
    return folder


@pytest.mark.parametrize("kind", EVERY)
def test_two_sides_of_different_formats_give_the_numbers_of_one(run: Run, tmp_path, nifti, kind):
    other = ON_BOTH[kind]
    save_mask(tmp_path / "pred", kind, blocks(1), NAMES)
    save_mask(tmp_path / "gt", other, blocks(), NAMES)
    more = (*options_of(kind), *options_of(other))[:2]
    more = (*more, "--ignore-geometry") if (kind in WITHOUT_WORLD) != (other in WITHOUT_WORLD) else more
    done = run("score", tmp_path / "pred", tmp_path / "gt", *TWO, *MEASURES, *more, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert_alike(nifti / "out", tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("kind", EVERY)
def test_doctor_and_pictures_of_a_report_read_every_format(run: Run, tmp_path, kind):
    for side, shift in (("pred", 1), ("gt", 0)):
        save_mask(tmp_path / side, kind, blocks(shift), NAMES)
    given = (tmp_path / "pred", tmp_path / "gt", *TWO, *options_of(kind))
    done = run("doctor", *given)
    assert (done.code, "score would run" in done.out) == (0, True), done.out
    done = run("score", *given, "-m", "dice", "-o", "out")
    assert done.code == 0, done.err
    done = run("report", "out", "--out", "page.html", "--worst", "1")
    assert done.code == 0, done.err


@pytest.mark.parametrize("kind", [*IN_WORLD, *BY_NAME])
def test_a_prediction_of_another_grid_is_resampled_alike(run: Run, tmp_path, nifti, kind):
    coarse, affine = np.zeros((9, 8, 5), np.uint8), world()
    coarse[2:6, 2:6, 1:3], coarse[6:8, 2:4, 1:4] = 1, 2
    affine[:3, :3] *= 1.5
    nibabel.save(nibabel.Nifti1Image(coarse, affine), tmp_path / "c1.nii.gz")
    (tmp_path / "gt").mkdir()
    (tmp_path / "c1.nii.gz").rename(tmp_path / "gt" / "c1.nii.gz")
    save_mask(tmp_path / "pred", kind, blocks(1), NAMES)
    assert run("score", tmp_path / "pred", tmp_path / "gt", *TWO).code == 3
    for of, pred in (("of_nifti", nifti / "pred"), ("out", tmp_path / "pred")):
        done = run("score", pred, tmp_path / "gt", *TWO, *MEASURES, "--resample", "-o", tmp_path / of)
        assert done.code == 0, done.err
    assert_alike(tmp_path / "of_nifti", tmp_path / "out")


@pytest.fixture
def maps():
    found = np.random.default_rng(0).random((3, 14, 12, 8)).astype(np.float32)
    return found / found.sum(axis=0)


@pytest.mark.parametrize("kind", MAPS)
def test_probabilities_give_the_numbers_of_nifti(run: Run, tmp_path, nifti, maps, kind):
    save_maps(tmp_path / "a", ".nii.gz", maps)
    save_maps(tmp_path / "b", kind, maps)
    more = (*maps_options(kind), *(("--ignore-geometry",) if kind.startswith("4d") else ()))
    for of, given in (("a", ()), ("b", more)):
        given = (tmp_path / of, nifti / "gt", *TWO, *given)
        done = run("score", *given, "-m", "auc_roc,brier,dice", "-o", tmp_path / f"{of}-out")
        assert done.code == 0, done.err
        assert run("doctor", *given).code == 0
    assert_alike(tmp_path / "a-out", tmp_path / "b-out")


def test_fractions_of_dicom_are_sigmoids_in_steps_of_a_255th(run: Run, tmp_path, nifti, maps):
    pytest.importorskip("highdicom", reason="DICOM needs the extra")
    save_mask(tmp_path / "b", "SEG", blocks(), NAMES)  # for its series
    save_seg(tmp_path / "b" / "c1" / "seg.dcm", {"liver": maps[1], "spleen": maps[2]}, "FRACTIONAL", "c1")
    save_maps(tmp_path / "a", ".nii.gz", maps[1:])
    for of in ("a", "b"):
        done = run("score", tmp_path / of, nifti / "gt", *TWO, "-m", "auc_roc,brier", "-o", tmp_path / f"{of}-out")
        assert done.code == 0, done.err
    for name in NAMES.values():
        for column, tolerance in (("brier", 1 / 255), ("auc_roc", 0.01)):
            found = [number(tmp_path / f"{of}-out" / "scores.csv", column, **{"class": name}) for of in ("a", "b")]
            assert found[0] == pytest.approx(found[1], abs=tolerance)


@pytest.mark.parametrize("kind", [*IN_WORLD, *WITHOUT_WORLD])
def test_maps_of_objects_give_the_numbers_of_nifti(run: Run, tmp_path, kind):
    objects = np.zeros((14, 12, 8), np.uint16)
    objects[2:5, 3:9, 1:5], objects[5:8, 3:9, 1:5], objects[9:13, 2:6, 2:7] = 300, 2, 7
    for of, form in (("nifti", ".nii.gz"), ("other", kind)):
        for side, shift in (("pred", 1), ("gt", 0)):
            (tmp_path / of / side).mkdir(parents=True)
            save_ids(tmp_path / of / side / f"c1{form}", np.roll(objects, shift, axis=0))
        sides = (tmp_path / of / "pred", tmp_path / of / "gt")
        done = run("score", *sides, "--instances", "-m", "pq,aji,dice", "-o", tmp_path / of / "out")
        assert done.code == 0, done.err
    assert_alike(tmp_path / "nifti" / "out", tmp_path / "other" / "out")
    save_mask(tmp_path / "mask", kind, blocks(), NAMES)
    given = ("--pred-instances", tmp_path / "other" / "gt", "--truth-instances", tmp_path / "other" / "gt")
    done = run("score", tmp_path / "mask", tmp_path / "mask", *TWO, "-m", "pq,n_lesions_truth", *given, "-o", "out")
    assert done.code == 0, done.err
    assert number(tmp_path / "out" / "scores.csv", "n_lesions_truth", **{"class": "liver"}) == 2


@pytest.mark.parametrize("kind", [*IN_WORLD, *WITHOUT_WORLD])
def test_images_to_train_on_are_read_from_every_format(tmp_path, kind):
    image = np.random.default_rng(1).integers(-500, 500, (14, 12, 8)).astype(np.int16)
    (read,) = read_image(Pair(case_id="c1", pred=save_ids(tmp_path / f"c1{kind}", image), truth=None))
    assert np.array_equal(read.array, image)


@pytest.mark.parametrize("kind", RGB)
def test_colours_to_train_on_are_three_channels(tmp_path, kind):
    colours = np.random.default_rng(2).integers(0, 256, (9, 7, 3)).astype(np.uint8)
    channels = read_image(Pair(case_id="c1", pred=save_colours(tmp_path / f"c1{kind}", colours), truth=None))
    assert np.array_equal(np.stack([channel.array for channel in channels], axis=-1), colours)


@pytest.mark.parametrize("kind", [".seg.nrrd"])
def test_masks_by_name_are_trained_by_their_names(run: Run, tmp_path, kind):
    pytest.importorskip("torch", reason="training needs torch")
    for case in ("c1", "c2", "c3"):
        save_mask(tmp_path / "gt", kind, blocks(), {2: "spleen", 1: "liver"}, case)
        (tmp_path / "images").mkdir(exist_ok=True)
        save_ids(tmp_path / "images" / f"{case}.nii.gz", blocks().astype(np.int16) * 300)
    given = ("sweep", "tversky", "--train", tmp_path / "images", tmp_path / "gt", "--iterations", "10")
    done = run(*given, "--grid", "alpha=0.5", "--sum-to-one")
    assert done.code == 2
    assert "holds masks by names. Say which are classes: --labels 1=spleen,2=liver" in done.err
    done = run(*given, "--grid", "alpha=0.5", "--sum-to-one", *TWO, "--class", "liver")
    assert done.code == 0, done.err


def test_a_side_of_coco_gives_the_numbers_of_png(run: Run, tmp_path):
    pred, truth = ids("1100220", "1100220"), ids("1110022", "1110022")
    for side, array in (("pred", pred), ("gt", truth)):
        (tmp_path / side).mkdir()
        Image.fromarray(array).save(tmp_path / side / "a.png")
        found = [an_object(1, category, array == label) for label, category in ((1, 7), (2, 9))]
        write_data_set(tmp_path / f"{side}.json", {"a.jpg": array.shape}, found)
    labels = ("--labels", "1=car,2=traffic light", "-m", "dice,hd95,lesion_f1,pq")
    outs = []
    for sides in (("pred", "gt"), ("pred.json", "gt"), ("pred", "gt.json"), ("pred.json", "gt.json")):
        outs.append(tmp_path / "-".join(sides))
        done = run("score", *(tmp_path / side for side in sides), *labels, "-o", outs[-1])
        assert done.code == 0, done.err
        assert_alike(outs[0], outs[-1])


def test_a_folder_of_jpegs_is_refused_with_the_reason(run: Run, tmp_path):
    (tmp_path / "pred").mkdir()
    (tmp_path / "pred" / "case_01.jpg").write_bytes(b"\xff\xd8\xff")
    truth = convert("gt", tmp_path / "gt", ".nii.gz")
    done = run("score", tmp_path / "pred", truth)
    assert done.code == 3
    assert "JPEG, which does not keep ids" in done.err
    done = run("score", tmp_path / "pred" / "case_01.jpg", truth / "case_01.nii.gz")
    assert done.code == 3
    assert "JPEG compression changes values" in done.err
