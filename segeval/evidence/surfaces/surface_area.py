"""How much surface lies around a lattice corner, given which of the voxels around it are foreground.

A corner of the voxel lattice has 2^d voxels around it; bit `4a + 2b + c` of its code (`2a + b` in
2-D) says whether the voxel at offset (a, b, c) is foreground. The surface inside the box that joins
the centres of these voxels is that of the marching-cubes cases with edge mid-points (Lorensen and
Cline 1987, doi:10.1145/37402.37422). A code with more foreground than background has the surface of
its complement, so that a mask and its complement have the same surface.
"""

import itertools
from collections.abc import Iterator
from functools import cache

import numpy as np

from segeval.evidence.grid import Lattice

Vectors = tuple[tuple[int, ...], ...]

# One code of every kind of corner, the others being its flips and axis permutations: the area
# vectors of its triangles at unit spacing, in eighths, out of the foreground, parallel triangles merged.
_KINDS: dict[int, dict[int, Vectors]] = {
    1: {0b01: ((8,),)},
    2: {0b0001: ((4, 4),), 0b0011: ((8, 0),), 0b1001: ((4, 4), (-4, -4))},
    3: {
        0b00000001: ((1, 1, 1),),
        0b00000011: ((4, 4, 0),),
        0b00000110: ((1, 1, -1), (1, -1, 1)),
        0b00011000: ((1, -1, -1), (-1, 1, 1)),
        0b00000111: ((3, 3, 3), (4, 0, 0)),
        0b00011001: ((0, 4, 4), (1, -1, -1)),
        0b00010110: ((1, 1, -1), (1, -1, 1), (-1, 1, 1)),
        0b00001111: ((8, 0, 0),),
        0b00010111: ((6, 6, 6),),
        0b00011011: ((2, 0, 2), (4, 4, -4), (0, 2, 2)),
        0b00011110: ((-1, 1, 1), (3, -3, -3), (4, 0, 0)),
        0b00111100: ((4, -4, 0), (-4, 4, 0)),
        0b01101001: ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)),
    },
}


@cache
def area_vectors(n_axes: int) -> tuple[tuple[Vectors, ...], ...]:
    """Area vectors of every corner code of a grid with `n_axes` axes, in eighths of a unit voxel.

    A code that is its own flip may have two sets, of one size on a grid with right angles: six points on a circuit
    can be joined in two ways that mirror each other.
    """
    full = 2 ** (2**n_axes) - 1
    table: list[dict[Vectors, None]] = [{} for _ in range(full + 1)]
    for kind, vectors in _KINDS[n_axes].items():
        for code, turned in _turned(kind, vectors, n_axes):
            table[code][turned] = None
            table[full - code][tuple(tuple(-along for along in vector) for vector in turned)] = None
    return tuple(tuple(ways) or ((),) for ways in table)


def _turned(code: int, vectors: Vectors, n_axes: int) -> Iterator[tuple[int, Vectors]]:
    """A corner under all flips and axis permutations of the lattice."""
    slots = list(itertools.product((0, 1), repeat=n_axes))
    filled = [slot for bit, slot in enumerate(slots) if code >> bit & 1]
    for order in itertools.permutations(range(n_axes)):
        for flips in slots:
            moved = (tuple(slot[axis] ^ flip for axis, flip in zip(order, flips, strict=True)) for slot in filled)
            turned = (
                tuple(vector[axis] * (1 - 2 * flip) for axis, flip in zip(order, flips, strict=True))
                for vector in vectors
            )
            yield sum(1 << slots.index(slot) for slot in moved), tuple(sorted(turned, key=_as_listed))


def _as_listed(vector: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(abs, vector))


@cache
def area_of_codes(lattice: Lattice) -> np.ndarray:
    """Surface around a corner by its code: mm² in 3-D, mm in 2-D.

    The triangles are those of a lattice of cubes, taken along by the map that shears and stretches it: area vectors
    go with the cofactors of that map.
    """
    table = area_vectors(len(lattice.spacing))
    if lattice.axes is None:
        spacing = np.array(lattice.spacing)
        faces = spacing.prod() / spacing  # area of the voxel face across each axis
        return np.array([_size(ways[-1], np.diag(faces)) for ways in table])
    cofactors = lattice.cell * np.linalg.inv(lattice.steps.T).T
    return np.array([sum(_size(one, cofactors) for one in ways) / len(ways) for ways in table])


def _size(vectors: Vectors, cofactors: np.ndarray) -> float:
    return float(sum(np.linalg.norm(cofactors @ np.array(vector) / 8) for vector in vectors))


@cache
def owner_slots(n_axes: int) -> np.ndarray:
    """For every corner code, the first foreground slot with a background slot beside it; 255 if there is none.

    Each surface corner is found from several voxels; it is counted by the one in this slot.
    """
    bits = range(2**n_axes)
    beside = [sum(1 << (bit ^ 1 << axis) for axis in range(n_axes)) for bit in bits]
    owners = [
        next((bit for bit in bits if code >> bit & 1 and ~code & beside[bit]), 255) for code in range(2 ** (2**n_axes))
    ]
    return np.array(owners, dtype=np.uint8)
