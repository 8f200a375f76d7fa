"""The profiles of tools that install, against the tools themselves: masks with missed, made-up and cut-off classes."""

import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segeval.choice import call_of
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Plan
from tests.verbs.explain.masks import CLASSES, SPACING, cases

pytestmark = pytest.mark.filterwarnings("ignore")

Values = Mapping[str, float]
Tool = Callable[[np.ndarray, np.ndarray], Values]


def masks() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each class of each case, all classes as one of several lesions, and a mask that the border of the image cuts."""
    for name, (pred, truth) in cases().items():
        for label in CLASSES:
            yield f"{name}, {label}", pred == label, truth == label
        yield f"{name}, all", pred > 0, truth > 0
    pred, truth = cases()["case_00"]
    yield "cut", (pred == 1)[6:, :, :8], (truth == 1)[6:, :, :8]


def ours(pred: np.ndarray, truth: np.ndarray, names: list[str]) -> dict[str, float]:
    calls = tuple(call_of(name) for name in names)
    labels = LabelMap(classes=(LabelClass(name="1", ids=(1,)),))
    sides = {"pred": pred.astype(np.uint8), "truth": truth.astype(np.uint8)}
    scored = evaluate(Case(case_id="case", **sides, spacing_mm=SPACING), Plan(measures=calls, labels=labels))
    (row,) = scored.classes
    return {name: {**scored.row.values, **row.values}[call.column] for name, call in zip(names, calls, strict=True)}


def agree(tool: str, theirs: Tool, *, tolerance: float = 1e-9) -> None:
    """Every value of a tool is that of its profile; what is no number there is undefined here, or left out."""
    n_compared = 0
    for where, pred, truth in masks():
        for name, value in theirs(pred, truth).items():
            mine = ours(pred, truth, [f"{name}[{tool}]"])[f"{name}[{tool}]"]
            wanted = pytest.approx(value, rel=tolerance, abs=tolerance, nan_ok=True)
            assert mine == wanted, f"{name}[{tool}] of {where}"
            n_compared += 1
    assert n_compared >= 25


def test_exacta() -> None:
    functional = pytest.importorskip("exacta.functional")
    overlaps = ("dice", "iou", "sensitivity", "precision", "specificity", "volume_similarity")
    overlaps += ("relative_volume_difference", "cldice")
    distances = {"hd": "hausdorff_distance", "hd95": "hd95", "assd": "assd"}

    def values(pred: np.ndarray, truth: np.ndarray) -> Values:
        sides = [side[None].astype(np.int64) for side in (pred, truth)]
        rule = {"num_classes": 2, "include_background": False}
        found = {name: getattr(functional, name)(*sides, **rule) for name in overlaps}
        found |= {n: getattr(functional, called)(*sides, spacing=SPACING, **rule) for n, called in distances.items()}
        found["nsd(tolerance_mm=2)"] = functional.nsd(*sides, spacing=SPACING, tolerance=2.0, **rule)
        return {name: float(value[0, 0]) for name, value in found.items()}

    agree("exacta", values)


def test_meshmetrics() -> None:
    tool = pytest.importorskip("meshmetrics", exc_type=ImportError)
    called = {"hd": "HD_100", "hd95": "HD_95", "assd": "ASSD", "masd": "MASD", "dice": "DSC", "iou": "IoU"}
    called |= {"nsd(tolerance_mm=1.2345)": "NSD_1.2345"}  # no tie, which rounding decides

    def values(pred: np.ndarray, truth: np.ndarray) -> Values:
        found = tool.compute_metrics(truth, pred, spacing=SPACING, taus=(1.2345,), verbose=False)
        return {name: found[theirs] for name, theirs in called.items()}

    agree("meshmetrics", values)


def test_cc_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    tool = pytest.importorskip("CCMetrics")
    torch.set_grad_enabled(True)  # which its import turns off for the whole process
    monkeypatch.setattr("gc.collect", lambda *_: 0)  # it collects garbage after every lesion, which takes minutes
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "dice": ("CCDiceMetric", {}),
        "hd": ("CCHausdorffDistanceMetric", {"metric_worst_score": math.inf}),
        "hd95": ("CCHausdorffDistance95Metric", {"metric_worst_score": math.inf}),
        "assd": ("CCSurfaceDistanceMetric", {"metric_worst_score": math.inf, "symmetric": True}),
        "nsd(tolerance_mm=1)": ("CCSurfaceDiceMetric", {"class_thresholds": [1.0]}),
    }

    def values(pred: np.ndarray, truth: np.ndarray) -> Values:
        found = {}
        for name, (kind, options) in kinds.items():
            metric = getattr(tool, kind)(cc_reduction="patient", **options)
            metric(*(np.stack([~side, side])[None].astype(np.float32) for side in (pred, truth)))
            found[name] = float(metric.cc_aggregate()[0])
        return found

    agree("cc-metrics", values, tolerance=5e-6)  # float32 there


def test_plastimatch(tmp_path: Path) -> None:
    pytest.importorskip("plastimatch")
    program = Path(sys.executable).parent / "plastimatch"
    said = {
        "dice": "DICE",
        "sensitivity": "SE",
        "specificity": "SP",
        "hd": "Hausdorff distance (boundary)",
        "hd95": "Percent (0.95) Hausdorff distance (boundary)",
        "masd": "Avg average Hausdorff distance (boundary)",
        "average_hausdorff": "Avg average Hausdorff distance",
    }

    def values(pred: np.ndarray, truth: np.ndarray) -> Values:
        import SimpleITK as sitk  # noqa: N813

        for side, mask in (("pred", pred), ("truth", truth)):
            image = sitk.GetImageFromArray(mask.astype(np.uint8).T)
            image.SetSpacing(SPACING)
            sitk.WriteImage(image, str(tmp_path / f"{side}.mha"))
        command = [program, "dice", "--all", tmp_path / "truth.mha", tmp_path / "pred.mha"]
        printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        told = dict(re.findall(r"^\s*([^=:\n]+?)\s*[=:]\s+(\S+)\s*$", printed, re.MULTILINE))
        found = {name: float(told[called].replace("-nan", "nan")) for name, called in said.items() if called in told}
        return {name: math.nan if value > 1e30 else value for name, value in found.items()}  # nonsense: FLT_MAX

    agree("plastimatch", values, tolerance=2e-6)  # six digits of float32


def test_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics")

    def values(pred: np.ndarray, truth: np.ndarray) -> Values:
        split, merge = metrics.variation_of_information(truth.astype(int), pred.astype(int))
        return {"hd": float(metrics.hausdorff_distance(pred, truth)), "variation_of_information": float(split + merge)}

    agree("scikit-image", values)


def test_torchmetrics_of_all_classes() -> None:
    torch = pytest.importorskip("torch")
    segmentation = pytest.importorskip("torchmetrics.functional.segmentation")
    labels = LabelMap(classes=tuple(LabelClass(name=str(label), ids=(label,)) for label in CLASSES))
    rule = {"num_classes": 4, "input_format": "index"}
    called: dict[str, tuple[str, dict[str, Any]]] = {
        "mean_dice": ("dice_score", {"average": "macro"}),
        "mean_iou": ("mean_iou", {}),
        "generalized_dice_score": ("generalized_dice_score", {}),
        "generalized_dice_score(weight=simple)": ("generalized_dice_score", {"weight_type": "simple"}),
    }
    for case, (pred, truth) in cases().items():
        sides = [torch.as_tensor(side[None].astype(np.int64)) for side in (pred, truth)]
        calls = {name: call_of(f"{name}[torchmetrics]") for name in called}
        plan = Plan(measures=tuple(calls.values()), labels=labels)
        mine = evaluate(Case(case_id=case, pred=pred, truth=truth), plan).row.values
        for name, (function, options) in called.items():
            theirs = float(getattr(segmentation, function)(*sides, **rule, **options))
            assert mine[calls[name].column] == pytest.approx(theirs, rel=1e-6), (case, name)


def test_medpy_means_empty_masks_to_be_equal_and_loses_that_in_numpy_2() -> None:
    binary = pytest.importorskip("medpy.metric.binary")
    nothing = np.zeros((3, 3), dtype=bool)
    assert ours(nothing, nothing, ["dice[medpy]", "iou[medpy]"]) == {"dice[medpy]": 1.0, "iou[medpy]": 1.0}
    assert binary.jc(nothing, nothing) == 1.0
    try:
        theirs = float(binary.dc(nothing, nothing))
    except ZeroDivisionError:  # a later version may say so
        theirs = math.nan
    assert theirs == 1.0 or (math.isnan(theirs) and int(np.__version__.partition(".")[0]) >= 2)
