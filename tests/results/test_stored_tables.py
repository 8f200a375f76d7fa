"""Runs that are read from `scores.csv` or from the summary of nnU-Net: whole, or refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segeval
from segeval.errors import ConfigError
from segeval.results.stored_runs import StoredRun, read_stored_run

MASK = np.array([[1, 1, 0, 0]])


def values(stored: StoredRun, class_name: str = "1", measure: str = "dice") -> dict[str, float]:
    (column,) = [one for one in stored.columns if (one.class_name, one.measure) == (class_name, measure)]
    return dict(zip(column.case_ids, map(float, column.values), strict=True))


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """The scores of two cases: a is right, half of b is found, so its Dice is 2/3."""
    masks = {"a": MASK, "b": np.array([[1, 0, 0, 0]])}
    segeval.score(masks, {"a": MASK, "b": MASK}, measures=["dice", "fbeta(beta=2)"], out=str(tmp_path / "run"))
    return tmp_path / "run" / "scores.csv"


def test_scores_are_read_like_their_run(scores: Path) -> None:
    from_csv, from_json = read_stored_run(scores), read_stored_run(scores.parent)
    assert values(from_csv) == values(from_json) == {"a": 1.0, "b": pytest.approx(2 / 3)}
    assert from_csv.labels == from_json.labels == {"1": (1,)}
    assert [one.measure for one in from_csv.columns] == ["dice", "fbeta(beta=2)"]


def test_columns_may_stand_in_any_order(scores: Path) -> None:
    lines = [line.split(",") for line in scores.read_text().splitlines()]
    scores.write_text("\n".join(",".join(reversed(line)) for line in lines))
    assert values(read_stored_run(scores)) == {"a": 1.0, "b": pytest.approx(2 / 3)}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("a,1,1,ok,", "a,1,1,", r"scores\.csv, line 2: 11 cells under 12 headings"),
        ("a,1,1,ok,", "a,1,1,ok,7,", r"scores\.csv, line 2: 13 cells under 12 headings"),
        ("0.6666666666666666", '"0,6666666666666666"', "line 3: dice '0,6666666666666666' is no number.*with a point"),
        ("0.6666666666666666", "good", "line 3: dice 'good' is no number"),
        ("\nb,1,1,", "\na,1,1,", "line 3: case a has class 1 in line 2 already"),
        ("b,1,1,", "b,x,1,", "line 3: label 'x' is no id"),
        ("b,1,1,", f"b,{'9' * 5000},1,", "line 3: label '9+' is no id"),
        ("case,label,class", "case,label,case", "the first line reads"),
        ("case,label", "id,label", "the first line reads"),
    ],
)
def test_a_table_that_was_damaged_is_refused_with_its_line(scores: Path, old: str, new: str, message: str) -> None:
    text = scores.read_text()
    assert old in text
    scores.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=message):
        read_stored_run(scores)


@pytest.mark.parametrize("data", [b"", b"case,label,class,status\n", "case,größe".encode("latin-1")])
def test_a_table_without_scores_is_refused(scores: Path, data: bytes) -> None:
    scores.write_bytes(data)
    with pytest.raises(ConfigError, match=r"scores\.csv"):
        read_stored_run(scores)


@pytest.mark.parametrize("name", ["a\u2028b", "a\x85b", "a\x0bb", "a\x1cb", "a\nb", "a\rb", 'a"b,c', "=1+1", " a"])
def test_names_with_line_separators_are_read_back(tmp_path: Path, name: str) -> None:
    segeval.score({name: MASK, "z": MASK}, {name: MASK, "z": MASK}, measures=["dice"], out=str(tmp_path / "run"))
    assert values(read_stored_run(tmp_path / "run" / "scores.csv")) == {name: 1.0, "z": 1.0}
    assert values(read_stored_run(tmp_path / "run")) == {name: 1.0, "z": 1.0}


def test_cases_without_a_row_are_told_by_the_table_beside(scores: Path) -> None:
    cases = scores.with_name("cases.csv")
    cases.write_text(f"{cases.read_text()}c,failed,,,\nd,missing_pred,,,\n")
    stored = read_stored_run(scores)
    assert stored.unscored == {"c", "d"}
    assert stored.doubts == ()


def test_a_table_alone_says_what_it_cannot_tell(scores: Path) -> None:
    scores.with_name("cases.csv").unlink()
    assert read_stored_run(scores).doubts == ("a table of scores alone does not tell of cases that failed",)


def entry(file: str, dice: Any = 0.5, **more: Any) -> dict[str, Any]:
    metrics = {"1": {"Dice": dice, "IoU": 0.25, "n_pred": 4, "n_ref": 4}}
    return {"prediction_file": file, "reference_file": f"gt/{file}", "metrics": metrics, **more}


def summary(tmp_path: Path, *entries: Any) -> Path:
    path = tmp_path / "summary.json"
    path.write_text(json.dumps({"metric_per_case": list(entries), "mean": {}}))
    return path


def test_cases_of_one_name_in_two_folders_stay_two(tmp_path: Path) -> None:
    path = summary(tmp_path, entry("/x/site1/a.nii.gz", 0.25), entry("/x/site2/a.nii.gz", 0.75))
    assert values(read_stored_run(path)) == {"site1/a": 0.25, "site2/a": 0.75}


def test_cases_of_different_names_are_called_by_their_files(tmp_path: Path) -> None:
    path = summary(tmp_path, entry("/x/b.nii.gz", float("nan")), entry("/y/a.nii.gz", 0.75))
    found = values(read_stored_run(path))
    assert list(found) == ["a", "b"]
    assert found["a"] == 0.75
    assert np.isnan(found["b"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "case 2 of metric_per_case: names no prediction_file"),
        (None, "case 2 of metric_per_case: names no prediction_file"),
        ({"prediction_file": "", "reference_file": ""}, "names no prediction_file"),
        ({"prediction_file": "b.nii"}, "holds no metrics by class"),
        ({"prediction_file": "b.nii", "metrics": {"1": 3}}, "holds no metrics by class"),
        (entry("b.nii", "0.5"), "Dice of 1 is no number"),
        (entry("b.nii", 1.5), r"Dice of 1 is 1\.5, outside 0\.\.1"),
        (entry("a.nii"), "case a stands twice"),
    ],
)
def test_a_summary_with_a_damaged_case_is_refused(tmp_path: Path, wrong: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"summary\.json: .*{message}"):
        read_stored_run(summary(tmp_path, entry("a.nii"), wrong))
