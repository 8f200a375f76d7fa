"""Which candidate finds which lesion, by every rule of a hit and of who is matched, against plain loops over sets."""

import math
from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any

import numpy as np
import pytest

import segeval
from segeval.evidence.detection.detections import DetectedCase, DetectionSample
from segeval.evidence.detection.hits import Detected, DetectionRule, detect
from segeval.evidence.detection.operating_points import ThresholdedCase, ThresholdSample
from segeval.evidence.grid import Lattice
from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.instance_maps import InstanceMap
from segeval.evidence.lesions.lesions import Found
from segeval.evidence.masks import Voxels

ALL = LabelClass(name="all", ids=(1,))
STEPS = (2.0, 1.5)
Voxel = tuple[int, ...]
Parts = list[frozenset[Voxel]]


HITS = ("iou", "dice", "any_overlap", "overlap_truth", "centroid", "peak", "distance")
KNOBS: dict[str, tuple[Any, ...]] = {
    "min_overlap": (0.0, 0.1, 0.25, 1 / 3, 0.5, 2 / 3),
    "radius_mm": ("lesion", 1.5, 2.0, 4.0),
    "assign": ("confidence", "overlap", "any"),
    "duplicates": ("fp", "ignore"),
    "ignore_truth_mm3": (0.0, 3.0, 6.0, 7.5),
}


