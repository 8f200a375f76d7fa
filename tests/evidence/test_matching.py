"""Matching rules against brute force over all matchings of a few lesions."""

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segeval.errors import ConfigError
from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.components import Components, components_of
from segeval.evidence.lesions.instance_maps import InstanceMap
from segeval.evidence.lesions.lesions import Lesions
from segeval.evidence.lesions.matching import MatchRule, Overlaps, link, overlaps_of
from segeval.evidence.masks import Masks, Voxels
from segeval.evidence.overlap import cells

few = settings(max_examples=50)
THRESHOLDS = [0.0, 0.1, 0.25, 0.3, 1 / 3, 0.5, 0.75, 1.0]


def objects_of(ids: np.ndarray) -> Components:
    return InstanceMap(ids=ids).parts_of(Voxels.of(ids > 0), LabelClass(name="all", ids=(1,)))


@st.composite
def overlaps(draw: st.DrawFn) -> Overlaps:
    """Overlaps of two instance maps with up to four instances each, often touching and tied."""
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 6)))
    pred, truth = (draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 4))) for _ in range(2))
    parts = [objects_of(one) for one in (pred, truth)]
    return overlaps_of(*parts)


def linked_pairs(found: Overlaps, **knobs: Any) -> set[tuple[int, int]]:
    linked = link(found, MatchRule(**knobs))
    return set(zip(found.truth[linked].tolist(), found.pred[linked].tolist(), strict=True))


def iou_of(found: Overlaps) -> dict[tuple[int, int], float]:
    return dict(zip(zip(found.truth.tolist(), found.pred.tolist(), strict=True), found.iou.tolist(), strict=True))


def one_to_one(candidates: set[tuple[int, int]], n_truth: int, n_pred: int) -> Iterator[set[tuple[int, int]]]:
    """Every way to give each truth at most one prediction of its own, as far as candidates go."""
    slots = list(range(n_pred)) + [-1] * n_truth
    for chosen in set(permutations(slots, n_truth)):
        yield {pair for pair in enumerate(chosen) if pair in candidates}


