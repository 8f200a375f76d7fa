"""The folder of results: whose it may be, and that it is always a whole run or nothing."""

import errno
import os
from pathlib import Path

import pytest

from tests.cli.given import IS_ROOT, Run, files_in

OUT = Path("segeval-results")


def test_a_folder_of_its_own_is_made_with_its_parents(run: Run, folders: tuple[Path, Path]) -> None:
    assert run("score", *folders, "-m", "dice", "--out", "new/deep folder").code == 0
    assert Path("new/deep folder/run.json").exists()


def test_a_second_run_takes_the_place_of_the_first(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice")
    first = files_in(OUT)
    assert run("score", *folders, "-m", "iou").code == 0
    second = files_in(OUT)
    assert set(first) == set(second)
    assert first["scores.csv"] != second["scores.csv"]


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("pred", "pred: this folder holds something else, such as a.npy."),
        ("pred/a.npy", "pred/a.npy: this is a file, and results need a folder."),
        ("pred/a.npy/x", "pred/a.npy/x: cannot be written (Not a directory)."),
        ("x" * 300, "cannot be written (File name too long)."),
    ],
)
def test_a_place_that_cannot_be_ours_is_refused(run: Run, folders: tuple[Path, Path], out: str, message: str) -> None:
    before = files_in(folders[0])
    done = run("score", *folders, "--out", out)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert files_in(folders[0]) == before


@pytest.mark.skipif(IS_ROOT, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_refused(run: Run, folders: tuple[Path, Path]) -> None:
    OUT.mkdir(mode=0o500)
    done = run("score", *folders)
    assert done.code == 2
    assert "segeval-results: cannot be written (Permission denied). Make it writable" in done.err


@pytest.mark.parametrize("fails_at", [1, 3, 5])
def test_a_disk_that_fills_up_leaves_the_previous_results_whole(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    run("score", *folders, "-m", "dice")
    before = files_in(OUT)
    calls: list[int] = []

    def fsync(_: int) -> None:
        calls.append(1)
        if len(calls) == fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    done = run("score", *folders, "-m", "iou")
    assert (done.code, done.out) == (2, "")
    assert "cannot be written (No space left on device). Free some space there" in done.err
    assert files_in(OUT) == before, "the old tables as they were, and nothing beside them"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_disk_that_is_full_during_the_run_is_told(run: Run, folders: tuple[Path, Path]) -> None:
    OUT.mkdir()
    (OUT / ".segeval-journal.jsonl").symlink_to("/dev/full")  # where each finished case is noted
    done = run("score", *folders, "-m", "dice")
    assert (done.code, done.out) == (2, "")
    assert ".segeval-journal.jsonl: cannot be written (No space left on device)" in done.err
    assert files_in(OUT) == {}


def test_nothing_private_stays_after_a_run(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice")
    assert not [name for name in files_in(OUT) if name.startswith(".")]
