"""Overlap metrics: one-line formulas on the voxel counts of a class."""

from segeval.evidence.overlap.counts import Counts
from segeval.evidence.shapes import PerLabel
from segeval.measure import metric, ratio

POWERS = "Powers 2011, arXiv:2010.16061"
TAHA = "Taha and Hanbury 2015, doi:10.1186/s12880-015-0068-x"
UNIT = (0.0, 1.0)
SIGNED = (-1.0, 1.0)
POSITIVE = (0.0, float("inf"))


@metric(
    symbol="DSC",
    formula="2TP / (2TP + FP + FN)",
    bounds=UNIT,
    better="higher",
    aliases=("dsc", "f1", "dice_score", "dice_coefficient"),
    reference="Dice 1945, doi:10.2307/1932409",
)
def dice(counts: Counts) -> PerLabel:
    """Overlap of the two masks, relative to their mean size."""
    return ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


@metric(
    symbol="IoU",
    formula="TP / (TP + FP + FN)",
    bounds=UNIT,
    better="higher",
    aliases=("jaccard", "jaccard_index"),
    reference="Jaccard 1912, doi:10.1111/j.1469-8137.1912.tb05611.x",
)
def iou(counts: Counts) -> PerLabel:
    """Overlap of the two masks, relative to their union."""
    return ratio(counts.tp, counts.tp + counts.fp + counts.fn)


@metric(
    symbol="TPR", formula="TP / (TP + FN)", bounds=UNIT, better="higher", aliases=("recall", "tpr"), reference=POWERS
)
def sensitivity(counts: Counts) -> PerLabel:
    """Share of the true voxels that were found."""
    return ratio(counts.tp, counts.truth)


@metric(symbol="TNR", formula="TN / (TN + FP)", bounds=UNIT, better="higher", aliases=("tnr",), reference=POWERS)
def specificity(counts: Counts) -> PerLabel:
    """Share of the voxels outside the class that were left alone; it grows with the field of view."""
    return ratio(counts.tn, counts.tn + counts.fp)


@metric(symbol="PPV", formula="TP / (TP + FP)", bounds=UNIT, better="higher", aliases=("ppv",), reference=POWERS)
def precision(counts: Counts) -> PerLabel:
    """Share of the predicted voxels that are right."""
    return ratio(counts.tp, counts.pred)


@metric(symbol="NPV", formula="TN / (TN + FN)", bounds=UNIT, better="higher", reference=POWERS)
def npv(counts: Counts) -> PerLabel:
    """Share of the voxels predicted outside the class that are outside."""
    return ratio(counts.tn, counts.tn + counts.fn)


@metric(symbol="FPR", formula="FP / (FP + TN)", bounds=UNIT, better="lower", aliases=("fall_out",), reference=POWERS)
def fpr(counts: Counts) -> PerLabel:
    """Share of the voxels outside the class that were predicted as the class."""
    return ratio(counts.fp, counts.fp + counts.tn)


@metric(symbol="FNR", formula="FN / (TP + FN)", bounds=UNIT, better="lower", aliases=("miss_rate",), reference=POWERS)
def fnr(counts: Counts) -> PerLabel:
    """Share of the true voxels that were missed."""
    return ratio(counts.fn, counts.truth)


@metric(symbol="FDR", formula="FP / (TP + FP)", bounds=UNIT, better="lower", reference=POWERS)
def fdr(counts: Counts) -> PerLabel:
    """Share of the predicted voxels that are false alarms."""
    return ratio(counts.fp, counts.pred)


@metric(symbol="FOR", formula="FN / (FN + TN)", bounds=UNIT, better="lower", aliases=("for_rate",), reference=POWERS)
def false_omission_rate(counts: Counts) -> PerLabel:
    """Share of the voxels predicted outside the class that belong to it."""
    return ratio(counts.fn, counts.fn + counts.tn)


@metric(symbol="ACC", formula="(TP + TN) / N", bounds=UNIT, better="higher", reference=POWERS)
def accuracy(counts: Counts) -> PerLabel:
    """Share of all voxels that are right; an empty mask of a small class scores high."""
    return ratio(counts.tp + counts.tn, counts.total)


@metric(
    symbol="BA",
    formula="(TPR + TNR) / 2",
    bounds=UNIT,
    better="higher",
    reference="Brodersen 2010, doi:10.1109/ICPR.2010.764",
)
def balanced_accuracy(counts: Counts) -> PerLabel:
    """Mean of sensitivity and specificity."""
    return (sensitivity(counts) + specificity(counts)) / 2


