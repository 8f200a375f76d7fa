"""An image as it was stored: an array with its place in the world.

There, axes of space come first and channels last, and the affine has a column for each axis of space.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np

from segeval.errors import DataError
from segeval.evidence.arrays import dtype_of
from segeval.evidence.policies import LONGEST_MM, SHORTEST_MM, Orientation
from segeval.evidence.shapes import SpacingMm
from segeval.files.paths import printable
from segeval.images.readers.streams import ByteStream

_AT_ONCE = 1 << 22  # voxels of a slab that are read together
TO_RIGHT_AND_FRONT = np.diag([-1.0, -1.0, 1.0, 1.0])  # of DICOM's and ITK's world, which runs to the left and the back


@dataclass(frozen=True, kw_only=True)
class Volume:
    """What an image file holds: singleton axes squeezed, intensities scaled, nothing resampled or narrowed.

    `affine` maps voxel indices (squeezed axes removed from its columns, so shape (4, ndim + 1)) to
    world millimetres; None where the format has no world (PNG, NPY). Where there is a world, an array
    axis after the spatial ones holds channels.

    Attributes:
        array: numpy, or a tensor that stays on its device; what cannot be told or done there raises `DataError`, and
            whoever gave it has to give an array.
        levels: what each stored integer stands for, of an image read `as_stored`.
        white: the largest grey of a picture.
        is_czyx: the `.npz` of nnU-Net: channels first, then space in the order z, y, x.
        is_rgb: colours are in a last axis, until a table makes ids of them.
        form: which form of a NIfTI header the affine is, where its two disagree.
        other_affine: the affine of the other form then.
        of_part: only a part of the image is stored, and what lies beyond is background.
        axes_of_space: how many there are, where a format without a world tells them from channels.
        palette: the colours that the indices of a picture stand for, (index, 3).
    """

    path: Path
    array: Any
    spacing_mm: SpacingMm | None = None
    affine: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    levels: np.ndarray | None = None
    white: int | None = None
    is_czyx: bool = False
    is_rgb: bool = False
    form: Orientation | None = None
    other_affine: np.ndarray | None = None
    palette: np.ndarray | None = None
    of_part: bool = False
    axes_of_space: int | None = None

    def __post_init__(self) -> None:
        """Give booleans the bytes 0 and 1: Pillow has 255 for True, which counts as 255 where bytes are looked at."""
        array = self.array
        if isinstance(array, np.ndarray) and array.dtype == np.bool_ and array.view(np.uint8).max(initial=0) > 1:
            object.__setattr__(self, "array", array.view(np.uint8) != 0)

    @property
    def n_space(self) -> int:
        """How many of the array's axes are space; where nothing tells, at most three."""
        if self.affine is not None:
            return self.affine.shape[1] - 1
        return self.axes_of_space or min(self.array.ndim, 3)

    @property
    def grid(self) -> tuple[int, ...]:
        """Shape of the voxel grid, without channels."""
        return tuple(self.array.shape[: self.n_space])

    @property
    def is_integer(self) -> bool:
        """Whether integers or booleans are stored."""
        return dtype_of(self.array).kind in "biu"

    @property
    def on_device(self) -> bool:
        """Whether it is a tensor that stays on its device."""
        return not isinstance(self.array, np.ndarray)

    def only_as_numpy(self) -> None:
        """Stop before what is done in numpy alone.

        Raises:
            DataError: it is a tensor on a device.
        """
        if self.on_device:
            raise DataError(f"{printable(self.path)}: is looked at on the CPU. Give it as an array.")

    def scaled(self) -> "Volume":
        """The same image with its levels in place of stored integers."""
        return self if self.levels is None else replace(self, array=self.levels.take(self.array), levels=None)


