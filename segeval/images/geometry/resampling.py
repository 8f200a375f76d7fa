"""Read an image at the voxels of another grid."""

from typing import Any

import numpy as np

_EXACT_IN_DOUBLE = 1 << 53


def resample(image: np.ndarray, *, shape: tuple[int, ...], to_source: np.ndarray, linear: bool) -> np.ndarray:
    """The image on a grid of `shape`, 0 outside of it.

    Args:
        image: three spatial axes, and maybe a fourth of channels.
        to_source: 4 x 4 map from indices of the new grid to indices of the image; sheared maps too.
        linear: interpolate between voxels; otherwise take the nearest one.
    """
    if image.ndim == 4:
        channels = [resample(one, shape=shape, to_source=to_source, linear=linear) for one in np.moveaxis(image, 3, 0)]
        return np.stack(channels, axis=-1)
    if not linear and image.dtype.itemsize == 8 and np.abs(image).max() > _EXACT_IN_DOUBLE:
        return _resample_wide_ids(image, shape=shape, to_source=to_source)
    return _run_filter(image, shape=shape, to_source=to_source, linear=linear)


def _resample_wide_ids(image: np.ndarray, **grid: Any) -> np.ndarray:
    """Ids that ITK would round, since it passes voxels through double: resample their ranks instead."""
    ids, ranks = np.unique(np.append(image.ravel(), image.dtype.type(0)), return_inverse=True)
    outside = ranks[-1]
    moved = _run_filter(ranks[:-1].reshape(image.shape) - outside, linear=False, **grid)
    return np.asarray(ids[moved + outside])


def _run_filter(image: np.ndarray, *, shape: tuple[int, ...], to_source: np.ndarray, linear: bool) -> np.ndarray:
    """Resample in index space, where every affine map is allowed; ITK's own directions must be orthonormal."""
    import SimpleITK as sitk  # noqa: N813

    # seven digits are all that a header keeps: without rounding, their noise would decide between equally near voxels
    to_source = np.round(to_source, 6)
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(to_source[:3, :3].ravel().tolist())
    transform.SetTranslation(to_source[:3, 3].tolist())
    run = sitk.ResampleImageFilter()
    run.SetNumberOfThreads(1)
    run.SetSize([int(n) for n in shape])
    run.SetTransform(transform)
    run.SetInterpolator(sitk.sitkLinear if linear else sitk.sitkNearestNeighbor)
    run.SetDefaultPixelValue(0)
    moved = run.Execute(sitk.GetImageFromArray(_itk_type(image).T))  # ITK's arrays run (z, y, x)
    return np.asarray(sitk.GetArrayFromImage(moved)).T


def _itk_type(image: np.ndarray) -> np.ndarray:
    """ITK knows no booleans and no half floats."""
    return image.astype({"?": np.uint8, "e": np.float32}.get(image.dtype.char, image.dtype), copy=False)
