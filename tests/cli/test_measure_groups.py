"""Losses, lesions, topology, probabilities and other tools' definitions, from the command line."""

from pathlib import Path

import numpy as np
import pytest

from tests.cli.given import SAMPLE, Run, columns_of, rows_of, strict_json, write_image

OUT = Path("segeval-results")
LABELS = ("--labels", SAMPLE / "labels.yaml")


@pytest.fixture
def masks(tmp_path: Path) -> tuple[Path, Path]:
    """One case: two lesions of which one is found and one shrunk to a quarter, and a false alarm."""
    truth, pred = np.zeros((2, 8, 8, 3), dtype=np.uint8)
    truth[1:3, 1:3], truth[5:7, 1:3] = 1, 1
    pred[1:3, 1:3], pred[5, 1], pred[6, 6] = 1, 1, 1
    for side, mask in (("pred", pred), ("truth", truth)):
        (tmp_path / side).mkdir()
        write_image(tmp_path / side / "a.nii.gz", mask)
    return tmp_path / "pred", tmp_path / "truth"


def only_row(name: str = "scores.csv") -> dict[str, str]:
    (row,) = rows_of(OUT / name)
    return row


def test_losses_of_masks_are_those_of_their_counts(run: Run, masks: tuple[Path, Path]) -> None:
    assert run("score", *masks, "-m", "bce,dice_loss(smooth=0),tversky(alpha=0.2,smooth=0)").code == 0
    row = only_row()  # 15 hits, 3 false alarms and 9 misses in 192 voxels; a wrong voxel costs 100
    assert (row["tp"], row["fp"], row["fn"]) == ("15", "3", "9")
    assert float(row["bce_loss"]) == pytest.approx(100 * 12 / 192)
    assert float(row["dice_loss(smooth=0)"]) == pytest.approx(1 - 30 / 42)
    assert float(row["tversky_loss(alpha=0.2,smooth=0)"]) == pytest.approx(1 - 15 / (15 + 0.2 * 3 + 0.7 * 9))
    assert only_row("cases.csv")["probability_source"] == "hard"
    pooled = {row["class"]: row["pooled"] for row in rows_of(OUT / "summary.csv") if row["measure"] == "bce_loss"}
    assert float(pooled["1"]) == pytest.approx(100 * 12 / 192)


def test_losses_of_probabilities_stand_beside_the_overlap(run: Run) -> None:
    assert run("score", SAMPLE / "probs", SAMPLE / "gt", *LABELS, "--bootstrap", "0", "-m", "+nll,soft_dice").code == 0
    rows = rows_of(OUT / "scores.csv")
    assert [float(row["bce_loss"]) for row in rows] == pytest.approx([float(row["nll"]) for row in rows])
    cases = rows_of(OUT / "cases.csv")
    assert [float(row["cross_entropy_loss"]) for row in cases] == pytest.approx([float(row["nll"]) for row in cases])
    assert {row["probability_source"] for row in cases} == {"probs"}
    pooled = {row["measure"]: row["pooled"] for row in rows_of(OUT / "summary.csv") if row["class"] == "organ"}
    assert float(pooled["bce_loss"]) == pytest.approx(float(pooled["nll"]))
    assert float(pooled["dice_loss"]) == pytest.approx(1 - float(pooled["soft_dice"]), abs=1e-4)
    assert pooled["dice"] != ""


def test_probability_metrics_of_masks_are_undefined_and_say_why(run: Run, masks: tuple[Path, Path]) -> None:
    assert run("score", *masks, "-m", "dice,auc_roc,brier").code == 0
    assert (only_row()["auc_roc"], only_row()["brier"]) == ("", "")
    found = strict_json((OUT / "run.json").read_text())
    assert found["undefined"]["1"]["auc_roc"] == {"needs_probabilities": 1}
    assert found["undefined"]["(all)"]["brier"] == {"needs_probabilities": 1}


def test_lesions_have_a_table_that_says_why_one_did_not_match(run: Run, masks: tuple[Path, Path]) -> None:
    assert run("score", *masks, "-m", "lesion_f1,n_lesions_pred").code == 0
    assert float(only_row()["lesion_f1"]) == pytest.approx(2 / 5)
    lesions = rows_of(OUT / "lesions.csv")
    assert [(row["side"], row["lesion_id"], row["outcome"]) for row in lesions] == [
        ("pred", "1", "tp"), ("pred", "2", "fp"), ("pred", "3", "fp"), ("truth", "1", "tp"), ("truth", "2", "fn"),
    ]  # fmt: skip
    assert lesions[1]["reason"] == "best IoU 0.25 with truth 2 is below 0.5"
    assert lesions[0]["bbox"] == "1:3 1:3 0:3"
    found = strict_json((OUT / "run.json").read_text())
    assert "lesions" not in found
    assert found["written"]["lesions.csv"].startswith("sha256:")


