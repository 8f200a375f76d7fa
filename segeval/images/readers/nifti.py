"""NIfTI-1 and NIfTI-2, compressed or not: in one file, or as a header `.hdr` with its voxels in `.img` beside it.

nibabel parses the header; the voxels are a view of the bytes whose checksum was compared (its own reader stops before
the checksum).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.evidence.policies import ChannelAxis, Orientation
from segeval.files.paths import printable
from segeval.images.readers.streams import ByteStream, open_stream
from segeval.images.readers.volumes import StoredVoxels, Volume, every_integer, numbers, placed_in_world

_KINDS = {348: "Nifti1", 540: "Nifti2"}  # by the size that the file begins with
_MM_PER_UNIT = {1: 1000.0, 3: 0.001}  # codes of metre and micron; 2 is millimetre, 0 says nothing
_FORMS_AGREE = 1e-2  # voxels: a quaternion of seven digits turns a long axis by as much
_SILENT = logging.Logger("segeval.nifti", level=logging.CRITICAL + 1)


@dataclass(frozen=True, kw_only=True)
class _NiftiHeader:
    """What a NIfTI header says, as far as a segmentation needs it."""

    shape: tuple[int, ...]
    dtype: np.dtype
    affine: np.ndarray  # of the first three axes, in millimetres
    other: np.ndarray | None  # of the other form, where it disagrees
    form: Orientation
    slope: float
    inter: float
    offset: int  # of the first voxel in the file that holds the voxels

    @property
    def is_unscaled(self) -> bool:
        return (self.slope, self.inter) == (1.0, 0.0)


def read_nifti(
    path: Path,
    *,
    as_stored: bool = False,
    channel_axis: ChannelAxis | None = None,
    orientation: Orientation | None = None,
) -> Volume:
    """Read a `.nii`, `.nii.gz` or `.hdr` file.

    Spatial axes come first and a channel axis last; the affine, in millimetres, is the sform, else the qform, else of
    pixdim. Where both are there and disagree, a note says which was taken.

    Args:
        as_stored: leave scaled integers of up to 16 bits as they are, with what each of them stands for.
        channel_axis: which axis counts channels; by default the fourth, if there is one.
        orientation: the form to take where both are there.

    Raises:
        DataError: the file is damaged, or its header describes no image that can be scored.
    """
    with open_stream(path) as stream:
        header = _read_header(stream, orientation)
        if not _is_pair(path):
            stored = stream.voxels(header.shape, header.dtype, order="F")
    if _is_pair(path):
        with _beside(path, header) as stream:
            stored = stream.voxels(header.shape, header.dtype, order="F")
    return _volume(path, stored, header, as_stored=as_stored, channel_axis=channel_axis)


def nifti_voxels(
    path: Path,
    *,
    as_stored: bool = False,
    channel_axis: ChannelAxis | None = None,
    orientation: Orientation | None = None,
) -> StoredVoxels:
    """The voxels of a file that is read in slabs; see `read_nifti`."""
    with open_stream(path) as stream:
        header = _read_header(stream, orientation)
    volume = partial(_volume, path, header=header, as_stored=as_stored, channel_axis=channel_axis)
    dtype = volume(np.zeros((1,) * len(header.shape), header.dtype.newbyteorder("="))).array.dtype

    @contextmanager
    def at_first_voxel() -> Iterator[ByteStream]:
        if _is_pair(path):
            with _beside(path, header) as stream:
                yield stream
            return
        with open_stream(path) as stream:
            _read_header(stream, orientation)
            yield stream

    def head_of(shape: tuple[int, ...]) -> Volume:
        array = np.broadcast_to(np.zeros((), dtype), shape)
        levels = _levels(header) if as_stored else None
        return replace(_placed(path, _channels_last(array, channel_axis), header), levels=levels)

    several = [axis for axis, n in enumerate(header.shape) if axis > 2 and n > 1]
    return StoredVoxels(
        shape=header.shape,
        dtype=header.dtype,
        order="F",
        channels=0 if channel_axis == "first" and len(header.shape) > 2 else next(iter(several), None),
        head_of=head_of,
        stream=at_first_voxel,
        volume=volume,
    )


@contextmanager
def _beside(path: Path, header: _NiftiHeader) -> Iterator[ByteStream]:
    """The voxels of a header that has a file of its own."""
    with open_stream(_voxels_beside(path)) as stream:
        stream.skip(header.offset)
        yield stream


def _volume(
    path: Path, stored: np.ndarray, header: _NiftiHeader, *, as_stored: bool, channel_axis: ChannelAxis | None
) -> Volume:
    levels = _levels(header) if as_stored else None
    array = stored if levels is not None else _scaled(stored, header)
    return replace(_placed(path, _channels_last(array, channel_axis), header), levels=levels)


def _placed(path: Path, array: np.ndarray, header: _NiftiHeader) -> Volume:
    """The volume, with the place that its other form gives it where the two disagree."""
    volume = placed_in_world(path, array, header.affine)
    if header.other is None:
        return volume
    note = f"its sform and qform disagree; the {header.form} is taken"
    volume = replace(volume, form=header.form, notes=(*volume.notes, note))
    try:
        return replace(volume, other_affine=placed_in_world(path, array, header.other).affine)
    except DataError:  # the form that is not taken may make no sense
        return volume


def read_nifti_grid(path: Path) -> Volume:
    """Read where the voxels of a file lie, without their values.

    Raises:
        DataError: the file cannot be read, or its header describes no image that can be scored.
    """
    with open_stream(path) as stream:
        header = _read_header(stream)
    return placed_in_world(path, np.broadcast_to(np.uint8(0), header.shape), header.affine)


def nifti_stores_integers(path: Path) -> bool:
    """Whether a file holds integers that stand for themselves, told by its header.

    Raises:
        DataError: the header cannot be read, or describes no image that can be scored.
    """
    with open_stream(path) as stream:
        header = _read_header(stream)
    return header.dtype.kind in "iu" and header.is_unscaled


def _read_header(stream: ByteStream, orientation: Orientation | None = None) -> _NiftiHeader:
    """Read up to the first voxel."""
    from nibabel.spatialimages import HeaderDataError

    fields = _read_fields(stream)
    if not 1 <= fields["dim"][0] <= 7:
        raise DataError(f"{printable(stream.path)}: its header counts {fields['dim'][0]} axes. Write the file again.")
    if not fields["sform_code"]:
        _check_pixdim(fields, stream.path)
    try:
        fields.check_fix(logger=_SILENT, error_level=40)
        offset = fields.get_data_offset()
        if not _is_pair(stream.path):
            stream.skip((offset or fields.single_vox_offset) - fields.sizeof_hdr)
        slope, inter = fields.get_slope_inter()
        with np.errstate(all="ignore"):  # a place that is no number is found where it is used, and told by file
            affine, other, form = _affines_mm(fields, orientation)
        return _NiftiHeader(
            shape=fields.get_data_shape(),
            dtype=_dtype(fields, stream.path),
            affine=affine,
            other=other,
            form=form,
            slope=1.0 if slope is None else slope,
            inter=0.0 if slope is None else inter,
            offset=offset,
        )
    except (HeaderDataError, ValueError, OverflowError) as error:  # the last two from an offset that is no number
        raise DataError(
            f"{printable(stream.path)}: its NIfTI header is wrong ({error}). Write the file again."
        ) from error


def _read_fields(stream: ByteStream) -> Any:
    """The header as nibabel parses it, before its checks."""
    import nibabel

    start = stream.header(4)
    for order in ("little", "big"):
        name = _KINDS.get(int.from_bytes(start, order))
        if name:
            kind = getattr(nibabel, f"{name}{'Pair' if _is_pair(stream.path) else 'Image'}").header_class
            break
    else:
        raise DataError(
            f"{printable(stream.path)}: is no NIfTI file, it begins with {start!r}. "
            "Name it after what it is, or convert it to NIfTI."
        )
    fields = kind(start + stream.header(kind.sizeof_hdr - 4), endianness=order, check=False)
    magic = kind.pair_magic if _is_pair(stream.path) else kind.single_magic
    if fields["magic"].item() != magic:
        raise DataError(
            f"{printable(stream.path)}: its magic is {fields['magic'].item()!r} instead of {magic!r}. "
            "Write it again as NIfTI; Analyze 7.5, which does not say where left is, has to be converted."
        )
    return fields


def _is_pair(path: Path) -> bool:
    """Whether the header has a file of its own."""
    return path.suffix.lower() == ".hdr"


def _voxels_beside(path: Path) -> Path:
    beside = [path.with_suffix(suffix) for suffix in (".img", ".IMG", ".img.gz")]
    found = next((voxels for voxels in beside if voxels.exists()), None)
    if found is None:
        raise DataError(
            f"{printable(path)}: {printable(beside[0].name)}, which holds its voxels, is missing. "
            "Copy it beside the header."
        )
    return found


def _dtype(fields: Any, path: Path) -> np.dtype:
    dtype: np.dtype = fields.get_data_dtype()
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        name = fields.get_value_label("datatype")
        raise DataError(
            f"{printable(path)}: holds {name} voxels, neither class ids nor probabilities. Write integers or floats."
        )
    return dtype


def _affines_mm(fields: Any, orientation: Orientation | None) -> tuple[np.ndarray, np.ndarray | None, Orientation]:
    """The affine that counts, and the one that another form gives where the two place some corner differently."""
    form: Orientation = "sform" if int(fields["sform_code"]) else "qform"
    affine = _in_mm(fields, fields.get_best_affine())
    if not (int(fields["sform_code"]) and int(fields["qform_code"])):
        return affine, None, form
    other = _in_mm(fields, fields.get_qform())
    if not (np.isfinite(affine).all() and np.isfinite(other).all()) or _are_one(affine, other, fields.get_data_shape()):
        return affine, None, form
    return (other, affine, "qform") if orientation == "qform" else (affine, other, "sform")


def _in_mm(fields: Any, affine: np.ndarray) -> np.ndarray:
    found = np.array(affine, dtype=np.float64)
    found[:3] *= _MM_PER_UNIT.get(int(fields["xyzt_units"]) % 8, 1.0)
    return found


def _are_one(affine: np.ndarray, other: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether two forms place the corners of an image alike."""
    sizes = np.array((*shape, 1, 1, 1)[:3])
    corners = np.array([(*(corner * sizes), 1) for corner in np.ndindex(2, 2, 2)]).T
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not alike
        apart = np.linalg.norm(((affine - other) @ corners)[:3], axis=0).max()
        return bool(apart <= _FORMS_AGREE * np.linalg.norm(affine[:3, :3], axis=0).min())


