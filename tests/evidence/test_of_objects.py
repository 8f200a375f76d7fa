"""What counts objects rather than voxels, against plain loops over them: MSSEG, weights of instances, numbers."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from segeval.evidence.additive import EachCase
from segeval.evidence.contours.frames import Frames, ObjectScores
from segeval.evidence.lesions.lesions import Lesions
from segeval.evidence.lesions.msseg import MssegCounts
from segeval.evidence.lesions.object_counts import CountSample, ObjectCounts
from segeval.evidence.lesions.weighted import InstanceWeights
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