@dataclass(frozen=True, kw_only=True)
class Slabs:
    """An image that is read in slabs, in the order of its file.

    Attributes:
        head: the whole image by its header; the array is one zero, shown everywhere.
        axis: of the array, along which slabs follow one another.
        volumes: reads the slabs between places on that axis, from 0 to its end; they are checked like the whole.
        step: voxels along the axis that are unpacked together.
        refused: why it has to be read as a whole all the same, with what to do.
    """

    head: Volume
    axis: int
    volumes: Callable[[Sequence[int]], Iterator[Volume]]
    step: int = 1
    refused: str = ""

    @property
    def n(self) -> int:
        """Voxels along the axis."""
        return self.head.array.shape[self.axis]

    @property
    def held(self) -> int:
        """Bytes that are held beside a slab, since more than one row is unpacked at once."""
        return self.head.array.nbytes // self.n * self.step if self.step > 1 else 0


@dataclass(frozen=True, kw_only=True)
class StoredVoxels:
    """Voxels that lie one after the other in a file.

    Attributes:
        head_of: the volume that the header describes if the stored array had another shape, without its voxels.
        channels: which axis of the stored array counts channels.
        stream: opens the file at the first voxel.
        volume: of the stored array, or of a slab of it.
        is_last: whether the file ends with the last voxel.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    order: Literal["C", "F"]
    channels: int | None
    head_of: Callable[[tuple[int, ...]], Volume]
    stream: Callable[[], AbstractContextManager[ByteStream]]
    volume: Callable[[np.ndarray], Volume]
    is_last: bool = True

    def slabs(self) -> Slabs:
        """The voxels in slabs along the slowest axis of space; where channels are slower, a stream for each.

        Raises:
            DataError: the header describes more than the file can hold.
        """
        with self.stream() as stream:
            stream.check(self.shape, self.dtype)
        axes = [axis for axis, n in enumerate(self.shape) if n > 1] or [0]
        axes = axes if self.order == "C" else axes[::-1]
        n_blocks = self.shape[axes[0]] if axes[0] == self.channels else 1
        axis = next((axis for axis in axes if axis != self.channels), axes[0])
        head, longer = self.head_of(self.shape), self.head_of(self._with_rows(axis, self.shape[axis] + 1))
        sizes = zip(head.array.shape, longer.array.shape, strict=True)
        return Slabs(
            head=head,
            axis=next(i for i, (n, more) in enumerate(sizes) if n != more),
            volumes=lambda cuts: self._volumes(head, self._parts(axis, n_blocks, cuts)),
        )

    def _volumes(self, head: Volume, parts: Iterator[np.ndarray]) -> Iterator[Volume]:
        for part in parts:
            yield replace(self.volume(part), notes=head.notes)
            del part

    def _with_rows(self, axis: int, rows: int) -> tuple[int, ...]:
        return (*self.shape[:axis], rows, *self.shape[axis + 1 :])

    def _parts(self, axis: int, n_blocks: int, cuts: Sequence[int]) -> Iterator[np.ndarray]:
        block = prod(self.shape) // n_blocks
        row = block // self.shape[axis]
        bands = [  # in pieces, as a slab is there twice while it is read
            [min(_AT_ONCE, row * stop - at) for at in range(row * first, row * stop, _AT_ONCE)]
            for first, stop in pairwise(cuts)
        ]
        sizes = [size for band in bands for size in band]
        with ExitStack() as opened:
            streams = [opened.enter_context(self.stream()) for _ in range(n_blocks)]
            blocks = [
                stream.parts(self.shape, self.dtype, sizes, first=i * block, to_end=self.is_last and i == n_blocks - 1)
                for i, stream in enumerate(streams)
            ]
            for band, (first, stop) in zip(bands, pairwise(cuts), strict=True):
                slab, at = np.empty(n_blocks * row * (stop - first), self.dtype.newbyteorder("=")), 0
                for pieces in blocks:
                    for size in band:
                        slab[at : at + size] = next(pieces)
                        at += size
                yield slab.reshape(self._with_rows(axis, stop - first), order=self.order)
                del slab
            for pieces in blocks:
                deque(pieces, maxlen=0)  # compares lengths and checksums


def even_cuts(n: int, rows: int, least: int = 2) -> list[int]:
    """Places that cut `n` voxels into slabs of about `rows`, of nearly one size and none below `least`."""
    parts = max(1, min(-(-n // max(rows, 1)), n // least))
    return [n * i // parts for i in range(parts + 1)]


def every_integer(dtype: np.dtype) -> np.ndarray:
    """All integers of a type of up to 16 bits, each where it finds itself as an index: negative ones from the end."""
    return np.arange(1 << 8 * dtype.itemsize).astype(f"u{dtype.itemsize}").view(dtype)


def singleton_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Axes of one voxel that can be squeezed away: the last ones first, and two axes always stay."""
    ones = [axis for axis, size in enumerate(shape) if size == 1]
    return tuple(sorted(ones[::-1][: max(len(shape) - 2, 0)]))


