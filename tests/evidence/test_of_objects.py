"""What counts objects rather than voxels, against plain loops over them: MSSEG, weights of instances, numbers."""

import math
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from segeval.evidence.additive import EachCase
from segeval.evidence.contours.frames import Frames, ObjectScores
from segeval.evidence.contours.slices import PathLengths
from segeval.evidence.lesions.lesions import Lesions
from segeval.evidence.lesions.msseg import MssegCounts
from segeval.evidence.lesions.object_counts import CountSample, ObjectCounts
from segeval.evidence.lesions.objects import Aggregates, CoveredOnce, Links, RandSums, SplitBits
from segeval.evidence.lesions.weighted import InstanceWeights
from segeval.evidence.masks import Masks
from tests.masks import ONE


def parts_of(mask: np.ndarray, structure: np.ndarray | None = None) -> list[np.ndarray]:
    numbers, n = ndimage.label(mask, structure)
    return [numbers == one for one in range(1, n + 1)]


def is_detected(one: np.ndarray, others: list[np.ndarray], own_side: np.ndarray) -> bool:
    """The rule of MSSEG: enough is covered, and of those that cover most none lies too far outside."""
    covering = sorted((other for other in others if (one & other).any()), key=lambda other: -(one & other).sum())
    covered = sum((one & other).sum() for other in covering)
    if not covered > 0.1 * one.sum():
        return False
    looked_at = 0
    for other in covering:
        if not looked_at < 0.65 * covered:
            break
        if (other & ~own_side).sum() > 0.7 * other.sum():
            return False
        looked_at += (one & other).sum()
    return True


def test_detections_of_msseg_are_those_of_plain_loops() -> None:
    random, seen = np.random.default_rng(0), set()
    for _ in range(150):
        truth, pred = ndimage.zoom(random.random((2, 3, 5)) < (0.4, 0.5)[random.integers(2)], (1, 3, 3), order=0)
        pred = np.roll(pred, random.integers(0, 3, 2), (0, 1)) & (random.random(pred.shape) < 0.9)
        spacing = (0.5, (2.0, 6.0)[random.integers(2)])  # voxels of 1 or 3, of which 3 is too small
        lesions = Lesions.of(pred.astype(np.uint8), truth.astype(np.uint8), classes=ONE, spacing_mm=spacing)
        sides = [[part for part in parts_of(side) if part.sum() * math.prod(spacing) > 3.0] for side in (pred, truth)]
        masks = [np.any([np.zeros_like(truth), *side], axis=0) for side in sides]
        expected = {
            "n_pred": len(sides[0]),
            "n_truth": len(sides[1]),
            "detected": sum(is_detected(one, sides[0], masks[1]) for one in sides[1]),
            "right": sum(is_detected(one, sides[1], masks[0]) for one in sides[0]),
        }
        found = MssegCounts.read(lesions)
        assert {name: int(getattr(found, name)[0]) for name in expected} == expected
        seen.add((expected["detected"] < expected["n_truth"], expected["right"] < expected["n_pred"]))
    assert len(seen) == 4


@pytest.mark.parametrize(("size", "weight"), [(2.5, 2.5), ("truth", 1.0)])
@pytest.mark.parametrize("least", [0, 2, 3])
def test_each_instance_weighs_the_same_whatever_its_size(size: float, weight: float, least: int) -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        pred, truth, ids = (
            random.integers(0, 2, (2, 3, 8)),
            random.integers(0, 2, (3, 8)),
            random.integers(0, 5, (3, 8)),
        )
        pred = pred[0].astype(np.uint8)
        lesions = Lesions.of(pred, truth.astype(np.uint8), classes=ONE, instances=(None, ids))
        found = InstanceWeights.read(lesions, mean_size=size, least_id=least)  # type: ignore[arg-type]
        objects = [(ids == one) & (truth > 0) for one in range(max(least, 1), 5)]
        objects = [one for one in objects if one.any()]
        share = sum((one & (pred > 0)).sum() / one.sum() for one in objects)
        assert found.tp[0] == pytest.approx(weight * share)
        assert found.fn[0] == pytest.approx(weight * (len(objects) - share))
        assert found.fp[0] == ((pred > 0) & (truth == 0)).sum()
        assert (found.n[0], found.voxels[0]) == (len(objects), sum(one.sum() for one in objects))


