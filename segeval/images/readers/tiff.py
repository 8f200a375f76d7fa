"""TIFF: grey values or palette indices as ids, (row, column), several pages as (page, row, column); OME-TIFF too.

TIFF has no checksum of its own, so every strip and tile has to lie within the file, and the pages have to be alike.
Pages are a chain, of which readers take what they find: a file that was cut would be one of fewer slices. So the chain
has to end as it should (TIFF 6.0, section 2).
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from segeval.errors import DataError
from segeval.files.memory import memory_left
from segeval.files.paths import printable
from segeval.images.readers.pictures import padded_palette
from segeval.images.readers.streams import CROP_IT, DEFLATE_RATIO, WRITE_AGAIN, as_size, open_file, reason_of
from segeval.images.readers.volumes import Volume, singleton_axes

_LOSSY = ("JPEG", "JPEG_LOSSY", "WEBP", "JPEG_2000_LOSSY", "JPEGXR_NDPI")
_MM_PER = {"m": 1e3, "cm": 10.0, "mm": 1.0, "µm": 1e-3, "um": 1e-3, "nm": 1e-6}  # units of OME; µm where none is named


def read_tiff(path: Path, *, colours: bool = False) -> Volume:
    """Read a `.tif` or `.tiff` file; channels of an OME-TIFF come last.

    Args:
        colours: let an image have colours, in a last axis; label images have none.

    Raises:
        DataError: the file is damaged, compressed with loss, or holds colours instead of ids.
    """
    with open_tiff(path) as tiff:
        series = tiff.series[0]
        if series.nbytes > memory_left():
            raise DataError(f"{printable(path)}: needs {as_size(series.nbytes)}, more than there is memory. {CROP_IT}")
        array, axes = series.asarray(), series.axes
        spacing, palette, is_inverted = spacing_of(tiff, axes), palette_of(tiff), zero_is_white(tiff)
    array = shown(array, zero_is_white=is_inverted)
    array = array if array.flags.writeable else array.copy()
    return volume_of_tiff(path, array, axes, spacing, palette, zero_is_white=is_inverted, colours=colours)


@contextmanager
def open_tiff(path: Path) -> Iterator[Any]:
    """A file of one image, of which every strip and tile lies within it, as tifffile opens it.

    Raises:
        DataError: the file is damaged, compressed with loss, or holds several images.
    """
    import logging

    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it says of damaged files is told below
    with open_file(path) as file:
        size = path.stat().st_size
        _check_chain(path, file, size)
        try:
            with tifffile.TiffFile(file) as tiff:
                series = _only_series(path, tiff)
                for page in series.pages:
                    _check_page(path, page, size)
                if series.nbytes > size * DEFLATE_RATIO:
                    raise DataError(f"{printable(path)}: shape {series.shape} is more than it can hold. {WRITE_AGAIN}")
                yield tiff
        except DataError:
            raise
        except Exception as error:  # tifffile meets a damaged file with errors of every kind
            if "imagecodecs" in str(error):
                raise DataError(
                    f"{printable(path)}: its compression is unpacked by a package of its own. "
                    "Run `pip install 'segeval-masks[tiff]'`, or save the file with deflate or without compression."
                ) from error
            raise DataError(f"{printable(path)}: cannot be decoded ({reason_of(error)}). {WRITE_AGAIN}") from error


def tiff_stores_integers(path: Path) -> bool:
    """Whether a file holds integers, told by its header.

    Raises:
        DataError: the header cannot be read.
    """
    with open_tiff(path) as tiff:
        return tiff.series[0].dtype.kind in "biu"


def _check_chain(path: Path, file: IO[bytes], size: int) -> None:
    """Follow the chain of pages to its end, which is a place of 0; what begins like no TIFF is told by tifffile."""
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
    version = struct.unpack(f"{order}H", head[2:4])[0] if order and len(head) == 16 else 0
    if version in (42, 43):
        count, entry, place = ("H", 12, "I") if version == 42 else ("Q", 20, "Q")
        at = struct.unpack(f"{order}{place}", head[4:8] if version == 42 else head[8:16])[0]
        seen: set[int] = set()
        while at:
            file.seek(at)
            n = _number(file.read(struct.calcsize(count)), f"{order}{count}")
            end = at + struct.calcsize(count) + (n or 0) * entry
            file.seek(min(end, size))
            following = _number(file.read(struct.calcsize(place)), f"{order}{place}")
            if not n or following is None or at in seen:
                raise DataError(
                    f"{printable(path)}: ends at byte {size}, and its page {len(seen) + 1} lies at {at}. {WRITE_AGAIN}"
                )
            seen.add(at)
            at = following
    file.seek(0)


def _number(data: bytes, form: str) -> int | None:
    """A number of the file; None where it ends before."""
    return int(struct.unpack(form, data)[0]) if len(data) == struct.calcsize(form) else None


def _only_series(path: Path, tiff: Any) -> Any:
    """The image of the file; smaller copies of it are passed over."""
    if len(tiff.series) != 1:
        shapes = ", ".join(str(tuple(series.shape)) for series in tiff.series[:4]) or "none"
        raise DataError(f"{printable(path)}: holds several images, of shapes {shapes}. Save one image per file.")
    return tiff.series[0]


def _check_page(path: Path, page: Any, size: int) -> None:
    if page is None:
        raise DataError(f"{printable(path)}: a page is missing. {WRITE_AGAIN}")
    name = getattr(page.compression, "name", str(page.compression))
    if name in _LOSSY:
        raise DataError(f"{printable(path)}: {name} compression changes ids. Save it with LZW, deflate or none.")
    ends = [start + n for start, n in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if not ends or min(page.databytecounts) <= 0 or max(ends) > size:
        raise DataError(f"{printable(path)}: ends at byte {size}, its voxels at {max(ends, default=0)}. {WRITE_AGAIN}")


def palette_of(tiff: Any) -> np.ndarray | None:
    """The colours of the indices of up to 8 bits, (index, 3); None where the values are grey."""
    colours = tiff.pages[0].colormap
    if colours is None or colours.shape[1] > 256:
        return None
    # they are to have 16 bits, and some programs write 8
    return padded_palette((colours >> (8 if colours.max() > 255 else 0)).astype(np.uint8).T)


def zero_is_white(tiff: Any) -> bool:
    """Whether the header says that 0 is shown as white, as programs for fax write it; tifffile does for any bits."""
    return int(tiff.pages[0].photometric) == 0 and not tiff.pages[0].software.startswith("tifffile")


def shown(stored: np.ndarray, *, zero_is_white: bool) -> np.ndarray:
    """Bits as they are shown, white for 1, as Pillow and OpenCV read them; larger numbers are ids as they stand."""
    return ~stored if zero_is_white and stored.dtype == np.bool_ else stored


def volume_of_tiff(
    path: Path,
    stored: np.ndarray,
    axes: str,
    spacing: tuple[float, ...],
    palette: np.ndarray | None,
    *,
    zero_is_white: bool,
    colours: bool = False,
) -> Volume:
    """An array with the axes that tifffile names as an image of ids, (row, column) or (page, row, column).

    Args:
        stored: as `shown`.
        zero_is_white: for a note.
    """
    if "S" in axes and stored.dtype.kind != "f":  # floats are no colours
        samples = np.moveaxis(stored, axes.index("S"), -1)
        fit = samples.ndim == 3 and samples.dtype == np.uint8 and samples.shape[-1] in (3, 4)
        if fit and colours:
            return Volume(path=path, array=samples[..., :3].copy(), is_rgb=True)
        table = "Pass --colors with their table, or save" if fit else "--colors reads single pictures of 8 bits: save"
        raise DataError(
            f"{printable(path)}: holds colours ({samples.shape[-1]} samples of {samples.dtype} per pixel), and these "
            f"are no class ids. {table} the ids as grey values."
        )
    channels = next((axes.index(letter) for letter in "CS" if letter in axes), None)
    array = stored if channels is None else np.moveaxis(stored, channels, -1)
    n_space = array.ndim - (channels is not None)
    squeezed = singleton_axes(array.shape[:n_space])
    array = array.squeeze(axis=squeezed)
    n_space -= len(squeezed)
    if not 2 <= n_space <= 3 or array.dtype.kind not in "biuf":
        raise DataError(
            f"{printable(path)}: {array.dtype} of shape {stored.shape} is no 2-D or 3-D image. Save one image per file."
        )
    taken = "white counts as 1, as in other pictures of 1 bit" if array.dtype == np.bool_ else "its ids are as stored"
    return Volume(
        path=path,
        array=array,
        notes=(f"its header says that 0 is white: {taken}",) if zero_is_white else (),
        spacing_mm=spacing if len(spacing) == n_space else None,
        axes_of_space=n_space,
        white=np.iinfo(array.dtype).max if array.dtype.kind == "u" and palette is None else None,
        palette=palette,
    )


def spacing_of(tiff: Any, axes: str) -> tuple[float, ...]:
    """Sizes that an OME-TIFF gives for its axes of space; none where one of them is not given."""
    if not tiff.is_ome:
        return ()
    import xml.etree.ElementTree as ElementTree

    root = ElementTree.fromstring(tiff.ome_metadata)
    pixels = next((element for element in root.iter() if element.tag.endswith("}Pixels")), None)
    if pixels is None:
        return ()
    found = []
    for axis in (letter for letter in axes if letter in "XYZ"):
        length = pixels.get(f"PhysicalSize{axis}")
        unit = _MM_PER.get(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        if length is None or unit is None:
            return ()
        found.append(float(length) * unit)
    return tuple(found)
