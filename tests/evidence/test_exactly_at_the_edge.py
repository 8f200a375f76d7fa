"""Values that lie exactly on an edge, where one sign or one digit decides: worked by hand."""

import numpy as np
import pytest

from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.matching import MatchRule, Overlaps, link
from segeval.evidence.surfaces.bands import BandRule, band_counts
from segeval.evidence.surfaces.distances import Directed, within
from segeval.evidence.surfaces.elements import Metric
from segeval.evidence.surfaces.surface import Surfaces
from segeval.metrics.boundary_scores import boundary_f1, boundary_iou, nsd

ONE = (LabelClass(name="1", ids=(1,)),)


def surfaces(pred: np.ndarray, truth: np.ndarray, **facts: object) -> Surfaces:
    return Surfaces.of(pred, truth, classes=ONE, **facts)  # type: ignore[arg-type]


# percentiles


def test_a_share_that_is_reached_exactly_needs_no_further_element() -> None:
    # sums of tenths are rounded, so that the eighth of thirteen seems to stay below 8 / 13
    weighted = Directed(distance=np.arange(13.0), weight=np.full(13, 0.1))
    assert [weighted.percentile(100 * (n + 1) / 13) for n in range(13)] == list(range(13))


def test_a_share_that_is_not_quite_reached_needs_a_further_element() -> None:
    weighted = Directed(distance=np.array([3.0, 1.0, 2.0]), weight=np.array([2.0, 1.0, 1.0]))
    asked = (0.0, 25.0, 25 + 1e-7, 50.0, 50 + 1e-7, 100.0)
    assert [weighted.percentile(q) for q in asked] == [
        1.0,
        1.0,
        2.0,
        2.0,
        3.0,
        3.0,
    ]


def test_percentiles_of_voxels_are_interpolated_exactly() -> None:
    counted = Directed(distance=np.array([4.0, 0.0, 1.0, 2.0, 3.0]))
    asked = (0.0, 50.0, 95.0, 97.5, 100.0)
    assert [counted.percentile(q) for q in asked] == pytest.approx([0, 2, 3.8, 3.9, 4], abs=1e-15)


# tolerances


def test_the_allowance_is_relative_to_the_tolerance_or_to_the_smallest_voxel() -> None:
    assert within(3.0, spacing=(0.5, 2.0), slack=1e-6) == 3.0 + 3e-6
    assert within(0.1, spacing=(0.5, 2.0), slack=1e-6) == pytest.approx(0.1 + 0.5e-6, rel=1e-15)
    assert within(3.0, spacing=(0.5, 2.0), slack=0.0) == 3.0


@pytest.mark.parametrize("weight", [None, np.array([1.0, 2.0, 4.0])])
def test_a_distance_of_exactly_the_reach_is_within(weight: np.ndarray | None) -> None:
    near = Directed(distance=np.array([1.0, 2.0, 3.0]), weight=weight)
    sizes = [1, 2, 3] if weight is None else [1, 3, 7]
    assert [near.size_within(reach) for reach in (np.nextafter(1.0, 0), 1.0, 2.0, 3.0)] == [0, *sizes]


def stacked(axis: int, apart: int) -> tuple[np.ndarray, np.ndarray]:
    """Two planes of one voxel, so many voxels apart along an axis."""
    pred, truth = (np.zeros((9, 9), dtype=np.uint8) for _ in range(2))
    np.moveaxis(pred, axis, 0)[3], np.moveaxis(truth, axis, 0)[3 + apart] = 1, 1
    return pred, truth


def test_the_smallest_spacing_is_a_tolerance_of_one_voxel_along_the_finest_axis() -> None:
    fine, coarse = (stacked(axis, 1) for axis in (0, 1))
    near, far = (surfaces(*pair, spacing_mm=(0.5, 0.7)) for pair in (fine, coarse))
    for measure in (nsd, boundary_f1):
        assert measure(near, tolerance_mm="min_spacing", surface="voxel") == [1.0]
        assert measure(far, tolerance_mm="min_spacing", surface="voxel") == [0.0]
        assert measure(far, tolerance_mm="min_spacing", surface="voxel", unit="voxel") == [1.0]


# bands


def test_the_diagonal_is_measured_in_the_unit_of_the_measure() -> None:
    image = np.ones((30, 40), dtype=np.uint8)
    assert surfaces(image, image, spacing_mm=(2.0, 2.0)).diagonal() == 100.0
    assert surfaces(image, image, spacing_mm=(2.0, 2.0)).diagonal("voxel") == 50.0
    assert surfaces(image, image).diagonal() == 50.0


def squares() -> tuple[np.ndarray, np.ndarray]:
    """In an image with a diagonal of 100 voxels a square of 30, and one of 30 that is moved by one voxel."""
    pred, truth = (np.zeros((60, 80), dtype=np.uint8) for _ in range(2))
    pred[10:40, 11:41], truth[10:40, 10:40] = 1, 1
    return pred, truth


def rim_overlap(width: int) -> float:
    """Overlap of the outer layers of the two squares, so many and the surface itself."""
    bands = []
    for side in squares():
        band = side.astype(bool)
        inner = np.zeros_like(band)
        low, high = np.argwhere(band).min(axis=0) + width + 1, np.argwhere(band).max(axis=0) - width
        inner[low[0] : high[0], low[1] : high[1]] = True
        bands.append(band & ~inner)
    return float((bands[0] & bands[1]).sum() / (bands[0] | bands[1]).sum())


