"""Losses of where a mask lies: by distances to its border, and by its middle line.

Sources, variants, pitfalls and errata of each: docs/losses.md.
"""

import math
from typing import Any, Literal

from segeval.evidence.arrays import namespace, quotient
from segeval.evidence.shapes import Values
from segeval.evidence.space.in_space import Empty, InSpace, Units
from segeval.measure import loss

_ANY = (0.0, math.inf)


@loss(
    symbol="BL",
    formula="(1/N) Σ_i φ_i p_i, φ the signed distance to the border of the truth",
    bounds=(-math.inf, math.inf),
    aliases=("surface_loss", "boundary_loss_kervadec"),
    reference="Kervadec 2019, arXiv:1812.07032",
)
def boundary_loss(
    image: InSpace,
    *,
    units: Units = "mm",
    convention: Literal["kervadec", "symmetric"] = "kervadec",
    empty: Empty = "zero",
) -> Values:
    """Mean of the probabilities, each times how far its voxel is from the border of the truth, negative inside.

    A perfect mask has a value of 0 or below, which depends on the object; without a border in the truth the loss is 0
    whatever is predicted.

    Args:
        units: of the distance.
        convention: kervadec makes the voxels inside that touch the border 0; symmetric leaves them one step deep.
        empty: without a border distances are 0, or the diagonal of the image.
    """
    inside, outside = image.depths(units, empty=empty)
    if convention == "kervadec":
        inside = inside - image.smallest_step(units) * (inside > 0)
    return image.mean((outside - inside) * image.p)


@loss(
    symbol="HDT",
    formula="(1/N) Σ_i (p_i - y_i)² (D_y^α + D_p^α)",
    bounds=_ANY,
    aliases=("hausdorff_dt",),
    reference="Karimi & Salcudean 2019, arXiv:1904.10030",
    limits={"alpha": _ANY},
)
def hausdorff_dt_loss(
    image: InSpace, *, alpha: float = 2.0, units: Units = "mm", one_sided: bool = False, empty: Empty = "zero"
) -> Values:
    """Squared error, each times how far its voxel is from the borders of truth and prediction.

    Args:
        alpha: power of the distances.
        units: of the distances.
        one_sided: look at the border of the truth alone, which does not change in training.
        empty: as in `boundary_loss`.
    """
    far = sum(image.depths(units, empty=empty)) ** alpha
    if not one_sided:
        far = far + sum(image.depths(units, of="pred", empty=empty)) ** alpha
    return image.mean((image.p - image.y) ** 2 * far)


@loss(
    symbol="LogHDT",
    formula="ln(1 + HDT)",
    bounds=_ANY,
    aliases=("log_hausdorff_dt",),
    reference="Karimi & Salcudean 2019, arXiv:1904.10030; the logarithm: MONAI",
    limits={"alpha": _ANY},
)
def log_hausdorff_dt_loss(
    image: InSpace, *, alpha: float = 2.0, units: Units = "mm", one_sided: bool = False, empty: Empty = "zero"
) -> Values:
    """Logarithm of one plus the Hausdorff loss of each case and class.

    Args:
        alpha: as in `hausdorff_dt_loss`.
        units: of the distances.
        one_sided: as in `hausdorff_dt_loss`.
        empty: as in `boundary_loss`.
    """
    far = hausdorff_dt_loss(image, alpha=alpha, units=units, one_sided=one_sided, empty=empty)
    return namespace(far).log1p(far)


@loss(
    symbol="DPCE",
    formula="(1/N) Σ_i (1 + Φ_i) (-ln p_t), Φ 1 at the border and 0 farthest from it, on either side",
    bounds=_ANY,
    aliases=("distance_penalized_ce",),
    reference="Calivà 2019, arXiv:1908.03679",
)
def distance_penalized_ce_loss(image: InSpace, *, units: Units = "mm") -> Values:
    """Cross-entropy that counts twice at the border of the truth, and once where it is farthest.

    Args:
        units: of the distances, which matter only where a voxel is longer than wide.
    """
    inside, outside = image.depths(units)
    deepest = namespace(inside).amax(inside, image.space, keepdims=True)
    nearness = _nearness(inside, deepest, image) + _nearness(outside, image.most_outside(units), image)
    return image.mean((1 + nearness) * image.nll)


