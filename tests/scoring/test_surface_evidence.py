"""The boundary metrics through the engine: lazily, by both builders, without ignored voxels."""

import numpy as np
import pytest

from segeval import catalogue
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.surfaces.surface import Surfaces
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Plan

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
