"""Cases with one side only: each policy, what it does to values, counts and exit codes."""

from pathlib import Path

import pytest

from tests.cli.given import Run, cell, files_in, ids, number, rows_of, strict_json, write_cases

OUT = Path("segeval-results")
SUMMARY = OUT / "summary.csv"


@pytest.fixture
def halves(tmp_path: Path) -> tuple[Path, Path]:
    """`both` has class 1 at dice 1/2 on both sides; `no_pred` is truth only, `no_truth` prediction only."""
    pred = {"both": ids("1100"), "no_truth": ids("1111")}
    truth = {"both": ids("0110"), "no_pred": ids("1110")}
    return write_cases(tmp_path / "pred", pred), write_cases(tmp_path / "truth", truth)


def statuses() -> dict[str, str]:
    return {row["case"]: row["status"] for row in rows_of(OUT / "cases.csv")}


def test_without_a_word_a_missing_prediction_stops_and_is_named(run: Run, halves: tuple[Path, Path]) -> None:
    done = run("score", *halves)
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        "segeval: 1 of 2 truths has no prediction: no_pred.\n"
        "Add the predictions, or say how such cases count: pass --missing worst|background|skip.\n"
    )
    assert not OUT.exists()


def test_all_missing_predictions_are_listed(run: Run, tmp_path: Path) -> None:
    names = [f"case_{i:03}" for i in range(40)]
    write_cases(tmp_path / "pred", {"case_000": ids("1")})
    write_cases(tmp_path / "truth", dict.fromkeys(names, ids("1")))
    done = run("score", "pred", "truth")
    assert all(name in done.err for name in names[1:])


def test_worst_gives_the_classes_of_the_truth_the_worst_values(run: Run, halves: tuple[Path, Path]) -> None:
    done = run("score", *halves, "--missing", "worst", "-m", "dice,fnr,prevalence,pixel_accuracy")
    assert done.code == 0
    row = next(row for row in rows_of(OUT / "scores.csv") if row["case"] == "no_pred")
    assert (row["status"], row["dice"], row["fnr"], row["prevalence"]) == ("missing_pred", "0.0", "1.0", "")
    assert cell(OUT / "cases.csv", "pixel_accuracy", case="no_pred") == "0.0"
    assert number(SUMMARY, "mean", class_="1", measure="dice") == pytest.approx(0.25)
    assert cell(SUMMARY, "n", class_="1", measure="dice") == "2"
    assert cell(SUMMARY, "n_missing", class_="1", measure="dice") == "1"


def test_a_class_that_the_truth_lacks_gets_no_worst_value(run: Run, halves: tuple[Path, Path]) -> None:
    run("score", *halves, "--missing", "worst", "-m", "dice", "--labels", "1,2")
    assert cell(OUT / "scores.csv", "dice", case="no_pred", label="2") == ""


@pytest.mark.parametrize("policy", ["worst", "background"])
def test_what_is_missing_counts_as_missed_in_pooled_values(run: Run, halves: tuple[Path, Path], policy: str) -> None:
    run("score", *halves, "--missing", policy, "-m", "dice")
    row = next(row for row in rows_of(OUT / "scores.csv") if row["case"] == "no_pred")
    assert (row["n_truth"], row["fn"], row["tp"], row["fp"]) == ("3", "3", "0", "0")
    assert number(SUMMARY, "pooled", class_="1") == pytest.approx(2 * 1 / (2 * 1 + 1 + 1 + 3))


def test_background_is_scored_as_an_empty_prediction(run: Run, halves: tuple[Path, Path]) -> None:
    assert run("score", *halves, "--missing", "background", "-m", "dice,specificity").code == 0
    row = next(row for row in rows_of(OUT / "scores.csv") if row["case"] == "no_pred")
    assert (row["status"], row["dice"], row["specificity"]) == ("missing_pred", "0.0", "1.0")


def test_skip_leaves_it_out_and_counts_it(run: Run, halves: tuple[Path, Path]) -> None:
    done = run("score", *halves, "--missing", "skip", "-m", "dice")
    assert done.code == 0
    assert "1 of 3 cases without prediction: no_pred" in done.out
    assert {row["case"] for row in rows_of(OUT / "scores.csv")} == {"both"}
    assert number(SUMMARY, "mean", class_="1") == pytest.approx(0.5)
    assert number(SUMMARY, "pooled", class_="1") == pytest.approx(0.5)
    assert [cell(SUMMARY, name, class_="1") for name in ("n", "n_missing")] == ["1", "1"]


def test_keep_going_scores_the_others_and_exits_with_3(run: Run, halves: tuple[Path, Path]) -> None:
    done = run("score", *halves, "--keep-going", "-m", "dice")
    assert done.code == 3
    assert statuses() == {"both": "ok", "no_pred": "missing_pred", "no_truth": "missing_truth"}
    assert [cell(SUMMARY, name, class_="1") for name in ("n", "n_missing")] == ["1", "1"]


def test_a_missing_truth_is_listed_and_never_scored(run: Run, halves: tuple[Path, Path]) -> None:
    done = run("score", *halves, "--missing", "worst", "-m", "dice")
    assert done.code == 0
    assert "1 of 3 cases without truth: no_truth" in done.out
    assert statuses()["no_truth"] == "missing_truth"
    assert "no_truth" not in {row["case"] for row in rows_of(OUT / "scores.csv")}
    problems = strict_json((OUT / "run.json").read_text())["problems"]
    assert [(one["case"], one["status"]) for one in problems] == [
        ("no_pred", "missing_pred"),
        ("no_truth", "missing_truth"),
    ]


def test_a_truth_that_cannot_be_read_stops_also_where_its_prediction_is_missing(
    run: Run, halves: tuple[Path, Path]
) -> None:
    (halves[1] / "no_pred.npy").write_bytes(b"")
    done = run("score", *halves, "--missing", "background")
    assert done.code == 3
    assert "no_pred.npy: is empty (0 bytes)" in done.err


def test_an_earlier_run_stays_when_a_later_one_stops(run: Run, halves: tuple[Path, Path]) -> None:
    run("score", *halves, "--missing", "skip", "-m", "dice")
    before = files_in(OUT)
    assert run("score", *halves, "-m", "iou").code == 3
    assert files_in(OUT) == before


def test_folders_without_a_common_case_are_no_run(run: Run, tmp_path: Path) -> None:
    write_cases(tmp_path / "pred", {"a": ids("1")})
    write_cases(tmp_path / "truth", {"b": ids("1")})
    done = run("score", "pred", "truth", "--missing", "skip")
    assert done.code == 3
    assert "No prediction has the name of a truth" in done.err