@few
@given(overlaps())
def test_overlaps_count_shared_voxels_in_order_of_truth_and_pred(found: Overlaps) -> None:
    pairs = list(zip(found.truth.tolist(), found.pred.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    assert (found.voxels > 0).all()
    assert found.voxels.sum() <= min(found.truth_voxels.sum(), found.pred_voxels.sum())


@few
@given(overlaps(), st.sampled_from(THRESHOLDS))
def test_hungarian_finds_most_matches_and_then_the_largest_iou(found: Overlaps, threshold: float) -> None:
    iou = iou_of(found)
    candidates = {pair for pair, value in iou.items() if value >= threshold - 1e-12}
    every = one_to_one(candidates, len(found.truth_voxels), len(found.pred_voxels))
    best = max((len(one), sum(iou[pair] for pair in one)) for one in every)
    pairs = linked_pairs(found, iou_threshold=threshold)
    assert pairs <= candidates
    assert (len(pairs), sum(iou[pair] for pair in pairs)) == pytest.approx(best)
    assert len({t for t, _ in pairs}) == len({p for _, p in pairs}) == len(pairs)


@few
@given(overlaps(), st.sampled_from(THRESHOLDS))
def test_greedy_takes_the_best_free_pair_again_and_again(found: Overlaps, threshold: float) -> None:
    iou, expected = iou_of(found), set[tuple[int, int]]()
    for truth, pred in sorted(iou, key=lambda pair: (-iou[pair], pair)):
        free = all(truth != t and pred != p for t, p in expected)
        if free and iou[truth, pred] >= threshold - 1e-12:
            expected.add((truth, pred))
    assert linked_pairs(found, matching="greedy", iou_threshold=threshold) == expected


@few
@given(overlaps(), st.sampled_from(THRESHOLDS))
def test_merged_groups_reach_the_threshold_together(found: Overlaps, threshold: float) -> None:
    iou, shared = iou_of(found), dict(zip(iou_of(found), found.voxels.tolist(), strict=True))
    group: dict[int, list[int]] = {}
    for pred in range(len(found.pred_voxels)):
        mine = [pair for pair in iou if pair[1] == pred]
        if mine:
            truth = min(mine, key=lambda pair: (-shared[pair], -iou[pair], pair[0]))[0]
            group.setdefault(truth, []).append(pred)
    expected = set()
    for truth, preds in group.items():
        common = sum(shared[truth, pred] for pred in preds)
        union = found.truth_voxels[truth] + sum(found.pred_voxels[pred] for pred in preds) - common
        if common / union >= threshold - 1e-12:
            expected |= {(truth, pred) for pred in preds}
    assert linked_pairs(found, matching="merge", iou_threshold=threshold) == expected


@few
@given(overlaps())
def test_any_overlap_links_whatever_shares_a_voxel(found: Overlaps) -> None:
    assert linked_pairs(found, matching="any_overlap") == set(iou_of(found))


@few
@given(hnp.arrays(np.bool_, (2, 6, 7)), st.sampled_from([0.5, 0.6]))
def test_at_half_or_more_hungarian_is_greedy_on_connected_components(sides: np.ndarray, threshold: float) -> None:
    found = overlaps_of(*(components_of(Voxels.of(side)) for side in sides))
    one, other = (linked_pairs(found, matching=rule, iou_threshold=threshold) for rule in ("hungarian", "greedy"))
    assert one == other


def test_many_lesions_far_apart_are_matched_as_if_alone() -> None:
    block = np.array([1, 1, 2, 2, 0, 3]), np.array([1, 1, 1, 2, 2, 2])  # truth and pred ids of one place
    truth, pred = (np.concatenate([np.where(ids > 0, ids + 3 * k, 0) for k in range(40)]) for ids in block)
    parts = [objects_of(one[None]) for one in (pred, truth)]
    pairs = linked_pairs(overlaps_of(*parts), iou_threshold=0.2)
    assert pairs == {pair for k in range(40) for pair in ((3 * k, 2 * k), (3 * k + 2, 2 * k + 1))}


def test_a_strict_threshold_must_be_exceeded() -> None:
    truth, pred = np.array([[1, 1, 1, 1]]), np.array([[1, 1, 0, 0]])
    found = overlaps_of(*(objects_of(one) for one in (pred, truth)))
    assert linked_pairs(found) == {(0, 0)}
    assert linked_pairs(found, strict=True) == set()


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"iou_threshold": 1.5}, r"iou_threshold=1\.5 is no IoU"),
        ({"iou_threshold": -0.1}, r"iou_threshold=-0\.1 is no IoU"),
        ({"min_size_mm3": -1.0}, r"min_size_mm3=-1 is no size"),
        ({"min_size_mm3": float("nan")}, r"min_size_mm3=nan is no size"),
    ],
)
def test_settings_without_a_meaning_are_refused(knobs: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MatchRule(**knobs)  # type: ignore[arg-type]


@st.composite
def instances_with_voids(draw: st.DrawFn) -> Lesions:
    """Instances of both sides that may span classes, in any memory order, with ignored voxels and crowds."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=3, max_side=6))
    order = st.sampled_from(["C", "F"])
    pred, truth, pred_ids, truth_ids = (
        np.asarray(draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 3))), order=draw(order)) for _ in range(4)
    )
    far = draw(st.sampled_from([1, 70_001, 2**61]))  # ids may be any numbers, even such that no code holds two of them
    classes_of = {1: (1,), 2: (2, 3), 3: (1, 2)}
    maps = [
        InstanceMap(
            ids=(ids.astype(np.uint64) * np.uint64(far)).astype(np.int64),
            classes={far * one: own for one, own in classes_of.items()} if draw(st.booleans()) else {},
            crowd=frozenset({2 * far}) if draw(st.booleans()) else frozenset(),
        )
        for ids in (pred_ids, truth_ids)
    ]
    classes = [LabelClass(name=str(ids), ids=ids) for ids in ((1,), (1, 2), (0, 3), (9,))]
    masks = Masks.of(pred, truth, classes=classes, ignore=draw(st.sampled_from([(), (3,), (0, 2)])))
    return Lesions.of_masks(masks, instances=(maps[0], maps[1])).only(draw(st.permutations(classes)))


@settings(max_examples=150, deadline=None)
@given(instances_with_voids(), st.sampled_from([0.0, 2.0, 5.0]))
def test_instances_are_counted_by_their_ids_as_by_their_voxels(lesions: Lesions, min_size: float) -> None:
    for which in range(len(lesions.classes)):
        counted = lesions.tally(which, min_size_mm3=min_size)
        gathered = lesions.found(which, min_size_mm3=min_size).tally
        for name in ("truth", "pred", "voxels", "truth_voxels", "pred_voxels"):
            assert getattr(counted.overlaps, name).tolist() == getattr(gathered.overlaps, name).tolist()
        assert counted.mostly_ignored.tolist() == gathered.mostly_ignored.tolist()
        assert (counted.n_pred, counted.n_truth) == (gathered.n_pred, gathered.n_truth)
        assert counted.n_dropped == gathered.n_dropped


def test_an_image_of_many_runs_is_counted_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    pred, truth, pred_ids, truth_ids = rng.integers(0, 3, (4, 20, 30))
    images = {"pred": pred, "truth": truth, "pred_ids": pred_ids, "truth_ids": truth_ids}
    whole = cells.Cells.of(**images)
    monkeypatch.setattr(cells, "_AT_ONCE", 50)
    parts = cells.Cells.of(**images)
    assert whole.voxels.sum() == pred.size
    for name, column in vars(whole).items():
        assert column.tolist() == getattr(parts, name).tolist()
