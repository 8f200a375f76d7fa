"""What is read from bins is within 1e-5 of what is read from sorted voxels, whatever the map is like."""

from collections.abc import Callable
from functools import reduce
from itertools import combinations
from operator import add

import numpy as np
import pytest

from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.bins import N_FINE, _costs, _off_in_bin, costs_much, in_order
from segeval.evidence.probabilities.channels import ProbMap
from segeval.evidence.probabilities.class_maps import Areas, Thresholds
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.evidence.probabilities.probabilities import ProbEvidence
from segeval.losses.lovasz import lovasz_hinge_loss, lovasz_sigmoid_loss, lovasz_softmax_loss
from segeval.metrics import probability

N = 20_000
LESION = LabelClass(name="lesion", ids=(1,))
BOUND = 1e-5

Values = Callable[[np.random.Generator], np.ndarray]
VALUES: dict[str, Values] = {
    "ordinary": lambda random: 1 / (1 + np.exp(-random.normal(-2, 3, N))),
    "even": lambda random: random.random(N),
    "narrow": lambda random: 0.3 + 1e-6 * random.random(N),
    "narrow at ½": lambda random: 0.5 + 1e-5 * random.normal(size=N),
    "near 0": lambda random: 1e-9 * random.random(N) ** 3,
    "near 1": lambda random: 1 - 1e-4 * random.random(N) ** 3,
    "tiny": lambda random: np.exp(-random.uniform(86, 100, N)),
    "few": lambda random: random.choice([0.0, 0.3, 0.3 + 1e-7, 0.5, 0.7, 1.0], N),
    "a cluster": lambda random: np.where(random.random(N) < 0.9, 0.8 + 1e-7 * random.random(N), random.random(N)),
    "two values beside an edge": lambda random: random.choice([0.25, 0.25 - 1e-9], N),
    "0 and hardly more": lambda random: random.choice([0.0, 1e-44, 1e-42], N),
}
PREVALENCE = {"rare": 0.002, "half": 0.5, "common": 0.998}


