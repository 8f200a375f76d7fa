"""What every boundary metric obeys, and the simple definitions that brute force can follow."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segeval.errors import ConfigError
from segeval.evidence.labels import LabelClass
from segeval.evidence.surfaces.bands import BandRule, band_counts
from segeval.evidence.surfaces.surface import Surfaces
from segeval.metrics.boundary import (
    asd_pred_to_truth,
    asd_truth_to_pred,
    assd,
    hd,
    hd95,
    hdp,
    masd,
    mean_signed_surface_distance,
    median_surface_distance,
    sd_surface_distance,
)
from segeval.metrics.boundary_scores import boundary_f1, boundary_iou, nsd
from segeval.metrics.point_sets import average_hausdorff, balanced_average_hausdorff, centroid_distance, mahalanobis
from tests.brute_force import Setting, elements
from tests.masks import MASKS, ONE, Masks, surfaces_of

IN_MM = [hd, hdp, hd95, assd, masd, median_surface_distance, sd_surface_distance, average_hausdorff, centroid_distance]
SYMMETRIC = [*IN_MM, nsd, boundary_f1, boundary_iou, mahalanobis]
ALL = [*SYMMETRIC, asd_pred_to_truth, asd_truth_to_pred, balanced_average_hausdorff, mean_signed_surface_distance]


@st.composite
def masks(draw: st.DrawFn) -> Masks:
    """A tiny 2-D or 3-D pair on an anisotropic grid, both sides often empty or full."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=5))
    filled = st.sampled_from(draw(st.sampled_from([[0], [1], [0, 1], [0, 0, 0, 1]])))
    pred, truth = (draw(hnp.arrays(np.uint8, shape, elements=filled)) for _ in range(2))
    sizes = st.sampled_from([0.5, 0.7, 1.0, 1.9, 3.0])
    return Masks(pred=pred > 0, truth=truth > 0, spacing_mm=tuple(draw(sizes) for _ in shape))


def one(values: Any) -> float:
    (value,) = values
    return float(value)


def same(left: Any, right: Any) -> bool:
    return bool(left == pytest.approx(right, rel=1e-9, abs=1e-12, nan_ok=True))


@settings(max_examples=50)
@given(masks())
def test_swapping_the_sides_changes_no_symmetric_metric(pair: Masks) -> None:
    here, there = pair.surfaces, surfaces_of(pair.truth, pair.pred, spacing_mm=pair.spacing_mm)
    for measure in SYMMETRIC:
        assert same(measure(here), measure(there)), measure.name
    assert same(asd_pred_to_truth(here), asd_truth_to_pred(there))


@settings(max_examples=50)
@given(masks(), st.integers(1, 3))
def test_background_around_the_masks_changes_nothing(pair: Masks, margin: int) -> None:
    assume(min(pair.pred.shape) > 1)  # a flat image is 2-D, and would not be with a margin
    padded = (np.pad(side, margin) for side in (pair.pred, pair.truth))
    tight, roomy = pair.surfaces, surfaces_of(*padded, spacing_mm=pair.spacing_mm)
    for measure in ALL:
        knobs = {"width_mm": 1.0} if measure is boundary_iou else {}
        assert same(measure(tight, **knobs), measure(roomy, **knobs)), measure.name


@settings(max_examples=30)
@given(masks(), st.sampled_from([0.1, 7.3]))
def test_larger_voxels_make_larger_distances(pair: Masks, factor: float) -> None:
    spacing = tuple(factor * size for size in pair.spacing_mm)
    small, large = pair.surfaces, surfaces_of(pair.pred, pair.truth, spacing_mm=spacing)
    for measure in IN_MM:
        assert same(factor * measure(small), measure(large)), measure.name
    assert same(mahalanobis(small), mahalanobis(large))
    assert same(nsd(small, tolerance_mm=1.5), nsd(large, tolerance_mm=1.5 * factor))


