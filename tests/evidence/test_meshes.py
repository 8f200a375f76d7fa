"""Distances between meshes: by hand, and as MeshMetrics has them."""

import math
from typing import Any, Literal

import numpy as np
import pytest

from segeval.choice import call_of
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.surfaces.distances import SurfacePair
from segeval.evidence.surfaces.surface import Surfaces
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Plan
from tests.conftest import golden

ONE = (LabelClass(name="1", ids=(1,)),)
NAMES = {
    "hd": "HD_100",
    "hd95": "HD_95",
    "assd": "ASSD",
    "masd": "MASD",
    "nsd(tolerance_mm=0.5)": "NSD_0.5",
    "nsd(tolerance_mm=1)": "NSD_1.0",
    "dice": "DSC",
    "iou": "IoU",
}


def pair_of(pred: np.ndarray, truth: np.ndarray, **rules: Any) -> SurfacePair:
    (pair,) = Surfaces.of(pred, truth, classes=ONE, **rules).distances(surface="mesh")
    return pair


def dot(shape: tuple[int, ...], at: tuple[int, ...]) -> np.ndarray:
    image = np.zeros(shape, dtype=np.uint8)
    image[at] = 1
    return image


def test_the_mesh_of_a_voxel_is_an_octahedron_and_distances_start_in_the_middle_of_its_faces() -> None:
    pair = pair_of(dot((5, 3, 3), (3, 1, 1)), dot((5, 3, 3), (0, 1, 1)))
    near, far = (math.hypot(2.5 + x, 1 / 6, 1 / 6) for x in (-1 / 6, 1 / 6))  # to the vertex at 0.5
    for side in (pair.pred_to_truth, pair.truth_to_pred):
        assert sorted(side.distance.tolist()) == pytest.approx([near] * 4 + [far] * 4, rel=1e-12)
        assert side.size == pytest.approx(math.sqrt(3), rel=1e-12)  # eight triangles with sides √½


def test_the_mesh_of_a_pixel_is_a_diamond_in_the_size_of_its_pixel() -> None:
    pair = pair_of(dot((5, 1), (3, 0)), dot((5, 1), (0, 0)), spacing_mm=(2.0, 1.0))
    assert pair.pred_to_truth.size == 2  # an axis of length one is none: a row is cut in two points
    pair = pair_of(dot((5, 3), (3, 1)), dot((5, 3), (0, 1)), spacing_mm=(2.0, 1.0))
    near, far = (math.hypot(5 + x, 1 / 4) for x in (-0.5, 0.5))
    assert sorted(pair.pred_to_truth.distance.tolist()) == pytest.approx([near] * 2 + [far] * 2, rel=1e-12)
    assert pair.pred_to_truth.size == pytest.approx(4 * math.hypot(1.0, 0.5), rel=1e-12)


def test_a_mask_is_at_distance_zero_from_itself_and_an_open_border_leaves_no_mesh() -> None:
    image = (np.random.default_rng(1).random((6, 7, 8)) < 0.5).astype(np.uint8)
    pair = pair_of(image, image)
    assert pair.pred_to_truth.distance.max() == 0
    full = np.ones((3, 3, 3), dtype=np.uint8)
    (pair,) = Surfaces.of(full, full, classes=ONE).distances(surface="mesh", edge="none")
    assert not pair.presence.on_pred
    assert pair.pred_to_truth.distance.size == 0


@pytest.mark.slow
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("case", golden("meshes")["cases"], ids=lambda case: "x".join(map(str, case["shape"])))
def test_random_masks_have_the_distances_of_meshmetrics_however_they_lie_in_memory(
    case: dict[str, Any], order: Literal["C", "F"]
) -> None:
    n = math.prod(case["shape"])
    pred, truth = (
        np.asarray(
            np.unpackbits(np.frombuffer(bytes.fromhex(case[side]), np.uint8))[:n].reshape(case["shape"]), order=order
        )
        for side in ("pred", "truth")
    )
    calls = {name: call_of(f"{name}[meshmetrics]") for name in NAMES}
    plan = Plan(measures=tuple(calls.values()), labels=LabelMap(classes=ONE))
    scored = evaluate(Case(case_id="one", pred=pred, truth=truth, spacing_mm=tuple(case["spacing"])), plan)
    values = scored.classes[0].values
    for name, called in NAMES.items():  # outlines are of float32 there
        wanted = pytest.approx(case["values"][called], rel=1e-12 if len(case["shape"]) == 3 else 1e-6)
        assert values[calls[name].column] == wanted, name


def test_a_mesh_far_away_is_found_among_all_of_its_pieces() -> None:
    pred, truth = np.zeros((60, 9, 9), dtype=np.uint8), np.zeros((60, 9, 9), dtype=np.uint8)
    truth[2:8, 1:8, 1:8] = 1
    pred[2:8, 1:8, 1:8], pred[50, 4, 4] = 1, 1
    assert pair_of(pred, truth).pred_to_truth.distance.max() == pytest.approx(42 + 2 / 3)  # from 50 + 1/6 to 7.5
