"""Maps of lesions or objects that are given, in place of connected components."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from segeval.evidence.arrays import is_one_of, numbered
from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.components import Components
from segeval.evidence.lesions.matching import Overlaps, Tally
from segeval.evidence.masks import Voxels, values_at
from segeval.evidence.overlap.cells import Cells
from segeval.evidence.shapes import Bool, Int64, Labels


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
        inside = self.holds(ids, of)
        numbers, owner, _ = numbered(ids[inside])
        return Components(index=index[inside], owner=owner, ids=numbers, shape=mask.shape)

    def holds(self, ids: Int64[np.ndarray, " any"], of: LabelClass) -> Bool[np.ndarray, " any"]:
        """Which ids are instances of a class, as far as the map knows."""
        inside = ids > 0
        if self.classes:
            inside &= np.isin(ids, [one for one, own in self.classes.items() if set(own) <= set(of.ids)])
        return inside

    def split(self, parts: Components) -> tuple[Components, Components]:
        """The parts that are objects, and those that are crowds."""
        crowd = np.isin(parts.ids, list(self.crowd))
        return parts.only(~crowd), parts.only(crowd)


def tally_of(
    cells: Cells,
    maps: tuple[InstanceMap, InstanceMap],
    of: LabelClass,
    *,
    members: Sequence[int],
    ignore: Sequence[int],
    n_voxels: float,
) -> Tally:
    """Count the instances of a class without a look at where they lie.

    Args:
        cells: voxels by label and id on both sides.
        maps: the ids of pred and truth, of which none stands for several instances.
        members: labels that stand for the class.
        ignore: labels of the truth whose voxels count nowhere.
        n_voxels: smaller instances are left out.
    """
    of_pred = is_one_of(cells.pred_label, members) & maps[0].holds(cells.pred_id, of)
    of_truth = is_one_of(cells.truth_label, members) & maps[1].holds(cells.truth_id, of)
    met = of_pred | of_truth
    cells, of_pred, of_truth = cells.only(met), of_pred[met], of_truth[met]
    seen = ~is_one_of(cells.truth_label, ignore)
    _, preds, n_whole = _sized(cells.pred_id, cells.voxels, of_pred)
    ids, truths, n_truth = _sized(cells.truth_id, cells.voxels, of_truth & seen)
    n_seen = _total(preds, cells.voxels * seen, len(n_whole))
    is_crowd = is_one_of(ids, maps[1].crowd)
    in_crowd = np.append(is_crowd, False)[truths]
    large, large_truth = (size >= n_voxels * (1 - 1e-9) for size in (n_whole, n_truth))
    kept, kept_truth = large & (n_seen > 0), large_truth & ~is_crowd
    preds, truths = np.where(seen, _of_kept(preds, kept), -1), _of_kept(truths, kept_truth)
    n_whole, n_seen, n_truth = n_whole[kept], n_seen[kept], n_truth[kept_truth]
    n_excused = _total(np.where(in_crowd, preds, -1), cells.voxels, len(n_seen))
    both = (preds >= 0) & (truths >= 0)
    pair, place, _ = numbered(truths[both] * len(n_seen) + preds[both])
    return Tally(
        overlaps=Overlaps(
            truth=pair // max(len(n_seen), 1),
            pred=pair % max(len(n_seen), 1),
            voxels=_total(place, cells.voxels[both], len(pair)),
            truth_voxels=n_truth,
            pred_voxels=n_seen,
        ),
        mostly_ignored=n_whole - n_seen + n_excused > n_seen - n_excused,
        n_dropped=(int((~large).sum()), int((~large_truth & ~is_crowd).sum())),
    )


def _sized(ids: np.ndarray, voxels: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The ids of some cells, the place of each cell's among them, -1 of the other cells, and the voxels of each id."""
    numbers, place, _ = numbered(ids[there])
    places = np.full(len(ids), -1)
    places[there] = place
    return numbers, places, _total(places, voxels, len(numbers))


def _total(places: np.ndarray, voxels: np.ndarray, n: int) -> np.ndarray:
    """The voxels of all cells of each of n places; -1 is none."""
    there = places >= 0
    return np.bincount(places[there], voxels[there], n).astype(np.int64)


def _of_kept(places: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The places among those that are kept; -1 is none."""
    return np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)[places]


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
