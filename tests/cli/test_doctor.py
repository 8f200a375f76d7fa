"""`segeval doctor`: what the files hold, what `score` would do, and nothing written."""

from pathlib import Path

import numpy as np
import pytest

from tests.cli.given import SAMPLE, Run, files_in, ids, write_cases, write_image


def test_the_sample_is_fine(run: Run) -> None:
    done = run("doctor", SAMPLE / "pred", SAMPLE / "gt", "--labels", SAMPLE / "labels.yaml")
    assert (done.code, done.err) == (0, "")
    assert "12 cases, 12 with two readable files" in done.out
    assert "all files: axes RAS, type uint8" in done.out
    assert done.out.endswith("score would run.\n")
    assert not Path("segeval-results").exists()


def test_every_id_is_counted_over_all_files(run: Run, folders: tuple[Path, Path]) -> None:
    lines = [
        line.split() for line in run("doctor", *folders, "--labels", "1=liver", "--ignore-label", "2").out.splitlines()
    ]
    assert ["1", "liver", "2", "2", "6", "5"] in lines
    assert ["2", "(ignored)", "2", "2", "4", "5"] in lines
    assert ["0", "(background)", "3", "3", "38", "38"] in lines


def test_every_file_shows_its_own_ids_and_counts(run: Run, folders: tuple[Path, Path]) -> None:
    done = run("doctor", *folders)
    assert ["a", "1:4", "2:2", "1:3", "2:3"] in [line.split() for line in done.out.splitlines()], done.err


def test_empty_masks_are_remarked_on(run: Run, folders: tuple[Path, Path]) -> None:
    out = run("doctor", *folders).out
    assert "c      truth is empty" in out


@pytest.mark.parametrize(
    ("policy", "said", "code"),
    [
        ("error", "problem: b: no prediction: score would stop. Add it, or pass --missing worst|background|skip", 3),
        ("worst", "no prediction: every class of the truth would get the worst values", 0),
        ("background", "no prediction: would be scored as an empty prediction", 0),
        ("skip", "no prediction: would be left out and counted as missing", 0),
    ],
)
def test_a_missing_prediction_is_told_with_what_score_would_do(
    run: Run, folders: tuple[Path, Path], policy: str, said: str, code: int
) -> None:
    (folders[0] / "b.npy").unlink()
    done = run("doctor", *folders, "--missing", policy)
    assert done.code == code
    assert said in done.out
    assert run("score", *folders, "--missing", policy, "-m", "dice").code == code


def test_a_missing_truth_is_remarked_on(run: Run, folders: tuple[Path, Path]) -> None:
    (folders[1] / "b.npy").unlink()
    done = run("doctor", *folders)
    assert done.code == 0
    assert "no truth: never scored" in done.out


def test_grids_that_differ_are_shown_side_by_side(run: Run) -> None:
    image = np.ones((4, 5, 6), dtype=np.uint8)
    write_image(Path("pred/x.nii.gz"), image.astype(np.int16), affine=np.diag([1.0, 1, 2, 1]))
    write_image(Path("truth/x.nii.gz"), image[:3], affine=np.diag([1.0, 1, 3, 1]))
    done = run("doctor", "pred", "truth")
    assert done.code == 3
    row = next(line for line in done.out.splitlines() if line.startswith("x "))
    assert [part for part in ("4x5x6 / 3x5x6", "1x1x2 / 1x1x3", "int16 / uint8") if part not in row] == []
    assert "problem: pred/x.nii.gz: shape (4, 5, 6) differs from truth (3, 5, 6)" in done.out


def test_turned_axes_are_remarked_on(run: Run) -> None:
    image = np.ones((4, 5, 6), dtype=np.uint8)
    write_image(
        Path("pred/x.nii.gz"), image, affine=np.array([[-1.0, 0, 0, 3], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    )
    write_image(Path("truth/x.nii.gz"), image)
    done = run("doctor", "pred", "truth")
    assert done.code == 0
    assert "LAS / RAS" in done.out
    assert "axes LAS reordered to RAS" in done.out


def test_ids_on_one_side_only_are_pointed_out(run: Run) -> None:
    write_cases(Path("pred"), {"x": ids("0179")})
    write_cases(Path("truth"), {"x": ids("0155")})
    out = run("doctor", "pred", "truth").out
    assert "note: no truth holds id 7 (x), 9 (x): false alarms, unless --labels leaves them out" in out
    assert "note: no prediction holds id 5: missed everywhere, or to be ignored with --ignore-label" in out


def test_a_long_list_is_cut_and_keeps_the_cases_with_problems(run: Run) -> None:
    names = [f"case_{i:03}" for i in range(80)]
    for side in ("pred", "truth"):
        write_cases(Path(side), dict.fromkeys(names, ids("01")))
    Path("pred/case_079.npy").write_bytes(b"")
    out = run("doctor", "pred", "truth").out
    assert "20 cases are not shown." in out
    assert "case_079" in out
    assert "case_070" not in out


def test_nothing_is_written(run: Run, folders: tuple[Path, Path], tmp_path: Path) -> None:
    before = files_in(tmp_path)
    run("doctor", *folders)
    assert files_in(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("prd", "truth"), 2, "PRED prd: no such file or folder. Did you mean 'pred'?"),
        (("pred", "truth", "--wrost"), 2, "There is no option --wrost."),
        (("pred", "truth", "--labels", "1=a,1=b"), 2, "two classes have id 1"),
        (("empty", "truth"), 3, "this folder is empty"),
    ],
)
def test_wrong_inputs_are_told_as_score_tells_them(
    run: Run, folders: tuple[Path, Path], arguments: tuple[str, ...], code: int, message: str
) -> None:
    Path("empty").mkdir()
    done = run("doctor", *arguments)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
