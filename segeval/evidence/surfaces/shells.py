"""Lattice offsets in the order of their length."""

import itertools
import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from segeval.evidence.grid import Lattice
from segeval.evidence.shapes import Offsets


@dataclass(frozen=True, kw_only=True)
class Shell:
    """All offsets of one length."""

    distance: float
    offsets: Offsets


@cache
def shells(lattice: Lattice, *, n_offsets: int) -> tuple[Shell, ...]:
    """The shortest offsets of the lattice, nearest first; no offset within the last distance is left out.

    Args:
        lattice: how far apart voxels lie.
        n_offsets: about how many there should be.
    """
    radius = _radius_of(n_offsets, lattice)
    layers = 1 / np.linalg.norm(np.linalg.inv(lattice.steps), axis=0)  # between the planes across each axis
    reach = [range(-int(radius / step), int(radius / step) + 1) for step in layers]
    offsets = np.array(list(itertools.product(*reach)), dtype=np.int64)
    distances = lattice.lengths(offsets.T)
    order = np.argsort(distances, kind="stable")
    order = order[distances[order] <= radius]
    starts = np.flatnonzero(np.diff(distances[order], prepend=-1.0))
    groups = np.split(order, starts[1:])
    return tuple(Shell(distance=float(distances[group[0]]), offsets=offsets[group]) for group in groups)


def _radius_of(n_offsets: int, lattice: Lattice) -> float:
    """Radius of the ball that holds about `n_offsets` lattice points."""
    n_axes = len(lattice.spacing)
    unit_ball = math.pi ** (n_axes / 2) / math.gamma(n_axes / 2 + 1)
    return float((n_offsets * lattice.cell / unit_ball) ** (1 / n_axes))