def a_situation(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Few lesions, candidates and crowds that touch and tie, and voxels that count nowhere."""
    shape = (random.integers(1, 5), random.integers(2, 8))
    return {
        "pred": random.integers(0, 5, shape),
        "truth": random.integers(0, 5, shape),
        "ignored": random.random(shape) < 0.3,
        "confidence": random.choice([0.2, 0.5, 0.5, 0.9], 4),
        "peak": random.integers(0, 99, 4),
    }


def found_of(at: Mapping[str, np.ndarray]) -> tuple[Found, np.ndarray, np.ndarray]:
    """What `detect` takes: of truth 4 is a crowd, and ignored voxels are left out of candidates."""
    maps = {
        side: InstanceMap(ids=at[side], crowd=frozenset({4} if side == "truth" else ())) for side in ("pred", "truth")
    }
    pred, truth = (one.parts_of(Voxels.of(at[side] > 0), ALL) for side, one in maps.items())
    pred = pred.where(~at["ignored"].reshape(-1)[pred.index])
    truth, crowd = maps["truth"].split(truth)
    number = pred.ids - 1
    peaks = np.array([pred.index[pred.owner == i][at["peak"][n] % pred.n_voxels[i]] for i, n in enumerate(number)])
    return Found(pred=pred, truth=truth, crowd=crowd), at["confidence"][number], peaks.astype(np.int64)


def sets_of(ids: np.ndarray, keep: np.ndarray, numbers: list[int]) -> Parts:
    return [frozenset(map(tuple, np.argwhere((ids == one) & keep).tolist())) for one in numbers]


def middle(part: frozenset[Voxel]) -> np.ndarray:
    return np.mean(sorted(part), axis=0)


def radius_of(part: frozenset[Voxel], radius: float | str) -> float:
    return math.sqrt(len(part) * 3.0 / math.pi) if radius == "lesion" else float(radius)


def score_of(pred: frozenset[Voxel], truth: frozenset[Voxel], peak: Voxel, rule: DetectionRule) -> float | None:
    """How good a hit is; None where it is none."""
    shared, least = len(pred & truth), rule.min_overlap
    iou, dice = shared / len(pred | truth), 2 * shared / (len(pred) + len(truth))
    away = float(np.linalg.norm((middle(pred) - middle(truth)) * STEPS))
    match rule.hit:
        case "iou":
            return iou if shared and iou >= least - 1e-12 else None
        case "dice":
            return (iou if least == 0 else dice) if shared and dice >= least - 1e-12 else None
        case "overlap_truth":
            share = shared / len(truth)
            return (iou if least == 0 else share) if share > least + 1e-12 else None
        case "any_overlap":
            return iou if shared else None
        case "centroid":
            return 0.0 if tuple(np.rint(middle(pred)).astype(int).tolist()) in truth else None
        case "peak":
            return 0.0 if peak in truth else None
    return -away if away < radius_of(truth, rule.radius_mm) - 1e-12 else None


Hits = dict[tuple[int, int], float]  # (truth, pred) -> score


def hits_of(preds: Parts, truths: Parts, peaks: list[Voxel], rule: DetectionRule) -> Hits:
    hits: Hits = {}
    for p, pred in enumerate(preds):
        scores = {t: score_of(pred, truth, peaks[p], rule) for t, truth in enumerate(truths)}
        mine = {t: score for t, score in scores.items() if score is not None}
        if mine and rule.hit in ("centroid", "peak", "distance"):
            best = min(mine, key=lambda t: (-round(mine[t], 9), t))
            mine = {best: mine[best]}
        hits |= {(t, p): score for t, score in mine.items()}
    return hits


def by_confidence(hits: Hits, confidence: np.ndarray) -> set[tuple[int, int]]:
    taken: set[tuple[int, int]] = set()
    for p in sorted(range(len(confidence)), key=lambda p: (-confidence[p], p)):
        free = [pair for pair in hits if pair[1] == p and pair[0] not in {t for t, _ in taken}]
        if free:
            taken.add(min(free, key=lambda pair: (-hits[pair], pair[0])))
    return taken


def by_any(hits: Hits, confidence: np.ndarray) -> set[tuple[int, int]]:
    surest: dict[int, int] = {}
    for t, p in sorted(hits, key=lambda pair: (-confidence[pair[1]], pair[1])):
        surest.setdefault(t, p)
    return set(surest.items())


def best_sums(hits: Hits, n_truth: int, n_pred: int) -> tuple[int, float]:
    """Most pairs, and their largest sum of scores, over all ways to pair."""
    slots = [*range(n_pred), *[-1] * n_truth]
    ways = ([hits[pair] for pair in enumerate(chosen) if pair in hits] for chosen in set(permutations(slots, n_truth)))
    return max((len(scores), sum(scores)) for scores in ways)


@pytest.mark.parametrize("hit", HITS)
def test_candidates_find_lesions_as_plain_loops_say(hit: Any) -> None:
    random = np.random.default_rng(HITS.index(hit))
    for _ in range(120):
        knobs: dict[str, Any] = {name: values[random.integers(len(values))] for name, values in KNOBS.items()}
        compare(a_situation(random), DetectionRule(hit=hit, **knobs))


def compare(at: dict[str, np.ndarray], rule: DetectionRule) -> None:
    found, confidence, peaks = found_of(at)
    detected = detect(confidence, found, rule, Lattice(STEPS), peaks=peaks)
    preds = sets_of(at["pred"], ~at["ignored"], found.pred.ids.tolist())
    whole = sets_of(at["pred"], np.ones_like(at["ignored"]), found.pred.ids.tolist())
    truths = sets_of(at["truth"], np.ones_like(at["ignored"]), found.truth.ids.tolist())
    (crowd,) = sets_of(at["truth"], np.ones_like(at["ignored"]), [4])
    places = [tuple(int(x) for x in np.unravel_index(peak, at["pred"].shape)) for peak in peaks]
    hits = hits_of(preds, truths, places, rule)
    small = [3.0 * len(truth) < rule.ignore_truth_mm3 for truth in truths]
    of_large = {pair: score for pair, score in hits.items() if not small[pair[0]]}

    linked = detected.linked
    taken = set(
        zip(detected.found.overlaps.truth[linked].tolist(), detected.found.overlaps.pred[linked].tolist(), strict=True)
    )
    if rule.assign == "overlap":
        assert taken <= {*of_large}
        assert len({t for t, _ in taken}) == len({p for _, p in taken}) == len(taken)
        sums = len(taken), sum(of_large[pair] for pair in taken)
        assert sums == pytest.approx(best_sums(of_large, len(truths), len(preds)), abs=1e-7)
    else:
        ways: dict[str, Callable[..., set[tuple[int, int]]]] = {"confidence": by_confidence, "any": by_any}
        assert taken == ways[rule.assign](of_large, confidence)

    used = [p in {one for _, one in taken} for p in range(len(preds))]
    near = [p in {one for _, one in of_large} for p in range(len(preds))]
    near_small = [any(small[t] and p == one for t, one in hits) for p in range(len(preds))]
    shares = [len(pred & crowd) / len(pred) for pred in preds]
    asks = rule.hit in ("iou", "dice", "overlap_truth")
    in_crowd = [share > 0 and (share >= rule.min_overlap - 1e-12 if asks else share > 0.5) for share in shares]
    mostly = [len(all_ - pred) > len(pred) for pred, all_ in zip(preds, whole, strict=True)]
    duplicate = [rule.duplicates == "ignore" and n and not u for n, u in zip(near, used, strict=True)]
    dropped = [(s and not n) or (c and not u) for s, n, c, u in zip(near_small, near, in_crowd, used, strict=True)]
    ignored = [(m and not u) or d for m, u, d in zip(mostly, used, dropped, strict=True)]
    assert detected.small.tolist() == small
    assert detected.n_lesions == small.count(False)
    assert detected.duplicate.tolist() == duplicate
    assert detected.dropped.tolist() == dropped
    assert detected.pred_ignored.tolist() == ignored
    assert detected.false_alarm.tolist() == [
        not (u or d or i) for u, d, i in zip(used, duplicate, ignored, strict=True)
    ]
    assert detected.n_found.tolist() == [sum(p == one for _, one in taken) for p in range(len(preds))]
    assert {pair for pair, met in zip(pairs_of(detected), detected.met, strict=True) if met} == {*hits}


def pairs_of(detected: Detected) -> list[tuple[int, int]]:
    return list(zip(detected.found.overlaps.truth.tolist(), detected.found.overlaps.pred.tolist(), strict=True))


def test_candidates_at_a_distance_are_matched_all_at_once_the_nearest_first() -> None:
    probs, truth = np.zeros((12, 12)), np.zeros((12, 12), dtype=np.uint8)
    truth[2:6, 2:6], probs[3:7, 3:7] = 1, 0.9
    for assign in ("confidence", "overlap", "any"):
        call = f"lesion_average_precision(hit=distance,assign={assign})"
        results = segeval.score(probs, truth, measures=[call], labels={1: "a"}, pred_kind="probs", bootstrap=0)
        assert results[call, "a"].pooled == 1.0


def a_case(name: str, *confidence: float, n_lesions: int = 0, found: tuple[int, ...] = ()) -> DetectedCase:
    hits = np.array([*found, *[0] * (len(confidence) - len(found))], dtype=np.int64)
    return DetectedCase(case_id=name, n_lesions=n_lesions, confidence=np.array(confidence), found=hits, false=hits == 0)


@pytest.mark.parametrize(
    ("confidence", "noisy_or", "of_nothing"),
    [
        ((0.5, 0.2), 0.6, 0.0),
        ((0.0, 0.2), 0.2, 0.0),
        ((1.0, 0.2), 1.0, 0.0),
        ((1.5, 0.2), None, 0.0),
        ((-0.5, 0.2), None, -math.inf),
    ],
)
def test_confidences_are_probabilities_from_0_to_1(
    confidence: tuple[float, ...], noisy_or: float | None, of_nothing: float
) -> None:
    sample = DetectionSample.of([a_case("a", *confidence)], {"a": 1.0, "b": 1.0})
    assert sample.surest.tolist() == [max(confidence), of_nothing]
    if noisy_or is None:
        assert sample.noisy_or is None
    else:
        assert sample.noisy_or is not None
        assert sample.noisy_or.tolist() == pytest.approx([noisy_or, 0.0])


# a: 0.9 finds a lesion, 0.4 nothing. b has no lesion, and alarms at 0.9 and 0.6. c has two lesions and no candidate
ML = {"a": 2.0, "b": 1.0, "c": 5.0}
CASES = (a_case("a", 0.9, 0.4, n_lesions=1, found=(1,)), a_case("b", 0.9, 0.6), a_case("c", n_lesions=2))
WEIGHTS = np.array([1.0, 2.0, 0.0])


@pytest.mark.parametrize(
    ("per", "units", "rates"),
    [
        ("case", (3, 3), ([1 / 3, 2 / 3, 1], [2 / 3, 4 / 3, 5 / 3])),
        ("negative_case", (1, 2), ([1, 2, 2], [1, 2, 2])),
        ("ml", (8, 4), ([1 / 8, 2 / 8, 3 / 8], [2 / 4, 4 / 4, 5 / 4])),
        ("lesion", (3, 1), ([1 / 3, 2 / 3, 1], [2, 4, 5])),
    ],
)
def test_false_alarms_are_counted_per_what_is_asked(
    per: Any, units: tuple[float, float], rates: tuple[list[float], list[float]]
) -> None:
    sample = DetectionSample.of(CASES, ML)
    anew = ThresholdSample.of(
        [
            ThresholdedCase(
                case_id=case.case_id,
                n_lesions=case.n_lesions,
                threshold=np.array([0.9, 0.6, 0.4]),
                tp=np.array([case.found[case.confidence >= t].sum() for t in (0.9, 0.6, 0.4)]),
                fp=np.array([case.false[case.confidence >= t].sum() for t in (0.9, 0.6, 0.4)]),
                n_candidates=np.array([(case.confidence >= t).sum() for t in (0.9, 0.6, 0.4)]),
            )
            for case in CASES[::-1]
        ],
        ML,
    )
    assert sample.n_candidates.tolist() == anew.n_candidates.tolist() == [2, 3, 4]
    for one in (sample, anew):
        for of, n_units, expected in zip((one, one.drawn(WEIGHTS)), units, rates, strict=True):
            points = of.points(per)
            assert points.threshold.tolist() == [0.9, 0.6, 0.4]
            assert points.tp.tolist() == [1, 1, 1]
            assert points.fp_rate.tolist() == pytest.approx(expected)
            assert points.n_units == n_units
            assert points.precision.tolist() == pytest.approx((points.tp / (points.tp + points.fp)).tolist())
            assert points.sensitivity.tolist() == pytest.approx([1 / points.n_lesions] * 3)


def test_candidates_of_one_confidence_may_enter_one_by_one() -> None:
    points = DetectionSample.of(CASES, ML).points(ties_together=False)
    assert points.threshold.tolist() == [0.9, 0.9, 0.6, 0.4]
    assert (points.tp.tolist(), points.fp.tolist()) == ([1, 1, 1, 1], [0, 1, 2, 3])
