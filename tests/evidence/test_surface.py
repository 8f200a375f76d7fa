"""The evidence of the boundary metrics against brute force, by both builders."""

from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segeval.evidence.grid import Lattice
from segeval.evidence.labels import LabelClass
from segeval.evidence.overlap import word_scan
from segeval.evidence.surfaces import bands, surfaces_numpy, surfaces_torch
from segeval.evidence.surfaces.bands import BandRule, band_counts
from segeval.evidence.surfaces.distances import Directed
from segeval.evidence.surfaces.elements import Edge, Metric, Neighbours, neighbour_offsets
from segeval.evidence.surfaces.shells import shells
from segeval.evidence.surfaces.surface import SIDES, Surfaces
from segeval.evidence.surfaces.surface_area import area_of_codes, area_vectors
from tests.brute_force import SETTINGS, Setting, directed_distances
from tests.conftest import golden

CLASSES = (
    LabelClass(name="one", ids=(1,)),
    LabelClass(name="region", ids=(1, 3)),
    LabelClass(name="two", ids=(2,)),
    LabelClass(name="background", ids=(0,)),
    LabelClass(name="beyond the dtype", ids=(300,)),
)
SIZES = st.sampled_from([0.5, 0.7, 1.0, 1.9, 3.0])


@st.composite
def scenes(draw: st.DrawFn) -> dict[str, Any]:
    """A tiny 1-D to 3-D pair of label images; often empty, full, flat or partly ignored."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    dtype = draw(st.sampled_from([np.uint8, np.int16, np.int64, np.uint32]))
    ids = st.sampled_from(draw(st.sampled_from([[0], [1], [0, 1], [0, 0, 0, 1, 2], [0, 1, 2, 3], [0, 4]])))
    pred, truth = (draw(hnp.arrays(dtype, shape, elements=ids)) for _ in range(2))
    if draw(st.booleans()):
        pred, truth = np.asfortranarray(pred), np.asfortranarray(truth)
    ignored = draw(st.none() | hnp.arrays(bool, shape))
    return {"pred": pred, "truth": truth, "ignored": ignored, "spacing_mm": tuple(draw(SIZES) for _ in shape)}


def expected(scene: dict[str, Any], setting: Setting, ids: tuple[int, ...]) -> list[list[tuple[float, float]]]:
    """The two lists by brute force, on the image without its singleton axes."""
    shape = tuple(n for n in scene["truth"].shape if n > 1) or (1,)
    spacing = tuple(s for s, n in zip(scene["spacing_mm"], scene["truth"].shape, strict=True) if n > 1) or (1.0,)
    pred, truth = (np.isin(scene[side], ids).reshape(shape) for side in ("pred", "truth"))
    ignored = np.zeros(shape, dtype=bool) if scene["ignored"] is None else scene["ignored"].reshape(shape)
    return [directed_distances(*pair, spacing, setting, ignored) for pair in ((pred, truth), (truth, pred))]


def listed(directed: Directed) -> list[tuple[float, float]]:
    weights = np.ones_like(directed.distance) if directed.weight is None else directed.weight
    return sorted(zip(directed.distance.tolist(), weights.tolist(), strict=True))


def assert_agrees(surfaces: Surfaces, scene: dict[str, Any], setting: Setting) -> None:
    for one, pair in zip(surfaces.classes, surfaces.distances(**vars(setting)), strict=True):
        there, back = expected(scene, setting, one.ids)
        for found, wanted in ((pair.pred_to_truth, there), (pair.truth_to_pred, back)):
            near = pytest.approx(np.array(wanted).reshape(-1, 2), rel=1e-9)
            assert np.array(listed(found)).reshape(-1, 2) == near, (one, setting)


@settings(max_examples=60)
@given(scenes(), st.sampled_from(SETTINGS))
def test_classes_of_single_ids_have_the_distances_of_brute_force(scene: dict[str, Any], setting: Setting) -> None:
    """Of these nothing is decided twice: what is unlike its neighbour is surface."""
    single = [one for one in CLASSES if len(one.ids) == 1]
    assert_agrees(Surfaces.of(**scene, classes=single), scene, setting)


@st.composite
def sparse_labels(draw: st.DrawFn) -> np.ndarray:
    """Labels with much background, of as many voxels as fill whole words or do not."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=12))
    ids = st.sampled_from(draw(st.sampled_from([[0, 1], [0] * 30 + [1, 2], [1, 1, 1, 2]])))
    return draw(hnp.arrays(draw(st.sampled_from([np.uint8, np.int16, np.int64])), shape, elements=ids, fill=ids))