def test_the_default_width_is_two_percent_of_the_diagonal() -> None:
    assert len({rim_overlap(width) for width in (0, 1, 2, 3)}) == 4
    pair = squares()
    assert boundary_iou(surfaces(*pair)) == pytest.approx([rim_overlap(2)])
    assert boundary_iou(surfaces(*pair, spacing_mm=(0.3, 0.3))) == pytest.approx([rim_overlap(2)])
    assert boundary_iou(surfaces(*pair, spacing_mm=(1.0, 0.01)), unit="voxel") == pytest.approx([rim_overlap(2)])


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("metric", ["euclidean", "chessboard"])
@pytest.mark.parametrize("tenths", [1, 2, 3, 7])  # 3 x 0.1 > 0.3, 3 x 0.7 < 2.1 and 0.6 / 0.2 < 3 as they are rounded
def test_a_voxel_at_exactly_the_width_is_in_the_band_or_not(tenths: int, metric: Metric, device: str | None) -> None:
    pair = surfaces(*squares(), spacing_mm=(tenths / 10, tenths / 10), device=device)
    for steps in (1, 2, 3):
        width = steps * tenths / 10
        assert boundary_iou(pair, width_mm=width, metric=metric) == pytest.approx([rim_overlap(steps)])
        assert boundary_iou(pair, width_mm=width, metric=metric, rule="lt") == pytest.approx([rim_overlap(steps - 1)])
    assert boundary_iou(pair, width_mm=0.0, metric=metric) == pytest.approx([rim_overlap(0)])
    assert np.isnan(boundary_iou(pair, width_mm=0.0, metric=metric, rule="lt")).all()  # nothing is nearer than 0


@pytest.mark.parametrize("device", [None, "cpu"])
def test_ignored_voxels_are_neither_in_a_band_nor_background(device: str | None) -> None:
    # a row of ten voxels between background; what is ignored beside voxel 4 makes it no nearer to the background
    row = np.zeros((3, 14), dtype=np.uint8)
    row[:, 2:12] = 1
    other = row.copy()
    other[:, 2] = 0
    ignored = np.zeros(row.shape, dtype=bool)
    ignored[:, 6] = True
    rule = BandRule(reach=2.0, band="background", metric="euclidean", unit="mm", edge="none", neighbours="face")
    found = band_counts(surfaces(other, row, ignored=ignored, device=device), [0], rule)[0]
    # truth: 2 and 3, 10 and 11; pred: 3 and 4, 10 and 11, each in three rows
    assert found == (9, 15)
    assert band_counts(surfaces(other, row, device=device), [0], rule)[0] == (9, 15)


def test_an_ignored_voxel_at_the_edge_of_a_mask_counts_in_no_band() -> None:
    row = np.zeros((1, 9), dtype=np.uint8)
    row[:, 2:7] = 1
    both = np.repeat(row, 5, axis=0)
    ignored = np.zeros(both.shape, dtype=bool)
    ignored[:, 2] = True
    pred = both.copy()
    pred[:, 2] = 0  # differs from the truth only where nothing counts
    assert boundary_iou(surfaces(pred, both, ignored=ignored), width_mm=1.0) == [1.0]


# matching


def overlaps(pairs: list[tuple[int, int, int]], *, truth: list[int], pred: list[int]) -> Overlaps:
    """Pairs of (truth, pred, shared voxels) of lesions of these sizes."""
    columns = np.array(pairs, dtype=np.int64).T
    return Overlaps(
        truth=columns[0],
        pred=columns[1],
        voxels=columns[2],
        truth_voxels=np.array(truth, dtype=np.int64),
        pred_voxels=np.array(pred, dtype=np.int64),
    )


def test_more_matches_come_before_a_larger_overlap() -> None:
    # IoU 80 / 120 of the large pair, 15 / 100 of the two small ones: two matches are one more than one
    found = overlaps([(0, 0, 15), (0, 1, 80), (1, 1, 15)], truth=[100, 15], pred=[15, 100])
    assert link(found, MatchRule(iou_threshold=0.1)).tolist() == [True, False, True]
    assert link(found, MatchRule(iou_threshold=0.1, matching="greedy")).tolist() == [False, True, False]
    assert link(found, MatchRule(iou_threshold=0.2)).tolist() == [False, True, False]


def test_among_as_many_matches_the_larger_overlap_counts() -> None:
    found = overlaps([(0, 0, 4), (0, 1, 6)], truth=[10], pred=[4, 6])
    assert link(found, MatchRule(iou_threshold=0.1)).tolist() == [False, True]


@pytest.mark.parametrize("matching", ["hungarian", "greedy"])
def test_of_equal_overlaps_the_first_lesions_belong_together(matching: str) -> None:
    square = overlaps([(0, 0, 2), (0, 1, 2), (1, 0, 2), (1, 1, 2)], truth=[4, 4], pred=[4, 4])
    rule = MatchRule(iou_threshold=0.1, matching=matching)  # type: ignore[arg-type]
    assert link(square, rule).tolist() == [True, False, False, True]
    two_preds = overlaps([(0, 0, 2), (0, 1, 2)], truth=[4], pred=[2, 2])
    assert link(two_preds, rule).tolist() == [True, False]
    two_truths = overlaps([(0, 0, 2), (1, 0, 2)], truth=[2, 2], pred=[4])
    assert link(two_truths, rule).tolist() == [True, False]


def test_a_tie_in_an_assignment_gives_low_predictions_to_low_truths() -> None:
    # each pair costs pred · (3 - truth) / 6 billionths: the second prediction goes to the last truth, which costs least
    found = overlaps([(0, 0, 2), (1, 1, 2), (2, 1, 2)], truth=[4, 2, 2], pred=[4, 4])
    assert link(found, MatchRule(iou_threshold=0.1)).tolist() == [True, False, True]
