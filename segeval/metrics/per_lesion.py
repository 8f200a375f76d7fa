"""Any overlap metric lesion by lesion: inside the Voronoi cell of each true lesion, then the mean."""

from dataclasses import replace

import numpy as np

from segeval.core.components import Connectivity
from segeval.core.counts import Counts
from segeval.core.lesions import Lesions
from segeval.core.shapes import PerLabel
from segeval.core.voronoi import counts_per_lesion
from segeval.errors import ConfigError
from segeval.measure import MeasureCall


def per_lesion_mean(
    call: MeasureCall, lesions: Lesions, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0
) -> PerLabel:
    """Mean of an overlap metric over the true lesions of each class, every lesion weighing the same.

    A false alarm counts in the cell of the nearest lesion. Without a true lesion the value is
    undefined, or the worst one where something is predicted. Undefined lesions are left out.

    Source: CC-Metrics, Jaus et al. 2024, arXiv:2410.18684.

    Raises:
        ConfigError: the metric needs true negatives, or something else than voxel counts.
    """
    values = [
        per_lesion(call, lesions, which, connectivity=connectivity, min_size_mm3=min_size_mm3)
        for which in range(len(lesions.classes))
    ]
    return np.array([_mean(each) for each in values], dtype=np.float64)


def per_lesion(
    call: MeasureCall,
    lesions: Lesions,
    which: int,
    *,
    connectivity: Connectivity = "full",
    min_size_mm3: float = 0.0,
) -> PerLabel:
    """An overlap metric for each true lesion of the class at position `which`, in the order of their ids.

    Without a true lesion: nothing, or a single worst value where something is predicted.

    Raises:
        ConfigError: the metric needs true negatives, or something else than voxel counts.
    """
    found = lesions.found(which, connectivity=connectivity, min_size_mm3=min_size_mm3)
    if not len(found.truth):
        worst = np.nan if call.measure.worst is None else call.measure.worst
        return np.full(min(len(found.pred), 1), worst)
    counts = counts_per_lesion(found, lesions.single_case.scale)
    _check_needs_no_tn(call, counts)
    return np.asarray(call(counts), dtype=np.float64)


def _check_needs_no_tn(call: MeasureCall, counts: Counts) -> None:
    if call.measure.needs != (Counts,):
        raise ConfigError(f"{call.measure.name} is not made of voxel counts. Choose an overlap metric, as dice.")
    more_background = replace(counts, tn=counts.tn + 1)
    if not np.array_equal(call(counts), call(more_background), equal_nan=True):
        raise ConfigError(
            f"{call.measure.name} needs true negatives, and a single lesion has none. Choose a metric of TP, FP and FN."
        )


def _mean(values: np.ndarray) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else np.nan
