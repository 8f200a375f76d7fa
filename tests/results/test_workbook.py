"""`--format xlsx` and `--format parquet`: the tables, read back by other libraries."""

import math
from pathlib import Path

import numpy as np
import pytest

import segeval
from segeval.results import formats
from segeval.results.table import Table

TRUTH = np.array([[1, 1, 0, 0], [0, 0, 2, 2]])
PRED = np.array([[1, 0, 0, 0], [0, 0, 0, 0]])


def scored(out: Path, *names: str) -> segeval.Results:
    return segeval.score(
        {"=1+1": PRED},
        {"=1+1": TRUTH},
        labels={1: "liver", 2: "spleen"},
        measures=["dice", "hd95", "precision"],
        spacing=(1.0, 1.0),
        out=out,
        format=names,
    )


def test_a_workbook_has_a_sheet_per_table_with_the_same_cells(tmp_path: Path) -> None:
    pytest.importorskip("xlsxwriter")
    openpyxl = pytest.importorskip("openpyxl")
    results = scored(tmp_path / "out", "xlsx")
    book = openpyxl.load_workbook(tmp_path / "out" / "results.xlsx")
    assert book.sheetnames == ["scores", "cases", "summary", "confusion"]
    sheet = book["scores"]
    assert sheet.freeze_panes == "A2"
    header, liver, spleen = ({cell.column: cell for cell in row} for row in sheet.iter_rows())
    at = {cell.value: column for column, cell in header.items()}
    assert liver[at["dice"]].value == 2 / 3
    assert liver[at["case"]].value == "=1+1"
    assert liver[at["case"]].data_type == "s"  # text, no formula
    assert spleen[at["hd95"]].value == "inf"
    assert spleen[at["precision"]].value is None
    assert results["dice", "liver"].mean == 2 / 3
    rules = {str(area.sqref): rule.type for area in sheet.conditional_formatting for rule in area.rules}
    letter = liver[at["dice"]].column_letter
    assert rules[f"{letter}2:{letter}3"] == "colorScale"


def test_the_same_results_make_the_same_workbook(tmp_path: Path) -> None:
    pytest.importorskip("xlsxwriter")
    for name in ("a", "b"):
        scored(tmp_path / name, "xlsx")
    first, second = ((tmp_path / name / "results.xlsx").read_bytes() for name in ("a", "b"))
    assert first == second


def test_a_table_longer_than_a_sheet_goes_on_in_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xlsxwriter")
    openpyxl = pytest.importorskip("openpyxl")
    monkeypatch.setattr(formats, "SHEET_ROWS", 1)
    scored(tmp_path / "out", "xlsx")
    book = openpyxl.load_workbook(tmp_path / "out" / "results.xlsx")
    assert [name for name in book.sheetnames if name.startswith("scores")] == ["scores", "scores (2)"]
    assert [sheet.max_row for sheet in (book["scores"], book["scores (2)"])] == [2, 2]


def test_parquet_has_the_types_of_the_columns(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    scored(tmp_path / "out", "parquet")
    table = parquet.read_table(tmp_path / "out" / "scores.parquet")
    kinds = {name: str(kind) for name, kind in zip(table.schema.names, table.schema.types, strict=True)}
    assert (kinds["case"], kinds["tp"], kinds["dice"]) == ("string", "int64", "double")
    liver, spleen = table.to_pylist()
    assert (liver["dice"], spleen["hd95"], spleen["precision"]) == (2 / 3, math.inf, None)
    assert sorted(path.stem for path in (tmp_path / "out").glob("*.parquet")) == [
        *("cases", "confusion", "scores", "summary")
    ]


def test_an_empty_table_is_written(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    formats.write_parquet(Table(columns=("case", "dice"), rows=()), tmp_path / "a.parquet")
    assert parquet.read_table(tmp_path / "a.parquet").num_rows == 0


@pytest.mark.parametrize("name", ["xlsx", "parquet"])
def test_a_missing_package_is_told_before_anything_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def absent(wanted: str) -> None:
        raise ModuleNotFoundError(f"No module named {wanted!r}", name=wanted)

    monkeypatch.setattr(formats, "import_module", absent)
    with pytest.raises(segeval.ConfigError, match=rf"segeval-masks\[{name}\]"):
        scored(tmp_path / "out", name)
    assert not (tmp_path / "out").exists()
