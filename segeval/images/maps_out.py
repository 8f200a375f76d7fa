"""Write a probability map as a file that every reader of this program takes."""

from pathlib import Path

import numpy as np

from segeval.files.writing import PRIVATE_PREFIX, cannot_write
from segeval.images.geometry.grids import grid_of


def write_map(path: Path, probs: np.ndarray, *, affine: np.ndarray | None) -> None:
    """Write a map as float32, NIfTI where it has a place in the world and NPY where not, whole or not at all.

    Args:
        path: ends in `.nii.gz` or `.npy` accordingly.
        affine: from voxel indices to world millimetres, shape (4, ndim + 1).

    Raises:
        ConfigError: the file cannot be written.
    """
    beside = path.with_name(f"{PRIVATE_PREFIX}{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(beside, probs.astype(np.float32), affine)
        beside.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        beside.unlink(missing_ok=True)


def _write(path: Path, probs: np.ndarray, affine: np.ndarray | None) -> None:
    if affine is None:
        with path.open("wb") as file:
            np.save(file, probs)
        return
    import nibabel as nib

    grid = grid_of(affine, probs.shape)
    image = nib.Nifti1Image(probs.reshape(grid.shape), grid.affine)  # type: ignore[no-untyped-call]
    nib.save(image, path)
