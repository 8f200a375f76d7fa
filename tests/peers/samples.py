"""Masks that go through segeval and its peers, and what segeval says of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from segeval.choice import choose
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.results import CaseScore
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Plan

CASE_CALLS = (
    "kappa(weights=linear),kappa(weights=quadratic),generalized_dice_score(weight=simple),"
    "generalized_dice_score(weight=uniform)"
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One class against the rest.

    `situation` is `random`, or what is special: the status of the row, `full_pred`, `disjoint`, ...
    """

    situation: str
    pred: np.ndarray
    truth: np.ndarray
    ours: Mapping[str, float]


def score(truth: np.ndarray, pred: np.ndarray, n_classes: int) -> CaseScore:
    """segeval on a label image with the classes 1 to `n_classes`; a voxel of a volume has one cubic millimetre."""
    classes = tuple(LabelClass(name=str(one), ids=(one,)) for one in range(1, n_classes + 1))
    plan = Plan(measures=choose(["overlap", CASE_CALLS]).calls, labels=LabelMap(classes=classes))
    return evaluate(Case(case_id="x", truth=truth, pred=pred, spacing_mm=(1.0,) * truth.ndim), plan)


def random_pair(seed: int, shape: tuple[int, ...], ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Truth and prediction that agree on some two thirds of their voxels."""
    rng = np.random.default_rng(seed)
    truth, other = (rng.choice([0, 0, *ids], shape).astype(np.uint8) for _ in range(2))
    return truth, np.where(rng.random(shape) < 0.4, other, truth)


def images() -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """Truth, prediction and number of classes: 2-D and 3-D, binary and multi-class, some classes absent."""
    yield *random_pair(1, (17, 13), [1]), 1
    yield *random_pair(2, (7, 6, 9), [1]), 1
    yield *random_pair(3, (31, 23), [1, 2, 3]), 3
    truth, pred = random_pair(4, (9, 8, 11), [1, 2, 3, 4])
    truth[truth == 4] = 0
    pred[pred == 3] = 0
    yield truth, pred, 5


@cache
def samples() -> tuple[Sample, ...]:
    """Every class of the images, and pairs that are special as a whole."""
    return (*_classes_of_images(), *_special_pairs())


def _classes_of_images() -> Iterator[Sample]:
    for truth, pred, n_classes in images():
        for row in score(truth, pred, n_classes).classes:
            situation = "random" if row.status == "ok" else row.status
            label = row.of.ids[0]
            yield Sample(situation=situation, pred=pred == label, truth=truth == label, ours=row.values)


def _special_pairs() -> Iterator[Sample]:
    some, _ = (mask == 1 for mask in random_pair(5, (5, 6, 4), [1]))
    full = np.ones_like(some)
    pairs = {
        "perfect": (some, some),
        "disjoint": (~some, some),
        "full_pred": (full, some),
        "full_truth": (some, full),
        "full_both": (full, full),
        "full_for_nothing": (full, ~full),
    }
    for situation, (pred, truth) in pairs.items():
        (row,) = score(truth.astype(np.uint8), pred.astype(np.uint8), 1).classes
        yield Sample(situation=situation, pred=pred, truth=truth, ours=row.values)
