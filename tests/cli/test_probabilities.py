"""Probabilities from the command line: the same numbers as their masks, and one clear message for what is bad."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from tests.cli.given import SAMPLE, Run, cell, rows_of, strict_json, write_image

OUT = Path("segeval-results")
SAMPLE_LABELS = ("--labels", SAMPLE / "labels.yaml")
SHAPE = (4, 3, 2)
HARD = np.arange(24, dtype=np.uint8).reshape(SHAPE) % 3
SOFTMAX = np.where(HARD[..., None] == np.arange(3), 0.5, 0.25).astype(np.float32)


def folders(**preds: np.ndarray) -> None:
    """A prediction and the truth of each case."""
    for name, array in preds.items():
        write_image(Path("pred", f"{name}.nii.gz"), array)
        write_image(Path("truth", f"{name}.nii.gz"), HARD)


def run_json() -> dict[str, Any]:
    loaded: dict[str, Any] = strict_json((OUT / "run.json").read_text())
    return loaded


def test_the_sample_probabilities_score_as_the_masks_that_were_cut_from_them(run: Run) -> None:
    tables = ("scores.csv", "summary.csv", "confusion.csv")
    found = {}
    for side in ("pred", "probs"):
        done = run("score", SAMPLE / side, SAMPLE / "gt", *SAMPLE_LABELS, "-m", "overlap", "--bootstrap", 0, "-o", side)
        assert done.code == 0
        found[side] = [Path(side, name).read_bytes() for name in tables]
    assert found["pred"] == found["probs"]
    assert "segeval: predictions are probabilities, a softmax of background, organ, vessel, lesion\n" in done.err
    assert {row["probability_source"] for row in rows_of(Path("probs/cases.csv"))} == {"probs"}
    assert {row["probability_source"] for row in rows_of(Path("pred/cases.csv"))} == {"hard"}


def test_run_json_says_what_the_predictions_were(run: Run) -> None:
    folders(x=SOFTMAX)
    run("score", "pred", "truth", "-m", "dice", "--pred-kind", "probs")
    assert run_json()["plan"]["pred_kind"] == "probs"
    assert run_json()["predictions"] == {"kind": "probs", "channels": ["background", "1", "2"], "exclusive": True}
    folders(x=HARD)
    run("score", "pred", "truth", "-m", "dice")
    assert run_json()["plan"]["pred_kind"] == "auto"
    assert run_json()["predictions"] == {"kind": "labels"}


def test_a_measure_of_probabilities_says_why_labels_leave_it_undefined(run: Run) -> None:
    folders(x=HARD)
    done = run("score", "pred", "truth", "-m", "dice,auc_roc,brier")
    assert "labels have no probabilities, so these are undefined: auc_roc, brier. Score the maps instead" in done.err
    assert run_json()["undefined"]["1"]["auc_roc"] == {"needs_probabilities": 1}
    folders(x=SOFTMAX)
    assert "no probabilities" not in run("score", "pred", "truth", "-m", "dice,auc_roc,brier").err


@pytest.mark.parametrize("workers", [1, 3])
def test_logits_give_the_masks_of_their_softmax(run: Run, workers: int) -> None:
    folders(a=np.log(SOFTMAX), b=np.log(SOFTMAX) + 3, c=np.log(SOFTMAX) - 3)
    done = run("score", "pred", "truth", "-m", "dice", "--pred-kind", "logits", "--workers", workers)
    assert (done.code, {row["dice"] for row in rows_of(OUT / "scores.csv")}) == (0, {"1.0"})
    assert "predictions are logits, a softmax of background, 1, 2" in done.err


def test_a_loss_of_logits_says_why_resampling_leaves_it_undefined(run: Run) -> None:
    folders(case_1=np.log(SOFTMAX))
    asked = ("score", "pred", "truth", "-m", "nacl_loss", "--pred-kind", "logits")
    done = run(*asked, "--resample")
    assert "nacl_loss: undefined with --resample, which makes probabilities of logits" in done.err
    done = run(*asked)  # the remedy
    assert (done.code, "undefined" in done.err) == (0, False)
    assert all(float(row["nacl_loss"]) > 0 for row in rows_of(OUT / "scores.csv"))


def test_nnunet_predictions_are_masks_unless_probabilities_are_asked_for(run: Run) -> None:
    folders(x=HARD)
    np.savez(Path("pred/x.npz"), probabilities=SOFTMAX.transpose(3, 2, 1, 0))
    Path("pred/x.pkl").write_bytes(b"\x80\x04never read")
    assert "predictions are labels" in run("score", "pred", "truth", "-m", "dice").err
    done = run("score", "pred", "truth", "-m", "dice", "--pred-kind", "probs")
    assert "predictions are probabilities" in done.err
    assert cell(OUT / "scores.csv", "dice", class_="2") == "1.0"
    Path("pred/x.nii.gz").unlink()
    assert "predictions are probabilities" in run("score", "pred", "truth", "-m", "dice").err


@pytest.mark.parametrize("pattern", [None, "{case}_{class}.nii.gz"])
def test_one_file_per_class_is_one_prediction(run: Run, pattern: str | None) -> None:
    write_image(Path("truth/x.nii.gz"), HARD)
    for channel, name in enumerate(("background", "left", "right")):
        path = f"x_{name}.nii.gz" if pattern else f"x/{name}.nii.gz"
        write_image(Path("pred", path), np.ascontiguousarray(SOFTMAX[..., channel]))
    options = ("--channel-files", pattern) if pattern else ()
    done = run("score", "pred", "truth", "--labels", "1=left,2=right", "-m", "dice", *options)
    assert (done.code, {row["dice"] for row in rows_of(OUT / "scores.csv")}) == (0, {"1.0"})
    assert "a softmax of background, left, right" in done.err


def test_a_grey_png_is_a_mask_or_a_map_as_it_is_told(run: Run) -> None:
    for side in ("pred", "truth"):
        Path(side).mkdir()
    Image.fromarray(np.array([[0, 100, 200, 255]], np.uint8)).save("pred/x.png")
    Image.fromarray(np.array([[0, 255, 255, 0]], np.uint8)).save("truth/x.png")
    run("score", "pred", "truth", "-m", "dice")
    assert [row["label"] for row in rows_of(OUT / "scores.csv")] == ["100", "200", "255"]
    run("score", "pred", "truth", "-m", "dice", "--pred-kind", "probs", "--labels", "255=cell")
    (row,) = rows_of(OUT / "scores.csv")
    assert (row["class"], row["tp"], row["fp"], row["fn"]) == ("cell", "1", "1", "1")


def test_overlapping_regions_are_scored_one_by_one(run: Run) -> None:
    truth = np.zeros(SHAPE, np.uint8)
    truth[0], truth[1] = 1, 2
    write_image(Path("truth/x.nii.gz"), truth)
    probs = np.zeros((*SHAPE, 2), np.float32)
    probs[:2, ..., 0], probs[1:3, ..., 1] = 0.9, 0.5  # the core reaches out of the whole
    write_image(Path("pred/x.nii.gz"), probs)
    done = run("score", "pred", "truth", "--regions", "whole=1+2,core=2", "-m", "dice,kappa,hd")
    assert done.code == 0
    assert "predictions are probabilities, sigmoids of whole, core" in done.err
    rows = {
        row["class"]: [row[name] for name in ("label", "tp", "fp", "fn", "hd")] for row in rows_of(OUT / "scores.csv")
    }
    assert rows == {"whole": ["1+2", "12", "0", "0", "0.0"], "core": ["2", "6", "6", "0", "1.0"]}
    assert [row["kappa"] for row in rows_of(OUT / "cases.csv")] == [""]
    assert rows_of(OUT / "confusion.csv") == []
    assert cell(OUT / "summary.csv", "pooled", class_="core", measure="dice") == str(2 / 3)


def test_sigmoids_that_look_like_a_softmax_are_told(run: Run) -> None:
    folders(x=SOFTMAX)
    said = run("score", "pred", "truth", "-m", "dice", "--labels", "1,2,3").err
    assert "note: sigmoids of 1, 2, 3, and yet those of each voxel add up to 1: is one of them background? (x)" in said


def test_the_doctor_looks_at_probabilities_as_score_does(run: Run) -> None:
    folders(x=SOFTMAX, y=SOFTMAX * 2)
    done = run("doctor", "pred", "truth")
    assert done.code == 3
    assert "3 x float32 / uint8" in done.out
    assert "1:8 2:8" in done.out
    assert "predictions are probabilities, a softmax of background, 1, 2" in done.out
    assert "y.nii.gz, channel of background: values from 0.5 to 1 are" not in done.out
    assert "at voxel (0, 0, 0) they add up to 2 instead of 1" in done.out.replace("\n", " ")


def test_the_doctor_counts_voxels_that_several_classes_claim(run: Run) -> None:
    folders(x=np.full((*SHAPE, 2), 0.7, np.float32))
    done = run("doctor", "pred", "truth", "--labels", "1,2")
    assert done.code == 0
    assert "24 voxels belong to several classes" in done.out.replace("\n", " ")


BAD: dict[str, tuple[Callable[[], np.ndarray], tuple[str, ...], str]] = {
    "NaN": (lambda: spoilt(np.nan), (), "x.nii.gz, channel of 1: 1 voxels are NaN or infinite. Write numbers there."),
    "above 1": (lambda: spoilt(1.5), (), "x.nii.gz, channel of 1: values from 0.25 to 1.5 are no probabilities."),
    "below 0": (lambda: spoilt(-0.5), (), "x.nii.gz, channel of 1: values from -0.5 to 0.5 are no probabilities."),
    "logits": (lambda: np.log(SOFTMAX), (), "are no probabilities. Pass --pred-kind logits if they are raw scores"),
    "one logit": (lambda: np.log(SOFTMAX[..., 0]), (), "are neither class ids nor probabilities. Pass --pred-kind"),
    "sums": (
        lambda: SOFTMAX * 0.98,
        (),
        "at voxel (0, 0, 0) they add up to 0.98 instead of 1. Write the softmax itself",
    ),
    "integers": (
        lambda: HARD,
        ("--pred-kind", "probs", "--labels", "1"),
        "values from 0 to 2 are no probabilities. Give",
    ),
    "too few": (lambda: SOFTMAX, ("--labels", "1,2,3,4"), "has 3 channels, and should have 5 (a softmax of backgrou"),
    "strange id": (
        lambda: SOFTMAX[..., 1],
        (),
        "truth/x.nii.gz: holds id 2, and the prediction is one map of class 1.",
    ),
    "labels": (
        lambda: SOFTMAX,
        ("--pred-kind", "labels"),
        "has channels, and labels are one id per voxel. Pass --pred",
    ),
}


def spoilt(value: float) -> np.ndarray:
    array = SOFTMAX.copy()
    array[1, 1, 1, 1] = value
    return array


@pytest.mark.parametrize("what", BAD)
def test_bad_probabilities_stop_the_run_with_file_fact_and_remedy(run: Run, what: str) -> None:
    make, options, message = BAD[what]
    folders(x=make())
    done = run("score", "pred", "truth", *options)
    assert (done.code, done.out) == (3, "")
    assert message in done.err
    assert "Traceback" not in done.err
    assert not OUT.exists()


def test_mixed_kinds_ask_for_one_of_them(run: Run) -> None:
    folders(a=SOFTMAX, b=HARD)
    done = run("score", "pred", "truth", "-m", "dice")
    assert done.code == 3
    assert "pred/a.nii.gz: holds probabilities, a softmax of background, 1, 2, and pred/b.nii.gz labels." in done.err
    assert "say which with --pred-kind" in done.err


def test_with_keep_going_the_other_kind_fails_alone(run: Run) -> None:
    folders(a=SOFTMAX, b=HARD, c=SOFTMAX)
    done = run("score", "pred", "truth", "-m", "dice", "--keep-going")
    assert done.code == 3
    assert [(row["case"], row["status"]) for row in rows_of(OUT / "cases.csv")] == [
        ("a", "ok"), ("b", "failed"), ("c", "ok"),
    ]  # fmt: skip


@pytest.mark.parametrize("policy", ["worst", "background"])
def test_missing_predictions_beside_sigmoids_have_the_same_classes(run: Run, policy: str) -> None:
    folders(b=np.full((*SHAPE, 2), 0.7, np.float32))
    write_image(Path("truth/a.nii.gz"), HARD)
    done = run("score", "pred", "truth", "--regions", "x=1,y=1+2", "-m", "dice", "--missing", policy)
    assert done.code == 0
    assert [(row["case"], row["class"], row["fn"]) for row in rows_of(OUT / "scores.csv")] == [
        ("a", "x", "8"), ("a", "y", "16"), ("b", "x", "0"), ("b", "y", "0"),
    ]  # fmt: skip


def test_sigmoids_have_no_background_to_be_scored(run: Run) -> None:
    folders(x=np.full((*SHAPE, 2), 0.7, np.float32))
    done = run("score", "pred", "truth", "--labels", "1,2", "--include-background")
    assert (done.code, "--include-background: sigmoids of 1, 2 have no background" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--pred-kind", "prob", "--pred-kind prob: not one of"),
        ("--channel-axis", "2", "--channel-axis 2: not one of first, last"),
        ("--channel-files", "{case}.nii.gz", "--channel-files '{case}.nii.gz': write {case}, and {class} once"),
    ],
)
def test_an_option_that_cannot_be_used_is_told_by_its_name(run: Run, option: str, value: str, message: str) -> None:
    folders(x=SOFTMAX)
    done = run("score", "pred", "truth", option, value)
    assert done.code == 2
    assert message in done.err


def test_options_may_stand_in_a_file(run: Run) -> None:
    folders(x=np.log(SOFTMAX))
    Path("segeval.yaml").write_text("score: {pred_kind: logits, measures: dice}\n")
    assert run("score", "pred", "truth").code == 0
    assert run_json()["predictions"]["kind"] == "logits"


def test_scaled_integers_are_resampled_as_probabilities(run: Run) -> None:
    folders(x=HARD)
    image = nib.Nifti1Image(np.rint(SOFTMAX * 200).astype(np.uint8), np.diag([1.0, 1.0, 1.0, 1.0]))
    image.header.set_slope_inter(1 / 200, 0)
    image.set_sform(nib.affines.from_matvec(np.eye(3), [1.0, 0.0, 0.0]))
    image.to_filename("pred/x.nii.gz")
    assert "Pass --resample" in run("score", "pred", "truth", "-m", "dice").err
    done = run("score", "pred", "truth", "-m", "dice", "--resample", "--json")
    assert done.code == 0
    assert "resampled" in json.dumps(json.loads(done.out)["notes"])


def test_a_pooled_curve_that_bins_do_not_tell_is_told_and_its_remedy_is_right(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if ten probabilities were too many: one case has the class in a bin in which the other has the rest."""
    for name in ("EXACT_UP_TO", "APART_UP_TO"):
        monkeypatch.setattr(f"segeval.evidence.probabilities.histogram.{name}", 10)
    inside = 0.3 + 1e-6 * np.random.default_rng(0).random((2, 298))
    p = np.hstack([inside, np.tile([0.9, 0.1], (2, 1))])
    truths = np.hstack([np.tile([[True], [False]], 298), np.tile([False, True], (2, 1))])
    for case, probs, truth in zip("ab", p, truths, strict=True):
        write_image(Path("pred", f"{case}.nii.gz"), probs.reshape(10, 10, 3))
        write_image(Path("truth", f"{case}.nii.gz"), truth.reshape(10, 10, 3).astype(np.uint8))
    scored = ("score", "pred", "truth", "--pred-kind", "probs", "--bootstrap", 0, "-m")
    above = (p[truths][:, None] > p[~truths]).mean()
    done = run(*scored, "auc_roc")
    remedy = "Ask for auc_roc(exact=true), in more memory"
    assert f"auc_roc of 1: not pooled, since bins do not tell it to 1e-5. {remedy}" in " ".join(done.err.split())
    assert cell(OUT / "summary.csv", "pooled", class_="1") == ""
    assert run(*scored, "auc_roc(exact=true)").code == 0
    assert float(cell(OUT / "summary.csv", "pooled", class_="1")) == pytest.approx(above, abs=1e-12)