@given(masks())
def test_the_distances_lie_between_each_other(pair: Masks) -> None:
    surfaces = pair.surfaces
    there, back = one(asd_pred_to_truth(surfaces)), one(asd_truth_to_pred(surfaces))
    assume(math.isfinite(there) and math.isfinite(back))
    (lists,) = surfaces.distances()
    worse = max(np.median(side.distance) for side in (lists.pred_to_truth, lists.truth_to_pred))
    assert one(hd(surfaces)) >= one(hd95(surfaces)) >= worse - 1e-12
    for mean in (assd, masd):
        assert min(there, back) - 1e-12 <= one(mean(surfaces)) <= max(there, back) + 1e-12


@settings(max_examples=50)
@given(masks(), st.lists(st.floats(0, 12), min_size=2, max_size=2))
def test_a_larger_tolerance_never_lowers_the_score(pair: Masks, tolerances: list[float]) -> None:
    surfaces, (low, high) = pair.surfaces, sorted(tolerances)
    for measure in (nsd, boundary_f1):
        values = [one(measure(surfaces, tolerance_mm=each)) for each in (low, high)]
        assert math.isnan(values[0]) or values[0] <= values[1]
    largest = one(hd(surfaces, surface="area"))
    if math.isfinite(largest):
        assert one(nsd(surfaces, tolerance_mm=largest)) == pytest.approx(1.0)


@given(masks())
def test_the_harmonic_mean_is_not_above_the_arithmetic_one(pair: Masks) -> None:
    surfaces = pair.surfaces
    both = boundary_f1(surfaces), nsd(surfaces, surface="voxel", pooling="directed_mean")
    assert math.isnan(one(both[0])) or one(both[0]) <= one(both[1]) + 1e-12


