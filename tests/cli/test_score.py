"""`segeval score` from folders to tables: the main job, and what each file holds."""

import csv
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segeval.choice import choose
from tests.cli.given import SAMPLE, Run, cell, columns_of, files_in, ids, number, rows_of, strict_json, write_image

OUT = Path("segeval-results")
FILES = {"scores.csv", "cases.csv", "summary.csv", "confusion.csv", "run.json"}
DEFAULT = choose(()).calls
PER_CLASS = [call.column for call in DEFAULT if "class" in call.measure.levels]
PER_CASE = [call.column for call in DEFAULT if "case" in call.measure.levels]


def test_the_sample_is_scored_and_shown_and_written(program: Run) -> None:
    done = program("score", SAMPLE / "pred", SAMPLE / "gt", "--labels", SAMPLE / "labels.yaml")
    assert done.code == 0
    assert re.split("  +", done.out.splitlines()[0]) == [
        *("class", "cases", "dice", "95 % interval", "pooled", "iou", "sensitivity", "precision")
    ]
    assert [line.split()[0] for line in done.out.splitlines()[2:5]] == ["organ", "vessel", "lesion"]
    assert "(mean)   3 classes           0.767" in done.out
    assert "lesion   case_07         absent_pred   0.000" in done.out
    assert "Traceback" not in done.err
    assert set(files_in(OUT)) == FILES


def test_every_table_has_the_columns_of_the_contract(run: Run) -> None:
    assert run("score", SAMPLE / "pred", SAMPLE / "gt").code == 0
    assert columns_of(OUT / "scores.csv") == (
        ["case", "label", "class", "status", "n_pred", "n_truth", "tp", "fp", "fn", "tn", *PER_CLASS]
    )
    assert columns_of(OUT / "cases.csv") == (["case", "status", "shape", "spacing_mm", "probability_source", *PER_CASE])
    assert " ".join(columns_of(OUT / "summary.csv")) == (
        "class measure n n_undefined n_inf n_missing mean std median p5 p25 p75 p95 min max ci_low ci_high pooled"
    )
    assert columns_of(OUT / "confusion.csv") == ["truth", "pred background", "pred 1", "pred 2", "pred 3"]
    assert [row["truth"] for row in rows_of(OUT / "confusion.csv")] == ["background", "1", "2", "3"]


def test_there_is_a_row_for_every_case_and_class_in_order(run: Run) -> None:
    run("score", SAMPLE / "pred", SAMPLE / "gt", "-m", "dice")
    found = [(row["case"], row["label"]) for row in rows_of(OUT / "scores.csv")]
    assert found == [(f"case_{i:02}", str(label)) for i in range(1, 13) for label in (1, 2, 3)]
    assert [row["case"] for row in rows_of(OUT / "cases.csv")] == [f"case_{i:02}" for i in range(1, 13)]


