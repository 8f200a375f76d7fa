"""Scores that a challenge has made up, and that no other definition gives.

Numbers of another year or another rule are not comparable: the profile, as in `lesionwise_dice[brats2023_gli]`, says
which rule it is.
"""

import math
from functools import partial
from typing import Literal

from segeval.evidence.lesions.components import Connectivity
from segeval.evidence.lesions.grown import GrownRule, by_surfaces, each_dice, lesionwise_means
from segeval.evidence.lesions.object_counts import ObjectCounts
from segeval.evidence.lesions.voronoi import LesionCells
from segeval.evidence.overlap.counts import Counts
from segeval.evidence.shapes import PerLabel
from segeval.measure import metric, ratio
from segeval.metrics import boundary, boundary_scores

UNIT = (0.0, 1.0)
POSITIVE = (0.0, math.inf)
BRATS = "BraTS 2023, Moawad et al. 2023, arXiv:2306.00838"
OF_RULE = ("dilation", "ignore_mm3")
LIMITS = {"dilation": (0, 100), "ignore_mm3": POSITIVE, "penalty_mm": POSITIVE}


@metric(
    symbol="LW Dice",
    formula="Σ Dice of true lesions / (true lesions + false alarms)",
    bounds=UNIT,
    better="higher",
    in_column=OF_RULE,
    limits=LIMITS,
    reference=BRATS,
)
def lesionwise_dice(
    cells: LesionCells,
    *,
    dilation: int = 3,
    ignore_mm3: float = 50.0,
    group_pred: bool = False,
    alarms: bool = True,
) -> PerLabel:
    """Mean Dice over the true lesions, each against all that is predicted near it; a false alarm counts as 0.

    A case without a lesion and without a false alarm has 1.

    Args:
        dilation: lesions that touch once they are grown by so many voxels are one, and what is predicted so near to a
            lesion belongs to it.
        ignore_mm3: true lesions of this size or less are left out; what is predicted near them is no false alarm.
        group_pred: predictions that touch once they are grown are one, and those of `ignore_mm3` voxels or less are
            dropped.
        alarms: whether what is predicted near no lesion counts.
    """
    rule = GrownRule(steps=dilation, ignore_mm3=ignore_mm3, group_pred=group_pred, alarms=alarms)
    return lesionwise_means(cells, rule, each_dice, worst=0.0, nothing=1.0)


@metric(
    symbol="LW HD95",
    formula="(Σ HD95 of true lesions + penalty · false alarms) / (true lesions + false alarms)",
    bounds=POSITIVE,
    better="lower",
    unit="mm",
    in_column=OF_RULE,
    limits=LIMITS,
    reference=BRATS,
)
def lesionwise_hd95(
    cells: LesionCells,
    *,
    dilation: int = 3,
    ignore_mm3: float = 50.0,
    group_pred: bool = False,
    alarms: bool = True,
    penalty_mm: float | Literal["diagonal"] = 374.0,
) -> PerLabel:
    """Mean HD95 over the true lesions, each against all that is predicted near it, with surfaces weighted by area.

    A case without a lesion and without a false alarm has 0.

    Args:
        dilation: as for `lesionwise_dice`.
        ignore_mm3: as for `lesionwise_dice`.
        group_pred: as for `lesionwise_dice`.
        alarms: as for `lesionwise_dice`.
        penalty_mm: of a false alarm, and of a lesion with nothing near it; `diagonal` is that of the image in voxels.
    """
    rule = GrownRule(steps=dilation, ignore_mm3=ignore_mm3, group_pred=group_pred, alarms=alarms)
    penalty = math.hypot(*cells.lesions.masks.shape) if penalty_mm == "diagonal" else float(penalty_mm)

    values = by_surfaces(cells, partial(boundary.hd95, surface="area"))
    return lesionwise_means(cells, rule, values, worst=penalty, nothing=0.0)


@metric(
    symbol="LW NSD",
    formula="Σ NSD of true lesions / (true lesions + false alarms)",
    bounds=UNIT,
    better="higher",
    in_column=("tolerance_mm", *OF_RULE),
    limits={**LIMITS, "tolerance_mm": POSITIVE},
    reference="BraTS 2024, de Verdier et al. 2024, arXiv:2405.18368",
)
def lesionwise_nsd(
    cells: LesionCells,
    *,
    tolerance_mm: float = 1.0,
    dilation: int = 3,
    ignore_mm3: float = 50.0,
    group_pred: bool = False,
    alarms: bool = True,
) -> PerLabel:
    """Mean surface Dice over the true lesions, each against all that is predicted near it; a false alarm counts as 0.

    It is the mean of both directions over surface voxels. A case without a lesion and without a false alarm has 1.

    Args:
        tolerance_mm: how far apart surfaces may lie.
        dilation: as for `lesionwise_dice`.
        ignore_mm3: as for `lesionwise_dice`.
        group_pred: as for `lesionwise_dice`.
        alarms: as for `lesionwise_dice`.
    """
    rule = GrownRule(steps=dilation, ignore_mm3=ignore_mm3, group_pred=group_pred, alarms=alarms)
    near = partial(boundary_scores.nsd, surface="voxel", pooling="directed_mean", slack=0.0, tolerance_mm=tolerance_mm)
    return lesionwise_means(cells, rule, by_surfaces(cells, near), worst=0.0, nothing=1.0)


@metric(
    symbol="AVD %",
    formula="100 · |p − g| / g",
    bounds=POSITIVE,
    better="lower",
    unit="%",
    reference="Kuijf et al. 2019, doi:10.1109/TMI.2019.2905770",
)
def absolute_volume_difference_percent(counts: Counts) -> PerLabel:
    """Difference of the two volumes, in percent of the true one."""
    return 100 * ratio(abs(counts.pred - counts.truth), counts.truth)


@metric(
    symbol="R²",
    formula="1 − Σ (n̂ − n)² / Σ (n − mean n)², over the cases",
    bounds=(-math.inf, 1.0),
    better="higher",
    of_data_set=True,
    aliases=("r2",),
    reference="Graham et al. 2024, doi:10.1016/j.media.2023.103047",
)
def count_r2(counted: ObjectCounts, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0) -> PerLabel:
    """How well the number of objects of a case is predicted: the share of its variance that is explained.

    A case without an object of the class on either side counts, too. Undefined where all cases have the same true
    number.
    """
    return counted.values(lambda one: one.r2)
