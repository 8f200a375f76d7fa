"""`segeval score` on folders of frames."""

from pathlib import Path

import pytest

from tests.cli.given import Run, cell, number, rows_of, write_cases
from tests.metrics.test_video import VALUES, frames_of


def test_folders_of_frames_are_sequences_on_the_command_line(run: Run, tmp_path: Path) -> None:
    for side in ("pred", "truth"):
        write_cases(tmp_path / side, frames_of(side) | frames_of("truth", "cow"))
    done = run("score", "pred", "truth", "-m", "j_and_f", "--out", "out")
    assert (done.code, "2 sequences of frames, one per folder: bear, cow" in done.err) == (0, True), done.err
    found = number(Path("out/summary.csv"), "pooled", class_="(all)", measure="j_and_f")
    assert found == pytest.approx((VALUES["J.j_and_f"] + 1) / 2)
    assert cell(Path("out/scores.csv"), "j_and_f", case="bear/5") == ""
    rows = {row["sequence"]: row for row in rows_of(Path("out/sequences.csv"))}
    assert {name: (row["class"], row["n_frames"]) for name, row in rows.items()} == {
        "bear": ("1", "8"),
        "cow": ("1", "8"),
    }
    assert float(rows["bear"]["j_and_f"]) == pytest.approx(VALUES["J.j_and_f"], abs=1e-9)
    assert float(rows["cow"]["j_and_f"]) == 1
    for limit, code in (("0.88", 0), ("0.89", 1)):
        assert run("gate", "out", "--fail-under", f"j_and_f:pooled={limit}").code == code
    done = run("score", "pred/bear", "truth/bear", "-m", "j_mean", "--out", "out")
    assert "no frame lies in a folder of its sequence, so all of them are one sequence" in " ".join(done.err.split())