def test_rows_say_which_side_lacks_the_class(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice")
    found = {(row["case"], row["label"]): (row["status"], row["dice"]) for row in rows_of(OUT / "scores.csv")}
    assert found == {
        ("a", "1"): ("ok", str(6 / 7)),
        ("a", "2"): ("ok", "0.8"),
        ("b", "1"): ("ok", "1.0"),
        ("b", "2"): ("absent_pred", "0.0"),
        ("c", "1"): ("absent_both", ""),
        ("c", "2"): ("absent_truth", "0.0"),
    }


def test_counts_are_those_of_the_voxels(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice")
    row = next(row for row in rows_of(OUT / "scores.csv") if (row["case"], row["label"]) == ("a", "2"))
    counts = {name: int(row[name]) for name in ("n_pred", "n_truth", "tp", "fp", "fn", "tn")}
    assert counts == {"n_pred": 3, "n_truth": 2, "tp": 2, "fp": 1, "fn": 0, "tn": 13}


def test_the_summary_has_means_per_class_over_classes_and_pooled(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice,pixel_accuracy")
    summary = OUT / "summary.csv"
    assert [(row["class"], row["measure"]) for row in rows_of(summary)] == [
        ("1", "dice"),
        ("2", "dice"),
        ("(mean)", "dice"),
        ("(all)", "pixel_accuracy"),
    ]
    assert number(summary, "mean", class_="1") == pytest.approx((6 / 7 + 1) / 2)
    assert number(summary, "mean", class_="2") == pytest.approx(0.8 / 3)
    assert number(summary, "mean", class_="(mean)") == pytest.approx(((6 / 7 + 1) / 2 + 0.8 / 3) / 2)
    assert number(summary, "pooled", class_="1") == pytest.approx(2 * 5 / (2 * 5 + 1))
    assert number(summary, "pooled", class_="2") == pytest.approx(2 * 2 / (2 * 2 + 3 + 2))
    assert number(summary, "pooled", class_="(mean)") == pytest.approx((10 / 11 + 4 / 9) / 2)
    # wrong are two pixels of each case
    assert number(summary, "pooled", class_="(all)") == pytest.approx(42 / 48)
    assert [cell(summary, name, class_="1") for name in ("n", "n_undefined", "n_inf", "n_missing")] == list("2100")
    assert [cell(summary, name, class_="(mean)") for name in ("n", "n_undefined", "std", "p5")] == ["2", "", "", ""]


def test_infinite_values_are_written_as_inf_and_counted(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "lr_positive")
    assert cell(OUT / "scores.csv", "lr_positive", case="b", label="1") == "inf"
    assert cell(OUT / "summary.csv", "n_inf", class_="1") == "2"
    assert cell(OUT / "summary.csv", "mean", class_="1") == "inf"
    scores = strict_json((OUT / "run.json").read_text())["scores"]
    assert "inf" in [row["lr_positive"] for row in scores]


def test_run_json_says_what_was_done(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice,fbeta(beta=2)", "--labels", "1=liver,2=spleen", "--ignore-label", "255")
    document = strict_json((OUT / "run.json").read_text())
    assert document["complete"] is True
    assert document["inputs"] == {"pred": str(folders[0]), "truth": str(folders[1])}
    assert document["plan"]["measures"] == ["dice,fbeta(beta=2)"]
    assert document["plan_from"] == dict.fromkeys(("measures", "labels", "ignore_label"), "command line")
    assert document["labels"][0] == {"label": "1", "class": "liver", "ids": [1]}
    assert document["ignored_ids"] == [255]
    assert document["definitions"]["fbeta(beta=2)"]["parameters"] == {"beta": 2}
    assert document["device"] == {"engine": "numpy", "device": "cpu"}
    assert {"segeval", "python", "numpy"} <= set(document["versions"])
    assert document["timings"]["seconds"] > 0
    assert document["files"]["a"]["pred"] == str(folders[0] / "a.npy")
    assert document["undefined"] == {"liver": {"dice": {"absent_both": 1}, "fbeta(beta=2)": {"absent_both": 1}}}
    assert document["problems"] == []


def test_run_json_holds_the_same_tables_as_the_csv_files(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders)
    document = strict_json((OUT / "run.json").read_text())
    assert document["schema_version"] == 2
    for name in ("scores", "cases", "summary", "confusion"):
        rows = rows_of(OUT / f"{name}.csv")
        assert [list(row) for row in document[name]] == [columns_of(OUT / f"{name}.csv")] * len(rows)
        assert [
            {column: "" if one is None else str(one) for column, one in row.items()} for row in document[name]
        ] == rows


def test_json_goes_to_stdout_and_talk_to_stderr(program: Run, folders: tuple[Path, Path]) -> None:
    done = program("score", *folders, "--json")
    assert done.code == 0
    stored = strict_json((OUT / "run.json").read_text())
    assert {*stored.pop("written")} == {"scores.csv", "cases.csv", "summary.csv", "confusion.csv"}
    assert strict_json(done.out) == stored
    assert "segeval: scoring 3 cases" in done.err


def test_two_single_files_are_one_case(run: Run, folders: tuple[Path, Path]) -> None:
    assert run("score", folders[0] / "a.npy", folders[1] / "c.npy", "-m", "dice").code == 0
    assert [row["case"] for row in rows_of(OUT / "cases.csv")] == ["a"]


def test_pairs_and_patterns_find_the_cases(run: Run, folders: tuple[Path, Path]) -> None:
    Path("pairs.csv").write_text("case,pred,truth\nx,pred/a.npy,truth/a.npy\ny,pred/b.npy,truth/c.npy\n")
    assert run("score", "--pairs", "pairs.csv", "-m", "dice").code == 0
    assert [row["case"] for row in rows_of(OUT / "cases.csv")] == ["x", "y"]
    for side, suffix in zip(folders, ("_seg", "_gt"), strict=True):
        for path in side.iterdir():
            path.rename(path.with_name(f"{path.stem}{suffix}.npy"))
    assert run("score", *folders).code == 3
    patterns = ("--pred-pattern", "{case}_seg.npy", "--truth-pattern", "{case}_gt.npy")
    assert run("score", *folders, *patterns, "-m", "dice").code == 0
    assert [row["case"] for row in rows_of(OUT / "cases.csv")] == ["a", "b", "c"]


@pytest.mark.parametrize("extra", [(), ("--engine", "torch", "--device", "cpu")])
def test_workers_and_engine_change_no_byte(run: Run, extra: tuple[str, ...]) -> None:
    if extra:
        pytest.importorskip("torch")
    run("score", SAMPLE / "pred", SAMPLE / "gt", "--workers", "1", "--out", "one", "--format", "md,latex,nnunet")
    run(
        "score",
        SAMPLE / "pred",
        SAMPLE / "gt",
        "--workers",
        "4",
        "--out",
        "four",
        "--format",
        "md,latex,nnunet",
        *extra,
    )
    one, four = files_in(Path("one")), files_in(Path("four"))
    assert len(one) == 8
    assert {name: one[name] for name in one if name != "run.json"} == {
        name: four[name] for name in four if name != "run.json"
    }


def test_the_screen_is_the_same_twice(run: Run) -> None:
    sides = (SAMPLE / "png" / "pred", SAMPLE / "png" / "gt")
    first, second = (run("score", *sides, "-m", "dice").out for _ in range(2))
    assert first == second


def test_a_png_has_no_spacing_until_it_is_given(run: Run) -> None:
    run("score", SAMPLE / "png" / "pred", SAMPLE / "png" / "gt", "-m", "dice")
    assert {row["spacing_mm"] for row in rows_of(OUT / "cases.csv")} == {""}
    run("score", SAMPLE / "png" / "pred", SAMPLE / "png" / "gt", "-m", "dice", "--spacing", "0.5,0.25")
    assert {row["spacing_mm"] for row in rows_of(OUT / "cases.csv")} == {"0.5x0.25"}


def test_all_measures_of_the_catalogue_can_be_asked_for(run: Run) -> None:
    case = (SAMPLE / side / "case_07.nii.gz" for side in ("pred", "gt"))  # which holds all classes
    assert run("score", *case, "-m", "all").code == 0
    means = [row["mean"] for row in rows_of(OUT / "summary.csv") if row["measure"] == "dice"]
    assert len(means) >= 3
    assert all(math.isfinite(float(one)) for one in means)


def test_measures_with_commas_are_quoted_columns(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "tversky_index(beta=0.2, alpha=0.8)")
    assert columns_of(OUT / "scores.csv")[-1] == "tversky_index(alpha=0.8,beta=0.2)"


def test_a_plus_adds_to_the_default(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "+fbeta(beta=3)")
    assert {*PER_CLASS, "fbeta(beta=3)"} <= set(columns_of(OUT / "scores.csv"))


def definitions_of(out: str) -> dict[str, Any]:
    return strict_json(Path(out, "run.json").read_text(encoding="utf-8"))["definitions"]


def test_the_unit_of_a_distance_is_px_where_it_counts_pixels(run: Run) -> None:
    asked = ("-m", "hd95,assd(unit=voxel),hd95[panoptica],volume_pred_ml", "-q")
    run("score", SAMPLE / "png" / "pred", SAMPLE / "png" / "gt", *asked, "-o", "png")
    run("score", SAMPLE / "pred", SAMPLE / "gt", *asked, "-o", "nifti")
    assert [one["unit"] for one in definitions_of("png").values()] == ["px", "px", "px", "ml"]
    assert [one["unit"] for one in definitions_of("nifti").values()] == ["mm", "px", "px", "ml"]


def test_distances_in_px_and_in_mm_are_refused_in_one_mean(run: Run, tmp_path: Path) -> None:
    pred, truth = ids("1100", "0000"), ids("0011", "0000")
    for side, mask in (("pred", pred), ("truth", truth)):
        write_image(tmp_path / side / "a.npy", mask)
        write_image(tmp_path / side / "b.nii", mask, affine=np.diag([2.0, 0.5, 1.0, 1.0]))
    for asked in ("hd", "nsd(tolerance_mm=2)"):
        refused = run("score", "pred", "truth", "-m", asked)
        assert (refused.code, refused.out) == (3, "")
        assert f"a has no spacing, so {asked} would be in px there, and in mm in b." in refused.err
        assert not OUT.exists() or not (OUT / "scores.csv").exists()
    assert run("score", "pred", "truth", "-m", "dice,assd(unit=voxel)").code == 0
    doctor = run("doctor", "pred", "truth")
    assert "would be in px, all others in mm: a." in doctor.out
    # two columns apart at 0.5 mm: what --spacing, the remedy, makes of both cases
    assert run("score", "pred", "truth", "-m", "hd", "--spacing", "2,0.5").code == 0
    assert [row["hd"] for row in rows_of(OUT / "scores.csv")] == ["1.0", "1.0"]
    mixed = run("score", "pred", "truth", "-m", "hd", "--mixed-units")
    assert mixed.code == 0
    assert [row["hd"] for row in rows_of(OUT / "scores.csv")] == ["2.0", "1.0"]
    assert "hd (mm or px)" in mixed.out
    assert "distances of cases without a spacing are in px, all others in mm: a. Pass --spacing" in mixed.err


def test_run_json_says_why_values_are_undefined(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "hd95,hd95[medpy],volume_pred_ml,sensitivity", "-q")
    undefined = strict_json(Path("segeval-results", "run.json").read_text())["undefined"]["1"]
    assert undefined == {
        "hd95": {"absent_both": 1},
        "hd95[medpy]": {"profile_undefined": 1},
        "volume_pred_ml": {"needs_spacing_in_3d": 3},
        "sensitivity": {"absent_both": 1},
    }


def test_groups_of_a_case_table_are_summed_up_and_the_worst_is_named(run: Run, tmp_path):
    cases = [f"case_{i:02d}" for i in range(1, 13)]
    facts = [f"{case},{'AB'[i % 2]},{'old' if i < 4 else ''}" for i, case in enumerate(cases)]
    (tmp_path / "cases.csv").write_text("\n".join(["case,site,scanner", *facts]) + "\n")
    folders = (SAMPLE / "pred", SAMPLE / "gt", "--labels", SAMPLE / "labels.yaml", "-m", "dice,hd95")
    done = run("score", *folders, "--case-table", "cases.csv", "--by", "site,scanner", "--out", "out")
    assert done.code == 0, done.err
    with (tmp_path / "out" / "groups.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (tmp_path / "out" / "scores.csv").open() as file:
        scores = list(csv.DictReader(file))
    assert {(row["by"], row["group"]) for row in rows} == {
        ("site", "A"),
        ("site", "B"),
        ("scanner", "old"),
        ("scanner", ""),
    }
    by_hand = {
        site: [
            float(row["dice"])
            for row in scores
            if row["class"] == "lesion" and cases.index(row["case"]) % 2 == i and row["dice"]
        ]
        for i, site in enumerate("AB")
    }
    of_lesion = {
        row["group"]: row for row in rows if (row["by"], row["class"], row["measure"]) == ("site", "lesion", "dice")
    }
    for site, values in by_hand.items():
        row = of_lesion[site]
        assert float(row["mean"]) == pytest.approx(sum(values) / len(values))
        assert int(row["n"]) == len(values)
        assert float(row["ci_low"]) <= float(row["mean"]) <= float(row["ci_high"])
    worst = min(by_hand, key=lambda site: sum(by_hand[site]) / len(by_hand[site]))
    assert [site for site, row in of_lesion.items() if row["is_worst"] == "true"] == [worst]
    assert "(worst)" in done.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--by", "site"), "Pass --case-table FILE, too"),
        (("--case-table", "cases.csv"), "Name its columns, too"),
        (("--case-table", "cases.csv", "--by", "sitte"), "no column 'sitte'. Its columns: site. Did you mean 'site'?"),
        (("--case-table", "cases.csv", "--by", "site"), "no 'site' for 11 case(s), first 'case_02'"),
    ],
)
def test_a_case_table_that_does_not_fit_stops_before_anything_is_scored(run: Run, tmp_path, arguments, says):
    (tmp_path / "cases.csv").write_text("case,site\ncase_01,A\n")
    done = run("score", SAMPLE / "pred", SAMPLE / "gt", *arguments, "--out", "out")
    assert (done.code, says in " ".join(done.err.split())) == (2, True), done.err
    assert not (tmp_path / "out").exists()


def test_a_tool_without_any_headline_measure_shows_what_it_has(run: Run) -> None:
    maps = ("score", SAMPLE / "probs", SAMPLE / "gt", "--labels", SAMPLE / "labels.yaml")
    assert "picai_score" in run(*maps, "--like", "picai_eval").out
