"""Losses asked for by name: of objects, skeletons, eroded errors, hard voxels and neighbouring logits.

They need what few others do, or say little alone, and stay out of the larger groups.
"""

import math
from typing import Any, Literal

import numpy as np

from segeval.evidence.arrays import constant, namespace, quotient
from segeval.evidence.probabilities.soft import RankedCosts
from segeval.evidence.shapes import Values
from segeval.evidence.space.in_space import InSpace, Side
from segeval.evidence.space.logits import LogitsInSpace
from segeval.evidence.space.neighbours import Kernel, Padding, local_mean, mean_of_cross
from segeval.measure import loss

_ANY = (0.0, math.inf)


@loss(
    symbol="NACL",
    formula="-(1/N) Σ_i ln p_{i,l(i)} + λ (1/NC) Σ_{i,c} |u_ic - z_ic|, u the share of each class around a voxel",
    bounds=_ANY,
    aliases=("nacl",),
    levels=("class", "case"),
    reference="Murugesan 2023, arXiv:2303.06268; 2024, arXiv:2401.14487",
    limits={"lambda_": _ANY},
)
def nacl_loss(
    image: LogitsInSpace,
    *,
    lambda_: float = 0.1,
    norm: Literal["l1", "l2"] = "l1",
    kernel: Kernel = "mean",
    padding: Padding = "zero",
) -> Values:
    """Cross-entropy, and how far each logit is from the share of its class among the neighbours: for calibration.

    It needs logits: from probabilities and masks it is undefined. A class against the rest has ln(1-p) and ln p.

    Args:
        lambda_: λ, weight of the second part.
        norm: absolute differences (l1), or their squares (l2).
        kernel: of the cube of 3 voxels a side: all alike, or a Gaussian of one voxel.
        padding: beyond the edge of the image lies no class (zero), or that of the edge (replicate).
    """
    shares = local_mean(image.y, n_axes=image.n_axes, kernel=kernel, padding=padding)
    away = abs(shares - image.z) if norm == "l1" else (shares - image.z) ** 2
    return image.mean(image.nll + lambda_ * away.mean(-image.n_axes - 1))


@loss(
    symbol="OHEM",
    formula="mean of -ln p_t where p_t < max(t, the k+1 smallest p_t)",
    bounds=_ANY,
    aliases=("ohem_ce",),
    levels=("class", "case"),
    reference="Shrivastava 2016, arXiv:1604.03540",
    limits={"thresh": (0.0, 1.0), "min_kept": (0, 1e12)},
)
def ohem_ce_loss(terms: RankedCosts, *, thresh: float = 0.7, min_kept: int = 100_000, exact: bool = False) -> Values:
    """Cross-entropy of the voxels that are not certain enough, and of at least so many of the hardest.

    Args:
        thresh: t, the probability of the true class from which a voxel is certain enough.
        min_kept: k, voxels that count at least, in each case; equal ones beyond it stay out.
        exact: as in `topk_ce_loss`.
    """
    return terms.ranked_for("exact" if exact else "hinge").mean_above(-math.log(max(thresh, 1e-44)), min_kept)


@loss(
    symbol="BlobDL",
    formula="α DL(p, y) + β mean_n DL(p, y_n) without the voxels of other objects",
    bounds=_ANY,
    aliases=("blob",),
    reference="Kofler 2022, arXiv:2205.08209",
    limits={"alpha": _ANY, "beta": _ANY, "smooth": _ANY},
)
def blob_loss(image: InSpace, *, alpha: float = 2.0, beta: float = 1.0, smooth: float = 1e-5) -> Values:
    """Dice loss of the class, and its mean over the connected objects of the truth, each seen without the others.

    Probability outside all objects counts for every one of them; without an object the second part is 0.

    Args:
        alpha: α.
        beta: β.
        smooth: s of the Dice loss 1 - (2I + s)/(S + s).
    """
    shared, size = image.in_objects(image.p * image.y), image.in_objects(image.y)
    outside = image.summed(image.p * (1 - image.y))[..., None]
    there = size > 0
    of_objects = namespace(shared).where(there, _dice(shared, outside + shared + size, smooth), 0.0)
    whole = _dice(image.summed(image.p * image.y), image.summed(image.p + image.y), smooth)
    return alpha * whole + beta * quotient(of_objects.sum(-1), there.sum(-1), empty=0.0)