def placed_in_world(path: Path, array: Any, world: np.ndarray) -> Volume:
    """An array of up to three axes of space, then channels, as a volume without singleton axes.

    Args:
        path: for messages.
        array: in the order x, y, z, channels.
        world: 4 x 4, from voxel indices to millimetres, x to the right, y to the front, z up.

    Raises:
        DataError: there are too many axes, or the matrix spans no grid.
    """
    stored = tuple(array.shape)
    space = (*stored, 1, 1, 1)[:3]
    squeezed = singleton_axes(space)
    kept = [axis for axis in range(3) if axis not in squeezed]
    channels = tuple(n for n in stored[3:] if n > 1)
    if len(channels) > 1:
        raise DataError(
            f"{printable(path)}: shape {stored} has {3 + len(channels)} axes longer than one voxel; space and channels "
            "make at most 4. Split the file."
        )
    shape = tuple(space[axis] for axis in kept) + channels
    array = array.reshape(shape, order="F") if isinstance(array, np.ndarray) else array.reshape(shape)
    affine = world[:, [*kept, 3]]
    return Volume(
        path=path,
        array=array,
        spacing_mm=_spacing_mm(affine, path),
        affine=affine,
        notes=() if shape == stored else (f"shape {stored} read as {shape}",),
    )


def _spacing_mm(affine: np.ndarray, path: Path) -> tuple[float, ...]:
    """Lengths of the affine's columns, which also have to span the grid."""
    linear = affine[:3, :-1]
    if not np.isfinite(affine).all():
        raise DataError(f"{printable(path)}: its affine holds values that are not finite. Write the file again.")
    spacing = np.linalg.norm(linear, axis=0)
    if not spacing.all() or np.linalg.matrix_rank(linear / spacing) < linear.shape[1]:
        raise DataError(
            f"{printable(path)}: its affine {numbers(linear)} folds the grid flat. "
            "Write one in which every axis has a length and a direction of its own."
        )
    if spacing.min(initial=1.0) < SHORTEST_MM or spacing.max(initial=1.0) > LONGEST_MM:
        raise DataError(
            f"{printable(path)}: voxels of {numbers(spacing)} mm are no size. "
            f"Write the file again with lengths between {SHORTEST_MM:g} and {LONGEST_MM:g} mm."
        )
    return tuple(float(length) for length in spacing)


def numbers(values: np.ndarray) -> str:
    """An array on one line of a message."""
    return np.array2string(values, separator=", ", precision=4, floatmode="maxprec").replace("\n", "")


def unrounded(value: float) -> str:
    """A number in few digits, but in as many as keep it apart from whole numbers, and from 0 and 1 at its side.

    Example:
        >>> unrounded(1.0000002), unrounded(0.25), unrounded(-1e-9)
        ('1.0000002', '0.25', '-1e-09')
    """
    for digits in range(6, 17):
        text = f"{value:.{digits}g}"
        shown = float(text)
        if shown.is_integer() == float(value).is_integer() and (shown > 1) == (value > 1):
            return text
    return repr(float(value))
