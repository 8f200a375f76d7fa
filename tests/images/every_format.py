"""Masks, probabilities, objects and images in every format, each written by a library of the field or by its rules."""

from collections.abc import Mapping
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
from PIL import Image

from tests.images.dicom_files import ORIGIN, SPACING, contours_of, save_ct, save_rtstruct, save_seg, world
from tests.images.slicer_files import save_slicer
from tests.images.test_formats import write

IN_WORLD = (".nii.gz", ".nii", ".hdr", ".mgh", ".mgz", ".mha", ".mhd", ".nrrd", ".nhdr")
BY_NAME = (".seg.nrrd", "SEG", "LABELMAP", "rtstruct")
WITHOUT_WORLD = (".npy", ".npz", ".tif", ".ome.tif", ".zarr")
FLAT = (".png", ".bmp", ".webp", ".tif", ".npy", ".zarr")
EVERY = (*IN_WORLD, *BY_NAME, *WITHOUT_WORLD)
SPACING_OPTION = ("--spacing", ",".join(map(str, SPACING)))


def options_of(kind: str) -> tuple[str, ...]:
    """What a format without a place in the world needs for distances in mm."""
    return SPACING_OPTION if kind in WITHOUT_WORLD else ()


def save_mask(folder: Path, kind: str, array: np.ndarray, names: Mapping[int, str], case: str = "c1") -> Path:
    """A mask of the shape x, y, z on the grid of `world()`, its ids, or for formats with names their classes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{case}{kind}"
    masks = {name: array == label for label, name in names.items()}
    match kind:
        case ".seg.nrrd":
            return save_slicer(path, masks)
        case "SEG" | "LABELMAP" | "rtstruct":
            pytest.importorskip("highdicom", reason="DICOM needs the extra")
            save_ct(folder / case / "ct", array.shape, case)  # type: ignore[arg-type]
            if kind == "rtstruct":
                contours = {name: contours_of(mask) for name, mask in masks.items()}
                return save_rtstruct(folder / case / "rt.dcm", contours, case)  # type: ignore[arg-type]
            return save_seg(folder / case / "seg.dcm", masks, "BINARY" if kind == "SEG" else kind, case)
    return save_ids(path, array)


def save_ids(path: Path, array: np.ndarray) -> Path:
    """Numbers of the shape x, y, z on the grid of `world()`, or of rows and columns, in a format that holds such."""
    match path.suffix:
        case ".npy":
            np.save(path, array)
        case ".npz":
            np.savez_compressed(path, array)
        case ".zarr":
            zarr = pytest.importorskip("zarr", reason="Zarr needs the extra")
            zarr.create_array(store=str(path), data=array, chunks=(4,) * array.ndim)
        case ".nii":
            nibabel.save(nibabel.Nifti1Image(array, world()), path)
        case ".tif" if path.name.endswith(".ome.tif"):
            import tifffile

            tifffile.imwrite(path, array, metadata={"axes": "ZYX"[-array.ndim :]})
        case ".nhdr":
            image = SimpleITK.ReadImage(str(write(path.with_suffix(".mha"), array, world())))
            path.with_suffix(".mha").unlink()
            SimpleITK.WriteImage(image, str(path))
        case ".mgh" | ".mgz" if array.dtype == np.uint16:  # which the format has not
            write(path, array.astype(np.int32), world())
        case _:
            write(path, array, world())
    return path


MAPS = (*IN_WORLD[1:], "4d.mha", "4d.nrrd", ".npy", ".npz", ".tif", ".ome.tif", ".zarr")


def save_maps(folder: Path, kind: str, maps: np.ndarray, case: str = "c1") -> Path:
    """Probabilities, (class, x, y, z), on the grid of `world()`; `4d` is an image of four dimensions to ITK."""
    folder.mkdir(parents=True, exist_ok=True)
    path, last = folder / f"{case}{kind.removeprefix('4d')}", np.moveaxis(maps, 0, -1)
    match kind:
        case ".nii.gz" | ".nii":
            nibabel.save(nibabel.Nifti1Image(last, world()), path)
        case ".hdr":
            nibabel.Nifti1Pair(last, world()).to_filename(path)
        case ".mgh" | ".mgz":
            nibabel.save(nibabel.MGHImage(last, world()), path)
        case ".npy":
            np.save(path, maps)
        case ".npz":
            np.savez_compressed(path, maps)
        case ".tif" | ".ome.tif":
            import tifffile

            tifffile.imwrite(path, np.moveaxis(maps, 0, 1), metadata={"axes": "ZCYX"}, photometric="minisblack")
        case ".zarr":
            zarr = pytest.importorskip("zarr", reason="Zarr needs the extra")
            names = ("c", "z", "y", "x")
            zarr.create_array(store=str(path), data=maps, chunks=(1, 4, 4, 4), dimension_names=names)
        case _:
            four = kind.startswith("4d")
            stored = last.transpose(3, 2, 1, 0) if four else last.transpose(2, 1, 0, 3)
            image = SimpleITK.GetImageFromArray(np.ascontiguousarray(stored), isVector=not four)
            image.SetSpacing((*SPACING, 1.0) if four else SPACING)
            image.SetOrigin((*ORIGIN, 0.0) if four else ORIGIN)
            SimpleITK.WriteImage(image, str(path))
    return path


def maps_options(kind: str) -> tuple[str, ...]:
    """What maps need whose file knows neither a place in the world nor which axis counts classes."""
    apart = ("--ignore-geometry",) if kind in WITHOUT_WORLD else ()
    return (*apart, "--channel-axis", "first") if kind in (".npy", ".npz") else apart


RGB = (".png", ".bmp", ".webp", ".tif")


def save_colours(path: Path, array: np.ndarray) -> Path:
    """A picture of (row, column, 3)."""
    Image.fromarray(array).save(path, **({"lossless": True, "exact": True} if path.suffix == ".webp" else {}))
    return path
