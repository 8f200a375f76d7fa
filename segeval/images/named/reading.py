"""Read a file of named masks of any known format."""

from pathlib import Path

from segeval.files.suffixes import image_suffix
from segeval.images.named.coco import coco_names, is_coco, read_coco
from segeval.images.named.contours import read_contours, roi_names
from segeval.images.named.dicom import SEGMENTATIONS, STRUCTURES, is_dicom_mask, sop_class
from segeval.images.named.masks import NamedMasks
from segeval.images.named.segmentation import holds_fractions, read_segmentation, referenced_series, segment_names
from segeval.images.named.series import SeriesFinder, SeriesGrid
from segeval.images.named.slicer import has_segments, read_slicer, slicer_names


def has_names(path: Path) -> bool:
    """Whether a file holds masks that bear names, and no ids."""
    if is_coco(path):
        return True
    return is_dicom_mask(path) if image_suffix(path) == ".dcm" else _is_of_slicer(path)


def _is_of_slicer(path: Path) -> bool:
    return image_suffix(path) in (".seg.nrrd", ".nrrd", ".nhdr") and has_segments(path)


def names_in(path: Path, beside: Path | None = None) -> tuple[str, ...]:
    """The names of the masks in a file that has names.

    Args:
        beside: the file of the other side, which names what results of COCO have by numbers.

    Raises:
        DataError: the file is damaged, or two masks bear one name.
    """
    if is_coco(path):
        return coco_names(path, beside)
    if _is_of_slicer(path):
        return slicer_names(path)
    return roi_names(path) if sop_class(path) == STRUCTURES else segment_names(path)


def named_maps(path: Path) -> bool:
    """Whether the masks in a file that has names are probabilities.

    Raises:
        DataError: the file is damaged.
    """
    return sop_class(path) in SEGMENTATIONS and holds_fractions(path)


def read_named(path: Path, finder: SeriesFinder, beside: Path | None = None) -> tuple[NamedMasks, SeriesGrid | None]:
    """The masks of a file, and the grid of the image they belong to where they do not lie on it and it was found.

    Args:
        beside: the file of the other side, which names what results of COCO have by numbers.

    Raises:
        DataError: the file is damaged, or the series of its contours is missing.
    """
    if is_coco(path):
        return read_coco(path, beside), None
    if _is_of_slicer(path):
        return read_slicer(path), None
    if sop_class(path) == STRUCTURES:
        return read_contours(path, finder), None
    return read_segmentation(path), finder.grid(referenced_series(path), path)
