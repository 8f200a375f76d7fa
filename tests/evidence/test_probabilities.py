"""The evidence of a case: from maps or from counts, over any memory layout, with ignored voxels."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pytest

from segeval import catalogue
from segeval.evidence.grid import Lattice
from segeval.evidence.labels import LabelClass
from segeval.evidence.overlap.counts_numpy import joint_histogram
from segeval.evidence.probabilities.channels import BACKGROUND, ProbMap
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.evidence.probabilities.probabilities import ProbEvidence
from segeval.evidence.probabilities.soft import SoftCounts
from segeval.evidence.space.in_space import InSpace
from segeval.losses import boundary, compound, lovasz, pixel, region
from segeval.measure import Measure
from tests.losses.worked import voxels

LOSSES = [
    one
    for module in (region, pixel, lovasz, compound, boundary)
    for one in vars(module).values()
    if isinstance(one, Measure) and one.function.__module__ == module.__name__
]
SHAPE = (6, 7, 5)
CLASSES = (LabelClass(name="one", ids=(1,)), LabelClass(name="two", ids=(2, 5)))


def a_case(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Softmax maps of background and two classes beside truth ids with an ignored one."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (3, *SHAPE))
    probs = np.exp(logits) / np.exp(logits).sum(axis=0)
    return probs, random.choice(np.array([0, 0, 1, 2, 5, 255], dtype=np.uint8), SHAPE)


def maps_of(probs: np.ndarray, truth: np.ndarray, **options: Any) -> ProbMaps:
    return ProbMaps.of_array(probs, truth=truth, channels=(None, *CLASSES), ignore=(255,), partition=3, **options)


def evidence_of(probs: np.ndarray, truth: np.ndarray, **options: Any) -> ProbEvidence:
    return ProbEvidence.of_maps(maps_of(probs, truth, **options), classes=(1, 2))


def is_on_map(loss: Measure) -> bool:
    needs: tuple[Any, ...] = loss.needs
    return any(need.on_map for need in needs)


def every_value(evidence: ProbEvidence, losses: Sequence[Measure] = LOSSES) -> dict[str, list[float]]:
    return {
        f"{one.name} {level}": np.ravel(evidence.values(one.at(), level)).tolist()
        for one in losses
        for level in one.levels
    }


def test_every_loss_has_a_value_per_class_and_some_per_case() -> None:
    values = every_value(evidence_of(*a_case()))
    per_case = {name.removesuffix(" case") for name in values if name.endswith(" case")}
    assert per_case == {
        "cross_entropy_loss",
        "weighted_cross_entropy_loss",
        "generalized_dice_loss",
        "lovasz_softmax_loss",
        "exp_log_loss",
        "dice_ce_loss",
        "dice_focal_loss",
        "focal_loss",
        "topk_ce_loss",
        "dice_topk_loss",
        "poly1_ce_loss",
        "poly1_focal_loss",
        "unified_focal_loss",
        "asymmetric_unified_focal_loss",
        "generalized_wasserstein_dice_loss",
    }
    assert all(len(value) == (1 if name.endswith(" case") else 2) for name, value in values.items())
    assert all(np.isfinite(value).all() for value in values.values())


def test_a_hard_mask_needs_no_look_at_its_voxels() -> None:
    probs, truth = a_case()
    pred = np.array([0, 1, 2], dtype=np.uint8)[probs.argmax(axis=0)]
    hard = np.stack([pred == 0, pred == 1, pred == 2]).astype(np.float32)
    histogram = joint_histogram(truth=truth, pred=pred).without((255,))
    from_counts = ProbEvidence.of_counts(
        histogram.counts(CLASSES),
        histogram.joint(CLASSES, rest_is_class=True),
        in_space=ProbMaps.of_array(hard[1:], truth=truth, channels=CLASSES, ignore=(255,)).in_space,
    )
    expected = every_value(evidence_of(hard, truth))
    found = every_value(from_counts)
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, rel=1e-12, abs=1e-12), name


def test_on_hard_masks_bce_counts_errors_and_hinge_is_101_iou() -> None:
    truth, pred = np.array([[1, 1, 0, 0]], dtype=np.uint8), np.array([[1, 0, 1, 0]], dtype=np.uint8)
    counts = joint_histogram(truth=truth, pred=pred).counts(CLASSES[:1])
    evidence = ProbEvidence.of_counts(counts, None, in_space=lambda _: pytest.fail("no image is needed"))
    assert evidence.values(pixel.bce_loss.at(), "class").tolist() == [100 * 2 / 4]
    assert evidence.values(lovasz.lovasz_hinge_loss.at(), "class") == pytest.approx([101 * (1 - 1 / 3)])
    assert np.isnan(evidence.values(pixel.cross_entropy_loss.at(), "case"))


def test_maps_of_classes_that_may_overlap_have_no_value_of_the_case() -> None:
    probs, truth = a_case()
    maps = ProbMaps.of_array(probs[1:], truth=truth, channels=CLASSES, ignore=(255,))
    apart = ProbEvidence.of_maps(replace(maps, partition=0), classes=[0, 1])
    of_case = [one for one in LOSSES if "case" in one.levels]
    assert len(of_case) > 10
    assert np.isnan([apart.values(one.at(), "case") for one in of_case]).all()
    assert np.isfinite(apart.values(pixel.bce_loss.at(), "class")).all()


@pytest.mark.parametrize("layout", ["C", "F", "flipped", "channel last"])
def test_the_memory_layout_changes_nothing(layout: str) -> None:
    probs, truth = a_case()
    laid = {
        "C": (probs.copy("C"), truth),
        "F": (np.stack([one.T for one in probs]).transpose(0, 3, 2, 1), truth.T.copy().T),
        "flipped": (np.ascontiguousarray(probs[:, ::-1])[:, ::-1], truth),
        "channel last": (np.moveaxis(np.moveaxis(probs, 0, -1).copy(), -1, 0), truth),
    }[layout]
    expected = every_value(evidence_of(probs, truth))
    for name, values in every_value(evidence_of(*laid)).items():
        assert values == pytest.approx(expected[name], rel=1e-12, abs=1e-14), name


def test_ignored_voxels_change_nothing() -> None:
    probs, truth = a_case()
    changed = np.where(truth == 255, 1 / 3, probs)
    expected = every_value(evidence_of(probs, truth))
    for name, values in every_value(evidence_of(changed, truth)).items():
        assert values == pytest.approx(expected[name], rel=1e-12), name


def test_a_class_of_several_ids_and_the_rest_are_found() -> None:
    probs, truth = a_case()
    maps = maps_of(probs, truth)
    scored = truth[truth != 255]
    assert maps.scored(2).truth.tolist() == np.isin(scored, (2, 5)).tolist()
    assert maps.scored(0).truth.tolist() == (scored == 0).tolist()
    assert maps.n == scored.size


def test_the_torch_builders_give_the_same_evidence(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segeval.evidence.probabilities.scored_map.FEW", 10)
    monkeypatch.setattr("segeval.evidence.probabilities.histogram.EXACT_UP_TO", 10)
    probs, truth = a_case()
    expected = every_value(evidence_of(probs, truth))
    for name, values in every_value(evidence_of(probs, truth, device=device)).items():
        assert values == pytest.approx(expected[name], rel=1e-9), name


def test_a_value_from_bins_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    probs, truth = a_case()
    exact = evidence_of(probs, truth)
    call = lovasz.lovasz_softmax_loss.at()
    assert not exact.is_approximate(call)
    value = exact.values(call, "case")
    monkeypatch.setattr("segeval.evidence.probabilities.histogram.EXACT_UP_TO", 10)
    binned = evidence_of(probs, truth)
    assert binned.is_approximate(call)
    assert not binned.is_approximate(region.dice_loss.at())
    assert binned.values(call, "case") == pytest.approx(float(value), abs=1e-5)
    assert binned.values(call, "case") != value
    asked = lovasz.lovasz_softmax_loss.at(exact=True)
    assert not binned.is_approximate(asked)
    assert binned.values(asked, "case") == value


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.uint8, np.uint16])
def test_every_storage_of_a_map_gives_its_own_value(dtype: type) -> None:
    probs, truth = a_case()
    full = float(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else None
    stored = (probs * full).round().astype(dtype) if full else probs.astype(dtype)
    as_float = stored.astype(np.float64) / (full or 1.0)
    expected = every_value(evidence_of(as_float, truth))
    for name, values in every_value(evidence_of(stored, truth, full=full)).items():
        assert values == pytest.approx(expected[name], rel=1e-9), name


def test_the_losses_are_unique_names_that_end_in_loss() -> None:
    names = [name for one in LOSSES for name in (one.name, *one.aliases)]
    assert len(names) == len(set(names))
    assert all(one.name.endswith("_loss") for one in LOSSES)
    assert not {name for one in LOSSES for name in one.aliases} & set(catalogue.measures())


@pytest.mark.parametrize("many", [10, 1 << 16])
def test_cases_added_up_have_the_values_of_their_voxels_together(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segeval.evidence.probabilities.prob_maps._MANY", many)
    parts = [a_case(seed) for seed in (0, 1, 2)]
    together = evidence_of(*(np.concatenate(both, axis=-1) for both in zip(*parts, strict=True)))
    evidence = [evidence_of(*one) for one in parts]
    for one in evidence:
        every_value(one)
    total = reduce(add, (one.maps.sums for one in evidence))
    expected = every_value(together)
    pooled = every_value(ProbEvidence.of_maps(total, classes=(1, 2)), [one for one in LOSSES if not is_on_map(one)])
    for name, values in pooled.items():
        assert values == pytest.approx(expected[name], rel=1e-6), name


def test_squared_errors_are_summed_apart_on_the_truth_and_on_the_rest() -> None:
    counts = SoftCounts(voxels([0.5, 0.9, 0.2, 0.3], [1, 1, 0, 0]))
    assert float(counts.error_on_truth) == pytest.approx(0.25 + 0.01)
    assert float(counts.error_on_rest) == pytest.approx(0.04 + 0.09)


@pytest.mark.parametrize("rest", [None, BACKGROUND])
def test_an_id_of_no_class_belongs_to_the_channel_of_the_rest(rest: LabelClass | None) -> None:
    truth, organ = np.array([0, 1, 7, 255], dtype=np.uint8), LabelClass(name="organ", ids=(1,))
    one, other = (ProbMap(stored=np.array(p), is_log_odds=False) for p in ([0.9, 0.2, 0.6, 0.5], [0.1, 0.8, 0.4, 0.5]))
    maps = ProbMaps(maps=(one, other), truth=truth, channels=(rest, organ), partition=2, ignore=(255,))
    assert maps.codes.tolist() == [0, 1, 0, -1]


@pytest.mark.parametrize("empty", ["zero", "diagonal"])
def test_without_a_border_depths_are_nothing_or_the_diagonal(empty: Any) -> None:
    """On the side where the voxels are: inside of a full mask, outside of none."""
    far = 0.0 if empty == "zero" else math.hypot(3 * 0.5, 4 * 2.0)
    for truth in (np.zeros((3, 4)), np.ones((3, 4))):
        image = InSpace(p=truth, y=truth, costs=lambda: None, n_axes=2, lattice=Lattice((0.5, 2.0)))
        inside, outside = image.depths("mm", empty=empty)
        assert inside.tolist() == (far * truth).tolist()
        assert outside.tolist() == (far * (1 - truth)).tolist()


def test_depths_are_those_to_the_nearest_voxel_of_the_other_side() -> None:
    y = (np.random.default_rng(0).random((5, 6)) < 0.4).astype(np.float64)
    places = np.argwhere(np.ones_like(y)) * (0.5, 2.0)
    apart = np.linalg.norm(places[:, None] - places, axis=-1)
    image = InSpace(p=1 - y, y=y, costs=lambda: None, n_axes=2, lattice=Lattice((0.5, 2.0)))
    for side, mask in (("truth", y), ("pred", 1 - y)):
        inside, outside = image.depths("mm", of=side)
        for found, own in ((inside, mask.ravel() > 0), (outside, mask.ravel() == 0)):
            assert found.ravel() == pytest.approx(np.where(own, apart[:, ~own].min(axis=1), 0.0))
    assert image.most_outside("mm").max() == pytest.approx(apart[:, y.ravel() > 0].min(axis=1).max())
    assert image.smallest_step("mm") == 0.5
