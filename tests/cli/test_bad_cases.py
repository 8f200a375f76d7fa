"""One bad case: it stops the run, or with --keep-going is listed beside the good ones."""

from pathlib import Path
from typing import Any

import pytest

import segeval
from tests.cli.given import Run, cell, files_in, ids, rows_of, strict_json, write_cases

OUT = Path("segeval-results")


@pytest.fixture
def one_bad(tmp_path: Path) -> tuple[Path, Path]:
    """Three cases, of which `bad` has a prediction of another shape."""
    pred = {"a": ids("110"), "bad": ids("1111"), "z": ids("011")}
    truth = {"a": ids("110"), "bad": ids("111"), "z": ids("110")}
    return write_cases(tmp_path / "pred", pred), write_cases(tmp_path / "truth", truth)


def test_it_stops_the_run_before_anything_is_written(run: Run, one_bad: tuple[Path, Path]) -> None:
    done = run("score", *one_bad)
    assert (done.code, done.out) == (3, "")
    assert "bad.npy: shape (1, 4) differs from truth (1, 3)" in done.err
    assert "Traceback" not in done.err
    assert not OUT.exists()


def test_the_previous_results_stay_whole(run: Run, one_bad: tuple[Path, Path], folders: tuple[Path, Path]) -> None:
    run("score", folders[0] / "a.npy", folders[1] / "a.npy", "-m", "dice")
    before = files_in(OUT)
    assert run("score", *one_bad).code == 3
    assert files_in(OUT) == before


def test_keep_going_scores_the_others_lists_it_and_exits_with_3(run: Run, one_bad: tuple[Path, Path]) -> None:
    done = run("score", *one_bad, "--keep-going", "-m", "dice")
    assert done.code == 3
    assert "bad.npy: shape (1, 4) differs from truth (1, 3)" in done.err
    assert "1 of 3 cases failed: bad" in done.out
    assert [(row["case"], row["status"]) for row in rows_of(OUT / "cases.csv")] == [
        ("a", "ok"),
        ("bad", "failed"),
        ("z", "ok"),
    ]
    assert {row["case"] for row in rows_of(OUT / "scores.csv")} == {"a", "z"}
    assert float(cell(OUT / "summary.csv", "mean", class_="1")) == pytest.approx(0.75)
    problem = strict_json((OUT / "run.json").read_text())["problems"][0]
    assert (problem["case"], problem["status"]) == ("bad", "failed")
    assert "differs from truth" in problem["problem"]


def test_where_all_cases_are_bad_there_are_tables_without_values(run: Run, one_bad: tuple[Path, Path]) -> None:
    pair = (one_bad[0] / "bad.npy", one_bad[1] / "bad.npy")
    done = run("score", *pair, "--keep-going", "-m", "dice,pixel_accuracy")
    assert done.code == 3
    assert rows_of(OUT / "scores.csv") == []
    assert [row["status"] for row in rows_of(OUT / "cases.csv")] == ["failed"]
    assert strict_json((OUT / "run.json").read_text())["complete"] is True


def test_nothing_to_evaluate_is_exit_code_4(run: Run, tmp_path: Path) -> None:
    empty = {"a": ids("000"), "b": ids("000")}
    write_cases(tmp_path / "pred", empty)
    write_cases(tmp_path / "truth", empty)
    done = run("score", "pred", "truth", "-m", "dice")
    assert done.code == 4
    assert "every mask holds only id 0, so there is no class to score" in done.err


def test_a_crash_of_our_own_is_called_a_bug(
    run: Run, one_bad: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("segeval.verbs.running.scored.evaluate", crash)
    done = run("score", *one_bad)
    assert done.code == 70
    assert "oops" in done.err
    assert "this is a bug of segeval, not of your data (ZeroDivisionError)" in done.err
    assert not OUT.exists()


@pytest.mark.parametrize("error", [MemoryError(), type("OutOfMemoryError", (RuntimeError,), {})("CUDA")])
def test_a_case_that_needs_too_much_memory_is_a_bad_case(
    run: Run, one_bad: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("segeval.verbs.running.scored.evaluate", crash)
    done = run("score", *one_bad)
    assert done.code == 3
    assert "a: needs more memory than cpu has left. Pass --workers 1" in done.err


def test_a_device_without_memory_leaves_the_case_to_the_cpu_and_says_so(
    one_bad: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from segeval.scoring.evaluate import evaluate as on_the_cpu
    from segeval.scoring.plan import Plan

    seen: list[str] = []

    def full(case: Any, plan: Plan) -> Any:
        seen.append(plan.device)
        if plan.device != "cpu":
            raise type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory")
        return on_the_cpu(case, plan)

    monkeypatch.setattr("segeval.verbs.running.scored.evaluate", full)
    monkeypatch.setattr("segeval.verbs.score.resolve_device", lambda **_: ("torch", "cuda:0"))
    results = segeval.score(one_bad[0] / "a.npy", one_bad[1] / "a.npy", measures=["dice"])
    assert seen == ["cuda:0", "cpu"]
    assert results.case_rows[0].notes == ("cuda:0 ran out of memory, so this case was scored on the CPU",)
