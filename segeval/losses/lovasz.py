"""Lovász losses: the Jaccard loss of a hard mask, extended to a convex function of the errors.

Sources, variants, pitfalls and errata of each: docs/losses.md.
"""

import math
from typing import Literal

from segeval.evidence.arrays import namespace, quotient
from segeval.evidence.probabilities.soft import ChannelLovasz, LovaszTerms
from segeval.evidence.shapes import Values
from segeval.measure import loss

_REFERENCE = "Berman 2018, arXiv:1705.08790"


@loss(
    symbol="LH",
    formula="Σ_k max(e_π(k), 0) g_k, e = 1 - s z",
    bounds=(0.0, math.inf),
    aliases=("lovasz_hinge",),
    reference=_REFERENCE,
)
def lovasz_hinge_loss(terms: LovaszTerms, *, empty: Literal["value", "skip"] = "value", exact: bool = False) -> Values:
    """Lovász extension of the Jaccard loss on the hinge errors of the logits.

    Args:
        empty: for a class without voxels the largest error counts (value) or nothing is said (skip).
        exact: sort the voxels of a map however many they are, as in training.
    """
    terms = terms.ranked_for("exact" if exact else "hinge")
    errors = 1.0 - terms.voxels.margin
    value = terms.extension(errors.clip(0.0, None))
    if empty == "value":
        return value
    return namespace(value).where(terms.truth > 0, value, math.nan)


@loss(
    symbol="LS",
    formula="Σ_k e_π(k) g_k, e = |y - p|",
    bounds=(0.0, 1.0),
    aliases=("lovasz_sigmoid",),
    reference=_REFERENCE,
)
def lovasz_sigmoid_loss(terms: LovaszTerms, *, exact: bool = False) -> Values:
    """Lovász extension of the Jaccard loss on the errors of the probabilities.

    Args:
        exact: sort the voxels of a map however many they are, as in training.
    """
    terms = terms.ranked_for("exact" if exact else "bins")
    return terms.extension(terms.voxels.miss)


@loss(
    symbol="LSM",
    formula="mean over classes of Σ_k e_π(k) g_k, e = |g - p|",
    bounds=(0.0, 1.0),
    aliases=("lovasz_softmax",),
    levels=("class", "case"),
    reference=_REFERENCE,
)
def lovasz_softmax_loss(
    terms: ChannelLovasz, *, classes: Literal["present", "all"] = "present", exact: bool = False
) -> Values:
    """Mean over the channels of the Lovász extension of each channel's Jaccard loss.

    Args:
        classes: present leaves out channels without a voxel in truth.
        exact: sort the voxels of a map however many they are, as in training.
    """
    terms = terms.ranked_for("exact" if exact else "bins")
    values = terms.extension(terms.voxels.miss)
    xp = namespace(values)
    counted = (terms.truth > 0) | (classes == "all")
    return quotient(xp.where(counted, values, 0.0).sum(-1), counted.sum(-1), empty=0.0)
