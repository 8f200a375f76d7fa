"""No knob of a score of a whole data set enters its column and changes nothing."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from typing import Any

import jaxtyping
import numpy as np
import pytest
from scipy import ndimage

import segeval
from segeval import catalogue
from segeval.errors import ConfigError
from segeval.knobs import knob_text
from segeval.measure import Measure, MeasureCall

# one of candidates, one of instances: the others read the same states, and turn each knob in a test beside this one
MEASURES = [catalogue.find(name) for name in ("lesion_average_precision", "instance_average_precision")]
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
    """The measure with and without each turn of a knob, beside every word of another, as far as that is not refused."""
    pairs: dict[tuple[Turn | None, Turn], tuple[MeasureCall, MeasureCall]] = {}
    turns = [*turns_of(measure)]
    for mode, turn in product([None, *((knob, word) for knob, word in turns if isinstance(word, str | bool))], turns):
        if mode is None or mode[0] != turn[0]:
            beside = dict([mode] if mode else [])
            with suppress(ConfigError):
                pairs[mode, turn] = measure.at(**beside), measure.at(**beside, **dict([turn]))
    return pairs


def is_alike_by_nature(mode: Turn | None, turn: Turn) -> bool:
    """By these a candidate hits one lesion at most, which is its own whoever else hits it; and means do not tie."""
    both = {mode, turn}
    hits_one = both & {("hit", hit) for hit in ("centroid", "peak", "distance")}
    return (("assign", "any") in both and bool(hits_one)) or both == {("confidence", "mean"), ("ties_together", False)}


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


def blobs() -> Set:
    """Many candidates, large and small, some of which touch at a corner, beside lesions near them."""
    random = np.random.default_rng(1)
    maps, truths = {}, {}
    for n in range(7):
        noise = ndimage.gaussian_filter(random.random((20, 18, 6)), 0.9)
        rough = noise + 0.05 * random.normal(size=noise.shape)
        wide = ndimage.gaussian_filter(noise, 0.8) + 0.35 * ndimage.gaussian_filter(random.random(noise.shape), 1.2)
        maps[str(n)] = (np.clip((rough - 0.52) * 4, 0, 1) * random.uniform(0.6, 1.0)).round(1 + n % 2)
        truths[str(n)] = (wide > np.quantile(wide, 0.93 if n % 3 else 1)).astype(np.uint8)
    return maps, truths


@pytest.fixture
def _without_shape_checks() -> Iterator[None]:
    """Hundreds of scores of the same masks; others check the shapes of each."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.slow
@pytest.mark.usefixtures("_without_shape_checks")
def test_a_knob_changes_some_score_of_a_data_set_beside_any_other_or_is_refused() -> None:
    pairs = {measure.name: turned_pairs(measure) for measure in MEASURES}
    columns = sorted({call.column for each in pairs.values() for pair in each.values() for call in pair})
    values: dict[str, list[float]] = {column: [] for column in columns}
    for maps, truths in (parts_of_lesions(), blobs()):
        results = segeval.score(
            maps,
            truths,
            measures=columns,
            labels={1: "lesion"},
            pred_kind="probs",
            bootstrap=0,
            spacing=(1.0, 1.2, 2.0),
        )
        for row in results.summary:
            if row.name == "lesion":
                values[row.column].append(row.pooled)
    turned = {key for each in pairs.values() for key in each}
    moved = {
        key
        for each in pairs.values()
        for key, (plain, other) in each.items()
        if not np.array_equal(values[plain.column], values[other.column], equal_nan=True)
    }
    assert len(turned) > 250
    dead = {key for key in turned - moved if not is_alike_by_nature(*key)}
    assert not dead, dead
