"""Passes over a label volume as 64-bit words, most of which are background and cost nothing.

A word holds eight uint8 voxels (four uint16, ...) that lie side by side in memory. In a medical volume nine words of
ten are 0 in both masks, and one comparison of 64 bits tells so of eight voxels at once; only words that are not 0 are
looked at voxel by voxel. Arrays here are flat and contiguous, positions are flat indices. A few voxels after the last
whole word, the tail, are always looked at.

What may be a surface is found in the same way. A voxel lies on the surface of its label if a neighbour has another
label. The neighbour of voxel i at some offset of the image stands a fixed distance away in memory, its shift s. So the
words of the volume are laid over themselves, s voxels on: where a word and its shifted twin differ (their XOR is not
0), some voxel of the word has an unlike neighbour there. All neighbours are ORed into one word before the voxels are
told apart. A shift runs on from the end of one row into the next, which is no neighbour; but a voxel at the end of a
row lies on a face of the image, and those are all meant. Where a quarter of the words or more are not 0, picking them
out costs more than it saves: then the whole volume is laid over itself, voxel by voxel.

Words are compared with 0 before they are searched: numpy finds the few that are true in an array of bools five times
faster than in one of integers. Chunks are small enough for a chunk and its shifted twins to stay in the L2 cache.
"""

from collections.abc import Iterator, Sequence

import numpy as np

_WORD = np.dtype("<u8")  # the first voxel in the lowest bits, whatever the machine
_DENSE = 0.25  # of the words are not 0
_CHUNK = 1 << 15  # 256 KiB of each array: a chunk and its neighbours stay in the L2 cache


def positions(flat: np.ndarray, *, zero_counts: bool) -> Iterator[np.ndarray]:
    """Positions of the voxels that are not 0, or of all if 0 counts, in order and chunk by chunk."""
    words, tail = _words(flat)
    for start in range(0, words.size, _CHUNK):
        chunk = words[start : start + _CHUNK]
        at = start + (np.arange(chunk.size) if zero_counts else np.flatnonzero(chunk != 0))
        yield _voxels(at, _wanted(words[at].view(flat.dtype), zero_counts=zero_counts), flat.dtype)
    yield tail[_wanted(flat[tail], zero_counts=zero_counts)]


