"""`--like` with a challenge: scored, gated and compared on files."""

from pathlib import Path

import numpy as np
import pytest

from tests.cli.given import SAMPLE, Run, cell, columns_of, number, strict_json, write_image
from tests.metrics.test_instances import ARRAYS, VALUES, drawn


@pytest.fixture
def lesions(tmp_path: Path) -> dict[str, Path]:
    """Fixture W as NIfTI of 1 mm, and a case of which both sides are empty."""
    folders = {"pred": tmp_path / "pred", "truth": tmp_path / "truth"}
    for side, folder in folders.items():
        mask = (drawn(ARRAYS["W.shape"], ARRAYS[f"W.{side}_boxes"]) > 0).astype(np.uint8)
        write_image(folder / "w.nii.gz", mask)
        write_image(folder / "empty.nii.gz", np.zeros_like(mask))
    return folders


def test_a_challenge_is_scored_gated_and_compared_by_its_name(run: Run, lesions: dict[str, Path]) -> None:
    given = (lesions["pred"], lesions["truth"], "--labels", "1=lesion")
    done = run("score", *given, "--like", "brats2023")
    assert done.code == 0
    assert "lesionwise_dice[brats2023_gli]" in done.out
    assert 'note: brats2023_gli: It scores regions; a label file has them as {"labels"' in done.err
    out = Path("segeval-results")
    for name in ("lesionwise_dice", "lesionwise_hd95"):
        column = f"{name}[brats2023_gli]"
        assert number(out / "scores.csv", column, case="w") == pytest.approx(VALUES[f"W.{column}"], abs=1e-9)
    assert number(out / "scores.csv", "lesionwise_hd95[brats2023_gli]", case="empty") == 0
    assert run("gate", out, "--fail-under", "lesionwise_dice[brats2023]:mean=0.6").code in (0, 4)  # of (0.208 + 1) / 2
    assert run("gate", out, "--fail-under", "lesionwise_dice[brats2023]:mean=0.61").code == 1
    run("score", lesions["truth"], *given[1:], "--like", "brats2023", "-o", "better")
    compared = run("compare", out, "better")
    assert compared.code == 0
    assert "lesionwise_dice[brats2023_gli]" in compared.out
    assert "lesionwise_hd95[brats2023_gli]" in compared.out
    assert run("gate", out, "--init", "rules.yaml").code == 0
    assert "lesionwise_hd95[brats2023_gli]" in Path("rules.yaml").read_text()


def test_numbers_of_another_rule_are_not_compared(run: Run, lesions: dict[str, Path]) -> None:
    for like in ("brats2023", "brats2023_met"):
        assert run("score", lesions["pred"], lesions["truth"], "--like", like, "-o", like).code == 0
    assert run("compare", "brats2023", "brats2023_met").code == 2


def test_a_number_of_all_cases_together_is_the_one_on_the_screen(run: Run) -> None:
    done = run("score", SAMPLE / "pred", SAMPLE / "gt", "--labels", SAMPLE / "labels.yaml", "--like", "mmseg")
    assert "iou[mmseg], pooled" in done.out
    definitions = strict_json(Path("segeval-results/run.json").read_text())["definitions"]
    assert {one["reported"] for one in definitions.values()} == {"pooled"}
    pooled = cell(Path("segeval-results/summary.csv"), "pooled", class_="(mean)", measure="iou[mmseg]")
    assert f"{float(pooled):.3f}" in done.out


def test_several_thresholds_of_a_challenge_are_columns_of_their_own(run: Run, lesions: dict[str, Path]) -> None:
    assert run("score", lesions["pred"], lesions["truth"], "--like", "cellpose").code == 0
    columns = columns_of(Path("segeval-results/scores.csv"))
    assert {f"instance_accuracy(iou_threshold={at})[cellpose]" for at in (0.75, 0.9)} < set(columns)
    assert run("score", lesions["pred"], lesions["truth"], "--like", "cellpose", "-m", "all", "-o", "all").code == 0
    assert columns_of(Path("all/scores.csv")) == columns


def test_measures_that_a_challenge_lacks_altogether_are_refused_with_those_it_has(
    run: Run, lesions: dict[str, Path]
) -> None:
    done = run("score", lesions["pred"], lesions["truth"], "-m", "dice,hd95", "--like", "brats2023")
    assert done.code == 2
    assert "None of the measures dice,hd95 is left: brats2023_gli has lesionwise_dice" in done.err
    remedy = run("score", lesions["pred"], lesions["truth"], "-m", "all", "--like", "brats2023")
    assert remedy.code == 0
