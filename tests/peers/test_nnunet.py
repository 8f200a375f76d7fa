"""`--format nnunet` against the `summary.json` that nnU-Net's own evaluator writes for the same folders."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segeval.cli.app import run
from tests.conftest import golden
from tests.peers.samples import random_pair

# nnU-Net warns of means over no value, and of its own environment variables
pytestmark = pytest.mark.filterwarnings("ignore")

ROOT = Path(__file__).parents[2]


def theirs(pred: Path, truth: Path, summary: Path, labels: list[Any], ignore: int | None = None) -> Any:
    pytest.importorskip("nnunetv2", reason="nnU-Net is not installed: uv sync --group peers-nnunet")
    from nnunetv2.evaluation.evaluate_predictions import compute_metrics_on_folder
    from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO

    compute_metrics_on_folder(
        str(truth), str(pred), str(summary), SimpleITKIO(), ".nii.gz", labels, ignore_label=ignore, num_processes=1
    )
    return json.loads(summary.read_text())


def ours(pred: Path, truth: Path, out: Path, *options: str) -> Any:
    assert run(["score", str(pred), str(truth), "--out", str(out), "--format", "nnunet", "--quiet", *options]) == 0
    return json.loads((out / "summary.json").read_text())


def comparable(document: Any) -> Any:
    """The document with its nan as a word, since nan equals nothing."""
    return json.loads(json.dumps(document).replace("NaN", '"nan"'))


def folders_of(folder: Path, pairs: dict[str, tuple[np.ndarray, np.ndarray]]) -> tuple[Path, Path]:
    """Folders with these (truth, pred) pairs as NIfTI files."""
    import nibabel as nib

    pred, truth = folder / "pred", folder / "gt"
    for side in (pred, truth):
        side.mkdir()
    for name, pair in pairs.items():
        for side, labels in zip((truth, pred), pair, strict=True):
            nib.save(nib.Nifti1Image(labels, np.diag([0.8, 0.8, 3.0, 1.0])), side / f"{name}.nii.gz")
    return pred, truth


def pairs_with_absent_classes(ids: list[int]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Eleven cases: in one of them class 2 is on neither side, in one only in the truth, in one only predicted."""
    pairs = {f"case_{i}": random_pair(i, (9, 8, 7), ids) for i in range(11)}
    for name, of_truth, of_pred in (("case_3", True, True), ("case_4", False, True), ("case_5", True, False)):
        for side, is_emptied in zip(pairs[name], (of_truth, of_pred), strict=True):
            side[(side == 2) & is_emptied] = 0
    return pairs


def test_the_summary_of_the_sample_is_what_nnunet_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The golden file is the work of nnU-Net 2.8.1; without it installed the test below is skipped."""
    monkeypatch.chdir(ROOT)
    found = ours(Path("sample_data/pred"), Path("sample_data/gt"), tmp_path / "out", "--labels", "1,2,3")
    assert comparable(found) == comparable(golden("nnunet_summary"))


def test_the_summary_of_the_sample_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    pred, truth = Path("sample_data/pred"), Path("sample_data/gt")
    found = ours(pred, truth, tmp_path / "out", "--labels", "1,2,3")
    assert comparable(found) == comparable(theirs(pred, truth, tmp_path / "summary.json", [1, 2, 3]))


def test_the_summary_is_the_same_where_a_class_is_absent_from_a_case(tmp_path: Path) -> None:
    pred, truth = folders_of(tmp_path, pairs_with_absent_classes([1, 2, 3]))
    found = ours(pred, truth, tmp_path / "out")
    assert comparable(found) == comparable(theirs(pred, truth, tmp_path / "summary.json", [1, 2, 3]))
    (of_case,) = (
        one["metrics"]["2"] for one in found["metric_per_case"] if one["reference_file"].endswith("case_3.nii.gz")
    )
    assert comparable(of_case["Dice"]) == "nan"
    assert of_case["n_ref"] == of_case["n_pred"] == 0


def test_the_summary_is_the_same_where_a_class_is_absent_from_all_cases(tmp_path: Path) -> None:
    pred, truth = folders_of(tmp_path, {"case": random_pair(1, (9, 8, 7), [1])})
    found = ours(pred, truth, tmp_path / "out", "--labels", "1,2")
    assert comparable(found) == comparable(theirs(pred, truth, tmp_path / "summary.json", [1, 2]))
    assert comparable(found["foreground_mean"]["Dice"]) == "nan"


def test_the_summary_is_the_same_with_regions_and_an_ignore_label(tmp_path: Path) -> None:
    pairs = pairs_with_absent_classes([1, 2, 3])
    for i, (truth_labels, _) in enumerate(pairs.values()):
        truth_labels[i % 9, :2] = 4
    pred, truth = folders_of(tmp_path, pairs)
    dataset = tmp_path / "dataset.json"
    labels = {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "enhancing": [3], "ignore": 4}
    dataset.write_text(json.dumps({"labels": labels}))
    found = ours(pred, truth, tmp_path / "out", "--labels", str(dataset))
    regions = [(1, 2, 3), (2, 3), 3]
    assert comparable(found) == comparable(theirs(pred, truth, tmp_path / "summary.json", regions, ignore=4))


def test_cases_come_in_the_order_of_their_file_names(tmp_path: Path) -> None:
    names = ("scan", "scan-2", "scan_1", "Scan", "scan10", "scan2")
    pred, truth = folders_of(tmp_path, {name: random_pair(i, (4, 5, 6), [1]) for i, name in enumerate(names)})
    found = ours(pred, truth, tmp_path / "out")
    assert comparable(found) == comparable(theirs(pred, truth, tmp_path / "summary.json", [1]))
