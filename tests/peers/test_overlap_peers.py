"""Each class of random and of special masks, through MONAI, torchmetrics, scikit-learn, SimpleITK and scikit-image.

Values agree wherever `DIFFERENCES` does not say otherwise, and there each peer still says what it says.
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from tests.peers.binary import PEERS, Binary, simpleitk, sklearn, torchmetrics
from tests.peers.samples import Sample, samples

# the peers warn of what they do with absent classes; it is their values that count here
pytestmark = pytest.mark.filterwarnings("ignore")

NAN = math.nan
BOTH = ("absent_both",)
CONSTANT = ("absent_both", "full_both")
ONE_SIDED = ("absent_pred", "absent_truth", "full_pred", "full_truth")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a peer says instead of our value, and why; `says=None` where a test of its own tells."""

    peer: str
    measures: tuple[str, ...]
    situations: tuple[str, ...]
    says: float | None
    reason: str

    def __str__(self) -> str:
        return f"{self.peer}: {self.reason}"


DIFFERENCES = (
    Difference(
        peer="monai_matrix",
        measures=("mcc",),
        situations=(*ONE_SIDED, "full_for_nothing"),
        says=NAN,
        reason="0/0 of a constant mask stays undefined; ours is 0, for it carries no information",
    ),
    Difference(
        peer="monai_masks",
        measures=("dice", "iou", "absolute_volume_difference_ml"),
        situations=("absent_truth", "full_for_nothing"),
        says=NAN,
        reason="ignore_empty drops a class that the truth lacks, its false alarms too",
    ),
    Difference(
        peer="monai_masks",
        measures=("absolute_volume_difference_ml",),
        situations=BOTH,
        says=NAN,
        reason="ignore_empty drops a class that the truth lacks, though two volumes of 0 are equal",
    ),
    Difference(
        peer="torchmetrics",
        measures=("dice", "iou", "sensitivity", "precision", "f2", "f05"),
        situations=BOTH,
        says=0.0,
        reason="0/0 is 0, so a correct nothing counts as a complete miss",
    ),
    Difference(
        peer="torchmetrics",
        measures=("precision",),
        situations=("absent_pred",),
        says=0.0,
        reason="0/0 is 0: the precision of an empty prediction",
    ),
    Difference(
        peer="torchmetrics",
        measures=("sensitivity",),
        situations=("absent_truth", "full_for_nothing"),
        says=0.0,
        reason="0/0 is 0: the sensitivity for a class that is not there",
    ),
    Difference(
        peer="torchmetrics",
        measures=("npv",),
        situations=("full_pred", "full_both", "full_for_nothing"),
        says=0.0,
        reason="0/0 is 0: the negative predictive value of a full mask",
    ),
    Difference(
        peer="torchmetrics",
        measures=("specificity",),
        situations=("full_truth", "full_both"),
        says=0.0,
        reason="0/0 is 0: the specificity where the class fills the image",
    ),
    Difference(
        peer="torchmetrics",
        measures=("mcc",),
        situations=CONSTANT,
        says=1.0,
        reason="no error at all is a perfect correlation, though of two constants",
    ),
    Difference(
        peer="torchmetrics",
        measures=("mcc",),
        situations=("full_for_nothing",),
        says=-1.0,
        reason="nothing right at all is a perfect anticorrelation, though of two constants",
    ),
    Difference(
        peer="torchmetrics",
        measures=("mcc",),
        situations=ONE_SIDED,
        says=None,
        reason="0/0 is replaced by a small correlation that depends on the size of the mask",
    ),
    *(
        Difference(
            peer=peer,
            measures=("adjusted_rand_index",),
            situations=(*CONSTANT, "full_for_nothing"),
            says=1.0,
            reason="two partitions of one part each are equal; chance says so too, and ours is 0/0",
        )
        for peer in ("torchmetrics", "sklearn")
    ),
    Difference(
        peer="torchmetrics_masks",
        measures=("iou",),
        situations=BOTH,
        says=-1.0,
        reason="a class that is nowhere is marked by -1, which its mean leaves out",
    ),
    Difference(
        peer="sklearn",
        measures=("iou",),
        situations=BOTH,
        says=0.0,
        reason="zero_division of the Jaccard score can be 0 or 1 but not undefined",
    ),
    Difference(
        peer="sklearn",
        measures=("mcc",),
        situations=CONSTANT,
        says=0.0,
        reason="0/0 is 0 also for two equal constant masks, where ours is undefined",
    ),
    Difference(
        peer="sklearn",
        measures=("balanced_accuracy",),
        situations=("absent_truth", "full_truth", *CONSTANT, "full_for_nothing"),
        says=None,
        reason="the mean is over the classes that the truth has, here one of the two",
    ),
    Difference(
        peer="sklearn",
        measures=("lr_positive",),
        situations=("perfect",),
        says=NAN,
        reason="x/0 is undefined; ours is infinite, for no false alarm is the best there is",
    ),
    Difference(
        peer="sklearn",
        measures=("lr_negative",),
        situations=("disjoint",),
        says=NAN,
        reason="x/0 is undefined; ours is infinite, for no right background is the worst there is",
    ),
    Difference(
        peer="simpleitk",
        measures=("dice", "iou", "fnr", "fdr"),
        situations=BOTH,
        says=0.0,
        reason="a label that it does not find gets 0 and a warning on stderr",
    ),
    Difference(
        peer="simpleitk",
        measures=("volume_similarity",),
        situations=BOTH,
        says=1.0,
        reason="a label that it does not find gets 0 (here 1 - |0|/2) and a warning on stderr",
    ),
    Difference(
        peer="simpleitk",
        measures=("fpr", "fdr"),
        situations=("absent_pred",),
        says=sys.float_info.max,
        reason="the largest float stands for a division by the empty prediction",
    ),
    Difference(
        peer="simpleitk",
        measures=("fnr",),
        situations=("absent_truth", "full_for_nothing"),
        says=sys.float_info.max,
        reason="the largest float stands for a division by the empty truth",
    ),
)


