"""Cells that stay harmless, and strict JSON."""

import csv
import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segeval.errors import ConfigError
from segeval.results import Table, csv_tables
from segeval.results.csv_tables import cell, jsonable, write_csv, write_json_atomically
from segeval.results.table import RowsOfColumns


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (math.nan, ""),
        (np.float64("nan"), ""),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (np.float32("-inf"), "-inf"),
        (-1.5, "-1.5"),
        (0.1, "0.1"),
        (1 / 3, "0.3333333333333333"),
        (1.0, "1.0"),
        (1e-300, "1e-300"),
        (np.float64(0.1), "0.1"),
        (7, "7"),
        (-7, "-7"),
        (2**63, "9223372036854775808"),
        (np.int64(-7), "-7"),
        (np.uint8(255), "255"),
        (np.array(0.25), "0.25"),
        (True, "true"),
        (np.False_, "false"),
        ("", ""),
        ("liver (left)", "liver (left)"),
        ("1+2+3", "1+2+3"),
        ("größer 表", "größer 表"),
        (Path("a/b.nii.gz"), "a/b.nii.gz"),
    ],
)
def test_values_are_written_short_and_exact(value: Any, expected: str) -> None:
    assert cell(value) == expected


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_text_that_a_spreadsheet_would_run_is_made_harmless(start: str) -> None:
    assert cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"
    assert cell(start) == f"'{start}"
    assert cell(Path(f"{start}x")) == f"'{start}x"


def test_text_that_looks_like_a_number_is_still_text() -> None:
    assert cell("-1.5") == "'-1.5"
    assert cell("1.5") == "1.5"


@given(st.floats(allow_nan=False))
def test_every_float_is_read_back_exactly(value: float) -> None:
    assert float(cell(value)) == value


@settings(max_examples=50)
@given(st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=5), min_size=2, max_size=2), max_size=3))
def test_any_text_is_read_back(rows: list[list[str]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        write_csv(path, Table.of_rows(["a", "b"], rows))
        with path.open(encoding="utf-8", newline="") as file:
            read = list(csv.reader(file, strict=True))
    assert read == [["a", "b"], *([cell(one) for one in row] for row in rows)]


def test_a_csv_has_the_same_bytes_everywhere(tmp_path: Path) -> None:
    header = ["case", "class", "nsd(tolerance_mm=2)", "tversky_index(alpha=0.3,beta=0.7)"]
    rows = [["=1+1", 'a "b", c', 0.5, math.nan], ["line\nbreak", "cr\rhere", math.inf, -3], ["ü", None, True, ""]]
    write_csv(tmp_path / "scores.csv", Table.of_rows(header, rows))
    assert (tmp_path / "scores.csv").read_bytes().decode() == (
        'case,class,nsd(tolerance_mm=2),"tversky_index(alpha=0.3,beta=0.7)"\n'
        '\'=1+1,"a ""b"", c",0.5,\n'
        '"line\nbreak","cr\rhere",inf,-3\n'
        "ü,,true,\n"
    )


def test_columns_in_parts_have_the_text_of_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {
        "number": [0.5, -0.0, math.nan, math.inf, None, 1e-300, 3.0],
        "id": [3, 1, 2**70, 4, None, 5, 6],
        "text": ["liver", "=1+1", "a,b", 'a"b', "", "a\nb", "＋1"],
        "flag": [True, False, True, None, True, False, True],
    }
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    write_csv(tmp_path / "rows.csv", Table(columns=tuple(columns), rows=tuple(rows)))
    monkeypatch.setattr(csv_tables, "_AT_ONCE", 2)
    table = Table(columns=tuple(columns), rows=RowsOfColumns(columns=columns))
    write_csv(tmp_path / "columns.csv", table)
    assert (tmp_path / "columns.csv").read_bytes() == (tmp_path / "rows.csv").read_bytes()
    assert repr(table.records()) == repr(rows)
    expected = 'number,id,text,flag\n0.5,3,liver,true\n-0.0,1,\'=1+1,false\n,1180591620717411303424,"a,b",true\n'
    assert (tmp_path / "columns.csv").read_text().startswith(expected)


def test_a_csv_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"scores\.csv: cannot be written"):
        write_csv(tmp_path / "nowhere" / "scores.csv", Table(columns=("a",), rows=()))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (np.float32(0.5), 0.5),
        (np.float64("nan"), None),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array([[1.0, np.nan], [np.inf, 2.0]]), [[1.0, None], ["inf", 2.0]]),
        (np.array([], dtype=np.int64), []),
        ((1, [math.nan]), [1, [None]]),
        ({1: (Path("a/b"), None), "x": "nan"}, {"1": ["a/b", None], "x": "nan"}),
        ("text", "text"),
        (2**80, 2**80),
    ],
)
def test_values_become_types_of_json(value: Any, expected: Any) -> None:
    plain = jsonable(value)
    assert plain == expected
    assert type(plain) is type(expected)
    json.dumps(plain, allow_nan=False)


def test_json_is_strict_readable_and_ends_its_line(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_json_atomically(path, {"name": "größe", "values": np.array([np.nan, np.inf])})
    assert path.read_text(encoding="utf-8") == ('{\n  "name": "größe",\n  "values": [\n    null,\n    "inf"\n  ]\n}\n')
    write_json_atomically(path, {"a": [1, 2]}, indent=None)
    assert path.read_text() == '{"a": [1, 2]}\n'


def test_json_holds_a_name_that_is_no_utf_8(tmp_path: Path) -> None:
    name = b"\\caf\xe9".decode("utf-8", "surrogateescape")
    write_json_atomically(tmp_path / "run.json", [name])
    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8")) == [name]


def test_a_type_that_json_does_not_know_is_our_bug_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_json_atomically(tmp_path / "run.json", {"a": object()})
    assert list(tmp_path.iterdir()) == []
