"""Read an image file of any known format."""

from pathlib import Path

from segeval.errors import DataError
from segeval.evidence.policies import ChannelAxis
from segeval.files.paths import printable
from segeval.files.suffixes import IMAGE_SUFFIXES, image_suffix
from segeval.images.readers.nifti import read_nifti
from segeval.images.readers.npy import read_npy, read_npz
from segeval.images.readers.png import read_png
from segeval.images.readers.volumes import Volume


def read_volume(path: Path, *, as_stored: bool = False, channel_axis: ChannelAxis | None = None) -> Volume:
    """Read an image file by the reader of its suffix.

    Args:
        as_stored: leave scaled integers of up to 16 bits as they are, with their levels.
        channel_axis: which axis of a NIfTI file counts channels; by default the fourth, if there is one.

    Raises:
        DataError: the file cannot be read, or is no image that can be scored.
    """
    match image_suffix(path):
        case ".nii" | ".nii.gz":
            return read_nifti(path, as_stored=as_stored, channel_axis=channel_axis)
        case ".png":
            return read_png(path)
        case ".npy":
            return read_npy(path)
        case ".npz":
            return read_npz(path)
    raise DataError(f"{printable(path)}: no reader for this kind of file. Known are {', '.join(IMAGE_SUFFIXES)}.")
