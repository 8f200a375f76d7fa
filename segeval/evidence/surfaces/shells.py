"""Lattice offsets in the order of their length."""

import itertools
import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from segeval.evidence.shapes import Offsets, SpacingMm


@dataclass(frozen=True, kw_only=True)
class Shell:
    """All offsets of one length."""

    distance: float
    offsets: Offsets


@cache
def shells(spacing_mm: SpacingMm, *, n_offsets: int) -> tuple[Shell, ...]:
    """The shortest offsets of the lattice, nearest first; no offset within the last distance is left out.

    Args:
        spacing_mm: size of a voxel, one number per axis.
        n_offsets: about how many there should be.
    """
    radius = _radius_of(n_offsets, spacing_mm)
    reach = [range(-int(radius / step), int(radius / step) + 1) for step in spacing_mm]
    offsets = np.array(list(itertools.product(*reach)), dtype=np.int64)
    distances = np.sqrt(((offsets * spacing_mm) ** 2).sum(axis=1))
    order = np.argsort(distances, kind="stable")
    order = order[distances[order] <= radius]
    starts = np.flatnonzero(np.diff(distances[order], prepend=-1.0))
    groups = np.split(order, starts[1:])
    return tuple(Shell(distance=float(distances[group[0]]), offsets=offsets[group]) for group in groups)


def _radius_of(n_offsets: int, spacing_mm: SpacingMm) -> float:
    """Radius of the ball that holds about `n_offsets` lattice points."""
    n_axes = len(spacing_mm)
    unit_ball = math.pi ** (n_axes / 2) / math.gamma(n_axes / 2 + 1)
    return float((n_offsets * math.prod(spacing_mm) / unit_ball) ** (1 / n_axes))
