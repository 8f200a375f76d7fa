"""Which files are images, told by their names alone."""

from pathlib import PurePath

IMAGE_SUFFIXES = (
    *(".nii.gz", ".nii", ".hdr", ".mgh", ".mgz", ".mha", ".mhd", ".seg.nrrd", ".nrrd", ".nhdr"),
    *(".png", ".tif", ".tiff", ".bmp", ".webp", ".npy", ".npz", ".dcm"),
)

JPEG_SUFFIXES = (".jpg", ".jpeg", ".jfif")  # whose compression changes ids


def image_suffix(path: PurePath) -> str | None:
    """The image suffix of a file name, in lower case; None for any other file."""
    name = path.name.lower()
    return next((suffix for suffix in IMAGE_SUFFIXES if name.endswith(suffix)), None)


def stem(path: PurePath) -> str:
    """The file name without its image suffix: `liver.v2.nii.gz` gives `liver.v2`."""
    suffix = image_suffix(path)
    return path.name[: -len(suffix)] if suffix else path.stem
