"""Cell tracking and connectomics: what is split, what is merged, and how much of it."""

from typing import Literal

from segeval.evidence.lesions.components import Connectivity
from segeval.evidence.lesions.objects import Links, RandSums, SplitBits
from segeval.evidence.shapes import PerLabel
from segeval.measure import metric, ratio

UNIT = (0.0, 1.0)
POSITIVE = (0.0, float("inf"))
ARGANDA_CARRERAS = "Arganda-Carreras et al. 2015, doi:10.3389/fnana.2015.00142"
MATULA = "Matula et al. 2015, doi:10.1371/journal.pone.0144959"
MEILA = "Meilă 2007, doi:10.1016/j.jmva.2006.11.013"


@metric(
    symbol="SEG",
    formula="Σ IoU of the predictions that cover more than half of a true object / true objects",
    bounds=UNIT,
    better="higher",
    aliases=("ctc_seg",),
    reference="Maška et al. 2014, doi:10.1093/bioinformatics/btu080",
)
def seg(links: Links, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0) -> PerLabel:
    """Mean IoU over the true objects, each with the prediction that covers more than half of it; blind to alarms."""
    return ratio(links.tracked_iou, links.n_truth)


@metric(
    symbol="DET",
    formula="1 − min(5·NS + 10·FN + FP, 10·n) / 10·n, n = true objects",
    bounds=UNIT,
    better="higher",
    reference=MATULA,
)
def det(links: Links, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0) -> PerLabel:
    """Effort to mend the detections, relative to that of starting from none.

    NS are the true objects beyond the first that one prediction covers by more than half.
    """
    worst = 10 * links.n_truth
    effort = 5 * links.shared + 10 * links.untracked + links.idle
    return 1 - ratio(effort.clip(max=worst), worst)


@metric(symbol="splits", formula="Σ max(0, links of a true object − 1)", bounds=POSITIVE, better="lower")
def split_count(links: Links, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0) -> PerLabel:
    """Predictions beyond the first that are linked to one true object; blind to what is missed.

    Two objects are linked where they share more than half of the smaller one.
    """
    return links.splits


@metric(symbol="merges", formula="Σ max(0, links of a prediction − 1)", bounds=POSITIVE, better="lower")
def merge_count(links: Links, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0) -> PerLabel:
    """True objects beyond the first that are linked to one prediction; blind to false alarms.

    Two objects are linked where they share more than half of the smaller one.
    """
    return links.merges


@metric(symbol="VOI split", formula="H(pred | truth)", bounds=POSITIVE, better="lower", unit="bit", reference=MEILA)
def voi_split(
    bits: SplitBits,
    *,
    connectivity: Connectivity = "full",
    min_size_mm3: float = 0.0,
    ignore_truth_background: bool = False,
) -> PerLabel:
    """What the truth leaves unknown of the predicted objects: over-segmentation.

    Args:
        connectivity: as for lesions, where no instance maps are given.
        min_size_mm3: as for lesions.
        ignore_truth_background: only voxels of true objects count, as in connectomics.
    """
    return ratio(bits.split, bits.voxels)


@metric(symbol="VOI merge", formula="H(truth | pred)", bounds=POSITIVE, better="lower", unit="bit", reference=MEILA)
def voi_merge(
    bits: SplitBits,
    *,
    connectivity: Connectivity = "full",
    min_size_mm3: float = 0.0,
    ignore_truth_background: bool = False,
) -> PerLabel:
    """What the prediction leaves unknown of the true objects: under-segmentation.

    The knobs are those of `voi_split`.
    """
    return ratio(bits.merge, bits.voxels)


@metric(
    symbol="ARE",
    formula="1 − 2PR / (P + R), P = Σ n²ᵢⱼ / Σ p²ⱼ, R = Σ n²ᵢⱼ / Σ t²ᵢ, over voxels of true objects",
    bounds=UNIT,
    better="lower",
    reference=ARGANDA_CARRERAS,
)
def adapted_rand_error(
    sums: RandSums,
    *,
    connectivity: Connectivity = "full",
    min_size_mm3: float = 0.0,
    variant: Literal["pairs", "squares", "singletons"] = "pairs",
) -> PerLabel:
    """How far pairs of voxels of true objects are torn apart or thrown together.

    Voxels without prediction are one object. So an empty prediction merges all that is true, and of a single true
    object it is perfect: look at `det` or `seg` beside it.

    Args:
        connectivity: as for lesions, where no instance maps are given.
        min_size_mm3: as for lesions.
        variant: `pairs` of two different voxels; `squares` pairs each with itself too; `singletons` takes each
            voxel without prediction as an object of its own.
    """
    both, truth, pred = sums.both, sums.truth, sums.pred
    if variant == "pairs":
        both, truth, pred = both - sums.voxels, truth - sums.voxels, pred - sums.voxels
    if variant == "singletons":
        both, pred = both - sums.bare_both + sums.bare, pred - sums.bare**2 + sums.bare
    return 1 - ratio(2 * both, truth + pred)
