"""The image series that DICOM masks were drawn on: found by its id, and only its grid is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import ConfigError, DataError
from segeval.files.paths import printable, require_existing
from segeval.images.named.dicom import is_dicom_mask, read_dataset, refusing_damage, sop_class
from segeval.images.readers.world import TO_RIGHT_AND_FRONT

_PLACE = ["SeriesInstanceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"]
_PLACE += ["Rows", "Columns", "SliceThickness"]
_UNEVEN = 0.02  # of a slice distance, that positions may be off a line of equal steps


@dataclass(frozen=True, kw_only=True)
class SeriesGrid:
    """A grid of voxels x, y, z, and the 4 x 4 from its indices to our world."""

    shape: tuple[int, int, int]
    world: np.ndarray


@dataclass(frozen=True, kw_only=True)
class SeriesFinder:
    """Finds series below a folder, or beside a file and below; each folder is looked through once a run."""

    folder: Path | None = None
    _seen: dict[Path, dict[str, list[Any]]] = field(default_factory=dict)

    def grid(self, uid: str, mask: Path) -> SeriesGrid | None:
        """The grid of the series with this id; None where it is nowhere.

        Raises:
            DataError: slices are missing or on no regular grid.
        """
        folder = self.folder or mask.parent
        if folder not in self._seen:
            self._seen[folder] = _series_below(folder)
        slices = self._seen[folder].get(uid)
        return grid_of_slices(slices, mask, uid) if slices else None


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


def grid_of_slices(slices: Sequence[Any], mask: Path, uid: str) -> SeriesGrid:
    """The grid of slices that lie in parallel at equal steps (part 3, C.7.6.2.1.1).

    Raises:
        DataError: they do not.
    """
    try:
        turned = {tuple(np.round(np.array(one.ImageOrientationPatient, float), 4)) for one in slices}
        forms = {(int(one.Rows), int(one.Columns), *map(float, one.PixelSpacing)) for one in slices}
        along, down = np.array(slices[0].ImageOrientationPatient, float).reshape(2, 3)
        normal = np.cross(along, down)
        places = np.array([one.ImagePositionPatient for one in slices], float)
        thickness = float(slices[0].get("SliceThickness") or 1.0)
    except (AttributeError, TypeError, ValueError) as error:
        raise DataError(
            f"{printable(mask)}: refers to series {printable(uid)}, whose files do not say where each slice lies. "
            "Give the series with one slice per file."
        ) from error
    places = places[np.argsort(places @ normal)]
    steps = np.diff(places, axis=0)
    step = steps.mean(axis=0) if len(steps) else normal * thickness
    length = float(np.linalg.norm(step))
    if len(turned) > 1 or len(forms) > 1 or not length:
        raise DataError(
            f"{printable(mask)}: the slices of series {printable(uid)} have several sizes or directions, or lie on "
            "one another. Keep one copy of each slice of one reconstruction."
        )
    if len(steps) and np.abs(steps - step).max() > _UNEVEN * length:
        raise DataError(
            f"{printable(mask)}: the {len(slices)} slices of series {printable(uid)} are "
            f"{np.linalg.norm(steps, axis=1).min():.4g} to {np.linalg.norm(steps, axis=1).max():.4g} mm apart, so some "
            "are missing. Copy the whole series."
        )
    rows, columns = int(slices[0].Rows), int(slices[0].Columns)
    height, width = map(float, slices[0].PixelSpacing)
    world = np.eye(4)
    world[:3] = np.column_stack([along * width, down * height, step, places[0]])
    return SeriesGrid(shape=(columns, rows, len(slices)), world=TO_RIGHT_AND_FRONT @ world)