def test_numbers_of_objects_are_compared_over_cases_as_often_as_they_are_drawn() -> None:
    truth, pred = np.array([1.0, 4.0, 2.0, 0.0]), np.array([2.0, 4.0, 0.0, 1.0])
    for weights in (np.ones(4), np.array([2.0, 0.0, 1.0, 1.0])):
        t, p = (np.repeat(side, weights.astype(int)) for side in (truth, pred))
        found = CountSample(pred=pred, truth=truth, weights=weights).r2
        assert found == pytest.approx(1 - ((p - t) ** 2).sum() / ((t - t.mean()) ** 2).sum())
    assert math.isnan(CountSample(pred=pred, truth=np.full(4, 3.0), weights=np.ones(4)).r2)
    image = np.array([[1, 1, 0, 1, 0, 1]], dtype=np.uint8)
    pred = image[:, ::-1] * (np.arange(6) != 0)
    lesions = replace(Lesions.of(pred, image, classes=ONE, spacing_mm=(1.0, 2.0)), case_id="b")
    for size, counts in ((0.0, (2, 3)), (2.0, (2, 3)), (2.5, (1, 1))):
        counted = ObjectCounts.read(lesions, connectivity="full", min_size_mm3=size)
        (sample,) = counted.over({"a": 1.0, "b": 1.0, "c": 1.0}).cases
        assert (sample.pred.tolist(), sample.truth.tolist()) == ([0, counts[0], 0], [0, counts[1], 0])
        assert sample.weights.tolist() == [1, 1, 1]


def an_object(*iou: float, first: int = 0) -> ObjectScores:
    return ObjectScores(sequence="s", iou=np.array(iou), outline=np.array(iou), first=first)


def test_the_mean_over_objects_is_that_of_those_with_a_value_as_often_as_they_are_drawn() -> None:
    each = EachCase((an_object(0.2, 0.4), an_object(1.0, first=2), an_object(math.nan, first=3)))
    cases = np.empty(2, dtype=object)
    cases[0], cases[1] = each.cases, ()
    frames = Frames(cases=cases)

    def mean_of(one: ObjectScores) -> float:
        return float(one.iou.mean())

    assert frames.values(mean_of)[0] == pytest.approx((0.3 + 1.0) / 2)
    assert np.isnan(frames.values(mean_of)[1])
    drawn = frames.drawn(np.array([3.0, 9.0, 1.0, 5.0]))
    assert drawn.values(mean_of)[0] == pytest.approx((3 * 0.3 + 1.0) / 4)
    assert np.isnan(frames.drawn(np.array([0.0, 1.0, 0.0, 1.0])).values(mean_of)[0])
    assert frames.joined.values(mean_of) == pytest.approx([0.65])


def best_pairs(table: np.ndarray, first: np.ndarray) -> list[tuple[int, int]]:
    """One with one: as many of the pairs that come `first` as can be, then the largest sum."""
    n_truth, n_pred = table.shape
    slots = [*range(n_pred), *[-1] * n_truth]
    ways = [[pair for pair in enumerate(way) if pair[1] >= 0] for way in set(permutations(slots, n_truth))]
    return max(ways, key=lambda way: (sum(first[pair] for pair in way), round(sum(table[pair] for pair in way), 9)))


def sums_of(pred: np.ndarray, truth: np.ndarray) -> dict[str, dict[str, float]]:
    """What `objects` adds up, from a table of every object with every other."""
    preds, truths = ([ids == one for one in np.unique(ids[ids > 0])] for ids in (pred, truth))
    shared = np.array([[(p & t).sum() for p in preds] for t in truths]).reshape(len(truths), len(preds))
    of_truth, of_pred = (np.array([one.sum() for one in side]) for side in (truths, preds))
    union = of_truth[:, None] + of_pred - shared
    iou = shared / union
    reused = [(t, int(row.argmax())) for t, row in enumerate(iou) if row.any()]
    plus = [pair for pair in best_pairs(iou, np.zeros(iou.shape)) if shared[pair]]
    covered = [pair for pair in best_pairs(iou, iou >= 0.5) if shared[pair]]

    def with_others(pairs: list[tuple[int, int]]) -> float:
        alone = of_truth[[t not in {a for a, _ in pairs} for t in range(len(truths))]].sum()
        alone += of_pred[[p not in {b for _, b in pairs} for p in range(len(preds))]].sum()
        return float(sum(union[pair] for pair in pairs) + alone)

    tracks, linked = 2 * shared > of_truth[:, None], 2 * shared > np.minimum(of_truth[:, None], of_pred)
    cells = np.array([[((truth == t) & (pred == p)).sum() for p in np.unique(pred)] for t in np.unique(truth)])
    inside = cells[np.unique(truth) > 0]
    bare = inside[:, np.unique(pred) == 0]
    return {
        "Aggregates": {
            "shared": sum(shared[pair] for pair in reused),
            "union": with_others(reused),
            "plus_shared": sum(shared[pair] for pair in plus),
            "plus_union": with_others(plus),
        },
        "CoveredOnce": {
            "shared": sum(shared[pair] for pair in covered),
            "foreground": ((pred > 0) | (truth > 0)).sum(),
        },
        "Links": {
            "n_truth": len(truths),
            "tracked_iou": iou[tracks].sum(),
            "untracked": len(truths) - tracks.sum(),
            "idle": len(preds) - tracks.any(axis=0).sum(),
            "shared": tracks.sum() - tracks.any(axis=0).sum(),
            "splits": linked.sum() - linked.any(axis=1).sum(),
            "merges": linked.sum() - linked.any(axis=0).sum(),
        },
        "SplitBits of all": bits_of(cells),
        "SplitBits of objects": bits_of(inside),
        "RandSums": {
            "voxels": inside.sum(),
            "both": (inside**2).sum(),
            "truth": (inside.sum(axis=1) ** 2).sum(),
            "pred": (inside.sum(axis=0) ** 2).sum(),
            "bare": bare.sum(),
            "bare_both": (bare**2).sum(),
        },
    }