@settings(max_examples=100, deadline=None)
@given(sparse_labels(), st.sampled_from(["face", "full"]), st.booleans())
def test_surface_candidates_are_all_that_differ_from_a_neighbour_or_lie_on_a_face(
    labels: np.ndarray, neighbours: Neighbours, zero_counts: bool
) -> None:
    around = np.pad(labels.astype(np.int64), 1, constant_values=-1)
    unlike = np.zeros(labels.shape, dtype=bool)
    for offset in neighbour_offsets(labels.ndim, neighbours):
        unlike |= around[tuple(slice(1 + d, 1 + d + n) for d, n in zip(offset, labels.shape, strict=True))] != labels
    wanted = np.flatnonzero(unlike & ((labels != 0) | zero_counts)).tolist()
    for share in (0.0, 1.0):  # of words that are not 0, above which the volume is looked at voxel by voxel
        with mock.patch.object(word_scan, "_DENSE", share):
            found = surfaces_numpy.surface_candidates(labels, neighbours=neighbours, zero_counts=zero_counts)
        assert sorted(found.tolist()) == wanted
    of_tensor = surfaces_torch.surface_candidates(
        torch.from_numpy(labels), neighbours=neighbours, zero_counts=zero_counts
    )
    assert of_tensor.tolist() == wanted


def present(scene: dict[str, Any], side: str, ids: tuple[int, ...]) -> bool:
    scored = True if scene["ignored"] is None else ~scene["ignored"]
    return bool((np.isin(scene[side], ids) & scored).any())


@settings(max_examples=80)
@given(scenes(), st.sampled_from(SETTINGS), st.sampled_from([CLASSES, *((one,) for one in CLASSES[1:4])]))
def test_the_distances_are_those_of_brute_force(
    scene: dict[str, Any], setting: Setting, classes: tuple[LabelClass, ...]
) -> None:
    surfaces = Surfaces.of(**scene, classes=classes)
    assert_agrees(surfaces, scene, setting)
    for one, pair in zip(classes, surfaces.distances(**vars(setting)), strict=True):
        found = pair.presence.in_pred, pair.presence.in_truth
        assert found == (present(scene, "pred", one.ids), present(scene, "truth", one.ids))


@pytest.mark.parametrize("way", ["blocks", "tree", "map", "many classes"])
@settings(max_examples=20)
@given(scene=scenes())
def test_far_points_find_the_nearest_in_every_way(way: str, scene: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surfaces_numpy, "_N_OFFSETS", 1)
        if way == "many classes":
            patch.setattr(surfaces_numpy, "_FEW_IN_ALL", 0)
        elif way != "blocks":
            patch.setattr(surfaces_numpy, "_FEW_PAIRS", 0)
            patch.setattr(surfaces_numpy, "_MAP_PER_VOXEL", 1e9 if way == "tree" else 0.0)
        assert_agrees(Surfaces.of(**scene, classes=CLASSES), scene, Setting())


def assert_same(one: Surfaces, other: Surfaces, setting: Setting) -> None:
    """Everything that the measures read, to 1e-6."""
    for left, right in zip(one.distances(**vars(setting)), other.distances(**vars(setting)), strict=True):
        assert left.presence == right.presence
        for side in ("pred_to_truth", "truth_to_pred"):
            pairs = np.array(listed(getattr(left, side))), np.array(listed(getattr(right, side)))
            assert pairs[0] == pytest.approx(pairs[1], rel=1e-6)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scene=scenes(), setting=st.sampled_from(SETTINGS))
def test_both_builders_find_the_same_distances(device: str, scene: dict[str, Any], setting: Setting) -> None:
    assert_same(*(Surfaces.of(**scene, classes=CLASSES, device=where) for where in (None, device)), setting)


