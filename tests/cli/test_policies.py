"""Undefined values, intervals and seeds: what an option changes in the summary, and what it must not."""

import math
from pathlib import Path

import pytest

from tests.cli.given import Run, cell, files_in, number, rows_of, strict_json

OUT = Path("segeval-results")
SUMMARY = OUT / "summary.csv"


@pytest.mark.parametrize(
    ("policy", "mean", "n"),
    [("skip", (6 / 7 + 1) / 2, "2"), ("worst", (6 / 7 + 1) / 3, "3"), ("best", (6 / 7 + 2) / 3, "3")],
)
def test_undefined_values_count_as_the_user_says(
    run: Run, folders: tuple[Path, Path], policy: str, mean: float, n: str
) -> None:
    done = run("score", *folders, "-m", "dice", "--undefined", policy)
    assert done.code == 0
    assert number(SUMMARY, "mean", class_="1") == pytest.approx(mean)
    assert [cell(SUMMARY, name, class_="1") for name in ("n", "n_undefined")] == [n, "1"]
    assert f"1 undefined value is {'left out' if policy == 'skip' else 'counted'}" in done.out
    assert f"(--undefined {policy})" in done.out
    assert cell(OUT / "scores.csv", "dice", case="c", label="1") == "", "a value itself never changes"
    assert strict_json((OUT / "run.json").read_text())["plan"]["undefined"] == policy