def bits_of(cells: np.ndarray) -> dict[str, float]:
    with np.errstate(divide="ignore", invalid="ignore"):
        split = np.nansum(np.where(cells > 0, cells * np.log2(cells.sum(axis=1, keepdims=True) / cells), 0))
        merge = np.nansum(np.where(cells > 0, cells * np.log2(cells.sum(axis=0) / cells), 0))
    return {"voxels": cells.sum(), "split": split, "merge": merge}


def test_sums_over_objects_are_those_of_a_table_of_all_pairs() -> None:
    random = np.random.default_rng(2)
    how: dict[str, Any] = {"connectivity": "full", "min_size_mm3": 0.0}
    for _ in range(60):
        shape = (random.integers(1, 4), random.integers(2, 7))
        pred, truth = random.integers(0, random.integers(2, 5), shape), random.integers(0, random.integers(2, 5), shape)
        masks = ((side > 0).astype(np.uint8) for side in (pred, truth))
        lesions = Lesions.of(*masks, classes=ONE, instances=(pred, truth))
        found = {
            "Aggregates": Aggregates.read(lesions, **how),
            "CoveredOnce": CoveredOnce.read(lesions),
            "Links": Links.read(lesions, **how),
            "SplitBits of all": SplitBits.read(lesions, **how, ignore_truth_background=False),
            "SplitBits of objects": SplitBits.read(lesions, **how, ignore_truth_background=True),
            "RandSums": RandSums.read(lesions, **how),
        }
        for name, expected in sums_of(pred, truth).items():
            assert {key: float(getattr(found[name], key)[0]) for key in expected} == pytest.approx(expected), name


def contour(mask: np.ndarray, plane: list[int]) -> np.ndarray:
    """The pixels with a neighbour in the plane that is not of the mask; beyond the image nothing is."""
    wide, inner = np.pad(mask, 1), (slice(1, -1),) * mask.ndim
    beside = [np.roll(wide, by, axis)[inner] for axis in plane for by in (1, -1)]
    return np.argwhere(mask & ~np.all(beside, axis=0))


def is_near(
    at: np.ndarray, pred: np.ndarray, plane: list[int], spacing: tuple[float, ...], near: str, mm: float
) -> bool:
    if near == "mask":
        return bool(pred[tuple(at)])
    others = contour(pred, plane)
    through = [axis for axis in range(pred.ndim) if axis not in plane]
    steps = np.array([spacing[axis] for axis in plane])
    others = others[(others[:, through] == at[through]).all(axis=1)][:, plane] - at[plane]
    if near == "ball":
        return bool((np.linalg.norm(others, axis=1) <= math.ceil(mm / steps.mean() - 1e-9) + 0.5).any())
    return bool((np.linalg.norm(others * steps, axis=1) <= mm + 1e-9).any())


@pytest.mark.parametrize("near", ["contour", "ball", "mask"])
def test_what_is_added_of_a_contour_is_that_of_all_pairs_of_pixels(near: Any) -> None:
    random = np.random.default_rng(3)
    for n in range(30):
        spacing, axis, plane = [
            ((1.0, 2.0, 1.5), None, [0, 2]),
            ((1.0, 1.5, 1.495), None, [0, 1]),  # alike, so the last
            ((2.0, 1.0, 0.5), 2, [0, 1]),
            ((1.5, 0.5), None, [0, 1]),
        ][n % 4]
        shape = (3, 5, 4)[: len(spacing)]
        pred, truth = random.random((2, *shape)) < 0.5
        mm, unit = float(random.choice([0.0, 1.0, 1.5, 2.3])), ("mm", "voxel")[n % 2]
        masks = Masks.of(pred.astype(np.uint8), truth.astype(np.uint8), classes=ONE, spacing_mm=spacing)
        found = PathLengths.read(masks, tolerance_mm=mm, near=near, axis=axis, unit=unit)  # type: ignore[arg-type]
        drawn = contour(truth, plane)
        step = 1.0 if unit == "voxel" else np.mean([spacing[axis] for axis in plane])
        added = sum(not is_near(at, pred, plane, spacing, near, mm) for at in drawn)
        through = [axis for axis in range(len(shape)) if axis not in plane]
        slices = {tuple(at[through]) for at in np.argwhere(pred | truth)}
        assert found.added[0] == pytest.approx(added * step)
        assert found.truth[0] == pytest.approx(len(drawn) * step)
        assert found.slices[0] == len(slices)