def _check_pixdim(fields: Any, path: Path) -> None:
    """Where pixdim decides the spacing, it has to be positive on every axis longer than one voxel."""
    sizes = fields["pixdim"][1:4]
    used = [size for size, n in zip(sizes, fields.get_data_shape(), strict=False) if n > 1]
    if not np.isfinite(used).all() or min(used, default=1.0) <= 0:
        raise DataError(f"{printable(path)}: pixdim {numbers(sizes)} is no voxel size. Write positive spacings.")


def _levels(header: _NiftiHeader) -> np.ndarray | None:
    """What each stored integer stands for; None where it stands for itself, or where there are too many to list."""
    if header.dtype.kind not in "iu" or header.dtype.itemsize > 2 or header.is_unscaled:
        return None
    return _scaled(every_integer(header.dtype.newbyteorder("=")), header)


def _channels_last(array: np.ndarray, channel_axis: ChannelAxis | None) -> np.ndarray:
    """Three axes of space, then channels."""
    if channel_axis == "first" and array.ndim > 2:
        array = np.moveaxis(array, 0, -1)
    return array[:, :, np.newaxis] if channel_axis and array.ndim == 3 else array


def _scaled(stored: np.ndarray, header: _NiftiHeader) -> np.ndarray:
    """Apply scl_slope and scl_inter; the identity leaves integers as they are."""
    if header.is_unscaled:
        return stored
    # float32 holds every integer of 16 bits, and rounds 10 * float32(0.1) back to 1 where float64 does not
    small = stored.dtype.itemsize <= 2 or stored.dtype == np.float32
    scaled = stored.astype(np.float32 if small else np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is found, and told, as infinite
        np.multiply(scaled, header.slope, out=scaled)
        np.add(scaled, header.inter, out=scaled)
    return scaled
