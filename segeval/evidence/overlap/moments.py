"""Where the voxels of each class lie: centroids and scatter matrices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segeval.evidence.labels import LabelClass


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """Voxels of each class, in voxels along the axes."""

    n: np.ndarray  # (label,) int64
    mean: np.ndarray  # (label, axis) float64; nan for a class without voxels
    scatter: np.ndarray  # (label, axis, axis) float64: sum of (x - mean)(x - mean)ᵀ


def moments_of_classes(
    classes: Sequence[LabelClass], ids: Sequence[int], raw: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> Moments:
    """Moments of the classes from the raw ones of single ids: counts, sums of x and sums of x xᵀ."""
    members = np.array([[one in c.ids for one in ids] for c in classes], dtype=np.float64)
    members = members.reshape(len(classes), len(ids))
    n, first, second = (np.tensordot(members, part, axes=1) for part in raw)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = first / n[:, None]
    scatter = second - n[:, None, None] * mean[:, :, None] * mean[:, None, :]
    return Moments(n=n.astype(np.int64), mean=mean, scatter=scatter)
