"""The pages, strips or rows of tiles of a TIFF, unpacked some at a time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from segeval.files.paths import printable
from segeval.images.readers.streams import ByteStream, open_stream
from segeval.images.readers.tiff import open_tiff, palette_of, shown, spacing_of, volume_of_tiff, zero_is_white
from segeval.images.readers.volumes import Slabs, StoredVoxels, Volume

_READ_AT_ONCE = 1 << 22  # bytes of strips, packed


def tiff_slabs(path: Path, *, colours: bool = False) -> Slabs:
    """A TIFF in slabs of rows, or of pages where there are several; see `read_tiff`.

    Raises:
        DataError: it holds what `read_tiff` refuses.
    """
    with open_tiff(path) as tiff:
        series, spacing = tiff.series[0], spacing_of(tiff, tiff.series[0].axes)
        shape, axes, dtype, start = tuple(series.shape), series.axes, series.dtype, series.dataoffset
        several = len(series.pages) > 1
        step = 1 if several else _rows_of_a_band(series.pages[0])
        order, palette, is_inverted = tiff.byteorder, palette_of(tiff), zero_is_white(tiff)

    def volume_of(array: np.ndarray) -> Volume:
        return volume_of_tiff(path, array, axes, spacing, palette, zero_is_white=is_inverted)

    def head_of(shape: tuple[int, ...]) -> Volume:
        return volume_of(np.broadcast_to(np.zeros((), dtype), shape))

    @contextmanager
    def at_first_voxel() -> Iterator[ByteStream]:
        with open_stream(path) as stream:
            stream.file.seek(start)
            yield stream

    if "S" in axes and colours:
        said = f"{printable(path)}: its colours are not read in slabs. Save it as PNG, or the ids as grey values."
        array = np.broadcast_to(np.zeros((), dtype), shape)
        return Slabs(head=Volume(path=path, array=array, is_rgb=True), axis=0, volumes=lambda _: iter(()), refused=said)
    head, lead = head_of(shape), len(shape) - 2 - several
    if "C" in axes or (start is None and (lead < 0 or any(n > 1 for n in shape[:lead]))):
        said = "are not read in slabs. Save one image of (row, column) or (page, row, column), without channels."
        return Slabs(
            head=head, axis=0, volumes=lambda _: iter(()), refused=f"{printable(path)}: its axes {axes} {said}"
        )
    if start is not None:  # the voxels lie one after the other, as they are
        return StoredVoxels(
            shape=shape,
            dtype=dtype.newbyteorder(order),
            order="C",
            channels=None,
            head_of=head_of,
            stream=at_first_voxel,
            volume=lambda array: volume_of(shown(array, zero_is_white=is_inverted)),
            is_last=False,
        ).slabs()

    def volumes(cuts: Sequence[int]) -> Iterator[Volume]:
        with open_tiff(path) as tiff:
            series = tiff.series[0]
            bands = (page.asarray()[None] for page in series.pages) if several else _bands(series.pages[0], dtype)
            for rows in _cut(bands, cuts, dtype):
                yield volume_of(shown(rows[(None,) * lead], zero_is_white=is_inverted))
                del rows

    return Slabs(head=head, axis=0, volumes=volumes, step=step)


def _rows_of_a_band(page: Any) -> int:
    return int(page.tilelength if page.is_tiled else min(page.rowsperstrip, page.imagelength))


def _bands(page: Any, dtype: np.dtype) -> Iterator[np.ndarray]:
    """The strips of a page, or its rows of tiles."""
    step, width, height = _rows_of_a_band(page), page.imagewidth, page.imagelength
    band, first = np.zeros((min(step, height), width), dtype), 0
    for segment, (_, _, row, column, _), (_, rows, columns, _) in page.segments(maxworkers=1, buffersize=_READ_AT_ONCE):
        if row != first:
            yield band
            del band  # there is room for one
            band, first = np.zeros((min(step, height - row), width), dtype), row
        if segment is not None:
            rows, columns = min(rows, height - row), min(columns, width - column)
            band[:rows, column : column + columns] = segment[0, :rows, :columns, 0]
    yield band


def _cut(bands: Iterator[np.ndarray], cuts: Sequence[int], dtype: np.dtype) -> Iterator[np.ndarray]:
    """The rows of bands of any height, so many at a time."""
    band = next(bands)
    for first, stop in pairwise(cuts):
        rows, at = np.empty((stop - first, *band.shape[1:]), dtype), 0
        while at < len(rows):
            if not len(band):
                del band
                band = next(bands)
            n = min(len(band), len(rows) - at)
            rows[at : at + n], band, at = band[:n], band[n:], at + n
        yield rows
        del rows
