"""Batches in a training loop give the numbers of `segeval score`."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import segeval
from segeval import catalogue
from segeval.errors import ConfigError, DataError

GROUPS = [*catalogue.GROUPS]
LABELS = {1: "liver", 2: "spleen"}
SPACING = (0.8, 0.8, 1.5)
IDS = ["a", "b", "c", "d"]


def masks() -> tuple[np.ndarray, np.ndarray]:
    """Four small cases of two classes, of which one lacks the second in its prediction."""
    truth, pred = np.zeros((2, 4, 10, 9, 6), dtype=np.int64)
    for i in range(4):
        truth[i, 1:6, 2:7, 1:5], truth[i, 7:9, 1:4, 2:5] = 1, 2
        pred[i, 2 : 6 + i, 2:7, 1:5] = 1
        if i != 3:
            pred[i, 7:9, 2:5, 2:4] = 2
    return pred, truth


def maps(kind: str) -> np.ndarray:
    """What a network may give for these cases, (case, class, *space)."""
    pred, _ = masks()
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(4, 3, *pred.shape[1:])).astype(np.float32)
    scores += 3 * (np.arange(3).reshape(3, 1, 1, 1) == pred[:, None])
    if kind == "logits":
        return scores
    if kind == "sigmoids":
        return (1 / (1 + np.exp(1.5 - scores[:, 1:]))).astype(np.float32)
    return torch.softmax(torch.from_numpy(scores), dim=1).numpy()


def evaluated(pred: Any, truth: Any, measures: list[str], **options: Any) -> segeval.Results:
    """The results of the four cases in a batch of three and one of one."""
    evaluator = segeval.Evaluator(measures, LABELS, SPACING, bootstrap=0, **options)
    evaluator.update(torch.as_tensor(pred[:3]), torch.as_tensor(truth[:3]), case_id=IDS[:3])
    evaluator.update(torch.as_tensor(pred[3:]), torch.as_tensor(truth[3:]), case_id=IDS[3:])
    return evaluator.compute()


def assert_same(got: segeval.Results, want: segeval.Results) -> None:
    for name in ("scores", "cases", "summary"):
        left, right = got.to_pandas(name), want.to_pandas(name)
        left, right = (
            table.drop(columns=[column for column in table if str(column).endswith("_file")]) for table in (left, right)
        )
        assert left.equals(right), left.compare(right)


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("kind", ["masks", "softmax", "sigmoids", "logits"])
def test_the_rows_of_every_group_are_those_of_score(group: str, kind: str) -> None:
    pred, truth = masks()
    given = pred if kind == "masks" else maps(kind)
    options = {"pred_kind": "logits"} if kind == "logits" else {}
    got = evaluated(given, truth, [group], **options)
    pairs = {name: given[i] for i, name in enumerate(IDS)}, dict(zip(IDS, truth, strict=True))
    want = segeval.score(*pairs, measures=[group], labels=LABELS, spacing=SPACING, bootstrap=0, **options)
    assert_same(got, want)


@pytest.mark.parametrize(
    "truth_of",
    [
        lambda truth: truth[:, None],
        lambda truth: torch.nn.functional.one_hot(torch.from_numpy(truth), 3).movedim(-1, 1),
        lambda truth: list(torch.from_numpy(truth)),
    ],
    ids=["a lone axis", "one-hot", "a list of cases"],
)
def test_a_truth_may_have_an_axis_of_one_or_of_classes(truth_of: Callable[[np.ndarray], Any]) -> None:
    _, truth = masks()
    evaluator = segeval.Evaluator(["dice"], LABELS, bootstrap=0)
    evaluator.update(torch.from_numpy(maps("softmax")), truth_of(truth), case_id=torch.arange(4))
    ids = dict(zip("0123", maps("softmax"), strict=True)), dict(zip("0123", truth, strict=True))
    want = segeval.score(*ids, measures=["dice"], labels=LABELS, bootstrap=0)
    assert [row.values for row in evaluator.compute().class_rows] == [row.values for row in want.class_rows]


def test_one_channel_on_both_sides_is_a_class_and_no_slice() -> None:
    pred, truth = (side[:, None, :, :, 2] == 1 for side in masks())
    evaluator = segeval.Evaluator(["hd95"], {1: "liver"}, (0.8, 0.8), bootstrap=0)
    evaluator.update(torch.from_numpy(pred * 0.75).float(), torch.from_numpy(truth), case_id=IDS)
    assert {row.shape for row in evaluator.compute().case_rows} == {(10, 9)}


def test_a_single_case_has_a_single_name() -> None:
    pred, truth = masks()
    evaluator = segeval.Evaluator(["dice"], LABELS)
    evaluator.update(pred[0], truth[0], case_id="a")
    assert [row.case_id for row in evaluator.compute().case_rows] == ["a"]


def test_batches_may_differ_in_spacing_and_lists_in_shape() -> None:
    pred, truth = masks()
    evaluator = segeval.Evaluator(["volume_truth_ml"], LABELS, bootstrap=0)
    evaluator.update(pred[:1], truth[:1], case_id=["a"], spacing=(1, 1, 1))
    lists = [pred[1], pred[2][1:]], [truth[1], truth[2][1:]]
    evaluator.update(*lists, case_id=["b", "c"], spacing=[(1, 1, 2), (1, 1, 3)])
    rows = evaluator.compute().class_rows
    liver = [row.values["volume_truth_ml"] for row in rows if row.of.name == "liver"]
    assert liver == pytest.approx([0.1, 0.2, 0.3])  # 5 x 5 x 4 voxels


def test_a_repeated_sample_counts_once() -> None:
    pred, truth = masks()
    evaluator = segeval.Evaluator(["dice"], LABELS, bootstrap=0)
    evaluator.update(pred, truth, case_id=IDS)
    evaluator.update(pred[:1], truth[:1], case_id=IDS[:1])
    assert len(evaluator) == 4


def test_a_case_that_comes_again_with_another_prediction_is_refused_and_changes_nothing() -> None:
    pred, truth = masks()
    evaluator = segeval.Evaluator(["dice"], LABELS)
    evaluator.update(pred[:2], truth[:2], case_id=["a", "b"])
    with pytest.raises(DataError, match=r"b: was scored before.*reset\(\)"):
        evaluator.update(pred[2:], truth[2:], case_id=["c", "b"])
    assert len(evaluator) == 2


def test_evaluators_merge_to_that_of_all_cases() -> None:
    _, truth = masks()
    measures = ["dice", "hd95", "dice_loss", "nsd"]
    parts = [segeval.Evaluator(measures, LABELS, SPACING, bootstrap=0) for _ in range(3)]
    parts[1].update(maps("softmax")[:3], truth[:3], case_id=IDS[:3])
    parts[2].update(maps("softmax")[2:], truth[2:], case_id=IDS[2:])
    for part in parts[1:]:
        parts[0].merge(part)
    assert_same(parts[0].compute(), evaluated(maps("softmax"), truth, measures))


def test_evaluators_of_other_options_or_predictions_do_not_merge() -> None:
    pred, truth = masks()
    of_masks, of_maps = segeval.Evaluator(["dice"], LABELS), segeval.Evaluator(["dice"], LABELS)
    of_masks.update(pred[:1], truth[:1], case_id=["a"])
    of_maps.update(maps("softmax")[1:2], truth[1:2], case_id=["b"])
    with pytest.raises(DataError, match="predictions of one kind"):
        of_masks.merge(of_maps)
    with pytest.raises(ConfigError, match="differ in spacing, measures"):
        of_masks.merge(segeval.Evaluator(["iou"], LABELS, SPACING))


def test_a_state_goes_through_a_checkpoint() -> None:
    _, truth = masks()
    first = segeval.Evaluator(GROUPS, LABELS, SPACING, bootstrap=0)
    first.update(maps("softmax")[:2], truth[:2], case_id=IDS[:2])
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second = segeval.Evaluator(GROUPS, LABELS, SPACING, bootstrap=0)
    second.load_state_dict(torch.load(file, weights_only=True))
    second.update(maps("softmax")[2:], truth[2:], case_id=IDS[2:])
    assert_same(second.compute(), evaluated(maps("softmax"), truth, GROUPS))
    with pytest.raises(ConfigError, match="differ in labels, spacing"):
        segeval.Evaluator(GROUPS, bootstrap=0).load_state_dict(first.state_dict())


def test_a_state_runs_no_code() -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (exec, ("raise SystemExit",))

    import pickle

    with pytest.raises(DataError, match=r"no state of an Evaluator: it holds builtins\.exec"):
        segeval.Evaluator().load_state_dict({"segeval": 1, "scores": pickle.dumps(Evil()).hex()})
    with pytest.raises(DataError, match="no state"):
        segeval.Evaluator().load_state_dict({})


def test_reset_forgets_the_cases_and_what_they_were() -> None:
    pred, truth = masks()
    evaluator = segeval.Evaluator(["dice"], LABELS, bootstrap=0)
    evaluator.update(pred, truth, case_id=IDS)
    evaluator.reset()
    with pytest.raises(DataError, match="No case was given"):
        evaluator.compute()
    evaluator.update(maps("softmax"), truth, case_id=IDS)
    assert len(evaluator.compute().case_rows) == 4


@pytest.mark.parametrize(
    ("pred", "truth", "ids", "message"),
    [
        ((2, 3, 4, 4), (2, 4, 5), "ab", r"a \(pred\).*shape.*4, 4.*4, 5"),
        ((2, 3, 4, 4), (3, 4, 4), "ab", "truth: holds 3 cases, and case_id names 2"),
        ((2, 3, 4, 4), (2, 4, 4), "aa", "names a twice"),
        ((2, 5, 4, 4), (2, 4, 4), "ab", r"has 5 channels, and should have 3"),
        ((1, 2, 3, 4, 4), (1, 4, 4), "a", r"a \(pred\).*shape \(2, 3, 4, 4\)"),
    ],
)
def test_batches_that_do_not_fit_say_where(pred: Any, truth: Any, ids: str, message: str) -> None:
    evaluator = segeval.Evaluator(["dice"], LABELS)
    given = torch.softmax(torch.zeros(pred), dim=1)
    with pytest.raises(DataError, match=message):
        evaluator.update(given, torch.zeros(truth, dtype=torch.long), case_id=list(ids))
    assert len(evaluator) == 0


@pytest.mark.parametrize(
    ("pred", "truth", "ids", "message"),
    [
        (np.ones((2, 4, 4)), np.ones((2, 4, 4)), None, "case_id: names no case"),
        (np.ones((2, 4, 4)), None, ["a", "b"], "truth: NoneType is no batch"),
        ("pred.nii.gz", np.ones((2, 4, 4)), ["a", "b"], r"pred: str is no batch.*segeval\.score"),
        (np.array([1, 0]), np.array([1, 0]), ["a", "b"], r"a \(truth\): .*of shape \(\)"),
        (np.ones((2, 4, 4)), np.full((2, 4, 4), 0.5), ["a", "b"], r"a \(truth\): values from 0.5 to 0.5 are no class"),
        (np.full((2, 4, 4), -1), np.ones((2, 4, 4)), ["a", "b"], r"a \(pred\): holds negative ids"),
    ],
    ids=["no id", "no truth", "a path", "numbers", "soft truth", "negative"],
)
def test_what_is_no_batch_of_masks_is_told(pred: Any, truth: Any, ids: Any, message: str) -> None:
    evaluator = segeval.Evaluator(["dice"])
    with pytest.raises(DataError, match=message):
        evaluator.update(pred, truth, case_id=ids)
    assert len(evaluator) == 0


def test_a_later_batch_of_another_kind_is_refused() -> None:
    pred, truth = masks()
    evaluator = segeval.Evaluator(["dice"], LABELS)
    evaluator.update(maps("softmax")[:2], truth[:2], case_id=["a", "b"])
    with pytest.raises(DataError, match=r"c \(pred\): holds labels, and a \(pred\) probabilities"):
        evaluator.update(pred[2:], truth[2:], case_id=["c", "d"])
    assert len(evaluator) == 2


def test_volumes_without_a_spacing_are_undefined() -> None:
    pred, truth = masks()
    evaluator = segeval.Evaluator(["volume_truth_ml"], LABELS, bootstrap=0)
    evaluator.update(pred, truth, case_id=IDS)
    assert all(np.isnan(row.values["volume_truth_ml"]) for row in evaluator.compute().class_rows)
    assert {row.n for row in evaluator.compute().summary} == {0}


def test_logits_that_are_nan_are_refused_with_the_case() -> None:
    _, truth = masks()
    logits = maps("logits")
    logits[1, 0, 3, 3, 3] = np.nan
    evaluator = segeval.Evaluator(["dice"], LABELS, pred_kind="logits")
    with pytest.raises(DataError, match=r"b \(pred\).*1 voxels are NaN"):
        evaluator.update(torch.from_numpy(logits), truth, case_id=IDS)


def test_logits_that_nobody_called_so_are_refused() -> None:
    _, truth = masks()
    with pytest.raises(DataError, match="pred-kind logits"):
        segeval.Evaluator(["dice"], LABELS).update(torch.from_numpy(maps("logits")), truth, case_id=IDS)


def test_an_id_of_no_class_is_background_as_in_score_and_noted() -> None:
    pred, truth = masks()
    truth[0, 0, 0, 0] = 7
    evaluator = segeval.Evaluator(["dice"], LABELS)
    evaluator.update(pred, truth, case_id=IDS)
    assert "id 7 is no class of --labels and counts as background" in evaluator.compute().facts["warnings"]


def test_distances_without_a_spacing_are_in_pixels_and_never_mixed() -> None:
    pred, truth = masks()
    evaluator = segeval.Evaluator(["hd95"], LABELS, bootstrap=0)
    evaluator.update(pred[:2], truth[:2], case_id=["a", "b"])
    assert evaluator.compute().facts["definitions"]["hd95"]["unit"] == "px"
    evaluator.update(pred[2:], truth[2:], case_id=["c", "d"], spacing=SPACING)
    with pytest.raises(DataError, match="would be in px there"):
        evaluator.compute()


def test_options_of_files_are_refused() -> None:
    with pytest.raises(ConfigError, match="pairs, resume, workers: an Evaluator is given masks"):
        segeval.Evaluator(["dice"], workers=2, pairs="cases.csv", resume=True)
    with pytest.raises(ConfigError, match="write"):
        segeval.Evaluator(["dice"], out="run")


def test_an_evaluator_of_arrays_never_imports_torch() -> None:
    code = """
