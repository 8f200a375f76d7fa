"""Boundary metrics against worked values, and the laws they obey."""

import math
import re
from typing import Any

import numpy as np
import pytest

from segeval.measure import Measure
from segeval.metrics import boundary, boundary_scores, point_sets
from tests.conftest import golden
from tests.masks import MASKS, ball, digest, surfaces_of

GOLDEN = golden("boundary")
VALUES = {name: math.nan if value is None else float(value) for name, value in GOLDEN["values"].items()}
MEASURES = {
    name: one
    for module in (boundary, boundary_scores, point_sets)
    for name, one in vars(module).items()
    if isinstance(one, Measure)
}
MEASURES["bf_score"] = MEASURES["boundary_f1"]


def surface_knobs(surface: str, edge: str) -> dict[str, Any]:
    """`voxelfull` and `none` of a worked value's name as knobs."""
    if surface == "voxelfull":
        return {"surface": "voxel", "neighbours": "full", "edge": edge}
    return {"surface": surface, "edge": edge}


SURFACE_VALUE = re.compile(
    r"(?P<masks>F|R2|R3a|R3b|T2|half)\.(?P<surface>voxel|area|voxelfull)\.(?P<edge>border|none)\.(?P<unit>unit\.)?"
    r"(?P<name>[a-z]\w*?)(@(?P<tolerance>\d))?(\.(?P<pooling>pooled|directed_mean))?"
)
of_surfaces = [name for name in VALUES if SURFACE_VALUE.fullmatch(name) and not re.search("elements|weight", name)]


def half_filled() -> Any:
    pred, truth = (np.zeros((10, 10, 10), dtype=bool) for _ in range(2))
    pred[:7], truth[:5] = True, True
    return surfaces_of(pred, truth)


@pytest.mark.parametrize("name", sorted(MASKS.keys() - {"T2"}))
def test_the_masks_are_those_of_the_worked_values(name: str) -> None:
    worked = GOLDEN["arrays"][f"{name}.sha256_16"]
    assert (digest(MASKS[name].pred), digest(MASKS[name].truth)) == (worked["pred"], worked["truth"])


@pytest.mark.parametrize("name", of_surfaces)
def test_surface_measures_agree_with_the_worked_values(name: str) -> None:
    parts = SURFACE_VALUE.fullmatch(name)
    assert parts
    knobs = surface_knobs(parts["surface"], parts["edge"])
    if parts["tolerance"]:
        knobs["tolerance_mm"] = float(parts["tolerance"])
    if parts["pooling"]:
        knobs["pooling"] = parts["pooling"]
    if parts["unit"]:
        knobs["unit"] = "voxel"
    surfaces = half_filled() if parts["masks"] == "half" else MASKS[parts["masks"]].surfaces
    assert MEASURES[parts["name"]](surfaces, **knobs) == pytest.approx([VALUES[name]], rel=1e-9, abs=1e-12)


COUNTED = [name for name in VALUES if SURFACE_VALUE.fullmatch(name) and re.search("elements|weight", name)]


@pytest.mark.parametrize("name", COUNTED)
def test_the_surfaces_have_the_worked_size(name: str) -> None:
    masks, surface, edge, *_, what = name.split(".")
    kind, side = what.split("_")
    unit: Any = {"unit": "voxel"} if ".unit." in name else {}
    (pair,) = MASKS[masks].surfaces.distances(**surface_knobs(surface, edge), **unit)
    elements = {"pred": pair.pred_to_truth, "truth": pair.truth_to_pred}[side]
    found = elements.size if kind == "weight" else elements.distance.size
    assert found == pytest.approx(VALUES[name], rel=1e-9)


OTHER_VALUES: dict[str, dict[str, Any]] = {
    "boundary_iou": {},
    "boundary_iou@1": {"width_mm": 1.0},
    "boundary_iou@2": {"width_mm": 2.0},
    "boundary_iou.lt1.unit": {"width_mm": 1.0, "rule": "lt", "unit": "voxel"},
    "boundary_iou.lt3.unit": {"width_mm": 3.0, "rule": "lt", "unit": "voxel"},
    "bf_score@1": {"tolerance_mm": 1.0},
    "average_hausdorff": {},
    "balanced_average_hausdorff": {},
    "mean_signed_surface_distance": {},
    "centroid_distance": {},
    "mahalanobis": {},
}
OTHERS = [(masks, name) for masks in MASKS for name in OTHER_VALUES if f"{masks}.{name}" in VALUES]


