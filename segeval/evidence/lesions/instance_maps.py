"""Maps of lesions or objects that are given, in place of connected components."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from segeval.evidence.arrays import numbered
from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.components import Components
from segeval.evidence.masks import Voxels, values_at
from segeval.evidence.shapes import Labels


@dataclass(frozen=True, kw_only=True)
class InstanceMap:
    """Which voxel belongs to which instance: ids above 0, of which no voxel has two unless `shared` says so.

    Attributes:
        ids: an id per voxel; 0 is no instance.
        shared: ids that stand for several instances, which share the voxels.
        classes: the ids of the class of each instance, where the map knows them; else the mask says of which class a
            voxel is.
        crowd: regions of many objects that nobody told apart: they are no objects to be found, and what is predicted
            there is no false alarm.
        confidence: how sure the prediction is of each instance; None where it does not say.
    """

    ids: Labels
    shared: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    classes: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    crowd: frozenset[int] = frozenset()
    confidence: Mapping[int, float] | None = None

    def parts_of(self, mask: Voxels, of: LabelClass) -> Components:
        """The instances of a class within its mask, crowds among them; a voxel that several share is there for each."""
        index, ids = _apart(mask.index, values_at(self.ids, mask.index).astype(np.int64), self.shared)
        inside = ids > 0
        if self.classes:
            inside &= np.isin(ids, [one for one, own in self.classes.items() if set(own) <= set(of.ids)])
        numbers, owner, _ = numbered(ids[inside])
        return Components(index=index[inside], owner=owner, ids=numbers, shape=mask.shape)

    def split(self, parts: Components) -> tuple[Components, Components]:
        """The parts that are objects, and those that are crowds."""
        crowd = np.isin(parts.ids, list(self.crowd))
        return parts.only(~crowd), parts.only(crowd)


def _apart(index: np.ndarray, ids: np.ndarray, shared: Mapping[int, tuple[int, ...]]) -> tuple[np.ndarray, np.ndarray]:
    """Each voxel once for every instance it belongs to, still by index, then by id."""
    if not shared or not len(index):
        return index, ids
    keys = sorted(shared)
    members = [sorted(shared[key]) for key in keys]
    n_members = np.array(list(map(len, members)))
    first = np.cumsum(n_members) - n_members
    which = np.minimum(np.searchsorted(keys, ids), len(keys) - 1)
    is_shared = np.array(keys)[which] == ids
    times = np.where(is_shared, n_members[which], 1)
    voxel = np.repeat(np.arange(len(ids)), times)
    nth = np.arange(len(voxel)) - np.repeat(np.cumsum(times) - times, times)
    every = np.concatenate(members)
    of_shared = every[np.minimum(first[which[voxel]] + nth, len(every) - 1)]
    return index[voxel], np.where(is_shared[voxel], of_shared, ids[voxel])
