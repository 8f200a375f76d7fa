"""The extra files of --format, and that none of an earlier run stays beside newer tables."""

import json
from pathlib import Path

import pytest

from tests.cli.given import Run, files_in

OUT = Path("segeval-results")
TABLES = {"scores.csv", "cases.csv", "summary.csv", "confusion.csv", "run.json"}


def test_markdown_is_a_table_of_means(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice", "--labels", "1=a|b,2=organ", "--format", "md")
    lines = (OUT / "summary.md").read_text().splitlines()
    assert lines[0] == "| class | dice |"
    assert lines[2].startswith(r"| a\|b | 0.9286 ± 0.1 (n=2) |")
    assert lines[4].startswith("| (mean) | 0.5976")


def test_latex_is_a_tabular_with_its_special_characters_escaped(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "volume_similarity", "--labels", "1=50%_a,2=organ", "--format", "latex")
    text = (OUT / "summary.tex").read_text()
    assert text.startswith("\\begin{tabular}{lr}\n\\toprule\nclass & volume\\_similarity \\\\\n")
    assert r"50\%\_a" in text


def test_nnunet_has_that_projects_document(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice", "--format", "nnunet")
    document = json.loads((OUT / "summary.json").read_text())
    assert set(document) == {"foreground_mean", "mean", "metric_per_case"}
    assert document["mean"]["1"]["Dice"] == pytest.approx((6 / 7 + 1) / 2)
    first = document["metric_per_case"][0]
    assert first["reference_file"] == str(folders[1] / "a.npy")
    counts = {"TP": 2, "FP": 1, "FN": 0, "TN": 13, "n_pred": 3, "n_ref": 2}
    assert first["metrics"]["2"] == {**counts, "Dice": 0.8, "IoU": pytest.approx(2 / 3)}


def test_several_formats_may_stand_in_one_option_or_in_several(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice", "--format", "md,latex", "--format", "nnunet")
    assert set(files_in(OUT)) == {*TABLES, "summary.md", "summary.tex", "summary.json"}


def test_extra_files_of_an_earlier_run_do_not_outlive_it(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice", "--format", "md,latex,nnunet")
    run("score", *folders, "-m", "dice", "--format", "md")
    assert set(files_in(OUT)) == {*TABLES, "summary.md"}


def test_a_table_that_only_the_earlier_run_had_goes_too(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "lesion_f1")
    assert set(files_in(OUT)) == {*TABLES, "lesions.csv"}
    run("score", *folders, "-m", "dice")
    assert set(files_in(OUT)) == TABLES
