"""Pictures of cases: the right plane, the right colours, true to the spacing."""

import io

import numpy as np
import pytest
from PIL import Image

from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass
from segeval.verbs.report.overlays import BLUE, LIGHT, ORANGE, masks_of, picture_of, slices_around, worst_place

LIVER = LabelClass(name="liver", ids=(1,))


def case(*, spacing=(1.0, 1.0, 2.0)):
    """A cube, predicted two voxels too far along the first axis, and one slice of it missed."""
    truth, pred = np.zeros((20, 16, 8), np.uint8), np.zeros((20, 16, 8), np.uint8)
    truth[4:12, 4:12, 2:6], pred[6:14, 4:12, 2:5] = 1, 1
    return Case(case_id="a", pred=pred, truth=truth, spacing_mm=spacing)


def pixels(picture):
    return np.array(Image.open(io.BytesIO(picture.png)).convert("RGB")).astype(int)


def share_near(image, colour):
    return float((np.abs(image - np.array(colour)).max(axis=-1) < 28).mean())


def test_the_slice_is_the_one_with_most_errors():
    assert worst_place(masks_of(case(), LIVER))[2] == 5  # missed as a whole: 64 voxels, in the others 32
    same = Case(case_id="a", pred=case().truth, truth=case().truth)
    assert worst_place(masks_of(same, LIVER)) == (4, 4, 2)


def test_all_errors_are_counted_in_the_caption():
    picture = picture_of(masks_of(case(), LIVER), title="a, liver")
    assert picture.caption == "a, liver: slice 6 of 8; 48 false and 112 missed of 256 true voxels"
    assert "striped orange: false alarm" in picture.alt


def test_misses_are_blue_false_alarms_orange_and_the_truth_has_a_light_contour():
    missed = pixels(picture_of(masks_of(case(), LIVER), title="", at=(8, 8, 5), planes=1))
    assert share_near(missed, (75, 128, 162)) > 0.05  # 60 % of blue on the ground
    assert share_near(missed, ORANGE) == 0
    both = pixels(picture_of(masks_of(case(), LIVER), title="", at=(8, 8, 3), planes=1))
    assert min(share_near(both, colour) for colour in (ORANGE, LIGHT)) > 0.005
    assert share_near(both, BLUE) < share_near(both, (75, 128, 162))


@pytest.mark.parametrize(("spacing", "ratio"), [((1.0, 1.0, 1.0), 16 / 20), ((1.0, 3.0, 1.0), 48 / 20)])
def test_a_plane_is_true_to_the_spacing(spacing, ratio):
    width, height = picture_of(masks_of(case(spacing=spacing), LIVER), title="", planes=1).size
    assert (height - 44) / (width - 44) == pytest.approx(ratio, abs=0.02)


def test_the_patients_right_is_on_the_left_whichever_way_the_file_runs():
    mirrored = case()
    flipped = Case(case_id="a", pred=mirrored.pred[::-1], truth=mirrored.truth[::-1], spacing_mm=mirrored.spacing_mm)
    to_right, to_left = np.diag([1.0, 1, 2, 1]), np.diag([-1.0, 1, 2, 1])
    one_way = pixels(picture_of(masks_of(mirrored, LIVER, affine=to_right), title="", planes=1))
    other_way = pixels(picture_of(masks_of(flipped, LIVER, affine=to_left), title="", planes=1))
    assert np.abs(one_way - other_way).max() < 40  # palettes differ a little


def test_slices_spread_over_the_class_and_hold_the_worst_one():
    assert slices_around(masks_of(case(), LIVER), 3) == [2, 4, 5]
    assert slices_around(masks_of(case(), LIVER), 1) == [5]


def test_flat_and_empty_images_have_a_picture():
    flat = Case(case_id="a", pred=case().pred[:, :, 3], truth=case().truth[:, :, 3])
    assert picture_of(masks_of(flat, LIVER), title="a").caption.startswith("a: the whole image; 16 false and 16 missed")
    nothing = Case(case_id="a", pred=np.zeros((5, 5), np.uint8), truth=np.zeros((5, 5), np.uint8))
    assert "0 false and 0 missed of 0" in picture_of(masks_of(nothing, LIVER), title="a", distances=True).caption


def test_distances_go_up_to_the_largest_of_the_contour():
    picture = picture_of(masks_of(case(), LIVER), title="a", distances=True)
    assert "contour from 0 to 2.0 mm off" in picture.caption
