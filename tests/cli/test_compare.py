"""`segeval compare` on real runs: what changed, how sure that is, and who is first."""

import json
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


def test_three_runs_are_ranked_in_three_ways(run: Run, runs: list[Path]) -> None:
    assert run("compare", *runs, "-o", "out").code == 0
    rows = [row for row in rows_of(Path("out/ranking.csv")) if row["class"] == "organ"]
    assert {row["method"] for row in rows} == {"aggregate_then_rank", "rank_then_aggregate", "test_then_rank"}
    for row in rows:
        assert float(row["rank"]) == {"most": 1.0, "half": 2.0, "plain": 3.0}[row["run"]]


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
