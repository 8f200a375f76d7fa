"""A run of `segeval.Evaluator` is one of the command line."""

from pathlib import Path

import numpy as np

import segeval
from segeval import catalogue
from tests.cli.given import Run, rows_of, write_cases

GROUPS = [*catalogue.GROUPS]
IDS = ["a", "b", "c"]


def masks() -> tuple[np.ndarray, np.ndarray]:
    """Three small cases of two classes."""
    truth, pred = np.zeros((2, 3, 10, 9, 6), dtype=np.uint8)
    for i in range(3):
        truth[i, 1:6, 2:7, 1:5], truth[i, 7:9, 1:4, 2:5] = 1, 2
        pred[i, 2 : 6 + i, 2:7, 1:5], pred[i, 7:9, 2:5, 2:4] = 1, 2
    return pred, truth


def test_the_run_is_that_of_score_and_passes_through_gate_compare_and_report(run: Run, tmp_path: Path) -> None:
    pred, truth = masks()
    for side, images in (("pred", pred), ("truth", truth)):
        write_cases(tmp_path / side, dict(zip(IDS, images, strict=True)))
    names = ("--labels", "1=liver,2=spleen", "--spacing", "0.8,0.8,1.5")
    assert run("score", "pred", "truth", *names, "-m", ",".join(GROUPS), "-o", "want").code == 0
    evaluator = segeval.Evaluator(GROUPS, {1: "liver", 2: "spleen"}, (0.8, 0.8, 1.5))
    evaluator.update(pred, truth, case_id=IDS)
    evaluator.write("got")
    for table in ("scores.csv", "summary.csv", "lesions.csv", "confusion.csv"):
        assert rows_of(Path("got") / table) == rows_of(Path("want") / table)
    Path("pass.yaml").write_text("schema_version: 1\nrules:\n  - {id: floor, measure: dice, class: liver, min: 0.5}\n")
    for verb in (("gate", "got", "--config", "pass.yaml"), ("compare", "got", "want"), ("report", "got")):
        done = run(*verb)
        assert done.code == 0, done.err