def differs(peer: str, measure: str, situation: str) -> bool:
    return any(one.peer == peer and measure in one.measures and situation in one.situations for one in DIFFERENCES)


def of(situations: tuple[str, ...]) -> Iterator[Sample]:
    return (sample for sample in samples() if sample.situation in situations)


def same(theirs: float, ours: float) -> bool:
    """Equal to the precision of float32, in which some peers work."""
    return theirs == pytest.approx(ours, rel=1e-5, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize(("peer", "measure"), [(peer, name) for peer in PEERS for name in PEERS[peer]])
def test_a_peer_agrees_wherever_no_difference_is_listed(peer: str, measure: str) -> None:
    compute = PEERS[peer][measure]
    compared = [sample for sample in samples() if not differs(peer, measure, sample.situation)]
    assert len([sample for sample in compared if sample.situation == "random"]) >= 5
    for sample in compared:
        theirs, ours = compute(sample.pred, sample.truth), sample.ours[measure]
        assert same(theirs, ours), f"{sample.situation}: {theirs} there, {ours} here"


@pytest.mark.parametrize("difference", DIFFERENCES, ids=str)
def test_a_listed_difference_lasts(difference: Difference) -> None:
    for measure in difference.measures:
        for sample in of(difference.situations):
            theirs = PEERS[difference.peer][measure](sample.pred, sample.truth)
            assert not same(theirs, sample.ours[measure]), "it is none any more: take it off the list"
            if difference.says is not None:
                assert same(theirs, difference.says), f"{measure}, {sample.situation}: {theirs}"


def test_torchmetrics_gives_a_missed_class_a_correlation_that_depends_on_its_size() -> None:
    mcc: Binary = torchmetrics("binary_matthews_corrcoef")
    for sample in of(("absent_pred", "absent_truth")):
        assert 0.05 < mcc(sample.pred, sample.truth) < 0.5
        assert sample.ours["mcc"] == 0.0


def test_sklearn_takes_balanced_accuracy_over_the_classes_of_the_truth() -> None:
    balanced = sklearn("balanced_accuracy_score")
    for sample in of(("absent_truth", "absent_both", "full_for_nothing")):
        assert same(balanced(sample.pred, sample.truth), sample.ours["specificity"])
    for sample in of(("full_truth", "full_both")):
        assert same(balanced(sample.pred, sample.truth), sample.ours["sensitivity"])


def test_simpleitk_signs_the_volume_similarity_so_that_equal_volumes_give_zero() -> None:
    signed = simpleitk("GetVolumeSimilarity")
    for sample in of(("random", "perfect", "full_pred", "absent_pred", "absent_truth")):
        p, g = int(sample.pred.sum()), int(sample.truth.sum())
        assert signed(sample.pred, sample.truth) == pytest.approx(2 * (p - g) / (p + g))
        assert sample.ours["volume_similarity"] == pytest.approx(1 - abs(p - g) / (p + g))


INFORMATION = {"torchmetrics": torchmetrics("mutual_info_score", "clustering"), "sklearn": sklearn("mutual_info_score")}


@pytest.mark.parametrize("peer", INFORMATION)
def test_torchmetrics_and_sklearn_measure_information_in_nats(peer: str) -> None:
    for sample in of(("random",)):
        nats = INFORMATION[peer](sample.pred, sample.truth)
        assert same(nats, sample.ours["mutual_information"] * math.log(2))
        assert not same(nats, sample.ours["mutual_information"])


def test_the_adapted_rand_error_of_skimage_ignores_zero_and_is_not_one_minus_our_index() -> None:
    from skimage.metrics import adapted_rand_error

    for sample in of(("random",)):
        truth, pred = (side.astype(int) for side in (sample.truth, sample.pred))
        error = float(adapted_rand_error(truth, pred)[0])
        assert not same(1 - error, sample.ours["adjusted_rand_index"])
        # it is the F-score of the pairs that stay together, over the voxels whose truth is not 0
        sizes = np.bincount(pred[truth == 1]).astype(float)
        together, within = float((sizes * (sizes - 1)).sum()), float(sizes.sum() * (sizes.sum() - 1))
        assert 1 - error == pytest.approx(2 * together / (within + together))
