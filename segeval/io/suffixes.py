"""Which files are images, told by their names alone."""

from pathlib import PurePath

IMAGE_SUFFIXES = (".nii.gz", ".nii", ".png", ".npy", ".npz")


def image_suffix(path: PurePath) -> str | None:
    """The image suffix of a file name, in lower case; None for any other file."""
    name = path.name.lower()
    return next((suffix for suffix in IMAGE_SUFFIXES if name.endswith(suffix)), None)
