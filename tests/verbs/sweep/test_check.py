"""Rows of metrics that cannot be right."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segeval.errors import ConfigError, DataError
from segeval.evidence.overlap.counts import Counts
from segeval.metrics.overlap import dice, f2, iou, precision, sensitivity
from segeval.verbs.sweep import papers
from segeval.verbs.sweep.check_table import CheckedRow, Rounded, check_file, findings
from segeval.verbs.sweep.papers import PaperTable
from segeval.verbs.sweep.sheet import markdown
from tests.conftest import golden

WORKED = golden("sweep")
FORMULAS = {"dsc": dice, "sensitivity": sensitivity, "precision": precision, "f2": f2, "iou": iou}


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def checked(*, pooled: bool = False, **values: float) -> list[str]:
    row = CheckedRow(
        name="row", values={name: Rounded(low=one, high=one) for name, one in values.items()}, pooled=pooled
    )
    return findings([row])


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=8))
def test_no_true_table_is_accused(cases: list[tuple[int, int, int]]) -> None:
    import numpy as np

    tp, fp, fn = np.array(cases).T
    of_cases = Counts(tp=tp, fp=fp, fn=fn, tn=tp * 0 + 9)
    means = {name: float(np.mean(formula(of_cases))) for name, formula in FORMULAS.items()}
    assert not checked(**means)
    pooled = Counts(tp=tp.sum(), fp=fp.sum(), fn=fn.sum(), tn=np.int64(9))
    assert not checked(pooled=True, **{name: float(formula(pooled)) for name, formula in FORMULAS.items()})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"dsc": 0.9, "sensitivity": 0.7}, "Dice 0.9 is above 0.8235, the most that a sensitivity of 0.7 allows"),
        ({"dsc": 0.9, "precision": 0.7}, "a precision of 0.7"),
        ({"dsc": 0.6, "iou": 0.3}, "IoU 0.3 is below 0.4286"),
        ({"dsc": 0.6, "iou": 0.7}, "above Dice"),
        ({"dsc": 1.2}, "outside 0 to 1"),
        ({"f2": -0.1}, "outside 0 to 1"),
    ],
)
def test_a_wrong_row_is_named(values: dict[str, float], said: str) -> None:
    assert said in checked(**values)[0]


def test_identities_hold_for_pooled_counts_only() -> None:
    values = {"dsc": 0.5642, "sensitivity": 0.5685, "f2": 0.5732, "iou": 0.41}
    assert not checked(**values)
    assert len(checked(pooled=True, **values)) == 2


@pytest.mark.parametrize("beta", ["0.5", "0.6", "0.7", "0.8", "0.9"])
def test_no_row_of_the_tversky_paper_is_of_pooled_counts(beta: str, tmp_path: Path) -> None:
    row = next(row for row in papers.TVERSKY.rows if row[0].endswith(f"β = {beta}"))
    text = "DSC,Sensitivity,F2 score\n" + ",".join((row[1], row[2], row[4]))
    found = check_file(written(tmp_path / "table.csv", text), pooled=True)
    assert f"{WORKED[f'table.tversky.pooled_f2.b{beta}'] / 100:.4g}" in found[0]


def of_paper(table: PaperTable, folder: Path) -> list[str]:
    return check_file(written(folder / "table.md", markdown(table.sheet)))


def test_the_tversky_paper_passes(tmp_path: Path) -> None:
    assert of_paper(papers.TVERSKY, tmp_path) == []


def test_one_row_of_the_survey_cannot_be_right(tmp_path: Path) -> None:
    (found,) = of_paper(papers.SKULL, tmp_path)
    assert found.startswith("row 9 (Log-Cosh Dice Loss): Dice 0.989 is above 0.9876")


def test_rounding_accuses_nobody(tmp_path: Path) -> None:
    exact = written(tmp_path / "a.csv", "Dice,Recall\n0.8240,0.7000\n")
    rounded = written(tmp_path / "b.csv", "Dice,Recall\n0.824,0.70\n")
    assert check_file(exact)
    assert not check_file(rounded)


def test_a_table_says_itself_whether_it_is_pooled(tmp_path: Path) -> None:
    text = "alpha,dsc,iou,averaging\n0.5,0.600,0.500,{}\n"
    assert check_file(written(tmp_path / "a.csv", text.format("pooled")))
    assert not check_file(written(tmp_path / "b.csv", text.format("case")))


def test_fractions_beside_per_cent_are_found(tmp_path: Path) -> None:
    found = check_file(written(tmp_path / "a.csv", "Dice,Sensitivity\n56.4,0.57\n46.4,0.66\n"))
    assert "fractions beside columns in per cent" in found[0]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "| a | b |\n| --- | --- |\n"])
def test_a_file_without_metrics_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column of metrics"):
        check_file(written(tmp_path / "a.csv", text))


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read as text"):
        check_file(tmp_path / "a.csv")
    with pytest.raises(ConfigError, match="no such file"):
        check_file(tmp_path / "b.csv")
