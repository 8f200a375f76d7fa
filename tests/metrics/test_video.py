"""Objects in videos against worked values, and what is a sequence and an object."""

from typing import Any

import numpy as np
import pytest

import segeval
from segeval.evidence.contours.frames import outline_f, tolerance_px
from segeval.evidence.masks import Voxels
from segeval.metrics.tasks.video import _decay
from segeval.results import Results
from tests.conftest import golden

GOLDEN = golden("tasks")
VALUES, ARRAYS = GOLDEN["values"], GOLDEN["arrays"]


def frames_of(side: str, folder: str = "bear") -> dict[str, np.ndarray]:
    """Fixture J: eight frames, called 5 to 12."""
    frames = {}
    for i, box in enumerate(ARRAYS[f"J.{side}_boxes"]):
        frame = np.zeros(ARRAYS["J.shape"], dtype=np.uint8)
        if box:
            frame[box[0] : box[1], box[2] : box[3]] = 1
        frames[f"{folder}/{i + 5}"] = frame
    return frames


def scored(pred: dict[str, np.ndarray], truth: dict[str, np.ndarray], *measures: str, **options: Any) -> Results:
    return segeval.score(pred, truth, measures=measures or ["video"], **{"bootstrap": 0, **options})


NAMES = {"j_mean": "region_similarity", "f_mean": "contour_accuracy", "j_and_f": "j_and_f"}
NAMES |= {f"{a}_{b}": f"{NAMES[f'{a}_mean']}_{b}" for a in "jf" for b in ("recall", "decay")}


@pytest.mark.parametrize("name", [name for name in VALUES if name.removeprefix("J.").split(".")[0] in NAMES])
def test_a_worked_value_comes_out(name: str) -> None:
    call = NAMES[name.split(".")[1]] + ("(without_ends=true)" if "without" in name else "")
    results = scored(frames_of("pred"), frames_of("truth"), call)
    assert results[call, "1"].pooled == pytest.approx(VALUES[name], abs=1e-9)
    assert results[call, "(all)"].pooled == pytest.approx(VALUES[name], abs=1e-9)
    assert np.isnan(results[call, "1"].mean)


def test_the_profile_leaves_out_the_ends() -> None:
    results = scored(frames_of("pred"), frames_of("truth"), like=["davis"])
    assert results["region_similarity[davis2017]", "1"].pooled == pytest.approx(
        VALUES["J.j_mean.without_first_last"], abs=1e-9
    )
    assert len(results.class_columns) == 7


def voxels(frame: np.ndarray) -> Voxels:
    return Voxels.of(frame > 0)


@pytest.mark.parametrize("frame", range(8))
def test_every_frame_has_its_worked_outline(frame: int) -> None:
    pred, truth = (voxels([*frames_of(side).values()][frame]) for side in ("pred", "truth"))
    assert outline_f(pred, truth, tolerance=0.008) == pytest.approx(ARRAYS["J.f_per_frame"][frame], abs=1e-9)


def test_a_mask_that_fills_the_frame_is_not_like_an_empty_one() -> None:
    full, empty = np.ones((4, 5)), np.zeros((4, 5))
    found = [outline_f(voxels(a), voxels(b), tolerance=1.0) for a in (full, empty) for b in (full, empty)]
    assert found == [1, 0, 0, 1]


def test_a_tolerance_is_a_share_of_the_diagonal_rounded_up_or_in_pixels() -> None:
    assert tolerance_px(0.008, (480, 854)) == VALUES["J.boundary_tolerance_px.480x854"]
    assert tolerance_px(3.0, (480, 854)) == 3


def test_decay_is_right_beyond_256_frames() -> None:
    assert _decay(np.linspace(1, 0, 400)) == pytest.approx(VALUES["J.decay.400_frames"], abs=1e-9)


def test_values_are_means_over_objects_whatever_their_class() -> None:
    """Object 1 in two sequences, 2 in one; one more class is nowhere in the truth of its sequence."""
    box = np.zeros((6, 6), dtype=np.uint8)
    box[1:3, 1:3] = 1
    half = box.copy()
    half[1:3, 1] = 0
    truth = {"a/1": box, "a/2": box, "b/1": box + 2 * (box[::-1] > 0)}
    pred = {"a/1": box, "a/2": half, "b/1": 0 * box + 2 * (box[::-1] > 0)}
    pred["a/2"][5, 5] = 2  # of no object that sequence a has
    results = scored(pred, truth, "region_similarity")
    of = {name: results["region_similarity", name].pooled for name in ("1", "2", "(mean)", "(all)")}
    assert of == pytest.approx({"1": (0.75 + 0) / 2, "2": 1, "(mean)": (0.375 + 1) / 2, "(all)": (0.75 + 0 + 1) / 3})


def test_resamples_draw_whole_sequences() -> None:
    pred, truth = frames_of("pred", "a"), frames_of("truth", "a")
    one = scored(pred, truth, "region_similarity", bootstrap=50)
    assert np.isnan(one["region_similarity", "1"].ci[0])
    two = scored(pred | frames_of("truth", "b"), truth | frames_of("truth", "b"), "region_similarity", bootstrap=200)
    low, high = two["region_similarity", "(all)"].ci
    assert (low, high) == pytest.approx((VALUES["J.j_mean"], 1.0))


def test_a_volume_is_no_frame() -> None:
    volume = np.ones((3, 4, 5), dtype=np.uint8)
    results = scored({"a/1": volume}, {"a/1": volume}, "j_mean")
    assert np.isnan(results["region_similarity", "1"].pooled)
    (note,) = results.facts["warnings"]
    assert note == "a frame of a video has two axes, so these are undefined of volumes: region_similarity"