def points(mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    return np.argwhere(mask) * spacing


def between(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distance of each of some points to the nearest other."""
    nearest: np.ndarray = np.linalg.norm(some[:, None] - others[None], axis=2).min(axis=1)
    return nearest


@given(masks())
def test_point_set_distances_are_those_of_all_pairs_of_voxels(pair: Masks) -> None:
    assume(pair.pred.any() and pair.truth.any())
    pred, truth = (points(side, pair.spacing_mm) for side in (pair.pred, pair.truth))
    there, back = between(pred, truth), between(truth, pred)
    surfaces = pair.surfaces
    assert one(average_hausdorff(surfaces)) == pytest.approx((there.mean() + back.mean()) / 2)
    assert one(balanced_average_hausdorff(surfaces)) == pytest.approx((there.sum() + back.sum()) / (2 * len(truth)))
    assert one(hd(surfaces, surface="set")) == pytest.approx(max(there.max(), back.max()))
    step = pred.mean(axis=0) - truth.mean(axis=0)
    assert one(centroid_distance(surfaces)) == pytest.approx(np.linalg.norm(step), abs=1e-9)
    spread = sum((len(x) * np.cov(x.T, bias=True) for x in (pred, truth)), np.zeros((len(step),) * 2))
    if np.linalg.matrix_rank(spread) == len(step):
        squared = step @ np.linalg.solve(spread / (len(pred) + len(truth)), step)
        assert one(mahalanobis(surfaces)) == pytest.approx(math.sqrt(squared), abs=1e-6)


@given(masks())
def test_the_signed_distance_is_negative_inside_the_truth(pair: Masks) -> None:
    assume(pair.pred.any() and pair.truth.any() and min(pair.pred.shape) > 1)
    none = np.zeros(pair.pred.shape, dtype=bool)
    pred, truth = (elements(side, pair.spacing_mm, Setting(), none) for side in (pair.pred, pair.truth))
    ours, theirs = (np.array([at for at, _ in side]) for side in (pred, truth))
    distances = between(ours * pair.spacing_mm, theirs * pair.spacing_mm)
    signs = np.where(pair.truth[tuple(ours.T)], -1.0, 1.0)
    assert one(mean_signed_surface_distance(pair.surfaces)) == pytest.approx((signs * distances).mean())


def in_band(mask: np.ndarray, ignored: np.ndarray, spacing: tuple[float, ...], rule: BandRule) -> np.ndarray:
    """The band by looking from each voxel at each source."""
    background = np.pad(~mask & ~ignored, 1, constant_values=rule.edge == "border")
    surface = [at for at, _ in elements(mask & ~ignored, spacing, Setting(edge=rule.edge), ignored)]
    sources = np.array(surface) if rule.band == "surface" else np.argwhere(background) - 1
    inside = np.zeros(mask.shape, dtype=bool)
    for at in itertools.product(*map(range, mask.shape)) if len(sources) else ():
        steps = abs((sources - at) * spacing)
        lengths = steps.max(axis=1) if rule.metric == "chessboard" else np.linalg.norm(steps, axis=1)
        inside[at] = mask[at] and not ignored[at] and lengths.min() <= rule.reach
    return inside


@st.composite
def band_rules(draw: st.DrawFn) -> BandRule:
    return BandRule(
        reach=draw(st.sampled_from([0.0, 0.7, 1.0, 2.0])) + 1e-6,
        band=draw(st.sampled_from(["surface", "background"])),
        metric=draw(st.sampled_from(["euclidean", "chessboard"])),
        edge=draw(st.sampled_from(["border", "none"])),
        unit="mm",
        neighbours="face",
    )


@settings(max_examples=60)
@given(masks(), band_rules(), st.data())
def test_boundary_bands_are_those_of_brute_force(pair: Masks, rule: BandRule, data: st.DataObject) -> None:
    ignored = data.draw(st.just(np.zeros(pair.pred.shape, dtype=bool)) | hnp.arrays(bool, pair.pred.shape))
    pred, truth = pair.pred & ~ignored, pair.truth & ~ignored
    assume((pred | truth).any() and min(pred.shape) > 1)
    surfaces = Surfaces.of(
        pred.astype(np.uint8), truth.astype(np.uint8), classes=ONE, spacing_mm=pair.spacing_mm, ignored=ignored
    )
    ours, theirs = (in_band(side, ignored, pair.spacing_mm, rule) for side in (pred, truth))
    assert band_counts(surfaces, [0], rule)[0] == ((ours & theirs).sum(), (ours | theirs).sum())


def test_two_masks_that_fill_the_image_have_no_surface_at_an_open_border() -> None:
    full = np.ones((4, 5, 6), dtype=bool)
    surfaces = surfaces_of(full, full)
    for measure in (hd, hd95, assd, mean_signed_surface_distance):
        assert one(measure(surfaces, edge="none")) == 0
    for score in (nsd, boundary_f1, boundary_iou):
        assert one(score(surfaces, edge="none")) == 1


def test_a_surface_on_one_side_only_is_infinitely_far_away() -> None:
    full, part = np.ones((4, 5, 6), dtype=bool), np.zeros((4, 5, 6), dtype=bool)
    part[1:3, 1:3, 1:3] = True
    surfaces = surfaces_of(full, part)
    for measure in (hd, hd95, assd, mean_signed_surface_distance):
        assert one(measure(surfaces, edge="none")) == math.inf
    for score in (nsd, boundary_f1, boundary_iou):
        assert one(score(surfaces, edge="none")) == 0


def test_flat_masks_have_no_mahalanobis_distance_across_their_plane() -> None:
    voxels = [np.zeros((5, 5, 5), dtype=bool) for _ in range(3)]
    voxels[0][1, 1, 1] = voxels[1][3, 1, 1] = voxels[2][1, 1:4, 1:4] = True
    assert one(mahalanobis(surfaces_of(voxels[0], voxels[1]))) == math.inf
    assert one(mahalanobis(surfaces_of(voxels[0], voxels[0]))) == 0
    in_plane = one(mahalanobis(surfaces_of(voxels[2], np.roll(voxels[2], 1, axis=1))))
    assert in_plane == pytest.approx(1 / math.sqrt(2 / 3))
    assert one(mahalanobis(surfaces_of(voxels[2], np.roll(voxels[2], 1, axis=0)))) == math.inf


def test_a_region_is_scored_like_one_label() -> None:
    rng = np.random.default_rng(0)
    pred, truth = rng.integers(0, 4, (2, 7, 8, 9)).astype(np.uint8)
    region = LabelClass(name="region", ids=(1, 3))
    classes = [LabelClass(name="two", ids=(2,)), region, LabelClass(name="one", ids=(1,))]
    surfaces = Surfaces.of(pred, truth, classes=classes, spacing_mm=(1.0, 2.0, 0.5))
    joined = surfaces_of(np.isin(pred, region.ids), np.isin(truth, region.ids), spacing_mm=(1.0, 2.0, 0.5))
    for measure in ALL:
        assert measure(surfaces)[1] == pytest.approx(one(measure(joined))), measure.name


def test_a_slice_stored_as_a_volume_is_two_dimensional() -> None:
    masks = MASKS["R2"]
    flat = surfaces_of(masks.pred[:, None], masks.truth[:, None], spacing_mm=(0.7, 5.0, 1.9))
    plain = masks.surfaces
    for measure in ALL:
        assert same(measure(flat), measure(plain)), measure.name


def test_ignored_voxels_cut_no_surface() -> None:
    truth = np.ones((8, 8), dtype=np.uint8)
    pred, ignored = truth.copy(), np.zeros((8, 8), dtype=bool)
    pred[:, 6:], ignored[:, 4:] = 0, True
    surfaces = Surfaces.of(pred, truth, classes=[LabelClass(name="one", ids=(1,))], ignored=ignored)
    (pair,) = surfaces.distances()
    assert pair.pred_to_truth.distance.size == 4 + 4 + 6  # the image border only, none at column 3
    for measure in (hd, assd, average_hausdorff, centroid_distance):
        assert one(measure(surfaces)) == 0


def two_classes() -> Surfaces:
    truth, pred = (np.zeros((12, 12), dtype=np.uint8) for _ in range(2))
    truth[1:5, 1:5], truth[7:11, 7:11], pred[2:6, 1:5], pred[8:12, 7:11] = 1, 2, 1, 2
    return Surfaces.of(pred, truth, classes=[LabelClass(name="liver", ids=(1,)), LabelClass(name="cyst", ids=(2,))])


def test_each_class_can_have_its_own_tolerance() -> None:
    call = nsd.at(tolerance_mm={"liver": 1.0, "cyst": 0.0})
    assert call.column == "nsd(tolerance_mm=per_class)"
    liver, cyst = call(two_classes())
    assert liver == one([nsd(two_classes(), tolerance_mm=1.0)[0]])
    assert cyst == one([nsd(two_classes(), tolerance_mm=0.0)[1]]) < liver


def test_a_class_without_tolerance_is_named() -> None:
    with pytest.raises(ConfigError, match=r"tolerance_mm has no value for class 'cyst', only for: liver\."):
        nsd.at(tolerance_mm={"liver": 1.0})(two_classes())


def test_lengths_and_percentages_that_cannot_be_are_refused() -> None:
    surfaces = two_classes()
    with pytest.raises(ConfigError, match="tolerance_mm=-1 is negative"):
        boundary_f1(surfaces, tolerance_mm=-1.0)
    with pytest.raises(ConfigError, match="width_mm=-2 is negative"):
        boundary_iou(surfaces, width_mm=-2.0)
    with pytest.raises(ConfigError, match="percent=101 is refused; percent is 0 to 100"):
        hdp(surfaces, percent=101.0)
    with pytest.raises(ConfigError, match="surface=cube does not fit"):
        hd95.at(surface="cube")


def test_the_columns_of_scores_at_a_tolerance_always_carry_it() -> None:
    assert nsd.at().column == "nsd(tolerance_mm=1)"
    assert boundary_f1.at(tolerance_mm=2.5).column == "boundary_f1(tolerance_mm=2.5)"
    assert hd95.at(surface="area", pooling="pooled").column == "hd95(surface=area,pooling=pooled)"


def test_the_hundredth_percentile_is_the_hausdorff_distance() -> None:
    for surface in ("voxel", "area"):
        surfaces = MASKS["R3a"].surfaces
        assert hdp(surfaces, percent=100.0, surface=surface) == pytest.approx(hd(surfaces, surface=surface))
