"""The worked inputs of the losses, as evidence in numpy and in torch."""

from typing import Any

import numpy as np
import torch

from segeval.evidence.probabilities.soft import ProbVoxels

B_TRUTH = np.array([1, 1, 1, 0, 0, 0, 0, 0])
B_PROBS = np.array([0.9, 0.4, 0.3, 0.6, 0.2, 0.1, 0.1, 0.05])
B0_PROBS = np.array([0.2, 0.1, 0.1, 0.05, 0.05, 0, 0, 0])
NOTHING = np.zeros(8, dtype=int)
M_TRUTH = np.array([0, 0, 0, 0, 1, 1, 2])
M_PROBS = np.array(
    [
        [0.8, 0.1, 0.1],
        [0.6, 0.3, 0.1],
        [0.5, 0.2, 0.3],
        [0.2, 0.3, 0.5],
        [0.2, 0.7, 0.1],
        [0.5, 0.4, 0.1],
        [0.1, 0.3, 0.6],
    ]
).T
LINE = np.array([1, 1, 0, 0, 2, 0, 0, 0])  # two objects on a line
LINE_PROBS = np.array([0.9, 0.8, 0.4, 0.3, 0.7, 0.2, 0.1, 0.1])

ENGINES = ("numpy64", "torch64", "torch32")


def array(values: Any, engine: str) -> Any:
    """Values in the library and precision of an engine; integers and booleans keep their type."""
    values = np.asarray(values)
    if engine == "numpy64":
        return values
    tensor = torch.from_numpy(np.ascontiguousarray(values))
    return (
        tensor.to({"torch64": torch.float64, "torch32": torch.float32}[engine]) if values.dtype.kind == "f" else tensor
    )


def voxels(probs: Any, truth: Any, engine: str = "numpy64") -> ProbVoxels:
    """Voxels of maps with their masks."""
    p, mask = np.asarray(probs, dtype=np.float64), np.asarray(truth, dtype=bool)
    return ProbVoxels(
        truth=array(mask, engine),
        count=array(np.ones(p.shape), engine),
        hit=array(np.where(mask, p, 1 - p), engine),
        miss=array(np.where(mask, 1 - p, p), engine),
    )


def logit(p: Any) -> np.ndarray:
    return np.log(p) - np.log1p(-np.asarray(p))


def onehot(labels: np.ndarray, n_classes: int = 3) -> np.ndarray:
    return labels == np.arange(n_classes)[:, None]
