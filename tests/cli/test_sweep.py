"""`segeval sweep` on real files: what it prints, writes and refuses."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from segeval.cli.screens.sweep_output import _print_sheet
from segeval.verbs.sweep.sheet import Sheet
from tests.cli.given import SAMPLE, Run, rows_of, strict_json, write_image

LESION = ("--class", "lesion")
LABELS = ("--labels", SAMPLE / "labels.yaml")


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def small_maps(folder: Path, cases: int = 2) -> tuple[Path, Path]:
    """A folder of maps of one class, and one of their truths."""
    generator = np.random.default_rng(0)
    for i in range(cases):
        truth = (generator.random((6, 5, 4)) < 0.3).astype(np.uint8)
        probs = np.clip(0.6 * truth + 0.4 * generator.random(truth.shape), 0, 0.99).astype(np.float32)
        write_image(folder / "maps" / f"case_{i}.nii.gz", probs)
        write_image(folder / "truth" / f"case_{i}.nii.gz", truth)
    return folder / "maps", folder / "truth"


def test_without_paths_the_trade_off_of_the_sample_is_printed(run: Run) -> None:
    done = run("sweep", "tversky")
    assert done.code == 0
    assert done.err == ""
    assert max(map(len, done.out.splitlines())) <= 120
    for name in ("organ", "vessel", "lesion", "(mean)"):
        assert sum(line.startswith(name) for line in done.out.splitlines()) == 5
    assert "mode: maps" in done.out
    assert not [*Path().iterdir()], "nothing is written unless it is asked for"


def test_a_dearer_miss_raises_sensitivity_on_the_sample(run: Run) -> None:
    table = rows(run("sweep", "tversky", *LESION, "--averaging", "pooled", "--format", "csv").out)
    sensitivity = [float(row["sensitivity"]) for row in table]
    thresholds = [float(row["threshold"]) for row in table]
    assert sensitivity == sorted(sensitivity)
    assert thresholds == sorted(thresholds, reverse=True)
    assert {row["averaging"] for row in table} == {"pooled"}


def test_maps_of_the_user_are_swept(run: Run, tmp_path: Path) -> None:
    done = run("sweep", "tversky", *small_maps(tmp_path), "--format", "json")
    document = strict_json(done.out)
    assert done.code == 0
    assert document["mode"] == "maps"
    assert [row["class"] for row in document["rows"]] == ["1"] * 5
    assert document["rows"][0]["n_cases"] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("focal", "--cdf"),
        ("focal", "--curve"),
        ("exp_log", "--curve"),
        ("focal", "--mode", "maps", "--grid", "gamma=0,2"),
        ("exp_log", "--grid", "gamma=0.3"),
        ("dice", "--param", "smooth=0,1", "--param", "denominator=linear,squared"),
    ],
)
def test_every_other_sweep_runs_on_the_sample(run: Run, arguments: tuple[str, ...], tmp_path: Path) -> None:
    paths = () if "--curve" in arguments else small_maps(tmp_path)
    done = run("sweep", *arguments[:1], *paths, *arguments[1:])
    assert done.code == 0
    assert done.err == ""
    assert max(map(len, done.out.splitlines())) <= 120


def test_a_folder_holds_tables_formats_figures_and_the_run(run: Run, tmp_path: Path) -> None:
    data = small_maps(tmp_path)
    asked = ("--out", "out", "--format", "md,latex,json", "--operating-points", "--with-paper", "--plot", "figures")
    done = run("sweep", "tversky", *data, *asked, "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
    figures = {"precision_recall.svg", "precision_recall.png", "tradeoff.svg", "tradeoff.png"}
    tables = {"sweep.csv", "sweep.md", "sweep.tex", "sweep.json", "operating_points.csv", "papers.md", "run.json"}
    assert {one.name for one in Path("out").iterdir()} == figures | tables
    assert {one.name for one in Path("figures").iterdir()} == figures
    document = strict_json(Path("out/run.json").read_text())
    assert (document["tool"], document["kind"], document["complete"]) == ("segeval", "sweep", True)
    assert document["plan"]["operating_points"] is True
    assert document["tables"]["sweep"]["columns"] == list(rows_of(Path("out/sweep.csv"))[0])
    assert document["papers"][0]["status"] == "verified"
    assert len(rows_of(Path("out/operating_points.csv"))) > 10


def test_the_same_sweep_writes_the_same_bytes(run: Run, tmp_path: Path) -> None:
    data = small_maps(tmp_path)
    for out in ("a", "b"):
        assert run("sweep", "tversky", *data, "--out", out, "--bootstrap", 20, "--format", "md", "-q").code == 0
    for one in Path("a").iterdir():
        if one.name != "run.json":
            assert one.read_bytes() == Path("b", one.name).read_bytes()


def test_a_folder_that_holds_something_else_is_left_alone(run: Run, tmp_path: Path) -> None:
    Path("mine").mkdir()
    Path("mine/thesis.tex").write_text("")
    done = run("sweep", "focal", "--curve", "--out", "mine")
    assert done.code == 2
    assert "holds something else" in done.err


def test_the_layout_of_the_paper_and_its_table_are_printed_apart(run: Run, tmp_path: Path) -> None:
    done = run("sweep", "tversky", *small_maps(tmp_path), "--layout", "paper", "--with-paper")
    ours, theirs = done.out.split("Tversky loss, multiple-sclerosis lesions")
    assert "Penalties" in ours
    assert "53.42" not in ours
    assert "status: verified" in theirs
    assert "53.42" in theirs


def test_csv_stays_csv_beside_the_table_of_the_paper(run: Run, tmp_path: Path) -> None:
    done = run("sweep", "tversky", *small_maps(tmp_path), "--format", "csv", "--with-paper")
    assert len(rows(done.out)) == 5
    assert "53.42" not in done.out
    assert "53.42" in done.err


def test_options_come_from_a_config_file_too(run: Run, tmp_path: Path) -> None:
    Path("segeval.yaml").write_text("sweep: {grid: ['alpha=0.2'], sum_to_one: true, format: csv}\n")
    (row,) = rows(run("sweep", "tversky", *small_maps(tmp_path)).out)
    assert (row["alpha_fp"], row["beta_fn"]) == ("0.2", "0.8")


def test_choosing_and_reporting_are_separated(run: Run, tmp_path: Path) -> None:
    data = small_maps(tmp_path, cases=3)
    table = rows(run("sweep", "tversky", *data, "--report", "case_2", "--format", "csv").out)
    assert {row["optimistic"] for row in table} == {"false"}
    assert {row["n_cases"] for row in table} == {"1"}
    assert run("sweep", "tversky", *data, "--report", "case_*").code == 2


def test_large_maps_and_a_histogram_say_that_they_are_approximate(run: Run, tmp_path: Path) -> None:
    data = small_maps(tmp_path)
    exact, binned = (
        rows(run("sweep", "tversky", *data, *more, "--format", "csv").out) for more in ((), ("--histogram",))
    )
    assert {row["approx"] for row in exact} == {"false"}
    assert {row["approx"] for row in binned} == {"true"}
    for one, other in zip(exact, binned, strict=True):
        assert float(other["hard_loss"]) == pytest.approx(float(one["hard_loss"]), abs=1e-3)


def test_ignored_voxels_count_nowhere(run: Run, tmp_path: Path) -> None:
    maps, truth = small_maps(tmp_path, cases=1)
    table = rows(run("sweep", "tversky", maps, truth, "--format", "csv").out)
    probs, ids = np.full((6, 5, 4), 0.7, dtype=np.float32), np.full((6, 5, 4), 9, dtype=np.uint8)
    import nibabel

    for folder, extra in ((maps, probs), (truth, ids)):
        image = nibabel.load(folder / "case_0.nii.gz")
        write_image(folder / "case_0.nii.gz", np.concatenate([np.asarray(image.dataobj), extra]))
    again = rows(run("sweep", "tversky", maps, truth, "--ignore-label", 9, "--format", "csv").out)
    assert again == table


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Name the loss to sweep"),
        (("tverski",), "Did you mean 'tversky'"),
        (("losses",), "Pass --runs or --train"),
        (("tversky", "--cdf"), "has no --cdf"),
        (("dice", "--curve"), "no function of one number"),
        (("focal", "--curve", "maps"), "needs no data"),
        (("tversky", "--maps", "--cdf"), "A sweep has one mode"),
        (("tversky", "--mode", "map"), "Did you mean 'maps'"),
        (("tversky", "--grid", "alpha=0", "--grid", "beta=0"), "no price on any error"),
        (("tversky", "--grid", "alpha=-0.1", "--grid", "beta=1"), "must be 0 or more"),
        (("tversky", "--grid", "alpa=1"), "Did you mean 'alpha'"),
        (("tversky", "--easy-threshold", "0.3"), "changes nothing"),
        (("exp_log", "--class", "lesion"), "changes nothing"),
        (("tversky", "--class", "lung"), "no such class. There are organ, vessel, lesion"),
        (("tversky", "--operating-points"), "Name a folder with --out"),
        (("tversky", "--format", "csv,md"), "Name --out"),
        (("tversky", "--format", "xlsx"), "not one of csv, json, md, latex"),
        (("tversky", "maps"), "Name both INPUT and TRUTH"),
        (("tversky", "--select", "nobody"), "no such case"),
        (("focal", "--layout", "paper", "--curve"), "no paper prints a table"),
        (("tversky", "--baseline", "alpha=0.5"), "Add --bootstrap"),
    ],
)
def test_what_cannot_be_is_a_usage_error(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run("sweep", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_hard_masks_are_refused_where_maps_are_needed(run: Run) -> None:
    done = run("sweep", "tversky", SAMPLE / "pred", SAMPLE / "gt", *LABELS)
    assert done.code == 2
    assert "case_01.nii.gz: holds a mask, and --maps needs probability maps" in done.err


def test_a_truth_without_a_map_stops_the_sweep(run: Run, tmp_path: Path) -> None:
    maps, truth = small_maps(tmp_path)
    (maps / "case_1.nii.gz").unlink()
    done = run("sweep", "tversky", maps, truth)
    assert done.code == 3
    assert "case_1" in done.err


def test_a_map_without_a_truth_is_left_out_and_named(run: Run, tmp_path: Path) -> None:
    maps, truth = small_maps(tmp_path)
    (truth / "case_1.nii.gz").unlink()
    done = run("sweep", "tversky", maps, truth)
    assert done.code == 0
    assert "maps without a truth are left out: case_1" in done.out


def test_an_empty_class_keeps_its_rows(run: Run, tmp_path: Path) -> None:
    maps, truth = small_maps(tmp_path, cases=1)
    write_image(truth / "case_0.nii.gz", np.zeros((6, 5, 4), dtype=np.uint8))
    table = rows(run("sweep", "tversky", maps, truth, "--labels", "1=lesion", "--format", "csv").out)
    assert len(table) == 5
    assert {row["threshold"] for row in table} == {""}
    assert all("no voxel of lesion" in row["note"] for row in table)


def test_a_table_is_checked(run: Run, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("Loss,Dice,Sensitivity\nDice Loss,0.970,0.981\n")
    bad.write_text("Loss,Dice,Sensitivity\nDice Loss,0.970,0.981\nLog-Cosh,0.989,0.975\n")
    fine = run("sweep", "--check-table", good)
    assert fine.code == 0
    assert "nothing that cannot be" in fine.out
    wrong = run("sweep", "--check-table", bad)
    assert wrong.code == 1
    assert wrong.out.startswith("row 2 (Log-Cosh): Dice 0.989 is above")
    assert run("sweep", "--check-table", tmp_path / "none.csv").code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--grid", "alpha=0.5"), "--grid"),
        (("--maps",), "--maps"),
        (("--out", "out"), "--out"),
        (("--iterations", "300"), "--iterations"),
    ],
)
def test_a_check_refuses_what_it_does_not_read(run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    table = tmp_path / "good.csv"
    table.write_text("Loss,Dice,Sensitivity\nDice Loss,0.970,0.981\n")
    done = run("sweep", "--check-table", table, *arguments)
    assert (done.code, done.out) == (2, "")
    assert f"{said} changes nothing beside --check-table" in done.err
    assert run("sweep", "tversky", "--check-table", table).code == 2
    assert run("sweep", "--check-table", table, "--averaging", "pooled").code == 0


def test_a_table_of_losses_with_pooled_counts_passes_the_check(run: Run, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for i in range(2):
        truth = generator.integers(0, 3, (6, 5, 4)).astype(np.uint8)
        write_image(tmp_path / "truth" / f"case_{i}.nii.gz", truth)
        for name in ("dice_loss", "bce_loss"):
            pred = np.where(generator.random(truth.shape) < 0.3, 0, truth).astype(np.uint8)
            write_image(tmp_path / "runs" / name / f"case_{i}.nii.gz", pred)
    asked = ("--averaging", "pooled", "--format", "csv")
    done = run("sweep", "losses", "--runs", tmp_path / "runs", tmp_path / "truth", *asked)
    assert done.code == 0
    Path("t.csv").write_text(done.out)
    assert run("sweep", "--check-table", "t.csv").code == 0
    (row, _) = rows(done.out)
    Path("t.csv").write_text(done.out.replace(row["iou_1"], "0.9", 1))
    assert "row 1 (bce_loss), 1: IoU" in run("sweep", "--check-table", "t.csv").out


@pytest.mark.parametrize("device", ["cuda:99", "nonsense"])
@pytest.mark.parametrize(
    "mode", [("tversky",), ("focal", "--cdf"), ("focal", "--curve"), ("exp_log",), ("dice",), ("tversky", "--runs")]
)
def test_a_device_that_is_not_there_is_refused(run: Run, tmp_path: Path, mode: tuple[str, ...], device: str) -> None:
    maps, truth = small_maps(tmp_path)
    if "--runs" in mode:
        maps = maps.rename(tmp_path / "alpha=0.5_beta=0.5").parent
    paths = () if "--curve" in mode else (maps, truth)
    done = run("sweep", *mode, *paths, "--device", device)
    assert (done.code, done.out) == (2, "")
    assert "evice" in done.err


def test_a_device_by_name_changes_no_number(run: Run, tmp_path: Path) -> None:
    data = small_maps(tmp_path)
    auto, cpu = (run("sweep", "tversky", *data, "--format", "csv", "--device", name).out for name in ("auto", "cpu"))
    assert auto == cpu


def test_our_own_tables_pass_the_check(run: Run, tmp_path: Path) -> None:
    data = small_maps(tmp_path)
    for averaging in ("case", "pooled"):
        Path("t.csv").write_text(run("sweep", "tversky", *data, "--averaging", averaging, "--format", "csv").out)
        assert run("sweep", "--check-table", "t.csv").code == 0


def test_json_is_strict(run: Run, tmp_path: Path) -> None:
    maps, truth = small_maps(tmp_path, cases=1)
    write_image(truth / "case_0.nii.gz", np.zeros((6, 5, 4), dtype=np.uint8))
    out = run("sweep", "tversky", maps, truth, "--labels", "1=lesion", "--format", "json").out
    assert json.loads(out, parse_constant=pytest.fail)["rows"][0]["dsc"] is None


def test_models_trained_with_each_setting_are_compared(run: Run, tmp_path: Path) -> None:
    maps, truth = small_maps(tmp_path)
    for name in ("alpha=0.5_beta=0.5", "alpha=0.3_beta=0.7"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        for one in maps.iterdir():
            (tmp_path / "runs" / name / one.name).write_bytes(one.read_bytes())
    done = run("sweep", "tversky", tmp_path / "runs", truth, "--runs", "--format", "csv")
    assert done.code == 0
    first, second = rows(done.out)
    assert first["mode"] == "runs"
    assert [first["beta_fn"], second["beta_fn"]] == ["0.5", "0.7"]
    assert first["dsc"] == second["dsc"], "the same folder twice gives the same row"
    paper = run("sweep", "tversky", tmp_path / "runs", truth, "--runs", "--layout", "paper")
    assert "APR score" in paper.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tversky", "--train", "--seeds", "one"), "no list of whole numbers"),
        (("tversky", "--train", "--patch", "big"), "no list of voxels"),
        (("tversky", "--train", "--holdout", "2"), "lie between 0 and 1"),
        (("tversky", "--train", "--select-by", "case_mean"), "changes nothing"),
        (("tversky", "--runs"), "--runs needs a folder"),
        (("tversky", "--iterations", "10"), "changes nothing"),
    ],
)
def test_options_of_other_modes_are_refused(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run("sweep", *arguments)
    assert done.code == 2
    assert said in done.err


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_number_is_broken_where_a_screen_is_narrow(width: int) -> None:
    sheet = Sheet(
        title="",
        caption="",
        columns=("alpha_fp", "beta_fn", *(f"a_long_title_{i}" for i in range(8))),
        n_keys=2,
        rows=({"alpha_fp": "0.5", "beta_fn": "0.5", **{f"a_long_title_{i}": f"0.{i}2345" for i in range(8)}},),
    )
    printed = io.StringIO()
    _print_sheet(sheet, Console(width=width, file=printed))
    words = printed.getvalue().split()
    assert [word for word in words if word.endswith("2345")] == [f"0.{i}2345" for i in range(8)]
    assert words.count("0.5") % 2 == 0


def test_one_gamma_is_a_value_of_the_grid(run: Run) -> None:
    short, long = (
        run("sweep", "focal", "--format", "csv", "--class", "lesion", *how).out
        for how in (("--gamma", "2"), ("--grid", "gamma=2"))
    )
    assert short == long
    assert {row["gamma"] for row in rows(short)} == {"2"}