@pytest.mark.parametrize("way", ["pairs", "map"])
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scene=scenes())
def test_far_points_find_the_nearest_on_a_device(way: str, device: str, scene: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surfaces_torch, "_N_OFFSETS", 1)
        patch.setattr(surfaces_torch, "_MAP_PER_STEP", 0.0 if way == "map" else 1e9)
        assert_same(*(Surfaces.of(**scene, classes=CLASSES, device=where) for where in (None, device)), Setting())


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scene=scenes(), reach=st.floats(0, 6), metric=st.sampled_from(["euclidean", "chessboard"]))
def test_both_builders_find_the_same_bands_and_moments(
    device: str, scene: dict[str, Any], reach: float, metric: Metric
) -> None:
    one, other = (Surfaces.of(**scene, classes=CLASSES, device=where) for where in (None, device))
    for band in ("surface", "background"):
        rule = BandRule(reach=reach, band=band, metric=metric, unit="mm", edge="none", neighbours="face")
        for index, presence in enumerate(one.presence(surface="voxel", edge="none", neighbours="face")):
            if presence.in_pred or presence.in_truth:
                found = [band_counts(surfaces, [index], rule)[index] for surfaces in (one, other)]
                assert found[0] == found[1]
    assert_same_moments(one, other)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sides=hnp.array_shapes(min_dims=2, max_dims=3, max_side=7).flatmap(
        lambda shape: hnp.arrays(np.uint8, (2, *shape), elements=st.integers(0, 3))
    ),
    spacing=st.permutations([0.5, 1.0, 2.0]),
    reach=st.floats(0, 6),
    metric=st.sampled_from(["euclidean", "chessboard"]),
    edge=st.sampled_from(["border", "none"]),
    neighbours=st.sampled_from(["face", "full"]),
)
def test_disjoint_classes_share_one_distance_transform(
    device: str,
    sides: np.ndarray,
    spacing: list[float],
    reach: float,
    metric: Metric,
    edge: Edge,
    neighbours: Neighbours,
) -> None:
    classes = [LabelClass(name=str(one), ids=(one,)) for one in range(4)]
    surfaces = Surfaces.of(*sides, classes=classes, spacing_mm=tuple(spacing[: sides.ndim - 1]), device=device)
    rule = BandRule(reach=reach, band="surface", metric=metric, unit="mm", edge=edge, neighbours=neighbours)
    present = [index for index, one in enumerate(classes) if (sides == one.ids[0]).any()]
    alone = [band_counts(surfaces, [index], rule)[index] for index in present]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bands, "_volume", lambda box: 1)  # so that together is always less work
        together = band_counts(surfaces, present, rule)
    assert [together[index] for index in present] == alone


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sides=hnp.array_shapes(min_dims=2, max_dims=3, max_side=7).flatmap(
        lambda shape: hnp.arrays(np.uint8, (2, *shape), elements=st.integers(0, 3))
    ),
    spacing=st.permutations([0.5, 1.0, 2.0]),
    band=st.sampled_from(["surface", "background"]),
    reach=st.floats(0, 6),
    metric=st.sampled_from(["euclidean", "chessboard"]),
    edge=st.sampled_from(["border", "none"]),
    neighbours=st.sampled_from(["face", "full"]),
)
def test_a_box_in_slabs_has_the_bands_of_the_whole(
    device: str,
    sides: np.ndarray,
    spacing: list[float],
    band: bands.Band,
    reach: float,
    metric: Metric,
    edge: Edge,
    neighbours: Neighbours,
) -> None:
    classes = [LabelClass(name=str(one), ids=(one,)) for one in range(4)]
    surfaces = Surfaces.of(*sides, classes=classes, spacing_mm=tuple(spacing[: sides.ndim - 1]), device=device)
    rule = BandRule(reach=reach, band=band, metric=metric, unit="mm", edge=edge, neighbours=neighbours)
    present = [index for index, one in enumerate(classes) if (sides == one.ids[0]).any()]
    whole = band_counts(surfaces, present, rule)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bands, "_BLOCK", 1)
        patch.setattr(surfaces_numpy, "_AT_ONCE", 1)
        assert band_counts(surfaces, present, rule) == whole


def assert_same_moments(one: Surfaces, other: Surfaces) -> None:
    for side in SIDES:
        left, right = one.moments(side), other.moments(side)
        assert np.array_equal(left.n, right.n)
        assert left.mean == pytest.approx(right.mean, nan_ok=True)
        assert left.scatter == pytest.approx(right.scatter, nan_ok=True)


@given(scenes())
def test_moments_are_those_of_the_voxel_coordinates(scene: dict[str, Any]) -> None:
    scene = scene | {"pred": np.ascontiguousarray(scene["pred"]), "truth": np.ascontiguousarray(scene["truth"])}
    surfaces = Surfaces.of(**scene, classes=CLASSES)
    scored = True if scene["ignored"] is None else ~scene["ignored"]
    for index, one in enumerate(CLASSES):
        mask = (np.isin(scene["pred"], one.ids) & scored).reshape(surfaces.pred.shape)
        moments = surfaces.moments("pred")
        assert moments.n[index] == mask.sum()
        if mask.any():
            x = np.argwhere(mask)
            assert moments.mean[index] == pytest.approx(x.mean(axis=0))
            assert moments.scatter[index] == pytest.approx((x - x.mean(axis=0)).T @ (x - x.mean(axis=0)), abs=1e-9)


