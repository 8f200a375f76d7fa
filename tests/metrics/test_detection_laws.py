"""No knob of a score of a whole data set enters its column and changes nothing."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice, product
from typing import Any

import jaxtyping
import numpy as np
import pytest

import segeval
from segeval import catalogue
from segeval.errors import ConfigError
from segeval.knobs import knob_text
from segeval.measure import Measure, MeasureCall

MEASURES = [one for one in catalogue.measures().values() if one.reads("CaseCandidates")]
WHOLE = ("lesion_average_precision", "instance_average_precision", "case_auroc")
OF_CANDIDATES = {*catalogue.find("lesion_average_precision").knobs}
NUMBERS: dict[str, Any] = {
    "fps": (0.3, 1.2),
    "fp": 0.4,
    "t": 0.3,
    "factor": 1.4,
    "min_voxels": 2,
    "n_max": 1,
    "min_size_mm3": 5.0,
    "min_overlap": 0.45,
    "radius_mm": 2.2,
    "ignore_truth_mm3": 9.0,
    "thresholds": (0.35, 0.62, 0.7),
    "iou_threshold": 0.3,
    "max_detections": 1,
}


def turns_of(measure: Measure) -> Iterator[tuple[str, Any]]:
    """Every knob with every other value that tells: all words, the other truth, another number."""
    for knob, default in measure.knobs.items():
        yield from ((knob, word) for word in measure.words_for(knob) if word != knob_text(default))
        if isinstance(default, bool):
            yield knob, not default
        elif knob in NUMBERS:
            yield knob, NUMBERS[knob]


Turn = tuple[str, Any]


def turned_pairs(measure: Measure) -> dict[tuple[Turn | None, Turn], tuple[MeasureCall, MeasureCall]]:
    """The measure with and without each turn of a knob, beside every turn of another, as far as that is not refused.

    What two knobs of the candidates do to each other is looked at where nothing but candidates is read.
    """
    pairs: dict[tuple[Turn | None, Turn], tuple[MeasureCall, MeasureCall]] = {}
    turns = [*turns_of(measure)]
    for mode, turn in product([None, *turns], turns):
        knobs = {turn[0], *(mode or ())[:1]}
        if mode is None or (len(knobs) == 2 and (measure.name in WHOLE or not knobs <= OF_CANDIDATES)):
            beside = dict([mode] if mode else [])
            with suppress(ConfigError):
                pairs[mode, turn] = measure.at(**beside), measure.at(**beside, **dict([turn]))
    return pairs


def is_alike_by_nature(measure: str, mode: Turn | None, turn: Turn) -> bool:
    """By these a candidate hits one lesion at most, which is its own whoever else hits it; and only ties make steps.

    Who is surest matters to recall where there are more candidates than may take part: 100 of a case by default.
    """
    both = {mode, turn}
    if measure == "average_recall" and turn[0] == "confidence" and mode != ("max_detections", 1):
        return True
    hits_one = both & {("hit", hit) for hit in ("centroid", "peak", "distance")}
    return (("assign", "any") in both and bool(hits_one)) or (
        ("confidence", "mean") in both and bool(both & {("ties_together", False), ("interpolation", "step")})
    )


IGNORED = 255
Set = tuple[dict[str, np.ndarray], dict[str, np.ndarray]]
LESIONS = [np.s_[2:6, 2:6, 1:3], np.s_[7:11, 2:6, 1:3], np.s_[13:17, 2:6, 1:3], np.s_[18:20, 7:9, 1:2]]
PARTS = [
    *(np.s_[3:9, 2:4, 1:3], np.s_[2:6, 5:6, 1:3]),  # over two lesions, and over the first of them alone
    *(np.s_[13:14, 2:6, 1:3], np.s_[15:17, 2:6, 1:3]),  # two that hit the third
    np.s_[15:22, 7:10, 0:2],  # far over the smallest
    *(np.s_[20:23, 1:4, 2:4], np.s_[23:25, 4:6, 0:2], np.s_[23:25, 6:8, 2:4]),  # that touch at an edge or a corner
]


def parts_of_lesions() -> Set:
    """Candidates between lesions, several on one, and false alarms that touch, each of another confidence."""
    random = np.random.default_rng(1)
    maps, truths = {}, {}
    for n in range(16):
        truth, probs = np.zeros((26, 10, 4), dtype=np.uint8), np.zeros((26, 10, 4))
        for box in LESIONS:
            truth[box] = n % 5 > 0 and random.random() < 0.9
        for box in PARTS:
            texture = random.uniform(0.35, 1.05) + 0.1 * random.normal(size=probs[box].shape)
            probs[box] = np.clip(texture, 0.02, 1) * (random.random() < 0.85)
        maps[str(n)], truths[str(n)] = (np.repeat(side, 2, axis=0) for side in (probs.round(1 + (n % 3 > 0)), truth))
    return maps, truths


def many(seed: int) -> Set:
    """Small cases of no lesion, one small, or many: candidates that are moved, cut in two, or hang on by a corner."""
    random = np.random.default_rng(seed)
    maps, truths = {}, {}
    for n in range(84):
        truth, probs = np.zeros((28, 18, 5), dtype=np.uint8), np.zeros((28, 18, 5))
        has_none, is_small = n % 4 == 0, n % 4 == 1
        for x, y in [(1, 1), (15, 1), (1, 8), (15, 8)][: 1 if is_small else 4]:
            size = np.array([random.choice([1, 2, 5, 9, 11]), random.integers(1, 6), random.integers(1, 4)])
            size = np.minimum(size, (3, 1, 1)) if is_small else size
            if is_small or (not has_none and random.random() < 0.8):
                truth[x : x + size[0], y : y + size[1], : size[2]] = 1
            if is_small or random.random() < (0.3 if has_none else 0.7):
                part = probs[x : x + 13, y : y + 6]
                at = random.integers(0, 3, 3) * (random.random() < 0.5)
                size = np.minimum(size + is_small * random.integers(0, 4, 3), (13, 6, 5))
                box = tuple(slice(one, one + n) for one, n in zip(at, size, strict=True))
                level = 0.95 if is_small else random.choice([0.4, 0.4, 0.7, 0.9]) * random.choice([1.0, 0.97])
                part[box] = level
                has = random.choice(["texture", "texture", "a peak", "a peak", "one value"])
                if has == "texture":
                    part[box] *= random.choice([0.45, 0.7, 0.8, 0.9, 1.0], size=part[box].shape)
                if has == "a peak":
                    part[box] *= 0.75
                    part[tuple(at)] = level
                if random.random() < 0.6:
                    part[tuple(slice(one.stop, one.stop + 2) for one in box)] = level * random.choice([0.6, 0.95, 1.04])
        if n % 4 == 2 and n < 56:  # one beside two halves, each of which is nearly half of it
            truth[14:, 7:15] = probs[14:, 7:15] = 0
            truth[16:27, 8:10] = 1
            probs[16:21, 8:10], probs[21:27, 8:10] = random.choice([0.5, 0.7, 0.95, 0.98], size=2)
            (probs if n % 8 == 2 else truth)[21, 8:10] = 0
        if n // 8 % 2 and not is_small:
            probs[::6, 16, :2] = random.choice([0.0, 0.35, 0.6, 0.9, 0.95], size=(5, 1))
        if n % 4 == 3 and 28 <= n < 56:  # two that touch at an edge, and two at a corner
            probs[:, 16:], truth[:, 16:] = 0, 0
            long = 1 if n % 8 == 3 else 3  # alone too small, or not
            for x, z in ((0, 0), (10, 2)):
                for box in (np.s_[x : x + long, 16:17, :2], np.s_[x + long : x + 2 * long, 17:18, z : z + 2]):
                    probs[box] = random.choice([0.3, 0.7, 0.98, 1.0])
                    if random.random() < 0.5:
                        probs[box] *= random.choice([0.6, 0.8, 1.0], size=probs[box].shape)
                truth[x : x + long, 16, :2] = random.random() < 0.6
        maps[str(n)], truths[str(n)] = probs.round(2), truth
    return maps, truths


def amid_ignored(seed: int) -> Set:
    """Cases of one lesion or none, whose candidates lie mostly in ignored voxels: what they hit, and by what, tells."""
    random = np.random.default_rng(seed)
    maps, truths = {}, {}
    for n in range(84):
        truth, probs = np.zeros((10, 8, 4), dtype=np.uint8), np.zeros((10, 8, 4))
        truth[2:6, 2 : random.integers(3, 6), 1:3] = n % 2
        for _ in range(random.integers(1, 4)):
            at, size = random.integers(0, 5, 3) // (1, 1, 2), random.integers(1, 5, 3)
            box = tuple(slice(one, one + long) for one, long in zip(at, size, strict=True))
            probs[box] = random.choice([0.4, 0.7, 0.9]) * random.choice([0.6, 0.8, 1.0], size=probs[box].shape)
        if n % 3 == 0:  # that hangs together by its corners alone
            probs[:] = 0
            probs[(range(1, 4),) * 3] = random.choice([0.4, 0.7, 0.9], size=3)
        truth[random.random(truth.shape) < random.choice([0.3, 0.6, 0.8])] = IGNORED
        maps[str(n)], truths[str(n)] = probs.round(2), truth
    return maps, truths


def data_sets() -> Iterator[tuple[Set, tuple[float, ...]]]:
    """A few cases each, so that a number that moves for one of them alone shows; with their spacing."""
    small, large = (0.5, 0.6, 1.0), (1.0, 1.2, 2.0)
    sets = [(parts_of_lesions(), small), *((many(seed), large) for seed in range(5))]
    for (maps, truths), spacing in (*sets, *((amid_ignored(seed), large) for seed in range(3))):
        for cases in batched(maps, 7):
            yield ({case: maps[case] for case in cases}, {case: truths[case] for case in cases}), spacing


def batched(names: Iterable[str], n: int) -> Iterator[tuple[str, ...]]:
    left = iter(names)
    while found := tuple(islice(left, n)):
        yield found


@pytest.fixture
def _without_shape_checks() -> Iterator[None]:
    """Hundreds of scores of the same masks; others check the shapes of each."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.slow
@pytest.mark.usefixtures("_without_shape_checks")
def test_a_knob_changes_some_score_of_a_data_set_beside_any_other_or_is_refused() -> None:
    alike = {
        (measure.name, *key): pair
        for measure in MEASURES
        for key, pair in turned_pairs(measure).items()
        if not is_alike_by_nature(measure.name, *key)
    }
    assert len(alike) > 900
    for (maps, truths), spacing in data_sets():
        results = segeval.score(
            maps,
            truths,
            measures=sorted({call.column for pair in alike.values() for call in pair}),
            labels={1: "lesion"},
            ignore_label=IGNORED,
            pred_kind="probs",
            bootstrap=0,
            spacing=spacing,
        )
        found = {row.column: row.pooled for row in results.summary if row.name == "lesion"}
        same = {key for key, pair in alike.items() if len({repr(found[call.column]) for call in pair}) == 1}
        alike = {key: pair for key, pair in alike.items() if key in same}
        if not alike:
            break
    assert not alike, set(alike)
