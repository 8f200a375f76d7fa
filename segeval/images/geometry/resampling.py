"""Read an image at the voxels of another grid."""

import numpy as np

_SLAB = 1 << 22  # voxels at a time, so that coordinates take little memory


def resample(image: np.ndarray, *, shape: tuple[int, ...], to_source: np.ndarray, linear: bool) -> np.ndarray:
    """The image on a grid of `shape`, 0 outside of it; up to half a voxel beyond its outer voxels it goes on.

    Args:
        image: three spatial axes, and maybe a fourth of channels.
        to_source: 4 x 4 map from indices of the new grid to indices of the image; sheared maps too.
        linear: interpolate between voxels; otherwise take the nearest one, of two equally near ones the later.
    """
    if image.ndim == 4:
        channels = [
            resample(channel, shape=shape, to_source=to_source, linear=linear) for channel in np.moveaxis(image, 3, 0)
        ]
        return np.stack(channels, axis=-1)
    # seven digits are all that a header keeps: without rounding, their noise would decide between equally near voxels
    to_source = np.round(to_source, 6)
    halves = image.dtype.char in "e?"  # which scipy does not interpolate
    values = image.astype(np.float32) if linear and halves else image
    moved = np.empty(shape, dtype=values.dtype)
    step = max(1, _SLAB // max(1, shape[1] * shape[2]))
    for start in range(0, shape[0], step):
        slab = moved[start : start + step]
        if linear:
            _transform(values, to_source, start, slab, order=1, mode="nearest")
            slab[~_inside(_source_coordinates(to_source, start, slab.shape), image.shape)] = 0
        elif image.dtype.itemsize < 8 and not halves:
            _transform(values, to_source, start, slab, order=0, mode="grid-constant")
        else:  # scipy passes voxels through double, and ids of 64 bits keep all their digits here
            at = _source_coordinates(to_source, start, slab.shape)
            slab[...] = np.where(_inside(at, image.shape), _nearest(image, at), image.dtype.type(0))
    return moved


def _transform(
    image: np.ndarray, to_source: np.ndarray, start: int, slab: np.ndarray, *, order: int, mode: str
) -> None:
    from scipy.ndimage import affine_transform

    offset = to_source[:3, 3] + start * to_source[:3, 0]
    affine_transform(
        image, to_source[:3, :3], offset, output_shape=slab.shape, output=slab, order=order, mode=mode, cval=0
    )


def _source_coordinates(to_source: np.ndarray, start: int, shape: tuple[int, ...]) -> list[np.ndarray]:
    """Index in the image, axis by axis, of every voxel of a slab."""
    i, j, k = np.ogrid[start : start + shape[0], : shape[1], : shape[2]]
    return [row[0] * i + row[1] * j + row[2] * k + row[3] for row in to_source[:3]]


def _inside(coordinates: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    sides = [(axis >= -0.5) & (axis < n - 0.5) for axis, n in zip(coordinates, shape, strict=True)]
    return np.asarray(sides[0] & sides[1] & sides[2])


def _nearest(image: np.ndarray, coordinates: list[np.ndarray]) -> np.ndarray:
    rounded = [
        np.clip(np.floor(axis + 0.5), 0, n - 1).astype(np.intp)
        for axis, n in zip(coordinates, image.shape, strict=True)
    ]
    return np.asarray(image[tuple(rounded)])