def pairs_with_foreground(truth: np.ndarray, pred: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The voxels of all words that are not 0 in two arrays of one dtype, side by side and chunk by chunk.

    What is left out is 0 in both.
    """
    (ours, tail), (theirs, _) = _words(truth), _words(pred)
    yield truth[tail], pred[tail]
    for start in range(0, ours.size, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        pair = ours[chunk], theirs[chunk]
        at = np.flatnonzero((pair[0] | pair[1]) != 0)
        if at.size < pair[0].size:
            pair = pair[0][at], pair[1][at]
        yield pair[0].view(truth.dtype), pair[1].view(pred.dtype)


def disagreements(pred: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Positions at which two arrays of one dtype differ."""
    (ours, tail), (theirs, _) = _words(pred), _words(truth)
    found = [tail[pred[tail] != truth[tail]]]
    for start in range(0, ours.size, _CHUNK):
        unlike = (ours[start : start + _CHUNK] ^ theirs[start : start + _CHUNK]).astype(_WORD, copy=False)
        at = np.flatnonzero(unlike != 0)
        found.append(_voxels(start + at, unlike[at].view(pred.dtype) != 0, pred.dtype))
    return np.concatenate(found)


def surface_candidates(
    flat: np.ndarray, *, shape: tuple[int, ...], shifts: Sequence[int], zero_counts: bool
) -> np.ndarray:
    """Positions of all voxels that differ from a neighbour or lie on a face of the image, each once.

    Args:
        flat: the labels.
        shape: of the image.
        shifts: distance in memory of every neighbour.
        zero_counts: whether 0 is a class, and not background.
    """
    words, _ = _words(flat)
    if zero_counts or np.count_nonzero(words != 0) > _DENSE * words.size:
        return _dense_candidates(flat, shape, shifts, zero_counts=zero_counts)
    reach = max(shifts) * flat.itemsize // _WORD.itemsize + 1
    stop = max(words.size - reach, 0)  # the last words have neighbours beyond the last whole one
    found = []
    for start in range(0, stop, _CHUNK):
        at = start + np.flatnonzero(words[start : min(start + _CHUNK, stop)] != 0)
        found.append(_unlike_neighbours(words, at, flat.dtype, shifts))
    first = stop * (_WORD.itemsize // flat.itemsize)
    last = first + np.flatnonzero(_unlike(flat, shifts, first=first) & (flat[first:] != 0))
    inside = np.concatenate([*found, last])
    others = np.sort(_on_faces(flat, shape))  # np.unique hashes them
    others = others[np.diff(others, prepend=-1) > 0]
    return np.concatenate([inside, others[~_among(others, inside)]])


def _dense_candidates(
    flat: np.ndarray, shape: tuple[int, ...], shifts: Sequence[int], *, zero_counts: bool
) -> np.ndarray:
    wanted = _unlike(flat, shifts)
    for axis in range(len(shape)):
        faces = np.moveaxis(wanted.reshape(shape), axis, 0)
        faces[0] = faces[-1] = True
    if not zero_counts:
        wanted &= flat != 0
    return np.concatenate([*positions(wanted, zero_counts=False)])


def _unlike(flat: np.ndarray, shifts: Sequence[int], *, first: int = 0) -> np.ndarray:
    """Which voxels from `first` on differ from one that stands a shift away in memory."""
    unlike = np.zeros(flat.size - first, dtype=bool)
    for shift in shifts:
        start, stop = max(first, -shift), flat.size - max(shift, 0)
        if start < stop:
            unlike[start - first : stop - first] |= flat[start + shift : stop + shift] != flat[start:stop]
    return unlike


def _words(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The array as words, and the positions of the few voxels after the last whole word."""
    per_word = _WORD.itemsize // flat.itemsize
    n_words = flat.size // per_word
    return flat[: n_words * per_word].view(_WORD), np.arange(n_words * per_word, flat.size)


def _voxels(at: np.ndarray, wanted: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Positions of the wanted voxels of the words at `at`."""
    bits = (_WORD.itemsize // dtype.itemsize).bit_length() - 1  # a shift costs less than a division
    found = np.flatnonzero(wanted)
    return (at[found >> bits] << bits) + (found & (1 << bits) - 1)


def _wanted(values: np.ndarray, *, zero_counts: bool) -> np.ndarray:
    """Which values count; bools are not compared, since numpy would make numbers of them first."""
    if zero_counts:
        return np.ones(values.shape, dtype=bool)
    return values if values.dtype == bool else values != 0


def _unlike_neighbours(words: np.ndarray, at: np.ndarray, dtype: np.dtype, shifts: Sequence[int]) -> np.ndarray:
    own = words[at]
    unlike = np.zeros_like(own)
    for shift in shifts:
        unlike |= _shifted(words, at, shift * dtype.itemsize) ^ own
    return _voxels(at, (unlike.view(dtype) != 0) & (own.view(dtype) != 0), dtype)


def _shifted(words: np.ndarray, at: np.ndarray, shift: int) -> np.ndarray:
    """The words that start `shift` bytes after those at `at`; beyond the ends any word."""
    skip, part = divmod(shift, _WORD.itemsize)
    low = words.take(at + skip, mode="clip")
    if not part:
        return low
    high = words.take(at + (skip + 1), mode="clip")
    return low >> np.uint64(8 * part) | high << np.uint64(64 - 8 * part)


def _among(some: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Which of `some` occur in `ordered`."""
    if not ordered.size:
        return np.zeros(some.size, dtype=bool)
    return ordered[np.searchsorted(ordered, some).clip(max=ordered.size - 1)] == some


def _on_faces(flat: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Positions of the voxels on the faces of the image that are not 0, some of them more than once."""
    image, strides = flat.reshape(shape), np.cumprod((1, *shape[:0:-1]))[::-1]
    found = []
    for axis, n in enumerate(shape):
        for index in (0, n - 1):
            face = image.take([index], axis=axis)
            inside = np.unravel_index(np.flatnonzero(face != 0), face.shape)
            found.append(strides @ np.stack(inside) + index * strides[axis])
    return np.concatenate(found)