def test_the_table_of_lesions_follows_the_first_lesion_measure(run: Run, masks: tuple[Path, Path]) -> None:
    assert run("score", *masks, "-m", "lesion_f1(iou_threshold=0.2),lesion_f1").code == 0
    assert [row["outcome"] for row in rows_of(OUT / "lesions.csv")] == ["tp", "tp", "fp", "tp", "tp"]


def test_a_run_without_lesion_measures_leaves_no_table_of_lesions(run: Run, masks: tuple[Path, Path]) -> None:
    run("score", *masks, "-m", "lesion_f1")
    run("score", *masks, "-m", "dice")
    assert not (OUT / "lesions.csv").exists()


def test_lesions_of_probability_maps_tell_their_probabilities(run: Run) -> None:
    run("score", SAMPLE / "probs", SAMPLE / "gt", *LABELS, "--bootstrap", "0", "-m", "lesion_f1")
    rows = [row for row in rows_of(OUT / "lesions.csv") if row["side"] == "pred"]
    assert all(0 < float(row["mean_prob"]) <= float(row["max_prob"]) <= 1 for row in rows)


def test_counts_of_lesions_are_pooled(run: Run) -> None:
    run("score", SAMPLE / "pred", SAMPLE / "gt", *LABELS, "--bootstrap", "0", "-m", "lesion_recall")
    lesions = [
        row["outcome"] for row in rows_of(OUT / "lesions.csv") if (row["class"], row["side"]) == ("lesion", "truth")
    ]
    pooled = next(row["pooled"] for row in rows_of(OUT / "summary.csv") if row["class"] == "lesion")
    assert float(pooled) == pytest.approx(lesions.count("tp") / len(lesions))


def test_topology_is_scored(run: Run, masks: tuple[Path, Path]) -> None:
    assert run("score", *masks, "-m", "betti_error_0,cl_precision").code == 0
    assert only_row()["betti_error_0"] == "1.0"
    assert float(only_row()["cl_precision"]) == pytest.approx(2 / 3, abs=0.2)


def test_a_measure_of_another_tool_has_its_name_in_brackets(run: Run, masks: tuple[Path, Path]) -> None:
    assert run("score", *masks, "-m", "hd95[medpy],hd95").code == 0
    assert list(only_row())[-2:] == ["hd95[medpy]", "hd95"]
    assert only_row()["hd95[medpy]"] != only_row()["hd95"]
    definitions = strict_json((OUT / "run.json").read_text())["definitions"]
    assert definitions["hd95[medpy]"]["profile"] == "medpy"
    assert definitions["hd95[medpy]"]["parameters"]["pooling"] == "pooled"


def test_like_a_tool_are_all_its_measures_or_those_named(run: Run, masks: tuple[Path, Path]) -> None:
    assert run("score", *masks, "--like", "nnunet").code == 0
    assert columns_of(OUT / "scores.csv")[10:] == ["dice[nnunet]", "iou[nnunet]"]
    done = run("score", *masks, "--like", "nnunet", "--like", "medpy", "-m", "dice,hd95")
    assert columns_of(OUT / "scores.csv")[10:] == ["dice[nnunet]", "dice[medpy]", "hd95[medpy]"]
    assert "nnunet has no hd95: left out" in done.err


def test_an_unknown_tool_gets_a_suggestion(run: Run, masks: tuple[Path, Path]) -> None:
    done = run("score", *masks, "--like", "medpi")
    assert done.code == 2
    assert "Unknown profile 'medpi'. Did you mean 'medpy'?" in done.err


@pytest.mark.parametrize(
    ("said", "distance"),
    [("inf", "inf"), ("nan", ""), ("50", "50.0"), ("diagonal", str(float(np.sqrt(8**2 * 2 + 3**2))))],
)
def test_the_distance_to_a_missed_structure_is_the_users_choice(
    run: Run, masks: tuple[Path, Path], said: str, distance: str
) -> None:
    write_image(masks[0] / "a.nii.gz", np.zeros((8, 8, 3), dtype=np.uint8))
    assert run("score", *masks, "-m", "hd,nsd", "--empty-distance", said).code == 0
    assert (only_row()["hd"], only_row()["nsd(tolerance_mm=1)"]) == (distance, "0.0")
    definitions = strict_json((OUT / "run.json").read_text())["definitions"]
    assert str(definitions["hd"]["empty_distance"]) == (f"{said}.0" if said == "50" else said)


def test_what_is_no_distance_is_refused(run: Run, masks: tuple[Path, Path]) -> None:
    done = run("score", *masks, "--empty-distance", "-3")
    assert done.code == 2
    assert "Use inf, nan, diagonal or a number of mm" in done.err
