"""How much of a contour has to be drawn anew, against worked values, and the laws it obeys."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import segeval
from segeval.errors import ConfigError
from tests.conftest import golden

GOLDEN = golden("tasks")
VALUES, ARRAYS = GOLDEN["values"], GOLDEN["arrays"]
APL = "added_path_length_mm"


def filled(boxes: list[list[int]]) -> np.ndarray:
    """Fixture P: two slices of 10 × 10 pixels."""
    mask = np.zeros(ARRAYS["P.shape"], dtype=np.uint8)
    for z0, z1, y0, y1, x0, x1 in boxes:
        mask[z0:z1, y0:y1, x0:x1] = 1
    return mask


PRED, TRUTH = filled(ARRAYS["P.pred_boxes"]), filled(ARRAYS["P.truth_boxes"])


def value(pred: np.ndarray, truth: np.ndarray, call: str, spacing: tuple[float, ...] = (3.0, 1.0, 1.0)) -> float:
    results = segeval.score(pred, truth, measures=[call], labels={1: "organ"}, spacing=spacing, bootstrap=0)
    (found,) = results.class_rows[0].values.values()
    return found


@pytest.mark.parametrize(
    ("name", "call"),
    [
        *((f"P.added_path_length@{t}.total", f"{APL}(tolerance_mm={t})") for t in (0, 1, 3)),
        *((f"P.added_path_length@{t}.mean_per_slice", f"{APL}(tolerance_mm={t},per=slice)") for t in (0, 1, 3)),
        *((f"P.added_path_length[platipy]@{t}.total", f"{APL}(tolerance_mm={t})[platipy]") for t in (0, 1, 3)),
        ("P.relative_added_path_length@0", "relative_added_path_length"),
        ("P.added_path_length[kiser]", f"{APL}[kiser]"),
        ("P.added_path_volume_ml", "added_path_volume_ml"),
    ],
)
def test_a_worked_value_comes_out(name: str, call: str) -> None:
    assert value(PRED, TRUTH, call) == pytest.approx(VALUES[name], abs=1e-9)


def test_the_default_of_the_tool_is_three_millimetres() -> None:
    assert value(PRED, TRUTH, f"{APL}[platipy]") == VALUES["P.added_path_length[platipy]@3.total"]


def test_a_ball_of_whole_pixels_reaches_half_a_pixel_farther() -> None:
    truth, pred = np.zeros((2, 9, 9), dtype=np.uint8)
    truth[3, 3] = pred[4, 4] = 1  # a diagonal step of 1.41
    assert [value(pred, truth, f"{APL}(tolerance_mm=1{more})", (1, 1)) for more in ("", ",near=ball")] == [1, 0]


def test_slices_are_stacked_along_the_coarsest_axis_or_the_one_that_is_named() -> None:
    turned = [side.transpose(2, 0, 1) for side in (PRED, TRUTH)]
    assert value(*turned, f"{APL}(per=slice)", (1, 3, 1)) == 11
    assert value(*turned, f"{APL}(per=slice,axis=1)", (1, 1, 1)) == 11
    assert value(*turned, f"{APL}(per=slice)", (1, 1, 1)) != 11  # the last one of equal ones
    with pytest.raises(ConfigError, match="an image of 2 axes has none of that number"):
        value(PRED[0], TRUTH[0], f"{APL}(axis=2)", (1, 1))


def test_a_length_is_a_count_times_the_mean_spacing_in_the_plane() -> None:
    truth = np.zeros((6, 6), dtype=np.uint8)
    truth[2:4, 2:4] = 1
    assert value(0 * truth, truth, APL, (0.5, 1.5)) == 4 * 1.0
    assert value(0 * truth, truth, f"{APL}(unit=voxel)", (0.5, 2.5)) == 4


@pytest.mark.parametrize(
    ("call", "both", "pred", "truth"),
    [(APL, 0, 32, 0), (f"{APL}(per=slice)", 0, 16, 0), ("relative_added_path_length", 0, 1, 0)],
)
def test_an_absent_side_has_its_value(call: str, both: float, pred: float, truth: float) -> None:
    nothing = 0 * TRUTH
    sides = ((nothing, nothing), (nothing, TRUTH), (TRUTH, nothing))
    assert [value(*each, call) for each in sides] == [both, pred, truth]


def test_all_cases_together_add_up_before_the_ratio() -> None:
    cases = {"a": (PRED, TRUTH), "b": (TRUTH, TRUTH)}
    preds, truths = ({name: case[i] for name, case in cases.items()} for i in (0, 1))
    calls = [APL, f"{APL}(per=slice)", "relative_added_path_length"]
    results = segeval.score(preds, truths, measures=calls, labels={1: "organ"}, spacing=(3, 1, 1), bootstrap=0)
    assert [results[call, "organ"].pooled for call in calls] == pytest.approx([22, 22 / 4, 22 / 64])


masks = hnp.arrays(np.uint8, (2, 5, 6), elements=st.integers(0, 1))


@given(masks, masks)
def test_a_wider_tolerance_never_adds_and_equal_masks_have_nothing_to_add(pred: np.ndarray, truth: np.ndarray) -> None:
    lengths = [value(pred, truth, f"{APL}(tolerance_mm={t})") for t in (0, 0.5, 1, 1.5, 3)]
    assert all(np.diff(lengths) <= 0)
    assert value(truth, truth, APL) == 0
    slices = (pred | truth).any(axis=(1, 2)).sum()
    assert lengths[0] == pytest.approx(value(pred, truth, f"{APL}(per=slice)") * slices)


def spots(distance: int) -> tuple[np.ndarray, np.ndarray]:
    pred, truth = np.zeros((2, 30, 40), dtype=np.uint8)
    truth[10, 10] = pred[10, 10 + distance] = 1
    return pred, truth


@pytest.mark.parametrize(("share", "distance", "expected"), [(0.02, 1, 1), (0.02, 2, 0), (0.04, 2, 1)])
def test_a_tolerance_may_be_a_share_of_the_diagonal(share: float, distance: int, expected: float) -> None:
    call: Any = f"boundary_f1(tolerance_diagonal={share})"  # of 50 pixels
    assert value(*spots(distance), call, (1, 1)) == expected
    assert value(*spots(distance), call, (0.5, 0.5)) == expected
    results = segeval.score(*spots(1), measures=[call], spacing=(1, 1))
    assert results.class_columns == (call,)


def test_both_tolerances_of_a_boundary_are_refused() -> None:
    with pytest.raises(ConfigError, match="tolerance_mm=2 changes nothing with tolerance_diagonal"):
        value(*spots(1), "boundary_f1(tolerance_mm=2,tolerance_diagonal=0.02)")
    with pytest.raises(ConfigError, match="tolerance_mm=inf"):
        value(PRED, TRUTH, f"{APL}(tolerance_mm=inf)")
