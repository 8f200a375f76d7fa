"""RTSTRUCT: contours in millimetres, made masks on the grid of the image that they were drawn on.

A voxel belongs to a ROI where its centre is inside an odd number of the closed contours on its slice, so a contour
within another is a hole. A line along x through the centres of a row meets the edges of a polygon; from the first
centre at or behind each meeting, inside and outside change places. Edges hold their lower end in y and not their
upper one, so a corner between two edges is met once; a centre on the left or lower edge is inside, one on the right
or upper edge is not.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.files.paths import printable
from segeval.images.named.dicom import read_dataset, refusing_damage
from segeval.images.named.masks import NamedMasks, refuse_doubles
from segeval.images.named.series import SeriesFinder, SeriesGrid

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_OFF_SLICE = 0.1  # of a slice, that a contour may lie beside the centres of one
_BEYOND = 1.0  # pixels that a contour may reach beyond the image without a word


@dataclass(frozen=True, kw_only=True)
class _Roi:
    """The contours of one ROI, each of shape (points, 3), and what kinds of contours there are."""

    contours: list[np.ndarray]
    kinds: Counter[str] = field(default_factory=Counter)


def roi_names(path: Path) -> tuple[str, ...]:
    """What the ROIs are called; points that somebody marked are none.

    Raises:
        DataError: the file is damaged, or two ROIs bear one name.
    """
    return tuple(_rois(path, read_dataset(path)))


def read_contours(path: Path, finder: SeriesFinder) -> NamedMasks:
    """The ROIs of a file as masks on the grid of the series that it refers to.

    Raises:
        DataError: the file is damaged, or that series is missing.
    """
    dataset = read_dataset(path)
    rois = _rois(path, dataset)
    uid = _referenced_series(path, dataset)
    grid = finder.grid(uid, path)
    if grid is None:
        looked = printable(finder.folder or path.parent) + ("" if finder.folder else " or a folder beside it")
        raise DataError(
            f"{printable(path)}: its contours were drawn on series {printable(uid)}, which is not in "
            f"{looked}. Copy the series beside the file, or name the folder that holds it with --series."
        )
    empty = [printable(name) for name, roi in rois.items() if not roi.contours]
    notes = (f"no contour of {', '.join(empty)}: taken as empty",) if empty else ()
    if cut := [printable(name) for name, roi in rois.items() if _reaches_beyond(name, roi, grid, path)]:
        notes = (*notes, f"contours of {', '.join(cut)} reach beyond the image, and end there")
    masks = {name: lambda name=name, roi=roi: _mask(name, roi, grid, path) for name, roi in rois.items()}
    return NamedMasks(path=path, world=grid.world, masks=masks, notes=notes)


def _reaches_beyond(name: str, roi: _Roi, grid: SeriesGrid, path: Path) -> bool:
    """Whether a contour leaves the image.

    Raises:
        DataError: one lies beside the image as a whole.
    """
    reaches = False
    for points in roi.contours:
        at = _indices(points, grid)[:, :2]
        low, high, last = at.min(axis=0), at.max(axis=0), np.array(grid.shape[:2]) - 0.5
        if (high < -0.5).any() or (low > last).any():
            raise DataError(
                f"{printable(path)}: ROI '{printable(name)}' has a contour beside its image of {grid.shape[0]} x "
                f"{grid.shape[1]} pixels, from ({low[0]:.4g}, {low[1]:.4g}) to ({high[0]:.4g}, {high[1]:.4g}). "
                "Export it on the series that it was drawn on."
            )
        reaches |= bool((low < -0.5 - _BEYOND).any() or (high > last + _BEYOND).any())
    return reaches


def _indices(points: np.ndarray, grid: SeriesGrid) -> np.ndarray:
    """Points of a file in voxels x, y, z."""
    to_index = np.linalg.inv(grid.world)
    # DICOM's world runs to the left and the back; seven digits are all that the text of a file keeps
    return np.round((points * (-1, -1, 1)) @ to_index[:3, :3].T + to_index[:3, 3], 6)


def _rois(path: Path, dataset: Any) -> dict[str, _Roi]:
    with refusing_damage(path):
        names = {int(one.ROINumber): str(one.ROIName).strip() for one in dataset.StructureSetROISequence}
        found = {number: _Roi(contours=[]) for number in names}
        for item in dataset.get("ROIContourSequence") or []:
            roi = found[int(item.ReferencedROINumber)]
            for contour in item.get("ContourSequence") or []:
                roi.kinds[str(contour.ContourGeometricType)] += 1
                points = np.array(contour.ContourData, dtype=np.float64).reshape(-1, 3)
                if not np.isfinite(points).all():
                    raise ValueError("a contour has points that are not finite")
                roi.contours.append(points)
    kept = {number: name for number, name in names.items() if set(found[number].kinds) != {"POINT"}}
    refuse_doubles(path, [*kept.values()])
    return {name: found[number] for number, name in kept.items()}


def _referenced_series(path: Path, dataset: Any) -> str:
    with refusing_damage(path):
        for frame in dataset.get("ReferencedFrameOfReferenceSequence") or []:
            for study in frame.get("RTReferencedStudySequence") or []:
                for series in study.get("RTReferencedSeriesSequence") or []:
                    return str(series.SeriesInstanceUID)
    raise DataError(
        f"{printable(path)}: does not say on which series its contours were drawn. Export it with its references."
    )


def _mask(name: str, roi: _Roi, grid: SeriesGrid, path: Path) -> np.ndarray:
    """The voxels of a ROI."""
    where = f"{printable(path)}: ROI '{printable(name)}'"
    if odd := sorted({*roi.kinds} - {*_CLOSED}):
        raise DataError(
            f"{where} has {roi.kinds[odd[0]]} contours of type {printable(odd[0])}, which enclose nothing. "
            "Close them and export again, or leave the ROI out with --labels."
        )
    mask = np.zeros(grid.shape, dtype=np.bool_, order="F")
    slices: dict[int, list[np.ndarray]] = {}
    for points in roi.contours:
        at = _indices(points, grid)
        slices.setdefault(_slice_of(at[:, 2], grid, where), []).append(at[:, :2])
    for k, polygons in slices.items():
        mask[:, :, k] = _filled(polygons, grid.shape[:2], f"{where}, slice {k}")
    return mask


def _slice_of(heights: np.ndarray, grid: SeriesGrid, where: str) -> int:
    k = round(float(heights.mean()))
    if np.abs(heights - k).max() > _OFF_SLICE:
        raise DataError(
            f"{where} has a contour from {heights.min():.4g} to {heights.max():.4g} slices, which lies on no slice of "
            "its series. Export it on the slices of the image."
        )
    if not 0 <= k < grid.shape[2]:
        raise DataError(
            f"{where} has a contour on slice {k}, and its series has slices 0 to {grid.shape[2] - 1}. "
            "Copy the whole series."
        )
    return k


def _filled(polygons: list[np.ndarray], shape: tuple[int, ...], where: str) -> np.ndarray:
    """The pixels inside an odd number of polygons of a slice.

    Raises:
        DataError: contours cross so that this rule would cut a hole nobody drew.
    """
    inside: list[np.ndarray] = []
    for points in polygons:
        turns = windings(points, shape)
        odd = turns % 2 != 0
        if np.any(turns[~odd]):
            raise DataError(f"{where}: a contour crosses or covers itself. Draw it as one loop, and export again.")
        inside.append(odd)
    for i, mine in enumerate(inside):
        for other in inside[:i]:
            shared = np.count_nonzero(mine & other)
            if 0 < shared < min(np.count_nonzero(mine), np.count_nonzero(other)):
                raise DataError(
                    f"{where}: two contours cross, so {shared} pixels in both are neither hole nor ROI for certain. "
                    "Join them in one contour, and export again."
                )
    return np.logical_xor.reduce(inside)


def windings(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """How often a polygon goes around the centre of each pixel, by sign.

    Args:
        points: corners in pixels, shape (n, 2), the last joined to the first.
        shape: of the image, along x and y.

    Example:
        >>> windings(np.array([[0.5, 0.5], [2.5, 0.5], [2.5, 1.5], [0.5, 1.5]]), (4, 3)).astype(int).T.tolist()
        [[0, 0, 0, 0], [0, -1, -1, 0], [0, 0, 0, 0]]
    """
    x0, y0 = points.T
    x1, y1 = np.roll(points, -1, axis=0).T
    first = np.clip(np.ceil(np.minimum(y0, y1)), 0, shape[1]).astype(np.intp)
    n_rows = np.clip(np.ceil(np.maximum(y0, y1)), 0, shape[1]).astype(np.intp) - first
    edge = np.repeat(np.arange(len(points)), n_rows)
    rows = np.arange(len(edge)) - np.repeat(np.cumsum(n_rows) - n_rows, n_rows) + first[edge]
    slope = (x1 - x0)[edge] / (y1 - y0)[edge]
    met = np.clip(np.ceil(np.round(x0[edge] + (rows - y0[edge]) * slope, 6)), 0, shape[0]).astype(np.intp)
    turns = np.zeros((shape[0] + 1, shape[1]), dtype=np.int32)
    np.add.at(turns, (met, rows), np.where(y1 > y0, 1, -1)[edge])
    return turns.cumsum(axis=0, dtype=np.int32)[:-1]
