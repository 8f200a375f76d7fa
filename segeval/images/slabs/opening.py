"""Open an image to be read in slabs, if its format can be."""

from pathlib import Path

from segeval.evidence.policies import ChannelAxis, Orientation
from segeval.files.suffixes import image_suffix
from segeval.images.readers.nifti import nifti_voxels
from segeval.images.readers.npy import npy_voxels
from segeval.images.readers.volumes import Slabs
from segeval.images.slabs.png_slabs import png_slabs
from segeval.images.slabs.tiff_slabs import tiff_slabs


def open_slabs(
    path: Path,
    *,
    as_stored: bool = False,
    channel_axis: ChannelAxis | None = None,
    orientation: Orientation | None = None,
    colours: bool = False,
) -> Slabs | None:
    """The slabs of an image, see `read_volume`; None for a format that is read as a whole.

    Raises:
        DataError: the file cannot be read, is no image that can be scored, or is packed in a way that has no slabs.
    """
    match image_suffix(path):
        case ".nii" | ".nii.gz" | ".hdr":
            voxels = nifti_voxels(path, as_stored=as_stored, channel_axis=channel_axis, orientation=orientation)
            return voxels.slabs()
        case ".npy" | ".npz":
            return npy_voxels(path, channel_axis=channel_axis).slabs()
        case ".png":
            return png_slabs(path, colours=colours)
        case ".tif" | ".tiff" | ".ome.tif" | ".ome.tiff":
            return tiff_slabs(path, colours=colours)
    return None
