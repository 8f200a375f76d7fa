"""`segeval compare` on real runs: what changed, how sure that is, and who is first."""

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tests.cli.given import SAMPLE, Run, rows_of, write_image


def sample_with(folder: Path, *, share: float) -> Path:
    """Predictions of the sample in which the first rows, a share of all, are as the truth has them."""
    for file in sorted((SAMPLE / "pred").glob("*.nii.gz")):
        image = nibabel.load(file)
        pred = np.asarray(image.dataobj).astype(np.uint8)
        truth = np.asarray(nibabel.load(SAMPLE / "gt" / file.name).dataobj)
        n = int(share * len(pred))
        pred[:n] = truth[:n]
        write_image(folder / file.name, pred, affine=image.affine)
    return folder


@pytest.fixture
def runs(run: Run) -> list[Path]:
    """Three runs of the sample, each better than the one before."""
    folders = []
    for name, share in (("plain", 0.0), ("half", 0.5), ("most", 0.8)):
        pred = sample_with(Path(f"pred-{name}"), share=share)
        done = run("score", pred, SAMPLE / "gt", "--labels", SAMPLE / "labels.yaml", "-m", "dice", "-o", name, "-q")
        assert done.code == 0
        folders.append(Path(name))
    return folders


def test_a_better_run_is_shown_as_better(run: Run, runs: list[Path]) -> None:
    assert run("compare", runs[0], runs[1], "-o", "out").code == 0
    organ = next(row for row in rows_of(Path("out/differences.csv")) if row["class"] == "organ")
    assert float(organ["difference"]) == pytest.approx(float(organ["new"]) - float(organ["base"]))
    assert float(organ["ci_low"]) > 0
    assert float(organ["p_holm"]) >= float(organ["p_wilcoxon"])
    assert (organ["wins"], organ["losses"]) == ("12", "0")


def test_the_other_way_round_every_sign_turns(run: Run, runs: list[Path]) -> None:
    assert run("compare", runs[1], runs[0], "-o", "out").code == 0
    organ = next(row for row in rows_of(Path("out/differences.csv")) if row["class"] == "organ")
    assert float(organ["ci_high"]) < 0
    kinds = {row["kind"] for row in rows_of(Path("out/changes.csv"))}
    assert kinds == {"regression"}


def test_a_run_does_not_differ_from_itself(run: Run, runs: list[Path]) -> None:
    done = run("compare", runs[0], runs[0], "--json")
    for one in json.loads(done.out)["differences"]:
        assert (one["difference"], one["p"], one["wins"], one["losses"]) == (0, 1, 0, 0)
    same, other = (run("compare", runs[0], one).out for one in (shutil.copytree(runs[0], "copy"), runs[1]))
    assert "No case differs in anything that is compared: check that these are two runs" in same
    assert "No case differs" not in other


def test_three_runs_are_ranked_in_three_ways(run: Run, runs: list[Path]) -> None:
    assert run("compare", *runs, "-o", "out").code == 0
    rows = [row for row in rows_of(Path("out/ranking.csv")) if row["class"] == "organ"]
    assert {row["method"] for row in rows} == {"aggregate_then_rank", "rank_then_aggregate", "test_then_rank"}
    for row in rows:
        assert float(row["rank"]) == {"most": 1.0, "half": 2.0, "plain": 3.0}[row["run"]]


def by_site(**sites: str) -> str:
    """A case table on disk: the site of each case of the sample, first letters first."""
    Path("cases.csv").write_text("case,site\n" + "".join(f"{case},{site}\n" for case, site in sites.items()))
    return "cases.csv"


def test_groups_of_cases_are_compared_by_themselves(run: Run, runs: list[Path]) -> None:
    table = by_site(**{f"case_{i:02}": "Basel" if i <= 8 else "Aachen" for i in range(1, 13)})
    done = run("compare", runs[0], runs[1], "-o", "out", "--case-table", table, "--by", "site")
    assert done.code == 0, done.err
    groups = {(row["group"], row["class"]): row for row in rows_of(Path("out/groups.csv"))}
    dice = {
        (name, row["case"]): float(row["dice"])
        for name in ("plain", "half")
        for row in rows_of(Path(name) / "scores.csv")
        if row["class"] == "organ"
    }
    gained = [dice["half", f"case_{i:02}"] - dice["plain", f"case_{i:02}"] for i in range(1, 13)]
    for group, values in {"Basel": gained[:8], "Aachen": gained[8:]}.items():
        row = groups[group, "organ"]
        assert int(row["n"]) == len(values)
        assert float(row["difference"]) == pytest.approx(np.mean(values))
        assert (row["is_worst"] == "true") == (np.mean(values) == min(np.mean(gained[:8]), np.mean(gained[8:])))
    least = sorted(float(row["p_wilcoxon"]) for row in groups.values())[0]
    adjusted = sorted(float(row["p_holm"]) for row in groups.values())[0]
    assert adjusted == pytest.approx(min(1.0, len(groups) * least))  # six tests: two groups of three classes
    assert "least gained or most lost by site: " in done.out


def test_groups_are_of_two_runs_whose_cases_are_all_in_the_table(run: Run, runs: list[Path]) -> None:
    table = by_site(case_01="Basel")
    done = run("compare", runs[0], runs[1], "--case-table", table, "--by", "site")
    assert (done.code, "has no 'site' for 11 case(s), first 'case_02'" in done.err) == (2, True), done.err
    done = run("compare", *runs, "--case-table", table, "--by", "site")
    assert (done.code, "for two runs, and these are 3" in done.err) == (2, True), done.err


