"""Connected parts of a mask.

Voxels that follow each other along the last axis form runs; runs are the nodes of a graph, and
runs that touch are its edges. The cost follows the mask, not the image around it. A mask of so many
runs that one pass over the box around it is less work is numbered by scipy.ndimage.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from operator import mul
from typing import Literal

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.masks import Voxels
from segeval.evidence.shapes import Bool, Int64

Connectivity = Literal["full", "edge", "face"]

_RUN_COST = 15  # a run costs about as much as this many voxels of a box that is numbered whole


@dataclass(frozen=True, kw_only=True)
class Components:
    """The parts of one mask: voxel `index[i]` belongs to part `owner[i]`, counted from 0.

    `ids` are the numbers that people see: 1, 2, .. by the smallest flat index, or the ids of a
    user's instance map. A voxel that several instances share stands there for each, by owner.
    """

    index: Int64[np.ndarray, " voxel"]
    owner: Int64[np.ndarray, " voxel"]
    ids: Int64[np.ndarray, " part"]
    shape: tuple[int, ...]
    n_dropped: int = 0
    n_ignored: Int64[np.ndarray, " part"] | None = None  # voxels of each part that count nowhere and are left out

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def n_voxels(self) -> Int64[np.ndarray, " part"]:
        """Voxels of each part."""
        return np.bincount(self.owner, minlength=len(self))

    @cached_property
    def is_overlapping(self) -> bool:
        """Whether a voxel belongs to several parts."""
        return bool((self.index[1:] == self.index[:-1]).any())

    @cached_property
    def all_voxels(self) -> Voxels:
        """All parts together."""
        return Voxels(index=self.index, shape=self.shape)

    @cached_property
    def surface(self) -> "Components":
        """Each part without the voxels whose face neighbours all belong to it."""
        place, strides = _places(self.index, self.shape)
        place, strides = place * len(self) + self.owner, [stride * len(self) for stride in strides]
        beside = [_holds(place, place + step) for stride in strides for step in (-stride, stride)]
        outer = ~np.all(beside, axis=0)
        return Components(index=self.index[outer], owner=self.owner[outer], ids=self.ids, shape=self.shape)

    @classmethod
    def joined(cls, each: Sequence["Components"]) -> "Components":
        """The parts of several masks, numbered one mask after the other."""
        index = np.concatenate([parts.index for parts in each])
        before = np.cumsum([0, *map(len, each)])
        owner = np.concatenate([parts.owner + n for parts, n in zip(each, before, strict=False)])
        order = np.lexsort((owner, index))
        ignored = [np.zeros(len(parts), np.int64) if parts.n_ignored is None else parts.n_ignored for parts in each]
        return cls(
            index=index[order],
            owner=owner[order],
            ids=np.arange(1, before[-1] + 1),
            shape=each[0].shape,
            n_dropped=sum(parts.n_dropped for parts in each),
            n_ignored=np.concatenate(ignored),
        )

    def at_least(self, n_voxels: float) -> "Components":
        """Without the parts that are smaller; the others keep their ids."""
        kept = self.n_voxels >= n_voxels * (1 - 1e-9)
        return replace(self.only(kept), n_dropped=int((~kept).sum()))

    def only(self, kept: Bool[np.ndarray, " part"]) -> "Components":
        """Some of the parts, which keep their ids."""
        stays, number = kept[self.owner], np.cumsum(kept) - 1
        return Components(
            index=self.index[stays],
            owner=number[self.owner[stays]],
            ids=self.ids[kept],
            shape=self.shape,
            n_dropped=self.n_dropped,
            n_ignored=None if self.n_ignored is None else self.n_ignored[kept],
        )

    def where(self, counts: Bool[np.ndarray, " voxel"]) -> "Components":
        """The same parts without voxels that count nowhere; parts of which nothing remains are left out."""
        n_seen = np.bincount(self.owner[counts], minlength=len(self))
        kept = n_seen > 0
        number = np.cumsum(kept) - 1
        return Components(
            index=self.index[counts],
            owner=number[self.owner[counts]],
            ids=self.ids[kept],
            shape=self.shape,
            n_dropped=self.n_dropped,
            n_ignored=(self.n_voxels - n_seen)[kept],
        )


def components_of(mask: Voxels, *, connectivity: Connectivity = "full") -> Components:
    """Split a mask into connected parts, numbered by their smallest flat index.

    Args:
        connectivity: voxels touch by faces only (4 or 6 neighbours), by edges too (18, 3-D only),
            or by corners too (8 or 26).

    Raises:
        ConfigError: edge connectivity is asked for where corners are edges.
    """
    if connectivity not in mask.parts:
        mask.parts[connectivity] = _components(mask, connectivity)
    return mask.parts[connectivity]


def _components(mask: Voxels, connectivity: Connectivity) -> Components:
    first, lengths = _runs(mask)
    if len(mask) < len(first) * _RUN_COST and _n_voxels_of_box(mask) < len(first) * _RUN_COST:
        owner = _in_order_of_appearance(_numbered_whole(mask, connectivity))
    else:
        owner = np.repeat(_parts(first, lengths, mask.shape, connectivity), lengths)
    n = int(owner.max(initial=-1)) + 1
    return Components(index=mask.index, owner=owner, ids=np.arange(1, n + 1), shape=mask.shape)


def count_background_parts(mask: Voxels, *, connectivity: Connectivity) -> int:
    """Parts of the background of a mask that touches neither end of the last axis."""
    first, lengths = _runs(mask)
    line = np.arange(0, math.prod(mask.shape), mask.shape[-1])
    # a run of background opens each line and another follows each run of the mask
    starts = np.sort(np.concatenate([line, first + lengths]))
    stops = np.sort(np.concatenate([first, line + mask.shape[-1]]))
    return int(_parts(starts, stops - starts, mask.shape, connectivity).max()) + 1


def _n_voxels_of_box(mask: Voxels) -> int:
    return math.prod((mask.coordinates.max(axis=0) - mask.corner + 1).tolist())


def _numbered_whole(mask: Voxels, connectivity: Connectivity) -> np.ndarray:
    """Part of each voxel, from 0 in any order."""
    from scipy import ndimage

    boxed = mask.in_box(margin=0)
    most = _most_axes_crossed(len(mask.shape), connectivity)
    numbers, _ = ndimage.label(boxed.dense(), structure=ndimage.generate_binary_structure(len(mask.shape), most))
    return numbers.reshape(-1)[boxed.index].astype(np.int64) - 1


def _runs(mask: Voxels) -> tuple[np.ndarray, np.ndarray]:
    """Flat index of the first voxel, and the length, of each unbroken line of voxels along the last axis."""
    starts = mask.index % mask.shape[-1] == 0
    starts[:1] = True
    starts[1:] |= np.diff(mask.index) != 1
    where = np.flatnonzero(starts)
    return mask.index[where], np.diff(where, append=len(mask))


def _parts(first: np.ndarray, lengths: np.ndarray, shape: tuple[int, ...], connectivity: Connectivity) -> np.ndarray:
    """Part of each run, numbered in the order in which parts begin."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    start, strides = _places(first, shape)
    touching = [_touching(start, start + lengths, *line) for line in _lines_beside(strides, connectivity)]
    one, other = np.concatenate([np.zeros((2, 0), dtype=np.int64), *touching], axis=1)
    graph = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(len(first), len(first)))
    _, part = connected_components(graph, directed=False)
    return _in_order_of_appearance(part)


