"""Which parts of a prediction are its candidates, and whose confidences they have."""

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from segeval.evidence.case import Confidences
from segeval.evidence.detection.candidates import CandidateRule, CaseCandidates
from segeval.evidence.lesions.lesions import Lesions
from segeval.evidence.probabilities.channels import ProbMap
from tests.masks import ONE

PRED = np.array([[1, 0, 1, 1]], dtype=np.uint8)
PROBS = np.array([[0.9, 0.7, 0.6, 0.2]])  # of which the parts above one half are others
IDS = np.array([[1, 0, 2, 2]])


@pytest.mark.parametrize("who", ["the file", "the map", "nobody"])
@pytest.mark.parametrize("are_ids", [False, True])
def test_given_candidates_are_the_parts_of_the_mask_whatever_the_map_is(who: str, are_ids: bool) -> None:
    given = Confidences(source="sure.csv", of={("one", 1): 0.3, ("one", 2): 0.8}) if who == "the file" else None
    maps = None if who == "nobody" else (ProbMap(stored=PROBS),)
    lesions = Lesions.of(PRED, PRED, classes=ONE, instances=(IDS if are_ids else None, None))
    found = CaseCandidates(case_id="a", lesions=lesions, maps=maps, given=given).found(0, CandidateRule())
    assert found is not None
    if who == "the map" and not are_ids:
        assert (found.parts.n_voxels.tolist(), found.confidence.tolist()) == ([3], [0.9])
    else:
        expected = {"the file": [0.3, 0.8], "the map": [0.9, 0.6], "nobody": [1.0, 1.0]}[who]
        assert (found.parts.n_voxels.tolist(), found.confidence.tolist()) == ([1, 2], expected)


KNOBS: dict[str, tuple[Any, ...]] = {
    "t": (0.0, 0.2, 0.5, 0.8),
    "factor": (1.0, 2.5, 4.0),
    "min_voxels": (0, 1, 2),
    "n_max": (1, 2, 5),
    "confidence": ("max", "mean", "p95"),
    "connectivity": ("full", "face"),
    "min_size_mm3": (0.0, 1.5, 3.0),
}
CELL = 1.5  # of a voxel
LEVELS = [0.0, 0.0, 0.002, 0.009, 0.01, 0.05, 0.2, 0.2, 0.5, 0.8, 0.9]
Part = tuple[frozenset[int], float, int]  # voxels, confidence, and the most probable voxel


def connected(mask: np.ndarray, rule: CandidateRule) -> list[np.ndarray]:
    structure = np.ones((3,) * mask.ndim) if rule.connectivity == "full" else None
    numbers, n = ndimage.label(mask, structure)
    return [numbers == one for one in range(1, n + 1)]


def cut_one_by_one(probs: np.ndarray, rule: CandidateRule) -> list[np.ndarray]:
    left, accepted = probs.copy(), np.zeros((0, *probs.shape), dtype=bool)
    while len(accepted) < rule.n_max and left.max() >= 0.01:
        mask = left >= left.max() / rule.factor
        large = [part for part in connected(mask, rule) if part.sum() > rule.min_voxels]
        if not large and rule.candidates == "dynamic":
            break
        if not large:
            left[mask] = 0.0
            continue
        surest = max(large, key=lambda part: left[part].max())  # the first of equal ones
        if not (ndimage.binary_dilation(accepted.any(axis=0), np.ones((3,) * probs.ndim)) & surest).any():
            accepted = np.append(accepted, surest[None], axis=0)
        left[surest] = 0.0
    return list(accepted)


def parts_by_hand(probs: np.ndarray, ignored: np.ndarray, rule: CandidateRule) -> set[Part]:
    match rule.candidates:
        case "threshold":
            parts = connected(probs >= rule.t, rule)
        case "map":
            parts = connected(probs > 0, rule)
        case "dynamic-fast":
            least = probs.max() / rule.factor if probs.max() >= 0.01 else np.inf
            parts = [part for part in connected(probs >= least, rule) if part.sum() > rule.min_voxels]
        case _:
            parts = cut_one_by_one(probs, rule)
    found = set()
    for part in parts:
        seen = np.flatnonzero(part & ~ignored).tolist()
        if part.sum() * CELL < rule.min_size_mm3 or not seen:
            continue
        inside = probs.ravel()[seen]
        confidence = {"max": inside.max(), "mean": inside.mean(), "p95": np.percentile(inside, 95)}[rule.confidence]
        found.add((frozenset(seen), round(float(confidence), 9), seen[int(inside.argmax())]))
    return found


@pytest.mark.parametrize("source", ["threshold", "map", "dynamic", "dynamic-v2", "dynamic-fast"])
def test_candidates_of_a_map_are_those_of_plain_loops(source: Any) -> None:
    random = np.random.default_rng(len(source))
    for _ in range(60):
        shape = [(4, 7), (2, 3, 6), (1, 9)][random.integers(3)]
        probs = random.choice(LEVELS, shape) * (random.random() < 0.9)
        ignored = random.random(shape) < 0.15
        knobs: dict[str, Any] = {name: values[random.integers(len(values))] for name, values in KNOBS.items()}
        rule, nothing = CandidateRule(candidates=source, **knobs), np.zeros(shape, dtype=np.uint8)
        spacing = (CELL, *(1.0,) * (len(shape) - 1))
        case = CaseCandidates(
            case_id="a",
            lesions=Lesions.of(nothing, nothing, classes=ONE, spacing_mm=spacing),
            maps=(ProbMap(stored=probs),),
            ignored=ignored,
        )
        found = case.found(0, rule)
        assert found is not None
        peaks, parts = case.peaks(0, found), found.parts
        assert peaks is not None
        voxels = [frozenset(parts.index[parts.owner == i].tolist()) for i in range(len(parts))]
        sure = [round(float(one), 9) for one in found.confidence]
        expected = parts_by_hand(probs, ignored, rule)
        assert set(zip(voxels, sure, peaks.tolist(), strict=True)) == expected
        surest = sorted(np.argsort(-found.confidence, kind="stable")[:2].tolist())
        assert found.surest(2).confidence.tolist() == found.confidence[surest].tolist()
        assert found.surest(2).parts.ids.tolist() == parts.ids[surest].tolist()
        is_mixed = [len({probs.ravel()[at] for at in one}) > 1 for one in voxels]
        assert (f"{sum(is_mixed)} candidate(s)" in found.note) == (source == "map" and any(is_mixed))


@pytest.mark.parametrize("pred_ids", [None, IDS])
@pytest.mark.parametrize("truth_ids", [None, IDS])
@pytest.mark.parametrize("given", [None, Confidences(source="sure.csv", of={})])
def test_candidates_are_given_by_a_map_of_the_prediction_or_a_file(pred_ids: Any, truth_ids: Any, given: Any) -> None:
    lesions = Lesions.of(PRED, PRED, classes=ONE, instances=(pred_ids, truth_ids))
    case = CaseCandidates(case_id="a", lesions=lesions, maps=(ProbMap(stored=PROBS),), given=given)
    assert case.are_given == (pred_ids is not None or given is not None)
