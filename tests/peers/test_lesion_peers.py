"""Lesion metrics beside other libraries, on the same masks.

Lasting differences, each with its setting: MONAI at a threshold of 0.5 and torchmetrics want the IoU
to exceed it (`strict=True`); MONAI adds 1e-6 below every fraction, and calls an absent class 0.
"""

import numpy as np
import pytest

from segeval.evidence.lesions.components import components_of
from segeval.evidence.lesions.lesions import Lesions
from segeval.evidence.lesions.voronoi import LesionCells
from segeval.evidence.masks import Voxels
from segeval.metrics import lesion
from segeval.metrics.overlap import dice
from segeval.metrics.per_lesion import per_lesion_mean
from tests.conftest import golden
from tests.masks import MASKS, ONE

FIXTURES = ("L", "F", "R2", "R3a", "R3b")


def masks(name: str) -> tuple[np.ndarray, np.ndarray]:
    if name != "L":
        return MASKS[name].labels
    arrays = golden("lesions")["arrays"]
    return np.array(arrays["L.pred"], dtype=np.uint8), np.array(arrays["L.truth"], dtype=np.uint8)


def of(name: str) -> Lesions:
    pred, truth = masks(name)
    return Lesions.of(pred, truth, classes=ONE, spacing_mm=MASKS[name].spacing_mm if name in MASKS else (1.0, 1.0))


def numbered(mask: np.ndarray) -> np.ndarray:
    """The instance map of a mask, as other libraries want it."""
    parts = components_of(Voxels.of(mask > 0))
    instances = np.zeros(mask.shape, dtype=np.int64)
    instances.flat[parts.index] = parts.ids[parts.owner]
    return instances


@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.7])
def test_monai_finds_the_same_panoptic_quality(name: str, threshold: float) -> None:
    monai = pytest.importorskip("monai.metrics", reason="MONAI is not installed")
    torch = pytest.importorskip("torch", reason="torch is not installed")
    pred, truth = (torch.from_numpy(numbered(side)) for side in masks(name))
    counts = of(name).matched(iou_threshold=threshold, strict=threshold == 0.5)
    theirs = monai.compute_panoptic_quality(
        pred, truth, match_iou_threshold=threshold, output_confusion_matrix=True
    ).tolist()
    ours = [float(one[0]) for one in (counts.tp, counts.fp, counts.fn, counts.iou_sum)]
    assert ours == pytest.approx(theirs, rel=1e-5)


@pytest.mark.filterwarnings("ignore:Voronoi computation is running on CPU")
@pytest.mark.parametrize("name", ["L", "F"])
def test_monai_averages_the_same_dice_per_component(name: str) -> None:
    monai = pytest.importorskip("monai.metrics", reason="MONAI is not installed")
    torch = pytest.importorskip("torch", reason="torch is not installed")
    pred, truth = (torch.from_numpy(np.stack([side == 0, side == 1])[None].astype(np.float32)) for side in masks(name))
    theirs = monai.DiceMetric(include_background=False, reduction="none", per_component=True)(pred, truth)
    pixels = LesionCells(lesions=Lesions.of(*masks(name), classes=ONE))
    assert per_lesion_mean(dice.at(), pixels) == pytest.approx([float(theirs)], rel=1e-5)


@pytest.mark.parametrize("name", FIXTURES)
def test_torchmetrics_finds_the_same_panoptic_quality_above_a_half(name: str) -> None:
    detection = pytest.importorskip("torchmetrics.functional.detection", reason="torchmetrics is not installed")
    torch = pytest.importorskip("torch", reason="torch is not installed")
    pred, truth = (np.stack([side, numbered(side)], axis=-1).reshape(1, -1, 2) for side in masks(name))
    theirs = detection.panoptic_quality(
        torch.from_numpy(pred.astype(np.int64)),
        torch.from_numpy(truth.astype(np.int64)),
        things={1},
        stuffs={0},
        return_per_class=True,
        return_sq_and_rq=True,
    )
    of_lesions = theirs.reshape(-1, 3)[0].tolist()
    ours = [float(np.nan_to_num(one(of(name), strict=True)[0])) for one in (lesion.pq, lesion.sq, lesion.rq)]
    assert ours == pytest.approx(of_lesions, rel=1e-5)


@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("connectivity", ["face", "full"])
def test_scikit_image_finds_the_same_components(name: str, connectivity: str) -> None:
    measure = pytest.importorskip("skimage.measure", reason="scikit-image is not installed")
    for mask in masks(name):
        neighbours = 1 if connectivity == "face" else mask.ndim
        expected = measure.label(mask, connectivity=neighbours)
        parts = components_of(Voxels.of(mask > 0), connectivity=connectivity)  # type: ignore[arg-type]
        assert (parts.owner + 1).tolist() == expected.ravel()[parts.index].tolist()


@pytest.mark.parametrize("name", ["F", "R3a", "R3b"])
def test_cc3d_finds_the_same_components(name: str) -> None:
    cc3d = pytest.importorskip("cc3d", reason="connected-components-3d is not installed")
    for mask in masks(name):
        for connectivity, neighbours in (("face", 6), ("edge", 18), ("full", 26)):
            parts = components_of(Voxels.of(mask > 0), connectivity=connectivity)  # type: ignore[arg-type]
            expected = cc3d.connected_components(mask, connectivity=neighbours)
            together = set(zip(parts.owner.tolist(), expected.ravel()[parts.index].tolist(), strict=True))
            assert len(together) == len(parts) == expected.max()


@pytest.mark.parametrize("name", FIXTURES)
def test_panoptica_finds_the_same_matches(name: str) -> None:
    panoptica = pytest.importorskip("panoptica", reason="panoptica needs an environment of its own")
    pred, truth = (numbered(side).astype(np.uint16) for side in masks(name))
    evaluator = panoptica.Panoptica_Evaluator(
        expected_input=panoptica.InputType.UNMATCHED_INSTANCE,
        instance_matcher=panoptica.NaiveThresholdMatching(matching_threshold=0.5),
    )
    theirs = next(iter(evaluator.evaluate(pred, truth, verbose=False).values()))
    counts = of(name).matched(matching="greedy")
    assert (theirs.tp, theirs.fp, theirs.fn) == (counts.tp[0], counts.fp[0], counts.fn[0])
    if counts.tp[0]:
        assert theirs.pq == pytest.approx(float(lesion.pq(of(name), matching="greedy")[0]))
