"""The distance maps of weight-map losses for a training batch, computed on the CPU from masks alone."""

from typing import Any

import numpy as np

from segeval.evidence.space.weight_maps import REACH, BorderTerms, contour_distance, object_gap, objects_of


def distances_in_batch(
    need: type, voxels: Any, space: tuple[int, ...], *, sigma: float, objects: Any, across: bool
) -> Any:
    """The map that `need.of_map` expects in the voxels, (case, channel, voxel); no gradient flows through it.

    Args:
        need: BorderTerms or ContourTerms.
        voxels: (case, channel, voxel).
        space: the shape of one image.
        sigma: width of the border weights, for BorderTerms.
        objects: numbered objects (case, *space); None takes connected objects of each class.
        across: whether the channels are one partition, so that the objects of all classes but channel 0 count.
    """
    import torch

    hit = voxels.hit.detach() >= 0.5
    truth, pred = (_in_space(mask & (voxels.count > 0), space) for mask in (voxels.truth, voxels.truth == hit))
    if need is BorderTerms:
        numbered = _numbered(truth, objects, across=across)
        maps = [[object_gap(one, reach=REACH * sigma) for one in case] for case in numbered]
    else:
        maps = [
            [np.where(one != other, contour_distance(one, other), 0.0) for one, other in zip(*case, strict=True)]
            for case in zip(pred, truth, strict=True)
        ]
    distances = np.stack([np.stack(case) for case in maps]).reshape(truth.shape[0], -1, np.prod(space))
    return torch.from_numpy(distances).to(voxels.count).expand(voxels.count.shape)


def _in_space(mask: Any, space: tuple[int, ...]) -> np.ndarray:
    flat: np.ndarray = mask.cpu().numpy()
    return flat.reshape(*flat.shape[:2], *space)


def _numbered(truth: np.ndarray, objects: Any, *, across: bool) -> list[list[np.ndarray]]:
    """Numbered objects per case, of each channel or of all channels together."""
    if objects is not None:
        given = objects.cpu().numpy().reshape(len(truth), *truth.shape[2:])
        return [[one] if across else [one * mask for mask in case] for one, case in zip(given, truth, strict=True)]
    own = [[objects_of(mask) for mask in (case[1:] if across else case)] for case in truth]
    return [[_together(case)] for case in own] if across else own


def _together(numbered: list[np.ndarray]) -> np.ndarray:
    """Objects of several classes in one image, numbered on."""
    joint = np.zeros_like(numbered[0])
    for one in numbered:
        joint = np.where(one > 0, one + joint.max(), joint)
    return joint