def _places(index: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, list[int]]:
    """Flat indices, and the step along each axis, in an image with an empty rim: no neighbour wraps round."""
    room = tuple(n + 2 for n in shape)
    place = np.ravel_multi_index(tuple(x + 1 for x in np.unravel_index(index, shape)), room)
    return place, [math.prod(room[axis + 1 :]) for axis in range(len(room))]


def _holds(ascending: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Which of the wanted numbers are among others."""
    return ascending[np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)] == wanted


def _lines_beside(strides: list[int], connectivity: Connectivity) -> Iterator[tuple[int, int]]:
    """Flat step to each neighbouring line (one of every opposite pair), and how far past its ends a run reaches."""
    most = _most_axes_crossed(len(strides), connectivity)
    for offset in product((-1, 0, 1), repeat=len(strides) - 1):
        crossed = np.count_nonzero(offset)
        if offset > (0,) * len(offset) and crossed <= most:
            yield sum(map(mul, offset, strides)), int(crossed < most)


def _most_axes_crossed(ndim: int, connectivity: Connectivity) -> int:
    if connectivity == "edge" and ndim != 3:
        raise ConfigError(
            f"connectivity=edge means 18 neighbours and exists in 3-D only; this image is {ndim}-D. Name the measures "
            "with connectivity=full or face, such as lesion_f1(connectivity=full); profiles with edge are for volumes."
        )
    return {"face": 1, "edge": 2, "full": ndim}[connectivity]


def _touching(start: np.ndarray, stop: np.ndarray, step: int, reach: int) -> np.ndarray:
    """Pairs of runs, the second on the line one step further, that lie beside each other."""
    low = np.searchsorted(stop, start + step - reach, side="right")
    high = np.searchsorted(start, stop + step + reach, side="left")
    n = high - low
    one = np.repeat(np.arange(len(start)), n)
    return np.stack([one, np.arange(n.sum()) + np.repeat(low - np.cumsum(n) + n, n)])


def _in_order_of_appearance(part: np.ndarray) -> np.ndarray:
    """Numbers from 0, all of them used, as ranks of where they stand first."""
    first = np.empty(int(part.max(initial=-1)) + 1, dtype=np.int64)
    first[part[::-1]] = np.arange(len(part))[::-1]  # of several the last is kept, and that is the first
    return np.argsort(np.argsort(first))[part]
