"""Probability metrics beside scikit-learn, torchmetrics and MONAI, on the same maps.

Lasting differences: scikit-learn and torchmetrics call the average precision of an absent class 0,
here it is undefined; torchmetrics closes its bins on the left and gives p = 1 a bin of its own, so
that maps with probabilities on the edges of bins are left out here.
"""

import numpy as np
import pytest

from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.metrics import probability
from tests.masks import ONE, whole_case_of

CLASSES = tuple(LabelClass(name=str(one), ids=(one,)) for one in range(3))


def binary(seed: int, *, tied: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a rare class and its truth."""
    rng = np.random.default_rng(seed)
    truth = rng.random(2000) < 0.1
    probs = np.clip(rng.beta(0.5, 2, truth.size) * 0.9 + 0.1 * truth, 0, 1)
    return (np.round(probs, 1) if tied else probs), truth.astype(np.int64)


def three_classes(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of three probabilities that sum to 1, and the true class."""
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet([1.0, 0.5, 0.3], 1500)
    return probs, (rng.random(1500)[:, None] > probs.cumsum(axis=1)).sum(axis=1)


def maps(probs: np.ndarray, truth: np.ndarray) -> ProbMaps:
    return ProbMaps.of_array(probs[None], truth=truth, channels=ONE)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("tied", [False, True])
def test_scikit_learn_ranks_the_same(seed: int, tied: bool) -> None:
    sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    probs, truth = binary(seed, tied=tied)
    found = maps(probs, truth)
    assert probability.auc_roc(found) == pytest.approx([sklearn.roc_auc_score(truth, probs)])
    assert probability.average_precision(found) == pytest.approx([sklearn.average_precision_score(truth, probs)])
    precision, recall, _ = sklearn.precision_recall_curve(truth, probs)
    joined = [sklearn.auc(recall, precision)]
    assert probability.average_precision(found, method="trapezoid") == pytest.approx(joined)
    assert probability.brier(found) == pytest.approx([sklearn.brier_score_loss(truth, probs)])


@pytest.mark.parametrize("seed", range(3))
def test_scikit_learn_has_the_same_likelihood(seed: int) -> None:
    sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    probs, truth = binary(seed)
    assert probability.nll(maps(probs, truth)) == pytest.approx([sklearn.log_loss(truth, probs)])
    rows, codes = three_classes(seed)
    case = whole_case_of(rows.T, codes)
    assert float(probability.nll(case)) == pytest.approx(sklearn.log_loss(codes, rows))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("norm", "name"), [("l1", "ece"), ("max", "mce")])
def test_torchmetrics_finds_the_same_calibration_error(seed: int, norm: str, name: str) -> None:
    functional = pytest.importorskip("torchmetrics.functional.classification", reason="torchmetrics is not installed")
    torch = pytest.importorskip("torch", reason="torch is not installed")
    measure = getattr(probability, name)
    probs, truth = binary(seed)
    theirs = functional.binary_calibration_error(torch.from_numpy(probs), torch.from_numpy(truth), norm=norm, n_bins=15)
    assert measure(maps(probs, truth)) == pytest.approx([float(theirs)], rel=1e-5)
    rows, codes = three_classes(seed)
    theirs = functional.multiclass_calibration_error(
        torch.from_numpy(rows), torch.from_numpy(codes), num_classes=3, norm=norm, n_bins=15
    )
    assert float(measure(whole_case_of(rows.T, codes))) == pytest.approx(float(theirs), rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_torchmetrics_ranks_the_same(seed: int) -> None:
    functional = pytest.importorskip("torchmetrics.functional.classification", reason="torchmetrics is not installed")
    torch = pytest.importorskip("torch", reason="torch is not installed")
    probs, truth = binary(seed, tied=True)
    probs = probs.astype(np.float32)
    sides = torch.from_numpy(probs), torch.from_numpy(truth)
    assert probability.auc_roc(maps(probs, truth)) == pytest.approx([float(functional.binary_auroc(*sides))], rel=1e-5)
    theirs = float(functional.binary_average_precision(*sides))
    assert probability.average_precision(maps(probs, truth)) == pytest.approx([theirs], rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("reduction", "name"), [("expected", "ece"), ("average", "ace"), ("maximum", "mce")])
def test_monai_finds_the_same_calibration_error(seed: int, reduction: str, name: str) -> None:
    monai = pytest.importorskip("monai.metrics", reason="MONAI is not installed")
    torch = pytest.importorskip("torch", reason="torch is not installed")
    if not hasattr(monai, "CalibrationErrorMetric"):
        pytest.skip("this MONAI has no calibration error")
    probs, truth = binary(seed)
    channels, onehot = (np.stack([1 - one, one])[None, :, :, None] for one in (probs, truth))
    metric = monai.CalibrationErrorMetric(num_bins=15, include_background=False, calibration_reduction=reduction)
    metric(torch.from_numpy(channels), torch.from_numpy(onehot))
    theirs = float(metric.aggregate())
    assert getattr(probability, name)(maps(probs, truth)) == pytest.approx([theirs], rel=1e-5)