@loss(
    symbol="DoU",
    formula="(T - 2I)/(T - (1+α)I + s), T = Σp² + Σy², α = min(1 - 2C/S, α_max)",
    bounds=(0.0, 1.0),
    aliases=("boundary_dou",),
    reference="Sun 2023, arXiv:2308.00220",
    limits={"smooth": _ANY, "alpha_max": (-1.0, 0.999)},
)
def boundary_dou_loss(image: InSpace, *, alpha_max: float = 0.8, smooth: float = 1e-5) -> Values:
    """Difference over union, with the overlap taken out of the union the more the larger the object is.

    Args:
        alpha_max: most of α, which the size S of the object and the C voxels at its border give.
        smooth: s.
    """
    xp = namespace(image.y)
    size = image.y.sum(image.space)
    alpha = xp.clip(1 - 2 * quotient(image.rim, size, empty=1.0), None, alpha_max)
    total, shared = image.summed(image.p**2 + image.y**2), image.summed(image.p * image.y)
    return quotient(total - 2 * shared, total - (1 + alpha) * shared + smooth, empty=0.0)


@loss(
    symbol="clDL",
    formula="1 - 2 T_prec T_sens/(T_prec + T_sens), T_prec = (ΣS_p y + s)/(ΣS_p + s), T_sens = (ΣS_y p + s)/(ΣS_y + s)",
    bounds=(0.0, 1.0),
    aliases=("soft_cldice",),
    reference="Shit 2021, arXiv:2003.07311",
    limits={"iterations": (0, 1000), "smooth": _ANY},
)
def soft_cldice_loss(image: InSpace, *, iterations: int = 3, smooth: float = 1.0) -> Values:
    """How much of each soft middle line lies in the other mask, in voxels whatever their size.

    Args:
        iterations: erosions; at least the largest radius of a vessel.
        smooth: s; 1 keeps small objects far from the worst value.
    """
    of_pred, of_truth = (image.skeleton(side, iterations) for side in ("pred", "truth"))
    precision = quotient(image.summed(of_pred * image.y) + smooth, image.summed(of_pred) + smooth, empty=1.0)
    sensitivity = quotient(image.summed(of_truth * image.p) + smooth, image.summed(of_truth) + smooth, empty=1.0)
    return 1 - quotient(2 * precision * sensitivity, precision + sensitivity, empty=0.0)


@loss(
    symbol="Dice+clDL",
    formula="(1-α) (1 - (2I + s)/(S + s)) + α clDL",
    bounds=(0.0, 1.0),
    aliases=("dice_cldice",),
    reference="Shit 2021, arXiv:2003.07311",
    limits={"alpha": (0.0, 1.0), "iterations": (0, 1000), "smooth": _ANY},
)
def dice_cldice_loss(image: InSpace, *, alpha: float = 0.5, iterations: int = 3, smooth: float = 1.0) -> Values:
    """Dice loss and middle-line loss together.

    Args:
        alpha: share of the middle lines.
        iterations: as in `soft_cldice_loss`.
        smooth: s in both.
    """
    shared, total = image.summed(image.p * image.y), image.summed(image.p + image.y)
    dice = 1 - quotient(2 * shared + smooth, total + smooth, empty=1.0)
    return (1 - alpha) * dice + alpha * soft_cldice_loss(image, iterations=iterations, smooth=smooth)


def _nearness(depth: Any, most: Any, image: InSpace) -> Any:
    """1 for the least depth of a side and 0 for its most; 1 where these are one, and 0 on the other side."""
    xp = namespace(depth)
    least = xp.amin(xp.where(depth > 0, depth, math.inf), image.space, keepdims=True)
    known = xp.where(most > least, most - least, 1.0)
    near = xp.where(most > least, (most - depth) / known, 1.0)
    return xp.where(depth > 0, near, 0.0)
