"""The image series that DICOM masks were drawn on: found by its id, and only its grid is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import ConfigError, DataError
from segeval.files.paths import printable, require_existing
from segeval.images.named.dicom import is_dicom_mask, read_dataset, refusing_damage, sop_class
from segeval.images.readers.volumes import TO_RIGHT_AND_FRONT

_PLACE = ["SeriesInstanceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"]
_PLACE += ["Rows", "Columns", "SliceThickness", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"]
_GROUPS = {  # where a file of many frames has what one of a single frame says at its top
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
    "SliceThickness": "PixelMeasuresSequence",
}
_FIRST = 8  # files of a folder, of which one tells whether it is that of a series
_UNEVEN = 0.02  # of a slice distance, that positions may be off a line of equal steps


@dataclass(frozen=True, kw_only=True)
class SeriesGrid:
    """A grid of voxels x, y, z, and the 4 x 4 from its indices to our world."""

    shape: tuple[int, int, int]
    world: np.ndarray


@dataclass(frozen=True, kw_only=True)
class _Slice:
    """Where a slice lies, as DICOM says it."""

    position: tuple[float, ...]
    axes: tuple[float, ...]
    spacing: tuple[float, ...]
    thickness: float
    rows: int
    columns: int


@dataclass(frozen=True, kw_only=True)
class SeriesFinder:
    """Finds series below a folder, or beside a file and below, or in a folder beside that of the file.

    Each folder is looked through once a run.
    """

    folder: Path | None = None
    _seen: dict[Path, dict[str, list[Any]]] = field(default_factory=dict)
    _children: dict[Path, dict[str, list[Path]]] = field(default_factory=dict)

    def grid(self, uid: str, mask: Path) -> SeriesGrid | None:
        """The grid of the series with this id; None where it is nowhere.

        Raises:
            DataError: slices are missing or on no regular grid.
        """
        files = self._below(self.folder or mask.parent).get(uid, [])
        if not files and self.folder is None:
            parent = mask.absolute().parent.parent
            if parent not in self._children:
                self._children[parent] = _series_folders_in(parent)
            for folder in self._children[parent].get(uid, []):
                files = [*files, *self._below(folder).get(uid, [])]
        return grid_of_series(files, mask, uid) if files else None

    def _below(self, folder: Path) -> dict[str, list[Any]]:
        if folder not in self._seen:
            self._seen[folder] = _series_below(folder)
        return self._seen[folder]


def series_finder(folder: Path | None) -> SeriesFinder:
    """A finder that looks below a folder, or beside each mask without one.

    Raises:
        ConfigError: the folder is not there.
    """
    if folder is not None and not require_existing(folder, what="--series").is_dir():
        raise ConfigError(f"--series {printable(folder)}: is a file. Name the folder that holds the series.")
    return SeriesFinder(folder=folder)


def _series_below(folder: Path) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and sop_class(path) and not is_dicom_mask(path):
            header = read_dataset(path, tags=_PLACE, pixels=False)
            with refusing_damage(path):
                uid = str(header.get("SeriesInstanceUID", ""))
            found.setdefault(uid, []).append(header)
    return found


def _series_folders_in(parent: Path) -> dict[str, list[Path]]:
    """The folders of series that lie in one, as in an archive, by the ids that their first files tell."""
    found: dict[str, list[Path]] = {}
    try:
        folders = sorted(path for path in parent.iterdir() if path.is_dir())
    except OSError:
        return found
    for folder in folders:
        try:
            first = next(
                (path for path in sorted(folder.iterdir())[:_FIRST] if path.is_file() and sop_class(path)), None
            )
            if first is not None:
                header = read_dataset(first, tags=["SeriesInstanceUID"], pixels=False)
                found.setdefault(str(header.get("SeriesInstanceUID", "")), []).append(folder)
        except (OSError, DataError):  # of another case, whose turn may come
            continue
    return found


def grid_of_series(files: Sequence[Any], mask: Path, uid: str) -> SeriesGrid:
    """The grid of slices that lie in parallel at equal steps (part 3, C.7.6.2.1.1).

    Args:
        files: the headers of all files of the series, of one slice or of many frames each.

    Raises:
        DataError: they do not.
    """
    try:
        slices = [part for header in files for part in _slices_of(header)]
        along, down = np.array(slices[0].axes).reshape(2, 3)
        places = np.array([part.position for part in slices]).reshape(len(slices), 3)
        height, width = slices[0].spacing
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise DataError(
            f"{printable(mask)}: refers to series {printable(uid)}, whose files do not say where each slice lies. "
            "Give the series with one slice per file."
        ) from error
    forms = {(part.rows, part.columns, part.spacing, tuple(np.round(part.axes, 4))) for part in slices}
    normal = np.cross(along, down)
    places = places[np.argsort(places @ normal)]
    steps = np.diff(places, axis=0)
    step = steps.mean(axis=0) if len(steps) else normal * slices[0].thickness
    length = float(np.linalg.norm(step))
    if len(forms) > 1 or not length:
        raise DataError(
            f"{printable(mask)}: the slices of series {printable(uid)} have several sizes or directions, or lie on "
            "one another. Keep one copy of each slice of one reconstruction."
        )
    if len(steps) and np.abs(steps - step).max() > _UNEVEN * length:
        lengths = np.linalg.norm(steps, axis=1)
        raise DataError(
            f"{printable(mask)}: the {len(slices)} slices of series {printable(uid)} are {lengths.min():.4g} to "
            f"{lengths.max():.4g} mm apart, so some are missing or there twice. Copy the whole series, once."
        )
    world = np.eye(4)
    world[:3] = np.column_stack([along * width, down * height, step, places[0]])
    return SeriesGrid(shape=(slices[0].columns, slices[0].rows, len(slices)), world=TO_RIGHT_AND_FRONT @ world)


def _slices_of(header: Any) -> list[_Slice]:
    """The slices of a file; of frames that differ in something else than their place, one is enough."""
    frames = header.get("PerFrameFunctionalGroupsSequence")
    if not frames:
        return [_slice(header, [])]
    shared = list(header.get("SharedFunctionalGroupsSequence") or [])
    return [*dict.fromkeys(_slice(header, [frame, *shared]) for frame in frames)]


def _slice(header: Any, groups: Sequence[Any]) -> _Slice:
    def numbers(name: str) -> tuple[float, ...]:
        inner = [group[_GROUPS[name]][0] for group in groups if _GROUPS[name] in group]
        value = getattr(inner[0] if inner else header, name)
        return tuple(map(float, value)) if name != "SliceThickness" else (float(value or 1.0),)

    try:
        (thickness,) = numbers("SliceThickness")
    except AttributeError:
        thickness = 1.0
    return _Slice(
        position=numbers("ImagePositionPatient"),
        axes=numbers("ImageOrientationPatient"),
        spacing=numbers("PixelSpacing"),
        thickness=thickness,
        rows=int(header.Rows),
        columns=int(header.Columns),
    )