def test_who_beats_whom_stands_in_the_ranking(run: Run, runs: list[Path]) -> None:
    rankings = json.loads(run("compare", *runs, "--json").out)["rankings"]
    organ = next(row for row in rankings if (row["class_name"], row["method"]) == ("organ", "test_then_rank"))
    assert organ["beats"] == [[False, False, False], [True, False, False], [True, True, False]]


def test_runs_with_other_labels_are_refused(run: Run, runs: list[Path]) -> None:
    other = ("score", SAMPLE / "pred", SAMPLE / "gt", "--labels", "1=vessel,2=organ,3=lesion", "-m", "dice")
    assert run(*other, "-o", "other").code == 0
    done = run("compare", runs[0], "other")
    assert done.code == 2
    assert "class organ: ids 2 here and 1 in the baseline" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("plain",), "two runs"), (("plain", "gone"), "no such file"), (("plain", "half", "-m", "iou"), "not in all")],
)
def test_what_cannot_be_compared_is_a_usage_error(
    run: Run, runs: list[Path], arguments: tuple[str, ...], said: str
) -> None:
    done = run("compare", *arguments)
    assert done.code == 2
    assert said in done.err


@pytest.mark.parametrize("n", [2, 3])
def test_tables_of_eighty_columns_break_no_word(
    run: Run, runs: list[Path], monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    monkeypatch.setattr("segeval.cli.screens.console.PLAIN_WIDTH", 80)
    names = ["baseline-of-september", "candidate-of-october", "candidate-of-november"]
    for folder, name in zip(runs, names, strict=True):
        folder.rename(name)
    narrow = run("compare", *names[:n])
    assert narrow.code == 0
    assert max(map(len, narrow.out.splitlines())) <= 80
    monkeypatch.setattr("segeval.cli.screens.console.PLAIN_WIDTH", 400)
    wide = run("compare", *names[:n])
    assert {*wide.out.replace("─", " ").split()} == {*narrow.out.replace("─", " ").split()}


def detected(run: Run, name: str, n_found: int, *more: str, cases: int = 12) -> Path:
    """A run of cases with one lesion each, of which the first are found, and a false alarm in every third."""
    for i in range(cases):
        truth, probs = np.zeros((8, 8), dtype=np.uint8), np.zeros((8, 8), dtype=np.float32)
        truth[1:3, 1:3] = 1
        probs[1:3, 1:3] = 0.9 - i / 100 if i < n_found else 0
        probs[5:7, 5:7] = 0.6 if i % 3 == 0 else 0
        write_image(Path(f"maps-{name}/{i}.npy"), probs)
        write_image(Path(f"truth-{name}/{i}.npy"), truth)
    options = ("--labels", "1=spot", "--pred-kind", "probs", "-m", "lesion_average_precision,froc_score", "-q", *more)
    assert run("score", f"maps-{name}", f"truth-{name}", *options, "-o", name).code == 0
    return Path(name)


def test_scores_of_all_cases_are_compared_over_the_same_resamples(run: Run) -> None:
    detected(run, "old", 6)
    detected(run, "new", 10)
    done = run("compare", "old", "new", "-o", "out")
    assert done.code == 0, done.err
    rows = {row["measure"]: row for row in rows_of(Path("out/data_set.csv"))}
    assert [*rows] == ["lesion_average_precision", "froc_score"]
    ap = rows["lesion_average_precision"]
    assert float(ap["difference"]) == pytest.approx(float(ap["new"]) - float(ap["base"])) == pytest.approx(4 / 12)
    assert (float(ap["base"]), ap["is_paired"]) == (pytest.approx(6 / 12), "true")
    assert 0 < float(ap["ci_low"]) < 4 / 12 < float(ap["ci_high"]) < 1
    paired = float(ap["ci_high"]) - float(ap["ci_low"])
    same = json.loads(run("compare", "old", "old", "--json").out)["of_data_set"]
    assert {(row["interval"]["low"], row["interval"]["high"]) for row in same} == {(0.0, 0.0)}
    detected(run, "other", 10, "--seed", "5")
    done = run("compare", "old", "other", "-m", "lesion_ap", "-o", "out")
    assert "Score both runs on the same cases to pair them" in " ".join(done.out.split())
    (row,) = rows_of(Path("out/data_set.csv"))
    assert (row["is_paired"], float(row["ci_high"]) - float(row["ci_low"]) > paired) == ("false", True)


def test_scores_of_all_cases_that_cannot_be_compared_are_refused(run: Run) -> None:
    names = [str(detected(run, name, n)) for name, n in (("a", 3), ("b", 4), ("c", 5))]
    done = run("compare", *names, "-m", "froc_score")
    assert (done.code, "no case has a value of it, by which to rank" in done.err) == (2, True)
    done = run("compare", *names[:2], "-m", "case_auroc")
    assert (done.code, "case_auroc: not in both runs" in done.err) == (2, True)
    done = run("report", *names[:2], "-o", "page.html")
    assert (done.code, "Scores that only all cases together have" in Path("page.html").read_text()) == (0, True)


def test_a_run_without_resamples_has_no_intervals_and_a_note_says_so(run: Run) -> None:
    for name in "ab":
        detected(run, name, 5, "--bootstrap", "0")
    done = run("compare", "a", "b")
    assert "has no resamples of its scores of all cases" in done.out
