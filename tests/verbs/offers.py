"""A call that is refused, what its message offers, and the call that does so."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from jaxtyping import config as shape_checks

import segeval
from segeval.errors import SegevalError

TRUTH = np.zeros((12, 12, 8), np.uint8)
TRUTH[2:8, 2:8, 2:6] = 1
PRED = np.roll(TRUTH, 2, axis=0)
RIGHT = 2 / 3
SOFT = np.where(PRED == 1, 0.9, 0.1).astype(np.float32)
SOFTMAX = np.stack([1 - SOFT, SOFT])
PLACED = pytest.importorskip("nibabel").Nifti1Image(PRED, np.diag([0.5, 1.0, 1.0, 1.0]))


def score(pred: Any, truth: Any, measure: str = "dice", **options: Any) -> list[float]:
    found = segeval.score(pred, truth, measures=measure, bootstrap=0, **options)
    return [row.values[measure] for row in found.class_rows]


def evaluated(pred: Any, truth: Any, case_id: Any, **options: Any) -> list[float]:
    evaluator = segeval.Evaluator(measures="dice", bootstrap=0)
    evaluator.update(pred, truth, case_id=case_id, **options)
    return [row.values["dice"] for row in evaluator.compute().class_rows]


def loss(name: str, pred: Any, truth: Any, **options: Any) -> list[float]:
    from segeval import losses

    return [float(getattr(losses, name)(**options)(pred, truth))]


def tensors() -> Any:
    return pytest.importorskip("torch")


def logits() -> Any:
    """Logits (B, 1, ...) so far out that their sigmoid is the mask."""
    return tensors().as_tensor(np.where(PRED == 1, 60.0, -60.0)[None, None])


def ids() -> Any:
    return tensors().as_tensor(TRUTH.astype(np.int64)[None])


def masks() -> Any:
    return tensors().as_tensor(TRUTH.astype(np.float64)[None, None])


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A call that is refused, what its message offers, and the call that does so."""

    wrong: Callable[[], object]
    says: str
    does: Callable[[], list[float]]
    right: list[float] = field(default_factory=lambda: [RIGHT])


def follow(offer: Offer) -> None:
    """Do what the message says, and hold its numbers against the right ones."""
    before = shape_checks.jaxtyping_disable
    shape_checks.update("jaxtyping_disable", True)  # who calls with a wrong type has nothing that checks it first
    try:
        with pytest.raises(SegevalError) as refused:
            offer.wrong()
    finally:
        shape_checks.update("jaxtyping_disable", before)
    assert offer.says in str(refused.value)
    assert offer.does() == pytest.approx(offer.right, abs=1e-6)
