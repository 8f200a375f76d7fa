"""Masks from probabilities: the arg-max of a softmax, and a threshold for each sigmoid."""

from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np

from segeval.errors import DataError
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.channels import Channels, ProbMap, blocks
from segeval.evidence.shape_words import UInt
from segeval.evidence.shapes import Labels

MOST_OVERLAPPING = 64  # sigmoids, one bit of a voxel's code for each

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
    return _named(_codes(channels.maps, like=truth), channels.layout.classes, taken=_distinct(truth))


def _by_arg_max(channels: Channels, *, like: Labels) -> Labels:
    """The class of the highest probability, of equal ones the first; a single map is held against one half."""
    ids = [one.ids[0] for one in channels.layout.classes]
    labels = _image(like, max(ids))
    as_stored = _rise_as_stored(channels.maps)
    for block in blocks(labels):
        if len(ids) == 1:
            labels[block] = channels.maps[0].at_least_half(block) * labels.dtype.type(ids[0])
        else:
            which = _highest([_rank(one, block, as_stored=as_stored) for one in channels.maps])
            labels[block] = which if ids == list(range(len(ids))) else np.array(ids, labels.dtype).take(which)
    return labels


def _highest(ranks: Sequence[np.ndarray]) -> np.ndarray:
    """Which of the arrays is the highest at each place; masks and maxima are faster than an arg-max across them."""
    best, which = ranks[0], np.zeros(ranks[0].shape, np.uint16)
    for i, rank in enumerate(ranks[1:], start=1):
        which = np.maximum(which, (rank > best) * np.uint16(i))
        best = np.maximum(best, rank)
    return which


def _rank(one: ProbMap, block: tuple[slice, ...], *, as_stored: bool) -> np.ndarray:
    stored = one.stored[block] if as_stored else one.probs(block)
    return stored.astype(np.float32) if stored.dtype == np.float16 else stored  # half floats compare slowly


def _rise_as_stored(maps: Sequence[ProbMap]) -> bool:
    """Whether the stored numbers of all maps rank as their probabilities do."""
    levels = maps[0].levels
    if levels is None:
        return all(one.levels is None for one in maps)
    alike = all(one.levels is not None and np.array_equal(one.levels, levels) for one in maps)
    return alike and maps[0].stored.dtype.kind == "u" and bool((np.diff(levels) >= 0).all())


def _codes(maps: Sequence[ProbMap], *, like: Labels) -> UInt[np.ndarray, "*space"]:
    """One bit per map, set where its class is predicted."""
    if len(maps) > MOST_OVERLAPPING:
        raise DataError(
            f"{len(maps)} sigmoids that may overlap are more than {MOST_OVERLAPPING}. Score some of them at a time."
        )
    codes = _image(like, (1 << len(maps)) - 1)
    for block in blocks(codes):
        codes[block] = 0
        for bit, one in enumerate(maps):
            codes[block] |= one.at_least_half(block) * codes.dtype.type(1 << bit)
    return codes


def _named(codes: UInt[np.ndarray, "*space"], classes: Classes, *, taken: set[int]) -> tuple[Labels, Claims]:
    """The codes as ids of the label map, and as ids of their own where it has none for such a union."""
    known = sorted({one for of in classes for one in of.ids})
    id_of: dict[Classes, int] = {tuple(of for of in classes if one in of.ids): one for one in reversed(known)}
    id_of[()] = 0
    unions = {code: tuple(of for bit, of in enumerate(classes) if code >> bit & 1) for code in sorted(_distinct(codes))}
    free = (one for one in count(1) if one not in taken and one not in known)
    claims = {next(free): union for union in unions.values() if union not in id_of}
    id_of |= {union: one for one, union in claims.items()}
    return _translated(codes, {code: id_of[union] for code, union in unions.items()}), claims


def _translated(codes: UInt[np.ndarray, "*space"], ids: Mapping[int, int]) -> Labels:
    labels = _image(codes, max(ids.values()))
    known = np.array(sorted(ids), dtype=codes.dtype)
    new = np.array([ids[one] for one in known.tolist()], dtype=labels.dtype)
    for block in blocks(codes):
        labels[block] = 0
        on = codes[block] != 0  # cost follows the foreground
        labels[block][on] = new[np.searchsorted(known, codes[block][on])]
    return labels


def _distinct(labels: Labels) -> set[int]:
    """The different values of an image."""
    found: set[int] = set()
    for block in blocks(labels):
        flat = labels[block].ravel(order="K")
        changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1  # labels come in runs: look at one voxel of each
        found.update(np.unique(np.append(flat[changes], flat[0])).tolist())
    return found


def _image(like: Labels, largest: int) -> Labels:
    return np.empty_like(like, dtype=np.min_scalar_type(largest))
