"""Which files, and folders that are read like files, are images, told by their names alone."""

from pathlib import Path, PurePath

IMAGE_SUFFIXES = (
    *(".nii.gz", ".nii", ".hdr", ".mgh", ".mgz", ".mha", ".mhd", ".seg.nrrd", ".nrrd", ".nhdr"),
    *(".png", ".ome.tif", ".ome.tiff", ".tif", ".tiff", ".bmp", ".webp", ".npy", ".npz", ".ome.zarr", ".zarr", ".dcm"),
)

JPEG_SUFFIXES = (".jpg", ".jpeg", ".jfif")  # whose compression changes ids


def image_suffix(path: PurePath) -> str | None:
    """The image suffix of a file name, in lower case, or of the Zarr store or JSON file that it lies in; else None."""
    if split_listed(path):
        return ".json"
    name = path.name.lower()
    found = next((suffix for suffix in IMAGE_SUFFIXES if name.endswith(suffix)), None)
    return found or (".zarr" if any(part.lower().endswith(".zarr") for part in path.parts[:-1]) else None)


def split_listed(path: PurePath) -> tuple[Path, str] | None:
    """The JSON file of many images, and the name of one of them, of a path such as `val.json/street/1.jpg`."""
    for place, part in enumerate(path.parts[:-1]):
        if part.lower().endswith(".json"):
            return Path(*path.parts[: place + 1]), "/".join(path.parts[place + 1 :])
    return None


def is_store(path: Path) -> bool:
    """Whether a folder is an image: a Zarr store, or a node in it."""
    return image_suffix(path) in (".zarr", ".ome.zarr") and path.is_dir()


def stem(path: PurePath) -> str:
    """The file name without its image suffix: `liver.v2.nii.gz` gives `liver.v2`."""
    suffix = image_suffix(path)
    return path.name[: -len(suffix)] if suffix and path.name.lower().endswith(suffix) else path.stem