def _dice(shared: Any, volumes: Any, smooth: float) -> Any:
    return 1 - quotient(2 * shared + smooth, volumes + smooth, empty=1.0)


@loss(
    symbol="cbDL",
    formula="1 - 2 T_prec T_sens/(T_prec + T_sens), T_prec = (Σ Q_S Q_V + s)/(Σ w Q_S + s), weights by radius",
    bounds=(-math.inf, 1.0),
    aliases=("cbdice",),
    reference="Shi 2024, arXiv:2407.01517, as in the code of its authors",
    limits={"iterations": (0, 1000), "smooth": _ANY},
)
def cbdice_loss(image: InSpace, *, iterations: int = 10, smooth: float = 1.0) -> Values:
    """Middle-line loss in which thin branches weigh as much as thick ones, in voxels whatever their size.

    0 for a perfect mask, and below it where soft maps are surer of a middle line than the truth is wide.

    Args:
        iterations: as in `soft_cldice_loss`.
        smooth: s.
    """
    pred, truth = (_Branches(image, side, iterations) for side in ("pred", "truth"))
    precision, sensitivity = (
        quotient(
            image.summed(own.line * other.depth) + smooth,
            image.summed(own.line * own.radius_beside(other)) + smooth,
            empty=1.0,
        )
        for own, other in ((pred, truth), (truth, pred))
    )
    return 1 - quotient(2 * precision * sensitivity, precision + sensitivity, empty=0.0)


class _Branches:
    """A mask by its depths, all relative to the largest radius on its skeleton.

    `depth` is how deep each voxel lies, `radius` the same on the skeleton, `line` the skeleton by the inverse of the
    cross-section. Geometry is that of the hard mask; gradients flow through the mask and its soft skeleton.
    """

    def __init__(self, image: InSpace, side: Side, iterations: int) -> None:
        mask = image.p if side == "pred" else image.y
        xp, tiny = namespace(mask), 1e-7
        skeleton = image.skeleton(side, iterations)
        on_line = constant(skeleton) > 0.5
        depth = image.depth_inside("voxel", of=side)
        radius = xp.where(on_line, depth, 0.0)
        largest = xp.clip(xp.amax(radius, image.space, keepdims=True), 1.0, None)
        self.depth = xp.minimum(depth, largest) / largest * mask
        self.radius = radius / largest * mask
        section = (radius / largest) ** (image.n_axes - 1)
        self.line = xp.where(on_line, (1 + tiny) / (section + tiny) * skeleton, 0.0)

    def radius_beside(self, other: "_Branches") -> Any:
        """The radius on the other skeleton, and on this one where the other is not."""
        return namespace(self.radius).where(constant(other.radius) == 0, self.radius, other.radius)


@loss(
    symbol="HER",
    formula="Σ_k k^α mean(e_k), e_k the error (p - y)² eroded k times",
    bounds=_ANY,
    aliases=("hausdorff_er",),
    reference="Karimi & Salcudean 2019, arXiv:1904.10030; scaling of each step as in kornia",
    limits={"alpha": _ANY, "erosions": (1, 1000)},
)
def hausdorff_er_loss(image: InSpace, *, alpha: float = 2.0, erosions: int = 10) -> Values:
    """Squared error that survives erosion, in voxels whatever their size: blind to errors one or two voxels thin.

    Args:
        alpha: power of the number of erosions.
        erosions: how many.
    """
    xp = namespace(image.p)
    total, left = 0.0, (image.p - image.y) ** 2
    for step in range(1, erosions + 1):
        left = (mean_of_cross(left, n_axes=image.n_axes) - 0.5).clip(0.0, None)
        low, high = (choose(left, image.space, keepdims=True) for choose in (xp.amin, xp.amax))
        left = xp.where(high > low, (left - low) / xp.where(high > low, high - low, 1.0), left)
        total = total + image.mean(left) * step**alpha
        if xp is np and not left.any():  # torch would have to wait for its device
            break
    return total