def test_fail_stops_at_an_undefined_value_and_names_it(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice")
    before = files_in(OUT)
    done = run("score", *folders, "-m", "dice", "--undefined", "fail")
    assert (done.code, done.out) == (3, "")
    assert "dice" in done.err
    assert "c" in done.err
    assert files_in(OUT) == before, "nothing is written, and no journal stays"


def test_fail_lets_a_run_without_undefined_values_pass(run: Run, folders: tuple[Path, Path]) -> None:
    assert run("score", *folders, "-m", "dice", "--labels", "2", "--undefined", "fail").code == 0


@pytest.mark.parametrize("policy", ["worst", "best", "fail"])
def test_a_measure_that_only_describes_skips_its_undefined_values(
    run: Run, folders: tuple[Path, Path], policy: str
) -> None:
    asked = ("-m", "volume_pred_ml,dice", "--labels", "2", "--undefined", policy)
    assert run("score", *folders, *asked).code == 0
    assert cell(SUMMARY, "n", class_="2", measure="volume_pred_ml") == "0"


def test_a_missing_prediction_at_its_worst_leaves_nothing_undefined_that_judges(
    run: Run, folders: tuple[Path, Path]
) -> None:
    (folders[0] / "b.npy").unlink()
    asked = ("-m", "dice,hd95,volume_pred_ml,detection_prevalence", "--labels", "2")
    done = run("score", *folders, *asked, "--missing", "worst", "--undefined", "fail")
    assert (done.code, cell(SUMMARY, "n_missing", class_="2", measure="dice")) == (0, "1")


def test_a_wider_level_gives_a_wider_interval_around_the_same_mean(run: Run, folders: tuple[Path, Path]) -> None:
    ends = {}
    for level in ("0.5", "0.95"):
        run("score", *folders, "-m", "dice", "--ci-level", level)
        ends[level] = [number(SUMMARY, name, class_="2") for name in ("ci_low", "mean", "ci_high")]
    assert ends["0.95"][0] <= ends["0.5"][0] < ends["0.5"][1] == ends["0.95"][1] < ends["0.95"][2]


def test_bootstrap_0_writes_no_intervals(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice", "--bootstrap", "0")
    assert {row["ci_low"] + row["ci_high"] for row in rows_of(SUMMARY)} == {""}
    assert not math.isnan(number(SUMMARY, "mean", class_="(mean)"))


def test_the_seed_changes_intervals_and_nothing_else(run: Run, folders: tuple[Path, Path]) -> None:
    tables = {}
    for seed in ("0", "0", "7"):
        run("score", *folders, "--seed", seed, "--bootstrap", "25", "--out", f"seed_{len(tables)}")
        tables[len(tables)] = files_in(Path(f"seed_{len(tables)}"))
    names = ("scores.csv", "cases.csv", "confusion.csv")
    assert [tables[0][name] for name in names] == [tables[2][name] for name in names]
    assert tables[0]["summary.csv"] == tables[1]["summary.csv"] != tables[2]["summary.csv"]


def test_a_single_case_has_an_interval_of_one_point_or_none(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", folders[0] / "a.npy", folders[1] / "a.npy", "-m", "dice")
    low, high = (cell(SUMMARY, name, class_="1") for name in ("ci_low", "ci_high"))
    assert low == high


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--missing", "wrost"), "--missing wrost: not one of error, worst, background, skip. Did you mean 'worst'?"),
        (("--undefined", "ignore"), "--undefined ignore: not one of skip, worst, best, fail."),
        (("--engine", "troch"), "--engine troch: not one of auto, numpy, torch. Did you mean 'torch'?"),
        (("--format", "mdd"), "--format mdd: not one of md, latex, nnunet, xlsx, parquet. Did you mean 'md'?"),
        (("--ci-level", "95"), "--ci-level 95.0: out of range. It must lie between 0 and 1, such as 0.95."),
        (("--ci-level", "nan"), "--ci-level nan: out of range."),
        (("--bootstrap", "-1"), "--bootstrap -1: out of range."),
        (("--shard", "3/2"), "--shard 3/2: out of range. It must be I/N"),
        (("--max-memory", "1MiB"), "--max-memory 1MiB: out of range. It must be more than 150MiB"),
        (("--workers", "-2"), "--workers -2: out of range."),
        (("--seed", "-1"), "--seed -1: out of range."),
        (("--geometry-tol", "-0.1"), "--geometry-tol -0.1: out of range."),
        (("--spacing", "1,zwei"), "--spacing 1,zwei: no list of lengths in mm. Write it as 0.5,0.5,3."),
        (("--spacing", "1,-1"), "--spacing 1,-1: out of range. It must hold lengths in mm between 1e-09 and 1e+09."),
        (("--spacing", "1e-38,1e-38"), "out of range. It must hold lengths in mm between 1e-09 and 1e+09."),
        (("--bootstrap", "1" + "0" * 30), "0: out of range. It must be 0 (no intervals) or a number of resamples, ten"),
        (("--spacing", "1,1,1"), "--spacing 1,1,1 has 3 lengths"),
        (("--device", "tpu"), "Unknown device 'tpu'."),
        (("-m", "dise"), "Unknown measure 'dise'. Did you mean 'dice'? `segeval measures` lists all of them."),
        (("-m", "fbeta(gamma=1)"), "fbeta has no knob 'gamma'."),
        (("-m", "fbeta(beta=x)"), "fbeta: beta=x does not fit"),
        (("-m", "fbeta(beta"), "Cannot read the measure"),
        (("--workers", "x"), "Invalid value for '--workers': 'x' is not a valid int."),
        (("--wrost",), "There is no option --wrost."),
        (("--labls", "1"), "There is no option --labls. Did you mean --labels?"),
        (("extra",), "Got unexpected extra argument"),
        (("--labels", "nowhere.json"), "--labels nowhere.json: no such file."),
    ],
)
def test_a_wrong_option_is_told_with_its_value_and_exits_with_2(
    run: Run, folders: tuple[Path, Path], options: tuple[str, ...], message: str
) -> None:
    done = run("score", *folders, *options)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err
    assert not OUT.exists()


def test_a_usage_error_says_where_all_options_are_listed(run: Run) -> None:
    assert run("score", "--wrost").err.endswith("`segeval score --help` lists what it takes.\n")


def test_a_path_that_begins_with_a_dash_is_explained(run: Run) -> None:
    assert "A path that begins with a dash goes after --." in run("score", "-pred", "truth").err


@pytest.mark.parametrize("arguments", [(), ("pred",), ("pred", "--pairs", "x.csv")])
def test_half_of_the_inputs_is_not_enough(run: Run, folders: tuple[Path, Path], arguments: tuple[str, ...]) -> None:
    done = run("score", *arguments)
    assert done.code == 2
    assert "PRED" in done.err


def test_a_path_that_does_not_exist_gets_the_nearest_one_suggested(run: Run, folders: tuple[Path, Path]) -> None:
    done = run("score", "prd", "truth")
    assert done.code == 2
    assert "PRED prd: no such file or folder. Did you mean 'pred'?" in done.err


def test_an_unknown_command_gets_the_nearest_one_suggested(run: Run) -> None:
    done = run("scroe", "pred", "truth")
    assert done.code == 2
    assert "No such command 'scroe'. Did you mean 'score'" in done.err
