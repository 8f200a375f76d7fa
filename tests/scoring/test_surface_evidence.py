"""The boundary metrics through the engine: lazily, by both builders, without ignored voxels."""

from dataclasses import replace

import numpy as np
import pytest

from segeval import catalogue
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.surfaces.surface import Surfaces
from segeval.scoring.collect import collect
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Aggregation, Plan

BOUNDARY = tuple(one.at() for one in catalogue.measures_of("boundary"))


def case_with_ignored_voxels() -> Case:
    truth, pred = (np.zeros((12, 14, 10), dtype=np.uint8) for _ in range(2))
    truth[2:8, 2:8, 2:8], pred[3:9, 2:8, 2:8] = 1, 1
    truth[9:, 9:, :], pred[9:, 9:, :] = 255, 1
    return Case(case_id="x", truth=truth, pred=pred, spacing_mm=(1.0, 2.0, 0.5))


def test_ignored_voxels_have_no_part_in_any_boundary_metric() -> None:
    case = case_with_ignored_voxels()
    cleaned = np.where(case.truth == 255, 0, case.pred), np.where(case.truth == 255, 0, case.truth)
    without = Case(case_id="x", pred=cleaned[0], truth=cleaned[1], spacing_mm=case.spacing_mm)
    found = evaluate(case, Plan(measures=BOUNDARY, labels=LabelMap(ignore=(255,))))
    assert dict(found.classes[0].values) == pytest.approx(
        dict(evaluate(without, Plan(measures=BOUNDARY)).classes[0].values)
    )


def test_both_engines_give_the_same_boundary_metrics(device: str) -> None:
    case, labels = case_with_ignored_voxels(), LabelMap(regions=(LabelClass(name="all", ids=(1, 2)),), ignore=(255,))
    plans = [
        Plan(measures=BOUNDARY, labels=labels),
        Plan(measures=BOUNDARY, labels=labels, engine="torch", device=device),
    ]
    one, other = (evaluate(case, plan) for plan in plans)
    for left, right in zip(one.classes, other.classes, strict=True):
        assert dict(left.values) == pytest.approx(dict(right.values), rel=1e-6)


def test_surfaces_are_not_looked_for_unless_a_measure_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Surfaces, "of", lambda *arrays, **settings: pytest.fail("nobody asked for surfaces"))
    evaluate(case_with_ignored_voxels(), Plan(measures=(catalogue.find("dice").at(),)))


# surfaces that ignored voxels hide


def of_every_other_slice(*, shift: int) -> Case:
    """Truth in every other slice, so that each corner of the lattice touches an ignored voxel."""
    truth, pred = (np.zeros((12, 12, 9), dtype=np.uint8) for _ in range(2))
    truth[1:4, 2:6, 1:8] = 1
    pred[1 + shift : 4 + shift, 2:6, 1:8] = 1
    truth[:, :, 1::2] = 255
    return Case(case_id="x", truth=truth, pred=pred, spacing_mm=(1.0, 2.0, 0.5))


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_masks_that_differ_have_no_perfect_surface_where_ignored_voxels_hide_it(engine: str, device: str) -> None:
    names = "nsd", "boundary_f1", "hd", "assd"
    calls = tuple(catalogue.find(name).at(surface="area") for name in names)
    plan = Plan(measures=calls, labels=LabelMap(ignore=(255,)), engine=engine, device=device)
    assert np.isnan([*evaluate(of_every_other_slice(shift=6), plan).classes[0].values.values()]).all()
    assert [*evaluate(of_every_other_slice(shift=0), plan).classes[0].values.values()] == [1, 1, 0, 0]
    voxels = replace(plan, measures=(catalogue.find("nsd").at(surface="voxel"),))
    assert [*evaluate(of_every_other_slice(shift=6), voxels).classes[0].values.values()] == [0]


@pytest.mark.parametrize("name", ["nsd", "boundary_f1", "boundary_iou", "hd"])
def test_a_surface_that_is_unknown_on_one_side_is_not_infinitely_far_away(name: str) -> None:
    truth, pred = (np.zeros((9, 9), dtype=np.uint8) for _ in range(2))
    truth[2:7, 2:7], truth[3:6, 3:6], pred[3:6, 3:6] = 255, 1, 1  # an object with a border of void around it
    plan = Plan(measures=(catalogue.find(name).at(),), labels=LabelMap(ignore=(255,)))
    (perfect,) = evaluate(Case(case_id="x", truth=truth, pred=pred), plan).classes[0].values.values()
    assert perfect == (0 if name == "hd" else 1)
    pred[8, 8] = 1
    (unknown,) = evaluate(Case(case_id="x", truth=truth, pred=pred), plan).classes[0].values.values()
    assert np.isnan(unknown)


@pytest.mark.parametrize("name", ["nsd", "boundary_f1", "boundary_iou"])
def test_a_case_whose_surface_is_hidden_adds_nothing_to_pooled_shares(name: str) -> None:
    truth, pred = (np.zeros((9, 9, 9), dtype=np.uint8) for _ in range(2))
    truth[2:7, 2:7, 2:7], pred[4:9, 2:7, 2:7] = 1, 1
    plain = Case(case_id="x", pred=pred.copy(), truth=truth.copy())
    truth[2:7, 2:7, 2:7], truth[3:6, 3:6, 3:6], pred[:], pred[3:6, 3:6, 3:6], pred[0, 0, 0] = 255, 1, 0, 1, 1
    hidden = Case(case_id="y", pred=pred, truth=truth)
    plan = Plan(measures=(catalogue.find(name).at(),), labels=LabelMap(ignore=(255,)))
    alone, both = (
        collect([evaluate(case, plan) for case in cases], plan, Aggregation(bootstrap=0), {}).summary[0].pooled
        for cases in ([plain], [plain, hidden])
    )
    assert 0 < alone < 1
    assert both == alone
