"""Read an image file of any known format."""

from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.evidence.policies import ChannelAxis, Orientation
from segeval.files.paths import printable
from segeval.files.suffixes import IMAGE_SUFFIXES, JPEG_SUFFIXES, image_suffix
from segeval.images.readers.metaimage import metaimage_stores_integers, read_metaimage
from segeval.images.readers.mgh import mgh_stores_integers, read_mgh
from segeval.images.readers.nifti import nifti_stores_integers, read_nifti
from segeval.images.readers.npy import npy_stores_integers, read_npy, read_npz
from segeval.images.readers.nrrd import nrrd_stores_integers, read_nrrd
from segeval.images.readers.pictures import read_picture, read_png, read_png_palette
from segeval.images.readers.streams import open_file
from segeval.images.readers.tiff import open_tiff, palette_of, read_tiff, tiff_stores_integers
from segeval.images.readers.volumes import Volume
from segeval.images.readers.zarr_store import read_zarr, zarr_stores_integers


def read_volume(
    path: Path,
    *,
    as_stored: bool = False,
    channel_axis: ChannelAxis | None = None,
    orientation: Orientation | None = None,
    colours: bool = False,
) -> Volume:
    """Read an image file by the reader of its suffix.

    Args:
        as_stored: leave scaled integers of up to 16 bits as they are, with their levels.
        channel_axis: which axis of a NIfTI file counts channels; by default the fourth, if there is one.
        orientation: which form of a NIfTI header to take where both are there.
        colours: let a picture have colours in a last axis, for a table that makes ids of them.

    Raises:
        DataError: the file cannot be read, or is no image that can be scored.
    """
    match image_suffix(path):
        case ".nii" | ".nii.gz" | ".hdr":
            return read_nifti(path, as_stored=as_stored, channel_axis=channel_axis, orientation=orientation)
        case ".png":
            return read_png(path, colours=colours)
        case ".npy":
            return read_npy(path)
        case ".npz":
            return read_npz(path)
        case ".mgh" | ".mgz":
            return read_mgh(path)
        case ".mha" | ".mhd":
            return read_metaimage(path)
        case ".seg.nrrd" | ".nrrd" | ".nhdr":
            return read_nrrd(path)
        case ".tif" | ".tiff" | ".ome.tif" | ".ome.tiff":
            return read_tiff(path, colours=colours)
        case ".bmp" | ".webp":
            return read_picture(path, colours=colours)
        case ".zarr" | ".ome.zarr":
            return read_zarr(path)
    if image_suffix(path) == ".dcm":
        with open_file(path) as file:
            head = file.read(132)
        if head[128:] != b"DICM":
            raise DataError(
                f"{printable(path)}: is no DICOM file, it begins with {head[:8]!r}. Name it after what it is, or copy "
                "it again."
            )
        raise DataError(
            f"{printable(path)}: is a DICOM file, and of those SEG and RTSTRUCT are read for masks, a file of each for "
            "a case. Name such a file, or export NIfTI."
        )
    if path.suffix.lower() in JPEG_SUFFIXES:
        raise DataError(
            f"{printable(path)}: JPEG compression changes values, so ids do not come back as they were. "
            "Save the masks as PNG or NIfTI from where they were made; a JPEG cannot be mended."
        )
    raise DataError(f"{printable(path)}: no reader for this kind of file. Known are {', '.join(IMAGE_SUFFIXES)}.")


def stores_integers(path: Path) -> bool:
    """Whether a file holds integers that stand for themselves, told by its header; a file that cannot be read does not.

    Its reader will say why.
    """
    try:
        match image_suffix(path):
            case ".nii" | ".nii.gz" | ".hdr":
                return nifti_stores_integers(path)
            case ".npy" | ".npz":
                return npy_stores_integers(path)
            case ".mgh" | ".mgz":
                return mgh_stores_integers(path)
            case ".mha" | ".mhd":
                return metaimage_stores_integers(path)
            case ".seg.nrrd" | ".nrrd" | ".nhdr":
                return nrrd_stores_integers(path)
            case ".tif" | ".tiff" | ".ome.tif" | ".ome.tiff":
                return tiff_stores_integers(path)
            case ".zarr" | ".ome.zarr":
                return zarr_stores_integers(path)
        return image_suffix(path) in (".png", ".bmp", ".webp")
    except DataError:
        return False


def read_palette(path: Path) -> np.ndarray | None:
    """The colours of a picture of palette indices, (index, 3); None where its values are grey, or colours, or none.

    Raises:
        DataError: the file is damaged.
    """
    match image_suffix(path):
        case ".png":
            return read_png_palette(path)
        case ".bmp":
            return read_picture(path, colours=True).palette
        case ".tif" | ".tiff":
            with open_tiff(path) as tiff:
                return palette_of(tiff)
    return None
