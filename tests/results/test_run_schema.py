"""A `run.json` that is read is held against its schema, whatever form it was written in."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segeval
from segeval.errors import ConfigError
from segeval.results import csv_tables
from segeval.results.csv_tables import jsonable
from segeval.results.run_json import document_text, run_document
from segeval.results.run_schema import run_schema
from segeval.results.stored_runs import StoredRun, read_stored_run

LIVER = np.array([[1, 1, 0, 0], [1, 1, 2, 2]])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two cases: in `b` the second class is missed."""
    pred = {"a": LIVER, "b": np.where(LIVER == 2, 0, LIVER)}
    truth = {"a": LIVER, "b": LIVER}
    segeval.score(pred, truth, measures=["dice", "lr_positive", "pixel_accuracy"], out=str(tmp_path / "run"))
    return tmp_path / "run"


def document_of(run: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((run / "run.json").read_text())
    return document


def change(run: Path, how: Callable[[dict[str, Any]], object]) -> None:
    """Edit the stored document."""
    document = document_of(run)
    how(document)
    (run / "run.json").write_text(json.dumps(document))


def values_in(stored: StoredRun) -> dict[tuple[str, str], tuple[tuple[str, ...], list[str], str]]:
    return {
        (column.class_name, column.measure): (column.case_ids, list(map(str, column.values)), str(column.pooled))
        for column in stored.columns
    }


def test_rows_are_objects_by_column(run: Path) -> None:
    document = document_of(run)
    (dice,) = [row for row in document["summary"] if row["class"] == "2" and row["measure"] == "dice"]
    assert dice["mean"] == 0.5
    assert dice["pooled"] == pytest.approx(2 * 2 / (2 * 2 + 2))
    assert [row["lr_positive"] for row in document["scores"] if row["case"] == "a"] == ["inf", "inf"]


def test_a_run_of_the_old_form_is_read_alike(run: Path) -> None:
    new = read_stored_run(run)

    def as_version_1(document: dict[str, Any]) -> None:
        tables = {name: document.pop(name) for name in ("scores", "cases", "summary", "confusion")}
        document["tables"] = {
            name: {"columns": list(rows[0]), "rows": [list(row.values()) for row in rows]}
            for name, rows in tables.items()
        }
        document["schema_version"] = 1
        del document["written"]

    change(run, as_version_1)
    assert values_in(read_stored_run(run)) == values_in(new)


def test_columns_are_read_by_name_and_not_by_place(run: Path) -> None:
    before = values_in(read_stored_run(run))

    def turn(document: dict[str, Any]) -> None:
        for name in ("scores", "cases", "summary"):
            document[name] = [dict(reversed(row.items())) for row in document[name]]

    change(run, turn)
    assert values_in(read_stored_run(run)) == before


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda run: run.update(schema_version=3), "schema_version 3 is unknown: this segeval reads 1 and 2"),
        (lambda run: run.update(schema_version=True), "schema_version True is unknown"),
        (lambda run: run.update(schema_version=1), "its tables are damaged"),
        (lambda run: run.update(complete="no"), "complete: input should be a valid boolean"),
        (lambda run: run.update(complete=1), "complete: input should be a valid boolean"),
        (lambda run: run.pop("scores"), "scores: field required"),
        (lambda run: run.pop("plan"), "plan: field required"),
        (lambda run: run["scores"][0].pop("case"), r"scores\.0\.case: field required"),
        (lambda run: run["scores"][0].update(status="fine"), r"scores\.0\.status: input should be 'ok'"),
        (lambda run: run["scores"][0].update(tp=-1), r"scores\.0\.tp: input should be greater than or equal to 0"),
        (lambda run: run["scores"][0].update(tp="4"), r"scores\.0\.tp: input should be a valid integer"),
        (lambda run: run["scores"][0].update(dice="0.9"), r"scores\.0\.dice"),
        (lambda run: run["scores"][0].update(dice=True), r"scores\.0\.dice"),
        (lambda run: run["scores"][0].update(dice=1.5), "dice of a is 1.5, and it lies between 0 and 1"),
        (lambda run: run["cases"][0].update(pixel_accuracy=-0.1), "pixel_accuracy of a is -0.1"),
        (lambda run: run["scores"].append(copy.copy(run["scores"][0])), "scores has two rows of a and 1"),
        (lambda run: run["cases"].append(copy.copy(run["cases"][0])), "cases has two rows of a"),
        (lambda run: run["summary"].append(copy.copy(run["summary"][0])), "summary has two rows of 1 and dice"),
        (lambda run: run["definitions"].update(dice=3), r"definitions\.dice"),
    ],
)
def test_a_run_that_was_edited_is_refused(run: Path, how: Callable[[dict[str, Any]], object], message: str) -> None:
    change(run, how)
    with pytest.raises(ConfigError, match=rf"run\.json: .*{message}.*(Score again|score again)"):
        read_stored_run(run)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON in UTF-8"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "no JSON in UTF-8"),
        ("[1]", "neither the run.json of `segeval score` nor a summary.json"),
        ("\udcff", "no JSON in UTF-8"),
    ],
)
def test_what_is_no_run_is_told(run: Path, text: str, message: str) -> None:
    (run / "run.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ConfigError, match=message):
        read_stored_run(run)


def test_a_table_that_was_changed_after_the_run_is_doubted(run: Path) -> None:
    assert read_stored_run(run).doubts == ()
    scores = run / "scores.csv"
    scores.write_text(scores.read_text().replace("0.0", "1.0"))
    stored = read_stored_run(run)
    assert not stored.complete
    assert stored.doubts == ("scores.csv was changed after the run, or is of another one",)
    scores.unlink()
    assert read_stored_run(run).complete, "run.json alone is whole"


def test_a_folder_with_the_journal_of_another_run_is_doubted(run: Path) -> None:
    (run / ".segeval-journal.jsonl").touch()
    stored = read_stored_run(run)
    assert not stored.complete
    assert stored.doubts == ("another run into its folder is at work or was killed, so its tables may be of two runs",)


def test_the_schema_describes_what_is_written(run: Path) -> None:
    schema, document = run_schema(), document_of(run)
    assert set(schema["required"]) <= set(document)
    described = schema["$defs"]["ScoreRow"]
    assert set(described["required"]) <= set(document["scores"][0])
    assert described["additionalProperties"] != False  # noqa: E712  # measures are further columns


def test_a_document_is_the_same_text_in_a_file_and_on_screen() -> None:
    results = segeval.score({"a": LIVER}, {"a": LIVER}, measures=["dice"])
    read = json.loads("".join(document_text(run_document(results))))
    assert {name: read[name] for name in results.tables} == {
        name: jsonable(table.records()) for name, table in results.tables.items()
    }
    assert list(results.to_pandas("summary").columns) == list(read["summary"][0])


def test_a_document_in_parts_is_the_same_text(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = dict.fromkeys("abcde", LIVER)
    document = run_document(segeval.score(cases, cases, measures=["dice"]))
    whole = "".join(document_text(document))
    monkeypatch.setattr(csv_tables, "_AT_ONCE", 2)
    parts = list(document_text(document))
    assert len(parts) > 3 * len(document["scores"].rows) // 2
    assert "".join(parts) == whole


def test_two_ids_of_one_name_keep_their_columns_apart() -> None:
    mask = np.array([[5, 3, 0, 0]])
    results = segeval.score({"a": mask}, {"a": mask}, measures=["dice"], labels={3: "5"})
    table = results.tables["confusion"]
    assert table.columns == ("truth", "pred background", "pred 5", "pred 5 (id 5)")