@metric(
    symbol="F_b",
    formula="(1 + b²)TP / ((1 + b²)TP + b²FN + FP)",
    bounds=UNIT,
    better="higher",
    reference="van Rijsbergen 1979, Information Retrieval",
)
def fbeta(counts: Counts, *, beta: float = 1.0) -> PerLabel:
    """Weighted harmonic mean of precision and sensitivity; beta above 1 favours sensitivity."""
    weight = beta * beta
    return ratio((1 + weight) * counts.tp, (1 + weight) * counts.tp + weight * counts.fn + counts.fp)


@metric(
    symbol="F2",
    formula="5TP / (5TP + 4FN + FP)",
    bounds=UNIT,
    better="higher",
    reference="van Rijsbergen 1979, Information Retrieval",
)
def f2(counts: Counts) -> PerLabel:
    """F-measure that favours sensitivity."""
    return fbeta(counts, beta=2.0)


@metric(
    symbol="F0.5",
    formula="1.25TP / (1.25TP + 0.25FN + FP)",
    bounds=UNIT,
    better="higher",
    reference="van Rijsbergen 1979, Information Retrieval",
)
def f05(counts: Counts) -> PerLabel:
    """F-measure that favours precision."""
    return fbeta(counts, beta=0.5)


@metric(
    symbol="J",
    formula="TPR + TNR − 1",
    bounds=SIGNED,
    better="higher",
    aliases=("youden_j", "bookmaker"),
    reference="Youden 1950, doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3",
)
def informedness(counts: Counts) -> PerLabel:
    """How much better than chance the true voxels are found."""
    return sensitivity(counts) + specificity(counts) - 1


@metric(symbol="MK", formula="PPV + NPV − 1", bounds=SIGNED, better="higher", reference=POWERS)
def markedness(counts: Counts) -> PerLabel:
    """How much better than chance the prediction can be trusted."""
    return precision(counts) + npv(counts) - 1


@metric(
    symbol="TI",
    formula="TP / (TP + αFP + βFN)",
    bounds=UNIT,
    better="higher",
    limits={"alpha": POSITIVE, "beta": POSITIVE},
    reference="Tversky 1977, doi:10.1037/0033-295X.84.4.327",
)
def tversky_index(counts: Counts, *, alpha: float = 0.3, beta: float = 0.7) -> PerLabel:
    """Overlap with its own price for false alarms (alpha) and misses (beta)."""
    return ratio(counts.tp, counts.tp + alpha * counts.fp + beta * counts.fn)


@metric(symbol="VS", formula="1 − |FN − FP| / (2TP + FP + FN)", bounds=UNIT, better="higher", reference=TAHA)
def volume_similarity(counts: Counts) -> PerLabel:
    """Agreement of the two volumes, wherever they lie."""
    return 1 - ratio(abs(counts.fn - counts.fp), counts.pred + counts.truth)


@metric(symbol="g/N", formula="(TP + FN) / N", bounds=UNIT, better="none", reference=POWERS)
def prevalence(counts: Counts) -> PerLabel:
    """Share of the voxels that are the class in truth."""
    return ratio(counts.truth, counts.total)


@metric(symbol="p/N", formula="(TP + FP) / N", bounds=UNIT, better="none", reference=POWERS)
def detection_prevalence(counts: Counts) -> PerLabel:
    """Share of the voxels that were predicted as the class."""
    return ratio(counts.pred, counts.total)


@metric(
    symbol="LR+",
    formula="TPR / (1 − TNR)",
    bounds=POSITIVE,
    better="higher",
    reference="Deeks and Altman 2004, doi:10.1136/bmj.329.7458.168",
)
def lr_positive(counts: Counts) -> PerLabel:
    """How much a predicted voxel raises the odds that it is the class."""
    return ratio(sensitivity(counts), fpr(counts))


@metric(
    symbol="LR−",
    formula="(1 − TPR) / TNR",
    bounds=POSITIVE,
    better="lower",
    reference="Deeks and Altman 2004, doi:10.1136/bmj.329.7458.168",
)
def lr_negative(counts: Counts) -> PerLabel:
    """How much a voxel left out lowers the odds that it is the class."""
    return ratio(fnr(counts), specificity(counts))


@metric(
    symbol="DOR",
    formula="TP·TN / (FP·FN)",
    bounds=POSITIVE,
    better="higher",
    reference="Glas 2003, doi:10.1016/S0895-4356(03)00177-X",
)
def diagnostic_odds_ratio(counts: Counts) -> PerLabel:
    """Odds of a hit against the odds of a false alarm."""
    tp, tn, fp, fn = (one.astype(float) for one in (counts.tp, counts.tn, counts.fp, counts.fn))
    return ratio(tp * tn, fp * fn)


@metric(symbol="PBD", formula="(FP + FN) / (2TP)", bounds=POSITIVE, better="lower", reference=TAHA)
def probabilistic_distance(counts: Counts) -> PerLabel:
    """Disagreement relative to the overlap; infinite without overlap."""
    return ratio(counts.fp + counts.fn, 2 * counts.tp)
