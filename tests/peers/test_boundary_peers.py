"""The same masks through other libraries, each under its profile.

Lasting differences: MONAI and SimpleITK compute in float32, hence the tolerance of their tests. A library
that is not installed is skipped. MetricsReloaded is on no package index; what it gave for the worked masks
is in `tests/profiles`.
"""

from importlib import import_module
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from segeval import catalogue, profiles
from segeval.evidence.labels import LabelClass
from segeval.evidence.surfaces.surface import Surfaces
from tests.masks import Masks, surfaces_of

pytestmark = pytest.mark.filterwarnings("ignore")  # what the other libraries warn of is theirs
CASES = range(6)


def random_masks(seed: int) -> Masks:
    """Two smooth blobs on an anisotropic grid that touch the border; even seeds are 2-D."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(14, 26, 2 if seed % 2 == 0 else 3).tolist())
    common, noise, more = (ndimage.gaussian_filter(rng.normal(size=shape), 2.0) for _ in range(3))
    pred, truth = common + 0.5 * noise > 0.02, common + 0.5 * more > 0.02
    spacing = tuple(rng.choice([0.5, 0.8, 1.0, 2.5], len(shape)).tolist())
    return Masks(pred=pred, truth=truth, spacing_mm=spacing)


def ours(profile: str, measure: str, surfaces: Surfaces, **knobs: Any) -> float:
    (value,) = profiles.profile(profile).like(catalogue.find(measure)).at(**knobs)(surfaces)
    return float(value)


@pytest.mark.parametrize("seed", CASES)
def test_monai_measures_the_same_distances(seed: int) -> None:
    metrics = pytest.importorskip("monai.metrics")
    import torch

    masks = random_masks(seed)
    pred, truth = (torch.from_numpy(side)[None, None] for side in (masks.pred, masks.truth))
    settings: dict[str, Any] = {"include_background": True, "spacing": masks.spacing_mm}
    theirs = {
        "hd": metrics.compute_hausdorff_distance(pred, truth, **settings),
        "hd95": metrics.compute_hausdorff_distance(pred, truth, percentile=95, **settings),
        "assd": metrics.compute_average_surface_distance(pred, truth, symmetric=True, **settings),
        "asd_pred_to_truth": metrics.compute_average_surface_distance(pred, truth, **settings),
        "nsd": metrics.compute_surface_dice(pred, truth, class_thresholds=[1.0], **settings),
    }
    surfaces = masks.surfaces
    assert {name: ours("monai", name, surfaces) for name in theirs} == pytest.approx(
        {name: float(value) for name, value in theirs.items()}, rel=2e-5
    )
    subvoxel = metrics.compute_surface_dice(pred, truth, class_thresholds=[1.0], use_subvoxels=True, **settings)
    assert ours("monai-subvoxel", "nsd", surfaces) == pytest.approx(float(subvoxel), rel=2e-5)


def edt_distances(mask: np.ndarray, other: np.ndarray, spacing: tuple[float, ...], *, full: bool) -> np.ndarray:
    """Distances of the surface voxels of a mask by erosion and distance transform, as most tools do it."""
    shape = ndimage.generate_binary_structure(mask.ndim, mask.ndim if full else 1)
    ours, theirs = (side & ~ndimage.binary_erosion(side, shape) for side in (mask, other))
    distances: np.ndarray = ndimage.distance_transform_edt(~theirs, sampling=spacing)[ours]
    return distances


@pytest.mark.parametrize("neighbours", ["face", "full"])
@pytest.mark.parametrize("seed", CASES)
def test_erosion_and_distance_transform_find_the_same_lists(seed: int, neighbours: Any) -> None:
    masks = random_masks(seed)
    (pair,) = masks.surfaces.distances(neighbours=neighbours)
    sides = {"pred_to_truth": (masks.pred, masks.truth), "truth_to_pred": (masks.truth, masks.pred)}
    for name, both in sides.items():
        theirs = edt_distances(*both, masks.spacing_mm, full=neighbours == "full")
        assert np.sort(getattr(pair, name).distance) == pytest.approx(np.sort(theirs), rel=1e-12)


@pytest.mark.parametrize("seed", CASES)
def test_simpleitk_measures_the_same_distances_of_sets(seed: int) -> None:
    sitk = pytest.importorskip("SimpleITK")
    masks = random_masks(seed)
    pred, truth = (sitk.GetImageFromArray(side.astype(np.uint8)) for side in (masks.pred, masks.truth))
    for image in (pred, truth):
        image.SetSpacing(masks.spacing_mm[::-1])  # SimpleITK counts axes from the last
    tool = sitk.HausdorffDistanceImageFilter()
    tool.Execute(pred, truth)
    surfaces = masks.surfaces
    assert ours("simpleitk", "hd", surfaces) == pytest.approx(tool.GetHausdorffDistance(), rel=1e-5)
    assert ours("simpleitk", "average_hausdorff", surfaces) == pytest.approx(
        tool.GetAverageHausdorffDistance(), rel=1e-5
    )


@pytest.mark.parametrize("seed", CASES)
def test_surface_distance_weighs_the_same_area(seed: int) -> None:
    tool = pytest.importorskip("surface_distance", reason="surface-distance is not installed")
    masks = random_masks(seed)
    lists = tool.compute_surface_distances(masks.truth, masks.pred, masks.spacing_mm)
    theirs = {
        "hd": tool.compute_robust_hausdorff(lists, 100),
        "hd95": tool.compute_robust_hausdorff(lists, 95),
        "masd": sum(tool.compute_average_surface_distance(lists)) / 2,
        "nsd": tool.compute_surface_dice_at_tolerance(lists, 1.0),
    }
    surfaces = masks.surfaces
    assert {name: ours("surface-distance", name, surfaces) for name in theirs} == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("seed", CASES)
def test_medpy_measures_the_same_distances(seed: int) -> None:
    tool = pytest.importorskip("medpy.metric.binary", reason="medpy is not installed")
    masks = random_masks(seed)
    surfaces = masks.surfaces
    for name in ("hd", "hd95", "assd"):
        theirs = getattr(tool, name)(masks.pred, masks.truth, voxelspacing=masks.spacing_mm)
        assert ours("medpy", name, surfaces) == pytest.approx(theirs, rel=1e-9), name


PANOPTICA = {
    "hd": ("hausdorff_distance", "_compute_hausdorff_distance"),
    "hd95": ("hausdorff_distance", "_compute_hausdorff_distance95"),
    "assd": ("assd", "_average_symmetric_surface_distance"),
    "nsd": ("normalized_surface_dice", "_compute_normalized_surface_dice"),
}


@pytest.mark.parametrize("name", PANOPTICA)
@pytest.mark.parametrize("seed", CASES)
def test_panoptica_measures_the_same_distances(seed: int, name: str) -> None:
    pytest.importorskip("panoptica", reason="panoptica is not installed")
    module, function = PANOPTICA[name]
    compute = getattr(import_module(f"panoptica.metrics.{module}"), function)
    masks = random_masks(seed)
    surfaces = masks.surfaces
    assert ours("panoptica", name, surfaces) == pytest.approx(compute(masks.truth, masks.pred), rel=1e-9)
    by_spacing = compute(masks.truth, masks.pred, voxelspacing=masks.spacing_mm)
    assert ours("panoptica-instance", name, surfaces) == pytest.approx(by_spacing, rel=1e-9)


def test_a_case_of_many_classes_equals_its_classes_one_by_one() -> None:
    rng = np.random.default_rng(1)
    pred, truth = (
        np.argmax([ndimage.gaussian_filter(rng.normal(size=(18, 20, 16)), 2.0) for _ in range(5)], axis=0)
        for _ in range(2)
    )
    classes = [LabelClass(name=str(one), ids=(one,)) for one in range(1, 5)]
    together = catalogue.find("assd")(Surfaces.of(pred, truth, classes=classes, spacing_mm=(0.8, 0.8, 2.0)))
    alone = [
        catalogue.find("assd")(surfaces_of(pred == one, truth == one, spacing_mm=(0.8, 0.8, 2.0)))[0]
        for one in range(1, 5)
    ]
    assert together == pytest.approx(alone)
