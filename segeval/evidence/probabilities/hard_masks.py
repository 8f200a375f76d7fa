"""Masks from probabilities: the arg-max of a softmax, and a threshold for each sigmoid."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.evidence.arrays import at_least_32_bits, dtype_of, namespace
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.channels import Block, Channels, ProbMap, blocks
from segeval.evidence.shapes import Labels, Mask, UInt

_MOST_UNIONS = 1 << 16  # different sets of classes that share a voxel, whose codes have 16 bits
_MOST_BITS = 62  # classes whose set is an int64

Classes = tuple[LabelClass, ...]
Claims = Mapping[int, Classes]  # id -> the classes that claim its voxels together


def hard_mask(channels: Channels, truth: Labels) -> tuple[Labels, Claims]:
    """The predicted label image, in the memory order of the truth.

    Sigmoids may claim a voxel for several classes. Where the label map has no id for just these, the voxel gets
    one that neither the map nor the truth uses; the second value says what it stands for.

    Raises:
        DataError: more sigmoids than can be told apart.
    """
    if channels.layout.exclusive:
        return _by_arg_max(channels, like=truth), {}
    if namespace(truth) is not np:
        return _overlaid_on_device(channels, truth)
    alone = "Write some of the channels into a file of their own, or name some of the files of classes with --labels"
    overlay = Overlay(channels.layout.classes, like=truth, alone=alone)
    for index, prob_map in enumerate(channels.maps):
        for block in blocks(overlay.codes):
            overlay.add(index, prob_map.at_least_half(block), block)
    return overlay.named(taken=distinct_ids(truth))


class Overlay:
    """Masks of classes that may share voxels, laid over one another.

    Each voxel has a code for the set of classes that claim it. There is a code for every set that occurs, not one bit
    for each class, so that hundreds of classes fit; a mask costs as much as it has voxels.
    """

    def __init__(self, classes: Classes, *, like: Labels, alone: str = "Name some of them with --labels") -> None:
        """Args:
        classes: in the order in which masks are given.
        like: an image whose shape and memory order the labels take.
        alone: how to score some of them apart, where they overlap in too many ways.
        """
        self.classes = classes
        self._alone = alone
        self.codes = np.zeros_like(like, dtype=np.uint16)
        self._sets = [0]  # of each code, one bit per class
        self._code_of = {0: 0}

    def add(self, index: int, mask: Mask, block: Block = ...) -> None:
        """Let a class claim the voxels of a mask, in the whole image or a part of it.

        Raises:
            DataError: the classes overlap in more ways than can be told apart.
        """
        part = self.codes[block]
        old = part[mask]
        if not old.size:
            return
        new = np.zeros(len(self._sets), dtype=np.uint16)
        for code in np.flatnonzero(np.bincount(old)).tolist():
            new[code] = self._coded(self._sets[code] | 1 << index)
        part[mask] = new[old]

    def _coded(self, members: int) -> int:
        if members not in self._code_of:
            if len(self._sets) == _MOST_UNIONS:
                said = f"{len(self.classes)} classes overlap in more than {_MOST_UNIONS} ways"
                raise DataError(f"{said}. {self._alone}, and score them apart.")
            self._code_of[members] = len(self._sets)
            self._sets.append(members)
        return self._code_of[members]

    def named(self, *, taken: set[int], first: int = 1) -> tuple[Labels, Claims]:
        """The codes as ids of the label map, and as ids of their own where it has none for such a union.

        Args:
            taken: ids that mean something else.
            first: where to begin looking for ids of their own.
        """
        codes = sorted(distinct_ids(self.codes), key=self._sets.__getitem__)
        ids, claims = _ids_of_sets(self.classes, [self._sets[code] for code in codes], taken=taken, first=first)
        return _translated(self.codes, dict(zip(codes, ids, strict=True))), claims


def _ids_of_sets(
    classes: Classes, sets: Sequence[int], *, taken: set[int], first: int = 1
) -> tuple[list[int], dict[int, Classes]]:
    """The id of each set of classes, one bit for each, and what the ids stand for that the label map has not."""
    known = sorted({label for of in classes for label in of.ids})
    id_of: dict[Classes, int] = {tuple(of for of in classes if label in of.ids): label for label in known[::-1]}
    id_of[()] = 0
    unions = [tuple(of for bit, of in enumerate(classes) if one >> bit & 1) for one in sets]
    free = (label for label in count(first) if label not in taken and label not in known)
    claims = {next(free): union for union in unions if union not in id_of}
    id_of |= {union: label for label, union in claims.items()}
    return [id_of[union] for union in unions], claims


def _overlaid_on_device(channels: Channels, truth: Any) -> tuple[Any, Claims]:
    """The same as by `Overlay`, of tensors; the sets that occur are found by a sort."""
    import torch

    if len(channels.maps) > _MOST_BITS:
        raise DataError(f"{len(channels.maps)} classes that may overlap are laid over one another on the CPU.")
    bits = torch.zeros_like(truth, dtype=torch.int64)
    for index, prob_map in enumerate(channels.maps):
        bits |= prob_map.at_least_half().long() << index
    sets, codes = torch.unique(bits, return_inverse=True)
    ids, claims = _ids_of_sets(channels.layout.classes, sets.tolist(), taken=distinct_ids(truth))
    return _table(ids, _image(truth, max(ids)))[codes], claims


def _by_arg_max(channels: Channels, *, like: Labels) -> Labels:
    """The class of the highest probability, of equal ones the first; a single map is held against one half."""
    ids = [label.ids[0] for label in channels.layout.classes]
    labels = _image(like, max(ids))
    as_stored = _rise_as_stored(channels.maps)
    for block in blocks(labels):
        if len(ids) == 1:
            labels[block] = channels.maps[0].at_least_half(block)
            labels[block] *= ids[0]
        else:
            which = _highest([_rank(prob_map, block, as_stored=as_stored) for prob_map in channels.maps])
            labels[block] = which if ids == list(range(len(ids))) else _table(ids, labels).take(which)
    return labels


def _highest(ranks: Sequence[Any]) -> Any:
    """Which of the arrays is the highest at each place; masks and maxima are faster than an arg-max across them."""
    if namespace(ranks[0]) is not np:
        return namespace(ranks[0]).stack(list(ranks)).argmax(0)  # of equal ones the first, here too
    best, which = ranks[0], np.zeros(ranks[0].shape, np.uint16)
    for i, rank in enumerate(ranks[1:], start=1):
        which = np.maximum(which, (rank > best) * np.uint16(i))
        best = np.maximum(best, rank)
    return which


def _rank(prob_map: ProbMap, block: tuple[slice, ...], *, as_stored: bool) -> Any:
    stored = prob_map.stored[block] if as_stored else prob_map.probs(block)
    return at_least_32_bits(stored) if dtype_of(stored).kind == "f" else stored  # half floats compare slowly


def _rise_as_stored(maps: Sequence[ProbMap]) -> bool:
    """Whether the stored numbers of all maps rank as their probabilities do."""
    levels = maps[0].levels
    if levels is None:
        return all(prob_map.levels is None for prob_map in maps)
    alike = all(prob_map.levels is not None and np.array_equal(prob_map.levels, levels) for prob_map in maps)
    return alike and maps[0].stored.dtype.kind == "u" and bool((np.diff(levels) >= 0).all())


def _translated(codes: UInt[np.ndarray, "*space"], ids: Mapping[int, int]) -> Labels:
    labels = _image(codes, max(ids.values()))
    known = np.array(sorted(ids), dtype=codes.dtype)
    new = np.array([ids[code] for code in known.tolist()], dtype=labels.dtype)
    for block in blocks(codes):
        labels[block] = 0
        on = codes[block] != 0  # cost follows the foreground
        labels[block][on] = new[np.searchsorted(known, codes[block][on])]
    return labels


def distinct_ids(labels: Labels) -> set[int]:
    """The different values of an image."""
    if namespace(labels) is not np:
        return set(labels.unique().tolist())
    found: set[int] = set()
    for block in blocks(labels):
        flat = labels[block].ravel(order="K")
        changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1  # labels come in runs: look at one voxel of each
        found.update(np.unique(np.append(flat[changes], flat[0])).tolist())
    return found


def _image(like: Labels, largest: int) -> Labels:
    if namespace(like) is not np:  # torch has no arithmetic on wider unsigned integers
        xp = namespace(like)
        return xp.empty_like(like, dtype=xp.uint8 if largest < 256 else xp.int64)
    return np.empty_like(like, dtype=np.min_scalar_type(largest))


def _table(ids: Sequence[int], like: Labels) -> Any:
    xp = namespace(like)
    return np.array(ids, like.dtype) if xp is np else xp.tensor(ids, dtype=like.dtype, device=like.device)
