"""Losses with a weight map: cross-entropy that counts more near borders.

Sources, variants, pitfalls and errata of each: docs/losses.md.
"""

import math
from typing import Any, Literal

import numpy as np

from segeval.evidence.probabilities.soft import ChannelVolumes, surprise
from segeval.evidence.shapes import Values
from segeval.evidence.space.weight_maps import BorderTerms, ContourTerms, object_gap
from segeval.losses.pixel import reduced
from segeval.losses.weights import class_weights
from segeval.measure import loss

Balance = Literal["inverse_frequency", "n_minus_nc", "none"]
BorderOn = Literal["background", "all"]


@loss(
    symbol="UWCE",
    formula="-(1/Z) Σ_i (w_c + w₀ exp(-(d₁+d₂)²/2σ²)) ln p_{i,l(i)}",
    bounds=(0.0, math.inf),
    aliases=("unet_weighted_ce", "unet_weighted_bce"),
    reference="Ronneberger 2015, arXiv:1505.04597",
    limits={"w0": (0.0, 1e12), "sigma": (1e-6, 1e6)},
)
def unet_weighted_ce_loss(
    terms: BorderTerms,
    volumes: ChannelVolumes,
    *,
    w0: float = 10.0,
    sigma: float = 5.0,
    class_balance: Balance = "inverse_frequency",
    border_on: BorderOn = "background",
    reduction: Literal["mean", "sum", "weight_mean"] = "mean",
) -> Values:
    """Cross-entropy weighted by class frequency and by the gap between two objects.

    Args:
        w0: height of the border term.
        sigma: its width, in voxels.
        class_balance: w_c, a scheme of `class_weights` or 1 (none).
        border_on: add the border term to the background only, whose gaps it is about, or to all voxels.
        reduction: Z is the voxels (mean), 1 (sum), or the sum of the weights (weight_mean).
    """
    balance = class_weights(volumes.truth, "uniform" if class_balance == "none" else class_balance)
    border = terms.weighted(w0=w0, sigma=sigma)
    bordered = slice(0, 1) if border_on == "background" else slice(None)
    total = (balance * terms.on_true_class(surprise)).sum(-1)
    total = total + border.on_true_class(surprise)[..., bordered].sum(-1)
    applied = (balance * terms.truth).sum(-1) + border.weights[0][..., bordered].sum(-1)
    return reduced(total, terms, reduction, voxels=terms.n[..., 0], applied=applied)


@loss(
    symbol="SA",
    formula="(1/N) Σ_i (1 + E_i) CE_i",
    bounds=(0.0, math.inf),
    aliases=("shape_aware",),
    reference="Al Arif 2017, doi:10.1007/978-3-319-74113-0_2; survey: Jadon 2020, arXiv:2006.14822",
)
def shape_aware_loss(terms: ContourTerms, *, reduction: Literal["mean", "sum"] = "mean") -> Values:
    """Cross-entropy that counts more where the masks differ, by the distance between their contours.

    Args:
        reduction: divide the sum by the voxels (mean) or not (sum).
    """
    plain, far = terms.sums(surprise), terms.weighted().sums(surprise)
    return reduced(sum(plain) + sum(far), terms, reduction)


def unet_weight_map(
    objects: Any,
    *,
    w0: float = 10.0,
    sigma: float = 5.0,
    class_balance: Balance = "inverse_frequency",
    border_on: BorderOn = "background",
    spacing: tuple[float, ...] | None = None,
) -> np.ndarray:
    """The weight of each voxel in `unet_weighted_ce_loss`, for one class with numbered objects.

    Args:
        objects: 0 for background, a number per object, touching ones apart.
        w0: height of the border term.
        sigma: its width, in voxels or in the unit of `spacing`.
        class_balance: weight of background and objects by volume, or 1 (none).
        border_on: add the border term to the background only, or to all voxels.
        spacing: voxel size per axis.
    """
    objects = np.asarray(objects)
    inside = objects > 0
    volumes = np.array([np.sum(~inside), np.sum(inside)], dtype=np.float64)
    balance = class_weights(volumes, "uniform" if class_balance == "none" else class_balance)
    border = w0 * np.exp(-((object_gap(objects, spacing=spacing) / sigma) ** 2) / 2)
    if border_on == "background":
        border = np.where(inside, 0.0, border)
    return balance[inside.astype(int)] + border