@pytest.fixture(autouse=True)
def _small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if ten voxels were too many to be told apart."""
    monkeypatch.setattr("segeval.evidence.probabilities.histogram.EXACT_UP_TO", 10)


def a_truth(p: np.ndarray, prevalence: float, random: np.random.Generator) -> np.ndarray:
    """So many voxels of the class, those of high rank more likely."""
    score = p.argsort().argsort() / p.size + 0.5 * random.normal(size=p.size)
    return score > np.quantile(score, 1 - prevalence)


def maps_of(one: ProbMap, truth: np.ndarray, device: str | None = None) -> ProbMaps:
    return ProbMaps(maps=(one,), truth=truth.astype(np.uint8), channels=(LESION,), partition=1, device=device)


def differences(one: ProbMap, truth: np.ndarray, *, ties: bool, device: str | None = None) -> dict[str, float]:
    """How far each measure is from itself with `exact`."""
    maps = maps_of(one, truth, device)
    losses = ProbEvidence.of_maps(maps, classes=[0])
    calls = {
        "auc": probability.auc_roc,
        "ap": probability.average_precision,
        "trapezoid": lambda maps, exact=False: probability.average_precision(maps, method="trapezoid", exact=exact),
        "dice": probability.best_dice,
        **({} if ties else {"adaptive": probability.adaptive_ece}),
    }
    found = {name: float(abs(call(maps, exact=True) - call(maps))[0]) for name, call in calls.items()}
    for loss, level in ((lovasz_sigmoid_loss, "class"), (lovasz_hinge_loss, "class"), (lovasz_softmax_loss, "case")):
        both = [np.ravel(losses.values(loss.at(exact=exact), level))[0] for exact in (True, False)]
        found[loss.name] = abs(float(both[0] - both[1]))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("prevalence", PREVALENCE)
@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("stored", ["float32", "float64", "log odds"])
def test_values_from_bins_are_within_their_bound(
    stored: str, values: str, prevalence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segeval.evidence.probabilities.bins._CROWDED", 1.0)  # for the sake of other cases
    random = np.random.default_rng(0)
    p = VALUES[values](random)
    truth = a_truth(p, PREVALENCE[prevalence], random)
    with np.errstate(divide="ignore"):
        array = np.log(p) - np.log1p(-p) if stored == "log odds" else p.astype(stored)
    one = ProbMap(stored=array, is_log_odds=stored == "log odds")
    found = differences(one, truth, ties=np.unique(one.probs()).size < N)
    assert max(found.values()) < BOUND, found


def test_the_threshold_read_from_bins_gives_a_dice_within_the_bound() -> None:
    random = np.random.default_rng(1)
    p = VALUES["ordinary"](random)
    truth = a_truth(p, 0.1, random)
    maps = maps_of(ProbMap(stored=p), truth)
    mask = p >= probability.best_threshold(maps)[0]
    dice = 2 * (mask & truth).sum() / (mask.sum() + truth.sum())
    assert dice == pytest.approx(probability.best_dice(maps, exact=True)[0], abs=BOUND)


def test_a_map_of_one_value_in_a_wide_bin_is_ranked_exactly() -> None:
    p, truth = np.full(1000, 0.3), np.arange(1000) < 10
    maps = maps_of(ProbMap(stored=p), truth)
    assert probability.auc_roc(maps).tolist() == [0.5]
    assert probability.average_precision(maps).tolist() == [0.01]
    assert probability.best_threshold(maps).tolist() == [0.3]
    assert not Areas.read(maps, exact=False).approx


@pytest.mark.parametrize("values", ["narrow", "ordinary", "few"])
def test_a_device_ranks_alike(values: str, device: str) -> None:
    random = np.random.default_rng(2)
    p = VALUES[values](random).astype(np.float32)
    truth = a_truth(p, 0.1, random)
    assert max(differences(ProbMap(stored=p), truth, ties=True, device=device).values()) < BOUND


def test_one_half_has_a_bin_of_its_own() -> None:
    p = np.array([0.5] * 20 + [np.nextafter(0.5, 0)] * 10 + [np.nextafter(0.5, 1)] * 10)
    truth = np.arange(40) % 2 == 0
    found = maps_of(ProbMap(stored=p), truth).histogram(0, "bins")
    at = found.thresholds.tolist().index(0.5)
    assert (found.positives[at], found.negatives[at], bool(found.is_wide[at])) == (10, 10, False)


def test_of_tied_thresholds_the_highest_is_the_best() -> None:
    # p >= 0.9 and p >= 0.2 both have a Dice of 2/3: 2 * 1 / (1 + 2), and 2 * 2 / (4 + 2)
    p = np.array([0.9, 0.7, 0.5, 0.2])
    maps = maps_of(ProbMap(stored=p), np.array([1, 0, 0, 1]))
    assert probability.best_dice(maps).tolist() == [2 / 3]
    assert probability.best_threshold(maps).tolist() == [0.9]


def three_cases(values: str) -> list[ProbMaps]:
    """Cases of which each has probabilities of its own, and another share of the class."""
    random = np.random.default_rng(0)
    maps = [VALUES[values](random) ** (1 + n / 1e4) for n in range(3)]
    shares = PREVALENCE.values()
    return [maps_of(ProbMap(stored=p), a_truth(p, share, random)) for p, share in zip(maps, shares, strict=True)]


def pooled_curves(cases: list[ProbMaps], *, exact: bool) -> list[float]:
    areas, best = (reduce(add, [read(maps, exact=exact) for maps in cases]) for read in (Areas.read, Thresholds.read))
    calls = (probability.auc_roc, probability.average_precision)
    return [*(float(call(areas)[0]) for call in calls), float(probability.best_dice(best)[0])]


@pytest.mark.slow
@pytest.mark.parametrize("values", VALUES)
def test_the_lovasz_losses_of_all_cases_together_keep_the_bound(values: str) -> None:
    pooled = {}
    for exact in (True, False):
        calls = [loss.at(exact=exact) for loss in (lovasz_hinge_loss, lovasz_sigmoid_loss)]
        cases = three_cases(values)
        for maps in cases:
            for call in calls:
                ProbEvidence.of_maps(maps, classes=[0]).values(call, "class")
        together = ProbEvidence.of_maps(reduce(add, [maps.sums for maps in cases]), classes=[0])
        pooled[exact] = [float(together.values(call, "class")[0]) for call in calls]
    assert pooled[False] == pytest.approx(pooled[True], rel=0, abs=BOUND)


@pytest.mark.parametrize("values", VALUES)
def test_a_curve_of_all_cases_together_keeps_the_bound(values: str) -> None:
    cases = three_cases(values)
    found, exact = (pooled_curves(cases, exact=exact) for exact in (False, True))
    assert found == pytest.approx(exact, rel=0, abs=BOUND)


def the_class_in_one_case_and_the_rest_in_another() -> tuple[list[ProbMaps], float]:
    """Voxels of one bin, and the AUC of all of them, by a search in the sorted ones."""
    random = np.random.default_rng(2)
    p = np.concatenate([[0.1, 0.9], 0.3 + 1e-6 * random.random(N)])
    in_class, in_rest = (np.concatenate([[False, True], np.full(N, side)]) for side in (True, False))
    together, truth = np.concatenate([p, p - 5e-7]), np.concatenate([in_class, in_rest])
    above = np.searchsorted(np.sort(together[~truth]), together[truth]).sum() / (truth.sum() * (~truth).sum())
    return [maps_of(ProbMap(stored=p), in_class), maps_of(ProbMap(stored=p - 5e-7), in_rest)], above


def test_a_bin_with_the_class_of_one_case_and_the_rest_of_another_is_ranked() -> None:
    cases, above = the_class_in_one_case_and_the_rest_in_another()
    found, exact = (pooled_curves(cases, exact=exact) for exact in (False, True))
    assert exact[0] == pytest.approx(above, abs=1e-7)
    assert found == pytest.approx(exact, rel=0, abs=BOUND)


def test_bins_that_hold_too_much_to_be_told_apart_are_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segeval.evidence.probabilities.histogram.APART_UP_TO", N)
    cases, _ = the_class_in_one_case_and_the_rest_in_another()
    assert np.isnan(pooled_curves(cases, exact=False)).all()
    assert not np.isnan(pooled_curves(cases, exact=True)).any()


@pytest.mark.slow
@pytest.mark.parametrize(("spread", "n"), [(1.0, 200_000), (3e-2, N), (1e-3, N)])
@pytest.mark.parametrize("at", [1e-6, 0.02, 0.3, 0.5, 0.97])
def test_cases_that_bins_serve_in_part_keep_the_bound_together_or_are_undefined(
    at: float, spread: float, n: int
) -> None:
    """The first case has the class spread over bins in which the others have the rest, in lumps or spread as well."""
    random = np.random.default_rng(3)
    width = spread * min(at, 1 - at)
    p = at + width * (random.random((3, n)) - 0.5)
    p[1] = at + width * (random.integers(0, 40, n) / 40 - 0.5)
    truths = [random.random(n) < share for share in (0.9, 0.0, 0.01)]
    cases = [maps_of(ProbMap(stored=row), truth) for row, truth in zip(p, truths, strict=True)]
    found, exact = (pooled_curves(cases, exact=exact) for exact in (False, True))
    is_told = ~np.isnan(found)  # lumps amid what is spread over all bins cost up to 2e-5, and then nothing is said
    assert is_told.all() or (spread == 1 and at in (0.3, 0.5))
    assert np.array(found)[is_told] == pytest.approx(np.array(exact)[is_told], rel=0, abs=BOUND)


@pytest.mark.parametrize(("n_others", "is_too_much"), [(500, False), (200, True)])
def test_what_a_bin_may_cost_the_area_is_half_of_its_untold_pairs(n_others: int, is_too_much: bool) -> None:
    """Two of each side in the last bin, all four untold: 2 of (n + 2)(2n + 2) pairs, 4e-6 and 2.5e-5 of all."""
    n = np.zeros((2, 2, N_FINE), dtype=np.int64)
    n[:, 1, -1] = 2 * n_others, n_others
    n[:, 0, 1000] = untold = 2, 2
    in_bins = np.zeros_like(n)
    in_bins[:, 0, 1000] = untold
    assert costs_much("area", in_order(n), in_order(in_bins)) == is_too_much


@pytest.mark.parametrize(
    ("untold", "pairs"), [((2, 1), 2 / 2 + 1 * 3 + 2 * 2), ((5, 3), 15 / 2), ((0, 3), 15), ((0, 0), 0)]
)
def test_what_a_bin_may_cost_the_area_counts_the_pairs_with_one_that_is_untold(
    untold: tuple[int, int], pairs: float
) -> None:
    """Five of the rest and three of the class in a bin, below ten and twenty: half of a pair that is untold on both
    sides, the whole of one that is on one side.
    """
    counts = np.array([[20, 5], [10, 3]])
    at, auc, *_ = _costs(counts, np.array([[0, untold[0]], [0, untold[1]]]), least=BOUND)
    assert at.tolist() == [0, 1]
    assert auc == pytest.approx([0.0, pairs / (13 * 25)])


@pytest.mark.parametrize("above", [(0, 0), (3, 2), (0, 9), (7, 0)])
@pytest.mark.parametrize(("n", "p"), [(1, 1), (2, 3), (4, 1), (0, 3)])
def test_no_order_in_a_bin_is_farther_from_what_it_is_given_than_its_bound(
    n: int, p: int, above: tuple[int, int]
) -> None:
    b, a = above
    ends = [a / (a + b) if a + b else 1.0, (a + p) / (a + b + n + p)]
    given = {"step": ends[1], "trapezoid": sum(ends) / 2}
    worst = 0.0
    for places in combinations(range(n + p), p):
        order = np.isin(np.arange(n + p), places)
        hits = a + np.cumsum(order)
        precision = hits / (hits + b + np.cumsum(~order))
        before = np.append(ends[0], precision[:-1])
        steps, trapezoids = precision[order].mean(), ((precision + before) / 2)[order].mean()
        worst = max(worst, abs(steps - given["step"]), abs(trapezoids - given["trapezoid"]))
    bound = _off_in_bin(*(np.array([float(one)]) for one in (p, n, a, b)))[0]
    assert worst <= bound + 1e-12
    assert bound <= 1
