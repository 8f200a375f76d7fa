"""Ids that mean one class in the predictions and another in the truth, as the joint histogram shows them."""

import numpy as np

from segeval.evidence.overlap.counts import Histogram

_FITS = 0.5  # Dice of two ids that mean the same; no third id can come as near
_FAR = 0.2  # Dice of an id with itself that does not


def mixed_ids(histogram: Histogram) -> dict[int, int]:
    """What each predicted id seems to be in the truth, for those that are mixed up: shifted by one, or swapped.

    Two ids belong together where their voxels overlap by a Dice of one half, while neither overlaps with itself. With a
    single class on each side there is nothing to choose between: 255 there stands for 1 here.
    """
    of_truth, of_pred = histogram.n.sum(axis=1), histogram.n.sum(axis=0)
    ids = histogram.ids
    truths = [label for label, n in zip(ids, of_truth, strict=True) if n and label]
    preds = [label for label, n in zip(ids, of_pred, strict=True) if n and label]
    if len(truths) == len(preds) == 1 and truths != preds:
        return {preds[0]: truths[0]}
    dice = 2 * histogram.n / np.maximum(of_truth[:, None] + of_pred, 1)
    own = np.diagonal(dice)
    off = np.argwhere((dice >= _FITS) & (own[:, None] < _FAR) & (own < _FAR))
    moved: dict[int, int] = {}
    for truth, pred in sorted(off.tolist(), key=lambda cell: -dice[cell[0], cell[1]]):
        if ids[pred] not in moved and ids[truth] not in moved.values():
            moved[ids[pred]] = ids[truth]
    return dict(sorted(moved.items()))
