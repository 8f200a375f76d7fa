"""NIfTI-1 and NIfTI-2 in single files, compressed or not.

nibabel parses the header; the voxels are a view of the bytes whose checksum was compared (its own reader stops before
the checksum).
"""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.evidence.policies import ChannelAxis
from segeval.files.paths import printable
from segeval.images.readers.streams import ByteStream, open_stream
from segeval.images.readers.volumes import Volume, every_integer, singleton_axes

_KINDS = {348: "Nifti1Header", 540: "Nifti2Header"}  # by the size that the file begins with
_MM_PER_UNIT = {1: 1000.0, 3: 0.001}  # codes of metre and micron; 2 is millimetre, 0 says nothing
_SILENT = logging.Logger("segeval.nifti", level=logging.CRITICAL + 1)


@dataclass(frozen=True, kw_only=True)
class _Header:
    """What a NIfTI header says, as far as a segmentation needs it."""

    shape: tuple[int, ...]
    dtype: np.dtype
    affine: np.ndarray  # of the first three axes, in millimetres
    slope: float
    inter: float

    @property
    def is_unscaled(self) -> bool:
        return (self.slope, self.inter) == (1.0, 0.0)


def read_nifti(path: Path, *, as_stored: bool = False, channel_axis: ChannelAxis | None = None) -> Volume:
    """Read a `.nii` or `.nii.gz` file.

    Spatial axes come first and a channel axis last; the affine is nibabel's choice (sform, else qform, else pixdim),
    in millimetres.

    Args:
        as_stored: leave scaled integers of up to 16 bits as they are, with what each of them stands for.
        channel_axis: which axis counts channels; by default the fourth, if there is one.

    Raises:
        DataError: the file is damaged, or its header describes no image that can be scored.
    """
    with open_stream(path) as stream:
        header = _read_header(stream)
        stored = stream.voxels(header.shape, header.dtype, order="F")
    levels = _levels(header) if as_stored else None
    array = stored if levels is not None else _scaled(stored, header)
    return replace(_placed(path, _channels_last(array, channel_axis), header.affine), levels=levels)


def read_nifti_grid(path: Path) -> Volume:
    """Read where the voxels of a file lie, without their values.

    Raises:
        DataError: the file cannot be read, or its header describes no image that can be scored.
    """
    with open_stream(path) as stream:
        header = _read_header(stream)
    return _placed(path, np.broadcast_to(np.uint8(0), header.shape), header.affine)


def _read_header(stream: ByteStream) -> _Header:
    """Read up to the first voxel."""
    from nibabel.spatialimages import HeaderDataError

    fields = _read_fields(stream)
    if not 1 <= fields["dim"][0] <= 7:
        raise DataError(f"{printable(stream.path)}: its header counts {fields['dim'][0]} axes. Write the file again.")
    if not fields["sform_code"]:
        _check_pixdim(fields, stream.path)
    try:
        fields.check_fix(logger=_SILENT, error_level=40)
        stream.skip((fields.get_data_offset() or fields.single_vox_offset) - fields.sizeof_hdr)
        slope, inter = fields.get_slope_inter()
        return _Header(
            shape=fields.get_data_shape(),
            dtype=_dtype(fields, stream.path),
            affine=_affine_mm(fields),
            slope=1.0 if slope is None else slope,
            inter=0.0 if slope is None else inter,
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
            kind = getattr(nibabel, name)
            break
    else:
        raise DataError(
            f"{printable(stream.path)}: is no NIfTI file, it begins with {start!r}. "
            "Name it after what it is, or convert it to NIfTI."
        )
    fields = kind(start + stream.header(kind.sizeof_hdr - 4), endianness=order, check=False)
    if fields["magic"].item() != kind.single_magic:
        raise DataError(
            f"{printable(stream.path)}: its magic is {fields['magic'].item()!r} instead of {kind.single_magic!r}. "
            "Convert an .hdr/.img pair to .nii; write a damaged file again."
        )
    return fields


def _dtype(fields: Any, path: Path) -> np.dtype:
    dtype: np.dtype = fields.get_data_dtype()
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        name = fields.get_value_label("datatype")
        raise DataError(
            f"{printable(path)}: holds {name} voxels, neither class ids nor probabilities. Write integers or floats."
        )
    return dtype


def _affine_mm(fields: Any) -> np.ndarray:
    affine = np.array(fields.get_best_affine(), dtype=np.float64)
    affine[:3] *= _MM_PER_UNIT.get(int(fields["xyzt_units"]) % 8, 1.0)
    return affine


def _check_pixdim(fields: Any, path: Path) -> None:
    """Where pixdim decides the spacing, it has to be positive on every axis longer than one voxel."""
    sizes = fields["pixdim"][1:4]
    used = [size for size, n in zip(sizes, fields.get_data_shape(), strict=False) if n > 1]
    if not np.isfinite(used).all() or min(used, default=1.0) <= 0:
        raise DataError(f"{printable(path)}: pixdim {_numbers(sizes)} is no voxel size. Write positive spacings.")


def _levels(header: _Header) -> np.ndarray | None:
    """What each stored integer stands for; None where it stands for itself, or where there are too many to list."""
    if header.dtype.kind not in "iu" or header.dtype.itemsize > 2 or header.is_unscaled:
        return None
    return _scaled(every_integer(header.dtype.newbyteorder("=")), header)


def _channels_last(array: np.ndarray, channel_axis: ChannelAxis | None) -> np.ndarray:
    """Three axes of space, then channels."""
    if channel_axis == "first" and array.ndim > 2:
        array = np.moveaxis(array, 0, -1)
    return array[:, :, np.newaxis] if channel_axis and array.ndim == 3 else array


def _scaled(stored: np.ndarray, header: _Header) -> np.ndarray:
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


def _placed(path: Path, array: np.ndarray, world: np.ndarray) -> Volume:
    """Spatial axes without singletons, then channels; the affine's columns follow."""
    stored = array.shape
    space = (*stored, 1, 1, 1)[:3]
    squeezed = singleton_axes(space)
    kept = [axis for axis in range(3) if axis not in squeezed]
    channels = tuple(n for n in stored[3:] if n > 1)
    if len(channels) > 1:
        raise DataError(
            f"{printable(path)}: shape {stored} has {3 + len(channels)} axes longer than one voxel; space and channels "
            "make at most 4. Split the file."
        )
    array = array.reshape(tuple(space[axis] for axis in kept) + channels, order="F")
    affine = world[:, [*kept, 3]]
    return Volume(
        path=path,
        array=array,
        spacing_mm=_spacing_mm(affine, path),
        affine=affine,
        notes=() if array.shape == stored else (f"shape {stored} read as {array.shape}",),
    )


def _spacing_mm(affine: np.ndarray, path: Path) -> tuple[float, ...]:
    """Lengths of the affine's columns, which also have to span the grid."""
    linear = affine[:3, :-1]
    if not np.isfinite(affine).all():
        raise DataError(f"{printable(path)}: its affine holds values that are not finite. Write the file again.")
    spacing = np.linalg.norm(linear, axis=0)
    if not spacing.all() or np.linalg.matrix_rank(linear / spacing) < linear.shape[1]:
        raise DataError(
            f"{printable(path)}: its affine {_numbers(linear)} folds the grid flat. "
            "Write one in which every axis has a length and a direction of its own."
        )
    return tuple(float(one) for one in spacing)


def _numbers(values: np.ndarray) -> str:
    return np.array2string(values, separator=", ", precision=4, floatmode="maxprec").replace("\n", "")