@pytest.mark.parametrize(("masks", "name"), OTHERS)
def test_the_other_measures_agree_with_the_worked_values(masks: str, name: str) -> None:
    measure = MEASURES[re.split("[.@]", name)[0]]
    found = measure(MASKS[masks].surfaces, **OTHER_VALUES[name])
    assert found == pytest.approx([VALUES[f"{masks}.{name}"]], rel=1e-9)


def test_every_worked_value_of_a_boundary_measure_is_tested() -> None:
    elsewhere = re.compile(r"(profile|absent_\w+|tol|cavity)\..*|.*\.(mahalanobis\.unit|diagonal_mm)")
    tested = {*of_surfaces, *COUNTED, *(f"{masks}.{name}" for masks, name in OTHERS)}
    assert {name for name in VALUES if name not in tested and not elsewhere.fullmatch(name)} == set()


def test_the_spacing_does_not_matter_to_mahalanobis() -> None:
    masks = MASKS["F"]
    assert MEASURES["mahalanobis"](surfaces_of(masks.pred, masks.truth)) == pytest.approx(
        [VALUES["F.mahalanobis.unit"]]
    )


@pytest.mark.parametrize("name", ["F", "R2", "R3a", "R3b"])
def test_the_diagonal_is_that_of_the_whole_image(name: str) -> None:
    assert MASKS[name].surfaces.diagonal() == pytest.approx(VALUES[f"{name}.diagonal_mm"])


def test_the_two_lists_of_the_example_by_hand() -> None:
    (pair,) = MASKS["T2"].surfaces.distances()
    for found, name in ((pair.pred_to_truth, "pred_to_truth"), (pair.truth_to_pred, "truth_to_pred")):
        assert sorted(found.distance) == pytest.approx(GOLDEN["arrays"][f"T2.d_{name}_sorted"])


def test_a_distance_of_exactly_the_tolerance_counts() -> None:
    pred, truth = (np.zeros((30, 11), dtype=bool) for _ in range(2))
    truth[5:20, 3:8], pred[5:23, 3:8] = True, True
    surfaces = surfaces_of(pred, truth, spacing_mm=(0.1, 0.1))  # 3 pixels apart, and 3 x 0.1 > 0.3
    found = [MEASURES["nsd"](surfaces, tolerance_mm=0.3, surface="voxel", slack=slack)[0] for slack in (1e-6, 0.0)]
    assert found == pytest.approx([VALUES["tol.nsd.with_slack"], VALUES["tol.nsd.plain"]])


def test_sets_are_blind_to_cavities_and_surfaces_are_not() -> None:
    shape, middle, spacing = (23, 23, 23), (11.0, 11.0, 11.0), (1.0, 1.0, 1.0)
    full = ball(shape, middle, 8.0, spacing)
    surfaces = surfaces_of(full & ~ball(shape, middle, 1.5, spacing), full, spacing_mm=spacing)
    assert MEASURES["hd"](surfaces) == pytest.approx([VALUES["cavity.hd.surface"]])
    assert MEASURES["hd"](surfaces, surface="set") == pytest.approx([VALUES["cavity.hd.set"]])


ABSENT = [name for name in VALUES if name.startswith("absent_")]


@pytest.mark.parametrize("name", ABSENT)
def test_absent_classes_get_the_worked_values(name: str) -> None:
    status, measure = name.split(".")
    some = np.zeros((7, 8, 9), dtype=bool)
    some[2:4, 2:5, 3:7] = True
    none = np.zeros_like(some)
    pred, truth = {"absent_both": (none, none), "absent_pred": (none, some), "absent_truth": (some, none)}[status]
    found = MEASURES[measure](surfaces_of(pred, truth))
    assert found == pytest.approx([VALUES[name]], nan_ok=True)
