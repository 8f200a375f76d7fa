"""Runs that are cut off: Ctrl-C keeps what is finished, and a killed run destroys nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segeval.evidence.case import Tile
from segeval.scoring.slabs.tiles import _Sums
from segeval.verbs.running.workers import Here
from tests.cli.given import ROOT, Run, files_in, large_cases, rows_of, strict_json, write_image

Start = Callable[..., "subprocess.Popen[str]"]
OUT = Path("segeval-results")
JOURNAL = OUT / ".segeval-journal.jsonl"
N_CASES = 2000


@pytest.fixture
def long_run(start: Start) -> "subprocess.Popen[str]":
    """A run of more cases than it can finish before the test ends it."""
    return many_cases(start)


def many_cases(start: Start) -> "subprocess.Popen[str]":
    for side in ("pred", "truth"):
        image = np.zeros((100, 100, 100), dtype=np.uint8)
        image[20:60, 30:50, 10:90] = 1
        file = write_image(Path(f"{side}.npy"), image).resolve()
        Path(side).mkdir()
        for i in range(N_CASES):
            Path(side, f"case_{i:04}.npy").symlink_to(file)
    return start("score", "pred", "truth", "-m", "dice,pixel_accuracy", "--workers", "2", start_new_session=True)


def wait_for_cases(process: "subprocess.Popen[str]", n: int) -> None:
    """Until the journal holds so many finished cases."""
    end = time.monotonic() + 60
    while not JOURNAL.exists() or JOURNAL.read_text().count("\n") <= n:  # after a line on the run itself
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "no case was finished in a minute"
        time.sleep(0.01)


@pytest.fixture
def previous(run: Run, folders: tuple[Path, Path]) -> dict[str, bytes]:
    """The results of an earlier run."""
    run("score", *folders, "-m", "iou")
    for side in folders:
        side.rename(f"earlier_{side.name}")
    return files_in(OUT)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ctrl_c_a_scheduler_and_a_closed_terminal_keep_the_finished_cases_and_say_so(
    previous: dict[str, bytes], long_run: "subprocess.Popen[str]", name: str
) -> None:
    wait_for_cases(long_run, 3)
    os.kill(long_run.pid, getattr(signal, name))
    out, err = long_run.communicate(timeout=60)
    assert long_run.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert f" of {N_CASES} cases are finished and kept in segeval-results, marked as incomplete" in err
    assert err.endswith("segeval: interrupted.\n")
    document = strict_json((OUT / "run.json").read_text())
    assert document["complete"] is False
    cases = rows_of(OUT / "cases.csv")
    assert 3 <= len(cases) < N_CASES
    assert {row["status"] for row in cases} == {"ok"}
    assert len(rows_of(OUT / "scores.csv")) == len(cases)
    assert set(files_in(OUT)) == set(previous) | {JOURNAL.name}, "to go on from there"


def test_ctrl_c_amid_slabs_does_not_wait_for_the_whole_case(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, told, take, give_up = [], threading.Event(), _Sums.take, Here.give_up

    def interrupted(sums: _Sums, tile: Tile) -> None:
        seen.append(tile.case.case_id)
        os.kill(os.getpid(), signal.SIGINT)
        assert told.wait(60)
        take(sums, tile)

    monkeypatch.setattr(_Sums, "take", interrupted)
    monkeypatch.setattr(Here, "give_up", lambda here: (give_up(here), told.set()))
    done = run(*large_cases("labels"), "--workers", "1")
    assert (done.code, done.err.splitlines()[-1]) == (130, "segeval: interrupted.")
    assert seen == ["a"], "of more than two slabs"


def test_a_killed_run_leaves_the_previous_results_whole_and_can_be_repeated(
    run: Run, previous: dict[str, bytes], long_run: "subprocess.Popen[str]"
) -> None:
    wait_for_cases(long_run, 3)
    long_run.kill()
    long_run.wait(timeout=60)
    assert {name: data for name, data in files_in(OUT).items() if not name.startswith(".segeval-")} == previous
    assert run("score", "earlier_pred", "earlier_truth", "-m", "iou").code == 0
    assert files_in(OUT)["scores.csv"] == previous["scores.csv"]
    assert not [name for name in files_in(OUT) if name.startswith(".")]


def test_a_second_run_into_the_folder_is_refused_while_the_first_lives(
    run: Run, folders: tuple[Path, Path], start: Start
) -> None:
    for side in folders:
        side.rename(f"small_{side.name}")
    first = many_cases(start)
    wait_for_cases(first, 1)
    done = run("score", "small_pred", "small_truth", "-m", "dice")
    assert (done.code, done.out) == (2, "")
    assert f"segeval-results: another run (process {first.pid}) is writing there. Wait until it ends" in done.err
    assert first.poll() is None
    first.kill()
    first.wait(timeout=60)
    assert run("score", "small_pred", "small_truth", "-m", "dice").code == 0, "a dead run holds nothing"


def test_a_first_run_that_was_killed_can_be_repeated(run: Run, folders: tuple[Path, Path], start: Start) -> None:
    OUT.mkdir()
    JOURNAL.write_text('{"half a line')
    (OUT / ".segeval-new").mkdir()
    (OUT / ".segeval-new" / "scores.csv").write_text("case")
    assert run("score", *folders, "-m", "dice").code == 0
    assert not [name for name in files_in(OUT) if name.startswith(".")]


def test_ctrl_c_before_the_first_case_leaves_everything_as_it_was(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    run("score", *folders, "-m", "dice")
    before = files_in(OUT)
    monkeypatch.setattr("segeval.verbs.running.scored._score", interrupt)
    done = run("score", *folders, "-m", "iou")
    assert done.code == 130
    assert "kept" not in done.err
    assert files_in(OUT) == before


def test_a_second_ctrl_c_while_tables_are_written_leaves_the_previous_ones(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    run("score", *folders, "-m", "dice")
    before = files_in(OUT)
    monkeypatch.setattr("segeval.results.run_folder.run_document", interrupt)
    assert run("score", *folders, "-m", "iou").code == 130
    assert files_in(OUT) == before


@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize(("limit", "code"), [("0.1", 0), ("0.99", 1)])
def test_a_closed_stream_borrows_no_exit_code(
    program: Run, run: Run, folders: tuple[Path, Path], closed: tuple[int, ...], limit: str, code: int
) -> None:
    assert run("score", *folders, "-m", "dice", "-o", "run", "-q").code == 0
    before = files_in(Path("run"))

    def close() -> None:
        for number in closed:
            os.close(number)

    done = program("gate", "run", "--fail-under", f"dice:mean={limit}", preexec_fn=close, stdin=subprocess.DEVNULL)
    assert done.code == code
    assert files_in(Path("run")) == before


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "ImportError('numpy is broken') from KeyboardInterrupt()"])
def test_an_interrupt_while_importing_is_told_as_one(tmp_path: Path, error: str) -> None:
    Path("typer.py").write_text(f"raise {error}")
    run_it = "import runpy; runpy.run_module('segeval', run_name='__main__')"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", run_it], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (130, False), done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), 3),
        (OSError(12, "Cannot allocate memory"), 3),
        (ImportError("libx.so: failed to map segment from shared object"), 3),
        (RuntimeError("can't start new thread"), 3),
        (ZeroDivisionError("a bug"), 70),
    ],
)
def test_want_of_memory_is_told_as_that(run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("segeval.cli.app._run", fail)
    done = run("measures")
    assert (done.code, "not enough memory" in done.err) == (code, code == 3)
