"""Any overlap or boundary metric lesion by lesion: in the Voronoi cell of each true lesion, then the mean."""

import inspect
import math
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.lesions.components import Connectivity
from segeval.evidence.lesions.voronoi import LesionCells
from segeval.evidence.overlap.counts import Counts
from segeval.evidence.shapes import PerLabel
from segeval.evidence.surfaces.surface import Surfaces
from segeval.measure import Absent, Measure, MeasureCall

_PROBE = Counts(**{name: np.array([n]) for name, n in {"tp": 5, "fp": 2, "fn": 3, "tn": 7}.items()})


def in_cells(measure: Measure, *, in_voxels: bool = False) -> Measure:
    """The mean of a metric over the true lesions, each in its Voronoi cell: `dice(matching=voronoi)`.

    Args:
        in_voxels: whether the spacing is ignored, by the cells and by what is measured in them.

    Raises:
        ConfigError: the metric needs true negatives, or something else than voxel counts or surfaces.
    """
    _check_speaks_of_a_lesion(measure)

    def kernel(
        cells: LesionCells,
        *,
        matching: Literal["voronoi"] = "voronoi",
        connectivity: Connectivity = "full",
        min_size_mm3: float = 0.0,
        **own: Any,
    ) -> PerLabel:
        cells = cells.in_voxels() if in_voxels else cells
        return per_lesion_mean(measure.at(**own), cells, connectivity=connectivity, min_size_mm3=min_size_mm3)

    without = ("unit",) if in_voxels else ()
    own = [one for one in list(inspect.signature(measure.function).parameters.values())[1:] if one.name not in without]
    cells, *more = list(inspect.signature(kernel).parameters.values())[:-1]
    kernel.__signature__ = inspect.Signature([cells, *own, *more])  # type: ignore[attr-defined]
    kernel.__doc__ = f"{measure.summary.rstrip('.')}: the mean over the true lesions, each in its Voronoi cell."
    return replace(
        measure,
        function=kernel,
        formula=f"mean over true lesions of {measure.formula}",
        reference="Jaus et al. 2024, arXiv:2410.18684 (CC-Metrics)",
        levels=("class",),
        absent=Absent(),
        in_column=(*measure.in_column, "matching"),
        limits={**measure.limits, "min_size_mm3": (0.0, math.inf)},
        needs=(LesionCells,),
        without=without,
        knobs=MappingProxyType({one.name: one.default for one in (*own, *more)}),
    )


def per_lesion_mean(
    call: MeasureCall, cells: LesionCells, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0
) -> PerLabel:
    """Mean of a metric over the true lesions of each class, every lesion weighing the same.

    A false alarm counts in the cell of the nearest lesion. Without a true lesion the value is
    undefined, or the worst one where something is predicted. Undefined lesions are left out.

    Source: CC-Metrics, Jaus et al. 2024, arXiv:2410.18684.
    """
    values = [
        per_lesion(call, cells, which, connectivity=connectivity, min_size_mm3=min_size_mm3)
        for which in range(len(cells.lesions.classes))
    ]
    return np.array([_mean(each) for each in values], dtype=np.float64)


def per_lesion(
    call: MeasureCall,
    cells: LesionCells,
    which: int,
    *,
    connectivity: Connectivity = "full",
    min_size_mm3: float = 0.0,
) -> PerLabel:
    """A metric for each true lesion of the class at position `which`, in the order of their ids.

    Without a true lesion: nothing, or a single worst value where something is predicted.
    """
    found = cells.lesions.found(which, connectivity=connectivity, min_size_mm3=min_size_mm3)
    if not len(found.truth):
        worst = np.nan if call.measure.worst is None else call.measure.worst
        return np.full(min(len(found.pred), 1), worst)
    if call.measure.needs == (Counts,):
        values = np.asarray(call(cells.counts(found)), dtype=np.float64)
    else:
        values = np.asarray(call(cells.surfaces(found, name=cells.lesions.classes[which].name)), dtype=np.float64)
    if call.measure.absent.pred is not None:
        values = np.where(cells.counts(found).pred == 0, call.measure.absent.pred, values)
    return np.array([cells.distance(one) for one in values]) if call.measure.unit == "mm" else values


def _check_speaks_of_a_lesion(measure: Measure) -> None:
    """A cell ends where the next begins, so that a lesion has no true negatives to speak of."""
    if measure.evidence == (Surfaces,):
        return
    if measure.needs != (Counts,):
        raise ConfigError(
            f"{measure.name} is not made of voxel counts or surfaces, so there is no value of a single lesion. "
            "Choose an overlap or boundary metric with matching=voronoi, such as dice."
        )
    if not np.array_equal(measure(_PROBE), measure(replace(_PROBE, tn=_PROBE.tn + 1)), equal_nan=True):
        raise ConfigError(
            f"{measure.name} needs true negatives, and a single lesion has none. "
            "Choose a metric of TP, FP and FN with matching=voronoi, such as dice."
        )


def _mean(values: np.ndarray) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else np.nan
