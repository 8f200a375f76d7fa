"""Distances between outlines that are drawn slice by slice, as of images with thick slices."""

import numpy as np

from segeval.evidence.masks import Masks, Voxels
from segeval.evidence.surfaces.distances import Directed, Presence, SurfacePair


def in_plane_distances(masks: Masks) -> tuple[SurfacePair, ...]:
    """Distances in space between the outlines of both masks of every class.

    The outline are the voxels beside background within the slice, also across a corner; slices lie across the last
    axis of a volume, and where the image ends a mask has no outline.
    """
    from scipy.spatial import cKDTree

    pairs = []
    for pred, truth in zip(masks.pred, masks.truth, strict=True):
        sides = [masks.lattice.places(_outline(side)) for side in (pred, truth)]
        presence = Presence(
            in_pred=len(pred) > 0, in_truth=len(truth) > 0, on_pred=len(sides[0]) > 0, on_truth=len(sides[1]) > 0
        )
        there, back = (
            Directed(distance=cKDTree(goal).query(start)[0] if presence.is_pair else np.full(len(start), np.inf))
            for start, goal in (sides, sides[::-1])
        )
        pairs.append(SurfacePair(presence=presence, pred_to_truth=there, truth_to_pred=back))
    return tuple(pairs)


def _outline(mask: Voxels) -> np.ndarray:
    """Array indices of the voxels of the outline, (voxel, axis)."""
    from scipy import ndimage

    if not len(mask):
        return mask.coordinates
    at = mask.coordinates
    low, high = np.maximum(at.min(axis=0) - 1, 0), np.minimum(at.max(axis=0) + 2, mask.shape)
    inside = np.zeros(high - low, dtype=bool)
    inside[tuple((at - low).T)] = True
    beside = np.ones((3, 3) if inside.ndim == 2 else (3, 3, 1), dtype=bool)
    return np.argwhere(inside & ~ndimage.binary_erosion(inside, structure=beside, border_value=1)) + low
