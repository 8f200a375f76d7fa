"""`segeval sweep --runs` and `--train` on real files: tables of trained models, and trainings that go on later."""

from pathlib import Path

import numpy as np
import pytest

from tests.cli.given import Run, rows_of, strict_json, write_image

GRID = ("--grid", "alpha=0.5", "--grid", "beta=0.5,0.9")
QUICK = ("--iterations", 10, "--patch", "16,16", "--batch", 4, "--width", 4, *GRID)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Images with a bright square, its masks, and runs of two settings, the bolder one with a dearer miss."""
    for i in range(4):
        generator = np.random.default_rng(i)
        truth = np.zeros((16, 16), dtype=np.uint8)
        truth[3 + i : 9 + i, 4:9] = 1
        image = truth * 3 + generator.normal(0, 0.5, truth.shape)
        write_image(tmp_path / "images" / f"case_{i}.nii.gz", image[..., None])
        write_image(tmp_path / "truth" / f"case_{i}.nii.gz", truth[..., None])
        for beta, shift in ((0.5, -0.1), (0.9, 0.15)):
            probs = np.clip(0.3 + 0.3 * truth + generator.uniform(-0.2, 0.2, truth.shape) + shift, 0, 1)
            name = f"alpha={1 - beta:.1f}_beta={beta}"
            write_image(tmp_path / "runs" / name / f"case_{i}.nii.gz", probs.astype(np.float32)[..., None])
    return tmp_path


def test_runs_are_tabulated_as_the_paper_does(run: Run, folders: Path) -> None:
    done = run("sweep", "tversky", "--runs", folders / "runs", folders / "truth", "--layout", "paper", "--with-paper")
    assert done.code == 0
    assert "Penalties" in done.out
    assert "α = 0.1, β = 0.9" in done.out
    assert "53.42" in done.out.partition("arXiv 1706.05721, Table 1; status: verified")[2]
    assert "One run per setting" in done.out


def test_runs_have_the_same_columns_in_every_format(run: Run, folders: Path) -> None:
    asked = ("--bootstrap", 50, "--format", "json", "--out", "out", "--quiet")
    assert run("sweep", "tversky", "--runs", folders / "runs", folders / "truth", *asked).code == 0
    table = strict_json(Path("out/sweep.json").read_text())
    rows = rows_of(Path("out/sweep.csv"))
    assert [*rows[0]] == table["columns"]
    assert float(rows[1]["sensitivity_diff"]) > 0
    assert Path("out/tradeoff.svg").is_file()


def test_a_sweep_trains_and_goes_on_where_it_stopped(run: Run, folders: Path) -> None:
    arguments = ("sweep", "tversky", "--train", folders / "images", folders / "truth", *QUICK, "--out", "out")
    first = run(*arguments)
    assert first.code == 0
    assert "training alpha_fp=0.5, beta_fn=0.9, fold 1, seed 0: step 11 of 20" in first.err
    assert "compact U-Net" in first.out
    again = run(*arguments)
    assert again.out == first.out
    assert "every training is kept from an earlier sweep" in again.err
    written = {one.name for one in Path("out").iterdir()}
    assert {"sweep.csv", "loss_curves.csv", "run.json", "training.svg", "maps"} <= written


def test_trained_maps_are_runs(run: Run, folders: Path) -> None:
    run(
        "sweep", "tversky", "--train", folders / "images", folders / "truth", *QUICK, "--folds", 2, "--out", "out", "-q"
    )
    done = run("sweep", "tversky", "--runs", "out/maps", folders / "truth", "--out", "again", "--quiet")
    assert done.code == 0
    trained, tabulated = rows_of(Path("out/sweep.csv")), rows_of(Path("again/sweep.csv"))
    for name in ("alpha_fp", "dsc", "sensitivity", "apr", "n_cases"):
        assert [row[name] for row in trained] == [row[name] for row in tabulated]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tversky", "--runs"), "--runs needs a folder"),
        (("tversky", "--runs", "runs"), "--runs needs the folder of true masks"),
        (("tversky", "--runs", "runs", "truth", "--iterations", 20), "--iterations changes nothing in `sweep tversky"),
        (("tversky", "--runs", "nowhere", "truth"), "--runs nowhere: no such file or folder"),
        (("tversky", "--runs", "truth", "truth"), "no setting in here"),
        (("tversky", "--train", "images", "truth", "--seeds", "a"), "--seeds a: no list of whole numbers"),
        (("tversky", "--train", "images", "truth", "--patch", "3,3"), "multiples of 4"),
        (("tversky", "--train", "images", "truth", "--iterations", 3), "--iterations 3: out of range"),
        (("tversky", "--train", "images", "truth", "--device", "cuda:99"), "cuda:99"),
        (("dise", "--train", "images", "truth"), "Unknown loss 'dise'"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(
    run: Run, folders: Path, arguments: tuple[object, ...], said: str
) -> None:
    done = run("sweep", *arguments)
    assert done.code == 2
    assert said in done.err


def test_cases_that_differ_between_rows_are_unusable_data(run: Run, folders: Path) -> None:
    (folders / "runs" / "alpha=0.1_beta=0.9" / "case_2.nii.gz").unlink()
    arguments = ("sweep", "tversky", "--runs", folders / "runs", folders / "truth")
    done = run(*arguments)
    assert done.code == 3
    assert "1 of 4 cases have no prediction: case_2" in done.err
    assert run(*arguments, "--allow-missing").code == 0