def test_the_area_table_is_the_worked_one() -> None:
    worked = golden("boundary")["surface_element_vectors_3d_in_eighths"]
    table = {
        str(code): sorted([abs(one) for one in vector] for vector in ways[-1])
        for code, ways in enumerate(area_vectors(3))
    }
    assert table == {code: sorted(vectors) for code, vectors in worked.items()}


@pytest.mark.parametrize("n_axes", [1, 2, 3])
def test_a_mask_and_its_complement_have_the_same_area(n_axes: int) -> None:
    table = area_of_codes(Lattice((0.7, 1.1, 2.0)[:n_axes]))
    assert np.array_equal(table, table[::-1])


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.5, 0.5, 8.0), (0.7, 1.9), (1.0,)])
def test_shells_hold_every_offset_up_to_their_radius_nearest_first(spacing: tuple[float, ...]) -> None:
    found = shells(Lattice(spacing), n_offsets=100)
    lengths = [shell.distance for shell in found]
    assert lengths == sorted(set(lengths))
    assert lengths[0] == 0
    around = np.stack(np.meshgrid(*[np.arange(-60, 61)] * len(spacing), indexing="ij"), axis=-1).reshape(
        -1, len(spacing)
    )
    within = np.linalg.norm(around * spacing, axis=1) <= lengths[-1]
    assert sum(len(shell.offsets) for shell in found) == within.sum()


def test_labels_in_file_order_are_not_copied() -> None:
    labels = np.asfortranarray(np.ones((5, 6, 7), dtype=np.int16))
    surfaces = Surfaces.of(labels, labels, classes=CLASSES, spacing_mm=(1.0, 2.0, 3.0))
    assert np.shares_memory(surfaces.truth, labels)
    assert surfaces.lattice_mm.spacing == (3.0, 2.0, 1.0)


def test_more_classes_than_bits_in_a_table() -> None:
    truth = np.arange(1, 101, dtype=np.uint8).reshape(10, 10).repeat(2, axis=0).repeat(2, axis=1)
    pred = np.roll(truth, 1, axis=0)
    classes = [LabelClass(name=str(one), ids=(one,)) for one in range(1, 101)]
    for device in (None, "cpu"):
        pairs = Surfaces.of(pred, truth, classes=classes, device=device).distances()
        assert [pair.pred_to_truth.distance.size for pair in pairs] == [4] * 100
        assert {pair.pred_to_truth.distance.max() for pair in pairs[:90]} == {1.0}


def test_flipped_views_are_read_where_they_lie() -> None:
    labels = np.zeros((6, 7, 8), dtype=np.uint8)
    labels[1:3, 2:5, 1:4] = 1
    turned = labels[::-1, :, ::-1].transpose(2, 0, 1)
    for device in (None, "cpu"):
        (pair, *_) = Surfaces.of(turned, np.roll(turned, 1, 0), classes=CLASSES, device=device).distances()
        assert pair.pred_to_truth.distance.max() == 1.0


def test_without_classes_there_are_no_distances() -> None:
    labels = np.ones((3, 4), dtype=np.uint8)
    for device in (None, "cpu"):
        surfaces = Surfaces.of(labels, labels, classes=(), device=device)
        assert surfaces.distances() == surfaces.distances(surface="set") == ()


@pytest.mark.parametrize("spacing", [(0.5, 2.0, 1.0), (3.0, 0.4, 0.7)])
def test_a_chessboard_reaches_as_many_steps_along_each_axis_as_lie_within(spacing: tuple[float, ...]) -> None:
    sources = np.random.default_rng(4).random((9, 8, 7)) < 0.01
    places = np.indices(sources.shape).reshape(3, -1).T
    apart = np.abs(places[:, None] - np.argwhere(sources)) * spacing
    expected = (apart.max(axis=-1) <= 1.6).any(axis=1).reshape(sources.shape)
    found = surfaces_numpy.within_reach(sources, reach=1.6, lattice=Lattice(spacing), metric="chessboard")
    np.testing.assert_array_equal(found, expected)