import sys, numpy as np, segeval
evaluator = segeval.Evaluator(["dice"], engine="numpy")
evaluator.update(np.ones((1, 4, 4), int), np.ones((1, 4, 4), int), case_id=["a"])
evaluator.compute()
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_the_results_of_all_processes_are_those_of_one(tmp_path: Path) -> None:
    """Two processes: an uneven last batch, a sample that both have, and in a second epoch a process without a case."""
    script = Path(__file__).parent / "evaluator_process.py"
    meeting = f"file://{tmp_path / 'meeting'}"
    surroundings = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    started = [
        subprocess.Popen([sys.executable, script, meeting, str(rank), tmp_path], env=surroundings) for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in started] == [0, 0]
    _, truth = masks()
    want = evaluated(maps("softmax"), truth, GROUPS)
    for epoch in ("uneven", "empty"):
        for rank in range(2):
            rows = pd.read_pickle(tmp_path / f"{epoch}_{rank}.pkl")
            assert rows.equals(want.to_pandas("scores")[rows.columns])
    said = [(tmp_path / f"other_{rank}.txt").read_text() for rank in range(2)]
    assert said[0] == said[1]
    assert "a: was scored before, and with another outcome" in said[0]
    assert [(tmp_path / f"nothing_{rank}.txt").read_text().split(",")[0] for rank in range(2)] == [
        "No case was given"
    ] * 2
    assert (tmp_path / "run" / "run.json").is_file()
