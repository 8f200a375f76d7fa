"""Which files, and folders that are read like files, are images, told by their names alone."""

from pathlib import Path, PurePath

IMAGE_SUFFIXES = (
    *(".nii.gz", ".nii", ".hdr", ".mgh", ".mgz", ".mha", ".mhd", ".seg.nrrd", ".nrrd", ".nhdr"),
    *(".png", ".tif", ".tiff", ".bmp", ".webp", ".npy", ".npz", ".ome.zarr", ".zarr", ".dcm"),
)

JPEG_SUFFIXES = (".jpg", ".jpeg", ".jfif")  # whose compression changes ids


def image_suffix(path: PurePath) -> str | None:
    """The image suffix of a file name, in lower case, or of the Zarr store that a node lies in; None for any other."""
    name = path.name.lower()
    found = next((suffix for suffix in IMAGE_SUFFIXES if name.endswith(suffix)), None)
    return found or (".zarr" if any(part.lower().endswith(".zarr") for part in path.parts[:-1]) else None)


def is_store(path: Path) -> bool:
    """Whether a folder is an image: a Zarr store, or a node in it."""
    return image_suffix(path) in (".zarr", ".ome.zarr") and path.is_dir()


def stem(path: PurePath) -> str:
    """The file name without its image suffix: `liver.v2.nii.gz` gives `liver.v2`."""
    suffix = image_suffix(path)
    return path.name[: -len(suffix)] if suffix and path.name.lower().endswith(suffix) else path.stem
