"""Surfaces and their distances the slow way: voxel by voxel, and every element against every other."""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from tests.conftest import golden

VECTORS = golden("boundary")["surface_element_vectors_3d_in_eighths"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What makes a surface element."""

    surface: str = "voxel"
    edge: str = "border"
    neighbours: str = "face"


SETTINGS = [
    *(Setting(edge=edge, neighbours=neighbours) for edge in ("border", "none") for neighbours in ("face", "full")),
    *(Setting(surface="area", edge=edge) for edge in ("border", "none")),
]


def directed_distances(
    mask: np.ndarray, other: np.ndarray, spacing: tuple[float, ...], setting: Setting, ignored: np.ndarray
) -> list[tuple[float, float]]:
    """Distance to the nearest element of the other mask, and weight, of each element of a mask; sorted."""
    ours, theirs = (elements(side & ~ignored, spacing, setting, ignored) for side in (mask, other))
    return sorted((min((_length(a, b, spacing) for b, _ in theirs), default=math.inf), weight) for a, weight in ours)


def elements(
    mask: np.ndarray, spacing: tuple[float, ...], setting: Setting, ignored: np.ndarray
) -> list[tuple[tuple[int, ...], float]]:
    """Position and weight of each surface element."""
    if setting.surface == "area":
        corners = itertools.product(*(range(n + 1) for n in mask.shape))
        weights = ((at, _corner_weight(mask, at, spacing, setting.edge, ignored)) for at in corners)
        return [(at, weight) for at, weight in weights if weight > 0]
    return [(at, 1.0) for at in np.ndindex(mask.shape) if mask[at] and _is_surface(mask, at, setting, ignored)]


def _is_surface(mask: np.ndarray, at: tuple[int, ...], setting: Setting, ignored: np.ndarray) -> bool:
    for step in itertools.product((-1, 0, 1), repeat=mask.ndim):
        beside = tuple(a + b for a, b in zip(at, step, strict=True))
        if setting.neighbours == "face" and sum(map(abs, step)) > 1:
            continue
        if not _is_inside(mask, beside):
            if setting.edge == "border":
                return True
        elif not mask[beside] and not ignored[beside]:
            return True
    return False


def _corner_weight(
    mask: np.ndarray, at: tuple[int, ...], spacing: tuple[float, ...], edge: str, ignored: np.ndarray
) -> float:
    filled = []
    for slot in itertools.product((0, 1), repeat=mask.ndim):
        voxel = tuple(a - 1 + b for a, b in zip(at, slot, strict=True))
        if not _is_inside(mask, voxel):
            if edge == "none":
                return 0.0
        elif ignored[voxel]:
            return 0.0
        elif mask[voxel]:
            filled.append(slot)
    return _area(filled, spacing)


def _area(filled: list[tuple[int, ...]], spacing: tuple[float, ...]) -> float:
    """Surface around a corner whose foreground voxels are in these slots, from the worked table and formulas."""
    if len(spacing) == 3:
        faces = math.prod(spacing) / np.array(spacing)
        vectors = VECTORS[str(sum(1 << (4 * a + 2 * b + c) for a, b, c in filled))]
        return float(sum(np.linalg.norm(np.array(vector) / 8 * faces) for vector in vectors))
    if len(spacing) == 1:
        return 1.0 if len(filled) == 1 else 0.0
    half = 0.5 * math.hypot(*spacing)
    if len(filled) != 2:
        return half if len(filled) in (1, 3) else 0.0
    (a, b), (c, d) = filled
    return spacing[1] if a == c else spacing[0] if b == d else 2 * half


def _is_inside(mask: np.ndarray, at: tuple[int, ...]) -> bool:
    return all(0 <= k < n for k, n in zip(at, mask.shape, strict=True))


def _length(a: tuple[int, ...], b: tuple[int, ...], spacing: tuple[float, ...]) -> float:
    return math.sqrt(sum(((x - y) * step) ** 2 for x, y, step in zip(a, b, spacing, strict=True)))
